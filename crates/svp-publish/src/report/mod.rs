//! `report.html`: one file that works offline, with a map, a week, bars and lines as inline SVG and tables.

mod classes;
mod facets;
mod findings;
mod heat;
mod lines;
mod map;
mod plane;
mod table;
pub(crate) mod templates;

use bytes::Bytes;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use svp_contract::as_i64;

use self::facets::Facet;
use crate::error::PublishError;
use crate::format::{self, NOT_APPLICABLE, NOT_AVAILABLE, SUPPRESSED};
use crate::frame::Frame;
use crate::geometry::Ground;
use crate::model::{Chart, Content, Figure, Outlines, PublishedTable, ReleaseMeta};
use crate::readme;

/// Most charts that one table is split into.
const MOST_CHARTS: usize = 4;

/// One table as the report shows it.
#[derive(Debug, Serialize)]
struct Section<'a> {
    name: &'a str,
    title: &'a str,
    subtitle: &'a str,
    description: &'a str,
    definition: Option<String>,
    stand_in: Option<&'a str>,
    not_available: Option<String>,
    finding: Option<String>,
    charts: Vec<ChartView>,
    charts_left_out: usize,
    table: Option<table::TableView>,
    tabs: bool,
    disclosure: Option<Disclosure>,
    notes: &'a [String],
    files: Vec<String>,
}

/// One chart: what sets it apart and one of the four drawings.
#[derive(Debug, Serialize)]
struct ChartView {
    id: String,
    label: String,
    finding: Option<String>,
    map: Option<map::MapView>,
    heat: Option<heat::HeatView>,
    bars: Option<lines::BarView>,
    line: Option<lines::LineView>,
}

/// What disclosure control did to one table, in words.
#[derive(Debug, Serialize)]
struct Disclosure {
    policy: String,
    reason: String,
    cells: String,
    suppressed: String,
    rounded: String,
    sentence: String,
    any: bool,
}

/// One source with its numbers written out.
#[derive(Debug, Serialize)]
struct SourceRow<'a> {
    title: &'a str,
    agency: String,
    controller: &'a str,
    period: String,
    extract_note: &'a str,
    lawful_basis: &'a str,
    disclosure_rule: &'a str,
    files: String,
    rows_read: String,
    accepted: String,
    quarantined: String,
    duplicate: String,
    adds_up: bool,
}

/// Writes the report.
pub(crate) fn write(
    meta: &ReleaseMeta,
    tables: &[PublishedTable],
    frames: &[Option<Frame<'_>>],
    grounds: &[Option<Ground>],
    outlines: &[Outlines],
) -> Result<Bytes, PublishError> {
    let mut results = Vec::with_capacity(tables.len());
    for ((table, frame), ground) in tables.iter().zip(frames).zip(grounds) {
        results.push(result(meta, table, frame.as_ref(), ground.as_ref(), outlines)?);
    }
    let figures = findings::key_figures(meta, frames, grounds)?;
    let sources: Vec<SourceRow<'_>> = meta.sources.iter().map(source).collect();
    let mut linkage = Vec::new();
    flatten("", &meta.linkage, &mut linkage);
    let page = templates::render(
        "report.html",
        context! {
            meta => Serde(meta),
            period => period(&meta.period_from, &meta.period_to),
            made => clock(&meta.clock),
            stand_ins => Serde(meta.definitions.iter().filter(|d| d.stand_in).collect::<Vec<_>>()),
            results => Serde(results),
            figures => Serde(figures),
            sources => Serde(sources),
            linkage => Serde(linkage),
            suppressed => SUPPRESSED,
            not_available => NOT_AVAILABLE,
            not_applicable => NOT_APPLICABLE,
        },
    )?;
    Ok(Bytes::from(page))
}

fn result<'a>(
    meta: &ReleaseMeta,
    table: &'a PublishedTable,
    frame: Option<&Frame<'_>>,
    ground: Option<&Ground>,
    outlines: &[Outlines],
) -> Result<Section<'a>, PublishError> {
    let definition = table.definition.as_ref().map(|name| {
        let line = meta.definitions.iter().find(|d| d.name == *name);
        line.map_or_else(|| name.clone(), |d| format!("{} (version {})", d.title, d.version))
    });
    let mut out = Section {
        name: &table.name,
        title: &table.title,
        subtitle: &table.subtitle,
        description: &table.description,
        definition,
        stand_in: table.stand_in_label.as_deref(),
        not_available: None,
        finding: None,
        charts: Vec::new(),
        charts_left_out: 0,
        table: None,
        tabs: false,
        disclosure: None,
        notes: &table.notes,
        files: Vec::new(),
    };
    let Some(frame) = frame else {
        if let Content::NotAvailable(reason) = &table.content {
            out.not_available = Some(format::capital(reason));
        }
        return Ok(out);
    };
    let split = match &table.chart {
        Chart::None => Vec::new(),
        Chart::Map { .. } => match ground {
            Some(ground) => facets::facets(frame, ground.column),
            None => Vec::new(),
        },
        Chart::HourOfWeek { hour: x, .. } | Chart::Bar { x, .. } | Chart::Line { x, .. } => {
            facets::facets(frame, frame.require(x)?)
        }
    };
    out.charts_left_out = split.len().saturating_sub(MOST_CHARTS);
    for (number, facet) in split.iter().take(MOST_CHARTS).enumerate() {
        out.charts.push(chart(frame, ground, facet, number, outlines)?);
    }
    // One chart: its sentence leads the section instead of standing beside the drawing.
    if let [only] = out.charts.as_mut_slice() {
        out.finding = only.finding.take();
    }
    let shown = table::view(frame, ground);
    out.tabs = !out.charts.is_empty() && frame.rows > 12;
    out.table = Some(shown);
    out.disclosure = Some(disclosure(frame));
    out.files = table.data_files();
    Ok(out)
}

fn chart(
    frame: &Frame<'_>,
    ground: Option<&Ground>,
    facet: &Facet,
    number: usize,
    outlines: &[Outlines],
) -> Result<ChartView, PublishError> {
    let mut view = ChartView {
        id: format!("{}-{}", frame.table.name, number + 1),
        label: facet.label.clone(),
        finding: findings::sentence(frame, facet, ground)?,
        map: None,
        heat: None,
        bars: None,
        line: None,
    };
    let rows = &facet.rows;
    match &frame.table.chart {
        Chart::None => {}
        Chart::Map { value } => {
            let value = frame.require(value)?;
            view.map = ground.and_then(|g| map::view(frame, g, rows, value, outlines));
        }
        Chart::HourOfWeek { hour, value } => {
            let (hour, value) = (frame.require(hour)?, frame.require(value)?);
            view.heat = Some(heat::view(frame, rows, hour, value));
        }
        Chart::Bar { x, value } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            view.bars = Some(lines::bars(frame, rows, x, value));
        }
        Chart::Line { x, value, breaks } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            let breaks = lines::breaks(frame, breaks.as_deref())?;
            view.line = Some(lines::line(frame, rows, x, value, &breaks));
        }
    }
    Ok(view)
}

fn disclosure(frame: &Frame<'_>) -> Disclosure {
    let summary = frame.summary;
    let written = |value: u64| format::whole(as_i64(value));
    let sentence = if summary.cells == 0 {
        "There is no count in this table.".to_string()
    } else {
        let mut text = format!(
            "{} of {} counts {} suppressed",
            written(summary.suppressed),
            written(summary.cells),
            if summary.suppressed == 1 { "is" } else { "are" }
        );
        if summary.policy.round_to > 1 {
            text.push_str(&format!(" and {} rounded", written(summary.rounded)));
        }
        text.push('.');
        text
    };
    Disclosure {
        policy: readme::policy(frame),
        reason: summary.policy.reason(),
        cells: written(summary.cells),
        suppressed: written(summary.suppressed),
        rounded: written(summary.rounded),
        any: summary.suppressed > 0,
        sentence,
    }
}

fn source(line: &crate::model::SourceLine) -> SourceRow<'_> {
    let written = |value: u64| format::whole(as_i64(value));
    let told = |figure: Figure| figure.0.map_or_else(|| format::SUPPRESSED.to_owned(), written);
    SourceRow {
        title: &line.title,
        agency: format::capital(&line.agency.replace('_', " ")),
        controller: &line.controller,
        period: covered(line),
        extract_note: &line.extract_note,
        lawful_basis: &line.lawful_basis,
        disclosure_rule: &line.disclosure_rule,
        files: written(line.files),
        rows_read: told(line.rows_read),
        accepted: told(line.accepted),
        quarantined: told(line.quarantined),
        duplicate: told(line.duplicate),
        adds_up: line.adds_up,
    }
}

/// The months that a source covers, and those of the period that it does not.
fn covered(line: &crate::model::SourceLine) -> String {
    let mut out = if line.first_month.is_empty() && line.last_month.is_empty() {
        NOT_AVAILABLE.to_string()
    } else {
        period(&line.first_month, &line.last_month)
    };
    if line.months_inferred {
        out.push_str(" (as the rows say: no name of a file does)");
    }
    for (at, gap) in line.missing_months.iter().enumerate() {
        out.push_str(if at == 0 { "; not available: " } else { ", " });
        out.push_str(&period(&gap.from, &gap.to));
        if !gap.sender.is_empty() {
            out.push_str(&format!(" ({})", gap.sender));
        }
    }
    out
}

fn period(from: &str, to: &str) -> String {
    if from == to {
        return format::month(from);
    }
    format!("{} to {}", format::month(from), format::month(to))
}

/// `2026-11-22T04:20:36Z` → `2026-11-22 04:20 UTC`; any other text stays.
fn clock(text: &str) -> String {
    match text.split_once('T') {
        Some((day, time)) if time.len() >= 5 && time.is_char_boundary(5) => {
            format!("{day} {} UTC", &time[..5])
        }
        _ => text.to_string(),
    }
}

/// Turns nested figures into lines of a name and a value.
fn flatten(path: &str, value: &serde_json::Value, out: &mut Vec<(String, String)>) {
    use serde_json::Value;
    let below = |key: &str| {
        let key = key.replace('_', " ");
        if path.is_empty() { format::capital(&key) } else { format!("{path}: {key}") }
    };
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&below(key), value, out);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let named = item.get("name").and_then(Value::as_str);
                let key = named.map_or_else(|| (position + 1).to_string(), str::to_string);
                flatten(&below(&key), item, out);
            }
        }
        Value::Number(number) => out.push((
            path.to_string(),
            match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => format::whole(whole),
                (None, Some(other)) => format::decimal(other, 3),
                _ => number.to_string(),
            },
        )),
        Value::Bool(flag) => out.push((path.to_string(), if *flag { "yes" } else { "no" }.into())),
        Value::String(text) => out.push((path.to_string(), text.clone())),
    }
}

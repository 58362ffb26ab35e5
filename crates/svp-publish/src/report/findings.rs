//! What a chart says, in one sentence; and the key figures. Computed from disclosed values only.

use serde::Serialize;

use super::facets::{Facet, facets};
use super::{heat, lines};
use crate::error::PublishError;
use crate::format;
use crate::frame::{Cell, Frame, Role};
use crate::geometry::Ground;
use crate::model::{Chart, ReleaseMeta};

/// Most key figures under one definition.
const MOST: usize = 8;

/// Key figures of one definition.
#[derive(Debug, Serialize)]
pub(crate) struct KeyFigures {
    title: String,
    stand_in: bool,
    figures: Vec<Figure>,
}

/// One key figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    value: String,
    label: String,
    table: String,
    anchor: String,
}

/// The highest shown value among rows and its row; the earliest row if several tie.
fn highest(frame: &Frame<'_>, rows: &[usize], value: usize) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64)> = None;
    for row in rows {
        if let Some(number) = frame.cells(value)[*row].number()
            && best.is_none_or(|(_, most)| number > most)
        {
            best = Some((*row, number));
        }
    }
    best
}

/// The rows that are places: what merging left of a larger cell is none to point at.
fn whole(rows: &[usize], ground: Option<&Ground>) -> Vec<usize> {
    rows.iter().copied().filter(|row| ground.is_none_or(|ground| !ground.rests[*row])).collect()
}

fn show(frame: &Frame<'_>, row: usize, column: usize) -> String {
    let c = &frame.columns[column];
    format::cell(&c.cells[row], c.header.as_ref(), c.role == Role::Grain)
}

/// The sentence of a chart, if there is anything to say.
pub(crate) fn sentence(
    frame: &Frame<'_>,
    facet: &Facet,
    ground: Option<&Ground>,
) -> Result<Option<String>, PublishError> {
    let rows = &facet.rows;
    Ok(match &frame.table.chart {
        Chart::None => None,
        Chart::HourOfWeek { hour, value } => heat::finding(frame, rows, frame.require(hour)?, frame.require(value)?),
        Chart::Map { value } => {
            let value = frame.require(value)?;
            let withheld = count(frame, rows, value, &Cell::Suppressed);
            highest(frame, &whole(rows, ground), value).map(|(row, _)| {
                let id = ground.map_or_else(String::new, |ground| match &ground.names[row] {
                    Some(name) if ground.cell_size.is_none() => format!(" in {name}"),
                    Some(name) => {
                        format!(", in {name}, cell {}", show(frame, row, ground.column))
                    }
                    None => format!(", in cell {}", show(frame, row, ground.column)),
                });
                let mut text = format!("The highest value shown is {}{id}.", show(frame, row, value));
                if frame.columns[value].role == Role::Count
                    && let Some(share) = top_share(frame, rows, value)
                {
                    text.push_str(&share);
                }
                if withheld > 0 {
                    text.push_str(&format!(" {} suppressed.", format::counted(withheld, "place is", "places are")));
                }
                text
            })
        }
        Chart::Bar { x, value } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            highest(frame, rows, value)
                .map(|(row, _)| format!("Highest: {} ({}).", show(frame, row, x), show(frame, row, value)))
        }
        Chart::Line { x, value, breaks } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            let breaks = lines::breaks(frame, breaks.as_deref())?;
            let has = |row: &usize| frame.cells(value)[*row].number().is_some();
            let gaps = rows.iter().filter(|row| !has(row)).count();
            // What cannot be compared is no end of a comparison, and not the highest of it.
            let shown: Vec<usize> = rows.iter().copied().filter(|row| has(row) && breaks[*row].is_none()).collect();
            let broken = rows.iter().filter(|row| has(row) && breaks[**row].is_some()).count();
            shown.first().zip(shown.last()).filter(|(a, b)| a != b).map(|(first, last)| {
                let mut text = format!(
                    "From {} in {} to {} in {}",
                    show(frame, *first, value),
                    show(frame, *first, x),
                    show(frame, *last, value),
                    show(frame, *last, x)
                );
                if let Some((row, _)) = highest(frame, &shown, value) {
                    text.push_str(&format!("; the highest is {} in {}", show(frame, row, value), show(frame, row, x)));
                }
                text.push('.');
                if broken > 0 {
                    text.push_str(&format!(
                        " {} shaded in the chart and not compared.",
                        format::counted(
                            broken,
                            "value with a break in recording is",
                            "values with a break in recording are"
                        )
                    ));
                }
                if gaps > 0 {
                    text.push_str(&format!(
                        " {} suppressed or not available and left open in the line.",
                        format::counted(gaps, "value is", "values are")
                    ));
                }
                text
            })
        }
    })
}

/// How much of what is shown lies in the ten highest places.
fn top_share(frame: &Frame<'_>, rows: &[usize], value: usize) -> Option<String> {
    let mut shown: Vec<f64> = rows.iter().filter_map(|row| frame.cells(value)[*row].number()).collect();
    if shown.len() <= 20 {
        return None;
    }
    shown.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = shown.iter().sum();
    let top: f64 = shown.iter().take(10).sum();
    (all > 0.0).then(|| {
        format!(
            " The 10 highest of the {} places with a value hold {}% of what is shown.",
            format::many(shown.len()),
            format::decimal(100.0 * top / all, 0)
        )
    })
}

fn count(frame: &Frame<'_>, rows: &[usize], column: usize, wanted: &Cell) -> usize {
    rows.iter().filter(|row| frame.cells(column)[**row] == *wanted).count()
}

/// Key figures by definition, in the order of the definitions; tables without one come last.
pub(crate) fn key_figures(
    meta: &ReleaseMeta,
    frames: &[Option<Frame<'_>>],
    grounds: &[Option<Ground>],
) -> Result<Vec<KeyFigures>, PublishError> {
    let mut groups: Vec<(Option<&str>, KeyFigures)> = meta
        .definitions
        .iter()
        .map(|d| {
            let group = KeyFigures { title: d.title.clone(), stand_in: d.stand_in, figures: Vec::new() };
            (Some(d.name.as_str()), group)
        })
        .collect();
    groups.push((None, KeyFigures { title: "Other tables".to_string(), stand_in: false, figures: Vec::new() }));
    for (frame, ground) in frames.iter().zip(grounds) {
        let Some(frame) = frame else { continue };
        let definition = frame.table.definition.as_deref();
        let at = groups.iter().position(|(name, _)| *name == definition);
        let at = at.unwrap_or(groups.len() - 1);
        groups[at].1.figures.extend(figures(frame, ground.as_ref())?);
    }
    Ok(groups
        .into_iter()
        .map(|(_, mut group)| {
            group.figures.truncate(MOST);
            group
        })
        .filter(|group| !group.figures.is_empty())
        .collect())
}

fn figures(frame: &Frame<'_>, ground: Option<&Ground>) -> Result<Vec<Figure>, PublishError> {
    let make = |value: String, label: String| Figure {
        value,
        label,
        table: frame.table.title.clone(),
        anchor: frame.table.name.clone(),
    };
    if frame.rows == 1 {
        return Ok(frame
            .readable()
            .into_iter()
            .filter(|c| frame.columns[*c].role != Role::Grain)
            .map(|c| make(show(frame, 0, c), frame.title(c)))
            .collect());
    }
    let key = match &frame.table.chart {
        Chart::None => return Ok(Vec::new()),
        Chart::Map { .. } => ground.map(|g| g.column),
        Chart::HourOfWeek { hour: x, .. } | Chart::Bar { x, .. } | Chart::Line { x, .. } => Some(frame.require(x)?),
    };
    let Some(facet) = key.and_then(|key| facets(frame, key).into_iter().next()) else {
        return Ok(Vec::new());
    };
    let rows = &facet.rows;
    let suffix = if facet.label.is_empty() { String::new() } else { format!(" ({})", facet.label) };
    let figure = match &frame.table.chart {
        Chart::None => None,
        Chart::HourOfWeek { hour, value } => {
            let value = frame.require(value)?;
            heat::peak(frame, rows, frame.require(hour)?, value).map(|(name, most)| {
                make(
                    name,
                    format!(
                        "busiest hour of the week; {}: {}{suffix}",
                        frame.columns[value].header.as_ref().map_or("value", |h| h.title.as_str()),
                        format::label(most)
                    ),
                )
            })
        }
        Chart::Map { value } => {
            let value = frame.require(value)?;
            highest(frame, &whole(rows, ground), value).map(|(row, _)| {
                let cell = ground.is_some_and(|g| g.cell_size.is_some());
                let name = ground.and_then(|g| g.names[row].clone());
                let place = match (cell, name) {
                    (true, Some(name)) => format!("one cell in {name}"),
                    (false, Some(name)) => name,
                    _ => "one place".to_string(),
                };
                make(show(frame, row, value), format!("{}: highest shown, in {place}{suffix}", frame.title(value)))
            })
        }
        Chart::Bar { x, value } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            highest(frame, rows, value).map(|(row, _)| {
                make(
                    show(frame, row, value),
                    format!("{}: highest, {}{suffix}", frame.title(value), show(frame, row, x)),
                )
            })
        }
        Chart::Line { x, value, breaks } => {
            let (x, value) = (frame.require(x)?, frame.require(value)?);
            let breaks = lines::breaks(frame, breaks.as_deref())?;
            rows.iter().rev().find(|row| frame.cells(value)[**row].number().is_some()).map(|row| {
                let aside = if breaks[*row].is_some() { ", not comparable with other months" } else { "" };
                let label = format!("{} in {}{aside}{suffix}", frame.title(value), show(frame, *row, x));
                make(show(frame, *row, value), label)
            })
        }
    };
    Ok(figure.into_iter().collect())
}

//! From results to what a release says: tables with their headers, sources, definitions, receipts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use svp_analyse::{Content as Found, ObservedMonths, OutputResult};
use svp_contract::{Area, Output, Source, as_i64};
use svp_disclose::{Disclosure, Perturbation, Policy};
use svp_ingest::Receipt;
use svp_ingest::reference::ReferenceData;
use svp_link::LinkReport;
use svp_pseudonymise::Key;
use svp_publish::{Column, Content, DefinitionLine, Figure, Outlines, PublishedTable, ReleaseMeta, SourceLine};

use crate::names;
use crate::site::Site;
use crate::state::RunState;

/// What the analysis decided.
#[derive(Default)]
pub(crate) struct Decided {
    /// What is known of the months, by definition.
    pub(crate) months: BTreeMap<String, ObservedMonths>,
    pub(crate) results: Vec<OutputResult>,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) disclosure: Option<Disclosure>,
    /// Definitions that were edited since earlier releases, and these.
    pub(crate) edited: Vec<(String, Vec<String>)>,
}

/// One line for each source of some receipts: the rows read, and what became of them.
pub(crate) fn summary(receipts: &[Receipt]) -> Vec<String> {
    by_source(receipts)
        .into_iter()
        .map(|(source, list)| {
            let sum = |f: fn(&Receipt) -> u64| list.iter().map(|r| f(r)).sum::<u64>();
            let mut line = format!(
                "{source}: {} rows read = {} accepted + {} quarantined + {} duplicate",
                sum(|r| r.rows_read),
                sum(|r| r.accepted),
                sum(|r| r.quarantined),
                sum(|r| r.duplicate)
            );
            if sum(|r| r.superseded) > 0 {
                line.push_str(&format!(
                    "; {} rows superseded, {} records revised, {} unchanged",
                    sum(|r| r.superseded),
                    sum(|r| r.revised),
                    sum(|r| r.unchanged)
                ));
            }
            line
        })
        .collect()
}

/// The account of one file and feed, in lines: rows, rules, tables.
pub(crate) fn account(receipt: &Receipt) -> String {
    let mut out = format!(
        "{} feed {}: {} rows = {} accepted + {} quarantined + {} duplicate",
        receipt.file, receipt.feed, receipt.rows_read, receipt.accepted, receipt.quarantined, receipt.duplicate
    );
    if receipt.duplicate_differs > 0 {
        out.push_str(&format!(" ({} of them differ)", receipt.duplicate_differs));
    }
    for (rule, count) in &receipt.rules {
        out.push_str(&format!("\n  rule {rule}:"));
        for (what, n) in [("quarantined", count.quarantined), ("blanked", count.blanked), ("noted", count.noted)] {
            if n > 0 {
                out.push_str(&format!(" {n} {what}"));
            }
        }
    }
    let written: Vec<String> = receipt.written.iter().map(|(table, n)| format!("{n} {table}")).collect();
    if !written.is_empty() {
        out.push_str(&format!("\n  rows for tables: {}", written.join(", ")));
    }
    if let Some((first, last)) = &receipt.months {
        out.push_str(&format!("\n  months {first} to {last}"));
    }
    out
}

fn by_source(receipts: &[Receipt]) -> BTreeMap<&str, Vec<&Receipt>> {
    let mut out: BTreeMap<&str, Vec<&Receipt>> = BTreeMap::new();
    for r in receipts {
        out.entry(&r.source).or_default().push(r);
    }
    out
}

/// What the release says about itself.
#[allow(clippy::too_many_arguments)]
pub(crate) fn meta(
    site: &Site,
    area: &Area,
    state: &RunState,
    links: &LinkReport,
    policies: &BTreeMap<String, Policy>,
    release: &str,
    run: u64,
    clock: &str,
    key: &Key,
) -> ReleaseMeta {
    let mut sources = Vec::new();
    for (name, list) in by_source(&state.receipts) {
        let Some(source) = site.sources.get(name) else { continue };
        let source = &source.item;
        let files: BTreeSet<(&str, &str)> = list.iter().map(|r| (r.slot.as_str(), r.file.as_str())).collect();
        let months = list.iter().filter_map(|r| r.months.as_ref());
        let exact = Exact::of(&list);
        let told = |n: u64| Figure(receipt_figure(&audience_rule(site, area, source), n));
        let noted: u64 = list
            .iter()
            .flat_map(|r| &r.rules)
            .filter(|(at, _)| matches!(at.rule.as_str(), "outside_area" | "no_district"))
            .map(|(_, c)| c.noted)
            .sum();
        let note = match receipt_figure(&audience_rule(site, area, source), noted) {
            Some(0) => String::new(),
            Some(n) => format!("{n} rows lie outside the area: kept in the lake, left out of its outputs"),
            None => "a few rows ([c]) lie outside the area: kept in the lake, left out of its outputs".to_owned(),
        };
        sources.push(SourceLine {
            name: name.to_owned(),
            title: source.title.clone(),
            agency: source.agency.clone(),
            controller: source.law.controller.clone(),
            files: files.len() as u64,
            rows_read: told(exact.rows_read),
            accepted: told(exact.accepted),
            quarantined: told(exact.quarantined),
            duplicate: told(exact.duplicate),
            adds_up: exact.adds_up(),
            first_month: months.clone().map(|m| m.0.clone()).min().unwrap_or_default(),
            last_month: months.map(|m| m.1.clone()).max().unwrap_or_default(),
            missing_months: Vec::new(),
            months_inferred: false,
            extract_note: note,
            lawful_basis: source.law.lawful_basis.clone(),
            disclosure_rule: source.disclosure.rule.clone(),
        });
    }
    let definitions = area
        .definitions
        .iter()
        .filter_map(|name| site.definitions.get(name))
        .map(|d| DefinitionLine {
            name: d.item.name.clone(),
            version: d.item.version.clone(),
            title: d.item.title.clone(),
            stand_in: d.item.stand_in,
            description: d.item.description.clone(),
            source: d.item.source.clone(),
        })
        .collect();
    let policy: serde_json::Map<String, serde_json::Value> = policies
        .iter()
        .map(|(name, p)| {
            (name.clone(), json!({ "suppress_below": p.suppress_below, "round_to": p.round_to, "rule": p.reason() }))
        })
        .collect();
    let notes: Vec<String> = area
        .breaks
        .iter()
        .filter(|(month, _)| **month >= area.period.from && **month <= area.period.to)
        .map(|(month, what)| format!("{month}: {what}"))
        .collect();
    ReleaseMeta {
        release: release.to_owned(),
        title: format!("Serious violence in {}", area.title),
        area: area.name.clone(),
        area_title: area.title.clone(),
        period_from: area.period.from.to_string(),
        period_to: area.period.to.to_string(),
        audience: area.audience.clone(),
        run_number: run,
        clock: clock.to_owned(),
        svp_version: env!("CARGO_PKG_VERSION").to_owned(),
        sources,
        definitions,
        receipts: published_receipts(site, area, state, key),
        policy: policy.into(),
        linkage: published_linkage(site, area, state, links),
        attribution: area.attribution.clone(),
        quality_notes: notes,
    }
}

/// The small-number rule of a source.
pub(crate) fn rule(source: &Source) -> Policy {
    Policy::of_source(source)
}

/// The exact sums of the receipts of a source.
struct Exact {
    rows_read: u64,
    accepted: u64,
    quarantined: u64,
    duplicate: u64,
}

impl Exact {
    fn of(list: &[&Receipt]) -> Self {
        let sum = |f: fn(&Receipt) -> u64| list.iter().map(|r| f(r)).sum::<u64>();
        Self {
            rows_read: sum(|r| r.rows_read),
            accepted: sum(|r| r.accepted),
            quarantined: sum(|r| r.quarantined),
            duplicate: sum(|r| r.duplicate),
        }
    }

    fn adds_up(&self) -> bool {
        self.rows_read == self.accepted + self.quarantined + self.duplicate
    }
}

/// The small-number rule of a source for the audience of a release.
fn audience_rule(site: &Site, area: &Area, source: &Source) -> Policy {
    match site.policies.get(&area.audience) {
        Some(audience) => Policy::resolve([source], &audience.item, area.disclosure.as_ref()),
        None => rule(source),
    }
}

/// A count of rows of a receipt as a release may tell it; `None` where it is hidden. Where the rule hides small numbers and rounds
/// nothing, receipts are rounded to its threshold all the same: they add up, and two releases stand beside one another, so that an exact
/// one would give a hidden one away.
pub(crate) fn receipt_figure(rule: &Policy, rows: u64) -> Option<u64> {
    let step = if rule.protects() && rule.round_to <= 1 { rule.suppress_below } else { rule.round_to };
    let rule = Policy { round_to: step, ..rule.clone() };
    rule.shown(as_i64(rows)).map(|shown| u64::try_from(shown).unwrap_or_default())
}

/// Receipts as a release may carry them: sums by source under its small-number rule, and which files, by slot and keyed digest. The
/// receipt of one file of two rows would tell how many children went missing; exact ones stay in the lake (`quality/receipt`) and in
/// the review.
fn published_receipts(site: &Site, area: &Area, state: &RunState, key: &Key) -> serde_json::Value {
    let one = |(name, list): (&str, Vec<&Receipt>)| {
        let exact = Exact::of(&list);
        let source = site.sources.get(name)?;
        let rule = audience_rule(site, area, &source.item);
        let told = |n: u64| Figure(receipt_figure(&rule, n));
        let files: BTreeSet<String> = list.iter().map(|r| names::published(key, &r.slot, &r.file)).collect();
        Some(json!({
            "source": name,
            "files": files,
            "rows_read": told(exact.rows_read),
            "accepted": told(exact.accepted),
            "quarantined": told(exact.quarantined),
            "duplicate": told(exact.duplicate),
        }))
    };
    by_source(&state.receipts).into_iter().filter_map(one).collect()
}

/// The linkage as a release may tell it: counts of people under the strictest rule of all sources.
fn published_linkage(site: &Site, area: &Area, state: &RunState, links: &LinkReport) -> serde_json::Value {
    let sources = by_source(&state.receipts);
    let sources = sources.keys().filter_map(|name| site.sources.get(*name)).map(|s| &s.item);
    let strictest = match site.policies.get(&area.audience) {
        Some(audience) => Policy::resolve(sources, &audience.item, area.disclosure.as_ref()),
        None => Policy::strictest(&sources.map(rule).collect::<Vec<_>>()),
    };
    let shown = |count: u64| match strictest.shown(as_i64(count)) {
        Some(n) => json!(n),
        None => json!("[c]"),
    };
    let each = |counts: &BTreeMap<String, u64>| -> serde_json::Map<String, serde_json::Value> {
        counts.iter().map(|(kind, n)| (kind.clone(), shown(*n))).collect()
    };
    json!({
        "method": "Fellegi-Sunter on keyed encodings, weights learned without labels",
        "person_records": shown(links.records),
        "people": shown(links.people),
        "records_by_certainty": each(&links.linked_by),
        "expected_precision": share_of(&strictest, links.expected.0, links.expected_of.0),
        "expected_recall_of_candidates": share_of(&strictest, links.expected.1, links.expected_of.1),
    })
}

/// An estimated share as a release may tell it, to two places. Of few pairs it moves when one pair comes: it is hidden below twenty times
/// the threshold, above which one pair moves it by the last place at most.
fn share_of(rule: &Policy, share: f64, of: f64) -> serde_json::Value {
    const TIMES: f64 = 20.0;
    match rule.protects() && of < TIMES * rule.suppress_below as f64 {
        true => json!("[c]"),
        false => json!(rounded(share)),
    }
}

/// Two places: estimates, not counts.
fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

/// Results with the words of their headers.
pub(crate) fn tables(
    site: &Site,
    results: Vec<OutputResult>,
    months: &BTreeMap<String, ObservedMonths>,
) -> Vec<PublishedTable> {
    let mut out = Vec::new();
    for result in results {
        let Some(output) = site.outputs.get(&result.name.output) else { continue };
        let output = &output.item;
        let definition = site.definitions.get(&result.name.definition).map(|d| &d.item);
        let mut grain: Vec<Column> = output.grain.iter().map(|c| Column::new(&c.name, &c.title)).collect();
        grain.extend(output.attributes.iter().map(|c| Column::new(&c.name, &c.title)));
        if output.cell_column().is_some() {
            grain.push(Column::new(svp_disclose::MERGED, "Rest of a larger cell"));
        }
        out.push(PublishedTable {
            name: result.name.to_string(),
            title: match definition {
                Some(definition) => format!("{}: {}", output.title, definition.title),
                None => output.title.clone(),
            },
            subtitle: output.subtitle.clone(),
            description: output.description.clone(),
            definition: Some(result.name.definition.clone()),
            stand_in_label: definition.filter(|d| d.stand_in).map(|d| d.title.clone()),
            grain,
            counts: output.counts.iter().map(|c| Column::new(&c.name, &c.title)).collect(),
            derived: output.derived.iter().map(|d| Column::new(&d.name, &d.title).with_unit(&d.unit)).collect(),
            chart: output.chart.clone(),
            geometry: output.geometry.clone(),
            notes: notes(output, &result.content, months.get(&result.name.definition)),
            content: match result.content {
                Found::Table(table) => Content::Table(table),
                Found::NotAvailable(why) => Content::NotAvailable(why),
            },
        });
    }
    out
}

/// The header's notes, the error that perturbation adds, and the months that are not known.
fn notes(output: &Output, content: &Found, months: Option<&ObservedMonths>) -> Vec<String> {
    let mut out = output.notes.clone();
    if let Found::Table(table) = content {
        let policy = &table.summary().policy;
        let noise =
            policy.perturb.and_then(|p| Perturbation::new(p.max_change, p.variance, policy.suppress_below).ok());
        out.extend(noise.map(|n| n.describe()));
        out.extend(months.and_then(ObservedMonths::describe).map(|known| {
            format!("{known} Counts and rates of the whole period are of what was supplied, and lack the rest.")
        }));
    }
    out
}

/// Outlines of the area's own districts.
pub(crate) fn outlines(area: &Area, data: &ReferenceData) -> Vec<Outlines> {
    let shapes = data.layer("district");
    if shapes.is_empty() {
        return Vec::new();
    }
    let ours = shapes.iter().filter(|s| area.districts.iter().any(|d| d.code == s.code));
    vec![Outlines {
        layer: "district".to_owned(),
        areas: ours.map(|s| (s.code.clone(), s.name.clone(), s.shape.clone())).collect(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row more in a release moved the share of few pairs from 1 to 0.
    #[test]
    fn a_share_of_few_pairs_is_hidden() {
        let rule = Policy { suppress_below: 5, ..Policy::open("a threshold") };
        for (of, shown) in [(0.0, false), (1.0, false), (99.0, false), (100.0, true), (1_800.0, true)] {
            assert_eq!(share_of(&rule, 0.987, of), if shown { json!(0.99) } else { json!("[c]") }, "{of}");
        }
        assert_eq!(share_of(&Policy::open("open"), 1.0, 0.0), json!(1.0));
    }
}

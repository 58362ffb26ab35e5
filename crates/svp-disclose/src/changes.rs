//! What changed since earlier releases: too little of it is told by nobody hiding it cell by cell.
//!
//! A number that was printed and is a mark in the next release says that it changed by a few, and a 0 that becomes a mark says that
//! something came. Where all that came or went is fewer than may be told, such a mark says of one event where it lies. So a table
//! that changed by fewer than its threshold since it was last told is withheld: the one that stands in readers' hands says as much, and
//! the change is told when enough has gathered. Where no table changed by more, all of them are withheld: which of them changed would
//! say what kind of event it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcome::Inference;
use crate::prepare::Prepared;
use crate::relate::Table;

/// What readers are told in place of a table of which too little changed. It says of all of them the same.
const TOO_LITTLE: &str = "withheld: less changed since an earlier release than may be told; what that release says stands until more has changed";

/// Changes smaller than this are dust of sums of weights.
const DUST: f64 = 1e-6;

/// Withholds what changed too little since an earlier release to any of its readers. Tables that are `accepted` stay.
pub(crate) fn hold_small_changes(
    tables: &mut [Prepared],
    earlier: &[&Table],
    release: usize,
    accepted: &BTreeSet<String>,
) -> Vec<Inference> {
    // By earlier release: the table, how much it changed, and below what a change is small.
    let mut changes: BTreeMap<usize, Vec<(usize, f64, i64)>> = BTreeMap::new();
    for (t, table) in tables.iter().enumerate() {
        if !table.policy().protects() || table.withheld().is_some() || accepted.contains(table.name()) {
            continue;
        }
        let mut since: BTreeMap<usize, (f64, i64)> = BTreeMap::new();
        for fact in table.facts(release) {
            for before in earlier.iter().filter(|e| is_same(e, &fact)) {
                let (most, below) = since.entry(before.release).or_default();
                *most = most.max(change(before, &fact));
                *below = (*below).max(fact.suppress_below).max(before.suppress_below);
            }
        }
        for (before, (most, below)) in since {
            changes.entry(before).or_default().push((t, most, below));
        }
    }
    let small = |(_, change, below): &(usize, f64, i64)| *change > DUST && *change < *below as f64 - DUST;
    let mut held: BTreeSet<usize> = BTreeSet::new();
    for of_release in changes.values() {
        held.extend(of_release.iter().filter(|c| small(c)).map(|c| c.0));
        let any = of_release.iter().any(|(_, change, _)| *change > DUST);
        if any && of_release.iter().all(|c| small(c) || c.1 <= DUST) {
            held.extend((0..tables.len()).filter(|t| !accepted.contains(tables[*t].name())));
        }
    }
    let mut out = Vec::new();
    for t in held {
        let table = &mut tables[t];
        if table.policy().protects() && table.withheld().is_none() {
            table.withhold(TOO_LITTLE.to_owned());
            out.push(Inference {
                table: table.name().to_owned(),
                what: "what changed since an earlier release, by the marks of what had been printed".to_owned(),
                done: "withheld",
                against_earlier: true,
            });
        }
    }
    out
}

/// Whether a table of an earlier release is this one as it was then: of a period that has months in common with its own. A definition that
/// was edited since keeps its name.
fn is_same(before: &Table, now: &Table) -> bool {
    before.name == now.name
        && before.measure == now.measure
        && before.set.area_parts == now.set.area_parts
        && before.set.from <= now.set.to
        && now.set.from <= before.set.to
        && before.dims.iter().map(|d| &d.kind).eq(now.dims.iter().map(|d| &d.kind))
}

/// How many came and how many went, cell by cell; of a merged map, whose pieces change with it, as far as its sum says.
fn change(before: &Table, now: &Table) -> f64 {
    let (then, today) = (cells(before), cells(now));
    let keys: BTreeSet<&Vec<String>> = then.keys().chain(today.keys()).copied().collect();
    let gross: f64 = keys
        .into_iter()
        .filter_map(|key| {
            let of = |cells: &BTreeMap<&Vec<String>, Option<f64>>| cells.get(key).copied().unwrap_or(Some(0.0));
            Some((of(&today)? - of(&then)?).abs())
        })
        .sum();
    if !(before.merged || now.merged) || gross <= DUST {
        return gross;
    }
    let sum = |cells: &BTreeMap<&Vec<String>, Option<f64>>| cells.values().flatten().sum::<f64>();
    (sum(&today) - sum(&then)).abs().max(1.0)
}

/// The cells of a table that are no totals of others, by their members; `None` where nothing is known.
fn cells(table: &Table) -> BTreeMap<&Vec<String>, Option<f64>> {
    let is_total =
        |members: &[String]| table.dims.iter().zip(members).any(|(dim, member)| dim.total.as_ref() == Some(member));
    table.rows.iter().filter(|row| !is_total(&row.members)).map(|row| (&row.members, row.value)).collect()
}

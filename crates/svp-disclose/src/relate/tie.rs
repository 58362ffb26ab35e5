//! Declared sums: counts of one table that add up to a number of another, or are that number.
//!
//! A header says it once (`adds_to`, `same_as`), and it holds wherever both tables have the same coordinates: for the
//! whole area, by district, by month. What the parts leave out of the whole is latent: it is protected where it is small,
//! and an equation without it says that they leave out nothing.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::Tie;

use super::build::{Build, Provenance, latent, outside};
use super::node::{Key, Node};
use super::table::Table;
use crate::system::ProtectionInterval;

/// Weights of fractional counts are whole millionths, and their sums may be off by a few of them.
const DUST: f64 = 0.01;

/// Whether a table counts one of the parts.
pub(super) fn is_part(table: &Table, tie: &Tie) -> bool {
    tie.parts.contains(&table.measure) && table.set.universe == tie.universe
}

/// Whether a table counts the whole.
pub(super) fn is_whole(table: &Table, tie: &Tie) -> bool {
    table.measure == tie.whole.measure && table.set.universe == tie.whole.universe
}

/// Adds an equation for each coordinate at which a whole and some of its parts are known.
pub(super) fn relate(build: &mut Build<'_>) {
    for tie in build.ties.clone() {
        one(build, &tie);
    }
}

/// Nodes of one coordinate, by release.
type ByRelease = BTreeMap<usize, Vec<Node>>;

fn one(build: &mut Build<'_>, tie: &Tie) {
    // By coordinates, period, area, definition and data; the data are the same in two releases or the numbers need not be.
    let mut wholes: BTreeMap<Key, ByRelease> = BTreeMap::new();
    let mut parts: BTreeMap<Key, BTreeMap<(&str, usize), Node>> = BTreeMap::new();
    for (key, node) in build.nodes.all() {
        let bare = |at| Key { at, measure: String::new(), universe: String::new(), release: 0, ..key.clone() };
        if key.measure == tie.whole.measure && key.universe == tie.whole.universe {
            let mut at = key.at.clone();
            let mut fixed = tie.whole.at.iter();
            if fixed.all(|(kind, members)| at.remove(kind).is_some_and(|m| members.contains(&m))) {
                wholes.entry(bare(at)).or_default().entry(key.release).or_default().push(node.clone());
            }
        }
        if let Some(part) = tie.parts.iter().find(|p| **p == key.measure)
            && key.universe == tie.universe
        {
            parts.entry(bare(key.at.clone())).or_default().insert((part.as_str(), key.release), node.clone());
        }
    }
    let mut found = Vec::new();
    for (key, releases) in wholes {
        let Some(parts) = parts.get(&key) else { continue };
        for (release, whole) in releases {
            // A part that this release lacks stands in another of the same data.
            let of = |part: &str| {
                let mut all = parts.iter().filter(|((p, _), _)| *p == part);
                parts.get(&(part, release)).or_else(|| all.next().map(|(_, node)| node)).cloned()
            };
            let parts: Vec<Node> = tie.parts.iter().filter_map(|part| of(part)).collect();
            let at = Key {
                measure: tie.whole.measure.clone(),
                universe: tie.whole.universe.clone(),
                release,
                ..key.clone()
            };
            found.push((at, whole, parts));
        }
    }
    for (key, whole, parts) in found {
        equate(build, tie, &key, &whole, &parts);
    }
}

/// whole = parts + what they leave out.
fn equate(build: &mut Build<'_>, tie: &Tie, key: &Key, whole: &[Node], parts: &[Node]) {
    let number = &build.out.system.numbers;
    let sum = |nodes: &[Node]| nodes.iter().map(|n| number[n.number].value).sum::<Option<f64>>();
    let rest = sum(whole).zip(sum(parts)).map(|(w, p)| w - p);
    let all = || whole.iter().chain(parts);
    if rest.is_some_and(|r| r < -DUST) || parts.is_empty() {
        // More parts than the whole has: the header is wrong of these data, and nothing follows.
        return;
    }
    let mut terms: BTreeMap<usize, f64> = BTreeMap::new();
    for (nodes, sign) in [(whole, 1.0), (parts, -1.0)] {
        for node in nodes {
            *terms.entry(node.number).or_default() += sign;
        }
    }
    let tables: BTreeSet<usize> = all().flat_map(|n| n.tables.iter().copied()).collect();
    let below = all().map(|n| n.suppress_below).max().unwrap_or_default();
    let label = format!("{} less {}", key.label(), tie.parts.join(" and "));
    let mut rest_of = |value: f64, assumed, protection| {
        let label = label.clone();
        let rest = latent(Some(value), assumed, protection);
        let rest = build.push(rest, Provenance { tables: tables.clone(), row: None, label });
        terms.insert(rest, -1.0);
    };
    match rest {
        Some(rest) if rest.abs() > DUST => rest_of(rest, (0.0, f64::INFINITY), outside(Some(rest), below)),
        Some(rest) if rest.abs() > 1e-9 => rest_of(rest, (-DUST, DUST), ProtectionInterval::None),
        _ => {}
    }
    let terms: Vec<(usize, f64)> = terms.into_iter().filter(|(_, c)| *c != 0.0).collect();
    if terms.len() > 1 {
        build.equation(terms);
    }
}

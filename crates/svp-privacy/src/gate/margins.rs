//! Totals in a table, and what they give away.
//!
//! A sum is a row or column that is labelled a total, or that equals the sum of the others wherever all are
//! shown (which can be chance: the report names every sum that was used). From all sums together the bounds of each hidden count are narrowed until nothing changes. This is
//! weaker than the attack by linear programming, and enough for the usual case: one hidden count in a sum.

use std::collections::{BTreeMap, BTreeSet};

use super::read::{Cell, Column, Role, Table, words};
use super::{Findings, Rule};
use crate::Policy;
use crate::count::shown_interval;

/// Rounds of narrowing; each round only ever tightens, so to stop early is to find less, never wrongly.
const ROUNDS: usize = 50;
/// Wide tables up to this many count columns are searched for a column that is the sum of two others.
const PAIRS_UP_TO: usize = 12;

/// A place in the table: count column, row.
pub(super) type Place = (usize, usize);

/// One count that is the sum of others.
pub(super) struct Sum {
    pub whole: Place,
    pub parts: Vec<Place>,
    pub how: String,
}

/// What a reader can tell of each count column's cells, row by row.
pub(super) type Bounds = Vec<Vec<(f64, f64)>>;

/// Finds the hidden counts that the sums of the table give away; gives the sums, in words.
pub(super) fn check(table: &Table, policy: &Policy, found: &mut Findings) -> Vec<String> {
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let (bounds, sums, narrowed_by) = narrowed(table, policy);
    let greatest_small = (policy.suppress_below - 1) as f64;
    for (place, i) in narrowed_by {
        let ((column, row), (low, high)) = (place, bounds[place.0][place.1]);
        let hidden = matches!(counts[column].cells[row], Cell::Hidden { .. } | Cell::Blank);
        // The mark says 1 to `greatest_small`. A reader who learns that it was a large count, hidden to protect
        // another, or a zero that was left blank, has learnt of nobody.
        let learns_more =
            low <= greatest_small && high >= 1.0 && (high < greatest_small || (low > 1.0 && high.is_finite()));
        if hidden && learns_more {
            found.add_because(Rule::Recoverable, &counts[column].name, row, &sums[i].how);
        }
    }
    let said: BTreeSet<String> = sums.into_iter().map(|sum| sum.how).collect();
    said.into_iter().collect()
}

/// Bounds of all counts after narrowing by all sums; the sums; and which of them last narrowed which count.
pub(super) fn narrowed(table: &Table, policy: &Policy) -> (Bounds, Vec<Sum>, BTreeMap<Place, usize>) {
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let mut bounds: Bounds = counts.iter().map(|column| intervals(column, policy)).collect();
    let mut sums = row_sums(table, &counts, &bounds);
    sums.extend(column_sums(table.rows, &counts, &bounds));
    let mut narrowed_by: BTreeMap<Place, usize> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (i, sum) in sums.iter().enumerate() {
            for place in narrow(sum, &mut bounds) {
                narrowed_by.insert(place, i);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    (bounds, sums, narrowed_by)
}

/// What a reader knows of each count of a column before looking at sums.
fn intervals(column: &Column, policy: &Policy) -> Vec<(f64, f64)> {
    let base = policy.round_to.max(1);
    // One count that is not rounded: then none can be trusted to be.
    let rounded = (0..column.cells.len()).filter_map(|r| column.number(r)).all(|n| n % base as f64 == 0.0);
    let interval = |cell: &Cell| match *cell {
        Cell::Number(n) if base > 1 && rounded => {
            let (low, high) = shown_interval(n as i64, base, policy.suppress_below);
            (low as f64, high as f64)
        }
        Cell::Number(n) => (n, n),
        Cell::Hidden { below } => (1.0, below.map_or(f64::INFINITY, |n| (n - 1) as f64)),
        Cell::Blank | Cell::NotAvailable | Cell::Text => (0.0, f64::INFINITY),
    };
    column.cells.iter().map(interval).collect()
}

/// Least and greatest sum of the places.
fn total(parts: &[Place], bounds: &[Vec<(f64, f64)>]) -> (f64, f64) {
    parts.iter().fold((0.0, 0.0), |(low, high), (c, r)| (low + bounds[*c][*r].0, high + bounds[*c][*r].1))
}

/// True when the shown numbers do not contradict it.
fn possible(sum: &Sum, bounds: &[Vec<(f64, f64)>]) -> bool {
    let ((low, high), whole) = (total(&sum.parts, bounds), bounds[sum.whole.0][sum.whole.1]);
    low <= whole.1 && whole.0 <= high
}

/// Tightens the bounds of a sum's members; gives the places whose bounds changed.
fn narrow(sum: &Sum, bounds: &mut [Vec<(f64, f64)>]) -> Vec<Place> {
    let mut changed = Vec::new();
    let mut set = |bounds: &mut [Vec<(f64, f64)>], place: Place, low: f64, high: f64| {
        let old = bounds[place.0][place.1];
        let new = (old.0.max(low), old.1.min(high));
        // Contradictory bounds say that the sum is not one; they are left alone.
        if new != old && new.0 <= new.1 {
            bounds[place.0][place.1] = new;
            changed.push(place);
        }
    };
    let (low, high) = total(&sum.parts, bounds);
    set(bounds, sum.whole, low, high);
    let whole = bounds[sum.whole.0][sum.whole.1];
    let endless = sum.parts.iter().filter(|(c, r)| bounds[*c][*r].1.is_infinite()).count();
    let finite: f64 = sum.parts.iter().map(|(c, r)| bounds[*c][*r].1).filter(|high| high.is_finite()).sum();
    for place in &sum.parts {
        let own = bounds[place.0][place.1];
        let others_low = low - own.0;
        let others_high = match (endless, own.1.is_infinite()) {
            (0, _) => finite - own.1,
            (1, true) => finite,
            _ => f64::INFINITY,
        };
        // Bounds that were narrowed a moment ago are not in these totals yet: looser, but never wrong.
        set(bounds, *place, whole.0 - others_high, whole.1 - others_low);
    }
    changed
}

fn is_total(label: &str) -> bool {
    let words = words(label);
    let Some((first, last)) = words.first().zip(words.last()) else { return false };
    let other = words.get(1).is_some_and(|word| word.starts_with("other"));
    let all = ["all", "both", "any", "total", "totals", "overall", "sum"];
    (all.contains(&first.as_str()) && !other) || ["total", "totals", "overall"].contains(&last.as_str())
}

/// Rows that are sums of other rows.
fn row_sums(table: &Table, counts: &[&Column], bounds: &[Vec<(f64, f64)>]) -> Vec<Sum> {
    let labels: Vec<&Column> = table.of_role(Role::Label).collect();
    let sum_of = |whole: usize, parts: &[usize], how: &str| -> Option<Vec<Sum>> {
        let sum = |c: usize| Sum {
            whole: (c, whole),
            parts: parts.iter().map(|part| (c, *part)).collect(),
            how: format!("row {} is {how}", whole + 1),
        };
        let sums: Vec<Sum> = (0..counts.len()).map(sum).collect();
        (parts.len() > 1 && sums.iter().all(|sum| possible(sum, bounds))).then_some(sums)
    };
    let mut out = Vec::new();
    let mut any_labelled = false;
    for (j, label) in labels.iter().enumerate() {
        let totals: Vec<usize> = (0..table.rows).filter(|row| is_total(&label.texts[*row])).collect();
        let free: Vec<usize> =
            (0..labels.len()).filter(|l| *l != j && !one_to_one(label, labels[*l], table.rows)).collect();
        let mut groups: BTreeMap<Vec<usize>, BTreeMap<Vec<&str>, Vec<usize>>> = BTreeMap::new();
        for whole in totals {
            any_labelled = true;
            // The parts agree with the total in every other label that the total has.
            let keys: Vec<usize> = free.iter().copied().filter(|l| !labels[*l].texts[whole].is_empty()).collect();
            let key = |row: usize| keys.iter().map(|l| labels[*l].texts[row].as_str()).collect::<Vec<_>>();
            let group = groups.entry(keys.clone()).or_insert_with(|| {
                let mut map: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
                for row in (0..table.rows).filter(|row| !is_total(&label.texts[*row])) {
                    map.entry(key(row)).or_default().push(row);
                }
                map
            });
            let parts = group.get(&key(whole)).map(Vec::as_slice).unwrap_or_default();
            let block: Vec<usize> = (0..whole).rev().take_while(|row| !is_total(&label.texts[*row])).collect();
            let sums = sum_of(whole, parts, "a total by its label")
                .or_else(|| sum_of(whole, &block, "a total of the rows above it, by its label"));
            out.extend(sums.unwrap_or_default());
        }
    }
    if !any_labelled {
        let shown: Vec<&&Column> =
            counts.iter().filter(|c| c.cells.iter().all(|cell| matches!(cell, Cell::Number(_)))).collect();
        let sums: Vec<f64> = shown.iter().map(|c| (0..table.rows).filter_map(|r| c.number(r)).sum()).collect();
        let equals = |row: usize| {
            shown.iter().zip(&sums).all(|(c, sum)| c.number(row).is_some_and(|n| 2.0 * n == *sum))
                && sums.iter().any(|sum| *sum > 0.0)
        };
        if let Some(whole) = (0..table.rows).find(|row| table.rows > 2 && equals(*row)) {
            let parts: Vec<usize> = (0..table.rows).filter(|row| *row != whole).collect();
            out.extend(sum_of(whole, &parts, "the sum of all others").unwrap_or_default());
        }
    }
    out
}

/// True when each member of one label goes with one member of the other (a code and its name), totals apart.
fn one_to_one(a: &Column, b: &Column, rows: usize) -> bool {
    let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
    (0..rows).map(|row| (a.texts[row].as_str(), b.texts[row].as_str())).all(|(a, b)| {
        is_total(a) || is_total(b) || (*there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a)
    })
}

/// Columns that are sums of other columns.
fn column_sums(rows: usize, counts: &[&Column], bounds: &[Vec<(f64, f64)>]) -> Vec<Sum> {
    let sum_of = |whole: usize, parts: &[usize], how: &str| -> Vec<Sum> {
        let sum = |row: usize| Sum {
            whole: (whole, row),
            parts: parts.iter().map(|part| (*part, row)).collect(),
            how: format!("column {} is {how}", counts[whole].name),
        };
        (0..rows).map(sum).collect()
    };
    // Equal in every row in which all are shown, in at least two rows that are not all zero.
    let equals = |whole: usize, parts: &[usize]| {
        let mut rows_that_say_so = 0;
        for row in 0..rows {
            let sum: Option<f64> = parts.iter().map(|part| counts[*part].number(row)).sum();
            let (Some(sum), Some(whole)) = (sum, counts[whole].number(row)) else { continue };
            if sum != whole {
                return false;
            }
            rows_that_say_so += usize::from(sum > 0.0 && parts.iter().all(|p| counts[*p].number(row) != Some(sum)));
        }
        rows_that_say_so > 1
    };
    let all: Vec<usize> = (0..counts.len()).collect();
    let parts: Vec<usize> = all.iter().copied().filter(|c| !is_total(&counts[*c].name)).collect();
    let mut out = Vec::new();
    for &whole in &all {
        let others: Vec<usize> = all.iter().copied().filter(|c| *c != whole).collect();
        if others.len() > 1 && equals(whole, &others) {
            out.extend(sum_of(whole, &others, "the sum of all other counts"));
            continue;
        }
        if !parts.contains(&whole) && parts.len() > 1 {
            let sums = sum_of(whole, &parts, "a total by its name");
            if sums.iter().all(|sum| possible(sum, bounds)) {
                out.extend(sums);
                continue;
            }
        }
        if counts.len() <= PAIRS_UP_TO {
            let pairs = others.iter().flat_map(|a| others.iter().filter(move |b| a < *b).map(move |b| [*a, *b]));
            for pair in pairs.filter(|pair| equals(whole, pair)) {
                let how = format!("the sum of {} and {}", counts[pair[0]].name, counts[pair[1]].name);
                out.extend(sum_of(whole, &pair, &how));
            }
        }
    }
    out
}

//! Columns that are sums of other columns, and columns that hold others.

use std::collections::BTreeSet;

use super::label::{self, Context, Label};
use super::spans;
use super::sums::{Compared, Counts, Place, Remainder, Structure, Sums, push, siblings};
use super::tokens::words;
use super::vocabulary::Vocabulary;

/// Tables of up to this many count columns are searched for a column that is the sum of two others, or of a run of its neighbours.
const PAIRS_UP_TO: usize = 24;

/// The labels of the count columns' headers.
pub(super) fn headers(counts: &Counts<'_>, vocabulary: &Vocabulary) -> Vec<Option<Label>> {
    let context = Context { ages: true, hours: true };
    counts.columns.iter().map(|c| label::read(vocabulary, &c.header.replace('_', " "), context)).collect()
}

/// What may be the parts of a column, how that is said, and whether the names say it.
type Try = (Vec<usize>, String, bool);

/// The sets of columns that one column can be the sum of, the likeliest first.
fn tries(counts: &Counts<'_>, labels: &[Option<Label>], total: &[bool], whole: usize) -> Vec<Try> {
    let n = counts.columns.len();
    let name = |c: usize| &counts.columns[c].name;
    let others: Vec<usize> = (0..n).filter(|c| *c != whole).collect();
    let mut out: Vec<Try> = vec![(others.clone(), "the sum of all other counts".to_owned(), false)];
    if total[whole] {
        out.insert(0, ((0..n).filter(|c| !total[*c]).collect(), "a total by its name".to_owned(), true));
    }
    // Neighbours, for tables of several blocks.
    let left: Vec<usize> = (0..whole).rev().take_while(|c| !total[*c]).collect();
    let right: Vec<usize> = (whole + 1..n).take_while(|c| !total[*c]).collect();
    out.push((left.clone(), "the sum of the counts before it".to_owned(), false));
    out.push((right.clone(), "the sum of the counts behind it".to_owned(), false));
    if n > PAIRS_UP_TO {
        return out;
    }
    // All that there is (people, events) is the sum of what is and what is not.
    let everything = total[whole] || labels[whole].as_ref().is_some_and(|l| l.parts.is_empty() && !l.blank);
    for (i, a) in others.iter().enumerate() {
        for b in &others[i + 1..] {
            let complement = labels[*a].as_ref().zip(labels[*b].as_ref()).is_some_and(|(a, b)| a.is_complement(b));
            out.push((vec![*a, *b], format!("the sum of {} and {}", name(*a), name(*b)), everything && complement));
        }
    }
    for run in [left, right] {
        for length in 3..run.len() {
            out.push((run[..length].to_vec(), format!("the sum of the {length} counts beside it"), false));
        }
    }
    out
}

/// Columns that are sums of other columns, and columns that hold others.
pub(super) fn find(counts: &Counts<'_>, vocabulary: &Vocabulary, out: &mut Structure) {
    let n = counts.columns.len();
    let labels = headers(counts, vocabulary);
    let total: Vec<bool> =
        (0..n).map(|c| words(&counts.columns[c].header).iter().any(|w| vocabulary.is_total(w))).collect();
    let is_sibling = |a: usize, b: usize| siblings(vocabulary, labels[a].as_ref(), labels[b].as_ref());
    let before = out.sums.len();
    for whole in 0..n {
        let mut pairs = BTreeSet::new();
        for (parts, how, named) in tries(counts, &labels, &total, whole) {
            if parts.len() < 2 || meet(&labels, &parts) || !pairs.insert(parts.clone()) {
                continue;
            }
            let row = |row: usize| ((whole, row), parts.iter().map(|p| (*p, row)).collect::<Vec<Place>>());
            if (0..counts.rows).map(row).any(|(w, p)| counts.compare(w, &p) != Compared::CanBe) {
                continue;
            }
            let of: Vec<(Place, Vec<Place>)> = (0..counts.rows).map(row).collect();
            let says = of.iter().filter(|(w, p)| counts.says_something(*w, p)).count();
            let exact = || of.iter().any(|(w, p)| counts.says_something(*w, p) && counts.adds_up(*w, p));
            // Twice is no chance. Once, or where all rows hide something, the name must not stand against it; and of a few among many
            // columns, the one row that is whole must add up to the last digit.
            let apart = parts.iter().all(|p| !is_sibling(whole, *p));
            let all_or_name = named || parts.len() + 1 == n;
            if says > 1 || apart && (all_or_name || exact()) {
                push(out, Sums { how: format!("column {} is {how}", counts.columns[whole].name), of, named, says });
            }
        }
    }
    let sums: Vec<Sums> = out.sums[before..].to_vec();
    for (whole, is_total) in total.iter().enumerate() {
        let parts: Vec<usize> = (0..n).filter(|part| !total[*part] && *part != whole).collect();
        let parts = if meet(&labels, &parts) { Vec::new() } else { parts };
        rests(counts, (whole, *is_total), &parts, &sums, &is_sibling, out);
    }
}

/// Whether the spans of some columns overlap.
fn meet(labels: &[Option<Label>], columns: &[usize]) -> bool {
    spans::any_meet(columns.iter().filter_map(|c| labels[*c].as_ref()?.span.as_ref()))
}

/// What is left of a column when another is taken away, or all of `parts`.
fn rests(
    counts: &Counts<'_>,
    (whole, is_total): (usize, bool),
    parts: &[usize],
    sums: &[Sums],
    is_sibling: &dyn Fn(usize, usize) -> bool,
    out: &mut Structure,
) {
    let n = counts.columns.len();
    for part in (0..n).filter(|part| *part != whole && !is_sibling(whole, *part)) {
        let explained = sums.iter().any(|s| {
            (s.named || s.says > 1 || s.of.iter().all(|(_, p)| p.len() + 1 == n))
                && s.of.iter().any(|(w, p)| w.0 == whole && p.iter().any(|p| p.0 == part))
        });
        let of: Vec<(Place, Vec<Place>)> = (0..counts.rows).map(|row| ((whole, row), vec![(part, row)])).collect();
        let less = of.iter().any(|(w, p)| counts.compare(*w, p) == Compared::Less);
        // Hidden numbers say nothing against it; some row must say something for it.
        let of: Vec<_> = of.into_iter().filter(|(w, p)| counts.shown(*w) && counts.shown(p[0])).collect();
        if explained || less || of.is_empty() {
            continue;
        }
        let how =
            format!("column {} is never less than column {}", counts.columns[whole].name, counts.columns[part].name);
        out.remainders.push(Remainder { how, of });
    }
    // A total by its name, or a column that nothing keeps from being one, that is more than all its parts.
    let apart = parts.iter().all(|part| !is_sibling(whole, *part));
    let summed = sums.iter().any(|s| s.is_certain() && s.of.iter().any(|(w, _)| w.0 == whole));
    if parts.len() < 2 || summed || !(is_total || apart) {
        return;
    }
    let of: Vec<(Place, Vec<Place>)> =
        (0..counts.rows).map(|row| ((whole, row), parts.iter().map(|p| (*p, row)).collect())).collect();
    if of.iter().all(|(w, p)| counts.compare(*w, p) != Compared::Less) {
        let of = of.into_iter().filter(|(w, p)| counts.shown(*w) && p.iter().all(|p| counts.shown(*p))).collect();
        let how = if is_total { "is a total by its name" } else { "is never less than all others together" };
        out.remainders.push(Remainder { how: format!("column {} {how}", counts.columns[whole].name), of });
    }
}

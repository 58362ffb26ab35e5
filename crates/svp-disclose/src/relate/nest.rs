//! Which nodes lie in which: every pair of one place is asked, so the asking must be cheap.
//!
//! Keys are long; what decides is few words of them, and those are compared once and remembered by number.

use std::collections::BTreeMap;

use super::build::Build;
use super::node::Key;

/// What decides of a key, in numbers.
struct Short {
    /// Area, definition, universe and measure.
    view: usize,
    from: usize,
    to: usize,
    release: usize,
}

impl Short {
    /// Whether a pair of keys can be nested at all.
    fn comparable(&self, other: &Self) -> bool {
        // A month is a part of every period by way of the sums of months, which are there already.
        let month = |k: &Self| k.from == k.to;
        if self.release == other.release && month(self) != month(other) {
            return false;
        }
        self.during(other) || other.during(self)
    }

    /// Whether its period lies in the other's.
    fn during(&self, other: &Self) -> bool {
        self.from >= other.from && self.to <= other.to
    }
}

/// What is known of two views.
#[derive(Clone, Copy)]
struct Nested {
    within: bool,
    same_measure: bool,
}

/// Two nodes of which one lies in the other.
pub(super) struct Pair {
    pub a: usize,
    pub b: usize,
    pub a_in_b: bool,
    pub b_in_a: bool,
    pub same_measure: bool,
}

/// Pairs of keys (in their order, by position) that have the same coordinates and of which one lies in the other.
pub(super) fn pairs(build: &Build<'_>, keys: &[Key]) -> Vec<Pair> {
    let mut times: Vec<&String> = keys.iter().flat_map(|k| [&k.from, &k.to]).collect();
    times.sort_unstable();
    times.dedup();
    let time = |t: &String| times.partition_point(|other| *other < t);
    let mut views: BTreeMap<_, usize> = BTreeMap::new();
    let mut first: Vec<&Key> = Vec::new();
    let mut short: Vec<Short> = Vec::with_capacity(keys.len());
    for key in keys {
        let view = *views.entry((&key.area_parts, &key.definition, &key.universe, &key.measure)).or_insert_with(|| {
            first.push(key);
            first.len() - 1
        });
        short.push(Short { view, from: time(&key.from), to: time(&key.to), release: key.release });
    }
    let part = |x: &Key, y: &Key| build.tables.iter().any(|t| t.measure == x.measure && t.part_of.contains(&y.measure));
    let mut known: Vec<Option<Nested>> = vec![None; first.len() * first.len()];
    let mut nested = |a: usize, b: usize| {
        *known[a * first.len() + b].get_or_insert_with(|| {
            let (x, y) = (first[a], first[b]);
            let same_measure = x.measure == y.measure;
            let within = (same_measure || part(x, y)) && build.within_but_for_time(&x.set(), &y.set());
            Nested { within, same_measure }
        })
    };
    let mut out = Vec::new();
    let mut start = 0;
    while start < keys.len() {
        // Keys are sorted by their coordinates first.
        let end = start + keys[start..].partition_point(|k| k.at == keys[start].at);
        for a in start..end {
            for b in a + 1..end {
                let (x, y) = (&short[a], &short[b]);
                if !x.comparable(y) {
                    continue;
                }
                let (ab, ba) = (nested(x.view, y.view), nested(y.view, x.view));
                let (a_in_b, b_in_a) = (ab.within && x.during(y), ba.within && y.during(x));
                if a_in_b || b_in_a {
                    out.push(Pair { a, b, a_in_b, b_in_a, same_measure: ab.same_measure });
                }
            }
        }
        start = end;
    }
    out
}

//! One pair, looked at: for the waterfall of `--explain`.

use crate::blocks::RowPair;
use crate::comparison::{ComparisonVector, Cuts};
use crate::linked::Linked;
use crate::model::Counts;
use crate::store::compare;
use svp_contract::Linkage;

/// How two records agree, by their numbers, and how common the values of each are; of the two rows that agree best. `linkage` is the
/// definition that they were linked under. `None` when a number is no record's.
#[must_use]
pub fn compare_pair(
    found: &Linked,
    linkage: &Linkage,
    a: usize,
    b: usize,
) -> Option<(ComparisonVector, Counts, Counts)> {
    let (a, b, store) = (found.records.get(a)?, found.records.get(b)?, found.store.as_ref()?);
    let rows = |(first, n): (u32, u32)| first..first + n;
    let pairs: Vec<RowPair> = rows(a.rows).flat_map(|x| rows(b.rows).map(move |y| RowPair::new(x, y))).collect();
    let vectors = compare(store, &Cuts::new(linkage), &pairs);
    let ready = found.model.ready();
    let counts = |pair: RowPair| (store.counts(pair.first()), store.counts(pair.second()));
    let mut best: Option<(f64, RowPair, ComparisonVector)> = None;
    for (pair, vector) in pairs.into_iter().zip(vectors) {
        let (x, y) = counts(pair);
        let weight = found.model.weight(&ready, vector, &x, &y);
        if best.is_none_or(|(w, p, _)| weight > w || (weight == w && pair < p)) {
            best = Some((weight, pair, vector));
        }
    }
    best.map(|(_, pair, vector)| {
        let (x, y) = counts(pair);
        (vector, x, y)
    })
}

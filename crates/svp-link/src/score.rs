//! From blocks to pairs of records with their match weights: candidate pairs, comparison vectors, the model, weights.

use std::cmp::Ordering;
use std::ops::Range;

use svp_contract::Linkage;

use crate::blocks::{Blocks, RowPair, candidates};
use crate::cluster::Components;
use crate::comparison::{ComparisonVector, Cuts};
use crate::group::{self, Nodes};
use crate::learn::{self, Compared};
use crate::model::{Model, Ready};
use crate::parallel;
use crate::store::{Store, compare};
use crate::weighed::Pair;
use crate::weights::Weights;

/// The match weights of pairs of rows whose vectors are known, bits, in the order of the pairs.
pub(crate) fn weigh(model: &Model, ready: &Ready, store: &Store, compared: &Compared) -> Vec<f32> {
    let weight = |(pair, vector): (&RowPair, &ComparisonVector)| {
        model.weight(ready, *vector, &store.counts(pair.first()), &store.counts(pair.second())) as f32
    };
    compared.pairs.iter().zip(&compared.vectors).map(weight).collect()
}

/// All that the pairs are judged by.
pub(crate) struct Scorer<'a> {
    pub linkage: &'a Linkage,
    pub store: &'a Store,
    pub blocks: &'a Blocks,
    pub record_of_row: &'a [u32],
    /// For each record the number of its source, if that has each person once.
    pub dedup_source: &'a [Option<u32>],
    /// Number of pairs of records that could be one person.
    pub total: f64,
    /// The largest number of pairs of one person, where that is known.
    pub possible: Option<f64>,
    /// Pairs held in memory at once.
    pub pairs_at_once: u64,
    /// Whether all pairs of records are kept, or those that can be in one group.
    pub all_pairs: bool,
    pub nodes: &'a Nodes,
    pub threads: usize,
    pub on_step: &'a (dyn Fn(&str) + Sync),
}

/// What came of it.
pub(crate) struct Scored {
    /// Pairs of records, sorted, each once: the best pair of rows speaks for two records.
    pub pairs: Vec<Pair>,
    /// What the weights of all of them come to.
    pub weights: Weights,
    /// The model.
    pub model: Model,
    /// Distinct candidate pairs of rows.
    pub candidates: u64,
}

/// What came of a few pairs of rows.
struct Found {
    /// Pairs of records, sorted, each once; none where not all are kept.
    pairs: Vec<Pair>,
    weights: Weights,
    /// Nodes that a pair connects.
    connected: Vec<(u32, u32)>,
}

impl Scorer<'_> {
    /// Judges all candidate pairs, part by part; by `model`, or by one that is learned from the first part.
    pub(crate) fn judge(&self, model: Option<Model>) -> Scored {
        let parts = self.blocks.parts(self.pairs_at_once);
        let proposals: u64 = parts.iter().map(|(_, pairs)| pairs).sum();
        let cuts = Cuts::new(self.linkage);
        let ready = |model: Model| {
            let ready = model.ready();
            (model, ready)
        };
        let mut known: Option<(Model, Ready)> = model.map(ready);
        let (mut kept, mut weights): (Vec<Pair>, Weights) = Default::default();
        let mut components = Components::new(self.nodes.len());
        let mut carried: Option<Compared> = None;
        let mut judged = 0;
        for (rows, pairs) in &parts {
            (self.on_step)("pairs");
            let few = candidates(self.blocks, rows.clone(), self.threads, |_, _| true);
            (self.on_step)("compare");
            let mut compared = self.compared(few, &cuts);
            judged += compared.iter().map(|few| few.pairs.len() as u64).sum::<u64>();
            let known = &*known.get_or_insert_with(|| {
                // The first part stands for all: rows are in the order of keyed ids, which is as good as at random.
                (self.on_step)("learn");
                ready(self.learn(&compared, proposals as f64 / (*pairs).max(1) as f64))
            });
            (self.on_step)("weigh");
            // A record whose rows go on in the next part is judged there: the best of all its rows speaks for it.
            if let Some(before) = carried.take() {
                before.followed_by(&mut compared);
            }
            if self.blocks.goes_on(rows.end) {
                carried = compared.pop();
            }
            for found in parallel::map(self.threads, &compared, || (), |(), few| self.found(known, few)) {
                weights.merge(&found.weights);
                found.connected.into_iter().for_each(|(a, b)| components.connect(a, b));
                kept.extend(found.pairs);
            }
        }
        let Some((model, ready)) = known else {
            return Scored { pairs: kept, weights, model: self.learn(&[], 1.0), candidates: judged };
        };
        if !self.all_pairs {
            (self.on_step)("close");
            kept = self.close(&parts, &cuts, (&model, &ready), &components.labels());
        }
        (self.on_step)("group");
        Scored { pairs: kept, weights, model, candidates: judged }
    }

    /// The pairs with their vectors; each list of pairs is given its own.
    fn compared(&self, pairs: Vec<Vec<RowPair>>, cuts: &Cuts) -> Vec<Compared> {
        let vectors = parallel::map(self.threads, &pairs, || (), |(), few| compare(self.store, cuts, few));
        pairs.into_iter().zip(vectors).map(|(pairs, vectors)| Compared { pairs, vectors }).collect()
    }

    /// Learns the model. The pairs that were compared stand for `times` as many.
    fn learn(&self, compared: &[Compared], times: f64) -> Model {
        let mut seen = learn::distinct(compared, self.threads);
        seen.iter_mut().for_each(|(_, n)| *n *= times);
        let random = learn::random(self.linkage, self.store, self.record_of_row, self.dedup_source, self.threads);
        let present = self.store.present();
        Model::learn(self.linkage, &seen, &random, self.total, self.dedup_source.len() as f64, self.possible, present)
    }

    /// Weighs a few pairs of rows, all of the records that their first rows are of.
    fn found(&self, (model, ready): &(Model, Ready), few: &Compared) -> Found {
        let threshold = group::threshold(self.linkage);
        let (mut weights, mut connected) = (Weights::default(), Vec::new());
        let mut pairs = self.pairs_of_records(few, &weigh(model, ready, self.store, few));
        for pair in &pairs {
            weights.add(pair.weight, threshold);
            if group::good(self.linkage, pair.weight) {
                connected.push((self.nodes.node_of[pair.a as usize], self.nodes.node_of[pair.b as usize]));
            }
        }
        if !self.all_pairs {
            pairs = Vec::new();
        }
        Found { pairs, weights, connected }
    }

    /// The pairs of records that can be in one group, sorted: those of nodes with one label. They are few, and are found once more when
    /// it is known which they are, so that the others need not be held until then.
    fn close(
        &self,
        parts: &[(Range<u32>, u64)],
        cuts: &Cuts,
        (model, ready): (&Model, &Ready),
        labels: &[u32],
    ) -> Vec<Pair> {
        let mut size = vec![0u32; labels.len()];
        labels.iter().for_each(|label| size[*label as usize] += 1);
        let label = |record: &u32| {
            let label = labels[self.nodes.node_of[*record as usize] as usize];
            if size[label as usize] > 1 { label } else { ALONE }
        };
        let labels: Vec<u32> = self.record_of_row.iter().map(label).collect();
        let together = |a: u32, b: u32| labels[a as usize] == labels[b as usize] && labels[a as usize] != ALONE;
        let mut kept: Vec<Pair> = Vec::new();
        for (rows, _) in parts {
            let few = candidates(self.blocks, rows.clone(), self.threads, together);
            let compared = self.compared(few, cuts);
            let weighed = parallel::map(self.threads, &compared, || (), |(), few| weigh(model, ready, self.store, few));
            for (few, weights) in compared.iter().zip(weighed) {
                kept.extend(self.pairs_of_records(few, &weights));
            }
        }
        // A record whose rows are in two parts has had its best rows chosen in each.
        once(&mut kept);
        kept
    }

    /// Pairs of rows as pairs of records, sorted, each once: the best pair of rows speaks for two records.
    fn pairs_of_records(&self, few: &Compared, weights: &[f32]) -> Vec<Pair> {
        let record = |row: u32| self.record_of_row[row as usize];
        let pair = |(pair, weight): (&RowPair, &f32)| {
            let (a, b) = (record(pair.first()), record(pair.second()));
            Pair { a: a.min(b), b: a.max(b), weight: *weight }
        };
        let mut pairs: Vec<Pair> = few.pairs.iter().zip(weights).map(pair).collect();
        // Rows stand in the order of their records, so that only pairs of one record can be out of order.
        for of_record in pairs.chunk_by_mut(|x, y| x.a == y.a) {
            if !of_record.is_sorted_by(|x, y| x.b < y.b) {
                of_record.sort_unstable_by(best_first);
            }
        }
        once(&mut pairs);
        pairs
    }
}

/// The label of a record that no good pair has: none of its pairs is wanted.
const ALONE: u32 = u32::MAX;

fn best_first(x: &Pair, y: &Pair) -> Ordering {
    (x.a, x.b).cmp(&(y.a, y.b)).then_with(|| y.weight.total_cmp(&x.weight))
}

/// Keeps the best of each pair of records.
fn once(pairs: &mut Vec<Pair>) {
    if !pairs.is_sorted_by(|x, y| best_first(x, y).is_le()) {
        pairs.sort_unstable_by(best_first);
    }
    pairs.dedup_by_key(|pair| (pair.a, pair.b));
}

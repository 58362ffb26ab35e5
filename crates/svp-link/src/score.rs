//! From blocks to pairs of records with their match weights: candidate pairs, comparison vectors, the model, weights.

use svp_contract::Linkage;

use crate::blocks::{Blocks, RowPair, candidates};
use crate::comparison::{ComparisonVector, Cuts};
use crate::learn::{self, Compared};
use crate::model::{Model, Ready, probability};
use crate::parallel;
use crate::store::{Store, compare};

/// A pair of records, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The lesser number.
    pub a: u32,
    /// The greater number.
    pub b: u32,
    /// Match weight: log2 of the odds that both are one person, bits.
    pub weight: f32,
}

impl Pair {
    /// Probability that both are one person, 0 to 1.
    #[must_use]
    pub fn probability(&self) -> f64 {
        probability(f64::from(self.weight))
    }
}

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
    pub threads: usize,
    pub on_step: &'a (dyn Fn(&str) + Sync),
}

/// What came of it.
pub(crate) struct Scored {
    /// Pairs of records, sorted, each once: the best pair of rows speaks for two records.
    pub pairs: Vec<Pair>,
    /// The model.
    pub model: Model,
    /// Distinct candidate pairs of rows.
    pub candidates: u64,
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
        let mut kept: Vec<Pair> = Vec::new();
        let mut judged = 0;
        for (rows, pairs) in parts {
            (self.on_step)("pairs");
            let few = candidates(self.blocks, rows, self.threads);
            (self.on_step)("compare");
            let compared = self.compared(few, &cuts);
            let (model, ready) = &*known.get_or_insert_with(|| {
                // The first part stands for all: rows are in the order of keyed ids, which is as good as at random.
                (self.on_step)("learn");
                ready(self.learn(&compared, proposals as f64 / pairs.max(1) as f64))
            });
            (self.on_step)("weigh");
            let weighed = parallel::map(self.threads, &compared, || (), |(), few| weigh(model, ready, self.store, few));
            kept.reserve(weighed.iter().map(Vec::len).sum());
            for (few, weights) in compared.into_iter().zip(weighed) {
                judged += few.pairs.len() as u64;
                kept.extend(
                    few.pairs.into_iter().zip(weights).map(|(pair, weight)| self.pair_of_records(pair, weight)),
                );
            }
        }
        (self.on_step)("group");
        kept.sort_unstable_by(|x, y| (x.a, x.b).cmp(&(y.a, y.b)).then_with(|| y.weight.total_cmp(&x.weight)));
        kept.dedup_by_key(|pair| (pair.a, pair.b));
        let model = known.map_or_else(|| self.learn(&[], 1.0), |(model, _)| model);
        Scored { pairs: kept, model, candidates: judged }
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

    fn pair_of_records(&self, pair: RowPair, weight: f32) -> Pair {
        let record = |row: u32| self.record_of_row[row as usize];
        let (a, b) = (record(pair.first()), record(pair.second()));
        Pair { a: a.min(b), b: a.max(b), weight }
    }
}

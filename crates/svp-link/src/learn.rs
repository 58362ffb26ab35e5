//! What the model is learned from: the distinct comparison vectors of the candidate pairs, and those of pairs drawn at random.

use rustc_hash::FxHashMap;
use svp_contract::Linkage;

use crate::blocks::RowPair;
use crate::comparison::{ComparisonVector, Cuts};
use crate::parallel;
use crate::store::{Store, compare};
use crate::value::mix;

/// A few pairs of rows with their comparison vectors.
pub(crate) struct Compared {
    pub pairs: Vec<RowPair>,
    pub vectors: Vec<ComparisonVector>,
}

impl Compared {
    /// Puts these pairs before the first of `others`, which go on where these end.
    pub(crate) fn followed_by(mut self, others: &mut Vec<Self>) {
        match others.first_mut() {
            None => others.push(self),
            Some(first) => {
                self.pairs.append(&mut first.pairs);
                self.vectors.append(&mut first.vectors);
                *first = self;
            }
        }
    }
}

/// Seed of the generator that draws pairs: "SVP link" in ASCII.
const SEED: u64 = 0x5356_5020_6c69_6e6b;

/// Pairs drawn at random that a thread compares at once.
const DRAWN_AT_ONCE: usize = 8192;

/// The distinct vectors in their order, with how many pairs have each.
pub(crate) fn distinct(compared: &[Compared], threads: usize) -> Vec<(ComparisonVector, f64)> {
    let counts = parallel::fold(threads, compared, FxHashMap::<ComparisonVector, u64>::default, |seen, _, few| {
        few.vectors.iter().for_each(|vector| *seen.entry(*vector).or_default() += 1);
    });
    let mut all: FxHashMap<ComparisonVector, u64> = FxHashMap::default();
    for (vector, pairs) in counts.into_iter().flatten() {
        *all.entry(vector).or_default() += pairs;
    }
    let mut all: Vec<(ComparisonVector, f64)> = all.into_iter().map(|(vector, pairs)| (vector, pairs as f64)).collect();
    all.sort_unstable_by_key(|(vector, _)| *vector);
    all
}

/// The vectors of pairs of rows drawn at random, by a fixed generator so that the same records give the same model. `dedup_source`: for
/// each record the number of its source, if that has each person once.
pub(crate) fn random(
    linkage: &Linkage,
    store: &Store,
    record_of_row: &[u32],
    dedup_source: &[Option<u32>],
    threads: usize,
) -> Vec<(ComparisonVector, f64)> {
    let n = record_of_row.len() as u64;
    let wanted = linkage.model.random_pairs.min((n * n.saturating_sub(1)) as usize);
    let mut pairs: Vec<RowPair> = Vec::with_capacity(wanted);
    let mut state = SEED;
    for draw in 0..(wanted as u64 * 2) {
        if pairs.len() == wanted {
            break;
        }
        state = mix(state, draw + 1);
        let (a, b) = (((state >> 32) * n) >> 32, ((state & 0xffff_ffff) * n) >> 32);
        let (p, q) = (record_of_row[a as usize] as usize, record_of_row[b as usize] as usize);
        if p != q && (dedup_source[p].is_none() || dedup_source[p] != dedup_source[q]) {
            pairs.push(RowPair::new(a as u32, b as u32));
        }
    }
    let pairs = by_first(&pairs, record_of_row.len());
    let cuts = Cuts::new(linkage);
    let few: Vec<&[RowPair]> = pairs.chunks(DRAWN_AT_ONCE).collect();
    let vectors = parallel::map(threads, &few, || (), |(), few| compare(store, &cuts, few));
    vectors.into_iter().flatten().map(|vector| (vector, 1.0)).collect()
}

/// The pairs in the order of their first rows, so that each of these is looked up once and not from anywhere in memory.
fn by_first(pairs: &[RowPair], rows: usize) -> Vec<RowPair> {
    let mut next = vec![0usize; rows + 1];
    pairs.iter().for_each(|pair| next[pair.first() as usize + 1] += 1);
    for i in 1..next.len() {
        next[i] += next[i - 1];
    }
    let mut out = vec![RowPair::new(0, 0); pairs.len()];
    for pair in pairs {
        let place = &mut next[pair.first() as usize];
        out[*place] = *pair;
        *place += 1;
    }
    out
}

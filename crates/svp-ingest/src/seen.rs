//! What a file remembers of its rows, to find those that come again.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use crate::clean::first;

/// Rows that, repeated in their order, are no chance.
const PASTED: usize = 8;

/// Rows of one kind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub count: u64,
    pub first: Vec<u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, row: u64) {
        self.count += 1;
        first(&mut self.first, row);
    }
}

/// Digests of what a row says of its record: what happened, and what else is known of it.
pub(crate) type Says = (u64, u64);

/// What a file remembers of its rows, to find repeats: 32 bytes a row, and 8 more for a row without a key.
#[derive(Default)]
pub(crate) struct Seen {
    /// Row key → digest of the row that was accepted under it, and of what it says happened.
    pub keys: FxHashMap<u128, (u64, u64)>,
    /// Values of `once_per`, by target → what the first row of it says.
    pub once: FxHashMap<(usize, u128), Says>,
    /// By target the stem of the id of the record that began last, whether it has a suffix, and what its first row says.
    pub last: FxHashMap<usize, (String, bool, Says)>,
    /// Digests of rows without a key, and how often each came.
    pub unkeyed: FxHashMap<u64, u32>,
    /// The same in the order of the file.
    pub in_order: Vec<u64>,
    /// Digests of what rows say beside their ids, and how often each came.
    again: FxHashMap<u64, u32>,
}

impl Seen {
    /// Rows without a key that stand in runs of at least [`PASTED`] which stood in the file before, word for word and in one order.
    pub(crate) fn pasted(&self) -> u64 {
        let mut known: FxHashMap<u64, usize> = FxHashMap::default();
        let (mut rows, mut counted) = (0, 0);
        for (at, run) in self.in_order.windows(PASTED).enumerate() {
            // Equal rows that stand together make equal runs of themselves.
            let different = (0..PASTED).filter(|at| !run[..*at].contains(&run[*at])).count();
            if different * 2 < PASTED {
                continue;
            }
            let mut hasher = FxHasher::default();
            run.hash(&mut hasher);
            match known.get(&hasher.finish()) {
                Some(first) if first + PASTED <= at && self.in_order[*first..first + PASTED] == *run => {
                    rows += (at + PASTED).saturating_sub(counted.max(at));
                    counted = at + PASTED;
                }
                Some(_) => {}
                None => {
                    known.insert(hasher.finish(), at);
                }
            }
        }
        rows as u64
    }

    /// Notes what a row says beside its ids.
    pub(crate) fn beside_ids(&mut self, digest: u64) {
        *self.again.entry(digest).or_default() += 1;
    }

    /// Rows that say word for word what another row says, under another id.
    pub(crate) fn again(&self) -> u64 {
        self.again.values().filter(|n| **n > 1).map(|n| u64::from(*n)).sum()
    }

    /// Rows without a key, and those of them that come more than once word for word.
    pub(crate) fn repeats(&self) -> (u64, u64) {
        let all = self.unkeyed.values().map(|n| u64::from(*n)).sum();
        (all, self.unkeyed.values().filter(|n| **n > 1).map(|n| u64::from(*n)).sum())
    }
}

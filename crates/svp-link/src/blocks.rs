//! Blocks of rows, and the pairs that they propose.
//!
//! The rows of all compared blocks stand one after another in one list, and each row knows its places there. So the pairs of
//! a row are found by walking on from its places, and each is told once by a bit for each row; a join of keys with keys makes
//! each pair as often as there are rules that propose it, and takes many times as long.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{UInt8Type, UInt32Type, UInt64Type};

use crate::blocking::RuleCost;

/// A key of a row under a rule.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u64,
    row: u32,
    rule: u8,
}

/// The keys of all rows, sorted, so that the rows of a block are neighbours.
pub(crate) struct Keys(Vec<Entry>);

/// What the proposals go by, of each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note {
    /// Number of its record.
    pub person: u32,
    /// Number of its source, if that promised to have each person once; else 0.
    pub only: u32,
    /// Whether no earlier run has judged it.
    pub fresh: bool,
}

impl Keys {
    /// From the batches of `05_keys`: row, rule, key.
    pub(crate) fn new(batches: &[RecordBatch]) -> Self {
        let columns = || {
            batches.iter().map(|b| {
                let (row, rule) = (b.column(0).as_primitive::<UInt32Type>(), b.column(1).as_primitive::<UInt8Type>());
                (row.values(), rule.values(), b.column(2).as_primitive::<UInt64Type>().values())
            })
        };
        let n: usize = batches.iter().map(RecordBatch::num_rows).sum();
        // Keys are mixed, so their first bits spread them evenly over small heaps, each of which is sorted by itself.
        let bits = (n / 64).max(2).ilog2().min(16);
        let heap = |key: u64| (key >> (64 - bits)) as usize;
        let mut ends = vec![0usize; (1 << bits) + 1];
        columns().for_each(|(.., keys)| keys.iter().for_each(|key| ends[heap(*key) + 1] += 1));
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        let mut entries = vec![Entry::default(); n];
        for (rows, rules, keys) in columns() {
            for ((row, rule), key) in rows.iter().zip(rules).zip(keys) {
                let place = &mut ends[heap(*key)];
                entries[*place] = Entry { key: *key, row: *row, rule: *rule };
                *place += 1;
            }
        }
        let mut from = 0;
        for end in ends {
            // Each heap has moved on to where the next one began.
            if end > from {
                entries[from..end].sort_unstable_by_key(|e| (e.key, e.row));
                from = end;
            }
        }
        Self(entries)
    }

    fn blocks(&self) -> impl Iterator<Item = &[Entry]> {
        self.0.chunk_by(|x, y| x.key == y.key).filter(|block| block.len() > 1)
    }

    /// For each rule: rows of a block → how many such blocks.
    pub(crate) fn sizes(&self, rules: usize) -> Vec<BTreeMap<u64, u64>> {
        let mut sizes: Vec<BTreeMap<u64, u64>> = vec![BTreeMap::new(); rules];
        for block in self.blocks() {
            if let Some(sizes) = sizes.get_mut(usize::from(block[0].rule)) {
                *sizes.entry(block.len() as u64).or_default() += 1;
            }
        }
        sizes
    }
}

/// Marks the last row of a block.
const LAST: u32 = 1 << 31;

/// The blocks that are compared.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Rows of the blocks, block after block, each in the order of its rows.
    members: Vec<u32>,
    /// Places of all rows in `members`, row after row, but for those at the end of a block.
    places: Vec<u32>,
    /// Where the places of a row begin.
    begins: Vec<u32>,
    /// Pairs that a row proposes, some of them more than once.
    work: Vec<u32>,
    notes: Vec<Note>,
}

impl Blocks {
    /// Keeps blocks that are not over the cap of their rule and have a row that is to be judged.
    pub(crate) fn new(keys: &Keys, costs: &[RuleCost], notes: Vec<Note>) -> Self {
        let compared = || {
            keys.blocks().filter(|block| {
                let cap = costs.get(usize::from(block[0].rule)).map_or(0, |c| c.cap);
                block.len() as u64 <= cap && block.iter().any(|e| notes[e.row as usize].fresh)
            })
        };
        let mut begins = vec![0u32; notes.len() + 1];
        let mut work = vec![0u32; notes.len()];
        let mut n = 0;
        for block in compared() {
            n += block.len();
            for (i, entry) in block[..block.len() - 1].iter().enumerate() {
                begins[entry.row as usize + 1] += 1;
                work[entry.row as usize] += (block.len() - 1 - i) as u32;
            }
        }
        for i in 1..begins.len() {
            begins[i] += begins[i - 1];
        }
        let mut places = vec![0u32; begins.last().copied().unwrap_or_default() as usize];
        let mut next = begins.clone();
        let mut members = Vec::with_capacity(n);
        for block in compared() {
            for (i, entry) in block.iter().enumerate() {
                let last = i + 1 == block.len();
                if !last {
                    let slot = &mut next[entry.row as usize];
                    places[*slot as usize] = members.len() as u32;
                    *slot += 1;
                }
                members.push(if last { entry.row | LAST } else { entry.row });
            }
        }
        Self { members, places, begins, work, notes }
    }

    /// Cuts the rows into parts that propose about `most` pairs each; of each part its rows, and its pairs.
    pub(crate) fn parts(&self, most: u64) -> Vec<(std::ops::Range<u32>, u64)> {
        let mut parts = Vec::new();
        let (mut from, mut pairs) = (0u32, 0u64);
        for (row, work) in (0u32..).zip(&self.work) {
            if pairs > 0 && pairs + u64::from(*work) > most {
                parts.push((from..row, pairs));
                (from, pairs) = (row, 0);
            }
            pairs += u64::from(*work);
        }
        parts.push((from..self.work.len() as u32, pairs));
        parts
    }

    /// Something to find partners with, for many rows.
    pub(crate) fn finder(&self) -> Finder<'_> {
        Finder { blocks: self, seen: vec![0; self.notes.len().div_ceil(64)], found: Vec::new() }
    }
}

/// Finds the partners of one row after another.
pub(crate) struct Finder<'a> {
    blocks: &'a Blocks,
    /// A bit for each row; all 0 between two rows.
    seen: Vec<u64>,
    found: Vec<u32>,
}

impl Finder<'_> {
    /// The later rows that some block has together with a row, each once and in their order: not those of its own record, nor
    /// of its source if that has each person once, nor pairs that an earlier run has judged.
    pub(crate) fn partners(&mut self, row: u32) -> &[u32] {
        self.found.clear();
        let Blocks { members, places, begins, notes, .. } = self.blocks;
        let row = row as usize;
        if row >= notes.len() {
            return &self.found;
        }
        for place in &places[begins[row] as usize..begins[row + 1] as usize] {
            for member in &members[*place as usize + 1..] {
                let other = member & !LAST;
                let (word, bit) = (&mut self.seen[other as usize / 64], 1u64 << (other % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    self.found.push(other);
                }
                if member & LAST != 0 {
                    break;
                }
            }
        }
        for other in &self.found {
            self.seen[*other as usize / 64] = 0;
        }
        let a = notes[row];
        self.found.retain(|other| {
            let b = notes[*other as usize];
            a.person != b.person && (a.only == 0 || a.only != b.only) && (a.fresh || b.fresh)
        });
        self.found.sort_unstable();
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, UInt8Array, UInt32Array, UInt64Array};
    use proptest::prelude::*;

    use super::*;
    use crate::blocking::mix;

    fn batch(keys: &[(u32, u8, u64)]) -> RecordBatch {
        let columns: [(&str, ArrayRef); 3] = [
            ("row", Arc::new(UInt32Array::from_iter_values(keys.iter().map(|k| k.0)))),
            ("rule", Arc::new(UInt8Array::from_iter_values(keys.iter().map(|k| k.1)))),
            ("key", Arc::new(UInt64Array::from_iter_values(keys.iter().map(|k| k.2)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    proptest! {
        /// The pairs are those of joining keys with keys.
        #[test]
        fn the_pairs_are_those_of_a_join(
            keys in proptest::collection::btree_set((0u32..40, 0u8..3, 0u64..8), 0..300),
            notes in proptest::collection::vec((0u32..30, 0u32..3, any::<bool>()), 40),
            cap in 0u64..12,
            most in 1u64..200,
        ) {
            let keys: Vec<(u32, u8, u64)> =
                keys.into_iter().map(|(row, rule, key)| (row, rule, mix(u64::from(rule), key))).collect();
            let notes: Vec<Note> = notes.into_iter().map(|(person, only, fresh)| Note { person, only, fresh }).collect();
            let rows_with = |key: u64| keys.iter().filter(|k| k.2 == key).count() as u64;
            let mut expected = BTreeSet::new();
            for l in &keys {
                for r in keys.iter().filter(|r| r.2 == l.2 && l.0 < r.0 && rows_with(l.2) <= cap) {
                    let (a, b) = (notes[l.0 as usize], notes[r.0 as usize]);
                    if a.person != b.person && (a.only == 0 || a.only != b.only) && (a.fresh || b.fresh) {
                        expected.insert((l.0, r.0));
                    }
                }
            }
            let (first, second) = keys.split_at(keys.len() / 3);
            let sorted = Keys::new(&[batch(second), batch(first)]);
            let told: u64 = sorted.sizes(3).iter().flatten().map(|(rows, blocks)| rows * blocks).sum();
            prop_assert_eq!(told, keys.iter().filter(|k| rows_with(k.2) > 1).count() as u64);
            let costs = vec![RuleCost { cap, ..RuleCost::default() }; 3];
            let blocks = Blocks::new(&sorted, &costs, notes);
            let mut found = Vec::new();
            let mut finder = blocks.finder();
            for (part, _) in blocks.parts(most) {
                for row in part {
                    found.extend(finder.partners(row).iter().map(|other| (row, *other)));
                }
            }
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}

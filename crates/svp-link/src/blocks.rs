//! Blocks of rows, and the candidate pairs that they propose.
//!
//! The rows of all compared blocks stand one after another in one list, and each row knows its places there. So the pairs of
//! a row are found by walking on from its places, and each is told once by a bit for each row; a join of keys with keys makes
//! each pair as often as there are rules that propose it, and takes many times as long.

use std::collections::BTreeMap;
use std::ops::Range;

use svp_contract::Linkage;
use svp_contract::comparison::ROW_COLUMNS;

use crate::LinkError;
use crate::blocking::{self, RuleCost, Rules};
use crate::parallel;
use crate::row_columns::NAMED;
use crate::rows::{Named, Rows};

/// Rows whose keys or partners a thread finds at once.
const ROWS_AT_ONCE: usize = 512;

/// Pairs that are proposed for small tables whatever their size: a few records may always be compared all with all.
const FEW_PAIRS: u64 = 10_000;

/// Two rows, the first of which has the lesser number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowPair(u64);

impl RowPair {
    /// The pair of two rows.
    #[inline(always)]
    pub(crate) fn new(first: u32, second: u32) -> Self {
        Self(u64::from(first) << 32 | u64::from(second))
    }

    #[inline(always)]
    pub(crate) fn first(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline(always)]
    pub(crate) fn second(self) -> u32 {
        self.0 as u32
    }
}

/// The keys of some rows that follow one another.
pub(crate) struct KeysOfRows {
    first: u32,
    rules: usize,
    /// How many keys each row has under each rule: row after row, and rule after rule.
    counts: Vec<u16>,
    /// The keys in the order of the counts.
    keys: Vec<u64>,
}

impl KeysOfRows {
    /// The keys, each with its row and its rule.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let places = self.counts.iter().enumerate().flat_map(|(place, n)| std::iter::repeat_n(place, usize::from(*n)));
        places.zip(&self.keys).map(|(place, key)| Entry {
            key: *key,
            row: self.first + (place / self.rules) as u32,
            rule: (place % self.rules) as u8,
        })
    }
}

/// The keys of all rows under the rules.
fn keys(linkage: &Linkage, rows: &Rows, threads: usize) -> Result<Vec<KeysOfRows>, LinkError> {
    let rules = Rules::new(linkage)?;
    let n = linkage.blocks.len();
    let made = parallel::map(
        threads,
        &rows.pieces(ROWS_AT_ONCE),
        || (),
        |(), (first, piece)| {
            let columns: Option<Vec<_>> = ROW_COLUMNS[..NAMED].iter().map(|c| piece.column_by_name(c.name)).collect();
            let columns = Named::new(rows.values(), columns?)?;
            let mut counts = vec![0u16; piece.num_rows() * n];
            let mut keys = Vec::with_capacity(piece.num_rows() * n);
            for (row, counts) in counts.chunks_mut(n).enumerate() {
                rules.keys(&columns.row(row), |rule, key| {
                    counts[usize::from(rule)] += 1;
                    keys.push(key);
                });
            }
            keys.shrink_to_fit();
            Some(KeysOfRows { first: *first as u32, rules: n, counts, keys })
        },
    );
    made.into_iter().collect::<Option<Vec<_>>>().ok_or(LinkError::Missing("column of the rows"))
}

/// A key of a row under a rule.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u64,
    row: u32,
    rule: u8,
}

/// What each rule costs, and the blocks that are compared.
pub(crate) fn block(
    linkage: &Linkage,
    rows: &Rows,
    notes: Vec<Note>,
    threads: usize,
) -> Result<(Vec<RuleCost>, Blocks), LinkError> {
    let keys = Keys::new(&keys(linkage, rows, threads)?);
    let budget = (linkage.blocking.pairs_per_record * notes.len() as u64).max(FEW_PAIRS);
    let costs: Vec<RuleCost> = linkage
        .blocks
        .iter()
        .zip(&keys.sizes(linkage.blocks.len()))
        .map(|(b, sizes)| blocking::cost(b.name(), sizes, budget, linkage.blocking.largest_block))
        .collect();
    let blocks = Blocks::new(&keys, &costs, notes);
    Ok((costs, blocks))
}

/// The keys of all rows, sorted, so that the rows of a block are neighbours.
pub(crate) struct Keys(Vec<Entry>);

/// What the proposals go by, of each row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note {
    /// Number of its record.
    pub person: u32,
    /// Number of its source, if that has each person once; else 0.
    pub dedup_source: u32,
    /// Whether no earlier run has judged it.
    pub changed: bool,
}

impl Keys {
    /// Sorts the keys.
    pub(crate) fn new(parts: &[KeysOfRows]) -> Self {
        let n: usize = parts.iter().map(|part| part.keys.len()).sum();
        // Keys are mixed, so their first bits spread them evenly over small heaps, each of which is sorted by itself.
        let bits = (n / 64).max(2).ilog2().min(16);
        let heap = |key: u64| (key >> (64 - bits)) as usize;
        let mut ends = vec![0usize; (1 << bits) + 1];
        parts.iter().flat_map(|part| &part.keys).for_each(|key| ends[heap(*key) + 1] += 1);
        for i in 1..ends.len() {
            ends[i] += ends[i - 1];
        }
        let mut entries = vec![Entry::default(); n];
        for entry in parts.iter().flat_map(KeysOfRows::entries) {
            let place = &mut ends[heap(entry.key)];
            entries[*place] = entry;
            *place += 1;
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
                block.len() as u64 <= cap && block.iter().any(|e| notes[e.row as usize].changed)
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
    pub(crate) fn parts(&self, most: u64) -> Vec<(Range<u32>, u64)> {
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

    /// Whether the record of a row has rows before it, too.
    pub(crate) fn goes_on(&self, row: u32) -> bool {
        let person = |row: u32| self.notes.get(row as usize).map(|note| note.person);
        row.checked_sub(1).is_some_and(|before| person(before) == person(row))
    }

    /// Cuts rows into a few at a time, between records.
    fn few(&self, rows: Range<u32>) -> Vec<Range<u32>> {
        let (mut few, mut first) = (Vec::new(), rows.start);
        while first < rows.end {
            let mut end = first.saturating_add(ROWS_AT_ONCE as u32).min(rows.end);
            while end < rows.end && self.goes_on(end) {
                end += 1;
            }
            few.push(first..end);
            first = end;
        }
        few
    }

    /// Something to find partners with, for many rows.
    fn finder(&self) -> Finder<'_> {
        Finder { blocks: self, seen: vec![0; self.notes.len().div_ceil(64)], found: Vec::new() }
    }
}

/// The candidate pairs of some rows with later rows, each once and in their order, the rows of a few records at a time. `may` says of two
/// rows whether their pair is wanted; of a row with itself, whether any of its is.
pub(crate) fn candidates(
    blocks: &Blocks,
    rows: Range<u32>,
    threads: usize,
    may: impl Fn(u32, u32) -> bool + Sync,
) -> Vec<Vec<RowPair>> {
    parallel::map(
        threads,
        &blocks.few(rows),
        || blocks.finder(),
        |finder, rows| {
            let mut pairs = Vec::with_capacity(
                blocks.work[rows.start as usize..rows.end as usize].iter().map(|n| *n as usize).sum(),
            );
            for row in rows.clone().filter(|row| may(*row, *row)) {
                let partners = finder.partners(row, |other| may(row, other));
                pairs.extend(partners.iter().map(|other| RowPair::new(row, *other)));
            }
            pairs.shrink_to_fit();
            pairs
        },
    )
}

/// Finds the partners of one row after another.
struct Finder<'a> {
    blocks: &'a Blocks,
    /// A bit for each row; all 0 between two rows.
    seen: Vec<u64>,
    found: Vec<u32>,
}

impl Finder<'_> {
    /// The later rows that some block has together with a row, each once and in their order: not those of its own record, nor
    /// of its source if that has each person once, nor pairs that an earlier run has judged.
    fn partners(&mut self, row: u32, may: impl Fn(u32) -> bool) -> &[u32] {
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
                if *word & bit == 0 && may(other) {
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
            a.person != b.person
                && (a.dedup_source == 0 || a.dedup_source != b.dedup_source)
                && (a.changed || b.changed)
        });
        self.found.sort_unstable();
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::value::mix;

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
            let notes: Vec<Note> = notes.into_iter().map(|(person, dedup_source, changed)| Note { person, dedup_source, changed }).collect();
            let rows_with = |key: u64| keys.iter().filter(|k| k.2 == key).count() as u64;
            let mut expected = BTreeSet::new();
            for l in &keys {
                for r in keys.iter().filter(|r| r.2 == l.2 && l.0 < r.0 && rows_with(l.2) <= cap) {
                    let (a, b) = (notes[l.0 as usize], notes[r.0 as usize]);
                    if a.person != b.person && (a.dedup_source == 0 || a.dedup_source != b.dedup_source) && (a.changed || b.changed) {
                        expected.insert((l.0, r.0));
                    }
                }
            }
            // The keys come in the order of rows and rules.
            let part = |rows: std::ops::Range<u32>| {
                let of = |row, rule| keys.iter().filter(move |k| (k.0, k.1) == (row, rule));
                let places = || rows.clone().flat_map(|row| (0..3).map(move |rule| (row, rule)));
                KeysOfRows {
                    first: rows.start,
                    rules: 3,
                    counts: places().map(|(row, rule)| of(row, rule).count() as u16).collect(),
                    keys: places().flat_map(|(row, rule)| of(row, rule).map(|k| k.2)).collect(),
                }
            };
            let sorted = Keys::new(&[part(13..40), part(0..13)]);
            let told: u64 = sorted.sizes(3).iter().flatten().map(|(rows, blocks)| rows * blocks).sum();
            prop_assert_eq!(told, keys.iter().filter(|k| rows_with(k.2) > 1).count() as u64);
            let costs = vec![RuleCost { cap, ..RuleCost::default() }; 3];
            let blocks = Blocks::new(&sorted, &costs, notes);
            let mut found = Vec::new();
            for (part, _) in blocks.parts(most) {
                let pairs = candidates(&blocks, part, 2, |_, _| true).into_iter().flatten();
                found.extend(pairs.map(|pair| (pair.first(), pair.second())));
            }
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}

//! The rows by their number, as the pairs are judged from them.
//!
//! A pair is two row numbers. Looking the rows up here in place of joining them to every pair saves carrying some hundred
//! bytes of encodings through two joins for each pair, which took ten times as long as the comparison itself. Each value is
//! kept once and a row says which ones it has, so that a row is one cache line, and equal values are one value.

use pulp::{Arch, Simd, WithSimd};
use rustc_hash::FxHashMap;
use svp_contract::COMPARISONS;
use svp_contract::comparison::{ComparisonKind, ROW_COLUMNS, row_column};
use svp_contract::encoding::WHOLE;

use crate::LinkError;
use crate::blocks::RowPair;
use crate::comparison::{self, BIRTH, ComparisonVector, Cuts, Names, POSTCODE};
use crate::rarity::{Counts, RARE_VALUES, VALUES, rare_values};
use crate::row_columns::ENCODINGS;
use crate::rows::Rows;
use crate::value::{Value, word_tokens};

/// Places of encodings.
const FORENAME: usize = row_column("forename");
const SURNAME: usize = row_column("surname");
const WORDS: usize = row_column("words");

/// The column of each comparison that is compared, by its place in [`ROW_COLUMNS`].
static COLUMN_OF: [usize; COMPARISONS.len()] = {
    let mut columns = [0; COMPARISONS.len()];
    let mut c = 0;
    while c < columns.len() {
        columns[c] = row_column(COMPARISONS[c].columns[0]);
        c += 1;
    }
    columns
};

/// How many comparisons are of values that are equal or not.
const EXACT: usize = {
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        n += matches!(COMPARISONS[c].kind, ComparisonKind::Exact) as usize;
        c += 1;
    }
    n
};

/// These comparisons, in the order of [`StoredRow::codes`].
const EXACT_COMPARISONS: [usize; EXACT] = {
    let mut exact = [0; EXACT];
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        if matches!(COMPARISONS[c].kind, ComparisonKind::Exact) {
            exact[n] = c;
            n += 1;
        }
        c += 1;
    }
    exact
};

/// Number of a value that is missing.
const MISSING: u32 = u32::MAX;

/// One row: the numbers of its values.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct StoredRow {
    /// Of the encodings.
    values: [u32; ENCODINGS],
    /// Of what is equal or not; 0 is missing.
    codes: [u32; EXACT],
    /// Order of birth that stands in place of a forename; 0 is none.
    birth_order: u32,
    /// How many words of the name are neither forename nor surname, and where they stand, when there are more than [`FEW`].
    others: u32,
    first_other: u32,
    few: [u64; FEW],
}

// A row is one cache line.
const _: () = assert!(size_of::<StoredRow>() == 64);

/// Pairs that are looked up before they are judged; their rows fit the nearest cache.
const AT_ONCE: usize = 128;

/// Words that are kept in the row itself.
const FEW: usize = 1;

const EMPTY: StoredRow = StoredRow {
    values: [MISSING; ENCODINGS],
    codes: [0; EXACT],
    birth_order: 0,
    others: 0,
    first_other: 0,
    few: [0; FEW],
};

/// Rows by number.
#[derive(Debug)]
pub(crate) struct Store {
    values: [Vec<Value>; ENCODINGS],
    rows: Vec<StoredRow>,
    others: Vec<u64>,
    counts: Vec<Counts>,
}

impl Store {
    /// Takes the values out of the rows.
    pub(crate) fn new(rows_in: &Rows) -> Result<Self, LinkError> {
        let mut rows = vec![EMPTY; rows_in.len()];
        let mut values: [Vec<Value>; ENCODINGS] = Default::default();
        for (c, column) in ROW_COLUMNS[..ENCODINGS].iter().enumerate() {
            let encodings = rows_in.values().encodings(c);
            values[c] = (0..encodings.len() as u32).map(|n| Value::new(encodings.get(n))).collect();
            for (first, array) in rows_in.numbered(column.name)? {
                rows[first..].iter_mut().zip(array).for_each(|(row, n)| row.values[c] = n.unwrap_or(MISSING));
            }
        }
        for (place, c) in EXACT_COMPARISONS.into_iter().enumerate() {
            let column = &ROW_COLUMNS[COLUMN_OF[c]];
            let mut numbers: FxHashMap<u64, u32> = FxHashMap::default();
            for (first, array) in rows_in.numbers(column.name)? {
                for (row, value) in rows[first..].iter_mut().zip(array) {
                    if let Some(value) = value {
                        let next = numbers.len() as u32 + 1;
                        row.codes[place] = *numbers.entry(value).or_insert(next);
                    }
                }
            }
        }
        for (first, array) in rows_in.numbers("birth_order")? {
            for (row, order) in rows[first..].iter_mut().zip(array) {
                row.birth_order = order.unwrap_or_default() as u32;
            }
        }
        for (first, array) in rows_in.numbers("common")? {
            for (row, common) in rows[first..].iter().zip(array) {
                if common.is_some()
                    && let Some(forename) = values[FORENAME].get_mut(row.values[FORENAME] as usize)
                {
                    forename.is_a_name = true;
                }
            }
        }
        let mut store = Self { values, rows, others: Vec::new(), counts: Vec::new() };
        let words = rows_in.values().encodings(WORDS);
        for (first, array) in rows_in.numbered("words")? {
            for (row, n) in (first..).zip(array) {
                store.name_words(row, n.map(|n| words.get(n)));
            }
        }
        store.counts = store.count();
        Ok(store)
    }

    /// Keeps the words of a row's name that are neither its forename nor its surname.
    fn name_words(&mut self, row: usize, words: Option<&[u8]>) {
        let whole = |column: usize| self.value(column, &self.rows[row]).map_or(0, |v| v.token(WHOLE));
        let (forename, surname) = (whole(FORENAME), whole(SURNAME));
        let first = self.others.len();
        self.others.extend(word_tokens(words).filter(|w| *w != forename && *w != surname));
        let row = &mut self.rows[row];
        row.others = (self.others.len() - first) as u32;
        row.first_other = first as u32;
        if self.others.len() - first <= FEW {
            row.few.iter_mut().zip(self.others.drain(first..)).for_each(|(slot, word)| *slot = word);
        }
    }

    /// The values of a row that are weighed by their rarity, as numbers.
    fn rare(&self, row: &StoredRow) -> [Option<u64>; VALUES] {
        rare_values(RARE_VALUES.map(|v| self.value(v.column, row).map_or(0, |value| value.token(v.rarity.token))))
    }

    /// How many rows hold each of the values of a row.
    fn count(&self) -> Vec<Counts> {
        let mut rows_with: FxHashMap<u64, u32> = FxHashMap::default();
        for row in &self.rows {
            self.rare(row).into_iter().flatten().for_each(|value| *rows_with.entry(value).or_default() += 1);
        }
        let rows = |value: Option<u64>| value.and_then(|v| rows_with.get(&v)).map_or(0.0, |n| *n as f32);
        self.rows.iter().map(|row| Counts(self.rare(row).map(rows))).collect()
    }

    #[inline(always)]
    fn value(&self, column: usize, row: &StoredRow) -> Option<&Value> {
        self.values[column].get(row.values[column] as usize)
    }

    #[inline(always)]
    fn names<'a>(&'a self, row: &'a StoredRow) -> Names<'a> {
        let n = row.others as usize;
        let others = match row.few.get(..n) {
            Some(few) => few,
            None => self.others.get(row.first_other as usize..).and_then(|from| from.get(..n)).unwrap_or_default(),
        };
        Names {
            forename: self.value(FORENAME, row),
            surname: self.value(SURNAME, row),
            words: self.value(WORDS, row),
            others,
            birth_order: row.birth_order,
        }
    }

    /// The vectors of the pairs. A few pairs at a time go through one comparison after another: so the machine already fetches
    /// the values of the next pairs, which lie anywhere, while it judges one.
    #[inline(always)]
    fn vectors(&self, cuts: &Cuts, pairs: &[RowPair], out: &mut [ComparisonVector]) {
        let mut rows = [(&EMPTY, &EMPTY); AT_ONCE];
        for (pairs, out) in pairs.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
            for (slot, pair) in rows.iter_mut().zip(pairs) {
                let row = |row: u32| self.rows.get(row as usize).unwrap_or(&EMPTY);
                *slot = (row(pair.first()), row(pair.second()));
            }
            let rows = &rows[..pairs.len()];
            for ((a, b), slot) in rows.iter().zip(out.iter_mut()) {
                for (place, c) in EXACT_COMPARISONS.into_iter().enumerate() {
                    *slot |= ComparisonVector::with(c, comparison::exact(a.codes[place], b.codes[place]) as u8);
                }
            }
            for ((a, b), slot) in rows.iter().zip(out.iter_mut()) {
                *slot |= comparison::names(cuts, self.names(a), self.names(b));
            }
            self.compare(BIRTH, rows, out, |a, b| comparison::birth(cuts, a, b) as u8);
            self.compare(POSTCODE, rows, out, |a, b| comparison::postcode(a, b) as u8);
            for (c, listed) in COMPARISONS.iter().enumerate() {
                if listed.kind == ComparisonKind::Text {
                    self.compare(c, rows, out, |a, b| comparison::text(cuts, c, a, b) as u8);
                }
            }
        }
    }

    /// Adds the levels of one comparison to the vectors.
    #[inline(always)]
    fn compare(
        &self,
        c: usize,
        rows: &[(&StoredRow, &StoredRow)],
        out: &mut [ComparisonVector],
        level: impl Fn(Option<&Value>, Option<&Value>) -> u8,
    ) {
        let column = COLUMN_OF[c];
        for ((a, b), slot) in rows.iter().zip(out) {
            *slot |= ComparisonVector::with(c, level(self.value(column, a), self.value(column, b)));
        }
    }

    /// How common the values of a row are.
    #[inline(always)]
    pub(crate) fn counts(&self, row: u32) -> Counts {
        self.counts.get(row as usize).copied().unwrap_or_default()
    }

    /// Rows that have each kind of value.
    pub(crate) fn present(&self) -> Counts {
        let rows = |value: usize| self.counts.iter().filter(|c| c.0[value] > 0.0).count() as f32;
        Counts(std::array::from_fn(rows))
    }
}

/// The comparison vectors of pairs of rows, in the order of the pairs. A row that there is not has nothing.
pub(crate) fn compare(store: &Store, cuts: &Cuts, pairs: &[RowPair]) -> Vec<ComparisonVector> {
    Arch::new().dispatch(Compare { store, cuts, pairs })
}

/// The comparison, with the vector instructions that the machine has.
struct Compare<'a> {
    store: &'a Store,
    cuts: &'a Cuts,
    pairs: &'a [RowPair],
}

impl WithSimd for Compare<'_> {
    type Output = Vec<ComparisonVector>;

    // A closure would not be compiled for those instructions unless the compiler happened to inline it.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<ComparisonVector> {
        let mut out = vec![ComparisonVector::default(); self.pairs.len()];
        self.store.vectors(self.cuts, self.pairs, &mut out);
        out
    }
}

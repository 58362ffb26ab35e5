//! The rows of `link_row` by their number, as the functions that judge pairs hold them.
//!
//! A pair is two row numbers. Looking the rows up here in place of joining them to every pair saves carrying some hundred
//! bytes of encodings through two joins for each pair, which took ten times as long as the comparison itself. Each value is
//! kept once and a row says which ones it has, so that a row is one cache line, and equal values are one value.

use arrow::array::{ArrayRef, AsArray, BinaryViewArray, RecordBatch, UInt64Array};
use arrow::datatypes::{Int64Type, SchemaRef, UInt64Type};
use pulp::{Simd, WithSimd};
use rustc_hash::FxHashMap;
use svp_contract::encoding::{USUAL, WHOLE};

use crate::LinkError;
use crate::blocking::mix;
use crate::comparison::{self, Cuts, Names, Value, at, exact, word_tokens};
use crate::model::Counts;

/// Encoded columns in the order of [`Row::values`].
const ENCODED: [&str; 7] = ["forename", "surname", "words", "birth", "postcode", "birth_place", "occupation"];
const NUMBERS: [&str; 3] = ["nhs", "upn", "local"];

/// Place of an encoded column.
mod of {
    pub(super) const FORENAME: usize = 0;
    pub(super) const SURNAME: usize = 1;
    pub(super) const WORDS: usize = 2;
    pub(super) const BIRTH: usize = 3;
    pub(super) const POSTCODE: usize = 4;
    pub(super) const BIRTH_PLACE: usize = 5;
    pub(super) const OCCUPATION: usize = 6;
}

/// Number of a value that is missing.
const MISSING: u32 = u32::MAX;

/// One row: the numbers of its values.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Row {
    values: [u32; ENCODED.len()],
    numbers: [u32; NUMBERS.len()],
    sex: u32,
    /// Order of birth that stands in place of a forename; 0 is none.
    birth_order: u32,
    /// How many words of the name are neither forename nor surname, and where they stand, when there are more than [`FEW`].
    others: u32,
    first_other: u32,
    few: [u64; FEW],
}

/// Pairs that are looked up before they are judged; their rows fit the nearest cache.
const AT_ONCE: usize = 128;

/// Words that are kept in the row itself.
const FEW: usize = 1;

const EMPTY: Row = Row {
    values: [MISSING; ENCODED.len()],
    numbers: [0; NUMBERS.len()],
    sex: 0,
    birth_order: 0,
    others: 0,
    first_other: 0,
    few: [0; FEW],
};

/// Rows by number.
#[derive(Debug)]
pub(crate) struct Store {
    values: [Vec<Value>; ENCODED.len()],
    rows: Vec<Row>,
    others: Vec<u64>,
    counts: Vec<Counts>,
}

/// The values of one column, each once.
fn distinct<'a>(
    column: usize,
    arrays: impl Iterator<Item = (usize, &'a BinaryViewArray)>,
    rows: &mut [Row],
) -> Vec<Value> {
    let mut number: FxHashMap<&[u8], u32> = FxHashMap::default();
    let mut values = Vec::new();
    for (first, array) in arrays {
        for (row, encoding) in rows[first..].iter_mut().zip(array.iter()) {
            if let Some(encoding) = encoding {
                row.values[column] = *number.entry(encoding).or_insert_with(|| {
                    values.push(Value::new(encoding));
                    values.len() as u32 - 1
                });
            }
        }
    }
    values
}

impl Store {
    /// From the batches of `link_row`, in the order of their rows, and of `link_count`, in any order.
    pub(crate) fn new(schema: &SchemaRef, batches: &[RecordBatch], counts: &[RecordBatch]) -> Result<Self, LinkError> {
        let place = |name: &str| schema.index_of(name).map_err(|_| LinkError::Missing("column of link_row"));
        let mut first = Vec::with_capacity(batches.len());
        let mut n = 0;
        for batch in batches {
            first.push(n);
            n += batch.num_rows();
        }
        let arrays = |column: usize| first.iter().copied().zip(batches.iter().map(move |b| b.column(column)));
        let mut rows = vec![EMPTY; n];
        let mut values: [Vec<Value>; ENCODED.len()] = Default::default();
        for (c, name) in ENCODED.iter().enumerate() {
            let column = arrays(place(name)?);
            values[c] = distinct(c, column.filter_map(|(i, a)| Some((i, a.as_binary_view_opt()?))), &mut rows);
        }
        let numbers = |column: &'static str| {
            Ok::<_, LinkError>(arrays(place(column)?).filter_map(|(i, a)| Some((i, as_numbers(a)?))))
        };
        for (c, name) in NUMBERS.iter().enumerate() {
            let mut number: FxHashMap<u64, u32> = FxHashMap::default();
            for (first, array) in numbers(name)? {
                for (row, token) in rows[first..].iter_mut().zip(array) {
                    if let Some(token) = token {
                        let next = number.len() as u32 + 1;
                        row.numbers[c] = *number.entry(token).or_insert(next);
                    }
                }
            }
        }
        for (first, array) in numbers("sex")? {
            for (row, sex) in rows[first..].iter_mut().zip(array) {
                row.sex = sex.unwrap_or_default() as u32;
            }
        }
        for (first, array) in numbers("birth_order")? {
            for (row, order) in rows[first..].iter_mut().zip(array) {
                row.birth_order = order.unwrap_or_default() as u32;
            }
        }
        for (first, array) in numbers("common")? {
            for (row, common) in rows[first..].iter().zip(array) {
                if common.is_some()
                    && let Some(forename) = values[of::FORENAME].get_mut(row.values[of::FORENAME] as usize)
                {
                    forename.is_a_name = true;
                }
            }
        }
        let mut store = Self { values, rows, others: Vec::new(), counts: Vec::with_capacity(n) };
        for (first, array) in arrays(place("words")?).filter_map(|(i, a)| Some((i, a.as_binary_view_opt()?))) {
            for (row, words) in (first..).zip(array.iter()) {
                store.name_words(row, words);
            }
        }
        store.count(counts);
        Ok(store)
    }

    /// Keeps the words of a row's name that are neither its forename nor its surname.
    fn name_words(&mut self, row: usize, words: Option<&[u8]>) {
        let whole = |column: usize| self.value(column, &self.rows[row]).map_or(0, |v| v.token(WHOLE));
        let (forename, surname) = (whole(of::FORENAME), whole(of::SURNAME));
        let first = self.others.len();
        self.others.extend(word_tokens(words).filter(|w| *w != forename && *w != surname));
        let row = &mut self.rows[row];
        row.others = (self.others.len() - first) as u32;
        row.first_other = first as u32;
        if self.others.len() - first <= FEW {
            row.few.iter_mut().zip(self.others.drain(first..)).for_each(|(slot, word)| *slot = word);
        }
    }

    fn count(&mut self, counts: &[RecordBatch]) {
        let mut rows_with: FxHashMap<u64, f32> = FxHashMap::default();
        for batch in counts {
            let values = batch.column(0).as_primitive::<UInt64Type>().values();
            let rows = batch.column(1).as_primitive::<Int64Type>().values();
            rows_with.extend(values.iter().copied().zip(rows.iter().map(|n| *n as f32)));
        }
        for row in &self.rows {
            let token = |column: usize, place| self.value(column, row).map_or(0, |v| v.token(place));
            let n = rare([
                token(of::FORENAME, WHOLE),
                token(of::FORENAME, USUAL),
                token(of::SURNAME, WHOLE),
                token(of::BIRTH, WHOLE),
                token(of::BIRTH_PLACE, WHOLE),
                token(of::POSTCODE, WHOLE),
                token(of::OCCUPATION, WHOLE),
            ])
            .map(|value| value.and_then(|v| rows_with.get(&v).copied()).unwrap_or_default());
            let [forename, usual, surname, birth, birth_place, postcode, occupation, name] = n;
            self.counts.push(Counts { forename, usual, surname, name, birth, birth_place, postcode, occupation });
        }
    }

    #[inline(always)]
    fn value(&self, column: usize, row: &Row) -> Option<&Value> {
        self.values[column].get(row.values[column] as usize)
    }

    #[inline(always)]
    fn names<'a>(&'a self, row: &'a Row) -> Names<'a> {
        let n = row.others as usize;
        let others = match row.few.get(..n) {
            Some(few) => few,
            None => self.others.get(row.first_other as usize..).and_then(|from| from.get(..n)).unwrap_or_default(),
        };
        Names {
            forename: self.value(of::FORENAME, row),
            surname: self.value(of::SURNAME, row),
            words: self.value(of::WORDS, row),
            others,
            birth_order: row.birth_order,
        }
    }

    /// The levels of all comparisons of the pairs. A few pairs at a time go through one comparison after another: so the
    /// machine already fetches the values of the next pairs, which lie anywhere, while it judges one.
    #[inline(always)]
    fn agreements(&self, cuts: &Cuts, pairs: &[u64], out: &mut [u64]) {
        let mut rows = [(&EMPTY, &EMPTY); AT_ONCE];
        for (pairs, out) in pairs.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
            for (slot, pair) in rows.iter_mut().zip(pairs) {
                let row = |row: u64| self.rows.get(row as usize).unwrap_or(&EMPTY);
                *slot = (row(pair >> 32), row(pair & 0xffff_ffff));
            }
            let rows = &rows[..pairs.len()];
            for ((a, b), slot) in rows.iter().zip(out.iter_mut()) {
                *slot = exact(at::SEX, a.sex, b.sex)
                    | exact(at::NHS, a.numbers[0], b.numbers[0])
                    | exact(at::UPN, a.numbers[1], b.numbers[1])
                    | exact(at::LOCAL, a.numbers[2], b.numbers[2]);
            }
            for ((a, b), slot) in rows.iter().zip(out.iter_mut()) {
                *slot |= comparison::names(cuts, self.names(a), self.names(b));
            }
            self.compare(of::BIRTH, rows, out, |a, b| comparison::birth(cuts, a, b));
            self.compare(of::POSTCODE, rows, out, |a, b| comparison::postcode(cuts, a, b));
            self.compare(of::BIRTH_PLACE, rows, out, |a, b| comparison::text(cuts, at::BIRTH_PLACE, a, b));
            self.compare(of::OCCUPATION, rows, out, |a, b| comparison::text(cuts, at::OCCUPATION, a, b));
        }
    }

    #[inline(always)]
    fn compare(
        &self,
        column: usize,
        rows: &[(&Row, &Row)],
        out: &mut [u64],
        level: impl Fn(Option<&Value>, Option<&Value>) -> u64,
    ) {
        for ((a, b), slot) in rows.iter().zip(out) {
            *slot |= level(self.value(column, a), self.value(column, b));
        }
    }

    /// How common the values of a row are.
    #[inline(always)]
    pub(crate) fn counts(&self, row: u32) -> Counts {
        self.counts.get(row as usize).copied().unwrap_or_default()
    }

    /// Rows that have each kind of value.
    pub(crate) fn present(&self) -> Counts {
        let rows = |of: fn(&Counts) -> f32| self.counts.iter().filter(|c| of(c) > 0.0).count() as f32;
        Counts {
            forename: rows(|c| c.forename),
            usual: rows(|c| c.usual),
            surname: rows(|c| c.surname),
            name: rows(|c| c.name),
            birth: rows(|c| c.birth),
            birth_place: rows(|c| c.birth_place),
            postcode: rows(|c| c.postcode),
            occupation: rows(|c| c.occupation),
        }
    }
}

/// The levels of all comparisons of pairs, with the vector instructions that the machine has.
pub(crate) struct Judge<'a> {
    pub store: &'a Store,
    pub cuts: &'a Cuts,
    pub pairs: &'a [u64],
}

impl WithSimd for Judge<'_> {
    type Output = Vec<u64>;

    // A closure would not be compiled for those instructions unless the compiler happened to inline it.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<u64> {
        let mut out = vec![0u64; self.pairs.len()];
        self.store.agreements(self.cuts, self.pairs, &mut out);
        out
    }
}

fn as_numbers(array: &ArrayRef) -> Option<&UInt64Array> {
    array.as_primitive_opt()
}

/// The values of a row that are weighed by their rarity, each with its kind in it: of the tokens of forename, its usual form,
/// surname, birth, place of birth, postcode and occupation (0 is missing); then usual forename and surname together.
pub(crate) fn rare(tokens: [u64; 7]) -> [Option<u64>; 8] {
    let [_, usual, surname, ..] = tokens;
    std::array::from_fn(|kind| {
        let token = match tokens.get(kind) {
            Some(token) => *token,
            None if usual == 0 || surname == 0 => 0,
            None => mix(usual, surname),
        };
        (token != 0).then(|| mix(kind as u64 + 1, token))
    })
}

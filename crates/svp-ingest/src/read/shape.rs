//! What the values of a column look like, learnt from the first records: enough to tell a record from a footer and
//! from a line of free text. It holds shapes only, never a value.

use super::split::Field;

/// The first so many records are learnt from, and one in so many after them: files are often sorted.
const LEARN: u64 = 64;
/// Of the filled fields of a record in columns that are known, so many in a hundred must look like those before.
const ALIKE: usize = 75;

/// Digits, letters, both or neither; each in one word or several.
fn shape(text: &[u8]) -> u8 {
    let text = text.trim_ascii();
    if text.is_empty() {
        return 0;
    }
    let digit = text.iter().any(u8::is_ascii_digit);
    let letter = text.iter().any(|b| b.is_ascii_alphabetic() || !b.is_ascii());
    let words = text.contains(&b' ');
    1 << (u8::from(digit) * 4 + u8::from(letter) * 2 + u8::from(words))
}

/// The shapes that each column has shown.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    seen: Vec<u8>,
    filled: Vec<u32>,
    records: u32,
}

impl Shapes {
    /// Whether row number `row` should be learnt from.
    #[inline]
    pub(super) fn wants(row: u64) -> bool {
        row < LEARN || row.is_multiple_of(LEARN)
    }

    /// Whether nothing was learnt yet.
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Learns from a record; `base` is where its bytes begin among those that the fields point into.
    pub(super) fn learn(&mut self, record: &[u8], base: usize, fields: &[Field]) {
        if self.seen.len() < fields.len() {
            self.seen.resize(fields.len(), 0);
            self.filled.resize(fields.len(), 0);
        }
        self.records += 1;
        for (i, field) in fields.iter().enumerate() {
            let found = shape(&record[field.start - base..field.end - base]);
            self.seen[i] |= found;
            self.filled[i] += u32::from(found != 0);
        }
    }

    /// Whether a record is like those before: it fills at least half as many fields, and those of columns that have held
    /// something before look as they did there. Where nothing was learnt, two filled fields are enough.
    pub(super) fn alike(&self, record: &[u8], base: usize, fields: &[Field]) -> bool {
        let (mut filled, mut known, mut fit) = (0, 0, 0);
        for (i, field) in fields.iter().enumerate() {
            let found = shape(&record[field.start - base..field.end - base]);
            let seen = self.seen.get(i).copied().unwrap_or_default();
            filled += usize::from(found != 0);
            known += usize::from(found != 0 && seen != 0);
            fit += usize::from(found & seen != 0);
        }
        if self.is_empty() {
            return filled >= 2;
        }
        let usual: u64 = self.filled.iter().map(|n| u64::from(*n)).sum();
        let enough = filled >= 2 && 2 * filled as u64 * u64::from(self.records) >= usual;
        enough && fit >= 2 && fit * 100 >= known * ALIKE
    }

    /// Whether the first column that all records fill is filled here and looks as it does there (true where nothing
    /// was learnt).
    pub(super) fn keyed(&self, record: &[u8], base: usize, fields: &[Field]) -> bool {
        let key = self.filled.iter().position(|n| *n == self.records);
        let Some((key, field)) = key.and_then(|k| fields.get(k).map(|f| (k, f))) else { return self.records == 0 };
        shape(&record[field.start - base..field.end - base]) & self.seen[key] != 0
    }
}

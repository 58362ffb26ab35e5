//! What the values of a column look like, learnt from the first records: enough to tell a record from a footer and
//! from a line of free text. It holds shapes only, never a value.

use super::split::Field;

/// Records that are learnt from.
const LEARN: u32 = 64;
/// Of the filled fields of a record, so many in a hundred must look like those before.
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
    /// Whether more records should be learnt from.
    #[inline]
    pub(super) fn learning(&self) -> bool {
        self.records < LEARN
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

    /// Whether a record is like those before: it fills at least half as many fields, and they look alike (at least two
    /// fields, where nothing was learnt).
    pub(super) fn alike(&self, record: &[u8], base: usize, fields: &[Field]) -> bool {
        let (mut filled, mut fit) = (0, 0);
        for (i, field) in fields.iter().enumerate() {
            let found = shape(&record[field.start - base..field.end - base]);
            filled += usize::from(found != 0);
            fit += usize::from(found != 0 && self.seen.get(i).is_none_or(|seen| found & seen != 0));
        }
        let usual: u32 = self.filled.iter().sum();
        filled >= 2 && 2 * filled * self.records as usize >= usual as usize && fit * 100 >= filled * ALIKE
    }

    /// Whether the first column that all records fill is filled here and looks as it does there (true where nothing
    /// was learnt).
    pub(super) fn keyed(&self, record: &[u8], base: usize, fields: &[Field]) -> bool {
        let key = self.filled.iter().position(|n| *n == self.records);
        let Some((key, field)) = key.and_then(|k| fields.get(k).map(|f| (k, f))) else { return self.records == 0 };
        shape(&record[field.start - base..field.end - base]) & self.seen[key] != 0
    }
}

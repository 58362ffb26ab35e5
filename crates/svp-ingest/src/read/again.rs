//! Knowing the header when it comes again among the records, as in files that were joined.

use std::str;

use super::decode;
use super::header::{clean, folded};
use super::rows::{Mode, unquote};
use super::split::Field;

/// What a record is that begins as the header does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// A record.
    No,
    /// The header.
    Same,
    /// A header with other names, or in another order.
    Other,
}

/// The names of a header, as they stand in the file.
pub(super) struct HeaderNames {
    names: Vec<String>,
    /// Which lengths the names have, a bit for each up to 63: most records are told from a header by this alone.
    lengths: u64,
}

impl HeaderNames {
    pub(super) fn new(names: Vec<String>) -> Self {
        let lengths = names.iter().map(String::len).filter(|n| (1..64).contains(n)).fold(0, |all, n| all | (1 << n));
        Self { names, lengths }
    }

    /// Compares a record with the header; `base` is where its bytes begin among those that the fields point into.
    #[inline]
    pub(super) fn compare(&self, record: &[u8], base: usize, fields: &[Field], mode: Mode, quote: char) -> Again {
        let Some(first) = fields.first() else { return Again::No };
        let bytes = &record[first.start - base..first.end - base];
        let bytes = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        if bytes.len() >= 64 || (self.lengths >> bytes.len()) & 1 == 0 {
            return Again::No;
        }
        if !self.names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(bytes)) {
            return Again::No;
        }
        let text = |f: &Field| folded(&name(&record[f.start - base..f.end - base], *f, mode, quote));
        let here: Vec<String> = fields.iter().map(text).collect();
        let names: Vec<String> = self.names.iter().map(|n| folded(n)).collect();
        if here == names {
            return Again::Same;
        }
        // A value can be called as a column is; half of all columns are not.
        let known = here.iter().filter(|h| !h.is_empty() && names.contains(h)).count();
        let all = names.iter().filter(|n| !n.is_empty()).count();
        if known >= 2 && known * 2 >= all { Again::Other } else { Again::No }
    }
}

/// A field as a name; empty if it cannot be read.
fn name(bytes: &[u8], field: Field, mode: Mode, quote: char) -> String {
    let (mut text, mut scratch) = (String::new(), String::new());
    let raw = match str::from_utf8(bytes) {
        Ok(raw) => raw,
        Err(_) if mode != Mode::Utf8 && decode::windows_1252(bytes, &mut text) => &text,
        Err(_) => "",
    };
    clean(unquote(raw, field, quote, &mut scratch)).to_owned()
}

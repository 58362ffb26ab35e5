//! From the fields of a record to values of columns: one validation of UTF-8 per record, then each field goes
//! straight into its column's buffer.

use std::str;

use memchr::memchr;

use super::ReadNote;
use super::columns::Columns;
use super::decode;
use super::error::{ReadError, RowRule};
use super::header::Layout;
use super::split::Field;

/// How the bytes of this file are read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Utf8,
    Windows1252,
    /// Only ASCII seen so far: the first record with other bytes decides.
    Undecided,
    /// Windows-1252 by that decision.
    Fallback,
}

/// Rows after which a file in which no row can be decoded is given up.
const HOPELESS_ROWS: u64 = 100;
/// Rows with non-ASCII text after which a file in which none of them can be decoded is given up.
const HOPELESS_ACCENTED: u64 = 20;
/// Share of undecodable rows (1 in N) above which the file is given up.
const TOLERATED: u64 = 20;

/// Counts that tell a wrong encoding from a few damaged rows.
#[derive(Debug, Default)]
struct Health {
    rows: u64,
    accented: u64,
    /// Of these, rows that are UTF-8.
    utf8: u64,
    bad: u64,
    /// The first row with non-ASCII text, and the first that cannot be decoded.
    first_accented: u64,
    first_bad: u64,
}

/// Why a record is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The record is no row; the file goes on.
    Row(RowRule),
    /// The column without a name (from 0) holds a value: the file stops.
    Unnamed(usize),
}

/// A record with its bytes; the fields point into a larger buffer, in which they begin at `base`.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub bytes: &'a [u8],
    pub base: usize,
    pub fields: &'a [Field],
    pub stray: bool,
    /// Zero bytes have been seen in the file.
    pub nul: bool,
}

impl Record<'_> {
    fn text(&self, field: Field) -> &[u8] {
        self.bytes.get(field.start - self.base..field.end - self.base).unwrap_or_default()
    }
}

/// The rows of a delimited file under construction.
pub(super) struct Rows {
    pub file: String,
    pub mode: Mode,
    pub declared: &'static str,
    pub quote: char,
    pub layout: Layout,
    pub columns: Columns,
    /// Every record has so many empty fields more than the header.
    pub surplus: usize,
    health: Health,
    decoded: String,
    unquoted: String,
}

impl Rows {
    pub(super) fn new(
        file: &str,
        mode: Mode,
        declared: &'static str,
        quote: char,
        layout: Layout,
        columns: Columns,
    ) -> Self {
        Self {
            file: file.to_owned(),
            mode,
            declared,
            quote,
            layout,
            columns,
            surplus: 0,
            health: Health::default(),
            decoded: String::new(),
            unquoted: String::new(),
        }
    }

    /// The numbers of fields that a row may have.
    pub(super) fn widths(&self) -> [usize; 2] {
        [self.layout.named, self.layout.total + self.surplus]
    }

    /// Takes a record as row number `row`.
    pub(super) fn take(&mut self, row: u64, record: Record<'_>) -> Result<(), Refused> {
        self.health.rows += 1;
        let taken = self.put(row, record);
        if taken == Err(Refused::Row(RowRule::Encoding)) {
            self.health.bad += 1;
            if self.health.bad == 1 {
                self.health.first_bad = row;
            }
        }
        taken
    }

    fn put(&mut self, row: u64, record: Record<'_>) -> Result<(), Refused> {
        let refuse = |rule| Err(Refused::Row(rule));
        if !self.widths().contains(&record.fields.len()) {
            return refuse(RowRule::FieldCount);
        }
        if record.stray {
            return refuse(RowRule::Quote);
        }
        if record.nul && memchr(0, record.bytes).is_some() {
            return refuse(RowRule::NulBytes);
        }
        self.nameless(record)?;
        let valid = str::from_utf8(record.bytes);
        let ascii = record.bytes.is_ascii();
        if !ascii {
            self.health.accented += 1;
            if self.health.accented == 1 {
                self.health.first_accented = row;
            }
            self.health.utf8 += u64::from(valid.is_ok());
            match (self.mode, valid.is_ok()) {
                (Mode::Undecided, true) => self.mode = Mode::Utf8,
                (Mode::Undecided, false) => {
                    self.mode = Mode::Fallback;
                    self.layout.notes.push(ReadNote::FallbackEncoding { row });
                }
                // Valid multi-byte UTF-8 in a file that was taken for Windows-1252: undecidable.
                (Mode::Fallback, true) => return refuse(RowRule::Encoding),
                _ => {}
            }
        }
        match (self.mode, valid) {
            (Mode::Windows1252 | Mode::Fallback, _) if !ascii => self.put_1252(row, record).map_err(Refused::Row),
            (_, Ok(text)) => {
                for (column, index) in self.layout.index.iter().enumerate() {
                    let value = match index.map(|i| record.fields[i]) {
                        None => "",
                        Some(f) => {
                            // Always a whole range: it lies between ASCII bytes of a valid text.
                            let raw = text.get(f.start - record.base..f.end - record.base).unwrap_or_default();
                            if f.doubled { unquote(raw, f, self.quote, &mut self.unquoted) } else { raw }
                        }
                    };
                    self.columns.push(column, value);
                }
                self.columns.end_row(row);
                Ok(())
            }
            (_, Err(_)) => refuse(RowRule::Encoding),
        }
    }

    /// Fields without a name must be empty.
    fn nameless(&self, record: Record<'_>) -> Result<(), Refused> {
        let full = |i: &usize| record.fields.get(*i).is_some_and(|f| !record.text(*f).trim_ascii().is_empty());
        if let Some(i) = self.layout.unnamed.iter().copied().find(|i| full(i)) {
            return Err(Refused::Unnamed(i));
        }
        if (self.layout.total..record.fields.len()).any(|i| full(&i)) {
            return Err(Refused::Row(RowRule::FieldCount));
        }
        Ok(())
    }

    fn put_1252(&mut self, row: u64, record: Record<'_>) -> Result<(), RowRule> {
        let sound = |f: &Field| !record.text(*f).iter().any(|b| decode::undefined_1252(*b));
        if !record.fields.iter().all(sound) {
            return Err(RowRule::Encoding);
        }
        for (column, index) in self.layout.index.iter().enumerate() {
            let Some(f) = index.map(|i| record.fields[i]) else {
                self.columns.push(column, "");
                continue;
            };
            if !decode::windows_1252(record.text(f), &mut self.decoded) {
                return Err(RowRule::Encoding);
            }
            self.columns.push(column, unquote(&self.decoded, f, self.quote, &mut self.unquoted));
        }
        self.columns.end_row(row);
        Ok(())
    }

    /// Gives the file up when its rows show that the declared encoding is not the real one. The row that is named is the first that
    /// shows it, not the one at which it became certain: that is where somebody has to look.
    pub(super) fn judge(&self, at_end: bool) -> Result<(), ReadError> {
        let Health { rows, accented, utf8, bad, first_accented, first_bad } = self.health;
        let wrong =
            |row, found| Err(ReadError::WrongEncoding { file: self.file.clone(), row, declared: self.declared, found });
        if at_end && self.mode == Mode::Windows1252 && accented > 0 && utf8 == accented {
            // Two or more accents of Windows-1252 in a row that make a letter of UTF-8 each time: nobody writes that.
            return wrong(first_accented, Some("UTF-8"));
        }
        if bad == 0 {
            return Ok(());
        }
        let all = bad == rows && (at_end || rows >= HOPELESS_ROWS);
        let none_read = accented >= HOPELESS_ACCENTED && bad == accented;
        let many = rows >= HOPELESS_ROWS && bad * TOLERATED > rows;
        if !(all || none_read || many) {
            return Ok(());
        }
        wrong(first_bad, (self.mode == Mode::Utf8).then_some("Windows-1252"))
    }
}

/// The text of a field, doubled quotes made single.
pub(super) fn unquote<'a>(raw: &'a str, field: Field, quote: char, scratch: &'a mut String) -> &'a str {
    if !field.doubled {
        return raw;
    }
    scratch.clear();
    let mut held = false;
    for c in raw.chars() {
        held = c == quote && !held;
        if !held {
            scratch.push(c);
        }
    }
    scratch
}

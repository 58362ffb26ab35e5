//! Delimited text. The hot path of the whole pipeline: one validation of UTF-8 per record, then each field
//! goes straight into its column's buffer.

use std::str;

use super::columns::Columns;
use super::decode::{self, Fault, Input, Mark, Plain};
use super::error::{ReadError, RowRule};
use super::header::{self, Layout};
use super::split::{Field, Next, Splitter};
use super::{BadRow, CsvOptions, Encoding, Expected, MAX_RECORD, ReadNote, RowBatch, RowReader};

/// Rows after which a file in which no row can be decoded is given up.
const HOPELESS_ROWS: u64 = 100;
/// Rows with non-ASCII text after which a file in which none of them can be decoded is given up.
const HOPELESS_ACCENTED: u64 = 20;
/// Share of undecodable rows (1 in N) above which the file is given up.
const TOLERATED: u64 = 20;

/// How the bytes of this file are read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Utf8,
    Windows1252,
    /// Only ASCII seen so far: the first record with other bytes decides.
    Undecided,
    /// Windows-1252 by that decision.
    Fallback,
}

/// Counts that tell a wrong encoding from a few damaged rows.
#[derive(Debug, Default)]
struct Health {
    rows: u64,
    accented: u64,
    bad: u64,
}

pub(super) struct CsvReader {
    file: String,
    splitter: Splitter<Input>,
    mode: Mode,
    declared: &'static str,
    quote: char,
    layout: Layout,
    columns: Columns,
    batch_rows: usize,
    row: u64,
    health: Health,
    decoded: String,
    unquoted: String,
    finished: bool,
}

/// Opens the byte level of a delimited file and decides how far its encoding is known.
fn start(options: &CsvOptions, file: &str, plain: Plain) -> Result<(Splitter<Input>, Mode, Vec<ReadNote>), ReadError> {
    options.check()?;
    let mut notes = Vec::new();
    let mut mode = match options.encoding {
        Encoding::Utf8 => Mode::Utf8,
        Encoding::Windows1252 => Mode::Windows1252,
        Encoding::Auto => Mode::Undecided,
    };
    let quote = (options.quote != 0).then_some(options.quote);
    let mut splitter = Splitter::new(plain.input, options.delimiter, quote, MAX_RECORD);
    match plain.mark {
        Mark::Utf16 => {
            return Err(ReadError::WrongEncoding {
                file: file.to_owned(),
                row: 0,
                declared: options.encoding.name(),
                found: Some("UTF-16"),
            });
        }
        Mark::Utf8 => {
            splitter.skip(3).map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))?;
            if mode == Mode::Windows1252 {
                notes.push(ReadNote::Utf8ByMark);
            }
            mode = Mode::Utf8;
        }
        Mark::None => {}
    }
    Ok((splitter, mode, notes))
}

/// Reads the first record as names.
fn names(
    splitter: &mut Splitter<Input>,
    mode: &mut Mode,
    options: &CsvOptions,
    file: &str,
) -> Result<Vec<String>, ReadError> {
    let next = splitter.next().map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))?;
    match next {
        Next::Record { .. } => {}
        Next::End => {
            return Err(ReadError::Empty { file: file.to_owned() });
        }
        Next::OpenQuote => return Err(open_quote(file, 0, splitter.position())),
    }
    let quote = char::from(options.quote);
    let (mut text, mut scratch, mut out) = (String::new(), String::new(), Vec::new());
    for field in splitter.fields() {
        let bytes = splitter.bytes(field.start, field.end);
        let raw = match str::from_utf8(bytes) {
            Ok(raw) => raw,
            Err(_) if *mode != Mode::Utf8 && decode::windows_1252(bytes, &mut text) => {
                if *mode == Mode::Undecided {
                    *mode = Mode::Fallback;
                }
                &text
            }
            Err(_) => {
                return Err(ReadError::WrongEncoding {
                    file: file.to_owned(),
                    row: 0,
                    declared: options.encoding.name(),
                    found: (*mode == Mode::Utf8).then_some("Windows-1252"),
                });
            }
        };
        out.push(header::clean(unquote(raw, *field, quote, &mut scratch)).to_owned());
    }
    Ok(out)
}

/// The names in the first line of a delimited file. Without a header they would be data: none are returned.
pub(super) fn header(options: &CsvOptions, file: &str, plain: Plain) -> Result<Vec<String>, ReadError> {
    let (mut splitter, mut mode, _) = start(options, file, plain)?;
    if !options.header {
        return Ok(Vec::new());
    }
    names(&mut splitter, &mut mode, options, file)
}

fn open_quote(file: &str, row: u64, position: u64) -> ReadError {
    ReadError::Malformed { file: file.to_owned(), row, position, reason: "a quoted field is never closed" }
}

/// The text of a field, doubled quotes made single.
fn unquote<'a>(raw: &'a str, field: Field, quote: char, scratch: &'a mut String) -> &'a str {
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

impl CsvReader {
    pub(super) fn open(
        options: &CsvOptions,
        expected: &Expected,
        file: &str,
        plain: Plain,
        batch_rows: usize,
    ) -> Result<Self, ReadError> {
        let (mut splitter, mut mode, mut notes) = start(options, file, plain)?;
        let mut layout = if options.header {
            let found = names(&mut splitter, &mut mode, options, file)?;
            header::locate(file, expected, &found)?
        } else {
            header::by_position(expected)
        };
        notes.append(&mut layout.notes);
        if mode == Mode::Fallback {
            notes.push(ReadNote::FallbackEncoding { row: 0 });
        }
        layout.notes = notes;
        Ok(Self {
            file: file.to_owned(),
            splitter,
            mode,
            declared: options.encoding.name(),
            quote: char::from(options.quote),
            layout,
            columns: Columns::new(&expected.output_columns()),
            batch_rows: batch_rows.max(1),
            row: 0,
            health: Health::default(),
            decoded: String::new(),
            unquoted: String::new(),
            finished: false,
        })
    }

    /// Takes the record that the splitter found last.
    fn take(&mut self, start: usize, end: usize, stray: bool) -> Result<(), RowRule> {
        if self.splitter.fields().len() != self.layout.fields {
            return Err(RowRule::FieldCount);
        }
        if stray {
            return Err(RowRule::Quote);
        }
        let bytes = self.splitter.bytes(start, end);
        let valid = str::from_utf8(bytes);
        let ascii = bytes.is_ascii();
        if !ascii {
            self.health.accented += 1;
            match (self.mode, valid.is_ok()) {
                (Mode::Undecided, true) => self.mode = Mode::Utf8,
                (Mode::Undecided, false) => {
                    self.mode = Mode::Fallback;
                    self.layout.notes.push(ReadNote::FallbackEncoding { row: self.row });
                }
                // Valid multi-byte UTF-8 in a file that was taken for Windows-1252: undecidable.
                (Mode::Fallback, true) => return Err(RowRule::Encoding),
                _ => {}
            }
        }
        match (self.mode, valid) {
            (Mode::Windows1252 | Mode::Fallback, _) if !ascii => self.take_1252(),
            (_, Ok(record)) => {
                let fields = self.splitter.fields();
                for (column, index) in self.layout.index.iter().enumerate() {
                    let text = match index.map(|i| fields[i]) {
                        None => "",
                        Some(f) => {
                            // Always a whole range: it lies between ASCII bytes of a valid text.
                            let raw = record.get(f.start - start..f.end - start).unwrap_or_default();
                            if f.doubled { unquote(raw, f, self.quote, &mut self.unquoted) } else { raw }
                        }
                    };
                    self.columns.push(column, text);
                }
                self.columns.end_row(self.row);
                Ok(())
            }
            (_, Err(_)) => Err(RowRule::Encoding),
        }
    }

    fn take_1252(&mut self) -> Result<(), RowRule> {
        let fields = self.splitter.fields();
        let sound = |f: &Field| !self.splitter.bytes(f.start, f.end).iter().any(|b| decode::undefined_1252(*b));
        if !fields.iter().all(sound) {
            return Err(RowRule::Encoding);
        }
        for (column, index) in self.layout.index.iter().enumerate() {
            let Some(f) = index.map(|i| fields[i]) else {
                self.columns.push(column, "");
                continue;
            };
            if !decode::windows_1252(self.splitter.bytes(f.start, f.end), &mut self.decoded) {
                return Err(RowRule::Encoding);
            }
            self.columns.push(column, unquote(&self.decoded, f, self.quote, &mut self.unquoted));
        }
        self.columns.end_row(self.row);
        Ok(())
    }

    /// Gives the file up when its rows show that the declared encoding is not the real one.
    fn judge(&self, at_end: bool) -> Result<(), ReadError> {
        let Health { rows, accented, bad } = self.health;
        if bad == 0 {
            return Ok(());
        }
        let all = bad == rows && (at_end || rows >= HOPELESS_ROWS);
        let none_read = accented >= HOPELESS_ACCENTED && bad == accented;
        let many = rows >= HOPELESS_ROWS && bad * TOLERATED > rows;
        if !(all || none_read || many) {
            return Ok(());
        }
        Err(ReadError::WrongEncoding {
            file: self.file.clone(),
            row: self.row,
            declared: self.declared,
            found: (self.mode == Mode::Utf8).then_some("Windows-1252"),
        })
    }
}

impl RowReader for CsvReader {
    fn next_batch(&mut self) -> Result<Option<RowBatch>, ReadError> {
        let first_row = self.row + 1;
        let mut bad = Vec::new();
        while !self.finished && self.columns.rows() + bad.len() < self.batch_rows && !self.columns.is_full() {
            let next = self.splitter.next();
            match next.map_err(|e| ReadError::from_fault(Fault::of(e), &self.file, self.row))? {
                Next::End => self.finished = true,
                Next::OpenQuote => {
                    return Err(open_quote(&self.file, self.row, self.splitter.position()));
                }
                Next::Record { start, end, stray } => {
                    self.row += 1;
                    self.health.rows += 1;
                    if let Err(rule) = self.take(start, end, stray) {
                        bad.push(BadRow { row: self.row, rule });
                        if rule == RowRule::Encoding {
                            self.health.bad += 1;
                            self.judge(false)?;
                        }
                    }
                }
            }
        }
        if self.finished {
            self.judge(true)?;
        }
        if self.columns.rows() + bad.len() == 0 {
            return Ok(None);
        }
        self.columns.finish(&self.file, first_row, bad).map(Some)
    }

    fn notes(&self) -> &[ReadNote] {
        &self.layout.notes
    }

    fn rows_read(&self) -> u64 {
        self.row
    }
}

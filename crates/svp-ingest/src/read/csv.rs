//! Delimited text. The hot path of the whole pipeline: records that fill their columns go straight through
//! [`Rows::take`]; what fills few of them, or has too few, is held back until it is known whether a record follows.

use std::io::Cursor;

use super::account::FileAccount;
use super::again::{Again, HeaderNames};
use super::columns::Columns;
use super::decode::{self, Fault, Input, Padding, Plain};
use super::error::{ReadError, RowRule};
use super::find::{find, start};
use super::header::by_position;
use super::note::{FooterWhy, LONG_RECORD};
use super::rows::{Mode, Record, Refused, Rows};
use super::shape::Shapes;
use super::split::{Field, Found, Next, Splitter};
use super::swallow::{Form, swallowed};
use super::tail::{Sparse, filled, is_sum, sparse};
use super::{BadRow, CsvOptions, Expected, ReadNote, RowBatch, RowReader};

/// Records that are looked at beforehand.
const AHEAD: usize = 20;
/// Bytes that they may take.
const AHEAD_BYTES: usize = 64 * 1024;
/// Records that are held back at most, and their bytes.
const HELD: usize = 2048;
const HELD_BYTES: usize = 8 * 1024 * 1024;
/// A row is looked at as a possible footer if it fills no more than this many columns, or this part of them, and at most
/// half of them.
const FEW: usize = 2;
const FEW_OF: usize = 3;
/// In a table of fewer columns a row that fills two is no footer for that alone.
const WIDE: usize = 5;
/// In a table of fewer columns the words of a footer are values.
const NARROW: usize = 3;
/// Footers that are told one by one.
const TOLD: usize = 20;

/// What a record that is held back looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It begins as footers do, or is a ruled line or an end mark.
    Footer(FooterWhy),
    /// It has a row's fields, fills at most two, and has no key like those of the rows before.
    Unlike,
    /// It has too few fields.
    Short,
}

/// A record that is held back.
struct Held {
    kind: Kind,
    bytes: Vec<u8>,
    fields: Vec<Field>,
    found: Found,
    position: u64,
}

pub(super) struct CsvReader {
    splitter: Splitter<Input>,
    delimiter: u8,
    quote: Option<u8>,
    /// To know the header when it comes again.
    names: HeaderNames,
    rows: Rows,
    shapes: Shapes,
    held: Vec<Held>,
    account: FileAccount,
    batch_rows: usize,
    row: u64,
    repeated: Option<(u64, u64, u64)>,
    ruled: u64,
    first_blank: Option<u64>,
    footers: usize,
    /// End of the last record, and whether it has a line end.
    last: (u64, bool),
    unnamed: usize,
    padding: Padding,
    /// Damage costs its record only.
    accept_damage: bool,
    finished: bool,
}

impl CsvReader {
    pub(super) fn open(
        options: &CsvOptions,
        expected: &Expected,
        file: &str,
        plain: Plain,
        batch_rows: usize,
    ) -> Result<Self, ReadError> {
        let other = decode::other_text(plain.beginning());
        let padding = plain.padding.clone();
        let (mut splitter, mut mode, mut notes) = start(options, file, plain)?;
        let mut account = FileAccount::default();
        account.bytes.header = splitter.position();
        let (mut layout, mut names) = (by_position(expected), Vec::new());
        if options.header {
            let found = find(&mut splitter, &mut mode, options, expected, file, &mut account);
            if let Some(position) = splitter.tally.zeroed.filter(|at| found.is_err() || *at < splitter.position()) {
                let (zeros, to_end) = splitter.zeros_from(position);
                return Err(ReadError::NulBytes { file: file.to_owned(), row: 0, position, zeros, to_end });
            }
            let found = found.map_err(|error| match (error, other) {
                (ReadError::NoHeader { file, .. }, Some(found)) => ReadError::UnsupportedFormat { file, found },
                (error, _) => error,
            })?;
            (layout, names) = (found.layout, found.names);
        }
        notes.append(&mut layout.notes);
        if mode == Mode::Fallback {
            notes.push(ReadNote::FallbackEncoding { row: 0 });
        }
        layout.notes = notes;
        account.columns_read = layout.columns_read(expected);
        account.columns_unread = layout.columns_unread();
        let unnamed = layout.unnamed.len();
        let columns = Columns::new(&expected.output_columns());
        let last = (splitter.position(), splitter.tally.ended());
        let quote = char::from(options.quote);
        let mut reader = Self {
            splitter,
            delimiter: options.delimiter,
            quote: (options.quote != 0).then_some(options.quote),
            names: HeaderNames::new(names),
            rows: Rows::new(file, mode, options.encoding.name(), quote, layout, columns),
            shapes: Shapes::default(),
            held: Vec::new(),
            account,
            batch_rows: batch_rows.max(1),
            row: 0,
            repeated: None,
            ruled: 0,
            first_blank: None,
            footers: 0,
            last,
            unnamed,
            padding,
            accept_damage: options.accept_damage,
            finished: false,
        };
        reader.look_ahead();
        Ok(reader)
    }

    /// Looks at the first records: whether each ends with empty fields that the header lacks, and what they look like.
    fn look_ahead(&mut self) {
        let (bytes, eof) = self.splitter.ahead();
        let bytes = &bytes[..bytes.len().min(AHEAD_BYTES)];
        let mut ahead = Splitter::new(Cursor::new(bytes), self.delimiter, self.quote, bytes.len() + 1);
        let (total, mut wide, mut seen) = (self.rows.layout.total, None, 0);
        let mut consistent = true;
        for _ in 0..AHEAD {
            let Ok(Next::Record(found)) = ahead.next() else { break };
            let fields = ahead.fields();
            if (!found.ended() && !eof) || fields.len() < total || found.filled <= FEW.min(total / 2) {
                continue;
            }
            if fields[total..].iter().any(|f| f.start < f.end) {
                continue;
            }
            let surplus = fields.len() - total;
            consistent &= wide.is_none_or(|w| w == surplus);
            wide = Some(surplus);
            seen += 1;
            if found.lines == 1 {
                self.shapes.learn(ahead.bytes(found.start, found.end), found.start, fields);
            }
        }
        // One such row alone may as well hold a delimiter that nobody quoted.
        if consistent && seen > 1 {
            self.rows.surplus = wide.unwrap_or(0);
        }
    }

    /// The next record of the splitter.
    fn record(&mut self, found: Found, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        self.zeroed()?;
        let swallowed = if found.lines > 1 { self.swallowed(found)? } else { false };
        if self.is_header(found)? {
            return self.pass_header(found, bad);
        }
        if let Some(kind) = self.set_aside(found) {
            if let Some(kind) = kind {
                self.hold(kind, found, bad)?;
            }
            return Ok(());
        }
        if !self.held.is_empty() {
            self.release(usize::MAX, bad)?;
        }
        let position = self.splitter.position_of(found.start);
        let record = Record {
            bytes: self.splitter.bytes(found.start, found.end),
            base: found.start,
            fields: self.splitter.fields(),
            stray: found.stray,
            nul: self.splitter.tally.nul_bytes > 0,
        };
        self.row += 1;
        self.account.record(self.row, found.lines, found.bytes());
        self.last = (position + found.bytes(), found.ended());
        if swallowed {
            bad.push(BadRow { row: self.row, rule: RowRule::SwallowedLines });
            return Ok(());
        }
        if is_sum(record.bytes, record.base, record.fields) && self.rows.layout.named >= NARROW {
            bad.push(BadRow { row: self.row, rule: RowRule::Footer });
            return Ok(());
        }
        let taken = self.rows.take(self.row, record);
        if taken.is_ok() && Shapes::wants(self.row) {
            self.shapes.learn(record.bytes, record.base, record.fields);
        }
        self.judge(taken, position, bad)
    }

    /// What follows from a record that was taken or not.
    fn judge(&self, taken: Result<(), Refused>, position: u64, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        match taken {
            Ok(()) => Ok(()),
            Err(Refused::Row(rule)) => {
                bad.push(BadRow { row: self.row, rule });
                if rule == RowRule::Encoding { self.rows.judge(false) } else { Ok(()) }
            }
            Err(Refused::Unnamed(_)) if self.accept_damage => {
                bad.push(BadRow { row: self.row, rule: RowRule::UnnamedColumn });
                Ok(())
            }
            Err(Refused::Unnamed(i)) => {
                let (file, row) = (self.rows.file.clone(), self.row);
                Err(ReadError::UnnamedColumn { file, row, position, column: i + 1 })
            }
        }
    }

    /// Whether the record is not to be taken now: `Some(None)` if it is nothing at all, otherwise what it is held as.
    fn set_aside(&mut self, found: Found) -> Option<Option<Kind>> {
        let fields = self.splitter.fields();
        let (named, widths) = (self.rows.layout.named, self.rows.widths());
        let few = FEW.max(named / FEW_OF).min(named / 2);
        let row = widths.contains(&fields.len());
        let short = !row && fields.len() < widths[1];
        let bytes = self.splitter.bytes(found.start, found.end);
        let first = self.row == 0 && self.held.is_empty();
        if first && sparse(bytes, found.start, fields) == Sparse::Ruled {
            self.account.skip(found.lines, found.bytes());
            self.account.skipped_records += 1;
            self.ruled += found.lines;
            return Some(None);
        }
        if found.filled > few && !short {
            return None;
        }
        let filled = filled(bytes, found.start, fields);
        if filled <= few || short {
            let worded = named >= NARROW || !row;
            match sparse(bytes, found.start, fields) {
                // Delimiters without a line end, and fewer than a row has, are the beginning of one.
                Sparse::Blank if short && !found.ended() && fields.len() > 1 => return Some(Some(Kind::Short)),
                Sparse::Blank => {
                    self.account.blank(found.lines, found.bytes());
                    self.first_blank.get_or_insert(self.row + self.held.len() as u64);
                    return Some(None);
                }
                Sparse::EndMark => return Some(Some(Kind::Footer(FooterWhy::EndMark))),
                Sparse::Worded | Sparse::Ruled if worded => return Some(Some(Kind::Footer(FooterWhy::Words))),
                _ => {}
            }
            if row && filled <= FEW && named >= WIDE && !self.shapes.keyed(bytes, found.start, fields) {
                return Some(Some(Kind::Unlike));
            }
        }
        short.then_some(Some(Kind::Short))
    }

    /// Holds the record back.
    fn hold(&mut self, kind: Kind, found: Found, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        if self.held.len() >= HELD || self.held.iter().map(|h| h.bytes.len()).sum::<usize>() >= HELD_BYTES {
            self.release(self.held.len().div_ceil(2), bad)?;
        }
        self.held.push(Held {
            kind,
            bytes: self.splitter.bytes(found.start, found.end).to_vec(),
            fields: self.splitter.fields().to_vec(),
            found,
            position: self.splitter.position_of(found.start),
        });
        Ok(())
    }

    /// A record follows those that are held: they are no footers of the file. What begins like one goes to quarantine.
    fn release(&mut self, most: usize, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        for held in self.held.drain(..most.min(self.held.len())).collect::<Vec<_>>() {
            let footer = held.kind == Kind::Footer(FooterWhy::Words);
            self.take_held(&held, footer.then_some(RowRule::Footer), bad)?;
        }
        Ok(())
    }

    /// Counts a held record as a row: to be taken, or to be quarantined under a rule.
    fn take_held(&mut self, held: &Held, rule: Option<RowRule>, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        self.row += 1;
        self.account.record(self.row, held.found.lines, held.found.bytes());
        self.last = (held.position + held.found.bytes(), held.found.ended());
        if let Some(rule) = rule {
            bad.push(BadRow { row: self.row, rule });
            return Ok(());
        }
        let record = Record {
            bytes: &held.bytes,
            base: held.found.start,
            fields: &held.fields,
            stray: held.found.stray,
            nul: self.splitter.tally.nul_bytes > 0,
        };
        let taken = self.rows.take(self.row, record);
        self.judge(taken, held.position, bad)
    }

    /// Passes a held record over as a footer, the `nth` one after the last record.
    fn skip_held(&mut self, held: &Held, why: FooterWhy, nth: usize) {
        self.account.skip(held.found.lines, held.found.bytes());
        self.account.skipped_records += 1;
        self.footers += 1;
        if self.footers <= TOLD {
            let (row, position) = (self.row + nth as u64, held.position);
            self.rows.layout.notes.push(ReadNote::Footer { row, position, why });
        }
    }

    /// The end of the file: what is held now are the last records.
    fn release_last(&mut self, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        let held = std::mem::take(&mut self.held);
        let widths = self.rows.widths();
        let mut footer = false;
        for (i, held_one) in held.iter().enumerate() {
            let fields = held_one.fields.len();
            match held_one.kind {
                Kind::Footer(why) => {
                    footer |= why == FooterWhy::Words;
                    self.skip_held(held_one, why, i + 1);
                }
                Kind::Unlike | Kind::Short if footer => self.skip_held(held_one, FooterWhy::AfterFooter, i + 1),
                Kind::Short if i + 1 == held.len() && !held_one.found.ended() && self.accept_damage => {
                    self.take_held(held_one, Some(RowRule::CutOff), bad)?;
                }
                Kind::Short if i + 1 == held.len() && !held_one.found.ended() => {
                    return Err(ReadError::CutOff {
                        file: self.rows.file.clone(),
                        row: self.row + 1,
                        position: held_one.position,
                        fields,
                        expected: widths[0],
                    });
                }
                Kind::Unlike => self.take_held(held_one, Some(RowRule::Footer), bad)?,
                Kind::Short => self.take_held(held_one, None, bad)?,
            }
        }
        Ok(())
    }

    /// Whether the record is the header again. Another header is an error: from here on columns mean something else.
    fn is_header(&self, found: Found) -> Result<bool, ReadError> {
        let bytes = self.splitter.bytes(found.start, found.end);
        let mode = self.rows.mode;
        match self.names.compare(bytes, found.start, self.splitter.fields(), mode, self.rows.quote) {
            Again::No => Ok(false),
            Again::Same => Ok(true),
            Again::Other => Err(ReadError::HeaderPlace {
                file: self.rows.file.clone(),
                row: self.row + self.held.len() as u64,
                position: self.splitter.position_of(found.start),
                reason: "another header stands among the records, and its columns are not those of the first",
            }),
        }
    }

    /// Passes a repeated header over, and with it the titles that stand above it.
    fn pass_header(&mut self, found: Found, bad: &mut Vec<BadRow>) -> Result<(), ReadError> {
        for (i, held) in std::mem::take(&mut self.held).into_iter().enumerate() {
            match held.kind {
                Kind::Footer(why) => self.skip_held(&held, why, i + 1),
                Kind::Unlike | Kind::Short => self.take_held(&held, None, bad)?,
            }
        }
        self.account.skip(found.lines, found.bytes());
        self.account.skipped_records += 1;
        let position = self.splitter.position_of(found.start);
        self.repeated = match self.repeated {
            None => Some((1, self.row, position)),
            Some((times, row, position)) => Some((times + 1, row, position)),
        };
        Ok(())
    }

    /// Refuses the file if a part of it that was passed is zero.
    fn zeroed(&mut self) -> Result<(), ReadError> {
        match self.splitter.tally.zeroed.filter(|at| *at < self.splitter.position()) {
            Some(position) if !self.accept_damage => self.refuse_zeroed(position),
            _ => Ok(()),
        }
    }

    fn refuse_zeroed(&mut self, position: u64) -> Result<(), ReadError> {
        let (zeros, to_end) = self.splitter.zeros_from(position);
        let (file, row) = (self.rows.file.clone(), self.row + self.held.len() as u64);
        Err(ReadError::NulBytes { file, row, position, zeros, to_end })
    }

    /// Refuses the file if a quoted field of the record has taken in records; true if that costs the record only.
    fn swallowed(&self, found: Found) -> Result<bool, ReadError> {
        let Some(quote) = self.quote else { return Ok(false) };
        let bytes = self.splitter.bytes(found.start, found.end);
        let form = Form { delimiter: self.delimiter, quote, widths: self.rows.widths(), shapes: &self.shapes };
        match swallowed(bytes, found.start, self.splitter.fields(), &form) {
            None => Ok(false),
            Some(_) if self.accept_damage => Ok(true),
            Some(damage) => Err(ReadError::SwallowedLines {
                file: self.rows.file.clone(),
                row: self.row + self.held.len() as u64 + 1,
                position: self.splitter.position_of(found.start + damage.at),
                lines: damage.lines,
                records: damage.records,
            }),
        }
    }

    /// Completes the account and the notes.
    fn close(&mut self) {
        let tally = &self.splitter.tally;
        let account = &mut self.account;
        account.bytes.total = tally.bytes;
        account.bytes.blank += tally.blank_bytes;
        account.lines.blank += tally.blank_lines;
        account.lines.total = tally.line_ends + u64::from(!tally.ended());
        account.nul_bytes = tally.nul_bytes;
        account.last_line_ended = tally.ended();
        account.bytes_after_last = tally.bytes - self.last.0.min(tally.bytes);
        let notes = &mut self.rows.layout.notes;
        if self.rows.surplus > 0 {
            notes.push(ReadNote::TrailingDelimiters { fields: self.rows.surplus });
        }
        if self.unnamed > 0 {
            notes.push(ReadNote::UnnamedColumns { columns: self.unnamed });
        }
        if let Some((times, row, position)) = self.repeated {
            notes.push(ReadNote::RepeatedHeader { times, row, position });
        }
        if self.ruled > 0 {
            notes.push(ReadNote::RuledLines { lines: self.ruled });
        }
        if let Some(row) = self.first_blank {
            notes.push(ReadNote::BlankRecords { records: account.blank_records, row });
        }
        if !self.last.1 && self.last.0 == tally.bytes {
            notes.push(ReadNote::UnterminatedLastLine { row: self.row });
        }
        if account.longest.lines > LONG_RECORD {
            notes.push(ReadNote::LongRecord { row: account.longest.row, lines: account.longest.lines });
        }
        notes.extend(self.padding.note());
    }
}

impl RowReader for CsvReader {
    fn next_batch(&mut self) -> Result<Option<RowBatch>, ReadError> {
        let first_row = self.row + 1;
        let mut bad = Vec::new();
        while !self.finished && self.rows.columns.rows() + bad.len() < self.batch_rows && !self.rows.columns.is_full() {
            let row = self.row + self.held.len() as u64;
            match self.splitter.next() {
                Ok(Next::Record(found)) => self.record(found, &mut bad)?,
                Ok(Next::End) => {
                    self.finished = true;
                    self.release_last(&mut bad)?;
                    self.rows.judge(true)?;
                    self.close();
                }
                // Zeros have neither line ends nor quotes: what they stand in looks like a record without an end.
                Ok(Next::OpenQuote) | Err(_) if self.splitter.tally.zeroed.is_some() && !self.accept_damage => {
                    self.refuse_zeroed(self.splitter.tally.zeroed.unwrap_or_default())?;
                }
                Ok(Next::OpenQuote) => {
                    return Err(ReadError::open_quote(&self.rows.file, row, self.splitter.position()));
                }
                Err(e) => {
                    return Err(match ReadError::from_fault(Fault::of(e), &self.rows.file, row) {
                        // The bytes in question are those after the last row that was read whole.
                        ReadError::WrongEncoding { file, row, declared, found } => {
                            ReadError::WrongEncoding { file, row: row + 1, declared, found }
                        }
                        other => other,
                    });
                }
            }
        }
        if self.rows.columns.rows() + bad.len() == 0 {
            return Ok(None);
        }
        self.rows.columns.finish(&self.rows.file, first_row, bad).map(Some)
    }

    fn notes(&self) -> &[ReadNote] {
        &self.rows.layout.notes
    }

    fn rows_read(&self) -> u64 {
        self.row
    }

    fn account(&self) -> &FileAccount {
        &self.account
    }
}

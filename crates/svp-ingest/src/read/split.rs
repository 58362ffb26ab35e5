//! Splitting bytes into records and fields. Works on whole records inside one buffer, so that a field is a
//! range of bytes and costs no copy. Same reading of the format as RFC 4180 with any delimiter and quote,
//! and with LF, CRLF or CR as the end of a record; empty lines are passed over, and counted.
//!
//! What is read from the stream is counted on its own (bytes, line ends, zero bytes), so that the account of a
//! file compares two counts: what came in, and what became of it.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2_iter, memchr3};

use super::decode::Fault;

/// First size of the buffer.
const START: usize = 256 * 1024;
/// So many zero bytes in a row are no padding of a field but a part of the file that was never written.
const ZEROED: u64 = 16;
/// Bytes that are looked at to say whether the zeros go on to the end of the file.
const LOOK_ON: u64 = 256 * 1024 * 1024;

/// One field: a range of the buffer, and whether doubled quotes stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub start: usize,
    pub end: usize,
    pub doubled: bool,
}

/// What the splitter found next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A record.
    Record(Found),
    /// The file ends inside a quoted field.
    OpenQuote,
    /// The file has ended.
    End,
}

/// A record: where it lies in the buffer, and what was seen on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// First byte.
    pub start: usize,
    /// End of its text.
    pub end: usize,
    /// End of its line end.
    pub next: usize,
    /// Text follows a closing quote in it.
    pub stray: bool,
    /// Fields that do not begin with white space and are not empty: at most as many as hold something.
    pub filled: usize,
    /// Physical lines.
    pub lines: u64,
}

impl Found {
    /// Bytes with the line end.
    pub(super) fn bytes(&self) -> u64 {
        (self.next - self.start) as u64
    }

    /// Whether it has a line end, or the file ended without one.
    pub(super) fn ended(&self) -> bool {
        self.next > self.end
    }
}

/// What came in from the stream.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Bytes.
    pub bytes: u64,
    /// Line ends: LF, CRLF or CR.
    pub line_ends: u64,
    /// Bytes that are zero.
    pub nul_bytes: u64,
    /// Where the first long run of zero bytes begins.
    pub zeroed: Option<u64>,
    /// Empty lines that were passed over, and their bytes.
    pub blank_lines: u64,
    pub blank_bytes: u64,
    run: u64,
    last: u8,
}

impl Tally {
    /// Counts the next bytes of the stream, in searches that the processor does many bytes at a time.
    fn add(&mut self, new: &[u8]) {
        let feeds = memchr_iter(b'\n', new).count() as u64;
        // A line feed ends the line that a carriage return before it has ended.
        let first = u64::from(self.last == b'\r' && new.first() == Some(&b'\n'));
        let returns = memchr_iter(b'\r', new).map(|i| u64::from(new.get(i + 1) != Some(&b'\n'))).sum::<u64>();
        self.line_ends += feeds - first + returns;
        if memchr(0, new).is_some() || self.run > 0 {
            self.zeros(new);
        }
        self.bytes += new.len() as u64;
        self.last = new.last().copied().unwrap_or(self.last);
    }

    fn zeros(&mut self, new: &[u8]) {
        let mut next = 0;
        for i in memchr_iter(0, new) {
            self.run = if i == next { self.run + 1 } else { 1 };
            next = i + 1;
            self.nul_bytes += 1;
            if self.run == ZEROED && self.zeroed.is_none() {
                self.zeroed = Some(self.bytes + i as u64 + 1 - ZEROED);
            }
        }
        if next < new.len() {
            self.run = 0;
        }
    }

    /// Whether the last line has its end (or there is no line).
    pub(super) fn ended(&self) -> bool {
        matches!(self.last, b'\n' | b'\r') || self.bytes == 0
    }
}

enum Scan {
    Done(Next),
    More { in_quote: bool },
}

/// Reads records from a stream. The ranges that it hands out hold until the next call of [`Splitter::next`].
pub(super) struct Splitter<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    eof: bool,
    /// An error that came after bytes that are still to be split.
    failed: Option<io::Error>,
    passed: u64,
    limit: usize,
    delimiter: u8,
    quote: Option<u8>,
    fields: Vec<Field>,
    /// What came in so far.
    pub tally: Tally,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: R, delimiter: u8, quote: Option<u8>, limit: usize) -> Self {
        let buffer = vec![0; START.min(limit)];
        Self {
            input,
            buffer,
            at: 0,
            end: 0,
            eof: false,
            failed: None,
            passed: 0,
            limit,
            delimiter,
            quote,
            fields: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The bytes behind a range.
    pub(super) fn bytes(&self, start: usize, end: usize) -> &[u8] {
        &self.buffer[start..end]
    }

    /// The fields of the record that was found last.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Number of bytes of the stream before the current position.
    pub(super) fn position(&self) -> u64 {
        self.passed + self.at as u64
    }

    /// Position in the stream of a place in the buffer.
    pub(super) fn position_of(&self, at: usize) -> u64 {
        self.passed + at as u64
    }

    /// The buffered text from the last record on, as far as it is there: for a look at what is to come.
    pub(super) fn ahead(&self) -> (&[u8], bool) {
        (&self.buffer[self.at..self.end], self.eof)
    }

    /// How many zero bytes stand from `position` on, and whether nothing but line ends comes after them.
    pub(super) fn zeros_from(&mut self, position: u64) -> (u64, bool) {
        let from = usize::try_from(position.saturating_sub(self.passed)).unwrap_or(self.end).min(self.end);
        let mut zeros = 0;
        let mut look = |bytes: &[u8]| {
            bytes.iter().all(|b| {
                zeros += u64::from(*b == 0);
                matches!(b, 0 | b'\n' | b'\r' | 0x1a)
            })
        };
        let mut on = look(&self.buffer[from..self.end]);
        let (mut chunk, mut looked) = (vec![0; 64 * 1024], 0);
        while on && !self.eof && looked < LOOK_ON {
            match self.input.read(&mut chunk) {
                Ok(0) => self.eof = true,
                Ok(n) => {
                    looked += n as u64;
                    on = look(&chunk[..n]);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => on = false,
            }
        }
        (zeros, on && self.eof)
    }

    /// Passes over a byte order mark of `n` bytes at the start of the stream.
    pub(super) fn skip(&mut self, n: usize) -> io::Result<()> {
        self.fill()?;
        self.at = n.min(self.end);
        Ok(())
    }

    /// Finds the next record.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        loop {
            match self.scan() {
                Scan::Done(next) => return Ok(next),
                Scan::More { in_quote } if self.eof => {
                    return Ok(if in_quote { Next::OpenQuote } else { Next::End });
                }
                Scan::More { .. } => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.end, 0);
            self.passed += self.at as u64;
            self.end -= self.at;
            self.at = 0;
        }
        if self.end == self.buffer.len() {
            if self.buffer.len() >= self.limit {
                return Err(io::Error::other(Fault::TooLarge(self.limit)));
            }
            self.buffer.resize((self.buffer.len() * 2).min(self.limit), 0);
        }
        let before = self.end;
        self.take_in(before)?;
        self.tally.add(&self.buffer[before..self.end]);
        Ok(())
    }

    fn take_in(&mut self, before: usize) -> io::Result<()> {
        while self.end < self.buffer.len() && !self.eof {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.eof = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if self.end == before => return Err(e),
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        Ok(())
    }

    fn scan(&mut self) -> Scan {
        let data = &self.buffer[..self.end];
        while data.get(self.at).is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            let Some(n) = line_end(data, self.at, self.eof) else { return Scan::More { in_quote: false } };
            self.at += n;
            self.tally.blank_lines += 1;
            self.tally.blank_bytes += n as u64;
        }
        let start = self.at;
        let mut at = start;
        let (mut stray, mut quoted, mut filled) = (false, false, 0);
        self.fields.clear();
        if at == data.len() {
            return Scan::More { in_quote: false };
        }
        loop {
            // One field.
            let mut doubled = false;
            let (from, to);
            if self.quote.is_some() && data.get(at).copied() == self.quote {
                let quote = data[at];
                quoted = true;
                from = at + 1;
                let mut seek = from;
                loop {
                    let Some(i) = memchr(quote, &data[seek..]) else {
                        return Scan::More { in_quote: true };
                    };
                    let q = seek + i;
                    match data.get(q + 1) {
                        Some(b) if *b == quote => {
                            doubled = true;
                            seek = q + 2;
                        }
                        None if !self.eof => return Scan::More { in_quote: false },
                        _ => {
                            at = q + 1;
                            break;
                        }
                    }
                }
                to = at - 1;
                if at < data.len() && !matches!(data[at], b'\n' | b'\r') && data[at] != self.delimiter {
                    stray = true;
                    match memchr3(self.delimiter, b'\n', b'\r', &data[at..]) {
                        Some(i) => at += i,
                        None if self.eof => at = data.len(),
                        None => return Scan::More { in_quote: false },
                    }
                }
            } else {
                from = at;
                at = match memchr3(self.delimiter, b'\n', b'\r', &data[at..]) {
                    Some(i) => at + i,
                    None if self.eof => data.len(),
                    None => return Scan::More { in_quote: false },
                };
                to = at;
            }
            filled += usize::from(to > from && !matches!(data[from], 0..=b' ' | 0xa0 | 0xc2));
            self.fields.push(Field { start: from, end: to, doubled });
            if at < data.len() && data[at] == self.delimiter {
                at += 1;
                continue;
            }
            // The end of the record: a line end or the end of the file.
            let end = at;
            let Some(n) = line_end(data, at, self.eof) else { return Scan::More { in_quote: false } };
            self.at = at + n;
            let lines = 1 + if quoted { line_ends(&data[start..end]) } else { 0 };
            return Scan::Done(Next::Record(Found { start, end, next: self.at, stray, filled, lines }));
        }
    }
}

/// Bytes of the line end at `at` (none at the end of the file), or `None` if the next byte must be seen first.
fn line_end(data: &[u8], at: usize, eof: bool) -> Option<usize> {
    match (data.get(at), data.get(at + 1)) {
        (None, _) => Some(0),
        (Some(b'\r'), Some(b'\n')) => Some(2),
        (Some(b'\r'), None) if !eof => None,
        _ => Some(1),
    }
}

/// Number of line ends in a text: LF, CRLF or CR.
pub(super) fn line_ends(text: &[u8]) -> u64 {
    let ends = memchr2_iter(b'\n', b'\r', text);
    ends.filter(|i| text[*i] == b'\r' || *i == 0 || text[*i - 1] != b'\r').count() as u64
}

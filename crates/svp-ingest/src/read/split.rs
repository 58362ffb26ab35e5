//! Splitting bytes into records and fields. Works on whole records inside one buffer, so that a field is a
//! range of bytes and costs no copy. Same reading of the format as RFC 4180 with any delimiter and quote,
//! and with LF, CRLF or CR as the end of a record; empty lines are passed over.

use std::io::{self, Read};

use memchr::{memchr, memchr3};

use super::decode::Fault;

/// First size of the buffer.
const START: usize = 256 * 1024;

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
    /// A record; `stray` = text follows a closing quote in it.
    Record { start: usize, end: usize, stray: bool },
    /// The file ends inside a quoted field.
    OpenQuote,
    /// The file has ended.
    End,
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
            self.at += 1;
        }
        let start = self.at;
        let mut at = start;
        let mut stray = false;
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
            self.fields.push(Field { start: from, end: to, doubled });
            if at < data.len() && data[at] == self.delimiter {
                at += 1;
                continue;
            }
            // The end of the record: a line end or the end of the file.
            let end = at;
            self.at = (at + 1).min(data.len());
            return Scan::Done(Next::Record { start, end, stray });
        }
    }
}

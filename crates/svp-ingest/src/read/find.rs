//! Finding the header of a delimited file: titles may stand above it, and the delimiter may be another one.

use std::str;

use super::account::FileAccount;

use super::decode::{self, Fault, Input, Mark, Plain};
use super::error::ReadError;
use super::header::{Drift, Layout, clean, locate, recognised};
use super::rows::{Mode, unquote};
use super::split::{Found, Next, Splitter};
use super::tail::{Sparse, filled, sparse};
use super::{CsvOptions, Encoding, Expected, MAX_RECORD, ReadNote};

/// Records above which no header is looked for.
const TITLES: usize = 20;
/// Bytes of a line in which other delimiters are tried.
const TRIED: usize = 64 * 1024;
/// The delimiters that files are written with.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Opens the byte level of a delimited file and decides how far its encoding is known.
pub(super) fn start(
    options: &CsvOptions,
    file: &str,
    plain: Plain,
) -> Result<(Splitter<Input>, Mode, Vec<ReadNote>), ReadError> {
    options.check()?;
    let mut notes = plain.notes();
    let mut mode = match options.encoding {
        Encoding::Utf8 => Mode::Utf8,
        Encoding::Windows1252 => Mode::Windows1252,
        Encoding::Auto => Mode::Undecided,
    };
    let quote = (options.quote != 0).then_some(options.quote);
    let mut input = plain.input;
    if plain.mark == Mark::Utf16 {
        let Some(encoding) = decode::utf16_by_mark(&plain.head) else {
            let (file, declared, found) = (file.to_owned(), options.encoding.name(), Some("UTF-16"));
            return Err(ReadError::WrongEncoding { file, row: 0, declared, found });
        };
        input = Box::new(decode::Transcode::new(input, encoding));
        mode = Mode::Utf8;
        notes.push(ReadNote::Utf16ByMark);
    }
    let mut splitter = Splitter::new(input, options.delimiter, quote, MAX_RECORD);
    if plain.mark == Mark::Utf8 {
        splitter.skip(3).map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))?;
        if mode == Mode::Windows1252 {
            notes.push(ReadNote::Utf8ByMark);
        }
        mode = Mode::Utf8;
    }
    Ok((splitter, mode, notes))
}

/// Reads the record that was found last as names.
fn names(
    splitter: &Splitter<Input>,
    mode: &mut Mode,
    options: &CsvOptions,
    file: &str,
) -> Result<Vec<String>, ReadError> {
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
        out.push(clean(unquote(raw, *field, quote, &mut scratch)).to_owned());
    }
    Ok(out)
}

/// The names in the first line of a delimited file. Without a header they would be data: none are returned.
pub(super) fn header(options: &CsvOptions, file: &str, plain: Plain) -> Result<Vec<String>, ReadError> {
    let (mut splitter, mut mode, _) = start(options, file, plain)?;
    if !options.header {
        return Ok(Vec::new());
    }
    let position = splitter.position();
    match splitter.next().map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))? {
        Next::Record(_) => names(&splitter, &mut mode, options, file),
        Next::End => Err(ReadError::Empty { file: file.to_owned() }),
        Next::OpenQuote => Err(ReadError::open_quote(file, 0, position)),
    }
}

/// The header, and the names as they stand in the file.
pub(super) struct Header {
    pub layout: Layout,
    pub names: Vec<String>,
}

/// A line that was no header.
struct Line {
    raw: Vec<u8>,
    position: u64,
    filled: usize,
    lines: u64,
    bytes: u64,
}

/// Reads as far as the header. Lines above it go to the account as skipped.
pub(super) fn find(
    splitter: &mut Splitter<Input>,
    mode: &mut Mode,
    options: &CsvOptions,
    expected: &Expected,
    file: &str,
    account: &mut FileAccount,
) -> Result<Header, ReadError> {
    let mut above: Vec<Line> = Vec::new();
    let mut best: Option<Drift> = None;
    while above.len() < TITLES {
        let position = splitter.position();
        let found = match splitter.next() {
            Ok(Next::Record(found)) => found,
            Ok(Next::End) => break,
            Ok(Next::OpenQuote) if above.is_empty() => {
                return Err(ReadError::open_quote(file, 0, position));
            }
            Err(e) if above.is_empty() => return Err(ReadError::from_fault(Fault::of(e), file, 0)),
            Ok(Next::OpenQuote) | Err(_) => break,
        };
        let record = splitter.bytes(found.start, found.end);
        if sparse(record, found.start, splitter.fields()) == Sparse::Blank {
            account.blank(found.lines, found.bytes());
            continue;
        }
        let before = *mode;
        let names = match names(splitter, mode, options, file) {
            Ok(names) => names,
            Err(error) if above.is_empty() => return Err(error),
            Err(_) => break,
        };
        match locate(file, expected, &names, true) {
            Ok(layout) => {
                account.lines.header += found.lines;
                account.bytes.header += found.bytes();
                return accept(Header { layout, names }, &above, file, account);
            }
            Err(drift) => {
                *mode = before;
                if best.as_ref().is_none_or(|b| drift.recognised > b.recognised) {
                    best = Some(drift);
                }
                above.push(line(splitter, found));
            }
        }
    }
    let Some(best) = best else { return Err(ReadError::Empty { file: file.to_owned() }) };
    Err(other_delimiter(&above, best.recognised, options, expected, file).unwrap_or(best.error))
}

fn line(splitter: &Splitter<Input>, found: Found) -> Line {
    let record = splitter.bytes(found.start, found.end);
    Line {
        raw: record[..record.len().min(TRIED)].to_vec(),
        position: splitter.position_of(found.start),
        filled: filled(record, found.start, splitter.fields()),
        lines: found.lines,
        bytes: found.bytes(),
    }
}

/// Passes over the lines above the header, unless they look like records.
fn accept(mut header: Header, above: &[Line], file: &str, account: &mut FileAccount) -> Result<Header, ReadError> {
    let columns = header.names.iter().filter(|n| !n.is_empty()).count();
    if let Some(line) = above.iter().find(|l| columns > 3 && l.filled * 2 > columns) {
        let reason = "above the header stand lines that look like records";
        return Err(ReadError::HeaderPlace { file: file.to_owned(), row: 0, position: line.position, reason });
    }
    let lines = above.iter().map(|l| l.lines).sum();
    account.skip(lines, above.iter().map(|l| l.bytes).sum());
    if lines > 0 {
        header.layout.notes.push(ReadNote::TitleLines { lines });
    }
    Ok(header)
}

/// Whether a line, split at another delimiter, is the header that the declared one does not give.
fn other_delimiter(
    lines: &[Line],
    known: usize,
    options: &CsvOptions,
    expected: &Expected,
    file: &str,
) -> Option<ReadError> {
    let wanted = expected.output_columns().len();
    for delimiter in DELIMITERS.into_iter().filter(|d| *d != options.delimiter) {
        for line in lines {
            let names: Vec<String> = line
                .raw
                .split(|b| *b == delimiter)
                .map(|name| clean(&String::from_utf8_lossy(name)).to_owned())
                .collect();
            let found = recognised(expected, &names);
            if names.len() > 1 && found > known && found * 2 >= wanted {
                let (declared, found) = (char::from(options.delimiter), char::from(delimiter));
                return Some(ReadError::WrongDelimiter { file: file.to_owned(), declared, found });
            }
        }
    }
    None
}

//! What can stop a file: one variant per outcome. No variant holds a field value; headers are named only
//! where at least part of them was recognised, because the first line of a file without a header is data.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use svp_contract::{Advice, ErrorKind, Hint};

use super::decode::Fault;

/// Why one record cannot be read as a row. Such a record is counted and quarantined; the file goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowRule {
    /// The record has more or fewer fields than the header.
    FieldCount,
    /// The record holds bytes that the file's encoding does not allow.
    Encoding,
    /// Text follows a closing quote, so it is unclear where the field ends.
    Quote,
    /// The record holds bytes that are zero.
    NulBytes,
    /// A quoted field of the record has swallowed others (where that does not stop the file).
    SwallowedLines,
    /// The last record, without its line end and with too few fields (where that does not stop the file).
    CutOff,
    /// The record holds a value in a column without a name (where that does not stop the file).
    UnnamedColumn,
    /// The record fills next to none of its columns: a sum or another line of a report, it seems.
    Footer,
}

impl RowRule {
    /// The name of the rule as it stands in quarantine tables and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Encoding => "encoding",
            Self::Quote => "quote",
            Self::NulBytes => "nul_bytes",
            Self::SwallowedLines => "swallowed_lines",
            Self::CutOff => "cut_off",
            Self::UnnamedColumn => "unnamed_column",
            Self::Footer => "footer",
        }
    }
}

impl fmt::Display for RowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A column that the header lacks and the header name that comes nearest to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The name that the source definition expects.
    pub expected: String,
    /// The name in the file that resembles it.
    pub found: String,
}

/// What stopped a file. `row` is the number of the last record that was read whole (0 = none).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The storage failed while the file was being read.
    #[error("{file}: cannot be read after row {row}")]
    Io {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
        /// What the storage said.
        source: io::Error,
    },
    /// A gzip file that ends too early.
    #[error("{file}: the gzip file is truncated; the last whole row is {row}")]
    TruncatedGzip {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
    },
    /// A gzip file whose bytes or checksum are wrong.
    #[error("{file}: the gzip file is damaged; the last whole row is {row}")]
    CorruptGzip {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
    },
    /// A kind of file that the reader does not open, recognised by its first bytes.
    #[error("{file}: is {found}, which this reader does not open")]
    UnsupportedFormat {
        /// The file.
        file: String,
        /// What the first bytes say that it is.
        found: &'static str,
    },
    /// A file without a single byte of content.
    #[error("{file}: is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// The bytes are not in the encoding that the source declares.
    #[error("{file}: is not {declared} {}{}", first_at(*.row), looks(.found))]
    WrongEncoding {
        /// The file.
        file: String,
        /// The first row that is not so (0 = the header).
        row: u64,
        /// The encoding that the source declares.
        declared: &'static str,
        /// The encoding that the bytes suggest, if any.
        found: Option<&'static str>,
    },
    /// The header is not the expected one.
    #[error("{file}: the header differs{}{}", list("; missing", .missing), list("; unexpected", .unexpected))]
    HeaderDrift {
        /// The file.
        file: String,
        /// Expected columns that the header lacks.
        missing: Vec<String>,
        /// Columns of the header that were not expected.
        unexpected: Vec<String>,
        /// Likely renamings.
        suggestions: Vec<Suggestion>,
    },
    /// The first record has nothing in common with the expected header: it may be data, so it is not shown.
    #[error(
        "{file}: the first line is not the expected header ({fields} fields, {expected} expected, none of them known)"
    )]
    NoHeader {
        /// The file.
        file: String,
        /// Number of fields in the first record.
        fields: usize,
        /// Number of columns that were expected.
        expected: usize,
    },
    /// The header has a few of the expected names only: another report, most likely.
    #[error(
        "{file}: the header has {recognised} of the {expected} expected columns, among {fields}; it seems to be of another report"
    )]
    OtherReport {
        /// The file.
        file: String,
        /// Expected columns that it has.
        recognised: usize,
        /// Number of its fields.
        fields: usize,
        /// Number of columns that were expected.
        expected: usize,
    },
    /// Split at another character, the header is the expected one.
    #[error("{file}: its fields are separated by {}, and {} is expected", separator(*.found), separator(*.declared))]
    WrongDelimiter {
        /// The file.
        file: String,
        /// The delimiter that the source declares.
        declared: char,
        /// The delimiter of the file.
        found: char,
    },
    /// The header stands below lines that look like records, or other names follow it further down.
    #[error("{file}: {reason} (after row {row}, at byte {position})")]
    HeaderPlace {
        /// The file.
        file: String,
        /// The last row before the line in question (0 = none).
        row: u64,
        /// Where that line begins.
        position: u64,
        /// What is wrong, in fixed words.
        reason: &'static str,
    },
    /// Two columns of the header have one name.
    #[error("{file}: {} in the header more than once", list("", .columns))]
    DuplicateHeader {
        /// The file.
        file: String,
        /// The repeated names.
        columns: Vec<String>,
    },
    /// The file breaks the rules of its format.
    #[error("{file}: {reason} (after row {row}, at byte {position})")]
    Malformed {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
        /// Byte position in the decompressed file at which this was noticed.
        position: u64,
        /// What is wrong, in fixed words.
        reason: &'static str,
    },
    /// A quoted field runs over lines that are records themselves.
    #[error(
        "{file}: a quoted field of row {row} (byte {position}) runs over {lines} line ends, and {records} of the lines that it \
         takes in are records"
    )]
    SwallowedLines {
        /// The file.
        file: String,
        /// The row with the field.
        row: u64,
        /// Byte position of the opening quote.
        position: u64,
        /// Line ends in the record.
        lines: u64,
        /// Records that the field has swallowed.
        records: u64,
    },
    /// A part of the file was never written, or was overwritten: it is zero.
    #[error(
        "{file}: {zeros} bytes from byte {position} on are zero{}; the last whole row is {row}",
        if *.to_end { ", to the end of the file" } else { "" }
    )]
    NulBytes {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
        /// Where the zeros begin.
        position: u64,
        /// How many there are in a row (at least).
        zeros: u64,
        /// Whether nothing comes after them.
        to_end: bool,
    },
    /// The last line has no end and too few fields.
    #[error("{file}: is cut off in row {row} (byte {position}): {fields} of {expected} fields, and no line end")]
    CutOff {
        /// The file.
        file: String,
        /// The row that is not whole.
        row: u64,
        /// Where it begins.
        position: u64,
        /// Its fields.
        fields: usize,
        /// Fields of a row.
        expected: usize,
    },
    /// A column without a name holds a value.
    #[error("{file}: column {column} has no name and holds a value in row {row} (byte {position})")]
    UnnamedColumn {
        /// The file.
        file: String,
        /// The first row with a value there.
        row: u64,
        /// Where that row begins.
        position: u64,
        /// The column, from 1.
        column: usize,
    },
    /// Something follows the root element of an XML file.
    #[error("{file}: {what} after the end of the XML document (after row {row}, at byte {position})")]
    AfterDocument {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
        /// Where it was noticed.
        position: u64,
        /// What follows, in fixed words.
        what: &'static str,
    },
    /// The text of an XML file is not in the encoding that it declares.
    #[error(
        "{file}: is not {declared}, as its XML declaration says{}{}",
        if .found.is_some() { String::new() } else { format!(", in row {row}") },
        looks(.found)
    )]
    XmlEncoding {
        /// The file.
        file: String,
        /// The row that is not so, or the one before it; where the bytes suggest an encoding, it is the whole file that is not so.
        row: u64,
        /// The encoding that was tried.
        declared: &'static str,
        /// The encoding that the bytes suggest, if any.
        found: Option<&'static str>,
    },
    /// One record (or one XML subtree) is larger than the reader holds in memory.
    #[error("{file}: the record after row {row} is larger than {limit} bytes")]
    RecordTooLarge {
        /// The file.
        file: String,
        /// The last row that was read whole.
        row: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A file that must be held in memory is larger than the limit.
    #[error("{file}: is larger than {limit} bytes, the most that is held in memory")]
    FileTooLarge {
        /// The file.
        file: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// An XML file in which the record's path does not occur.
    #[error("{file}: has no element {wanted}; the path is found as far as {found}")]
    NoRecords {
        /// The file.
        file: String,
        /// The path that was looked for.
        wanted: String,
        /// The longest part of it that occurs (an empty path = not even the root).
        found: String,
    },
    /// A Parquet column that cannot be shown as text.
    #[error("{file}: column {column} has type {data_type}, which cannot be read as text")]
    ColumnType {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// The reader's options contradict each other.
    #[error("reader options: {reason}")]
    Options {
        /// What is wrong with them.
        reason: &'static str,
    },
}

/// A delimiter in words.
fn separator(c: char) -> String {
    match c {
        '\t' => "tabs".to_owned(),
        ',' => "commas".to_owned(),
        ';' => "semicolons".to_owned(),
        '|' => "bars (|)".to_owned(),
        other => format!("`{other}`"),
    }
}

/// The place of the first row that is not in the file's encoding.
fn first_at(row: u64) -> String {
    if row == 0 { "in its header".to_owned() } else { format!("from row {row} on") }
}

fn looks(found: &Option<&'static str>) -> String {
    found.map(|f| format!("; it looks like {f}")).unwrap_or_default()
}

/// Names that are listed at most.
const LISTED: usize = 20;
/// Digits in a name above which it may be a value (a date, a number of a person) and is told by its place only.
const DIGITS: usize = 5;

fn list(label: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let name = |n: &String| match n.chars().filter(char::is_ascii_digit).count() {
        0..=DIGITS => format!("\"{n}\""),
        _ => "(a name of many digits)".to_owned(),
    };
    let mut shown = names.iter().take(LISTED).map(name).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        shown.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    if label.is_empty() { shown } else { format!("{label} {shown}") }
}

impl Advice for ReadError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Input
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Io { .. } => "check that the file can be opened and was copied completely".into(),
            Self::TruncatedGzip { .. } => {
                "fetch the file again (`gzip -t` tells whether it is whole); nothing of it was loaded".into()
            }
            Self::CorruptGzip { .. } => "fetch the file again; `gzip -t` should be silent".into(),
            Self::UnsupportedFormat { .. } => "unpack or export it as CSV (plain or .gz), XML or Parquet".into(),
            Self::Empty { .. } => "ask the sender for the file again, or remove it from the folder".into(),
            Self::WrongEncoding { found: Some("UTF-16"), .. } => {
                "save it as UTF-8 (Excel: \"CSV UTF-8\"), or convert it: iconv -f UTF-16 -t UTF-8".into()
            }
            Self::WrongEncoding { found: Some("Windows-1252"), .. } => {
                "set encoding = \"windows-1252\" (or \"auto\") in the source's [reader]".into()
            }
            Self::WrongEncoding { found: Some("UTF-8"), .. } => {
                "set encoding = \"utf-8\" (or \"auto\") in the source's [reader]".into()
            }
            Self::WrongEncoding { .. } => "set the right encoding in the source's [reader]".into(),
            Self::HeaderDrift { suggestions, missing, .. } => match suggestions.first() {
                Some(s) if suggestions.len() * 2 >= missing.len() => format!(
                    "\"{}\" looks like the renamed \"{}\"; change the name in the source's columns and mapping",
                    s.found, s.expected
                )
                .into(),
                _ => "compare the file with the source's columns; the sender may have changed the report".into(),
            },
            Self::NoHeader { .. } => {
                "check the delimiter and that the first line holds the column names (or set header = false)".into()
            }
            Self::OtherReport { .. } => {
                "check that the file lies in the folder of its source, and that the sender ran the right report".into()
            }
            Self::WrongDelimiter { found: '\t', .. } => "set delimiter = \"\\t\" in the source's [reader]".into(),
            Self::WrongDelimiter { found, .. } => format!("set delimiter = \"{found}\" in the source's [reader]").into(),
            Self::HeaderPlace { .. } => {
                "files of another layout were joined, or the file was sorted; send one file for each, header first".into()
            }
            Self::DuplicateHeader { .. } => "ask the sender to give each column a name of its own".into(),
            Self::SwallowedLines { .. } => {
                "a quotation mark in that row has no partner; mend the row, or ask the sender to export the file again".into()
            }
            Self::NulBytes { .. } => {
                "the file was not written or copied to its end; fetch it again, and compare its size with the sender's".into()
            }
            Self::CutOff { .. } => {
                "the file was not copied to its end: fetch it again (or delete the line, if it is none of the table)".into()
            }
            Self::UnnamedColumn { .. } => {
                "a value in this row holds a delimiter without quotes, or somebody (or a program that numbers rows) added a \
                 column; ask for a new export, or name the column"
                    .into()
            }
            Self::AfterDocument { .. } => "send one file for each XML document, and nothing after its last tag".into(),
            Self::XmlEncoding { .. } => {
                "save the file again as UTF-8, or write its true encoding into its first line (<?xml … encoding=\"…\"?>)".into()
            }
            Self::Malformed { .. } => "the file was probably cut off or edited by hand; fetch it again".into(),
            Self::RecordTooLarge { .. } => {
                "an opening quote without a closing one, or a wrong record path, is the usual cause".into()
            }
            Self::FileTooLarge { .. } => "split the file, or export it with fewer rows".into(),
            Self::NoRecords { .. } => "check `record` in the source's feed against the file's elements".into(),
            Self::ColumnType { .. } => "export the column as text, number, date or timestamp".into(),
            Self::Options { .. } => "change the source's [reader]".into(),
        })
    }
}

impl ReadError {
    /// The stable name of the outcome.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::TruncatedGzip { .. } => "truncated_gzip",
            Self::CorruptGzip { .. } => "corrupt_gzip",
            Self::UnsupportedFormat { .. } => "unsupported_format",
            Self::Empty { .. } => "empty",
            Self::WrongEncoding { .. } => "wrong_encoding",
            Self::HeaderDrift { .. } => "header_drift",
            Self::NoHeader { .. } => "no_header",
            Self::OtherReport { .. } => "other_report",
            Self::WrongDelimiter { .. } => "wrong_delimiter",
            Self::HeaderPlace { .. } => "header_place",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::Malformed { .. } => "malformed",
            Self::SwallowedLines { .. } => "swallowed_lines",
            Self::NulBytes { .. } => "nul_bytes",
            Self::CutOff { .. } => "cut_off",
            Self::UnnamedColumn { .. } => "unnamed_column",
            Self::AfterDocument { .. } => "after_document",
            Self::XmlEncoding { .. } => "xml_encoding",
            Self::RecordTooLarge { .. } => "record_too_large",
            Self::FileTooLarge { .. } => "file_too_large",
            Self::NoRecords { .. } => "no_records",
            Self::ColumnType { .. } => "column_type",
            Self::Options { .. } => "options",
        }
    }

    /// A quote that is open at the end of the file.
    pub(super) fn open_quote(file: &str, row: u64, position: u64) -> Self {
        Self::Malformed { file: file.to_owned(), row, position, reason: "a quoted field is never closed" }
    }

    /// Turns a fault of the byte layer into the outcome for this file.
    pub(super) fn from_fault(fault: Fault, file: &str, row: u64) -> Self {
        let file = file.to_owned();
        match fault {
            Fault::Source(source) => Self::Io { file, row, source },
            Fault::TruncatedGzip => Self::TruncatedGzip { file, row },
            Fault::CorruptGzip => Self::CorruptGzip { file, row },
            Fault::TooLarge(limit) => Self::RecordTooLarge { file, row, limit },
            Fault::Undecodable(declared) => Self::WrongEncoding { file, row, declared, found: None },
            Fault::Mislabelled(declared) => Self::WrongEncoding { file, row, declared, found: Some("UTF-8") },
        }
    }
}

//! What can stop a file: one variant per outcome. No variant holds a field value; headers are named only
//! where at least part of them was recognised, because the first line of a file without a header is data.

use std::fmt;
use std::io;

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
}

impl RowRule {
    /// The name of the rule as it stands in quarantine tables and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FieldCount => "field_count",
            Self::Encoding => "encoding",
            Self::Quote => "quote",
        }
    }
}

impl fmt::Display for RowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A column that the header lacks and the header name that comes nearest to it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    #[error("{file}: is not {declared} at row {row}{}", looks(.found))]
    WrongEncoding {
        /// The file.
        file: String,
        /// The row at which this became certain (0 = the header).
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

fn looks(found: &Option<&'static str>) -> String {
    found.map(|f| format!("; it looks like {f}")).unwrap_or_default()
}

fn list(label: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    if label.is_empty() { quoted.join(", ") } else { format!("{label} {}", quoted.join(", ")) }
}

impl ReadError {
    /// What to do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
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
            Self::WrongEncoding { .. } => "set the right encoding in the source's [reader]".into(),
            Self::HeaderDrift { suggestions, missing, .. } => match suggestions.first() {
                Some(s) => format!(
                    "\"{}\" looks like the renamed \"{}\"; change the name in the source's columns and mapping",
                    s.found, s.expected
                ),
                None if missing.is_empty() => {
                    "add the new columns to the source's columns, or set allow_extra = true".into()
                }
                None => "compare the file with the source's columns; the sender may have changed the report".into(),
            },
            Self::NoHeader { .. } => {
                "check the delimiter and that the first line holds the column names (or set header = false)".into()
            }
            Self::DuplicateHeader { .. } => "ask the sender to give each column a name of its own".into(),
            Self::Malformed { .. } => "the file was probably cut off or edited by hand; fetch it again".into(),
            Self::RecordTooLarge { .. } => {
                "an opening quote without a closing one, or a wrong record path, is the usual cause".into()
            }
            Self::FileTooLarge { .. } => "split the file, or export it with fewer rows".into(),
            Self::NoRecords { .. } => "check `record` in the source's feed against the file's elements".into(),
            Self::ColumnType { .. } => "export the column as text, number, date or timestamp".into(),
            Self::Options { .. } => "change the source's [reader]".into(),
        }
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
        }
    }
}

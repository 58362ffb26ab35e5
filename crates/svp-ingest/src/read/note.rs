//! What is worth telling about a file that does not stop it. Machine-readable: every note has a stable name
//! ([`ReadNote::code`], the same as in its serialised form) and never holds a value of the data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Suggestion;

/// Lines of one record above which the record is told.
pub(super) const LONG_RECORD: u64 = 50;

/// Why a record at the end of a file was taken for a footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FooterWhy {
    /// It begins as footers do (`Total`, `Source:`, `60 rows`), and holds next to nothing else.
    Words,
    /// It comes after a footer, has no place in the columns, and no record follows.
    AfterFooter,
    /// It is the mark by which old systems end a text.
    EndMark,
}

/// Columns that a note names at most.
const NAMED: usize = 20;

/// Something worth telling about a file that does not stop it. Rows are numbers of records (0 = the header), positions
/// bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReadNote {
    /// Columns of the file that are not read.
    ExtraColumns(Vec<String>),
    /// Optional columns that the file lacks.
    OptionalAbsent(Vec<String>),
    /// Columns found under a name that differs from the expected one in case, blanks or underscores only.
    FoldedNames(Vec<Suggestion>),
    /// Columns without a name, in which no record has a value.
    UnnamedColumns {
        /// How many.
        columns: usize,
    },
    /// Every record ends with delimiters that the header lacks, and nothing stands behind them.
    TrailingDelimiters {
        /// How many fields too many.
        fields: usize,
    },
    /// Lines above the header that were passed over.
    TitleLines {
        /// How many.
        lines: u64,
    },
    /// The header occurs again among the records, as in files that were joined; those lines were passed over.
    RepeatedHeader {
        /// How often.
        times: u64,
        /// Number of the last record before the first of them.
        row: u64,
        /// Where the first of them begins.
        position: u64,
    },
    /// Lines of dashes between header and records were passed over.
    RuledLines {
        /// How many.
        lines: u64,
    },
    /// Records of nothing but delimiters; they are no records.
    BlankRecords {
        /// How many.
        records: u64,
        /// Number of the last record before the first of them.
        row: u64,
    },
    /// A record at the end of the file that is a footer and was passed over.
    Footer {
        /// The number that it would have had.
        row: u64,
        /// Where it begins.
        position: u64,
        /// Why.
        why: FooterWhy,
    },
    /// The last line has as many fields as the header and no line end: nobody can see whether its last value is whole.
    UnterminatedLastLine {
        /// The record.
        row: u64,
    },
    /// A record takes so many lines that a human should look at it; none of the lines looks like a record.
    LongRecord {
        /// The record.
        row: u64,
        /// Its lines.
        lines: u64,
    },
    /// A file of encoding `auto` was taken for Windows-1252, because of this row (0 = header).
    FallbackEncoding {
        /// The row that decided.
        row: u64,
    },
    /// A file declared as Windows-1252 begins with a UTF-8 byte order mark and is read as UTF-8.
    Utf8ByMark,
    /// A delimited file begins with a UTF-16 byte order mark and is read as UTF-16.
    Utf16ByMark,
    /// A gzip file inside a gzip file; both were undone.
    NestedGzip {
        /// How many layers.
        layers: usize,
    },
    /// Zero bytes stand behind the last member of a gzip file, and nothing after them; they were passed over.
    GzipPadding {
        /// How many.
        bytes: u64,
    },
    /// The XML declaration names an encoding that cannot be the file's; it is read as another.
    DeclaredEncoding {
        /// The declared encoding; `unknown` if the name is none that is known.
        declared: String,
        /// The one that the bytes are in.
        read_as: String,
    },
    /// The XML file has units but no record element in any of them.
    NoRecordElement,
    /// Elements with the name of the record element stand at another path; they are not read.
    RecordElsewhere {
        /// The path from the root.
        path: String,
        /// How many.
        count: u64,
    },
}

impl ReadNote {
    /// The stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExtraColumns(_) => "extra_columns",
            Self::OptionalAbsent(_) => "optional_absent",
            Self::FoldedNames(_) => "folded_names",
            Self::UnnamedColumns { .. } => "unnamed_columns",
            Self::TrailingDelimiters { .. } => "trailing_delimiters",
            Self::TitleLines { .. } => "title_lines",
            Self::RepeatedHeader { .. } => "repeated_header",
            Self::RuledLines { .. } => "ruled_lines",
            Self::BlankRecords { .. } => "blank_records",
            Self::Footer { .. } => "footer",
            Self::UnterminatedLastLine { .. } => "unterminated_last_line",
            Self::LongRecord { .. } => "long_record",
            Self::FallbackEncoding { .. } => "fallback_encoding",
            Self::Utf8ByMark => "utf8_by_mark",
            Self::Utf16ByMark => "utf16_by_mark",
            Self::NestedGzip { .. } => "nested_gzip",
            Self::GzipPadding { .. } => "gzip_padding",
            Self::DeclaredEncoding { .. } => "declared_encoding",
            Self::NoRecordElement => "no_record_element",
            Self::RecordElsewhere { .. } => "record_elsewhere",
        }
    }
}

impl fmt::Display for ReadNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExtraColumns(names) => {
                write!(
                    f,
                    "columns that are not read: {}",
                    names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ")
                )?;
                if names.len() > NAMED { write!(f, " and {} more", names.len() - NAMED) } else { Ok(()) }
            }
            Self::OptionalAbsent(names) => write!(f, "optional columns that are absent: {}", names.join(", ")),
            Self::FoldedNames(names) => {
                f.write_str("columns found under another spelling: ")?;
                for (i, name) in names.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}\"{}\" for \"{}\"", name.found, name.expected)?;
                }
                Ok(())
            }
            Self::UnnamedColumns { columns } => write!(f, "columns without a name, all of them empty: {columns}"),
            Self::TrailingDelimiters { fields } => {
                write!(f, "every record ends with {fields} empty field(s) more than the header has")
            }
            Self::TitleLines { lines } => write!(f, "lines above the header that were passed over: {lines}"),
            Self::RepeatedHeader { times, row, position } => {
                write!(
                    f,
                    "the header stands again after row {row} (byte {position}), {times} time(s) in all; passed over"
                )
            }
            Self::RuledLines { lines } => write!(f, "ruled lines below the header that were passed over: {lines}"),
            Self::BlankRecords { records, row } => {
                write!(f, "records of nothing but delimiters: {records}, the first after row {row}")
            }
            Self::Footer { row, position, why } => {
                let why = match why {
                    FooterWhy::Words => "it begins as a footer does",
                    FooterWhy::AfterFooter => "it follows a footer",
                    FooterWhy::EndMark => "it is an end mark",
                };
                write!(f, "row {row} (byte {position}) is a footer and no record: {why}")
            }
            Self::UnterminatedLastLine { row } => write!(f, "row {row}, the last, has no line end"),
            Self::LongRecord { row, lines } => write!(f, "row {row} takes {lines} lines"),
            Self::FallbackEncoding { row } => write!(f, "taken for Windows-1252 because of row {row}"),
            Self::Utf8ByMark => f.write_str("read as UTF-8 because of its byte order mark"),
            Self::Utf16ByMark => f.write_str("read as UTF-16 because of its byte order mark"),
            Self::NestedGzip { layers } => write!(f, "gzip inside gzip, {layers} layers, all undone"),
            Self::GzipPadding { bytes } => {
                write!(f, "{bytes} zero bytes behind the end of the gzip that were passed over")
            }
            Self::DeclaredEncoding { declared, read_as } => {
                write!(f, "declares the encoding {declared}, but its bytes are {read_as}; read as {read_as}")
            }
            Self::NoRecordElement => f.write_str("no record element in any unit"),
            Self::RecordElsewhere { path, count } => {
                write!(f, "{count} element(s) of the record's name stand at {path} and are not read")
            }
        }
    }
}

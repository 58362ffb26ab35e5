//! The account of a file: where every byte and every line of it went. A reader that passes something over says
//! here how much that was; what does not balance is a defect of this program, never of the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most element paths of an XML file that are listed by name.
pub const MAX_PATHS: usize = 200;

/// Lines (LF, CRLF or CR ends one) or bytes of a text file, by what they hold. The parts are counted where they
/// are read, `total` where the bytes come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parts {
    /// All of them.
    pub total: u64,
    /// Of the header: of delimited text the line of column names (bytes: with the byte order mark); of XML what stands
    /// before the first unit.
    pub header: u64,
    /// Of records, good and bad.
    pub records: u64,
    /// Empty, or nothing but delimiters. Of XML what stands between units and after them.
    pub blank: u64,
    /// Passed over for a reason that a note gives: titles above the header, repeated headers, ruled lines, footers.
    pub skipped: u64,
}

impl Parts {
    /// Whether the parts make the whole.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.total == self.header + self.records + self.blank + self.skipped
    }
}

/// The record that takes the most lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Longest {
    /// Its physical lines.
    pub lines: u64,
    /// Its number (0 = there is no record).
    pub row: u64,
}

/// How often an element path of an XML file occurs, and whether the feed reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathCount {
    /// Elements (or attributes, for a path that ends in `@name`).
    pub count: u64,
    /// A column takes its value, or it is an element on the way to one.
    pub read: bool,
}

/// The elements of an XML file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct XmlAccount {
    /// Local name of the root element.
    pub root: String,
    /// Every path from the root, by local names, at most [`MAX_PATHS`] of them in the order of the file.
    pub paths: BTreeMap<String, PathCount>,
    /// Elements whose paths are not listed for their number.
    pub unlisted: u64,
}

/// The rows and row groups of a Parquet file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParquetAccount {
    /// Rows that the file's own metadata promises.
    pub rows_declared: u64,
    /// Row groups.
    pub row_groups: u64,
}

/// Where every byte and every line of one file went, as one feed read it.
///
/// Bytes are those of the text: after gzip, and in UTF-8 where the file was UTF-16 or an XML file of another encoding.
/// Parquet has no lines; its bytes are all of records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileAccount {
    /// Physical lines of delimited text.
    pub lines: Parts,
    /// Bytes.
    pub bytes: Parts,
    /// Records, good and bad; they are the rows that are numbered.
    pub records: u64,
    /// Records of nothing but delimiters and blanks; they are in `blank` and have no number.
    pub blank_records: u64,
    /// Records passed over as footers, repeated headers or ruled lines; they have no number.
    pub skipped_records: u64,
    /// The record with the most physical lines.
    pub longest: Longest,
    /// Bytes that are zero.
    pub nul_bytes: u64,
    /// Bytes after the last record, or after the end of the XML root.
    pub bytes_after_last: u64,
    /// Whether the last line has its line end (XML and Parquet: always).
    pub last_line_ended: bool,
    /// Columns of a delimited or Parquet file that are read, as the source names them.
    pub columns_read: Vec<String>,
    /// Number of columns of the file that are not read.
    pub columns_unread: u64,
    /// Values of the header of an XML file that the source asks for by their paths (year, authority, reference
    /// date): path as the source writes it → text. Never anything of a unit.
    pub document: BTreeMap<String, String>,
    /// Of an XML file.
    pub xml: Option<XmlAccount>,
    /// Of a Parquet file.
    pub parquet: Option<ParquetAccount>,
}

impl FileAccount {
    /// Whether every line, byte and (Parquet) row is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.lines.balances() && self.bytes.balances() && self.parquet.is_none_or(|p| p.rows_declared == self.records)
    }

    /// Element paths that no feed reads, with their counts; each feed of a source reads the same file and has an
    /// account of its own.
    pub fn unread_paths<'a>(feeds: impl IntoIterator<Item = &'a Self>) -> BTreeMap<&'a str, u64> {
        let mut all: BTreeMap<&str, PathCount> = BTreeMap::new();
        for xml in feeds.into_iter().filter_map(|a| a.xml.as_ref()) {
            for (path, found) in &xml.paths {
                let entry = all.entry(path).or_default();
                entry.count = entry.count.max(found.count);
                entry.read |= found.read;
            }
        }
        all.into_iter().filter(|(_, p)| !p.read).map(|(path, p)| (path, p.count)).collect()
    }

    /// Adds a record, good or bad.
    #[inline]
    pub(super) fn record(&mut self, row: u64, lines: u64, bytes: u64) {
        self.records += 1;
        self.lines.records += lines;
        self.bytes.records += bytes;
        if lines > self.longest.lines {
            self.longest = Longest { lines, row };
        }
    }

    /// Adds a record of nothing but delimiters.
    pub(super) fn blank(&mut self, lines: u64, bytes: u64) {
        self.blank_records += 1;
        self.lines.blank += lines;
        self.bytes.blank += bytes;
    }

    /// Adds what is passed over for a reason.
    pub(super) fn skip(&mut self, lines: u64, bytes: u64) {
        self.lines.skipped += lines;
        self.bytes.skipped += bytes;
    }
}

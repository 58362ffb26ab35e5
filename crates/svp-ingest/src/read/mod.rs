//! Readers: bytes of an extract → batches of text columns, with the number of every row.
//!
//! A reader is synchronous and streams: it holds one buffer, one record and one batch (Parquet, which needs
//! random access, is held whole, up to [`MAX_PARQUET`]). A record that cannot be a row is reported as a
//! [`BadRow`] and passed over; anything that makes the rest of the file untrustworthy is a [`ReadError`], and
//! then nothing of the file should be loaded, including the batches that were already handed out.
//!
//! To add a format: one file that implements [`RowReader`], one variant of [`ReaderKind`], one arm in [`open`].

mod account;
mod again;
mod columns;
mod csv;
mod decode;
mod error;
mod find;
mod header;
mod note;
mod parquet;
mod rows;
mod shape;
mod split;
mod swallow;
mod tail;
mod xml;
mod xml_account;
mod xml_paths;
mod xml_tree;

#[cfg(test)]
mod tests;

use std::io::Read;

use arrow::array::RecordBatch;

pub use account::{FileAccount, Longest, MAX_PATHS, ParquetAccount, Parts, PathCount, XmlAccount};
pub use error::{ReadError, RowRule, Suggestion};
pub use note::{FooterWhy, ReadNote};

/// The largest record of delimited text, and the largest XML subtree, in bytes.
pub const MAX_RECORD: usize = 16 * 1024 * 1024;
/// The largest Parquet file, in bytes: Parquet needs random access, so the file is held in memory.
pub const MAX_PARQUET: u64 = 1024 * 1024 * 1024;
/// The deepest nesting of XML elements.
pub const MAX_DEPTH: usize = 64;

/// How text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark. A record with other bytes is a bad row.
    #[default]
    Utf8,
    /// Windows-1252. The five bytes that it leaves undefined make a bad row. A UTF-8 byte order mark wins.
    Windows1252,
    /// The first record with a non-ASCII byte decides, once for the file: valid UTF-8 → UTF-8, otherwise
    /// Windows-1252 (all records before it are ASCII, hence the same in both). After a decision for
    /// Windows-1252, a record that is valid multi-byte UTF-8 is a bad row: nobody can tell what it means.
    Auto,
}

impl Encoding {
    /// The name for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
            Self::Auto => "UTF-8 or Windows-1252",
        }
    }
}

/// How a delimited file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// The byte between fields. ASCII, unless the encoding is Windows-1252.
    pub delimiter: u8,
    /// The byte around fields that hold delimiters or line breaks (ASCII); 0 = quotes mean nothing.
    pub quote: u8,
    /// How text is encoded.
    pub encoding: Encoding,
    /// Whether the first record holds the column names. If not, columns are taken by position.
    pub header: bool,
    /// Whether damage that would stop the file costs its record only, which somebody has decided for this file: a quoted
    /// field that has swallowed records, zeros, a cut last line, a value in a column without a name.
    pub accept_damage: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"', encoding: Encoding::Utf8, header: true, accept_damage: false }
    }
}

impl CsvOptions {
    /// Checks that the options do not contradict each other.
    ///
    /// # Errors
    /// [`ReadError::Options`] that says which rule is broken.
    pub fn check(&self) -> Result<(), ReadError> {
        let fail = |reason| Err(ReadError::Options { reason });
        if matches!(self.delimiter, b'\n' | b'\r' | 0) {
            return fail("the delimiter cannot be a line end or zero");
        }
        if self.delimiter == self.quote {
            return fail("delimiter and quote are the same");
        }
        if !self.delimiter.is_ascii() && self.encoding != Encoding::Windows1252 {
            return fail("a delimiter outside ASCII needs encoding = \"windows-1252\"");
        }
        if !self.quote.is_ascii() || matches!(self.quote, b'\n' | b'\r') {
            return fail("the quote must be an ASCII character and no line end");
        }
        Ok(())
    }
}

/// Which element of an XML file is a row.
///
/// Columns are paths of local names (namespaces are ignored), looked up in this order:
/// - `A/B`: in the record element; if it has no such element, in its parent, and so on up to the unit; then
///   among the leaf children, seen so far, of the elements above the unit. Several leaves of one path are
///   joined by a space.
/// - `./A`: in the record element only.
/// - `.`: the record element's own text.
/// - `/Header/A`: from the root (whose own name may be left out); it must stand before the records.
/// - a last step `@name`: an attribute.
///
/// White space around a leaf's text is layout and is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XmlOptions {
    /// Path of the element that makes a row, from the root: `Message/Children/Child/CINdetails`.
    pub record: String,
    /// Path of the repeating element that is held in memory as a whole, a leading part of `record`. `None` =
    /// its first three steps (root, list, element), as in `Message/Children/Child`.
    pub unit: Option<String>,
    /// Absolute paths (`/Header/Source/LEA`) of values of the whole document that go into [`FileAccount::document`],
    /// beside those of the columns that have such a path. Never anything of a unit.
    pub document: Vec<String>,
}

impl XmlOptions {
    /// Rows from the elements at `record`.
    #[must_use]
    pub fn new(record: impl Into<String>) -> Self {
        Self { record: record.into(), unit: None, document: Vec::new() }
    }
}

/// The format of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderKind {
    /// Delimited text.
    Csv(CsvOptions),
    /// XML.
    Xml(XmlOptions),
    /// Apache Parquet.
    Parquet,
}

/// The columns that a source expects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Column names; the columns of every batch, in this order.
    pub columns: Vec<String>,
    /// Columns that may be absent from a file (then NULL). Names not in `columns` are added after them.
    pub optional: Vec<String>,
    /// Whether a file is known to have columns beyond these: they are not read, as others are not, and need not be told.
    pub allow_extra: bool,
}

impl Expected {
    /// The columns of every batch: `columns`, then those of `optional` that are not among them.
    #[must_use]
    pub fn output_columns(&self) -> Vec<String> {
        let mut out = self.columns.clone();
        for name in &self.optional {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }
}

/// A record that cannot be a row. It never holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRow {
    /// Number of the record (1 = the first after the header).
    pub row: u64,
    /// The rule that it breaks.
    pub rule: RowRule,
}

/// A run of consecutive records: good ones in `batch`, the others in `bad`.
///
/// Records are numbered from 1 in the order of the file; the header, empty lines, lines of delimiters only and what is
/// passed over (titles, repeated headers, footers) are not counted, and a record with quoted line breaks counts once.
#[derive(Debug, Clone)]
pub struct RowBatch {
    /// Number of the first record of this run, good or bad.
    pub first_row: u64,
    /// Record numbers of the rows in `batch`, ascending.
    pub rows: Vec<u64>,
    /// The rows: every column is nullable Utf8; blank text is NULL, other text is kept as it is.
    pub batch: RecordBatch,
    /// Records that are not in `batch`, ascending.
    pub bad: Vec<BadRow>,
}

impl RowBatch {
    /// Number of records in this run, good and bad.
    #[must_use]
    pub fn records(&self) -> usize {
        self.rows.len() + self.bad.len()
    }
}

/// A file that is being read.
pub trait RowReader: Send {
    /// The next run of about `batch_rows` records, or `None` at the end of the file.
    ///
    /// # Errors
    /// Any [`ReadError`]: the file must then be taken as not loaded, including the batches before.
    fn next_batch(&mut self) -> Result<Option<RowBatch>, ReadError>;

    /// What is worth telling about the file so far (complete after the last batch).
    fn notes(&self) -> &[ReadNote];

    /// Records read so far, good and bad.
    fn rows_read(&self) -> u64;

    /// Where the bytes and lines of the file went. Complete after the last batch, that is when
    /// [`RowReader::next_batch`] has given `None`; then it balances.
    fn account(&self) -> &FileAccount;
}

/// Opens a file and compares its header with the expected one. `.gz` is recognised by its bytes.
///
/// `file_name` is only used in messages. `batch_rows` is the number of records per batch (at least 1; a batch
/// of very long rows is closed earlier, a batch of XML rows may be longer by one unit).
///
/// # Errors
/// Any [`ReadError`] that shows in the first bytes, most often [`ReadError::HeaderDrift`].
pub fn open(
    kind: &ReaderKind,
    expected: &Expected,
    file_name: &str,
    input: Box<dyn Read + Send>,
    batch_rows: usize,
) -> Result<Box<dyn RowReader>, ReadError> {
    let plain = decode::plain(file_name, input)?;
    if let Some(found) = other_format(kind, &plain) {
        return Err(ReadError::UnsupportedFormat { file: file_name.to_owned(), found });
    }
    Ok(match kind {
        ReaderKind::Csv(options) => Box::new(csv::CsvReader::open(options, expected, file_name, plain, batch_rows)?),
        ReaderKind::Xml(options) => Box::new(xml::XmlReader::open(options, expected, file_name, plain, batch_rows)?),
        ReaderKind::Parquet => Box::new(parquet::open(expected, file_name, plain, batch_rows)?),
    })
}

/// The format of a file, where its first bytes show that it is not of `kind`.
fn other_format(kind: &ReaderKind, plain: &decode::Plain) -> Option<&'static str> {
    let beginning = plain.beginning();
    let markup = decode::markup(beginning);
    match kind {
        ReaderKind::Csv(_) if beginning.starts_with(b"PAR1") => Some("a Parquet file"),
        ReaderKind::Csv(_) => markup,
        ReaderKind::Xml(_) if beginning.starts_with(b"PAR1") => Some("a Parquet file"),
        ReaderKind::Xml(_) if decode::delimited(beginning) => Some("delimited text and no XML"),
        ReaderKind::Xml(_) => markup.filter(|found| found.contains("HTML")),
        ReaderKind::Parquet => markup,
    }
}

/// The text of a reference file: gzip undone, a byte order mark taken away, UTF-16 turned into UTF-8.
///
/// # Errors
/// As [`open`]: an empty file, a truncated gzip, an archive of another kind.
pub(crate) fn decoded(file_name: &str, input: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, ReadError> {
    let mut plain = decode::plain(file_name, input)?;
    Ok(match plain.mark {
        decode::Mark::None => plain.input,
        decode::Mark::Utf8 => {
            let mut mark = [0; 3];
            plain.input.read_exact(&mut mark).map_err(|_| ReadError::Empty { file: file_name.to_owned() })?;
            plain.input
        }
        decode::Mark::Utf16 => {
            let big = plain.head.starts_with(&[0xfe, 0xff]) || plain.head.first() == Some(&0);
            let encoding = if big { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
            Box::new(decode::Transcode::new(plain.input, encoding))
        }
    })
}

/// The column names that a file offers, without comparing them with anything.
///
/// For XML these are the leaf paths, relative to the record, of the first records, in the order in which they
/// occur. A delimited file declared as without header gives none. If the first line of a delimited file is
/// not a header, the result is data: compare it with the expected columns by [`open`] before showing it.
///
/// # Errors
/// As [`open`], without the comparison.
pub fn header(kind: &ReaderKind, file_name: &str, input: Box<dyn Read + Send>) -> Result<Vec<String>, ReadError> {
    let plain = decode::plain(file_name, input)?;
    match kind {
        ReaderKind::Csv(options) => find::header(options, file_name, plain),
        ReaderKind::Xml(options) => xml::header(options, file_name, plain),
        ReaderKind::Parquet => parquet::header(file_name, plain),
    }
}

//! A CSV file as text.

use crate::TrialError;

/// Share of rows whose easting and northing are exchanged, or which lie elsewhere, above which a file is refused: a few are slips.
pub(crate) const MOST_ASTRAY: f64 = 0.05;

/// A CSV file as text, its header in small letters.
#[derive(Debug)]
pub struct Table {
    file: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Line of the file in which each row begins.
    lines: Vec<u64>,
    /// Rows that are no text in UTF-8 or have another number of fields than the header.
    pub broken: u64,
}

impl Table {
    /// Reads a file; `file` names it in errors.
    ///
    /// # Errors
    /// When it has no header or no rows.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, TrialError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
        let empty = || TrialError::Empty { file: file.to_owned() };
        let header = reader.headers().map_err(|_| empty())?;
        let header: Vec<String> = header.iter().map(|h| h.trim().to_lowercase()).collect();
        let (mut rows, mut lines, mut broken) = (Vec::new(), Vec::new(), 0);
        for row in reader.into_records() {
            match row {
                Ok(row) if row.len() == header.len() => {
                    lines.push(row.position().map_or(0, csv::Position::line));
                    rows.push(row.iter().map(str::to_owned).collect());
                }
                _ => broken += 1,
            }
        }
        if rows.is_empty() && broken == 0 {
            return Err(empty());
        }
        Ok(Self { file: file.to_owned(), header, rows, lines, broken })
    }

    /// Place of the first of these columns that is there.
    #[must_use]
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|h| h == name))
    }

    /// Place of a column that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn need(&self, names: &[&'static str], wanted: &'static str) -> Result<usize, TrialError> {
        let column = names.first().copied().unwrap_or_default();
        self.column(names).ok_or_else(|| TrialError::Column { file: self.file.clone(), column, wanted })
    }

    /// Names of the columns, in small letters.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Line of the file in which a row begins, from 1; 0 where there is no such row.
    #[must_use]
    pub fn line(&self, row: usize) -> u64 {
        self.lines.get(row).copied().unwrap_or(0)
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}

/// Rows as CSV, each with as many fields as the header.
pub(crate) fn csv_text<R: IntoIterator<Item = String>>(header: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut bytes = Vec::new();
    let mut out = csv::Writer::from_writer(&mut bytes);
    let mut written = out.write_record(header).is_ok();
    for row in rows {
        written &= out.write_record(row).is_ok();
    }
    written &= out.flush().is_ok();
    drop(out);
    match String::from_utf8(bytes) {
        Ok(text) if written => text,
        _ => unreachable!("a vector takes every byte, and rows of text of one length are text"),
    }
}

//! A comma-separated file: encoding, line ends, quoting, compression.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::{Result, SampleError};

/// Encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Bom,
    /// Windows-1252.
    Windows1252,
}

enum Sink {
    Plain(BufWriter<File>),
    Zipped(Box<GzEncoder<BufWriter<File>>>),
}

/// A file that is being written.
pub struct Table {
    path: PathBuf,
    name: String,
    sink: Sink,
    encoding: Encoding,
    crlf: bool,
    rows: u64,
    line: String,
}

/// A path below the sample's folder; makes the folder in which it lies.
///
/// # Errors
/// Where the folder cannot be made.
#[allow(clippy::disallowed_methods)] // the generator is a tool beside the pipeline and has its own files
pub fn output_path(root: &Path, name: &str) -> Result<PathBuf> {
    let path = root.join(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| SampleError::Write { path: folder.to_path_buf(), source })?;
    }
    Ok(path)
}

impl Table {
    /// Opens `root/name` (compressed when it ends in `.gz`) and writes the header.
    ///
    /// # Errors
    /// Where the file cannot be written.
    #[allow(clippy::disallowed_methods)] // see output_path
    pub fn create(root: &Path, name: &str, header: &str, encoding: Encoding, crlf: bool) -> Result<Self> {
        let path = output_path(root, name)?;
        let file = File::create(&path).map_err(|source| SampleError::Write { path: path.clone(), source })?;
        let file = BufWriter::with_capacity(1 << 16, file);
        let sink = if name.ends_with(".gz") {
            Sink::Zipped(Box::new(GzEncoder::new(file, Compression::new(6))))
        } else {
            Sink::Plain(file)
        };
        let mut table = Self { path, name: name.to_owned(), sink, encoding, crlf, rows: 0, line: String::new() };
        if encoding == Encoding::Utf8Bom {
            table.bytes(b"\xef\xbb\xbf")?;
        }
        if !header.is_empty() {
            table.raw(header)?;
        }
        Ok(table)
    }

    /// The file's name below the sample's folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of rows so far, without the header.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes one row, quoting where needed.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn row<S: AsRef<str>>(&mut self, fields: &[S]) -> Result<u64> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            let field = field.as_ref();
            if field.contains(['"', ',', '\n', '\r']) {
                line.push('"');
                line.push_str(&field.replace('"', "\"\""));
                line.push('"');
            } else {
                line.push_str(field);
            }
        }
        let written = self.raw(&line);
        self.line = line;
        self.rows += 1;
        written.map(|()| self.rows)
    }

    /// Writes a line as it is.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn raw(&mut self, line: &str) -> Result<()> {
        let encoded: Vec<u8>;
        let bytes = match self.encoding {
            Encoding::Windows1252 if !line.is_ascii() => {
                encoded = line.chars().map(windows_1252).collect();
                &encoded
            }
            _ => line.as_bytes(),
        };
        self.bytes(bytes)?;
        self.bytes(if self.crlf { b"\r\n" } else { b"\n" })
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Zipped(file) => file.write_all(bytes),
        };
        written.map_err(|source| SampleError::Write { path: self.path.clone(), source })
    }

    /// Closes the file and returns its name and number of rows.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn close(self) -> Result<(String, u64)> {
        let path = self.path;
        let fail = |source| SampleError::Write { path: path.clone(), source };
        let mut file = match self.sink {
            Sink::Plain(file) => file,
            Sink::Zipped(file) => file.finish().map_err(fail)?,
        };
        file.flush().map_err(fail)?;
        Ok((self.name, self.rows))
    }
}

/// The Windows-1252 byte of a character; `?` where there is none.
fn windows_1252(character: char) -> u8 {
    match character {
        '€' => 0x80,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '–' => 0x96,
        other => u8::try_from(u32::from(other)).unwrap_or(b'?'),
    }
}

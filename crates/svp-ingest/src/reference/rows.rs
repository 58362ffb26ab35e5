//! Rows of reference files in CSV. Unlike extracts they have no quarantine: a row that is not whole stops the file, for whoever
//! joins to it would miss what it says. Notes below the table and lines without a value are none of its rows.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use csv::ByteRecord;
use svp_lake::input::{InputFile, open_blocking};

use super::fail;
use crate::error::IngestError;
use crate::read::decoded;

/// A row: its number in the file (the header is 1) and the wanted columns.
pub(crate) struct Row<'a> {
    /// Number.
    pub number: u64,
    record: &'a ByteRecord,
    at: &'a [usize],
}

impl Row<'_> {
    /// The text of a wanted column, without blanks around it; `None` where it is blank.
    pub fn text(&self, wanted: usize) -> Option<Cow<'_, str>> {
        let bytes = self.record.get(*self.at.get(wanted)?)?.trim_ascii();
        match std::str::from_utf8(bytes) {
            Ok("") => None,
            Ok(text) => Some(Cow::Borrowed(text)),
            // A spreadsheet's own encoding: names of places in Wales.
            Err(_) => Some(encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0),
        }
    }

    /// The same, owned.
    pub fn owned(&self, wanted: usize) -> Option<String> {
        self.text(wanted).map(Cow::into_owned)
    }
}

/// Bytes that pass by, and the last of them.
struct Watched<R> {
    inner: R,
    last: Rc<Cell<u8>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if let Some(byte) = buffer.get(..n).and_then(<[u8]>::last) {
            self.last.set(*byte);
        }
        Ok(n)
    }
}

/// A file that is open, with its header read.
struct Sheet {
    reader: csv::Reader<Watched<Box<dyn Read + Send>>>,
    last: Rc<Cell<u8>>,
    header: ByteRecord,
    names: Vec<String>,
}

impl Sheet {
    fn open(file: &InputFile, has_header: bool) -> Result<Self, IngestError> {
        let last = Rc::new(Cell::new(b'\n'));
        let inner = decoded(&file.name, open_blocking(file)?)?;
        let inner = Watched { inner, last: Rc::clone(&last) };
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(has_header).from_reader(inner);
        let header = match has_header {
            true => reader.byte_headers().map_err(|_| fail(file, "the header cannot be read"))?.clone(),
            false => ByteRecord::new(),
        };
        let names = header.iter().map(|h| String::from_utf8_lossy(h).trim().to_lowercase()).collect();
        Ok(Self { reader, last, header, names })
    }

    /// Where a column is; `wanted` are its names, the first that is there counts.
    fn find(&self, file: &InputFile, wanted: &[&str]) -> Result<usize, IngestError> {
        let names = || wanted.iter().flat_map(|w| w.split('|')).map(|w| w.trim().to_lowercase());
        let exact = |choice: &str| self.names.iter().position(|n| n == choice);
        let found = names()
            .find_map(|choice| exact(&choice).or_else(|| self.names.iter().position(|n| begins(n, &choice))))
            .ok_or_else(|| {
                fail(file, format!("it has no column that begins with {}", names().collect::<Vec<_>>().join(" or ")))
            })?;
        if self.names.iter().filter(|n| **n == self.names[found]).count() > 1 {
            return Err(fail(file, format!("it has the column `{}` twice", self.names[found])));
        }
        Ok(found)
    }
}

/// Whether a column's name is the one that is wanted: with `*` for its middle (the year), else as a beginning.
fn begins(name: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => name.starts_with(wanted),
    }
}

/// The names of the columns, in small letters.
pub(crate) fn header(file: &InputFile) -> Result<Vec<String>, IngestError> {
    Ok(Sheet::open(file, true)?.names)
}

/// Whether a text has the form of a code of the Government Statistical Service: a letter and eight digits.
pub(crate) fn is_gss(text: &[u8]) -> bool {
    text.len() == 9 && text[0].is_ascii_uppercase() && text[1..].iter().all(u8::is_ascii_digit)
}

/// Gives the wanted columns of each row to `each`. A column is found by the first of its names that is there, whole or as a
/// beginning; `|` divides names too. True where the last line has no end and a wanted column is the last: if the file is cut
/// there, nobody can tell.
///
/// # Errors
/// A column that is not there or stands twice, a row that is not whole, the first error of `each`.
pub(crate) fn read_rows(
    file: &InputFile,
    wanted: &[&[&str]],
    mut each: impl FnMut(&Row<'_>) -> Result<(), IngestError>,
) -> Result<bool, IngestError> {
    let mut sheet = Sheet::open(file, true)?;
    let at = wanted.iter().map(|names| sheet.find(file, names)).collect::<Result<Vec<_>, _>>()?;
    let width = sheet.header.len();
    let open = walk(file, &mut sheet, width, |number, record| each(&Row { number, record, at: &at }))?;
    Ok(open && at.iter().any(|i| i + 1 == width))
}

/// The same for a file without a header; `wanted` are the places of columns.
pub(crate) fn read_bare_rows(
    file: &InputFile,
    wanted: &[usize],
    mut each: impl FnMut(&Row<'_>) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let mut sheet = Sheet::open(file, false)?;
    walk(file, &mut sheet, 0, |number, record| each(&Row { number, record, at: wanted })).map(|_| ())
}

/// Walks the records; `width` is that of the header, 0 where the first record decides. True where the last line has no end.
fn walk(
    file: &InputFile,
    sheet: &mut Sheet,
    width: usize,
    mut each: impl FnMut(u64, &ByteRecord) -> Result<(), IngestError>,
) -> Result<bool, IngestError> {
    let mut width = width;
    let mut number = u64::from(width > 0);
    let mut record = ByteRecord::new();
    // Length of the last field while it is a code, and whether that of the last row is shorter.
    let (mut code_length, mut shorter) = (0, false);
    // A row with fewer fields, if it is not followed by a whole one.
    let mut short: Option<(u64, usize, bool)> = None;
    let mut whole_was_last = true;
    while sheet.reader.read_byte_record(&mut record).map_err(|_| fail(file, "it is damaged: a row cannot be read"))? {
        number += 1;
        if width == 0 {
            width = record.len();
        }
        if record.iter().all(|f| f.trim_ascii().is_empty()) || record == sheet.header {
            continue;
        }
        if record.iter().any(|f| f.contains(&b'\n') || f.contains(&0)) {
            return Err(fail(file, format!("row {number} holds a line end or a zero byte inside a field")));
        }
        if record.len() > width && record.iter().skip(width).any(|f| !f.trim_ascii().is_empty()) {
            return Err(fail(file, format!("row {number} has {} fields, and the header {width}", record.len())));
        }
        if record.len() < width {
            let told = short.get_or_insert((number, record.len(), false));
            told.2 |= record.iter().any(|f| is_gss(f.trim_ascii()));
            whole_was_last = false;
            continue;
        }
        if let Some((row, fields, _)) = short {
            return Err(fail(file, format!("row {row} has {fields} fields, and the header {width}")));
        }
        whole_was_last = true;
        let field = record.get(width - 1).unwrap_or_default();
        shorter = field.len() < code_length && !field.is_empty();
        if is_gss(field) {
            code_length = field.len();
        }
        each(number, &record)?;
    }
    let open = !matches!(sheet.last.get(), b'\n' | b'\r');
    match short {
        _ if open && (shorter || !whole_was_last) => Err(cut(file, number)),
        Some((row, fields, true)) => Err(fail(file, format!("row {row} has {fields} fields, and the header {width}"))),
        _ => Ok(open),
    }
}

fn cut(file: &InputFile, row: u64) -> IngestError {
    fail(file, format!("it is cut: its last line, row {row}, is not whole and has no line end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs of two columns, and whether the file may be cut.
    fn read(bytes: impl AsRef<[u8]>, wanted: [&str; 2]) -> Result<(Vec<(String, String)>, bool), String> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("lookup.csv");
        svp_lake::files::write_file(&path, bytes.as_ref()).unwrap();
        let file = svp_lake::input::expand(&[path.display().to_string()]).unwrap().remove(0);
        let mut out = Vec::new();
        let open = read_rows(&file, &[&[wanted[0]], &[wanted[1]]], |row| {
            out.push((row.owned(0).unwrap_or_default(), row.owned(1).unwrap_or_default()));
            Ok(())
        });
        open.map(|open| (out, open)).map_err(|error| error.to_string())
    }

    const TWO: &str = "LSOA21CD,LAD24NM,LAD24CD\nE01990001,Averholt,E07990001\nE01990002,Averholt,E07990001\n";

    fn codes(bytes: impl AsRef<[u8]>) -> Result<Vec<String>, String> {
        read(bytes, ["lsoa21cd", "lad*cd"]).map(|(rows, _)| rows.into_iter().map(|(key, _)| key).collect())
    }

    #[test]
    fn whole_files_of_every_form() {
        let both = Ok(vec!["E01990001".to_owned(), "E01990002".to_owned()]);
        assert_eq!(codes(TWO), both);
        assert_eq!(codes(format!("\u{feff}{TWO}")), both);
        assert_eq!(codes(format!("\u{feff}{}", TWO.replace("LSOA21CD,", "\"LSOA21CD\","))), both);
        assert_eq!(codes(TWO.replace('\n', "\r\n")), both);
        assert_eq!(codes(TWO.trim_end()), both);
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(TWO.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(codes(wide), both);
        // What a spreadsheet adds, and notes below.
        let full = format!("{}\n,,\nSource: the office\n", TWO.replace('\n', ",,\n"));
        assert_eq!(codes(full), both);
        let header = TWO.lines().next().unwrap();
        assert_eq!(codes(format!("{TWO}{header}\n")), both, "a header that comes again");
    }

    #[test]
    fn names_of_columns() {
        assert!(read(TWO, ["lsoa21_code|LSOA21CD", "LAD24CD"]).is_ok());
        assert!(read(TWO, ["lsoa", "lad"]).is_ok());
        assert!(read(TWO, ["nothing|nowhere", "lad"]).unwrap_err().contains("nothing or nowhere"));
        let twice = TWO.replace("LAD24NM", "LAD24CD");
        assert!(codes(twice).unwrap_err().contains("`lad24cd` twice"));
    }

    #[test]
    fn names_in_the_encoding_of_a_spreadsheet() {
        let bytes: Vec<u8> =
            TWO.replace("Averholt", "Ynys M?n").bytes().map(|b| if b == b'?' { 0xf4 } else { b }).collect();
        assert_eq!(read(bytes, ["lsoa21cd", "lad24nm"]).unwrap().0[0].1, "Ynys Môn");
    }

    #[test]
    fn damaged_files_are_refused() {
        for (what, text, told) in [
            ("a cut row", &TWO[..TWO.len() - 12], "row 3"),
            ("a cut last field", &TWO[..TWO.len() - 4], "row 3"),
            ("a cut first field", &TWO[..TWO.len() - 24], "row 3"),
            ("a short row", &TWO.replacen(",Averholt", "", 1), "row 2 has 2 fields"),
            ("a long row", &TWO.replacen("Averholt", "Averholt,X", 1), "row 2 has 4 fields"),
            ("a note inside", &TWO.replacen("\nE01990002", "\nnote\nE01990002", 1), "row 3 has 1 fields"),
            ("an open quote", &TWO.replacen("Averholt", "\"Averholt", 1), "row"),
            ("zeros", &format!("{TWO}\0\0\0"), "row 4"),
        ] {
            let error = codes(text).expect_err(what);
            assert!(error.contains(told) && error.contains("lookup.csv"), "{what}: {error}");
        }
    }

    #[test]
    fn a_number_at_the_end_of_a_line_without_an_end_may_be_cut() {
        let text = "code,people\nE01990001,1234\nE01990002,12";
        assert!(read(text, ["code", "people"]).unwrap().1);
        assert!(!read(format!("{text}\n"), ["code", "people"]).unwrap().1);
        assert!(!read("people,code\n1,E01990001", ["people", "people"]).unwrap().1, "another column is the last");
    }
}

//! The last look at a release: every byte of every file is searched for what identifies people before anything becomes visible.
//!
//! Tables were judged column by column before; this search asks nothing of where a text comes from: titles, notes and names that a site
//! wrote, drawings, the words inside of Parquet files, the names of the files. Parquet is decoded, since its pages are compressed.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use svp_disclose::{Sighting, is_full_date, sighted};

use crate::error::PublishError;

/// What is said of a cell that is a full date.
const DATES: &str = "full dates, which can be dates of birth or of single events";
/// Name under which a Parquet file keeps its schema once more, packed.
const PACKED_SCHEMA: &str = "ARROW:schema";

/// Searches the files of a release, by path and bytes.
///
/// # Errors
/// [`PublishError::Identifies`] at the first thing that is never right in a release.
pub(crate) fn search(files: &[(String, Bytes)]) -> Result<(), PublishError> {
    // The manifest lists the digests of the other files.
    let known: BTreeSet<String> = files.iter().map(|(_, bytes)| hex::encode(Sha256::digest(bytes))).collect();
    for (path, bytes) in files {
        if let Some(seen) = sighted(path.as_bytes(), &known) {
            return Err(found("a file", "its name".to_owned(), seen.kind.what()));
        }
        if path.ends_with(".parquet") {
            search_parquet(path, bytes, &known)?;
            continue;
        }
        // The page's writer has another word for the slash of a date.
        let page = path.ends_with(".html").then(|| String::from_utf8_lossy(bytes).replace("&#x2f;", "/"));
        let text = page.as_ref().map_or(bytes.as_ref(), |page| page.as_bytes());
        if let Some(seen) = sighted(text, &known) {
            let place = if path.ends_with(".csv") { cell(text, seen) } else { line(text, seen) };
            return Err(found(path, place, seen.kind.what()));
        }
    }
    Ok(())
}

fn found(file: &str, place: String, what: &'static str) -> PublishError {
    PublishError::Identifies { file: file.to_owned(), place, what }
}

/// The words of a Parquet file and, column by column, its values as they would be printed.
fn search_parquet(path: &str, bytes: &Bytes, known: &BTreeSet<String>) -> Result<(), PublishError> {
    let table = path.trim_end_matches(".parquet");
    let failed = |source| PublishError::Parquet { table: table.to_owned(), source };
    let unread = |source| PublishError::Arrow { table: table.to_owned(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(failed)?;
    for (i, field) in builder.schema().fields().iter().enumerate() {
        if let Some(seen) = sighted(field.name().as_bytes(), known) {
            return Err(found(path, format!("the name of column {}", i + 1), seen.kind.what()));
        }
    }
    let words = builder.metadata().file_metadata().key_value_metadata();
    for word in words.into_iter().flatten().filter(|w| w.key != PACKED_SCHEMA) {
        if let Some(seen) = sighted(word.value.as_deref().unwrap_or_default().as_bytes(), known) {
            return Err(found(path, format!("its own words under `{}`", word.key), seen.kind.what()));
        }
    }
    let mut before = 0;
    for batch in builder.build().map_err(failed)? {
        let batch = batch.map_err(unread)?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if let Some((row, what)) = search_column(column, known).map_err(unread)? {
                return Err(found(path, format!("column {}, row {}", field.name(), before + row), what));
            }
        }
        before += batch.num_rows();
    }
    Ok(())
}

/// The first row, from 1, that holds what is never right, and what it is.
fn search_column(
    column: &ArrayRef,
    known: &BTreeSet<String>,
) -> Result<Option<(usize, &'static str)>, arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let values = ArrayFormatter::try_new(column.as_ref(), &options)?;
    // One text for the whole column, a line for each row: looking once is faster than looking often.
    let mut text = String::new();
    for row in 0..column.len() {
        let value = values.value(row).try_to_string()?;
        if is_full_date(&value) {
            return Ok(Some((row + 1, DATES)));
        }
        text.extend(value.chars().map(|c| if c == '\n' { ' ' } else { c }));
        text.push('\n');
    }
    let seen = sighted(text.as_bytes(), known);
    Ok(seen.map(|s| (lines_before(text.as_bytes(), s) + 1, s.kind.what())))
}

fn lines_before(text: &[u8], seen: Sighting) -> usize {
    text[..seen.start].iter().filter(|b| **b == b'\n').count()
}

/// The line, and the key of JSON that stands before it, where there is one.
fn line(text: &[u8], seen: Sighting) -> String {
    let line = format!("line {}", lines_before(text, seen) + 1);
    match key_before(&text[..seen.start]) {
        Some(key) => format!("{line}, at `{key}`"),
        None => line,
    }
}

/// The last key of JSON (`"key":`) of a text.
fn key_before(text: &[u8]) -> Option<&str> {
    let end = text.windows(2).rposition(|two| two == b"\":")?;
    let start = text[..end].iter().rposition(|b| *b == b'"')? + 1;
    let key = std::str::from_utf8(&text[start..end]).ok()?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (!key.is_empty() && key.len() <= 40 && key.bytes().all(plain)).then_some(key)
}

/// The line and the column of a CSV file.
fn cell(text: &[u8], seen: Sighting) -> String {
    let line = lines_before(text, seen) + 1;
    let start = text[..seen.start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let header = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let names = fields(header.strip_suffix(b"\r").unwrap_or(header));
    let at = fields(&text[start..seen.start]).len().saturating_sub(1);
    match names.get(at).filter(|_| line > 1) {
        Some(name) => format!("line {line}, column {}", String::from_utf8_lossy(name)),
        None => format!("line {line}"),
    }
}

/// The fields of a line of CSV.
fn fields(line: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    line.split(|b| {
        quoted ^= *b == b'"';
        *b == b',' && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{meta, outlines, small, tables};
    use crate::{PublishedTable, ReleaseMeta, release};

    /// Where a release with this is refused, and why.
    fn refused(meta: &ReleaseMeta, table: PublishedTable) -> (String, String, &'static str) {
        match release(meta, &[table], &outlines()) {
            Err(error @ PublishError::Identifies { .. }) => {
                let said = error.to_string();
                let PublishError::Identifies { file, place, what } = error else { unreachable!() };
                for value in VALUES {
                    assert!(!said.contains(value) && !place.contains(value) && !file.contains(value), "{said}");
                }
                (file, place, what)
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it went out"),
        }
    }

    const VALUES: [&str; 9] = [
        "943 476 5919",
        "PL4 8AA",
        "a.person@force.police.uk",
        "01752 123456",
        "c97e66e7a1b2c3d4e5f60718293a4b5c",
        "AB123456C",
        "A123456789012",
        "svp-key-1",
        "12/03/1990",
    ];

    #[test]
    fn texts_of_the_site_are_searched_in_every_file() {
        for value in VALUES {
            let value = if value == "12/03/1990" { "born 12/03/1990" } else { value };
            let titled = PublishedTable { title: format!("Weapons {value}"), ..small() };
            let (file, place, _) = refused(&meta(), titled);
            assert_eq!(
                (file.as_str(), place.as_str()),
                ("small.parquet", "its own words under `svp.title`"),
                "{value}"
            );
            let noted = PublishedTable { notes: vec![format!("As {value} says.")], ..small() };
            let (file, place, _) = refused(&meta(), noted);
            assert!(file == "report.html" && place.starts_with("line "), "{file}, {place}");
            let told = ReleaseMeta { attribution: vec![format!("Ask {value}")], ..meta() };
            let (file, ..) = refused(&told, small());
            assert!(["README.txt", "report.html"].contains(&file.as_str()), "{value}: {file}");
            // Receipts stand in the manifest alone.
            let received = ReleaseMeta { receipts: serde_json::json!([{ "files": [value] }]), ..meta() };
            let (file, place, _) = refused(&received, small());
            assert!(file == "manifest.json" && place.ends_with(", at `files`"), "{file}, {place}");
        }
    }

    #[test]
    fn names_of_files_and_columns_are_searched() {
        let named = PublishedTable { name: "07700900123".to_owned(), ..small() };
        let (file, place, _) = refused(&meta(), named);
        assert_eq!((file.as_str(), place.as_str()), ("a file", "its name"));
        let text = b"weapon,events\r\nknife,1200\r\n\"gun, large\",PL4 8AA\r\n";
        let seen = sighted(text, &BTreeSet::new()).unwrap();
        assert_eq!(cell(text, seen), "line 3, column events");
        let text = b"PL4 8AA,events\r\nknife,1200\r\n";
        assert_eq!(cell(text, sighted(text, &BTreeSet::new()).unwrap()), "line 1");
        let text = b"{\"type\":\"Feature\",\n\"properties\":{\"name\":\"x PL4 8AA\"}}";
        assert_eq!(line(text, sighted(text, &BTreeSet::new()).unwrap()), "line 2, at `name`");
    }

    #[test]
    fn columns_of_a_parquet_file_are_searched_row_by_row() {
        use arrow::array::{Int64Array, StringArray};
        use std::sync::Arc;
        let column = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let known = BTreeSet::new();
        let row = |column: &ArrayRef| search_column(column, &known).unwrap().map(|(row, _)| row);
        assert_eq!(row(&column(vec!["Averholt", "2024-05", "65+"])), None);
        assert_eq!(row(&column(vec!["Averholt", "a\nb", "near PL4 8AA"])), Some(3));
        assert_eq!(row(&column(vec!["2024-05", "1990-03-12"])), Some(2));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(9_434_765_919)]));
        assert_eq!(row(&numbers), Some(3));
        let plain: ArrayRef = Arc::new(Int64Array::from(vec![Some(9_434_765_918), Some(120)]));
        assert_eq!(row(&plain), None);
    }

    #[test]
    fn a_release_of_every_kind_of_table_passes() {
        let files = release(&meta(), &tables(), &outlines()).unwrap();
        assert!(files.len() > 15 && search(&files).is_ok());
        // One letter in any file is enough, and a column of its own kind is no excuse.
        for at in 0..files.len() {
            let mut changed = files.clone();
            if changed[at].0.ends_with(".parquet") {
                continue;
            }
            let text = String::from_utf8_lossy(&changed[at].1).into_owned() + "\nPL4 8AA\n";
            changed[at].1 = Bytes::from(text);
            let Err(PublishError::Identifies { file, .. }) = search(&changed) else { panic!("{}", files[at].0) };
            assert_eq!(file, files[at].0);
        }
    }
}

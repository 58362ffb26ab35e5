//! Containers: gzip in all its states, foreign formats, Parquet.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};

use super::*;

fn table(n: usize) -> Vec<u8> {
    let mut bytes = b"a,b\n".to_vec();
    for i in 0..n {
        bytes.extend_from_slice(format!("{i},{:x}\n", i * 2_654_435_761 % 1_000_003).as_bytes());
    }
    bytes
}

#[test]
fn gzip_with_many_members() {
    let bytes = table(100);
    let mut zipped = gz(&bytes[..123]);
    zipped.extend(gz(b""));
    zipped.extend(gz(&bytes[123..]));
    assert_eq!(read(&plain_csv(), &expect(&["a", "b"]), &zipped).unwrap().records, 100);
}

#[test]
fn gzip_cut_anywhere_is_an_error_that_names_the_last_row() {
    let zipped = gz(&table(500));
    let mut last = 0;
    for cut in 0..zipped.len() {
        let input = Box::new(Cursor::new(zipped[..cut].to_vec()));
        let error = match open(&plain_csv(), &expect(&["a", "b"]), "x.csv.gz", input, 50) {
            Ok(reader) => drain(reader).unwrap_err(),
            Err(error) => error,
        };
        let ReadError::TruncatedGzip { row, .. } = error else { panic!("{cut}: {error}") };
        assert!(row >= last && row <= 500, "{cut}: {row} after {last}");
        last = row;
    }
    assert!(last > 400, "{last}");
}

#[test]
fn gzip_with_a_flipped_byte_is_never_read_silently() {
    let zipped = gz(&table(200));
    let want = read(&plain_csv(), &expect(&["a", "b"]), &zipped).unwrap();
    for at in 10..zipped.len() {
        let mut bytes = zipped.clone();
        bytes[at] ^= 0x10;
        // The bits that fill the last byte before the checksum carry nothing.
        if let Ok(out) = read(&plain_csv(), &expect(&["a", "b"]), &bytes) {
            assert_eq!((at, &out.rows), (zipped.len() - 9, &want.rows));
        }
    }
}

#[test]
fn zeros_behind_gzip_are_passed_over_and_told() {
    let bytes = table(100);
    let mut members = gz(&bytes[..123]);
    members.extend(gz(&bytes[123..]));
    // As tapes and tools that copy by blocks leave them; more than one buffer of them too.
    for zeros in [1, 2, 511, 300_000] {
        for whole in [gz(&bytes), members.clone()] {
            let padded = [whole, vec![0; zeros]].concat();
            let out = read(&plain_csv(), &expect(&["a", "b"]), &padded).unwrap();
            assert_eq!((out.records, &out.notes[..]), (100, &[ReadNote::GzipPadding { bytes: zeros as u64 }][..]));
            assert_eq!(out.account.bytes.total, bytes.len() as u64);
        }
    }
    let padded = [gz(b"<M><C><A>x</A></C></M>"), vec![0; 40]].concat();
    let out = read(&ReaderKind::Xml(XmlOptions::new("M/C")), &expect(&["A"]), &padded).unwrap();
    assert_eq!((out.records, out.told()), (1, vec!["gzip_padding"]));
    // In each layer.
    let inner = [gz(&bytes), vec![0; 7]].concat();
    let out = read(&plain_csv(), &expect(&["a", "b"]), &[gz(&inner), vec![0; 5]].concat()).unwrap();
    assert_eq!(out.notes, [ReadNote::NestedGzip { layers: 2 }, ReadNote::GzipPadding { bytes: 12 }]);
    let note = out.notes[1].to_string();
    assert!(note.starts_with("12 zero bytes behind the end of the gzip"), "{note}");
}

#[test]
fn other_bytes_behind_gzip_are_damage() {
    let whole = gz(&table(100));
    let behind: [&[u8]; 4] = [b"\0\0\0x", b"x", b"\0\x1f\x8b\x08\0\0\0\0\0", b"\x1f\x8c\0\0\0\0\0\0\0\0\0\0"];
    for behind in behind {
        let error = read(&plain_csv(), &expect(&["a", "b"]), &[&whole[..], behind].concat()).unwrap_err();
        assert!(matches!(error, ReadError::CorruptGzip { .. } | ReadError::TruncatedGzip { .. }), "{error:?}");
    }
    // A file that was cut and filled up is not whole.
    for cut in [whole.len() - 1, whole.len() - 8, whole.len() / 2] {
        let filled = [&whole[..cut], &[0; 512]].concat();
        assert!(read(&plain_csv(), &expect(&["a", "b"]), &filled).is_err() || whole[cut..].iter().all(|b| *b == 0));
    }
    // Nothing but padding is no content.
    assert!(matches!(
        read(&plain_csv(), &expect(&["a"]), &[gz(b""), vec![0; 512]].concat()),
        Err(ReadError::Empty { .. })
    ));
}

#[test]
fn empty_and_foreign_files_are_named() {
    let fail = |bytes: &[u8]| read(&plain_csv(), &expect(&["a"]), bytes).unwrap_err();
    assert!(matches!(fail(b""), ReadError::Empty { .. }));
    assert!(matches!(fail(&gz(b"")), ReadError::Empty { .. }));
    assert!(matches!(fail(b"\xef\xbb\xbf\r\n"), ReadError::Empty { .. }));
    let name = |bytes: &[u8]| match fail(bytes) {
        ReadError::UnsupportedFormat { found, .. } => found,
        other => panic!("{other:?}"),
    };
    let zip = |entry: &str, rest: &str| {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(30, 0);
        bytes.extend_from_slice(entry.as_bytes());
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    };
    let mut tar = b"a.csv".to_vec();
    tar.resize(257, 0);
    tar.extend_from_slice(b"ustar\x0000");
    let utf32: Vec<u8> = "\u{feff}a\n1\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let cases: [(&[u8], &str); 16] = [
        (&zip("a.csv", ""), "zip archive"),
        (&zip("[Content_Types].xml", ""), ".xlsx"),
        (&zip("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ".ods"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"%PDF-1.7", "PDF"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"\xef\xbb\xbf\n<HTML>", "HTML"),
        (b"<?xml version='1.0'?><M/>", "XML"),
        (b"<Message><a/></Message>", "XML"),
        (b"{\"a\": 1}\n", "JSON"),
        (b"[{\"b\": 1}]", "JSON"),
        (b"PAR1\x15\x04", "Parquet"),
        (&tar, "tar"),
        (&utf32, "UTF-32"),
        (b"-----BEGIN PGP MESSAGE-----\n", "PGP"),
    ];
    for (bytes, want) in cases {
        assert!(name(bytes).contains(want), "{want}: {}", name(bytes));
        assert!(name(&gz(bytes)).contains(want), "{want} in gzip");
    }
    let xml = ReaderKind::Xml(XmlOptions::new("M"));
    for (bytes, want) in [(&b"a,b\n1,2\n"[..], "delimited"), (b"<html><body>", "HTML"), (b"PAR1", "Parquet")] {
        let error = read(&xml, &expect(&["a"]), bytes).unwrap_err();
        assert!(matches!(error, ReadError::UnsupportedFormat { found, .. } if found.contains(want)), "{error:?}");
    }
}

#[test]
fn gzip_in_gzip_is_undone_and_told() {
    let mut bytes = gz(&table(50));
    assert!(read(&plain_csv(), &expect(&["a", "b"]), &bytes).unwrap().notes.is_empty());
    for layers in 2..=3 {
        bytes = gz(&bytes);
        let out = read(&plain_csv(), &expect(&["a", "b"]), &bytes).unwrap();
        assert_eq!((out.records, &out.notes[..]), (50, &[ReadNote::NestedGzip { layers }][..]));
        assert_eq!(out.account.bytes.total, table(50).len() as u64);
        let cut = read(&plain_csv(), &expect(&["a", "b"]), &bytes[..bytes.len() - 12]).unwrap_err();
        assert!(matches!(cut, ReadError::TruncatedGzip { .. }), "{cut:?}");
    }
    let error = read(&plain_csv(), &expect(&["a", "b"]), &gz(&bytes)).unwrap_err();
    assert!(matches!(error, ReadError::UnsupportedFormat { found, .. } if found.contains("gzip")), "{error:?}");
}

struct Broken(usize);

impl std::io::Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "disk"));
        }
        let n = self.0.min(out.len());
        self.0 -= n;
        out[..n].fill(b'a');
        Ok(n)
    }
}

#[test]
fn storage_errors_are_the_storages() {
    let error = open(&plain_csv(), &expect(&["a"]), "f", Box::new(Broken(5000)), 1).err().unwrap();
    assert!(matches!(error, ReadError::Io { .. }), "{error}");
}

fn parquet_of(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut out = Vec::new();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(&mut out, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn parquet_columns_become_text() {
    let bytes = parquet_of(vec![
        ("unused", Arc::new(Int64Array::from(vec![0; 5]))),
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(-3), Some(4), Some(5)]))),
        ("f", Arc::new(Float64Array::from(vec![50.25, -4.0, 0.0, 1e9, 0.1]))),
        ("t", Arc::new(TimestampMicrosecondArray::from(vec![0; 5]).with_timezone("+00:00"))),
        ("s", Arc::new(StringArray::from(vec![Some("x"), Some("  "), None, Some(""), Some(" y ")]))),
        ("b", Arc::new(BinaryArray::from(vec![&b"ok"[..], b"ok", b"\xff", b"ok", b"ok"]))),
    ]);
    let expected = Expected { allow_extra: true, optional: vec!["none".into()], ..expect(&["s", "n", "f", "t", "b"]) };
    for bytes in [gz(&bytes), bytes] {
        let out = read(&ReaderKind::Parquet, &expected, &bytes).unwrap();
        assert_eq!(
            out.values(),
            [
                ["x", "1", "50.25", "1970-01-01T00:00:00Z", "ok", "-"],
                ["-", "-", "-4.0", "1970-01-01T00:00:00Z", "ok", "-"],
                ["-", "4", "1000000000.0", "1970-01-01T00:00:00Z", "ok", "-"],
                [" y ", "5", "0.1", "1970-01-01T00:00:00Z", "ok", "-"],
            ]
        );
        assert_eq!(out.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2, 4, 5]);
        assert_eq!(out.bad, [BadRow { row: 3, rule: RowRule::Encoding }]);
        assert_eq!(out.account.columns_read, ["s", "n", "f", "t", "b"]);
        assert_eq!((out.account.columns_unread, out.account.records), (1, 5));
        assert_eq!(out.account.parquet, Some(ParquetAccount { rows_declared: 5, row_groups: 1 }));
    }
}

#[test]
fn damaged_parquet_never_panics() {
    let bytes = parquet_of(vec![("s", Arc::new(StringArray::from(vec!["x"; 50])))]);
    let expected = expect(&["s"]);
    for cut in 1..bytes.len() {
        assert!(read(&ReaderKind::Parquet, &expected, &bytes[..cut]).is_err());
    }
    assert!(matches!(read(&ReaderKind::Parquet, &expected, b"a,b\n"), Err(ReadError::UnsupportedFormat { .. })));
    assert!(matches!(read(&ReaderKind::Parquet, &expect(&["t"]), &bytes), Err(ReadError::NoHeader { .. })));
    let folded = read(&ReaderKind::Parquet, &expect(&["S"]), &bytes).unwrap();
    assert_eq!((folded.records, folded.told()), (50, vec!["folded_names"]));
}

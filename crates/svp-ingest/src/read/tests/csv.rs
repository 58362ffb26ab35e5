//! Delimited text: format, encodings, row numbers.

use proptest::prelude::*;

use super::*;

fn ab(bytes: &[u8]) -> Read {
    read(&plain_csv(), &expect(&["a", "b"]), bytes).unwrap()
}

#[test]
fn the_usual_shapes_give_the_same_rows() {
    let want = vec![vec!["1", "x"], vec!["2", "y"]];
    let shapes: [&[u8]; 9] = [
        b"a,b\n1,x\n2,y\n",
        b"a,b\n1,x\n2,y",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"a,b\r1,x\r2,y\r",
        b"a,b\r\n1,x\n2,y\r\n\r\n",
        b"\n\na,b\n\n1,x\n\r\n2,y\n\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        b"\xef\xbb\xbf\"a\",\"b\"\n\"1\",\"x\"\n\"2\",y\n",
        b"b,a\nx,1\ny,2\n",
    ];
    for bytes in shapes {
        assert_eq!(ab(bytes).values(), want, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn blank_is_null_and_other_text_is_kept() {
    assert_eq!(ab("a,b\n ,\u{a0}\n\" 1 \",\"say \"\"hi\"\"\"\n".as_bytes()).values(), [[" 1 ", "say \"hi\""]]);
    assert_eq!(ab("a,b\n \u{a0},x\n".as_bytes()).values(), [["-", "x"]]);
    assert_eq!(ab(b"a,b\n\"\",\"\"\"\"\n").values(), [["-", "\""]]);
}

#[test]
fn rows_are_numbered_by_record() {
    let out = ab(b"a,b\n\"1\n1\",x\n2\n3,\"y\r\n\r\ny\"\n4,z,\n5,w\n\"6\"6,v\n7,u\n");
    let rows: Vec<u64> = out.rows.iter().map(|r| r.0).collect();
    assert_eq!(rows, [1, 3, 5, 7]);
    let bad: Vec<(u64, &str)> = out.bad.iter().map(|b| (b.row, b.rule.as_str())).collect();
    assert_eq!(bad, [(2, "field_count"), (4, "field_count"), (6, "quote")]);
    assert_eq!(out.values()[1], ["3", "y\r\n\r\ny"]);
}

#[test]
fn header_only_is_no_rows() {
    assert_eq!(ab(b"a,b\n").records, 0);
    assert_eq!(ab(b"a,b").records, 0);
}

#[test]
fn positions_without_header() {
    let kind = ReaderKind::Csv(CsvOptions { header: false, delimiter: b'|', quote: 0, ..CsvOptions::default() });
    let out = read(&kind, &expect(&["a", "b"]), b"1|\"x\n2|y\n3\n").unwrap();
    assert_eq!(out.values(), [["1", "\"x"], ["2", "y"]]);
    assert_eq!(out.bad, [BadRow { row: 3, rule: RowRule::FieldCount }]);
    assert!(super::super::header(&kind, "f", Box::new(Cursor::new(b"Smith|Jane".to_vec()))).unwrap().is_empty());
}

#[test]
fn a_quote_that_is_never_closed_stops_the_file() {
    let error = read(&plain_csv(), &expect(&["a", "b"]), b"a,b\n1,x\n2,\"y\n3,z\n").unwrap_err();
    assert!(matches!(error, ReadError::Malformed { row: 1, .. }), "{error}");
    let mut long = b"a,b\n1,\"".to_vec();
    long.resize(MAX_RECORD + 100, b'x');
    let error = read(&plain_csv(), &expect(&["a", "b"]), &long).unwrap_err();
    assert!(matches!(error, ReadError::RecordTooLarge { row: 0, .. }), "{error}");
}

#[test]
fn options_that_contradict_are_refused() {
    let with = |delimiter, quote| CsvOptions { delimiter, quote, ..CsvOptions::default() };
    for bad in [with(b'\n', b'"'), with(b'"', b'"'), with(0xa7, b'"'), with(b',', b'\r'), with(b',', 0xff)] {
        assert!(matches!(read(&ReaderKind::Csv(bad), &expect(&["a"]), b"a\n"), Err(ReadError::Options { .. })));
    }
}

#[test]
fn windows_1252() {
    let kind = csv_kind(Encoding::Windows1252);
    let out =
        read(&kind, &expect(&["Stra\u{df}e", "b"]), b"Stra\xdfe,b\nRen\xe9e,\x80 5\nx,\"O\x92\"\"Neil\"\nbad,\x81\n")
            .unwrap();
    assert_eq!(out.values(), [["Ren\u{e9}e", "\u{20ac} 5"], ["x", "O\u{2019}\"Neil"]]);
    assert_eq!(out.bad, [BadRow { row: 3, rule: RowRule::Encoding }]);
    let marked = read(&kind, &expect(&["a"]), "\u{feff}a\nRen\u{e9}e\n".as_bytes()).unwrap();
    assert_eq!((marked.values(), &marked.notes[..]), (vec![vec!["Ren\u{e9}e"]], &[ReadNote::Utf8ByMark][..]));
    let section =
        ReaderKind::Csv(CsvOptions { delimiter: 0xa7, encoding: Encoding::Windows1252, ..CsvOptions::default() });
    assert_eq!(read(&section, &expect(&["a", "b"]), b"a\xa7b\n1\xa7\xe9\n").unwrap().values(), [["1", "\u{e9}"]]);
}

#[test]
fn auto_decides_once_at_the_first_accent() {
    let kind = csv_kind(Encoding::Auto);
    let go = |bytes: &[u8]| read(&kind, &expect(&["a", "b"]), bytes).unwrap();
    let latin = go(b"a,b\n1,x\n2,Ren\xe9e\n3,y\n4,Zo\xeb\n");
    assert_eq!(latin.values(), [["1", "x"], ["2", "Ren\u{e9}e"], ["3", "y"], ["4", "Zo\u{eb}"]]);
    assert_eq!(latin.notes, [ReadNote::FallbackEncoding { row: 2 }]);
    let utf8 = go(b"a,b\n1,x\n2,Ren\xc3\xa9e\n3,y\n4,Zo\xeb\n");
    assert_eq!(utf8.values(), [["1", "x"], ["2", "Ren\u{e9}e"], ["3", "y"]]);
    assert_eq!(utf8.bad, [BadRow { row: 4, rule: RowRule::Encoding }]);
    let mixed = go(b"a,b\n1,Ren\xe9e\n2,Ren\xc3\xa9e\n");
    assert_eq!(mixed.bad, [BadRow { row: 2, rule: RowRule::Encoding }]);
    let header = read(&kind, &expect(&["\u{e9}", "b"]), b"\xe9,b\n1,\xe9\n").unwrap();
    assert_eq!(
        (header.values(), &header.notes[..]),
        (vec![vec!["1", "\u{e9}"]], &[ReadNote::FallbackEncoding { row: 0 }][..])
    );
}

#[test]
fn a_wrong_encoding_stops_the_file() {
    let table = |row: &[u8], n: usize, accented: usize| {
        let mut bytes = b"a,b\n".to_vec();
        for i in 0..n {
            bytes.extend_from_slice(if i < accented { row } else { b"1,x\n" });
        }
        read(&plain_csv(), &expect(&["a", "b"]), &bytes)
    };
    let wrong = |r: Result<Read, ReadError>| match r {
        Err(e @ ReadError::WrongEncoding { .. }) => e.hint().unwrap().contains("windows-1252"),
        _ => false,
    };
    assert!(wrong(table(b"1,\xe9\n", 2, 2)), "every row");
    assert!(wrong(table(b"1,\xe9\n", 1000, 100)), "many rows");
    assert!(wrong(table(b"1,\xe9\n", 10_000, 20)), "every accented row");
    assert_eq!(table(b"1,\xe9\n", 1000, 3).unwrap().bad.len(), 3, "a few damaged rows");
    assert_eq!(table("1,\u{e9}\n".as_bytes(), 1000, 100).unwrap().bad.len(), 0);
}

#[test]
fn utf16_is_read_by_its_mark_and_named_without() {
    let text = "a,b\n1,Ren\u{e9}e\n";
    for big in [false, true] {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let marked: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect();
        let out = read(&plain_csv(), &expect(&["a", "b"]), &marked).unwrap();
        assert_eq!(out.values(), [["1", "Ren\u{e9}e"]]);
        assert_eq!(out.told(), ["utf16_by_mark"]);
        assert_eq!(out.account.bytes.total, text.len() as u64);
        for bytes in [&marked[2..], &gz(&marked[2..])] {
            let error = read(&plain_csv(), &expect(&["a", "b"]), bytes).unwrap_err();
            assert!(matches!(error, ReadError::WrongEncoding { found: Some("UTF-16"), .. }));
            assert!(error.hint().unwrap().contains("UTF-16"));
        }
        let odd = read(&plain_csv(), &expect(&["a", "b"]), &marked[..marked.len() - 1]).unwrap_err();
        assert!(matches!(odd, ReadError::WrongEncoding { declared: "UTF-16LE" | "UTF-16BE", .. }), "{odd:?}");
    }
}

#[test]
fn text_in_utf8_that_is_declared_as_windows_1252_stops_the_file() {
    let go = |bytes: &[u8]| read(&csv_kind(Encoding::Windows1252), &expect(&["a", "b"]), bytes);
    for rows in ["1,Ren\u{e9}e\n2,x\n", "1,\u{20ac}\n2,\u{df}\n3,z\n"] {
        let error = go(format!("a,b\n{rows}").as_bytes()).unwrap_err();
        assert!(matches!(error, ReadError::WrongEncoding { found: Some("UTF-8"), .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("utf-8"));
    }
    assert_eq!(go(b"a,b\n1,Ren\xe9e\n2,\xc3\xa9\n").unwrap().values()[1], ["2", "\u{c3}\u{a9}"], "one of two only");
}

/// A reader that gives bytes in small pieces, to move the seams of the buffer.
struct Drip(Cursor<Vec<u8>>, usize);

impl std::io::Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = out.len().min(self.1);
        self.0.read(&mut out[..n])
    }
}

fn cells() -> impl Strategy<Value = Vec<Vec<String>>> {
    let cell = prop_oneof!["[a-z0-9 ]{0,8}", "[\"',;|\t\r\n\u{e9}\u{20ac}x]{0,6}", any::<String>(),];
    (1_usize..5).prop_flat_map(move |w| prop::collection::vec(prop::collection::vec(cell.clone(), w), 0..12))
}

proptest! {
    #[test]
    fn what_a_csv_writer_writes_is_read_again(
        table in cells(),
        delimiter in prop::sample::select(vec![b',', b';', b'|', b'\t']),
        crlf in any::<bool>(),
        quote in prop::sample::select(vec![b'"', b'\'']),
        style in 0_u8..3,
        mark in any::<bool>(),
        zipped in any::<bool>(),
        piece in 1_usize..50,
        auto in any::<bool>(),
        batch in 1_usize..5,
    ) {
        let width = table.first().map_or(1, Vec::len);
        let names: Vec<String> = (0..width).map(|i| format!("c{i}")).collect();
        let mut writer = ::csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote(quote)
            .quote_style([::csv::QuoteStyle::Necessary, ::csv::QuoteStyle::Always, ::csv::QuoteStyle::NonNumeric][usize::from(style)])
            .terminator(if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') })
            .from_writer(if mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() });
        writer.write_record(&names).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let mut bytes = writer.into_inner().unwrap();
        if zipped {
            bytes = gz(&bytes);
        }
        let encoding = if auto { Encoding::Auto } else { Encoding::Utf8 };
        let kind = ReaderKind::Csv(CsvOptions { delimiter, quote, encoding, ..CsvOptions::default() });
        let expected = Expected { columns: names, ..Expected::default() };
        let reader = open(&kind, &expected, "f", Box::new(Drip(Cursor::new(bytes), piece)), batch).unwrap();
        let out = match drain(reader) {
            // Text that is itself a table of as many columns cannot be told from swallowed records.
            Err(ReadError::SwallowedLines { .. }) => {
                let sign = char::from(delimiter);
                prop_assert!(table.iter().flatten().any(|c| c.contains(sign) && c.contains(['\r', '\n'])));
                return Ok(());
            }
            read => read.unwrap(),
        };
        // A row without a value is no record.
        let want: Vec<(u64, Vec<Option<String>>)> = (1_u64..)
            .zip(table.iter().filter(|row| row.iter().any(|c| !c.trim().is_empty())))
            .map(|(n, row)| (n, row.iter().map(|c| (!c.trim().is_empty()).then(|| c.clone())).collect()))
            .collect();
        prop_assert!(out.bad.is_empty());
        prop_assert_eq!(out.rows, want);
    }

    #[test]
    fn any_bytes_are_split_as_the_csv_crate_does(bytes in "[ab,\"\r\n]{0,60}", piece in 1_usize..9) {
        use super::super::split::{Next, Splitter};
        let mut theirs = Vec::new();
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_bytes());
        for record in reader.byte_records() {
            theirs.push(record.unwrap().iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect::<Vec<_>>());
        }
        let input = Drip(Cursor::new(bytes.clone().into_bytes()), piece);
        let mut splitter = Splitter::new(input, b',', Some(b'"'), 1024);
        let mut i = 0;
        loop {
            match splitter.next().unwrap() {
                Next::End => {
                    prop_assert_eq!(i, theirs.len());
                    break;
                }
                // They end the record at the end of the file; we refuse it.
                Next::OpenQuote => {
                    prop_assert_eq!(i + 1, theirs.len());
                    break;
                }
                Next::Record(found) => {
                    let fields = splitter.fields().iter().map(|f| {
                        let text = String::from_utf8_lossy(splitter.bytes(f.start, f.end)).into_owned();
                        if f.doubled { text.replace("\"\"", "\"") } else { text }
                    });
                    let ours: Vec<String> = fields.collect();
                    if found.stray {
                        prop_assert_eq!(ours.len(), theirs[i].len());
                    } else {
                        prop_assert_eq!(&ours, &theirs[i]);
                    }
                    i += 1;
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), auto in any::<bool>()) {
        let kind = csv_kind(if auto { Encoding::Auto } else { Encoding::Windows1252 });
        let mut table = b"a,b\n".to_vec();
        table.extend_from_slice(&bytes);
        let _ = read(&kind, &expect(&["a", "b"]), &table);
        let _ = read(&kind, &expect(&["a", "b"]), &bytes);
    }
}

#[test]
fn the_buffer_grows_for_long_records_and_seams_do_not_show() {
    let long = "x".repeat(600_000);
    let mut bytes = b"a,b\n".to_vec();
    for i in 0..20_000 {
        bytes.extend_from_slice(format!("{i},\"some \"\"text\"\" with, things\"\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("long,\"{long}\"\r\nlast,1").as_bytes());
    let kind = plain_csv();
    let input = Box::new(Drip(Cursor::new(bytes), 10_007));
    let out = drain(open(&kind, &expect(&["a", "b"]), "f", input, 8192).unwrap()).unwrap();
    assert_eq!(out.records, 20_002);
    assert_eq!(out.values()[19_999], ["19999", "some \"text\" with, things"]);
    assert_eq!(out.values()[20_000][1].len(), 600_000);
}

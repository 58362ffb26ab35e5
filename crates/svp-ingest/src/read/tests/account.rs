//! The account balances, and equals a count that knows nothing of the reader.

use proptest::prelude::*;

use super::*;

/// Lines by the plainest of means: CRLF and CR become LF; what follows the last LF is a line if it is not empty.
fn naive_lines(bytes: &[u8]) -> u64 {
    let text: Vec<u8> = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n").into_bytes();
    let ends = text.iter().filter(|b| **b == b'\n').count();
    (ends + usize::from(text.last().is_some_and(|b| *b != b'\n'))) as u64
}

/// A piece of a generated file and where it belongs.
#[derive(Debug, Clone)]
enum Piece {
    Record(Vec<String>),
    Ragged,
    EmptyLine,
    Delimiters,
    Header,
    Subtotal,
}

fn piece() -> impl Strategy<Value = Piece> {
    let cell =
        prop_oneof![3 => "[a-z]{1,6}", 1 => "[a-z]{1,3}[\r\n]{1,3}[a-z]{1,3}", 1 => "[a-z \u{e9}]{1,4}\"[a-z]{0,2}"];
    prop_oneof![
        12 => prop::collection::vec(cell, 5).prop_map(Piece::Record),
        1 => Just(Piece::Ragged),
        1 => Just(Piece::EmptyLine),
        1 => Just(Piece::Delimiters),
        1 => Just(Piece::Header),
        1 => Just(Piece::Subtotal),
    ]
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

proptest! {
    #[test]
    fn every_line_and_byte_is_somewhere(
        pieces in prop::collection::vec(piece(), 0..30),
        titles in 0_u64..3,
        footers in 0_u64..3,
        end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ended in any::<bool>(),
        mark in any::<bool>(),
        zipped in any::<bool>(),
    ) {
        const HEADER: &str = "aa,bb,cc,dd,ee";
        let mut want = FileAccount::default();
        let mut text = String::new();
        let line = |text: &mut String, s: &str| {
            text.push_str(s);
            text.push_str(end);
            ((s.len() + end.len()) as u64, naive_lines(format!("{s}\n").as_bytes()))
        };
        if mark {
            text.push('\u{feff}');
        }
        for _ in 0..titles {
            let (bytes, lines) = line(&mut text, "A report of the site,,,,");
            want.skip(lines, bytes);
        }
        let (bytes, lines) = line(&mut text, HEADER);
        (want.bytes.header, want.lines.header) = (bytes + if mark { 3 } else { 0 }, lines);
        // A first full record, so that there is something to compare footers with.
        let first = Piece::Record(["k1", "x", "y", "z", "w"].map(str::to_owned).to_vec());
        let last = Piece::Record(["k2", "x", "y", "z", "w"].map(str::to_owned).to_vec());
        for piece in std::iter::once(&first).chain(&pieces).chain([&last]) {
            match piece {
                Piece::Record(cells) => {
                    let cells: Vec<String> = cells.iter().map(|c| quoted(c)).collect();
                    let (bytes, lines) = line(&mut text, &cells.join(","));
                    want.record(want.records + 1, lines, bytes);
                }
                Piece::Ragged => {
                    let (bytes, lines) = line(&mut text, "q,w,e,r,t,z");
                    want.record(want.records + 1, lines, bytes);
                }
                Piece::EmptyLine => {
                    let (bytes, lines) = line(&mut text, "");
                    (want.bytes.blank, want.lines.blank) = (want.bytes.blank + bytes, want.lines.blank + lines);
                }
                Piece::Delimiters => {
                    let (bytes, lines) = line(&mut text, ",,,,");
                    want.blank(lines, bytes);
                }
                Piece::Header => {
                    let (bytes, lines) = line(&mut text, HEADER);
                    want.skip(lines, bytes);
                    want.skipped_records += 1;
                }
                // Among records it is a bad row.
                Piece::Subtotal => {
                    let (bytes, lines) = line(&mut text, "Subtotal: 7,,,,");
                    want.record(want.records + 1, lines, bytes);
                }
            }
        }
        for _ in 0..footers {
            let (bytes, lines) = line(&mut text, "Source: the site");
            want.skip(lines, bytes);
            want.skipped_records += 1;
            want.bytes_after_last += bytes;
        }
        if !ended {
            text.truncate(text.len() - end.len());
            let part = if footers > 0 { &mut want.bytes.skipped } else { &mut want.bytes.records };
            *part -= end.len() as u64;
            want.bytes_after_last -= if footers > 0 { end.len() as u64 } else { 0 };
        }
        want.last_line_ended = ended;
        want.bytes.total = text.len() as u64;
        want.lines.total = naive_lines(text.as_bytes());
        want.columns_read = ["aa", "bb", "cc", "dd", "ee"].map(str::to_owned).to_vec();
        // A subtotal just above a repeated header is a line above a header.
        let titled = pieces.windows(2).any(|w| matches!(w, [Piece::Subtotal, Piece::Header]));
        let gap = |p: &Piece| matches!(p, Piece::EmptyLine | Piece::Delimiters | Piece::Subtotal);
        prop_assume!(!titled && !pieces.windows(2).any(|w| matches!(w[0], Piece::Subtotal) && gap(&w[1])));

        let bytes = if zipped { gz(text.as_bytes()) } else { text.clone().into_bytes() };
        let out = read(&plain_csv(), &expect(&["aa", "bb", "cc", "dd", "ee"]), &bytes).unwrap();
        prop_assert_eq!(&out.account, &want);
        prop_assert!(want.balances());
        prop_assert_eq!(out.told().contains(&"unterminated_last_line"), !ended && footers == 0);
    }
}

#[test]
fn the_parts_of_a_small_file() {
    let text = "\u{feff}Report of March,\n\nid,text\r\n1,\"one\ntwo\r\nthree\"\r\n,\r\n2,x,y\n\n3,z";
    let out = read(&plain_csv(), &expect(&["id", "text"]), text.as_bytes()).unwrap();
    let account = out.account;
    let lines = Parts { total: 10, header: 1, records: 5, blank: 3, skipped: 1 };
    let bytes = Parts { total: text.len() as u64, header: 12, records: 29, blank: 5, skipped: 17 };
    assert_eq!((account.lines, account.bytes), (lines, bytes));
    assert_eq!((account.records, account.blank_records, account.longest), (3, 1, Longest { lines: 3, row: 1 }));
    assert!(!account.last_line_ended);
    assert_eq!(out.bad, [BadRow { row: 2, rule: RowRule::FieldCount }]);
    assert_eq!(
        out.notes,
        [
            ReadNote::TitleLines { lines: 1 },
            ReadNote::BlankRecords { records: 1, row: 1 },
            ReadNote::UnterminatedLastLine { row: 3 },
        ]
    );
}

#[test]
fn notes_and_account_are_machine_readable() {
    let out = read(&plain_csv(), &expect(&["id", "text"]), b"ID,Text\n1,x\n").unwrap();
    let json = serde_json::to_string(&out.notes).unwrap();
    assert_eq!(
        json,
        r#"[{"note":"folded_names","detail":[{"expected":"id","found":"ID"},{"expected":"text","found":"Text"}]}]"#
    );
    assert_eq!(serde_json::from_str::<Vec<ReadNote>>(&json).unwrap(), out.notes);
    let account = serde_json::to_string(&out.account).unwrap();
    assert_eq!(serde_json::from_str::<FileAccount>(&account).unwrap(), out.account);
    assert_eq!(serde_json::from_str::<FileAccount>("{}").unwrap(), FileAccount::default(), "of an older lake");
    for note in &out.notes {
        assert!(serde_json::to_string(note).unwrap().contains(note.code()) && !note.to_string().is_empty());
    }
}

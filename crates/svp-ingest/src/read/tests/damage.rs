//! Files that must not be read as if they were whole: swallowed records, zeros, a cut last line, values without a column.

use super::*;

const NAMES: [&str; 6] = ["Ref", "Date", "Site", "Method", "Place", "Notes"];

/// A file of `n` rows, one line each.
fn table(n: usize) -> Vec<String> {
    let mut lines = vec![NAMES.join(",")];
    lines.extend(
        (1..=n).map(|i| format!("A{i},{:02}/03/2025 21:{:02}:00,XW101,Knife,Street,On the left", i % 28 + 1, i % 60)),
    );
    lines
}

fn go(lines: &[String]) -> Result<Read, ReadError> {
    read(&plain_csv(), &expect(&NAMES), format!("{}\n", lines.join("\n")).as_bytes())
}

fn swallowed(lines: &[String]) -> (u64, u64, u64, u64) {
    match go(lines) {
        Err(error @ ReadError::SwallowedLines { .. }) => {
            let ReadError::SwallowedLines { row, position, lines, records, .. } = error else { unreachable!() };
            assert!(!error.to_string().contains("Knife") && error.hint().unwrap().contains("quotation mark"));
            (row, position, lines, records)
        }
        Ok(out) => panic!("read, with {:?} and {:?}", out.bad, out.notes),
        Err(other) => panic!("{other:?}"),
    }
}

/// Puts a text before column `column` of row `row`, or after it.
fn edit(lines: &mut [String], row: usize, column: usize, before: &str, after: &str) {
    let mut cells: Vec<String> = lines[row].split(',').map(str::to_owned).collect();
    cells[column] = format!("{before}{}{after}", cells[column]);
    lines[row] = cells.join(",");
}

#[test]
fn a_quote_that_takes_in_records_stops_the_file_wherever_it_stands() {
    for rows in [2, 3, 30, 400] {
        for from in [1, 2, rows / 2, rows - 1].into_iter().filter(|r| *r >= 1 && *r < rows) {
            for to in [from + 1, (from + 2).min(rows), rows].into_iter().filter(|t| *t > from) {
                for open in 0..NAMES.len() {
                    for close in [0, 2, 5] {
                        let mut lines = table(rows);
                        edit(&mut lines, from, open, "\"", "");
                        edit(&mut lines, to, close, "", "\"");
                        let (row, position, breaks, records) = swallowed(&lines);
                        let what = format!("{rows} rows, {from}.{open} to {to}.{close}");
                        assert_eq!(
                            (row, breaks, records),
                            (from as u64, (to - from) as u64, (to - from) as u64),
                            "{what}"
                        );
                        let text = format!("{}\n", lines.join("\n"));
                        assert_eq!(text.as_bytes()[position as usize], b'"', "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_file_whose_first_rows_are_of_another_kind_is_no_excuse() {
    // Sorted: the first half has neither reference nor notes, and one word where the other half has two.
    let mut lines = table(400);
    for line in &mut lines[1..=200] {
        let cells: Vec<&str> = line.split(',').collect();
        *line = format!(",{},{},Noise,{},", cells[1], cells[2], cells[4]);
    }
    for line in &mut lines[201..] {
        *line = line.replace("Knife", "Sharp thing");
    }
    assert_eq!(go(&lines).unwrap().records, 400);
    for (from, to) in [(2, 3), (150, 151), (199, 200), (300, 301), (350, 352)] {
        let mut lines = lines.clone();
        edit(&mut lines, from, 4, "\"", "");
        edit(&mut lines, to, 2, "", "\"");
        assert_eq!(swallowed(&lines).3, (to - from) as u64, "{from} to {to}");
    }
}

#[test]
fn a_quote_that_is_closed_by_the_next_quoted_value_stops_the_file() {
    let mut lines = table(300);
    edit(&mut lines, 5, 3, "\"", "");
    edit(&mut lines, 200, 4, "\"The, ", "\"");
    assert_eq!(swallowed(&lines).3, 195);
    // A doubled quote does not close.
    let mut lines = table(300);
    edit(&mut lines, 5, 5, "\"", "\"\"");
    edit(&mut lines, 9, 5, "\"", "\"");
    assert_eq!(swallowed(&lines).3, 4);
    // Two of them, far from one another: the second closes the first.
    let mut lines = table(300);
    edit(&mut lines, 5, 4, "\"", "");
    edit(&mut lines, 290, 4, "\"", "");
    assert_eq!(swallowed(&lines).3, 285);
    // One after the other.
    let mut lines = table(300);
    edit(&mut lines, 5, 4, "\"", "");
    edit(&mut lines, 6, 4, "\"", "");
    assert_eq!(swallowed(&lines).3, 1);
    // A quote that the next value of its own row closes swallows nothing: two bad rows, which are counted.
    let mut lines = table(100);
    for row in 1..=100 {
        edit(&mut lines, row, 5, "\"", "\nthen, right\"");
    }
    assert_eq!(go(&lines).unwrap().records, 100);
    edit(&mut lines, 50, 2, "\"", "");
    let out = go(&lines).unwrap();
    assert_eq!((out.rows.len(), out.bad.len()), (99, 2));
    // The swallowed records have line breaks of their own.
    lines[51..54].clone_from_slice(&table(53)[51..54]);
    lines[50] = table(50)[50].replace("XW101", "\"XW101");
    assert_eq!(swallowed(&lines).0, 50);
}

#[test]
fn free_text_with_line_breaks_is_read() {
    let texts = [
        "one\ntwo",
        "\n\n\n",
        "first, second, third\nfourth, fifth, sixth, seventh",
        "Dear all,\r\n\r\nthe suspect, a man, left, then came back, and left, again.\r\nRegards,\r\nA, B, C, D, E, F",
        "a,b,c,d,e,f\ng",
        "said \"\"no\"\", and\nsaid \"\"yes\"\", left",
    ];
    for text in texts {
        for column in 3..NAMES.len() {
            for rows in [1, 5, 50] {
                let mut lines = table(rows);
                for row in (1..=rows).step_by(2) {
                    edit(&mut lines, row, column, "\"", &format!("{text}\""));
                }
                let out = go(&lines).unwrap_or_else(|e| panic!("{text:?} in column {column}: {e}"));
                assert_eq!((out.records, out.bad.len()), (rows as u64, 0));
            }
        }
    }
    let mut lines = table(5);
    edit(&mut lines, 3, 5, "\"", &format!("{}\"", "\nand so on".repeat(80)));
    let out = go(&lines).unwrap();
    assert_eq!(out.notes, [ReadNote::LongRecord { row: 3, lines: 81 }]);
    assert_eq!(out.account.longest, Longest { lines: 81, row: 3 });
}

#[test]
fn zeros_stop_the_file() {
    let text = format!("{}\n", table(300).join("\n"));
    let whole = text.len();
    for (from, to) in [(whole / 2, whole), (whole / 2, whole / 2 + 16), (40, 4000), (whole - 20, whole), (0, 600)] {
        for zipped in [false, true] {
            let mut bytes = text.clone().into_bytes();
            bytes[from..to].fill(0);
            let bytes = if zipped { gz(&bytes) } else { bytes };
            let error = read(&plain_csv(), &expect(&NAMES), &bytes).unwrap_err();
            match error {
                ReadError::NulBytes { position, zeros, to_end, row, .. } => {
                    let want = (from as u64, (to - from) as u64, to == whole);
                    assert_eq!((position, zeros, to_end), want);
                    assert!(row <= 300 && (from > 4000 || row == 0));
                }
                other => panic!("{from} to {to}: {other:?}"),
            }
        }
    }
    // A tail that is larger than any record, and one that follows the last line.
    for tail in [100, MAX_RECORD + 5000] {
        let mut bytes = text.clone().into_bytes();
        bytes.resize(whole + tail, 0);
        let error = read(&plain_csv(), &expect(&NAMES), &bytes).unwrap_err();
        assert!(matches!(error, ReadError::NulBytes { row: 300, to_end: true, .. }), "{error:?}");
    }
}

#[test]
fn a_few_zero_bytes_cost_their_row() {
    let mut lines = table(20);
    edit(&mut lines, 7, 3, "", "\0\0");
    let out = go(&lines).unwrap();
    assert_eq!(out.bad, [BadRow { row: 7, rule: RowRule::NulBytes }]);
    assert_eq!((out.records, out.account.nul_bytes), (20, 2));
}

#[test]
fn a_last_line_that_is_cut_stops_the_file() {
    let text = table(10).join("\n");
    let last = text.rfind('\n').unwrap() + 1;
    for cut in last + 1..text.len() {
        let out = read(&plain_csv(), &expect(&NAMES), &text.as_bytes()[..cut]);
        let fields = text[last..cut].matches(',').count() + 1;
        match out {
            Err(ReadError::CutOff { row: 10, position, fields: found, expected: 6, .. }) => {
                assert_eq!((found, position, fields < 6), (fields, last as u64, true));
            }
            Ok(out) => {
                assert_eq!((fields, out.records), (6, 10), "cut in the last field: nobody can know");
                assert_eq!(out.notes, [ReadNote::UnterminatedLastLine { row: 10 }]);
            }
            Err(other) => panic!("{cut}: {other:?}"),
        }
    }
    // With its line end it is one bad row.
    let out = read(&plain_csv(), &expect(&NAMES), format!("{}\n", &text[..last + 20]).as_bytes()).unwrap();
    assert_eq!(out.bad, [BadRow { row: 10, rule: RowRule::FieldCount }]);
}

#[test]
fn an_unnamed_column_is_read_past_if_it_is_empty_and_refused_if_not() {
    let with = |header: &str, row: &str, odd: &str| {
        let mut lines = table(20);
        for (i, line) in lines.iter_mut().enumerate() {
            line.push_str(match i {
                0 => header,
                7 => odd,
                _ => row,
            });
        }
        go(&lines)
    };
    for end in [",", ",,", ",,,,,"] {
        let out = with(end, end, end).unwrap();
        assert_eq!((out.records, out.bad.len()), (20, 0));
        assert_eq!(out.notes, [ReadNote::UnnamedColumns { columns: end.len() }]);
        let blank =
            with(end, end, &format!("{} ", &end[..end.len() - 1].to_owned().replace(',', ", ")).replacen("", ",", 1));
        assert!(blank.is_ok() || matches!(blank, Err(ReadError::UnnamedColumn { .. })));
    }
    // A spreadsheet writes the empty ends for some lines only.
    assert_eq!(with(",,", "", ",,").unwrap().records, 20);
    let error = with(",,", ",,", ",,x").unwrap_err();
    assert!(matches!(error, ReadError::UnnamedColumn { row: 7, column: 8, .. }), "{error:?}");
    // Behind every record, but not behind the header.
    let out = with("", ",,", ",,").unwrap();
    assert_eq!((out.records, &out.notes[..]), (20, &[ReadNote::TrailingDelimiters { fields: 2 }][..]));
    let out = with("", ",", ",x").unwrap();
    assert_eq!(out.bad, [BadRow { row: 7, rule: RowRule::FieldCount }]);
    // One row alone with a field too many is a bad row, even if that field is empty: something in it was not quoted.
    let out = with("", "", ",").unwrap();
    assert_eq!(out.bad, [BadRow { row: 7, rule: RowRule::FieldCount }]);
    // In the middle of the header.
    let text = |value: &str| {
        format!("Ref,,Date,Site,Method,Place,Notes\nA1,,01/03/2025,X,K,S,n\nA2,{value},02/03/2025,X,K,S,n\n")
    };
    let out = read(&plain_csv(), &expect(&NAMES), text("").as_bytes()).unwrap();
    assert_eq!((out.records, out.told()), (2, vec!["unnamed_columns"]));
    let error = read(&plain_csv(), &expect(&NAMES), text("Zebra").as_bytes()).unwrap_err();
    assert!(matches!(error, ReadError::UnnamedColumn { row: 2, column: 2, .. }), "{error:?}");
    assert!(!format!("{error} {}", error.hint().unwrap()).contains("Zebra"));
}

#[test]
fn damage_that_somebody_accepts_costs_its_record() {
    let kind = ReaderKind::Csv(CsvOptions { accept_damage: true, ..CsvOptions::default() });
    let go = |text: &str| read(&kind, &expect(&NAMES), text.as_bytes()).unwrap();
    let mut lines = table(20);
    edit(&mut lines, 5, 4, "\"", "");
    edit(&mut lines, 7, 4, "", "\"");
    let out = go(&format!("{}\n", lines.join("\n")));
    assert_eq!((out.records, out.bad), (18, vec![BadRow { row: 5, rule: RowRule::SwallowedLines }]));

    let text = table(20).join("\n");
    let out = go(&text[..text.len() - 30]);
    assert_eq!((out.records, out.bad), (20, vec![BadRow { row: 20, rule: RowRule::CutOff }]));

    let mut bytes = format!("{text}\n").into_bytes();
    let middle = text.find("A10,").unwrap() + 10;
    bytes[middle..middle + 20].fill(0);
    let out = go(std::str::from_utf8(&bytes).unwrap());
    assert_eq!((out.records, out.bad.len(), out.account.nul_bytes), (20, 1, 20));
    assert_eq!(out.bad[0].row, 10);

    let out = go(&format!("{}\n", table(20).join(",\n").replace("A7,", "A7,x,")));
    assert_eq!(out.bad, [BadRow { row: 7, rule: RowRule::FieldCount }]);
    let mut lines: Vec<String> = table(20).iter().map(|l| format!("{l},")).collect();
    lines[7].push('x');
    let out = go(&format!("{}\n", lines.join("\n")));
    assert_eq!(out.bad, [BadRow { row: 7, rule: RowRule::UnnamedColumn }]);
}

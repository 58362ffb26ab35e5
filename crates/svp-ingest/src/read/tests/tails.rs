//! Lines that are no records: titles, repeated headers, ruled lines, lines of delimiters, footers.

use super::*;

const NAMES: [&str; 6] = ["Ref", "Born", "Sex", "Ethnic", "Code", "Notes"];

fn rows(n: usize) -> String {
    (1..=n)
        .map(|i| format!("C{i:05},0{}/01/20{:02},M,WBRI,{},\n", i % 9 + 1, i % 20, if i % 3 == 0 { "x1" } else { "" }))
        .collect()
}

fn go(text: &str) -> Result<Read, ReadError> {
    read(&plain_csv(), &expect(&NAMES), text.as_bytes())
}

fn with_tail(n: usize, tail: &str) -> Read {
    go(&format!("{}\n{}{tail}", NAMES.join(","), rows(n))).unwrap_or_else(|e| panic!("{tail:?}: {e}"))
}

#[test]
fn lines_of_delimiters_are_no_records() {
    for line in [",,,,,", ", , ,,,", "\"\",\"\",,,,", ",", ",,,,,,,,,,,", "\u{a0},,,,,", "   ,   ,   ,   ,   ,   "] {
        for line_end in ["\n", "\r\n"] {
            let out = with_tail(5, &format!("{line}{line_end}{line}{line_end}"));
            assert_eq!((out.records, out.bad.len(), out.account.blank_records), (5, 0, 2), "{line:?}");
            assert_eq!(out.notes, [ReadNote::BlankRecords { records: 2, row: 5 }]);
        }
        let text = format!("{}\n{}{line}\n{}", NAMES.join(","), rows(2), rows(3));
        let out = go(&text).unwrap();
        assert_eq!((out.records, out.account.blank_records), (5, 1));
        assert_eq!(out.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
    assert_eq!(with_tail(5, ",,,,,").told(), ["blank_records"]);
    assert_eq!(with_tail(5, "   ").told(), ["blank_records"]);
    // The beginning of a row whose first values are not known.
    let cut = go(&format!("{}\n{},,", NAMES.join(","), rows(5)));
    assert!(matches!(cut, Err(ReadError::CutOff { row: 6, fields: 3, .. })));
}

#[test]
fn footers_are_no_records() {
    let footers = [
        "Total: 60,,,,,",
        "Total,60,,,,",
        ",,Total,60,,",
        "TOTAL 60",
        "Grand Total,,,,,60",
        "Sub-total,60",
        "\"Total:\",\"60\",,,,",
        "Source: RMS report run 02/02/2025,,,,,",
        "\"Source: a, b, c\",,,,,",
        "Source: a, b, c and d",
        "End of report",
        "*** END OF FILE ***,,,,,",
        "60 rows",
        "60 row(s)",
        "(60 rows affected)",
        "1,060 rows selected.",
        "Record count: 60",
        "Generated on 01/02/2025 by a system,,,,,",
        "Produced by the office",
        "Page 1 of 3,,,,,",
        "Applied filters:,,,,,",
        "OFFICIAL - SENSITIVE",
        "\u{a9} Crown copyright,,,,,",
        "Notes,,,,,",
        "\u{1a}",
    ];
    for footer in footers {
        for (before, after) in [("", "\n"), ("", ""), ("\n", "\n"), (",,,,,\n", "\r\n")] {
            let out = with_tail(60, &format!("{before}{footer}{after}"));
            assert_eq!((out.records, out.bad.len()), (60, 0), "{footer}");
            assert_eq!(out.account.skipped_records, 1, "{footer}");
            let position = (NAMES.join(",").len() + 1 + rows(60).len() + before.len()) as u64;
            let why = if footer == "\u{1a}" { FooterWhy::EndMark } else { FooterWhy::Words };
            assert!(out.notes.contains(&ReadNote::Footer { row: 61, position, why }), "{footer}: {:?}", out.notes);
        }
    }
    // Several, of which only the first is known by its words.
    let out =
        with_tail(60, "-----,-----,,,,\nTotal,60,,,,\n,,,,,\nof whom under 16,12,,,,\nas counted by the office\n");
    assert_eq!((out.records, out.bad.len(), out.account.skipped_records), (60, 0, 4));
    assert!(out.notes.iter().any(|n| matches!(n, ReadNote::Footer { row: 64, why: FooterWhy::AfterFooter, .. })));
}

#[test]
fn in_doubt_a_last_row_is_quarantined_and_a_sparse_record_is_read() {
    // No word of a footer, and nothing like a key: told in quarantine.
    for tail in ["Northmere and Wells,,,,,\n", ",,,,60,\n", "of the year 2024,,,,,"] {
        let out = with_tail(60, tail);
        assert_eq!(out.bad, [BadRow { row: 61, rule: RowRule::Footer }], "{tail:?}");
        assert_eq!(out.account.records, 61);
    }
    // A child of whom next to nothing is known.
    for tail in ["C00061,,,,,\n", "C00061,,F,,,\n", "C00061,,,,,\nC00062,,,,,\n"] {
        let out = with_tail(60, tail);
        assert!(out.bad.is_empty() && out.records >= 61, "{tail:?}");
    }
    // Among the records a sparse row stays what it is; a sum goes to quarantine.
    let header = NAMES.join(",");
    let out = go(&format!("{header}\n{}of whom,,,,,\n{}", rows(5), rows(5))).unwrap();
    assert_eq!((out.records, out.bad.len()), (11, 0));
    let out = go(&format!("{header}\n{}Total: 5,,,,,\n{}Total: 5,,,,,\n", rows(5), rows(5))).unwrap();
    assert_eq!(out.bad, [BadRow { row: 6, rule: RowRule::Footer }]);
    assert_eq!((out.records, out.account.skipped_records), (11, 1));
    // A sum that fills its row is quarantined wherever it stands; a value that begins with the word is none.
    for row in ["Total,60,59,1,60,3", " TOTALS: ,60,59,1,60,3", ",Grand total,59,1,60,3", "\"Sub-total\",60,59,1,60,3"]
    {
        let out = go(&format!("{header}\n{}{row}\n{}{row}\n", rows(5), rows(5))).unwrap();
        let rule = RowRule::Footer;
        assert_eq!(out.bad, [BadRow { row: 6, rule }, BadRow { row: 12, rule }], "{row}");
    }
    let out = with_tail(5, "Total Gym,01/01/2001,M,WBRI,x,\nTotality,01/01/2001,M,WBRI,x,\n");
    assert_eq!((out.records, out.bad.len()), (7, 0));
    // Too few fields and no words: a bad row as ever.
    let out = with_tail(5, "C00006,01/01/2001\n");
    assert_eq!(out.bad, [BadRow { row: 6, rule: RowRule::FieldCount }]);
}

#[test]
fn more_held_rows_than_are_kept_are_released_in_order() {
    let short: String = (0..5000).map(|i| format!("C{i},x\n")).collect();
    let out = with_tail(3, &format!("{short}{}", rows(1)));
    assert_eq!((out.records, out.bad.len()), (5004, 5000));
    assert_eq!(out.rows.last().unwrap().0, 5004);
    let notes: String = (0..200).map(|i| format!("Note {i}: x,,,,,\n")).collect();
    let out = with_tail(3, &format!("Total,3,,,,\n{notes}"));
    assert_eq!((out.rows.len(), out.account.records, out.account.skipped_records), (3, 3, 201));
    assert_eq!(out.told().len(), 20, "told one by one up to a point");
}

#[test]
fn a_header_that_comes_again_is_passed_over() {
    let header = NAMES.join(",");
    for again in
        [header.clone(), header.to_uppercase(), format!("\u{feff}{header}"), format!("\"{}\"", NAMES.join("\",\""))]
    {
        let text = format!("{header}\n{}{again}\n{}{again}\n", rows(4), rows(3));
        let out = go(&text).unwrap();
        assert_eq!((out.records, out.bad.len(), out.account.skipped_records), (7, 0, 2), "{again}");
        let position = (header.len() + 1 + rows(4).len()) as u64;
        assert_eq!(out.notes, [ReadNote::RepeatedHeader { times: 2, row: 4, position }]);
    }
    // With its titles.
    let text = format!("Report A,,,,,\n{header}\n{}Total,4,,,,\n\n{header}\n{}", rows(4), rows(3));
    let out = go(&text).unwrap();
    assert_eq!((out.records, out.bad.len()), (7, 0));
    assert_eq!(out.told(), ["title_lines", "footer", "repeated_header"]);
    // In another order the columns below mean something else.
    let error = go(&format!("{header}\n{}Born,Ref,Sex,Ethnic,Code,Notes\n{}", rows(4), rows(3))).unwrap_err();
    assert!(matches!(error, ReadError::HeaderPlace { row: 4, .. }), "{error:?}");
    // A value that is the name of a column is none.
    let out = go(&format!("{header}\nRef,01/01/2001,M,WBRI,x,\n{}", rows(2))).unwrap();
    assert_eq!(out.records, 3);
}

#[test]
fn lines_above_the_header_are_passed_over() {
    let header = NAMES.join(",");
    let tops = [
        ("Report of the office\n", 1),
        ("Report of the office,,,,,\n,,,,,\n", 1),
        ("Report,March 2025\nRun by,A. Person\n\n\n", 2),
        ("\u{feff}\"A title, with\na line break\"\n", 2),
        ("sep=,\n", 1),
        ("OFFICIAL\nPage 1 of 2\n-----\n", 3),
    ];
    for (top, lines) in tops {
        let out = go(&format!("{top}{header}\n{}", rows(3))).unwrap_or_else(|e| panic!("{top:?}: {e}"));
        assert_eq!(out.records, 3);
        assert_eq!(out.account.lines.skipped, lines, "{top:?}");
        assert!(out.notes.contains(&ReadNote::TitleLines { lines }));
    }
    // Too far down, or below what looks like records: not read.
    let deep = format!("{}{header}\n{}", "A line\n".repeat(25), rows(3));
    assert!(matches!(go(&deep), Err(ReadError::NoHeader { fields: 1, .. })));
    let sorted = format!("{}{header}\n{}", rows(2), rows(3));
    assert!(matches!(go(&sorted), Err(ReadError::HeaderPlace { row: 0, position: 0, .. })));
    // A title that happens to hold the name of a column.
    assert_eq!(go(&format!("Notes,on the year\n{header}\n{}", rows(3))).unwrap().records, 3);
}

#[test]
fn a_line_of_dashes_below_the_header_is_passed_over() {
    for line in ["------,------,---,------,----,-----", "-----", "=====,=====,=====,=====,=====,====="] {
        let out = go(&format!("{}\n{line}\n{}\n(3 rows affected)\n", NAMES.join(","), rows(3))).unwrap();
        assert_eq!((out.records, out.bad.len()), (3, 0), "{line}");
        assert_eq!(out.told(), ["footer", "ruled_lines"]);
    }
}

#[test]
fn names_are_found_in_another_spelling_if_it_is_the_only_one() {
    let expected = expect(&["Crime ID", "LSOA code", "month"]);
    let folded = [
        "CRIME ID,lsoa code,Month",
        "crime_id,LSOA_code,month",
        " Crime\u{a0}ID ,LSOA  code,MONTH",
        "\"Crime\nID\",LSOA code,month",
    ];
    for header in folded {
        let out = read(&plain_csv(), &expected, format!("{header}\nc1,E01,2025-01\n").as_bytes()).unwrap();
        assert_eq!(out.values(), [["c1", "E01", "2025-01"]], "{header}");
        assert!(out.told() == ["folded_names"], "{header}: {:?}", out.notes);
    }
    let exact = "Crime ID,LSOA code,month\nc1,E01,2025-01\n";
    assert!(read(&plain_csv(), &expected, exact.as_bytes()).unwrap().notes.is_empty());
    // Two columns that differ in case only: the equal one is meant, or nobody knows which.
    let lenient = Expected { allow_extra: true, ..expected.clone() };
    let out = read(&plain_csv(), &lenient, b"Crime ID,LSOA code,Month,month\nc1,E01,x,2025-01\n").unwrap();
    assert_eq!(out.values(), [["c1", "E01", "2025-01"]]);
    let error = read(&plain_csv(), &lenient, b"Crime ID,LSOA code,Month,MONTH\nc1,E01,x,y\n").unwrap_err();
    assert!(matches!(&error, ReadError::HeaderDrift { missing, .. } if missing == &["month"]), "{error:?}");
}

#[test]
fn another_report_is_no_renaming() {
    let error = go("Ref,Arrived,Left,Ward,Nurse,Bed,Notes2\n1,2,3,4,5,6,7\n").unwrap_err();
    assert!(matches!(error, ReadError::OtherReport { recognised: 1, fields: 7, expected: 6, .. }), "{error:?}");
    assert!(!error.hint().unwrap().contains("renamed") && !error.to_string().contains("Ward"));
    let wide: Vec<String> = (0..100_000).map(|i| format!("column{i}")).collect();
    assert!(matches!(go(&format!("{}\n", wide.join(","))), Err(ReadError::NoHeader { fields: 100_000, .. })));
}

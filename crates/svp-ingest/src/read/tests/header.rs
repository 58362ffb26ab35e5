//! Header drift, and that a file without a header betrays nothing.

use super::*;

fn drift(columns: &[&str], line: &str) -> ReadError {
    read(&plain_csv(), &expect(columns), format!("{line}\n").as_bytes()).unwrap_err()
}

#[test]
fn missing_unexpected_and_renamed_columns_are_named() {
    let error = drift(&["Crime ID", "Month", "LSOA code", "Type"], "Crime ID,Months,Lsoa_Codes,Type,New one");
    let ReadError::HeaderDrift { missing, unexpected, suggestions, .. } = &error else { panic!("{error}") };
    assert_eq!(missing, &["Month", "LSOA code"]);
    assert_eq!(unexpected, &["Months", "Lsoa_Codes", "New one"]);
    let pairs: Vec<(&str, &str)> = suggestions.iter().map(|s| (s.expected.as_str(), s.found.as_str())).collect();
    assert_eq!(pairs, [("Month", "Months"), ("LSOA code", "Lsoa_Codes")]);
    assert_eq!(
        error.to_string(),
        "f.csv: the header differs; missing \"Month\", \"LSOA code\"; unexpected \"Months\", \"Lsoa_Codes\", \"New one\""
    );
    assert!(error.hint().unwrap().contains("renamed \"Month\""));
}

#[test]
fn extra_columns_are_not_read_and_noted() {
    let out = read(&plain_csv(), &expect(&["a"]), b"a,b\n1,2\n").unwrap();
    assert_eq!(out.values(), [["1"]]);
    assert_eq!(out.notes, [ReadNote::ExtraColumns(vec!["b".into()])]);
    let lenient = Expected { allow_extra: true, ..expect(&["a"]) };
    let out = read(&plain_csv(), &lenient, b"z,a,,\n1,2,3,4\n").unwrap();
    assert_eq!(out.values(), [["2"]]);
    assert_eq!(out.notes, [ReadNote::ExtraColumns(vec!["z".into(), String::new(), String::new()])]);
    assert_eq!((out.account.columns_read.as_slice(), out.account.columns_unread), (&["a".to_owned()][..], 3));
}

#[test]
fn optional_columns_may_be_absent() {
    let expected = Expected { optional: vec!["b".into(), "c".into()], ..expect(&["a", "b"]) };
    let out = read(&plain_csv(), &expected, b"c,a\n3,1\n").unwrap();
    assert_eq!(out.values(), [["1", "-", "3"]]);
    assert_eq!(out.notes, [ReadNote::OptionalAbsent(vec!["b".into()])]);
}

#[test]
fn a_line_of_data_is_not_shown() {
    let error = drift(&["Surname", "DOB"], "Trelawney,01/02/2001");
    assert!(matches!(error, ReadError::NoHeader { fields: 2, expected: 2, .. }));
    let near = drift(&["Surname", "DOB"], "surnames,Trelawney");
    let text = format!("{near} {near:?} {}", near.hint().unwrap());
    assert!(!text.contains("Trelawney") && text.contains("surnames"), "{text}");
    let folded = drift(&["Surname", "DOB"], "surname,Trelawney");
    assert!(!format!("{folded} {folded:?} {}", folded.hint().unwrap()).contains("Trelawney"));
}

#[test]
fn another_delimiter_is_named() {
    for (line, sign) in [("a1;b1", ';'), ("a1\tb1\tc", '\t'), ("\"a1\"|\"b1\"", '|'), ("sep=;\na1;b1", ';')] {
        let error = drift(&["a1", "b1"], line);
        assert!(matches!(error, ReadError::WrongDelimiter { declared: ',', found, .. } if found == sign), "{error:?}");
        assert!(error.hint().unwrap().contains("delimiter"));
    }
    assert!(matches!(drift(&["a1", "b1"], "a1-b1"), ReadError::NoHeader { fields: 1, .. }));
}

#[test]
fn repeated_names_are_refused() {
    let error = drift(&["a", "b"], "a,b,a");
    assert!(matches!(&error, ReadError::DuplicateHeader { columns, .. } if columns == &["a"]), "{error}");
}

#[test]
fn the_header_alone() {
    let names = |bytes: &[u8]| super::super::header(&plain_csv(), "f", Box::new(Cursor::new(bytes.to_vec()))).unwrap();
    assert_eq!(names(b"\xef\xbb\xbf \"a\" ,\" b\"\r\n1,2\n"), ["a", "b"]);
    assert_eq!(names(&gz(b"x,y")), ["x", "y"]);
}

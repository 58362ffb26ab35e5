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
    assert_eq!(unexpected, &["Months", "Lsoa_Codes", "column 5"]);
    let pairs: Vec<(&str, &str)> = suggestions.iter().map(|s| (s.expected.as_str(), s.found.as_str())).collect();
    assert_eq!(pairs, [("Month", "Months"), ("LSOA code", "Lsoa_Codes")]);
    assert_eq!(
        error.to_string(),
        "f.csv: the header differs; missing \"Month\", \"LSOA code\"; unexpected \"Months\", \"Lsoa_Codes\", \"column 5\""
    );
    assert!(error.hint().unwrap().contains("renamed \"Month\""));
}

#[test]
fn extra_columns_are_not_read_and_noted() {
    let out = read(&plain_csv(), &expect(&["a"]), b"a,b\n1,2\n").unwrap();
    assert_eq!(out.values(), [["1"]]);
    assert_eq!(out.notes, [ReadNote::ExtraColumns(vec!["column 2".into()])]);
    let lenient = Expected { allow_extra: true, ..expect(&["a"]) };
    let out = read(&plain_csv(), &lenient, b"z,a,,\n1,2,3,4\n").unwrap();
    assert_eq!(out.values(), [["2"]]);
    assert_eq!(out.notes, [ReadNote::ExtraColumns(vec!["column 1".into(), "column 3".into(), "column 4".into()])]);
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

/// A header of which most cells are names, and one is a value: the value is not told, in whichever way the header is refused.
#[test]
fn a_cell_that_no_known_name_is_near_is_told_by_its_place() {
    let columns = ["Crime Ref", "Month", "Surname"];
    for line in [
        "Crime Ref,Month,Trelawney",
        "Crime Ref,Month,Surname,Trelawney",
        "Crime Ref,Trelawney,Month,Surname,Trelawney",
    ] {
        let said = match read(&plain_csv(), &expect(&columns), format!("{line}\nx,y,z,a,b\n").as_bytes()) {
            Ok(out) => format!("{:?}", out.notes),
            Err(error) => format!("{error} {error:?} {}", error.hint().unwrap()),
        };
        assert!(!said.contains("Trelawney") && said.contains("column "), "{line}: {said}");
    }
    let near = drift(&columns, "Crime Ref,Month,Surnames");
    assert!(near.to_string().contains("Surnames"), "{near}");
}

/// A header of a hundred thousand cells is refused without a search for near names.
#[test]
fn a_header_of_very_many_cells_is_refused_at_once() {
    let names: Vec<String> = (0..50_000).flat_map(|i| [format!("c{i}"), format!("c{i}")]).collect();
    let columns: Vec<String> = (0..60).map(|i| format!("Wanted {i}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let error = drift(&columns, &names.join(","));
    assert!(matches!(error, ReadError::NoHeader { .. } | ReadError::OtherReport { .. }), "{error:?}");
    let half = columns.join(",") + "," + &names.join(",");
    let error = drift(&columns, &half);
    assert!(matches!(&error, ReadError::DuplicateHeader { .. }), "{}", error.to_string().len());
    assert!(error.to_string().len() < 2_000, "{}", error.to_string().len());
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

//! XML returns.

use super::*;

const CENSUS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<c:Message xmlns:c="urn:x"><Header><CollectionDetails><ReferenceDate>2024-03-31</ReferenceDate></CollectionDetails>
  <Source><LEA>201</LEA></Source></Header>
 <Children>
  <Child type="A">
   <ChildIdentifiers><LAchildID> C1 </LAchildID><UPN/>stray<PersonBirthDate>2010-01-02</PersonBirthDate></ChildIdentifiers>
   <CINdetails>
    <Assessments><Start>2023-01-01</Start><Factors><F>2A</F><F>3B</F></Factors></Assessments>
    <Assessments id="7"><Start>2023-05-01</Start><Factors/></Assessments>
    <CINreferralDate>2022-12-01</CINreferralDate>
    <DateOfInitialCPC>2022-12-09</DateOfInitialCPC>
    <Section47><Start>2022-12-02</Start></Section47>
   </CINdetails>
   <CINdetails><CINreferralDate>2023-12-01</CINreferralDate></CINdetails>
  </Child>
  <Child><ChildIdentifiers><LAchildID>C&amp;2 &#x41;<![CDATA[<x>]]></LAchildID></ChildIdentifiers>
   <CINdetails><CINreferralDate>2021-01-01</CINreferralDate><Assessments><Start>2021-02-01</Start></Assessments></CINdetails></Child>
 </Children></c:Message>"#;

fn rows_of(record: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let out = read(&ReaderKind::Xml(XmlOptions::new(record)), &expect(columns), CENSUS.as_bytes()).unwrap();
    let numbers: Vec<u64> = out.rows.iter().map(|r| r.0).collect();
    assert_eq!(numbers, (1..=out.records).collect::<Vec<_>>());
    out.values().iter().map(|r| r.iter().map(|v| (*v).to_owned()).collect()).collect()
}

#[test]
fn rows_at_every_level() {
    assert_eq!(
        rows_of(
            "Message/Children/Child/CINdetails/Assessments",
            &[
                "ChildIdentifiers/LAchildID",
                "CINreferralDate",
                "Start",
                "Factors/F",
                "/Header/Source/LEA",
                "@id",
                "@type"
            ]
        ),
        [
            ["C1", "2022-12-01", "2023-01-01", "2A 3B", "201", "-", "A"],
            ["C1", "2022-12-01", "2023-05-01", "-", "201", "7", "A"],
            ["C&2 A<x>", "2021-01-01", "2021-02-01", "-", "201", "-", "-"],
        ]
    );
    assert_eq!(
        rows_of(
            "Message/Children/Child/CINdetails",
            &["CINreferralDate", "/Message/Header/CollectionDetails/ReferenceDate"]
        ),
        [["2022-12-01", "2024-03-31"], ["2023-12-01", "2024-03-31"], ["2021-01-01", "2024-03-31"]]
    );
    assert_eq!(
        rows_of(
            "Message/Children/Child",
            &["ChildIdentifiers/LAchildID", "ChildIdentifiers/UPN", "ChildIdentifiers/PersonBirthDate"]
        ),
        [["C1", "-", "2010-01-02"], ["C&2 A<x>", "-", "-"]]
    );
    assert_eq!(
        rows_of("Message/Children/Child/CINdetails/Assessments/Factors/F", &[".", "Start"]),
        [["2A", "2023-01-01"], ["3B", "2023-01-01"]]
    );
}

#[test]
fn a_dot_keeps_a_column_to_its_own_record() {
    let record = "Message/Children/Child/CINdetails/Section47";
    assert_eq!(rows_of(record, &["DateOfInitialCPC", "./DateOfInitialCPC"]), [["2022-12-09", "-"]]);
}

#[test]
fn values_above_the_unit_belong_to_their_branch() {
    let text = "<R><G><N>1</N><P><Q>a</Q></P></G><G><P><Q>b</Q></P></G><G><N>3</N><P><Q>c</Q></P></G></R>";
    let kind = ReaderKind::Xml(XmlOptions::new("R/G/P"));
    let out = read(&kind, &expect(&["Q", "N"]), text.as_bytes()).unwrap();
    assert_eq!(out.values(), [["a", "1"], ["b", "-"], ["c", "3"]]);
    let kind = ReaderKind::Xml(XmlOptions { unit: Some("R/G".into()), ..XmlOptions::new("R/G/P") });
    assert_eq!(
        read(&kind, &expect(&["Q", "N"]), text.as_bytes()).unwrap().values(),
        [["a", "1"], ["b", "-"], ["c", "3"]]
    );
}

fn fails(text: &str) -> ReadError {
    read(&ReaderKind::Xml(XmlOptions::new("M/L/C/D")), &expect(&["A"]), text.as_bytes()).unwrap_err()
}

#[test]
fn malformed_documents_say_where_and_not_what() {
    let cases = [
        "<M><L><C><D><A>Secret</A></D></C></L>",
        "<M><L><C><D><A>Secret</D></C></L></M>",
        "<M><L><C><D><A>Secret</A></D></C></L></M><",
        "<M><L><C><D><A>Secret &bomb;</A></D></C></L></M>",
        "<!DOCTYPE M [<!ENTITY b \"Secret\">]><M><L><C><D><A>&b;</A></D></C></L></M>",
        "Secret",
        "<M><L><C><D><A>Secret &#xFFFFFF;</A></D></C></L></M>",
    ];
    for text in cases {
        let error = fails(text);
        assert!(matches!(error, ReadError::Malformed { .. }), "{text}: {error:?}");
        assert!(!format!("{error} {error:?} {}", error.hint()).contains("Secret"), "{error:?}");
    }
}

#[test]
fn limits_hold() {
    assert!(matches!(fails(&"<M>".repeat(100_000)), ReadError::Malformed { .. }));
    let deep = format!("<M><L><C>{}", "<x>".repeat(1000));
    assert!(matches!(fails(&deep), ReadError::Malformed { .. }));
    let wide = format!("<M><L><C><D>{}</D></C></L></M>", "<A>x</A>".repeat(2_000_000));
    assert!(matches!(fails(&wide), ReadError::RecordTooLarge { .. }));
    let long = format!("<M><L><C><D><A>{}</A></D></C></L></M>", "x".repeat(MAX_RECORD + 200_000));
    assert!(matches!(fails(&long), ReadError::RecordTooLarge { .. }));
}

#[test]
fn the_way_to_the_record_must_occur() {
    assert!(matches!(fails("<X><L/></X>"), ReadError::NoRecords { found, .. } if found.is_empty()));
    assert!(matches!(fails("<M><K/></M>"), ReadError::NoRecords { found, .. } if found == "M"));
    assert!(matches!(fails("<M><L/></M>"), ReadError::NoRecords { found, .. } if found == "M/L"));
    let kind = ReaderKind::Xml(XmlOptions::new("M/L/C/D"));
    let out = read(&kind, &expect(&["A"]), b"<M><L><C/></L></M>").unwrap();
    assert_eq!((out.records, &out.notes[..]), (0, &[ReadNote::NoRecordElement][..]));
}

#[test]
fn encodings() {
    let kind = ReaderKind::Xml(XmlOptions::new("M/C"));
    let go = |bytes: &[u8]| read(&kind, &expect(&["A"]), bytes).unwrap();
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><M><C><A>Ren\xe9e</A></C></M>";
    assert_eq!(go(latin).values(), [["Ren\u{e9}e"]]);
    assert_eq!(go("\u{feff}<M><C><A>\u{e9}</A></C></M>".as_bytes()).values(), [["\u{e9}"]]);
    let wide: Vec<u8> = "\u{feff}<?xml version='1.0' encoding='UTF-16'?><M><C><A>\u{e9}</A></C></M>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(go(&wide).values(), [["\u{e9}"]]);
    let damaged = go(b"<M><C><A>x</A></C><C><A>\xff</A></C><C><A>y</A></C></M>");
    assert_eq!(damaged.values(), [["x"], ["y"]]);
    assert_eq!(damaged.bad, [BadRow { row: 2, rule: RowRule::Encoding }]);
}

#[test]
fn a_root_can_be_the_record() {
    let kind = ReaderKind::Xml(XmlOptions::new("M"));
    assert_eq!(read(&kind, &expect(&["A"]), b"<M><A>1</A></M>").unwrap().values(), [["1"]]);
    assert_eq!(read(&kind, &expect(&["A"]), b"<M/>").unwrap().values(), [["-"]]);
}

#[test]
fn the_header_lists_the_leaves() {
    let kind = ReaderKind::Xml(XmlOptions::new("Message/Children/Child/CINdetails/Assessments"));
    let names = super::super::header(&kind, "f", Box::new(Cursor::new(CENSUS.as_bytes().to_vec()))).unwrap();
    assert_eq!(names, ["Start", "Factors/F"]);
}

#[test]
fn cut_anywhere_it_is_an_error() {
    let kind = ReaderKind::Xml(XmlOptions::new("Message/Children/Child"));
    for cut in 0..CENSUS.len() {
        assert!(read(&kind, &expect(&["ChildIdentifiers/LAchildID"]), &CENSUS.as_bytes()[..cut]).is_err(), "{cut}");
    }
}

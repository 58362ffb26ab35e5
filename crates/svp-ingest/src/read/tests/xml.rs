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
        assert!(!format!("{error} {error:?} {}", error.hint().unwrap()).contains("Secret"), "{error:?}");
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

#[test]
fn every_path_is_read_or_listed_as_not_read() {
    let kind = ReaderKind::Xml(XmlOptions {
        document: vec!["/Header/CollectionDetails/ReferenceDate".into(), "/Header/CollectionDetails/Year".into()],
        ..XmlOptions::new("Message/Children/Child/CINdetails")
    });
    let columns = ["ChildIdentifiers/LAchildID", "CINreferralDate", "/Header/Source/LEA"];
    for zipped in [false, true] {
        let bytes = if zipped { gz(CENSUS.as_bytes()) } else { CENSUS.as_bytes().to_vec() };
        let out = read(&kind, &expect(&columns), &bytes).unwrap();
        let xml = out.account.xml.as_ref().unwrap();
        let found = |path: &str| xml.paths.get(path).map(|p| (p.count, p.read));
        assert_eq!(xml.root, "Message");
        assert_eq!(found("Message/Children/Child"), Some((2, true)));
        assert_eq!(found("Message/Children/Child/CINdetails"), Some((3, true)));
        assert_eq!(found("Message/Children/Child/ChildIdentifiers/LAchildID"), Some((2, true)));
        assert_eq!(found("Message/Children/Child/ChildIdentifiers/UPN"), Some((1, false)));
        assert_eq!(found("Message/Children/Child/CINdetails/Assessments"), Some((3, false)));
        assert_eq!(found("Message/Children/Child/CINdetails/Assessments/Factors/F"), Some((2, false)));
        assert_eq!(found("Message/Children/Child/CINdetails/Assessments/@id"), Some((1, false)));
        assert_eq!(found("Message/Header/CollectionDetails/ReferenceDate"), Some((1, true)));
        // Every element is counted: as many as there are start tags.
        let elements: u64 = xml.paths.iter().filter(|(p, _)| !p.contains('@')).map(|(_, p)| p.count).sum();
        let tags = CENSUS.match_indices('<').filter(|(i, _)| CENSUS.as_bytes()[i + 1].is_ascii_alphabetic()).count();
        assert_eq!((elements, xml.unlisted), (tags as u64 - 1, 0), "all but the one inside CDATA");
        let document: Vec<(&str, &str)> = out.account.document.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            document,
            [("/Header/CollectionDetails/ReferenceDate", "2024-03-31"), ("/Header/Source/LEA", "201")]
        );
        assert_eq!(out.account.bytes.total, CENSUS.len() as u64);
        let first = CENSUS.find("<Child type").unwrap() as u64;
        assert_eq!((out.account.bytes.header, out.account.bytes.skipped), (first, 0));
    }
    // Together two feeds of a source read more.
    let one = read(&kind, &expect(&columns), CENSUS.as_bytes()).unwrap().account;
    let other = ReaderKind::Xml(XmlOptions::new("Message/Children/Child/CINdetails/Assessments"));
    let two = read(&other, &expect(&["Start", "Factors/F", "@id"]), CENSUS.as_bytes()).unwrap().account;
    let unread = FileAccount::unread_paths([&one, &two]);
    assert!(!unread.contains_key("Message/Children/Child/CINdetails/Assessments/Factors/F"));
    assert_eq!(unread.get("Message/Children/Child/CINdetails/DateOfInitialCPC"), Some(&1));
}

#[test]
fn values_of_units_never_get_into_the_document() {
    let kind =
        ReaderKind::Xml(XmlOptions { document: vec!["/L/C/A".into(), "/L/N".into()], ..XmlOptions::new("M/L/C") });
    let out = read(&kind, &expect(&["A"]), b"<M><L><N>9</N><C><A>Secret</A></C></L></M>").unwrap();
    assert_eq!(out.account.document.into_iter().collect::<Vec<_>>(), [("/L/N".to_owned(), "9".to_owned())]);
    let kind = ReaderKind::Xml(XmlOptions { document: vec!["L/N".into()], ..XmlOptions::new("M/L/C") });
    assert!(matches!(read(&kind, &expect(&["A"]), b"<M/>"), Err(ReadError::Options { .. })));
}

#[test]
fn records_that_stand_elsewhere_are_told() {
    let text = "<M><L><C><D><A>1</A></D></C><G><C><D><A>2</A></D></C></G></L><D><A>3</A></D></M>";
    let out = read(&ReaderKind::Xml(XmlOptions::new("M/L/C/D")), &expect(&["A"]), text.as_bytes()).unwrap();
    assert_eq!(out.values(), [["1"]]);
    let told = |path: &str| ReadNote::RecordElsewhere { path: path.into(), count: 1 };
    assert_eq!(out.notes, [told("M/L/G/C/D"), told("M/D")]);
}

#[test]
fn the_list_of_paths_has_an_end() {
    let many: String = (0..5000).map(|i| format!("<x{i}><y/></x{i}>")).collect();
    let text = format!("<M><L><C><A>1</A>{many}</C></L></M>");
    let out = read(&ReaderKind::Xml(XmlOptions::new("M/L/C")), &expect(&["A"]), text.as_bytes()).unwrap();
    let xml = out.account.xml.unwrap();
    assert_eq!(xml.paths.len(), MAX_PATHS);
    assert_eq!(xml.paths.values().map(|p| p.count).sum::<u64>() + xml.unlisted, 10_004);
}

#[test]
fn nothing_may_follow_the_document() {
    let whole = "<M><L><C><D><A>Secret</A></D></C></L></M>";
    for (tail, what) in [
        ("<M><L><C><D><A>Secret</A></D></C></L></M>", "a second root element"),
        ("\n<M/>", "a second root element"),
        ("<?xml version=\"1.0\"?><M/>", "a second XML declaration"),
        ("Secret", "text"),
        ("<![CDATA[Secret]]>", "text"),
        ("&amp;", "text"),
    ] {
        let error = fails(&format!("{whole}{tail}"));
        assert!(matches!(error, ReadError::AfterDocument { what: w, row: 1, .. } if w == what), "{tail}: {error:?}");
        assert!(!format!("{error} {error:?} {}", error.hint().unwrap()).contains("Secret"));
    }
    let kind = ReaderKind::Xml(XmlOptions::new("M/L/C/D"));
    for tail in ["\r\n\n", "<!-- made by a program -->\n", "<?print no?>"] {
        let out = read(&kind, &expect(&["A"]), format!("{whole}{tail}").as_bytes()).unwrap();
        assert_eq!((out.records, out.account.bytes_after_last), (1, tail.len() as u64));
    }
}

#[test]
fn zeros_in_xml_stop_the_file() {
    let text = format!("<M><L>{}</L></M>\n", "<C><D><A>x</A></D></C>".repeat(10_000));
    let kind = ReaderKind::Xml(XmlOptions::new("M/L/C/D"));
    for (from, to_end) in
        [(100, true), (100_000, true), (text.len() - 1, true), (text.len() - 9, true), (100_000, false)]
    {
        let mut bytes = text.clone().into_bytes();
        let to = if to_end { bytes.len() } else { from + 50 };
        bytes[from..to].fill(0);
        match read(&kind, &expect(&["A"]), &bytes).unwrap_err() {
            ReadError::NulBytes { position, zeros, to_end: found, .. } => {
                assert_eq!((position, zeros, found), (from as u64, (to - from) as u64, to_end));
            }
            other => panic!("{from}: {other:?}"),
        }
    }
}

#[test]
fn a_declaration_that_is_not_true_is_told_or_refused_in_the_words_of_xml() {
    let kind = ReaderKind::Xml(XmlOptions::new("M/C"));
    let go = |label: &str, bytes: &[u8]| {
        let mut text = format!("<?xml version='1.0' encoding='{label}'?>").into_bytes();
        text.extend_from_slice(bytes);
        read(&kind, &expect(&["A"]), &text)
    };
    let accent = "<M><C><A>\u{e9}</A></C></M>".as_bytes();
    for (label, name) in
        [("utf-16", "UTF-16LE"), ("UTF-16BE", "UTF-16BE"), ("ucs-4", "unknown"), ("unicode-2", "unknown")]
    {
        let out = go(label, accent).unwrap();
        assert_eq!(out.values(), [["\u{e9}"]]);
        assert_eq!(
            out.notes,
            [ReadNote::DeclaredEncoding { declared: name.into(), read_as: "UTF-8".into() }],
            "{label}"
        );
    }
    // Not UTF-8 either: the unit with the accent is a bad row.
    let out = go("utf-16", b"<M><C><A>\xe9</A></C><C><A>x</A></C></M>").unwrap();
    assert_eq!((out.values(), out.bad.len()), (vec![vec!["x"]], 1));
    // UTF-8 that is called Latin-1 would give two wrong letters for each right one.
    for label in ["ISO-8859-1", "windows-1252"] {
        let error = go(label, accent).unwrap_err();
        assert!(matches!(error, ReadError::XmlEncoding { found: Some("UTF-8"), .. }), "{error:?}");
        assert!(
            error.hint().unwrap().contains("<?xml") && !error.hint().unwrap().contains("[reader]"),
            "{}",
            error.hint().unwrap()
        );
        assert_eq!(go(label, b"<M><C><A>Ren\xe9e</A></C></M>").unwrap().values(), [["Ren\u{e9}e"]]);
    }
    let marked = go("utf-8", accent).unwrap();
    assert!(marked.notes.is_empty());
    let mut bytes = b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?>".to_vec();
    bytes.extend_from_slice(accent);
    let out = read(&kind, &expect(&["A"]), &bytes).unwrap();
    assert_eq!((out.values(), out.told()), (vec![vec!["\u{e9}"]], vec!["declared_encoding"]));
}

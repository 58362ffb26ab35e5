//! Columns, ids and codes of extracts as agencies really send them: each kind gives the right figure, or the file is
//! refused by a message that names file, table, column, rule, count and rows, or it is told by a finding.

use crate::support::rows::*;
use crate::support::{Lab, label, sql};

#[test]
fn clean_rows_have_no_finding_and_their_columns_an_account() {
    let lab = ecds();
    let ran = ingest(
        &lab,
        MARCH,
        &extract(ECDS, 60, |i| {
            with(
                attendance(i),
                vec![
                    ("EC_Alcohol_Drug_Involvement_01", "999800000000004101".into()),
                    ("EC_Place_Of_Injury_Latitude", "50.444162".into()),
                    ("EC_Place_Of_Injury_Longitude", "-3.156217".into()),
                ],
            )
        }),
    );
    let ran = ran.good();
    assert_eq!(findings(&ran), Vec::<serde_json::Value>::new());
    let account = sql(
        &lab.lake(),
        "SELECT rows, filled, blank, blanked, distinct_values, least, greatest FROM column_profile WHERE column_name IN ('birth_date', 'recorded_at') ORDER BY table_name, column_name",
    );
    assert_eq!(
        account.rows,
        [["60", "60", "0", "0", "60", "2025-03", "2025-03"], ["60", "60", "0", "0", "60", "", ""]]
    );
}

#[test]
fn words_that_mean_missing_give_way_to_the_second_choice() {
    let lab = ecds();
    let words = ["NULL", "N/A", "Not known", "-", " unknown "];
    let text = extract(ECDS, 60, |i| {
        let word = words[i % words.len()].to_owned();
        with(attendance(i), vec![("Age_At_Arrival", word.clone()), ("Der_Postcode_LSOA_Code", word)])
    });
    let ran = ingest(&lab, MARCH, &text).good();
    let all = counts(&lab, "SELECT count(*) FROM party WHERE age_band IS NOT NULL AND residence_lsoa IS NOT NULL");
    assert_eq!(all, 60);
    let told = finding(&ran, "missing_words", "", "Age_At_Arrival");
    assert_eq!((told["count"].as_i64(), told["file"].as_str()), (Some(60), Some(label("ecds_2025-03.csv").as_str())));
    assert_eq!(counts(&lab, "SELECT sum(missing_words) FROM column_profile WHERE column_name = 'age'"), 60);
}

#[test]
fn a_word_that_a_source_calls_legal_stays() {
    let lab = Lab::police();
    lab.edit(
        "pipelines/sources/police_rms.toml",
        "[maps.role]",
        "[words]\nlegal = { \"Crime Ref\" = [\"unknown\"] }\n\n[maps.role]",
    );
    let named = |i: usize| with(crime(i), if i == 0 { vec![("Crime Ref", "Unknown".to_owned())] } else { vec![] });
    ingest(&lab, JANUARY, &extract(RMS, 20, named)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 20);
    // Without the word it is no id, and the row is told.
    let lab = Lab::police();
    let ran = ingest(&lab, JANUARY, &extract(RMS, 20, named)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 19);
    finding(&ran, "rows_quarantined", "file", "record_id");
}

#[test]
fn a_value_that_no_cast_can_hold_costs_the_value() {
    let lab = ecds();
    let ages = |i: usize| match i {
        3 => vec![("Age_At_Arrival", "9434765919".to_owned()), ("Person_Birth_Date", String::new())],
        4 => vec![("Age_At_Arrival", "34y".to_owned())],
        5 => vec![("Age_At_Arrival", "999".to_owned())],
        _ => vec![],
    };
    let ran = ingest(&lab, MARCH, &extract(ECDS, 60, |i| with(attendance(i), ages(i)))).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 60);
    assert_eq!(counts(&lab, "SELECT count(*) FROM party WHERE age_band IS NULL"), 2);
    // The one is too large for an age, the other out of its range; what stood beside a birth date was read from that.
    let told = |rule: &str| {
        findings(&ran)
            .iter()
            .filter(|f| f["rule"] == rule && f["column"] == "age")
            .map(|f| f["rows"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told("unreadable"),
        [serde_json::json!([4, 5])],
        "the text beside a birth date is told too: it lost nothing"
    );
    assert_eq!(told("out_of_range"), [serde_json::json!([6])]);
}

#[test]
fn an_expression_that_fails_on_one_value_costs_its_row() {
    let lab = ecds();
    lab.edit(
        "pipelines/sources/ecds.toml",
        "role = \"'patient'\"",
        "role = '''CASE WHEN 10 / parse_integer(\"Site_Code_of_Treatment\") > 0 THEN 'patient' ELSE 'subject' END'''",
    );
    let text = extract(ECDS, 60, |i| {
        with(attendance(i), vec![("Site_Code_of_Treatment", if i == 7 { "0" } else { "5" }.to_owned())])
    });
    let ran = ingest(&lab, MARCH, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 59);
    let bad = sql(&lab.lake(), "SELECT row, table_name, column_name, rule FROM quarantine");
    assert_eq!(bad.rows, [["8", "party", "role", "failed"]]);
    assert_eq!(finding(&ran, "rows_quarantined", "party", "role")["rows"], serde_json::json!([8]));
}

#[test]
fn a_column_that_turns_empty_refuses_the_file() {
    type Value = fn(usize) -> String;
    let cases: [(&str, &str, Value); 3] = [
        ("Person_Birth_Date", "birth_date", |i| format!("{:02}/{:02}/19{:02}", i % 28 + 1, i % 12 + 1, 50 + i % 40)),
        ("NHS_Number", "nhs_number", |i| format!("{:09}", 123_456_789 + i)),
        ("Postcode", "postcode", |i| format!("postcode {i}")),
    ];
    for (given, column, value) in cases {
        let lab = ecds();
        let ran = ingest(&lab, MARCH, &extract(ECDS, 60, |i| with(attendance(i), vec![(given, value(i))])));
        let ran = ran.ended(4).says(&[
            "column_emptied",
            &label("ecds_2025-03.csv"),
            column,
            given,
            "60 of 60 = 100.0 %",
            "first rows 1, 2, 3",
        ]);
        assert!(!ran.stderr.contains(&value(7)), "{}", ran.stderr);
        // Who knows better may take it.
        let accepted = lab
            .run()
            .args(["--ingest-only", "--accept", "ecds:ecds_2025-03:column_emptied", "--reason", "tried"])
            .run();
        accepted.good();
        assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 60);
    }
}

#[test]
fn a_date_in_another_form_names_the_column_and_its_form() {
    let lab = Lab::new(&["istv"], "injury_violence_istv", &["monthly_trend"]);
    let text = extract(ISTV, 60, |i| {
        let day = i % 28 + 1;
        vec![
            ("REPORTING PERIOD START DATE", "2025-03-01".into()),
            (
                "ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT",
                format!("{day:02}/03/25 21:{:02}:00", i % 60),
            ),
            ("ASSAULT DATE AND TIME", format!("{day:02}/03/25 20:{:02}:00", i % 60)),
            ("ASSAULT METHOD", "Knife".into()),
            ("ASSAULT LOCATION TYPE", "Street".into()),
        ]
    });
    let ran = ingest(&lab, "istv/istv_2025-03.csv", &text);
    let ran = ran.ended(4).says(&[
        &label("istv_2025-03.csv"),
        "event.occurred_from",
        "unreadable",
        "`ASSAULT DATE AND TIME` as dd/mm/yyyy hh:mi:ss",
        "60 of 60",
    ]);
    assert!(!ran.stderr.lines().filter(|l| l.contains("hint")).any(|l| l.contains("lake")), "{}", ran.stderr);
}

#[test]
fn shares_are_of_rows_and_a_few_are_few() {
    let broken = |n: usize| {
        move |i: usize| {
            with(
                attendance(i),
                if i < n { vec![("EC_Injury_Mechanism_SNOMED_CT", "999800000000002199".to_owned())] } else { vec![] },
            )
        }
    };
    // One code feeds two columns: two rows of sixty are 3.3 %, and few.
    let lab = ecds();
    let ran = ingest(&lab, MARCH, &extract(ECDS, 60, broken(2))).good();
    let told = finding(&ran, "values_lost", "event", "injury_mechanism");
    assert_eq!(
        (told["count"].as_i64(), told["of"].as_i64(), told["refuses"].as_bool()),
        (Some(2), Some(60), Some(false))
    );
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 60);
    let lab = ecds();
    ingest(&lab, MARCH, &extract(ECDS, 2, broken(2))).ended(4).says(&["column_emptied", "2 of 2 = 100.0 %"]);
    // What a table needs in order to count still takes the row.
    let lab = ecds();
    let intent = |i: usize| {
        with(attendance(i), if i == 0 { vec![("EC_Injury_Intent_SNOMED_CT", "1".to_owned())] } else { vec![] })
    };
    ingest(&lab, MARCH, &extract(ECDS, 60, intent)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 59);
}

#[test]
fn national_codes_are_known() {
    let lab = ecds();
    let text = extract(ECDS, 300, |i| {
        let ethnic = if i % 2 == 0 { "X" } else { "PC" };
        let day = format!("2025-03-{:02}", i % 31 + 1);
        let days = vec![("Arrival_Date", day.clone()), ("EC_Injury_Date", day)];
        with(with(attendance(i), days), vec![("Sex", "X".into()), ("Ethnic_Category", ethnic.into())])
    });
    let ran = ingest(&lab, MARCH, &text).good();
    assert!(findings(&ran).iter().all(|f| f["kind"] == "column_blank"), "{:?}", findings(&ran));
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 300);
    assert_eq!(counts(&lab, "SELECT count(*) FROM party WHERE sex = 'unknown' AND ethnic_group = 'not_stated'"), 150);
    assert_eq!(counts(&lab, "SELECT count(*) FROM party WHERE sex = 'unknown' AND ethnic_group = 'black'"), 150);
}

#[test]
fn ids_of_a_spreadsheet_are_repaired_or_refused() {
    // Nothing is lost in `.0`, quotes or blanks.
    let lab = ecds();
    let text = extract(ECDS, 60, |i| {
        let nhs = nhs(i);
        let (id, number) = match i % 4 {
            0 => (format!("10000{i:02}.0"), format!("{nhs}.0")),
            1 => (format!("'10000{i:02}"), format!("'{nhs}")),
            2 => (format!("=\"10000{i:02}\""), format!("=\"{nhs}\"")),
            _ => (format!("1,000,0{i:02}"), format!("{nhs} ")),
        };
        let intent = "999800000000001101.0".to_owned();
        with(attendance(i), vec![("EC_Ident", id), ("NHS_Number", number), ("EC_Injury_Intent_SNOMED_CT", intent)])
    });
    let ran = ingest(&lab, MARCH, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE injury_intent = 'assault'"), 60);
    assert_eq!(counts(&lab, "SELECT count(DISTINCT token_nhs) FROM person_record"), 60);
    assert_eq!(finding(&ran, "repaired_ids", "", "EC_Ident")["count"], 60);
    // The same ids without the marks are the same records.
    let clean = ecds();
    let text = extract(ECDS, 60, |i| with(attendance(i), vec![("EC_Ident", format!("10000{i:02}"))]));
    ingest(&clean, MARCH, &text).good();
    let ids = |lab: &Lab| sql(&lab.lake(), "SELECT event_id FROM event ORDER BY event_id").rows;
    assert_eq!(ids(&lab), ids(&clean));

    let lost: [fn(usize) -> String; 2] = [|_| "2.2E+09".to_owned(), |i| format!("9998000000000{:02}000", i % 60)];
    for id in lost {
        let lab = ecds();
        let ran = ingest(&lab, MARCH, &extract(ECDS, 30, |i| with(attendance(i), vec![("EC_Ident", id(i))])));
        ran.ended(4).says(&["spoilt_ids", "EC_Ident", &label("ecds_2025-03.csv")]);
    }
    let lab = Lab::police();
    ingest(&lab, JANUARY, &extract(RMS, 8, |i| with(crime(i), vec![("Crime Ref", "5.02E+10".into())])))
        .ended(4)
        .says(&["spoilt_ids", "Crime Ref"]);
    let lab = Lab::police();
    let one = |i: usize| with(crime(i), if i == 4 { vec![("Crime Ref", "5.02E+10".to_owned())] } else { vec![] });
    let ran = ingest(&lab, JANUARY, &extract(RMS, 60, one)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 59);
    assert_eq!(finding(&ran, "spoilt_ids", "", "Crime Ref")["rows"], serde_json::json!([5]));
}

#[test]
fn rows_of_one_id_that_contradict_one_another_are_counted() {
    let lab = Lab::police();
    let twice = |shift: usize| {
        move |i: usize| {
            let same = with(crime(i / 2 * 2), vec![("Nominal Ref", format!("N{i}"))]);
            let other = vec![("HOCR Class", "105A".to_owned()), ("Easting", "325000".to_owned())];
            with(same, if i % 2 == 1 && i < shift { other } else { vec![] })
        }
    };
    // A crime that comes again for each nominal is one crime.
    let ran = ingest(&lab, JANUARY, &extract(RMS, 60, twice(0))).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 30);
    assert!(!findings(&ran).iter().any(|f| f["kind"] == "contradicting_rows"));
    let lab = Lab::police();
    let ran = ingest(&lab, JANUARY, &extract(RMS, 60, twice(2))).good();
    let told = finding(&ran, "contradicting_rows", "", "");
    assert_eq!((told["count"].as_i64(), told["rows"].clone()), (Some(1), serde_json::json!([2])));
    let lab = Lab::police();
    ingest(&lab, JANUARY, &extract(RMS, 60, twice(60))).ended(4).says(&["contradicting_rows", "30 of 60 = 50.0 %"]);
}

#[test]
fn rows_that_come_twice_without_an_id_and_blank_columns_are_told() {
    let lab = Lab::new(&["istv"], "injury_violence_istv", &["monthly_trend"]);
    let attendance = |i: usize| {
        let day = i % 28 + 1;
        vec![
            ("REPORTING PERIOD START DATE", "2025-03-01".into()),
            (
                "ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT",
                format!("{day:02}/03/2025 21:{:02}:00", i % 60),
            ),
            ("ASSAULT DATE AND TIME", format!("{day:02}/03/2025 20:{:02}:00", i % 60)),
            ("ASSAULT METHOD", "Knife".into()),
        ]
    };
    let text = extract(ISTV, 60, |i| attendance(i / 2));
    let ran = ingest(&lab, "istv/istv_2025-03.csv", &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 60);
    assert_eq!(finding(&ran, "repeated_rows", "", "")["count"], 60);
    assert_eq!(finding(&ran, "column_blank", "event", "location_type")["count"], 60);
}

#[test]
fn values_that_stand_for_nobody_are_missing_until_they_are_most_of_a_column() {
    let dummies: [(&str, &str, &str); 2] =
        [("NHS_Number", "9876543210", "nhs_number"), ("Person_Birth_Date", "1900-01-01", "birth_date")];
    for (given, dummy, column) in dummies {
        let part = |most: usize| {
            extract(ECDS, 60, |i| {
                with(attendance(i), if i < most { vec![(given, dummy.to_owned())] } else { Vec::new() })
            })
        };
        let lab = ecds();
        let ran = ingest(&lab, MARCH, &part(24)).good();
        let found = finding(&ran, "values_lost", "person_record", column);
        assert_eq!((found["rule"].as_str(), found["count"].as_i64()), (Some("placeholder"), Some(24)));
        let lab = ecds();
        ingest(&lab, MARCH, &part(40)).ended(4).says(&["column_emptied", column, "40 of 60"]);
    }
}

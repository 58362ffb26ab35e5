//! Deliveries that strangers tried with the README and the binary alone, and that gave wrong figures without a word: ids that begin
//! anew, people lost by a blank column, rows pasted twice, other words for a revision, senders that begin later, midnight.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::deliveries::{cin, events, findings, give, ingest, istv, lab, numbered, rms, street, told};
use crate::support::rows::{self, ECDS, attendance, ecds, extract, with};
use crate::support::{number, sql};

/// Crimes of numbers 1, 2, …, as a system that begins anew each month gives them.
fn month_of_crimes(n: usize, month: &str) -> String {
    let ids = numbered("", n);
    let crimes: Vec<(&str, &str, &str)> = ids.iter().map(|id| (id.as_str(), "105A", "Filed")).collect();
    rms(&crimes).replace("/01/2025", &format!("/{month}/2025"))
}

#[test]
fn ids_that_begin_anew_in_each_month_take_nothing_away() {
    let lab = lab("police_rms");
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", month_of_crimes(20, "01"));
    ingest(&lab).run().good();
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", month_of_crimes(30, "02"));
    ingest(&lab).run().ended(4).says(&["contradicting_rows", "rms_crimes_2025-02.csv", "20 of 20"]);
    assert_eq!(events(&lab), 20);
    // The same crimes in a later extract are revised.
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", month_of_crimes(20, "01").replace("Filed", "Charged"));
    ingest(&lab).args(["--accept", "police_rms:rms_crimes_2025-02:outside_period", "--reason", "changes"]).run().good();
    assert_eq!(events(&lab), 20);
}

#[test]
fn people_are_not_left_out_because_the_column_that_decides_is_blank() {
    let lab = lab("police_rms");
    let crimes = rms(&numbered("X", 30).iter().map(|id| (id.as_str(), "105A", "Filed")).collect::<Vec<_>>());
    let blank = (0..30).fold(crimes.clone(), |text, i| text.replace(&format!(",PX{i},"), ",,"));
    assert_ne!(blank, crimes);
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", &blank);
    ingest(&lab).run().ended(4).says(&["column_emptied", "left_out", "party.when", "30 of 30"]);
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", &crimes);
    ingest(&lab).run().good();
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM party"), 30);
}

#[test]
fn a_part_that_was_pasted_twice_is_told() {
    let lab = lab("istv");
    let text = istv("2025-03", "XW101", 60);
    let again: String = text.lines().skip(31).take(15).map(|line| format!("{line}\n")).collect();
    give(&lab, "istv", "istv_2025-03.csv", text + &again);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("repeated_rows", "istv_2025-03.csv")]);
    assert!(ran.stderr.contains(r#"\"count\":15"#), "{}", ran.stderr);
}

#[test]
fn an_amended_file_takes_the_place_of_the_first() {
    let lab = lab("istv");
    give(&lab, "istv", "istv_2025-03.csv", istv("2025-03", "XW101", 40));
    give(&lab, "istv", "istv_2025-03_amended.csv", istv("2025-03", "XW101", 38));
    ingest(&lab).run().good();
    assert_eq!(events(&lab), 38);
}

#[test]
fn months_without_a_record_are_zeros_of_their_own_and_are_told() {
    let lab = lab("istv");
    for (month, n) in [("2025-01", 10), ("2025-02", 0), ("2025-03", 0)] {
        give(&lab, "istv", &format!("istv_{month}.csv"), istv(month, "XW101", n));
    }
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), ["2025-02", "2025-03"].map(|m| told("no_rows", &format!("istv_{m}.csv"))));
    let states = "SELECT month, state FROM coverage WHERE month >= '2025-01' ORDER BY month";
    let found = sql(&lab.lake(), states).rows;
    assert_eq!(found, [["2025-01", "loaded"], ["2025-02", "empty"], ["2025-03", "empty"]]);
}

#[test]
fn a_sender_that_begins_later_is_told() {
    let lab = lab("istv");
    for month in ["2025-01", "2025-02", "2025-03"] {
        give(&lab, "istv", &format!("north/istv_{month}.csv"), istv(month, "XW101", 10));
    }
    give(&lab, "istv", "south/istv_2025-03.csv", istv("2025-03", "XW201", 10));
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("sender_begins", "")]);
}

#[test]
fn midnight_is_no_hour_however_it_is_written() {
    for midnight in ["0:00:00", "00:00:00.000"] {
        let lab = ecds();
        let text = extract(ECDS, 40, |i| with(attendance(i), vec![("EC_Injury_Time", midnight.to_owned())]));
        lab.write("ecds/ecds_2025-03.csv", text);
        lab.run().arg("--ingest-only").run().good();
        let exact = number(&lab.lake(), "SELECT count(*) FROM event WHERE time_precision = 'exact'");
        assert_eq!((events(&lab), exact), (40, 0), "{midnight}");
    }
    let header = "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,\
                  Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,\
                  Outcome linked to object of search,Removal of more than just outer clothing";
    for time in ["T00:00:00+00:00", ""] {
        let lab = lab("police_stop_search");
        let row = |day: usize| format!("Person search,2024-06-{day:02}{time},False,,50.598612,-2.849123,,,,,,,,,\n");
        let text = format!("{header}\n{}", (1..=20).map(row).collect::<String>());
        give(&lab, "police_stop_search", "2024-06-wessmark-stop-and-search.csv", text);
        ingest(&lab).run().good();
        let by = "SELECT time_precision, min(month), count(*) FROM event GROUP BY time_precision";
        assert_eq!(sql(&lab.lake(), by).rows, [["placeholder", "2024-06", "20"]], "{time}");
    }
}

#[test]
fn what_lies_outside_the_area_is_told_when_it_is_more_than_a_few() {
    let lab = lab("police_street");
    let text = street("2025-01", numbered("A", 100));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().skip(1).take(9) {
        *line = line.replace("-2.849123", "2.849123");
    }
    give(&lab, "police_street", "2025-01-wessmark-street.csv", lines.join("\n") + "\n");
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert!(ran.stderr.contains(r#"\"kind\":\"noted\""#), "{}", ran.stderr);
}

/// Forty attendances whose cells `cell` changes, row by row; gives the findings of their load.
fn attendances(cell: impl Fn(usize) -> Option<(&'static str, String)>) -> Vec<serde_json::Value> {
    let lab = ecds();
    let text = extract(ECDS, 40, |i| with(attendance(i), cell(i).into_iter().collect()));
    let ran = rows::ingest(&lab, rows::MARCH, &text).good();
    // These attendances fill few of the columns; that is told in every run.
    rows::findings(&ran).into_iter().filter(|f| f["kind"] != "column_blank").collect()
}

fn kinds(found: &[serde_json::Value]) -> Vec<(&str, &str, u64)> {
    found
        .iter()
        .map(|f| {
            let word = |key: &str| f[key].as_str().unwrap_or_default();
            (word("kind"), word("column"), f["count"].as_u64().unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_column_that_is_blank_from_a_row_on_is_told() {
    let found = attendances(|i| (i >= 25).then(|| ("NHS_Number", String::new())));
    assert_eq!(kinds(&found), [("column_ends", "NHS_Number", 15)]);
    assert_eq!(found[0]["rows"], serde_json::json!([26]));
    let found = attendances(|i| (i % 4 == 0).then(|| ("NHS_Number", String::new())));
    assert_eq!(kinds(&found), [], "blank here and there");
}

#[test]
fn one_value_for_many_people_is_told() {
    let found = attendances(|i| (i >= 15).then(|| ("NHS_Number", rows::nhs(0))));
    assert_eq!(kinds(&found), [("common_value", "NHS_Number", 26)]);
    let found = attendances(|i| (i % 2 == 0).then(|| ("Person_Birth_Date", "1988-05-05".to_owned())));
    assert_eq!(kinds(&found), [("common_value", "Person_Birth_Date", 20)]);
    let found = attendances(|i| (i >= 15).then(|| ("EC_Injury_Time", "00:01:00".to_owned())));
    assert_eq!(kinds(&found), [("common_value", "occurred_from", 25)]);
}

#[test]
fn ages_that_belong_to_other_rows_are_told() {
    let age = |i: usize| 2025 - (1950 + i % 40) - usize::from(i % 12 + 1 > 3);
    let found = attendances(|i| Some(("Age_At_Arrival", age(i).to_string())));
    assert_eq!(kinds(&found), []);
    // The column was sorted by itself.
    let found = attendances(|i| Some(("Age_At_Arrival", age(39 - i).to_string())));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["kind"].as_str(), found[0]["rule"].as_str()), (Some("noted"), Some("ages_differ")));
}

#[test]
fn days_of_a_census_may_carry_midnight_and_a_zone() {
    let text = cin(2025, "989", &[("K1", Some("2024-09-30")), ("K2", None)]);
    let plain = lab("cin_census");
    give(&plain, "cin_census", "CIN_2025.xml", &text);
    ingest(&plain).run().good();
    let rows = "SELECT episode_id, started, ended, age_band FROM episode ORDER BY episode_id";
    let wanted = sql(&plain.lake(), rows).rows;
    for more in ["Z", "+00:00", "T00:00:00", "T00:00:00+01:00"] {
        let lab = crate::support::deliveries::lab("cin_census");
        let dates = ["PersonBirthDate", "CINreferralDate", "CINclosureDate", "ReferenceDate"];
        let text =
            dates.iter().fold(text.clone(), |text, tag| text.replace(&format!("</{tag}>"), &format!("{more}</{tag}>")));
        assert!(text.contains(&format!("2025-03-31{more}<")) && text.contains(&format!("2012-01-11{more}<")));
        give(&lab, "cin_census", "CIN_2025.xml", text);
        ingest(&lab).run().good();
        // The same records under the same ids: a child that comes again next year in the other form is the same.
        assert_eq!(sql(&lab.lake(), rows).rows, wanted, "{more}");
    }
}

#[test]
fn zeros_behind_gzip_are_told_and_no_reason_to_refuse() {
    let lab = lab("istv");
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(istv("2025-03", "XW101", 40).as_bytes()).unwrap();
    let mut bytes = zipped.finish().unwrap();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    give(&lab, "istv", "istv_2025-03.csv.gz", bytes);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("odd_lines", "istv_2025-03.csv.gz")]);
    assert_eq!(events(&lab), 40);
}

#[test]
fn codes_of_small_areas_may_be_in_small_letters() {
    let lab = lab("police_street");
    let text = street("2025-01", numbered("A", 30));
    assert!(text.contains("E01990001"));
    give(&lab, "police_street", "2025-01-wessmark-street.csv", text.replace("E01990001", "e01990001"));
    ingest(&lab).run().good();
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event WHERE lsoa = 'E01990001'"), 30);
}

#[test]
fn kinds_of_record_are_read_in_any_spelling_of_case_and_blanks() {
    for word in
        ["Anti-social behaviour", "Anti-Social Behaviour", "Anti-social behaviour ", "Anti-social behaviour\u{a0}"]
    {
        let lab = lab("police_street");
        let text = street("2025-01", numbered("A", 30));
        let lines: Vec<String> = text
            .lines()
            .enumerate()
            .map(|(at, l)| if at > 20 { l.replace("Violence and sexual offences", word) } else { l.to_owned() })
            .collect();
        give(&lab, "police_street", "2025-01-wessmark-street.csv", lines.join("\n") + "\n");
        ingest(&lab).run().good();
        let by = "SELECT event_type, count(*) FROM event GROUP BY event_type ORDER BY 1";
        assert_eq!(sql(&lab.lake(), by).rows, [["crime", "20"], ["incident", "10"]], "{word:?}");
    }
}

#[test]
fn a_child_may_be_missing_and_away_from_one_day_on() {
    let lab = lab("ssda903");
    let text = "CHILD,DOB,MISSING,MIS_START,MIS_END\n".to_owned()
        + "C1,01/02/2010,M,03/05/2024,04/05/2024\nC1,01/02/2010,A,03/05/2024,03/05/2024\nC2,01/02/2011,M,03/05/2024,05/05/2024\n";
    give(&lab, "ssda903", "SSDA903_2025_missing.csv", text);
    ingest(&lab).run().good();
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM episode"), 3);
}

#[test]
fn a_crime_that_comes_again_with_fewer_people_is_told() {
    let lab = lab("police_rms");
    let crimes = |month: &str, people: std::ops::Range<usize>| {
        let text = rms(&numbered("K", 20).iter().map(|id| (id.as_str(), "8N", "Filed")).collect::<Vec<_>>());
        let mut lines = text.lines().map(str::to_owned);
        let header = lines.next().unwrap_or_default();
        let rows = lines.flat_map(|line| {
            people.clone().map(move |n| line.replacen(",PK", &format!(",P{n}K"), 1)).collect::<Vec<_>>()
        });
        (format!("rms_crimes_{month}.csv"), std::iter::once(header).chain(rows).collect::<Vec<_>>().join("\n") + "\n")
    };
    let (file, text) = crimes("2025-01", 0..2);
    give(&lab, "police_rms", &file, text);
    ingest(&lab).run().good();
    let (file, text) = crimes("2025-02", 0..1);
    give(&lab, "police_rms", &file, text);
    let ran = ingest(&lab)
        .args(["--log", "json", "--accept", "police_rms:rms_crimes_2025-02:outside_period", "--reason", "changes"])
        .run()
        .good();
    assert!(findings(&ran).contains(&told("fewer_parties", "rms_crimes_2025-02.csv")), "{}", ran.stderr);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM party"), 20);
}

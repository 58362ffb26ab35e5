//! Damage that a comparison of one file with all others hides: two files that were damaged alike, codes that are blank everywhere, parts of
//! one delivery under one name, kinds of record that are gone, ids of people that stand for nobody.

use crate::support::deliveries::{cin, give, ingest, lab};
use crate::support::rows::{self, ECDS, RMS, attendance, crime, ecds, extract, findings, with};
use crate::support::{Lab, Ran, label, sample_data};

const MONTHS: [&str; 8] = ["2024-08", "2024-09", "2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03"];

/// Attendances of eight months; `cell` changes those of some, of which some may be left out.
fn months(changed: &[&str], rows_of: usize, cell: impl Fn(usize) -> Vec<(&'static str, String)>) -> Ran {
    let lab = ecds();
    for (at, month) in MONTHS.into_iter().enumerate() {
        let odd = changed.contains(&month);
        let text = extract(ECDS, if odd { rows_of } else { 90 }, |i| {
            let day = format!("{month}-{:02}", i % 28 + 1);
            let intent = if i % 3 == 0 { "242056005" } else { "999800000000001101" };
            let of_month = vec![
                ("EC_Ident", format!("T{at}{i:04}")),
                ("NHS_Number", rows::nhs(at * 1000 + i)),
                ("Arrival_Date", day.clone()),
                ("EC_Injury_Date", day),
                ("EC_Injury_Intent_SNOMED_CT", intent.to_owned()),
                ("Person_Family_Name", format!("Family{}", (b'a' + (i % 19) as u8) as char)),
            ];
            with(with(attendance(i), of_month), if odd { cell(i) } else { Vec::new() })
        });
        lab.write(&format!("ecds/ecds_{month}.csv"), &text);
    }
    lab.run().args(["--ingest-only", "--log", "json"]).run().good()
}

/// Files with a finding of the kind `unlike_others`.
fn unlike(ran: &Ran) -> Vec<String> {
    let mut files: Vec<String> = told(ran, "unlike_others").into_iter().map(|(file, _)| file).collect();
    files.dedup();
    files
}

/// Files and columns of the findings of a kind.
fn told(ran: &Ran, kind: &str) -> Vec<(String, String)> {
    let text = |f: &serde_json::Value, key: &str| f[key].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<(String, String)> =
        findings(ran).iter().filter(|f| f["kind"] == kind).map(|f| (text(f, "file"), text(f, "column"))).collect();
    all.sort();
    all
}

fn files(of: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = of.iter().map(|month| label(&format!("ecds_{month}.csv"))).collect();
    all.sort();
    all
}

#[test]
fn two_months_that_were_damaged_alike_are_both_told() {
    let two = ["2025-01", "2025-03"];
    assert_eq!(told(&months(&[], 90, |_| Vec::new()), "unlike_others"), []);
    let blank = |i: usize| if i.is_multiple_of(3) { vec![("Sex", String::new())] } else { Vec::new() };
    let ran = months(&two, 90, blank);
    assert_eq!(unlike(&ran), files(&two), "{}", ran.stderr);
    let one = |_| vec![("EC_Injury_Intent_SNOMED_CT", "999800000000001101".to_owned())];
    let ran = months(&two, 90, one);
    assert_eq!(unlike(&ran), files(&two), "one of two intents is gone: {}", ran.stderr);
    // The last two months, half of the rows of each.
    let last = ["2025-02", "2025-03"];
    assert_eq!(unlike(&months(&last, 44, |_| Vec::new())), files(&last));
}

#[test]
fn what_definitions_count_by_is_told_where_it_is_blank() {
    let blank = |share: usize| {
        let lab = Lab::new(&["police_rms"], "injury_violence", &["monthly_trend"]);
        let text = extract(RMS, 120, |i| {
            with(crime(i), if i % share == 1 { vec![("HOCR Class", String::new())] } else { Vec::new() })
        });
        let ran = rows::ingest(&lab, rows::JANUARY, &text).good();
        findings(&ran).iter().find(|f| f["kind"] == "uncounted").map(|f| (f["column"].clone(), f["count"].as_u64()))
    };
    assert_eq!(blank(10), Some(("offence_code".into(), Some(12))));
    assert_eq!(blank(40), None, "three of 120");
}

#[test]
fn a_file_that_holds_none_of_the_records_of_the_one_before_is_refused() {
    let lab = ecds();
    let site = |from: usize| extract(ECDS, 60, |i| attendance(from + i));
    rows::ingest(&lab, rows::MARCH, &site(0)).good();
    // Another site of one trust, under the same name.
    let ran = rows::ingest(&lab, rows::MARCH, &site(500));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("other_records"), "{}", ran.stderr);
    assert_eq!(rows::counts(&lab, "SELECT count(*) FROM event"), 60);
    // Whoever knows better says so.
    let accept = ["--ingest-only", "--accept", "ecds:ecds_2025-03:other_records", "--reason", "all ids were made anew"];
    let ran = lab.run().args(accept).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // A revision holds most of them.
    rows::ingest(&lab, rows::MARCH, &extract(ECDS, 64, |i| attendance(500 + i))).good();
}

#[test]
fn a_kind_of_record_that_a_return_lacks_is_told() {
    let lab = lab("cin_census");
    let children: Vec<String> = (0..30).map(|i| format!("C{i}")).collect();
    let of: Vec<(&str, Option<&str>)> = children.iter().map(|id| (id.as_str(), None)).collect();
    give(&lab, "cin_census", "CIN_2025.xml", cin(2025, "999", &of));
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    let lacks = findings(&ran).iter().filter(|f| f["kind"] == "missing_tables" && f["file"] != "").count();
    assert!(lacks > 0, "no assessment and no plan: {}", ran.stderr);
    // The sample's returns have all kinds.
    let whole = Lab::new(&["cin_census"], "injury_violence", &["monthly_trend"]);
    give(&whole, "cin_census", "CIN_2025.xml", std::fs::read(sample_data("cin/CIN_2025.xml")).unwrap());
    let ran = ingest(&whole).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran).iter().filter(|f| f["kind"] == "missing_tables").count(), 0, "{}", ran.stderr);
}

#[test]
fn one_id_for_many_people_is_told() {
    let of = |id: &dyn Fn(usize) -> String| {
        let lab = Lab::new(&["police_rms"], "injury_violence", &["monthly_trend"]);
        let text = extract(RMS, 150, |i| with(crime(i), vec![("Nominal Ref", id(i))]));
        let ran = rows::ingest(&lab, rows::JANUARY, &text).good();
        told(&ran, "common_value").into_iter().filter(|(_, column)| column == "person_id").count()
    };
    assert_eq!(of(&|i| format!("N{i}")), 0);
    assert_eq!(of(&|i| if i % 7 == 0 { "N99999999".to_owned() } else { format!("N{i}") }), 1);
    assert_eq!(of(&|i| format!("V{}", i % 3)), 1, "numbered anew in each crime");
}

#[test]
fn codes_that_a_map_within_a_flag_does_not_know_are_told() {
    let text = extract(ECDS, 60, |i| {
        let code = if i % 2 == 0 { "123450000000009009" } else { "" };
        with(attendance(i), vec![("EC_Alcohol_Drug_Involvement_01", code.to_owned())])
    });
    let ran = rows::ingest(&ecds(), rows::MARCH, &text);
    let said = ran.stderr.contains("unknown_code") && ran.stderr.contains("alcohol");
    assert!(said, "{}", ran.stderr);
}

#[test]
fn sources_that_a_run_was_not_given_are_named() {
    let lab = Lab::new(&["ecds", "police_rms"], "injury_violence", &["monthly_trend"]);
    lab.write(rows::MARCH, extract(ECDS, 30, attendance));
    lab.write(rows::JANUARY, extract(RMS, 30, crime));
    let ecds = format!("ecds={}", lab.extracts("ecds").display());
    let ran = lab.run().args(["--ingest-only", "--log", "json", "--input", &ecds]).run().good();
    let named: Vec<String> = findings(&ran)
        .iter()
        .filter(|f| f["kind"] == "not_given")
        .map(|f| f["source"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(named, ["police_rms"], "{}", ran.stderr);
    let ran = lab.run().args(["--ingest-only", "--log", "json"]).run().good();
    assert!(!ran.stderr.contains("not_given"), "{}", ran.stderr);
}

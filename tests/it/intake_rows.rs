//! Columns, ids, dates, places and codes of extracts as agencies really send them: each kind gives the right figure, or the file is
//! refused by a message that names file, table, column, rule, count and rows, or it is told by a finding.

use serde_json::Value;

use crate::support::{Lab, Ran, number, sql};

const ECDS: &str = "EC_Ident,Provider_Code,Site_Code_of_Treatment,EC_Department_Type,EC_AttendanceCategory,NHS_Number,\
    NHS_Number_Status_Indicator_Code,Person_Given_Name,Person_Family_Name,Person_Birth_Date,Postcode,Der_Postcode_LSOA_Code,Sex,\
    Age_At_Arrival,Ethnic_Category,Arrival_Date,Arrival_Time,EC_Injury_Date,EC_Injury_Time,EC_Injury_Intent_SNOMED_CT,\
    EC_Injury_Mechanism_SNOMED_CT,EC_Place_Of_Injury_SNOMED_CT,EC_Place_Of_Injury_Latitude,EC_Place_Of_Injury_Longitude,\
    EC_Alcohol_Drug_Involvement_01,EC_Chief_Complaint_SNOMED_CT,Discharge_Destination_SNOMED_CT";
const RMS: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,\
    Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,\
    Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";
const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,\
    Last outcome category,Context";
const ISTV: &str = "REPORTING PERIOD START DATE,REPORTING PERIOD END DATE,SITE CODE (OF TREATMENT),\
    ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT METHOD OTHER DESCRIPTION,\
    ASSAULT LOCATION TYPE,ASSAULT LOCATION DESCRIPTION";

fn nhs(i: usize) -> String {
    (0..)
        .map(|n| 999_200_000 + i * 11 + n)
        .find_map(|nine| {
            let digits = format!("{nine:09}");
            let sum: usize = digits.bytes().enumerate().map(|(at, b)| usize::from(b - b'0') * (10 - at)).sum();
            match 11 - sum % 11 {
                10 => None,
                11 => Some(format!("{digits}0")),
                check => Some(format!("{digits}{check}")),
            }
        })
        .unwrap()
}

/// A row of cells by name; a cell that is not given is blank.
fn row(header: &str, cells: &[(&str, String)]) -> String {
    for (name, _) in cells {
        assert!(header.split(',').any(|h| h == *name), "{name}");
    }
    let cell = |name: &str| cells.iter().rev().find(|(n, _)| *n == name).map_or(String::new(), |(_, v)| v.clone());
    let quoted = |v: String| if v.contains([',', '"']) { format!("\"{}\"", v.replace('"', "\"\"")) } else { v };
    header.split(',').map(|h| quoted(cell(h))).collect::<Vec<_>>().join(",")
}

fn extract(header: &str, rows: usize, of: impl Fn(usize) -> Vec<(&'static str, String)>) -> String {
    let lines = (0..rows).map(|i| row(header, &of(i)));
    std::iter::once(header.to_owned()).chain(lines).map(|line| line + "\n").collect()
}

fn attendance(i: usize) -> Vec<(&'static str, String)> {
    let day = format!("2025-03-{:02}", i % 28 + 1);
    vec![
        ("EC_Ident", format!("T{i:05}")),
        ("NHS_Number", nhs(i)),
        ("Person_Given_Name", format!("Given{}", (b'a' + (i % 26) as u8) as char)),
        ("Person_Family_Name", format!("Family{}", (b'a' + (i / 26) as u8) as char)),
        ("Person_Birth_Date", format!("19{:02}-{:02}-{:02}", 50 + i % 40, i % 12 + 1, i % 28 + 1)),
        ("Postcode", "WM21 0PX".into()),
        ("Sex", (i % 2 + 1).to_string()),
        ("Ethnic_Category", "A".into()),
        ("Arrival_Date", day.clone()),
        ("Arrival_Time", format!("21:{:02}:00", i % 60)),
        ("EC_Injury_Date", day),
        ("EC_Injury_Time", format!("20:{:02}:10", i % 60)),
        ("EC_Injury_Intent_SNOMED_CT", "999800000000001101".into()),
        ("EC_Injury_Mechanism_SNOMED_CT", "999800000000002101".into()),
        ("EC_Place_Of_Injury_SNOMED_CT", "999800000000003102".into()),
    ]
}

fn crime(i: usize) -> Vec<(&'static str, String)> {
    vec![
        ("Crime Ref", format!("C{i:05}")),
        ("Report Date", "20/01/2025 04:06".into()),
        ("Committed From", format!("{:02}/01/2025 22:27", i % 19 + 1)),
        ("HOCR Class", "8N".into()),
        ("Status", "Filed".into()),
        ("Easting", "320555".into()),
        ("Northing", "60515".into()),
        ("Location Type", "Street".into()),
        ("DA Flag", "N".into()),
        ("Nominal Ref", format!("N{i}")),
        ("Role", "VICTIM".into()),
        ("Forename", "Ada".into()),
        ("Surname", "Quill".into()),
        ("Date Of Birth", "02/06/2001".into()),
        ("Sex", "F".into()),
        ("SDE", "W1".into()),
        ("Relationship", "Stranger".into()),
    ]
}

fn ecds() -> Lab {
    Lab::new(&["ecds"], "injury_violence", &["monthly_trend"])
}

fn ingest(lab: &Lab, file: &str, text: &str) -> Ran {
    lab.write(file, text);
    lab.run().args(["--ingest-only", "--log", "json"]).run()
}

fn findings(ran: &Ran) -> Vec<Value> {
    let lines = ran.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let all = lines.filter_map(|line| serde_json::from_str(line["fields"]["finding"].as_str()?).ok());
    // The months that these extracts do not cover are told in every run.
    all.filter(|f: &Value| f["kind"] != "missing_months").collect()
}

/// The finding of a kind about a column of a table (empty: of the extract).
#[track_caller]
fn finding(ran: &Ran, kind: &str, table: &str, column: &str) -> Value {
    let all = findings(ran);
    let text = |f: &Value, key: &str| f[key].as_str().unwrap_or_default().to_owned();
    let found =
        all.iter().find(|f| text(f, "kind") == kind && text(f, "table") == table && text(f, "column") == column);
    found.unwrap_or_else(|| panic!("no {kind} of {table}.{column} among {all:#?}\n{}", ran.stderr)).clone()
}

#[track_caller]
fn counts(lab: &Lab, query: &str) -> i64 {
    number(&lab.lake(), query)
}

const MARCH: &str = "ecds/ecds_2025-03.csv";
const JANUARY: &str = "police_rms/rms_crimes_2025-01.csv";

fn with(mut row: Vec<(&'static str, String)>, more: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    row.extend(more);
    row
}

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
                    ("EC_Place_Of_Injury_Latitude", "50.44".into()),
                    ("EC_Place_Of_Injury_Longitude", "-3.156".into()),
                ],
            )
        }),
    );
    let ran = ran.good();
    assert_eq!(findings(&ran), Vec::<Value>::new());
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
    let all = counts(&lab, "SELECT count(*) FROM party WHERE age IS NOT NULL AND residence_lsoa IS NOT NULL");
    assert_eq!(all, 60);
    let told = finding(&ran, "missing_words", "", "Age_At_Arrival");
    assert_eq!((told["count"].as_i64(), told["file"].as_str()), (Some(60), Some("ecds_2025-03.csv")));
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
    assert_eq!(counts(&lab, "SELECT count(*) FROM party WHERE age IS NULL"), 2);
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
            "ecds_2025-03.csv",
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
        "istv_2025-03.csv",
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
        with(attendance(i), vec![("Sex", "X".into()), ("Ethnic_Category", if i % 2 == 0 { "X" } else { "PC" }.into())])
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
        ran.ended(4).says(&["spoilt_ids", "EC_Ident", "ecds_2025-03.csv"]);
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
fn a_file_of_another_month_is_refused() {
    let month = |month: &'static str| {
        move |i: usize| {
            vec![
                ("Crime ID", format!("c{i}")),
                ("Month", month.into()),
                ("Falls within", "Wessmark Police".into()),
                ("Longitude", "-3.156".into()),
                ("Latitude", "50.444".into()),
                ("LSOA code", "E01990001".into()),
                ("Crime type", "Violence and sexual offences".into()),
            ]
        }
    };
    let lab = Lab::street();
    let file = "police_street/2025-02-wessmark-street.csv";
    ingest(&lab, file, &extract(STREET, 40, month("2025-01"))).ended(4).says(&["outside_period", "40 of 40", "month"]);
    ingest(&lab, file, &extract(STREET, 40, month("2025-02"))).good();
    // An extract of changes holds older crimes, but not only, and none that are newer.
    let lab = Lab::police();
    let late = |i: usize| {
        with(
            crime(i),
            vec![
                ("Report Date", if i < 30 { "20/12/2024 10:00" } else { "20/01/2025 10:00" }.into()),
                ("Committed From", "01/12/2024 10:00".into()),
            ],
        )
    };
    ingest(&lab, JANUARY, &extract(RMS, 60, late)).good();
    let lab = Lab::police();
    // All of them older: it may be a whole history, or another month's; it is told.
    ingest(&lab, "police_rms/rms_crimes_2025-02.csv", &extract(RMS, 60, crime))
        .good()
        .says(&["outside_period", "recorded_at"]);
    let lab = Lab::police();
    ingest(&lab, "police_rms/rms_crimes_2024-12.csv", &extract(RMS, 60, crime)).ended(4).says(&["outside_period"]);
}

#[test]
fn dates_that_cannot_be_give_way_to_the_record() {
    let lab = ecds();
    let odd = ["1900-01-01", "2025-12-02", "2205-03-03", "1925-03-04", "9999-12-31"];
    let text = extract(ECDS, 60, |i| {
        with(attendance(i), odd.get(i).map(|d| vec![("EC_Injury_Date", (*d).to_owned())]).unwrap_or_default())
    });
    let ran = ingest(&lab, MARCH, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE month = '2025-03'"), 60);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE occurred_from IS NULL AND time_precision = 'none'"), 5);
    let told: i64 =
        findings(&ran).iter().filter(|f| f["kind"] == "implausible_date").filter_map(|f| f["count"].as_i64()).sum();
    assert_eq!(told, 5);

    let lab = Lab::police();
    let times: [[&str; 3]; 6] = [
        ["02/01/2025 04:06", "01/01/2205 10:00", ""],
        ["02/01/2025 04:06", "01/01/0025 10:00", ""],
        ["02/01/2025 04:06", "01/01/1925 10:00", ""],
        ["01/01/2025 10:00", "05/01/2025 10:00", ""],
        ["02/01/2025 04:06", "01/01/2025 10:00", "01/01/2026 10:00"],
        ["01/01/2025 10:00", "01/01/2025 15:00", ""],
    ];
    let text = extract(RMS, 300, |i| {
        let names = ["Report Date", "Committed From", "Committed To"];
        let odd = times.get(i).map(|t| names.iter().zip(t).map(|(n, v)| (*n, (*v).to_owned())).collect());
        with(crime(i), odd.unwrap_or_default())
    });
    let ran = ingest(&lab, JANUARY, &text).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE month = '2025-01'"), 300);
    let kept = sql(
        &lab.lake(),
        "SELECT time_precision, count(*) AS n FROM event GROUP BY time_precision ORDER BY time_precision",
    );
    assert_eq!(kept.rows, [["exact", "295"], ["month", "4"], ["window", "1"]]);
    // The window that ends in another year had ended when it was recorded.
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE occurred_to = recorded_at"), 1);
    let told: i64 =
        findings(&ran).iter().filter(|f| f["kind"] == "implausible_date").filter_map(|f| f["count"].as_i64()).sum();
    assert_eq!(told, 6);
}

#[test]
fn a_window_that_ends_in_the_second_of_two_hours_is_kept() {
    let lab = Lab::police();
    let night = |i: usize| {
        let times = [
            ("Report Date", "27/10/2024 09:00"),
            ("Committed From", "27/10/2024 01:45"),
            ("Committed To", "27/10/2024 01:15"),
        ];
        with(crime(i), times.into_iter().map(|(n, v)| (n, v.to_owned())).collect())
    };
    ingest(&lab, "police_rms/rms_crimes_2024-10.csv", &extract(RMS, 3, night)).good();
    let times = sql(
        &lab.lake(),
        "SELECT DISTINCT to_char(occurred_from, '%H:%M') AS f, to_char(occurred_to, '%H:%M') AS t FROM event",
    );
    assert_eq!(times.rows, [["00:45", "01:15"]]);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event"), 3);
}

#[test]
fn filler_coordinates_are_no_place() {
    let fillers =
        [["0", "0"], ["-1", "-1"], ["999999", "999999"], ["320555", ""], ["", "60515"], ["400000", "-100000"]];
    let lab = Lab::police();
    let text = extract(RMS, 120, |i| {
        let at = fillers.get(i % 12).map(|[e, n]| vec![("Easting", (*e).to_owned()), ("Northing", (*n).to_owned())]);
        with(crime(i), at.unwrap_or_default())
    });
    let ran = ingest(&lab, JANUARY, &text).good();
    assert_eq!(
        counts(
            &lab,
            "SELECT count(*) FROM event WHERE place_precision = 'none' AND in_area IS NULL AND easting IS NULL AND longitude IS NULL"
        ),
        60
    );
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE place_precision = 'exact' AND in_area"), 60);
    assert_eq!(finding(&ran, "implausible_place", "event", "easting")["count"], 60);

    let lab = Lab::street();
    let fillers = [["0", "0"], ["-7.557160", "49.766809"], ["-1", "-1"], ["-3.156", ""], ["999", "999"]];
    let text = extract(STREET, 60, |i| {
        let [lon, lat] = fillers.get(i).copied().unwrap_or(["-3.156", "50.444"]);
        vec![
            ("Crime ID", format!("c{i}")),
            ("Month", "2025-01".into()),
            ("Falls within", "Wessmark Police".into()),
            ("Longitude", lon.into()),
            ("Latitude", lat.into()),
            ("Crime type", "Robbery".into()),
        ]
    });
    ingest(&lab, "police_street/2025-01-wessmark-street.csv", &text).good();
    let found = sql(
        &lab.lake(),
        "SELECT place_precision, count(*) AS n FROM event GROUP BY place_precision ORDER BY place_precision",
    );
    assert_eq!(found.rows, [["none", "5"], ["snapped", "55"]]);
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 60);
}

#[test]
fn small_areas_of_the_census_before_and_events_of_another_force() {
    let lab = Lab::street();
    let street = |i: usize, force: &str, place: [&str; 3]| {
        vec![
            ("Crime ID", format!("{force}{i}")),
            ("Month", "2025-01".into()),
            ("Falls within", force.to_owned()),
            ("Longitude", place[0].into()),
            ("Latitude", place[1].into()),
            ("LSOA code", place[2].into()),
            ("Crime type", "Robbery".into()),
        ]
    };
    // E01980001 was split into two small areas of one district.
    let old = |i: usize| {
        street(i, "Wessmark Police", if i < 10 { ["", "", "E01980001"] } else { ["-3.156", "50.444", "E01980001"] })
    };
    ingest(&lab, "police_street/2025-01-wessmark-street.csv", &extract(STREET, 30, old)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area"), 30);
    let other = |i: usize| street(i, "Otherham Constabulary", ["", "", ""]);
    ingest(&lab, "police_street/2025-01-otherham-street.csv", &extract(STREET, 20, other)).good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 30);
    // Without a place, what is the force's own counts.
    let own = |i: usize| street(i + 100, "Wessmark Police", ["", "", ""]);
    ingest(&lab, "police_street/2025-02-wessmark-street.csv", &extract(STREET, 5, own).replace("2025-01", "2025-02"))
        .good();
    assert_eq!(counts(&lab, "SELECT count(*) FROM event WHERE in_area IS NOT FALSE"), 35);
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

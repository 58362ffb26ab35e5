//! What only the other files of a source show: a column that is blank or constant in one of them, rows that come again there, ids of
//! people that begin anew, half of the rows left out.

use crate::support::deliveries::{findings as kinds_by_file, give, ingest, istv, lab, rms, told};
use crate::support::rows::{self, ECDS, attendance, ecds, extract, with};
use crate::support::{Lab, Ran, number};

/// Files of four months, of which `cell` changes those of March.
fn four_months(cell: impl Fn(usize) -> Vec<(&'static str, String)>, rows_of: impl Fn(&str) -> usize) -> (Lab, Ran) {
    let lab = ecds();
    for (at, month) in ["2024-12", "2025-01", "2025-02", "2025-03"].into_iter().enumerate() {
        let text = extract(ECDS, rows_of(month), |i| {
            let day = format!("{month}-{:02}", i % 28 + 1);
            let of_month = vec![
                ("EC_Ident", format!("T{at}{i:04}")),
                ("NHS_Number", rows::nhs(at * 1000 + i)),
                ("Arrival_Date", day.clone()),
                ("EC_Injury_Date", day),
                ("Person_Family_Name", format!("Family{}", (b'a' + (i % 19) as u8) as char)),
            ];
            let changed = if month == "2025-03" { cell(i) } else { Vec::new() };
            with(with(attendance(i), of_month), changed)
        });
        lab.write(&format!("ecds/ecds_{month}.csv"), &text);
    }
    let ran = lab.run().args(["--ingest-only", "--log", "json"]).run().good();
    (lab, ran)
}

fn compared(ran: &Ran) -> Vec<(String, String, u64, u64)> {
    let all = rows::findings(ran).into_iter().filter(|f| f["kind"] == "unlike_others");
    all.map(|f| {
        let text = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| f[key].as_u64().unwrap_or_default();
        (text("file"), text("column"), number("count"), number("of"))
    })
    .collect()
}

const MARCH: &str = "ecds_2025-03.csv";

#[test]
fn a_column_that_is_blank_in_part_of_one_file_is_told() {
    let (lab, ran) = four_months(|_| Vec::new(), |_| 60);
    assert_eq!(compared(&ran), [], "{}", ran.stderr);
    // Again, and nothing new is told.
    let again = lab.run().args(["--ingest-only", "--log", "json"]).run().good();
    assert_eq!(compared(&again), []);
    let (_, ran) = four_months(|i| (i % 3 == 0).then(|| ("Sex", String::new())).into_iter().collect(), |_| 60);
    let of = |column: &str| (MARCH.to_owned(), column.to_owned(), 20, 60);
    assert_eq!(compared(&ran), [of("sex")], "of party and person record, once");
}

#[test]
fn one_value_that_fills_a_column_of_one_file_is_told() {
    let place = |_| vec![("Postcode", "WM22 0PX".to_owned())];
    let (_, ran) = four_months(place, |_| 60);
    assert_eq!(compared(&ran), [], "it is one in all of them");
    let born = |i: usize| if i < 15 { vec![("Person_Birth_Date", "1985-05-05".to_owned())] } else { Vec::new() };
    let (_, ran) = four_months(born, |_| 60);
    assert_eq!(compared(&ran), [(MARCH.to_owned(), "birth_date".to_owned(), 15, 60)]);
}

#[test]
fn rows_that_come_again_under_another_id_are_told() {
    let same = |i: usize| {
        let nhs = rows::nhs(3000 + i % 50);
        let mut cells = attendance(i % 50);
        cells.retain(|(name, _)| *name != "EC_Ident");
        cells.push(("NHS_Number", nhs));
        cells
    };
    let (lab, ran) = four_months(same, |_| 60);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM event"), 240);
    let repeated = rows::findings(&ran).into_iter().find(|f| f["kind"] == "repeated_rows").unwrap();
    assert_eq!((repeated["count"].as_u64(), repeated["of"].as_u64()), (Some(20), Some(60)));
}

#[test]
fn rows_without_an_id_that_stand_twice_here_and_there_are_told() {
    let lab = lab("istv");
    for month in ["2024-12", "2025-01", "2025-02"] {
        give(&lab, "istv", &format!("istv_{month}.csv"), istv(month, "XW101", 60));
    }
    let text = istv("2025-03", "XW101", 60);
    let lines: Vec<&str> = text.lines().collect();
    let twice = lines.iter().enumerate().flat_map(|(i, l)| std::iter::repeat_n(*l, if i % 7 == 6 { 2 } else { 1 }));
    give(&lab, "istv", "istv_2025-03.csv", twice.collect::<Vec<_>>().join("\n") + "\n");
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(kinds_by_file(&ran), [told("unlike_others", "istv_2025-03.csv")], "{}", ran.stderr);
}

#[test]
fn less_than_half_of_the_rows_of_any_other_file_are_told() {
    let (_, ran) = four_months(|_| Vec::new(), |month| if month == "2025-03" { 25 } else { 60 });
    assert_eq!(compared(&ran), [(MARCH.to_owned(), String::new(), 25, 60)]);
}

#[test]
fn ids_of_people_that_begin_anew_in_each_file_are_refused() {
    let lab = lab("police_rms");
    let month = |month: &str, born: &str| {
        let ids: Vec<String> = (0..20).map(|i| format!("K{month}{i}")).collect();
        let crimes: Vec<(&str, &str, &str)> = ids.iter().map(|id| (id.as_str(), "8N", "Filed")).collect();
        let text = rms(&crimes).replace("/01/2025", &format!("/{month}/2025"));
        // Person 1, 2, … of each file.
        let text =
            ids.iter().enumerate().fold(text, |text, (i, id)| text.replace(&format!(",P{id},"), &format!(",N{i},")));
        assert!(text.contains(",02/06/2001,"), "{text}");
        text.replace(",02/06/2001,", &format!(",{born},"))
    };
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", month("01", "02/06/2001"));
    ingest(&lab).run().good();
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", month("02", "05/07/1989"));
    ingest(&lab).run().ended(4).says(&["contradicting_rows", "rms_crimes_2025-02.csv", "20 of 20", "person_id"]);
    // The same people in another month are the same people.
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", month("02", "02/06/2001"));
    ingest(&lab).run().good();
}

#[test]
fn a_follow_up_attendance_is_no_second_act_of_violence() {
    let lab = ecds();
    let category = |i: usize| ["1", "2", "3", "4", ""][i % 5].to_owned();
    let text = extract(ECDS, 50, |i| with(attendance(i), vec![("EC_AttendanceCategory", category(i))]));
    rows::ingest(&lab, rows::MARCH, &text).good();
    let of = |kind: &str| number(&lab.lake(), &format!("SELECT count(*) FROM event WHERE event_type = '{kind}'"));
    assert_eq!((of("attendance"), of("follow_up")), (20, 30));
}

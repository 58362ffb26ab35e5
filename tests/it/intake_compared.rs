//! What only the other files of a source show: a column that is blank or constant in one of them, rows that come again there, ids of
//! people that begin anew, half of the rows left out.

use crate::support::deliveries::{findings as kinds_by_file, give, ingest, istv, lab, rms, street, told};
use crate::support::rows::{self, ECDS, attendance, ecds, extract, with};
use crate::support::{Lab, Ran, label, number};

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
    let of = |column: &str| (label(MARCH), column.to_owned(), 20, 60);
    assert_eq!(compared(&ran), [of("sex")], "of party and person record, once");
}

#[test]
fn one_value_that_fills_a_column_of_one_file_is_told() {
    let place = |_| vec![("Postcode", "WM22 0PX".to_owned())];
    let (_, ran) = four_months(place, |_| 60);
    assert_eq!(compared(&ran), [], "it is one in all of them");
    let born = |i: usize| if i < 15 { vec![("Person_Birth_Date", "1985-05-05".to_owned())] } else { Vec::new() };
    let (lab, ran) = four_months(born, |_| 60);
    assert_eq!(compared(&ran), [(label(MARCH), "birth_date".to_owned(), 15, 60)]);
    // A look at the rows that writes nothing says it too.
    let looked = lab.check().args(["--rows", "--log", "json", "--key"]).arg(lab.key()).run().good();
    assert_eq!(compared(&looked), [(label(MARCH), "birth_date".to_owned(), 15, 60)]);
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
    assert_eq!(compared(&ran), [(label(MARCH), String::new(), 25, 60)]);
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

#[test]
fn far_fewer_rows_than_the_months_next_to_it_are_told() {
    let (_, ran) = four_months(|_| Vec::new(), |month| if month == "2025-03" { 190 } else { 300 });
    assert_eq!(compared(&ran), [(label(MARCH), String::new(), 190, 300)]);
}

#[test]
fn days_that_were_left_out_are_told() {
    let lab = ecds();
    let day = |i: usize, days: usize| format!("2025-03-{:02}", i % days + 1);
    let text = |days: usize| {
        extract(ECDS, 120, |i| {
            with(attendance(i), vec![("Arrival_Date", day(i, days)), ("EC_Injury_Date", day(i, days))])
        })
    };
    let missing = |ran: &Ran| {
        let found = rows::findings(ran).into_iter().find(|f| f["kind"] == "days_missing");
        found.map(|f| (f["count"].as_u64().unwrap(), f["of"].as_u64().unwrap()))
    };
    assert_eq!(missing(&rows::ingest(&lab, rows::MARCH, &text(20)).good()), Some((11, 31)));
    assert_eq!(missing(&rows::ingest(&ecds(), rows::MARCH, &text(31)).good()), None);
}

#[test]
fn ids_in_two_forms_are_told() {
    let ids = |zeros: bool| {
        move |i: usize| if zeros || i.is_multiple_of(2) { format!("{:07}", i + 1) } else { (i + 1).to_string() }
    };
    let told = |of: &dyn Fn(usize) -> String| {
        let text = extract(ECDS, 60, |i| with(attendance(i), vec![("EC_Ident", of(i))]));
        let found = rows::findings(&rows::ingest(&ecds(), rows::MARCH, &text).good());
        found.into_iter().find(|f| f["kind"] == "two_forms").map(|f| (f["count"].clone(), f["column"].clone()))
    };
    assert_eq!(told(&ids(true)), None);
    assert_eq!(told(&ids(false)), Some((30.into(), "EC_Ident".into())));
    // All of a file in another form than in the others.
    let (_, ran) = four_months(|i| vec![("EC_Ident", format!("t/3/{i:04}"))], |_| 60);
    let found = rows::finding(&ran, "two_forms", "", "EC_Ident");
    assert_eq!((found["file"].as_str(), found["of"].as_u64()), (Some(label(MARCH).as_str()), Some(60)));
}

#[test]
fn coordinates_that_were_cut_are_told() {
    let at = |east: &dyn Fn(usize) -> String| {
        let lab = Lab::new(&["police_rms"], "injury_violence", &["monthly_trend"]);
        let text = extract(rows::RMS, 40, |i| {
            let north = format!("{}", 60_500 + i % 7 * 100);
            with(rows::crime(i), vec![("Easting", east(i)), ("Northing", north)])
        });
        let found = rows::findings(&rows::ingest(&lab, rows::JANUARY, &text).good());
        found.into_iter().filter(|f| f["kind"] == "coarse_places").map(|f| f["column"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(at(&|i| format!("{}", 320_500 + i % 9 * 100)), ["Easting", "Northing"]);
    assert_eq!(at(&|i| format!("{}", 320_500 + i * 17)), ["Northing"]);
}

#[test]
fn small_areas_that_were_sorted_apart_from_their_points_are_told() {
    let told = |apart: bool| {
        let lab = lab("police_street");
        let text = street("2025-01", (0..40).map(|i| format!("{i:064x}")));
        let text = text.replace("-2.849123,50.598612", "-3.165751,50.430520");
        // The point lies in the first of two districts of the invented county.
        let other = |(i, line): (usize, &str)| match apart && i % 2 == 1 {
            true => line.replace("E01990001", "E01990056"),
            false => line.to_owned(),
        };
        let lines: Vec<String> = text.lines().enumerate().map(other).collect();
        give(&lab, "police_street", "2025-01-wessmark-street.csv", lines.join("\n") + "\n");
        let ran = ingest(&lab).args(["--log", "json"]).run().good();
        rows::findings(&ran).into_iter().filter(|f| f["kind"] == "places_differ").count()
    };
    assert_eq!((told(false), told(true)), (0, 1));
}

#[test]
fn one_age_that_stands_for_all_is_told() {
    let aged = |one: bool| {
        let text = extract(ECDS, 90, |i| {
            let age = if one && i % 6 == 0 { 30 } else { 20 + i % 45 };
            let mut cells = with(attendance(i), vec![("Age_At_Arrival", age.to_string())]);
            cells.retain(|(name, _)| *name != "Person_Birth_Date");
            cells
        });
        let found = rows::findings(&rows::ingest(&ecds(), rows::MARCH, &text).good());
        found.into_iter().filter(|f| f["kind"] == "common_value").map(|f| f["column"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(aged(true), ["age"]);
    assert_eq!(aged(false), Vec::<serde_json::Value>::new());
}

#[test]
fn what_a_file_says_no_more_than_the_one_it_superseded_is_told() {
    let lab = ecds();
    let text = |blank: bool| {
        extract(ECDS, 60, |i| {
            let sex = if blank && i % 3 == 0 { String::new() } else { (i % 2 + 1).to_string() };
            with(attendance(i), vec![("Sex", sex)])
        })
    };
    assert_eq!(compared(&rows::ingest(&lab, rows::MARCH, &text(false)).good()), []);
    let ran = rows::ingest(&lab, rows::MARCH, &text(true)).good();
    assert_eq!(compared(&ran), [(label(MARCH), "sex".to_owned(), 20, 60)]);
}

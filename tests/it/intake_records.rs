//! Records that stand in several rows: which of them are one, and what their rows say.

use serde_json::Value;

use crate::support::rows::{self, ECDS, RMS, attendance, crime, ecds, extract, findings, with};
use crate::support::{Lab, Ran};

/// The findings of a kind: whether it refuses, how many of how many.
fn found(ran: &Ran, kind: &str) -> Vec<(u64, u64)> {
    let number = |f: &Value, key: &str| f[key].as_u64().unwrap_or_default();
    findings(ran).iter().filter(|f| f["kind"] == kind).map(|f| (number(f, "count"), number(f, "of"))).collect()
}

/// Sixty crimes of two people each; `cell` changes the row of a crime (first) and one of its people (second).
fn crimes(cell: impl Fn(usize, usize) -> Vec<(&'static str, String)>) -> Ran {
    let lab = Lab::new(&["police_rms"], "injury_violence", &["monthly_trend"]);
    let text = extract(RMS, 120, |i| {
        let (of, person) = (i / 2, i % 2);
        let role = if person == 0 { "VICTIM" } else { "SUSPECT" };
        let own = vec![
            ("Nominal Ref", format!("N{i}")),
            ("Role", role.to_owned()),
            ("Surname", format!("Quill{}", (b'a' + (i % 26) as u8) as char)),
        ];
        with(with(crime(of), own), cell(of, person))
    });
    rows::ingest(&lab, rows::JANUARY, &text)
}

#[test]
fn one_record_under_several_ids_is_refused_or_told() {
    let plain = crimes(|_, _| Vec::new()).good();
    assert_eq!((found(&plain, "split_records"), found(&plain, "differing_rows")), (vec![], vec![]));
    // The role stands behind each reference: every crime would count twice.
    let ran = crimes(|of, person| vec![("Crime Ref", format!("C{of:05}/{}", ["V", "S"][person]))]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("split_records") && !ran.stderr.contains("C00001"), "{}", ran.stderr);
    // A row number, and a suffix that the first row of each crime has not.
    let numbered = crimes(|of, person| vec![("Crime Ref", format!("C{of:05}-{:03}", of * 2 + person))]);
    assert_eq!(numbered.code, 4, "{}", numbered.stderr);
    let second = crimes(|of, person| match person {
        0 => Vec::new(),
        _ => vec![("Crime Ref", format!("C{of:05}/1"))],
    });
    assert_eq!(second.code, 4, "{}", second.stderr);
    // Running numbers behind the year, of crimes that are all alike.
    let running = crimes(|of, person| {
        let same = ("Committed From", "05/01/2025 22:27".to_owned());
        vec![("Crime Ref", format!("CR/2025/{:04}", of * 2 + person)), same]
    });
    assert_eq!(found(&running.good(), "split_records"), []);
    // In a third of them.
    let ran = crimes(|of, person| match of % 3 {
        0 => vec![("Crime Ref", format!("C{of:05}/{person}"))],
        _ => Vec::new(),
    });
    assert_eq!(found(&ran.good(), "split_records"), [(20, 80)]);
    // Where no time is known two crimes may well be equal.
    let ran = crimes(|of, person| vec![("Crime Ref", format!("C{of:05}/{person}")), ("Committed From", String::new())]);
    assert_eq!(found(&ran, "split_records"), []);
}

#[test]
fn what_only_a_further_row_says_of_a_record_is_told() {
    // The flag stands with the suspect, who comes second.
    let flag = |share: usize| {
        crimes(move |of, person| match (person, of % share) {
            (1, 0) => vec![("Knife Flag", "Y".to_owned())],
            _ => Vec::new(),
        })
        .good()
    };
    assert_eq!(found(&flag(2), "differing_rows"), [(30, 60)]);
    assert_eq!(found(&flag(10), "differing_rows"), [], "six of sixty");
    // What happened is another matter.
    let ran = crimes(|_, person| if person == 1 { vec![("HOCR Class", "9A".to_owned())] } else { Vec::new() });
    assert_eq!(found(&ran, "differing_rows"), []);
    assert!(ran.stderr.contains("contradicting_rows"), "{}", ran.stderr);
}

#[test]
fn a_blank_that_is_taken_for_a_kind_of_event_is_told() {
    let blank = |share: usize| {
        let text = extract(ECDS, 120, |i| match i % share {
            1 => with(attendance(i), vec![("EC_AttendanceCategory", String::new())]),
            _ => attendance(i),
        });
        let ran = rows::ingest(&ecds(), rows::MARCH, &text).good();
        found(&ran, "uncounted")
    };
    assert_eq!(blank(3), [(40, 120)]);
    assert_eq!(blank(40), [], "three of 120");
}

#[test]
fn a_file_that_holds_a_part_of_the_records_of_the_one_before_says_how_many() {
    let replaced = |kept: usize| {
        let lab = ecds();
        let site = |from: usize| extract(ECDS, 60, |i| attendance(from + i));
        rows::ingest(&lab, rows::MARCH, &site(0)).good();
        let ran = rows::ingest(&lab, rows::MARCH, &site(60 - kept));
        (ran.code, found(&ran, "other_records"))
    };
    assert_eq!(replaced(40), (0, vec![]));
    assert_eq!(replaced(20), (0, vec![(40, 60)]));
    assert_eq!(replaced(3).0, 4);
}

//! The bad rows that the sample holds: each is where its kind is bound to end, with file and row, and never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::support::{label, number, sample, sample_data, sql};

/// Where a planted bad row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// In quarantine under this rule.
    Quarantine(&'static str),
    /// The value is NULL, and its rule (`rule table.column`) counts it in the receipt.
    Blank(&'static str),
    /// The row is kept and its rule counts it.
    Note(&'static str),
    /// Counted as a duplicate.
    Duplicate,
    /// Kept as it is; the reason is beside it.
    Kept,
}

/// What becomes of a kind of bad row in a column.
fn fate(kind: &str, source: &str, column: &str) -> Fate {
    match (kind, source, column) {
        // A date of birth is no ground to lose a crime.
        ("impossible_date", _, "Date Of Birth" | "Person_Birth_Date") => {
            Fate::Blank("unreadable person_record.birth_date")
        }
        ("sentinel_birth_date", _, _) => Fate::Blank("placeholder person_record.birth_date"),
        ("impossible_date", _, _) => Fate::Quarantine("unreadable"),
        ("from_after_to", "ssda903", _) => Fate::Quarantine("ended_before_started"),
        ("from_after_to", _, _) => Fate::Quarantine("from_after_to"),
        ("swapped_coordinates", _, _) => Fate::Quarantine("swapped_coordinates"),
        // The word means that nobody knows where it was; half a pair is no place.
        ("unreadable_coordinates", "police_rms", _) => Fate::Blank("filler_place event.easting"),
        ("unknown_offence_code", _, _) => Fate::Quarantine("unreadable"),
        ("missing_record_id", _, _) => Fate::Quarantine("missing"),
        ("bad_nhs_check_digit" | "short_nhs", _, _) => Fate::Blank("unreadable person_record.nhs_number"),
        ("repeated_digit_nhs" | "sentinel_nhs", _, _) => Fate::Blank("placeholder person_record.nhs_number"),
        ("outside_area", _, _) => Fate::Note("no_district event.district"),
        // Any number is an outcome type, any code of the right shape a factor, and the placement is not mapped.
        ("unknown_code", "police_rms", "Outcome")
        | ("unknown_code", "cin", "AssessmentFactors")
        | ("unknown_code", "ssda903", "PLACE") => Fate::Kept,
        // An attribute costs the attribute; what a table needs in order to count takes the row.
        ("unknown_code", "police_rms", "Location Type") => Fate::Blank("unknown_code event.location_type"),
        ("unknown_code", "ecds", "EC_Injury_Mechanism_SNOMED_CT") | ("unknown_code", "istv", "ASSAULT METHOD") => {
            Fate::Blank("unknown_code event.injury_mechanism")
        }
        ("unknown_code", _, "Sex") => Fate::Blank("unknown_code party.sex"),
        ("unknown_code", "cin", "ReferralSource") => Fate::Blank("unknown_code episode.referral_source"),
        ("unknown_code", _, _) => Fate::Quarantine("unknown_code"),
        // Without an id, a repeat is a second incident (as in open police data) unless the source says otherwise.
        ("duplicate_row", "istv" | "stop_search", _) => Fate::Kept,
        ("duplicate_row", _, _) => Fate::Duplicate,
        // A date without a time is a placeholder; the doubled and the missing hour are decided and flagged.
        ("date_only" | "missing_time" | "ambiguous_hour" | "missing_hour", _, _) => Fate::Kept,
        ("injury_after_arrival", _, _) => Fate::Blank("after_recorded event.occurred_from"),
        other => panic!("nobody has said what becomes of {other:?}"),
    }
}

struct Planted {
    kind: String,
    source: String,
    file: String,
    row: i64,
    fate: Fate,
}

fn planted() -> Vec<Planted> {
    let truth: Value = serde_json::from_str(&fs::read_to_string(sample_data("truth/counts.json")).unwrap()).unwrap();
    let list = truth["planted"].as_array().unwrap();
    list.iter()
        .map(|p| {
            let word = |name: &str| p[name].as_str().unwrap().to_owned();
            let (source, file) = word("file").split_once('/').map(|(s, f)| (s.to_owned(), f.to_owned())).unwrap();
            let fate = fate(&word("kind"), &source, &word("column"));
            Planted { kind: word("kind"), source, file: label(&file), row: p["row"].as_i64().unwrap(), fate }
        })
        .collect()
}

#[test]
fn every_planted_bad_row_is_in_quarantine_and_no_other() {
    let table = sql(&sample().lake, "SELECT file, row, rule FROM quarantine");
    let mut found: BTreeMap<(String, i64), BTreeSet<String>> = BTreeMap::new();
    for row in &table.rows {
        found.entry((row[0].clone(), row[1].parse().unwrap())).or_default().insert(row[2].clone());
    }
    let mut wrong = Vec::new();
    let mut children: BTreeMap<String, usize> = BTreeMap::new();
    for p in planted() {
        let Fate::Quarantine(rule) = p.fate else { continue };
        if p.source == "cin" {
            // Truth counts children, a feed counts its own records.
            *children.entry(p.file).or_default() += 1;
            continue;
        }
        match found.remove(&(p.file.clone(), p.row)) {
            Some(rules) if rules.contains(rule) => {}
            other => wrong.push(format!("{} {} row {}: wanted {rule}, found {other:?}", p.kind, p.file, p.row)),
        }
    }
    for (file, n) in children {
        let rows: Vec<(String, i64)> = found.keys().filter(|(f, _)| *f == file).cloned().collect();
        if rows.len() < n {
            wrong.push(format!("{file}: {n} bad children planted, rows in quarantine: {rows:?}"));
        }
        rows.iter().for_each(|row| {
            found.remove(row);
        });
    }
    wrong.extend(
        found.iter().map(|(at, rules)| format!("{at:?} is in quarantine under {rules:?}, and nobody planted it")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_quarantined_is_counted() {
    let sample = sample();
    let record: Value = serde_json::from_slice(&fs::read(sample.lake.join("runs/00000001.json")).unwrap()).unwrap();
    let receipts = record["body"]["receipts"].as_array().unwrap();
    let of = |file: &str| receipts.iter().filter(|r| r["file"] == file).collect::<Vec<_>>();
    let mut wanted: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for p in planted() {
        let counted = match p.fate {
            Fate::Blank(rule) | Fate::Note(rule) => rule,
            Fate::Duplicate => "duplicate",
            Fate::Quarantine(_) | Fate::Kept => continue,
        };
        *wanted.entry((p.file, counted)).or_default() += 1;
    }
    assert!(wanted.len() > 40, "{}", wanted.len());
    for ((file, rule), n) in wanted {
        let found: i64 = of(&file)
            .iter()
            .map(|r| match rule {
                "duplicate" => r["duplicate"].as_i64().unwrap(),
                rule => {
                    r["rules"][rule]["blanked"].as_i64().unwrap_or(0) + r["rules"][rule]["noted"].as_i64().unwrap_or(0)
                }
            })
            .sum();
        assert!(found >= n, "{file}: {n} planted, {found} counted under {rule}");
    }
    // Duplicates are exact: there are as many as were planted.
    let duplicates = planted().iter().filter(|p| p.fate == Fate::Duplicate).count() as i64;
    assert_eq!(number(&sample.lake, "SELECT sum(duplicate) FROM receipt"), duplicates);
}

/// Quarantine says where and why; there is no column that could hold what.
#[test]
fn quarantine_has_no_value() {
    let lake = &sample().lake;
    let table = sql(lake, "SELECT * FROM quarantine");
    let columns: BTreeSet<&str> = table.header.iter().map(String::as_str).collect();
    assert_eq!(columns, BTreeSet::from(["source", "slot", "feed", "file", "row", "table_name", "column_name", "rule"]));
    for row in &table.rows {
        assert!(row.iter().all(|v| !v.is_empty()), "{row:?}");
        assert!(row[table.at("row")].parse::<i64>().unwrap() > 0);
    }
}

//! Coming again: nothing new changes nothing, a later release revises, two files of one slot are refused.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use crate::support::{
    Lab, Table, copy_folder, files_under, number, sample, sample_command, sample_data, sql, verify_release,
};

fn contents(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    files_under(folder).into_iter().map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

#[test]
fn a_second_run_with_nothing_new_leaves_every_byte() {
    let sample = sample();
    let folder = TempDir::new().unwrap();
    let lake = folder.path().join("lake");
    copy_folder(&sample.lake, &lake);
    let before = contents(&lake);
    let ran = sample_command(&lake, &sample.key).run().good().says(&["nothing new", "000001-wessmark-partner"]);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    let after = contents(&lake);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file changed");
}

/// How long parts took is told and kept where somebody asks, and changes nothing that is published.
#[test]
fn timings_are_told_and_kept_where_somebody_asks() {
    let record = |lab: &Lab| -> serde_json::Value {
        serde_json::from_slice(&fs::read(lab.lake().join("runs/00000001.json")).unwrap()).unwrap()
    };
    let (asked, plain) = (Lab::street(), Lab::street());
    for lab in [&asked, &plain] {
        lab.give("police_street/2024-12-wessmark-street.csv.gz");
    }
    let ran = asked.run().args(["--timings"]).run().good();
    for part in ["definitions ", "ingest ", "  load ", "analyse ", "  disclose ", "publish "] {
        assert!(ran.stderr.lines().any(|line| line.starts_with(part)), "{part}: {}", ran.stderr);
    }
    let kept = record(&asked)["timings"].as_array().unwrap().clone();
    let of = |name: &str| kept.iter().find(|t| t["part"] == name).unwrap_or_else(|| panic!("{name}: {kept:?}"));
    assert_eq!((of("ingest")["depth"].as_u64(), of("load")["depth"].as_u64()), (Some(0), Some(1)));
    let ran = plain.run().run().good();
    assert!(!ran.stderr.contains("processor s") && record(&plain).get("timings").is_none());
    let tables = |lab: &Lab| {
        let files = contents(&lab.lake().join("published")).into_iter();
        files.filter(|(name, _)| name.ends_with(".csv")).collect::<Vec<_>>()
    };
    assert!(tables(&asked) == tables(&plain) && !tables(&plain).is_empty());
}

/// December 2024 of the sample comes again as a later release: 17 outcomes differ and nothing else.
#[test]
fn a_later_release_changes_outcomes_and_no_count() {
    let lab = Lab::street();
    for month in ["2024-11", "2024-12"] {
        lab.give(&format!("police_street/{month}-wessmark-street.csv.gz"));
    }
    lab.run().run().good();
    let lake = lab.lake();
    let by = "SELECT slot, month, crime_type, lsoa, in_area, count(*) AS n FROM event
              GROUP BY slot, month, crime_type, lsoa, in_area ORDER BY slot, month, crime_type, lsoa, in_area";
    let outcomes = "SELECT event_id, outcome FROM event WHERE identified ORDER BY event_id";
    let (counts, before) = (sql(&lake, by), sql(&lake, outcomes));
    let rows = number(&lake, "SELECT count(*) FROM event");

    let later = sample_data("later_release/police_street");
    lab.run()
        .arg("--input")
        .arg(format!("police_street={}", later.display()))
        .run()
        .good()
        .says(&["220 rows superseded"]);
    assert_eq!(number(&lake, "SELECT count(*) FROM event"), rows);
    assert_eq!(sql(&lake, by), counts);

    let after = sql(&lake, outcomes);
    assert_eq!(before.column("event_id"), after.column("event_id"), "the same records, by their ids");
    let changed = before.rows.iter().zip(&after.rows).filter(|(a, b)| a != b).count();
    let truth: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(sample_data("truth/counts.json")).unwrap()).unwrap();
    assert_eq!(changed as u64, truth["expected"]["later_release_changed_outcomes"].as_u64().unwrap());

    let receipt = sql(&lake, "SELECT superseded, revised, unchanged FROM receipt WHERE run = 2");
    let values: Vec<i64> = receipt.rows[0].iter().map(|v| v.parse().unwrap()).collect();
    assert_eq!((values[0], values[1]), (220, changed as i64));
    assert_eq!(
        values[1] + values[2],
        number(&lake, "SELECT count(*) FROM event WHERE identified AND slot LIKE '2024-12%'")
    );

    // Both releases stand whole, and their counts are equal.
    verify_release(&lab.release(1));
    verify_release(&lab.release(2));
    for table in ["hotspot_grid_250m__open_data_stand_in.csv", "monthly_trend__open_data_stand_in.csv"] {
        assert_eq!(Table::read(&lab.release(1).join(table)), Table::read(&lab.release(2).join(table)), "{table}");
    }

    // The older file again: its content is known, so it does not come back.
    lab.run().run().good().says(&["nothing new"]);
    assert_eq!(sql(&lake, outcomes), after);
}

/// A crime that comes again in a later extract is one crime, with its new state.
#[test]
fn a_record_that_comes_again_supersedes_the_earlier_one() {
    let lab = Lab::police();
    let months = ["2024-11", "2024-12", "2025-01"];
    for month in months {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
        lab.run().run().good();
    }
    let lake = lab.lake();
    let twice = number(&lake, "SELECT count(*) - count(DISTINCT event_id) FROM event");
    assert_eq!(twice, 0, "crimes stand twice");
    let people = "SELECT count(*) FROM party AS p WHERE NOT EXISTS (SELECT 1 FROM event AS e WHERE e.event_id = p.event_id AND e.slot = p.slot)";
    assert_eq!(number(&lake, people), 0, "people of a superseded crime are left");

    // All at once gives the same rows as month by month.
    let at_once = lab.path("at-once");
    lab.run_into(&at_once).run().good().says(&["records came again"]);
    let rows = "SELECT event_id, slot, outcome, row_digest FROM event ORDER BY event_id";
    assert_eq!(sql(&lake, rows), sql(&at_once, rows));
}

#[test]
fn the_same_content_under_another_name_is_known() {
    let lab = Lab::street();
    let file = lab.give("police_street/2025-01-wessmark-street.csv");
    lab.run().run().good();
    fs::copy(&file, file.with_file_name("2025-01-elsewhere-street.csv")).unwrap();
    lab.run().run().good().says(&["nothing new"]);
    assert_eq!(number(&lab.lake(), "SELECT count(DISTINCT slot) FROM event"), 1);
}

#[test]
fn two_files_of_one_slot_in_one_run_are_refused() {
    let lab = Lab::street();
    lab.give("police_street/2024-12-wessmark-street.csv.gz");
    fs::copy(
        sample_data("later_release/police_street/2024-12-wessmark-street.csv"),
        lab.extracts("police_street").join("2024-12-wessmark-street.csv"),
    )
    .unwrap();
    lab.run().run().ended(4).says(&["2024-12-wessmark-street.csv.gz", "2024-12-wessmark-street.csv", "hint:", "first"]);
    assert!(!lab.lake().join("published").exists());
    assert!(files_under(&lab.lake()).is_empty(), "{:?}", files_under(&lab.lake()).keys());
}

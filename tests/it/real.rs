//! Real input: thirty months of street-level crime of Devon and Cornwall, where `SVP_DATA` names the folder of the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{CLOCK, KEY, Table, aloud, number, sql, svp, verify_release};

/// Rows of the thirty files (checked against the publisher's files: one line each, no quoted line break).
const ROWS: i64 = 345_738;
/// Of them `Violence and sexual offences`.
const VIOLENCE: i64 = 110_238;
/// In a small area outside the twelve districts (246 of them in London).
const OUTSIDE: i64 = 296;
/// With a point outside and no small area (three points in and off Northern Ireland).
const ASTRAY: i64 = 3;
/// Without coordinates: kept, for counts that need no place.
const NO_POINT: i64 = 14_617;

fn data() -> Option<PathBuf> {
    match std::env::var("SVP_DATA") {
        Ok(folder) if !folder.is_empty() => {
            let folder = PathBuf::from(folder);
            assert!(
                folder.join("police_street/devon-and-cornwall").is_dir(),
                "SVP_DATA={} has no police_street/devon-and-cornwall",
                folder.display()
            );
            Some(std::fs::canonicalize(folder).unwrap())
        }
        _ => {
            aloud("SKIPPED: SVP_DATA is not set, so the thirty real months of Devon and Cornwall were not run");
            None
        }
    }
}

fn run(data: &Path, lake: &Path, key: &Path, more: &[String]) -> crate::support::Ran {
    svp(["run", "--area", "devon-and-cornwall", "--clock", CLOCK, "--reference"])
        .arg(data)
        .arg("--extracts")
        .arg(data)
        .arg("--lake")
        .arg(lake)
        .arg("--key")
        .arg(key)
        .args(more)
        .run()
        .good()
}

#[test]
fn thirty_months_of_devon_and_cornwall() {
    let Some(data) = data() else { return };
    let folder = TempDir::new().unwrap();
    let (lake, key) = (folder.path().join("lake"), folder.path().join("key"));
    std::fs::write(&key, KEY).unwrap();
    run(&data, &lake, &key, &[]);

    // Receipts: every row read is accounted for. Two are exact repeats, under one Crime ID, of a row of their file.
    let receipts = sql(
        &lake,
        "SELECT count(*), sum(rows_read), sum(accepted), sum(quarantined), sum(duplicate), sum(duplicate_differs) FROM receipt",
    );
    let sums: Vec<i64> = receipts.rows[0].iter().map(|v| v.parse().unwrap()).collect();
    let [files, read, accepted, quarantined, duplicate, differs] = sums[..] else { panic!("{receipts:?}") };
    assert_eq!((files, read, quarantined, differs), (30, ROWS, 0, 0));
    assert_eq!(read, accepted + duplicate);
    assert_eq!(duplicate, 2);
    assert_eq!(number(&lake, "SELECT count(*) FROM event"), accepted);

    // Violence and sexual offences: what is stored, and the repeats among them.
    let stored = number(&lake, "SELECT count(*) FROM event WHERE crime_type = 'Violence and sexual offences'");
    let lost = VIOLENCE - stored;
    assert_eq!(lost, 1, "{stored} of {VIOLENCE} stored: one of the two repeats is among them");

    // Rows outside the districts are kept and noted under a stated rule.
    assert_eq!(noted(&lake, "outside_area event.district"), OUTSIDE);
    assert_eq!(noted(&lake, "no_district event.district"), ASTRAY);
    assert_eq!(number(&lake, "SELECT count(*) FROM event WHERE in_area = false AND lsoa IS NOT NULL"), OUTSIDE);
    assert_eq!(number(&lake, "SELECT count(*) FROM event WHERE in_area = false AND lsoa IS NULL"), ASTRAY);
    // Rows without coordinates are kept, and say that no place is known.
    assert_eq!(number(&lake, "SELECT count(*) FROM event WHERE longitude IS NULL"), NO_POINT);
    assert_eq!(
        number(&lake, "SELECT count(*) FROM event WHERE longitude IS NULL AND place_precision NOT IN ('none', 'area')"),
        0
    );
    // Every coordinate of the twelve districts has a grid reference, the Isles of Scilly included.
    assert_eq!(
        number(&lake, "SELECT count(*) FROM event WHERE longitude IS NOT NULL AND in_area AND easting IS NULL"),
        0
    );
    assert!(number(&lake, "SELECT count(*) FROM event WHERE district = 'E06000053'") > 100);
    assert_eq!(number(&lake, "SELECT count(DISTINCT month) FROM event"), 30);

    let release = lake.join("published/000001-devon-and-cornwall-public");
    verify_release(&release);
    no_profile(&release);
    let map = Table::read(&release.join("hotspot_grid_250m__open_data_stand_in.csv"));
    assert!(map.rows.len() > 3000, "{} squares", map.rows.len());
    let months = Table::read(&release.join("monthly_trend__open_data_stand_in.csv")).counts("month", "events");
    assert_eq!(months.len(), 30);
    assert_eq!(months.values().sum::<f64>() as i64, stored - violence_outside(&lake));

    other_release(&data, &lake, &key, &release);
    protected(&data, &lake, &key, &folder.path().join("site"));
}

/// The same months as if they were not open already: a site whose rule suppresses 1 to 4 and rounds nothing. Then
/// everything that is printed is attacked, from the true table (from any other that fits takes far longer at this size).
fn protected(data: &Path, lake: &Path, key: &Path, site: &Path) {
    crate::support::copy_folder(&crate::support::root().join("pipelines"), &site.join("pipelines"));
    let edit = |file: &str, from: &str, to: &str| {
        let path = site.join("pipelines").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    edit(
        "sources/police_street.toml",
        "suppress_below = 0\nround_to = 1\nalready_open = true",
        "suppress_below = 5\nround_to = 1",
    );
    edit("areas/devon-and-cornwall.toml", "audience = \"public\"", "audience = \"police\"");
    let at = |command: &[&str]| {
        svp(["--site"])
            .arg(site)
            .args(command)
            .args(["--area", "devon-and-cornwall", "--lake"])
            .arg(lake)
            .arg("--reference")
            .arg(data)
    };
    let ran = svp(["--site"])
        .arg(site)
        .args(["run", "--area", "devon-and-cornwall", "--clock", CLOCK, "--reference"])
        .arg(data)
        .arg("--extracts")
        .arg(data)
        .arg("--lake")
        .arg(lake)
        .arg("--key")
        .arg(key)
        .run()
        .good();
    assert!(ran.stderr.contains("none can be bounded"), "{}", ran.stderr);
    let release = lake.join("published/000003-devon-and-cornwall-police");
    let map = Table::read(&release.join("hotspot_grid_250m__open_data_stand_in.csv"));
    let counts = map.counts("cell", "events");
    let hidden = map.column("events_suppressed").iter().filter(|f| **f == "true").count();
    assert!(
        counts.values().all(|n| *n >= 5.0) && counts.len() > 1000 && hidden > 1000,
        "{} shown, {hidden} hidden",
        counts.len()
    );
    let attack = at(&["disclose", "--attack", "--audience", "police"]).run().good();
    let attacked: u64 =
        attack.stdout.split(" suppressed or implied").next().unwrap().rsplit('\n').next().unwrap().parse().unwrap();
    assert!(attacked > 3000, "{attacked} numbers attacked");
    aloud(&format!("the thirty months under a rule that protects: {}", attack.stdout.trim().replace('\n', "; ")));
}

/// Rows that a rule only counted, over all receipts of the last run record.
fn noted(lake: &Path, rule: &str) -> i64 {
    let mut records: Vec<PathBuf> = std::fs::read_dir(lake.join("runs")).unwrap().map(|e| e.unwrap().path()).collect();
    records.retain(|p| p.extension().is_some_and(|e| e == "json"));
    records.sort();
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(records.last().unwrap()).unwrap()).unwrap();
    let receipts = record["body"]["receipts"].as_array().unwrap();
    receipts.iter().filter_map(|r| r["rules"][rule]["noted"].as_i64()).sum()
}

fn violence_outside(lake: &Path) -> i64 {
    number(lake, "SELECT count(*) FROM event WHERE in_area = false AND crime_type = 'Violence and sexual offences'")
}

/// Open data knows the month only: the profile of hours is not available, which is not zero.
fn no_profile(release: &Path) {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("manifest.json")).unwrap()).unwrap();
    let tables = manifest["tables"].as_array().unwrap();
    let profile = tables.iter().find(|t| t["name"] == "hour_of_week_profile__open_data_stand_in").unwrap();
    assert_eq!(profile["available"], false);
    assert!(profile["not_available_because"].as_str().unwrap().contains("month only"), "{profile}");
    assert!(!release.join("hour_of_week_profile__open_data_stand_in.csv").exists());
    let report = std::fs::read_to_string(release.join("report.html")).unwrap();
    assert!(report.contains("ot available"), "the report does not say `not available`");
    assert!(report.contains("stand-in"), "the report does not say that the definition is a stand-in");
}

/// Four of the months as another release published them: outcomes change and no count.
fn other_release(data: &Path, lake: &Path, key: &Path, first: &Path) {
    let by = "SELECT slot, month, crime_type, lsoa, place_precision, count(*) AS n FROM event
              GROUP BY slot, month, crime_type, lsoa, place_precision ORDER BY slot, month, crime_type, lsoa, place_precision";
    let outcomes = "SELECT slot, outcome, count(*) AS n FROM event GROUP BY slot, outcome ORDER BY slot, outcome";
    let (counts, before) = (sql(lake, by), sql(lake, outcomes));
    let other = data.join("police_street/devon-and-cornwall-other-release");
    run(data, lake, key, &["--input".into(), format!("police_street={}", other.display())]);
    assert_eq!(sql(lake, by), counts, "a count changed");
    let after = sql(lake, outcomes);
    let slots = |t: &Table| -> BTreeMap<String, Vec<Vec<String>>> {
        let mut out: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for row in &t.rows {
            out.entry(row[0].clone()).or_default().push(row[1..].to_vec());
        }
        out
    };
    let (before, after) = (slots(&before), slots(&after));
    let changed: Vec<&str> =
        before.iter().filter(|(slot, rows)| after.get(*slot) != Some(rows)).map(|(slot, _)| &slot[..7]).collect();
    assert_eq!(changed, ["2018-10", "2018-11", "2019-01", "2020-01"]);
    let read =
        "SELECT count(*) AS files, sum(rows_read) AS n, sum(superseded) AS superseded FROM receipt WHERE run = 2";
    let again = sql(lake, read);
    assert_eq!(again.column("files"), ["4"]);
    assert_eq!(again.column("n"), ["45849"]);
    let second = lake.join("published/000002-devon-and-cornwall-public");
    verify_release(&second);
    verify_release(first);
    for table in [
        "hotspot_grid_250m__open_data_stand_in.csv",
        "monthly_trend__open_data_stand_in.csv",
        "by_district__open_data_stand_in.csv",
    ] {
        assert_eq!(Table::read(&first.join(table)), Table::read(&second.join(table)), "{table}");
    }
}

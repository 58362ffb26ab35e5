//! Releases beside one another: a year of monthly releases with revisions; every kind of planted differencing; a ledger
//! that was edited or lost. What a reader can subtract is computed here from the printed CSV files alone.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Lab, Ran, Table, sql, svp};

/// Counts below this are small in these tests, and nothing is rounded: the hardest case for releases in a row.
const BELOW: f64 = 5.0;

/// Police crimes with exact counts under the partnership's policy.
fn exact(outputs: &[&str]) -> Lab {
    let lab = Lab::new(&["police_rms"], "opcc_2020", outputs);
    // All violence with injury, so that there is something to count in a month.
    let condition = "offence_code IN ('1', '2', '5D')";
    lab.edit(
        "pipelines/definitions/opcc_2020.toml",
        condition,
        "offence_group IN ('homicide', 'violence_with_injury')",
    );
    lab.edit("pipelines/sources/police_rms.toml", "round_to = 5", "round_to = 1");
    lab
}

fn period(lab: &Lab, from: &str, to: &str) {
    let path = lab.site().join("pipelines/areas/wessmark.toml");
    let mut area: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    let mut period = toml::Table::new();
    period.insert("from".into(), from.into());
    period.insert("to".into(), to.into());
    area.insert("period".into(), period.into());
    fs::write(path, toml::to_string(&area).unwrap()).unwrap();
}

fn outputs(lab: &Lab, names: &[&str]) {
    let path = lab.site().join("pipelines/areas/wessmark.toml");
    let mut area: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    area.insert("outputs".into(), names.iter().map(|n| toml::Value::from(*n)).collect::<Vec<_>>().into());
    fs::write(path, toml::to_string(&area).unwrap()).unwrap();
}

fn give(lab: &Lab, month: &str) {
    lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
}

/// The attack on everything that the audience was given, with what is printed and nothing else.
fn attack(lab: &Lab) -> Ran {
    svp(["--site"])
        .arg(lab.site())
        .args(["disclose", "--attack", "--blind", "--area", "wessmark", "--audience", "partner", "--lake"])
        .arg(lab.lake())
        .run()
}

/// What is shown of a table of a release; a suppressed or merged number is not there.
fn shown(release: &Path, table: &str, key: &str) -> BTreeMap<String, f64> {
    let path = release.join(format!("{table}__opcc_2020.csv"));
    if path.exists() { Table::read(&path).counts(key, "events") } else { BTreeMap::new() }
}

/// Cells of two releases that are both shown and differ by a small number: somebody could be told.
fn small_differences(earlier: &BTreeMap<String, f64>, later: &BTreeMap<String, f64>) -> Vec<String> {
    let small = |(key, n): (&String, &f64)| {
        let difference = (n - earlier.get(key)?).abs();
        (difference > 0.0 && difference < BELOW).then(|| key.clone())
    };
    later.iter().filter_map(small).collect()
}

/// The same from the lake's true counts: kinds of place in which few events came with a month. Two releases that
/// printed everything would tell them.
fn true_differences(lab: &Lab, month: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM (SELECT location_type, count(*) AS n FROM event
         WHERE offence_group IN ('homicide', 'violence_with_injury') AND in_area AND month = '{month}' GROUP BY 1)
         WHERE n < 5"
    );
    sql(&lab.lake(), &query).one().parse().unwrap()
}

const MONTHS: [&str; 12] = [
    "2024-04", "2024-05", "2024-06", "2024-07", "2024-08", "2024-09", "2024-10", "2024-11", "2024-12", "2025-01",
    "2025-02", "2025-03",
];

/// Every month a release of all months so far: each can be subtracted from the one before, cell by cell.
#[test]
fn a_year_of_monthly_releases() {
    let tables = ["by_district", "hotspot_grid_250m", "monthly_trend", "place_types"];
    let lab = exact(&tables);
    let keys = [
        ("by_district", "district"),
        ("hotspot_grid_250m", "cell"),
        ("monthly_trend", "month"),
        ("place_types", "location_type"),
    ];
    let mut before: Vec<BTreeMap<String, BTreeMap<String, f64>>> = Vec::new();
    let (mut would, mut kept, mut held_back) = (0, 0, 0);
    for (i, month) in MONTHS.iter().enumerate() {
        give(&lab, month);
        period(&lab, MONTHS[0], month);
        lab.run().run().good();
        let release = lab.release(i as u64 + 1);
        let mut now = BTreeMap::new();
        for (table, key) in keys {
            now.insert(table.to_owned(), shown(&release, table, key));
        }
        for earlier in &before {
            for (table, _) in keys.iter().filter(|(t, _)| *t != "hotspot_grid_250m") {
                let found = small_differences(&earlier[*table], &now[*table]);
                assert!(found.is_empty(), "{month}, {table}: {found:?} can be subtracted from an earlier release");
            }
            // A whole cell that both show; a rest is of another ground each time.
            let cells = |t: &BTreeMap<String, f64>| -> BTreeMap<String, f64> {
                t.iter().filter(|(c, _)| !c.starts_with("rest")).map(|(c, n)| (c.clone(), *n)).collect()
            };
            let found = small_differences(&cells(&earlier["hotspot_grid_250m"]), &cells(&now["hotspot_grid_250m"]));
            assert!(found.is_empty(), "{month}: {found:?} can be subtracted from an earlier map");
        }
        if i > 0 {
            would += true_differences(&lab, month);
            let manifest: Value = serde_json::from_slice(&fs::read(release.join("manifest.json")).unwrap()).unwrap();
            let tables = manifest["tables"].as_array().unwrap();
            kept += tables.iter().filter(|t| t["available"] == true).count();
            held_back += tables
                .iter()
                .filter(|t| t["available"] == false || t["disclosure"]["suppressed"].as_u64().unwrap() > 0)
                .count();
        }
        before.push(now);
    }
    attack(&lab).good();
    assert!(would > 20, "{would} small differences: too few were planted");
    // What is safe goes out: most tables of most months.
    assert!(kept >= 22, "{kept} of 44 tables went out, {held_back} with something held back");
    let ledger = svp(["disclose", "--ledger", "--lake"]).arg(lab.lake()).run().good();
    assert!(ledger.stdout.contains("partner: 12 releases, chain whole"), "{}", ledger.stdout);
}

/// Removes the rows of one crime from an extract.
fn without_one_crime(lab: &Lab, month: &str, which: usize) {
    let path = lab.extracts("police_rms").join(format!("rms_crimes_{month}.csv"));
    let bytes = fs::read(&path).unwrap();
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    // Violence with injury at a known point, one victim row: HO code 8/06.
    let crimes: Vec<Vec<u8>> = lines
        .iter()
        .filter(|l| String::from_utf8_lossy(l).contains(",8/06,") && String::from_utf8_lossy(l).contains(",VICTIM,"))
        .map(|l| l.split(|b| *b == b',').next().unwrap().to_vec())
        .collect();
    let gone = &crimes[which];
    lines.retain(|l| !l.starts_with(gone));
    let kept = lines.concat();
    assert!(kept.len() < bytes.len());
    fs::write(path, kept).unwrap();
}

fn two_releases(tables: &[&str], change: impl Fn(&Lab)) -> Lab {
    let lab = exact(tables);
    for month in &MONTHS[..3] {
        give(&lab, month);
    }
    period(&lab, MONTHS[0], MONTHS[2]);
    lab.run().run().good();
    change(&lab);
    lab.run().run().good();
    lab
}

/// One crime, and so one victim, is gone from a revised file: one person, one revised file.
#[test]
fn one_person_less() {
    let events = |lab: &Lab| -> f64 {
        let query =
            "SELECT count(*) FROM event WHERE offence_group IN ('homicide', 'violence_with_injury') AND in_area";
        sql(&lab.lake(), query).one().parse().unwrap()
    };
    let then = Cell::new(0.0);
    let lab = two_releases(&["by_district", "monthly_trend"], |lab| {
        then.set(events(lab));
        without_one_crime(lab, "2024-05", 3);
    });
    let (then, now) = (then.get(), events(&lab));
    let of = |n: u64, table: &str, key: &str| shown(&lab.release(n), table, key);
    assert!(then > now && then - now < BELOW, "one crime was taken out: {then} then, {now} now");
    for (table, key) in [("by_district", "district"), ("monthly_trend", "month")] {
        let (before, after) = (of(1, table, key), of(2, table, key));
        assert_eq!(small_differences(&before, &after), Vec::<String>::new(), "{table}");
        // The total is a number too.
        let whole = |t: &BTreeMap<String, f64>| (t.len() == before.len()).then(|| t.values().sum::<f64>());
        if let (Some(a), Some(b)) = (whole(&before), whole(&after)) {
            assert!((a - b).abs() >= BELOW || a == b, "{table}: the totals tell of {}", a - b);
        }
    }
    attack(&lab).good();
}

/// The same under a policy that refuses: nothing is published, the clause and what could be computed are named.
#[test]
fn one_person_less_is_refused() {
    let lab = exact(&["by_district", "monthly_trend"]);
    lab.edit("pipelines/policies/partner.toml", "on_difference = \"suppress\"", "on_difference = \"refuse\"");
    for month in &MONTHS[..3] {
        give(&lab, month);
    }
    period(&lab, MONTHS[0], MONTHS[2]);
    lab.run().run().good();
    without_one_crime(&lab, "2024-05", 3);
    lab.run().run().ended(9).says(&["it could be subtracted from an earlier release", "hint:"]);
    assert!(!lab.release(2).exists());
    let ledger = svp(["disclose", "--ledger", "--lake"]).arg(lab.lake()).run().good();
    assert!(ledger.stdout.contains("partner: 1 releases"), "{}", ledger.stdout);
}

/// A cell was suppressed, and a laxer rule would print it now.
#[test]
fn one_cell_shown_later() {
    let lab = exact(&["by_district", "place_types"]);
    lab.edit("pipelines/sources/police_rms.toml", "suppress_below = 5", "suppress_below = 12");
    for month in &MONTHS[..3] {
        give(&lab, month);
    }
    period(&lab, MONTHS[0], MONTHS[2]);
    lab.run().run().good();
    lab.edit("pipelines/sources/police_rms.toml", "suppress_below = 12", "suppress_below = 5");
    lab.run().run().good();
    let table = |n: u64| Table::read(&lab.release(n).join("place_types__opcc_2020.csv"));
    let hidden = |t: &Table| -> Vec<String> {
        let (kind, flag) = (t.column("location_type"), t.column("events_suppressed"));
        kind.iter().zip(flag).filter(|(_, f)| *f == "true").map(|(k, _)| (*k).to_owned()).collect()
    };
    let (before, after) = (hidden(&table(1)), hidden(&table(2)));
    assert!(!before.is_empty());
    let revealed: Vec<&String> = before.iter().filter(|k| !after.contains(k)).collect();
    assert!(revealed.is_empty(), "{revealed:?} were hidden and are shown");
    attack(&lab).good();
}

/// Another grid of the same events.
#[test]
fn another_grid_resolution() {
    let lab = two_releases(&["hotspot_grid_250m"], |lab| outputs(lab, &["hotspot_grid_150m", "hotspot_grid_500m"]));
    assert!(lab.release(1).join("hotspot_grid_250m__opcc_2020.csv").exists());
    let manifest: Value = serde_json::from_slice(&fs::read(lab.release(2).join("manifest.json")).unwrap()).unwrap();
    let why = |name: &str| {
        let tables = manifest["tables"].as_array().unwrap();
        tables.iter().find(|t| t["name"] == name).unwrap()["not_available_because"].clone()
    };
    let reason = why("hotspot_grid_150m__opcc_2020");
    assert!(reason.as_str().unwrap().contains("overlap without nesting"), "{reason}");
    // Squares of 500 m are made of squares of 250 m: what is left of one is nobody or many.
    let small = shown(&lab.release(1), "hotspot_grid_250m", "cell");
    for (cell, n) in shown(&lab.release(2), "hotspot_grid_500m", "cell") {
        let Some(corner) = cell.strip_prefix("500m:") else { continue };
        let (e, n0) =
            corner.split_once(':').map(|(e, n)| (e.parse::<i64>().unwrap(), n.parse::<i64>().unwrap())).unwrap();
        let inside: f64 = [(0, 0), (250, 0), (0, 250), (250, 250)]
            .iter()
            .filter_map(|(x, y)| small.get(&format!("250m:{}:{}", e + x, n0 + y)))
            .sum();
        let rest = n - inside;
        assert!(inside == 0.0 || rest == 0.0 || rest >= BELOW, "{cell} less its squares of 250 m is {rest}");
    }
    attack(&lab).good();
}

/// Nothing changed, or something entirely else is released: nothing is held back.
#[test]
fn what_is_safe_goes_out() {
    let lab = two_releases(&["by_district", "monthly_trend"], |lab| outputs(lab, &["monthly_trend", "by_district"]));
    for (table, key) in [("by_district", "district"), ("monthly_trend", "month")] {
        assert_eq!(shown(&lab.release(1), table, key), shown(&lab.release(2), table, key), "{table}");
    }
    // Another period that shares no month.
    for month in &MONTHS[6..9] {
        give(&lab, month);
    }
    period(&lab, MONTHS[6], MONTHS[8]);
    lab.run().run().good();
    let suppressed = |n: u64| {
        let manifest: Value = serde_json::from_slice(&fs::read(lab.release(n).join("manifest.json")).unwrap()).unwrap();
        manifest["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["disclosure"]["suppressed"].as_u64().unwrap())
            .sum::<u64>()
    };
    // As much is held back as in a release that nothing stands beside.
    let alone = exact(&["monthly_trend", "by_district"]);
    for month in MONTHS[..3].iter().chain(&MONTHS[6..9]) {
        give(&alone, month);
    }
    period(&alone, MONTHS[6], MONTHS[8]);
    alone.run().run().good();
    let manifest =
        |folder: &Path| -> Value { serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap() };
    let held = |m: &Value| -> u64 {
        m["tables"].as_array().unwrap().iter().map(|t| t["disclosure"]["suppressed"].as_u64().unwrap()).sum()
    };
    assert_eq!(suppressed(3), held(&manifest(&alone.release(1))));
    attack(&lab).good();
}

/// A ledger that was edited, cut or lost stops the next release; it can be begun anew by somebody who says why.
#[test]
fn an_edited_or_lost_ledger_stops_the_next_release() {
    let lab = two_releases(&["by_district"], |lab| period(lab, MONTHS[0], MONTHS[1]));
    let entry = |n: u64| lab.lake().join(format!("ledger/{n:06}-wessmark-partner/entry.json"));
    let good: Vec<Vec<u8>> = (1..=2).map(|n| fs::read(entry(n)).unwrap()).collect();
    let list = || svp(["disclose", "--ledger", "--lake"]).arg(lab.lake()).run();
    list().good();

    let text = String::from_utf8(good[0].clone()).unwrap();
    let at = text.find("\"rows\":").unwrap();
    let digit = at + text[at..].find(|c: char| c.is_ascii_digit()).unwrap();
    let mut edited = good[0].clone();
    edited[digit] = if edited[digit] == b'9' { b'1' } else { edited[digit] + 1 };
    fs::write(entry(1), &edited).unwrap();
    period(&lab, MONTHS[1], MONTHS[2]);
    lab.run().run().ended(9).says(&["was changed after it was written", "hint: restore the ledger"]);
    list().ended(9);
    fs::write(entry(1), &good[0]).unwrap();

    fs::remove_file(entry(2)).unwrap();
    lab.run().run().ended(9).says(&["its end was removed"]);
    fs::remove_file(entry(1)).unwrap();
    lab.run().run().ended(9).says(&["the ledger is lost", "--start-ledger-anew"]);
    assert!(!lab.release(3).exists());

    lab.run().args(["--start-ledger-anew", "A. Person, head of analysis"]).run().ended(2);
    lab.run()
        .args([
            "--start-ledger-anew",
            "A. Person, head of analysis",
            "--reason",
            "the disk was lost, no backup was kept",
        ])
        .run()
        .good();
    let review = fs::read_to_string(lab.lake().join("ledger/000003-wessmark-partner/review.md")).unwrap();
    assert!(review.contains("The ledger was begun anew") && review.contains("A. Person"), "{review}");
    list().good();
    // From here on it is whole: it cannot be begun anew again.
    period(&lab, MONTHS[0], MONTHS[2]);
    lab.run().args(["--start-ledger-anew", "A. Person", "--reason", "x"]).run().ended(9).says(&["the ledger is whole"]);
}

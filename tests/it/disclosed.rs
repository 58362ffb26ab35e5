//! What is published passed disclosure control: suppressed is NULL and flagged, never 0, and derived columns follow.

use std::collections::BTreeMap;
use std::fs::{self, File};

use arrow::array::{Array, AsArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::{Table, sample};

fn manifest() -> Value {
    serde_json::from_slice(&fs::read(sample().release.join("manifest.json")).unwrap()).unwrap()
}

fn names(table: &Value, list: &str) -> Vec<String> {
    table[list].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
}

/// The rule of each published table, from its manifest: (suppress below, round to).
fn rule(table: &Value) -> (i64, i64) {
    let number = |name: &str| table["disclosure"][name].as_i64().unwrap();
    (number("suppress_below"), number("round_to").max(1))
}

#[test]
fn no_small_number_is_published() {
    let manifest = manifest();
    let (mut tables, mut suppressed) = (0, 0);
    for table in manifest["tables"].as_array().unwrap().iter().filter(|t| t["available"] == true) {
        let name = table["name"].as_str().unwrap();
        let (below, round) = rule(table);
        let csv = Table::read(&sample().release.join(format!("{name}.csv")));
        assert_eq!(csv.rows.len() as i64, table["rows"].as_i64().unwrap(), "{name}");
        tables += 1;
        for count in names(table, "counts") {
            let (at, flag) = (csv.at(&count), csv.at(&format!("{count}_suppressed")));
            for row in &csv.rows {
                match row[flag].as_str() {
                    "true" => {
                        assert_eq!(row[at], "[c]", "{name}.{count}: {row:?}");
                        suppressed += 1;
                    }
                    "false" if row[at] == "[x]" => {}
                    "false" => {
                        let n: i64 = row[at].parse().unwrap();
                        assert!(n == 0 || n >= below, "{name}.{count}: {n} is below {below}");
                        assert_eq!(n % round, 0, "{name}.{count}: {n} is not rounded to {round}");
                    }
                    other => panic!("{name}.{count}: flag `{other}`"),
                }
            }
        }
        // With one count, what is derived from it is known where the count is, and only there.
        if names(table, "counts").len() == 1 {
            for derived in names(table, "derived") {
                let (at, flag) = (csv.at(&derived), csv.at(&format!("{}_suppressed", names(table, "counts")[0])));
                let told = csv.rows.iter().find(|r| r[flag] == "true" && !r[at].starts_with('['));
                assert!(told.is_none(), "{name}.{derived} tells what was suppressed: {told:?}");
            }
        }
    }
    assert!(tables > 20 && suppressed > 200, "{tables} tables, {suppressed} suppressed cells");
}

/// The strictest rule of the sources wins: hospital data brings its own into every table that it stands behind.
#[test]
fn the_strictest_rule_of_the_sources_wins() {
    let manifest = manifest();
    let mut rules: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for table in manifest["tables"].as_array().unwrap().iter().filter(|t| t["available"] == true) {
        rules.insert(table["name"].as_str().unwrap(), rule(table));
    }
    for (name, rule) in &rules {
        let wanted = if name.starts_with("people_by_agencies") || name.ends_with("injury_violence") {
            (8, 5)
        } else if name.ends_with("opcc_2020") && !name.starts_with("people_by") {
            (5, 5)
        } else if name.ends_with("open_data_stand_in") {
            (0, 1)
        } else {
            continue;
        };
        assert_eq!(*rule, wanted, "{name}");
    }
    assert!(rules.len() > 20);
}

/// In Parquet a suppressed count is NULL with its flag beside it.
#[test]
fn suppressed_is_null_in_parquet() {
    let file = sample().release.join("hour_of_week_profile__opcc_2020.parquet");
    let (mut nulls, mut values) = (0, 0);
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let events = batch.column_by_name("events").unwrap();
        let flags = batch.column_by_name("events_suppressed").unwrap().as_boolean();
        let share = batch.column_by_name("share").unwrap();
        for row in 0..batch.num_rows() {
            assert_eq!(events.is_null(row), flags.value(row), "row {row}");
            assert_eq!(events.is_null(row), share.is_null(row), "row {row}");
            if events.is_null(row) { nulls += 1 } else { values += 1 }
        }
    }
    assert!(nulls > 50 && values > 50, "{nulls} suppressed, {values} shown");
}

/// Open data knows the month only: the profile of hours is not available, which is not zero.
#[test]
fn months_give_no_profile_of_hours() {
    let manifest = manifest();
    let tables = manifest["tables"].as_array().unwrap();
    let profile = tables.iter().find(|t| t["name"] == "hour_of_week_profile__open_data_stand_in").unwrap();
    assert_eq!(profile["available"], false);
    assert!(profile["not_available_because"].as_str().unwrap().contains("month only"), "{profile}");
    assert!(profile["stand_in"].as_str().unwrap().contains("stand-in"), "{profile}");
    for form in ["csv", "parquet"] {
        assert!(!sample().release.join(format!("hour_of_week_profile__open_data_stand_in.{form}")).exists());
    }
}

#[test]
fn receipts_of_single_files_stay_in_the_lake() {
    let manifest = manifest();
    let receipts = manifest["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 7, "one a source");
    for receipt in receipts {
        // Sources that are open already are told exactly; the others in fives, and no count from 1 to 4.
        let open = receipt["source"].as_str().unwrap().starts_with("police_st");
        for name in ["rows_read", "accepted", "quarantined", "duplicate"] {
            let figure = &receipt[name];
            assert!(figure.as_u64().map_or(*figure == "[c]", |n| open || n % 5 == 0), "{receipt}");
        }
        let files = receipt["files"].as_array().unwrap();
        assert!(!files.is_empty());
        assert!(files.iter().all(|f| f.as_str().unwrap().rsplit_once(" file-").is_some_and(|(_, d)| d.len() == 12)));
        assert!(receipt.get("rules").is_none() && receipt.get("sha256").is_none());
    }
    // The strictest rule of the sample is that of the NHS: 1 to 7 suppressed, others in fives.
    let joins = manifest["linkage"]["records_by_certainty"].as_object().unwrap();
    assert!(!joins.is_empty());
    for shown in joins.values() {
        assert!(shown == "[c]" || shown.as_u64().is_some_and(|n| n % 5 == 0), "a count of people");
    }
}

/// Maps keep their totals: what is too small is merged, nothing is suppressed, and the pieces of the map add up.
#[test]
fn maps_are_merged_and_keep_their_totals() {
    let query = "SELECT count(*) FROM event AS e WHERE agency = 'police' AND offence_code IN ('1', '2', '5D')
        AND easting IS NOT NULL AND in_area AND place_precision IN ('exact', 'snapped') AND domestic IS NOT TRUE
        AND coalesce(location_type, '') <> 'home'
        AND NOT EXISTS (SELECT 1 FROM exclusion AS x WHERE (e.easting - x.easting) * (e.easting - x.easting)
          + (e.northing - x.northing) * (e.northing - x.northing) <= x.radius_m * x.radius_m)";
    let ran = crate::support::svp(["sql", "--area", "wessmark", "--format", "csv", "--lake"])
        .arg(&sample().lake)
        .arg(query)
        .run()
        .good();
    let truth: f64 = Table::parse(&ran.stdout).one().parse().unwrap();
    for size in [250, 500] {
        let map = Table::read(&sample().release.join(format!("hotspot_grid_{size}m__opcc_2020.csv")));
        assert!(map.column("events_suppressed").iter().all(|f| *f == "false"));
        let shown: f64 = map.counts("cell", "events").values().sum();
        // Each piece is rounded to the nearest five.
        assert!((shown - truth).abs() <= 2.0 * map.rows.len() as f64, "{size} m: {shown} shown, {truth} counted");
        let rests = map.column("merged").iter().filter(|m| **m == "true").count();
        assert!(rests > 10, "{rests} rests");
        let (cells, merged, ranks) = (map.column("cell"), map.column("merged"), map.column("rank"));
        for ((cell, merged), rank) in cells.iter().zip(merged).zip(ranks) {
            assert_eq!(cell.starts_with("rest"), merged == "true", "{cell}");
            assert_eq!(rank == "[x]", merged == "true", "a rest has no rank: {cell} {rank}");
        }
    }
}

/// Grids that do not nest cannot go out beside one another.
#[test]
fn of_grids_that_do_not_nest_one_goes_out() {
    let manifest = manifest();
    let why = |name: &str| {
        let tables = manifest["tables"].as_array().unwrap();
        tables.iter().find(|t| t["name"] == name).unwrap()["not_available_because"].as_str().map(str::to_owned)
    };
    for name in ["hotspot_grid_150m__opcc_2020", "hotspot_grid_h3__opcc_2020"] {
        assert!(why(name).is_some_and(|w| w.contains("overlap without nesting")), "{name}: {:?}", why(name));
    }
    // Open data is everybody's already: every grid of it goes out.
    for name in ["hotspot_grid_150m__open_data_stand_in", "hotspot_grid_h3__open_data_stand_in"] {
        assert_eq!(why(name), None);
    }
}

/// The attack by everything that is printed bounds nothing, with and without the true counts to start from.
#[test]
fn the_attack_on_the_sample_bounds_nothing() {
    let attack = |blind: &[&str]| {
        crate::support::svp(["disclose", "--attack", "--area", "wessmark", "--audience", "partner", "--lake"])
            .arg(&sample().lake)
            .args(blind)
            .run()
            .good()
    };
    for ran in [attack(&[]), attack(&["--blind"])] {
        assert!(ran.stdout.contains("nothing can be bounded"), "{}", ran.stdout);
        let attacked: u64 =
            ran.stdout.split(" suppressed or implied").next().unwrap().rsplit('\n').next().unwrap().parse().unwrap();
        assert!(attacked > 200, "{attacked} numbers attacked");
    }
}

/// What the signing person reads: one page, no suppressed value, and it stays in the restricted part of the lake.
#[test]
fn the_review_record_is_one_page() {
    let sample = sample();
    let ran = crate::support::svp(["disclose", "--review", "000001-wessmark-partner", "--lake"])
        .arg(&sample.lake)
        .run()
        .good();
    assert!(ran.stdout.contains("May be signed") && ran.stdout.contains("## Signature"), "{}", ran.stdout);
    assert!(ran.stdout.lines().count() < 120, "{} lines", ran.stdout.lines().count());
    assert!(sample.lake.join("ledger/000001-wessmark-partner/entry.json").exists());
    for file in ["entry.json", "review.md", "review.json"] {
        assert!(!sample.release.join(file).exists(), "{file} is not for readers");
    }
    // How many cells are hidden for their own smallness would tell more about each than its mark does.
    let manifest = fs::read_to_string(sample.release.join("manifest.json")).unwrap();
    assert!(!manifest.contains("primary") && !manifest.contains("secondary"));
}

/// The gate for tables made by hand: an exit code, and what was found by column and rule.
#[test]
fn tables_made_by_hand_pass_the_gate_or_do_not() {
    let folder = tempfile::TempDir::new().unwrap();
    let check = |text: &str, counts: &str| {
        let file = folder.path().join("table.csv");
        fs::write(&file, text).unwrap();
        crate::support::svp(["disclose", "--audience", "partner", "--sources", "ecds", "--counts", counts, "--check"])
            .arg(&file)
            .run()
    };
    check("district,events\nAverholt,120\nSaltmarch,95\nDunveil,10\n", "events").good();
    let small = check("district,events\nAverholt,120\nSaltmarch,3\nDunveil,10\n", "events").ended(9);
    assert!(small.stdout.contains("column events") && !small.stdout.contains("Saltmarch"), "{}", small.stdout);
    let margin = check("district,events\nAverholt,120\nSaltmarch,[c]\nDunveil,10\nTotal,135\n", "events");
    assert!(margin.code == 9 || margin.stdout.contains("sum"), "{}", margin.stdout);
    check("district,nhs,events\nAverholt,943 476 5919,120\n", "events").ended(9);
    // A release's own tables pass.
    let own = sample().release.join("by_district__opcc_2020.csv");
    crate::support::svp([
        "disclose",
        "--audience",
        "partner",
        "--sources",
        "police_rms",
        "--counts",
        "events",
        "--check",
    ])
    .arg(own)
    .run()
    .good();
}

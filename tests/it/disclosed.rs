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
    assert!(tables > 20 && suppressed > 500, "{tables} tables, {suppressed} suppressed cells");
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
    let file = sample().release.join("hotspot_grid_250m__opcc_2020.parquet");
    let (mut nulls, mut values) = (0, 0);
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let events = batch.column_by_name("events").unwrap();
        let flags = batch.column_by_name("events_suppressed").unwrap().as_boolean();
        let rank = batch.column_by_name("rank").unwrap();
        for row in 0..batch.num_rows() {
            assert_eq!(events.is_null(row), flags.value(row), "row {row}");
            assert_eq!(events.is_null(row), rank.is_null(row), "row {row}");
            if events.is_null(row) { nulls += 1 } else { values += 1 }
        }
    }
    assert!(nulls > 100 && values >= 6, "{nulls} suppressed, {values} shown");
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
        let number = |name: &str| receipt[name].as_u64().unwrap();
        assert_eq!(number("rows_read"), number("accepted") + number("quarantined") + number("duplicate"));
        assert!(receipt.get("rules").is_none() && receipt.get("sha256").is_none());
    }
    // The strictest rule of the sample is that of the NHS: 1 to 7 suppressed, others in fives.
    let joins = manifest["linkage"]["joins_by_key"].as_object().unwrap();
    assert!(!joins.is_empty());
    for shown in joins.values() {
        assert!(shown == "[c]" || shown.as_u64().is_some_and(|n| n % 5 == 0), "a join count of people");
    }
}

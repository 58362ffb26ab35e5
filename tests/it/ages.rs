//! What a lake tells of ages and of places in an extract, read as a thief of its folders reads it: bands, sealed ages, an order of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use svp_contract::{AgeBand, ColumnType, Nature, canonical_tables};

use crate::attacks::with_ages;
use crate::support::analysis::analyse;
use crate::support::rows::{ECDS, MARCH, attendance, extract, with};
use crate::support::{KEY, Lab, files_under, number, sample, session_under, sql, svp};

/// Rows of the extract.
const ROWS: usize = 60;
/// An age that nobody else has, and that no other number of the lake is.
const STRANGE: i32 = 97;

fn age(i: usize) -> i32 {
    if i % 7 == 3 { STRANGE } else { 12 + (i as i32 * 5) % 70 }
}

/// A lake of one extract that was sorted by name, with strange ages.
fn filled() -> Lab {
    let lab = Lab::new(&["ecds"], "injury_violence", &["monthly_trend"]);
    let text = extract(ECDS, ROWS, |i| {
        let said = vec![
            ("Age_At_Arrival", age(i).to_string()),
            ("Person_Birth_Date", String::new()),
            ("Person_Family_Name", format!("Family{i:04}")),
        ];
        with(attendance(i), said)
    });
    lab.write(MARCH, text);
    lab.run().run().good();
    lab
}

/// The rows of every Parquet file below a folder, live or not, with the table that it is of.
pub fn rows_below(folder: &Path) -> Vec<(String, RecordBatch)> {
    let mut out = Vec::new();
    for (name, path) in files_under(folder).into_iter().filter(|(name, _)| name.ends_with(".parquet")) {
        let table = name.split('/').next().unwrap().to_owned();
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
        // A file without rows still has columns.
        out.push((table.clone(), RecordBatch::new_empty(reader.schema().clone())));
        out.extend(reader.build().unwrap().map(|batch| (table.clone(), batch.unwrap())));
    }
    out
}

/// Whole numbers that stand in the canonical and linked zones, each with why it is no age and no row number.
const NUMBERS: [(&str, &str); 7] = [
    ("event.row_digest", "keyed"),
    ("event_superseded.row_digest", "keyed"),
    ("person_link.mark", "a digest of keyed encodings"),
    ("person_history.run", "a run"),
    ("person_history.records", "of a person"),
    ("event_matchable.hour", "of the day"),
    ("event_match_level.matches", "of a list"),
];

#[test]
fn no_column_tells_an_exact_age_or_a_row() {
    let lab = filled();
    let lake = lab.lake();
    let known: BTreeSet<&str> = NUMBERS.iter().map(|(column, _)| *column).chain(["event_match_weight.class"]).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for zone in ["canonical", "linked"] {
        for (table, batch) in rows_below(&lake.join(zone)) {
            *seen.entry(table.clone()).or_default() += batch.num_rows();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                let name = format!("{table}.{}", field.name());
                assert!(!["age", "other_age", "source_row", "row"].contains(&field.name().as_str()), "{name}");
                match field.data_type() {
                    DataType::Int32 => {
                        assert!(known.contains(name.as_str()), "{name} is a whole number that nobody explained");
                        assert!(!column.as_primitive::<Int32Type>().values().contains(&STRANGE), "{name}");
                    }
                    DataType::Int64 => {
                        assert!(known.contains(name.as_str()), "{name} is a whole number that nobody explained");
                        assert!(!column.as_primitive::<Int64Type>().values().contains(&i64::from(STRANGE)), "{name}");
                    }
                    DataType::Utf8 => {
                        let ages = (0..=120).map(|age: i32| age.to_string()).collect::<BTreeSet<_>>();
                        let texts = column.as_string::<i32>().iter().flatten();
                        assert!(!texts.into_iter().any(|text| ages.contains(text)), "{name} holds an age");
                    }
                    DataType::Binary => assert_eq!(field.name(), "age_sealed", "{name}"),
                    DataType::Boolean | DataType::Float64 | DataType::Date32 | DataType::Timestamp(..) => {}
                    other => panic!("{name}: {other}"),
                }
            }
        }
    }
    assert_eq!((seen["event"], seen["party"]), (ROWS, ROWS));

    // The band is there, and the age under the key alone.
    let old = number(&lake, "SELECT count(*) FROM party WHERE age_band = '90+'");
    assert_eq!(old as usize, (0..ROWS).filter(|i| age(*i) == STRANGE).count());
    for question in ["SELECT age FROM party", "SELECT opened_number(party_id, age_sealed) FROM party"] {
        svp(["sql", "--lake"]).arg(&lake).arg(question).run().ended(10);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rows = runtime
        .block_on(async { session_under(&lake, KEY).await.table("party").await.unwrap().collect().await.unwrap() });
    let mut opened: Vec<i32> = Vec::new();
    for batch in rows.iter().map(|batch| with_ages(batch, KEY)) {
        let bands = batch.column_by_name("age_band").unwrap().as_string::<i32>();
        let ages = batch.column_by_name("age").unwrap().as_primitive::<Int32Type>();
        for (age, band) in ages.iter().flatten().zip(bands.iter().flatten()) {
            assert_eq!(AgeBand::of(age).unwrap().to_string(), band);
            opened.push(age);
        }
    }
    let mut given: Vec<i32> = (0..ROWS).map(age).collect();
    opened.sort_unstable();
    given.sort_unstable();
    assert_eq!(opened, given);
}

/// The sample has every kind of source; its canonical tables have the columns of their schemas and no others.
#[test]
fn canonical_tables_have_the_columns_of_their_schemas() {
    let tables = canonical_tables().unwrap();
    let mut seen = BTreeSet::new();
    for (table, batch) in rows_below(&sample().lake.join("canonical")) {
        let Some(schema) = tables.iter().find(|t| t.name == table.trim_end_matches("_superseded")) else {
            assert_eq!(table, "event_place");
            continue;
        };
        let stored = schema.columns.iter().filter(|c| c.nature() == Nature::Stored);
        let wanted: BTreeSet<&str> =
            stored.map(|c| c.name.as_str()).filter(|c| !schema.partition.iter().any(|p| p == c)).collect();
        let found: BTreeSet<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{table}");
        seen.insert(table);
    }
    assert!(["event", "party", "episode"].iter().all(|table| seen.contains(*table)), "{seen:?}");
    let sealed = tables.iter().flat_map(|t| &t.columns).filter(|c| c.kind == ColumnType::Sealed).count();
    assert_eq!(sealed, 1);
}

/// Rows of people are ordered by a keyed id within each file, events by time, whatever the order of the extract.
#[test]
fn rows_stand_in_an_order_of_their_own() {
    let lab = filled();
    for lake in [&lab.lake(), &sample().lake] {
        let mut files = 0;
        for (name, path) in files_under(&lake.join("canonical")).into_iter().filter(|(n, _)| n.ends_with(".parquet")) {
            // What is published with its order has it still.
            if ["source=police_street", "source=police_stop_search"].iter().any(|open| name.contains(open)) {
                continue;
            }
            let by = match name.split('/').next().unwrap().trim_end_matches("_superseded") {
                "party" => "party_id",
                "episode" => "episode_id",
                "event" => "occurred_from",
                "event_place" => "event_id",
                other => panic!("{other}: a table whose order nobody thought of"),
            };
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
            let schema = reader.schema().clone();
            let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
            let rows = arrow::compute::concat_batches(&schema, &batches).unwrap();
            let column = rows.column_by_name(by).unwrap();
            let sorted = match by {
                "occurred_from" => column.as_primitive::<TimestampMicrosecondType>().iter().is_sorted(),
                _ => column.as_string::<i32>().iter().is_sorted(),
            };
            assert!(sorted, "{name} is not ordered by {by}");
            files += usize::from(rows.num_rows() > 10);
        }
        assert!(files >= 2, "{files} files have an order to speak of");
        let links = sql(lake, "SELECT person_record_id FROM person_link");
        assert!(links.column("person_record_id").is_sorted() && links.rows.len() > 10);
    }
}

#[test]
fn ages_that_are_no_edges_are_refused_with_their_file() {
    let lab = || {
        let lab = Lab::new(&["police_stop_search"], "injury_violence", &["monthly_trend"]);
        lab.give("stop_search/2025-01-wessmark-stop-and-search.csv");
        lab
    };
    let hint = ["schemas/age_edges.csv", "hint:"];
    lab().check().run().good();
    for (file, from, to, edge) in [
        ("outputs/people_by_agencies.sql", "aged_under(p.age_band, 25)", "aged_under(p.age_band, 24)", "24"),
        ("outputs/people_by_age_and_sex.sql", "age_group(p.age_band)", "age_group(p.age_band, '0 16 65')", "16"),
        ("analyses/repeats.sql", "aged_under(p.age_band, 18)", "aged_under(p.age_band, 19)", "19"),
        ("analyses/who.sql", "CASE WHEN aged_under(age_band, 25)", "CASE WHEN age_to(age_band) <= 25", "26"),
        ("analyses/safeguarding.sql", "default = 18", "default = 17", "17"),
        ("reference/standard_population.csv", "esp_2013,10,14,5500", "esp_2013,10,15,5500", "16"),
        ("sources/police_stop_search.toml", "\"over 34\" = \"35+\"", "\"over 34\" = \"34+\"", "34+"),
    ] {
        let lab = lab();
        let file = format!("pipelines/{file}");
        lab.edit(&file, from, to);
        lab.check().run().ended(3).says(&[&file, edge]).says(&hint);
    }
    // A parameter is given when the analysis runs.
    let at = |under: &str| {
        analyse("safeguarding").arg("--lake").arg(&sample().lake).args(["--set", &format!("under={under}")]).run()
    };
    at("25").good();
    at("16").ended(3).says(&["safeguarding", "16"]).says(&hint);
}

//! No clear text: after a run, no planted identifier stands anywhere in the lake, the release or what was said.

use std::fs;
use std::fs::File;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::support::{KEY, Lab, Needles, Table, flat_text, label, sample, sample_data, searched, sql, sql_under, svp};

fn needles() -> &'static Needles {
    static NEEDLES: OnceLock<Needles> = OnceLock::new();
    NEEDLES.get_or_init(Needles::planted)
}

#[test]
fn nothing_planted_is_in_lake_release_or_log() {
    let sample = sample();
    let (found, files, bytes) = searched(needles(), &sample.lake);
    assert!(files > 300 && bytes > 5_000_000, "only {files} files and {bytes} bytes were searched");
    assert!(found.is_empty(), "{} finds, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    for said in [&sample.ran.stdout, &sample.ran.stderr] {
        assert!(needles().found_in(said.as_bytes()).is_empty());
    }
}

/// The same search finds every kind of identifier in the extracts, so it can find one in the lake.
#[test]
fn the_search_finds_every_kind_in_the_extracts() {
    let mut kinds = std::collections::BTreeMap::new();
    for folder in ["police_rms", "ecds", "cin", "ssda903"] {
        for entry in fs::read_dir(sample_data(folder)).unwrap() {
            for ((kind, _), n) in needles().found_in(&flat_text(&entry.unwrap().path())) {
                *kinds.entry(kind).or_insert(0) += n;
            }
        }
    }
    for (kind, wanted) in needles().kinds() {
        let n = kinds.get(kind).copied().unwrap_or_default();
        assert!(wanted > 100 && n > 100, "{kind}: {wanted} needles, {n} finds in the extracts");
    }
}

/// One name in one file of a lake is found, wherever it hides.
#[test]
fn one_name_in_a_lake_is_found() {
    let people = Table::read(&sample_data("truth/people.csv"));
    let surname = people.column("surname")[0];
    let folder = TempDir::new().unwrap();
    let check = |what: &str, wanted: usize| {
        let (found, _, _) = searched(needles(), folder.path());
        assert_eq!(found.len(), wanted, "{what}: {found:?}");
        assert!(found.iter().all(|f| f.to_lowercase().contains(&surname.to_lowercase())), "{what}: {found:?}");
        for entry in fs::read_dir(folder.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    };

    fs::write(folder.path().join("clean.json"), "{\"rows\": 12, \"token\": \"9f86d081884c7d659a2feaa0c55ad015\"}")
        .unwrap();
    check("a clean file", 0);

    fs::write(folder.path().join("00000001.json"), format!("{{\"note\": \"row of {}\"}}", surname.to_uppercase()))
        .unwrap();
    check("text", 1);

    let gz = File::create(folder.path().join("log.gz")).unwrap();
    let mut gz = GzEncoder::new(gz, Compression::best());
    std::io::Write::write_all(&mut gz, format!("seen: {surname}").as_bytes()).unwrap();
    gz.finish().unwrap();
    check("gzip", 1);

    // A thousand other values first: without reading the pages, neither raw bytes nor statistics would show it.
    let mut values: Vec<String> = (0..1000).map(|i| format!("{i:032x}")).collect();
    values.insert(500, surname.to_lowercase());
    values.push("zzz".into());
    let column: ArrayRef = Arc::new(StringArray::from(values));
    let batch = RecordBatch::try_from_iter([("token_nhs", column)]).unwrap();
    let properties = WriterProperties::builder().set_compression(Codec::ZSTD(ZstdLevel::try_new(9).unwrap())).build();
    let file = folder.path().join("rows.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert!(needles().found_in(&fs::read(file).unwrap()).is_empty(), "this test wants a name that only the pages hold");
    check("a compressed Parquet page", 1);
}

/// What goes wrong is told without telling a value.
#[test]
fn errors_hold_no_value() {
    let lab = Lab::police();
    let good = fs::read_to_string(sample_data("truth/appearances.csv")).unwrap();
    // Rows of people where the header should be; a header with half of its names; a file cut off; codes that are none.
    lab.write("police_rms/rms_crimes_2024-01.csv", &good[good.find('\n').unwrap() + 1..]);
    let crimes = fs::read(sample_data("police_rms/rms_crimes_2024-12.csv")).unwrap();
    let crimes = String::from_utf8_lossy(&crimes).replace('\u{fffd}', "e");
    lab.write("police_rms/rms_crimes_2024-02.csv", crimes.replacen("Forename,Surname", "First,Last", 1));
    lab.write("police_rms/rms_crimes_2024-03.csv", crimes.replace(",M,", ",Man,").replace(",F,", ",Woman,"));
    let zipped = fs::read(sample_data("police_rms/rms_crimes_2023-04.csv.gz")).unwrap();
    lab.write("police_rms/rms_crimes_2023-04.csv.gz", &zipped[..zipped.len() / 2]);
    for log in ["text", "json"] {
        let ran = lab.run().args(["--log", log]).run().ended(4);
        // People see the names of files, machines their labels.
        for file in ["rms_crimes_2024-01.csv", "rms_crimes_2023-04.csv.gz"] {
            let said = if log == "json" { label(file) } else { file.to_owned() };
            assert!(ran.stderr.contains(&said), "{}", ran.stderr);
        }
        let found = needles().found_in(ran.stderr.as_bytes());
        assert!(found.is_empty(), "{found:?} in\n{}", ran.stderr);
    }
    let (found, _, _) = searched(needles(), &lab.lake());
    assert!(found.is_empty(), "{found:?}");
}

/// Nobody sees person records without the key, and their columns are tokens only.
#[test]
fn person_records_are_sealed_and_hold_tokens() {
    let sample = sample();
    for table in ["person_record", "person_record_superseded"] {
        let query = format!("SELECT count(*) FROM {table}");
        for more in [&[][..], &["--linkage"][..]] {
            let ran = svp(["sql", "--lake"]).arg(&sample.lake).args(more).arg(&query).run().ended(10);
            ran.says(&["person records are sealed", "svp link --explain"]);
        }
    }
    let table = sql(&sample.lake, "SELECT * FROM person_record WHERE token_name_dob IS NOT NULL LIMIT 50");
    for token in table.header.iter().filter(|h| h.starts_with("token_") || *h == "person_record_id" || *h == "event_id")
    {
        for value in table.column(token) {
            assert!(
                value.is_empty() || (value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())),
                "{token}: {value}"
            );
        }
    }
    let direct =
        ["forename", "surname", "birth_date", "nhs_number", "upn", "postcode", "local_id", "person_id", "record_id"];
    let columns = sql_under(&sample.lake, KEY, "SELECT table_name, column_name FROM information_schema.columns");
    for zone_table in ["person_record", "event", "party", "episode"] {
        let stored: Vec<&Vec<String>> = columns.rows.iter().filter(|r| r[0] == zone_table).collect();
        assert!(stored.len() > 8, "{zone_table}: {stored:?}");
        assert!(stored.iter().all(|r| !direct.contains(&r[1].as_str())), "{zone_table}: {stored:?}");
    }
}

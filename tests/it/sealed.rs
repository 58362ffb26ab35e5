//! Sealed person records, end to end: what the program says of damage, and a lake that an earlier version filled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use svp_contract::AgeBand;
use svp_contract::encoding::{FILTER_BYTES, PART_BYTES};

use crate::ages::rows_below;
use crate::attacks::{pieces, standing, with_ages};
use crate::support::{
    CLOCK, KEY, Lab, OTHER_KEY, Svp, aloud, copy_folder, files_under, number, release_digests, root, sealed_tables,
    session_under, sql, sql_under, svp,
};

/// The programs that filled the lakes of the fixtures, in the variables that ask for them anew, each with the layout of its lake.
const OLD_PROGRAMS: [(u32, &str); 3] = [(1, "SVP_FORMAT_1"), (2, "SVP_FORMAT_2"), (3, "SVP_FORMAT_3")];

/// The extracts of the fixture; of the second it has a part of the rows.
const ECDS: &str = "ecds/ecds_2024-05.csv";
const POLICE: &str = "police_rms/rms_crimes_2024-12.csv";

/// A lake of an earlier layout: two months of two agencies, one slot superseded, filters of postcodes in the encodings; before format 3
/// ages and row numbers in the clear; of format 1, person records too.
fn fixture_of(format: u32) -> PathBuf {
    root().join(format!("tests/it/fixtures/format_{format}"))
}

/// The lake of format 1.
fn fixture() -> PathBuf {
    fixture_of(1)
}

/// The site of the fixture. Its first months are given.
fn lab() -> Lab {
    let lab = Lab::new(&["police_rms", "ecds"], "injury_violence", &["monthly_trend"]);
    lab.give(ECDS);
    lab.write(POLICE, thinned(POLICE, 3));
    lab
}

/// Every so many rows of an extract of the sample.
fn thinned(file: &str, of: usize) -> Vec<u8> {
    let extract = root().join("sample-data").join(file);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(extract).unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (i, row) in reader.byte_records().enumerate() {
        if i % of == 0 {
            writer.write_byte_record(&row.unwrap()).unwrap();
        }
    }
    writer.into_inner().unwrap()
}

/// The same site with the fixture as its lake.
fn old_lab() -> Lab {
    lab_of(1)
}

fn lab_of(format: u32) -> Lab {
    let lab = lab();
    copy_folder(&fixture_of(format), &lab.lake());
    lab
}

/// Makes a fixture anew with the program of the last version of its layout, in `SVP_FORMAT_1` and so on; does nothing without.
#[test]
fn the_lakes_of_earlier_layouts_are_made_anew_where_somebody_asks() {
    for (format, variable) in OLD_PROGRAMS {
        if let Some(program) = std::env::var_os(variable) {
            make_anew(&program, &fixture_of(format));
        }
    }
}

fn make_anew(program: &std::ffi::OsStr, fixture: &Path) {
    let lab = lab();
    // People are linked as that version did by itself: the definition of now may have other levels.
    fs::remove_file(lab.site().join("pipelines/linkage/people.toml")).unwrap();
    let run = |more: &[&str]| {
        let mut old = std::process::Command::new(program);
        old.arg("--site").arg(lab.site()).args(["run", "--area", "wessmark", "--clock", CLOCK, "--lake"]);
        old.arg(lab.lake()).arg("--key").arg(lab.key()).args(more).current_dir(root());
        let done = old.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run(&[]);
    // A newer file of a slot: the rows of the older one lie in a file that no table has any longer.
    lab.write(POLICE, thinned(POLICE, 2));
    run(&[]);
    if fixture.exists() {
        fs::remove_dir_all(fixture).unwrap();
    }
    copy_folder(&lab.lake(), fixture);
}

/// No file of the lake has an exact age or a row number, and the key opens the ages that the fixture has in the clear.
fn is_banded(lake: &Path, fixture: &Path) {
    for (table, batch) in ["canonical", "linked"].iter().flat_map(|zone| rows_below(&lake.join(zone))) {
        for column in ["age", "source_row"] {
            assert!(batch.column_by_name(column).is_none(), "{table}.{column}");
        }
    }
    let ages = |rows: Vec<RecordBatch>| {
        let mut out: Vec<(String, Option<i32>)> = Vec::new();
        for batch in rows {
            let ids = batch.column_by_name("party_id").unwrap().as_string::<i32>();
            let ages = batch.column_by_name("age").unwrap().as_primitive::<Int32Type>();
            out.extend(ids.iter().zip(ages).map(|(id, age)| (id.unwrap().to_owned(), age)));
        }
        out.sort();
        out
    };
    let of = |lake: &Path| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime
            .block_on(async { session_under(lake, KEY).await.table("party").await.unwrap().collect().await.unwrap() })
    };
    let opened = ages(of(lake).iter().map(|batch| with_ages(batch, KEY)).collect());
    assert_eq!(opened, ages(of(fixture)));
    assert!(opened.iter().filter(|(_, age)| age.is_some()).count() > 40);
    let bands = sql(lake, "SELECT party_id, age_band FROM party ORDER BY 1");
    let wanted = opened.iter().map(|(_, age)| age.map_or(String::new(), |age| AgeBand::of(age).unwrap().to_string()));
    assert_eq!(bands.column("age_band"), wanted.collect::<Vec<_>>());
}

/// A lake whose person records are sealed already, and whose ages are not.
#[test]
fn a_lake_of_format_2_gets_bands_of_age_and_says_the_same() {
    let lab = lab_of(2);
    let (lake, fixture) = (lab.lake(), fixture_of(2));
    let before = people(&lake);
    assert!(rows_below(&fixture.join("canonical")).iter().any(|(_, batch)| batch.column_by_name("age").is_some()));
    assert!(rows_below(&fixture.join("canonical")).iter().any(|(_, b)| b.column_by_name("source_row").is_some()));

    // Who asks before then is answered by the bands that are there.
    let young = number(&lake, "SELECT count(*) FROM party WHERE aged_under(age_band, 25)");
    assert_eq!(young, number(&lake, "SELECT count(*) FROM party WHERE age < 25"));
    lab.write(POLICE, thinned(POLICE, 2));
    let ran = lab.run().run().good();
    let told = "rows, which an earlier version stored with exact ages, row numbers and in the order of their extracts, have bands of age";
    assert!(ran.stderr.contains(told) && !ran.stderr.contains("stored in the clear"), "{}", ran.stderr);
    is_banded(&lake, &fixture);
    assert_eq!(people(&lake), before, "people are the same");
    assert_eq!(number(&lake, "SELECT count(*) FROM party WHERE aged_under(age_band, 25)"), young);
    let record = fs::read_to_string(lake.join("runs/00000003.json")).unwrap();
    assert!(record.contains("\"format\": 4"), "{record}");
    assert!(!lake.join("runs/vacuum.due").exists());
    has_no_filter(&lake, &fixture);
    let new = newest_release(&lake);
    assert!(new.file_name() > newest_release(&fixture).file_name(), "{new:?}");
    assert_eq!(tables_of(&new), tables_of(&newest_release(&fixture)));
    let again = lab.run().run().good();
    assert!(!again.stderr.contains("bands of age"), "{}", again.stderr);
}

/// Encodings of postcodes by the record and event that they are of, in all sealed tables.
fn postcodes(lake: &Path) -> BTreeMap<(String, String), Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut out = BTreeMap::new();
    for table in sealed_tables() {
        let rows = runtime.block_on(async {
            session_under(lake, KEY).await.table(&table.name).await.unwrap().collect().await.unwrap()
        });
        for batch in rows {
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            let (records, events) = (text("person_record_id"), text("event_id"));
            let codes = cast(batch.column_by_name("enc_postcode").unwrap(), &DataType::Binary).unwrap();
            for (row, code) in codes.as_binary::<i32>().iter().enumerate() {
                let event = if events.is_null(row) { "" } else { events.value(row) };
                out.extend(code.map(|code| ((records.value(row).to_owned(), event.to_owned()), code.to_vec())));
            }
        }
    }
    out
}

/// Every postcode that the fixture has with a filter is there with its tokens alone, and no file of person records is one of the fixture's.
fn has_no_filter(lake: &Path, fixture: &Path) {
    const TOKENS: usize = 3 * PART_BYTES;
    let (before, now) = (postcodes(fixture), postcodes(lake));
    assert!(before.len() > 30 && before.values().all(|code| code.len() == TOKENS + FILTER_BYTES), "{}", before.len());
    assert!(now.values().all(|code| code.len() == TOKENS));
    for (row, code) in &before {
        assert_eq!(code[..TOKENS], now[row]);
    }
    let files = |lake: &Path| {
        let files = files_under(&lake.join("linkage")).into_iter().filter(|(name, _)| name.ends_with(".parquet"));
        files.map(|(_, path)| fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    let now = files(lake);
    assert!(!now.is_empty() && files(fixture).iter().all(|file| !now.contains(file)), "a file of before is left");
}

/// A lake whose encodings have a filter of the postcode, and whose matches of events have weights.
#[test]
fn a_lake_of_format_3_loses_its_filters_of_postcodes_and_says_the_same() {
    let lab = lab_of(3);
    let (lake, fixture) = (lab.lake(), fixture_of(3));
    let before = people(&lake);
    assert!(before.len() > 40);
    // Who looks before the upgrade finds the same people, and changes nothing.
    let key = lab.key().display().to_string();
    let found = link(&lab, &["--key", &key]).run().good();
    let said = format!("are {} people", before.values().collect::<BTreeSet<_>>().len());
    assert!(found.stderr.contains(&said), "{said}: {}", found.stderr);
    assert_eq!(postcodes(&lake), postcodes(&fixture));
    sql(&lake, "SELECT weight, probability FROM event_match");

    lab.write(POLICE, thinned(POLICE, 2));
    let ran = lab.run().run().good();
    let told = "person records, of which an earlier version kept a filter of the postcode, are kept without it now";
    assert!(ran.stderr.contains(told) && ran.stderr.contains("backups of the lake"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("in the clear") && !ran.stderr.contains("exact ages"), "{}", ran.stderr);
    has_no_filter(&lake, &fixture);
    assert_eq!(people(&lake), before, "people are the same, and keep their keys");
    assert_eq!(number(&lake, "SELECT count(*) FROM person_history WHERE run > 2"), 0, "nothing happened to anybody");
    let record = fs::read_to_string(lake.join("runs/00000003.json")).unwrap();
    assert!(record.contains("\"format\": 4"), "{record}");
    assert!(!lake.join("runs/vacuum.due").exists());
    svp(["sql", "--lake"]).arg(&lake).arg("SELECT weight FROM event_match").run().ended(10);
    assert_eq!(tables_of(&newest_release(&lake)), tables_of(&newest_release(&fixture)));
    let again = lab.run().run().good();
    assert!(!again.stderr.contains("an earlier version"), "{}", again.stderr);
}

/// The newest release of a lake.
fn newest_release(lake: &Path) -> PathBuf {
    fs::read_dir(lake.join("published")).unwrap().map(|e| e.unwrap().path()).max().unwrap()
}

fn people(lake: &Path) -> BTreeMap<String, String> {
    let links = sql(lake, "SELECT person_record_id, person_key FROM person_link");
    let texts = |column| links.column(column).into_iter().map(str::to_owned).collect::<Vec<_>>();
    texts("person_record_id").into_iter().zip(texts("person_key")).collect()
}

/// Every row of the person records, opened with the key.
fn rows(lake: &Path) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        session_under(lake, KEY).await.table("person_record").await.unwrap().collect().await.unwrap()
    })
}

/// The files of a release, without those that name the run and its files.
fn tables_of(release: &Path) -> BTreeMap<String, Vec<u8>> {
    let tables = files_under(release).into_iter().filter(|(name, _)| name.ends_with(".csv"));
    tables.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

fn link(lab: &Lab, more: &[&str]) -> Svp {
    svp(["--site"]).arg(lab.site()).args(["link", "--explain", "--lake"]).arg(lab.lake()).args(more)
}

/// What is true of a lake that was upgraded, whatever happened on the way.
fn is_sealed(lab: &Lab, before: &BTreeMap<String, String>) {
    let lake = lab.lake();
    let (bytes, texts) = pieces(&rows(&lake));
    assert!(bytes.len() > 1_000 && texts.len() > 300, "{} {}", bytes.len(), texts.len());
    assert_eq!(standing(&fixture(), &bytes, &texts), (bytes.len(), texts.len()), "the search is blind");
    assert_eq!(standing(&lake, &bytes, &texts), (0, 0), "pieces of person records are left in the clear");
    let clear = files_under(&lake.join("linkage")).into_iter().filter(|(name, _)| name.ends_with(".parquet"));
    for (name, path) in clear {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        assert!(!text.contains("birth_year") && !text.contains("residence_lsoa"), "{name}");
    }
    assert_eq!(&people(&lake), before, "people are the same");
    is_banded(&lake, &fixture());
    has_no_filter(&lake, &fixture());
    assert!(!lake.join("runs/vacuum.due").exists());
}

#[test]
fn a_lake_of_format_1_is_sealed_by_the_next_run_and_says_the_same() {
    let lab = old_lab();
    let lake = lab.lake();
    let before = people(&lake);
    assert!(before.len() > 40);
    let n = number(&fixture(), "SELECT count(*) FROM person_link");

    // Before the upgrade nobody sees person records without the key, and `svp link` reads them with it.
    svp(["sql", "--lake"])
        .arg(&lake)
        .arg("SELECT * FROM person_record")
        .run()
        .ended(10)
        .says(&["person records are sealed"]);
    link(&lab, &[]).run().ended(5).says(&["person records are sealed"]);
    let key = lab.key().display().to_string();
    let explained = link(&lab, &["--key", &key]).run().good();
    assert!(explained.stderr.contains(" person records are "), "{}", explained.stderr);
    let untouched = |what: &str| {
        let now: BTreeMap<_, _> =
            files_under(&lake).into_iter().filter(|(n, _)| !n.starts_with("runs/lease")).collect();
        let then: BTreeMap<_, _> =
            files_under(&fixture()).into_iter().filter(|(n, _)| !n.starts_with("runs/lease")).collect();
        assert_eq!(now.keys().collect::<Vec<_>>(), then.keys().collect::<Vec<_>>(), "{what}");
        assert!(now.iter().all(|(name, path)| fs::read(path).unwrap() == fs::read(&then[name]).unwrap()), "{what}");
    };
    untouched("looking changes nothing");
    fs::write(lab.path("other"), OTHER_KEY).unwrap();
    let other =
        svp(["--site"]).arg(lab.site()).args(["run", "--area", "wessmark", "--clock", CLOCK, "--lake"]).arg(&lake);
    other.arg("--key").arg(lab.path("other")).run().ended(5).says(&["this is not the key of the lake"]);
    untouched("another key changes nothing");

    lab.write(POLICE, thinned(POLICE, 2));
    let ran = lab.run().run().good();
    let said = format!(
        "{} person records, which an earlier version stored in the clear, are sealed",
        number(&lake, "SELECT count(*) FROM person_record")
    );
    assert!(ran.stderr.contains(&said) && ran.stderr.contains("backups of the lake"), "{said}\n{}", ran.stderr);
    is_sealed(&lab, &before);
    assert_eq!(number(&lake, "SELECT count(*) FROM person_link"), n);
    let record = fs::read_to_string(lake.join("runs/00000003.json")).unwrap();
    assert!(record.contains("\"format\": 4") && record.contains("\"sealed\""), "{record}");
    // What it kept of the contents of extracts is keyed now, and the ledger's names for the same data are known.
    let was: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(fixture().join("runs/00000002.json")).unwrap()).unwrap();
    for file in was["body"]["files"].as_array().unwrap() {
        let digest = file["sha256"].as_str().unwrap();
        assert!(digest.len() == 64 && !record.contains(digest), "{digest}");
    }
    let now: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert!(!now["body"]["same_data"].as_object().unwrap().is_empty(), "{record}");

    // The release of before stands, and one under the definitions of now has the same tables.
    let published: Vec<String> =
        fs::read_dir(lake.join("published")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let last = published.iter().max().unwrap();
    let old = lake.join("published/000002-wessmark-partner");
    assert_eq!(release_digests(&old), release_digests(&fixture().join("published/000002-wessmark-partner")));
    assert_eq!(tables_of(&lake.join("published").join(last)), tables_of(&old), "{published:?}");
    let again = lab.run().run().good();
    assert!(!again.stderr.contains("are sealed"), "{}", again.stderr);
}

/// A run is killed as soon as the upgrade has left what is named: the lease, a sealed file beside the clear ones, the sign that old files
/// are to be deleted, the record that makes the sealed table visible. What it got done after that differs from time to time.
#[test]
fn an_upgrade_that_is_killed_is_done_by_the_next_run() {
    let before = people(&fixture());
    let sealed = "linkage/person_record/source=ecds";
    let there = |lake: &Path, sign: &str| match sign {
        "a sealed file" => files_under(&lake.join(sealed)).keys().any(|name| name.contains("sealed-")),
        file => lake.join(file).exists(),
    };
    let mut kinds = std::collections::BTreeSet::new();
    for sign in ["runs/lease.json", "a sealed file", "runs/vacuum.due", "runs/00000003.json"] {
        for _ in 0..3 {
            let lab = old_lab();
            let lake = lab.lake();
            lab.write(POLICE, thinned(POLICE, 2));
            let mut child = lab.run().arg("--ingest-only").start();
            let began = Instant::now();
            while !there(&lake, sign) && began.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kinds.insert((lake.join("runs/00000003.json").exists(), lake.join("runs/vacuum.due").exists()));
            assert_eq!(people(&lake), before, "the last good state is readable");
            let key = lab.key();
            svp(["--site"]).arg(lab.site()).args(["link", "--lake"]).arg(&lake).arg("--key").arg(key).run().good();
            lab.run().arg("--ingest-only").run().good();
            is_sealed(&lab, &before);
        }
    }
    aloud(&format!("killed with (record, deletion due): {kinds:?}"));
    assert!(kinds.contains(&(false, false)) && kinds.len() > 1, "{kinds:?}");
}

/// Erasure and rotation seal a lake of format 1 too, before they do their own work.
#[test]
fn erasure_and_rotation_seal_what_was_in_the_clear() {
    let lab = old_lab();
    let before = people(&lab.lake());
    let key = lab.key().display().to_string();
    let command = |words: &[&str]| {
        svp(["--site"]).arg(lab.site()).args(words).arg("--lake").arg(lab.lake()).args(["--key", &key])
    };
    let token = before.keys().next().unwrap();
    command(&["erase", "--token", token]).run().good().says(&["are sealed under the key of the lake", "rows erased"]);
    let (bytes, texts) = pieces(&rows(&lab.lake()));
    assert_eq!(standing(&lab.lake(), &bytes, &texts), (0, 0));
    let next = lab.path("next");
    command(&["key", "rotate", "--out", &next.display().to_string()]).run().good();
    assert_eq!(standing(&lab.lake(), &bytes, &texts), (0, 0));
    let count = "SELECT count(*) AS n FROM person_record";
    let rotated = sql_under(&lab.lake(), &fs::read_to_string(&next).unwrap(), count);
    assert!(rotated.one().parse::<usize>().unwrap() > 40);

    // What was sealed under the old key opens no more, and nothing in the lake is sealed under it.
    link(&lab, &["--key", &key]).run().ended(5).says(&["this is not the key of the lake"]);
    link(&lab, &["--key", &next.display().to_string()]).run().good();
    let old = svp_pseudonymise::Key::parse(KEY).unwrap().check();
    for (name, path) in files_under(&lab.lake().join("linkage")).into_iter().filter(|(n, _)| n.ends_with(".parquet")) {
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(old.len()).any(|w| w == old.as_bytes()), "{name}");
    }
}

#[test]
fn damage_to_sealed_records_is_told_with_the_file_and_nothing_is_lost() {
    let lab = Lab::police();
    for month in ["2024-10", "2024-11"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    lab.run().arg("--ingest-only").run().good();
    let lake = lab.lake();
    let key = lab.key().display().to_string();
    // What the last run shows; a file that it superseded may lie beside.
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(lake.join("runs/00000001.json")).unwrap()).unwrap();
    let listed = record["sealed"]["linkage/person_record"]["files"].as_object().unwrap();
    let [first, second] = listed.keys().collect::<Vec<_>>()[..] else { panic!("{listed:?}") };
    let [one, two] = [first, second].map(|file| lake.join("linkage/person_record").join(file));
    let whole = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let mut bit = whole.0.clone();
    let middle = bit.len() / 2;
    bit[middle] ^= 0x10;
    lab.give("police_rms/rms_crimes_2024-12.csv");
    for (what, bytes) in [("one bit", Some(bit)), ("another month's", Some(whole.1.clone())), ("missing", None)] {
        match bytes {
            Some(bytes) => fs::write(&one, bytes).unwrap(),
            None => fs::remove_file(&one).unwrap(),
        }
        for ran in [link(&lab, &["--key", &key]).run(), lab.run().run()] {
            let file = format!("linkage/person_record/{first}");
            let ran = ran.ended(7).says(&[&file, "is damaged", "hint: restore that file from a backup"]);
            assert!(ran.stdout.is_empty(), "{what}: {}", ran.stdout);
        }
        fs::write(&one, &whole.0).unwrap();
    }
    // After all that the lake is whole, and the month comes in.
    let was = number(&lake, "SELECT count(*) FROM person_record");
    lab.run().arg("--ingest-only").run().good();
    assert!(number(&lake, "SELECT count(*) FROM person_record") > was);
}

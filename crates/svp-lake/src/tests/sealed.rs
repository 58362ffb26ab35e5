//! Sealed tables: what is written, what is read without and with the key, damage, and tables of an earlier version.

use std::fs;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use svp_contract::{Advice, ErrorKind, Seal};

use super::*;
use crate::LakeError;

/// A cipher for these tests alone: the key's digests as a stream, and a digest as the mark of what was sealed.
#[derive(Debug)]
struct TestSeal(String);

impl TestSeal {
    fn stream(&self, context: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for (n, part) in out.chunks_mut(32).enumerate() {
            let hash = Sha256::new().chain_update(&self.0).chain_update(context).chain_update(n.to_le_bytes());
            part.iter_mut().zip(hash.finalize()).for_each(|(byte, key)| *byte ^= key);
        }
        out
    }
}

impl Seal for TestSeal {
    fn key_id(&self) -> &str {
        &self.0
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut out = self.mac(&[context, plain]).to_vec();
        out.extend(self.stream(context, plain));
        Some(out)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (mark, sealed) = sealed.split_first_chunk::<32>()?;
        let plain = self.stream(context, sealed);
        (self.mac(&[context, &plain]) == *mark).then_some(plain)
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let hash = parts.iter().fold(Sha256::new().chain_update(&self.0), |hash, part| {
            hash.chain_update((part.len() as u64).to_le_bytes()).chain_update(part)
        });
        hash.finalize().into()
    }
}

fn key(name: &str) -> Arc<dyn Seal> {
    Arc::new(TestSeal(name.to_owned()))
}

fn sealed_specs() -> Vec<TableSpec> {
    let sealed = |spec: TableSpec| {
        let is = spec.name == "fact";
        spec.sealed(is)
    };
    specs().into_iter().map(sealed).collect()
}

/// A word that no format has by itself.
const WORD: &str = "quillfeather";

async fn opened(place: &Site, mode: Open) -> Lake {
    Lake::open(&place.path(), &HashMap::new(), mode).await.unwrap()
}

async fn filled(place: &Site) -> Lake {
    let lake = opened(place, Open::Write).await.with_seal(key("one"));
    let run = lake.begin(sealed_specs()).await.unwrap();
    load(&run, "a", "1", 0..10_000, WORD).await;
    load(&run, "a", "2", 10_000..10_003, WORD).await;
    load(&run, "b", "", 0..1, "other").await;
    run.commit_tables().await.unwrap();
    count(&run).await.unwrap();
    run.finish(record("r1")).await.unwrap()
}

async fn rows(lake: &Lake) -> Result<Vec<String>> {
    let ctx = context();
    lake.register_sealed(&ctx, &sealed_specs()).await?;
    let sql = "SELECT source, slot, count(*), sum(id), min(text), max(text) FROM fact GROUP BY 1, 2 ORDER BY 1, 2";
    Ok(query(&ctx, sql).await)
}

const ALL: [&str; 3] =
    ["a,1,10000,49995000,quillfeather,quillfeather", "a,2,3,30003,quillfeather,quillfeather", "b,,1,0,other,other"];

/// Every file of the lake in which the word stands, in its bytes or in a page of a Parquet file.
fn holding(place: &Site, word: &str) -> Vec<String> {
    let found = |name: &String| {
        let bytes = fs::read(PathBuf::from(place.path()).join(name)).unwrap();
        let within = |bytes: &[u8]| bytes.windows(word.len()).any(|w| w == word.as_bytes());
        let opened = || {
            let reader =
                parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes.clone()));
            let batches = reader.unwrap().build().unwrap();
            batches
                .flat_map(|b| b.unwrap().columns().to_vec())
                .any(|column| column.to_data().buffers().iter().any(|buffer| within(buffer.as_slice())))
        };
        within(&bytes) || (name.ends_with(".parquet") && opened())
    };
    place.files().into_iter().filter(found).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_rows_are_read_with_the_key_and_by_nobody_else() {
    let place = Site::new();
    let lake = filled(&place).await;
    assert_eq!(rows(&lake).await.unwrap(), ALL);
    assert_eq!(holding(&place, WORD), [""; 0]);
    let listed = &lake.last_run().unwrap().sealed["base/fact"];
    assert_eq!(listed.files.values().map(|f| f.chunks).collect::<Vec<_>>(), [3, 1, 1]);

    let ctx = context();
    lake.register_sealed(&ctx, &sealed_specs()).await.unwrap();
    let one = "SELECT count(*), max(text) FROM fact WHERE source = 'a' AND slot IN ('2', '3')";
    assert_eq!(query(&ctx, one).await, ["3,quillfeather"]);
    assert_eq!(query(&ctx, "SELECT count(*) FROM fact WHERE source = 'c'").await, ["0"]);
    assert_eq!(query(&ctx, "SELECT id FROM fact WHERE slot IS NULL").await, ["0"]);

    // Without the key the name is not there, and nothing can be begun.
    let open = opened(&place, Open::Write).await;
    let ctx = context();
    assert_eq!(open.register(&ctx).await.unwrap(), ["sum"]);
    assert!(matches!(open.table_provider("base", "fact").await, Err(LakeError::Sealed { .. })));
    assert!(matches!(open.register_sealed(&ctx, &sealed_specs()).await, Err(LakeError::Sealed { .. })));
    assert!(matches!(open.begin(sealed_specs()).await, Err(LakeError::Sealed { .. })));
    let other = open.with_seal(key("two"));
    assert!(matches!(rows(&other).await, Err(LakeError::OtherSeal { .. })));
    let refused = other.begin(sealed_specs()).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Key);
    let in_the_clear = open.with_seal(key("one")).begin(specs()).await;
    assert!(matches!(in_the_clear, Err(LakeError::Schema { .. })), "a sealed table is not written in the clear");
    // A run that declares other tables only carries the list on, and needs the key for it.
    let sum = || vec![TableSpec::new("derived", "sum", sum_schema(), &[])];
    let run = open.begin(sum()).await.unwrap();
    assert!(matches!(run.finish(RunRecord::default()).await, Err(LakeError::Sealed { .. })));
    let run = open.with_seal(key("one")).begin(sum()).await.unwrap();
    let lake = run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(rows(&lake).await.unwrap(), ALL);

    // One slot is written again; the others stay.
    let run = lake.begin(sealed_specs()).await.unwrap();
    load(&run, "a", "1", 5..6, "new").await;
    let lake = run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(rows(&lake.refresh().await.unwrap()).await.unwrap(), ["a,1,1,5,new,new", ALL[1], ALL[2]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_a_sealed_table_is_told_and_nothing_is_lost() {
    let place = Site::new();
    let lake = filled(&place).await;
    let at = |name: &str| PathBuf::from(place.path()).join(name);
    let files: Vec<String> = place.data_files().into_iter().filter(|f| f.starts_with("base/")).collect();
    let [first, second, third] = files.as_slice() else { panic!("{files:?}") };
    let whole = |file: &str| fs::read(at(file)).unwrap();
    let (one, two) = (whole(first), whole(second));
    let text = fs::read_to_string(at("runs/00000001.json")).unwrap();

    // An older state of a slot, under the name of its file of now.
    let run = lake.begin(sealed_specs()).await.unwrap();
    load(&run, "a", "2", 0..3, WORD).await;
    let older = second.clone();
    let lake = run.finish(RunRecord::default()).await.unwrap();
    let newer = place.data_files().into_iter().find(|f| f.contains("slot=2") && *f != older).unwrap();
    let new = whole(&newer);
    let now = fs::read_to_string(at("runs/00000002.json")).unwrap();

    let middle = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        bytes
    };
    let damages: Vec<(&str, &str, Option<Vec<u8>>)> = vec![
        ("one bit", first, Some(middle(&one))),
        ("cut", first, Some(one[..one.len() / 2].to_vec())),
        ("empty", first, Some(Vec::new())),
        ("missing", third, None),
        ("another slot's", first, Some(two.clone())),
        ("an older one", &newer, Some(two.clone())),
        (
            "a list without a file",
            "runs/00000002.json",
            Some(now.replace("\"chunks\": 3", "\"chunks\": 2").into_bytes()),
        ),
    ];
    for (what, file, bytes) in damages {
        let good = whole(file);
        match bytes {
            Some(bytes) => fs::write(at(file), bytes).unwrap(),
            None => fs::remove_file(at(file)).unwrap(),
        }
        let lake = opened(&place, Open::Write).await.with_seal(key("one"));
        for refused in [rows(&lake).await.map(drop), lake.begin(sealed_specs()).await.map(drop)] {
            let refused = refused.err().unwrap_or_else(|| panic!("{what} was not seen"));
            assert!(matches!(&refused, LakeError::Damaged { path, .. } if path == file), "{what}: {refused}");
            assert!(refused.kind() == ErrorKind::Storage && refused.hint().unwrap().contains("backup"), "{what}");
        }
        fs::write(at(file), good).unwrap();
        let lake = opened(&place, Open::Write).await.with_seal(key("one"));
        assert_eq!(rows(&lake).await.unwrap()[0], ALL[0], "{what}");
        lake.begin(sealed_specs()).await.unwrap().abandon().await.unwrap();
    }
    assert_eq!(whole(&newer), new);

    // The whole list of the run before, with its own number: the table has gone on since.
    let before = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["sealed"];
    let mut changed: serde_json::Value = serde_json::from_str(&now).unwrap();
    changed["sealed"] = before.clone();
    fs::write(at("runs/00000002.json"), changed.to_string()).unwrap();
    let put_back = opened(&place, Open::Read).await.with_seal(key("one"));
    assert!(matches!(rows(&put_back).await, Err(LakeError::Damaged { path, .. }) if path == "runs/00000002.json"));
    fs::write(at("runs/00000002.json"), now).unwrap();
    assert_eq!(rows(&lake).await.unwrap()[0], ALL[0]);
}

/// A lake of a version that sealed nothing.
async fn clear(place: &Site) -> Lake {
    let lake = opened(place, Open::Write).await;
    let run = lake.begin(specs()).await.unwrap();
    load(&run, "a", "1", 0..10_000, WORD).await;
    load(&run, "a", "2", 10_000..10_003, WORD).await;
    load(&run, "b", "", 0..1, "other").await;
    let lake = run.finish(record("r1")).await.unwrap();
    // A slot that was superseded since: its rows lie in an old file.
    let run = lake.begin(specs()).await.unwrap();
    load(&run, "b", "", 0..1, "other").await;
    run.finish(record("r2")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_the_clear_is_sealed_and_no_byte_of_it_is_left() {
    let place = Site::new();
    let lake = clear(&place).await.with_seal(key("one"));
    assert!(holding(&place, WORD).len() >= 2);
    let left = lake.in_the_clear(&sealed_specs());
    assert_eq!(left.iter().map(TableSpec::key).collect::<Vec<_>>(), ["base/fact"]);
    assert_eq!(rows(&lake).await.unwrap(), ALL, "a table in the clear is read as it is");

    // Before it is sealed no row goes into it.
    let run = lake.begin(sealed_specs()).await.unwrap();
    assert!(matches!(run.part("base", "fact", &[("source", "a"), ("slot", "1")], "x"), Err(LakeError::Sealed { .. })));
    run.abandon().await.unwrap();

    // Killed before the record: the clear table stands.
    let run = lake.begin(left.clone()).await.unwrap();
    assert_eq!(run.seal_table(&context(), "base", "fact", unchanged).await.unwrap(), 10_004);
    drop(run);
    let lake = opened(&place, Open::Write).await.with_seal(key("one"));
    assert_eq!(lake.in_the_clear(&sealed_specs()).len(), 1);
    assert_eq!(rows(&lake).await.unwrap(), ALL);

    // Killed after the record and before the old files are deleted.
    let run = lake.begin(left.clone()).await.unwrap();
    run.seal_table(&context(), "base", "fact", unchanged).await.unwrap();
    crate::vacuum::make_due(lake.writable().unwrap(), crate::vacuum::Due::Files).await.unwrap();
    drop(run.finish(RunRecord { number: 0, ..lake.last_run().unwrap().clone() }).await.unwrap());
    assert!(!holding(&place, WORD).is_empty());
    let lake = opened(&place, Open::Write).await.with_seal(key("one"));
    assert!(lake.in_the_clear(&sealed_specs()).is_empty());
    assert!(lake.vacuum_if_due().await.unwrap() > 2);
    assert_eq!(lake.vacuum_if_due().await.unwrap(), 0);
    assert_eq!(holding(&place, WORD), [""; 0]);
    assert_eq!(rows(&lake).await.unwrap(), ALL);
    assert_eq!(lake.last_run().unwrap().release.as_deref(), Some("r2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_table_and_a_run_that_is_not_killed() {
    let place = Site::new();
    let lake = opened(&place, Open::Write).await;
    let lake = lake.begin(specs()).await.unwrap().finish(record("r1")).await.unwrap().with_seal(key("one"));
    let run = lake.begin(sealed_specs()).await.unwrap();
    assert_eq!(run.seal_table(&context(), "base", "fact", unchanged).await.unwrap(), 0);
    let (lake, _) = run.finish_and_vacuum(record("r1")).await.unwrap();
    assert!(!place.files().contains(&"runs/vacuum.due".to_owned()));
    assert_eq!(rows(&lake).await.unwrap(), [""; 0]);
    let run = lake.begin(sealed_specs()).await.unwrap();
    load(&run, "a", "1", 0..3, WORD).await;
    let lake = run.finish(record("r2")).await.unwrap();
    assert_eq!(rows(&lake).await.unwrap(), ["a,1,3,3,quillfeather,quillfeather"]);
    assert_eq!(holding(&place, WORD), [""; 0]);
}

fn unchanged(batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
    Ok(batch.clone())
}

/// Writes into the last record that an earlier version wrote it.
fn of_an_earlier_layout(place: &Site) {
    let record = PathBuf::from(place.path()).join("runs/00000001.json");
    let text = fs::read_to_string(&record).unwrap();
    let now = format!("\"format\": {}", crate::LAKE_FORMAT);
    assert!(text.contains(&now));
    fs::write(record, text.replacen(&now, "\"format\": 2", 1)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_loses_a_column_and_no_byte_of_it_is_left() {
    let place = Site::new();
    let run = opened(&place, Open::Write).await.begin(specs()).await.unwrap();
    load(&run, "a", "1", 0..3, WORD).await;
    load(&run, "a", "2", 3..5, WORD).await;
    run.finish(record("r1")).await.unwrap();
    let fields =
        [("id", DataType::Int64), ("source", DataType::Utf8), ("slot", DataType::Utf8), ("other", DataType::Int64)];
    let fields: Vec<Field> = fields.into_iter().map(|(name, kind)| Field::new(name, kind, true)).collect();
    let fact = TableSpec::new("base", "fact", Arc::new(Schema::new(fields)), &["source", "slot"]);
    let wanted = vec![fact.sorted_by(&["other".to_owned()]), specs().remove(1)];
    let lake = opened(&place, Open::Write).await;
    assert!(lake.outgrown(&wanted).await.unwrap().is_empty(), "a lake of now is not looked at");
    of_an_earlier_layout(&place);
    let lake = opened(&place, Open::Write).await;
    let left = lake.outgrown(&wanted).await.unwrap();
    assert_eq!(left.iter().map(TableSpec::key).collect::<Vec<_>>(), ["base/fact"]);

    // The other column follows from one that goes or stays: here, it turns the order round.
    let change = |batch: &RecordBatch| {
        let ids = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>();
        let other: ArrayRef = Arc::new(ids.iter().map(|id| id.map(|id| -id)).collect::<Int64Array>());
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        let columns = names.zip(batch.columns().iter().cloned()).chain([("other".to_owned(), other)]);
        Ok::<_, LakeError>(RecordBatch::try_from_iter(columns).unwrap())
    };
    // Killed before the record: the table is as it was.
    let run = lake.begin(left.clone()).await.unwrap();
    assert_eq!(run.reshape_table(&context(), &left[0], change).await.unwrap(), 5);
    drop(run);
    let lake = opened(&place, Open::Write).await;
    let run = lake.begin(left.clone()).await.unwrap();
    assert!(!holding(&place, WORD).is_empty());
    assert_eq!(run.reshape_table(&context(), &left[0], change).await.unwrap(), 5);
    let (lake, deleted) = run.finish_and_vacuum(lake.last_run().unwrap().clone()).await.unwrap();
    assert_eq!(deleted, 2);
    assert_eq!(holding(&place, WORD), [""; 0]);
    assert!(lake.outgrown(&wanted).await.unwrap().is_empty());
    assert_eq!(lake.last_run().unwrap().release.as_deref(), Some("r1"));
    let ctx = context();
    lake.register(&ctx).await.unwrap();
    assert_eq!(query(&ctx, "SELECT * FROM fact WHERE slot = '1'").await, ["2,a,1,-2", "1,a,1,-1", "0,a,1,0"]);
    assert_eq!(query(&ctx, "SELECT sum(id), count(*) FROM fact").await, ["10,5"]);
}

/// A sealed table of an earlier layout is opened, changed and sealed again, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_table_of_an_earlier_layout_is_written_anew_once() {
    let place = Site::new();
    let run = opened(&place, Open::Write).await.with_seal(key("one")).begin(sealed_specs()).await.unwrap();
    load(&run, "a", "1", 0..5, WORD).await;
    let lake = run.finish(record("r1")).await.unwrap();
    assert!(lake.sealed_before(&sealed_specs()).is_empty(), "a lake of now is not looked at");
    let before = place.files();
    of_an_earlier_layout(&place);
    let lake = opened(&place, Open::Write).await.with_seal(key("one"));
    let left = lake.sealed_before(&sealed_specs());
    assert_eq!(left.iter().map(TableSpec::key).collect::<Vec<_>>(), ["base/fact"]);
    let run = lake.begin(left.clone()).await.unwrap();
    let mut seen = 0;
    let change = |batch: &RecordBatch| {
        seen += batch.num_rows();
        Ok::<_, LakeError>(batch.slice(0, 2))
    };
    assert_eq!(run.reshape_table(&context(), &left[0], change).await.unwrap(), 5);
    assert_eq!(seen, 5);
    let (lake, deleted) = run.finish_and_vacuum(lake.last_run().unwrap().clone()).await.unwrap();
    assert_eq!((deleted, rows(&lake).await.unwrap().len()), (1, 1));
    assert!(lake.sealed_before(&sealed_specs()).is_empty());
    let stays = |name: &String| name.starts_with("base/fact/source=") && place.files().contains(name);
    assert!(!before.iter().any(stays), "the file of before is gone");
}

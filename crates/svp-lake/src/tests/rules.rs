//! What the lake refuses.

use bytes::Bytes;
use svp_contract::{Advice, ErrorKind};

use super::*;
use crate::LakeError;

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_lake_is_refused_for_reading_and_writing() {
    let site = Site::new();
    let lake = site.begin().await.unwrap().finish(RunRecord::default()).await.unwrap();
    let newer = Bytes::from_static(br#"{"format": 99, "number": 2, "tables": 3}"#);
    lake.put("runs/00000002.json", newer).await.unwrap();
    for mode in [Open::Read, Open::Write] {
        let error = Lake::open(&site.path(), &HashMap::new(), mode).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NewerFormat);
    }
    // Also by a lake that was opened before.
    assert_eq!(lake.begin(specs()).await.err().unwrap().kind(), ErrorKind::NewerFormat);
    assert_eq!(site.files().iter().filter(|f| f.starts_with("runs/0")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_waits() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    let error = site.begin().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.hint().is_some());
    run.finish(RunRecord::default()).await.unwrap();
    assert!(site.begin().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_one_finishes_even_without_a_lease() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..1, "slow").await;
    // Somebody else finishes under our number, as after a lease that was lost.
    let other = RunRecord { number: 1, ..RunRecord::default() };
    let lake = site.lake().await;
    lake.put("runs/00000001.json", serde_json::to_vec(&other).unwrap().into()).await.unwrap();
    let error = run.finish(RunRecord::default()).await.unwrap_err();
    assert!(matches!(error, LakeError::Conflict { .. }) && error.kind() == ErrorKind::Busy, "{error}");
    assert!(site.facts().await.is_empty());
    // And the next run cleans up.
    site.begin().await.unwrap().finish(RunRecord::default()).await.unwrap();
    assert!(site.facts().await.is_empty());
    assert_eq!(site.data_files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_commit_is_a_conflict() {
    let site = Site::new();
    site.begin().await.unwrap().finish(RunRecord::default()).await.unwrap();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..1, "x").await;
    let lake = site.lake().await;
    let path = "base/fact/_delta_log/00000000000000000001.json";
    lake.put(path, Bytes::from_static(br#"{"commitInfo":{"timestamp":0}}"#)).await.unwrap();
    let error = run.finish(RunRecord::default()).await.unwrap_err();
    assert!(matches!(&error, LakeError::Conflict { number: 2, path } if path == "base/fact"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_never_changed() {
    let site = Site::new();
    let files =
        || vec![("manifest.json".to_string(), Bytes::from_static(b"m")), ("a/b.csv".into(), Bytes::from_static(b"b"))];
    let run = site.begin().await.unwrap();
    run.publish("2024-01", files()).await.unwrap();
    run.publish("2024-01", vec![("c.csv".into(), Bytes::from_static(b"c"))]).await.unwrap();
    run.finish(record("2024-01")).await.unwrap();
    let run = site.begin().await.unwrap();
    let error = run.publish("2024-01", files()).await.unwrap_err();
    assert!(matches!(error, LakeError::ReleaseExists { .. }));
    for name in ["", "..", "a/b", "x y"] {
        assert!(matches!(run.publish(name, files()).await, Err(LakeError::Name { .. })), "{name}");
    }
    for name in ["../x", "", "a//b", "/a"] {
        let file = vec![(name.to_string(), Bytes::new())];
        let result = run.publish("ok", file).await;
        assert!(matches!(result, Err(LakeError::Name { .. })) || name == "/a", "{name}");
    }
    let lake = site.lake().await;
    assert_eq!(lake.get("published/2024-01/a/b.csv").await.unwrap(), Bytes::from_static(b"b"));
    assert_eq!(lake.list("published/2024-01").await.unwrap().len(), 3);
    assert!(lake.exists("published/2024-01/c.csv").await.unwrap());
    assert!(!lake.exists("published/2024-01/d.csv").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_do_not_fit_are_refused() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    let all = [("source", "a"), ("slot", "1")];
    assert!(matches!(run.part("base", "none", &all, "f"), Err(LakeError::UndeclaredTable { .. })));
    for wrong in [&[("source", "a")][..], &[("source", "a"), ("slot", "1"), ("x", "2")], &[]] {
        assert!(matches!(run.part("base", "fact", wrong, "f"), Err(LakeError::Partition { .. })));
    }
    assert!(matches!(run.replace_partition("base", "fact", &[]), Err(LakeError::Partition { .. })));
    let mut part = run.part("base", "fact", &all, "f").unwrap();
    assert!(matches!(run.part("base", "fact", &all, "f"), Err(LakeError::DuplicatePart { .. })));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["secret"]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![None::<i64>]));
    let wrong_type = vec![("id", Arc::clone(&text)), ("text", Arc::clone(&text))];
    for columns in [wrong_type, vec![("id", ids), ("text", Arc::clone(&text))], vec![("text", text)]] {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let error = part.write(&batch).await.unwrap_err();
        assert!(matches!(&error, LakeError::Schema { column, .. } if column == "id"));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    for (zone, name) in [("runs", "t"), ("published", "t"), ("a/b", "t"), ("a", "..")] {
        let spec = TableSpec::new(zone, name, sum_schema(), &[]);
        assert!(matches!(Site::new().lake().await.begin(vec![spec]).await, Err(LakeError::Name { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_partition_values_come_back_as_they_were() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    let odd = ["a b", "../x", "50%", "é=ü", "a/b", "", "x#1", "'"];
    for (n, slot) in odd.iter().enumerate() {
        load(&run, "s", slot, 0..n as i64 + 1, "x").await;
    }
    run.finish(RunRecord::default()).await.unwrap();
    let run = site.begin().await.unwrap();
    run.replace_partition("base", "fact", &[("slot", "")]).unwrap();
    run.replace_partition("base", "fact", &[("slot", "50%")]).unwrap();
    let lake = run.finish(RunRecord::default()).await.unwrap();
    let ctx = context();
    lake.register(&ctx).await.unwrap();
    let found = query(&ctx, "SELECT count(*), slot FROM fact GROUP BY slot ORDER BY 1").await;
    assert_eq!(found, ["1,a b", "2,../x", "4,é=ü", "5,a/b", "7,x#1", "8,'"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_are_no_lake() {
    let nowhere = tempfile::tempdir().unwrap().path().join("no").to_string_lossy().into_owned();
    let none = HashMap::new();
    let missing = Lake::open(&nowhere, &none, Open::Read).await.unwrap_err();
    assert!(matches!(missing, LakeError::Missing { .. }) && missing.kind() == ErrorKind::Storage, "{missing}");
    let odd = Lake::open("gopher://x/y", &none, Open::Write).await.unwrap_err();
    assert!(matches!(odd, LakeError::Location { .. }));
    // A place on S3 is only named here, not reached.
    let options = [("aws_region", "eu-west-2"), ("aws_access_key_id", "x"), ("aws_secret_access_key", "y")];
    let options = options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let s3 = crate::location::Location::new("s3://bucket/some/prefix", &options, Open::Write).unwrap();
    assert_eq!(s3.child(&["base", "fact"]).as_str(), "s3://bucket/some/prefix/base/fact/");
    assert_eq!(s3.store_url().as_str(), "s3://bucket/");
    assert_eq!(s3.prefix.as_ref(), "some/prefix");
}

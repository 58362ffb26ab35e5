//! Size, determinism, sessions, and leases on stores without locks.

use std::time::Duration;

use object_store::memory::InMemory;

use super::*;
use crate::LakeError;
use crate::lease::Held;
use crate::location::Location;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_part_goes_out_in_pieces_and_is_the_same_every_time() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let site = Site::new();
        let run = site.begin().await.unwrap();
        let mut part = run.part("base", "fact", &[("source", "a"), ("slot", "1")], "big").unwrap();
        for n in 0..40_i64 {
            // Text that does not compress, so that the file passes the size of one piece.
            let ids = n * 10_000..(n + 1) * 10_000;
            let text: ArrayRef = Arc::new(StringArray::from_iter_values(
                ids.clone().map(|id| crate::input::digest_bytes(&id.to_le_bytes())),
            ));
            let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
            part.write(&RecordBatch::try_from_iter(vec![("id", id), ("text", text)]).unwrap()).await.unwrap();
        }
        let part = part.finish().await.unwrap();
        assert!(part.bytes() > 9_000_000 && part.rows() == 400_000);
        let (bytes, path) = (part.bytes(), part.address.path.to_string());
        run.append(part).unwrap();
        let lake = run.finish(RunRecord::default()).await.unwrap();
        let file = lake.get(&format!("base/fact/{path}")).await.unwrap();
        assert_eq!(file.len() as u64, bytes);
        let ctx = context();
        lake.register(&ctx).await.unwrap();
        assert_eq!(query(&ctx, "SELECT count(DISTINCT text), max(id) FROM fact").await, ["400000,399999"]);
        seen.push(crate::input::digest_bytes(&file));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_written_from_threads_and_tasks_at_once() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..16_i64 {
        let run = run.clone();
        tasks.push(tokio::task::spawn_blocking(move || {
            let slot = format!("{n:02}");
            let mut part = run.part("base", "fact", &[("source", "a"), ("slot", &slot)], "f").unwrap();
            for _ in 0..3 {
                part.write_blocking(&facts(n..n + 100, "x")).unwrap();
            }
            run.append(part.finish_blocking().unwrap()).unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(site.facts().await.len(), 16 * 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_are_one_listing_and_one_read() {
    let site = Site::new();
    for _ in 0..25 {
        let run = site.begin().await.unwrap();
        load(&run, "a", "1", 0..2, "x").await;
        run.finish(RunRecord::default()).await.unwrap();
    }
    assert_eq!(site.lake().await.last_run().unwrap().number, 25);
    assert_eq!(site.facts().await.len(), 2);
    // Records before the last one are not read: a damaged one does not matter.
    let lake = site.lake().await;
    lake.put("runs/00000003.json", bytes::Bytes::from_static(b"{")).await.unwrap();
    assert_eq!(lake.refresh().await.unwrap().last_run().unwrap().number, 25);
    assert!(matches!(lake.runs().await, Err(LakeError::Record { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_its_limits() {
    let spill = tempfile::tempdir().unwrap();
    let limits = Limits { memory_bytes: Some(1 << 20), threads: 3, spill_dir: Some(spill.path().to_path_buf()) };
    let ctx = session(&limits).unwrap();
    assert_eq!(ctx.copied_config().target_partitions(), 3);
    let error = ctx
        .sql("SELECT array_agg(a.value) FROM generate_series(1, 3000000) AS a(value)")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Resources exhausted"), "{error}");
    let ctx = context();
    let batches = ctx.sql("SELECT CAST('x' AS VARCHAR) AS a, 'y' AS b").await.unwrap().collect().await.unwrap();
    assert!(batches[0].schema().fields().iter().all(|f| f.data_type() == &DataType::Utf8));
}

fn in_memory() -> Location {
    let store = Arc::new(InMemory::new());
    Location {
        given: "memory:///".into(),
        url: url::Url::parse("memory:///").unwrap(),
        prefix: object_store::path::Path::default(),
        root: Arc::clone(&store) as _,
        store,
        folder: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_without_locks_is_taken_over_when_it_is_old() {
    let place = in_memory();
    let hour = Duration::from_secs(3600);
    let first = Held::take_with(&place, &["a/b".into()], hour).await.unwrap();
    assert!(matches!(Held::take_with(&place, &[], hour).await, Err(LakeError::Busy { .. })));
    let second = Held::take_with(&place, &["c/d".into()], Duration::ZERO).await.unwrap();
    assert_eq!(second.found.as_ref().unwrap().tables, ["a/b"]);
    // Its files get other names, for the first may still be writing.
    assert_eq!((first.attempt(), second.attempt()), (0, 1));
    assert!(matches!(first.check(7).await, Err(LakeError::Conflict { number: 7, .. })));
    second.check(7).await.unwrap();
    second.give_back().await.unwrap();
    let third = Held::take_with(&place, &[], hour).await.unwrap();
    assert!(third.found.is_none() && third.attempt() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_store_without_folders() {
    let place = Arc::new(in_memory());
    for text in ["x", "y"] {
        let run = RunTxn::begin(Arc::clone(&place), specs(), false, None).await.unwrap();
        load(&run, "a", "1", 0..3, text).await;
        run.commit_tables().await.unwrap();
        count(&run).await.unwrap();
        run.finish(RunRecord::default()).await.unwrap();
        let ctx = context();
        let lake = Lake::at(Arc::clone(&place), Open::Read, false).await.unwrap();
        lake.register(&ctx).await.unwrap();
        assert_eq!(
            query(&ctx, "SELECT source, slot, count(*), max(text) FROM fact GROUP BY 1, 2").await,
            [format!("a,1,3,{text}")]
        );
        assert_eq!(query(&ctx, "SELECT * FROM sum").await, ["a,3"]);
    }
}

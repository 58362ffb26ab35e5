//! Runs that end well.

use bytes::Bytes;

use super::*;
use crate::LakeError;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_and_a_second_one() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    assert_eq!(run.number(), 1);
    assert!(run.previous().is_none());
    load(&run, "a", "2024-01", 0..2, "one").await;
    load(&run, "b", "2024-01", 5..6, "one").await;
    let lake = run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(lake.last_run().unwrap().number, 1);
    // A declared table that got nothing exists, empty.
    assert_eq!(lake.last_run().unwrap().tables.len(), 2);
    assert_eq!(site.facts().await, ["a,2024-01,0,one", "a,2024-01,1,one", "b,2024-01,5,one"]);

    let run = site.begin().await.unwrap();
    assert_eq!((run.number(), run.previous().unwrap().number), (2, 1));
    let part = write_facts(&run, "a", "2024-02", 9..10, "two").await.unwrap();
    assert_eq!(part.rows(), 1);
    assert!(part.bytes() > 100);
    run.append(part).unwrap();
    let body = serde_json::json!({"seen": ["x"]});
    let lake = run.finish(RunRecord { body: body.clone(), ..RunRecord::default() }).await.unwrap();
    assert_eq!(site.facts().await.len(), 4);
    let runs = lake.runs().await.unwrap();
    assert_eq!(runs.iter().map(|run| run.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(runs[1].body, body);
    assert!(!site.files().iter().any(|f| f.contains("lease") || f.contains('#')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_replaced_and_a_reader_sees_it_at_the_end_only() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..2, "old").await;
    load(&run, "a", "2", 2..3, "old").await;
    load(&run, "b", "1", 3..4, "old").await;
    run.finish(RunRecord::default()).await.unwrap();
    let before = site.facts().await;

    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 10..11, "new").await;
    assert_eq!(site.facts().await, before);
    run.commit_tables().await.unwrap();
    count(&run).await.unwrap();
    run.commit_tables().await.unwrap();
    run.publish("r2", vec![("a.csv".into(), Bytes::from_static(b"x"))]).await.unwrap();
    assert_eq!(site.facts().await, before);
    run.finish(record("r2")).await.unwrap();
    assert_eq!(site.facts().await, ["a,1,10,new", "a,2,2,old", "b,1,3,old"]);

    // All slots of one source.
    let run = site.begin().await.unwrap();
    run.replace_partition("base", "fact", &[("source", "a")]).unwrap();
    run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(site.facts().await, ["b,1,3,old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_what_it_committed_and_replaces_a_table() {
    let site = Site::new();
    for (n, rows) in [(1, "a,2"), (2, "a,3")] {
        let run = site.begin().await.unwrap();
        // Before anything is committed, a new table has its columns and no rows.
        let ctx = context();
        run.register(&ctx).await.unwrap();
        if n == 1 {
            assert_eq!(query(&ctx, "SELECT count(*), max(id) FROM fact WHERE text = 'x'").await, ["0,"]);
        }
        load(&run, "a", "1", 0..n + 1, "x").await;
        let versions = run.commit_tables().await.unwrap();
        assert!(versions.contains_key("base/fact"));
        count(&run).await.unwrap();
        run.finish(RunRecord::default()).await.unwrap();
        let ctx = context();
        site.lake().await.register(&ctx).await.unwrap();
        assert_eq!(query(&ctx, "SELECT * FROM sum").await, [rows]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_keep_their_state_and_see_plain_types() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..3, "x").await;
    let old = run.finish(RunRecord::default()).await.unwrap();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..1, "y").await;
    run.finish(RunRecord::default()).await.unwrap();
    let ctx = context();
    old.register(&ctx).await.unwrap();
    assert_eq!(query(&ctx, "SELECT count(*), min(text) FROM fact").await, ["3,x"]);
    old.refresh().await.unwrap().register(&ctx).await.unwrap();
    assert_eq!(query(&ctx, "SELECT count(*), min(text) FROM fact").await, ["1,y"]);
    let table = old.table_provider("base", "fact").await.unwrap().unwrap();
    assert_eq!(table.schema(), fact_schema());
    assert!(old.table_provider("base", "nothing").await.unwrap().is_none());
    let reader = Lake::open(&site.path(), &HashMap::new(), Open::Read).await.unwrap();
    assert!(matches!(reader.begin(specs()).await, Err(LakeError::ReadOnly { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_a_plain_parquet_scan_that_skips_by_partition() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    for slot in ["1", "2", "3", "4"] {
        load(&run, "a", slot, 0..10, "x").await;
    }
    let lake = run.finish(RunRecord::default()).await.unwrap();
    let ctx = context();
    lake.register(&ctx).await.unwrap();
    let plan = query(&ctx, "EXPLAIN SELECT id FROM fact WHERE slot = '2' AND id > 3").await.join("\n");
    assert!(plan.contains("DataSourceExec") && !plan.contains("Delta"), "{plan}");
    assert_eq!(query(&ctx, "SELECT count(*), sum(id) FROM fact WHERE slot = '2' AND id > 3").await, ["6,39"]);
    assert_eq!(query(&ctx, "SELECT slot, source FROM fact WHERE id = 0 ORDER BY slot LIMIT 2").await, ["1,a", "2,a"]);
    // Counted from the log, without reading a file.
    let plan = query(&ctx, "EXPLAIN SELECT count(*) FROM fact").await.join("\n");
    assert!(!plan.contains("DataSourceExec"), "{plan}");
    let error = ctx.sql("INSERT INTO fact VALUES (1, 'a', 'b', 'c')").await;
    let refused = match error {
        Ok(frame) => frame.collect().await.is_err(),
        Err(_) => true,
    };
    assert!(refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_gets_a_column_and_keeps_its_rows() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..1, "x").await;
    run.finish(RunRecord::default()).await.unwrap();

    let mut fields: Vec<_> = fact_schema().fields().iter().cloned().collect();
    fields.insert(1, Arc::new(Field::new("extra", DataType::Float64, false)));
    let spec = TableSpec::new("base", "fact", Arc::new(Schema::new(fields.clone())), &["source", "slot"]);
    let run = site.lake().await.begin(vec![spec]).await.unwrap();
    let mut part = run.part("base", "fact", &[("source", "a"), ("slot", "2")], "f").unwrap();
    let batch = facts(1..2, "y");
    let extra: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![0.5]));
    let batch = RecordBatch::try_from_iter(vec![
        ("extra", extra),
        ("id", Arc::clone(batch.column(1))),
        ("text", Arc::clone(batch.column(0))),
    ]);
    part.write(&batch.unwrap()).await.unwrap();
    run.append(part.finish().await.unwrap()).unwrap();
    let lake = run.finish(RunRecord::default()).await.unwrap();
    // The table that this run did not declare is still there.
    assert_eq!(lake.last_run().unwrap().tables.len(), 2);
    let ctx = context();
    lake.register(&ctx).await.unwrap();
    assert_eq!(query(&ctx, "SELECT id, text, extra FROM fact ORDER BY id").await, ["0,x,", "1,y,0.5"]);

    fields[1] = Arc::new(Field::new("extra", DataType::Int64, true));
    let spec = TableSpec::new("base", "fact", Arc::new(Schema::new(fields)), &["source", "slot"]);
    let run = site.lake().await.begin(vec![spec]).await.unwrap();
    run.replace_partition("base", "fact", &[("source", "a")]).unwrap();
    assert!(matches!(run.commit_tables().await, Err(LakeError::Schema { .. })));
    assert!(matches!(run.commit_tables().await, Err(LakeError::Closed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn superseded_files_go_when_they_are_told_to() {
    let site = Site::new();
    for text in ["one", "two", "three"] {
        let run = site.begin().await.unwrap();
        load(&run, "a", "1", 0..2, text).await;
        run.finish(RunRecord::default()).await.unwrap();
    }
    let lake = site.lake().await;
    assert_eq!(site.data_files().len(), 3);
    assert_eq!(lake.vacuum(2).await.unwrap(), 1);
    assert_eq!(lake.vacuum(0).await.unwrap(), 1);
    assert_eq!(lake.vacuum(1).await.unwrap(), 0);
    assert_eq!(site.facts().await, ["a,1,0,three", "a,1,1,three"]);
    let run = site.begin().await.unwrap();
    assert!(matches!(lake.vacuum(1).await.unwrap_err(), LakeError::Busy { .. }));
    load(&run, "a", "1", 0..1, "four").await;
    run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(site.facts().await, ["a,1,0,four"]);
}

/// After a run for which nothing of before may be left, earlier records say when, which tables and which release, and nothing else; also
/// where the process was killed before it came to that.
#[tokio::test(flavor = "multi_thread")]
async fn records_of_earlier_runs_forget_what_their_callers_added() {
    for killed in [false, true] {
        let site = Site::new();
        let with = |text: &str| RunRecord {
            release: Some(format!("r-{text}")),
            key_check: Some("0123456789abcdef".into()),
            started: "2025-04-07T06:00:00Z".into(),
            body: serde_json::json!({ "files": [text] }),
            ..RunRecord::default()
        };
        for text in ["one", "two"] {
            let run = site.begin().await.unwrap();
            load(&run, "a", "1", 0..2, text).await;
            run.finish(with(text)).await.unwrap();
        }
        let run = site.begin().await.unwrap();
        load(&run, "a", "1", 0..2, "three").await;
        if killed {
            // As a process leaves it that is stopped as soon as its record stands.
            run.make_due(crate::vacuum::Due::Records).await.unwrap();
            run.finish(with("three")).await.unwrap();
            assert!(site.lake().await.vacuum_if_due().await.unwrap() > 0);
        } else {
            assert_eq!(run.finish_and_forget(with("three")).await.unwrap().1, 2);
        }
        let runs = site.lake().await.runs().await.unwrap();
        assert_eq!(runs.len(), 3);
        for run in &runs[..2] {
            assert!(
                run.body.is_null() && run.key_check.is_none() && run.logs.is_empty() && run.config_digest.is_empty()
            );
            assert!(run.release.is_some() && !run.tables.is_empty() && run.started == "2025-04-07T06:00:00Z");
        }
        assert_eq!(runs[2].body["files"][0], "three");
        #[cfg(unix)]
        for number in 1..=3 {
            use std::os::unix::fs::PermissionsExt;
            let record = std::path::Path::new(&site.path()).join(format!("runs/{number:08}.json"));
            assert_eq!(std::fs::metadata(record).unwrap().permissions().mode() & 0o777, 0o600, "{number}");
        }
        let lake = site.lake().await;
        assert!(lake.record_as_written() && lake.lost_run().is_none());
        assert_eq!(lake.vacuum_if_due().await.unwrap(), 0);
        assert_eq!(site.facts().await, ["a,1,0,three", "a,1,1,three"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_written_anew_through_a_function() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..2, "old").await;
    load(&run, "b", "1", 3..4, "old").await;
    run.finish(RunRecord::default()).await.unwrap();

    let run = site.begin().await.unwrap();
    let ctx = context();
    run.register(&ctx).await.unwrap();
    // The rows of one partition go, and with them the partition.
    let without = |batch: &RecordBatch| -> Result<RecordBatch> {
        let sources = batch.column_by_name("source").unwrap();
        let keep: arrow::array::BooleanArray =
            (0..batch.num_rows()).map(|row| Some(array_value_to_string(sources, row).unwrap() != "b")).collect();
        Ok(arrow::compute::filter_record_batch(batch, &keep).unwrap())
    };
    assert_eq!(run.rewrite(&ctx, "base", "fact", "anew", without).await.unwrap(), 3);
    // A table without rows is left as it is.
    assert_eq!(
        run.rewrite(&ctx, "derived", "sum", "anew", |batch| -> Result<_> { Ok(batch.clone()) }).await.unwrap(),
        0
    );
    run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(site.facts().await, ["a,1,0,old", "a,1,1,old"]);

    // What the function refuses leaves the table as it was.
    let run = site.begin().await.unwrap();
    run.register(&ctx).await.unwrap();
    let refused = run.rewrite(&ctx, "base", "fact", "anew", |_| Err(LakeError::Closed)).await;
    assert!(matches!(refused, Err(LakeError::Closed)));
    run.abandon().await.unwrap();
    assert_eq!(site.facts().await, ["a,1,0,old", "a,1,1,old"]);
}

//! A run that is cut off after each of its steps, and the run that comes next.

use bytes::Bytes;

use super::*;

/// The steps of a run, in order. Dropping the transaction is the same as a kill, but for the lock,
/// which the system takes back in both cases.
const STEPS: usize = 11;

/// A run that ends after `steps` steps.
async fn cut_off(site: &Site, steps: usize, text: &str) {
    let run = site.begin().await.unwrap();
    let mut finished = Vec::new();
    for step in 0..steps {
        match step {
            0 => run.replace_partition("base", "fact", &[("source", "a"), ("slot", "1")]).unwrap(),
            1 => {
                // A part that is begun and never ended.
                let mut part = run.part("base", "fact", &[("source", "a"), ("slot", "1")], "open").unwrap();
                part.write(&facts(70..71, text)).await.unwrap();
            }
            2 => finished.push(write_facts(&run, "a", "1", 10..12, text).await.unwrap()),
            3 => finished.push(write_facts(&run, "c", "9", 20..21, text).await.unwrap()),
            4 => finished.drain(..).for_each(|part| run.append(part).unwrap()),
            5 => drop(run.commit_tables().await.unwrap()),
            6 => count(&run).await.unwrap(),
            7 => drop(run.commit_tables().await.unwrap()),
            8 => run.publish(text, vec![("a.csv".into(), Bytes::from_static(b"a"))]).await.unwrap(),
            9 => run.publish(text, vec![("manifest.json".into(), Bytes::from_static(b"m"))]).await.unwrap(),
            // A file that the store was in the middle of.
            _ => std::fs::write(format!("{}/base/fact/half.parquet#1", site.path()), b"PAR1").unwrap(),
        }
    }
}

/// The same run, undisturbed.
async fn whole(site: &Site, text: &str) {
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 10..12, text).await;
    run.append(write_facts(&run, "c", "9", 20..21, text).await.unwrap()).unwrap();
    run.commit_tables().await.unwrap();
    count(&run).await.unwrap();
    run.publish(text, vec![("a.csv".into(), Bytes::from_static(b"a"))]).await.unwrap();
    run.finish(record(text)).await.unwrap();
}

async fn sums(site: &Site) -> Vec<String> {
    let ctx = context();
    site.lake().await.register(&ctx).await.unwrap();
    query(&ctx, "SELECT * FROM sum ORDER BY 1").await
}

async fn first(site: &Site) {
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 0..3, "first").await;
    load(&run, "b", "1", 3..5, "first").await;
    run.commit_tables().await.unwrap();
    count(&run).await.unwrap();
    run.publish("first", vec![("a.csv".into(), Bytes::from_static(b"1"))]).await.unwrap();
    run.finish(record("first")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_the_last_good_state_and_the_next_one_repairs() {
    let undisturbed = Site::new();
    first(&undisturbed).await;
    let (good, good_sums) = (undisturbed.facts().await, sums(&undisturbed).await);
    whole(&undisturbed, "second").await;
    let (want, want_sums) = (undisturbed.facts().await, sums(&undisturbed).await);
    let want_files = undisturbed.data_files();
    for steps in 0..=STEPS {
        let site = Site::new();
        first(&site).await;
        // Killed twice: a repair may be cut off as well.
        for _ in 0..2 {
            cut_off(&site, steps, "second").await;
            assert_eq!(site.facts().await, good, "after {steps} steps");
            assert_eq!(sums(&site).await, good_sums, "after {steps} steps");
            assert_eq!(site.lake().await.last_run().unwrap().release.as_deref(), Some("first"));
            assert_eq!(site.lake().await.get("published/first/a.csv").await.unwrap(), Bytes::from_static(b"1"));
        }
        whole(&site, "second").await;
        assert_eq!(site.facts().await, want, "after {steps} steps and a repair");
        assert_eq!(sums(&site).await, want_sums, "after {steps} steps and a repair");
        assert_eq!(site.data_files(), want_files, "after {steps} steps and a repair");
        let files = site.files();
        assert!(!files.iter().any(|f| f.contains("lease") || f.contains('#')), "{files:?}");
        assert!(!files.contains(&"published/second/manifest.json".to_string()), "{files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_that_is_killed_leaves_nothing() {
    let undisturbed = Site::new();
    whole(&undisturbed, "second").await;
    for steps in 0..=STEPS {
        let site = Site::new();
        cut_off(&site, steps.min(10), "second").await;
        assert!(site.lake().await.last_run().is_none());
        assert!(site.facts().await.is_empty());
        whole(&site, "second").await;
        assert_eq!(site.facts().await, undisturbed.facts().await);
        // Not only the same rows: the same files, logs included.
        assert_eq!(site.files(), undisturbed.files(), "after {steps} steps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_record_and_the_end() {
    let site = Site::new();
    first(&site).await;
    // The record is put, the lease is still there.
    let lake = site.lake().await;
    lake.put("runs/lease.json", Bytes::from_static(b"{\"holder\":\"x\",\"token\":\"y\"}")).await.unwrap();
    let before = (site.facts().await, site.data_files());
    site.begin().await.unwrap().abandon().await.unwrap();
    assert_eq!((site.facts().await, site.data_files()), before);
    assert!(site.lake().await.exists("published/first/a.csv").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_run_cleans_up_after_itself() {
    let site = Site::new();
    first(&site).await;
    let (facts, files) = (site.facts().await, site.data_files());
    let run = site.begin().await.unwrap();
    load(&run, "a", "1", 50..60, "no").await;
    run.commit_tables().await.unwrap();
    load(&run, "b", "1", 50..60, "no").await;
    run.publish("no", vec![("a.csv".into(), Bytes::new())]).await.unwrap();
    let other = run.clone();
    run.abandon().await.unwrap();
    assert!(other.commit_tables().await.is_err());
    assert_eq!((site.facts().await, site.data_files()), (facts, files));
    assert!(!site.files().iter().any(|f| f.contains("lease") || f.starts_with("published/no")));
    whole(&site, "second").await;
    assert_eq!(site.facts().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_only_a_dead_run_knew_is_removed() {
    let site = Site::new();
    first(&site).await;
    let mut more = specs();
    more.push(TableSpec::new("derived", "extra", sum_schema(), &[]));
    let run = site.lake().await.begin(more).await.unwrap();
    run.replace_table("derived", "extra").unwrap();
    run.commit_tables().await.unwrap();
    drop(run);
    assert!(site.files().iter().any(|f| f.starts_with("derived/extra")));
    whole(&site, "second").await;
    assert!(!site.files().iter().any(|f| f.starts_with("derived/extra")));
}

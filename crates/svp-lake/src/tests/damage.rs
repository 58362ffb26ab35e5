//! Records and files that are gone or damaged: what was told is kept, nothing is used twice, and it is said which file it is.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use svp_contract::{Advice, ErrorKind};

use super::*;
use crate::{LakeError, Look};

/// A run that publishes a release and records it in the ledger.
async fn release(site: &Site, name: &str, rows: std::ops::Range<i64>) {
    let run = site.begin().await.unwrap();
    told(&run, name, rows).await;
    run.finish(record(name)).await.unwrap();
}

async fn told(run: &RunTxn, name: &str, rows: std::ops::Range<i64>) {
    load(run, "a", "1", rows, name).await;
    run.publish(name, vec![("a.csv".into(), Bytes::from_static(b"1"))]).await.unwrap();
    run.record_release(name, vec![("entry.json".into(), Bytes::from_static(b"{}"))]).await.unwrap();
}

fn place(site: &Site, path: &str) -> PathBuf {
    Path::new(&site.path()).join(path)
}

/// Two releases, of which the record of the second goes.
async fn without_the_second_record(record: impl Fn(&Path)) -> Site {
    let site = Site::new();
    release(&site, "000001-x", 0..3).await;
    release(&site, "000002-x", 0..5).await;
    record(&place(&site, "runs/00000002.json"));
    site
}

async fn past_damage(site: &Site) -> Lake {
    Lake::open_past_damage(&site.path(), &HashMap::new()).await.unwrap()
}

/// What was told is moved, its number is not used again, and its rows are not deleted.
async fn goes_on(site: &Site) {
    let run = past_damage(site).await.begin(specs()).await.unwrap();
    assert_eq!((run.number(), run.previous().map(|r| r.number)), (3, Some(1)));
    for path in ["published/000002-x/a.csv", "ledger/000002-x/entry.json"] {
        assert!(!place(site, path).exists() && place(site, "recovered").join(path).exists(), "{path}");
    }
    assert!(place(site, "published/000001-x/a.csv").exists() && place(site, "ledger/000001-x/entry.json").exists());
    // Killed here, it is still for a person to decide.
    drop(run);
    assert!(matches!(site.begin().await, Err(LakeError::LostRecord { .. })));
    let run = past_damage(site).await.begin(specs()).await.unwrap();
    told(&run, "000003-x", 0..4).await;
    let lake = run.finish(record("000003-x")).await.unwrap();
    assert_eq!((lake.last_run().unwrap().number, lake.lost_run()), (3, None));
    // From here on all is as it was: a run that is killed is cleaned up, and what was recovered stays.
    let run = site.begin().await.unwrap();
    assert_eq!(run.number(), 4);
    told(&run, "000004-x", 0..1).await;
    drop(run);
    site.begin().await.unwrap().abandon().await.unwrap();
    assert!(!place(site, "published/000004-x").exists() && !place(site, "recovered/published/000004-x").exists());
    assert!(place(site, "recovered/ledger/000002-x/entry.json").exists());
    assert_eq!(site.facts().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_gone_is_missed_and_what_it_told_is_kept() {
    let site = without_the_second_record(|path| fs::remove_file(path).unwrap()).await;
    let lake = site.lake().await;
    assert_eq!((lake.last_run().unwrap().number, lake.lost_run()), (1, Some(2)));
    for error in [site.begin().await.err().unwrap(), lake.vacuum(1).await.unwrap_err()] {
        assert!(matches!(&error, LakeError::LostRecord { path } if path == "runs/00000002.json"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Storage);
    }
    assert!(place(&site, "published/000002-x/a.csv").exists() && place(&site, "ledger/000002-x/entry.json").exists());
    goes_on(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_understood_is_kept_too() {
    let cut = |path: &Path| fs::write(path, &fs::read(path).unwrap()[..20]).unwrap();
    let site = without_the_second_record(cut).await;
    let error = Lake::open(&site.path(), &HashMap::new(), Open::Write).await.unwrap_err();
    assert!(matches!(&error, LakeError::Record { path, .. } if path == "runs/00000002.json"), "{error}");
    assert!(error.hint().unwrap().contains("--start-ledger-anew"));
    goes_on(&site).await;
    assert_eq!(fs::read(place(&site, "recovered/runs/00000002.json")).unwrap().len(), 20);
}

/// A lake from before has no second place: a release that no record names, though no run was cut off, tells of a lost record.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_is_missed_in_a_lake_from_before() {
    let site = without_the_second_record(|path| fs::remove_file(path).unwrap()).await;
    fs::remove_file(place(&site, "ledger/finished.json")).unwrap();
    assert_eq!(site.lake().await.lost_run(), Some(2));
    assert!(matches!(site.begin().await, Err(LakeError::LostRecord { .. })));
    goes_on(&site).await;
}

/// Where nobody knows whether a run finished, its release is moved and not deleted.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_told_is_moved() {
    let site = Site::new();
    release(&site, "000001-x", 0..3).await;
    let run = site.begin().await.unwrap();
    told(&run, "000002-x", 0..5).await;
    drop(run);
    fs::remove_file(place(&site, "ledger/finished.json")).unwrap();
    let run = site.begin().await.unwrap();
    assert_eq!(run.number(), 2);
    assert!(place(&site, "recovered/ledger/000002-x/entry.json").exists());
    run.abandon().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_place_is_mended_from_the_first() {
    let site = Site::new();
    release(&site, "000001-x", 0..3).await;
    release(&site, "000002-x", 0..3).await;
    let mark = place(&site, "ledger/finished.json");
    let whole = fs::read(&mark).unwrap();
    assert!(site.lake().await.record_as_written());
    // Cut off between the record and the second place; gone; not to be understood.
    let behind = String::from_utf8(whole.clone()).unwrap().replacen("\"number\": 2", "\"number\": 1", 1);
    for text in [Some(behind.replacen("\"2\": \"000002-x\"", "\"1\": \"000001-x\"", 1)), None, Some("{".to_owned())] {
        match text {
            Some(text) => fs::write(&mark, text).unwrap(),
            None => fs::remove_file(&mark).unwrap(),
        }
        assert_eq!(site.lake().await.lost_run(), None);
        site.begin().await.unwrap().abandon().await.unwrap();
        assert!(place(&site, "ledger/000002-x/entry.json").exists());
        assert!(String::from_utf8(fs::read(&mark).unwrap()).unwrap().contains("000002-x"));
    }
    // Another record than the one that was written.
    fs::write(&mark, whole).unwrap();
    let record = place(&site, "runs/00000002.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("000002-x", "000009-x", 1)).unwrap();
    assert!(!site.lake().await.record_as_written());
}

/// The last part of a damaged file's path, and what is said of it.
async fn damage(site: &Site, look: Look) -> Vec<(String, String)> {
    let verified = site.lake().await.verify(look).await.unwrap();
    let one = |error: LakeError| {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.hint().unwrap().contains("backup"));
        let LakeError::Damaged { path, what } = error else { panic!("{error}") };
        (path, what.to_owned())
    };
    verified.damaged.into_iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_live_file_is_compared_with_what_was_written() {
    let site = Site::new();
    release(&site, "000001-x", 0..300).await;
    let verified = site.lake().await.verify(Look::Bytes).await.unwrap();
    assert_eq!((verified.files, verified.digested, verified.damaged.len()), (1, 1, 0));
    let file = place(&site, &site.data_files()[0]);
    let whole = fs::read(&file).unwrap();
    // One byte, in the middle of the rows.
    let mut other = whole.clone();
    other[40] ^= 1;
    fs::write(&file, &other).unwrap();
    assert!(damage(&site, Look::Sizes).await.is_empty());
    let found = damage(&site, Look::Bytes).await;
    assert!(found.len() == 1 && found[0].1.contains("changed after it was written"), "{found:?}");
    assert!(found[0].0.starts_with("base/fact/source=a/slot=1/"), "{found:?}");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(damage(&site, Look::Sizes).await[0].1.contains("another size"));
    fs::remove_file(&file).unwrap();
    assert!(damage(&site, Look::Sizes).await[0].1.contains("missing"));
    fs::write(&file, &whole).unwrap();
    assert!(damage(&site, Look::Bytes).await.is_empty());

    let log = place(&site, "base/fact/_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&log).unwrap();
    let at = text.find("\"sha256\":\"").unwrap();
    fs::write(&log, format!("{}\"other\":\"{}", &text[..at], &text[at + 10..])).unwrap();
    // A log that says anything else than when the run ended is told, wherever somebody opens its table.
    for look in [Look::Sizes, Look::Bytes] {
        let found = damage(&site, look).await;
        assert!(found.len() == 1 && found[0].0 == "base/fact/_delta_log", "{found:?}");
        assert!(found[0].1.contains("was changed after the last run"), "{found:?}");
    }
    let changed = |error: LakeError| matches!(error, LakeError::Damaged { path, .. } if path == "base/fact/_delta_log");
    assert!(changed(site.begin().await.err().unwrap()));
    assert!(changed(site.lake().await.table_provider("base", "fact").await.err().unwrap()));
    fs::write(&log, &text).unwrap();
    assert!(damage(&site, Look::Bytes).await.is_empty());

    // The log is cut: reading says so, and no run takes the older state for the last one.
    let second = site.begin().await.unwrap();
    load(&second, "a", "2", 0..2, "x").await;
    second.finish(record("000002-x")).await.unwrap();
    fs::remove_file(place(&site, "base/fact/_delta_log/00000000000000000001.json")).unwrap();
    let found = damage(&site, Look::Sizes).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "base/fact/_delta_log");
    let error = site.begin().await.err().unwrap();
    assert!(matches!(&error, LakeError::Damaged { path, .. } if path == "base/fact/_delta_log"), "{error}");
}

/// A folder can have any name that the system allows.
/// A checkpoint stands for all commits before it: one that was changed, or put there, is seen though every commit is what it was. With it
/// a table is opened without the commits before it, and the check reads them all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_a_log_is_held_as_its_commits_are() {
    let site = Site::new();
    let run = site.begin().await.unwrap();
    for n in 0..102 {
        // A file is written once in a run, so each commit has a slot of its own in place of the one before.
        run.replace_table("base", "fact").unwrap();
        load(&run, "a", &format!("{n:03}"), 0..2, "x").await;
        run.commit_tables().await.unwrap();
    }
    let lake = run.finish(RunRecord::default()).await.unwrap();
    let known = lake.last_run().unwrap().checkpoints.clone().unwrap();
    assert_eq!(known.keys().collect::<Vec<_>>(), ["base/fact"]);
    let at = known["base/fact"].version;
    assert!(at > 90 && known["base/fact"].tail.version > at, "{known:?}");
    let rows = ["a,101,0,x", "a,101,1,x"];
    assert_eq!(site.facts().await, rows);
    let log = |name: &str| place(&site, &format!("base/fact/_delta_log/{name}"));
    let refused = async |what: &str| {
        let open = site.lake().await.register(&context()).await.map(|_| ());
        let begun = site.lake().await.begin(specs()).await.map(|_| ());
        for error in [open.unwrap_err(), begun.unwrap_err()] {
            assert!(
                matches!(&error, LakeError::Damaged { path, .. } if path == "base/fact/_delta_log"),
                "{what}: {error}"
            );
        }
        for look in [Look::Sizes, Look::Bytes] {
            assert_eq!(damage(&site, look).await.len(), 1, "{what}");
        }
    };

    let checkpoint = log(&format!("{at:020}.checkpoint.parquet"));
    let whole = fs::read(&checkpoint).unwrap();
    for place in [8, whole.len() / 2, whole.len() - 10] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&checkpoint, changed).unwrap();
        refused("a bit of the checkpoint").await;
    }
    fs::write(&checkpoint, &whole).unwrap();
    for other in [
        format!("{:020}.checkpoint.parquet", at + 1),
        format!("{at:020}.checkpoint.0000000001.0000000001.parquet"),
        format!("{at:020}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"),
        format!("{:020}.{:020}.compacted.json", 0, at),
    ] {
        fs::write(log(&other), &whole).unwrap();
        refused(&other).await;
        fs::remove_file(log(&other)).unwrap();
    }
    let after = log(&format!("{:020}.json", at + 1));
    let text = fs::read(&after).unwrap();
    fs::write(&after, [text.as_slice(), b"\n"].concat()).unwrap();
    refused("a commit after the checkpoint").await;
    fs::write(&after, &text).unwrap();

    // An old commit is needed for no row, and its loss is told by the check alone.
    let old = log(&format!("{:020}.json", 5));
    let text = fs::read(&old).unwrap();
    fs::remove_file(&old).unwrap();
    assert_eq!(site.facts().await, rows);
    assert!(damage(&site, Look::Sizes).await.is_empty());
    assert_eq!(damage(&site, Look::Bytes).await.len(), 1);
    fs::write(&old, &text).unwrap();

    // The next run goes on from what is known; a record from before kept no checkpoint and holds all commits.
    let run = site.begin().await.unwrap();
    run.replace_table("base", "fact").unwrap();
    load(&run, "a", "1", 0..2, "last").await;
    let lake = run.finish(RunRecord::default()).await.unwrap();
    assert_eq!(lake.last_run().unwrap().checkpoints.clone().unwrap()["base/fact"].version, at);
    assert_eq!(site.facts().await, ["a,1,0,last", "a,1,1,last"]);
    let record = place(&site, "runs/00000002.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("checkpoints");
    fs::write(&record, value.to_string()).unwrap();
    fs::remove_file(place(&site, "ledger/finished.json")).unwrap();
    assert_eq!(site.facts().await, ["a,1,0,last", "a,1,1,last"]);
    assert!(damage(&site, Look::Bytes).await.is_empty());
    fs::remove_file(&old).unwrap();
    assert_eq!(damage(&site, Look::Sizes).await.len(), 1);
}

/// Where a log has no checkpoint yet, none is taken from anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_no_run_wrote_is_refused() {
    let site = Site::new();
    release(&site, "000001-x", 0..3).await;
    let forged = place(&site, &format!("base/fact/_delta_log/{:020}.checkpoint.parquet", 0));
    fs::write(&forged, b"PAR1").unwrap();
    let open = site.lake().await.register(&context()).await.unwrap_err();
    assert!(matches!(open, LakeError::Damaged { .. }), "{open}");
    fs::remove_file(forged).unwrap();
    site.lake().await.register(&context()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_lies_at_any_path() {
    for name in ["per%20cent", "back\\slash", "a#b?c*d", "plain +&=é"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name).to_string_lossy().into_owned();
        let open = || Lake::open(&path, &NONE, Open::Write);
        for text in ["one", "two"] {
            let run = open().await.unwrap().begin(specs()).await.unwrap();
            load(&run, "a", "x y", 0..2, text).await;
            run.commit_tables().await.unwrap();
            count(&run).await.unwrap();
            run.finish(RunRecord::default()).await.unwrap();
        }
        let ctx = context();
        let lake = open().await.unwrap();
        lake.register(&ctx).await.unwrap();
        assert_eq!(query(&ctx, "SELECT slot, text, count(*) FROM fact GROUP BY 1, 2").await, ["x y,two,2"], "{name}");
        assert!(lake.verify(Look::Bytes).await.unwrap().damaged.is_empty(), "{name}");
        assert!(lake.vacuum(1).await.unwrap() > 0, "{name}");
        assert!(Path::new(&path).join("base/fact").is_dir(), "{name}");
    }
}

static NONE: std::sync::LazyLock<HashMap<String, String>> = std::sync::LazyLock::new(HashMap::new);

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn everything_but_releases_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    release(&site, "000001-x", 0..3).await;
    let mode = |path: &str| fs::metadata(place(&site, path)).unwrap().permissions().mode() & 0o777;
    for zone in ["base", "derived", "ledger", "runs"] {
        assert_eq!(mode(zone), 0o700, "{zone}");
    }
    for file in site.files().iter().filter(|file| !file.starts_with("published/")) {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert!(site.lake().await.open_to_others().unwrap().is_empty());
    fs::set_permissions(place(&site, "base"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(site.lake().await.open_to_others().unwrap(), ["base"]);
    // The next run closes it.
    site.begin().await.unwrap().abandon().await.unwrap();
    assert!(site.lake().await.open_to_others().unwrap().is_empty());
}

/// A store that refuses says why, and repeats no secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_store_shows_its_cause_and_no_secret() {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in server.incoming().take(4) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 8192]);
            let body = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>AKIDEXAMPLE</StringToSign></Error>";
            let head =
                "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: ";
            let _ = write!(stream, "{head}{}\r\n\r\n{body}", body.len());
        }
    });
    let environment: Vec<(String, String)> = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2hunter2"),
        ("AWS_SESSION_TOKEN", "tokentoken"),
        ("AWS_REGION", "eu-west-2"),
        ("AWS_ALLOW_HTTP", "true"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .to_vec();
    let endpoint = [("endpoint".to_owned(), format!("http://{address}"))];
    let options = crate::store_options("s3://bucket/lake", &environment, &endpoint).unwrap();
    let error = Lake::open("s3://bucket/lake", &options, Open::Read).await.unwrap_err();
    let said = format!("{error} {}", error.hint().unwrap());
    assert!(matches!(error, LakeError::Storage { .. }) && said.contains("403"), "{said}");
    for secret in ["AKIDEXAMPLE", "hunter2", "tokentoken", "Signature"] {
        assert!(!said.contains(secret), "{said}");
    }
}

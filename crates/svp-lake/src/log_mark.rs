//! What the log of a table said when a run ended, as one digest.
//!
//! A log names the files of its table. If a byte of it changes, files that newer ones superseded can count again, or others no longer,
//! and every file is still what was written. So each run record keeps, for each table, a digest over all commits of its log up to the
//! version that the run left: each commit is digested together with the digest before it, so a run reads only the commits that are new.
//! The record itself is digested in `ledger/finished.json`.
//!
//! Every hundredth commit the engine writes a checkpoint, which stands for all commits before it: whoever changes it, or puts one there,
//! changes the table although each commit is what it was. So the record keeps the digest of the newest checkpoint too, with one over the
//! commits after it, and other stand-ins are refused. To open a table is then to read one checkpoint and at most a hundred commits,
//! however long the log; `svp check --lake` reads all of them.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use crate::error::{CHANGED_LOG, CUT_LOG, LakeError, Result};
use crate::location::Location;
use crate::record::{CheckpointMark, LogMark, RunRecord};

/// The marks of the logs of some tables at their versions. What `known` says of earlier versions is taken as it is.
///
/// # Errors
/// [`LakeError::Damaged`] where a commit is missing.
pub(crate) async fn marks(
    location: &Location,
    versions: &BTreeMap<String, i64>,
    known: &BTreeMap<String, LogMark>,
) -> Result<BTreeMap<String, LogMark>> {
    let all = versions.iter().map(async |(key, version)| {
        let from = known.get(key).filter(|mark| mark.version <= *version);
        Ok::<_, LakeError>((key.clone(), mark(location, key, from, *version).await?))
    });
    Ok(try_join_all(all).await?.into_iter().collect())
}

/// The marks of the newest checkpoints of some tables; nothing for a table that has none.
///
/// # Errors
/// [`LakeError::Damaged`] where a commit is missing.
pub(crate) async fn checkpoints(
    location: &Location,
    versions: &BTreeMap<String, i64>,
    known: &BTreeMap<String, CheckpointMark>,
) -> Result<BTreeMap<String, CheckpointMark>> {
    let all = versions.iter().map(async |(key, version)| {
        let newest = stand_ins(location, key, *version).await?.into_iter().filter_map(|found| found.checkpoint).max();
        let Some(newest) = newest else { return Ok(None) };
        let known = known.get(key).filter(|mark| mark.version == newest && mark.tail.version <= *version);
        let (sha256, from) = match known {
            Some(mark) => (mark.sha256.clone(), mark.tail.clone()),
            None => (digest_of(location, key, newest).await?, LogMark { version: newest, sha256: String::new() }),
        };
        let tail = mark(location, key, Some(&from), *version).await?;
        Ok::<_, LakeError>(Some((key.clone(), CheckpointMark { version: newest, sha256, tail })))
    });
    Ok(try_join_all(all).await?.into_iter().flatten().collect())
}

async fn mark(location: &Location, key: &str, from: Option<&LogMark>, to: i64) -> Result<LogMark> {
    let mut digest = from.and_then(|mark| hex::decode(&mark.sha256).ok()).unwrap_or_default();
    for commit in from.map_or(0, |mark| mark.version + 1)..=to {
        let bytes = file(location, &Path::from(format!("{key}/_delta_log/{commit:020}.json"))).await?;
        let bytes = bytes.ok_or_else(|| LakeError::damaged(format!("{key}/_delta_log"), CUT_LOG))?;
        let mut hash = Sha256::new();
        hash.update(&digest);
        hash.update(&bytes);
        digest = hash.finalize().to_vec();
    }
    Ok(LogMark { version: to, sha256: hex::encode(digest) })
}

async fn file(location: &Location, path: &Path) -> Result<Option<bytes::Bytes>> {
    match location.store.get(path).await {
        Ok(got) => got.bytes().await.map(Some).map_err(|e| LakeError::store(path, e)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(LakeError::store(path, e)),
    }
}

/// The name of the checkpoint of a version, in the one form that a run writes.
fn checkpoint_name(version: i64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

/// The digest of a checkpoint.
async fn digest_of(location: &Location, key: &str, version: i64) -> Result<String> {
    let bytes = file(location, &Path::from(format!("{key}/_delta_log/{}", checkpoint_name(version)))).await?;
    let bytes = bytes.ok_or_else(|| LakeError::damaged(format!("{key}/_delta_log"), CUT_LOG))?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

/// A file of a log that stands for commits.
struct StandIn {
    /// The version of a checkpoint in the form that a run writes; `None` for any other form.
    checkpoint: Option<i64>,
}

/// What stands for commits up to a version, whoever put it there.
async fn stand_ins(location: &Location, key: &str, to: i64) -> Result<Vec<StandIn>> {
    let one = |path: Path| {
        let name = path.filename().unwrap_or_default().to_owned();
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        let version = digits.parse::<i64>().ok();
        let stands = name.contains(".checkpoint.") || name.contains(".compacted.");
        let counts = stands && version.is_none_or(|version| version <= to);
        let checkpoint = version.filter(|version| name == checkpoint_name(*version));
        counts.then_some(StandIn { checkpoint })
    };
    let listed = location.list(&Path::from(format!("{key}/_delta_log"))).await?;
    Ok(listed.into_iter().filter_map(one).collect())
}

/// Holds the log of a table against what the last record says of it, as far as the table is read from it: the newest checkpoint and the
/// commits after it, or all commits. A record from before has no mark, and nothing is known then.
///
/// # Errors
/// [`LakeError::Damaged`] where the log is another one, or shorter.
pub(crate) async fn hold(location: &Location, run: &RunRecord, key: &str) -> Result<()> {
    let Some(wanted) = run.logs.get(key) else { return Ok(()) };
    let Some(known) = &run.checkpoints else { return hold_whole(location, run, key).await };
    let newest = known.get(key);
    let ours = |found: &StandIn| matches!((found.checkpoint, newest), (Some(at), Some(mark)) if at <= mark.version);
    if !stand_ins(location, key, wanted.version).await?.iter().all(ours) {
        return Err(changed(key));
    }
    let Some(newest) = newest else { return hold_whole(location, run, key).await };
    if newest.tail.version != wanted.version || digest_of(location, key, newest.version).await? != newest.sha256 {
        return Err(changed(key));
    }
    let from = LogMark { version: newest.version, sha256: String::new() };
    match mark(location, key, Some(&from), wanted.version).await? {
        found if found == newest.tail => Ok(()),
        _ => Err(changed(key)),
    }
}

/// Holds all commits of the log of a table against what the last record says of it.
///
/// # Errors
/// As [`hold`].
pub(crate) async fn hold_whole(location: &Location, run: &RunRecord, key: &str) -> Result<()> {
    let Some(wanted) = run.logs.get(key) else { return Ok(()) };
    match mark(location, key, None, wanted.version).await? {
        found if found == *wanted => Ok(()),
        _ => Err(changed(key)),
    }
}

fn changed(key: &str) -> LakeError {
    LakeError::damaged(format!("{key}/_delta_log"), CHANGED_LOG)
}

/// What [`hold`] does, for all tables of a record.
///
/// # Errors
/// As [`hold`].
pub(crate) async fn hold_all(location: &Location, run: &RunRecord) -> Result<()> {
    try_join_all(run.logs.keys().map(|key| hold(location, run, key))).await.map(|_| ())
}

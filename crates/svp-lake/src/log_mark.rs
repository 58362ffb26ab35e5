//! What the log of a table said when a run ended, as one digest.
//!
//! A log names the files of its table. If a byte of it changes, files that newer ones superseded can count again, or others no longer,
//! and every file is still what was written. So each run record keeps, for each table, a digest over all commits of its log up to the
//! version that the run left: each commit is digested together with the digest before it, so a run reads only the commits that are new.
//! The record itself is digested in `ledger/finished.json`.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use crate::error::{CHANGED_LOG, CUT_LOG, LakeError, Result};
use crate::location::Location;
use crate::record::{LogMark, RunRecord};

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

async fn mark(location: &Location, key: &str, from: Option<&LogMark>, to: i64) -> Result<LogMark> {
    let mut digest = from.and_then(|mark| hex::decode(&mark.sha256).ok()).unwrap_or_default();
    for commit in from.map_or(0, |mark| mark.version + 1)..=to {
        let path = Path::from(format!("{key}/_delta_log/{commit:020}.json"));
        let bytes = match location.store.get(&path).await {
            Ok(got) => got.bytes().await.map_err(|e| LakeError::store(&path, e))?,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(LakeError::damaged(format!("{key}/_delta_log"), CUT_LOG));
            }
            Err(e) => return Err(LakeError::store(&path, e)),
        };
        let mut hash = Sha256::new();
        hash.update(&digest);
        hash.update(&bytes);
        digest = hash.finalize().to_vec();
    }
    Ok(LogMark { version: to, sha256: hex::encode(digest) })
}

/// Holds the log of a table against what the last record says of it; a record from before has no mark, and nothing is known then.
///
/// # Errors
/// [`LakeError::Damaged`] where the log is another one, or shorter.
pub(crate) async fn hold(location: &Location, run: &RunRecord, key: &str) -> Result<()> {
    let Some(wanted) = run.logs.get(key) else { return Ok(()) };
    match mark(location, key, None, wanted.version).await? {
        found if found == *wanted => Ok(()),
        _ => Err(LakeError::damaged(format!("{key}/_delta_log"), CHANGED_LOG)),
    }
}

/// The same for all tables of a record.
///
/// # Errors
/// As [`hold`].
pub(crate) async fn hold_all(location: &Location, run: &RunRecord) -> Result<()> {
    try_join_all(run.logs.keys().map(|key| hold(location, run, key))).await.map(|_| ())
}

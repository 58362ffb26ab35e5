//! The run record: the one small file that makes a run visible.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{LakeError, Result};
use crate::sealed::SealedTable;

/// The layout of lakes that this version writes and the newest that it reads: 1 had person records in the clear, 2 exact ages and row
/// numbers, 3 filters of postcodes in encodings and weights of matched events.
pub const LAKE_FORMAT: u32 = 4;

/// The folder of the records.
pub(crate) const RUNS: &str = "runs";

/// The digest of a log up to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// Version, the last commit that is in the digest.
    pub version: i64,
    /// SHA-256 (64 hex digits): of the digest before (32 bytes, none for version 0) and the bytes of the commit.
    pub sha256: String,
}

/// The digest of the newest checkpoint of a log, which stands for all commits up to its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointMark {
    /// Version of the checkpoint.
    pub version: i64,
    /// SHA-256 of its bytes, 64 hex digits.
    pub sha256: String,
    /// The digest of the commits after it, as [`LogMark`] makes it of all.
    pub tail: LogMark,
}

/// What one finished run left: the version of every table, and whatever the caller adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Layout of the lake ([`LAKE_FORMAT`]); filled in when the run finishes.
    pub format: u32,
    /// Number of the run, from 1; filled in when the run finishes.
    pub number: u64,
    /// When the run began (RFC 3339, UTC), as the caller says.
    #[serde(default)]
    pub started: String,
    /// When the run ended (RFC 3339, UTC), as the caller says.
    #[serde(default)]
    pub finished: String,
    /// `zone/table` → version of the table; filled in when the run finishes.
    pub tables: BTreeMap<String, i64>,
    /// `zone/table` → the files of a sealed table; filled in when the run finishes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<String, SealedTable>,
    /// `zone/table` → digest of the table's log up to that version; filled in when the run finishes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logs: BTreeMap<String, LogMark>,
    /// `zone/table` → the newest checkpoint of the table's log, where it has one; filled in when the run finishes. A record from before has no
    /// list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<BTreeMap<String, CheckpointMark>>,
    /// A value by which a wrong key is seen before anything is written.
    #[serde(default)]
    pub key_check: Option<String>,
    /// The release that the run published.
    #[serde(default)]
    pub release: Option<String>,
    /// Digest of the definitions under which the run was made.
    #[serde(default)]
    pub config_digest: String,
    /// How long its parts took, where somebody asked.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub timings: serde_json::Value,
    /// Anything the caller adds.
    #[serde(default)]
    pub body: serde_json::Value,
}

impl Default for RunRecord {
    fn default() -> Self {
        Self {
            format: LAKE_FORMAT,
            number: 0,
            started: String::new(),
            finished: String::new(),
            tables: BTreeMap::new(),
            sealed: BTreeMap::new(),
            logs: BTreeMap::new(),
            checkpoints: None,
            key_check: None,
            release: None,
            config_digest: String::new(),
            timings: serde_json::Value::Null,
            body: serde_json::Value::Null,
        }
    }
}

/// The format is looked at before the rest, because a newer record may have other fields.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// The SHA-256 of bytes, hexadecimal.
fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `runs/00000042.json`
pub(crate) fn record_path(number: u64) -> Path {
    Path::from(format!("{RUNS}/{number:08}.json"))
}

/// The number in a record's file name; `None` for anything else that lies in the folder.
fn record_number(path: &Path) -> Option<u64> {
    let digits = path.filename()?.strip_suffix(".json")?;
    let all_digits = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

/// The numbers of all finished runs, ascending: one listing of one folder.
pub(crate) async fn numbers(store: &dyn ObjectStore) -> Result<Vec<u64>> {
    let prefix = Path::from(RUNS);
    let mut numbers: Vec<u64> = store
        .list(Some(&prefix))
        .try_filter_map(|meta| futures::future::ready(Ok(record_number(&meta.location))))
        .try_collect()
        .await
        .map_err(|e| LakeError::store(RUNS, e))?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads one record.
pub(crate) async fn read(store: &dyn ObjectStore, number: u64) -> Result<RunRecord> {
    read_digested(store, number).await.map(|(run, _)| run)
}

/// Reads one record, and gives the SHA-256 of its bytes, hexadecimal.
async fn read_digested(store: &dyn ObjectStore, number: u64) -> Result<(RunRecord, String)> {
    let path = record_path(number);
    let bytes = store.get(&path).await.map_err(|e| LakeError::store(&path, e))?;
    let bytes = bytes.bytes().await.map_err(|e| LakeError::store(&path, e))?;
    Ok((parse(&path, &bytes)?, digest(&bytes)))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<RunRecord> {
    let damaged = |source| LakeError::Record { path: path.to_string(), source };
    let FormatOnly { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format > LAKE_FORMAT {
        return Err(LakeError::NewerFormat { path: path.to_string(), found: format, supported: LAKE_FORMAT });
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

/// The newest record, and what is wrong with newer ones.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    /// The record.
    pub run: Option<RunRecord>,
    /// The SHA-256 of its bytes, hexadecimal.
    pub digest: String,
    /// Numbers of newer records that cannot be understood.
    pub damaged: Vec<u64>,
}

impl Newest {
    /// Finds it. Newer ones that cannot be understood are passed over where `past_damage` is set.
    ///
    /// # Errors
    /// [`LakeError::Record`] for a newest record that cannot be understood, unless it is to be passed over.
    pub async fn find(store: &dyn ObjectStore, past_damage: bool) -> Result<Self> {
        let mut damaged = Vec::new();
        for number in numbers(store).await?.into_iter().rev() {
            match read_digested(store, number).await {
                Ok((run, digest)) => return Ok(Self { run: Some(run), digest, damaged }),
                Err(LakeError::Record { .. }) if past_damage => damaged.push(number),
                Err(other) => return Err(other),
            }
        }
        Ok(Self { damaged, ..Self::default() })
    }

    /// Number of the record; 0 where there is none.
    pub fn number(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.number)
    }
}

/// Reads every record, in the order of the runs.
pub(crate) async fn all(store: &dyn ObjectStore) -> Result<Vec<RunRecord>> {
    stream::iter(numbers(store).await?).map(|number| read(store, number)).buffered(16).try_collect().await
}

/// Takes out of every record before run `last` what its caller added and what hangs on the key of then. One that cannot be understood is
/// left alone. Gives the paths of those that were written anew.
pub(crate) async fn forget(store: &dyn ObjectStore, last: u64) -> Result<Vec<Path>> {
    let mut written = Vec::new();
    for number in numbers(store).await?.into_iter().filter(|number| *number < last) {
        let run = match read(store, number).await {
            Ok(run) => run,
            Err(LakeError::Record { .. }) => continue,
            Err(other) => return Err(other),
        };
        let RunRecord { format, number, started, finished, tables, release, .. } = run.clone();
        let kept = RunRecord { format, number, started, finished, tables, release, ..RunRecord::default() };
        if run != kept {
            let (path, text) = text(&kept)?;
            store.put(&path, text.into()).await.map_err(|e| LakeError::store(&path, e))?;
            written.push(path);
        }
    }
    Ok(written)
}

/// The path and the bytes of a record.
fn text(record: &RunRecord) -> Result<(Path, Bytes)> {
    let path = record_path(record.number);
    let mut text =
        serde_json::to_vec_pretty(record).map_err(|source| LakeError::Record { path: path.to_string(), source })?;
    text.push(b'\n');
    Ok((path, Bytes::from(text)))
}

/// The one put that makes a run visible. Refuses if the number is taken. Gives the SHA-256 of the bytes.
pub(crate) async fn create(store: &dyn ObjectStore, record: &RunRecord) -> Result<String> {
    let (path, text) = text(record)?;
    let options = PutOptions::from(PutMode::Create);
    let sha256 = digest(&text);
    match store.put_opts(&path, text.into(), options).await {
        Ok(_) => Ok(sha256),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            Err(LakeError::Conflict { number: record.number, path: path.to_string() })
        }
        Err(e) => Err(LakeError::store(&path, e)),
    }
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;

    #[test]
    fn only_records_are_numbers() {
        for (name, number) in [
            ("runs/00000042.json", Some(42)),
            ("runs/123456789.json", Some(123_456_789)),
            ("runs/lease.json", None),
            ("runs/lease.lock", None),
            ("runs/42.json", None),
            ("runs/00000042.json.bak", None),
        ] {
            assert_eq!(record_number(&Path::from(name)), number, "{name}");
        }
    }

    #[test]
    fn a_newer_record_is_refused_whatever_its_fields() {
        let path = record_path(1);
        let error = parse(&path, br#"{"format": 5, "number": "one", "shape": []}"#).unwrap_err();
        assert!(matches!(error, LakeError::NewerFormat { found: 5, supported: LAKE_FORMAT, .. }));
        assert!(error.hint().unwrap().contains("upgrade"));
        assert!(matches!(parse(&path, b"{").unwrap_err(), LakeError::Record { .. }));
    }
}

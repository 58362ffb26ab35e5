//! Whether the files that a lake shows are those that were written.
//!
//! The log of a table keeps the size of each data file and, since files are digested while they are written, its SHA-256. A file
//! from before has no digest: it is decoded to its end, which finds what cannot be read and not every change.

use std::collections::BTreeMap;

use arrow::error::ArrowError;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::delta::{LiveFile, TableLog, live_files, version};
use crate::error::{CUT_LOG, LakeError, Result};
use crate::location::Location;
use crate::log_mark;
use crate::record::RunRecord;

/// The name under which the log of a table keeps the digest of a file.
pub(crate) const DIGEST_TAG: &str = "sha256";

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether they are there, with the size that they had: one listing for each table.
    Sizes,
    /// Every byte.
    Bytes,
}

/// What was looked at, and what is wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// Live files of all tables.
    pub files: usize,
    /// Of these, those whose digest is known and was compared.
    pub digested: usize,
    /// [`LakeError::Damaged`], in the order of the paths.
    pub damaged: Vec<LakeError>,
}

/// Looks at the live files of the tables of a record that are `wanted`.
pub(crate) async fn verify(
    location: &Location,
    run: &RunRecord,
    look: Look,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Verified> {
    let mut all = Verified::default();
    for (key, at) in run.tables.iter().filter(|(key, _)| wanted(key)) {
        let held = match (log_mark::hold(location, run, key).await, look) {
            // The digests of files stand in all commits.
            (Ok(()), Look::Bytes) => log_mark::hold_whole(location, run, key).await,
            (held, _) => held,
        };
        match held {
            Ok(()) => table(location, key, *at, look, &mut all).await?,
            // What such a log names says nothing of the table.
            Err(damaged @ LakeError::Damaged { .. }) => all.damaged.push(damaged),
            Err(other) => return Err(other),
        }
    }
    Ok(all)
}

async fn table(location: &Location, key: &str, at: i64, look: Look, all: &mut Verified) -> Result<()> {
    const AT_ONCE: usize = 4;
    let log = TableLog::new(location, key);
    let snapshot = match log.open(Some(at)).await {
        Ok(snapshot) if version(&snapshot) == at => snapshot,
        Ok(_) | Err(LakeError::Table { .. }) => {
            all.damaged.push(LakeError::damaged(format!("{key}/_delta_log"), CUT_LOG));
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    let listed = location.store.list(Some(&Path::from(key))).map_ok(|meta| (meta.location, meta.size));
    let sizes: BTreeMap<Path, u64> = listed.try_collect().await.map_err(|e| LakeError::store(key, e))?;
    let digests = if look == Look::Bytes { digests(location, key, at).await? } else { BTreeMap::new() };
    let live = live_files(&snapshot)?;
    all.files += live.len();
    let looked: Vec<Result<(bool, Option<LakeError>)>> = stream::iter(live)
        .map(|file| {
            let path = Path::from_iter(Path::from(key).parts().chain(file.path.parts()));
            let (size, digest) = (sizes.get(&path).copied(), digests.get(file.path.as_ref()).cloned());
            one(location, path, file, size, digest, look)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for found in looked {
        let (digested, damaged) = found?;
        all.digested += usize::from(digested);
        all.damaged.extend(damaged);
    }
    Ok(())
}

/// Looks at one file: whether its digest was compared, and what is wrong.
async fn one(
    location: &Location,
    path: Path,
    file: LiveFile,
    size: Option<u64>,
    digest: Option<String>,
    look: Look,
) -> Result<(bool, Option<LakeError>)> {
    let damaged = |what| Some(LakeError::damaged(&path, what));
    match size {
        None => return Ok((false, damaged("the file is missing"))),
        Some(size) if size != file.bytes => {
            return Ok((false, damaged("the file has another size than when it was written")));
        }
        Some(_) if look == Look::Sizes => return Ok((false, None)),
        Some(_) => {}
    }
    let failed = |e| LakeError::store(&path, e);
    let got = location.store.get(&path).await.map_err(failed)?;
    let Some(wanted) = digest else {
        let bytes = got.bytes().await.map_err(failed)?;
        let whole = tokio::task::spawn_blocking(move || readable(bytes, file.rows));
        let whole = whole.await.map_err(|_| LakeError::Task { what: "reading a file to its end" })?;
        return Ok((false, if whole { None } else { damaged("the file cannot be read to its end") }));
    };
    let mut hash = Sha256::new();
    let mut bytes = got.into_stream();
    while let Some(piece) = bytes.try_next().await.map_err(failed)? {
        hash.update(&piece);
    }
    let same = hex::encode(hash.finalize()) == wanted;
    Ok((true, if same { None } else { damaged("the file was changed after it was written") }))
}

/// Whether a Parquet file can be decoded to its end and has the rows that the log counts.
fn readable(bytes: Bytes, rows: Option<usize>) -> bool {
    let all = || -> Result<usize, ArrowError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?;
        reader.map(|batch| batch.map(|b| b.num_rows())).sum()
    };
    all().is_ok_and(|found| rows.is_none_or(|wanted| wanted == found))
}

/// The digests of the files of a table, by their paths: the log is kept whole, so each commit can be read.
async fn digests(location: &Location, key: &str, at: i64) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Action {
        add: Option<Added>,
    }
    #[derive(Deserialize)]
    struct Added {
        path: String,
        #[serde(default)]
        tags: Option<BTreeMap<String, Option<String>>>,
    }
    let mut found = BTreeMap::new();
    for commit in 0..=at {
        let path = Path::from(format!("{key}/_delta_log/{commit:020}.json"));
        let bytes = match location.store.get(&path).await {
            Ok(got) => got.bytes().await.map_err(|e| LakeError::store(&path, e))?,
            // What came before a checkpoint need not be there for the table to be read.
            Err(object_store::Error::NotFound { .. }) => continue,
            Err(e) => return Err(LakeError::store(&path, e)),
        };
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let Ok(Action { add: Some(add) }) = serde_json::from_slice(line) else { continue };
            if let Some(digest) = add.tags.and_then(|mut tags| tags.remove(DIGEST_TAG)).flatten() {
                found.insert(add.path, digest);
            }
        }
    }
    Ok(found)
}

//! Deleting what superseded rows still occupy, because some data may not be kept for ever.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::delta::{TableLog, live_files};
use crate::error::{LakeError, Result};
use crate::finished::Finished;
use crate::layout::marked_run;
use crate::lease::Held;
use crate::location::Location;
use crate::record::{self, Newest};
use crate::repair::repair;

/// What is to go with the files that no table has any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing else.
    Files,
    /// What the callers of earlier runs added to their records, too.
    Records,
}

impl Due {
    /// As it stands in the mark.
    fn word(self) -> &'static str {
        match self {
            Self::Files => "",
            Self::Records => "records\n",
        }
    }
}

/// Keeps the files that are live in one of the last `keep` records (at least in the last one).
pub(crate) async fn vacuum(location: &Location, keep: usize, due: Due) -> Result<usize> {
    let held = Held::take(location, &[]).await?;
    let newest = Newest::find(location.store.as_ref(), false).await?;
    let known = newest.number();
    let last = newest.run;
    let finished = Finished::of(location, last.as_ref(), Some(held.found.is_some())).await?;
    if finished.number > known {
        // Its files would look as if nobody had them.
        return Err(LakeError::LostRecord { path: record::record_path(finished.number).to_string() });
    }
    repair(location, last.as_ref(), held.found.as_ref(), &[], &finished).await?;
    let mut numbers = record::numbers(location.store.as_ref()).await?;
    let kept = numbers.split_off(numbers.len().saturating_sub(keep.max(1)));
    let mut versions: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for number in kept {
        for (key, version) in record::read(location.store.as_ref(), number).await?.tables {
            versions.entry(key).or_default().insert(version);
        }
    }
    let dead = try_join_all(versions.iter().map(|(key, at)| dead_files(location, key, at))).await?;
    let dead: Vec<Path> = dead.into_iter().flatten().collect();
    let count = dead.len();
    location.delete(dead).await?;
    if due == Due::Records {
        let written = record::forget(location.store.as_ref(), known).await?;
        location.sync(written).await?;
    }
    match location.store.delete(&due_path()).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(e) => return Err(LakeError::store(due_path(), e)),
    }
    held.give_back().await?;
    Ok(count)
}

/// Lies in the lake from before a run becomes visible until the files that it must not leave behind are deleted.
fn due_path() -> Path {
    Path::from_iter([record::RUNS, "vacuum.due"])
}

/// Says that the lake is to be vacuumed, whatever becomes of this process.
pub(crate) async fn make_due(location: &Location, due: Due) -> Result<Path> {
    let path = due_path();
    location
        .store
        .put(&path, bytes::Bytes::from_static(due.word().as_bytes()).into())
        .await
        .map_err(|e| LakeError::store(&path, e))?;
    Ok(path)
}

/// Vacuums a lake in which that was left to do.
pub(crate) async fn vacuum_if_due(location: &Location) -> Result<usize> {
    let failed = |e| LakeError::store(due_path(), e);
    match location.store.get(&due_path()).await {
        Ok(mark) => {
            let all = mark.bytes().await.map_err(failed)? == Due::Records.word().as_bytes();
            vacuum(location, 1, if all { Due::Records } else { Due::Files }).await
        }
        Err(object_store::Error::NotFound { .. }) => Ok(0),
        Err(e) => Err(failed(e)),
    }
}

/// The data files of a table that are live in none of the given versions.
async fn dead_files(location: &Location, key: &str, at: &BTreeSet<i64>) -> Result<Vec<Path>> {
    let log = TableLog::new(location, key);
    let mut live = BTreeSet::new();
    for version in at {
        let files = live_files(&log.open(Some(*version)).await?)?;
        live.extend(files.into_iter().map(|file| Path::from(format!("{key}/{}", file.path))));
    }
    let files = location.list(&Path::from(key)).await?;
    let dead = |path: &Path| marked_run(path).is_some() && !live.contains(path);
    Ok::<_, LakeError>(files.into_iter().filter(dead).collect())
}

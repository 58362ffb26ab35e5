//! Taking back what a run left that did not finish.
//!
//! The last run record is the truth. What a killed run can have left, and what happens to it:
//!
//! | left behind | repair |
//! |---|---|
//! | a table ahead of its recorded version | a new version with the recorded content |
//! | a table that no record names | its folder is emptied |
//! | a data file whose name carries a run number above the last record's | deleted |
//! | a release folder, or its folder in the ledger, of a run that never finished | deleted |
//! | one of a run that finished and whose record is gone, or of which that is not known | moved to `recovered/` |
//! | a run record that cannot be understood, where somebody decided to go on without it | moved to `recovered/` |
//! | a half-written local file (`name#1`) | deleted |
//!
//! The first two are looked at by every begin. The others need listings of whole folders, so they
//! are looked at only when the lease of the run before was not given back. Every step can be cut off
//! and done again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FsPath;

use deltalake_core::kernel::EagerSnapshot;
use futures::future::try_join_all;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::delta::{TableLog, version};
use crate::error::{CUT_LOG, LakeError, Result};
use crate::finished::{Finished, release_folders};
use crate::layout::{RECOVERED, marked_run};
use crate::lease::Lease;
use crate::location::Location;
use crate::record::{self, RunRecord};
use crate::rights;

/// Brings the lake back to its last record. Gives the newest snapshot of every recorded table, which
/// then has the recorded content.
pub(crate) async fn repair(
    location: &Location,
    last: Option<&RunRecord>,
    left: Option<&Lease>,
    declared: &[String],
    finished: &Finished,
) -> Result<BTreeMap<String, EagerSnapshot>> {
    let none = BTreeMap::new();
    let recorded = last.map_or(&none, |run| &run.tables);
    let tables = try_join_all(
        recorded.iter().map(async |(key, at)| Ok::<_, LakeError>((key.clone(), rewind(location, key, *at).await?))),
    )
    .await?;
    let left_tables = left.map(|lease| lease.tables.as_slice()).unwrap_or_default();
    let unknown: BTreeSet<&String> =
        declared.iter().chain(left_tables).filter(|key| !recorded.contains_key(*key)).collect();
    for key in unknown {
        empty_folder(location, &Path::from(key.as_str())).await?;
    }
    let known = last.map_or(0, |run| run.number);
    if left.is_some() {
        for key in recorded.keys() {
            // What a run whose record is gone wrote is not that of a dead one.
            drop_orphans(location, key, known.max(finished.number)).await?;
        }
        if let Some(folder) = location.folder.clone() {
            blocking(move || drop_half_written(&folder)).await?;
        }
    }
    if left.is_some() || finished.number > known {
        clear_releases(location, known, finished).await?;
    }
    Ok(tables.into_iter().collect())
}

/// The newest snapshot of a table, after its content is the recorded one again.
async fn rewind(location: &Location, key: &str, recorded: i64) -> Result<EagerSnapshot> {
    let log = TableLog::new(location, key);
    let newest = log.open(None).await?;
    match version(&newest) {
        found if found > recorded => log.restore(recorded).await,
        found if found < recorded => Err(LakeError::damaged(format!("{key}/_delta_log"), CUT_LOG)),
        _ => Ok(newest),
    }
}

/// Deletes the data files of runs that never finished.
async fn drop_orphans(location: &Location, key: &str, finished: u64) -> Result<()> {
    let files = location.list(&Path::from(key)).await?;
    let orphans = files.into_iter().filter(|path| marked_run(path).is_some_and(|n| n > finished));
    location.delete(orphans.collect()).await
}

/// Looks at the folders of releases, and at theirs in the ledger: those of a run that never finished are deleted; what was told, or may
/// have been, is moved aside.
async fn clear_releases(location: &Location, known: u64, finished: &Finished) -> Result<()> {
    for folder in release_folders(location).await? {
        let name = folder.filename().unwrap_or_default();
        if finished.names(name, known) {
            continue;
        }
        if finished.guessed || finished.knows(name) {
            move_aside(location, &folder).await?;
        } else {
            empty_folder(location, &folder).await?;
        }
    }
    Ok(())
}

/// Moves records that cannot be understood to `recovered/`.
pub(crate) async fn set_records_aside(location: &Location, numbers: &[u64]) -> Result<()> {
    for number in numbers {
        move_aside(location, &record::record_path(*number)).await?;
    }
    Ok(())
}

/// Moves a file or a folder to the same place below `recovered/`, or beside it where something stands there.
async fn move_aside(location: &Location, path: &Path) -> Result<()> {
    let mut files = location.list(path).await?;
    if files.is_empty() {
        // A file is no folder, and listings give what is below a path.
        files.push(path.clone());
    }
    let mut target = Path::from_iter(Path::from(RECOVERED).parts().chain(path.parts()));
    let base = target.to_string();
    let mut n = 1;
    while !location.list(&target).await?.is_empty() || location.is_file(&target).await? {
        n += 1;
        target = Path::from(format!("{base}-{n}"));
    }
    for file in files {
        let below = file.parts().skip(path.parts().count());
        let to = Path::from_iter(target.parts().chain(below));
        location.store.rename(&file, &to).await.map_err(|e| LakeError::store(&file, e))?;
    }
    if let Some(root) = &location.folder {
        let closed = root.join(RECOVERED);
        rights::closed_folder(&closed).map_err(|e| LakeError::file("close to others", closed.display(), e))?;
        let local = path.parts().fold(root.clone(), |at, part| at.join(part.as_ref()));
        blocking(move || {
            drop_empty_folders(&local);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Deletes everything below a folder of the lake.
async fn empty_folder(location: &Location, folder: &Path) -> Result<()> {
    location.delete(location.list(folder).await?).await?;
    if let Some(root) = &location.folder {
        let local = folder.parts().fold(root.clone(), |path, part| path.join(part.as_ref()));
        blocking(move || {
            drop_half_written(&local)?;
            drop_empty_folders(&local);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(|_| LakeError::Task { what: "repairing the lake" })?
}

/// Deletes files that a local store was writing: their names end in `#` and digits until they are
/// whole, and the store never lists them.
fn drop_half_written(folder: &FsPath) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(LakeError::file("list", folder.display(), e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| LakeError::file("list", folder.display(), e))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|e| LakeError::file("read", path.display(), e))?;
        if kind.is_dir() {
            drop_half_written(&path)?;
        } else if kind.is_file() && is_half_written(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(&path).map_err(|e| LakeError::file("delete", path.display(), e))?;
        }
    }
    Ok(())
}

fn is_half_written(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(base, suffix)| {
        !base.is_empty() && !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Removes empty folders from below; one that is not empty stays.
fn drop_empty_folders(folder: &FsPath) {
    if let Ok(entries) = std::fs::read_dir(folder) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                drop_empty_folders(&entry.path());
            }
        }
    }
    let _ = std::fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_written_names() {
        assert!(is_half_written("a.parquet#1") && is_half_written("a#1#22"));
        assert!(!is_half_written("a.parquet") && !is_half_written("a#b1") && !is_half_written("#1"));
    }
}

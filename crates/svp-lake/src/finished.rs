//! What finished, remembered in a second place: `ledger/finished.json`.
//!
//! The records in `runs/` say what a lake is. Who loses the newest of them would otherwise have a lake that forgot what it told:
//! the release of that run would look like one of a run that was killed. So each run that finishes is listed in the folder of the
//! ledger too, with its release. A folder that is listed here, or about which nothing is known, is never deleted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use crate::error::{LakeError, Result};
use crate::layout::{LEDGER, PUBLISHED};
use crate::lease;
use crate::location::Location;
use crate::record::{self, RunRecord};

/// The runs that finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// Number of the last one; 0 where there was none.
    pub number: u64,
    /// SHA-256 of the bytes of its record; empty where nobody kept it.
    #[serde(default)]
    pub record: String,
    /// The releases, by the number of the run that made them.
    #[serde(default)]
    pub releases: BTreeMap<u64, String>,
    /// This was put together from what lies in the lake, because the file was not there: a release that is not listed may have
    /// been made all the same.
    #[serde(skip)]
    pub guessed: bool,
}

/// `ledger/finished.json`
pub(crate) fn path() -> Path {
    Path::from_iter([LEDGER, "finished.json"])
}

impl Finished {
    /// What finished, as both places say. `last` is the newest record that can be read; `unfinished`, whether a run left its mark, is
    /// looked up where it is not known.
    ///
    /// # Errors
    /// When the store fails, or a record on which a lake without the file depends cannot be read.
    pub async fn of(location: &Location, last: Option<&RunRecord>, unfinished: Option<bool>) -> Result<Self> {
        let store = location.store.as_ref();
        let mut finished = match read(store).await? {
            Some(found) => found,
            None => Self::guess(location, last, unfinished).await?,
        };
        let Some(last) = last else { return Ok(finished) };
        if last.number > finished.number + 1 {
            // Runs of an older version came in between.
            for run in record::all(store).await?.into_iter().filter(|run| run.number <= last.number) {
                finished.releases.extend(run.release.map(|name| (run.number, name)));
            }
        }
        if last.number > finished.number {
            // The last run was cut off between its record and this file.
            finished.number = last.number;
            finished.record.clear();
        }
        finished.releases.extend(last.release.clone().map(|name| (last.number, name)));
        Ok(finished)
    }

    /// For a lake without the file: what its records say. A release that no record names, in a lake that no run left unfinished, is
    /// that of a record that is gone.
    async fn guess(location: &Location, last: Option<&RunRecord>, unfinished: Option<bool>) -> Result<Self> {
        let store = location.store.as_ref();
        let mut finished = Self { guessed: true, ..Self::default() };
        let known = last.map_or(0, |run| run.number);
        for number in record::numbers(store).await?.into_iter().filter(|number| *number <= known) {
            let run = record::read(store, number).await?;
            finished.releases.extend(run.release.map(|name| (number, name)));
        }
        finished.number = known;
        let folders = release_folders(location).await?;
        let named: BTreeSet<&String> = finished.releases.values().collect();
        let strangers: Vec<String> = folders
            .iter()
            .filter_map(|f| f.filename())
            .filter(|n| !named.contains(&(*n).to_string()))
            .map(str::to_owned)
            .collect();
        if strangers.is_empty() {
            return Ok(finished);
        }
        let unfinished = match unfinished {
            Some(known) => known,
            None => lease::is_there(location).await?,
        };
        if !unfinished {
            for name in strangers {
                let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
                let number = digits.parse().unwrap_or(0).max(known + 1);
                finished.number = finished.number.max(number);
                finished.releases.insert(number, name);
            }
        }
        Ok(finished)
    }

    /// Whether a release belongs to a run up to `number`.
    pub fn names(&self, release: &str, number: u64) -> bool {
        self.releases.range(..=number).any(|(_, name)| name == release)
    }

    /// Whether a release belongs to any run that finished.
    pub fn knows(&self, release: &str) -> bool {
        self.releases.values().any(|name| name == release)
    }

    /// Writes the file.
    pub async fn write(&self, store: &dyn ObjectStore) -> Result<()> {
        let path = path();
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| LakeError::Record { path: path.to_string(), source })?;
        text.push(b'\n');
        store.put(&path, Bytes::from(text).into()).await.map(|_| ()).map_err(|e| LakeError::store(&path, e))
    }
}

/// The file as it stands; `None` where there is none, or it cannot be understood: the records say it all again.
async fn read(store: &dyn ObjectStore) -> Result<Option<Finished>> {
    let path = path();
    let failed = |e| LakeError::store(&path, e);
    match store.get(&path).await {
        Ok(got) => Ok(serde_json::from_slice(&got.bytes().await.map_err(failed)?).ok()),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Folders of releases, and their folders in the ledger.
pub(crate) async fn release_folders(location: &Location) -> Result<Vec<Path>> {
    let mut folders = Vec::new();
    for zone in [PUBLISHED, LEDGER] {
        let zone = Path::from(zone);
        let listed = location.store.list_with_delimiter(Some(&zone)).await;
        folders.extend(listed.map_err(|e| LakeError::store(&zone, e))?.common_prefixes);
    }
    Ok(folders)
}

//! The list of a sealed table in the run record, and whether the table is what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltalake_core::kernel::EagerSnapshot;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use svp_contract::Seal;

use super::chunk::{Chunk, Place};
use crate::delta::live_files;
use crate::error::{LakeError, Result};
use crate::location::Location;

/// Files that are looked at side by side.
const AT_ONCE: usize = 4;

/// What a run record says of a sealed table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTable {
    /// Names the key under which it is sealed.
    pub key: String,
    /// Keyed MAC (64 hex digits) of table, run and files.
    pub mac: String,
    /// Every live file, by its path below the table.
    pub files: BTreeMap<String, SealedFile>,
}

/// What a run record says of a file of sealed chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// How many chunks it has.
    pub chunks: u32,
    /// Keyed MAC (64 hex digits) of its chunks in their order, each with its place.
    pub mac: String,
}

impl SealedTable {
    /// The list of the table `key` (`zone/table`) for the record of a run.
    pub(crate) fn new(seal: &dyn Seal, key: &str, run: u64, files: BTreeMap<String, SealedFile>) -> Self {
        let mac = mac_of(seal, key, run, &files);
        Self { key: seal.key_id().to_owned(), mac, files }
    }
}

/// A list where it stands.
pub(crate) struct Listed<'a> {
    /// `zone/table`
    pub key: &'a str,
    /// The number of the run in whose record it stands.
    pub run: u64,
    /// The path of that record.
    pub record: Path,
    pub table: &'a SealedTable,
}

impl Listed<'_> {
    /// Refuses a list that was changed, of another run, or under another key.
    fn check(&self, seal: &dyn Seal) -> Result<()> {
        if self.table.key != seal.key_id() {
            return Err(LakeError::OtherSeal {
                table: self.key.to_owned(),
                wanted: self.table.key.clone(),
                found: seal.key_id().to_owned(),
            });
        }
        if self.table.mac != mac_of(seal, self.key, self.run, &self.table.files) {
            return Err(LakeError::damaged(&self.record, "its list of sealed files is not the one that the run wrote"));
        }
        Ok(())
    }
}

fn mac_of(seal: &dyn Seal, key: &str, run: u64, files: &BTreeMap<String, SealedFile>) -> String {
    let run = run.to_le_bytes();
    let counts: Vec<[u8; 4]> = files.values().map(|file| file.chunks.to_le_bytes()).collect();
    let mut parts = vec![b"svp sealed table 1".as_slice(), key.as_bytes(), &run, seal.key_id().as_bytes()];
    for ((path, file), chunks) in files.iter().zip(&counts) {
        parts.extend([path.as_bytes(), chunks, file.mac.as_bytes()]);
    }
    hex::encode(seal.mac(&parts))
}

/// The live files of a snapshot with what is known of each, and their partitions' values in the order of `partition`.
pub(crate) fn sealed_files(
    snapshot: &EagerSnapshot,
    key: &str,
    partition: &[String],
    known: &BTreeMap<String, SealedFile>,
) -> Result<Vec<(Path, Vec<String>, SealedFile)>> {
    let of = |file: crate::delta::LiveFile| {
        let values = partition.iter().map(|c| file.partition.get(c).cloned().flatten().unwrap_or_default()).collect();
        let listed = known.get(file.path.as_ref()).cloned();
        let listed = listed.ok_or_else(|| {
            LakeError::damaged(format!("{key}/{}", file.path), "the run record does not list it among the sealed files")
        })?;
        Ok((file.path, values, listed))
    };
    live_files(snapshot)?.into_iter().map(of).collect()
}

/// Looks at every chunk of a sealed table without opening any: all files of the list are there, are live, and are what the run wrote.
pub(crate) async fn verify(
    location: &Location,
    seal: &Arc<dyn Seal>,
    listed: Listed<'_>,
    (snapshot, partition): (&EagerSnapshot, &[String]),
) -> Result<()> {
    listed.check(seal.as_ref())?;
    let key = listed.key;
    let live = sealed_files(snapshot, key, partition, &listed.table.files)?;
    if let Some(path) = listed.table.files.keys().find(|path| !live.iter().any(|(p, ..)| p.as_ref() == path.as_str())) {
        return Err(LakeError::damaged(format!("{key}/{path}"), "the table does not hold it any more"));
    }
    stream::iter(live)
        .map(|(path, values, listed)| async move {
            let place = Place { table: key.to_owned(), values };
            read_chunks(location, seal, &place, (&path, &listed), true).await.map(drop)
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The chunks of a file, as many as the list says, in their order. `file_mac`: whether the MAC of the file is worked out too; the chunks
/// themselves are looked at when they are opened.
pub(super) async fn read_chunks(
    location: &Location,
    seal: &Arc<dyn Seal>,
    place: &Place,
    (path, listed): (&Path, &SealedFile),
    file_mac: bool,
) -> Result<Vec<Chunk>> {
    let file = format!("{}/{path}", place.table);
    let whole = Path::from_iter(Path::from(place.table.as_str()).parts().chain(path.parts()));
    let bytes = match location.store.get(&whole).await {
        Ok(found) => found.bytes().await.map_err(|e| LakeError::store(&file, e))?,
        Err(object_store::Error::NotFound { .. }) => return Err(LakeError::damaged(&file, "it is not there")),
        Err(e) => return Err(LakeError::store(&file, e)),
    };
    let (seal, place, listed) = (Arc::clone(seal), place.clone(), listed.clone());
    let look = move || {
        let chunks = Chunk::all(bytes, &file)?;
        let in_order =
            chunks.iter().zip(0..).all(|(c, n)| c.head.number == n && c.head.last == (n as usize + 1 == chunks.len()));
        let mut whole = in_order && chunks.len() as u64 == u64::from(listed.chunks);
        if whole && file_mac {
            let mac = chunks.iter().fold(Vec::new(), |mac, c| c.chained(seal.as_ref(), &place, &mac).to_vec());
            whole = hex::encode(mac) == listed.mac;
        }
        if whole {
            return Ok(chunks);
        }
        Err(LakeError::damaged(&file, "its sealed chunks are not those that the run wrote"))
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| LakeError::Task { what: "looking at sealed chunks" })?
}

//! One writer at a time, and the mark by which the next writer sees that one died.
//!
//! `runs/lease.json` exists while a run writes: it is put before anything else and deleted last. A
//! run that begins and finds it knows that the one before was killed, and what it may have touched.
//!
//! On a local lake the holder also keeps an operating-system lock on `runs/lease.lock`, which the
//! kernel takes back when a process ends in whatever way. On object stores, where nobody can know
//! whether a process lives, the lease is renewed every [`RENEW`] and taken over when it is older
//! than [`STALE`] by the clock of the store. If even that goes wrong, the conditional put of the
//! run record lets only one of two writers finish.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path as FsPath;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt};
use object_store::{PutMode, PutOptions, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::error::{LakeError, Result};
use crate::location::Location;
use crate::record::RUNS;
use crate::rights;

/// How often a lease on an object store is renewed.
const RENEW: Duration = Duration::from_secs(60);
/// The age at which a lease on an object store is taken over.
const STALE: Duration = Duration::from_secs(10 * 60);

/// What stands in `runs/lease.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// For people: process and host.
    pub holder: String,
    /// Tells one holder from every other one.
    pub token: String,
    /// How often this lease was taken over from a writer that may still live.
    #[serde(default)]
    pub attempt: u32,
    /// `zone/table` of all tables that the run, and dead ones before it, may write.
    #[serde(default)]
    pub tables: Vec<String>,
}

/// A lease that is held. Dropping it ends the lock and the renewal and leaves the mark, as a kill
/// would.
#[derive(Debug)]
pub(crate) struct Held {
    lease: Lease,
    store: Arc<dyn ObjectStore>,
    lock: Option<File>,
    renewal: Option<JoinHandle<()>>,
    lost: Arc<AtomicBool>,
    /// The lease that a dead writer left, if one did.
    pub found: Option<Lease>,
    /// The clock of the store when the lease was taken.
    pub taken: DateTime<Utc>,
}

impl Held {
    /// Takes the lease, or says who has it.
    pub async fn take(location: &Location, tables: &[String]) -> Result<Self> {
        Self::take_with(location, tables, STALE).await
    }

    pub(crate) async fn take_with(location: &Location, tables: &[String], stale: Duration) -> Result<Self> {
        let store = Arc::clone(&location.store);
        let mut lease = Lease { token: new_token(), tables: tables.to_vec(), ..Lease::default() };
        lease.holder = holder();
        let lock = match &location.folder {
            Some(folder) => lock_folder(folder).map_err(|refused| refused.outcome(location, None))?,
            None => None,
        };
        let found = if lock.is_some() {
            let found = read(&store).await?.map(|(found, _)| found);
            lease.inherit(found.as_ref(), false);
            write(&store, &lease, PutMode::Overwrite).await?;
            found
        } else {
            lease.create_or_take_over(location, stale).await?
        };
        let path = lease_path();
        let meta = store.head(&path).await.map_err(|e| LakeError::store(&path, e))?;
        let lost = Arc::new(AtomicBool::new(false));
        let renewal = lock.is_none().then(|| tokio::spawn(renew(Arc::clone(&store), lease.clone(), Arc::clone(&lost))));
        Ok(Self { lease, store, lock, renewal, lost, found, taken: meta.last_modified })
    }

    /// Part of the names of files when a writer that was thought dead could still be writing.
    pub fn attempt(&self) -> u32 {
        self.lease.attempt
    }

    /// Fails if another writer took the lease over in the meantime.
    pub async fn check(&self, number: u64) -> Result<()> {
        let conflict = || LakeError::Conflict { number, path: lease_path().to_string() };
        if self.lost.load(Ordering::Relaxed) {
            return Err(conflict());
        }
        if self.lock.is_some() {
            return Ok(());
        }
        match read(&self.store).await? {
            Some((found, _)) if found.token == self.lease.token => Ok(()),
            _ => Err(conflict()),
        }
    }

    /// Gives the lease back: the run left nothing to repair.
    pub async fn give_back(mut self) -> Result<()> {
        self.stop();
        let path = lease_path();
        match self.store.delete(&path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(e) => Err(LakeError::store(&path, e)),
        }
    }

    fn stop(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Lease {
    /// What a dead run may have touched stays on the list until it is repaired.
    fn inherit(&mut self, found: Option<&Self>, zombies: bool) {
        let Some(found) = found else { return };
        self.tables.extend(found.tables.iter().cloned());
        self.tables.sort();
        self.tables.dedup();
        self.attempt = found.attempt + u32::from(zombies);
    }

    async fn create_or_take_over(&mut self, location: &Location, stale: Duration) -> Result<Option<Self>> {
        let store = &location.store;
        if write(store, self, PutMode::Create).await? {
            return Ok(None);
        }
        let Some((found, meta)) = read(store).await? else {
            // It was given back in between.
            let created = write(store, self, PutMode::Create).await?;
            return if created { Ok(None) } else { Err(busy(location, None)) };
        };
        let age = store_clock(store).await?.signed_duration_since(meta.last_modified);
        if age.to_std().unwrap_or_default() < stale {
            return Err(busy(location, Some(&found)));
        }
        self.inherit(Some(&found), true);
        let version = UpdateVersion { e_tag: meta.e_tag, version: meta.version };
        if write(store, self, PutMode::Update(version)).await? {
            return Ok(Some(found));
        }
        Err(busy(location, Some(&found)))
    }
}

fn busy(location: &Location, lease: Option<&Lease>) -> LakeError {
    LakeError::Busy {
        location: location.given.clone(),
        holder: lease.map_or_else(|| "another run".to_string(), |l| l.holder.clone()),
    }
}

/// Whether a run left its mark: one is at work, or one did not end.
pub(crate) async fn is_there(location: &Location) -> Result<bool> {
    Ok(read(&location.store).await?.is_some())
}

fn lease_path() -> Path {
    Path::from_iter([RUNS, "lease.json"])
}

/// Reads the lease; one that cannot be understood counts as a dead run's.
async fn read(store: &Arc<dyn ObjectStore>) -> Result<Option<(Lease, ObjectMeta)>> {
    let path = lease_path();
    let got = match store.get(&path).await {
        Ok(got) => got,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(e) => return Err(LakeError::store(&path, e)),
    };
    let meta = got.meta.clone();
    let bytes = got.bytes().await.map_err(|e| LakeError::store(&path, e))?;
    Ok(Some((serde_json::from_slice(&bytes).unwrap_or_default(), meta)))
}

/// Writes the lease; `false` if the condition of the mode did not hold.
async fn write(store: &Arc<dyn ObjectStore>, lease: &Lease, mode: PutMode) -> Result<bool> {
    let path = lease_path();
    let text =
        serde_json::to_vec_pretty(lease).map_err(|source| LakeError::Record { path: path.to_string(), source })?;
    let payload = Bytes::from(text);
    let conditional = matches!(mode, PutMode::Update(_));
    match store.put_opts(&path, payload.clone().into(), PutOptions::from(mode)).await {
        Ok(_) => Ok(true),
        Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
        // A folder without locks has no conditional update either.
        Err(StoreError::NotImplemented { .. }) if conditional => {
            store.put(&path, payload.into()).await.map_err(|e| LakeError::store(&path, e))?;
            Ok(true)
        }
        Err(e) => Err(LakeError::store(&path, e)),
    }
}

/// What time the store thinks it is: the time stamp of an object put just now.
async fn store_clock(store: &Arc<dyn ObjectStore>) -> Result<DateTime<Utc>> {
    let path = Path::from_iter([RUNS, "lease.clock"]);
    let failed = |e| LakeError::store(&path, e);
    store.put(&path, Bytes::new().into()).await.map_err(failed)?;
    let meta = store.head(&path).await.map_err(failed)?;
    store.delete(&path).await.map_err(failed)?;
    Ok(meta.last_modified)
}

/// Renews a lease until it is lost or the task is stopped. A failed renewal is tried again.
async fn renew(store: Arc<dyn ObjectStore>, lease: Lease, lost: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(RENEW).await;
        match read(&store).await {
            Ok(Some((found, meta))) if found.token == lease.token => {
                let version = UpdateVersion { e_tag: meta.e_tag, version: meta.version };
                if let Ok(false) = write(&store, &lease, PutMode::Update(version)).await {
                    lost.store(true, Ordering::Relaxed);
                    return;
                }
            }
            Ok(_) => {
                lost.store(true, Ordering::Relaxed);
                return;
            }
            Err(_) => {}
        }
    }
}

/// Why a folder could not be locked.
enum Refused {
    Held,
    Failed(String, io::Error),
}

impl Refused {
    fn outcome(self, location: &Location, lease: Option<&Lease>) -> LakeError {
        match self {
            Self::Held => {
                let named = lease.cloned().or_else(|| read_holder(location));
                busy(location, named.as_ref())
            }
            Self::Failed(path, source) => LakeError::file("lock", path, source),
        }
    }
}

fn read_holder(location: &Location) -> Option<Lease> {
    let path = location.folder.as_ref()?.join(RUNS).join("lease.json");
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Locks a local lake; `None` where the file system has no locks.
fn lock_folder(folder: &FsPath) -> Result<Option<File>, Refused> {
    let runs = folder.join(RUNS);
    let path = runs.join("lease.lock");
    let failed = |source| Refused::Failed(path.display().to_string(), source);
    rights::closed_folder(&runs).map_err(failed)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    rights::close_file(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Refused::Held),
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// Process and host, for people.
fn holder() -> String {
    format!("process {} on {}", std::process::id(), host())
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "an unnamed host".to_string(),
        name => name.to_string(),
    }
}

/// Differs between any two holders: host, process, its start, and a count within the process.
fn new_token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Field 22 is the start of the process; the name in field 2 may hold spaces, so count from its end.
    let start = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}/{}/{}/{count}", host(), std::process::id(), start.unwrap_or("-"))
}

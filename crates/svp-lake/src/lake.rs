//! The lake: a place, its last run record, and the tables that the record names.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use futures::future::try_join_all;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use svp_contract::Seal;

use crate::delta::TableLog;
use crate::error::{LakeError, Result};
use crate::finished::Finished;
use crate::layout::checked_path;
use crate::location::{Location, Open};
use crate::log_mark;
use crate::record::{self, Newest, RunRecord};
use crate::rights;
use crate::scan::{LiveTable, register_all};
use crate::schema::TableSpec;
use crate::sealed::{Listed, Opened, verify};
use crate::vacuum::{self, Due};
use crate::verify::{Look, Verified};

/// A lake as of one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    location: Arc<Location>,
    mode: Open,
    last: Option<RunRecord>,
    /// What opens and writes sealed tables.
    seal: Option<Arc<dyn Seal>>,
    /// The number of the last run that finished, where its record is gone or cannot be understood.
    lost: Option<u64>,
    /// Whether the record of the last run is the one that was written; true where nobody kept its digest.
    as_written: bool,
    /// Somebody decided to go on from the newest record that there is.
    past_damage: bool,
}

impl Lake {
    /// Opens the lake at a folder, a `file://` URL or `s3://bucket/prefix`; `options` are the
    /// credentials and settings of the store (`aws_access_key_id`, `aws_endpoint`, …).
    ///
    /// # Errors
    /// [`LakeError::Missing`] when nothing is there to read, [`LakeError::NewerFormat`] when the
    /// lake was written by a newer version.
    pub async fn open(location: &str, options: &HashMap<String, String>, mode: Open) -> Result<Self> {
        let location = Arc::new(Location::new(location, options, mode)?);
        Self::at(location, mode, false).await
    }

    /// The same lake, whose sealed tables can be opened and written under a key. Whether it is that of the lake is seen when they are.
    #[must_use]
    pub fn with_seal(&self, seal: Arc<dyn Seal>) -> Self {
        let Inner { location, mode, last, seal: _, lost, as_written, past_damage } = self.inner.as_ref();
        let inner = Inner {
            location: Arc::clone(location),
            mode: *mode,
            last: last.clone(),
            seal: Some(seal),
            lost: *lost,
            as_written: *as_written,
            past_damage: *past_damage,
        };
        Self { inner: Arc::new(inner) }
    }

    /// What opens sealed tables, if the lake was opened with it.
    pub(crate) fn seal(&self) -> Option<&Arc<dyn Seal>> {
        self.inner.seal.as_ref()
    }

    /// Opens a lake for writing at the newest record that can be understood, though records of later runs are damaged or gone. What
    /// these runs told is moved to `recovered/` by the next [`begin`](Self::begin), and their numbers are not used again. For a
    /// person to decide.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_past_damage(location: &str, options: &HashMap<String, String>) -> Result<Self> {
        let location = Arc::new(Location::new(location, options, Open::Write)?);
        Self::at(location, Open::Write, true).await
    }

    pub(crate) async fn at(location: Arc<Location>, mode: Open, past_damage: bool) -> Result<Self> {
        let store = location.store.as_ref();
        let newest = Newest::find(store, past_damage).await?;
        let finished = Finished::of(&location, newest.run.as_ref(), None).await?;
        let known = newest.number();
        let highest = newest.damaged.into_iter().chain([finished.number]).max().unwrap_or_default();
        let kept = finished.number == known && !finished.record.is_empty();
        let as_written = !kept || finished.record == newest.digest;
        let lost = (highest > known).then_some(highest);
        let inner = Inner { location, mode, last: newest.run, seal: None, lost, as_written, past_damage };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn with_record(location: Arc<Location>, record: RunRecord, seal: Option<Arc<dyn Seal>>) -> Self {
        let inner = Inner {
            location,
            mode: Open::Write,
            last: Some(record),
            seal,
            lost: None,
            as_written: true,
            past_damage: false,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether somebody decided to go on though records are damaged or gone: [`open_past_damage`](Self::open_past_damage).
    pub(crate) fn past_damage(&self) -> bool {
        self.inner.past_damage
    }

    /// The number of the last run that finished, where its record is gone or cannot be understood: the lake shows the run before, and
    /// what was told since is not among what it shows.
    pub fn lost_run(&self) -> Option<u64> {
        self.inner.lost
    }

    /// Whether the record of the last run is, byte for byte, the one that was written, as far as that was kept in the second place.
    pub fn record_as_written(&self) -> bool {
        self.inner.as_written
    }

    /// Looks at the live files of every table that the last record names: whether they are there and what was written.
    ///
    /// # Errors
    /// When the store fails. Damage is no error: it is told.
    pub async fn verify(&self, look: Look) -> Result<Verified> {
        self.verify_those(look, &|_| true).await
    }

    /// The same of some tables, by the names under which they are asked.
    ///
    /// # Errors
    /// When the store fails. Damage is no error: it is told.
    pub async fn verify_those(&self, look: Look, wanted: &(dyn Fn(&str) -> bool + Sync)) -> Result<Verified> {
        let wanted = |key: &str| wanted(key.rsplit('/').next().unwrap_or(key));
        match self.last_run() {
            Some(run) => crate::verify::verify(&self.inner.location, run, look, &wanted).await,
            None => Ok(Verified::default()),
        }
    }

    /// The folders of a local lake, releases aside, into which others than their owner can look.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn open_to_others(&self) -> Result<Vec<String>> {
        match &self.inner.location.folder {
            Some(folder) => rights::open_to_others(folder).map_err(|e| LakeError::file("list", folder.display(), e)),
            None => Ok(Vec::new()),
        }
    }

    /// The place, if the lake was opened for writing.
    pub(crate) fn writable(&self) -> Result<&Arc<Location>> {
        match self.inner.mode {
            Open::Read => Err(LakeError::ReadOnly { location: self.location().to_string() }),
            Open::Write => Ok(&self.inner.location),
        }
    }

    /// The place as it was given.
    pub fn location(&self) -> &str {
        &self.inner.location.given
    }

    /// The record of the last finished run, as of the moment in which this lake was opened.
    pub fn last_run(&self) -> Option<&RunRecord> {
        self.inner.last.as_ref()
    }

    /// The same lake at its newest record.
    pub async fn refresh(&self) -> Result<Self> {
        let newest = Self::at(Arc::clone(&self.inner.location), self.inner.mode, self.inner.past_damage).await?;
        Ok(self.inner.seal.clone().map_or(newest.clone(), |seal| newest.with_seal(seal)))
    }

    /// The records of all finished runs, oldest first.
    pub async fn runs(&self) -> Result<Vec<RunRecord>> {
        record::all(self.inner.location.store.as_ref()).await
    }

    /// Deletes the data files that no table has had since the run `keep` runs ago (1: only what the
    /// last run shows is kept). Gives the number of files. Readers that opened the lake at an older
    /// record can fail afterwards, and the rows of older runs are gone for good.
    ///
    /// # Errors
    /// [`LakeError::Busy`] while a run holds the lake.
    pub async fn vacuum(&self, keep: usize) -> Result<usize> {
        vacuum::vacuum(self.writable()?, keep, Due::Files).await
    }

    /// Deletes what a run that was killed at its end had still to delete ([`RunTxn::finish_and_vacuum`](crate::RunTxn::finish_and_vacuum),
    /// [`RunTxn::finish_and_forget`](crate::RunTxn::finish_and_forget)).
    /// Gives the number of files; 0 where nothing was left to do.
    ///
    /// # Errors
    /// [`LakeError::Busy`] while a run holds the lake.
    pub async fn vacuum_if_due(&self) -> Result<usize> {
        vacuum::vacuum_if_due(self.writable()?).await
    }

    /// A table at the version that the last record names; `None` if it names no such table. Not for sealed ones:
    /// [`register_sealed`](Self::register_sealed).
    ///
    /// The session that scans it must know the store: [`attach`](Self::attach).
    pub async fn table_provider(&self, zone: &str, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let key = format!("{zone}/{name}");
        let version = self.last_run().and_then(|run| run.tables.get(&key));
        if self.last_run().is_some_and(|run| run.sealed.contains_key(&key)) {
            return Err(LakeError::Sealed { table: key });
        }
        match version {
            Some(version) => Ok(Some(self.open_table(&key, *version).await?)),
            None => Ok(None),
        }
    }

    async fn open_table(&self, key: &str, version: i64) -> Result<Arc<dyn TableProvider>> {
        if let Some(run) = self.last_run() {
            log_mark::hold(&self.inner.location, run, key).await?;
        }
        let log = TableLog::new(&self.inner.location, key);
        let snapshot = log.open(Some(version)).await?;
        Ok(Arc::new(LiveTable::new(&self.inner.location, &log, &snapshot)?))
    }

    /// Registers every table of the last record under its name, and the store; not those that are sealed. Gives the names.
    pub async fn register(&self, ctx: &SessionContext) -> Result<Vec<String>> {
        self.attach(ctx);
        let Some(run) = self.last_run() else {
            return Ok(Vec::new());
        };
        let tables = try_join_all(
            run.tables
                .iter()
                .filter(|(key, _)| !run.sealed.contains_key(*key))
                .map(async |(key, version)| Ok::<_, LakeError>((key.as_str(), self.open_table(key, *version).await?))),
        )
        .await?;
        register_all(ctx, tables)
    }

    /// Registers those of `tables` that are to be sealed and that the last record names, after every chunk of them has been looked at. One
    /// that an earlier version left in the clear is registered as it is. Gives the names.
    ///
    /// # Errors
    /// [`LakeError::Sealed`] without a key, [`LakeError::OtherSeal`] under another one, [`LakeError::Damaged`] for a file that is not what
    /// a run wrote.
    pub async fn register_sealed(&self, ctx: &SessionContext, tables: &[TableSpec]) -> Result<Vec<String>> {
        self.attach(ctx);
        let Some(run) = self.last_run() else {
            return Ok(Vec::new());
        };
        let mut opened: Vec<(String, Arc<dyn TableProvider>)> = Vec::new();
        for spec in tables.iter().filter(|spec| spec.sealed) {
            let key = spec.key();
            let Some(version) = run.tables.get(&key) else { continue };
            let table: Arc<dyn TableProvider> = match run.sealed.get(&key) {
                Some(listed) => {
                    let seal = self.seal().ok_or_else(|| LakeError::Sealed { table: key.clone() })?;
                    let location = &self.inner.location;
                    let snapshot = TableLog::new(location, &key).open(Some(*version)).await?;
                    let (run, record) = (run.number, record::record_path(run.number));
                    let table = Listed { key: &key, run, record, table: listed };
                    verify(location, seal, table, (&snapshot, &spec.partition)).await?;
                    Arc::new(Opened::new(location, seal, spec, Some(&snapshot), &listed.files)?)
                }
                None => self.open_table(&key, *version).await?,
            };
            opened.push((key, table));
        }
        register_all(ctx, opened.iter().map(|(key, table)| (key.as_str(), Arc::clone(table))).collect())
    }

    /// Lets a session read this lake's files.
    pub fn attach(&self, ctx: &SessionContext) {
        self.inner.location.attach(ctx);
    }

    /// The store, rooted at the lake.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.location.store)
    }

    /// Reads a small file of the lake.
    pub async fn get(&self, path: &str) -> Result<Bytes> {
        let path = checked_path(path)?;
        let failed = |e| LakeError::store(&path, e);
        self.inner.location.store.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)
    }

    /// Writes a small file of the lake, whole or not at all.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let store = &self.writable()?.store;
        let path = checked_path(path)?;
        let put = store.put(&path, bytes.into()).await;
        put.map(|_| ()).map_err(|e| LakeError::store(&path, e))
    }

    /// Whether a file of the lake exists.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        let path = checked_path(path)?;
        match self.inner.location.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(LakeError::store(&path, e)),
        }
    }

    /// The paths of all files below a folder of the lake, sorted.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = Path::parse(prefix).map_err(|_| LakeError::Name { name: prefix.to_string() })?;
        Ok(self.inner.location.list(&prefix).await?.into_iter().map(String::from).collect())
    }
}

//! One run: parts, table commits, a release, and the record that makes all of it visible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use deltalake_core::kernel::EagerSnapshot;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use svp_contract::Seal;

use crate::change::{self, State};
use crate::delta::{TableLog, version};
use crate::error::{LakeError, Result};
use crate::finished::{self, Finished};
use crate::lake::Lake;
use crate::layout::{LEDGER, PUBLISHED, checked_path, run_mark, safe_name};
use crate::lease::{Held, Lease};
use crate::location::Location;
use crate::log_mark;
use crate::part::{FinishedPart, PartAddress, PartWriter};
use crate::record::{self, LAKE_FORMAT, Newest, RunRecord};
use crate::repair::{repair, set_records_aside};
use crate::rights;
use crate::scan::{LiveTable, register_all};
use crate::schema::TableSpec;
use crate::sealed::{Listed, Opened, SealedFile, SealedTable, sealed_files, verify};
use crate::to_disk::ToDisk;
use crate::vacuum::{self, Due};

/// A run in progress. Nothing of it is visible to readers until [`finish`](Self::finish).
///
/// Cheap to clone, so that many tasks can write parts at once. Dropping the last clone without
/// finishing is the same as being killed: the next [`Lake::begin`] repairs it.
#[derive(Clone)]
pub struct RunTxn {
    inner: Arc<Inner>,
}

struct Inner {
    location: Arc<Location>,
    /// What opens and writes sealed tables.
    seal: Mutex<Option<Arc<dyn Seal>>>,
    previous: Option<RunRecord>,
    /// What finished before this run.
    finished: Finished,
    number: u64,
    /// Versions of recorded tables that this run did not declare.
    carried: BTreeMap<String, i64>,
    tables: BTreeMap<String, Table>,
    attempt: u32,
    /// Time stamp of the run's files (ms since 1970), by the clock of the store.
    taken: i64,
    held: Mutex<Option<Held>>,
    /// One commit at a time.
    committing: tokio::sync::Mutex<()>,
    names: Mutex<BTreeSet<Path>>,
    releases: Mutex<BTreeSet<String>>,
    written: ToDisk,
    closed: AtomicBool,
}

pub(crate) struct Table {
    spec: TableSpec,
    log: TableLog,
    state: Mutex<State>,
    /// Of a sealed table: what is known of its files, by their paths.
    sealed: Mutex<BTreeMap<String, SealedFile>>,
    /// To be sealed, but still as an earlier version left it.
    pub clear: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lake {
    /// Begins a run that may write the named tables: takes the lease, and takes back whatever a
    /// killed run left. Reads the last record again.
    ///
    /// # Errors
    /// [`LakeError::Busy`] while another run holds the lake, [`LakeError::LostRecord`] where the record of a run that finished is gone
    /// (unless the lake was opened [past the damage](Lake::open_past_damage)), [`LakeError::Damaged`] where the log of a table is cut;
    /// [`LakeError::Sealed`], [`LakeError::OtherSeal`] and [`LakeError::Damaged`] where sealed tables cannot be opened.
    pub async fn begin(&self, tables: Vec<TableSpec>) -> Result<RunTxn> {
        RunTxn::begin(Arc::clone(self.writable()?), tables, self.past_damage(), self.seal().cloned()).await
    }
}

impl RunTxn {
    pub(crate) async fn begin(
        location: Arc<Location>,
        specs: Vec<TableSpec>,
        past_damage: bool,
        seal: Option<Arc<dyn Seal>>,
    ) -> Result<Self> {
        for spec in &specs {
            change::check(spec)?;
        }
        let keys: Vec<String> = specs.iter().map(TableSpec::key).collect();
        let held = Held::take(&location, &keys).await?;
        let store = location.store.as_ref();
        let newest = Newest::find(store, past_damage).await?;
        let known = newest.number();
        let Newest { run: previous, damaged, .. } = newest;
        let mut finished = Finished::of(&location, previous.as_ref(), Some(held.found.is_some())).await?;
        if finished.number > known && !past_damage {
            // The mark goes again: nothing was touched.
            let path = record::record_path(finished.number).to_string();
            if held.found.is_none() {
                held.give_back().await?;
            }
            return Err(LakeError::LostRecord { path });
        }
        finished.number = damaged.iter().copied().chain([finished.number]).max().unwrap_or_default();
        close_zones(&location, &keys)?;
        set_records_aside(&location, &damaged).await?;
        if let Some(run) = &previous
            && let Err(e) = log_mark::hold_all(&location, run).await
        {
            held.give_back().await?;
            return Err(e);
        }
        let mut heads = repair(&location, previous.as_ref(), held.found.as_ref(), &keys, &finished).await?;
        if let Err(e) = openable(&location, seal.as_ref(), previous.as_ref(), &specs, &heads).await {
            held.give_back().await?;
            return Err(e);
        }
        let sealed = previous.as_ref().map(|run| run.sealed.clone()).unwrap_or_default();
        // From here on a run that is killed can be told from one whose record was lost.
        finished.guessed = false;
        finished.write(store).await?;
        let tables = specs
            .into_iter()
            .map(|spec| {
                let key = spec.key();
                let log = TableLog::new(&location, &key);
                let head = heads.remove(&key);
                let known = sealed.get(&key);
                let clear = AtomicBool::new(spec.sealed && head.is_some() && known.is_none());
                let sealed = Mutex::new(known.map(|listed| listed.files.clone()).unwrap_or_default());
                (key, Table { spec, log, state: Mutex::new(State { head, ..State::default() }), sealed, clear })
            })
            .collect();
        let inner = Inner {
            seal: Mutex::new(seal),
            number: finished.number + 1,
            carried: heads.iter().map(|(key, head)| (key.clone(), version(head))).collect(),
            previous,
            finished,
            tables,
            attempt: held.attempt(),
            taken: held.taken.timestamp_millis(),
            held: Mutex::new(Some(held)),
            committing: tokio::sync::Mutex::new(()),
            names: Mutex::default(),
            releases: Mutex::default(),
            written: ToDisk::new(&location),
            closed: AtomicBool::new(false),
            location,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The number that this run will have.
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// The record on top of which this run works.
    pub fn previous(&self) -> Option<&RunRecord> {
        self.inner.previous.as_ref()
    }

    fn open(&self) -> Result<()> {
        if self.inner.closed.load(Ordering::SeqCst) { Err(LakeError::Closed) } else { Ok(()) }
    }

    pub(crate) fn table(&self, zone: &str, name: &str) -> Result<(String, &Table)> {
        let key = format!("{zone}/{name}");
        match self.inner.tables.get(&key) {
            Some(table) => Ok((key, table)),
            None => Err(LakeError::UndeclaredTable { table: key }),
        }
    }

    /// All columns of a declared table.
    pub(crate) fn columns(&self, zone: &str, table: &str) -> Result<SchemaRef> {
        Ok(Arc::clone(&self.table(zone, table)?.1.spec.schema))
    }

    /// The partition columns of a declared table.
    pub(crate) fn partition_columns(&self, zone: &str, table: &str) -> Result<Vec<String>> {
        Ok(self.table(zone, table)?.1.spec.partition.clone())
    }

    /// Begins a file of a table. `partition` names every partition column, in any order; an empty
    /// value is null. `file_stem` is the caller's own name for the file, once per partition and run;
    /// the number of the run is added to it.
    pub fn part(&self, zone: &str, table: &str, partition: &[(&str, &str)], file_stem: &str) -> Result<PartWriter> {
        self.open()?;
        let (key, table) = self.table(zone, table)?;
        let partition = change::in_order(&table.spec, partition, true)?;
        let seal = self.seal_of(table)?;
        let folders = partition.iter().map(|(column, value)| {
            let value = if value.is_empty() { "__HIVE_DEFAULT_PARTITION__" } else { value };
            format!("{}={}", safe_name(column), safe_name(value))
        });
        let mark = run_mark(self.inner.number, self.inner.attempt);
        let file = format!("{}{mark}", safe_name(file_stem));
        let path = Path::from(folders.chain([file]).collect::<Vec<_>>().join("/"));
        let whole = Path::from(format!("{key}/{path}"));
        if !lock(&self.inner.names).insert(whole.clone()) {
            return Err(LakeError::DuplicatePart { path: whole.to_string() });
        }
        let address = PartAddress { table: key, path, partition, modified: self.inner.taken };
        PartWriter::new(
            Arc::clone(&self.inner.location.store),
            &self.inner.location.given,
            (table.spec.file_schema(), &table.spec.distinct, &table.spec.sorted_by),
            address,
            seal,
        )
    }

    /// From now on what is written is sealed by `seal`. Tables that were registered or opened before are read as they were sealed; every
    /// sealed table must be written anew in this run.
    pub fn seal_anew(&self, seal: Arc<dyn Seal>) {
        *lock(&self.inner.seal) = Some(seal);
    }

    fn seal(&self) -> Option<Arc<dyn Seal>> {
        lock(&self.inner.seal).clone()
    }

    /// What seals the rows of a table, if they are sealed. A table that is still in the clear takes none: rows of both kinds in one table
    /// would be read by nobody.
    fn seal_of(&self, table: &Table) -> Result<Option<Arc<dyn Seal>>> {
        if !table.spec.sealed {
            return Ok(None);
        }
        match self.seal() {
            Some(seal) if !table.clear.load(Ordering::SeqCst) => Ok(Some(seal)),
            _ => Err(LakeError::Sealed { table: table.spec.key() }),
        }
    }

    /// Makes a finished part belong to its table with the next commit.
    pub fn append(&self, part: FinishedPart) -> Result<()> {
        self.open()?;
        let key = part.address.table.clone();
        let table = self.inner.tables.get(&key).ok_or(LakeError::UndeclaredTable { table: key.clone() })?;
        self.inner.written.add(Path::from(format!("{key}/{}", part.address.path)));
        if let Some(sealed) = &part.sealed {
            lock(&table.sealed).insert(part.address.path.to_string(), sealed.clone());
        }
        lock(&table.state).adds.push(part.into_add());
        Ok(())
    }

    /// The files of a partition that are live at the next commit go with it. Naming only some of the
    /// partition columns means all partitions with these values. Parts appended since the last
    /// commit stay.
    pub fn replace_partition(&self, zone: &str, table: &str, partition: &[(&str, &str)]) -> Result<()> {
        self.open()?;
        let (_, table) = self.table(zone, table)?;
        let partition = change::in_order(&table.spec, partition, false)?;
        lock(&table.state).replace.push(partition);
        Ok(())
    }

    /// All files of a table that are live at the next commit go with it. Parts appended since the
    /// last commit stay.
    pub fn replace_table(&self, zone: &str, table: &str) -> Result<()> {
        self.open()?;
        let (_, table) = self.table(zone, table)?;
        lock(&table.state).replace_all = true;
        Ok(())
    }

    /// Commits what was appended and replaced since the last call: one version per table. Readers
    /// see nothing of it yet; [`table_provider`](Self::table_provider) and
    /// [`register`](Self::register) do. Gives the versions of all tables that exist.
    ///
    /// A failed commit closes the run.
    pub async fn commit_tables(&self) -> Result<BTreeMap<String, i64>> {
        let _one = self.inner.committing.lock().await;
        self.open()?;
        let done = try_join_all(self.inner.tables.values().map(|t| self.commit_table(t, false)));
        if let Err(e) = done.await {
            self.inner.closed.store(true, Ordering::SeqCst);
            return Err(e);
        }
        self.inner.written.begin();
        Ok(self.versions())
    }

    /// Commits one table; makes it, empty, if it does not exist and `make` is set.
    async fn commit_table(&self, table: &Table, make: bool) -> Result<()> {
        let state = {
            let mut state = lock(&table.state);
            let head = state.head.clone();
            std::mem::replace(&mut *state, State { head, ..State::default() })
        };
        let new = match &state.head {
            None if state.pending() || make => table.log.create(&table.spec, state.adds).await?,
            Some(head) if state.pending() => {
                let change = change::plan(&table.spec, head, &state)?;
                if change.is_empty() {
                    return Ok(());
                }
                let committed = table.log.commit(head, change).await;
                committed.map_err(|e| self.numbered(e))?
            }
            _ => return Ok(()),
        };
        let log = format!("{}/_delta_log/{:020}.json", table.spec.key(), new.version());
        self.inner.written.add(Path::from(log));
        lock(&table.state).head = Some(new);
        Ok(())
    }

    fn numbered(&self, error: LakeError) -> LakeError {
        match error {
            LakeError::Conflict { path, .. } => LakeError::Conflict { number: self.inner.number, path },
            other => other,
        }
    }

    fn versions(&self) -> BTreeMap<String, i64> {
        let mut versions = self.inner.carried.clone();
        for (key, table) in &self.inner.tables {
            if let Some(head) = &lock(&table.state).head {
                versions.insert(key.clone(), version(head));
            }
        }
        versions
    }

    /// A declared table as of the last [`commit_tables`](Self::commit_tables); without rows if it
    /// was never committed. The session must know the store: [`attach`](Self::attach).
    pub async fn table_provider(&self, zone: &str, name: &str) -> Result<Arc<dyn TableProvider>> {
        let (_, table) = self.table(zone, name)?;
        self.provider(table)
    }

    fn provider(&self, table: &Table) -> Result<Arc<dyn TableProvider>> {
        let head = lock(&table.state).head.clone();
        let sealed = table.spec.sealed && !table.clear.load(Ordering::SeqCst);
        if let Some(seal) = self.seal().filter(|_| sealed) {
            let known = lock(&table.sealed).clone();
            return Ok(Arc::new(Opened::new(&self.inner.location, &seal, &table.spec, head.as_ref(), &known)?));
        }
        Ok(Arc::new(match head {
            Some(head) => LiveTable::new(&self.inner.location, &table.log, &head)?,
            None => {
                let schema = Arc::clone(&table.spec.schema);
                LiveTable::empty(&self.inner.location, schema, &table.spec.partition)?
            }
        }))
    }

    /// Registers every declared table (and no other) under its name, as of the last
    /// [`commit_tables`](Self::commit_tables), and the store. Call it again after each commit.
    pub async fn register(&self, ctx: &SessionContext) -> Result<Vec<String>> {
        self.attach(ctx);
        let tables = self.inner.tables.iter();
        let tables = tables.map(|(key, table)| Ok((key.as_str(), self.provider(table)?)));
        register_all(ctx, tables.collect::<Result<_>>()?)
    }

    /// Lets a session read this lake's files.
    pub fn attach(&self, ctx: &SessionContext) {
        self.inner.location.attach(ctx);
    }

    /// Writes files of a release below `published/<release>/`; those named `manifest…` go last. May
    /// be called several times for the release of this run, never for an earlier one. Name the
    /// release in the record, or the next repair takes it for a killed run's.
    pub async fn publish(&self, release: &str, files: Vec<(String, Bytes)>) -> Result<()> {
        self.release_files(PUBLISHED, release, files).await
    }

    /// Writes files about a release below `ledger/<release>/`, under the rules of [`publish`](Self::publish). The
    /// ledger is restricted: it is never served and never part of a release.
    pub async fn record_release(&self, release: &str, files: Vec<(String, Bytes)>) -> Result<()> {
        self.release_files(LEDGER, release, files).await
    }

    async fn release_files(&self, zone: &str, release: &str, files: Vec<(String, Bytes)>) -> Result<()> {
        self.open()?;
        if release.is_empty() || safe_name(release) != release {
            return Err(LakeError::Name { name: release.to_string() });
        }
        let store = self.inner.location.store.as_ref();
        let folder = Path::from_iter([zone, release]);
        if !lock(&self.inner.releases).contains(folder.as_ref()) {
            let first = store.list(Some(&folder)).try_next().await;
            if first.map_err(|e| LakeError::store(&folder, e))?.is_some() {
                return Err(LakeError::ReleaseExists { release: release.to_string() });
            }
            lock(&self.inner.releases).insert(folder.to_string());
        }
        let files = files
            .into_iter()
            .map(|(name, bytes)| {
                let path = checked_path(&name)?;
                Ok((Path::from_iter(folder.parts().chain(path.parts())), bytes))
            })
            .collect::<Result<Vec<_>>>()?;
        let is_manifest = |(path, _): &(Path, Bytes)| path.filename().is_some_and(|n| n.starts_with("manifest"));
        let (last, first): (Vec<_>, Vec<_>) = files.into_iter().partition(is_manifest);
        self.put_all(first).await?;
        self.put_all(last).await
    }

    async fn put_all(&self, files: Vec<(Path, Bytes)>) -> Result<()> {
        let store = &self.inner.location.store;
        stream::iter(files)
            .map(|(path, bytes)| async move {
                store.put(&path, bytes.into()).await.map_err(|e| LakeError::store(&path, e))?;
                self.inner.written.add(path);
                Ok(())
            })
            .buffer_unordered(8)
            .try_collect()
            .await
    }

    /// Commits what is left, makes declared tables that do not exist yet, and makes the run visible
    /// by one conditional put. `format`, `number` and `tables` of the record are filled in. Gives
    /// the lake as it is now.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when another run finished first; nothing of this one is visible then.
    pub async fn finish(self, record: RunRecord) -> Result<Lake> {
        self.commit_tables().await?;
        self.close()?;
        try_join_all(self.inner.tables.values().map(|t| self.commit_table(t, true))).await?;
        let Some(held) = lock(&self.inner.held).take() else {
            return Err(LakeError::Closed);
        };
        let location = &self.inner.location;
        let (format, number, tables) = (LAKE_FORMAT, self.inner.number, self.versions());
        let sealed = self.sealed()?;
        let known = self.inner.previous.as_ref().map(|run| run.logs.clone()).unwrap_or_default();
        let logs = log_mark::marks(location, &tables, &known).await?;
        let known = self.inner.previous.as_ref().and_then(|run| run.checkpoints.clone()).unwrap_or_default();
        let checkpoints = Some(log_mark::checkpoints(location, &tables, &known).await?);
        let record = RunRecord { format, number, tables, sealed, logs, checkpoints, ..record };
        self.inner.written.finish().await?;
        held.check(number).await?;
        let digest = record::create(location.store.as_ref(), &record).await?;
        let mut finished = Finished { number, record: digest, ..self.inner.finished.clone() };
        finished.releases.extend(record.release.clone().map(|name| (number, name)));
        location.sync(vec![record::record_path(number)]).await?;
        finished.write(location.store.as_ref()).await?;
        location.sync(vec![finished::path()]).await?;
        held.give_back().await?;
        Ok(Lake::with_record(Arc::clone(location), record, self.seal()))
    }

    /// Says that the lake is to be vacuumed once this run is visible.
    pub(crate) async fn make_due(&self, due: Due) -> Result<()> {
        let mark = vacuum::make_due(&self.inner.location, due).await?;
        self.inner.written.add(mark);
        Ok(())
    }

    /// The lists of all sealed tables as the record of this run has them.
    fn sealed(&self) -> Result<BTreeMap<String, SealedTable>> {
        let mut files: BTreeMap<String, BTreeMap<String, SealedFile>> = BTreeMap::new();
        let before = self.inner.previous.iter().flat_map(|run| &run.sealed);
        for (key, listed) in before.filter(|(key, _)| !self.inner.tables.contains_key(*key)) {
            if let Some(seal) = self.seal().filter(|seal| seal.key_id() != listed.key) {
                let (wanted, found) = (listed.key.clone(), seal.key_id().to_owned());
                return Err(LakeError::OtherSeal { table: key.clone(), wanted, found });
            }
            files.insert(key.clone(), listed.files.clone());
        }
        for (key, table) in self.inner.tables.iter().filter(|(_, t)| t.spec.sealed && !t.clear.load(Ordering::SeqCst)) {
            let known = lock(&table.sealed).clone();
            let head = lock(&table.state).head.clone();
            let live = head.map(|head| sealed_files(&head, key, &table.spec.partition, &known)).transpose()?;
            let live = live.unwrap_or_default().into_iter();
            files.insert(key.clone(), live.map(|(path, _, file)| (path.to_string(), file)).collect());
        }
        let Some(seal) = self.seal() else {
            let unsealed = files.into_iter().next();
            return unsealed.map_or_else(|| Ok(BTreeMap::new()), |(table, _)| Err(LakeError::Sealed { table }));
        };
        let listed = |(key, files): (String, _)| {
            let table = SealedTable::new(seal.as_ref(), &key, self.inner.number, files);
            (key, table)
        };
        Ok(files.into_iter().map(listed).collect())
    }

    /// Takes back everything that this run did, as the next begin would, and gives the lease back.
    pub async fn abandon(self) -> Result<()> {
        let _one = self.inner.committing.lock().await;
        self.inner.closed.store(true, Ordering::SeqCst);
        let Some(held) = lock(&self.inner.held).take() else {
            return Err(LakeError::Closed);
        };
        held.check(self.inner.number).await?;
        // What is on its way to the disk is not to be looked for there any longer; whether it came there makes no difference.
        let _ = self.inner.written.finish().await;
        let tables: Vec<String> = self.inner.tables.keys().cloned().collect();
        let left = Lease { tables: tables.clone(), ..Lease::default() };
        let previous = self.inner.previous.as_ref();
        repair(&self.inner.location, previous, Some(&left), &tables, &self.inner.finished).await?;
        held.give_back().await
    }

    fn close(&self) -> Result<()> {
        if self.inner.closed.swap(true, Ordering::SeqCst) { Err(LakeError::Closed) } else { Ok(()) }
    }
}

/// Whether the sealed tables that a run declares can be opened: the key is there and is theirs, and every chunk is what a run wrote.
async fn openable(
    location: &Location,
    seal: Option<&Arc<dyn Seal>>,
    previous: Option<&RunRecord>,
    specs: &[TableSpec],
    heads: &BTreeMap<String, EagerSnapshot>,
) -> Result<()> {
    for spec in specs.iter().filter(|spec| !spec.sealed) {
        if previous.is_some_and(|run| run.sealed.contains_key(&spec.key())) {
            let (expected, found) = ("sealed rows".to_string(), "rows in the clear".to_string());
            return Err(LakeError::Schema { table: spec.key(), column: "body".to_string(), expected, found });
        }
    }
    for spec in specs.iter().filter(|spec| spec.sealed) {
        let key = spec.key();
        let Some(seal) = seal else { return Err(LakeError::Sealed { table: key }) };
        let listed = previous.and_then(|run| Some((run.number, run.sealed.get(&key)?)));
        if let (Some((run, table)), Some(head)) = (listed, heads.get(&key)) {
            let listed = Listed { key: &key, run, record: record::record_path(run), table };
            verify(location, seal, listed, (head, &spec.partition)).await?;
        }
    }
    Ok(())
}

/// On a local lake: the zones of tables and the ledger are for the owner alone.
fn close_zones(location: &Location, keys: &[String]) -> Result<()> {
    let Some(root) = &location.folder else { return Ok(()) };
    let zones: BTreeSet<&str> = keys.iter().filter_map(|key| key.split('/').next()).chain([LEDGER]).collect();
    for zone in zones {
        let folder = root.join(zone);
        rights::closed_folder(&folder).map_err(|e| LakeError::file("make the folder", folder.display(), e))?;
    }
    Ok(())
}

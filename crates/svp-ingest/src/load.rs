//! Loads files: reads, maps, sorts out, pseudonymises and writes them, several at once, each as a stream.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use regex::Regex;
use svp_contract::{
    Acceptance, Encoding as ContractEncoding, FIRST_ROWS, Feed, Finding, FindingKind, Problem, Reader, Revises, Source,
    Table,
};
use svp_lake::RunTxn;
use svp_lake::input::{InputFile, open_blocking, open_digested};
use svp_pseudonymise::{Key, RowDigest};

use crate::account::Account;
use crate::apart::gives_both;
use crate::apply::{Door, Repeated, apply};
use crate::contents::Contents;
use crate::desk;
use crate::error::IngestError;
use crate::facts::{Facts, FactsPlan};
use crate::findings::Findings;
use crate::lines;
use crate::name::{FileName, NamePattern, anywhere};
use crate::pending::Pending;
use crate::period::Period;
use crate::plan::{FeedPlan, plan_feed};
use crate::read::{self, CsvOptions, Encoding, Expected, ReaderKind, RowBatch, XmlOptions};
use crate::receipt::{FILE, Quarantined, Receipt, quarantine_batch};
use crate::repeats::FreshIds;
use crate::revise::{RecordTable, drop_rows, record_tables};
use crate::seen::Seen;
use crate::sink::{LakeSink, Sink};

/// Rows of a batch: large enough for the kernels, small enough for the cache.
pub(crate) const BATCH_ROWS: usize = 8192;

/// A source, planned.
pub struct SourcePlan {
    /// The definition.
    pub source: Source,
    /// Digest of what decides the rows of a file: reader, maps, feeds, the tables that they fill, the functions that they call.
    pub definition: String,
    name: NamePattern,
    facts: Option<FactsPlan>,
    feeds: Vec<FeedReader>,
    /// The tables of the site that sources fill.
    pub(crate) records: Vec<RecordTable>,
}

struct FeedReader {
    file: Option<Regex>,
    kind: ReaderKind,
    expected: Expected,
    plan: FeedPlan,
}

/// What a load gives.
#[derive(Debug, Default)]
pub struct Loaded {
    /// By file and feed, in the order of the files.
    pub receipts: Vec<Receipt>,
    /// What was found and did not refuse, in the order of the files.
    pub findings: Vec<Finding>,
    /// Ids of the records of each slot, where its source revises by file.
    pub ids: FreshIds,
    /// Some rows of the events of sources that give both a small area and a point.
    pub places: Vec<RecordBatch>,
}

/// Progress of a load, for bars: bytes of files that are done, and a file's name.
pub type OnFile<'a> = &'a (dyn Fn(&str, u64) + Sync);

impl SourcePlan {
    /// Plans every feed of a source.
    ///
    /// # Errors
    /// All problems at once.
    pub fn new(ctx: &SessionContext, source: &Source, file: &str, tables: &[Table]) -> Result<Self, Vec<Problem>> {
        let mut problems = source.problems(file, tables);
        let mut feeds = Vec::new();
        for feed in &source.feeds {
            match plan_feed(ctx, source, file, feed, tables) {
                Ok(plan) => feeds.push(FeedReader {
                    file: feed.file.as_ref().and_then(|p| anywhere(p)),
                    kind: reader_kind(source, feed),
                    expected: Expected {
                        columns: feed.columns.clone(),
                        optional: feed.optional.clone(),
                        allow_extra: feed.allow_extra,
                    },
                    plan,
                }),
                Err(found) => problems.extend(found),
            }
        }
        let facts = FactsPlan::new(ctx, source, file).map_err(|found| problems.extend(found)).ok().flatten();
        match NamePattern::new(&source.files) {
            Some(name) if problems.is_empty() => Ok(Self {
                source: source.clone(),
                definition: desk::definition_digest(source, tables)
                    .map_err(|error| vec![Problem::new(file, error.to_string())])?,
                name,
                facts,
                feeds,
                records: record_tables(tables),
            }),
            _ => Err(problems),
        }
    }

    /// What a file name says; `None` where it does not fit the pattern of the source.
    #[must_use]
    pub fn file_name(&self, name: &str) -> Option<FileName> {
        self.name.read(name)
    }

    /// Whether a feed reads files of this name.
    #[must_use]
    pub fn reads(&self, name: &str) -> bool {
        self.feeds.iter().any(|f| f.reads(name))
    }

    /// The feeds of a source whose tables are separate files, each with whether it reads a file of this name; none of a source of one
    /// table.
    #[must_use]
    pub fn tables(&self, name: &str) -> Vec<(&str, bool)> {
        let tables = self.feeds.iter().filter(|f| f.file.is_some());
        tables.map(|f| (f.plan.name.as_str(), f.reads(name))).collect()
    }

    /// The names of the feeds whose tables are separate files and that read a file of this name.
    #[must_use]
    pub fn tables_read(&self, name: &str) -> Vec<String> {
        self.tables(name).into_iter().filter(|(_, reads)| *reads).map(|(table, _)| table.to_owned()).collect()
    }

    /// How each feed reads its files, and the columns that it needs.
    pub(crate) fn readers(&self) -> impl Iterator<Item = (&ReaderKind, &[String])> {
        self.feeds.iter().map(|f| (&f.kind, f.expected.columns.as_slice()))
    }

    /// Whether the records of a file say who sent it.
    pub(crate) fn names_sender(&self) -> bool {
        self.facts.as_ref().is_some_and(FactsPlan::names_sender)
    }

    /// What the first records of a file say of it.
    pub(crate) fn facts(&self, input: &InputFile) -> Facts {
        let feed = self.feeds.iter().find(|f| f.reads(&input.name));
        match (&self.facts, feed) {
            (Some(facts), Some(feed)) => facts.read(&feed.kind, input),
            _ => Facts::default(),
        }
    }

    /// Counts the rows whose sender is not that of the file, where the feed reads the columns that name it.
    fn other_senders(&self, feed: &FeedReader, file: &Pending, rows: &RowBatch, others: &mut Others) {
        let (Some(facts), Some(sender)) = (&self.facts, &file.sender) else { return };
        if file.several_senders || !facts.names_sender() {
            return;
        }
        for row in facts.of_other_senders(&feed.plan.input, &rows.batch, sender) {
            others.rows += 1;
            if others.first.len() < FIRST_ROWS {
                others.first.extend(rows.rows.get(row));
            }
        }
    }

    /// Zone of a table that a feed of the source fills, or of its quarantine; `None` for another table.
    pub(crate) fn zone(&self, feed: &str, table: &str) -> Option<&str> {
        let feed = &self.feeds.iter().find(|f| f.plan.name == feed)?.plan;
        if table == QUARANTINE {
            return Some("quality");
        }
        feed.targets.iter().find(|t| t.table.name == table).map(|t| t.table.zone.as_str())
    }

    /// The table of that name that a feed of the source fills.
    pub(crate) fn table(&self, feed: &str, table: &str) -> Option<&Table> {
        let feed = &self.feeds.iter().find(|f| f.plan.name == feed)?.plan;
        feed.targets.iter().map(|t| &t.table).find(|t| t.name == table)
    }

    /// The plan of a feed by its name.
    pub(crate) fn feed(&self, name: &str) -> Option<&FeedPlan> {
        self.feeds().find(|f| f.name == name)
    }

    /// The planned feeds.
    pub fn feeds(&self) -> impl Iterator<Item = &FeedPlan> {
        self.feeds.iter().map(|f| &f.plan)
    }

    /// Compares a file's header with the feeds that read it; reads no row beyond the first buffer.
    ///
    /// # Errors
    /// What [`read::open`] says.
    pub fn check_header(&self, input: &InputFile) -> Result<(), IngestError> {
        for feed in self.feeds.iter().filter(|f| f.reads(&input.name)) {
            read::open(&feed.kind, &feed.expected, &input.name, open_blocking(input)?, BATCH_ROWS)?;
        }
        Ok(())
    }
}

impl FeedReader {
    fn reads(&self, name: &str) -> bool {
        self.file.as_ref().is_none_or(|f| f.is_match(name))
    }
}

fn reader_kind(source: &Source, feed: &Feed) -> ReaderKind {
    match &source.reader {
        Reader::Csv { delimiter, encoding } => ReaderKind::Csv(CsvOptions {
            delimiter: u8::try_from(*delimiter).unwrap_or(b','),
            encoding: match encoding {
                ContractEncoding::Utf8 => Encoding::Utf8,
                ContractEncoding::Windows1252 => Encoding::Windows1252,
                ContractEncoding::Auto => Encoding::Auto,
            },
            ..CsvOptions::default()
        }),
        Reader::Xml => ReaderKind::Xml(XmlOptions::new(feed.record.clone().unwrap_or_default())),
        Reader::Parquet => ReaderKind::Parquet,
    }
}

/// Loads the pending files into the transaction, `threads` at a time. Nothing is committed here.
///
/// `previous` gives, for a slot that is being superseded, the digests of its identified records by event id
/// and its number of rows. `accepted` names the findings that somebody accepted.
///
/// # Errors
/// All files that failed, each with its error; then the transaction must be abandoned.
#[allow(clippy::too_many_arguments)]
pub async fn load(
    plans: Arc<Vec<SourcePlan>>,
    files: &[Pending],
    previous: HashMap<(String, String), Previous>,
    txn: &RunTxn,
    key: Arc<Key>,
    accepted: &[Acceptance],
    threads: usize,
    on_file: OnFile<'_>,
) -> Result<Loaded, Vec<IngestError>> {
    for file in files {
        let Some(replaced) = &file.replaces else { continue };
        let plan = &plans[file.plan];
        drop_rows(txn, &plan.records, &plan.source.name, &replaced.slot).map_err(|e| vec![e])?;
    }
    // The largest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(files[*i].input.bytes));
    let queue = Arc::new(Mutex::new(VecDeque::from(order)));
    let previous = Arc::new(previous);
    let all: Arc<Vec<Pending>> = Arc::new(files.to_vec());
    let accepted: Arc<Vec<Acceptance>> = Arc::new(accepted.to_vec());
    let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..threads.max(1).min(files.len()) {
        let (queue, plans, all, previous, txn, key, accepted, done) = (
            Arc::clone(&queue),
            Arc::clone(&plans),
            Arc::clone(&all),
            Arc::clone(&previous),
            txn.clone(),
            Arc::clone(&key),
            Arc::clone(&accepted),
            done.clone(),
        );
        tokio::task::spawn_blocking(move || {
            let digest = RowDigest::new(&key);
            loop {
                let Some(i) = queue.lock().ok().and_then(|mut q| q.pop_front()) else { return };
                let file = &all[i];
                let plan = &plans[file.plan];
                let slot = file.replaces.as_ref().map(|r| r.slot.clone()).unwrap_or_default();
                let before = previous.get(&(plan.source.name.clone(), slot));
                let ids = (plan.source.files.revises == Revises::File).then_some(plan.records.as_slice());
                let mut sink = LakeSink::new(&txn, &plan.source, &file.slot, ids, gives_both(plan));
                let result = match &file.sealed {
                    Some(sealed) => desk::load(plan, file, sealed, before, &mut sink, &accepted),
                    None => load_file(plan, file, before, &mut sink, &key, &digest, &accepted),
                };
                let result =
                    result.and_then(|loaded| judge(plan, file, before, loaded, &accepted)).map(|mut loaded| {
                        let slot = (plan.source.name.clone(), file.slot.clone());
                        let gathered = sink.gathered();
                        loaded.ids.extend(gathered.ids.map(|ids| (slot, ids)));
                        loaded.places = gathered.places;
                        loaded
                    });
                if done.send((i, result)).is_err() {
                    return;
                }
            }
        });
    }
    drop(done);
    let mut loaded: BTreeMap<usize, Loaded> = BTreeMap::new();
    let mut errors = Vec::new();
    while let Some((i, result)) = finished.recv().await {
        on_file(&files[i].input.name, files[i].input.bytes);
        match result {
            Ok(found) => {
                loaded.insert(i, found);
            }
            Err(error) => errors.push((i, error)),
        }
    }
    if errors.is_empty() && loaded.len() != files.len() {
        return Err(vec![IngestError::Worker]);
    }
    if errors.is_empty() {
        let mut all = Loaded::default();
        for one in loaded.into_values() {
            all.receipts.extend(one.receipts);
            all.findings.extend(one.findings);
            all.ids.extend(one.ids);
            all.places.extend(one.places);
        }
        Ok(all)
    } else {
        errors.sort_by_key(|(i, _)| *i);
        Err(errors.into_iter().map(|(_, e)| e).collect())
    }
}

/// Rows of a file that other senders than its own sent.
#[derive(Default)]
struct Others {
    rows: u64,
    first: Vec<u64>,
}

/// What a slot held before a newer file came.
#[derive(Debug, Default, Clone)]
pub struct Previous {
    /// Rows of its events.
    pub rows: u64,
    /// Digest of the row by event id, for records with an id.
    pub digests: HashMap<String, i64>,
}

/// Records of a file from which it says something that the one after it holds none of them, and the share of which it holds some.
const FEWEST_RECORDS: u64 = 20;
const FEW_THE_SAME: f64 = 0.1;
/// The share below which it is told how many it holds.
const MOST_THE_SAME: f64 = 0.5;
/// Records of a file from which it says something that one of its kinds has none.
const FEWEST_OF_OTHERS: u64 = 20;

/// Judges a file that was read as the one of its slot: who sent it, and whether it holds less than the one before.
fn judge(
    plan: &SourcePlan,
    file: &Pending,
    previous: Option<&Previous>,
    loaded: Loaded,
    accepted: &[Acceptance],
) -> Result<Loaded, IngestError> {
    let mut findings = Findings::new(accepted);
    let (source, extract) = (plan.source.name.as_str(), file.extract());
    if let (Some(named), Some(sender)) = (&file.sender_by_name, &file.sender)
        && !named.starts_with(sender.as_str())
        && !sender.starts_with(named.as_str())
    {
        let what = "the name says another sender than the content";
        findings.raise(Finding::new(FindingKind::SenderDiffers, source, &file.slot, extract, what));
    }
    if file.several_senders {
        let what = "the first records name several senders";
        findings.raise(Finding::new(FindingKind::MixedSenders, source, &file.slot, extract, what));
    }
    if let Some(what) = file.header_differs() {
        findings.raise(Finding::new(FindingKind::HeaderDiffers, source, &file.slot, extract, what));
    }
    if let Some(before) = file.replaces.as_ref().filter(|r| !r.again) {
        let rows = |feed: &str| loaded.receipts.iter().filter(|r| r.feed == feed).map(|r| r.rows_read).sum::<u64>();
        let now: u64 = loaded.receipts.iter().map(|r| r.rows_read).sum();
        let then: u64 = before.rows.values().sum();
        let lost = then.saturating_sub(now);
        let shrunk = |what: String, lost, then| {
            Finding::new(FindingKind::Shrunk, source, &file.slot, extract, what).counted(lost, then)
        };
        let older = match before.file == extract || before.file == file.label {
            true => "the one that it supersedes".to_owned(),
            false => format!("{}, which it supersedes,", before.file),
        };
        if let (Some(theirs), Some(ours)) = (&before.made, file.made())
            && ours < theirs.as_str()
        {
            let what = format!("it was encoded on {ours}, before the one that it would supersede ({theirs})");
            findings.raise(Finding::new(FindingKind::EncodedBefore, source, &file.slot, extract, what));
        }
        let same: u64 = loaded.receipts.iter().map(|r| r.unchanged + r.revised).sum();
        let had = previous.map_or(0, |p| p.digests.len() as u64);
        if had >= FEWEST_RECORDS && (same as f64) < MOST_THE_SAME * had as f64 {
            let what = format!("it holds {same} of the {had} records that {older} held");
            let found = Finding::new(FindingKind::OtherRecords, source, &file.slot, extract, what);
            let found = found.counted(had - same.min(had), had);
            findings.raise(if (same as f64) < FEW_THE_SAME * had as f64 { found } else { found.only_told() });
        }
        let emptied = before.rows.iter().find(|(feed, n)| **n > 0 && rows(feed) == 0);
        if lost as f64 > plan.source.files.shrink * then as f64 {
            let what = format!("it holds {now} rows, {older} held {then}");
            findings.raise(shrunk(what, lost, then));
        } else if let Some((feed, n)) = emptied {
            let what = format!("it holds no row of {feed}, {older} held {n}");
            findings.raise(shrunk(what, *n, *n));
        }
    }
    let mut found = findings.finish()?;
    found.extend(loaded.findings);
    Ok(Loaded { findings: found, ..loaded })
}

/// Reads a file and gives its rows to `sink`, feed by feed.
pub(crate) fn load_file(
    plan: &SourcePlan,
    file: &Pending,
    previous: Option<&Previous>,
    sink: &mut dyn Sink,
    key: &Key,
    digest: &RowDigest,
    accepted: &[Acceptance],
) -> Result<Loaded, IngestError> {
    let mut receipts = Vec::new();
    let mut findings = Findings::new(accepted);
    for feed in plan.feeds.iter().filter(|f| f.reads(&file.input.name)) {
        receipts.push(load_feed(plan, feed, file, previous, sink, key, digest, &mut findings)?);
        sink.complete()?;
    }
    if receipts.is_empty() {
        return Err(IngestError::Definition {
            at: file.input.name.clone(),
            what: "no feed of the source reads a file of this name".to_owned(),
        });
    }
    lines::unread(&receipts, &plan.source.files.left_out, &mut findings);
    if receipts.iter().all(|r| r.rows_read == 0) {
        let what = "the file has no record";
        findings.raise(Finding::new(FindingKind::NoRows, &plan.source.name, &file.slot, file.extract(), what));
    }
    let read: u64 = receipts.iter().map(|r| r.rows_read).sum();
    for receipt in receipts.iter().filter(|r| r.rows_read == 0 && read >= FEWEST_OF_OTHERS) {
        let what = format!("the file has no record of {}, though it has others", receipt.feed);
        findings.raise(Finding::new(FindingKind::MissingTables, &plan.source.name, &file.slot, file.extract(), what));
    }
    Ok(Loaded { receipts, findings: findings.finish()?, ..Loaded::default() })
}

#[allow(clippy::too_many_arguments)]
fn load_feed(
    plan: &SourcePlan,
    feed: &FeedReader,
    file: &Pending,
    previous: Option<&Previous>,
    sink: &mut dyn Sink,
    key: &Key,
    digest: &RowDigest,
    findings: &mut Findings<'_>,
) -> Result<Receipt, IngestError> {
    let source = plan.source.name.as_str();
    let receipt = Receipt {
        source: source.to_owned(),
        slot: file.slot.clone(),
        feed: feed.plan.name.clone(),
        file: file.label.clone(),
        sha256: Contents::new(key).content(&file.sha256),
        superseded: previous.map_or(0, |p| p.rows),
        ..Receipt::default()
    };
    let period = file.months.as_ref().map(Period::new);
    let (sources, slots) = (Repeated::new(source, BATCH_ROWS), Repeated::new(&file.slot, BATCH_ROWS));
    let door = Door { source, slot: &file.slot, key, digest, period, sources, slots };
    let mut seen = Seen::default();
    let mut account = Account::new(&feed.plan, receipt, file.months.as_ref());
    let (bytes, read_bytes) = open_digested(&file.input)?;
    let damaged = |error| lines::refusal(error, source, &file.slot, &file.input.name);
    let kind = lines::reader_for(&feed.kind, findings.accepted(), source, &file.slot);
    let mut reader = read::open(&kind, &feed.expected, &file.input.name, bytes, BATCH_ROWS).map_err(damaged)?;
    let mut others = Others::default();
    while let Some(rows) = reader.next_batch().map_err(damaged)? {
        plan.other_senders(feed, file, &rows, &mut others);
        let batch = feed.plan.with_facts(&rows.batch, file)?;
        let applied = apply(&feed.plan, &door, &rows.rows, &batch, &mut seen, &mut account)?;
        for (target, table) in feed.plan.targets.iter().zip(applied.tables) {
            let batch = table.into_inner();
            if target.table.name == "event"
                && let Some(previous) = previous
            {
                compare(previous, &batch, &mut account.receipt);
            }
            sink.write(&feed.plan.name, &target.table.zone, &target.table.name, &batch)?;
        }
        let mut entries = applied.quarantined;
        for bad in &rows.bad {
            account.receipt.rows_read += 1;
            account.receipt.quarantined += 1;
            account.count(bad.rule.as_str(), FILE, "row", bad.row, |c| c.quarantined += 1);
            entries.push(Quarantined {
                row: bad.row,
                table: FILE.into(),
                column: "row".to_owned(),
                rule: bad.rule.as_str().to_owned(),
            });
        }
        if !entries.is_empty() {
            let batch = quarantine_batch(&account.receipt, &entries)
                .map_err(|source| IngestError::Arrow { at: "quarantine".to_owned(), source })?;
            sink.write(&feed.plan.name, "quality", QUARANTINE, &batch)?;
        }
    }
    account.receipt.notes = reader.notes().iter().map(ToString::to_string).collect();
    lines::told(reader.notes(), reader.account(), &account.receipt, feed.expected.allow_extra, findings);
    account.receipt.account = Some(reader.account().clone());
    drop(reader);
    if read_bytes.finish()? != file.sha256 {
        return Err(IngestError::Replaced { file: file.input.name.clone() });
    }
    let receipt = account.close(&plan.source, &feed.plan, &seen, findings);
    if others.rows > 0 {
        let what = "rows of other senders than the first stand in it";
        let finding = Finding::new(FindingKind::MixedSenders, source, &file.slot, &file.input.name, what);
        findings.raise(finding.counted(others.rows, receipt.rows_read).rows(others.first));
    }
    balanced(&receipt)?;
    Ok(receipt)
}

/// The table of quarantine entries, in the zone `quality`.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Refuses a receipt that does not add up.
pub(crate) fn balanced(receipt: &Receipt) -> Result<(), IngestError> {
    if receipt.adds_up() { Ok(()) } else { Err(IngestError::Unbalanced { file: receipt.file.clone() }) }
}

pub(crate) fn compare(previous: &Previous, batch: &RecordBatch, receipt: &mut Receipt) {
    let (Some(ids), Some(digests)) = (batch.column_by_name("event_id"), batch.column_by_name("row_digest")) else {
        return;
    };
    let ids = ids.as_string::<i32>();
    let digests = digests.as_primitive::<Int64Type>();
    for row in 0..ids.len() {
        match previous.digests.get(ids.value(row)) {
            Some(old) if *old == digests.value(row) => receipt.unchanged += 1,
            Some(_) => receipt.revised += 1,
            None => {}
        }
    }
}

//! Loads files: reads, maps, sorts out, pseudonymises and writes them, several at once, each as a stream.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use regex::Regex;
use serde::{Deserialize, Serialize};
use svp_contract::{Encoding as ContractEncoding, Feed, Problem, Reader, Source, Table};
use svp_lake::RunTxn;
use svp_lake::input::{InputFile, digest, open_blocking};
use svp_privacy::{Key, RowDigest};

use crate::apply::{Door, Seen, apply};
use crate::desk::{self, Sealed};
use crate::error::IngestError;
use crate::plan::{FeedPlan, plan_feed};
use crate::read::{self, CsvOptions, Encoding, Expected, ReaderKind, XmlOptions};
use crate::receipt::{Quarantined, Receipt, quarantine_batch};
use crate::sink::{LakeSink, Sink};

/// Rows of a batch: large enough for the kernels, small enough for the cache.
pub(crate) const BATCH_ROWS: usize = 8192;

/// A source, planned.
pub struct SourcePlan {
    /// The definition.
    pub source: Source,
    slot: Regex,
    feeds: Vec<FeedReader>,
    zones: BTreeMap<String, String>,
}

struct FeedReader {
    file: Option<Regex>,
    kind: ReaderKind,
    expected: Expected,
    plan: FeedPlan,
}

/// A file that is in the lake, or was until a newer one of its slot came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedFile {
    /// Source.
    pub source: String,
    /// Slot.
    pub slot: String,
    /// File name, without folders.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Run that loaded it.
    pub run: u64,
    /// Place in the order of loading; a later record revises an earlier one.
    pub seq: u64,
    /// A newer file of the slot has superseded it.
    pub superseded: bool,
    /// It came as a file that the data owner had encoded; name and digest are those of the owner's extract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encoded: bool,
}

/// A file that has to be loaded.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Index of the source plan.
    pub plan: usize,
    /// The file.
    pub input: InputFile,
    /// Slot.
    pub slot: String,
    /// SHA-256 of the extract: where the file is an encoded one, of what the data owner encoded.
    pub sha256: String,
    /// What an encoded file says of itself; `None` for the agency's own extract.
    pub sealed: Option<Arc<Sealed>>,
}

impl Pending {
    /// Name of the extract, without folders: where the file is an encoded one, of what the data owner encoded.
    #[must_use]
    pub fn extract(&self) -> &str {
        self.sealed.as_ref().map_or(&self.input.name, |s| &s.manifest.extract)
    }
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
                    file: feed.file.as_ref().and_then(|p| Regex::new(p).ok()),
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
        let slot = Regex::new(&source.files.slot).ok();
        match slot {
            Some(slot) if problems.is_empty() => Ok(Self {
                source: source.clone(),
                slot,
                feeds,
                zones: tables.iter().map(|t| (t.name.clone(), t.zone.clone())).collect(),
            }),
            _ => Err(problems),
        }
    }

    /// Slot of a file name.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<String> {
        self.slot.captures(name)?.name("slot").map(|m| m.as_str().to_owned())
    }

    /// Zone of a table that a feed of the source fills, or of its quarantine; `None` for another table.
    pub(crate) fn zone(&self, feed: &str, table: &str) -> Option<&str> {
        let feed = &self.feeds.iter().find(|f| f.plan.name == feed)?.plan;
        if table == QUARANTINE {
            return Some("quality");
        }
        feed.targets.iter().find(|t| t.table.name == table).map(|t| t.table.zone.as_str())
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

/// Finds the files that are not in the lake yet: known content is passed over, two files of one slot in one
/// run are refused. An encoded file counts as the extract that it was made from.
///
/// # Errors
/// A file without a slot, two files of a slot, a file that cannot be read, an encoded file that is damaged.
pub fn pending(
    plans: &[SourcePlan],
    inputs: Vec<(usize, InputFile)>,
    known: &[LoadedFile],
) -> Result<Vec<Pending>, IngestError> {
    let mut out: Vec<Pending> = Vec::new();
    for (plan, input) in inputs {
        let source = &plans[plan].source;
        let sealed = desk::open_if_encoded(&input, &source.name)?.map(Arc::new);
        let (name, sha256) = match &sealed {
            Some(sealed) => (sealed.manifest.extract.clone(), sealed.manifest.sha256.clone()),
            None => (input.name.clone(), digest(&input)?),
        };
        let slot = plans[plan]
            .slot(&name)
            .ok_or_else(|| IngestError::Slot { file: name, source_name: source.name.clone() })?;
        if known.iter().any(|k| k.source == source.name && k.sha256 == sha256) {
            continue;
        }
        if let Some(first) = out.iter().find(|p| p.plan == plan && p.slot == slot) {
            if first.sha256 == sha256 {
                continue;
            }
            return Err(IngestError::SameSlot {
                source_name: source.name.clone(),
                first: first.input.path.clone(),
                second: input.path.clone(),
                slot,
            });
        }
        out.push(Pending { plan, input, slot, sha256, sealed });
    }
    Ok(out)
}

/// Loads the pending files into the transaction, `threads` at a time. Nothing is committed here.
///
/// `previous` gives, for a slot that is being superseded, the digests of its identified records by event id
/// and its number of rows.
///
/// # Errors
/// All files that failed, each with its error; then the transaction must be abandoned.
pub async fn load(
    plans: Arc<Vec<SourcePlan>>,
    files: &[Pending],
    previous: HashMap<(String, String), Previous>,
    txn: &RunTxn,
    key: Arc<Key>,
    threads: usize,
    on_file: OnFile<'_>,
) -> Result<Vec<Receipt>, Vec<IngestError>> {
    for (source, slot) in previous.keys() {
        for table in ["event", "party", "episode", "person_record", "quarantine"] {
            let zone = zone_of(&plans, table);
            txn.replace_partition(&zone, table, &[("source", source), ("slot", slot)]).map_err(|e| vec![e.into()])?;
        }
    }
    // The largest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(files[*i].input.bytes));
    let queue = Arc::new(Mutex::new(VecDeque::from(order)));
    let previous = Arc::new(previous);
    let all: Arc<Vec<Pending>> = Arc::new(files.to_vec());
    let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..threads.max(1).min(files.len()) {
        let (queue, plans, all, previous, txn, key, done) = (
            Arc::clone(&queue),
            Arc::clone(&plans),
            Arc::clone(&all),
            Arc::clone(&previous),
            txn.clone(),
            Arc::clone(&key),
            done.clone(),
        );
        tokio::task::spawn_blocking(move || {
            let digest = RowDigest::new(&key);
            loop {
                let Some(i) = queue.lock().ok().and_then(|mut q| q.pop_front()) else { return };
                let file = &all[i];
                let plan = &plans[file.plan];
                let before = previous.get(&(plan.source.name.clone(), file.slot.clone()));
                let mut sink = LakeSink::new(&txn, &plan.source.name, &file.slot);
                let result = match &file.sealed {
                    Some(sealed) => desk::load(plan, file, sealed, before, &mut sink),
                    None => load_file(plan, file, before, &mut sink, &key, &digest),
                };
                if done.send((i, result)).is_err() {
                    return;
                }
            }
        });
    }
    drop(done);
    let mut receipts: BTreeMap<usize, Vec<Receipt>> = BTreeMap::new();
    let mut errors = Vec::new();
    while let Some((i, result)) = finished.recv().await {
        on_file(&files[i].input.name, files[i].input.bytes);
        match result {
            Ok(found) => {
                receipts.insert(i, found);
            }
            Err(error) => errors.push((i, error)),
        }
    }
    if errors.is_empty() && receipts.len() != files.len() {
        return Err(vec![IngestError::Worker]);
    }
    if errors.is_empty() {
        Ok(receipts.into_values().flatten().collect())
    } else {
        errors.sort_by_key(|(i, _)| *i);
        Err(errors.into_iter().map(|(_, e)| e).collect())
    }
}

/// What a slot held before a newer file came.
#[derive(Debug, Default, Clone)]
pub struct Previous {
    /// Rows of its events.
    pub rows: u64,
    /// Digest of the row by event id, for records with an id.
    pub digests: HashMap<String, i64>,
}

fn zone_of(plans: &[SourcePlan], table: &str) -> String {
    plans.iter().find_map(|p| p.zones.get(table).cloned()).unwrap_or_else(|| "quality".to_owned())
}

/// Reads a file and gives its rows to `sink`, feed by feed.
pub(crate) fn load_file(
    plan: &SourcePlan,
    file: &Pending,
    previous: Option<&Previous>,
    sink: &mut dyn Sink,
    key: &Key,
    digest: &RowDigest,
) -> Result<Vec<Receipt>, IngestError> {
    let mut receipts = Vec::new();
    for feed in plan.feeds.iter().filter(|f| f.reads(&file.input.name)) {
        receipts.push(load_feed(plan, feed, file, previous, sink, key, digest)?);
        sink.complete()?;
    }
    if receipts.is_empty() {
        return Err(IngestError::Definition {
            at: file.input.name.clone(),
            what: "no feed of the source reads a file of this name".to_owned(),
        });
    }
    Ok(receipts)
}

fn load_feed(
    plan: &SourcePlan,
    feed: &FeedReader,
    file: &Pending,
    previous: Option<&Previous>,
    sink: &mut dyn Sink,
    key: &Key,
    digest: &RowDigest,
) -> Result<Receipt, IngestError> {
    let source = plan.source.name.as_str();
    let mut receipt = Receipt {
        source: source.to_owned(),
        slot: file.slot.clone(),
        feed: feed.plan.name.clone(),
        file: file.input.name.clone(),
        sha256: file.sha256.clone(),
        superseded: previous.map_or(0, |p| p.rows),
        ..Receipt::default()
    };
    let door = Door { source, slot: &file.slot, key, digest };
    let mut seen = Seen::default();
    let mut reader = read::open(&feed.kind, &feed.expected, &file.input.name, open_blocking(&file.input)?, BATCH_ROWS)?;
    while let Some(rows) = reader.next_batch()? {
        let applied = apply(&feed.plan, &door, &rows.rows, &rows.batch, &mut seen, &mut receipt)?;
        for (target, table) in feed.plan.targets.iter().zip(applied.tables) {
            let batch = table.into_inner();
            if target.table.name == "event"
                && let Some(previous) = previous
            {
                compare(previous, &batch, &mut receipt);
            }
            sink.write(&feed.plan.name, &target.table.zone, &target.table.name, &batch)?;
        }
        let mut entries = applied.quarantined;
        for bad in &rows.bad {
            receipt.rows_read += 1;
            receipt.quarantined += 1;
            receipt.count(bad.rule.as_str(), "file", "row", |c| c.quarantined += 1);
            entries.push(Quarantined {
                row: bad.row,
                table: "file",
                column: "row".to_owned(),
                rule: bad.rule.as_str().to_owned(),
            });
        }
        if !entries.is_empty() {
            let batch = quarantine_batch(&receipt, &entries)
                .map_err(|source| IngestError::Arrow { at: "quarantine".to_owned(), source })?;
            sink.write(&feed.plan.name, "quality", QUARANTINE, &batch)?;
        }
    }
    receipt.notes = reader.notes().iter().map(ToString::to_string).collect();
    balanced(&plan.source, &receipt)?;
    Ok(receipt)
}

/// The table of quarantine entries, in the zone `quality`.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Refuses a receipt that does not add up, or that breaks a threshold of its source.
pub(crate) fn balanced(source: &Source, receipt: &Receipt) -> Result<(), IngestError> {
    if !receipt.adds_up() {
        return Err(IngestError::Unbalanced { file: receipt.file.clone() });
    }
    thresholds(source, receipt)
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

/// Bad rows that never fail a run, however short the file.
const FEW: u64 = 2;

/// Refuses a file in which too many rows broke a rule.
fn thresholds(source: &Source, receipt: &Receipt) -> Result<(), IngestError> {
    if receipt.rows_read == 0 {
        return Ok(());
    }
    // The rule that says most comes first: `quarantined` is all of them together.
    let (together, single): (Vec<_>, Vec<_>) = source.thresholds.iter().partition(|(rule, _)| *rule == "quarantined");
    for (rule, limit) in single.into_iter().chain(together) {
        let count = if rule == "quarantined" { receipt.quarantined } else { receipt.quarantined_by(rule) };
        let share = count as f64 / receipt.rows_read as f64;
        // Two bad rows in a file of a dozen are no sign of a wrong extract.
        if share > *limit && count > FEW {
            return Err(IngestError::Threshold {
                file: receipt.file.clone(),
                source_name: source.name.clone(),
                rule: rule.clone(),
                share: 100.0 * share,
                limit: 100.0 * limit,
            });
        }
    }
    Ok(())
}

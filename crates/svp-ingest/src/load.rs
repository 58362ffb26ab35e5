//! Loads files: reads, maps, sorts out, pseudonymises and writes them, several at once, each as a stream.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use regex::Regex;
use serde::{Deserialize, Serialize};
use svp_contract::{
    Acceptance, Encoding as ContractEncoding, Feed, Finding, FindingKind, Problem, Reader, Source, Table,
};
use svp_lake::RunTxn;
use svp_lake::input::{InputFile, digest, open_blocking};
use svp_privacy::{Key, RowDigest};

use crate::apply::{Door, Seen, apply};
use crate::desk::{self, Sealed};
use crate::error::IngestError;
use crate::findings::Findings;
use crate::plan::{FeedPlan, plan_feed};
use crate::read::{self, CsvOptions, Encoding, Expected, ReaderKind, XmlOptions};
use crate::receipt::{Quarantined, Receipt, quarantine_batch};
use crate::sink::{LakeSink, NoSink, Sink};

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
    /// First and last month that it covers by its name, `YYYY-MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<(String, String)>,
    /// Who sent it, where the name or the content says so: a force, a trust, an authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Digest of the definition that it was loaded under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Rows read; `None` for files that were loaded before there were accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
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
    /// First and last month that it covers by its name, `YYYY-MM`.
    pub months: Option<(String, String)>,
    /// Who sent it, where that is known.
    pub sender: Option<String>,
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

/// What the name of a file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// Slot.
    pub slot: String,
    /// Who sent it: the group `sender` of the pattern.
    pub sender: Option<String>,
    /// First and last month that it covers, `YYYY-MM`.
    pub months: Option<(String, String)>,
}

/// What a load gives.
#[derive(Debug, Default)]
pub struct Loaded {
    /// By file and feed, in the order of the files.
    pub receipts: Vec<Receipt>,
    /// What was found and did not refuse, in the order of the files.
    pub findings: Vec<Finding>,
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

    /// What a file name says; `None` where it does not fit the pattern of the source.
    #[must_use]
    pub fn file_name(&self, name: &str) -> Option<FileName> {
        let found = self.slot.captures(name)?;
        let group = |g: &str| found.name(g).map(|m| m.as_str());
        Some(FileName {
            slot: group("slot")?.to_owned(),
            sender: group("sender").map(str::to_owned),
            months: self.source.files.covers.months(group("year"), group("month")),
        })
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
        let FileName { slot, sender, months } = plans[plan]
            .file_name(&name)
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
        out.push(Pending { plan, input, slot, months, sender, sha256, sealed });
    }
    Ok(out)
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
                let before = previous.get(&(plan.source.name.clone(), file.slot.clone()));
                let mut sink = LakeSink::new(&txn, &plan.source.name, &file.slot);
                let result = match &file.sealed {
                    Some(sealed) => desk::load(plan, file, sealed, before, &mut sink, &accepted),
                    None => load_file(plan, file, before, &mut sink, &key, &digest, &accepted),
                };
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
        }
        Ok(all)
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

/// Reads, maps and checks files as [`load`] does, `threads` at a time, and writes nothing. For each file, in order: what
/// a load would give, or why it would refuse the file. `key` can be one that nobody keeps.
#[must_use]
pub fn rehearse(
    plans: &[SourcePlan],
    files: &[Pending],
    key: &Key,
    accepted: &[Acceptance],
    threads: usize,
    on_file: OnFile<'_>,
) -> Vec<Result<Loaded, IngestError>> {
    let one = |file: &Pending| {
        let plan = &plans[file.plan];
        let done = match &file.sealed {
            Some(sealed) => desk::load(plan, file, sealed, None, &mut NoSink, accepted),
            None => load_file(plan, file, None, &mut NoSink, key, &RowDigest::new(key), accepted),
        };
        on_file(&file.input.name, file.input.bytes);
        done
    };
    let queue = Mutex::new(VecDeque::from_iter(0..files.len()));
    let work = || {
        let mut done = Vec::new();
        while let Some(at) = queue.lock().ok().and_then(|mut q| q.pop_front()) {
            done.push((at, one(&files[at])));
        }
        done
    };
    let mut done: Vec<(usize, Result<Loaded, IngestError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, files.len().max(1))).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|_| vec![(0, Err(IngestError::Worker))])).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
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
    Ok(Loaded { receipts, findings: findings.finish()? })
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
    receipt.notes = reader.notes().iter().map(|n| format!("{n:?}")).collect();
    balanced(&plan.source, &receipt, findings)?;
    Ok(receipt)
}

/// The table of quarantine entries, in the zone `quality`.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Refuses a receipt that does not add up; raises a finding for each threshold of its source that it breaks.
pub(crate) fn balanced(source: &Source, receipt: &Receipt, findings: &mut Findings<'_>) -> Result<(), IngestError> {
    if !receipt.adds_up() {
        return Err(IngestError::Unbalanced { file: receipt.file.clone() });
    }
    thresholds(source, receipt, findings);
    Ok(())
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

/// Raises a finding for each rule that too many rows broke.
fn thresholds(source: &Source, receipt: &Receipt, findings: &mut Findings<'_>) {
    if receipt.rows_read == 0 {
        return;
    }
    // The rule that says most comes first: `quarantined` is all of them together.
    let (together, single): (Vec<_>, Vec<_>) = source.thresholds.iter().partition(|(rule, _)| *rule == "quarantined");
    for (rule, limit) in single.into_iter().chain(together) {
        let count = if rule == "quarantined" { receipt.quarantined } else { receipt.quarantined_by(rule) };
        let share = count as f64 / receipt.rows_read as f64;
        // Two bad rows in a file of a dozen are no sign of a wrong extract.
        if share > *limit && count > FEW {
            let what = format!("more rows broke the rule than the {:.1} % that the source allows", 100.0 * limit);
            findings.raise(
                Finding::new(FindingKind::RuleShare, &source.name, &receipt.slot, &receipt.file, what)
                    .at("", "", rule)
                    .counted(count, receipt.rows_read),
            );
        }
    }
}

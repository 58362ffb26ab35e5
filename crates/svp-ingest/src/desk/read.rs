//! Taking an encoded file in: it is read once to see that it is whole, compared with the terms of the lake, and read
//! again into the lake. No row is mapped here: that was done at the desk.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use svp_contract::{Acceptance, Finding, FindingKind};
use svp_lake::input::{InputFile, open_blocking};
use svp_pseudonymise::{Key, kept};

use super::body::{Body, place};
use super::envelope::{EnvelopeReader, MARK, Seal};
use super::error::DeskError;
use super::{EXTENSION, FORMAT, HEAD, Head, MANIFEST, Manifest, OLDEST, Terms};
use crate::error::IngestError;
use crate::findings::Findings;
use crate::load::{BATCH_ROWS, Loaded, Previous, QUARANTINE, SourcePlan, balanced, compare};
use crate::pending::Pending;
use crate::sink::Sink;
use crate::thresholds::judge;

/// An encoded file that is whole and was opened with its key. Whether its other terms are ours, [`refuse_other_terms`] decides.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// What it says of itself to everybody.
    pub head: Head,
    /// What it says of itself to whoever has the key.
    pub manifest: Manifest,
    body: Body,
    seal: Seal,
}

/// Whether a file is an encoded one: by its name, or by its first bytes.
pub(crate) fn is_encoded(input: &InputFile) -> Result<bool, IngestError> {
    if input.name.ends_with(&format!(".{EXTENSION}")) {
        return Ok(true);
    }
    let mark = format!("{MARK}\0");
    let mut head = Vec::new();
    open_blocking(input)?
        .take(mark.len() as u64)
        .read_to_end(&mut head)
        .map_err(|source| DeskError::Unreadable { file: input.name.clone(), source })?;
    Ok(head == mark.as_bytes())
}

/// The files that are extracts, and how many encoded ones stand beside them: these say nothing of their rows without the key.
///
/// # Errors
/// A file that cannot be read.
pub fn extracts_alone(files: Vec<(usize, InputFile)>) -> Result<(Vec<(usize, InputFile)>, usize), IngestError> {
    let (mut extracts, mut encoded) = (Vec::with_capacity(files.len()), 0);
    for (plan, file) in files {
        match is_encoded(&file)? {
            true => encoded += 1,
            false => extracts.push((plan, file)),
        }
    }
    Ok((extracts, encoded))
}

/// What stands around the sealed entries of a file.
struct Walked {
    /// Number of the format.
    format: u32,
    /// The bytes of the head.
    head: Vec<u8>,
    seal: Seal,
}

/// Reads an encoded file to its end, and gives each sealed entry with its number, the first being 1. One entry is in memory at a time.
fn walk(
    input: &InputFile,
    mut each: impl FnMut(u32, Vec<u8>) -> Result<(), IngestError>,
) -> Result<Walked, IngestError> {
    let mut reader = EnvelopeReader::open(&input.name, open_blocking(input)?, OLDEST..=FORMAT)?;
    let head = match reader.next()? {
        Some((name, content)) if name == HEAD => content,
        _ => return Err(reader.damaged("it does not say under which terms it was made").into()),
    };
    let mut number = 0;
    while let Some((name, content)) = reader.next()? {
        number += 1;
        if name != place(number) {
            return Err(reader.damaged("an entry is not in its place").into());
        }
        each(number, content)?;
    }
    match reader.seal() {
        Some(seal) => Ok(Walked { format: reader.format(), head, seal: seal.clone() }),
        None => Err(reader.damaged("it has no seal").into()),
    }
}

/// The head of an encoded file that holds `source`.
fn head(input: &InputFile, bytes: &[u8], source: &str) -> Result<Head, IngestError> {
    let what = "its head cannot be read";
    let head: Head =
        serde_json::from_slice(bytes).map_err(|_| DeskError::Damaged { file: input.name.clone(), what })?;
    if head.source != source {
        let (file, found) = (input.name.clone(), head.source);
        return Err(DeskError::Source { file, found, given: source.to_owned() }.into());
    }
    Ok(head)
}

/// What an encoded file says of itself without the key; `None` for an extract. It is read to its end, and must hold the source that it
/// was given as.
///
/// # Errors
/// As [`open_if_encoded`], but for the key.
pub fn head_if_encoded(input: &InputFile, source: &str) -> Result<Option<Head>, IngestError> {
    if !is_encoded(input)? {
        return Ok(None);
    }
    let walked = walk(input, |_, _| Ok(()))?;
    Ok(Some(head(input, &walked.head, source)?))
}

/// Opens an encoded file with the key that it was made under; `None` for an extract. Known by its name or its first bytes. It is read
/// to its end, and must hold the source that it was given as.
///
/// # Errors
/// [`DeskError::Damaged`] where a byte is not as it was made or the seal is of another key than the file says,
/// [`DeskError::Format`] for another format, [`DeskError::Source`] for another source, [`DeskError::NoKey`] without a key,
/// [`DeskError::Terms`] for another key, or a file that cannot be read.
pub fn open_if_encoded(input: &InputFile, source: &str, key: Option<&Key>) -> Result<Option<Sealed>, IngestError> {
    if !is_encoded(input)? {
        return Ok(None);
    }
    let mut last = None;
    let walked = walk(input, |number, content| {
        last = Some((number, content));
        Ok(())
    })?;
    let head = head(input, &walked.head, source)?;
    let (file, body) = (input.name.clone(), body(input, &head, &walked, key)?);
    let Some((name, text)) = last.and_then(|(number, content)| body.opened(number, &content)) else {
        return Err(DeskError::Damaged { file, what: UNOPENED }.into());
    };
    let manifest = (name == MANIFEST).then(|| serde_json::from_slice(&text).ok()).flatten();
    let what = "its manifest cannot be read";
    let manifest = manifest.ok_or(DeskError::Damaged { file, what })?;
    Ok(Some(Sealed { head, manifest, body, seal: walked.seal }))
}

const UNOPENED: &str = "it does not open under the key that it names";

/// What opens the entries of a file, where this is its key.
fn body(input: &InputFile, head: &Head, walked: &Walked, key: Option<&Key>) -> Result<Body, DeskError> {
    let file = input.name.clone();
    let Some(key) = key else { return Err(DeskError::NoKey { file }) };
    let ours = Terms { key_id: key.check(), purpose: key.purpose().to_owned(), ..Terms::default() };
    if let Some(difference) = ours.other_key(&head.terms) {
        return Err(DeskError::Terms { file, made_by: head.svp.clone(), differences: vec![difference] });
    }
    if !walked.seal.is_of(key) {
        return Err(DeskError::Damaged { file, what: "its seal is not of the key that it names" });
    }
    Ok(Body::new(key, walked.format, &walked.head))
}

/// Every sealed entry of an encoded file, opened with its key: name and content, the manifest last. All of it is held in memory.
///
/// # Errors
/// As [`open_if_encoded`]; a file that is no encoded one is damaged.
pub fn entries(input: &InputFile, key: &Key) -> Result<Vec<(String, Vec<u8>)>, IngestError> {
    let mut sealed = Vec::new();
    let walked = walk(input, |number, content| {
        sealed.push((number, content));
        Ok(())
    })?;
    let damaged = |what| DeskError::Damaged { file: input.name.clone(), what };
    let head: Head = serde_json::from_slice(&walked.head).map_err(|_| damaged("its head cannot be read"))?;
    let body = body(input, &head, &walked, Some(key))?;
    let opened = sealed.iter().map(|(number, content)| body.opened(*number, content).ok_or_else(|| damaged(UNOPENED)));
    Ok(opened.collect::<Result<_, _>>()?)
}

/// Compares the encoded files of a run with the terms of the lake, before anything of them is loaded. `terms` gives
/// those of a source, by the index of its plan. That they are of the key was seen when they were opened.
///
/// # Errors
/// Every file whose terms differ, with the differences.
pub fn refuse_other_terms(
    files: &[Pending],
    terms: &dyn Fn(usize) -> Result<Terms, IngestError>,
) -> Result<(), Vec<IngestError>> {
    let mut ours: BTreeMap<usize, Terms> = BTreeMap::new();
    let mut errors: Vec<IngestError> = Vec::new();
    for file in files {
        let Some(sealed) = &file.sealed else { continue };
        let ours = match ours.entry(file.plan) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(terms(file.plan).map_err(|e| vec![e])?),
        };
        errors.extend(sealed.head.compare(&file.input.name, ours).err());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

impl Head {
    /// Compares the terms with ours; `file` is for messages.
    ///
    /// # Errors
    /// [`DeskError::Terms`] with every difference.
    pub fn compare(&self, file: &str, ours: &Terms) -> Result<(), IngestError> {
        let differences = ours.differences(&self.terms);
        if differences.is_empty() {
            return Ok(());
        }
        Err(DeskError::Terms { file: file.to_owned(), made_by: self.svp.clone(), differences }.into())
    }
}

/// Loads an encoded file: its rows go to `sink` as they are, its receipts are checked against them.
pub(crate) fn load(
    plan: &SourcePlan,
    file: &Pending,
    sealed: &Sealed,
    previous: Option<&Previous>,
    sink: &mut dyn Sink,
    accepted: &[Acceptance],
) -> Result<Loaded, IngestError> {
    let mut findings = Findings::new(accepted);
    let manifest = &sealed.manifest;
    let name = &file.input.name;
    let damaged = |what| IngestError::from(DeskError::Damaged { file: name.clone(), what });
    let mut receipts = manifest.receipts.clone();
    for receipt in &mut receipts {
        let ours = receipt.source == plan.source.name
            && receipt.slot == file.slot
            && receipt.file == manifest.extract
            && receipt.sha256 == manifest.sha256
            && (receipt.superseded, receipt.revised, receipt.unchanged) == (0, 0, 0);
        if !ours {
            return Err(damaged("a receipt is not of its extract"));
        }
        receipt.superseded = previous.map_or(0, |p| p.rows);
        receipt.file.clone_from(&file.label);
        receipt.sha256.clone_from(&file.content);
    }
    let mut rows: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut earlier: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = false;
    let walked = walk(&file.input, |number, content| {
        let (entry, content) = sealed.body.opened(number, &content).ok_or_else(|| damaged(UNOPENED))?;
        if last {
            return Err(damaged("an entry follows its manifest"));
        }
        if entry == MANIFEST {
            last = true;
            return Ok(());
        }
        let (feed, table) = parts(&entry).ok_or_else(|| damaged("an entry has a strange name"))?;
        let zone = plan.zone(feed, table).ok_or_else(|| damaged("it holds a table that its feed does not fill"))?;
        let receipt = receipts.iter_mut().find(|r| r.feed == feed);
        let receipt = receipt.ok_or_else(|| damaged("it holds a feed without a receipt"))?;
        let unreadable = || damaged("rows cannot be read");
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content)).map_err(|_| unreadable())?;
        for batch in builder.with_batch_size(BATCH_ROWS).build().map_err(|_| unreadable())? {
            let batch = batch.map_err(|_| unreadable())?;
            if !all_are(&batch, "source", &plan.source.name) || !all_are(&batch, "slot", &file.slot) {
                return Err(damaged("it holds rows of another source or slot"));
            }
            if table == "event"
                && let Some(previous) = previous
            {
                compare(previous, &batch, receipt);
            }
            let batch =
                if table == QUARANTINE { labelled(&batch, &file.label).map_err(|_| unreadable())? } else { batch };
            let batch = match plan.table(feed, table) {
                Some(of) => {
                    let (batch, had) = kept(of, &batch)?;
                    *earlier.entry(table.to_owned()).or_default() += had;
                    batch
                }
                None => batch,
            };
            *rows.entry(feed.to_owned()).or_default().entry(table.to_owned()).or_default() += batch.num_rows() as u64;
            sink.write(feed, zone, table, &batch)?;
        }
        Ok(())
    })?;
    if walked.seal != sealed.seal {
        return Err(damaged("it was changed while it was being loaded"));
    }
    if rows != manifest.rows {
        return Err(damaged("its rows are not as many as its manifest says"));
    }
    for receipt in &receipts {
        let held = rows.get(&receipt.feed);
        let held = |table: &str| held.and_then(|tables| tables.get(table)).copied().unwrap_or_default();
        let told = receipt.rules.values().map(|c| c.quarantined).sum::<u64>();
        if receipt.written.iter().any(|(table, n)| held(table) != *n) || held(QUARANTINE) != told {
            return Err(damaged("its rows are not as many as its receipts say"));
        }
        balanced(receipt)?;
        let feed = plan.feed(&receipt.feed).ok_or_else(|| damaged("a receipt is of a feed that is not known"))?;
        // Thresholds hold here too; the first rows are in the findings of the desk.
        judge(&plan.source, feed, receipt, &BTreeMap::new(), &mut findings);
    }
    for finding in &manifest.findings {
        let known = manifest.receipts.iter().any(|r| r.source == finding.source && r.slot == finding.slot);
        if !known {
            return Err(damaged("a finding is not of its extract"));
        }
        // What was accepted at the desk was accepted by the owner of the data.
        findings.raise_once(Finding { refuses: false, ..finding.clone() });
    }
    for (table, had) in earlier.into_iter().filter(|(_, had)| *had > 0) {
        let what = format!(
            "{had} rows of {table} have encodings of an earlier version; what is not kept of them now (the filter of a postcode) was left out"
        );
        let found = Finding::new(FindingKind::EncodedEarlier, &plan.source.name, &file.slot, &file.label, what);
        findings.raise(found.counted(had, manifest.rows_by_table().get(table.as_str()).copied().unwrap_or_default()));
    }
    let findings = findings.finish()?;
    sink.complete()?;
    Ok(Loaded { receipts, findings, ..Loaded::default() })
}

/// Feed and table of the name of an entry.
fn parts(entry: &str) -> Option<(&str, &str)> {
    let (feed, file) = entry.rsplit_once('/')?;
    let (table, _) = file.strip_suffix(".parquet")?.rsplit_once('-')?;
    Some((feed, table))
}

/// Quarantine entries with a label in place of the name of their file.
fn labelled(batch: &RecordBatch, label: &str) -> Result<RecordBatch, ArrowError> {
    let names: ArrayRef = Arc::new(StringArray::from(vec![label; batch.num_rows()]));
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| match field.name().as_str() {
        "file" => Arc::clone(&names),
        _ => Arc::clone(column),
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect())
}

/// Whether every row has `value` in a column.
fn all_are(batch: &RecordBatch, column: &str, value: &str) -> bool {
    batch
        .column_by_name(column)
        .and_then(|c| c.as_string_opt::<i32>())
        .is_some_and(|texts| texts.null_count() == 0 && texts.iter().flatten().all(|text| text == value))
}

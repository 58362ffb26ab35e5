//! Encoding: an extract is read, mapped, checked and pseudonymised as a run would, into an encoded file.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use svp_contract::Acceptance;
use svp_lake::NewFile;
use svp_pseudonymise::{Key, RowDigest, TransitSeal};

use super::body::{Body, place};
use super::envelope::EnvelopeWriter;
use super::error::DeskError;
use super::{EXTENSION, FORMAT, HEAD, Head, MANIFEST, Manifest, Terms};
use crate::contents::Contents;
use crate::error::IngestError;
use crate::load::{Loaded, OnFile, SourcePlan, load_file};
use crate::pending::Pending;
use crate::sink::Sink;

/// Rows of an entry: what a table holds in memory, encoded, before it is written out.
const ENTRY_ROWS: usize = 128 * 1024;

/// An encoded file that is whole, and has no name yet.
#[derive(Debug)]
pub struct Encoded {
    /// What it says of itself to whoever has the key.
    pub manifest: Manifest,
    file: NewFile,
}

impl Encoded {
    /// Where it will stand.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Its size, bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// Its SHA-256, 64 hexadecimal digits, for the owner to tell by another way than the file goes.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.file.sha256()
    }

    /// Where the encoded file of an extract goes: it has the name of the slot, after the sender where `all` the files that are
    /// encoded together hold this slot of another sender too.
    #[must_use]
    pub fn place(folder: &Path, file: &Pending, all: &[Pending]) -> PathBuf {
        let slot = file.slot_by_name();
        let alone = all.iter().filter(|f| f.slot_by_name().eq_ignore_ascii_case(slot)).count() < 2;
        let sender = file.sender.as_deref().filter(|_| !alone).map(|s| format!("{s}_")).unwrap_or_default();
        folder.join(format!("{sender}{slot}.{EXTENSION}"))
    }

    /// Gives it its name. What stands there is kept, unless `replace`.
    ///
    /// # Errors
    /// When something stands there, or the disk refuses.
    pub fn commit(self, replace: bool) -> Result<(), IngestError> {
        Ok(self.file.commit(replace)?)
    }
}

/// Encodes extracts into `folder`, `threads` at a time, in the order of `files`. `svp` is the version of the program, `made` the time
/// that it says it is (RFC 3339, UTC; empty where nobody is to know), `accepted` the
/// findings that somebody accepted.
/// No file has its name before it is [committed](Encoded::commit); those that are dropped are deleted.
///
/// # Errors
/// Every extract that failed, each with its error; then nothing is left.
#[allow(clippy::too_many_arguments)]
pub fn encode(
    plan: &SourcePlan,
    files: &[Pending],
    folder: &Path,
    terms: &Terms,
    svp: &str,
    made: &str,
    key: &Key,
    accepted: &[Acceptance],
    threads: usize,
    on_file: OnFile<'_>,
) -> Result<Vec<Encoded>, Vec<IngestError>> {
    let queue = Mutex::new(VecDeque::from_iter(0..files.len()));
    let work = || {
        let digest = RowDigest::new(key);
        let mut done = Vec::new();
        while let Some(at) = queue.lock().ok().and_then(|mut q| q.pop_front()) {
            let file = &files[at];
            let path = Encoded::place(folder, file, files);
            done.push((at, encode_file(plan, file, &path, terms, svp, made, key, &digest, accepted, ENTRY_ROWS)));
            on_file(&file.input.name, file.input.bytes);
        }
        done
    };
    let mut done: Vec<(usize, Result<Encoded, IngestError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, files.len().max(1))).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|_| vec![(0, Err(IngestError::Worker))])).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    let (mut encoded, mut errors) = (Vec::new(), Vec::new());
    for (_, result) in done {
        match result {
            Ok(file) => encoded.push(file),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(encoded) } else { Err(errors) }
}

#[allow(clippy::too_many_arguments)]
pub(super) fn encode_file(
    plan: &SourcePlan,
    file: &Pending,
    path: &Path,
    terms: &Terms,
    svp: &str,
    made: &str,
    key: &Key,
    digest: &RowDigest,
    accepted: &[Acceptance],
    entry_rows: usize,
) -> Result<Encoded, IngestError> {
    if file.sealed.is_some() {
        return Err(DeskError::Already { file: file.input.name.clone() }.into());
    }
    let mut out = NewFile::begin(path)?;
    let mut put = |bytes: &[u8]| out.put(bytes).map_err(DeskError::from);
    // Which extract it is: empty ones of two months have the same bytes.
    let which = [made, &file.sha256, &file.slot, file.sender.as_deref().unwrap_or_default()];
    let salt = Some(TransitSeal::new(key).salt(&which.map(str::as_bytes)));
    let head = Head { svp: svp.to_owned(), source: plan.source.name.clone(), terms: terms.clone(), salt };
    let head = serde_json::to_vec_pretty(&head)?;
    let mut envelope = EnvelopeWriter::begin(&file.input.name, FORMAT, &mut put)?;
    envelope.entry(HEAD, &head)?;
    let (name, body) = (file.input.name.clone(), Body::new(key, FORMAT, &head));
    let (open, rows) = (BTreeMap::new(), BTreeMap::new());
    let mut sink = DeskSink { file: name, envelope, body, entries: 0, open, rows, entry_rows };
    let Loaded { receipts, findings, .. } = load_file(plan, file, None, &mut sink, key, digest, accepted)?;
    let manifest = Manifest {
        slot: file.slot.clone(),
        extract: file.input.name.clone(),
        sha256: Contents::new(key).content(&file.sha256),
        sender: file.sender.clone(),
        dated: file.dated.clone(),
        made: (!made.is_empty()).then(|| made.to_owned()),
        receipts,
        findings,
        rows: std::mem::take(&mut sink.rows),
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    sink.entry(MANIFEST, &text)?;
    sink.envelope.seal(key)?;
    Ok(Encoded { manifest, file: out })
}

/// Writes rows as entries of an envelope. A table is held, encoded, until it has enough rows for an entry or its feed
/// ends: nothing stands on the disk but the file itself.
struct DeskSink<'a> {
    /// Name of the extract, for messages.
    file: String,
    envelope: EnvelopeWriter<'a>,
    body: Body,
    /// Sealed entries that were written.
    entries: u32,
    /// Feed and table to the entry that is being filled.
    open: BTreeMap<(String, String), Open>,
    rows: BTreeMap<String, BTreeMap<String, u64>>,
    entry_rows: usize,
}

/// An entry that is being filled.
struct Open {
    writer: ArrowWriter<Vec<u8>>,
    rows: usize,
}

/// Parquet's text can quote a value, so it is dropped.
fn refused(table: &str) -> impl Fn(parquet::errors::ParquetError) -> IngestError {
    let at = format!("encoded rows of {table}");
    move |_| IngestError::Arrow {
        at: at.clone(),
        source: arrow::error::ArrowError::ParquetError("a batch was refused".to_owned()),
    }
}

/// The same rows are the same bytes: no version, no time. Minima and maxima would only be copies of values.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by("svp".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .build()
}

impl DeskSink<'_> {
    fn close(&mut self, feed: &str, table: &str, open: Open) -> Result<(), IngestError> {
        let bytes = open.writer.into_inner().map_err(refused(table))?;
        let written = self.rows.entry(feed.to_owned()).or_default().entry(table.to_owned()).or_default();
        // Entries are full but the last, so the rows before it tell its number.
        let number = usize::try_from(*written).unwrap_or_default() / self.entry_rows + 1;
        *written += open.rows as u64;
        self.entry(&format!("{feed}/{table}-{number:04}.parquet"), &bytes)
    }

    /// Writes an entry that only the key opens.
    fn entry(&mut self, name: &str, content: &[u8]) -> Result<(), IngestError> {
        self.entries += 1;
        let what = "an entry cannot be sealed";
        let sealed = self.body.sealed(self.entries, name, content);
        let sealed = sealed.ok_or_else(|| DeskError::Unwritable { file: self.file.clone(), what })?;
        Ok(self.envelope.entry(&place(self.entries), &sealed)?)
    }
}

impl Sink for DeskSink<'_> {
    fn write(&mut self, feed: &str, _zone: &str, table: &str, batch: &RecordBatch) -> Result<(), IngestError> {
        let name = (feed.to_owned(), table.to_owned());
        let mut from = 0;
        while from < batch.num_rows() {
            let mut open = match self.open.remove(&name) {
                Some(open) => open,
                None => {
                    let writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties()));
                    Open { writer: writer.map_err(refused(table))?, rows: 0 }
                }
            };
            let n = (batch.num_rows() - from).min(self.entry_rows - open.rows);
            open.writer.write(&batch.slice(from, n)).map_err(refused(table))?;
            open.rows += n;
            from += n;
            if open.rows == self.entry_rows {
                self.close(feed, table, open)?;
            } else {
                self.open.insert(name.clone(), open);
            }
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<(), IngestError> {
        for ((feed, table), open) in std::mem::take(&mut self.open) {
            self.close(&feed, &table, open)?;
        }
        Ok(())
    }
}

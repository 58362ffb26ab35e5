//! An encoded file of the sample, taken apart and put together again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use svp_contract::{Source, canonical_tables};
use svp_functions::{AreaBox, Areas, CodeMaps};
use svp_lake::input::{InputFile, expand};
use svp_lake::{Limits, NewFile};
use svp_pseudonymise::{Key, RowDigest};

use super::envelope::EnvelopeWriter;
use super::read::open;
use super::write::encode_file;
use super::{DeskError, FORMAT, MANIFEST, Manifest, Terms, load, refuse_other_terms};
use crate::error::IngestError;
use crate::load::SourcePlan;
use crate::pending::{Known, Pending, pending};
use crate::sink::Sink;

const TEXT: &str = include_str!("../../../../pipelines/sources/police_rms.toml");
const OFFENCES: &str = include_str!("../../../../pipelines/reference/offences.csv");

fn key() -> Key {
    Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
}

fn source() -> Source {
    Source::parse("police_rms.toml", TEXT).unwrap()
}

fn terms() -> Terms {
    Terms::new(&source(), &canonical_tables().unwrap(), BTreeMap::new(), Some(&key())).unwrap()
}

fn plan() -> SourcePlan {
    let source = source();
    let ctx = svp_lake::session(&Limits::default()).unwrap();
    let maps = source.maps.iter().map(|(name, pairs)| (name.clone(), pairs.clone().into_iter().collect()));
    let lookups =
        crate::reference::without_area(crate::reference::SiteLists { offences: OFFENCES, forces: "" }).lookups;
    let bound = svp_functions::bound(CodeMaps::new(maps), lookups, Areas::default(), AreaBox::default());
    svp_functions::register(&ctx, bound);
    SourcePlan::new(&ctx, &source, "police_rms.toml", &canonical_tables().unwrap()).unwrap()
}

fn input(path: &Path) -> InputFile {
    expand(&[path.to_string_lossy().into_owned()]).unwrap().remove(0)
}

fn pending_of(plan: SourcePlan, path: &Path) -> Result<(SourcePlan, Pending), IngestError> {
    let plans = [plan];
    let found = pending(&plans, vec![(0, input(path))], &Known::default())?.files.remove(0);
    let [plan] = plans;
    Ok((plan, found))
}

/// The sample's December, encoded with entries of at most `rows` rows.
fn encoded(folder: &Path, rows: usize) -> PathBuf {
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/police_rms/rms_crimes_2024-12.csv");
    let (plan, extract) = pending_of(plan(), &extract).unwrap();
    let path = folder.join(format!("{rows}.svp"));
    let digest = RowDigest::new(&key());
    encode_file(&plan, &extract, &path, &terms(), "0", "", &key(), &digest, &[], rows).unwrap().commit(false).unwrap();
    path
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept {
    rows: BTreeMap<String, Vec<RecordBatch>>,
    complete: bool,
}

impl Sink for Kept {
    fn write(&mut self, feed: &str, zone: &str, table: &str, batch: &RecordBatch) -> Result<(), IngestError> {
        self.rows.entry(format!("{feed} {zone}/{table}")).or_default().push(batch.clone());
        Ok(())
    }

    fn complete(&mut self) -> Result<(), IngestError> {
        self.complete = true;
        Ok(())
    }
}

impl Kept {
    fn whole(&self) -> BTreeMap<&str, RecordBatch> {
        let whole = |batches: &Vec<RecordBatch>| concat_batches(&batches[0].schema(), batches).unwrap();
        self.rows.iter().map(|(name, batches)| (name.as_str(), whole(batches))).collect()
    }
}

fn loaded(path: &Path) -> Result<Kept, IngestError> {
    let (plan, file) = pending_of(plan(), path)?;
    let mut kept = Kept::default();
    let sealed = file.sealed.clone().unwrap();
    load(&plan, &file, &sealed, None, &mut kept, &[])
        .inspect_err(|_| assert!(!kept.complete, "refused after it was kept"))?;
    Ok(kept)
}

/// Where an entry ends does not change what is read, and a file with many entries is whole.
#[test]
fn many_entries_hold_the_same_rows_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let (many, one) = (encoded(folder.path(), 7), encoded(folder.path(), 100_000));
    let (many, one) = (loaded(&many).unwrap(), loaded(&one).unwrap());
    assert!(many.rows["rows canonical/event"].len() > 10 && one.rows["rows canonical/event"].len() == 1);
    assert_eq!(many.whole(), one.whole());
    for table in ["canonical/event", "canonical/party", "linkage/person_record"] {
        assert!(one.whole()[format!("rows {table}").as_str()].num_rows() > 50, "{table}");
    }
}

/// Writes a file again with another manifest, sealed by a holder of the key.
fn resealed(path: &Path, change: impl Fn(&mut Manifest), without: &str) -> PathBuf {
    let mut reader =
        super::envelope::EnvelopeReader::open("a", svp_lake::input::open_blocking(&input(path)).unwrap(), FORMAT)
            .unwrap();
    let to = path.with_file_name("resealed.svp");
    let mut out = NewFile::begin(&to).unwrap();
    let mut put = |bytes: &[u8]| out.put(bytes).map_err(DeskError::from);
    let mut envelope = EnvelopeWriter::begin("a", FORMAT, &mut put).unwrap();
    while let Some((name, content)) = reader.next().unwrap() {
        if name == MANIFEST {
            let mut manifest: Manifest = serde_json::from_slice(&content).unwrap();
            change(&mut manifest);
            envelope.entry(MANIFEST, &serde_json::to_vec(&manifest).unwrap()).unwrap();
        } else if without.is_empty() || !name.contains(without) {
            envelope.entry(&name, &content).unwrap();
        }
    }
    envelope.seal(&key()).unwrap();
    out.commit(true).unwrap();
    to
}

/// Who holds the key can seal anything; what does not hang together is refused all the same.
#[test]
fn what_contradicts_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 100_000);
    loaded(&resealed(&path, |_| {}, "")).unwrap();
    let refused = |change: &dyn Fn(&mut Manifest), without: &str, wanted: &str| {
        let error = loaded(&resealed(&path, change, without)).err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
    };
    refused(&|_| {}, "party-0001", "rows are not as many as its manifest says");
    refused(
        &|m| {
            m.rows.get_mut("rows").unwrap().remove("party");
        },
        "party-0001",
        "rows are not as many as its receipts say",
    );
    refused(&|m| m.receipts[0].rows_read += 1, "", "not the sum of accepted, quarantined and duplicate");
    refused(&|m| m.receipts[0].file.push('x'), "", "a receipt is not of its extract");
    refused(&|m| m.receipts.clear(), "", "a feed without a receipt");
    refused(
        &|m| {
            let (r, n) = (&mut m.receipts[0], 1000);
            (r.rows_read, r.quarantined) = (r.rows_read + n, r.quarantined + n);
        },
        "",
        "more rows are in quarantine",
    );
    // Renamed in the manifest, it lies in another slot than its rows.
    refused(
        &|m| {
            m.extract = m.extract.replace("2024-12", "2024-11");
            m.slot = m.slot.replace("2024-12", "2024-11");
            m.receipts.iter_mut().for_each(|r| {
                r.file = r.file.replace("2024-12", "2024-11");
                r.slot = r.slot.replace("2024-12", "2024-11");
            });
        },
        "",
        "rows of another source or slot",
    );
}

/// The key that a file names must be the one that sealed it.
#[test]
fn a_seal_of_another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, file) = pending_of(plan(), &encoded(folder.path(), 100_000)).unwrap();
    let ours = |_: usize| Ok(terms());
    refuse_other_terms(std::slice::from_ref(&file), &ours, &key()).unwrap();
    let errors = refuse_other_terms(&[file], &ours, &Key::generate("test").unwrap()).unwrap_err();
    assert!(errors[0].to_string().contains("seal"), "{}", errors[0]);
}

#[test]
fn the_manifest_says_what_the_file_holds_and_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 50);
    let manifest = open(&input(&path)).unwrap().manifest;
    assert_eq!((manifest.format, manifest.slot.as_str()), (FORMAT, "rms_crimes_2024-12"));
    let kept = loaded(&path).unwrap();
    for (table, rows) in manifest.rows_by_table() {
        let (_, found) = kept.whole().into_iter().find(|(name, _)| name.ends_with(&format!("/{table}"))).unwrap();
        assert_eq!(found.num_rows() as u64, rows, "{table}");
    }
    assert_eq!(manifest.terms, terms());
}

/// A raw extract that is replaced between the moment in which it is recognised and that in which it is read is refused: its receipt would
/// have the digest of the one beside the rows of the other.
#[test]
fn an_extract_that_is_replaced_while_it_is_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/police_rms");
    let extract = folder.path().join("rms_crimes_2024-12.csv");
    std::fs::copy(sample.join("rms_crimes_2024-12.csv"), &extract).unwrap();
    let (plan, file) = pending_of(plan(), &extract).unwrap();
    std::fs::copy(sample.join("rms_crimes_2025-01.csv"), &extract).unwrap();
    let path = folder.path().join("out.svp");
    let digest = RowDigest::new(&key());
    let error = encode_file(&plan, &file, &path, &terms(), "0", "", &key(), &digest, &[], 1000).unwrap_err();
    assert!(matches!(error, IngestError::Replaced { .. }), "{error}");
}

//! An encoded file of the sample, taken apart and put together again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use svp_contract::encoding::{FILTER_BYTES, PART_BYTES};
use svp_contract::{Finding, FindingKind, Source, canonical_tables};
use svp_functions::{AreaBox, Areas, CodeMaps};
use svp_lake::input::{InputFile, expand};
use svp_lake::{Limits, NewFile};
use svp_pseudonymise::{Key, RowDigest};

use super::body::{Body, place};
use super::envelope::{EnvelopeReader, EnvelopeWriter};
use super::terms::of_before;
use super::write::encode_file;
use super::{
    DeskError, FORMAT, HEAD, Head, MANIFEST, Manifest, OLDEST, Sealed, Terms, entries, extracts_alone, head_if_encoded,
    load, open_if_encoded, refuse_other_terms,
};
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
    let found = pending(&plans, vec![(0, input(path))], &Known::default(), Some(&key()), 1)?.files.remove(0);
    let [plan] = plans;
    Ok((plan, found))
}

/// The sample's December, encoded with entries of at most `rows` rows.
fn encoded(folder: &Path, rows: usize) -> PathBuf {
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/police_rms/rms_crimes_2024-12.csv");
    made_at("", &extract, &folder.join(format!("{rows}.svp")), rows)
}

/// An extract, encoded at a time that the desk's clock says.
fn made_at(clock: &str, extract: &Path, path: &Path, rows: usize) -> PathBuf {
    let (plan, extract) = pending_of(plan(), extract).unwrap();
    let digest = RowDigest::new(&key());
    let made = encode_file(&plan, &extract, path, &terms(), "0", clock, &key(), &digest, &[], rows).unwrap();
    made.commit(true).unwrap();
    path.to_owned()
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
    Ok(loaded_and_found(path)?.0)
}

/// The rows of a file, and what was found in it.
fn loaded_and_found(path: &Path) -> Result<(Kept, Vec<Finding>), IngestError> {
    let (plan, file) = pending_of(plan(), path)?;
    let mut kept = Kept::default();
    let sealed = file.sealed.clone().unwrap();
    let loaded = load(&plan, &file, &sealed, None, &mut kept, &[])
        .inspect_err(|_| assert!(!kept.complete, "refused after it was kept"))?;
    Ok((kept, loaded.findings))
}

/// Rows of people as an earlier version made them: behind the tokens of a postcode stands a filter.
fn with_filters(content: &[u8]) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content.to_vec())).unwrap();
    let mut out: Option<ArrowWriter<Vec<u8>>> = None;
    for batch in reader.build().unwrap().map(Result::unwrap) {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
            if field.name() != "enc_postcode" {
                return Arc::clone(column);
            }
            let codes = column.as_binary::<i32>().iter();
            let longer = codes.map(|code| code.map(|code| [code, &[0x5a; FILTER_BYTES]].concat()));
            Arc::new(BinaryArray::from_iter(longer))
        });
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
        let writer = out.get_or_insert_with(|| ArrowWriter::try_new(Vec::new(), schema, None).unwrap());
        writer.write(&batch).unwrap();
    }
    out.unwrap().into_inner().unwrap()
}

/// A file of an earlier version comes in with the rows that one of now has, and it is told what was left out.
#[test]
fn a_file_of_an_earlier_version_is_taken_in_without_what_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 40);
    let (now, found_now) = loaded_and_found(&path).unwrap();
    let mut head: Head = serde_json::from_slice(&in_the_clear(&path)[0].1).unwrap();
    head.terms = of_before(&head.terms);
    let before = entries(&input(&path), &key()).unwrap().into_iter().map(|(name, content)| {
        let people = name.contains("/person_record-");
        let content = if people { with_filters(&content) } else { content };
        (name, content)
    });
    let before = rewritten(&path, &serde_json::to_vec(&head).unwrap(), &before.collect::<Vec<_>>());
    let (_, file) = pending_of(plan(), &before).unwrap();
    refuse_other_terms(&[file], &|_| Ok(terms())).unwrap();
    let (kept, found) = loaded_and_found(&before).unwrap();
    assert_eq!(kept.whole(), now.whole());
    let people = &now.whole()["rows linkage/person_record"];
    let codes = people.column_by_name("enc_postcode").unwrap();
    assert!(codes.as_binary::<i32>().iter().flatten().all(|code| code.len() == 3 * PART_BYTES));
    let told: Vec<&Finding> = found.iter().filter(|f| f.kind == FindingKind::EncodedEarlier).collect();
    let (with, of) = ((people.num_rows() - codes.null_count()) as u64, people.num_rows() as u64);
    assert!(with > 50);
    assert_eq!((told.len(), told[0].count, told[0].of, told[0].refuses), (1, with, of, false));
    assert_eq!(found.len(), found_now.len() + 1);
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

fn open(path: &Path) -> Result<Sealed, IngestError> {
    Ok(open_if_encoded(&input(path), "police_rms", Some(&key()))?.unwrap())
}

/// The entries of the tar, without the mark and the seal.
fn in_the_clear(path: &Path) -> Vec<(String, Vec<u8>)> {
    let input = svp_lake::input::open_blocking(&input(path)).unwrap();
    let mut reader = EnvelopeReader::open("a", input, OLDEST..=FORMAT).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

/// Writes a file again with other entries, sealed by a holder of the key.
fn resealed(path: &Path, change: impl Fn(&mut Manifest), without: &str) -> PathBuf {
    let opened = entries(&input(path), &key()).unwrap().into_iter().filter_map(|(name, content)| {
        if name == MANIFEST {
            let mut manifest: Manifest = serde_json::from_slice(&content).unwrap();
            change(&mut manifest);
            return Some((name, serde_json::to_vec(&manifest).unwrap()));
        }
        (without.is_empty() || !name.contains(without)).then_some((name, content))
    });
    rewritten(path, &in_the_clear(path)[0].1, &opened.collect::<Vec<_>>())
}

fn rewritten(path: &Path, head: &[u8], opened: &[(String, Vec<u8>)]) -> PathBuf {
    rewritten_as(FORMAT, path, head, opened)
}

fn rewritten_as(format: u32, path: &Path, head: &[u8], opened: &[(String, Vec<u8>)]) -> PathBuf {
    let to = path.with_file_name("resealed.svp");
    let mut out = NewFile::begin(&to).unwrap();
    let mut put = |bytes: &[u8]| out.put(bytes).map_err(DeskError::from);
    let mut envelope = EnvelopeWriter::begin("a", format, &mut put).unwrap();
    envelope.entry(HEAD, head).unwrap();
    let body = Body::new(&key(), format, head);
    for (number, (name, content)) in (1..).zip(opened) {
        envelope.entry(&place(number), &body.sealed(number, name, content).unwrap()).unwrap();
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

/// The key that a file names must be the one that sealed it, and ours.
#[test]
fn a_file_of_another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 100_000);
    let other = Key::generate("test").unwrap();
    let error =
        |path: &Path, key: Option<&Key>| open_if_encoded(&input(path), "police_rms", key).err().unwrap().to_string();
    let said = error(&path, Some(&other));
    assert!(said.contains(&format!("under key id {} ", key().check())) && said.contains(&other.check()), "{said}");
    let said = error(&path, None);
    assert!(said.ends_with("there is no key to open it with"), "{said}");

    // A head that names our key over a body of another.
    let mut head: Head = serde_json::from_slice(&in_the_clear(&path)[0].1).unwrap();
    head.terms.key_id = other.check();
    let renamed = rewritten(&path, &serde_json::to_vec(&head).unwrap(), &entries(&input(&path), &key()).unwrap());
    assert!(error(&renamed, Some(&other)).ends_with("its seal is not of the key that it names"));

    // Other terms are found with the key, and without it as far as they do not stand on it.
    let (_, file) = pending_of(plan(), &path).unwrap();
    refuse_other_terms(std::slice::from_ref(&file), &|_| Ok(terms())).unwrap();
    let ours = Terms { defined: BTreeMap::from([("a part".into(), "a".into())]), ..terms() };
    let errors = refuse_other_terms(&[file], &|_| Ok(ours.clone())).unwrap_err();
    assert!(errors[0].to_string().contains("a part is not there"), "{}", errors[0]);
    let head = head_if_encoded(&input(&path), "police_rms").unwrap().unwrap();
    assert!(head.compare("a", &ours).is_err());
    assert!(matches!(head_if_encoded(&input(&path), "ecds"), Err(IngestError::Desk(DeskError::Source { .. }))));
}

/// An entry that stands in another's place, twice, or after the manifest.
#[test]
fn entries_out_of_their_places_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 7);
    let (clear, opened) = (in_the_clear(&path), entries(&input(&path), &key()).unwrap());
    assert_eq!(opened.len() + 1, clear.len());
    let said = |path: &Path| loaded(path).err().unwrap().to_string();
    let mut after = opened.clone();
    after.rotate_right(1);
    assert!(said(&rewritten(&path, &clear[0].1, &after)).ends_with("its manifest cannot be read"));
    let mut twice = opened.clone();
    twice.insert(0, opened.last().unwrap().clone());
    assert!(said(&rewritten(&path, &clear[0].1, &twice)).ends_with("an entry follows its manifest"));

    // Sealed pieces of a file, put together in another order by somebody who can make its last seal.
    let moved = |from: &[(String, Vec<u8>)]| {
        let to = path.with_file_name("moved.svp");
        let mut out = NewFile::begin(&to).unwrap();
        let mut put = |bytes: &[u8]| out.put(bytes).map_err(DeskError::from);
        let mut envelope = EnvelopeWriter::begin("a", FORMAT, &mut put).unwrap();
        from.iter().for_each(|(name, content)| envelope.entry(name, content).unwrap());
        envelope.seal(&key()).unwrap();
        out.commit(true).unwrap();
        to
    };
    loaded(&moved(&clear)).unwrap();
    let mut changed = clear.clone();
    (changed[1].1, changed[2].1) = (clear[2].1.clone(), clear[1].1.clone());
    assert!(said(&moved(&changed)).ends_with("it does not open under the key that it names"));
    assert!(said(&moved(&clear[1..])).ends_with("it does not say under which terms it was made"));
    let mut gap = clear;
    gap.remove(1);
    assert!(said(&moved(&gap)).ends_with("an entry is not in its place"));
}

/// An extract that is encoded again, as it was or with one row more, shares no sealed entry with the file before: a watcher does not
/// learn which tables changed. Two months without a row are no equal files either. Who wants the same bytes says the same time.
#[test]
fn a_file_that_is_made_again_shares_no_entry_with_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/police_rms/rms_crimes_2024-12.csv");
    let bytes = svp_lake::files::read_bytes(&sample).unwrap();
    let give = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let december = give("a/rms_crimes_2024-12.csv", &bytes);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let fewer = give("b/rms_crimes_2024-12.csv", &lines[..lines.len() - 1].concat());
    let of = |clock: &str, extract: &Path, name: &str| made_at(clock, extract, &folder.path().join(name), 7);
    let (noon, later) = ("2025-01-07T12:00:00Z", "2025-01-07T12:00:01Z");
    let first = of(noon, &december, "first.svp");
    let again = of(noon, &december, "again.svp");
    assert_eq!(svp_lake::files::read_bytes(&first).unwrap(), svp_lake::files::read_bytes(&again).unwrap());
    for other in [of(later, &december, "later.svp"), of(noon, &fewer, "fewer.svp")] {
        let (was, is) = (in_the_clear(&first), in_the_clear(&other));
        let opened = |path: &Path| entries(&input(path), &key()).unwrap();
        let common = opened(&first).into_iter().zip(opened(&other)).filter(|(a, b)| a == b).count();
        assert!(common > 3, "{common} entries hold the same rows, so the test is not blind");
        // All blocks of both files, wherever they stand: none of a sealed entry comes twice.
        let blocks = |of: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
            of[1..].iter().flat_map(|(_, sealed)| sealed.chunks_exact(16).map(<[u8]>::to_vec)).collect()
        };
        let before: std::collections::BTreeSet<Vec<u8>> = blocks(&was).into_iter().collect();
        assert!(!before.is_empty() && !blocks(&is).iter().any(|block| before.contains(block)));
        assert_ne!(was[0].1, is[0].1, "nor do their heads say that they are of one extract");
    }
    let header = lines[0].to_vec();
    let empty = ["2024-10", "2024-11"].map(|month| give(&format!("c/rms_crimes_{month}.csv"), &header));
    let [one, other] = empty.map(|path| {
        let to = path.with_extension("svp");
        made_at(noon, &path, &to, 7)
    });
    let head = |path: &Path| serde_json::from_slice::<Head>(&in_the_clear(path)[0].1).unwrap().salt;
    assert!(head(&one).is_some() && head(&one) != head(&other));
}

/// A file of the format before has no salt and is read as it was.
#[test]
fn a_file_of_the_format_before_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 100_000);
    let rows = loaded(&path).unwrap();
    let mut head: serde_json::Value = serde_json::from_slice(&in_the_clear(&path)[0].1).unwrap();
    assert!(head.as_object_mut().unwrap().remove("salt").is_some());
    let head = serde_json::to_vec_pretty(&head).unwrap();
    let old = rewritten_as(OLDEST, &path, &head, &entries(&input(&path), &key()).unwrap());
    assert_eq!(loaded(&old).unwrap().whole(), rows.whole());
    assert_eq!(open(&old).unwrap().head.salt, None);
}

/// Whoever has no key reads source and terms, and no row, slot, name or number.
#[test]
fn what_stands_in_the_clear_tells_nothing_of_the_extract() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 100_000);
    let clear = in_the_clear(&path);
    let names: Vec<&str> = clear.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..3], [HEAD, "000001", "000002"]);
    let head: Head = serde_json::from_slice(&clear[0].1).unwrap();
    assert_eq!((head.source.as_str(), &head.terms), ("police_rms", &terms()));
    let manifest = open(&path).unwrap().manifest;
    let bytes = svp_lake::files::read_bytes(&path).unwrap();
    let said = [manifest.slot.as_str(), &manifest.extract, &manifest.sha256, "receipts", "person_record-", "PAR1"];
    for needle in said {
        assert!(!bytes.windows(needle.len()).any(|w| w == needle.as_bytes()), "{needle}");
    }
    // Every table fills its entry up.
    assert!(clear[1..].iter().all(|(_, content)| content.len() % super::body::FILL == 28));

    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/police_rms/rms_crimes_2024-12.csv");
    let (extracts, encoded) = extracts_alone(vec![(0, input(&path)), (0, input(&extract))]).unwrap();
    assert_eq!((extracts.len(), encoded), (1, 1));
    assert!(matches!(entries(&input(&extract), &key()), Err(IngestError::Desk(DeskError::Damaged { .. }))));
}

#[test]
fn the_manifest_says_what_the_file_holds_and_no_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = encoded(folder.path(), 50);
    let Sealed { manifest, head, .. } = open(&path).unwrap();
    assert_eq!((head.svp.as_str(), manifest.slot.as_str()), ("0", "rms_crimes_2024-12"));
    let kept = loaded(&path).unwrap();
    for (table, rows) in manifest.rows_by_table() {
        let (_, found) = kept.whole().into_iter().find(|(name, _)| name.ends_with(&format!("/{table}"))).unwrap();
        assert_eq!(found.num_rows() as u64, rows, "{table}");
    }
    assert_eq!(head.terms, terms());
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

//! At the data owner's desk: extracts become encoded files that hold no clear text, and the lake takes them as if they
//! were the extracts, or refuses them and says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use svp_pseudonymise::Key;
use tempfile::TempDir;

use crate::support::{
    CLOCK, KEY, Lab, Needles, OTHER_KEY, Svp, files_under, label, number, release_digests, sample, sample_command,
    sample_data, searched, sql, svp, verify_release,
};

/// `svp pseudonymise` on the workspace's site.
fn desk(source: &str, key: &Path, out: &Path) -> Svp {
    svp(["pseudonymise", "--area", "wessmark", "--source", source, "--key"])
        .arg(key)
        .arg("--out")
        .arg(out)
        .env("SVP_CLOCK", CLOCK)
}

/// The police's and the hospital's extracts of the sample, encoded once for all tests.
pub fn encoded() -> &'static Path {
    static ENCODED: OnceLock<PathBuf> = OnceLock::new();
    ENCODED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it-desk");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let sample = sample();
        for source in ["police_rms", "ecds"] {
            let ran = desk(source, &sample.key, &folder.join(source)).arg("--in").arg(sample_data(source)).run().good();
            let listed = ran.stdout.lines().filter(|l| l.ends_with(".svp")).count();
            assert_eq!(listed, 24, "{}", ran.stdout);
        }
        folder
    })
}

/// The entries of an encoded file, as any tar program sees them.
pub fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut at, mut out) = (0, Vec::new());
    while bytes[at] != 0 {
        let name = String::from_utf8(bytes[at..at + 100].split(|b| *b == 0).next().unwrap().to_vec()).unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[at + 124..at + 135]).unwrap(), 8).unwrap();
        out.push((name, bytes[at + 512..at + 512 + size].to_vec()));
        at += 512 + size.div_ceil(512) * 512;
    }
    assert_eq!(bytes.len() - at, 1024, "two empty blocks and the end");
    out
}

/// What the key of the tests opens of an encoded file: names and contents.
pub fn opened(file: &Path) -> Vec<(String, Vec<u8>)> {
    let input = svp_lake::input::expand(&[file.display().to_string()]).unwrap().remove(0);
    svp_ingest::desk::entries(&input, &Key::parse(KEY).unwrap()).unwrap()
}

fn manifest(file: &Path) -> serde_json::Value {
    let entries = opened(file);
    let (name, text) = entries.last().unwrap();
    assert_eq!(name, "manifest.json");
    serde_json::from_slice(text).unwrap()
}

/// A site of the police, and its desk.
struct Desk {
    lab: Lab,
}

impl Desk {
    fn new() -> Self {
        Self { lab: Lab::police() }
    }

    /// An extract that lies with the data owner.
    fn extract(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let file = self.lab.path("owner").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        file
    }

    /// An extract of the sample that lies with the data owner.
    fn sample(&self, month: &str) -> PathBuf {
        let name = format!("rms_crimes_{month}.csv");
        self.extract(&name, fs::read(sample_data("police_rms").join(&name)).unwrap())
    }

    fn command(&self, key: &Path, out: &Path) -> Svp {
        svp(["--site"])
            .arg(self.lab.site())
            .args(["pseudonymise", "--area", "wessmark", "--source", "police_rms", "--key"])
            .arg(key)
            .arg("--out")
            .arg(out)
            .env("SVP_CLOCK", CLOCK)
    }

    /// Encodes extracts into the folder where the lake's side looks for them.
    fn encode(&self, extracts: &[&Path]) -> Svp {
        self.command(&self.lab.key(), &self.lab.extracts("police_rms")).arg("--in").args(extracts)
    }

    /// Where the encoded file of a month lies.
    fn place(&self, month: &str) -> PathBuf {
        self.lab.extracts("police_rms").join(format!("rms_crimes_{month}.svp"))
    }
}

/// The release of the sample is the same bytes whether the police and the hospital send extracts or encoded files.
#[test]
fn an_encoded_extract_gives_the_same_release() {
    let sample = sample();
    let folder = TempDir::new().unwrap();
    let lake = folder.path().join("lake");
    let input = |source: &str| format!("{source}={}", encoded().join(source).display());
    sample_command(&lake, &sample.key)
        .arg("--extracts")
        .arg(sample_data(""))
        .args(["--input", &input("police_rms"), "--input", &input("ecds")])
        .run()
        .good();
    let release = lake.join("published/000001-wessmark-partner");
    assert!(verify_release(&release) > 50);
    assert_eq!(release_digests(&release), release_digests(&sample.release));
    // And so are the lake's rows, its receipts and its quarantine.
    for query in [
        "SELECT * FROM receipt ORDER BY source, slot, feed",
        "SELECT * FROM quarantine ORDER BY source, slot, feed, row, table_name, column_name, rule",
        "SELECT * FROM event ORDER BY event_id, source, slot, row_digest",
        // Ages are sealed for their rows, the same at the desk and here.
        "SELECT * FROM party ORDER BY party_id, event_id, source, slot",
        "SELECT * FROM person_record ORDER BY source, slot, person_record_id, event_id",
    ] {
        assert_eq!(sql(&lake, query), sql(&sample.lake, query), "{query}");
    }
}

#[test]
fn no_clear_text_is_in_an_encoded_file_or_in_what_is_said() {
    let needles = Needles::planted();
    let folder = TempDir::new().unwrap();
    let mut packed = 0;
    for (name, path) in files_under(encoded()) {
        let bytes = fs::read(&path).unwrap();
        let found = needles.found_in(&bytes);
        assert!(found.is_empty(), "{name}: {found:?}");
        // Nor is there any for those who have the key.
        for (entry, content) in opened(&path) {
            let to = folder.path().join(&name).join(entry);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            packed += content.len();
            fs::write(to, content).unwrap();
        }
    }
    // Unpacked, with the pages of Parquet decompressed.
    let (found, files, bytes) = searched(&needles, folder.path());
    assert!(files > 48 * 4 && bytes > 2 * packed, "only {files} files and {bytes} bytes of {packed}");
    assert!(found.is_empty(), "{} finds, the first:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
    // The command says numbers only, also when it is stopped.
    let desk = Desk::new();
    let bad = desk.extract("rms_crimes_2024-01.csv", fs::read(sample_data("truth/appearances.csv")).unwrap());
    let good = desk.sample("2024-12");
    let said = desk.encode(&[&good, &bad]).run().ended(4);
    assert!(needles.found_in(format!("{}{}", said.stdout, said.stderr).as_bytes()).is_empty(), "{}", said.stderr);
    assert!(files_under(&desk.lab.extracts("police_rms")).is_empty(), "a stopped command leaves nothing");
    let said = desk.encode(&[&good]).args(["--log", "json"]).run().good();
    assert!(needles.found_in(format!("{}{}", said.stdout, said.stderr).as_bytes()).is_empty(), "{}", said.stderr);
}

#[test]
fn the_command_says_what_it_did_and_the_receipts_add_up() {
    let desk = Desk::new();
    let extract = desk.sample("2024-12");
    let ran = desk.encode(&[&extract]).run().good().says(&["rows read", "terms", "key", "needs-assessment"]);
    let file = desk.place("2024-12");
    for wanted in [
        file.display().to_string(),
        "rms_crimes_2024-12.csv".into(),
        " event, ".into(),
        " person_record".into(),
        hex::encode(Sha256::digest(fs::read(&file).unwrap())),
    ] {
        assert!(ran.stdout.contains(&wanted), "`{wanted}` is not in\n{}", ran.stdout);
    }
    let manifest = manifest(&file);
    let clear = entries(&fs::read(&file).unwrap());
    assert_eq!((clear[0].0.as_str(), clear[0].1.as_slice()), ("svp-desk", b"3\n".as_slice()));
    let head: serde_json::Value = serde_json::from_slice(&clear[1].1).unwrap();
    assert_eq!(head["source"], "police_rms");
    assert_eq!(manifest["slot"], "rms_crimes_2024-12");
    // What it says of the extract's content is keyed: a plain digest would let whoever has the file confirm a guess.
    let plain = hex::encode(Sha256::digest(fs::read(&extract).unwrap()));
    assert!(manifest["sha256"].as_str().unwrap().len() == 32 && !manifest.to_string().contains(&plain));
    let receipt = &manifest["receipts"][0];
    let n = |key: &str| receipt[key].as_u64().unwrap();
    assert!(n("rows_read") > 100);
    assert_eq!(n("rows_read"), n("accepted") + n("quarantined") + n("duplicate"));
    assert_eq!(manifest["rows"]["rows"]["event"], receipt["written"]["event"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Any tar program opens it.
    if let Ok(out) = std::process::Command::new("tar").arg("tf").arg(&file).output() {
        let listed = String::from_utf8(out.stdout).unwrap();
        assert!(
            out.status.success() && listed.starts_with("svp-desk\nhead.json\n000001\n") && listed.ends_with("\nseal\n"),
            "{listed}"
        );
    }

    desk.lab.run().run().good();
    let lake = desk.lab.lake();
    let receipt = sql(&lake, "SELECT rows_read - accepted - quarantined - duplicate AS lost, file FROM receipt");
    assert_eq!(receipt.rows, [["0", label("rms_crimes_2024-12.csv").as_str()]]);
    assert_eq!(number(&lake, "SELECT count(*) FROM event") as u64, manifest["rows"]["rows"]["event"].as_u64().unwrap());
}

#[test]
fn what_stands_there_is_kept_and_a_key_is_needed() {
    let desk = Desk::new();
    let extract = desk.sample("2024-12");
    desk.encode(&[&extract]).run().good();
    let before = fs::read(desk.place("2024-12")).unwrap();
    desk.encode(&[&extract]).run().ended(2).says(&["rms_crimes_2024-12.svp", "there already", "--force"]);
    desk.encode(&[&extract]).arg("--force").run().good();
    assert_eq!(fs::read(desk.place("2024-12")).unwrap(), before, "the same extract at the same time is the same bytes");
    desk.encode(&[&extract]).arg("--force").env("SVP_CLOCK", "2031-01-01T00:00:00Z").run().good();
    let (was, is) = (entries(&before), entries(&fs::read(desk.place("2024-12")).unwrap()));
    assert_eq!(was.len(), is.len());
    for ((place, before), (_, after)) in was[1..].iter().zip(&is[1..]) {
        assert_ne!(before, after, "entry {place} shows that it did not change");
    }
    desk.encode(&[&extract]).arg("--force").run().good();

    let out = desk.lab.path("out");
    let without = svp(["--site"]).arg(desk.lab.site()).args(["pseudonymise", "--source", "police_rms", "--in"]);
    without.arg(&extract).arg("--out").arg(&out).run().ended(5).says(&["key"]);
    let without = svp(["--site"]).arg(desk.lab.site()).args(["pseudonymise", "--source", "police_rms", "--in"]);
    let ran = without.arg(&extract).arg("--out").arg(&out).arg("--key").arg(desk.lab.key()).run().ended(2);
    ran.says(&["boundaries lsoa", "postcodes", "hint:", "--area"]);
    desk.command(&desk.lab.key(), &out).arg("--in").arg(desk.place("2024-12")).run().ended(4).says(&["already"]);
    assert!(!out.exists(), "a refused command makes nothing");
}

/// The same rows in the same file: whatever the number of threads and the order of the extracts.
#[test]
fn threads_and_order_do_not_change_a_byte() {
    let desk = Desk::new();
    let months = ["2024-10", "2024-11", "2024-12", "2025-01"];
    let files: Vec<PathBuf> = months.iter().map(|m| desk.sample(m)).collect();
    let (one, seven) = (desk.lab.path("one"), desk.lab.path("seven"));
    desk.command(&desk.lab.key(), &one).args(["--threads", "1", "--in"]).args(&files).run().good();
    desk.command(&desk.lab.key(), &seven).args(["--threads", "7", "--in"]).args(files.iter().rev()).run().good();
    assert_eq!(release_digests(&one).len(), 4);
    assert_eq!(release_digests(&one), release_digests(&seven));
}

/// An extract whose rows come in another order is another file (rows are numbered, and the extract's digest is in it),
/// with the same people in it.
#[test]
fn another_order_of_rows_gives_the_same_people() {
    let desk = Desk::new();
    let bytes = fs::read(sample_data("police_rms/rms_crimes_2024-12.csv")).unwrap();
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
    let header = reader.byte_headers().unwrap().clone();
    let mut rows: Vec<csv::ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
    rows.reverse();
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_byte_record(&header).unwrap();
    rows.iter().for_each(|r| out.write_byte_record(r).unwrap());
    let turned = desk.extract("turned/rms_crimes_2024-12.csv", out.into_inner().unwrap());
    let plain = desk.sample("2024-12");
    let ask = |extract: &Path, name: &str| {
        let lake = desk.lab.path(name);
        desk.encode(&[extract]).arg("--force").run().good();
        desk.lab.run_into(&lake).arg("--ingest-only").run().good();
        sql(&lake, "SELECT * FROM person_record ORDER BY person_record_id, event_id, token_name_dob, token_postcode")
    };
    let (plain, turned) = (ask(&plain, "plain"), ask(&turned, "turned"));
    assert!(plain.rows.len() > 100);
    assert_eq!(plain, turned);
}

#[test]
fn another_key_is_refused_and_named() {
    let desk = Desk::new();
    let other = desk.lab.path("other.key");
    fs::write(&other, OTHER_KEY).unwrap();
    let id = |key: &Path| {
        let shown = svp(["key", "show", "--key"]).arg(key).run().good().stdout;
        shown.split_whitespace().last().unwrap().to_owned()
    };
    desk.command(&other, &desk.lab.extracts("police_rms")).arg("--in").arg(desk.sample("2024-12")).run().good();
    let ran = desk.lab.run().run().ended(11);
    let wanted =
        format!("made under key id {} (purpose needs-assessment), this lake uses {}", id(&other), id(&desk.lab.key()));
    ran.says(&["rms_crimes_2024-12.svp", &wanted, "hint:"]);
    assert!(files_under(&desk.lab.lake()).is_empty(), "nothing is loaded");
}

#[test]
fn other_definitions_are_refused_and_named() {
    let desk = Desk::new();
    desk.encode(&[&desk.sample("2024-12")]).run().good();
    desk.lab.check().run().good();
    let source = "pipelines/sources/police_rms.toml";
    desk.lab.edit(source, r#"domestic = '''parse_flag("DA Flag")'''"#, r#"domestic = '''parse_flag("Knife Flag")'''"#);
    let wanted = "source definition police_rms: feed rows column event.domestic is made differently there";
    desk.lab.run().run().ended(11).says(&["rms_crimes_2024-12.svp", wanted, "hint:"]);
    // It is said before the run, too.
    desk.lab.check().run().ended(11).says(&[wanted]);
    desk.lab.edit(source, "Stranger = \"stranger\"", "Stranger = \"family\"");
    desk.lab.run().run().ended(11).says(&[wanted, "source definition police_rms: map relationship differs"]);
    assert!(files_under(&desk.lab.lake()).is_empty(), "nothing is loaded");
}

#[test]
fn other_reference_data_is_refused_and_named() {
    let desk = Desk::new();
    desk.encode(&[&desk.sample("2024-12")]).run().good();
    let reference = desk.lab.path("reference");
    crate::support::copy_folder(&sample_data("reference"), &reference);
    let postcodes = fs::read_to_string(reference.join("postcodes.csv")).unwrap();
    fs::write(reference.join("postcodes.csv"), format!("{postcodes}\n")).unwrap();
    // Population is not what rows are made from.
    let population = fs::read_to_string(reference.join("population.csv")).unwrap();
    fs::write(reference.join("population.csv"), format!("{population}\n")).unwrap();
    let ran = desk.lab.run().arg("--reference").arg(&reference).run().ended(11);
    assert!(ran.stderr.contains("under other terms: reference data: postcodes differs\n"), "{}", ran.stderr);
}

#[test]
fn a_damaged_file_is_refused() {
    let desk = Desk::new();
    desk.encode(&[&desk.sample("2024-12")]).run().good();
    let file = desk.place("2024-12");
    let whole = fs::read(&file).unwrap();
    let refused = |bytes: &[u8], words: &[&str], code: i32| {
        fs::write(&file, bytes).unwrap();
        desk.lab.run().run().ended(code).says(&["rms_crimes_2024-12.svp", "hint:"]).says(words);
        assert!(files_under(&desk.lab.lake()).is_empty(), "nothing is loaded");
    };
    for at in [0, 600, whole.len() / 3, whole.len() / 2, whole.len() - 1700, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        refused(&changed, &["damaged"], 4);
    }
    for length in [0, 511, 512, whole.len() / 2, whole.len() - 1024, whole.len() - 1] {
        refused(&whole[..length], &["damaged"], 4);
    }
    refused(&[whole.as_slice(), b"\n"].concat(), &["damaged"], 4);
    refused(b"Crime Ref,Report Date\n", &["damaged"], 4);

    // By hand, with the digest put right: other terms, or another body. Only the key can seal it.
    let from = whole.windows(8).position(|w| w == b"\"svp\": \"").unwrap() + 8;
    for at in [from, whole.len() / 2] {
        let mut forged = whole.clone();
        forged[at] = if forged[at] == b'1' { b'2' } else { b'1' };
        let seal = forged.len() - 1024 - 1024;
        let digest = hex::encode(Sha256::digest(&forged[..seal]));
        forged[seal + 512 + 7..seal + 512 + 71].copy_from_slice(digest.as_bytes());
        refused(&forged, &["its seal is not of the key that it names"], 4);
    }

    // A later format is not damage, and the first one, whose rows were not sealed, is taken no more.
    for (format, hint) in [(b'4', "upgrade"), (b'1', "encode the extract again")] {
        let mut other = whole.clone();
        other[512] = format;
        refused(&other, &[&format!("format {}", char::from(format)), "knows format 3", hint], 11);
    }
    fs::write(&file, &whole).unwrap();
    desk.lab.run().run().good();
}

#[test]
fn a_newer_file_of_a_slot_replaces_and_records_are_revised() {
    // Three lakes see the same three extracts: raw, encoded, and in turns.
    let months = ["2024-11", "2024-12"];
    let later = {
        let bytes = fs::read(sample_data("police_rms/rms_crimes_2024-12.csv")).unwrap();
        let text: Vec<u8> = bytes
            .split_inclusive(|b| *b == b'\n')
            .enumerate()
            .filter(|(i, _)| *i < 270)
            .flat_map(|(_, l)| l.to_vec())
            .collect();
        text
    };
    let rows = |lake: &Path| {
        let queries = [
            "SELECT event_id, slot, outcome, row_digest FROM event ORDER BY event_id",
            "SELECT slot, rows_read, accepted, quarantined, duplicate, superseded, revised, unchanged, run FROM receipt ORDER BY run, slot",
        ];
        queries.map(|q| sql(lake, q))
    };
    let mut lakes = Vec::new();
    for turn in [[false, false, false], [true, true, true], [true, false, true]] {
        let desk = Desk::new();
        let give = |encoded: bool, extract: PathBuf| {
            for old in files_under(&desk.lab.extracts("police_rms")).values() {
                fs::remove_file(old).unwrap();
            }
            if encoded {
                desk.encode(&[&extract]).run().good();
            } else {
                let name = extract.file_name().unwrap();
                fs::copy(&extract, desk.lab.extracts("police_rms").join(name)).unwrap();
            }
            desk.lab.run().run().good()
        };
        give(turn[0], desk.sample(months[0]));
        give(turn[1], desk.sample(months[1]));
        give(turn[2], desk.extract("later/rms_crimes_2024-12.csv", &later)).says(&["rows superseded"]);
        lakes.push((rows(&desk.lab.lake()), release_digests(&desk.lab.release(3))));
    }
    assert_eq!(lakes[0], lakes[1]);
    assert_eq!(lakes[0], lakes[2]);
}

#[test]
fn the_same_extract_is_known_raw_and_encoded() {
    let desk = Desk::new();
    let extract = desk.sample("2024-12");
    desk.encode(&[&extract]).run().good();
    desk.lab.run().run().good();
    desk.lab.run().run().good().says(&["nothing new"]);
    // Beside the extract itself, and under another name.
    desk.lab.give("police_rms/rms_crimes_2024-12.csv");
    fs::copy(desk.place("2024-12"), desk.place("again")).unwrap();
    desk.lab.run().run().good().says(&["nothing new"]);
    // Both new in one run are one extract; so is the encoded file of one that was loaded raw.
    let both = desk.lab.path("both");
    desk.lab.run_into(&both).run().good();
    assert_eq!(number(&both, "SELECT count(*) FROM receipt"), 1);
    let raw = desk.lab.path("raw");
    fs::remove_file(desk.place("2024-12")).unwrap();
    fs::rename(desk.place("again"), desk.lab.path("aside.svp")).unwrap();
    desk.lab.run_into(&raw).run().good();
    fs::rename(desk.lab.path("aside.svp"), desk.place("2024-12")).unwrap();
    desk.lab.run_into(&raw).run().good().says(&["nothing new"]);

    // Two extracts of one slot are refused in one run, whatever their form.
    desk.lab.write(
        "police_rms/rms_crimes_2024-12.csv",
        fs::read(sample_data("police_rms/rms_crimes_2025-01.csv")).unwrap(),
    );
    desk.lab.run_into(&desk.lab.path("two")).run().ended(4).says(&["rms_crimes_2024-12.svp", "rms_crimes_2024-12.csv"]);
}

#[test]
fn a_file_of_another_source_is_refused() {
    let desk = Desk::new();
    fs::copy(encoded().join("ecds/ecds_2024-12.svp"), desk.lab.extracts("police_rms").join("rms_crimes_2024-12.svp"))
        .unwrap();
    desk.lab.run().run().ended(4).says(&["holds source ecds", "given as source police_rms", "hint:"]);
}

/// A source whose mapping asks for no reference data needs no area at the desk.
#[test]
fn a_source_without_places_needs_no_area() {
    let lab = Lab::new(&["ssda903"], "injury_violence", &["by_district"]);
    let source = lab.site().join("pipelines/sources/ssda903.toml");
    let text = fs::read_to_string(&source).unwrap();
    let text = text.replace("lookup('site', 'authority')", "'989'");
    fs::write(&source, text.replace("postcode = '''postcode(\"HOME_POST\")'''\n", "")).unwrap();
    let extracts: Vec<PathBuf> = files_under(&sample_data("ssda903")).into_values().collect();
    let out = lab.extracts("ssda903");
    svp(["--site"])
        .arg(lab.site())
        .args(["pseudonymise", "--source", "ssda903", "--key"])
        .arg(lab.key())
        .arg("--out")
        .arg(&out)
        .arg("--in")
        .args(&extracts)
        .run()
        .good();
    assert_eq!(files_under(&out).len(), extracts.len());
    lab.run().arg("--ingest-only").run().good();
    let raw = lab.path("raw");
    for extract in &extracts {
        fs::copy(extract, out.join(extract.file_name().unwrap())).unwrap();
    }
    for file in files_under(&out).values().filter(|f| f.extension().is_some_and(|e| e == "svp")) {
        fs::remove_file(file).unwrap();
    }
    lab.run_into(&raw).arg("--ingest-only").run().good();
    let query = "SELECT * FROM episode ORDER BY source, slot, episode_id";
    assert!(number(&raw, "SELECT count(*) FROM episode") > 0);
    assert_eq!(sql(&raw, query), sql(&lab.lake(), query));
}

//! Damage, names of files, and what a release tells of deliveries: nothing told is lost, nothing named is told.

use std::collections::BTreeMap;

use serde_json::Value;
use svp_contract::ErrorKind;

use super::*;
use crate::check::{CheckRequest, check, check_with_key};
use crate::disclose::Releases;
use crate::erase::{EraseRequest, erase};
use crate::health::damage_instead;
use crate::pseudonymise::{DataDesk, PseudonymiseRequest};

/// Two releases: of January, and of January and February.
async fn two_releases() -> Tiny {
    let tiny = Tiny::new();
    tiny.release().await;
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C4", "C5"]));
    tiny.release().await;
    tiny
}

fn anew(tiny: &Tiny) -> RunRequest {
    let mut request =
        RunRequest { start_ledger_anew: Some("A. Person, head of analysis".to_owned()), ..tiny.request() };
    request.accept.reason = Some("the record was lost, and no backup was kept".to_owned());
    request
}

/// The record of the last run is lost: no run tells anything before somebody has decided, and what was told is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_stops_the_ledger_until_a_person_decides() {
    let tiny = two_releases().await;
    let record = tiny.path("lake/runs/00000002.json");
    let backup = fs::read(&record).unwrap();
    let told = fs::read(tiny.path("lake/ledger/000002-wessmark-partner/entry.json")).unwrap();

    // Cut: every command says which file, and no hint says to remove it.
    fs::write(&record, &backup[..100]).unwrap();
    let error = run(tiny.request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("runs/00000002.json"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("backup") && !hint.contains("remove")));

    // Gone: the ledger is missed, and nothing else writes.
    fs::remove_file(&record).unwrap();
    for _ in 0..2 {
        let error = run(tiny.request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert!(error.to_string().contains("the record of run 2 is gone"), "{error}");
    }
    let list = Releases::open(&tiny.lake_at()).await.unwrap().list("partner").await.unwrap_err();
    assert_eq!(list.kind(), ErrorKind::Forbidden);
    let token = tiny.token("PC1");
    let request = EraseRequest { site: tiny.site(), lake: tiny.lake_at(), token, even_if_absent: false };
    assert_eq!(erase(&request, &key(), &MACHINE, &Silent).await.unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(fs::read(tiny.path("lake/ledger/000002-wessmark-partner/entry.json")).unwrap(), told);
    assert!(tiny.path("lake/published/000002-wessmark-partner/manifest.json").exists());

    // A backup makes it whole.
    fs::write(&record, &backup).unwrap();
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));

    // A person decides: the number is not used again, and what was told lies in `recovered/`.
    fs::write(&record, &backup[..100]).unwrap();
    let outcome = run(anew(&tiny)).await.unwrap();
    assert!(
        matches!(&outcome, Outcome::Released { release, .. } if release == "000003-wessmark-partner"),
        "{outcome:?}"
    );
    assert_eq!(fs::read(tiny.path("lake/recovered/ledger/000002-wessmark-partner/entry.json")).unwrap(), told);
    assert!(tiny.path("lake/recovered/published/000002-wessmark-partner/report.html").exists());
    assert_eq!(fs::read(tiny.path("lake/recovered/runs/00000002.json")).unwrap().len(), 100);
    let releases = Releases::open(&tiny.lake_at()).await.unwrap();
    let listing = releases.list("partner").await.unwrap();
    assert_eq!(listing.releases.iter().map(|r| (r.number, r.begun_anew)).collect::<Vec<_>>(), [(1, true)]);
    assert!(releases.review("000003-wessmark-partner").await.unwrap().contains("the record of run 2 is gone"));
    // All rows are there: the extracts of the lost run were loaded again.
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 5);
    // It is whole from here on.
    assert!(matches!(run(anew(&tiny)).await, Err(AppError::Ledger { .. })));
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));
}

/// Another audience was told something by the run that was lost: its ledger is not whole either.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_recovered_stops_the_ledger_of_its_audience() {
    let tiny = Tiny::new();
    let police = || RunRequest { audience: Some("police".to_owned()), ..tiny.request() };
    tiny.release().await;
    run(police()).await.unwrap();
    fs::remove_file(tiny.path("lake/runs/00000002.json")).unwrap();
    run(anew(&tiny)).await.unwrap();
    let error = run(police()).await.unwrap_err();
    assert!(error.to_string().contains("recovered/ledger/000002-wessmark-police/entry.json"), "{error}");
    let mut request = anew(&tiny);
    request.audience = Some("police".to_owned());
    run(request).await.unwrap();
    let listing = Releases::open(&tiny.lake_at()).await.unwrap().list("police").await.unwrap();
    assert!(listing.releases[0].begun_anew);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_edited_is_no_head_of_a_ledger() {
    let tiny = two_releases().await;
    let record = tiny.path("lake/runs/00000002.json");
    let text = fs::read_to_string(&record).unwrap();
    // The entry of the second release goes, and the record is made to say so.
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["body"]["ledger"].as_array_mut().unwrap().pop();
    fs::write(&record, serde_json::to_string(&value).unwrap()).unwrap();
    let error = Releases::open(&tiny.lake_at()).await.unwrap().list("partner").await.unwrap_err();
    assert!(error.to_string().contains("was changed after it was written"), "{error}");
    assert_eq!(run(tiny.request()).await.unwrap_err().kind(), ErrorKind::Forbidden);
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn parquet(tiny: &Tiny, table: &str) -> PathBuf {
    let mut found = Vec::new();
    files(&tiny.path("lake").join(table), &mut found);
    let data = |path: &&PathBuf| path.extension().is_some_and(|e| e == "parquet");
    found.iter().find(data).unwrap().clone()
}

/// The damaged files that an error names.
fn named(error: &AppError) -> Vec<String> {
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    let AppError::Damage(damaged) = error else { panic!("{error}") };
    assert!(damaged.iter().all(|e| e.hint().is_some_and(|hint| hint.contains("backup"))));
    damaged.iter().map(ToString::to_string).collect()
}

/// A lake that lost something is no lake in which nothing is new.
#[tokio::test(flavor = "multi_thread")]
async fn damage_is_told_when_there_is_nothing_to_do() {
    let tiny = Tiny::new();
    tiny.release().await;
    let looked = CheckRequest { site: tiny.site(), lake: Some(tiny.lake_at()), ..CheckRequest::default() };
    let heard = Heard::default();
    check(&looked, &MACHINE, &heard).await.unwrap();
    assert!(heard.has("live files are there and are what was written: by their digests"));
    assert!(!heard.has("rights: "));
    for (path, word) in [
        (parquet(&tiny, "canonical/event"), "missing"),
        (parquet(&tiny, "linked/person_link"), "missing"),
        (tiny.path("lake/canonical/event/_delta_log/00000000000000000000.json"), "_delta_log"),
        (tiny.path("lake/published/000001-wessmark-partner/report.html"), "report.html"),
        (tiny.path("lake/published/000001-wessmark-partner/manifest.json"), "manifest.json"),
    ] {
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let said = named(&run(tiny.request()).await.unwrap_err());
        assert!(said.len() == 1 && said[0].contains(word), "{said:?}");
        assert_eq!(named(&check(&looked, &MACHINE, &Silent).await.unwrap_err()), said);
        fs::write(&path, whole).unwrap();
    }
    // A byte that was changed is found by the check, and by a command that the engine stops.
    let path = parquet(&tiny, "canonical/event");
    let whole = fs::read(&path).unwrap();
    let mut other = whole.clone();
    let middle = other.len() / 2;
    other[middle] ^= 0x55;
    fs::write(&path, &other).unwrap();
    let said = named(&check(&looked, &MACHINE, &Silent).await.unwrap_err());
    assert!(said[0].contains("changed after it was written"), "{said:?}");
    let of_engine = || AppError::Analyse(svp_analyse::AnalyseError::Header { output: "x".into(), what: "y".into() });
    named(&damage_instead(of_engine(), &tiny.lake_at()).await);
    fs::write(&path, &whole).unwrap();
    assert!(matches!(damage_instead(of_engine(), &tiny.lake_at()).await, AppError::Analyse(_)));
    assert!(matches!(damage_instead(AppError::NoKey, &tiny.lake_at()).await, AppError::NoKey));
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));
}

/// A review record that somebody edited, and a manifest that was edited together with a file of its release: each is named, and no run
/// goes on before it is restored. One that is missing is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_review_record_is_told_by_name() {
    let tiny = two_releases().await;
    let looked = CheckRequest { site: tiny.site(), lake: Some(tiny.lake_at()), ..CheckRequest::default() };
    let heard = Heard::default();
    check(&looked, &MACHINE, &heard).await.unwrap();
    assert!(heard.has("2 review records are what was written") && !heard.has("before their digests"));
    let releases = Releases::open(&tiny.lake_at()).await.unwrap();
    let page = releases.review("000001-wessmark-partner").await.unwrap();
    assert!(page.contains("May be signed"));
    tiny.give("rms_crimes_2025-03.csv", &crimes("03/2025", &["C6", "C7"]));
    for name in ["review.md", "review.json"] {
        let path = tiny.path(&format!("lake/ledger/000001-wessmark-partner/{name}"));
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole.replacen("3 rows read", "9 rows read", 1)).unwrap();
        let said = format!("ledger/000001-wessmark-partner/{name}");
        let of = |error: AppError| {
            let named = named(&error);
            assert!(named.len() == 1 && named[0].contains(&said) && named[0].contains("changed after"), "{named:?}");
        };
        of(check(&looked, &MACHINE, &Silent).await.unwrap_err());
        of(run(tiny.request()).await.unwrap_err());
        of(releases.list("partner").await.unwrap_err());
        of(releases.review("000001-wessmark-partner").await.unwrap_err());
        assert!(releases.review("000002-wessmark-partner").await.is_ok());
        assert!(!tiny.path("lake/published/000003-wessmark-partner").exists());
        fs::write(&path, whole).unwrap();
    }
    let path = tiny.path("lake/published/000001-wessmark-partner/manifest.json");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replacen("Serious violence", "Serious silence", 1)).unwrap();
    let said = self::named(&check(&looked, &MACHINE, &Silent).await.unwrap_err());
    assert!(said.len() == 1 && said[0].contains("the manifest was changed"), "{said:?}");
    fs::write(&path, whole).unwrap();

    // Missing: the check says so, a run tells it and goes on.
    fs::rename(tiny.path("lake/ledger/000001-wessmark-partner/review.md"), tiny.path("kept.md")).unwrap();
    let said = self::named(&check(&looked, &MACHINE, &Silent).await.unwrap_err());
    assert!(said.len() == 1 && said[0].contains("review.md") && said[0].contains("missing"), "{said:?}");
    let heard = Heard::default();
    Prepared::new(tiny.request()).unwrap().run(&MACHINE, key(), &heard).await.unwrap();
    assert!(heard.has("warning: ledger/000001-wessmark-partner/review.md is missing"));
    assert!(tiny.path("lake/published/000003-wessmark-partner").exists());
    fs::rename(tiny.path("kept.md"), tiny.path("lake/ledger/000001-wessmark-partner/review.md")).unwrap();

    // A lake from before kept no digests: nothing is held against anything, and the check says that.
    let record = tiny.path("lake/runs/00000003.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    for line in value["body"]["ledger"].as_array_mut().unwrap() {
        assert!(line.as_object_mut().unwrap().remove("papers").is_some());
    }
    fs::write(&record, serde_json::to_string(&value).unwrap()).unwrap();
    fs::remove_file(tiny.path("lake/ledger/finished.json")).unwrap();
    let heard = Heard::default();
    check(&looked, &MACHINE, &heard).await.unwrap();
    assert!(heard.has("0 review records are what was written; 3 are from before their digests were kept"));
}

const NAME: &str = "smith_john_19900312 rms_crimes_2025-02 SMITH.csv";

/// A source whose pattern lets anything stand around its slot.
fn sloppy(tiny: &Tiny) {
    let path = tiny.path("pipelines/sources/police_rms.toml");
    let text = fs::read_to_string(&path).unwrap();
    let slot = r"(?<slot>rms_crimes_(?<year>\d{4})-(?<month>\d{2}))";
    assert!(text.contains(slot));
    fs::write(&path, text.replacen(slot, &format!(r"[\w ]*?{slot}[A-Z ]*"), 1)).unwrap();
}

/// The name of an extract is the name of a person: it is in no byte of the lake, and the check says which file a label is.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_an_extract_stays_out_of_the_lake() {
    let tiny = Tiny::new();
    sloppy(&tiny);
    // Rows that go to quarantine, too.
    let text = crimes("02/2025", &["C4", "C5"])
        + &crimes("02/2025", &["C6"]).lines().nth(1).unwrap().replacen("C6,", ",", 1)
        + "\n";
    tiny.give(NAME, &text);
    tiny.give("Smith notes.docx", "x");
    let heard = Heard::default();
    let outcome = Prepared::new(tiny.request()).unwrap().run(&MACHINE, key(), &heard).await;
    let Ok(Outcome::Released { release, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(tiny.number("SELECT count(*) FROM quarantine").await > 0);
    let label = crate::names::label(&key(), NAME);
    assert_eq!(tiny.text("SELECT DISTINCT file FROM quarantine").await, label);
    assert_eq!(tiny.number(&format!("SELECT count(*) FROM receipt WHERE file = '{label}'")).await, 1);
    assert_eq!(tiny.number("SELECT count(*) FROM finding WHERE kind = 'passed_over'").await, 1);
    let manifest = fs::read_to_string(tiny.path("lake/published").join(&release).join("manifest.json")).unwrap();
    assert!(manifest.contains(&format!("rms_crimes_2025-02 {label}")), "{manifest}");
    let mut found = Vec::new();
    files(&tiny.path("lake"), &mut found);
    for path in &found {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(!text.contains("smith") && !path.to_string_lossy().to_lowercase().contains("smith"), "{path:?}");
    }
    // The columns of Parquet files are compressed: asked for, they say no name either.
    for table in ["receipt", "quarantine", "finding", "column_profile"] {
        let query = format!("SELECT count(*) FROM {table} WHERE lower(file) LIKE '%smith%'");
        assert_eq!(tiny.number(&query).await, 0, "{table}");
    }
    assert_eq!(tiny.number("SELECT count(*) FROM finding WHERE lower(what) LIKE '%smith%'").await, 0);

    let looked =
        CheckRequest { site: tiny.site(), area: Some("wessmark".to_owned()), rows: true, ..CheckRequest::default() };
    let checked = check_with_key(&looked, Some(&key()), &MACHINE, &Silent).await.unwrap();
    let accounts = checked.rows.unwrap().accounts();
    assert!(accounts.iter().any(|a| a.contains(NAME) && a.contains(&format!("in the lake {label}"))), "{accounts:?}");
    // Known by content and slot as before, under whichever name.
    fs::rename(tiny.path("extracts/police_rms").join(NAME), tiny.path("extracts/police_rms/rms_crimes_2025-02.csv"))
        .unwrap();
    fs::remove_file(tiny.path("extracts/police_rms/Smith notes.docx")).unwrap();
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));
}

/// A lake from before kept names: it is read, and its next record and release have labels.
#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_kept_names_is_read() {
    let tiny = Tiny::new();
    tiny.release().await;
    let record = tiny.path("lake/runs/00000001.json");
    let label = crate::names::label(&key(), "rms_crimes_2025-01.csv");
    let text = fs::read_to_string(&record).unwrap();
    assert!(text.contains(&label));
    let mut value: Value = serde_json::from_str(&text.replace(&label, "rms_crimes_2025-01.csv")).unwrap();
    for file in value["body"]["files"].as_array_mut().unwrap() {
        let file = file.as_object_mut().unwrap();
        for name in ["months", "tables"] {
            assert!(file.remove(name).is_some(), "{name}");
        }
    }
    fs::write(&record, serde_json::to_string(&value).unwrap()).unwrap();
    fs::remove_file(tiny.path("lake/ledger/finished.json")).unwrap();
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C4", "C5"]));
    tiny.release().await;
    let state = tiny.state().await;
    assert!(state.files.iter().all(|f| f.file.starts_with("file-") && f.months.is_some()), "{:?}", state.files);
    assert!(state.receipts.iter().all(|r| r.file.starts_with("file-")));
    let manifest = fs::read_to_string(tiny.path("lake/published/000002-wessmark-partner/manifest.json")).unwrap();
    assert!(
        manifest.contains(&format!("rms_crimes_2025-01 {label}")) && !manifest.contains("rms_crimes_2025-01.csv"),
        "{manifest}"
    );
}

/// What a release says of its deliveries passes the small-number rule; the review has the exact counts.
#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_release_tell_no_small_number() {
    let tiny = Tiny::new();
    let many: Vec<String> = (10..33).map(|i| format!("D{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut shown = Vec::new();
    for (n, round_to) in [(1, "5"), (2, "1")] {
        let source = tiny.path("pipelines/sources/police_rms.toml");
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.contains("round_to = 5"));
        // The second lake is of a source that rounds nothing.
        let site = if n == 2 {
            let other = Tiny::new();
            let path = other.path("pipelines/sources/police_rms.toml");
            fs::write(path, text.replace("round_to = 5", &format!("round_to = {round_to}"))).unwrap();
            for policy in fs::read_dir(other.path("pipelines/policies")).unwrap() {
                let path = policy.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                fs::write(&path, text.replace("round_to = 5", "round_to = 1")).unwrap();
            }
            other
        } else {
            Tiny::new()
        };
        site.release().await;
        site.give("rms_crimes_2025-02.csv", &crimes("02/2025", &many));
        site.release().await;
        site.give("rms_crimes_2025-03.csv", &crimes("03/2025", &["E1", "E2"]));
        site.release().await;
        for release in 1..=3 {
            let folder = format!("lake/published/{release:06}-wessmark-partner");
            let manifest: Value =
                serde_json::from_slice(&fs::read(site.path(&folder).join("manifest.json")).unwrap()).unwrap();
            let receipt = &manifest["receipts"][0];
            assert_eq!(receipt["accepted"], manifest["sources"][0]["accepted"]);
            shown.push((receipt["rows_read"].clone(), receipt["accepted"].clone(), receipt["quarantined"].clone()));
            let review =
                fs::read_to_string(site.path(&format!("lake/ledger/{release:06}-wessmark-partner/review.md"))).unwrap();
            let exact = [3, 26, 28][release - 1];
            assert!(review.contains(&format!("{exact} rows read = {exact} accepted + 0 quarantined")), "{review}");
        }
    }
    // 3, 26 and 28 rows: hidden, and two that differ by 2 and are told alike or by a whole step.
    let of = |a: Value, b: Value| (a.clone(), a, b);
    let hidden = || of(Value::from("[c]"), Value::from(0));
    assert_eq!(shown[0], hidden());
    assert_eq!(shown[3], hidden());
    for pair in [&shown[1..3], &shown[4..6]] {
        let number = |i: usize| pair[i].1.as_u64().unwrap();
        assert!(number(0) % 5 == 0 && number(1) % 5 == 0, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_before_the_last_run_is_told_and_another_area_changes_nothing() {
    let tiny = Tiny::new();
    tiny.release().await;
    let area = fs::read_to_string(tiny.path("pipelines/areas/wessmark.toml")).unwrap();
    let other = area.replacen("name = \"wessmark\"", "name = \"elsewhere\"", 1);
    assert_ne!(area, other);
    fs::write(tiny.path("pipelines/areas/elsewhere.toml"), other).unwrap();
    let heard = Heard::default();
    let request = RunRequest { clock: "2025-04-06T06:00:00Z".to_owned(), ..tiny.request() };
    let outcome = Prepared::new(request).unwrap().run(&MACHINE, key(), &heard).await.unwrap();
    assert!(matches!(outcome, Outcome::NothingNew { .. }), "{outcome:?}");
    assert!(heard.has("clock: warning: this run says that it is 2025-04-06"));
    let heard = Heard::default();
    Prepared::new(tiny.request()).unwrap().run(&MACHINE, key(), &heard).await.unwrap();
    assert!(!heard.has("clock: "));
}

/// An older encoded file that this lake never saw: it is authentic, and takes the place of a newer one only if somebody says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_encoded_file_is_not_taken_for_a_newer_one() {
    let tiny = Tiny::new();
    let extracts = tiny.path("extracts/police_rms");
    let encode = |clock: &str, references: &[&str], to: &str| {
        let folder = tiny.path(to);
        fs::create_dir_all(&folder).unwrap();
        let extract = folder.join("rms_crimes_2025-01.csv");
        fs::write(&extract, crimes("01/2025", references)).unwrap();
        let desk = DataDesk::open(PseudonymiseRequest {
            site: tiny.site(),
            source: "police_rms".to_owned(),
            area: Some("wessmark".to_owned()),
            extracts: vec![extract.display().to_string()],
            out: folder.display().to_string(),
            clock: clock.to_owned(),
            ..PseudonymiseRequest::default()
        });
        desk.unwrap().encode(&key(), &MACHINE, &Silent).unwrap();
        folder.join("rms_crimes_2025-01.svp")
    };
    let older = encode("2025-02-01T09:00:00Z", &["C1", "C2"], "older");
    let newer = encode("2025-02-08T09:00:00Z", &["C1", "C2", "C3"], "newer");
    fs::remove_file(extracts.join("rms_crimes_2025-01.csv")).unwrap();
    let place = extracts.join("rms_crimes_2025-01.svp");
    fs::copy(newer, &place).unwrap();
    tiny.ingest().await;
    assert_eq!(tiny.state().await.files[0].made.as_deref(), Some("2025-02-08T09:00:00Z"));
    fs::copy(older, &place).unwrap();
    let ingest = |accept: &[&str]| {
        let mut request = RunRequest { ingest_only: true, ..tiny.request() };
        request.accept.accept = accept.iter().map(|a| (*a).to_owned()).collect();
        request.accept.reason = (!accept.is_empty()).then(|| "the newer one was wrong".to_owned());
        run(request)
    };
    let error = ingest(&[]).await.unwrap_err();
    let kinds: BTreeMap<String, bool> = error.findings().iter().map(|f| (f.kind.to_string(), f.refuses)).collect();
    assert_eq!(kinds.get("encoded_before"), Some(&true), "{kinds:?}");
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 3);
    let accept = ["police_rms:rms_crimes_2025-01:encoded_before", "police_rms:rms_crimes_2025-01:shrunk"];
    ingest(&accept).await.unwrap();
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 2);
}

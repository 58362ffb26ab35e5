//! What is done beside runs: people judged anew, extracts encoded at the desk, an area file, a table held against the gate.

use super::*;
use crate::area::{AreaRequest, create, list};
use crate::gate::{self, GateRequest};
use crate::link::{LinkRequest, Records};
use crate::pseudonymise::{DataDesk, PseudonymiseRequest};

#[tokio::test(flavor = "multi_thread")]
async fn judged_records_are_explained_written_and_measured() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let request = LinkRequest { site: tiny.site(), lake: tiny.lake_at() };
    let steps = Mutex::new(Vec::new());
    let on_step = |what: &str| steps.lock().unwrap().push(what.to_owned());
    let judged = Records::open(&request, &key(), &MACHINE).await.unwrap().judge(&on_step).await.unwrap();
    assert_eq!(judged.records(), 3);
    assert!((1..=3).contains(&judged.people()));
    assert!(!steps.lock().unwrap().is_empty());
    assert!(!judged.explain().is_empty());
    let (a, b) = (tiny.token("PC1"), tiny.token("PC2"));
    judged.pair(&a, &b).unwrap();
    assert!(matches!(judged.pair(&a, "nobody"), Err(AppError::Argument { .. })));

    let file = tiny.path("people.csv").display().to_string();
    judged.write_clusters(&file).unwrap();
    let people = fs::read_to_string(&file).unwrap();
    assert_eq!(people.lines().count(), 4);
    assert!(people.contains(&a) && people.contains(&b));

    let truth = tiny.path("truth.csv");
    fs::write(&truth, "source,person_id,person\npolice_rms,PC1,1\npolice_rms,PC2,2\npolice_rms,PC3,3\n").unwrap();
    let measures = judged.evaluate(&key(), &truth.display().to_string()).unwrap();
    assert!(measures.starts_with("3 records, 0 true pairs"), "{measures}");
    fs::write(&truth, "source,person\n").unwrap();
    let error = judged.evaluate(&key(), &truth.display().to_string()).unwrap_err();
    assert!(error.to_string().ends_with("there is no column person_id"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_extract_fills_the_same_lake() {
    let tiny = Tiny::new();
    let request = PseudonymiseRequest {
        site: tiny.site(),
        source: "police_rms".to_owned(),
        area: Some("wessmark".to_owned()),
        extracts: vec![tiny.path("extracts/police_rms").display().to_string()],
        out: tiny.path("encoded").display().to_string(),
        ..PseudonymiseRequest::default()
    };
    let nameless = PseudonymiseRequest { source: "police_rm".to_owned(), ..request.clone() };
    assert_eq!(DataDesk::open(nameless).err().unwrap().hint().as_deref(), Some("did you mean `police_rms`?"));

    let desk = DataDesk::open(request).unwrap();
    let held = desk.encode(&key(), &MACHINE, &Silent).unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].contains("3 rows read = 3 accepted + 0 quarantined + 0 duplicate"), "{held:?}");
    let error = desk.encode(&key(), &MACHINE, &Silent).unwrap_err();
    assert!(error.to_string().ends_with("is there already"), "{error}");

    let input = vec![format!("police_rms={}", tiny.path("encoded").display())];
    let paths = PathChoice { input, ..PathChoice::default() };
    run(RunRequest { ingest_only: true, paths, ..tiny.request() }).await.unwrap();
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 3);
    assert!(tiny.state().await.files[0].encoded);
}

#[test]
fn an_area_file_is_written_once_and_reads_as_it_says() {
    let tiny = Tiny::new();
    assert!(list(&tiny.site()).unwrap().iter().any(|line| line.contains("Kent ")));
    let request = AreaRequest {
        site: tiny.site(),
        force: "kent police".to_owned(),
        months: ["2023-04".to_owned(), "2025-03".to_owned()],
        audience: "partner".to_owned(),
        ..AreaRequest::default()
    };
    let made = create(&request).unwrap();
    assert_eq!((made.name.as_str(), made.area.period.from.to_string().as_str()), ("kent", "2023-04"));
    assert!(made.wanted.files.iter().all(|file| !file.there) && !made.wanted.files.is_empty());
    assert!(made.wanted.to_string().starts_with("Reference data, in "));
    let (site, _) = Site::read(&tiny.site()).unwrap();
    assert!(site.areas.contains_key("kent"));
    assert!(create(&request).unwrap_err().to_string().ends_with("is there already"));
    let other = AreaRequest { audience: "partnr".to_owned(), out: Some("other.toml".to_owned()), ..request };
    assert_eq!(create(&other).unwrap_err().hint().as_deref(), Some("did you mean `partner`?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_number_does_not_pass_the_gate() {
    let tiny = Tiny::new();
    let file = tiny.path("table.csv");
    let request = GateRequest {
        site: tiny.site(),
        file: file.display().to_string(),
        audience: "partner".to_owned(),
        counts: vec!["events".to_owned()],
        sources: vec!["police_rms".to_owned()],
        ..GateRequest::default()
    };
    fs::write(&file, "district,events\nAverholt,3\nSaltmarch,40\n").unwrap();
    let small = gate::check(&request, &MACHINE).await.unwrap();
    assert!(!small.report.passes(), "{small}");
    assert!(small.to_string().starts_with("2 rows under: "), "{small}");
    fs::write(&file, "district,events\nAverholt,35\nSaltmarch,40\n").unwrap();
    let large = gate::check(&request, &MACHINE).await.unwrap();
    assert!(large.report.passes(), "{large}");
    let nobody = GateRequest { audience: "nobody".to_owned(), ..request };
    assert!(gate::check(&nobody, &MACHINE).await.err().unwrap().hint().unwrap().starts_with("policies of this site: "));
}

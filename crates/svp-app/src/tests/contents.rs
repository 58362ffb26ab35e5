//! What a lake keeps of the contents of its extracts confirms no guess, and known files stay known.

use svp_ingest::is_keyed;
use svp_lake::input::digest_bytes;

use super::*;
use crate::rotate::{RotateRequest, rotate};

const EXTRACT: &str = "extracts/police_rms/rms_crimes_2025-01.csv";

/// The plain digests of the extract and of the path that it lies at, as a lake from before kept them.
fn plain(tiny: &Tiny) -> (String, String) {
    let path = tiny.path(EXTRACT);
    let place = digest_bytes(path.display().to_string().as_bytes());
    (digest_bytes(&fs::read(path).unwrap()), place[..16].to_owned())
}

/// The texts of all records and ledgers of the lake.
fn kept(tiny: &Tiny) -> String {
    let mut out = String::new();
    let mut folders = vec![tiny.path("lake/runs"), tiny.path("lake/ledger"), tiny.path("lake/published")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => out.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap())),
            }
        }
    }
    out
}

const PLAIN_RECEIPTS: &str = "SELECT count(*) FROM receipt WHERE length(sha256) <> 32";

#[tokio::test(flavor = "multi_thread")]
async fn no_digest_of_a_lake_confirms_a_guess() {
    let tiny = Tiny::new();
    tiny.release().await;
    let (content, place) = plain(&tiny);
    let state = tiny.state().await;
    let named = &state.files[0];
    assert!(is_keyed(&named.sha256) && named.place.as_deref().is_some_and(is_keyed), "{named:?}");
    let text = kept(&tiny);
    assert!(text.contains(&named.sha256), "the search reads the records");
    assert!(!text.contains(&content) && !text.contains(&place));
    // A digest of what anybody can write down is none either.
    let guessed = digest_bytes(format!("police_rms rms_crimes_2025-01 {content}").as_bytes());
    assert!(!text.contains(&guessed));
    assert_eq!(tiny.number("SELECT count(*) FROM receipt").await, 1);
    assert_eq!(tiny.number(PLAIN_RECEIPTS).await, 0);
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));

    // The next key knows the same files.
    let out = tiny.path("next").display().to_string();
    let request = RotateRequest { site: tiny.site(), lake: tiny.lake_at(), out: out.clone() };
    rotate(&request, &key(), &MACHINE, &Silent).await.unwrap();
    let next = Key::parse(&fs::read_to_string(out).unwrap()).unwrap();
    let turned = tiny.state().await.files[0].clone();
    assert!(is_keyed(&turned.sha256) && turned.sha256 != named.sha256 && turned.place != named.place);
    let outcome = Prepared::new(tiny.request()).unwrap().run(&MACHINE, next, &Silent).await.unwrap();
    assert!(matches!(outcome, Outcome::NothingNew { .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_kept_plain_digests_is_read_and_nothing_is_loaded_again() {
    let tiny = Tiny::new();
    tiny.release().await;
    let (content, place) = plain(&tiny);
    let named = tiny.state().await.files[0].clone();
    let record = tiny.path("lake/runs/00000001.json");
    let text = fs::read_to_string(&record).unwrap();
    let old = text.replace(&named.sha256, &content).replace(named.place.as_deref().unwrap(), &place);
    assert!(old.contains(&content) && old.contains(&place));
    fs::write(&record, old).unwrap();
    fs::remove_file(tiny.path("lake/ledger/finished.json")).unwrap();
    assert!(matches!(tiny.release().await, Outcome::NothingNew { .. }));

    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C4", "C5"]));
    tiny.release().await;
    let state = tiny.state().await;
    let first = state.files.iter().find(|f| f.slot == named.slot).unwrap();
    assert_eq!((first.run, first.superseded, &first.sha256, &first.place), (1, false, &named.sha256, &named.place));
    assert!(state.files.iter().all(|f| is_keyed(&f.sha256)) && state.receipts.iter().all(|r| is_keyed(&r.sha256)));
    let written = fs::read_to_string(tiny.path("lake/runs/00000002.json")).unwrap();
    assert!(!written.contains(&content) && !written.contains(&place));
}

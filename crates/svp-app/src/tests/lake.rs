//! What changes rows that are in the lake already: erasure, a new key, a delivery that is taken out.

use arrow::datatypes::DataType;
use svp_lake::input::digest_bytes;
use svp_pseudonymise::TokenSeal;

use super::*;
use crate::erase::{EraseRequest, erase};
use crate::names::label;
use crate::rotate::{RotateRequest, rotate};
use crate::unload::{UnloadRequest, WrongDelivery, unload};

fn request(tiny: &Tiny, token: &str) -> EraseRequest {
    EraseRequest { site: tiny.site(), lake: tiny.lake_at(), token: token.to_owned(), even_if_absent: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_goes_with_its_event_and_does_not_come_back() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let token = tiny.token("PC2");
    let person = format!("SELECT count(*) FROM person_record WHERE person_record_id = '{token}'");
    assert_eq!(tiny.number(&person).await, 1);

    let erased = erase(&request(&tiny, &token), &key(), &MACHINE, &Silent).await.unwrap();
    // The person, their part, and the event that nobody else had a part in.
    assert_eq!(erased.rows, 3);
    assert!(erased.files_deleted > 0);
    assert_eq!(tiny.number(&person).await, 0);
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 2);
    assert_eq!(tiny.state().await.erased, [sealed_token(&token)]);
    // The next run counts without the record, though no file is new.
    let prepared = Prepared::new(RunRequest { ingest_only: true, ..tiny.request() }).unwrap();
    let next = prepared.run(&MACHINE, key(), &Silent).await.unwrap();
    assert!(matches!(next, Outcome::Canonical), "{next:?}");

    // The record comes again in a later extract, beside a new one.
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C2", "C9"]));
    tiny.ingest().await;
    assert_eq!(tiny.number(&person).await, 0);
    assert_eq!(tiny.number("SELECT count(*) FROM person_record").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_erased_by_a_wrong_token() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let other = Key::generate("needs-assessment").unwrap();
    let error = erase(&request(&tiny, &tiny.token("PC1")), &other, &MACHINE, &Silent).await.unwrap_err();
    assert!(matches!(error, AppError::WrongKey { .. }), "{error}");
    let error = erase(&request(&tiny, "no token"), &key(), &MACHINE, &Silent).await.unwrap_err();
    assert_eq!(error.to_string(), "that is no token");
    let nobody = request(&tiny, "00000000000000000000000000000000");
    let error = erase(&nobody, &key(), &MACHINE, &Silent).await.unwrap_err();
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    assert_eq!(tiny.lake().await.last_run().unwrap().number, 1);
    let kept_out = erase(&EraseRequest { even_if_absent: true, ..nobody }, &key(), &MACHINE, &Silent).await.unwrap();
    assert_eq!(kept_out.rows, 0);
    assert_eq!(tiny.state().await.erased.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_lake_knows_its_new_key_alone() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let token = tiny.token("PC1");
    let out = tiny.path("next").display().to_string();
    let request = RotateRequest { site: tiny.site(), lake: tiny.lake_at(), out: out.clone() };
    let rotated = rotate(&request, &key(), &MACHINE, &Silent).await.unwrap();
    let of = |table: &str| rotated.rows.iter().find(|(name, _)| name == table).unwrap().1;
    assert_eq!((of("canonical/event"), of("linkage/person_record"), of("quality/receipt")), (3, 3, 1));
    let next = Key::parse(&fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(rotated.check, next.check());
    assert_eq!(tiny.lake().await.last_run().unwrap().key_check, Some(next.check()));
    assert_eq!(tiny.text_under(&next, "SELECT count(*) FROM person_record").await, "3");
    let old = format!("SELECT count(*) FROM person_record WHERE person_record_id = '{token}'");
    assert_eq!(tiny.text_under(&next, &old).await, "0");
    let ctx = MACHINE.plain_session().unwrap();
    let (site, _) = Site::read(&tiny.site()).unwrap();
    let refused = sealed::under(&tiny.lake().await, &key()).register_sealed(&ctx, &tables(&site)).await;
    assert!(matches!(refused, Err(svp_lake::LakeError::OtherSeal { .. })), "{refused:?}");

    let error = rotate(&request, &key(), &MACHINE, &Silent).await.unwrap_err();
    assert!(matches!(error, AppError::WrongKey { .. }), "{error}");
    // The same extract under the new key is known.
    let prepared = Prepared::new(RunRequest { ingest_only: true, ..tiny.request() }).unwrap();
    let again = prepared.run(&MACHINE, next, &Silent).await.unwrap();
    assert!(matches!(again, Outcome::NothingNew { .. }), "{again:?}");
}

/// Every stored number of 64 bits in the zones that speak of people is said to be a digest under the key, which a rotation turns, or is one of
/// these counts: a digest that comes later cannot be forgotten.
#[test]
fn every_digest_under_the_key_is_said_to_be_one() {
    const COUNTS: [&str; 4] =
        ["event_match_level.matches", "event_match_weight.class", "person_history.records", "person_history.run"];
    let (site, _) = Site::read(&Tiny::new().site()).unwrap();
    let (mut digests, mut counts) = (Vec::new(), Vec::new());
    for spec in tables(&site).iter().filter(|spec| spec.zone != "quality") {
        for field in spec.schema.fields().iter().filter(|f| *f.data_type() == DataType::Int64) {
            let digest = spec.keyed_digests.contains(field.name());
            (if digest { &mut digests } else { &mut counts }).push(format!("{}.{}", spec.name, field.name()));
        }
        assert!(spec.keyed_digests.iter().all(|name| spec.schema.column_with_name(name).is_some()), "{}", spec.name);
    }
    digests.sort();
    counts.sort();
    assert_eq!(digests, ["event.row_digest", "event_superseded.row_digest", "person_link.mark"]);
    assert_eq!(counts, COUNTS);
}

/// What the records of all runs and the tables of a lake say under which names files came.
async fn named(tiny: &Tiny, key: &Key) -> String {
    let records = fs::read_dir(tiny.path("lake/runs")).unwrap().map(|e| fs::read_to_string(e.unwrap().path()).unwrap());
    let mut text: Vec<String> = records.collect();
    for table in ["receipt", "quarantine", "finding", "column_profile"] {
        let what = if table == "finding" { "concat(file, ' ', what)" } else { "file" };
        text.push(tiny.text_under(key, &format!("SELECT string_agg(DISTINCT {what}, ' ') FROM {table}")).await);
    }
    text.join("\n")
}

/// Whoever has the old key of a lake that was rotated confirms no name of a file, and nobody who was erased: not by a live file, nor by
/// one that was superseded, nor in the record of an older run. Who was erased stays out under the new key.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_turns_what_files_are_called_and_who_was_erased() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let broken = crimes("02/2025", &["C6"]).lines().nth(1).unwrap().replacen("C6,", ",", 1);
    tiny.give("rms_crimes_2025-02.csv", &format!("{}{broken}\n", crimes("02/2025", &["C4", "C5"])));
    tiny.give("rms_crimes_2025-01.csv", &crimes("01/2025", &["C1", "C2", "C3", "C7"]));
    tiny.ingest().await;
    let token = tiny.token("PC2");
    erase(&request(&tiny, &token), &key(), &MACHINE, &Silent).await.unwrap();
    let before = tiny.state().await;
    assert!(before.files.len() == 3 && before.files.iter().any(|f| f.superseded));
    let names = ["rms_crimes_2025-01.csv", "rms_crimes_2025-02.csv"];
    let said = named(&tiny, &key()).await;
    assert!(names.iter().all(|name| said.contains(&label(&key(), name))), "{said}");

    let out = tiny.path("next").display().to_string();
    let of = RotateRequest { site: tiny.site(), lake: tiny.lake_at(), out: out.clone() };
    rotate(&of, &key(), &MACHINE, &Silent).await.unwrap();
    let next = Key::parse(&fs::read_to_string(&out).unwrap()).unwrap();
    let after = tiny.state().await;
    let said = named(&tiny, &next).await;
    for name in names {
        assert!(said.contains(&label(&next, name)) && !said.contains(&label(&key(), name)), "{name}: {said}");
    }
    for (was, is) in before.files.iter().zip(&after.files) {
        let name = names.into_iter().find(|name| label(&key(), name) == was.file).unwrap();
        assert_eq!(is.file, label(&next, name));
        assert!(!said.contains(&was.sha256) && !said.contains(was.place.as_deref().unwrap()));
    }
    // A guess of who was erased: the digest of a token, as earlier versions kept it, or the token as it was sealed.
    assert!(!said.contains(&digest_bytes(token.as_bytes())) && !said.contains(&before.erased[0]));
    assert_eq!((before.erased.len(), after.erased.len()), (1, 1));

    let ingest = |key: Key| async {
        let request = RunRequest { ingest_only: true, ..tiny.request() };
        Prepared::new(request).unwrap().run(&MACHINE, key, &Silent).await.unwrap()
    };
    let next_key = || Key::parse(&fs::read_to_string(&out).unwrap()).unwrap();
    // What was erased is left out of the next run, and then there is nothing to do.
    assert!(matches!(ingest(next_key()).await, Outcome::Canonical));
    assert!(matches!(ingest(next_key()).await, Outcome::NothingNew { .. }));
    tiny.give("rms_crimes_2025-03.csv", &crimes("03/2025", &["C2", "C9"]));
    let people = tiny.text_under(&next, "SELECT count(*) FROM person_record").await;
    ingest(next_key()).await;
    let now = tiny.text_under(&next, "SELECT count(*) FROM person_record").await;
    assert_eq!(now.parse::<u64>().unwrap(), people.parse::<u64>().unwrap() + 1, "the erased record came back");
}

/// A lake from before has digests of who was erased: they hold, and become sealed tokens when the record comes again; a rotation that
/// comes first says how many it cannot take over.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_by_an_earlier_version_stays_out() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let token = tiny.token("PC2");
    erase(&request(&tiny, &token), &key(), &MACHINE, &Silent).await.unwrap();
    let record = tiny.path("lake/runs/00000002.json");
    let old = |text: String| text.replace(&sealed_token(&token), &digest_bytes(token.as_bytes()));
    fs::write(&record, old(fs::read_to_string(&record).unwrap())).unwrap();
    fs::remove_file(tiny.path("lake/ledger/finished.json")).unwrap();
    assert_eq!(tiny.state().await.erased, [digest_bytes(token.as_bytes())]);
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C4"]));
    tiny.ingest().await;
    assert_eq!(tiny.state().await.erased, [digest_bytes(token.as_bytes())]);

    let (kept, copy) = (tiny.path("lake"), tiny.path("kept"));
    super::copy(&kept, &copy);
    let out = tiny.path("next").display().to_string();
    let heard = Heard::default();
    let of = RotateRequest { site: tiny.site(), lake: tiny.lake_at(), out };
    rotate(&of, &key(), &MACHINE, &heard).await.unwrap();
    assert!(heard.has("warning: 1 records were erased by an earlier version") && heard.has("--even-if-absent"));
    assert!(tiny.state().await.erased.is_empty());

    fs::remove_dir_all(&kept).unwrap();
    fs::rename(&copy, &kept).unwrap();
    tiny.give("rms_crimes_2025-03.csv", &crimes("03/2025", &["C2", "C9"]));
    tiny.ingest().await;
    assert_eq!(tiny.number(&format!("SELECT count(*) FROM person_record WHERE person_record_id = '{token}'")).await, 0);
    assert_eq!(tiny.state().await.erased, [sealed_token(&token)]);
}

fn sealed_token(token: &str) -> String {
    TokenSeal::new(&key(), "erased").seal(token).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_taken_out_and_stays_out() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["C3", "C4"]));
    tiny.ingest().await;
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 4);

    assert!(WrongDelivery::named("rms_crimes_2025-02", "why").is_err());
    assert!(WrongDelivery::named("police_rms:rms_crimes_2025-02", " ").is_err());
    let of = |slot: &str| UnloadRequest {
        site: tiny.site(),
        lake: tiny.lake_at(),
        delivery: WrongDelivery::named(&format!("police_rms:{slot}"), "sent by mistake").unwrap(),
    };
    let error = unload(&of("rms_crimes_2025-03"), &key(), &MACHINE, &Silent).await.unwrap_err();
    assert!(error.hint().unwrap().starts_with("did you mean `police_rms:rms_crimes_2025-0"), "{error}");

    let unloaded = unload(&of("rms_crimes_2025-02"), &key(), &MACHINE, &Silent).await.unwrap();
    assert_eq!(unloaded.file, crate::names::label(&key(), "rms_crimes_2025-02.csv"));
    // The crime that both files hold is that of the first again.
    assert_eq!(unloaded.returned, [("rms_crimes_2025-01".to_owned(), 1)]);
    assert_eq!(unloaded.older, None);
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 3);
    assert_eq!(tiny.number("SELECT count(*) FROM receipt").await, 1);
    let state = tiny.state().await;
    assert_eq!(state.files[1].unloaded.as_deref(), Some("sent by mistake"));
    assert_eq!(state.live().count(), 1);

    // It still lies in its folder, and the next run passes it over.
    tiny.ingest().await;
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 3);
    assert_eq!(tiny.state().await.live().count(), 1);
}

#[test]
fn a_state_is_read_as_older_lakes_wrote_it() {
    let state: RunState = serde_json::from_str(r#"{"files": [], "receipts": []}"#).unwrap();
    assert!(state.findings.is_empty() && state.erased.is_empty() && state.ledger.is_empty());
    let body = RunState::default().to_body().unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["files", "receipts", "findings", "accepted", "erased", "linkage", "ledger"]);
}

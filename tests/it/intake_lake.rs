//! What the lake knows of its files: those that came twice, came back, were loaded under another definition, or were wrong.

use std::fs;

use crate::support::deliveries::{events, findings, give, ingest, istv, lab, numbered, rms, street, told};
use crate::support::{Lab, Svp, number, sql, svp};

#[test]
fn the_same_rows_under_two_names_are_counted_once() {
    // The same bytes: the second is passed over and told.
    let lab = lab("police_street");
    let january = street("2025-01", numbered("c", 40));
    give(&lab, "police_street", "2025-01-wessmark-street.csv", &january);
    give(&lab, "police_street", "2025-02-wessmark-street.csv", &january);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("shared_ids", "2025-02-wessmark-street.csv")]);
    assert_eq!(sql(&lab.lake(), "SELECT month, count(*) FROM event GROUP BY month").rows, [["2025-01", "40"]]);

    // Two ids of January come again in February: they are counted there, once, and that is told.
    let lab = crate::support::deliveries::lab("police_street");
    give(&lab, "police_street", "2025-01-wessmark-street.csv", street("2025-01", numbered("c", 5)));
    let february = street("2025-02", numbered("c", 2).into_iter().chain(numbered("d", 3)));
    give(&lab, "police_street", "2025-02-wessmark-street.csv", february);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("shared_ids", "2025-01-wessmark-street.csv")]);
    assert_eq!(number(&lab.lake(), "SELECT count(*) - count(DISTINCT event_id) FROM event"), 0);
    assert_eq!(events(&lab), 8);
}

/// February's file is sent as March's; then it comes under its own name, and March's with it.
#[test]
fn a_file_that_was_named_wrongly_and_comes_again_under_its_name() {
    let lab = lab("istv");
    // The first file lies outside the months of its name, and is accepted by mistake, if anybody looks.
    lab.edit("pipelines/sources/istv.toml", "covers = \"month\"\n", "");
    let (february, march) = (istv("2025-02", "XW101", 28), istv("2025-03", "XW101", 40));
    give(&lab, "istv", "istv_2025-03.csv", &february);
    ingest(&lab).run().good();
    give(&lab, "istv", "istv_2025-02.csv", &february);
    give(&lab, "istv", "istv_2025-03.csv", &march);
    ingest(&lab).run().good();
    let months = "SELECT month, count(*) FROM event GROUP BY month ORDER BY month";
    assert_eq!(sql(&lab.lake(), months).rows, [["2025-02", "28"], ["2025-03", "40"]]);
    ingest(&lab).run().good().says(&["nothing new"]);
}

#[test]
fn a_superseded_file_that_comes_back_is_loaded() {
    let lab = lab("istv");
    let (first, second) = (istv("2025-03", "XW101", 10), istv("2025-03", "XW101", 11));
    for (text, n) in [(&first, 10), (&second, 11), (&first, 10), (&second, 11)] {
        // (The first is a tenth shorter.)
        give(&lab, "istv", "istv_2025-03.csv", text);
        ingest(&lab).run().good();
        assert_eq!(events(&lab), n);
    }
    // One that lies where it lay when a newer one came from elsewhere did not come back.
    let newer = lab.path("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("istv_2025-03.csv"), istv("2025-03", "XW101", 12)).unwrap();
    ingest(&lab).arg("--input").arg(format!("istv={}", newer.display())).run().good();
    ingest(&lab).run().good().says(&["nothing new"]);
    assert_eq!(events(&lab), 12);
    ingest(&lab).args(["--reload", "istv:istv_2025-03"]).run().good();
    assert_eq!(events(&lab), 11);
}

#[test]
fn a_mended_mapping_is_told_and_loads_again_when_asked() {
    let lab = lab("istv");
    give(&lab, "istv", "istv_2025-02.csv", istv("2025-02", "XW101", 5));
    give(&lab, "istv", "istv_2025-03.csv", istv("2025-03", "XW101", 6));
    ingest(&lab).run().good();
    let weapons = "SELECT injury_mechanism, count(*) FROM event GROUP BY 1 ORDER BY 1";
    assert_eq!(sql(&lab.lake(), weapons).rows, [["sharp", "11"]]);
    // Prose and law change nothing.
    lab.edit("pipelines/sources/istv.toml", "title = \"", "title = \"The ");
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), []);
    lab.edit("pipelines/sources/istv.toml", "Knife = \"sharp\"", "Knife = \"blunt\"");
    let wanted = [told("other_definition", "istv_2025-02.csv"), told("other_definition", "istv_2025-03.csv")];
    let dry = ingest(&lab).args(["--dry-run", "--log", "json"]).run().good();
    assert_eq!(findings(&dry), wanted);
    assert_eq!(findings(&ingest(&lab).args(["--log", "json"]).run().good()), wanted);
    let check = lab.check().arg("--lake").arg(lab.lake()).args(["--log", "json"]).run().good();
    assert_eq!(findings(&check), wanted);
    let ran = ingest(&lab).args(["--reload", "istv:istv_2025-03", "--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("other_definition", "istv_2025-02.csv")]);
    assert_eq!(sql(&lab.lake(), weapons).rows, [["blunt", "6"], ["sharp", "5"]]);
    ingest(&lab).args(["--reload", "istv"]).run().good();
    assert_eq!(sql(&lab.lake(), weapons).rows, [["blunt", "11"]]);
    ingest(&lab).args(["--reload", "istv:istv_2025-04"]).run().ended(2).says(&["istv_2025-04", "hint: "]);
    ingest(&lab).args(["--reload", "ecds"]).run().ended(2).says(&["ecds", "istv"]);
}

fn unload(lab: &Lab, slot: &str) -> Svp {
    svp(["--site"])
        .arg(lab.site())
        .args(["unload", slot, "--reason", "sent to us by mistake", "--lake"])
        .arg(lab.lake())
        .arg("--key")
        .arg(lab.key())
}

#[test]
fn a_wrong_delivery_is_taken_out() {
    let lab = lab("police_rms");
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", rms(&[("A", "105A", "Filed"), ("B", "105A", "Filed")]));
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", rms(&[("A", "8N", "Charged"), ("C", "8N", "Filed")]));
    ingest(&lab).run().good();
    unload(&lab, "police_rms:rms_crimes_2025-09").run().ended(2).says(&["rms_crimes_2025-0", "hint: "]);
    unload(&lab, "police_rms:rms_crimes_2025-02").run().good().says(&["1 records", "rms_crimes_2025-01", "again"]);
    let codes = "SELECT slot, offence_code, count(*) FROM event GROUP BY 1, 2 ORDER BY 1, 2";
    assert_eq!(sql(&lab.lake(), codes).rows, [["rms_crimes_2025-01", "105A", "2"]]);
    for table in ["event", "party", "person_record", "receipt", "quarantine", "event_superseded"] {
        let left = format!("SELECT count(*) FROM {table} WHERE slot = 'rms_crimes_2025-02'");
        assert_eq!(number(&lab.lake(), &left), 0, "{table}");
    }
    // It lies in the folder still, and stays out until somebody wants it back.
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("passed_over", "rms_crimes_2025-02.csv")]);
    assert_eq!(sql(&lab.lake(), codes).rows, [["rms_crimes_2025-01", "105A", "2"]]);
    ingest(&lab).args(["--reload", "police_rms:rms_crimes_2025-02"]).run().good();
    assert_eq!(sql(&lab.lake(), codes).rows, [["rms_crimes_2025-01", "105A", "1"], ["rms_crimes_2025-02", "8N", "2"]]);
}

#[test]
fn people_whose_records_go_end_and_are_the_same_when_they_return() {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    lab.give("police_rms/rms_crimes_2025-01.csv");
    lab.run().run().good();
    let people = "SELECT person_record_id, person_key FROM person_link ORDER BY 1";
    let before = sql(&lab.lake(), people);
    unload(&lab, "police_rms:rms_crimes_2025-01").run().good();
    lab.run().run().good();
    let without = sql(&lab.lake(), people);
    assert!(without.rows.len() < before.rows.len());
    let ended = number(&lab.lake(), "SELECT count(*) FROM person_history WHERE event = 'ended'");
    assert!(ended > 0);
    assert!(lab.release(3).exists(), "a release that is held against the ledger");
    lab.run().args(["--reload", "police_rms:rms_crimes_2025-01"]).run().good();
    assert_eq!(sql(&lab.lake(), people), before);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM person_history WHERE event = 'returned'"), ended);
    assert_eq!(number(&lab.lake(), "SELECT count(*) FROM person_gone"), 0);
}

/// Takes out of the last run record what versions before accounts did not write.
fn age(lab: &Lab) {
    let records = crate::support::files_under(&lab.lake().join("runs"));
    let (_, path) = records.iter().next_back().unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for file in record["body"]["files"].as_array_mut().unwrap() {
        let file = file.as_object_mut().unwrap();
        for key in ["months", "sender", "dated", "release", "definition", "rows", "place", "tables"] {
            file.remove(key);
        }
        let name = format!("{}.csv", file["slot"].as_str().unwrap());
        file.insert("file".to_owned(), name.into());
    }
    for key in ["findings", "accepted"] {
        record["body"].as_object_mut().unwrap().remove(key);
    }
    fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
    fs::remove_file(lab.lake().join("ledger/finished.json")).unwrap();
}

#[test]
fn a_lake_from_before_accounts_is_read_and_says_so() {
    let lab = lab("police_rms");
    let crimes = [("A", "105A", "Filed"), ("B", "105A", "Filed")];
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", rms(&crimes));
    ingest(&lab).run().good();
    age(&lab);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("unaccounted", "rms_crimes_2025-02.csv")]);
    // An older extract is older all the same, and one that shrank is seen.
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", rms(&[("A", "8N", "Filed")]));
    ingest(&lab).run().good();
    assert_eq!(sql(&lab.lake(), "SELECT DISTINCT offence_code FROM event").rows, [["105A"]]);
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", rms(&crimes[..1]));
    ingest(&lab).run().ended(4).says(&["shrunk", "1 of 2"]);
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", rms(&crimes));
    let ran = ingest(&lab).args(["--reload", "police_rms", "--log", "json"]).run().good();
    assert_eq!(findings(&ran), []);
}

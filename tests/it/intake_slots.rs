//! What a delivery is, and what it takes the place of: folders as publishers deliver them, senders, order of knowledge, files
//! that shrank.

use std::fs;

use crate::support::deliveries::{cin, events, findings, give, ingest, istv, lab, numbered, rms, street, told};
use crate::support::{Lab, label, number, sample_data, sql};

#[test]
fn partial_uploads_and_backups_are_no_extracts() {
    let lab = lab("istv");
    let text = istv("2025-03", "XW101", 6);
    let leftovers = [
        "istv_2025-03.csv.filepart",
        "istv_2025-03.csv.crdownload",
        "~$istv_2025-03.csv",
        "istv_2025-03.csv.bak",
        "OLD_istv_2025-03.csv",
        "Copy of istv_2025-03.csv",
        "istv_2025-03 - Copy.csv",
        "istv_2025-03 (1).csv",
        "Thumbs.db",
        ".DS_Store",
    ];
    for name in leftovers {
        give(&lab, "istv", name, &text);
    }
    // Nothing else is there: a source without an extract stops the run, and the names tell why.
    ingest(&lab).run().ended(4).says(&["no_file", "istv_2025-03.csv.filepart", "hint: "]);
    ingest(&lab).args(["--accept", "istv:no_file", "--reason", "the trust is late"]).run().good();
    give(&lab, "istv", "ISTV_2025-03.csv", &text);
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(events(&lab), 6);
    let mut found = findings(&ran);
    found.sort();
    let mut wanted: Vec<_> = leftovers.iter().map(|name| told("passed_over", name)).collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn a_folder_as_the_publisher_delivers_it() {
    let lab = lab("police_street");
    fs::copy(
        crate::support::root().join("pipelines/sources/police_stop_search.toml"),
        lab.site().join("pipelines/sources/police_stop_search.toml"),
    )
    .unwrap();
    for (month, n) in [("2025-01", 3), ("2025-02", 5)] {
        let at = |kind: &str| format!("{month}/{month}-wessmark-{kind}.csv");
        give(&lab, "police_street", &at("street"), street(month, numbered(month, n)));
        give(
            &lab,
            "police_street",
            &at("outcomes"),
            "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type\nc,2025-01,F,F,1,1,A,B,C,D\n",
        );
        give(&lab, "police_street", &at("stop-and-search"), "Type,Date\nPerson search,2025-01-01T00:00:00+00:00\n");
    }
    give(&lab, "police_street", "2025-01/Thumbs.db", [0_u8, 1, 2]);
    give(&lab, "police_street", "readme.txt", "Open data.\n");
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(
        sql(&lab.lake(), "SELECT month, count(*) FROM event GROUP BY month ORDER BY month").rows,
        [["2025-01", "3"], ["2025-02", "5"]]
    );
    let found = findings(&ran);
    assert_eq!(found.len(), 6, "{found:?}");
    for file in ["2025-02-wessmark-outcomes.csv", "2025-01-wessmark-stop-and-search.csv", "Thumbs.db", "readme.txt"] {
        assert!(found.contains(&told("passed_over", file)), "{file}: {found:?}");
    }
    // A file that has the columns of the source under a name of its own is not passed over.
    give(&lab, "police_street", "march.csv", street("2025-03", numbered("m", 2)));
    ingest(&lab).run().ended(4).says(&["march.csv", "hint: "]);
}

#[test]
fn a_source_without_a_file_is_an_error_unless_it_may_be_absent() {
    let lab = lab("istv");
    ingest(&lab).run().ended(4).says(&["no_file", "istv", "optional = true"]);
    lab.edit("pipelines/areas/wessmark.toml", "source = \"istv\"", "source = \"istv\"\noptional = true");
    ingest(&lab).run().good();
    assert_eq!(events(&lab), 0);
    give(&lab, "istv", "istv_2025-03.csv", istv("2025-03", "XW101", 4));
    ingest(&lab).run().good();
    assert_eq!(events(&lab), 4);
    // What is named on the command line is to be there, and so is what the lake holds already.
    let empty = lab.path("empty");
    fs::create_dir(&empty).unwrap();
    ingest(&lab).arg("--input").arg(format!("istv={}", empty.display())).run().ended(4).says(&["no_file"]);
    ingest(&lab).arg("--input").arg(format!("istv={}/*.csv", empty.display())).run().ended(4).says(&["no_file"]);
    lab.edit("pipelines/areas/wessmark.toml", "optional = true", "optional = false");
    fs::remove_file(lab.extracts("istv").join("istv_2025-03.csv")).unwrap();
    ingest(&lab).run().ended(4).says(&["no_file"]);
}

#[test]
fn a_whole_return_with_tables_that_nobody_reads() {
    let lab = lab("ssda903");
    let header = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\nA1,1,01/02/2010,WBRI,,,\nA2,2,01/03/2011,WBRI,,,\n";
    let episodes = "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN\nA1,01/05/2024,S,C2,N1,U1,PR1,,,,,,\n";
    give(&lab, "ssda903", "SSDA903_2025_Header.csv", header);
    give(&lab, "ssda903", "SSDA903_2025_Episodes.csv", episodes);
    give(&lab, "ssda903", "SSDA903_2025_OC2.csv", "CHILD,DOB,SDQ_SCORE\nA1,01/02/2010,12\n");
    give(&lab, "ssda903", "SSDA903_2025_previous_permanence.csv", "CHILD,DOB,PREV_PERM\nA1,01/02/2010,P1\n");
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    let people = "SELECT count(DISTINCT person_record_id) FROM person_record";
    let spans = "SELECT count(*) FROM episode";
    assert_eq!((number(&lab.lake(), people), number(&lab.lake(), spans)), (2, 1));
    assert_eq!(
        findings(&ran),
        [told("passed_over", "SSDA903_2025_OC2.csv"), told("passed_over", "SSDA903_2025_previous_permanence.csv")]
    );
    // Another spelling is the same slot.
    fs::remove_file(lab.extracts("ssda903").join("SSDA903_2025_Header.csv")).unwrap();
    give(&lab, "ssda903", "ssda903_2025_header.CSV", format!("{header}A3,2,01/04/2012,WBRI,,,\n"));
    ingest(&lab).run().good();
    assert_eq!(number(&lab.lake(), people), 3);
    assert_eq!(number(&lab.lake(), "SELECT count(DISTINCT slot) FROM person_record"), 2);

    // The same return of another authority: other children, though their ids are the same.
    give(&lab, "ssda903", "988_SSDA903_2025_header.csv", header);
    ingest(&lab).run().good();
    assert_eq!(number(&lab.lake(), people), 5);
}

#[test]
fn a_file_that_shrank_is_refused_unless_somebody_accepts_it() {
    for source in ["istv", "police_rms"] {
        let lab = lab(source);
        let crimes: Vec<String> = numbered("R", 20);
        let text = |n: usize| match source {
            "istv" => istv("2025-01", "XW101", n),
            _ => rms(&crimes.iter().take(n).map(|id| (id.as_str(), "8N", "Filed")).collect::<Vec<_>>()),
        };
        let name = if source == "istv" { "istv_2025-01" } else { "rms_crimes_2025-01" };
        let file = format!("{name}.csv");
        give(&lab, source, &file, text(20));
        ingest(&lab).run().good();
        for n in [0, 1, 17] {
            give(&lab, source, &file, text(n));
            let lost = 20 - n;
            ingest(&lab).run().ended(4).says(&["shrunk", &file, &format!("{lost} of 20"), "--accept"]);
            assert_eq!(events(&lab), 20, "{source}: {n}");
        }
        give(&lab, source, &file, text(18));
        ingest(&lab).run().good();
        assert_eq!(events(&lab), 18, "{source}: a tenth may go");
        let slot = sql(&lab.lake(), "SELECT DISTINCT slot FROM event").one().to_owned();
        give(&lab, source, &file, text(0));
        let at = format!("{source}:{slot}");
        ingest(&lab).args(["--accept-shrink", &at]).run().ended(2);
        ingest(&lab)
            .args(["--accept-shrink", &at, "--reason", "sent by mistake"])
            .run()
            .good()
            .says(&["accepted: sent by mistake"]);
        assert_eq!(events(&lab), 0);
        // The acceptance was for that file and no other.
        give(&lab, source, &file, text(20));
        ingest(&lab).run().good();
        give(&lab, source, &file, text(2));
        ingest(&lab).run().ended(4).says(&["shrunk"]);
    }
}

#[test]
fn what_was_accepted_stands_in_the_review() {
    let lab = Lab::street();
    let name = "2025-01-wessmark-street.csv";
    give(&lab, "police_street", name, street("2025-01", numbered("c", 20)));
    give(&lab, "police_street", "notes.txt", "nothing\n");
    lab.run().run().good();
    give(&lab, "police_street", name, street("2025-01", numbered("c", 10)));
    lab.run()
        .args(["--accept-shrink", "police_street:2025-01-wessmark-street", "--reason", "half were doubles"])
        .run()
        .good();
    let page = fs::read_to_string(lab.lake().join("ledger/000002-wessmark-partner/review.md")).unwrap();
    let passed_over = label("notes.txt");
    for words in ["half were doubles", "`shrunk`", "police_street, 2025-01-wessmark-street", &passed_over] {
        assert!(page.contains(words), "`{words}` is not in:\n{page}");
    }
}

#[test]
fn two_senders_never_replace_one_another() {
    // By name, in one run or in two.
    for together in [true, false] {
        let lab = lab("cin_census");
        give(&lab, "cin_census", "988_CIN_2025.xml", cin(2025, "988", &[("K1", None), ("K2", None)]));
        if !together {
            ingest(&lab).run().good();
        }
        give(&lab, "cin_census", "989_CIN_2025.xml", cin(2025, "989", &[("K1", None), ("K3", None), ("K4", None)]));
        ingest(&lab).run().good();
        assert_eq!(number(&lab.lake(), "SELECT count(DISTINCT person_record_id) FROM person_record"), 5);
        assert_eq!(number(&lab.lake(), "SELECT count(*) FROM episode"), 5);
    }
    // By content, under one name in two folders; a newer file of one of them supersedes its own and no other.
    let lab = lab("cin_census");
    give(&lab, "cin_census", "a/CIN_2025.xml", cin(2025, "988", &[("K1", None), ("K2", None)]));
    give(&lab, "cin_census", "b/CIN_2025.xml", cin(2025, "989", &[("K1", None)]));
    ingest(&lab).run().good();
    give(&lab, "cin_census", "a/CIN_2025.xml", cin(2025, "988", &[("K7", None), ("K8", None)]));
    ingest(&lab).run().good();
    let by = "SELECT authority, count(*) FROM episode GROUP BY authority ORDER BY authority";
    assert_eq!(sql(&lab.lake(), by).rows, [["988", "2"], ["989", "1"]]);

    let lab = crate::support::deliveries::lab("istv");
    for (folder, site, n) in [("north", "XW101", 7), ("south", "XW201", 9)] {
        give(&lab, "istv", &format!("{folder}/istv_2025-03.csv"), istv("2025-03", site, n));
    }
    ingest(&lab).run().good();
    assert_eq!(events(&lab), 16);
    give(&lab, "istv", "north/istv_2025-03.csv", istv("2025-03", "XW102", 8));
    ingest(&lab).run().good();
    assert_eq!(events(&lab), 17, "another site of the same trust");
    // An empty file says nothing of its sender: it is taken for the one whose file lay there.
    give(&lab, "istv", "north/istv_2025-03.csv", istv("2025-03", "XW101", 0));
    ingest(&lab).run().ended(4).says(&["shrunk", "8 of 8"]);
    assert_eq!(events(&lab), 17);

    // Attendances of two trusts under one name.
    let lab = crate::support::deliveries::lab("ecds");
    let text = fs::read_to_string(sample_data("ecds/ecds_2025-03.csv")).unwrap();
    give(&lab, "ecds", "a/ecds_2025-03.csv", &text);
    let other = text.replace(",XW1,", ",XY2,").replace("\nEC", "\nEX");
    assert_ne!(other, text);
    give(&lab, "ecds", "b/ecds_2025-03.csv", other);
    ingest(&lab).run().good();
    let n = text.lines().count() as i64 - 1;
    let read = "SELECT sum(accepted) FROM receipt";
    assert_eq!(events(&lab), number(&lab.lake(), read));
    assert_eq!(number(&lab.lake(), "SELECT sum(rows_read) FROM receipt"), 2 * n);
}

#[test]
fn a_file_of_several_senders_and_one_whose_name_lies() {
    let lab = lab("istv");
    let mixed = istv("2025-03", "XW101", 3) + istv("2025-03", "XY201", 3).split_once('\n').unwrap().1;
    give(&lab, "istv", "istv_2025-03.csv", mixed);
    ingest(&lab).run().ended(4).says(&["mixed_senders", "istv_2025-03.csv"]);
    ingest(&lab)
        .args(["--accept", "istv:istv_2025-03:mixed_senders", "--reason", "the board sends for all"])
        .run()
        .good();
    assert_eq!(events(&lab), 6);
    let lab = crate::support::deliveries::lab("cin_census");
    give(&lab, "cin_census", "988_CIN_2025.xml", cin(2025, "989", &[("K1", None)]));
    ingest(&lab).run().ended(4).says(&["sender_differs", "988_CIN_2025.xml"]);
}

/// Every order of so many things.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(n - 1);
    shorter
        .iter()
        .flat_map(|o| {
            (0..n).map(|at| {
                let mut o = o.clone();
                o.insert(at, n - 1);
                o
            })
        })
        .collect()
}

/// The canonical rows as text.
fn canonical(lake: &std::path::Path) -> Vec<Vec<String>> {
    let rows = "SELECT 'event' AS t, event_id AS id, slot, row_digest, offence_code AS what, outcome AS how FROM event
                UNION ALL SELECT 'episode', episode_id, slot, NULL, episode_type, CAST(ended AS VARCHAR) FROM episode
                UNION ALL SELECT 'party', party_id, slot, NULL, role, event_id FROM party
                UNION ALL SELECT 'record', person_record_id, slot, NULL, agency, event_id FROM person_record
                ORDER BY t, id, slot, how";
    sql(lake, rows).rows
}

#[test]
fn any_order_of_deliveries_gives_the_same_lake() {
    // Crimes of two extracts, and each with one of its own; the February extract comes in two releases, of which the second
    // drops a crime that January knows.
    let police = [
        ("rms_crimes_2025-01.csv", rms(&[("A", "105A", "Filed"), ("B", "105A", "Filed"), ("C", "105A", "Filed")])),
        ("rms_crimes_2025-02_v1.csv", rms(&[("A", "8N", "Charged"), ("B", "8N", "Filed"), ("D", "8N", "Filed")])),
        ("rms_crimes_2025-02_v2.csv", rms(&[("A", "8N", "Filed"), ("D", "8N", "Charged"), ("E", "8N", "Filed")])),
    ];
    let care = [
        ("CIN_2024.xml", cin(2024, "989", &[("K1", None), ("K2", None)])),
        ("CIN_2025.xml", cin(2025, "989", &[("K1", None), ("K3", None)])),
        ("CIN_2026.xml", cin(2026, "989", &[("K1", Some("2024-09-30"))])),
    ];
    for (source, files) in [("police_rms", police.as_slice()), ("cin_census", care.as_slice())] {
        let lab = lab(source);
        let at_once = lab.path("at-once");
        for (name, text) in files {
            give(&lab, source, name, text);
        }
        lab.run_into(&at_once).arg("--ingest-only").run().good();
        let wanted = canonical(&at_once);
        for (i, order) in orders(files.len()).into_iter().enumerate() {
            let lake = lab.path(&format!("lake-{i}"));
            for file in &order {
                let (name, _) = &files[*file];
                let input = format!("{source}={}", lab.extracts(source).join(name).display());
                lab.run_into(&lake).args(["--ingest-only", "--input", &input]).run().good();
            }
            assert_eq!(canonical(&lake), wanted, "{source}: {order:?}");
        }
    }
    let lab = lab("cin_census");
    for (name, text) in care.iter().rev() {
        give(&lab, "cin_census", name, text);
        ingest(&lab).run().good();
    }
    assert_eq!(
        sql(&lab.lake(), "SELECT count(*), max(ended) FROM episode WHERE ended IS NOT NULL").rows,
        [["1", "2024-09-30"]]
    );
}

#[test]
fn a_late_older_extract_overwrites_nothing() {
    let lab = lab("police_rms");
    give(&lab, "police_rms", "rms_crimes_2025-02.csv", rms(&[("A", "8N", "Charged"), ("C", "105A", "Filed")]));
    ingest(&lab).run().good();
    give(&lab, "police_rms", "rms_crimes_2025-01.csv", rms(&[("A", "105A", "Filed"), ("B", "105A", "Filed")]));
    ingest(&lab).run().good().says(&["1 records came again"]);
    let codes = "SELECT offence_code, count(*) FROM event GROUP BY offence_code ORDER BY offence_code";
    assert_eq!(sql(&lab.lake(), codes).rows, [["105A", "2"], ["8N", "1"]]);
    // The older release of a slot is not taken for a newer one.
    give(&lab, "police_rms", "rms_crimes_2025-02_20250401.csv", rms(&[("A", "5D", "Charged"), ("C", "105A", "Filed")]));
    fs::remove_file(lab.extracts("police_rms").join("rms_crimes_2025-02.csv")).unwrap();
    ingest(&lab).run().good();
    give(&lab, "police_rms", "rms_crimes_2025-02_20250315.csv", rms(&[("A", "105A", "Filed"), ("C", "105A", "Filed")]));
    let ran = ingest(&lab).args(["--log", "json"]).run().good();
    assert_eq!(findings(&ran), [told("older_delivery", "rms_crimes_2025-02_20250315.csv")]);
    assert_eq!(sql(&lab.lake(), codes).rows, [["105A", "2"], ["5D", "1"]]);
}

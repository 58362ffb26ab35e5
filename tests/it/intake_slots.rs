//! What a delivery is, and what it takes the place of: folders as publishers deliver them, senders, order of knowledge, files
//! that shrank, came back, came twice or were wrong.

use std::fs;

use crate::support::{Lab, Ran, Svp, number, sample_data, sql};

const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,Last outcome category,Context";
const ISTV: &str = "REPORTING PERIOD START DATE,REPORTING PERIOD END DATE,SITE CODE (OF TREATMENT),ARRIVAL DATE AND TIME AT ACCIDENT AND EMERGENCY DEPARTMENT,ASSAULT DATE AND TIME,ASSAULT METHOD,ASSAULT METHOD OTHER DESCRIPTION,ASSAULT LOCATION TYPE,ASSAULT LOCATION DESCRIPTION";
const RMS: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";

/// Crimes of a month, each with its id.
fn street(month: &str, ids: impl IntoIterator<Item = String>) -> String {
    let row = |id| {
        format!(
            "{id},{month},F,F,-2.849123,50.598612,On or near A Street,E01990001,A,Violence and sexual offences,Under investigation,\n"
        )
    };
    format!("{STREET}\n{}", ids.into_iter().map(row).collect::<String>())
}

fn numbered(prefix: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{prefix}{i}")).collect()
}

/// Attendances of a month at a site.
fn istv(month: &str, site: &str, rows: usize) -> String {
    let (year, m) = month.split_once('-').unwrap();
    let row = |i: usize| {
        let at = format!("{:02}/{m}/{year} {:02}", 1 + i / 20, i % 20);
        format!("{month}-01,{month}-28,{site},{at}:30:00,{at}:00:00,Knife,,Street,A Street\n")
    };
    format!("{ISTV}\n{}", (0..rows).map(row).collect::<String>())
}

/// Crimes with a class and a status, each with one victim.
fn rms(crimes: &[(&str, &str, &str)]) -> String {
    let row = |(id, class, status): &(&str, &str, &str)| {
        format!(
            "{id},02/01/2025 04:06,01/01/2025 22:27,01/01/2025 22:41,10501,{class},Assault,{status},,320555,60515,WM1 4ED,Street,AV001,Averholt LPA,N,,N,N,,,N{id},VICTIM,Ada,Quill{id},02/06/2001,23,F,W1,WM22 2HA,Stranger\n"
        )
    };
    format!("{RMS}\n{}", crimes.iter().map(row).collect::<String>())
}

/// A census of an authority: children by id, each with a referral and, where it is closed, the day.
fn cin(year: u32, authority: &str, children: &[(&str, Option<&str>)]) -> String {
    let child = |(id, closed): &(&str, Option<&str>)| {
        let closed = closed.map(|d| format!("<CINclosureDate>{d}</CINclosureDate>")).unwrap_or_default();
        format!(
            "<Child><ChildIdentifiers><LAchildID>{id}</LAchildID><PersonBirthDate>2012-01-11</PersonBirthDate><Sex>M</Sex></ChildIdentifiers><ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics><CINdetails><CINreferralDate>2023-11-15</CINreferralDate><ReferralSource>6</ReferralSource><PrimaryNeedCode>N1</PrimaryNeedCode>{closed}</CINdetails></Child>"
        )
    };
    let children: String = children.iter().map(child).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>{year}</Year><ReferenceDate>{year}-03-31</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>{authority}</LEA></Source></Header><Children>{children}</Children></Message>"
    )
}

fn lab(source: &str) -> Lab {
    Lab::new(&[source], "injury_violence", &["monthly_trend"])
}

/// `svp run --ingest-only`.
fn ingest(lab: &Lab) -> Svp {
    lab.run().arg("--ingest-only")
}

/// Writes an extract below the folder of its source, folders and all.
fn give(lab: &Lab, source: &str, file: &str, text: impl AsRef<[u8]>) -> std::path::PathBuf {
    let to = lab.extracts(source).join(file);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(&to, text).unwrap();
    to
}

/// The findings that a command told, as kind and file.
fn findings(ran: &Ran) -> Vec<(String, String)> {
    let field = |line: &str| -> Option<(String, String)> {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let finding: serde_json::Value = serde_json::from_str(line["fields"]["finding"].as_str()?).ok()?;
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        Some((text("kind"), text("file")))
    };
    ran.stderr.lines().filter_map(field).collect()
}

fn told(kind: &str, file: &str) -> (String, String) {
    (kind.to_owned(), file.to_owned())
}

fn events(lab: &Lab) -> i64 {
    number(&lab.lake(), "SELECT count(*) FROM event")
}

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
    for words in ["half were doubles", "`shrunk`", "police_street, 2025-01-wessmark-street", "notes.txt"] {
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

    let lab = self::lab("istv");
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
    let lab = self::lab("ecds");
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
    let lab = self::lab("cin_census");
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

/// The canonical tables as text.
fn canonical(lake: &std::path::Path) -> Vec<Vec<Vec<String>>> {
    [
        "SELECT event_id, source, slot, source_row, offence_code, outcome, row_digest FROM event ORDER BY 1",
        "SELECT * FROM party ORDER BY party_id, event_id",
        "SELECT * FROM episode ORDER BY episode_id",
        "SELECT person_record_id, event_id, slot FROM person_record ORDER BY 1, 2, 3",
    ]
    .iter()
    .map(|query| sql(lake, query).rows)
    .collect()
}

#[test]
fn any_order_of_deliveries_gives_the_same_lake() {
    // A crime in three extracts, one in two, and each with one of its own; the February extract comes in two releases, of which
    // the second drops a crime that January knows.
    let police = [
        ("rms_crimes_2025-01.csv", rms(&[("A", "105A", "Filed"), ("B", "105A", "Filed"), ("C", "105A", "Filed")])),
        ("rms_crimes_2025-02_v1.csv", rms(&[("A", "8N", "Charged"), ("B", "8N", "Filed"), ("D", "8N", "Filed")])),
        ("rms_crimes_2025-02_v2.csv", rms(&[("A", "8N", "Filed"), ("D", "8N", "Charged"), ("E", "8N", "Filed")])),
        ("rms_crimes_2025-03.csv", rms(&[("A", "5D", "Finalised")])),
    ];
    let care = [
        ("CIN_2023.xml", cin(2023, "989", &[("K1", None), ("K2", None)])),
        ("CIN_2024.xml", cin(2024, "989", &[("K1", None), ("K3", None)])),
        ("CIN_2025.xml", cin(2025, "989", &[("K1", Some("2024-09-30"))])),
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
    let lab = self::lab("police_street");
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
    crate::support::svp(["--site"])
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
        for key in ["months", "sender", "dated", "release", "definition", "rows", "place"] {
            file.as_object_mut().unwrap().remove(key);
        }
    }
    for key in ["findings", "accepted"] {
        record["body"].as_object_mut().unwrap().remove(key);
    }
    fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
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

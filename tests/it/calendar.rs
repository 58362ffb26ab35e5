//! What is known of which month: a month without a file is not available, a month without an event is zero, and whatever counts by time
//! divides by the months that were observed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::analysis::{near, rows};
use crate::support::{Lab, Table, release_digests, sample, sample_data, sql, svp};

const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,Last outcome category,Context";
const CRIMES: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";

/// Open police data of one month: `n` violent offences and one of another kind.
fn street(lab: &Lab, month: &str, n: usize) {
    let row = |i: usize, kind: &str| {
        format!(
            "{month}{i:04},{month},Wessmark Police,Wessmark Police,-3.156217,50.444162,On or near A Street,E01990001,Northmere 001A,{kind},Under investigation,"
        )
    };
    let mut lines: Vec<String> = (0..n).map(|i| row(i, "Violence and sexual offences")).collect();
    lines.push(row(n, "Shoplifting"));
    lab.write(&format!("police_street/{month}-wessmark-street.csv"), format!("{STREET}\n{}\n", lines.join("\n")));
}

/// An area of some months.
fn period(lab: &Lab, from: &str, to: &str) {
    lab.edit("pipelines/areas/wessmark.toml", "from = \"2023-04\"", &format!("from = \"{from}\""));
    lab.edit("pipelines/areas/wessmark.toml", "to = \"2025-03\"", &format!("to = \"{to}\""));
}

fn lab(outputs: &[&str]) -> Lab {
    Lab::new(&["police_street"], "open_data_stand_in", outputs)
}

/// The only CSV file of an output in a release.
fn output(lab: &Lab, release: u64, name: &str) -> Table {
    let folder = lab.release(release);
    let file = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).find(|f| {
        f.file_name().unwrap().to_string_lossy().starts_with(&format!("{name}__"))
            && f.extension().is_some_and(|e| e == "csv")
    });
    Table::read(&file.unwrap_or_else(|| panic!("{name} is not in {}", folder.display())))
}

fn report(lab: &Lab, release: u64) -> String {
    fs::read_to_string(lab.release(release).join("report.html")).unwrap()
}

fn analysis(lab: &Lab, name: &str, set: &[&str]) -> Table {
    let ran = svp(["--site"])
        .arg(lab.site())
        .args(["analyse", name, "--area", "wessmark", "--format", "csv", "--lake"])
        .arg(lab.lake())
        .args(set.iter().flat_map(|pair| ["--set", pair]))
        .run();
    rows(ran)
}

/// Months from `first` on, as many as are wanted.
fn months(first: (i32, i32), n: i32) -> Vec<String> {
    (0..n).map(|i| first.1 - 1 + i).map(|i| format!("{}-{:02}", first.0 + i / 12, i % 12 + 1)).collect()
}

fn column(table: &Table, name: &str) -> BTreeMap<String, String> {
    let (month, value) = (table.at("month"), table.at(name));
    table.rows.iter().map(|r| (r[month].clone(), r[value].clone())).collect()
}

#[test]
fn a_month_without_a_file_is_not_available() {
    let lab = lab(&["monthly_trend", "by_district", "hotspot_grid_250m", "time_coverage"]);
    period(&lab, "2024-12", "2025-04");
    for month in ["2025-01", "2025-03"] {
        street(&lab, month, 40);
    }
    let ran = lab.run().run().good();
    ran.says(&[
        "finding  police_street: no file of wessmark for 2024-12, 2025-02, 2025-04 [missing_months, 3 of 5 = 60.0 %]",
    ]);
    let trend = output(&lab, 1, "monthly_trend");
    assert_eq!(trend.column("month"), ["2024-12", "2025-01", "2025-02", "2025-03", "2025-04"]);
    assert_eq!(trend.column("events"), ["[x]", "40", "[x]", "40", "[x]"]);
    assert_eq!(trend.column("broken"), ["not supplied", "none", "not supplied", "none", "not supplied"]);
    assert!(trend.column("events_suppressed").iter().all(|s| *s == "false"), "not available is not suppressed");
    let report = report(&lab, 1);
    assert!(report.contains(
        "Jan 2025 to Mar 2025; not available: Dec 2024 (wessmark), Feb 2025 (wessmark), Apr 2025 (wessmark)"
    ));
    assert!(report.contains("2 of 5 months observed. Not available: 2024-12, 2025-02, 2025-04."));
    // A total of the period is that of the months that are known.
    let districts = output(&lab, 1, "by_district");
    assert_eq!(districts.column("events").iter().filter_map(|n| n.parse::<i64>().ok()).sum::<i64>(), 80);
    let told = sql(&lab.lake(), "SELECT kind, source, count FROM finding");
    assert_eq!(told.rows, [["missing_months", "police_street", "3"]]);
    // The file comes: nothing is missing in between any more, and the run before told it once.
    street(&lab, "2025-02", 7);
    lab.run().run().good().says(&["no file of wessmark for 2024-12, 2025-04 ["]);
    assert_eq!(output(&lab, 2, "monthly_trend").column("events"), ["[x]", "40", "7", "40", "[x]"]);
    let coverage = sql(&lab.lake(), "SELECT month, state, known_by FROM coverage ORDER BY month");
    assert_eq!(coverage.column("month"), ["2025-01", "2025-02", "2025-03"], "without an area: what the files span");
    assert!(coverage.rows.iter().all(|r| r[1..] == ["loaded", "name"]));
}

#[test]
fn twelve_months_are_months_of_the_calendar() {
    let lab = lab(&["monthly_trend", "by_district"]);
    period(&lab, "2024-01", "2025-08");
    let given: Vec<String> = months((2024, 1), 20).into_iter().filter(|m| m != "2024-07").collect();
    for month in &given {
        street(&lab, month, 10);
    }
    lab.run().run().good();
    let published = output(&lab, 1, "monthly_trend");
    let (events, year) = (column(&published, "events"), column(&published, "twelve_months"));
    assert_eq!(events.len(), 20);
    for (month, n) in &events {
        assert_eq!(n, if month == "2024-07" { "[x]" } else { "10" }, "{month}");
        // The first whole year after the gap ends in July 2025.
        assert_eq!(year[month], if month.as_str() >= "2025-07" { "120" } else { "[x]" }, "{month}");
    }
    // The analysis says the same, month by month.
    let trend = analysis(&lab, "trend", &[]);
    for name in ["events", "twelve_months"] {
        let known: BTreeMap<String, String> = column(&published, name)
            .into_iter()
            .map(|(m, v)| (m, if v == "[x]" { String::new() } else { v }))
            .collect();
        assert_eq!(column(&trend, name), known, "{name}");
    }
    assert_eq!(column(&trend, "state")["2024-07"], "not supplied");
    // Nineteen months of ten.
    let area = analysis(&lab, "by_area", &["layer=force"]);
    let (n, people, rate) =
        (area.counts("code", "events"), area.counts("code", "residents"), area.counts("code", "rate"));
    assert_eq!(n["E23990001"], 190.0);
    assert!((rate["E23990001"] - 190.0 * 12_000.0 / 19.0 / people["E23990001"]).abs() < 1e-3);
    let seasons = analysis(&lab, "seasons", &[]);
    assert_eq!(seasons.counts("month_of_year", "months")["07"], 1.0, "July 2025 alone");
    assert_eq!(seasons.counts("month_of_year", "months")["08"], 2.0);
    let history = analysis(&lab, "hot_spot_history", &[]);
    assert_eq!(history.column("months"), ["19"]);
    assert_eq!(history.column("class"), ["persistent"]);
    // Twelve months from August 2024 on foretell; before that they hold eleven that are known, which foretell as much a month.
    let scores = analysis(&lab, "scoring", &["train=6", "horizon=3", "step=1"]);
    let (origin, events) = (scores.at("origin"), scores.at("events"));
    let of = |month: &str| scores.rows.iter().find(|r| r[origin] == month).unwrap()[events].clone();
    assert_eq!(
        (of("2024-07"), of("2024-08")),
        ("20.0".to_owned(), "30.0".to_owned()),
        "what is foretold is of known months"
    );
    let share =
        scores.rows.iter().filter(|r| r[scores.at("share")] == "0.005" && r[scores.at("method")] == "all months");
    let rri: Vec<&str> = share.map(|r| r[scores.at("rri")].as_str()).collect();
    assert!(rri.iter().all(|r| *r == "1.0"), "ten a month foretell ten a month, over a gap too: {rri:?}");
    let threat = analysis(&lab, "threat_matrix", &[]);
    let volume = threat.rows.iter().find(|r| r[threat.at("measure")] == "volume").unwrap();
    near(volume[threat.at("value")].parse().unwrap(), 120.0);
    let trend = threat.rows.iter().find(|r| r[threat.at("measure")] == "trend").unwrap();
    assert_eq!(trend[threat.at("value")], "", "no two whole years");
}

/// A crime: its number, its month, its class.
fn crime(number: usize, month: &str, class: &str) -> String {
    let (year, month) = month.split_once('-').unwrap();
    format!(
        "A{number},06/{month}/{year} 10:00,05/{month}/{year} 10:00,,10501,{class},Assault,Filed,15,320555,60515,WM1 4ED,Street,AV001,Averholt LPA,N,,N,N,,,N{number},VICTIM,Ada,Quill,02/06/2001,23,F,W1,WM22 2HA,Stranger"
    )
}

#[test]
fn months_without_events_are_zero_and_count() {
    // Two years in one file: violence every second month, something else in between.
    let lab = Lab::new(&["police_rms"], "injury_violence", &["monthly_trend"]);
    let mut lines = vec![CRIMES.to_owned()];
    for (i, month) in months((2023, 4), 24).iter().enumerate() {
        let (n, class) = if i % 2 == 0 { (10, "8N") } else { (1, "105A") };
        lines.extend((0..n).map(|k| crime(i * 100 + k, month, class)));
    }
    lab.write("police_rms/rms_crimes_2025-03.csv", lines.join("\r\n") + "\r\n");
    lab.run().run().good();
    let trend = output(&lab, 1, "monthly_trend");
    assert_eq!(trend.rows.len(), 24);
    for (i, (month, n)) in column(&trend, "events").iter().enumerate() {
        assert_eq!(n, if i % 2 == 0 { "10" } else { "0" }, "{month}");
    }
    assert_eq!(trend.column("twelve_months")[11..].iter().collect::<Vec<_>>(), vec![&"60"; 13]);
    assert_eq!(column(&analysis(&lab, "trend", &[]), "events"), column(&trend, "events"));
    // From the first to the last month with violence, 700 days: 20 in 57 days of February, 120 in all.
    let seasons = analysis(&lab, "seasons", &[]);
    let ratio = seasons.counts("month_of_year", "ratio_to_whole");
    assert!((ratio["02"] - (20.0 / 57.0) / (120.0 / 700.0)).abs() < 1e-3, "{ratio:?}");
    assert_eq!(seasons.counts("month_of_year", "events")["03"], 0.0);
    let history = analysis(&lab, "hot_spot_history", &[]);
    assert_eq!((history.column("months"), history.column("months_at_top")), (vec!["23"], vec!["12"]));
    assert_eq!(history.column("class"), ["intermittent"]);
}

#[test]
fn of_several_sources_all_must_have_supplied_a_month() {
    let lab = Lab::new(
        &["police_rms", "ecds"],
        "injury_violence",
        &["monthly_trend", "by_district", "known_to_whom_by_month"],
    );
    period(&lab, "2025-01", "2025-03");
    for month in ["2025-01", "2025-02", "2025-03"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
        if month != "2025-02" {
            lab.give(&format!("ecds/ecds_{month}.csv"));
        }
    }
    lab.run().run().good().says(&["ecds: no file of XW1 for 2025-02 [missing_months, 1 of 3 = 33.3 %]"]);
    let trend = output(&lab, 1, "monthly_trend");
    assert_eq!(trend.column("broken"), ["none", "supplied in part", "none"]);
    assert_eq!(trend.column("events")[1], "[x]");
    assert!(trend.column("events")[0].parse::<i64>().is_ok_and(|n| n > 0));
    assert!(report(&lab, 1).contains("2 of 3 months observed. Supplied in part: 2025-02."));
    // Rates leave February out, the police's part of it too.
    let known = "SELECT count(*) AS n FROM event WHERE in_area IS NOT FALSE AND month IN ('2025-01', '2025-03') \
                 AND ((agency = 'police' AND offence_group IN ('homicide', 'violence_with_injury')) OR (event_type = 'attendance' AND injury_intent = 'assault'))";
    let n: f64 = sql(&lab.lake(), known).one().parse().unwrap();
    let area = analysis(&lab, "by_area", &["layer=force"]);
    near(area.rows.iter().map(|r| r[area.at("events")].parse::<f64>().unwrap()).sum(), n);
    let (people, rate) = (area.counts("code", "residents")["E23990001"], area.counts("code", "rate")["E23990001"]);
    let placed = area.counts("code", "events")["E23990001"];
    assert!((rate - placed * 12_000.0 / 2.0 / people).abs() < 1e-3);
    // The hospital's file comes: February is a number.
    lab.give("ecds/ecds_2025-02.csv");
    let ran = lab.run().run().good();
    assert!(!ran.stderr.contains("missing_months"), "{}", ran.stderr);
    let trend = output(&lab, 2, "monthly_trend");
    assert_eq!(trend.column("broken"), ["none"; 3]);
    assert!(trend.column("events")[1].parse::<i64>().is_ok_and(|n| n > 0));
    assert!(!report(&lab, 2).contains("months observed."));
}

#[test]
fn of_several_senders_all_must_have_supplied_a_month() {
    let lab = Lab::new(&["ecds"], "injury_violence", &["monthly_trend"]);
    period(&lab, "2025-01", "2025-03");
    // The trust's code stands in the name and in the rows.
    let give = |name: &str, from: &str| {
        let text = fs::read_to_string(sample_data(from)).unwrap();
        lab.write(&format!("ecds/{name}"), text.replace("XW1", "RA1"));
    };
    give("RA1_ecds_2025-01.csv", "ecds/ecds_2025-01.csv");
    give("RA1_ecds_2025-02.csv", "ecds/ecds_2025-02.csv");
    give("RA1_ecds_2025-03.csv", "ecds/ecds_2025-03.csv");
    // The other trust: months of the year before under names of this one would be refused, so its files hold a header alone.
    let header =
        fs::read_to_string(sample_data("ecds/ecds_2025-01.csv")).unwrap().lines().next().unwrap().to_owned() + "\n";
    lab.write("ecds/RB2_ecds_2025-01.csv", &header);
    lab.write("ecds/RB2_ecds_2025-03.csv", header.replace('\n', "\r\n"));
    lab.run().run().good().says(&["ecds: no file of RB2 for 2025-02 [missing_months, 1 of 3"]);
    let coverage = svp(["--site"])
        .arg(lab.site())
        .args(["sql", "--area", "wessmark", "--format", "csv", "--lake"])
        .arg(lab.lake());
    let found = rows(coverage.arg("SELECT sender, month, state FROM coverage ORDER BY sender, month").run());
    let state: Vec<&str> = found.column("state");
    assert_eq!(state, ["loaded", "loaded", "loaded", "empty", "missing", "empty"]);
    // No event of the second trust falls under the definition: it is not asked.
    assert!(output(&lab, 1, "monthly_trend").column("events")[1].parse::<i64>().is_ok_and(|n| n > 0));
}

#[test]
fn a_lake_whose_files_say_no_months_is_read_by_its_rows() {
    let lab = lab(&["monthly_trend"]);
    period(&lab, "2024-12", "2025-04");
    for (month, n) in [("2025-01", 10), ("2025-03", 20)] {
        street(&lab, month, n);
    }
    lab.run().run().good();
    // As a lake is that was filled before names were read.
    let record: PathBuf = lab.lake().join("runs/00000001.json");
    let mut text: serde_json::Value = serde_json::from_str(&fs::read_to_string(&record).unwrap()).unwrap();
    for file in text["body"]["files"].as_array_mut().unwrap() {
        let file = file.as_object_mut().unwrap();
        assert!(file.remove("months").is_some() && file.remove("tables").is_some());
        file.remove("sender");
        // It kept names, and no second place.
        let month = file["slot"].as_str().unwrap().split('@').next().unwrap()[..7].to_owned();
        file.insert("file".into(), format!("{month}-wessmark-street.csv").into());
    }
    fs::write(&record, serde_json::to_string(&text).unwrap()).unwrap();
    fs::remove_file(lab.lake().join("ledger/finished.json")).unwrap();
    let trend = analysis(&lab, "trend", &[]);
    assert_eq!(
        trend.column("events"),
        ["", "10", "0", "20", ""],
        "between first and last event the rows say that all is known"
    );
    let known = || sql(&lab.lake(), "SELECT DISTINCT known_by FROM coverage WHERE state <> 'missing'").one().to_owned();
    assert_eq!(known(), "inferred");
    // The next run reads the names that it finds in the record.
    street(&lab, "2025-04", 5);
    lab.run().run().good().says(&["no file of wessmark for 2024-12, 2025-02 ["]);
    assert_eq!(known(), "name");
    assert_eq!(output(&lab, 2, "monthly_trend").column("events"), ["[x]", "10", "[x]", "20", "5"]);
}

#[test]
fn what_is_whole_says_nothing_of_months() {
    let findings = sql(&sample().lake, "SELECT count(*) AS n FROM finding WHERE kind = 'missing_months'");
    assert_eq!(findings.one(), "0");
    let release = &sample().release;
    assert!(!release_digests(release).is_empty());
    assert!(!fs::read_to_string(release.join("report.html")).unwrap().contains("months observed"));
}

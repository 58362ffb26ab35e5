//! One file adds one thing: a canonical table, a source, an output, an analysis and a policy come into a site by a text file each, and
//! no file of Rust knows of them.

use std::fs;

use crate::support::{Lab, number, sql};

const TABLE: &str = r#"name = "fire_call"
title = "Fire call"
description = "A call to the fire service about deliberate fire."
zone = "canonical"
grain = "one call"
partition = ["source", "slot"]
record = "call_id"
counts_records = true

[[column]]
name = "record_id"
type = "text"
meaning = "The call's number at the service; becomes call_id"
sensitivity = "direct"

[[column]]
name = "call_id"
type = "token"
from = ["record_id"]
scope = "source"
domain = "event_id"
required = true
meaning = "Keyed token of the call"
sensitivity = "quasi"

[[column]]
name = "source"
type = "text"
required = true
meaning = "Source"
sensitivity = "open"

[[column]]
name = "slot"
type = "text"
required = true
meaning = "Slot of the source file"
sensitivity = "open"

[[column]]
name = "called_at"
type = "timestamp"
required = true
meaning = "Moment of the call"
sensitivity = "quasi"

[[column]]
name = "kind"
type = "text"
codes = { vehicle = "a vehicle", refuse = "refuse" }
on_bad = "blank"
meaning = "What burnt"
sensitivity = "open"

[[check]]
rule = "before_the_service"
column = "called_at"
expr = "called_at >= TIMESTAMP '1990-01-01'"
meaning = "The service has no record from before 1990"
"#;

const SOURCE: &str = r#"name = "fire"
title = "Calls of the fire service"
description = "Deliberate fires, monthly."
agency = "police"

[files]
slot = '(?<slot>fire_(?<year>\d{4})-(?<month>\d{2}))'
covers = "month"
period_of = "called_at"
revises = "record"

[reader]
kind = "csv"

[law]
controller = "fire and rescue authority"
lawful_basis = "UK GDPR art. 6(1)(e)"
gateway = "PCSC Act 2022 s16"
gateways = ["pcsc_2022_s16"]
information = ["anonymous"]
audiences = ["partner", "fire_board"]
retention_months = 84

[disclosure]
suppress_below = 5
round_to = 5
rule = "the authority's"

[thresholds]
quarantined = 0.2

[maps.kind]
V = "vehicle"
R = "refuse"

[[feed]]
name = "rows"
columns = ["Call", "Time", "Kind"]
record_id = '"Call"'

[feed.fire_call]
called_at = '''uk_timestamp("Time", 'dd/mm/yyyy hh:mi')'''
kind = '''code_map('kind', "Kind")'''
"#;

const OUTPUT: &str = r#"--! name = "calls_by_kind"
--! title = "Deliberate fires"
--! subtitle = "Calls by what burnt"
--! description = "Calls to the fire service."
--! reads = ["fire_call"]
--! per_definition = false
--! grain = [{ name = "kind", title = "Kind" }]
--! counts = [{ name = "calls", title = "Calls" }]
--! audiences = ["partner", "fire_board"]
--! not_available = "no calls were supplied"
SELECT coalesce(kind, 'not known') AS kind, count(*) AS calls FROM fire_call GROUP BY 1 ORDER BY 1
"#;

const ANALYSIS: &str = r#"--! name = "calls_by_hour"
--! title = "Deliberate fires by hour"
--! description = "Calls by hour of the day."
SELECT CAST(date_part('hour', called_at) AS INT) AS hour, count(*) AS calls FROM fire_call GROUP BY 1 ORDER BY 1
"#;

/// A site with all of it, and a month of calls.
fn site() -> Lab {
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district"]);
    let put = |file: &str, text: &str| {
        let path = lab.site().join("pipelines").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("schemas/fire_call.toml", TABLE);
    put("sources/fire.toml", SOURCE);
    put("outputs/calls_by_kind.sql", OUTPUT);
    put("analyses/calls_by_hour.sql", ANALYSIS);
    let university = fs::read_to_string(lab.site().join("pipelines/policies/university.toml")).unwrap();
    put("policies/fire_board.toml", &university.replace("\"university\"", "\"fire_board\""));
    lab.edit("pipelines/areas/wessmark.toml", "\"by_district\"", "\"calls_by_kind\"");
    lab.edit("pipelines/areas/wessmark.toml", "audience = \"partner\"", "audience = \"fire_board\"");
    lab.edit("pipelines/areas/wessmark.toml", "source = \"police_rms\"", "source = \"fire\"");
    lab.edit("pipelines/areas/wessmark.toml", "\"police_rms\"", "\"fire\"");
    fs::create_dir_all(lab.extracts("fire")).unwrap();
    lab
}

fn calls(n: usize, kind: impl Fn(usize) -> &'static str) -> String {
    let row = |i: usize| format!("F{i},{:02}/01/2025 2{}:15,{}\n", i % 28 + 1, i % 3, kind(i));
    format!("Call,Time,Kind\n{}", (0..n).map(row).collect::<String>())
}

#[test]
fn a_table_a_source_an_output_an_analysis_and_a_policy_are_one_file_each() {
    let lab = site();
    let months = calls(60, |i| if i % 3 == 0 { "V" } else { "R" });
    // A row that breaks the table's own rule, and one whose kind nobody knows.
    lab.write("fire/fire_2025-01.csv", format!("{months}X1,01/01/1980 10:00,V\nX2,02/01/2025 20:15,Z\n"));
    lab.check().run().good();
    lab.run().run().good();
    let lake = lab.lake();
    assert_eq!(number(&lake, "SELECT count(*) FROM fire_call"), 61);
    assert_eq!(
        sql(&lake, "SELECT table_name, column_name, rule, count(*) FROM quarantine GROUP BY 1, 2, 3").rows,
        [["fire_call", "called_at", "before_the_service", "1"]],
        "bad rows stand under the name of their own table"
    );
    let release = lake.join("published/000001-wessmark-fire_board");
    let published = fs::read_to_string(release.join("calls_by_kind__opcc_2020.csv")).unwrap();
    assert!(published.contains("refuse,40") && published.contains("vehicle,20"), "{published}");
    let hours = crate::support::svp(["--site"])
        .arg(lab.site())
        .args(["analyse", "calls_by_hour", "--area", "wessmark", "--format", "csv", "--lake"])
        .arg(&lake)
        .run()
        .good();
    assert_eq!(hours.stdout.lines().count(), 4, "{}", hours.stdout);
}

#[test]
fn records_of_a_table_of_the_site_are_revised_and_taken_out_like_any() {
    let lab = site();
    lab.write("fire/fire_2025-01.csv", calls(60, |_| "V"));
    lab.run().args(["--ingest-only"]).run().good();
    // February tells thirty of the calls anew, and thirty more.
    let later = calls(90, |_| "R")
        .lines()
        .enumerate()
        .filter(|(at, _)| *at == 0 || *at > 30)
        .map(|(_, l)| format!("{l}\n"))
        .collect::<String>();
    lab.write("fire/fire_2025-02.csv", later.replace("/01/2025", "/02/2025"));
    lab.run()
        .args(["--ingest-only", "--accept", "fire:fire_2025-02:contradicting_rows", "--reason", "moved"])
        .run()
        .good();
    let lake = lab.lake();
    assert_eq!(
        sql(&lake, "SELECT kind, count(*) FROM fire_call GROUP BY 1 ORDER BY 1").rows,
        [["refuse", "60"], ["vehicle", "30"]]
    );
    crate::support::svp(["--site"])
        .arg(lab.site())
        .args(["unload", "fire:fire_2025-02", "--reason", "a test", "--lake"])
        .arg(&lake)
        .arg("--key")
        .arg(lab.key())
        .run()
        .good();
    assert_eq!(sql(&lake, "SELECT kind, count(*) FROM fire_call GROUP BY 1").rows, [["vehicle", "60"]]);
}

#[test]
fn a_table_that_is_misspelt_or_not_ones_own_is_told() {
    let lab = site();
    lab.edit("pipelines/sources/fire.toml", "[feed.fire_call]", "[feed.fire_cal]");
    lab.check().run().ended(3).says(&["there is no table `fire_cal`", "did you mean `fire_call`?"]);
    lab.edit("pipelines/schemas/fire_call.toml", "name = \"fire_call\"", "name = \"event\"");
    lab.check().run().ended(3).says(&["one of svp's own"]);
}

#[test]
fn one_file_may_be_several_tables() {
    let lab = site();
    let text = OUTPUT
        .replace("\"calls_by_kind\"", "\"calls_from_{hour}\"\n--! variants = { hour = [20, 21] }")
        .replace("\"Deliberate fires\"", "\"Deliberate fires from {hour} o'clock\"")
        .replace("FROM fire_call", "FROM fire_call WHERE date_part('hour', called_at) >= {hour}");
    fs::write(lab.site().join("pipelines/outputs/calls_from_{hour}.sql"), text).unwrap();
    lab.edit("pipelines/areas/wessmark.toml", "\"calls_by_kind\"", "\"calls_from_20\", \"calls_from_21\"");
    lab.write("fire/fire_2025-01.csv", calls(60, |_| "V"));
    lab.run().run().good();
    let release = lab.lake().join("published/000001-wessmark-fire_board");
    let read = |name: &str| fs::read_to_string(release.join(format!("{name}__opcc_2020.csv"))).unwrap();
    assert!(read("calls_from_20").contains("vehicle,60"), "{}", read("calls_from_20"));
    assert!(read("calls_from_21").contains("vehicle,40"), "{}", read("calls_from_21"));
    assert!(fs::read_to_string(release.join("report.html")).unwrap().contains("Deliberate fires from 21 o"));
    // A variant that the name does not tell would be one table twice.
    lab.edit("pipelines/outputs/calls_from_{hour}.sql", "name = \"calls_from_{hour}\"", "name = \"calls\"");
    lab.check().run().ended(3).says(&["`variants` has one name"]);
}

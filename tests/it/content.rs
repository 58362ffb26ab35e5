//! What a published table and a stored text may contain: nothing that points at a person gets in beside the counts.

use std::fs;

use crate::support::{Lab, Ran, number, svp};

/// A site whose output `by_district` has this header and SELECT, checked.
fn checked(grain: &str, attributes: &str, select: &str) -> Ran {
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district"]);
    output(&lab, grain, attributes, select);
    svp(["--site"]).arg(lab.site()).arg("check").run()
}

fn output(lab: &Lab, grain: &str, attributes: &str, select: &str) {
    let text = format!(
        "--! name = \"by_district\"\n--! title = \"T\"\n--! description = \"\"\n--! reads = [\"event\"]\n--! per_definition = true\n\
         --! grain = [{grain}]\n--! attributes = [{attributes}]\n--! counts = [{{ name = \"events\", title = \"Events\" }}]\n\
         --! audiences = [\"police\", \"partner\"]\n--! not_available = \"none\"\n{select}\n"
    );
    fs::write(lab.site().join("pipelines/outputs/by_district.sql"), text).unwrap();
}

const SOURCE: &str = "{ name = \"source\", title = \"Source\" }";

#[test]
fn what_points_at_an_event_is_no_grain() {
    let grain = "{ name = \"place\", title = \"Place\" }";
    for (select, from) in [
        ("SELECT event_id AS place, count(*) AS events FROM serious_violence GROUP BY 1", "event_id"),
        ("SELECT substr(event_id, 1, 30) AS place, count(*) AS events FROM serious_violence GROUP BY 1", "event_id"),
        (
            "SELECT CAST(occurred_from AS VARCHAR) AS place, count(*) AS events FROM serious_violence GROUP BY 1",
            "occurred_from",
        ),
        (
            "SELECT CAST(round(easting) AS VARCHAR) AS place, count(*) AS events FROM serious_violence GROUP BY 1",
            "easting",
        ),
        (
            "SELECT CAST(row_digest AS VARCHAR) AS place, count(*) AS events FROM serious_violence GROUP BY 1",
            "row_digest",
        ),
        ("SELECT lsoa AS place, count(*) AS events FROM serious_violence GROUP BY 1", "lsoa"),
        ("SELECT offence_group AS place, count(*) AS events FROM serious_violence GROUP BY 1", "offence_group"),
        // By way of a subquery, a window, a join, an aggregate.
        (
            "WITH w AS (SELECT max(event_id) AS id, source FROM serious_violence GROUP BY 2) SELECT w.id AS place, count(*) AS events FROM w JOIN serious_violence AS e ON e.source = w.source GROUP BY 1",
            "event_id",
        ),
        ("SELECT (SELECT max(event_id) FROM event) AS place, count(*) AS events FROM serious_violence", "event_id"),
        (
            "SELECT CAST(n AS VARCHAR) AS place, count(*) AS events FROM (SELECT source, count(*) AS n FROM serious_violence GROUP BY 1) GROUP BY 1",
            "number of rows",
        ),
        (
            "SELECT CAST(row_number() OVER (ORDER BY event_id) AS VARCHAR) AS place, 1 AS events FROM serious_violence",
            "event_id",
        ),
        ("SELECT person_key AS place, count(*) AS events FROM person_link GROUP BY 1", "person_key"),
    ] {
        let ran = checked(grain, "", select).ended(3).says(&["by_district.sql", "grain `place`", from, "hint:"]);
        assert!(!ran.stderr.contains("attribute"), "{}", ran.stderr);
    }
    // What the header says of a column is held against the column.
    let limited = |limit: &str| format!("{{ name = \"place\", title = \"Place\", limited_by = \"{limit}\" }}");
    let by = |column: &str| format!("SELECT {column} AS place, count(*) AS events FROM serious_violence GROUP BY 1");
    checked(&limited("codes"), "", &by("offence_group")).good();
    checked(&limited("area"), "", &by("lsoa")).good();
    checked(&limited("codes"), "", &by("event_id")).ended(3).says(&["event_id"]);
    checked(&limited("hours"), "", &by("offence_group")).ended(3).says(&["offence_group"]);
    checked(&limited("codes"), "", &by("CAST(occurred_from AS VARCHAR)")).ended(3).says(&["occurred_from"]);
}

#[test]
fn attributes_come_from_reference_tables() {
    let attribute = "{ name = \"note\", title = \"Note\" }";
    for (select, from) in [
        ("SELECT source, count(*) AS note, count(*) AS events FROM serious_violence GROUP BY 1", "number of rows"),
        (
            "SELECT source, max(location_type) AS note, count(*) AS events FROM serious_violence GROUP BY 1",
            "location_type",
        ),
        (
            "SELECT source, CAST(min(occurred_from) AS VARCHAR) AS note, count(*) AS events FROM serious_violence GROUP BY 1",
            "occurred_from",
        ),
        (
            "SELECT e.source, sum(p.residents) AS note, count(*) AS events FROM serious_violence AS e JOIN population AS p ON p.code = e.district GROUP BY 1",
            "number of rows",
        ),
    ] {
        checked(SOURCE, attribute, select).ended(3).says(&["by_district.sql", "attribute `note`", from, "hint:"]);
    }
    let named = "SELECT e.source, max(a.name) AS note, count(*) AS events FROM serious_violence AS e JOIN area AS a ON a.code = e.district GROUP BY 1";
    checked(SOURCE, attribute, named).good();
}

/// Who runs without checking is told the same, and nothing is released. Hours are counted.
#[test]
fn a_run_refuses_it_too() {
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district"]);
    for month in ["2024-04", "2024-05", "2024-06"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    output(
        &lab,
        SOURCE,
        "{ name = \"note\", title = \"N\" }",
        "SELECT source, count(*) AS note, count(*) AS events FROM serious_violence GROUP BY 1",
    );
    lab.run().run().ended(3).says(&["by_district", "attribute `note`", "hint:"]);
    assert!(
        !lab.lake().join("published").exists() || fs::read_dir(lab.lake().join("published")).unwrap().next().is_none()
    );
    let hours = "{ name = \"moment\", title = \"M\", limited_by = \"hours\" }";
    output(
        &lab,
        hours,
        "",
        "SELECT CAST(occurred_from AS VARCHAR) AS moment, count(*) AS events FROM serious_violence GROUP BY 1",
    );
    lab.edit("pipelines/definitions/opcc_2020.toml", "offence_code IN ('1', '2', '5D')", "TRUE");
    let ran = lab.run().run().ended(3).says(&["`moment`", "hours", "hint:"]);
    let told = ran.stderr.split("error:").nth(1).unwrap();
    assert!(!told.contains("2024"), "no member is told: {told}");
}

/// What disclosure control cannot judge is searched before it is seen: a table of the site can hold anything.
#[test]
fn an_identifier_in_a_table_stops_the_release() {
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["monthly_trend"]);
    lab.give("police_rms/rms_crimes_2024-05.csv");
    let file = "pipelines/reference/recording_break.csv";
    let header = fs::read_to_string(lab.site().join(file)).unwrap().lines().next().unwrap().to_owned();
    let columns: Vec<&str> = header.split(',').collect();
    let row = columns.iter().map(|c| match *c {
        "from_month" | "to_month" => "2024-05",
        "kind" => "event",
        "name" => "seen by 943 476 5919",
        _ => "",
    });
    let row = row.collect::<Vec<_>>().join(",");
    fs::write(lab.site().join(file), format!("{header}\n{row}\n")).unwrap();
    let ran = lab.run().run().ended(9).says(&["monthly_trend__opcc_2020", "broken", "NHS number", "hint:"]);
    assert!(!ran.stderr.contains("943") && !ran.stdout.contains("943"), "the value is not told");
    assert!(!lab.release(1).exists());
}

/// Free text, names and dates that a mapping puts where a code belongs are not stored.
#[test]
fn stored_texts_are_codes() {
    for (from, to, column) in [
        (
            "outcome = '''concat_ws(' ', code_map('status', \"Status\"), CAST(parse_integer(\"Outcome\") AS VARCHAR))'''",
            "outcome = '\"MO Text\"'",
            "outcome",
        ),
        (
            "outcome = '''concat_ws(' ', code_map('status', \"Status\"), CAST(parse_integer(\"Outcome\") AS VARCHAR))'''",
            "outcome = '\"Surname\"'",
            "outcome",
        ),
        (
            "outcome = '''concat_ws(' ', code_map('status', \"Status\"), CAST(parse_integer(\"Outcome\") AS VARCHAR))'''",
            "crime_type = '\"Surname\"'",
            "crime_type",
        ),
        (
            "outcome = '''concat_ws(' ', code_map('status', \"Status\"), CAST(parse_integer(\"Outcome\") AS VARCHAR))'''",
            "month = '\"Date Of Birth\"'",
            "month",
        ),
        ("offence_code = '''offence_code(\"HOCR Class\")'''", "offence_code = '\"Surname\"'", "offence_code"),
    ] {
        let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district"]);
        lab.give("police_rms/rms_crimes_2024-05.csv");
        lab.edit("pipelines/sources/police_rms.toml", from, to);
        let ran = svp(["--site"]).arg(lab.site()).args(["check", "--area", "wessmark", "--rows"]).run();
        assert_eq!(ran.code, 4, "{to}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(column), "{to}: {}", ran.stderr);
        lab.run().run().ended(4);
        let stored = lab.lake().join("canonical/event");
        assert!(!stored.exists() || number(&lab.lake(), "SELECT count(*) FROM event") == 0, "{to}");
    }
}

#[test]
fn counts_are_counted_and_not_scaled() {
    let made = |select: &str| checked(SOURCE, "", select);
    let by = |count: &str| format!("SELECT source, {count} AS events FROM serious_violence GROUP BY 1");
    for (select, what) in [
        (by("100 * count(*)"), "a multiple of a count"),
        (by("count(*) / 2"), "a multiple of a count"),
        (by("CAST(count(*) AS DOUBLE) * 0.01"), "a multiple of a count"),
        (by("sum(7)"), "a multiple of a count"),
        (by("sum(CASE WHEN domestic THEN 40 ELSE 0 END)"), "a multiple of a count"),
        (by("count(*) * 5 + 1000"), "made by arithmetic"),
        (by("count(*) + count(*)"), "made by arithmetic"),
        (by("count(*) - 1"), "made by arithmetic"),
        (by("power(count(*), 2)"), "made by a function"),
        (by("round(count(*), -1)"), "made by a function"),
        (by("avg(easting)"), "made by an aggregate that does not count"),
        (by("coalesce(sum(nullif(0, 0)), 12)"), "a constant"),
        (by("CASE WHEN count(*) < 5 THEN 5 ELSE count(*) END"), "one thing in some rows and another in others"),
        // By way of a subquery, a join, a union, a window.
        (
            "SELECT source, n AS events FROM (SELECT source, 3 * count(*) AS n FROM serious_violence GROUP BY 1)".to_owned(),
            "a multiple of a count",
        ),
        (
            "SELECT source, sum(n) AS events FROM (SELECT source, 3 * count(*) AS n FROM serious_violence GROUP BY 1) GROUP BY 1".to_owned(),
            "a multiple of a count",
        ),
        (
            "SELECT e.source, max(w.n) AS events FROM serious_violence AS e JOIN (SELECT source, count(*) + 9 AS n FROM event GROUP BY 1) AS w ON w.source = e.source GROUP BY 1".to_owned(),
            "made by arithmetic",
        ),
        (
            "SELECT source, count(*) AS events FROM event GROUP BY 1 UNION ALL SELECT source, 2 * count(*) FROM serious_violence GROUP BY 1".to_owned(),
            "one thing in some rows and another in others",
        ),
        (
            "SELECT source, sum(count(*)) OVER (ORDER BY source) AS events FROM serious_violence GROUP BY 1".to_owned(),
            "made by a window function",
        ),
    ] {
        made(&select).ended(3).says(&["by_district.sql", "`events` is no count: it is ", what, "hint:"]);
    }
    for count in [
        "count(*)",
        "coalesce(count(DISTINCT event_id), 0)",
        "CAST(count(event_id) FILTER (WHERE domestic) AS BIGINT)",
        "sum(CASE WHEN domestic THEN 1 ELSE 0 END)",
        "sum(CAST(domestic AS INT))",
        "2 * count(*) / 2.0",
        "CASE WHEN source = 'ecds' THEN NULL ELSE count(*) END",
    ] {
        made(&by(count)).good();
    }
    // A run refuses it too.
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["by_district"]);
    for month in ["2024-04", "2024-05", "2024-06"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    output(&lab, SOURCE, "", &by("100 * count(*)"));
    lab.run().run().ended(3).says(&["`events` is no count"]);
}

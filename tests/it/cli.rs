//! How the program speaks: the plan, quiet and JSON modes, results on standard output and nothing else there.

use crate::support::{CLOCK, Lab, sample, svp};

#[test]
fn a_dry_run_prints_the_plan_and_makes_nothing() {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    // No key is needed, because nothing is read.
    let ran = svp(["--site"])
        .arg(lab.site())
        .args(["run", "--area", "wessmark", "--dry-run", "--lake"])
        .arg(lab.lake())
        .run()
        .good();
    for wanted in [
        "area wessmark",
        "source police_rms: 1 files",
        "rms_crimes_2024-12.csv",
        "offence_code",
        "HOCR Class",
        "link ",
        "hotspot_grid_250m",
        "opcc_2020",
    ] {
        assert!(ran.stdout.contains(wanted), "`{wanted}` is not in the plan:\n{}", ran.stdout);
    }
    assert!(!lab.lake().exists(), "a dry run made a lake");
}

#[test]
fn quiet_says_where_the_report_is_and_no_more() {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    let ran = lab.run().arg("--quiet").run().good();
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout.trim(), lab.release(1).join("report.html").display().to_string());
}

#[test]
fn json_lines_are_json() {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    let lines = |stderr: &str| -> Vec<serde_json::Value> {
        stderr.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    };
    let said = lines(&lab.run().args(["--log", "json"]).run().good().stderr);
    let steps: Vec<&str> = said.iter().filter_map(|l| l["fields"]["step"].as_str()).collect();
    for step in ["reference", "ingest", "link", "analyse", "publish", "done"] {
        assert!(steps.contains(&step), "no step `{step}` in {steps:?}");
    }
    lab.write("police_rms/rms_crimes_2025-01.csv", "");
    let said = lines(&lab.run().args(["--log", "json"]).run().ended(4).stderr);
    let error = said.iter().find(|l| l["level"] == "ERROR").expect("a line of level ERROR");
    assert_eq!(error["fields"]["code"], 4);
    assert!(!error["fields"]["hint"].as_str().unwrap().is_empty());
}

#[test]
fn arguments_may_come_from_the_environment() {
    let lab = Lab::police();
    lab.give("police_rms/rms_crimes_2024-12.csv");
    let with = |command: &[&str]| {
        svp(command)
            .env("SVP_SITE", lab.site())
            .env("SVP_LAKE", lab.lake())
            .env("SVP_KEY", lab.key())
            .env("SVP_CLOCK", CLOCK)
    };
    with(&["run", "--area", "wessmark"]).run().good();
    let rows = with(&["sql", "--format", "csv", "SELECT count(*) AS n FROM event"]).run().good().stdout;
    assert!(rows.starts_with("n\n") && rows.trim().len() > 3, "{rows}");
    // Wessmark's own files are not touched by it: the run of the lab knows one source.
    let sources = with(&["sql", "--format", "csv", "SELECT DISTINCT source FROM event"]).run().good().stdout;
    assert_eq!(sources.trim(), "source\npolice_rms");
}

/// `svp sql` knows every function, those that need an area's boundaries when the area is named.
#[test]
fn sql_knows_every_function_and_three_forms() {
    let lake = &sample().lake;
    let ask = |form: &str, query: &str| {
        svp(["sql", "--area", "wessmark", "--format", form, "--lake"]).arg(lake).arg(query).run().good().stdout
    };
    let query = "SELECT area_at('district', 323625, 53625) AS district, bng_cell(323625, 53625, 250) AS cell, CAST(NULL AS INT) AS nothing, 1 + 1 AS two";
    assert_eq!(ask("csv", query).trim(), "district,cell,nothing,two\nE07990002,250m:323500:53500,,2");
    let object: serde_json::Value = serde_json::from_str(ask("json", query).trim()).unwrap();
    assert_eq!(
        object,
        serde_json::json!({"cell": "250m:323500:53500", "district": "E07990002", "nothing": null, "two": 2})
    );
    assert!(ask("table", query).contains("| E07990002 | 250m:323500:53500 |"), "{}", ask("table", query));
    // Reference tables of the area are there too.
    assert_eq!(ask("csv", "SELECT sum(residents) AS n FROM population WHERE code LIKE 'E01%'").trim(), "n\n159485");
}

//! The analyses of the site: each runs, none gives a figure that is none, and no event is lost or made.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::analysis::{
    Planted, TOWN, analyse, edit, events_file, near, of_file, on_sample, own_site, rows, sum,
};
use crate::support::{Table, aloud, copy_folder, number, root, sample, sample_data, sql, svp};

/// What `injury_violence` counts, written down a second time.
const COUNTED: &str = "((agency = 'police' AND offence_group IN ('homicide', 'violence_with_injury')) \
    OR (source = 'ecds' AND event_type = 'attendance' AND injury_intent = 'assault')) AND in_area IS NOT FALSE \
    AND (month IS NULL OR (month >= '2023-04' AND month <= '2025-03'))";

fn all() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("pipelines/analyses")).unwrap();
    let names: BTreeSet<String> =
        files.map(|f| f.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() >= 20, "{names:?}");
    names
}

/// Analyses whose figures hang on how events lie in cells and days.
const OF_CELLS: [&str; 9] = [
    "definitions_side_by_side",
    "dual_density",
    "grid_sensitivity",
    "harm_concentration",
    "hot_spot_history",
    "near_repeat",
    "scoring",
    "special_days",
    "when",
];
/// Analyses that divide by residents.
const OF_RESIDENTS: [&str; 4] = ["by_area", "deprivation", "dual_density", "standardised_rates"];
/// Analyses that leave broken months out.
const OF_MONTHS: [&str; 5] = ["deprivation", "hot_spot_history", "scoring", "special_days", "standardised_rates"];

#[test]
fn every_analysis_runs_on_the_sample() {
    for name in all() {
        let found = on_sample(&name, &[]);
        assert!(!found.rows.is_empty(), "{name} gives nothing");
    }
}

#[test]
fn a_period_without_events_gives_nothing_or_zeros() {
    for name in all() {
        let ran = analyse(&name).args(["--from", "2001-01", "--to", "2001-02", "--lake"]).arg(&sample().lake).run();
        let found = rows(ran);
        for column in ["events", "people", "n"] {
            // Peers have their own events, whatever ours are.
            let ours = !["harm_concentration", "most_similar"].contains(&name.as_str());
            if found.header.iter().any(|h| h == column) && ours {
                near(sum(&found, column), 0.0);
            }
        }
    }
}

#[test]
fn one_event_and_all_events_in_one_cell() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    let lsoa = "E01990030";
    for count in [1, 40] {
        let planted: Vec<Planted<'_>> =
            (0..count).map(|_| Planted("2024-01", lsoa, Some("E07990002"), Some(TOWN))).collect();
        let events = events_file(folder.path(), &planted);
        for name in all().iter().filter(|name| count == 1 || OF_CELLS.contains(&name.as_str())) {
            rows(of_file(name, &site, &events).run());
        }
        let placed = rows(of_file("place_time", &site, &events).run());
        near(sum(&placed, "events"), f64::from(count));
        let hot = rows(of_file("hotspots", &site, &events).run());
        let at = hot.at("shift");
        let whole: Vec<&Vec<String>> = hot.rows.iter().filter(|r| r[at] == "all").collect();
        assert_eq!(whole.len(), 1, "one cell");
        assert_eq!(whole[0][hot.at("events")], format!("{count}.0"));
    }
}

#[test]
fn events_are_conserved() {
    let lake = &sample().lake;
    let events = number(lake, &format!("SELECT count(*) FROM event WHERE {COUNTED}")) as f64;
    assert!(events > 1_000.0);
    near(sum(&on_sample("place_time", &[]), "events"), events);
    near(sum(&on_sample("trend", &[]), "events"), events);
    for layer in ["lsoa", "msoa", "ward", "district", "csp", "force", "command_unit", "icb"] {
        let found = on_sample("by_area", &[&format!("layer={layer}")]);
        near(sum(&found, "events"), events);
        let residents = sum(&found, "residents");
        near(residents, 159_485.0);
    }
    // No area: every event is there, and said to be in none.
    let found = on_sample("by_area", &["layer=parish"]);
    assert_eq!(found.column("code"), ["not placed"]);
    near(sum(&found, "events"), events);
    let by_decile = on_sample("deprivation", &[]);
    near(sum(&by_decile, "events"), events);
    near(sum(&by_decile, "residents"), 159_485.0);
}

#[test]
fn hotspots_count_what_may_be_on_a_map_on_any_grid() {
    let points = sql(
        &sample().lake,
        &format!(
            "SELECT easting, northing FROM event WHERE {COUNTED} AND easting IS NOT NULL AND in_area \
             AND place_precision IN ('exact', 'snapped') AND coalesce(location_type, '') <> 'home' AND domestic IS NOT TRUE"
        ),
    );
    let places = Table::read(&sample_data("reference/premises_to_exclude.csv"));
    let number = |text: &str| text.parse::<f64>().unwrap();
    let near_one = |e: f64, n: f64| {
        places.rows.iter().any(|p| {
            let (x, y, r) = (number(&p[1]), number(&p[2]), number(&p[3]));
            (e - x).powi(2) + (n - y).powi(2) <= r * r
        })
    };
    // As a release to this audience draws it, and with homes and domestic events.
    let mappable = points.rows.iter().filter(|p| !near_one(number(&p[0]), number(&p[1]))).count() as f64;
    assert!(mappable > 100.0);
    let policy = fs::read_to_string(root().join("pipelines/policies/partner.toml")).unwrap();
    let home_too = policy.contains("homes = true");
    for grid in ["bng:250", "hex:62500", "h3:8"] {
        let found = on_sample("hotspots", &[&format!("grid={grid}")]);
        let (shift, events) = (found.at("shift"), found.at("events"));
        let whole: f64 = found.rows.iter().filter(|r| r[shift] == "all").map(|r| number(&r[events])).sum();
        assert!(!home_too, "the expected number is made without homes");
        near(whole, mappable);
    }
}

#[test]
fn small_areas_of_2011_are_carried() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    // One that was split, two that were merged, one that stayed; one of which only the district is known; one of nowhere.
    let averholt = Some("E07990001");
    let mut planted: Vec<Planted<'_>> = (0..100).map(|_| Planted("2024-01", "E01980001", averholt, None)).collect();
    planted.extend((0..10).map(|_| Planted("2024-01", "E01980002", averholt, None)));
    planted.extend((0..20).map(|_| Planted("2024-01", "E01980003", averholt, None)));
    planted.extend((0..5).map(|_| Planted("2024-01", "E01990030", Some("E07990002"), None)));
    planted.push(Planted("2024-01", "", averholt, None));
    planted.push(Planted("2024-01", "", None, None));
    let events = events_file(folder.path(), &planted);
    let by = |layer: &str| rows(of_file("by_area", &site, &events).arg("--set").arg(format!("layer={layer}")).run());
    let lsoa = by("lsoa").counts("code", "events");
    let people = Table::read(&sample_data("reference/population.csv")).counts("lsoa21_code", "total_population");
    let share = people["E01990001"] / (people["E01990001"] + people["E01990002"]);
    assert!(
        (lsoa["E01990001"] - 100.0 * share).abs() < 1e-5 && (lsoa["E01990002"] - 100.0 * (1.0 - share)).abs() < 1e-5
    );
    assert_eq!((lsoa["E01990003"], lsoa["E01990030"], lsoa["not placed"]), (30.0, 5.0, 2.0));
    let csp = by("csp").counts("code", "events");
    assert_eq!((csp["Safer Averholt"], csp["Saltmarch Coast"], csp["not placed"]), (131.0, 5.0, 1.0));
    for layer in ["lsoa", "msoa", "ward", "district", "csp", "force", "command_unit", "icb"] {
        near(sum(&by(layer), "events"), planted.len() as f64);
    }
    near(sum(&rows(of_file("deprivation", &site, &events).run()), "events"), planted.len() as f64);
    // A lookup that is no longer valid is asked for by a day.
    edit(
        &site,
        "areas/wessmark.toml",
        "valid_from = \"2022-07-01\"",
        "valid_from = \"2022-07-01\"\nvalid_to = \"2026-03-31\"",
    );
    let icb = |day: &str| {
        let ran =
            of_file("by_area", &site, &events).args(["--set", "layer=icb", "--set"]).arg(format!("day={day}")).run();
        rows(ran).rows.len()
    };
    assert_eq!((icb("2026-03-31"), icb("2026-04-01"), icb("")), (3, 1, 1));
}

#[test]
fn without_a_population_there_is_no_rate() {
    let folder = TempDir::new().unwrap();
    // The file is named and is not there: an error that names it.
    let reference = folder.path().join("reference");
    copy_folder(&sample_data("reference"), &reference);
    fs::remove_file(reference.join("population.csv")).unwrap();
    analyse("by_area").arg("--reference").arg(&reference).arg("--lake").arg(&sample().lake).run().ended(4).says(&[
        "no input file at",
        "population.csv",
        "hint: check the path",
    ]);
    // The area names none: counts, and no rates.
    let site = own_site(folder.path());
    edit(
        &site,
        "areas/wessmark.toml",
        "[[reference]]\nlayout = \"ons_population\"\npath = \"population.csv\"\ncode = \"lsoa21_code\"\ntotal = \"total_population\"\nyear = 2023\n",
        "",
    );
    let planted: Vec<Planted<'_>> =
        (0..9).map(|_| Planted("2024-01", "E01980001", Some("E07990001"), Some(TOWN))).collect();
    let events = events_file(folder.path(), &planted);
    for name in OF_RESIDENTS {
        let found = rows(of_file(name, &site, &events).run());
        for column in ["rate", "residents", "people_km2", "rate_or_ratio", "standardised_rate", "crude_rate"] {
            if found.header.iter().any(|h| h == column) {
                assert!(found.column(column).iter().all(|v| v.is_empty()), "{name}: {column}");
            }
        }
        if name == "standardised_rates" {
            assert!(found.column("state").iter().all(|s| s.starts_with("not available: ")), "{found:?}");
        }
    }
    // Nobody knows how many live in the parts of a split: equal parts.
    let ran = of_file("by_area", &site, &events).args(["--set", "layer=lsoa"]).run();
    let lsoa = rows(ran).counts("code", "events");
    assert_eq!((lsoa["E01990001"], lsoa["E01990002"]), (4.5, 4.5));
}

#[test]
fn a_break_in_recording_is_said_and_left_out() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    edit(
        &site,
        "reference/recording_break.csv",
        "\nE23000035,",
        "\nE23990001,2024-02,2024-03,recording,Invented\nE23000035,",
    );
    // Ten a month, but nothing at all in the second broken month.
    let months: Vec<String> = (1..=12).map(|m| format!("2024-{m:02}")).filter(|m| m != "2024-03").collect();
    let planted: Vec<Planted<'_>> = months
        .iter()
        .flat_map(|m| (0..10).map(move |_| Planted(m, "E01990030", Some("E07990002"), Some(TOWN))))
        .collect();
    let events = events_file(folder.path(), &planted);
    for name in OF_MONTHS {
        rows(of_file(name, &site, &events).run());
    }
    let trend = rows(of_file("trend", &site, &events).run());
    let (month, broken, year) = (trend.at("month"), trend.at("broken"), trend.at("twelve_months"));
    let marked: Vec<&str> = trend.rows.iter().filter(|r| !r[broken].is_empty()).map(|r| r[month].as_str()).collect();
    assert_eq!(marked, ["2024-02", "2024-03"], "also the month without a single event");
    assert!(trend.rows.iter().all(|r| r[year].is_empty()), "every rolling year holds a broken month");
    // The broken months are in neither the events nor the years of a rate: 100 events in 10 months.
    let found = rows(of_file("by_area", &site, &events).args(["--set", "layer=district"]).run());
    assert_eq!(found.counts("code", "events")["E07990002"], 100.0);
    let residents = found.counts("code", "residents")["E07990002"];
    assert!((found.counts("code", "rate")["E07990002"] - 120_000.0 / residents).abs() < 1e-3);
    let threat = rows(of_file("threat_matrix", &site, &events).run());
    let value = |measure: &str, column: &str| {
        let row = threat.rows.iter().find(|r| r[threat.at("measure")] == measure).unwrap();
        row[threat.at(column)].clone()
    };
    assert_eq!(value("volume", "value"), "120.0");
    assert_eq!((value("trend", "value"), value("trend", "score")), (String::new(), String::new()), "no year is whole");
}

#[test]
fn judgement_stands_beside_what_was_measured_and_never_in_it() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    let planted: Vec<Planted<'_>> = (0..30).map(|_| Planted("2024-01", "E01990030", Some("E07990002"), None)).collect();
    let events = events_file(folder.path(), &planted);
    let measured = rows(of_file("threat_matrix", &site, &events).run());
    edit(
        &site,
        "reference/threat_judgement.csv",
        "reason\n",
        "reason\nviolence_with_injury,volume,3,Invented workshop,2025-01-10,older\nviolence_with_injury,volume,4,Invented workshop,2025-02-10,newer\nviolence_with_injury,community,5,Invented workshop,2025-02-10,not measured\n",
    );
    let both = rows(of_file("threat_matrix", &site, &events).run());
    let row = |table: &Table, measure: &str| -> Option<Vec<String>> {
        table.rows.iter().find(|r| r[table.at("measure")] == measure).cloned()
    };
    for measure in ["measured total", "volume", "trend", "harm", "under_18", "repeat_victims"] {
        let (before, after) = (row(&measured, measure).unwrap(), row(&both, measure).unwrap());
        assert_eq!(before[..9], after[..9], "{measure}: judgement moves nothing that was measured");
    }
    let volume = row(&both, "volume").unwrap();
    assert_eq!(volume[9..], ["4.0", "Invented workshop", "2025-02-10", "newer"]);
    let community = row(&both, "community").unwrap();
    assert_eq!((community[2].as_str(), community[5].as_str(), community[9].as_str()), ("", "", "5.0"));
    // Offence code 8N has no weight: harm is not known, and not zero.
    let harm = row(&both, "harm").unwrap();
    assert_eq!((harm[2].as_str(), harm[5].as_str(), harm[7].as_str()), ("", "", "0.0"));
}

#[test]
fn a_wrong_name_or_value_is_answered_with_a_hint() {
    let asked = |name: &str, set: &[&str]| {
        analyse(name).arg("--lake").arg(&sample().lake).args(set.iter().flat_map(|s| ["--set", s])).run().ended(2)
    };
    asked("by_aera", &[]).says(&["there is no analysis `by_aera`", "did you mean `by_area`?"]);
    asked("zzzz", &[]).says(&["there is no analysis `zzzz`", "hint: known: by_area, "]);
    asked("by_area", &["layr=csp"]).says(&["no parameter `layr`", "did you mean `layer`?"]);
    asked("hotspots", &["rings=many"]).says(&["the parameter `rings` is a whole number", "hint: rings of neighbours"]);
    asked("scoring", &["places=al"]).says(&["the parameter `places` is another word", "did you mean `all`?"]);
    asked("hotspots", &["level=inf"]).says(&["the parameter `level` is a number"]);
    asked("by_area", &["layer"]).says(&["--set needs NAME=VALUE", "hint: "]);
    let value = asked("hotspots", &["rings=secret-value"]);
    assert!(!value.stderr.contains("secret-value"), "a value is in the error:\n{}", value.stderr);
    svp(["analyse", "by_area"]).run().ended(2).says(&["an analysis needs an area", "--area"]);
    analyse("by_area")
        .args(["--definition", "opcc_2021", "--lake"])
        .arg(&sample().lake)
        .run()
        .ended(2)
        .says(&["there is no definition `opcc_2021`", "did you mean `opcc_2020`?"]);
}

#[test]
fn real_lookups_of_devon_and_cornwall() {
    let Some(data) = std::env::var("SVP_DATA").ok().filter(|d| !d.is_empty()).map(PathBuf::from) else {
        aloud("SKIPPED: SVP_DATA is not set, so the real lookups of Devon and Cornwall were not read");
        return;
    };
    let lookup = fs::File::open(data.join("lookups/lookup_lsoa11_lsoa21_ltla22.csv.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(lookup), &mut text).unwrap();
    let changes = Table::parse(&text);
    let districts = [
        "E06000026",
        "E06000027",
        "E06000052",
        "E06000053",
        "E07000040",
        "E07000041",
        "E07000042",
        "E07000043",
        "E07000044",
        "E07000045",
        "E07000046",
        "E07000047",
    ];
    let (from, district) = (changes.at("lsoa11_code"), changes.at("ltla22_code"));
    let ours = changes.rows.iter().filter(|r| districts.contains(&r[district].as_str()));
    let codes: BTreeSet<&str> = ours.map(|r| r[from].as_str()).collect();
    assert_eq!(codes.len(), 1_034, "small areas of 2011");
    // One event in each small area of 2011.
    let folder = TempDir::new().unwrap();
    let planted: Vec<Planted<'_>> = codes.iter().map(|code| Planted("2019-01", code, None, None)).collect();
    let events = events_file(folder.path(), &planted);
    let real = |name: &str, set: &[&str]| {
        let ran = svp([
            "analyse",
            name,
            "--area",
            "devon-and-cornwall",
            "--definition",
            "injury_violence",
            "--format",
            "csv",
            "--quiet",
        ])
        .arg("--reference")
        .arg(&data)
        .arg("--events")
        .arg(&events)
        .args(set.iter().flat_map(|s| ["--set", s]))
        .run();
        rows(ran)
    };
    // Layer, areas; the Isles of Scilly are with Cornwall by the area file's rule.
    for (layer, areas) in [("lsoa", 1_066), ("district", 11), ("csp", 7), ("force", 1), ("msoa", 230), ("ward", 290)] {
        let found = real("by_area", &[&format!("layer={layer}")]);
        assert_eq!(found.rows.len(), areas, "{layer}");
        near(sum(&found, "events"), 1_034.0);
        assert!(!found.column("code").contains(&"not placed"), "{layer}");
    }
    let csp: BTreeSet<String> =
        real("by_area", &["layer=csp"]).column("code").iter().map(|c| (*c).to_owned()).collect();
    for name in [
        "Safer Plymouth",
        "Safer Communities Torbay",
        "Safer Cornwall",
        "Exeter",
        "East and Mid Devon",
        "North Devon and Torridge",
        "South Devon and Dartmoor",
    ] {
        assert!(csp.contains(name), "{name}");
    }
    let lsoa = real("by_area", &["layer=lsoa"]);
    let parts = lsoa.column("events").iter().filter(|n| **n != "1.0").count();
    // 61 parts of 28 that were split, and one that two were merged to.
    assert_eq!(parts, 62);
    let deciles = real("deprivation", &[]);
    near(sum(&deciles, "events"), 1_034.0);
    assert!(deciles.column("what").iter().all(|w| *w != "not known"), "every small area of 2011 has a decile of 2019");
}

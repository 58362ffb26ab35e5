//! What analyses do with what is given to them: events of uncertain place, people by day, peers, safeguarding episodes.

use std::fs;

use tempfile::TempDir;

use crate::support::analysis::{
    Planted, TOWN, analyse, edit, events_file, near, of_file, on_sample, own_site, rows, sum,
};
use crate::support::{Table, copy_folder, number, sample, sample_data, sql};

const LSOA: &str = "E01990030";
const DISTRICT: Option<&str> = Some("E07990002");

/// Two years: each month one event at a point of the town, and two of which only the small area is known.
fn months_of_both() -> Vec<String> {
    (0..24).map(|m| format!("{}-{:02}", 2023 + (m + 3) / 12, (m + 3) % 12 + 1)).collect()
}

#[test]
fn events_of_uncertain_place_count_where_they_are_asked_for() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    let months = months_of_both();
    let planted: Vec<Planted<'_>> = months
        .iter()
        .flat_map(|m| [Some(TOWN), None, None].map(|point| Planted(m.as_str(), LSOA, DISTRICT, point)))
        .collect();
    let events = events_file(folder.path(), &planted);
    let of = |name: &str, set: &[&str]| {
        rows(of_file(name, &site, &events).args(set.iter().flat_map(|pair| ["--set", pair])).run())
    };
    for (places, whole) in [("points", 24.0), ("all", 72.0)] {
        for grid in ["bng:250", "hex:62500", "h3:8"] {
            let counts = of("cell_counts", &[&format!("places={places}"), &format!("grid={grid}")]);
            let in_shift = |column: &str, shift: &str| -> f64 {
                let (at, value) = (counts.at("shift"), counts.at(column));
                counts.rows.iter().filter(|r| r[at] == shift).map(|r| r[value].parse::<f64>().unwrap()).sum()
            };
            assert!((in_shift("events", "all") - whole).abs() < 1e-3, "{places} {grid}");
            assert!((in_shift("points", "all") - 24.0).abs() < 1e-6);
            // Planted at noon, which is in one shift.
            let shifts: f64 = ["early", "late", "night"].iter().map(|s| in_shift("events", s)).sum();
            assert!((shifts - whole).abs() < 1e-3, "{places} {grid}: {shifts}");
        }
        let set = format!("places={places}");
        let scores = of("scoring", &[&set]);
        // Three months are foretold at each origin.
        let foretold = whole / 8.0;
        assert!(!scores.rows.is_empty());
        for events in scores.column("events") {
            assert!((events.parse::<f64>().unwrap() - foretold).abs() < 1e-3, "{places}: {events}");
        }
        let history = of("hot_spot_history", &[&set, "top=1000"]);
        assert!((sum(&history, "events") - whole).abs() < 0.05, "{places}");
        let dense = of("dual_density", &[&set]);
        assert!((sum(&dense, "events") - whole).abs() < 0.05, "{places}");
        let hot = of("weighted_hotspots", &[&set]);
        assert!((sum(&hot, "events") - 2.0 * whole).abs() < 0.1, "{places}: all hours, and the shift of noon");
    }
    // Nothing happened in the night: nothing to foretell, and no figure that is none.
    assert!(of("scoring", &["shift=night"]).rows.is_empty());
    // No weight of harm is known for the offence: every event counts nothing.
    near(sum(&of("cell_counts", &["index=cchi_anchors"]), "events"), 0.0);
}

#[test]
fn people_by_day_are_a_second_denominator() {
    let given = Table::read(&sample_data("reference/workday_population_lsoa21.csv"));
    let all = sum(&given, "workday_population");
    let layers = ["lsoa", "msoa", "district", "csp", "force"];
    let mut events = Vec::new();
    for layer in layers {
        let found = on_sample("by_area", &[&format!("layer={layer}")]);
        near(sum(&found, "daytime"), all);
        let (n, rate) = (found.at("events"), found.at("daytime_rate"));
        for row in found.rows.iter().filter(|r| r[found.at("code")] != "not placed") {
            let value = |at: usize| row[at].parse::<f64>().unwrap();
            let people = value(found.at("daytime"));
            // Two years.
            assert!((value(rate) - value(n) * 500.0 / people).abs() < 1e-3, "{layer}: {row:?}");
            assert!(value(found.at("daytime_lower")) <= value(rate) && value(rate) <= value(found.at("daytime_upper")));
        }
        events.push(found.counts("code", "events"));
    }
    // What is given for a layer itself is taken for it, and for no other.
    let folder = TempDir::new().unwrap();
    let (site, reference) = (own_site(folder.path()), folder.path().join("reference"));
    copy_folder(&sample_data("reference"), &reference);
    fs::write(reference.join("by_district.csv"), "code,people\nE07990001,1000\nE07990002,\"2,000\"\nE06000001,9\n")
        .unwrap();
    edit(
        &site,
        "areas/wessmark.toml",
        "path = \"workday_population_lsoa21.csv\"\nlayer = \"lsoa\"\ncode = \"lsoa21_code\"\ntotal = \"workday_population\"",
        "path = \"by_district.csv\"\nlayer = \"district\"\ncode = \"code\"\ntotal = \"people\"",
    );
    let of = |layer: &str| {
        let run = analyse("by_area").arg("--site").arg(&site).arg("--reference").arg(&reference);
        rows(run.arg("--lake").arg(&sample().lake).args(["--set", &format!("layer={layer}")]).run())
    };
    let districts = of("district");
    let of_district = |code: &str| {
        let row = districts.rows.iter().find(|r| r[0] == code).unwrap();
        (row[districts.at("daytime")].clone(), row[districts.at("daytime_rate")].clone())
    };
    assert_eq!(of_district("E07990001").0, "1000.0");
    assert_eq!(of_district("E07990002").0, "2000.0");
    assert_eq!(of_district("E07990003"), (String::new(), String::new()), "not given, so no rate");
    assert!(of("msoa").column("daytime").iter().all(|v| v.is_empty()));
    assert!(!of("district").column("code").contains(&"E06000001"), "an area of somebody else");
    let by_day = on_sample("dual_density", &["people=daytime"]);
    let by_night = on_sample("dual_density", &[]);
    near(sum(&by_day, "events_km2"), sum(&by_night, "events_km2"));
    assert!((sum(&by_day, "people_km2") - sum(&by_night, "people_km2")).abs() > 100.0);
}

#[test]
fn peers_stand_beside_ours_under_the_same_definition() {
    let folder = TempDir::new().unwrap();
    let site = own_site(folder.path());
    let header = "layer,code,peer_code,peer_name,definition,from_month,to_month,events,people,source";
    let peers = [
        "district,E07990002,P1,One,injury_violence,2024-01,2024-12,500,50000,invented",
        "district,E07990002,P2,Two,injury_violence,2024-01,2025-12,100,50000,invented",
        "district,E07990002,P3,Three,injury_violence,2024-01,2023-12,100,50000,invented",
        "district,E07990002,P4,Four,opcc_2020,2024-01,2024-12,900,50000,invented",
        "csp,Safer Averholt,P5,Five,injury_violence,2024-01,2024-12,900,50000,invented",
    ];
    let file = site.join("pipelines/reference/most_similar.csv");
    fs::write(&file, format!("{header}\n{}\n", peers.join("\n"))).unwrap();
    let months: Vec<String> = (1..=12).map(|m| format!("2024-{m:02}")).collect();
    let planted: Vec<Planted<'_>> =
        months.iter().flat_map(|m| (0..20).map(move |_| Planted(m, LSOA, DISTRICT, Some(TOWN)))).collect();
    let events = events_file(folder.path(), &planted);
    let found = rows(of_file("most_similar", &site, &events).run());
    assert_eq!(found.column("area"), ["E07990002", "P1", "P2", "P3"], "one definition, one layer");
    assert_eq!(found.column("whose"), ["ours", "peer", "peer", "peer"]);
    assert_eq!(found.column("months"), ["12", "12", "24", "0"]);
    let residents: f64 = found.column("residents")[0].parse().unwrap();
    let rate = |row: usize| found.column("rate")[row].parse::<f64>().unwrap();
    assert!((rate(0) - 240_000.0 / residents).abs() < 1e-3);
    assert_eq!((found.column("rate")[1], found.column("rate")[2], found.column("rate")[3]), ("10.0", "1.0", ""));
    let ratio: f64 = found.column("ratio")[1].parse().unwrap();
    assert!((ratio - 240.0 / residents / (500.0 / 50_000.0)).abs() < 1e-3);
    let rank: Vec<usize> = found.column("rank").iter().map(|r| r.parse().unwrap()).collect();
    assert_eq!(rank, [2, 1, 3, 4]);
    fs::write(&file, format!("{header}\n")).unwrap();
    assert!(rows(of_file("most_similar", &site, &events).run()).rows.is_empty());
    fs::write(&file, "code,peer_code\n").unwrap();
    of_file("most_similar", &site, &events)
        .run()
        .ended(3)
        .says(&["most_similar.csv", "the header is not that of the table"]);
}

#[test]
fn safeguarding_before_and_after_counts_people_once() {
    let lake = &sample().lake;
    // The same counts, asked the other way round: from each person's dates, in one correlated question.
    let first = "SELECT l.person_key AS k, min(CAST(coalesce(e.occurred_from, e.recorded_at) AS DATE)) AS day, min(age_to(p.age_band)) AS age, \
                 max(CASE WHEN p.role IN ('victim', 'patient') THEN 1 ELSE 0 END) AS hurt \
                 FROM event AS e JOIN party AS p ON p.event_id = e.event_id JOIN person_link AS l ON l.person_record_id = p.person_record_id \
                 WHERE ((e.agency = 'police' AND e.offence_group IN ('homicide', 'violence_with_injury')) \
                 OR (e.source = 'ecds' AND e.event_type = 'attendance' AND e.injury_intent = 'assault')) AND e.in_area IS NOT FALSE \
                 AND (e.month IS NULL OR (e.month >= '2023-04' AND e.month <= '2025-03')) GROUP BY 1";
    let began = |span: &str| {
        format!(
            "SELECT count(DISTINCT f.k) FROM ({first}) AS f JOIN person_link AS l ON l.person_key = f.k \
             JOIN episode AS s ON s.person_record_id = l.person_record_id WHERE f.age < 25 AND {span}"
        )
    };
    let bound = |what: &str| sql(lake, &format!("SELECT {what}(started) FROM episode")).one().to_owned();
    let (earliest, latest) = (bound("min"), bound("max"));
    let before = number(
        lake,
        &began(&format!("s.started < f.day AND s.started >= f.day - 200 AND f.day - 200 >= DATE '{earliest}'")),
    );
    let after = number(
        lake,
        &began(&format!("s.started >= f.day AND s.started < f.day + 200 AND f.day + 200 <= DATE '{latest}'")),
    );
    let found = on_sample("safeguarding", &["under=25", "days=200"]);
    let row = |people: &str, kind: &str| {
        found.rows.iter().find(|r| r[found.at("people")] == people && r[found.at("kind")] == kind).unwrap()
    };
    let any = row("all", "any");
    assert_eq!((&any[found.at("before")], &any[found.at("after")]), (&before.to_string(), &after.to_string()));
    assert!(before + after > 0, "the sample has nobody to count");
    let everybody = number(lake, &format!("SELECT count(*) FROM ({first}) WHERE age < 25"));
    assert_eq!(any[found.at("in_all")], everybody.to_string());
    let hurt = number(lake, &format!("SELECT count(*) FROM ({first}) WHERE age < 25 AND hurt = 1"));
    assert_eq!(row("hurt", "any")[found.at("in_all")], hurt.to_string());
    // No part is larger than the whole, and nobody is named.
    for r in &found.rows {
        let n = |column: &str| r[found.at(column)].parse::<i64>().unwrap();
        assert!(
            n("before") <= n("people_before") && n("people_before") <= n("in_all") && n("only_before") <= n("before")
        );
        assert!(n("after") <= n("people_after") && n("people_after") <= n("in_all") && n("only_after") <= n("after"));
    }
    assert!(!found.header.iter().any(|h| h.contains("person")));
}

//! One lake, several areas: what lies where is asked of the area that asks, whoever loaded the row.

use svp_analyse::Months;

use super::*;
use crate::inputs;
use crate::stage::{Calendar, Ground, LakeOf, OffGrid, Rows, Setting, Stage};
use crate::unload::{UnloadRequest, WrongDelivery, unload};

const DUNVEIL: &str = "E07990004";
/// Points in Averholt and in Dunveil.
const AVERHOLT_AT: &str = "320555,60515";
const DUNVEIL_AT: &str = "320800,66400";

/// A lab with two areas: the county, and the county without Dunveil; twelve crimes in Averholt and twenty in Dunveil.
fn two_areas() -> Tiny {
    let tiny = Tiny::new();
    let county = tiny.path("pipelines/areas/wessmark.toml");
    let mut area: Table = fs::read_to_string(&county).unwrap().parse().unwrap();
    area.insert("outputs".into(), Value::Array(vec!["monthly_trend".into(), "by_district".into()]));
    fs::write(&county, toml::to_string(&area).unwrap()).unwrap();
    area.insert("name".into(), "three".into());
    let districts = area["district"].as_array().unwrap().iter();
    let kept = districts.filter(|d| d["code"].as_str() != Some(DUNVEIL)).cloned().collect();
    area.insert("district".into(), Value::Array(kept));
    fs::write(tiny.path("pipelines/areas/three.toml"), toml::to_string(&area).unwrap()).unwrap();
    let ids: Vec<String> = (0..32).map(|i| format!("C{i}")).collect();
    let text = crimes("01/2025", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let placed: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| if i > 12 { line.replace(AVERHOLT_AT, DUNVEIL_AT) } else { line.to_owned() })
        .collect();
    tiny.give("rms_crimes_2025-01.csv", &(placed.join("\n") + "\n"));
    tiny
}

fn of(tiny: &Tiny, area: &str, ingest_only: bool) -> RunRequest {
    RunRequest { area: area.to_owned(), ingest_only, ..tiny.request() }
}

/// District, whether it lies in the area, events; as an area sees the lake.
async fn seen(tiny: &Tiny, area: &str) -> Vec<String> {
    let (site, _) = Site::read(&tiny.site()).unwrap();
    let area = &site.area(area).unwrap().item;
    let paths = inputs::paths(&site, area, &PathChoice::default()).unwrap();
    let lake = tiny.lake().await;
    let setting = Setting {
        ground: Some(Ground { area, paths: &paths, postcodes: false, tables: true }),
        rows: Rows::Lake { lake: LakeOf::Open(&lake), calendar: Calendar::Always },
        months: Some(Months { from: "2025-01".to_owned(), to: "2025-01".to_owned() }),
        off_grid: OffGrid::Nothing,
        hold_coverage: false,
    };
    let stage = Stage::open(&site, &MACHINE, setting, &Silent).await.unwrap();
    let query = "SELECT concat_ws(' ', district, CAST(in_area AS VARCHAR), CAST(count(*) AS VARCHAR)) AS line
                 FROM event GROUP BY district, in_area ORDER BY district";
    let rows = stage.ctx.sql(query).await.unwrap().collect().await.unwrap();
    rows.iter()
        .flat_map(|b| (0..b.num_rows()).map(|i| array_value_to_string(b.column(0), i).unwrap()).collect::<Vec<_>>())
        .collect()
}

/// The tables of a release, as text.
fn tables(tiny: &Tiny, release: &str) -> Vec<(String, String)> {
    let folder = tiny.path("lake/published").join(release);
    let mut out = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "csv") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                out.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    out.sort();
    assert!(!out.is_empty(), "{release}");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn an_area_counts_its_own_whoever_loaded_the_rows() {
    let alone = two_areas();
    run(of(&alone, "wessmark", false)).await.unwrap();
    let wanted = tables(&alone, "000001-wessmark-partner");

    let shared = two_areas();
    run(of(&shared, "three", true)).await.unwrap();
    let county = ["E07990001 true 12", "E07990004 true 20"];
    let without = ["E07990001 true 12", "E07990004 false 20"];
    assert_eq!(seen(&shared, "three").await, without);
    // Nobody has run the county on this lake yet: its places are looked up when it asks.
    assert_eq!(seen(&shared, "wessmark").await, county);
    assert_eq!(shared.number("SELECT count(*) FROM event WHERE in_area").await, 12);

    let heard = Heard::default();
    let prepared = Prepared::new(of(&shared, "wessmark", false)).unwrap();
    prepared.run(&MACHINE, key(), &heard).await.unwrap();
    assert!(heard.has("places: 1 files were loaded for another area"));
    assert_eq!(tables(&shared, "000002-wessmark-partner"), wanted);
    let shown = |line: &str| line.contains("E07990004") && line.contains(",20");
    assert!(wanted.iter().any(|(name, text)| name.contains("by_district") && text.lines().any(shown)), "{wanted:?}");
    // They are looked up once, and the area that loaded the rows sees what it saw.
    assert_eq!(shared.number("SELECT count(*) FROM event_place WHERE area = 'wessmark'").await, 32);
    assert_eq!(
        (seen(&shared, "wessmark").await, seen(&shared, "three").await),
        (county.map(String::from).to_vec(), without.map(String::from).to_vec())
    );
    let again = run(of(&shared, "three", true)).await.unwrap();
    assert!(matches!(again, Outcome::Canonical), "{again:?}");
    assert_eq!(shared.number("SELECT count(*) FROM event_place").await, 32);
}

/// A point in Harrowmere.
const HARROWMERE_AT: &str = "327875,63074";

/// Districts of the labs of several areas.
const DISTRICTS: [&str; 3] = ["E07990001", DUNVEIL, "E07990003"];
/// Two areas that share Dunveil, by their places in the list above.
const OVERLAPPING: [(&str, &[usize]); 2] = [("east", &[0, 1]), ("west", &[1, 2])];

/// A lab of an exact rule whose crimes lie in Averholt, Dunveil and Harrowmere, so many in each, with areas of some of these districts.
fn several(counts: [usize; 3], areas: &[(&str, &[usize])], outputs: &[&str]) -> Tiny {
    let tiny = Tiny::new();
    let county = tiny.path("pipelines/areas/wessmark.toml");
    let mut area: Table = fs::read_to_string(&county).unwrap().parse().unwrap();
    area.insert("outputs".into(), Value::Array(outputs.iter().map(|o| Value::from(*o)).collect()));
    let districts = area["district"].as_array().unwrap().clone();
    for (name, own) in areas {
        let codes: Vec<&str> = own.iter().map(|at| DISTRICTS[*at]).collect();
        let kept = districts.iter().filter(|d| codes.contains(&d["code"].as_str().unwrap())).cloned().collect();
        area.insert("name".into(), (*name).into());
        area.insert("district".into(), Value::Array(kept));
        fs::write(tiny.path(&format!("pipelines/areas/{name}.toml")), toml::to_string(&area).unwrap()).unwrap();
    }
    let source = tiny.path("pipelines/sources/police_rms.toml");
    let text = fs::read_to_string(&source).unwrap();
    assert!(text.contains("suppress_below = 5\nround_to = 5"));
    fs::write(&source, text.replace("round_to = 5", "round_to = 1")).unwrap();
    let at = [AVERHOLT_AT, DUNVEIL_AT, HARROWMERE_AT];
    let points: Vec<&str> = at.iter().zip(counts).flat_map(|(at, n)| std::iter::repeat_n(*at, n)).collect();
    let ids: Vec<String> = (0..points.len()).map(|i| format!("C{i}")).collect();
    let text = crimes("01/2025", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut lines = text.lines();
    let mut placed = lines.next().unwrap().to_owned();
    for (line, at) in lines.zip(points) {
        placed += &format!("\n{}", line.replace(AVERHOLT_AT, at));
    }
    tiny.give("rms_crimes_2025-01.csv", &(placed + "\n"));
    tiny
}

/// What a release prints of the events of each row of a table, by its first column; `None` is a mark.
fn printed(tiny: &Tiny, release: &str, table: &str) -> Vec<(String, Option<i64>)> {
    let (_, text) = tables(tiny, release).into_iter().find(|(name, _)| name.starts_with(table)).unwrap();
    let events = text.lines().next().unwrap().split(',').position(|c| c == "events").unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[events] != "[x]").then(|| (fields[0].to_owned(), fields[events].parse().ok()))
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// Two areas that share districts, released from one lake. A reader of both tries every assignment of counts that fits what is
/// printed; the small number of what only one area has stays hidden.
#[tokio::test(flavor = "multi_thread")]
async fn areas_that_overlap_in_part_give_nothing_away_together() {
    type Districts = (&'static str, &'static [usize]);
    let (narrow, wide): (Districts, Districts) = (("narrow", &[0, 1]), ("wide", &[0, 1, 2]));
    for (areas, counts, small) in [
        (OVERLAPPING, [3, 20, 15], 0),
        (OVERLAPPING, [20, 15, 3], 2),
        (OVERLAPPING, [20, 3, 15], 1),
        ([narrow, wide], [3, 20, 15], 0),
        ([wide, narrow], [20, 15, 3], 2),
    ] {
        let tiny = several(counts, &areas, &["monthly_trend", "by_district"]);
        let mut told: Vec<(Vec<usize>, Option<i64>)> = Vec::new();
        for (release, (area, own)) in (1..).zip(areas) {
            let outcome = run(of(&tiny, area, false)).await.unwrap();
            assert!(matches!(outcome, Outcome::Released { .. }), "{outcome:?}");
            let name = format!("{release:06}-{area}-partner");
            for (district, events) in printed(&tiny, &name, "by_district") {
                let at = DISTRICTS.iter().position(|code| *code == district).unwrap();
                assert!(own.contains(&at), "{district} in {area}");
                told.push((vec![at], events));
            }
            if tables(&tiny, &name).iter().any(|(name, _)| name.starts_with("monthly_trend")) {
                for (month, events) in printed(&tiny, &name, "monthly_trend") {
                    assert_eq!(month, "2025-01");
                    told.push((own.to_vec(), events));
                }
            }
        }
        let shown = told.iter().filter(|(_, events)| events.is_some()).count();
        assert!(shown > 0, "something is told: {told:?}");
        // No number is wrong, and every number is the sum of what it counts.
        let sum = |of: &[usize], counts: &[i64]| of.iter().map(|at| counts[*at]).sum::<i64>();
        let truth = counts.map(|n| i64::try_from(n).unwrap());
        assert!(told.iter().all(|(of, events)| events.is_none_or(|n| n == sum(of, &truth))), "{told:?}");
        let mut fits = std::collections::BTreeSet::new();
        for a in 1..60 {
            for d in 1..60 {
                for h in 1..60 {
                    let all = [a, d, h];
                    if told.iter().all(|(of, events)| events.is_none_or(|n| n == sum(of, &all))) {
                        fits.insert(all[small]);
                    }
                }
            }
        }
        assert!(fits.contains(&1) && fits.contains(&4), "{areas:?} {counts:?}: {told:?} leave {fits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_of_an_area_that_overlaps_in_part_is_withheld_and_says_so() {
    let tiny = several([30, 40, 30], &OVERLAPPING, &["hotspot_grid_250m", "by_district"]);
    let map = |release: &str| tables(&tiny, release).iter().any(|(name, _)| name.starts_with("hotspot_grid_250m"));
    run(of(&tiny, "east", false)).await.unwrap();
    assert!(map("000001-east-partner"));
    run(of(&tiny, "west", false)).await.unwrap();
    assert!(!map("000002-west-partner"));
    let review = fs::read_to_string(tiny.path("lake/ledger/000002-west-partner/review.md")).unwrap();
    assert!(review.contains("the area east has some of these districts and others"), "{review}");
    assert_eq!(printed(&tiny, "000002-west-partner", "by_district").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_follow_the_districts_of_the_area_file() {
    let tiny = two_areas();
    run(of(&tiny, "three", true)).await.unwrap();
    // The area takes Dunveil in: its rows lie in the area from now on, without being loaded again.
    let text = fs::read_to_string(tiny.path("pipelines/areas/wessmark.toml")).unwrap();
    fs::write(tiny.path("pipelines/areas/three.toml"), text.replace("name = \"wessmark\"", "name = \"three\""))
        .unwrap();
    assert_eq!(seen(&tiny, "three").await, ["E07990001 true 12", "E07990004 true 20"]);
    run(of(&tiny, "three", true)).await.unwrap();
    assert_eq!(seen(&tiny, "three").await, ["E07990001 true 12", "E07990004 true 20"]);
    assert_eq!(tiny.number("SELECT count(*) FROM event_place").await, 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_go_with_the_delivery() {
    let tiny = two_areas();
    run(of(&tiny, "three", true)).await.unwrap();
    run(of(&tiny, "wessmark", true)).await.unwrap();
    assert_eq!(tiny.number("SELECT count(*) FROM event_place").await, 32);
    let request = UnloadRequest {
        site: tiny.site(),
        lake: tiny.lake_at(),
        delivery: WrongDelivery::named("police_rms:rms_crimes_2025-01", "sent by mistake").unwrap(),
    };
    unload(&request, &key(), &MACHINE, &Silent).await.unwrap();
    assert_eq!(tiny.number("SELECT count(*) FROM event_place").await, 0);
}

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
    assert!(out.len() >= 2, "{out:?}");
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

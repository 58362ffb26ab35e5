//! Checks of a whole release of invented tables.

use arrow::array::{Int64Array, RecordBatch};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use crate::fixture::{disclosed, meta, outlines, small, tables, text, whole};
use crate::*;

fn file<'a>(files: &'a [(String, Bytes)], path: &str) -> &'a str {
    let bytes = &files.iter().find(|(name, _)| name == path).unwrap().1;
    std::str::from_utf8(bytes).unwrap()
}

fn all() -> Vec<(String, Bytes)> {
    release(&meta(), &tables(), &outlines()).unwrap()
}

#[test]
fn files_come_in_order_and_the_same_twice() {
    let files = all();
    assert_eq!(files, all());
    let names: Vec<&str> = files.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(names.last(), Some(&"manifest.json"));
    for name in [
        "total.parquet",
        "total.csv",
        "hotspots_250m.geojson",
        "hotspots_h3_9.geojson",
        "by_district.geojson",
        "README.txt",
        "report.html",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.iter().any(|n| n.starts_with("hour_of_week_open")));
    assert!(!names.contains(&"total.geojson"));
}

#[test]
fn manifest_lists_every_file_with_its_digest() {
    let files = all();
    let manifest: serde_json::Value = serde_json::from_str(file(&files, "manifest.json")).unwrap();
    let keys: Vec<&str> = manifest.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "format",
            "format_version",
            "svp_version",
            "release",
            "run",
            "clock",
            "title",
            "area",
            "period",
            "audience",
            "definitions",
            "sources",
            "tables",
            "policy",
            "receipts",
            "linkage",
            "attribution",
            "quality_notes",
            "files"
        ]
    );
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), files.len() - 1);
    for (entry, (path, bytes)) in listed.iter().zip(&files) {
        assert_eq!(entry["path"], *path);
        assert_eq!(entry["bytes"], bytes.len());
        assert_eq!(entry["sha256"], hex::encode(Sha256::digest(bytes)));
    }
    let tables = manifest["tables"].as_array().unwrap();
    let find = |name: &str| tables.iter().find(|t| t["name"] == name).unwrap();
    let small = find("small");
    assert_eq!(small["disclosure"]["suppress_below"], 8);
    assert_eq!(small["disclosure"]["cells"], 4);
    assert_eq!(small["disclosure"]["suppressed"], 1);
    assert_eq!(small["files"], serde_json::json!(["small.parquet", "small.csv"]));
    assert_eq!(find("hotspots_250m")["files"].as_array().unwrap().len(), 3);
    let missing = find("hour_of_week_open");
    assert_eq!(missing["available"], false);
    assert!(missing["not_available_because"].as_str().unwrap().contains("month only"));
    assert!(missing["rows"].is_null() && missing["disclosure"].is_null());
}

#[test]
fn csv_guards_formulas_and_never_writes_a_suppressed_zero() {
    let files = all();
    assert_eq!(
        file(&files, "small.csv"),
        "weapon,events,events_suppressed,share\r\n\
         \"'=knife, \"\"large\"\"\",1200,false,96.7741935483871\r\n\
         '+none,0,false,0\r\n\
         <b>blunt</b>,[c],true,[c]\r\n\
         gun,40,false,3.225806451612903\r\n"
    );
}

#[test]
fn csv_writes_a_missing_value_as_not_available() {
    let mut table = small();
    table.derived = vec![];
    let counts = Int64Array::from(vec![Some(10), None]);
    table.content = Content::Table(disclosed(
        vec![("weapon", text(["a", "b"])), ("events", std::sync::Arc::new(counts))],
        &["events"],
    ));
    let files = release(&meta(), &[table], &[]).unwrap();
    assert_eq!(file(&files, "small.csv"), "weapon,events,events_suppressed\r\na,10,false\r\nb,[x],false\r\n");
}

#[test]
fn parquet_reads_back_and_names_its_writer() {
    let files = all();
    let bytes = files.iter().find(|f| f.0 == "small.parquet").unwrap().1.clone();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let about = builder.metadata().file_metadata();
    assert_eq!(about.created_by(), Some("svp-publish"));
    let words = about.key_value_metadata().unwrap();
    let find = |key: &str| words.iter().find(|w| w.key == key).and_then(|w| w.value.clone());
    assert_eq!(find("svp.release").as_deref(), Some("2026-11-22-sample-partners"));
    assert_eq!(find("svp.suppress_below").as_deref(), Some("8"));
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let Content::Table(expected) = small().content else { panic!() };
    assert_eq!(batches, [expected.get().clone()]);
}

#[test]
fn geojson_is_valid_and_suppressed_is_null() {
    let files = all();
    for name in ["hotspots_250m", "hotspots_h3_9", "by_district"] {
        let parsed: geojson::GeoJson = file(&files, &format!("{name}.geojson")).parse().unwrap();
        let collection = geojson::FeatureCollection::try_from(parsed).unwrap();
        assert!(!collection.features.is_empty());
        for feature in &collection.features {
            let suppressed = feature.property("events_suppressed").unwrap().as_bool().unwrap();
            let events = feature.property("events").unwrap();
            assert_eq!(events.is_null(), suppressed, "{name}");
            let Some(geojson::GeometryValue::Polygon { coordinates }) = feature.geometry.as_ref().map(|g| &g.value)
            else {
                panic!("{name}: not a polygon");
            };
            let ring = &coordinates[0];
            assert_eq!(ring.first(), ring.last());
            let area: f64 = ring
                .windows(2)
                .map(|p| p[0].as_slice()[0] * p[1].as_slice()[1] - p[1].as_slice()[0] * p[0].as_slice()[1])
                .sum();
            assert!(area > 0.0, "{name}: clockwise");
            for position in ring {
                let (lon, lat) = (position.as_slice()[0], position.as_slice()[1]);
                assert!((-4.7..-3.0).contains(&lon) && (50.3..51.3).contains(&lat));
            }
        }
    }
}

#[test]
fn report_is_one_file_that_loads_nothing() {
    let files = all();
    let page = file(&files, "report.html");
    for pattern in [" src=", "@import", "url(http", "<link rel=\"stylesheet", "<iframe", "fetch(", "XMLHttp"] {
        assert!(!page.contains(pattern), "{pattern}");
    }
    for rest in page.split("http://").skip(1) {
        assert!(rest.starts_with("www.w3.org/2000/svg"));
    }
    assert!(!page.contains("https://"));
    for wanted in
        ["lang=\"en-GB\"", "<caption", "scope=\"col\"", "scope=\"row\"", "class=\"skip\"", "@media print", "<h1>"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    assert_eq!(page.matches("<h1").count(), 1);
}

#[test]
fn report_escapes_text_and_links_only_to_what_is_there() {
    let files = all();
    let page = file(&files, "report.html");
    assert!(!page.contains("<b>blunt"));
    assert!(page.contains("&lt;b&gt;blunt"));
    for rest in page.split(" href=\"").skip(1) {
        let target = rest.split('"').next().unwrap();
        if let Some(anchor) = target.strip_prefix('#') {
            assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
        } else if target != "data:," {
            let there = target == "manifest.json" || files.iter().any(|f| f.0 == target);
            assert!(there, "{target}");
        }
    }
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).map(|r| r.split('"').next().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id occurs twice");
}

#[test]
fn report_says_stand_in_suppressed_and_not_available() {
    let files = all();
    let page = file(&files, "report.html");
    assert!(page.contains("Stand-in definition"));
    assert!(page.matches("class=\"stand-in\"").count() >= 3);
    assert!(page.contains("Not available is not zero"));
    assert!(page.contains("The source gives the month only"));
    assert!(page.contains("Homicides of people under 25: [c]") || page.contains(">[c]<"));
    assert!(page.contains("The busiest hour is Saturday"));
    assert!(page.contains("first 50 of"));
    assert!(!page.contains(">null<") && !page.contains("undefined"));
}

#[test]
fn headers_that_do_not_fit_are_refused() {
    let refuse = |change: &dyn Fn(&mut PublishedTable)| {
        let mut table = small();
        change(&mut table);
        release(&meta(), &[table], &outlines()).unwrap_err().to_string()
    };
    for (change, expected) in [
        (&(|t: &mut PublishedTable| t.name = "../up".into()) as &dyn Fn(&mut PublishedTable), "file name"),
        (&|t| t.grain = vec![], "does not declare"),
        (&|t| t.grain.push(Column::new("ward", "Ward")), "no column `ward`"),
        (&|t| t.counts.push(Column::new("share", "Share")), "did not pass disclosure"),
        (&|t| t.chart = Chart::Bar { x: "weapon".into(), value: "rate".into() }, "no column `rate`"),
        (&|t| t.geometry = Geometry::BngCell { column: "weapon".into() }, "not a cell"),
        (&|t| t.geometry = Geometry::Area { layer: "ward".into(), column: "weapon".into() }, "layer `ward`"),
    ] {
        let message = refuse(change);
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("knife"), "a value in an error: {message}");
    }
    let twice = release(&meta(), &[small(), small()], &[]).unwrap_err();
    assert!(matches!(twice, PublishError::DuplicateTable { .. }));
}

#[test]
fn empty_and_fully_suppressed_tables_are_drawn() {
    let mut empty = small();
    empty.name = "empty".into();
    empty.derived = vec![];
    let none: [&str; 0] = [];
    empty.content = Content::Table(disclosed(vec![("weapon", text(none)), ("events", whole([]))], &["events"]));
    let mut hidden = tables().remove(3);
    hidden.content =
        Content::Table(disclosed(vec![("hour", whole(0..168)), ("events", whole(vec![2; 168]))], &["events"]));
    let mut map = tables().remove(1);
    map.content =
        Content::Table(disclosed(vec![("cell", text(["250m:291750:92500"])), ("events", whole([3]))], &["events"]));
    let mut lines = tables().remove(6);
    lines.content = Content::Table(disclosed(
        vec![("month", text(["2024-01", "2024-02"])), ("events", whole([2, 3]))],
        &["events"],
    ));
    let files = release(&meta(), &[empty, hidden, map, lines], &outlines()).unwrap();
    let page = file(&files, "report.html");
    assert!(page.contains("No rows: nothing was counted."));
    assert!(!page.contains("NaN") && !page.contains("inf "));
}

/// Twelve months of which four cannot be compared, one of them without a number, and two months without a row.
fn broken_months() -> PublishedTable {
    let mut table = tables().remove(6);
    let months =
        (1..=14).filter(|m| *m != 11 && *m != 12).map(|m| format!("{}-{:02}", 2022 + m / 13, (m - 1) % 12 + 1));
    let why = |m: i64| match m {
        3..=5 => "Change of <system>",
        8 => "Flood",
        _ => "none",
    };
    let numbers = (0..12).map(|i| if i == 4 { None } else { Some(if i == 7 { 9000 } else { 100 + 10 * i }) });
    let events: Int64Array = numbers.collect();
    table.grain.push(Column::new("broken", "Break in recording"));
    table.chart = Chart::Line { x: "month".into(), value: "events".into(), breaks: Some("broken".into()) };
    table.content = Content::Table(disclosed(
        vec![("month", text(months)), ("broken", text((1..=12).map(why))), ("events", std::sync::Arc::new(events))],
        &["events"],
    ));
    table
}

#[test]
fn months_with_a_break_are_shaded_named_and_not_compared() {
    let files = release(&meta(), &[broken_months()], &[]).unwrap();
    let page = file(&files, "report.html");
    let line = &page[page.find("<svg class=\"line\"").unwrap()..];
    let line = &line[..line.find("</svg>").unwrap()];
    let bands: Vec<&str> = line.split("<rect class=\"break\"").skip(1).collect();
    assert_eq!(bands.len(), 2, "neighbours with one break are one band");
    // 14 months over 816 units: a band covers its months by half a step more on either side.
    let step = 816.0 / 13.0;
    for (band, first, last) in [(bands[0], 2.0, 4.0), (bands[1], 7.0, 7.0)] {
        let number = |key: &str| -> f64 {
            let rest = &band[band.find(&format!(" {key}=\"")).unwrap() + key.len() + 3..];
            rest[..rest.find('"').unwrap()].parse().unwrap()
        };
        assert!((number("x") - (64.0 + step * (first - 0.5))).abs() < 0.11, "{band}");
        assert!((number("width") - step * (last - first + 1.0)).abs() < 0.11, "{band}");
    }
    // Named in the drawing, in its label for screen readers, in the legend and at each month; markup is escaped.
    assert!(
        bands[0].contains("<title>Mar 2022 to May 2022: Change of &lt;system&gt;; not comparable with other months")
    );
    assert!(line.contains("Shaded as not comparable: Mar 2022 to May 2022: Change of &lt;system&gt;. Shaded as not comparable: Aug 2022: Flood."));
    assert!(page.contains("<li>Aug 2022: Flood</li>") && page.contains("Shaded: recording changed"));
    assert!(line.contains("<title>Aug 2022: 9,000 (not comparable: Flood)</title>"));
    assert!(line.contains("<title>May 2022: [x] (not comparable: Change of &lt;system&gt;)</title>"));
    // The bands lie under the line, which is open where a number or a month is missing.
    assert!(line.find("<rect class=\"break\"") < line.find("<path class=\"run\""));
    assert_eq!(line.matches("<path class=\"run\"").count(), 3);
    assert!(page.contains("2 months have no row in the table; the line is open there."));
    // The flood is the highest of all and the highest of nothing.
    assert!(page.contains("the highest is 210 in Feb 2023"), "the sentence compares a broken month");
    assert!(page.contains("3 values with a break in recording are shaded in the chart and not compared."));
}

#[test]
fn a_line_without_breaks_has_neither_band_nor_legend_of_one() {
    let files = release(&meta(), &[tables().remove(6)], &[]).unwrap();
    let page = file(&files, "report.html");
    assert!(page.contains("<svg class=\"line\"") && !page.contains("class=\"break\"") && !page.contains("Shaded:"));
    assert!(!page.contains("no row in the table"));
}

#[test]
fn a_merged_grid_draws_rests_around_its_cells() {
    let mut map = tables().remove(1);
    let cells = ["250m:291750:92500", "250m:291500:92500", "rest:500m:291500:92500", "rest:1000m:291000:92000", "rest"];
    map.content =
        Content::Table(disclosed(vec![("cell", text(cells)), ("events", whole([40, 20, 90, 300, 10]))], &["events"]));
    let mut hexagons = tables().remove(2);
    let leaf = h3o::LatLng::new(50.7236, -3.5275).unwrap().to_cell(h3o::Resolution::Nine);
    let node = leaf.parent(h3o::Resolution::Eight).unwrap();
    hexagons.content = Content::Table(disclosed(
        vec![
            ("cell", text([leaf.to_string(), format!("rest:{node}"), "unknown place".into()])),
            ("events", whole([40, 90, 9])),
        ],
        &["events"],
    ));
    let files = release(&meta(), &[map, hexagons], &outlines()).unwrap();
    for (name, rests, without) in [("hotspots_250m", 2, 1), ("hotspots_h3_9", 1, 1)] {
        let parsed: geojson::GeoJson = file(&files, &format!("{name}.geojson")).parse().unwrap();
        let collection = geojson::FeatureCollection::try_from(parsed).unwrap();
        let of = |rest: bool| {
            let here =
                |f: &&geojson::Feature| f.property("cell").unwrap().as_str().unwrap().starts_with("rest:") == rest;
            collection.features.iter().filter(here).filter(|f| f.geometry.is_some()).count()
        };
        assert_eq!(of(true), rests, "{name}");
        assert_eq!(of(false) + rests + without, collection.features.len(), "{name}");
    }
    let page = file(&files, "report.html");
    assert!(page.contains("The highest value shown is 40"), "a rest is not the busiest place");
    assert!(page.contains("the rest of a larger cell (2 rests)"));
    assert!(page.contains("1 row is without a place on the map"));
    let (rest, cell) = (page.find("class=\"rest\""), page.find("class=\"q4\""));
    assert!(rest.is_some() && rest < cell, "rests lie under the cells");
}

/// Leaves a report to look at: `target/tmp/svp-publish/report.html`.
#[test]
fn a_report_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/svp-publish");
    std::fs::create_dir_all(&folder).unwrap();
    for (path, bytes) in all() {
        std::fs::write(folder.join(path), bytes).unwrap();
    }
}

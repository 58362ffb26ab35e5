//! An invented county with invented counts, for tests.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::kernels::numeric::{div, mul};
use arrow::datatypes::{DataType, Field, Schema};
use geo::{Coord, LineString, MultiPolygon, Polygon};
use svp_disclose::attack::Effort;
use svp_disclose::event_set::EventSet;
use svp_disclose::{Disclosed, Outcome, Policy, Raw, disclose};

use crate::*;

/// A small generator of numbers that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[allow(clippy::cast_precision_loss)]
        let part = (self.0 >> 33) as f64;
        part / f64::from(1u32 << 31)
    }
}

fn policy() -> Policy {
    Policy { suppress_below: 8, round_to: 5, ..Policy::open("NHS England: 1 to 7 suppressed, others rounded to 5") }
}

/// A disclosed table of text and whole-number columns; the last columns are the counts.
pub(crate) fn disclosed(columns: Vec<(&str, ArrayRef)>, counts: &[&str]) -> Disclosed<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let listed = |names: &mut dyn Iterator<Item = &str>| -> String {
        names.map(|n| format!("{{ name = \"{n}\", title = \"{n}\" }}")).collect::<Vec<_>>().join(", ")
    };
    let schema = batch.schema();
    let mut grain = schema.fields().iter().map(|f| f.name().as_str()).filter(|n| !counts.contains(n));
    let header = format!(
        "--! name = \"fixture\"\n--! title = \"\"\n--! description = \"\"\n--! reads = []\n--! audiences = []\n--! not_available = \"\"\n--! grain = [{}]\n--! counts = [{}]\nSELECT 1",
        listed(&mut grain),
        listed(&mut counts.iter().copied()),
    );
    let output = svp_contract::Output::parse("fixture.sql", &header).unwrap();
    let raw = Raw::new("fixture", &output, EventSet::default(), policy(), batch).unwrap();
    match disclose(vec![raw], &[], &[], 1, &(), &Default::default(), &Effort::default()).unwrap().outcomes.remove(0) {
        Outcome::Table(table) => table,
        Outcome::Withheld(why) => panic!("{why}"),
    }
}

pub(crate) fn text<S: Into<String>>(values: impl IntoIterator<Item = S>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values.into_iter().map(Into::into)))
}

pub(crate) fn whole(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

const TOWNS: [(&str, &str, f64, f64, f64); 6] = [
    ("X1", "Aldermouth", 291_800.0, 92_600.0, 95.0),
    ("X2", "Brackwater", 249_000.0, 84_500.0, 60.0),
    ("X3", "Carrow Vale", 262_000.0, 118_500.0, 28.0),
    ("X4", "Dunmere", 283_400.0, 128_800.0, 40.0),
    ("X5", "East Hallow", 236_500.0, 112_000.0, 16.0),
    ("X6", "Fenwick Moor", 268_000.0, 97_500.0, 10.0),
];

/// Six districts: the points nearest to each town, with a ragged edge to the sea.
pub(crate) fn outlines() -> Vec<Outlines> {
    // Corners shared by neighbours, so that the borders fit.
    let p = |x: f64, y: f64| Coord { x: x * 1000.0, y: y * 1000.0 };
    let shapes: [&[Coord<f64>]; 6] = [
        &[p(280., 106.), p(300., 110.), p(304., 98.), p(299., 84.), p(288., 80.), p(279., 84.), p(280., 106.)],
        &[
            p(228., 100.),
            p(252., 104.),
            p(256., 86.),
            p(258., 72.),
            p(246., 70.),
            p(233., 76.),
            p(226., 88.),
            p(228., 100.),
        ],
        &[p(252., 104.), p(250., 132.), p(270., 136.), p(272., 110.), p(252., 104.)],
        &[p(272., 110.), p(270., 136.), p(284., 141.), p(298., 132.), p(300., 110.), p(280., 106.), p(272., 110.)],
        &[p(228., 100.), p(221., 108.), p(224., 124.), p(236., 130.), p(250., 132.), p(252., 104.), p(228., 100.)],
        &[
            p(252., 104.),
            p(272., 110.),
            p(280., 106.),
            p(279., 84.),
            p(268., 76.),
            p(258., 72.),
            p(256., 86.),
            p(252., 104.),
        ],
    ];
    let areas = TOWNS
        .iter()
        .zip(shapes)
        .map(|((code, name, ..), ring)| {
            (
                (*code).to_string(),
                (*name).to_string(),
                MultiPolygon::new(vec![Polygon::new(LineString::new(ragged(ring)), vec![])]),
            )
        })
        .collect();
    vec![Outlines { layer: "district".into(), areas }]
}

/// Breaks every edge into many with a wobble that depends only on the edge, whichever way it is walked.
fn ragged(ring: &[Coord<f64>]) -> Vec<Coord<f64>> {
    let mut out = Vec::new();
    for pair in ring.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let forward = (a.x, a.y) < (b.x, b.y);
        let (low, high) = if forward { (a, b) } else { (b, a) };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mut dice = Dice((low.x * 7.0 + low.y * 13.0 + high.x * 3.0) as u64);
        let steps = 24;
        let mut points: Vec<Coord<f64>> = (1..steps)
            .map(|i| {
                let t = f64::from(i) / f64::from(steps);
                Coord {
                    x: low.x + (high.x - low.x) * t + (dice.roll() - 0.5) * 1100.0,
                    y: low.y + (high.y - low.y) * t + (dice.roll() - 0.5) * 1100.0,
                }
            })
            .collect();
        if !forward {
            points.reverse();
        }
        out.push(a);
        out.extend(points);
    }
    out.extend(ring.last());
    out
}

fn header(name: &str, title: &str, definition: &str) -> PublishedTable {
    PublishedTable {
        name: name.into(),
        title: title.into(),
        subtitle: "Most serious violence recorded by the police, invented county, Jan 2023 to Dec 2024".into(),
        description: String::new(),
        definition: Some(definition.into()),
        stand_in_label: None,
        grain: vec![],
        counts: vec![Column::new("events", "Events")],
        derived: vec![],
        chart: Chart::None,
        geometry: Geometry::None,
        notes: vec![],
        content: Content::NotAvailable(String::new()),
    }
}

/// A table with every kind of value: used for the small checks.
pub(crate) fn small() -> PublishedTable {
    let mut table = header("small", "Weapons", "msv");
    table.grain = vec![Column::new("weapon", "Weapon")];
    table.derived = vec![Column::new("share", "Share").with_unit("%")];
    table.chart = Chart::Bar { x: "weapon".into(), value: "events".into() };
    let names = ["=knife, \"large\"", "+none", "<b>blunt</b>", "gun"];
    let base = disclosed(vec![("weapon", text(names)), ("events", whole([1200, 0, 3, 41]))], &["events"]);
    let events = base.get().column_by_name("events").unwrap().clone();
    let events = arrow::compute::cast(&events, &DataType::Float64).unwrap();
    let hundred = Float64Array::new_scalar(100.0);
    let share = div(&mul(&events, &hundred).unwrap(), &Float64Array::new_scalar(1240.0)).unwrap();
    table.content = Content::Table(with_column(base, "share", share));
    table
}

fn with_column(base: Disclosed<RecordBatch>, name: &str, values: ArrayRef) -> Disclosed<RecordBatch> {
    let mut fields: Vec<Arc<Field>> = base.get().schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, values.data_type().clone(), true)));
    let mut arrays = base.get().columns().to_vec();
    arrays.push(values);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    base.with_derived(batch, &[(name.to_string(), vec!["events".to_string()])]).unwrap()
}

#[allow(clippy::cast_possible_truncation)]
fn grid(name: &str, side: f64, definition: &str) -> PublishedTable {
    let mut table = header(name, "Violence clusters in the centres of Aldermouth and Brackwater", definition);
    table.description = "Events by square of the national grid, events without an exact place left out.".into();
    table.grain = vec![Column::new("cell", "Cell")];
    table.chart = Chart::Map { value: "events".into() };
    table.geometry = Geometry::BngCell { column: "cell".into() };
    let mut dice = Dice(11);
    let mut cells: Vec<(String, i64)> = Vec::new();
    for (_, _, e, n, weight) in TOWNS {
        for i in -9..=9 {
            for j in -9..=9 {
                let far = f64::from(i * i + j * j).sqrt();
                let mean = weight * (-far / 2.4).exp() * (0.4 + 1.2 * dice.roll());
                let events = (mean + dice.roll() * 0.6) as i64;
                if events > 0 {
                    let (x, y) = (
                        ((e + f64::from(i) * side) / side).floor() * side,
                        ((n + f64::from(j) * side) / side).floor() * side,
                    );
                    cells.push((format!("{side}m:{x}:{y}"), events));
                }
            }
        }
    }
    cells.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    table.content = Content::Table(disclosed(
        vec![("cell", text(cells.iter().map(|c| c.0.clone()))), ("events", whole(cells.iter().map(|c| c.1)))],
        &["events"],
    ));
    table.notes = vec!["Domestic events are not shown on a grid, because a cell could point at a home.".into()];
    table
}

fn hexagons() -> PublishedTable {
    let mut table = header("hotspots_h3_9", "The same clusters on hexagons", "msv");
    table.grain = vec![Column::new("cell", "Cell")];
    table.chart = Chart::Map { value: "events".into() };
    table.geometry = Geometry::H3Cell { column: "cell".into() };
    let centre = h3o::LatLng::new(50.7236, -3.5275).unwrap().to_cell(h3o::Resolution::Eight);
    let cells: Vec<h3o::CellIndex> = centre.grid_disk::<Vec<_>>(6);
    table.content = Content::Table(disclosed(
        vec![
            ("cell", text(cells.iter().map(ToString::to_string))),
            ("events", whole((0..cells.len()).map(|i| 90 - i64::try_from(i).unwrap() * 7 / 10))),
        ],
        &["events"],
    ));
    table
}

#[allow(clippy::cast_possible_truncation)]
fn week() -> PublishedTable {
    let mut table = header("hour_of_week", "Serious violence peaks late on Friday and Saturday nights", "msv");
    table.grain = vec![Column::new("hour", "Hour of the week")];
    table.chart = Chart::HourOfWeek { hour: "hour".into(), value: "events".into() };
    let mut dice = Dice(5);
    let value = |hour: i64, dice: &mut Dice| {
        let (day, clock) = (hour / 24, hour % 24);
        let night: f64 = match clock {
            21..=23 => 26.0,
            0..=2 => 22.0,
            18..=20 => 15.0,
            3..=6 => 5.0,
            _ => 8.0,
        };
        let weekend = match (day, clock) {
            (4, 18..=23) | (5, 0..=4) => 2.2,
            (5, 18..=23) | (6, 0..=4) => 2.9,
            _ => 1.0,
        };
        (night * weekend * (0.7 + 0.6 * dice.roll())) as i64
    };
    let counts: Vec<i64> = (0..168).map(|hour| value(hour, &mut dice)).collect();
    table.content = Content::Table(disclosed(vec![("hour", whole(0..168)), ("events", whole(counts))], &["events"]));
    table.notes = vec!["An event with a window of time is spread evenly over the hours that it covers.".into()];
    table
}

fn months() -> PublishedTable {
    let mut table = header("by_month", "Recorded violence rose until the summer of 2024", "open");
    table.stand_in_label =
        Some("Violence and sexual offences stand in for serious violence, which open data cannot tell apart.".into());
    table.grain = vec![Column::new("month", "Month")];
    table.chart = Chart::Line { x: "month".into(), value: "events".into(), breaks: None };
    let months: Vec<String> = (0..24).map(|i| format!("{}-{:02}", 2023 + i / 12, 1 + i % 12)).collect();
    let counts = (0..24).map(|i| if i == 9 { 4 } else { 3200 + i * 35 + (i * 37 % 11) * 60 });
    table.content = Content::Table(disclosed(vec![("month", text(months)), ("events", whole(counts))], &["events"]));
    table
}

fn districts() -> PublishedTable {
    let mut table = header("by_district", "Aldermouth has the highest count", "msv");
    table.grain = vec![Column::new("district", "District")];
    table.chart = Chart::Map { value: "events".into() };
    table.geometry = Geometry::Area { layer: "district".into(), column: "district".into() };
    table.content = Content::Table(disclosed(
        vec![("district", text(TOWNS.map(|t| t.0))), ("events", whole([1412, 988, 301, 420, 122, 6]))],
        &["events"],
    ));
    table
}

fn total() -> PublishedTable {
    let mut table = header("total", "All events", "msv");
    table.counts = vec![
        Column::new("events", "Events"),
        Column::new("knife", "With a knife"),
        Column::new("under_25", "Homicides of people under 25"),
    ];
    table.content = Content::Table(disclosed(
        vec![("events", whole([3249])), ("knife", whole([412])), ("under_25", whole([3]))],
        &["events", "knife", "under_25"],
    ));
    table
}

/// A release with every kind of table.
pub(crate) fn tables() -> Vec<PublishedTable> {
    let mut missing = header("hour_of_week_open", "Time of day in open police data", "open");
    missing.stand_in_label = Some("Violence and sexual offences stand in for serious violence.".into());
    missing.content = Content::NotAvailable("the source gives the month only, so there is no day and no hour".into());
    let mut open = grid("hotspots_open_250m", 250.0, "open");
    open.title = "The same places stand out in open police data".into();
    open.stand_in_label =
        Some("Violence and sexual offences stand in for serious violence, which open data cannot tell apart.".into());
    vec![
        total(),
        grid("hotspots_250m", 250.0, "msv"),
        hexagons(),
        week(),
        districts(),
        small(),
        months(),
        open,
        missing,
    ]
}

/// The facts of an invented run.
pub(crate) fn meta() -> ReleaseMeta {
    let definition = |name: &str, title: &str, stand_in: bool, description: &str| DefinitionLine {
        name: name.into(),
        version: "1".into(),
        title: title.into(),
        stand_in,
        description: description.into(),
        source: "invented, after a partnership's working definition of 2020".into(),
    };
    let source = |name: &str, title: &str, agency: &str, rows: u64| SourceLine {
        name: name.into(),
        title: title.into(),
        agency: agency.into(),
        controller: "Invented authority".into(),
        files: 24,
        rows_read: rows.into(),
        accepted: (rows - 130).into(),
        quarantined: Figure(None),
        duplicate: 30.into(),
        adds_up: true,
        first_month: "2023-01".into(),
        last_month: "2024-12".into(),
        missing_months: Vec::new(),
        months_inferred: false,
        extract_note: "taken 3 February 2025".into(),
        lawful_basis: "Police, Crime, Sentencing and Courts Act 2022, section 16".into(),
        disclosure_rule: "1 to 7 suppressed, others rounded to 5".into(),
    };
    ReleaseMeta {
        release: "2026-11-22-sample-partners".into(),
        title: "Hotspots and times of serious violence".into(),
        area: "sample-county".into(),
        area_title: "Invented county".into(),
        period_from: "2023-01".into(),
        period_to: "2024-12".into(),
        audience: "partners".into(),
        run_number: 7,
        clock: "2026-11-22T04:20:36Z".into(),
        svp_version: "0.1.0".into(),
        sources: vec![
            source("police_rms", "Police records management", "police", 41_230),
            source("ecds", "Emergency care data set", "health", 12_044),
            source("open_street", "data.police.uk street file", "police", 98_120),
        ],
        definitions: vec![
            definition(
                "msv",
                "Most serious violence (OPCC 2020)",
                false,
                "Murder, attempted murder, grievous bodily harm with intent, and wounding.",
            ),
            definition(
                "open",
                "Violence and sexual offences (open data)",
                true,
                "All offences of violence and all sexual offences, because open data has no finer class.",
            ),
        ],
        receipts: serde_json::json!([{"file": "2023-01.csv", "rows_read": 1700, "accepted": 1690, "quarantined": 8, "duplicate": 2}]),
        policy: serde_json::json!({"rule": "strictest source wins"}),
        linkage: serde_json::json!({"person_records": 53_274, "persons": 48_101, "in_two_agencies": 1_204, "rules": [{"name": "NHS number", "pairs": 4_120}]}),
        attribution: vec!["Contains invented data only.".into(), "Boundaries are invented.".into()],
        quality_notes: vec![
            "Police recorded a part of violence only; see the share treated in emergency departments.".into(),
        ],
    }
}

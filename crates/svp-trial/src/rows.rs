//! Rows of files: events and places to leave out. A bad row is counted by what is wrong with it, never shown.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use svp_contract::Square;

use crate::TrialError;
use crate::clock::{Times, When, local, when};
use crate::grid::Projection;
use crate::table::{MOST_ASTRAY, Table};
use crate::{day_month, twice};

/// A number that is one.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

/// An event, or several of one place and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Easting, m.
    pub easting: f64,
    /// Northing, m.
    pub northing: f64,
    /// Day of analysis.
    pub day: NaiveDate,
    /// Shift, by its place in the trial file; `None` where the hour is not known or in no shift.
    pub shift: Option<usize>,
    /// How many.
    pub count: u64,
    /// Their harm together.
    pub harm: f64,
}

/// What was read, and what was not, by reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    /// Events.
    pub rows: Vec<Event>,
    /// Rows of the file.
    pub read: u64,
    /// Rows left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Rows of which only the day is known.
    pub no_hour: u64,
    /// Events that were to be weighed and have no weight: they count as events, and their harm as nothing.
    pub no_weight: u64,
    /// Rows outside both periods of the trial, by year and month.
    pub outside: BTreeMap<(i32, u32), u64>,
    /// What to know of the rows before anybody relies on them.
    pub notes: Vec<String>,
}

impl Events {
    fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// What was read, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = format!("{} rows read, {} used", self.read, self.rows.len());
        for (why, n) in &self.left_out {
            out.push_str(&format!(", {n} {why}"));
        }
        if self.no_hour > 0 {
            out.push_str(&format!(", {} without an hour (in no shift)", self.no_hour));
        }
        if self.no_weight > 0 {
            out.push_str(&format!(", {} without a harm weight (their harm counts nothing)", self.no_weight));
        }
        out
    }
}

/// Ground on which the events of a trial can lie: boxes of easting and northing, m. Without a box everything can.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ground {
    /// Boxes: least and greatest easting, least and greatest northing.
    pub boxes: Vec<([f64; 2], [f64; 2])>,
}

impl Ground {
    /// Whether a point can be one of an event.
    #[must_use]
    pub fn holds(&self, easting: f64, northing: f64) -> bool {
        let inside =
            |(e, n): &([f64; 2], [f64; 2])| (e[0]..=e[1]).contains(&easting) && (n[0]..=n[1]).contains(&northing);
        self.boxes.is_empty() || self.boxes.iter().any(inside)
    }

    /// Whether a point lies there when easting and northing are exchanged, and not as it stands.
    #[must_use]
    pub fn exchanged(&self, easting: f64, northing: f64) -> bool {
        !self.holds(easting, northing) && self.holds(northing, easting)
    }
}

const EVENT_COLUMNS: &str = "easting, northing, occurred, and where there are: count, harm";

/// Reads events: `easting,northing,occurred[,count][,harm]`. Counts of squares are rows with the middle of the square.
/// A time without a zone is what the clock showed.
///
/// # Errors
/// When the file is empty or lacks a column; `harm` is needed where the trial counts it. When more than a few rows have easting and
/// northing or month and day exchanged, most lie where the trial is not, or many stand twice.
pub fn events(
    file: &str,
    bytes: &[u8],
    times: &Times,
    needs_harm: bool,
    ground: &Ground,
) -> Result<Events, TrialError> {
    let table = Table::read(file, bytes)?;
    let easting = table.need(&["easting", "x"], EVENT_COLUMNS)?;
    let northing = table.need(&["northing", "y"], EVENT_COLUMNS)?;
    let occurred = table.need(&["occurred", "occurred_from", "timestamp"], EVENT_COLUMNS)?;
    let count = table.column(&["count", "events"]);
    let harm = if needs_harm { Some(table.need(&["harm"], EVENT_COLUMNS)?) } else { table.column(&["harm"]) };
    let mut out = Events { read: table.rows().len() as u64 + table.broken, ..Events::default() };
    if table.broken > 0 {
        out.left_out.insert("unreadable", table.broken);
    }
    let (mut placed, mut exchanged, mut elsewhere) = (0u64, 0u64, 0u64);
    for row in table.rows() {
        let (Some(e), Some(n)) = (number(&row[easting]), number(&row[northing])) else {
            out.leave_out("without a place");
            continue;
        };
        placed += 1;
        if ground.exchanged(e, n) {
            exchanged += 1;
            out.leave_out("with easting and northing exchanged");
            continue;
        }
        if !ground.holds(e, n) {
            elsewhere += 1;
            out.leave_out("outside the area");
            continue;
        }
        let Some(at) = when(&row[occurred]) else {
            let exchanged = day_month::impossible(&row[occurred]);
            out.leave_out(if exchanged { "with month and day exchanged" } else { "without a time" });
            continue;
        };
        let many = match count {
            Some(column) => match row[column].parse::<u64>() {
                Ok(n) => n,
                Err(_) => {
                    out.leave_out("with a count that is no whole number");
                    continue;
                }
            },
            None => 1,
        };
        let weight = match harm {
            Some(column) => match number(&row[column]).filter(|v| *v >= 0.0) {
                Some(v) => v,
                None if needs_harm => {
                    out.leave_out("without harm");
                    continue;
                }
                None => 0.0,
            },
            None => 0.0,
        };
        out.add(times, (e, n), at, many, Some(weight));
    }
    if exchanged as f64 > MOST_ASTRAY * placed as f64 {
        return Err(TrialError::Exchanged { file: file.to_owned(), rows: exchanged, of: placed });
    }
    if elsewhere * 2 > placed {
        return Err(TrialError::Elsewhere { file: file.to_owned(), rows: elsewhere, of: placed });
    }
    out.notes = day_month::judge(file, table.rows().iter().map(|row| row[occurred].as_str()))?;
    out.notes.extend(twice::judge(file, &table, twice::Placing { easting, northing, occurred })?);
    Ok(out)
}

impl Events {
    /// Takes in one event, unless it lies off the National Grid or outside both periods of the trial. `harm` is `None` where it was
    /// asked for and nobody knows it.
    pub fn add(&mut self, times: &Times, (easting, northing): (f64, f64), at: When, count: u64, harm: Option<f64>) {
        let (day, shift) = match at {
            When::Day(day) => (day, None),
            When::Clock(at) => (times.day(at), times.shift(at)),
            When::Instant(at) => (times.day(local(at)), times.shift(local(at))),
        };
        if Square::containing(easting, northing, 1).is_none() {
            return self.leave_out("off the National Grid");
        }
        if !times.baseline.has(day) && !times.trial.has(day) {
            *self.outside.entry((day.year(), day.month())).or_default() += 1;
            return self.leave_out("outside both periods");
        }
        self.no_hour += u64::from(matches!(at, When::Day(_)));
        self.no_weight += u64::from(harm.is_none());
        self.rows.push(Event { easting, northing, day, shift, count, harm: harm.unwrap_or(0.0) });
    }
}

/// Ground on which no hot spot may lie.
#[derive(Debug, Clone, PartialEq)]
pub enum Exclusion {
    /// Round a point.
    Circle {
        /// Easting, m.
        easting: f64,
        /// Northing, m.
        northing: f64,
        /// Radius, m.
        radius_m: f64,
    },
    /// Inside of a ring of points, m.
    Polygon(Vec<(f64, f64)>),
}

const EXCLUSION_COLUMNS: &str = "name, easting, northing, radius_m";

/// Reads places to leave out: CSV `name,easting,northing,radius_m` or GeoJSON (polygons; points with a property `radius_m`).
/// A row that cannot be read is an error, not left out: what it keeps off the map is there for a reason.
///
/// # Errors
/// When the file or a row of it cannot be read.
pub fn exclusions(
    file: &str,
    bytes: &[u8],
    projection: &dyn Projection,
    ground: &Ground,
) -> Result<Vec<Exclusion>, TrialError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
        return geojson_exclusions(file, bytes, projection);
    }
    let table = Table::read(file, bytes)?;
    let place = |names: &[&'static str]| table.need(names, EXCLUSION_COLUMNS);
    let (e, n, r) = (place(&["easting"])?, place(&["northing"])?, place(&["radius_m", "radius"])?);
    let bad = |row: usize| TrialError::File {
        file: file.to_owned(),
        what: format!("row {} lacks easting, northing or radius_m", row + 2),
    };
    if table.broken > 0 {
        return Err(TrialError::File { file: file.to_owned(), what: format!("{} rows cannot be read", table.broken) });
    }
    let rows = table.rows().iter().enumerate();
    rows.map(|(i, row)| match (number(&row[e]), number(&row[n]), number(&row[r]).filter(|r| *r >= 0.0)) {
        (Some(easting), Some(northing), Some(_)) if ground.exchanged(easting, northing) => {
            Err(TrialError::Exchanged { file: file.to_owned(), rows: 1, of: table.rows().len() as u64 })
        }
        (Some(easting), Some(northing), Some(radius_m)) => Ok(Exclusion::Circle { easting, northing, radius_m }),
        _ => Err(bad(i)),
    })
    .collect()
}

fn geojson_exclusions(file: &str, bytes: &[u8], projection: &dyn Projection) -> Result<Vec<Exclusion>, TrialError> {
    use geojson::{FeatureCollection, GeometryValue};
    let bad = |what: &str| TrialError::File { file: file.to_owned(), what: what.to_owned() };
    let collection: FeatureCollection =
        serde_json::from_slice(bytes).map_err(|_| bad("it is not a GeoJSON feature collection"))?;
    let mut out = Vec::new();
    for feature in collection.features {
        let radius = feature.property("radius_m").and_then(serde_json::Value::as_f64);
        let Some(geometry) = feature.geometry else { continue };
        let bng = |p: &geojson::Position| match p.as_slice() {
            [lon, lat, ..] => projection.to_bng(*lon, *lat).ok_or_else(|| bad("a point lies off the National Grid")),
            _ => Err(bad("a point has no longitude and latitude")),
        };
        let mut ring = |rings: &[Vec<geojson::Position>]| -> Result<(), TrialError> {
            // Holes are left out too: whoever draws a hole wants its inside, and may give it as no exclusion.
            if let Some(outer) = rings.first() {
                out.push(Exclusion::Polygon(outer.iter().map(bng).collect::<Result<_, _>>()?));
            }
            Ok(())
        };
        match &geometry.value {
            GeometryValue::Polygon { coordinates } => ring(coordinates)?,
            GeometryValue::MultiPolygon { coordinates } => {
                for rings in coordinates {
                    ring(rings)?;
                }
            }
            GeometryValue::Point { coordinates } => {
                let (easting, northing) = bng(coordinates)?;
                let radius_m = radius.ok_or_else(|| bad("a point has no property radius_m"))?;
                out.push(Exclusion::Circle { easting, northing, radius_m });
            }
            _ => return Err(bad("a feature is neither a polygon nor a point")),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;
    use crate::fixture::{Plane, trial};

    fn read(text: &str) -> Result<Events, TrialError> {
        events("e.csv", text.as_bytes(), &Times::new(&trial()), false, &Ground::default())
    }

    #[test]
    fn bad_rows_are_counted_and_not_shown() {
        let found = read(
            "easting,northing,occurred\n316100,62000,2025-05-10 23:00\n,62000,2025-05-10\n316100,62000,soon\n1e9,5,2025-05-10\n316100,62000,2019-01-01\n316100,62000\nNaN,62000,2025-05-10\n316100,62000,2025-05-10\n",
        )
        .unwrap();
        assert_eq!((found.read, found.rows.len(), found.no_hour), (8, 2, 1));
        assert_eq!(
            found.left_out.into_iter().collect::<Vec<_>>(),
            [
                ("off the National Grid", 1),
                ("outside both periods", 1),
                ("unreadable", 1),
                ("without a place", 2),
                ("without a time", 1)
            ]
        );
        assert_eq!(found.rows[0].shift, Some(2));
    }

    #[test]
    fn a_file_that_is_none() {
        assert_eq!(read("").unwrap_err(), TrialError::Empty { file: "e.csv".to_owned() });
        assert_eq!(read("easting,northing,occurred\n").unwrap_err(), TrialError::Empty { file: "e.csv".to_owned() });
        let error = read("east,northing,occurred\n1,2,3\n").unwrap_err();
        assert!(error.to_string().contains("`easting`") && error.hint().unwrap().contains("northing"));
        let times = Times::new(&trial());
        assert!(
            events("e.csv", b"easting,northing,occurred\n1,2,2025-05-10\n", &times, true, &Ground::default()).is_err(),
            "harm is counted"
        );
    }

    #[test]
    fn an_event_without_a_weight_is_an_event_and_is_counted() {
        let trial = trial();
        let times = Times::new(&trial);
        let at = When::Day("2025-05-10".parse().unwrap());
        let mut found = Events { read: 3, ..Events::default() };
        found.add(&times, (316_100.0, 62_000.0), at, 1, Some(365.0));
        found.add(&times, (316_100.0, 62_000.0), at, 1, None);
        // What is left out for another reason is not counted here too.
        found.add(&times, (-1.0, 62_000.0), at, 1, None);
        assert_eq!(found.rows.iter().map(|e| (e.count, e.harm)).collect::<Vec<_>>(), [(1, 365.0), (1, 0.0)]);
        assert!(found.summary().contains("1 without a harm weight (their harm counts nothing)"), "{}", found.summary());
    }

    #[test]
    fn counts_of_squares() {
        let found =
            read("x,y,occurred,count,harm\n316125,62025,2025-05-10T15:00,7,12.5\n1,1,2025-05-10,two,1\n").unwrap();
        assert_eq!((found.rows[0].count, found.rows[0].harm), (7, 12.5));
        assert_eq!(found.left_out.len(), 1);
    }

    #[test]
    fn exclusions_of_both_forms() {
        let csv = exclusions("x.csv", b"name,easting,northing,radius_m\nA,1000,2000,50\n", &Plane, &Ground::default())
            .unwrap();
        assert_eq!(csv, [Exclusion::Circle { easting: 1000.0, northing: 2000.0, radius_m: 50.0 }]);
        assert!(
            exclusions("x.csv", b"name,easting,northing,radius_m\nA,1000,,50\n", &Plane, &Ground::default()).is_err()
        );
        let json = br#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[[-5.99,49.02],[-5.98,49.02],[-5.98,49.03],[-5.99,49.02]]]}}]}"#;
        let found = exclusions("x.geojson", json, &Plane, &Ground::default()).unwrap();
        assert!(matches!(&found[0], Exclusion::Polygon(ring) if ring.len() == 4));
        let point = br#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[-5.99,49.02]}}]}"#;
        assert!(
            exclusions("x.geojson", point, &Plane, &Ground::default()).unwrap_err().to_string().contains("radius_m")
        );
    }

    #[test]
    fn what_is_wrong_with_the_rows_together_is_refused_or_told() {
        let day = |i: usize| format!("2024-{:02}-{:02} {:02}:{:02}", 1 + i % 12, 1 + i % 28, i % 24, i % 60);
        let rows = |n: usize| -> String { (0..n).map(|i| format!("{},62000,{}\n", 316_000 + i, day(i))).collect() };
        let header = "easting,northing,occurred\n";
        assert!(read(&format!("{header}{}", rows(200))).unwrap().notes.is_empty());
        let twice = read(&format!("{header}{0}{0}", rows(200))).unwrap_err();
        assert!(matches!(twice, TrialError::Repeated { rows: 200, of: 400, .. }), "{twice}");
        let exchanged: String =
            (0..200).map(|i| format!("{},62000,2024-{:02}-{:02}\n", 316_000 + i, 1 + i % 28, 1 + i % 12)).collect();
        assert!(matches!(read(&format!("{header}{exchanged}")).unwrap_err(), TrialError::DayMonth { .. }));
        // One of them is told, and left out for what it is.
        let found = read(&format!("{header}{}316000,62000,2024-13-02\n316001,62000,2022-11-02\n", rows(200))).unwrap();
        assert_eq!((found.left_out["with month and day exchanged"], found.notes.len()), (1, 1));
        assert_eq!(found.outside.into_iter().collect::<Vec<_>>(), [((2022, 11), 1)]);
    }

    #[test]
    fn events_lie_where_the_trial_is() {
        let ground = Ground { boxes: vec![([310_000.0, 334_000.0], [48_000.0, 70_000.0])] };
        let read = |rows: &[(&str, usize)]| {
            let mut text = "easting,northing,occurred\n".to_owned();
            for (row, n) in rows {
                text.push_str(&format!("{row},2025-05-10\n").repeat(*n));
            }
            events("e.csv", text.as_bytes(), &Times::new(&trial()), false, &ground)
        };
        let (right, wrong, far) = ("316100,62000", "62000,316100", "530000,180000");
        assert_eq!(read(&[(right, 10)]).unwrap().rows.len(), 10);
        let error = read(&[(wrong, 10)]).unwrap_err();
        assert_eq!(error, TrialError::Exchanged { file: "e.csv".to_owned(), rows: 10, of: 10 });
        assert!(error.hint().unwrap().contains("other way round"));
        assert!(matches!(read(&[(right, 50), (wrong, 50)]), Err(TrialError::Exchanged { rows: 50, of: 100, .. })));
        // A slip is left out and told.
        let found = read(&[(right, 99), (wrong, 1)]).unwrap();
        assert_eq!((found.rows.len(), found.left_out["with easting and northing exchanged"]), (99, 1));
        assert_eq!(read(&[(right, 9), (far, 1)]).unwrap().left_out["outside the area"], 1);
        assert!(matches!(read(&[(right, 2), (far, 8)]), Err(TrialError::Elsewhere { rows: 8, of: 10, .. })));
        // Degrees are no metres.
        assert!(matches!(read(&[("50.4,-3.2", 9)]), Err(TrialError::Elsewhere { .. })));
        let place = |row: &str| {
            exclusions("x.csv", format!("name,easting,northing,radius_m\nA,{row},50\n").as_bytes(), &Plane, &ground)
        };
        assert!(place(right).is_ok() && place(far).is_ok());
        assert!(matches!(place(wrong), Err(TrialError::Exchanged { .. })));
    }
}

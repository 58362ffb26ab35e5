//! Pings of patrols: CSV or GPX tracks. They are personal data of officers: none is ever shown, and no result names a unit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};
use svp_contract::Square;

use crate::TrialError;
use crate::clock::{When, instant, when};
use crate::grid::Projection;
use crate::rows::number;
use crate::table::Table;

/// Where a unit was.
#[derive(Debug, Clone, PartialEq)]
pub struct Ping {
    /// Unit, as the file names it.
    pub unit: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Easting, m.
    pub easting: f64,
    /// Northing, m.
    pub northing: f64,
}

/// Pings of one or more files, and what could not be used, by reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pings {
    /// Pings, sorted by unit and time, none twice.
    pub rows: Vec<Ping>,
    /// Rows or track points read.
    pub read: u64,
    /// Left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
}

impl Pings {
    fn leave_out(&mut self, why: &'static str, how_many: u64) {
        if how_many > 0 {
            *self.left_out.entry(why).or_default() += how_many;
        }
    }

    /// Takes in the pings of a file.
    ///
    /// # Errors
    /// When a CSV file is empty or lacks a column.
    pub fn add(&mut self, file: &str, bytes: &[u8], projection: &dyn Projection) -> Result<(), TrialError> {
        let before = self.rows.len();
        if bytes.iter().find(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b)) == Some(&b'<') {
            self.gpx(file, bytes, projection);
        } else {
            self.csv(file, bytes, projection)?;
        }
        if self.rows.len() == before {
            return Err(TrialError::NoPings { file: file.to_owned() });
        }
        self.rows.sort_by(|a, b| {
            (&a.unit, a.at)
                .cmp(&(&b.unit, b.at))
                .then(a.easting.total_cmp(&b.easting))
                .then(a.northing.total_cmp(&b.northing))
        });
        let with_doubles = self.rows.len();
        self.rows.dedup();
        self.leave_out("that stand twice", (with_doubles - self.rows.len()) as u64);
        Ok(())
    }

    fn csv(&mut self, file: &str, bytes: &[u8], projection: &dyn Projection) -> Result<(), TrialError> {
        const COLUMNS: &str = "unit, timestamp, and either longitude, latitude or easting, northing";
        let table = Table::read(file, bytes)?;
        let unit = table.need(&["unit", "callsign", "device"], COLUMNS)?;
        let time = table.need(&["timestamp", "time", "at"], COLUMNS)?;
        let grid = table.column(&["easting"]).zip(table.column(&["northing"]));
        let degrees = table.column(&["longitude", "lon", "lng"]).zip(table.column(&["latitude", "lat"]));
        if grid.is_none() && degrees.is_none() {
            return Err(TrialError::Column { file: file.to_owned(), column: "longitude", wanted: COLUMNS });
        }
        self.read += table.rows().len() as u64 + table.broken;
        self.leave_out("unreadable", table.broken);
        for row in table.rows() {
            let pair = |(a, b): (usize, usize)| number(&row[a]).zip(number(&row[b]));
            let place = grid
                .and_then(pair)
                .or_else(|| degrees.and_then(pair).and_then(|(lon, lat)| projection.to_bng(lon, lat)));
            self.take(&row[unit], &row[time], place);
        }
        Ok(())
    }

    /// Reads track points; the name of the track is the unit, or the name of the file where it has none.
    fn gpx(&mut self, file: &str, bytes: &[u8], projection: &dyn Projection) {
        let stem = file.rsplit(['/', '\\']).next().and_then(|n| n.split('.').next()).unwrap_or("unit");
        let mut reader = Reader::from_reader(bytes);
        let (mut path, mut unit, mut time): (Vec<Vec<u8>>, String, String) =
            (Vec::new(), stem.to_owned(), String::new());
        let mut place = None;
        loop {
            match reader.read_event() {
                Ok(Xml::Start(tag)) => {
                    match tag.local_name().as_ref() {
                        b"trk" => unit = stem.to_owned(),
                        b"trkpt" => (place, time) = (position(&tag, projection), String::new()),
                        _ => {}
                    }
                    path.push(tag.local_name().as_ref().to_vec());
                }
                Ok(Xml::Empty(tag)) if tag.local_name().as_ref() == b"trkpt" => {
                    self.read += 1;
                    self.leave_out("without a time", 1);
                }
                Ok(Xml::Text(text)) => {
                    let ends = |names: [&[u8]; 2]| {
                        path.len() > 1 && path[path.len() - 2..].iter().zip(names).all(|(a, b)| a == b)
                    };
                    let Ok(text) = text.decode() else { continue };
                    if ends([b"trk", b"name"]) && !text.trim().is_empty() {
                        unit = text.trim().to_owned();
                    } else if ends([b"trkpt", b"time"]) {
                        time.push_str(text.trim());
                    }
                }
                Ok(Xml::End(tag)) => {
                    path.pop();
                    if tag.local_name().as_ref() == b"trkpt" {
                        self.read += 1;
                        self.take(&unit.clone(), &time.clone(), place.take());
                    }
                }
                Ok(Xml::Eof) => break,
                Ok(_) => {}
                Err(_) => {
                    // What stands before the fault was read; what follows cannot be counted.
                    self.leave_out("after which a file is no XML any more", 1);
                    self.read += 1;
                    break;
                }
            }
        }
    }

    fn take(&mut self, unit: &str, time: &str, place: Option<(f64, f64)>) {
        let at = match when(time) {
            Some(When::Instant(at)) => Some(at),
            Some(When::Clock(at)) => Some(instant(at)),
            Some(When::Day(_)) | None => None,
        };
        match (unit.is_empty(), at, place) {
            (true, _, _) => self.leave_out("without a unit", 1),
            (_, None, _) => self.leave_out("without a time", 1),
            (_, _, None) => self.leave_out("without a place", 1),
            (_, _, Some((e, n))) if Square::containing(e, n, 1).is_none() => self.leave_out("off the National Grid", 1),
            (_, Some(at), Some((easting, northing))) => {
                self.rows.push(Ping { unit: unit.to_owned(), at, easting, northing });
            }
        }
    }

    /// What was read, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = format!("{} pings read, {} used", self.read, self.rows.len());
        for (why, n) in &self.left_out {
            out.push_str(&format!(", {n} {why}"));
        }
        out
    }
}

fn position(tag: &BytesStart<'_>, projection: &dyn Projection) -> Option<(f64, f64)> {
    let value = |name: &str| {
        let attribute = tag.try_get_attribute(name).ok().flatten()?;
        std::str::from_utf8(&attribute.value).ok().and_then(number)
    };
    projection.to_bng(value("lon")?, value("lat")?)
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;
    use crate::fixture::Plane;

    fn read(file: &str, text: &str) -> Result<Pings, TrialError> {
        let mut pings = Pings::default();
        pings.add(file, text.as_bytes(), &Plane)?;
        Ok(pings)
    }

    #[test]
    fn rows_that_cannot_be_used_are_counted() {
        let text = "unit,timestamp,lon,lat\nA,2025-05-03T14:00:00Z,-2.84,49.62\nA,2025-05-03T14:00:00Z,-2.84,49.62\n,2025-05-03T14:00:00Z,-2.84,49.62\nA,soon,-2.84,49.62\nA,2025-05-03T14:01:00Z,,49.62\nA,2025-05-03T14:01:00Z,-7.5,49.62\nA,2025-05-03T14:01:00Z,190,49.62\nA,2025-05-03\n";
        let found = read("p.csv", text).unwrap();
        assert_eq!((found.read, found.rows.len()), (8, 1));
        assert_eq!(
            found.left_out.iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>(),
            [
                ("off the National Grid", 1),
                ("that stand twice", 1),
                ("unreadable", 1),
                ("without a place", 2),
                ("without a time", 1),
                ("without a unit", 1)
            ]
        );
        assert_eq!(found.read, found.rows.len() as u64 + found.left_out.values().sum::<u64>());
    }

    #[test]
    fn local_times_are_read_by_the_british_clock() {
        let found = read("p.csv", "unit,timestamp,easting,northing\nA,2025-05-03 15:00:00,316100,62000\n").unwrap();
        assert_eq!(found.rows[0].at.to_string(), "2025-05-03 14:00:00 UTC");
    }

    #[test]
    fn tracks_of_gpx() {
        let text = r#"<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>U7</name><trkseg>
            <trkpt lat="49.62" lon="-2.84"><ele>3</ele><time>2025-05-03T14:00:00Z</time></trkpt>
            <trkpt lat="49.62" lon="-2.84"/><trkpt lat="x" lon="-2.84"><time>2025-05-03T14:02:00Z</time></trkpt></trkseg></trk>
            <trk><trkseg><trkpt lat="49.62" lon="-2.84"><time>2025-05-03T14:05:00Z</time></trkpt></trkseg></trk></gpx>"#;
        let found = read("tracks/bike-3.gpx", text).unwrap();
        assert_eq!(found.rows.iter().map(|p| p.unit.as_str()).collect::<Vec<_>>(), ["U7", "bike-3"]);
        assert_eq!((found.read, found.left_out.values().sum::<u64>()), (4, 2));
        // A file that was cut off keeps what stands before.
        let cut = read("a.gpx", &text[..300]).unwrap();
        assert!(!cut.rows.is_empty());
    }

    #[test]
    fn a_file_without_pings() {
        for text in ["unit,timestamp,lon,lat\nA,x,y,z\n", "<gpx></gpx>", "<html"] {
            let error = read("p.csv", text).unwrap_err();
            assert!(matches!(error, TrialError::NoPings { .. }) && error.hint().is_some());
        }
        assert!(matches!(read("p.csv", "unit,timestamp\nA,2025\n"), Err(TrialError::Column { .. })));
    }
}

//! Patrol sheets: CSV, GPX, GeoJSON, a page to print. They say where and when to walk and nothing of events or people.

use std::collections::BTreeMap;

use svp_contract::Trial;

use crate::TrialError;
use crate::clock::{local, zone};
use crate::grid::{Projection, degrees};
use crate::patrols::Visit;
use crate::spots::{Spot, square};

/// Text inside of XML and HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Middle of a hot spot in degrees.
fn point(spot: &Spot, projection: &dyn Projection) -> Result<(f64, f64), TrialError> {
    let (e, n) = spot.cell.centre();
    let (lon, lat) = projection.to_wgs84(e, n).ok_or_else(|| TrialError::OffGrid { spot: spot.id.clone() })?;
    Ok((degrees(lon), degrees(lat)))
}

/// Visits as CSV.
///
/// # Errors
/// When a hot spot lies off the National Grid.
pub fn csv(trial: &Trial, spots: &[Spot], visits: &[Visit], projection: &dyn Projection) -> Result<String, TrialError> {
    let mut out = String::from(
        "day,shift,unit,order,hot_spot,start_local,clock,start_utc,minutes,easting,northing,longitude,latitude\n",
    );
    for v in visits {
        let spot = &spots[v.spot];
        let ((lon, lat), (e, n)) = (point(spot, projection)?, spot.cell.centre());
        out.push_str(&format!(
            "{},{},{},{},{},{},{},{},{},{e},{n},{lon},{lat}\n",
            v.day,
            trial.shifts[v.shift].name,
            v.unit,
            v.order,
            spot.id,
            local(v.start).format("%Y-%m-%d %H:%M"),
            zone(v.start),
            v.start.format("%Y-%m-%dT%H:%MZ"),
            v.minutes
        ));
    }
    Ok(out)
}

/// Visits of one unit and shift as GPX 1.1: a waypoint for each hot spot, a route in the order of the visits.
///
/// # Errors
/// When a hot spot lies off the National Grid.
pub fn gpx(trial: &Trial, spots: &[Spot], visits: &[Visit], projection: &dyn Projection) -> Result<String, TrialError> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gpx version=\"1.1\" creator=\"svp\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n",
    );
    let places: std::collections::BTreeSet<usize> = visits.iter().map(|v| v.spot).collect();
    for place in places {
        let (lon, lat) = point(&spots[place], projection)?;
        let name = escape(&spots[place].id);
        out.push_str(&format!("  <wpt lat=\"{lat}\" lon=\"{lon}\"><name>{name}</name></wpt>\n"));
    }
    if let Some(first) = visits.first() {
        let name = format!("{} {} unit {}", first.day, trial.shifts[first.shift].name, first.unit);
        out.push_str(&format!("  <rte>\n    <name>{}</name>\n", escape(&name)));
        for v in visits {
            let (lon, lat) = point(&spots[v.spot], projection)?;
            out.push_str(&format!(
                "    <rtept lat=\"{lat}\" lon=\"{lon}\"><time>{}</time><name>{} {}</name><desc>{} minutes</desc></rtept>\n",
                v.start.format("%Y-%m-%dT%H:%M:00Z"),
                escape(&spots[v.spot].id),
                local(v.start).format("%H:%M"),
                v.minutes
            ));
        }
        out.push_str("  </rte>\n");
    }
    out.push_str("</gpx>\n");
    Ok(out)
}

/// The hot spots of these visits as GeoJSON squares, each with its times.
///
/// # Errors
/// When a hot spot lies off the National Grid.
pub fn geojson(
    trial: &Trial,
    spots: &[Spot],
    visits: &[Visit],
    projection: &dyn Projection,
) -> Result<String, TrialError> {
    let mut by_place: BTreeMap<(usize, usize, usize), Vec<String>> = BTreeMap::new();
    for v in visits {
        by_place.entry((v.shift, v.unit, v.spot)).or_default().push(local(v.start).format("%H:%M").to_string());
    }
    let mut features = Vec::new();
    for ((shift, unit, spot), starts) in by_place {
        let properties = serde_json::json!({
            "hot_spot": spots[spot].id, "shift": trial.shifts[shift].name, "unit": unit,
            "starts": starts, "minutes": trial.dose.minutes,
        });
        features.push(square(&spots[spot], properties, projection)?);
    }
    Ok(format!("{}\n", serde_json::json!({ "type": "FeatureCollection", "features": features })))
}

const STYLE: &str = "body{font:14px/1.4 Arial,sans-serif;margin:2em;color:#0b0c0c}h1{font-size:1.3em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;width:100%}th,td{border:1px solid #505a5f;padding:.4em .6em;text-align:left}section+section{break-before:page}td.tick{width:5em}";

/// A page to print: one table for each shift and unit.
#[must_use]
pub fn html(trial: &Trial, spots: &[Spot], visits: &[Visit]) -> String {
    let mut parts: BTreeMap<(usize, usize), Vec<&Visit>> = BTreeMap::new();
    for v in visits {
        parts.entry((v.shift, v.unit)).or_default().push(v);
    }
    let day = visits.first().map(|v| v.day.to_string()).unwrap_or_default();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head><meta charset=\"utf-8\"><title>Patrols {day}</title><style>{STYLE}</style></head>\n<body>\n<h1>{}: patrols of {day}</h1>\n<p>Walk each hot spot for {} minutes, on foot and in sight. Come at the time that is written, and tell it to nobody beforehand.</p>\n",
        escape(&trial.title),
        trial.dose.minutes
    );
    for ((shift, unit), visits) in parts {
        out.push_str(&format!(
            "<section>\n<h2>Shift {}, unit {unit}</h2>\n<table>\n<tr><th scope=\"col\">No</th><th scope=\"col\">Start</th><th scope=\"col\">Hot spot</th><th scope=\"col\">Middle: easting, northing</th><th scope=\"col\">Minutes</th><th scope=\"col\">Arrived</th><th scope=\"col\">Left</th></tr>\n",
            escape(&trial.shifts[shift].name)
        ));
        for v in visits {
            let (e, n) = spots[v.spot].cell.centre();
            out.push_str(&format!(
                "<tr><td>{}</td><td>{} {}</td><td>{}</td><td>{e:.0}, {n:.0}</td><td>{}</td><td class=\"tick\"></td><td class=\"tick\"></td></tr>\n",
                v.order,
                local(v.start).format("%a %H:%M"),
                zone(v.start),
                escape(&spots[v.spot].id),
                v.minutes
            ));
        }
        out.push_str("</table>\n</section>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::assign;
    use crate::clock::Times;
    use crate::fixture::{Plane, spots, trial};
    use crate::patrols::visits;

    fn day() -> (Trial, Vec<Spot>, Vec<Visit>) {
        let (trial, spots) = (trial(), spots(20));
        let times = Times::new(&trial);
        let assignment = assign(&trial, &times, &spots).unwrap();
        let found = visits(&trial, &times, &spots, &assignment, "2025-05-03".parse().unwrap()).unwrap();
        (trial, spots, found)
    }

    #[test]
    fn sheets_are_well_formed_and_in_local_time() {
        let (trial, spots, visits) = day();
        let rows = csv(&trial, &spots, &visits, &Plane).unwrap();
        assert_eq!(rows.lines().count(), 33);
        assert!(rows.lines().skip(1).all(|l| l.contains(",BST,") && l.starts_with("2025-05-03,late,")));
        let one: Vec<Visit> = visits.iter().filter(|v| v.unit == 1).cloned().collect();
        let text = gpx(&trial, &spots, &one, &Plane).unwrap();
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut points = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(e) if e.name().as_ref() == b"rtept" => points += 1,
                _ => {}
            }
        }
        assert_eq!(points, one.len());
        let json: serde_json::Value = serde_json::from_str(&geojson(&trial, &spots, &visits, &Plane).unwrap()).unwrap();
        assert_eq!(json["features"].as_array().unwrap().len(), 8);
        assert_eq!(json["features"][0]["properties"]["starts"].as_array().unwrap().len(), 4);
    }

    /// An officer may lose a sheet: it holds no count of events.
    #[test]
    fn sheets_say_nothing_of_events() {
        let (trial, mut spots, visits) = day();
        for spot in &mut spots {
            (spot.events, spot.harm) = (987_654, 876_543.0);
        }
        let all = [
            csv(&trial, &spots, &visits, &Plane).unwrap(),
            gpx(&trial, &spots, &visits, &Plane).unwrap(),
            geojson(&trial, &spots, &visits, &Plane).unwrap(),
            html(&trial, &spots, &visits),
        ];
        assert!(all.iter().all(|t| !t.contains("987654") && !t.contains("876543") && !t.contains("events")));
    }

    #[test]
    fn a_title_is_text() {
        let (mut trial, spots, visits) = day();
        trial.title = "<script>alert(1)</script>".to_owned();
        assert!(!html(&trial, &spots, &visits).contains("<script>"));
    }
}

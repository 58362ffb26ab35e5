//! Patrol sheets: CSV, GPX, GeoJSON, a page to print. They say where and when to walk and nothing of events or people.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Value, context};
use svp_contract::Trial;

use crate::TrialError;
use crate::clock::{local, zone};
use crate::grid::{Projection, degrees};
use crate::patrols::Visit;
use crate::spots::{Spot, square};
use crate::table::csv_text;
use crate::templates::render;

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
    let row = |v: &Visit| {
        let spot = &spots[v.spot];
        let ((lon, lat), (e, n)) = (point(spot, projection)?, spot.cell.centre());
        let [start, utc] =
            [local(v.start).format("%Y-%m-%d %H:%M").to_string(), v.start.format("%Y-%m-%dT%H:%MZ").to_string()];
        let [unit, order, minutes] = [v.unit.to_string(), v.order.to_string(), v.minutes.to_string()];
        let shift = trial.shifts[v.shift].name.clone();
        let first =
            [v.day.to_string(), shift, unit, order, spot.id.clone(), start, zone(v.start).to_string(), utc, minutes];
        Ok(first.into_iter().chain([e, n, lon, lat].map(|x| x.to_string())).collect::<Vec<String>>())
    };
    let header = [
        "day",
        "shift",
        "unit",
        "order",
        "hot_spot",
        "start_local",
        "clock",
        "start_utc",
        "minutes",
        "easting",
        "northing",
        "longitude",
        "latitude",
    ];
    Ok(csv_text(&header, visits.iter().map(row).collect::<Result<Vec<_>, TrialError>>()?))
}

/// Visits of one unit and shift as GPX 1.1: a waypoint for each hot spot, a route in the order of the visits.
///
/// # Errors
/// When a hot spot lies off the National Grid.
pub fn gpx(trial: &Trial, spots: &[Spot], visits: &[Visit], projection: &dyn Projection) -> Result<String, TrialError> {
    let places: BTreeSet<usize> = visits.iter().map(|v| v.spot).collect();
    let place = |place: usize| {
        let (lon, lat) = point(&spots[place], projection)?;
        Ok(context! { lat => lat.to_string(), lon => lon.to_string(), name => &spots[place].id })
    };
    let visit = |v: &Visit| {
        let (lon, lat) = point(&spots[v.spot], projection)?;
        Ok(context! {
            lat => lat.to_string(), lon => lon.to_string(), time => v.start.format("%Y-%m-%dT%H:%M:00Z").to_string(),
            spot => &spots[v.spot].id, start => local(v.start).format("%H:%M").to_string(), minutes => v.minutes,
        })
    };
    let name = |first: &Visit| format!("{} {} unit {}", first.day, trial.shifts[first.shift].name, first.unit);
    let values = context! {
        name => visits.first().map(name),
        places => places.into_iter().map(place).collect::<Result<Vec<_>, TrialError>>()?,
        visits => visits.iter().map(visit).collect::<Result<Vec<_>, TrialError>>()?,
    };
    render("route.gpx", include_str!("../templates/route.gpx"), values)
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

/// A page to print: one table for each shift and unit.
///
/// # Errors
/// When the template cannot be filled.
pub fn html(trial: &Trial, spots: &[Spot], visits: &[Visit]) -> Result<String, TrialError> {
    let mut parts: BTreeMap<(usize, usize), Vec<Value>> = BTreeMap::new();
    for v in visits {
        let (e, n) = spots[v.spot].cell.centre();
        parts.entry((v.shift, v.unit)).or_default().push(context! {
            order => v.order, start => format!("{} {}", local(v.start).format("%a %H:%M"), zone(v.start)),
            spot => &spots[v.spot].id, middle => format!("{e:.0}, {n:.0}"), minutes => v.minutes,
        });
    }
    let shift = |((shift, unit), visits): ((usize, usize), Vec<Value>)| context! { name => &trial.shifts[shift].name, unit, visits };
    let values = context! {
        day => visits.first().map(|v| v.day.to_string()).unwrap_or_default(),
        title => &trial.title, minutes => trial.dose.minutes,
        shifts => parts.into_iter().map(shift).collect::<Vec<_>>(),
    };
    render("sheet.html", include_str!("../templates/sheet.html"), values)
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
            html(&trial, &spots, &visits).unwrap(),
        ];
        assert!(all.iter().all(|t| !t.contains("987654") && !t.contains("876543") && !t.contains("events")));
    }

    #[test]
    fn a_title_is_text() {
        let (mut trial, spots, visits) = day();
        trial.title = "<script>alert(1)</script>".to_owned();
        assert!(!html(&trial, &spots, &visits).unwrap().contains("<script>"));
    }
}

//! The list of hot spots: made by `choose`, read by every later step.

use std::collections::BTreeMap;

use svp_contract::{Measure, Shift, Square};

use crate::TrialError;
use crate::grid::{Projection, degrees};
use crate::rows::number;
use crate::table::{Table, csv_text};

/// A hot spot.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// Name, `H01` for the first in rank.
    pub id: String,
    /// Square.
    pub cell: Square,
    /// Events of the baseline in the hours that count.
    pub events: u64,
    /// Their harm.
    pub harm: f64,
    /// Events of the baseline by shift, in the order of the trial file.
    pub by_shift: Vec<u64>,
    /// Quarters of the baseline in which something happened here.
    pub quarters: u64,
    /// Greatest share of the events at one and the same point: near 1, the point may be where a system puts what it
    /// cannot place.
    pub one_point: f64,
}

impl Spot {
    /// Name of the spot of a rank, from 0.
    #[must_use]
    pub fn name(rank: usize) -> String {
        format!("H{:02}", rank + 1)
    }

    /// What ranks it.
    #[must_use]
    pub fn volume(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Events => self.events as f64,
            Measure::Harm => self.harm,
        }
    }
}

/// Columns before those of the shifts.
const COLUMNS: &str = "hot_spot,cell,easting,northing,size_m,events,harm,quarters_with_events,share_at_one_point";

/// The list as CSV.
#[must_use]
pub fn csv(spots: &[Spot], shifts: &[Shift]) -> String {
    let by_shift: Vec<String> = shifts.iter().map(|shift| format!("events_{}", shift.name)).collect();
    let header: Vec<&str> = COLUMNS.split(',').chain(by_shift.iter().map(String::as_str)).collect();
    let row = |spot: &Spot| {
        let Square { easting, northing, size } = spot.cell;
        let place =
            [spot.id.clone(), spot.cell.to_string(), easting.to_string(), northing.to_string(), size.to_string()];
        let counts = [spot.events.to_string(), spot.harm.to_string(), spot.quarters.to_string()];
        let counts = counts.into_iter().chain([format!("{:.3}", spot.one_point)]);
        let by_shift = (0..shifts.len()).map(|i| spot.by_shift.get(i).copied().unwrap_or(0).to_string());
        place.into_iter().chain(counts).chain(by_shift).collect::<Vec<String>>()
    };
    csv_text(&header, spots.iter().map(row))
}

/// The list as GeoJSON: one square a hot spot, WGS84. `notes` says what to know of the events behind it.
///
/// # Errors
/// When a square lies off the National Grid.
pub fn geojson(
    spots: &[Spot],
    shifts: &[Shift],
    notes: &[String],
    projection: &dyn Projection,
) -> Result<String, TrialError> {
    let mut features = Vec::new();
    for spot in spots {
        let mut properties = serde_json::json!({
            "hot_spot": spot.id, "cell": spot.cell.to_string(), "events": spot.events, "harm": spot.harm,
        });
        for (i, shift) in shifts.iter().enumerate() {
            properties[format!("events_{}", shift.name)] = spot.by_shift.get(i).copied().unwrap_or(0).into();
        }
        features.push(square(spot, properties, projection)?);
    }
    let mut all = serde_json::json!({ "type": "FeatureCollection", "features": features });
    if !notes.is_empty() {
        all["notes"] = notes.into();
    }
    Ok(format!("{all}\n"))
}

/// A hot spot as a GeoJSON feature with these properties.
pub(crate) fn square(
    spot: &Spot,
    properties: serde_json::Value,
    projection: &dyn Projection,
) -> Result<serde_json::Value, TrialError> {
    let off = || TrialError::OffGrid { spot: spot.id.clone() };
    let mut ring = Vec::new();
    for (e, n) in spot.cell.corners() {
        let (lon, lat) = projection.to_wgs84(e, n).ok_or_else(off)?;
        ring.push([degrees(lon), degrees(lat)]);
    }
    ring.push(ring[0]);
    Ok(serde_json::json!({
        "type": "Feature", "properties": properties,
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    }))
}

/// Reads the list back.
///
/// # Errors
/// When a column or a value is missing, an id or square stands twice, or two squares share ground.
pub fn read(file: &str, bytes: &[u8], shifts: &[Shift]) -> Result<Vec<Spot>, TrialError> {
    let table = Table::read(file, bytes)?;
    let wanted = COLUMNS;
    let names = ["hot_spot", "easting", "northing", "size_m", "events", "harm"];
    let mut place = BTreeMap::new();
    for name in names {
        place.insert(name, table.need(&[name], wanted)?);
    }
    let optional = |name: &str| table.column(&[name]);
    let (quarters, one_point) = (optional("quarters_with_events"), optional("share_at_one_point"));
    let by_shift: Vec<Option<usize>> = shifts.iter().map(|s| optional(&format!("events_{}", s.name))).collect();
    let mut spots: Vec<Spot> = Vec::new();
    for (i, row) in table.rows().iter().enumerate() {
        let bad = |what: &str| TrialError::File { file: file.to_owned(), what: format!("row {}: {what}", i + 2) };
        let whole = |column: usize| row[column].parse::<u64>().ok();
        let (Some(easting), Some(northing), Some(size)) =
            (number(&row[place["easting"]]), number(&row[place["northing"]]), whole(place["size_m"]))
        else {
            return Err(bad("easting, northing or size_m is no number"));
        };
        let size = i64::try_from(size).map_err(|_| bad("size_m is no length"))?;
        let cell =
            Square::containing(easting, northing, size).ok_or_else(|| bad("the square is off the National Grid"))?;
        if (cell.easting as f64, cell.northing as f64) != (easting, northing) {
            return Err(bad("the corner is no multiple of the size"));
        }
        let events = whole(place["events"]).ok_or_else(|| bad("events is no whole number"))?;
        let harm = number(&row[place["harm"]]).ok_or_else(|| bad("harm is no number"))?;
        let id = row[place["hot_spot"]].clone();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || id.len() > 32 || !id.chars().all(plain) {
            return Err(bad("hot_spot is no plain word"));
        }
        let optional = |column: Option<usize>| column.and_then(|c| number(&row[c])).unwrap_or(0.0);
        let by_shift = by_shift.iter().map(|c| c.and_then(whole).unwrap_or(0)).collect();
        let quarters = quarters.and_then(whole).unwrap_or(0);
        spots.push(Spot { id, cell, events, harm, by_shift, quarters, one_point: optional(one_point) });
    }
    if table.broken > 0 {
        return Err(TrialError::File { file: file.to_owned(), what: format!("{} rows cannot be read", table.broken) });
    }
    judge(file, &spots)?;
    Ok(spots)
}

/// No id twice, no ground twice.
fn judge(file: &str, spots: &[Spot]) -> Result<(), TrialError> {
    for (i, a) in spots.iter().enumerate() {
        for b in &spots[i + 1..] {
            if a.id == b.id {
                let what = format!("{} stands in it twice", a.id);
                return Err(TrialError::Spots { file: file.to_owned(), what });
            }
            if a.cell.overlaps(&b.cell) {
                return Err(TrialError::Overlap { a: a.id.clone(), b: b.id.clone() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;
    use crate::fixture::{Plane, spots, trial};

    #[test]
    fn there_and_back() {
        let (spots, shifts) = (spots(3), trial().shifts);
        assert_eq!(read("s.csv", csv(&spots, &shifts).as_bytes(), &shifts).unwrap(), spots);
    }

    #[test]
    fn a_list_that_was_changed_by_hand() {
        let shifts = trial().shifts;
        let text = csv(&spots(2), &shifts);
        let check = |from: &str, to: &str, says: &str| {
            let error = read("s.csv", text.replace(from, to).as_bytes(), &shifts).unwrap_err();
            assert!(error.to_string().contains(says) && error.hint().is_some(), "{error}");
        };
        check("316650,61950", "316050,61950", "H01 and H02 overlap");
        check("H02", "H01", "twice");
        check("316650,61950,150", "316651,61950,150", "no multiple");
        check("H02", "<b>", "plain word");
        check("size_m", "size", "`size_m`");
    }

    #[test]
    fn squares_are_closed_rings() {
        let text = geojson(&spots(1), &trial().shifts, &[], &Plane).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(json.get("notes").is_none());
        let noted = geojson(&spots(1), &trial().shifts, &["a month is missing".to_owned()], &Plane).unwrap();
        assert!(noted.contains(r#""notes":["a month is missing"]"#), "{noted}");
        let ring = json["features"][0]["geometry"]["coordinates"][0].as_array().unwrap();
        assert_eq!((ring.len(), &ring[0]), (5, &ring[4]));
    }
}

//! Columns of numbers that point at one door or at one event: coordinates and clocks.

use super::exact::{LEAST_GRID, is_latitude, is_longitude, is_quarter};
use super::finding::{Findings, IdentifierKind, Rule};
use super::numbers::Value;
use super::read::{Column, GivenTable, Role};
use super::tokens::words;

/// Decimals of a degree from which on it is a place: the fourth is some ten metres.
const DECIMALS: i32 = 4;

/// Columns of numbers that are coordinates or clocks, unless something was found in them that refuses the table already.
pub(super) fn check(table: &GivenTable, found: &mut Findings) {
    for column in table.columns.iter().filter(|c| c.role != Role::Label || c.declared) {
        if let Some(kind) = kind_of(column).filter(|_| !found.has(&column.name)) {
            found.add(Rule::Identifier(kind), &column.name, None);
        }
    }
}

/// What a column of numbers is by its header and its numbers.
fn kind_of(column: &Column) -> Option<IdentifierKind> {
    let header = words(&column.header);
    let says = |list: &[&str]| header.iter().any(|word| list.contains(&word.as_str()));
    // Names of cells by letters: of the one eight are some thirty metres, of the other all are three.
    if says(&["w3w", "what3words"]) || says(&["geohash"]) && column.texts.iter().any(|text| text.len() > 7) {
        return Some(IdentifierKind::ExactPlace);
    }
    let numbers = column.numbers();
    if numbers.is_empty() || 2 * numbers.len() < column.cells.iter().filter(|c| **c != Value::Blank).count() {
        return None;
    }
    let all = |test: &dyn Fn(f64) -> bool| numbers.iter().all(|n| test(*n));
    let any = |test: &dyn Fn(f64) -> bool| numbers.iter().any(|n| test(*n));
    // A column of metres says so, or is an x or a y as large as none but those of the National Grid.
    let metres = says(&["easting", "eastings", "northing", "northings"]) && all(&|n| n >= 1000.0)
        || says(&["x", "y", "xcoord", "ycoord", "coordinate", "coordinates", "e", "n"]) && all(&|n| n >= 10_000.0);
    let kilometres = says(&["easting", "eastings", "northing", "northings"]) && all(&|n| n < 1000.0);
    if kilometres && any(&|n| (1000.0 * n).round() % LEAST_GRID != 0.0) || metres && any(&|n| n % LEAST_GRID != 0.0) {
        return Some(IdentifierKind::ExactPlace);
    }
    let fine = |decimals: i32| {
        let half = 0.5 / 10_f64.powi(decimals);
        column.readings.iter().any(|r| matches!(r.cell, Value::Number(_)) && r.half <= half * 1.000_001)
    };
    let named = says(&["lat", "latitude", "lon", "lng", "long", "longitude", "wgs84"]);
    let degrees = all(&is_latitude) || all(&is_longitude);
    if degrees && (named && fine(DECIMALS) || fine(DECIMALS + 1)) {
        return Some(IdentifierKind::ExactPlace);
    }
    let clock = says(&["time", "times", "clock", "hhmm", "hour", "when", "started", "reported", "at"]);
    let minutes = |n: f64| n.fract() == 0.0 && (0.0..2400.0).contains(&n) && n % 100.0 < 60.0;
    let whole = clock && all(&minutes) && any(&|n| n >= 100.0) && any(&|n| !is_quarter((n % 100.0) as u32));
    let fraction = clock && all(&|n| (0.0..24.0).contains(&n)) && any(&|n| (n * 4.0).fract() != 0.0);
    (whole || fraction).then_some(IdentifierKind::ExactTime)
}

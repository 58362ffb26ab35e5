//! WGS84 longitude and latitude to and from OSGB36 National Grid eastings and northings, by OSTN15.
//!
//! Method: Ordnance Survey, *Transformations and OSGM15 user guide*: transverse Mercator on the GRS80
//! ellipsoid gives ETRS89 eastings and northings; the OSTN15 grid of shifts, interpolated bilinearly over
//! the kilometre square, gives OSGB36. Back by iteration. WGS84 is treated as ETRS89;
//! since 1989 the two have parted by about 2.5 cm a year, 0.9 m by 2026.
//!
//! Coverage: the whole OSTN15 rectangle, 0 to 700 km east and 0 to 1,250 km north, which includes St Agnes
//! and all of Scilly (49.86 N) and the northernmost Shetland. The shift table has a value at each of its
//! 701 × 1,251 nodes, so no fallback is needed; away from land the table's own values are used, whose
//! accuracy is not that of the land. Outside the rectangle there is no answer.
//!
//! Accuracy: on the way to the grid the official test points are met to the printed millimetre; the way back is its
//! inverse, while the official way back is a series that parts from it far from the meridian (by 4 mm at St Kilda). OSTN15 itself *defines* OSGB36 and
//! agrees with the old triangulation to about 0.1 m. Results are rounded: 1 mm, and 1e-9 degrees (0.1 mm).

mod shift_grid;
mod transverse_mercator;

/// WGS84 degrees to National Grid metres, rounded to 1 mm; `None` outside the OSTN15 rectangle.
pub fn to_bng(longitude: f64, latitude: f64) -> Option<(f64, f64)> {
    // Generous box around the rectangle, inside which the projection series hold; false for NaN.
    if !((-12.0..=6.0).contains(&longitude) && (48.0..=63.0).contains(&latitude)) {
        return None;
    }
    let (east, north) = transverse_mercator::forward(longitude, latitude);
    let (shift_east, shift_north) = shift_grid::shift(east, north)?;
    Some((round(east + shift_east, 1e3), round(north + shift_north, 1e3)))
}

/// National Grid metres to WGS84 degrees (longitude, latitude), rounded to 1e-9 degrees; `None` outside the
/// OSTN15 rectangle.
pub fn to_wgs84(easting: f64, northing: f64) -> Option<(f64, f64)> {
    if !(easting.is_finite() && northing.is_finite()) {
        return None;
    }
    let (east, north) = unshift(easting, northing)?;
    let (longitude, latitude) = transverse_mercator::inverse(east, north);
    Some((round(longitude, 1e9), round(latitude, 1e9)))
}

/// A shift in the middle of the range; where the search for the true one starts.
const TYPICAL_SHIFT: (f64, f64) = (95.0, -75.0);

/// Metres; the shift changes by less than a tenth of a millimetre per metre, so that each round of the
/// search adds four digits.
const CONVERGED: f64 = 1e-6;

fn unshift(easting: f64, northing: f64) -> Option<(f64, f64)> {
    let (mut east, mut north) = (easting - TYPICAL_SHIFT.0, northing - TYPICAL_SHIFT.1);
    for _ in 0..10 {
        let (shift_east, shift_north) = shift_grid::shift_clamped(east, north);
        let next = (easting - shift_east, northing - shift_north);
        let moved = (next.0 - east).abs().max((next.1 - north).abs());
        (east, north) = next;
        if moved < CONVERGED {
            break;
        }
    }
    shift_grid::covers(east, north).then_some((east, north))
}

fn round(value: f64, scale: f64) -> f64 {
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests;

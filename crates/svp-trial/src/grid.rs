//! The change between the National Grid and degrees, which is lent by the caller.

/// National Grid to degrees and back; the formulas are those of `svp-functions`, which this crate does not know.
pub trait Projection {
    /// Longitude and latitude, WGS84 degrees.
    fn to_wgs84(&self, easting: f64, northing: f64) -> Option<(f64, f64)>;
    /// Easting and northing, m.
    fn to_bng(&self, longitude: f64, latitude: f64) -> Option<(f64, f64)>;
}

/// Degrees as files print them: 6 decimals, about 0.1 m.
#[must_use]
pub fn degrees(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

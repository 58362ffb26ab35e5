//! What tests share: the shipped trial, small lists of events, a projection that is easy to undo.

use svp_contract::{Square, Trial};

use crate::grid::Projection;
use crate::rows::Event;
use crate::spots::Spot;

const SAMPLE: &str = include_str!("../../../pipelines/trials/wessmark.toml");

/// The shipped sample.
pub fn trial() -> Trial {
    Trial::parse("wessmark.toml", SAMPLE).unwrap()
}

/// The sample with changes, each (from, to).
pub fn trial_with(changes: &[(&str, &str)]) -> Trial {
    let mut text = SAMPLE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "`{from}` is not in the sample");
        text = text.replacen(from, to, 1);
    }
    Trial::parse("t.toml", &text).unwrap()
}

/// One event in the late shift of a day.
pub fn event(easting: f64, northing: f64, day: &str) -> Event {
    Event { easting, northing, day: day.parse().unwrap(), shift: Some(1), count: 1, harm: 0.0 }
}

/// `n` hot spots in a row, 600 m apart, with falling volumes.
pub fn spots(n: usize) -> Vec<Spot> {
    (0..n)
        .map(|i| Spot {
            id: Spot::name(i),
            cell: Square { easting: 316_050 + 600 * i as i64, northing: 61_950, size: 150 },
            events: 100 - i as u64,
            harm: 0.0,
            by_shift: vec![0, 100 - i as u64, 0],
            quarters: 8,
            one_point: 0.1,
        })
        .collect()
}

/// A plane on which a degree is 100 km.
pub struct Plane;

impl Projection for Plane {
    fn to_wgs84(&self, easting: f64, northing: f64) -> Option<(f64, f64)> {
        Some((easting / 1e5 - 6.0, northing / 1e5 + 49.0))
    }

    fn to_bng(&self, longitude: f64, latitude: f64) -> Option<(f64, f64)> {
        let found = ((longitude + 6.0) * 1e5, (latitude - 49.0) * 1e5);
        (found.0.is_finite() && found.1.is_finite() && longitude.abs() < 20.0).then_some(found)
    }
}

//! The invented county: land, areas, streets, postcodes, premises, hotspots.

mod county;
mod hotspot;
mod mesh;
mod premises;
mod streets;

pub use county::{County, DISTRICTS, District, Lsoa};
pub use hotspot::{HOTSPOTS, Hotspot};
pub use mesh::{Mesh, Ring};
pub use premises::{Kind, PREMISES, Premises, excluded};
pub use streets::{Postcode, Streets};

use crate::error::{Result, SampleError};

/// Where the county lies on the British National Grid, in metres: west, south, east, north.
pub const BOX: [i32; 4] = [310_000, 48_000, 334_000, 70_000];

/// A point on the British National Grid, whole metres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Easting in metres.
    pub e: i32,
    /// Northing in metres.
    pub n: i32,
}

impl Point {
    /// The distance to another point in metres.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        f64::from(self.e - other.e).hypot(f64::from(self.n - other.n))
    }

    /// Longitude and latitude (OSTN15).
    ///
    /// # Errors
    /// Where OSTN15 has no answer.
    pub fn lon_lat(self) -> Result<(f64, f64)> {
        let (easting, northing) = (f64::from(self.e), f64::from(self.n));
        lonlat_bng::convert_osgb36_to_ll(easting, northing).map_err(|_| SampleError::NoShift { easting, northing })
    }
}

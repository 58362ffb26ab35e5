//! Squares of the National Grid, distances between them, and the change to degrees, which is lent by the caller.

/// A square: its south-west corner is a multiple of its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Easting of the south-west corner, m.
    pub easting: i64,
    /// Northing of the south-west corner, m.
    pub northing: i64,
    /// Side, m.
    pub size: u32,
}

impl Cell {
    /// The square of a point; `None` off the National Grid (0 to 700 km east, 0 to 1,300 km north).
    #[must_use]
    pub fn of(easting: f64, northing: f64, size: u32) -> Option<Self> {
        let on = (0.0..700_000.0).contains(&easting) && (0.0..1_300_000.0).contains(&northing) && size > 0;
        let side = f64::from(size);
        // The range is checked: the cast keeps the value.
        let corner = |v: f64| (v / side).floor() as i64 * i64::from(size);
        on.then(|| Self { easting: corner(easting), northing: corner(northing), size })
    }

    /// The name that the SQL function `bng_cell` gives: `150m:310050:48000`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}m:{}:{}", self.size, self.easting, self.northing)
    }

    /// Middle.
    #[must_use]
    pub fn centre(&self) -> (f64, f64) {
        let half = f64::from(self.size) / 2.0;
        (self.easting as f64 + half, self.northing as f64 + half)
    }

    /// Corners from the south-west, anticlockwise.
    #[must_use]
    pub fn corners(&self) -> [(f64, f64); 4] {
        let (w, s, side) = (self.easting as f64, self.northing as f64, f64::from(self.size));
        [(w, s), (w + side, s), (w + side, s + side), (w, s + side)]
    }

    /// Distance of a point from the square, m; 0 inside.
    #[must_use]
    pub fn distance(&self, easting: f64, northing: f64) -> f64 {
        let side = f64::from(self.size);
        let away = |v: f64, low: f64| (low - v).max(v - (low + side)).max(0.0);
        length(away(easting, self.easting as f64), away(northing, self.northing as f64))
    }

    /// Whether a point lies in it: the south and west edges belong to it.
    #[must_use]
    pub fn has(&self, easting: f64, northing: f64) -> bool {
        Self::of(easting, northing, self.size) == Some(*self)
    }

    /// Distance between the edges of two squares, m; 0 where they touch or overlap.
    #[must_use]
    pub fn gap(&self, other: &Self) -> f64 {
        let away = |a: i64, sa: u32, b: i64, sb: u32| {
            let gap = (b - (a + i64::from(sa))).max(a - (b + i64::from(sb))).max(0);
            gap as f64
        };
        length(
            away(self.easting, self.size, other.easting, other.size),
            away(self.northing, self.size, other.northing, other.size),
        )
    }

    /// Whether two squares share ground.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let share = |a: i64, sa: u32, b: i64, sb: u32| a < b + i64::from(sb) && b < a + i64::from(sa);
        share(self.easting, self.size, other.easting, other.size)
            && share(self.northing, self.size, other.northing, other.size)
    }
}

/// Length of a straight line, m. Of operations that every machine rounds alike, as `hypot` is not.
#[must_use]
pub fn length(east: f64, north: f64) -> f64 {
    (east * east + north * north).sqrt()
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(easting: i64, northing: i64) -> Cell {
        Cell { easting, northing, size: 150 }
    }

    #[test]
    fn squares_and_distances() {
        assert_eq!(Cell::of(316_149.9, 62_000.0, 150), Some(cell(316_050, 61_950)));
        assert_eq!(cell(316_050, 61_950).name(), "150m:316050:61950");
        for (e, n) in [(f64::NAN, 1.0), (-1.0, 1.0), (f64::INFINITY, 1.0), (1.0, 1_300_000.0)] {
            assert_eq!(Cell::of(e, n, 150), None);
        }
        assert_eq!(cell(0, 0).gap(&cell(150, 0)), 0.0);
        assert_eq!(cell(0, 0).gap(&cell(450, 0)), 300.0);
        assert_eq!(cell(0, 0).gap(&cell(450, 550)), 500.0);
        assert_eq!(cell(0, 0).distance(-30.0, -40.0), 50.0);
        assert!(!cell(0, 0).overlaps(&cell(150, 0)) && cell(0, 0).overlaps(&cell(149, 149)));
    }

    proptest! {
        #[test]
        fn a_point_is_in_its_square(e in 0.0..699_999.0f64, n in 0.0..1_299_999.0f64, size in 10u32..5_000) {
            let cell = Cell::of(e, n, size).unwrap();
            prop_assert!(cell.has(e, n) && cell.distance(e, n) == 0.0);
        }

        #[test]
        fn gaps_are_mutual(a in 0i64..900, b in 0i64..900, c in 0i64..900, d in 0i64..900) {
            let (x, y) = (cell(a, b), cell(c, d));
            prop_assert_eq!(x.gap(&y), y.gap(&x));
            prop_assert!(!x.overlaps(&y) || x.gap(&y) == 0.0);
        }
    }
}

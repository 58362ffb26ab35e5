//! Grids, and the squares of the National Grid, by their names.

use std::fmt;
use std::str::FromStr;

/// Easting and northing at which the National Grid ends, metres.
const EXTENT: (f64, f64) = (700_000.0, 1_300_000.0);

/// Longest side of a square, metres.
const LARGEST: i64 = 100_000;

/// A grid of cells, named `bng:250`, `hex:150` or `h3:9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GridKind {
    /// Squares of the National Grid, side in metres.
    Squares(i64),
    /// Hexagons on the National Grid, side in metres of the square of the same area.
    Hexagons(i64),
    /// H3 cells of a resolution, 0 to 15.
    H3(u8),
}

impl GridKind {
    /// The grid of a name; `None` for what names none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, size) = text.split_once(':')?;
        let metres = || size.parse().ok().filter(|size| (1..=LARGEST).contains(size));
        match kind {
            "bng" => metres().map(Self::Squares),
            "hex" => metres().map(Self::Hexagons),
            "h3" => size.parse().ok().filter(|r| *r <= 15).map(Self::H3),
            _ => None,
        }
    }

    /// The grid of a cell, by the name of the cell: a square, or an H3 index, 15 hexadecimal digits.
    #[must_use]
    pub fn of_cell(id: &str) -> Option<Self> {
        if let Ok(square) = id.parse::<Square>() {
            return Some(Self::Squares(square.size));
        }
        // The resolution stands in bits 52 to 55 of an index.
        u64::from_str_radix(id, 16).ok().map(|index| Self::H3((index >> 52 & 0xf) as u8))
    }
}

impl fmt::Display for GridKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Squares(size) => write!(f, "bng:{size}"),
            Self::Hexagons(size) => write!(f, "hex:{size}"),
            Self::H3(resolution) => write!(f, "h3:{resolution}"),
        }
    }
}

/// A square of the National Grid, its corners on multiples of its side counted from the grid's false origin; named
/// `250m:291750:92500`.
///
/// A point on a western or southern side belongs to the square, one on the other sides to the neighbour; on the far sides of the
/// grid there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Square {
    /// Side, metres.
    pub size: i64,
    /// Easting of the south-west corner, metres.
    pub easting: i64,
    /// Northing of the south-west corner, metres.
    pub northing: i64,
}

impl Square {
    /// The square of this size that holds a point; `None` off the grid or for a size outside 1 to 100,000 metres.
    #[must_use]
    pub fn containing(easting: f64, northing: f64, size: i64) -> Option<Self> {
        let on_grid = (0.0..EXTENT.0).contains(&easting) && (0.0..EXTENT.1).contains(&northing);
        if !on_grid || !(1..=LARGEST).contains(&size) {
            return None;
        }
        let corner = |metres: f64| metres as i64 / size * size;
        Some(Self { size, easting: corner(easting), northing: corner(northing) })
    }

    /// The square of twice the side that holds this one; `None` where that would be larger than a square can be.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        Self::containing(self.easting as f64, self.northing as f64, self.size * 2)
    }

    /// The point in the middle, metres.
    #[must_use]
    pub fn centre(&self) -> (f64, f64) {
        let middle = |corner: i64| corner as f64 + self.size as f64 / 2.0;
        (middle(self.easting), middle(self.northing))
    }

    /// Corners from the south-west, anticlockwise, metres.
    #[must_use]
    pub fn corners(&self) -> [(f64, f64); 4] {
        let (w, s, side) = (self.easting as f64, self.northing as f64, self.size as f64);
        [(w, s), (w + side, s), (w + side, s + side), (w, s + side)]
    }

    /// Whether a point, metres, lies in it.
    #[must_use]
    pub fn has(&self, easting: f64, northing: f64) -> bool {
        Self::containing(easting, northing, self.size) == Some(*self)
    }

    /// Distance of a point from the square, metres; 0 inside.
    #[must_use]
    pub fn distance(&self, easting: f64, northing: f64) -> f64 {
        let away = |v: f64, low: i64| (low as f64 - v).max(v - (low + self.size) as f64).max(0.0);
        length(away(easting, self.easting), away(northing, self.northing))
    }

    /// Distance between the edges of two squares, metres; 0 where they touch or overlap.
    #[must_use]
    pub fn gap(&self, other: &Self) -> f64 {
        let away = |a: i64, b: i64| (b - (a + self.size)).max(a - (b + other.size)).max(0) as f64;
        length(away(self.easting, other.easting), away(self.northing, other.northing))
    }

    /// Whether all of it lies in another square.
    #[must_use]
    pub fn lies_in(&self, outer: &Self) -> bool {
        let within = |a: i64, b: i64| a >= b && a + self.size <= b + outer.size;
        within(self.easting, outer.easting) && within(self.northing, outer.northing)
    }

    /// Whether two squares share ground.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let share = |a: i64, b: i64| a < b + other.size && b < a + self.size;
        share(self.easting, other.easting) && share(self.northing, other.northing)
    }
}

impl fmt::Display for Square {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m:{}:{}", self.size, self.easting, self.northing)
    }
}

impl FromStr for Square {
    type Err = NotASquare;

    fn from_str(id: &str) -> Result<Self, NotASquare> {
        let read = || {
            let (size, corner) = id.split_once("m:")?;
            let (easting, northing) = corner.split_once(':')?;
            let number = |text: &str| text.parse::<i64>().ok();
            let square = Self { size: number(size)?, easting: number(easting)?, northing: number(northing)? };
            // Only the one way to write it is read: no signs, no leading zeros, no corner beside the grid.
            (square.has(square.easting as f64, square.northing as f64) && square.to_string() == id).then_some(square)
        };
        read().ok_or(NotASquare)
    }
}

/// A text is the name of no square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a square of the National Grid")]
pub struct NotASquare;

/// Length of a straight line, metres. Of operations that every machine rounds alike, as `hypot` is not.
#[must_use]
pub fn length(east: f64, north: f64) -> f64 {
    (east * east + north * north).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(easting: i64, northing: i64) -> Square {
        Square { easting, northing, size: 150 }
    }

    #[test]
    fn names_squares() {
        let check = |e: f64, n: f64, size: i64, expected: Option<&str>| {
            let found = Square::containing(e, n, size);
            assert_eq!(found.map(|s| s.to_string()).as_deref(), expected, "{e} {n} {size}");
            assert_eq!(expected.and_then(|name| name.parse().ok()), found);
        };
        check(291_750.0, 92_500.0, 250, Some("250m:291750:92500"));
        check(291_999.999, 92_749.999, 250, Some("250m:291750:92500"));
        check(292_000.0, 92_750.0, 250, Some("250m:292000:92750"));
        check(0.0, 0.0, 1_000, Some("1000m:0:0"));
        check(699_999.9, 1_299_999.9, 250, Some("250m:699750:1299750"));
        for (e, n) in [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (-1.0, 0.0), (700_000.0, 0.0), (0.0, 1_300_000.0)] {
            check(e, n, 250, None);
        }
        for size in [0, -250, 100_001] {
            check(0.0, 0.0, size, None);
        }
    }

    #[test]
    fn only_true_names_are_read() {
        for bad in [
            "",
            "250m",
            "250m:1:0",
            "250m:250",
            "0m:0:0",
            "250:250:250",
            "250m:0250:0",
            "250m:+250:0",
            "250m:-250:0",
            "250m:250:250:1",
            "250m:700000:0",
        ] {
            assert_eq!(bad.parse::<Square>(), Err(NotASquare), "{bad}");
        }
    }

    #[test]
    fn distances_between_squares() {
        assert_eq!(square(0, 0).gap(&square(150, 0)), 0.0);
        assert_eq!(square(0, 0).gap(&square(450, 0)), 300.0);
        assert_eq!(square(0, 0).gap(&square(450, 550)), 500.0);
        assert_eq!(square(0, 0).distance(-30.0, -40.0), 50.0);
        assert!(!square(0, 0).overlaps(&square(150, 0)) && square(0, 0).overlaps(&square(149, 149)));
    }

    #[test]
    fn names_of_grids() {
        for (name, grid) in
            [("bng:250", GridKind::Squares(250)), ("hex:150", GridKind::Hexagons(150)), ("h3:9", GridKind::H3(9))]
        {
            assert_eq!((GridKind::parse(name), grid.to_string().as_str()), (Some(grid), name));
        }
        assert_eq!(GridKind::of_cell("250m:291750:92500"), Some(GridKind::Squares(250)));
        assert_eq!(GridKind::of_cell("891a538e547ffff"), Some(GridKind::H3(9)));
        assert_eq!(GridKind::of_cell("250h:674:245"), None);
        for bad in ["", "bng", "bng:0", "h3:16", "h3:-1", "square:10"] {
            assert_eq!(GridKind::parse(bad), None, "{bad}");
        }
    }
}

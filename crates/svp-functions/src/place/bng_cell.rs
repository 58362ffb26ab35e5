//! `bng_cell`: the square of the National Grid that holds a point.

use std::fmt;
use std::fmt::Write;
use std::str::FromStr;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, written_result};

/// Metres that a National Grid easting and northing can have.
const EXTENT: (f64, f64) = (700_000.0, 1_300_000.0);

/// Longest side of a square, metres.
const LARGEST: i64 = 100_000;

/// A square of the National Grid, its sides on multiples of its size counted from the grid's false origin.
///
/// A point on a western or southern side belongs to the square, one on the other sides to the neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Side, metres.
    pub size: i64,
    /// Easting of the south-west corner, metres.
    pub easting: i64,
    /// Northing of the south-west corner, metres.
    pub northing: i64,
}

impl Cell {
    /// The square of this size that holds a point; `None` off the grid or for a size outside 1 to 100,000.
    pub fn containing(easting: f64, northing: f64, size: i64) -> Option<Cell> {
        let on_grid = (0.0..=EXTENT.0).contains(&easting) && (0.0..=EXTENT.1).contains(&northing);
        if !on_grid || !(1..=LARGEST).contains(&size) {
            return None;
        }
        let corner = |metres: f64| metres as i64 / size * size;
        Some(Cell { size, easting: corner(easting), northing: corner(northing) })
    }

    /// The square of twice the side that holds this one; `None` where that would be larger than a square can be.
    pub fn parent(&self) -> Option<Cell> {
        Cell::containing(self.easting as f64, self.northing as f64, self.size * 2)
    }

    /// The point in the middle, metres.
    pub fn centre(&self) -> (f64, f64) {
        let middle = |corner: i64| corner as f64 + self.size as f64 / 2.0;
        (middle(self.easting), middle(self.northing))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}m:{}:{}", self.size, self.easting, self.northing)
    }
}

/// The name of the square that holds a point, such as `250m:291750:92500`.
pub fn cell_id(easting: f64, northing: f64, size: i64) -> Option<String> {
    Cell::containing(easting, northing, size).map(|cell| cell.to_string())
}

/// The square of a name; `None` when the name is not one that [`cell_id`] gives.
pub fn parse_cell_id(id: &str) -> Option<Cell> {
    let (size, corner) = id.split_once("m:")?;
    let (easting, northing) = corner.split_once(':')?;
    let number = |text: &str| i64::from_str(text).ok();
    let cell = Cell { size: number(size)?, easting: number(easting)?, northing: number(northing)? };
    let (east, north) = (cell.easting as f64, cell.northing as f64);
    let same = Cell::containing(east, north, cell.size)? == cell && cell.to_string() == id;
    same.then_some(cell)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "bng_cell",
            section: super::SECTION,
            about: "The square of the National Grid that holds a point, named by its size and south-west \
                    corner. The origin is that of the grid, so that squares never move; all squares of a \
                    size have the same area. NULL off the grid.",
            params: vec![
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
                param(Kind::Integer, "size", "side of the square, metres, 1 to 100,000"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT bng_cell(291999.9, 92500, 250), bng_cell(-1, 92500, 250)",
                "250m:291750:92500 | NULL",
            )],
        },
        |args| {
            let (easting, northing, size) = (args.number(0)?, args.number(1)?, args.integer(2)?);
            written_result(args.rows, |row, out| {
                let cell = Cell::containing(easting.get(row)?, northing.get(row)?, size.get(row)?)?;
                write!(out, "{cell}").ok()
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_squares() {
        let check = |e: f64, n: f64, size: i64, expected: Option<&str>| {
            assert_eq!(cell_id(e, n, size).as_deref(), expected, "{e} {n} {size}");
        };
        check(291_750.0, 92_500.0, 250, Some("250m:291750:92500"));
        check(291_999.999, 92_749.999, 250, Some("250m:291750:92500"));
        check(292_000.0, 92_750.0, 250, Some("250m:292000:92750"));
        check(0.0, 0.0, 1_000, Some("1000m:0:0"));
        check(f64::NAN, 0.0, 250, None);
        check(700_001.0, 0.0, 250, None);
        check(0.0, 0.0, 0, None);
        check(0.0, 0.0, -250, None);
        check(0.0, 0.0, 100_001, None);
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
        ] {
            assert_eq!(parse_cell_id(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_square_holds_the_point(e in 0.0..700_000.0_f64, n in 0.0..1_300_000.0_f64, size in 1..100_000_i64) {
            let cell = parse_cell_id(&cell_id(e, n, size).unwrap()).unwrap();
            let side = size as f64;
            prop_assert!((0.0..side).contains(&(e - cell.easting as f64)));
            prop_assert!((0.0..side).contains(&(n - cell.northing as f64)));
            prop_assert_eq!(Cell::containing(cell.centre().0.min(EXTENT.0), cell.centre().1.min(EXTENT.1), size), Some(cell));
        }
    }
}

//! `bng_hexagon`: the hexagon of a fixed lattice on the National Grid that holds a point.

use std::fmt;
use std::fmt::Write;
use std::str::FromStr;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::Square;

use crate::udf::{Kind, Spec, function, param, written_result};

/// Largest size, metres.
const LARGEST: i64 = 100_000;

/// A hexagon with two sides to the north-south, of the area of a square of `size` metres; the lattice is fixed: the middle of
/// hexagon (0, 0) is the grid's false origin. Axial coordinates `q` (to the east) and `r` (to the north, and half a step east).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hexagon {
    /// Side of the square of the same area, metres.
    pub size: i64,
    /// Axial coordinate to the east.
    pub q: i64,
    /// Axial coordinate to the north.
    pub r: i64,
}

/// Length of a side of a hexagon of the area of a square of `size` metres: size √(2 / (3√3)).
pub fn side(size: i64) -> f64 {
    size as f64 * (2.0 / (3.0 * 3_f64.sqrt())).sqrt()
}

impl Hexagon {
    /// The hexagon of this size that holds a point; `None` off the grid or for a size outside 1 to 100,000.
    pub fn containing(easting: f64, northing: f64, size: i64) -> Option<Hexagon> {
        Square::containing(easting, northing, size)?;
        let side = side(size);
        let r = northing / (1.5 * side);
        let q = easting / (3_f64.sqrt() * side) - r / 2.0;
        // Rounding in cube coordinates: the one that moved most follows from the other two.
        let (mut near_q, mut near_r, near_s) = (q.round(), r.round(), (-q - r).round());
        let (moved_q, moved_r, moved_s) = ((near_q - q).abs(), (near_r - r).abs(), (near_s + q + r).abs());
        if moved_q > moved_r && moved_q > moved_s {
            near_q = -near_r - near_s;
        } else if moved_r > moved_s {
            near_r = -near_q - near_s;
        }
        Some(Hexagon { size, q: near_q as i64, r: near_r as i64 })
    }

    /// The point in the middle, National Grid metres.
    pub fn centre(&self) -> (f64, f64) {
        let side = side(self.size);
        (3_f64.sqrt() * side * (self.q as f64 + self.r as f64 / 2.0), 1.5 * side * self.r as f64)
    }

    /// The corners, National Grid metres, counted from the north against the clock.
    pub fn corners(&self) -> [(f64, f64); 6] {
        let (side, (x, y)) = (side(self.size), self.centre());
        std::array::from_fn(|i| {
            let turn = std::f64::consts::FRAC_PI_2 + std::f64::consts::FRAC_PI_3 * i as f64;
            (x + side * turn.cos(), y + side * turn.sin())
        })
    }
}

impl fmt::Display for Hexagon {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}h:{}:{}", self.size, self.q, self.r)
    }
}

/// The hexagon of a name; `None` when the name is not one that [`Hexagon`] prints.
pub fn parse_hexagon(id: &str) -> Option<Hexagon> {
    let (size, at) = id.split_once("h:")?;
    let (q, r) = at.split_once(':')?;
    let number = |text: &str| i64::from_str(text).ok();
    let hexagon = Hexagon { size: number(size)?, q: number(q)?, r: number(r)? };
    let sound = (1..=LARGEST).contains(&hexagon.size) && hexagon.to_string() == id;
    sound.then_some(hexagon)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "bng_hexagon",
            section: super::SECTION,
            about: "The hexagon on the National Grid that holds a point, named by its size and place in the lattice. A \
                    hexagon of size 150 has the area of a square of 150 m. The lattice is fixed, so that hexagons never \
                    move, and all of a size have the same area, which those of `h3_cell` have not. NULL off the grid.",
            params: vec![
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
                param(Kind::Integer, "size", "side of the square of the same area, metres, 1 to 100,000"),
            ],
            returns: DataType::Utf8,
            examples: &[("SELECT bng_hexagon(291999.9, 92500, 250)", "250h:888:398")],
        },
        |args| {
            let (easting, northing, size) = (args.number(0)?, args.number(1)?, args.integer(2)?);
            written_result(args.rows, |row, out| {
                let hexagon = Hexagon::containing(easting.get(row)?, northing.get(row)?, size.get(row)?)?;
                write!(out, "{hexagon}").ok()
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hexagon_has_the_area_of_its_square() {
        let corners = Hexagon { size: 150, q: 1_000, r: 500 }.corners();
        let twice: f64 = (0..6).map(|i| (corners[i], corners[(i + 1) % 6])).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum();
        assert!((twice / 2.0 - 22_500.0).abs() < 1e-3, "{twice}");
    }

    #[test]
    fn only_true_names_are_read() {
        for bad in ["", "150h", "150h:1", "0h:0:0", "150m:0:0", "150h:01:0", "150h:1:0:1"] {
            assert_eq!(parse_hexagon(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_nearest_centre_is_its_own(e in 0.0..700_000.0_f64, n in 0.0..1_300_000.0_f64, size in 1..5_000_i64) {
            let hexagon = Hexagon::containing(e, n, size).unwrap();
            prop_assert_eq!(parse_hexagon(&hexagon.to_string()), Some(hexagon));
            let far = |h: Hexagon| (h.centre().0 - e).hypot(h.centre().1 - n);
            for (q, r) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)] {
                let other = Hexagon { size, q: hexagon.q + q, r: hexagon.r + r };
                prop_assert!(far(hexagon) <= far(other) + 1e-6);
            }
        }
    }
}

//! `bng_cell`: the square of the National Grid that holds a point.

use std::fmt::Write;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::Square;

use crate::udf::{Kind, Spec, function, param, written_result};

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
                let cell = Square::containing(easting.get(row)?, northing.get(row)?, size.get(row)?)?;
                write!(out, "{cell}").ok()
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_square_holds_the_point(e in 0.0..700_000.0_f64, n in 0.0..1_300_000.0_f64, size in 1..100_000_i64) {
            let cell: Square = Square::containing(e, n, size).unwrap().to_string().parse().unwrap();
            let side = size as f64;
            prop_assert!((0.0..side).contains(&(e - cell.easting as f64)));
            prop_assert!((0.0..side).contains(&(n - cell.northing as f64)));
            let middle = (cell.centre().0.min(699_999.0), cell.centre().1.min(1_299_999.0));
            prop_assert_eq!(Square::containing(middle.0, middle.1, size), Some(cell));
            prop_assert!(cell.has(e, n) && cell.distance(e, n) == 0.0);
        }

        #[test]
        fn gaps_are_mutual(a in 0i64..900, b in 0i64..900, c in 0i64..900, d in 0i64..900, sizes in (50i64..300, 50i64..300)) {
            let (x, y) = (Square { easting: a, northing: b, size: sizes.0 }, Square { easting: c, northing: d, size: sizes.1 });
            prop_assert_eq!(x.gap(&y), y.gap(&x));
            prop_assert!(!x.overlaps(&y) || x.gap(&y) == 0.0);
        }
    }
}

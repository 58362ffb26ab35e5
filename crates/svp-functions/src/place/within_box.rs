//! `within_box`: whether a point lies in a rectangle.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, flag_result, function, param};

/// Whether the point lies in the rectangle, sides included. `easts` and `norths` are (least, greatest),
/// metres. False for NaN.
pub fn within_box(easting: f64, northing: f64, easts: (f64, f64), norths: (f64, f64)) -> bool {
    (easts.0..=easts.1).contains(&easting) && (norths.0..=norths.1).contains(&northing)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "within_box",
            section: super::SECTION,
            about: "Whether a point lies in a rectangle, sides included: the plausible extent of an area, \
                    which catches swapped and truncated coordinates.",
            params: vec![
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
                param(Kind::Number, "least_easting", "western side, metres"),
                param(Kind::Number, "greatest_easting", "eastern side, metres"),
                param(Kind::Number, "least_northing", "southern side, metres"),
                param(Kind::Number, "greatest_northing", "northern side, metres"),
            ],
            returns: DataType::Boolean,
            examples: &[(
                "SELECT within_box(291750, 92500, 80000, 345000, 0, 155000), \
                 within_box(92500, 291750, 80000, 345000, 0, 155000)",
                "true | false",
            )],
        },
        |args| {
            let (easting, northing) = (args.number(0)?, args.number(1)?);
            let easts = (args.number(2)?, args.number(3)?);
            let norths = (args.number(4)?, args.number(5)?);
            flag_result(args.rows, |row| {
                Some(within_box(
                    easting.get(row)?,
                    northing.get(row)?,
                    (easts.0.get(row)?, easts.1.get(row)?),
                    (norths.0.get(row)?, norths.1.get(row)?),
                ))
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_inside() {
        let check = |e: f64, n: f64, expected: bool| assert_eq!(within_box(e, n, (0.0, 2.0), (5.0, 6.0)), expected);
        check(0.0, 5.0, true);
        check(2.0, 6.0, true);
        check(2.1, 6.0, false);
        check(1.0, 4.9, false);
        check(f64::NAN, 5.5, false);
    }
}

//! `to_bng`: longitude and latitude to National Grid metres. The kernel is [`super::osgb::to_bng`].

use std::cell::RefCell;

use datafusion::logical_expr::ScalarUDF;

use super::osgb;
use crate::udf::{Kind, Spec, function, pair_result, pair_type, param};

const FIELDS: [&str; 2] = ["easting", "northing"];
/// Points that a thread keeps with their grid references, as a power of two: extracts give the same places month after month.
const KEPT_BITS: u32 = 15;

/// Bits of longitude and latitude, easting and northing.
type Kept = ([u64; 2], Option<(f64, f64)>);

thread_local! {
    static POINTS: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// Grid references of points, those that came before kept: each place in the list holds the last point that fell there.
fn kept(points: &mut Vec<Kept>, longitude: f64, latitude: f64) -> Option<(f64, f64)> {
    if points.is_empty() {
        // Zero and zero is a point like any other: its answer stands there from the start.
        points.resize(1 << KEPT_BITS, ([0, 0], osgb::to_bng(0.0, 0.0)));
    }
    let bits = [longitude.to_bits(), latitude.to_bits()];
    let hash = (bits[0] ^ bits[1].rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let place = &mut points[(hash >> (u64::BITS - KEPT_BITS)) as usize];
    if place.0 != bits {
        *place = (bits, osgb::to_bng(longitude, latitude));
    }
    place.1
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "to_bng",
            section: super::SECTION,
            about: "WGS84 degrees to OSGB36 National Grid metres by OSTN15, rounded to 1 mm, as a struct of \
                    `easting` and `northing`; NULL outside Great Britain and the seas around it. Longitude \
                    comes first.",
            params: vec![
                param(Kind::Number, "longitude", "degrees east, WGS84"),
                param(Kind::Number, "latitude", "degrees north, WGS84"),
            ],
            returns: pair_type(FIELDS),
            examples: &[
                ("SELECT to_bng(-4.10864563561, 50.43885825610)", "{easting: 250359.811, northing: 62016.569}"),
                ("SELECT to_bng(50.4388582561, -4.10864563561)['easting']", "NULL"),
            ],
        },
        |args| {
            let (longitude, latitude) = (args.number(0)?, args.number(1)?);
            POINTS.with_borrow_mut(|points| {
                pair_result(args.rows, FIELDS, |row| kept(points, longitude.get(row)?, latitude.get(row)?))
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A point that was kept says what it said when it was new, whatever came between.
        #[test]
        fn what_is_kept_is_what_the_kernel_says(
            points in prop::collection::vec((-8.5_f64..2.5, 49.0_f64..61.0), 1..50),
            order in prop::collection::vec(0_usize..50, 1..400)
        ) {
            let mut list = Vec::new();
            for at in order {
                let (longitude, latitude) = points[at % points.len()];
                prop_assert_eq!(kept(&mut list, longitude, latitude), osgb::to_bng(longitude, latitude));
            }
            prop_assert_eq!(kept(&mut list, 0.0, 0.0), osgb::to_bng(0.0, 0.0));
            prop_assert_eq!(kept(&mut list, f64::NAN, 0.0), None);
            prop_assert_eq!(kept(&mut list, -0.0, 51.5), osgb::to_bng(-0.0, 51.5));
        }
    }
}

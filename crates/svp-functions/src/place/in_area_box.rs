//! `in_area_box`: whether a point lies in the plausible box of the area that is being run.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::within_box::within_box;
use crate::udf::{Kind, Spec, bound_function, flag_result, param};

/// The box of an area: least and greatest easting and northing, metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AreaBox {
    /// Least and greatest easting.
    pub easting: [f64; 2],
    /// Least and greatest northing.
    pub northing: [f64; 2],
}

impl Default for AreaBox {
    /// All of Great Britain.
    fn default() -> Self {
        Self { easting: [0.0, 700_000.0], northing: [0.0, 1_300_000.0] }
    }
}

pub(crate) fn udf(area: AreaBox) -> ScalarUDF {
    // Two boxes are the same function when their corners are the same numbers.
    let corners = [area.easting, area.northing].concat();
    let identity = corners.iter().fold(17_u64, |hash, c| hash.wrapping_mul(0x100_0000_01b3) ^ c.to_bits());
    bound_function(
        Spec {
            name: "in_area_box",
            section: super::SECTION,
            about: "Whether a point lies in the plausible box of the area file, sides included: catches swapped \
                    and truncated coordinates.",
            params: vec![
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
            ],
            returns: DataType::Boolean,
            examples: &[("SELECT in_area_box(291750, 92500), in_area_box(-5, 92500)", "true | false")],
        },
        identity as usize,
        move |args| {
            let (easting, northing) = (args.number(0)?, args.number(1)?);
            flag_result(args.rows, |row| {
                let (easts, norths) = (area.easting, area.northing);
                Some(within_box(easting.get(row)?, northing.get(row)?, (easts[0], easts[1]), (norths[0], norths[1])))
            })
        },
    )
}

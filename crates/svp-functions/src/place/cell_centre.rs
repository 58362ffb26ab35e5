//! `cell_centre`: the point in the middle of a cell.

use datafusion::logical_expr::ScalarUDF;

use super::cells::Place;
use crate::udf::{Kind, Spec, function, pair_result, pair_type, param};

const NAMES: [&str; 2] = ["easting", "northing"];

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "cell_centre",
            section: super::SECTION,
            about: "The point in the middle of a cell, National Grid metres. NULL for a text that is the name of no cell.",
            params: vec![param(Kind::Text, "cell", "name of a cell: `bng_cell`, `bng_hexagon` or `h3_cell`")],
            returns: pair_type(NAMES),
            examples: &[("SELECT cell_centre('250m:291750:92500')", "{easting: 291875.0, northing: 92625.0}")],
        },
        |args| {
            let cell = args.text(0)?;
            pair_result(args.rows, NAMES, |row| Place::parse(cell.get(row)?)?.centre())
        },
    )
}

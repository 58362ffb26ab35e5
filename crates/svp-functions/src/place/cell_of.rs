//! `cell_of`: the cell of a named grid that holds a point.

use std::fmt::Write;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::GridKind;

use super::cells::Place;
use crate::udf::{Kind, Spec, function, param, written_result};

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "cell_of",
            section: super::SECTION,
            about: "The cell of a grid that holds a point: `bng_cell`, `bng_hexagon` or `h3_cell`, as the name of the grid says. NULL \
                    off the grid and for a grid that there is not.",
            params: vec![
                param(
                    Kind::Text,
                    "grid",
                    "`bng:250` (squares), `hex:250` (hexagons of the area of such squares) or `h3:9`",
                ),
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT cell_of('bng:250', 291999.9, 92500), cell_of('h3:16', 291999.9, 92500)",
                "250m:291750:92500 | NULL",
            )],
        },
        |args| {
            let (grid, easting, northing) = (args.text(0)?, args.number(1)?, args.number(2)?);
            let mut last: Option<(String, Option<GridKind>)> = None;
            written_result(args.rows, |row, out| {
                let name = grid.get(row)?;
                let grid = match &last {
                    Some((known, grid)) if known == name => *grid,
                    _ => GridKind::parse(name),
                };
                if last.as_ref().is_none_or(|(known, _)| known != name) {
                    last = Some((name.to_owned(), grid));
                }
                write!(out, "{}", Place::containing(grid?, easting.get(row)?, northing.get(row)?)?).ok()
            })
        },
    )
}

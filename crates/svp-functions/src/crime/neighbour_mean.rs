//! `neighbour_mean`: the mean of a cell and the cells around it.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::WindowUDF;

use super::surface::{Surface, rings};
use crate::place::cells::Cover;
use crate::udf::{Spec, primitive_result, window_function};

pub(crate) fn udwf(cover: Cover) -> WindowUDF {
    let identity = cover.identity();
    window_function(
        Spec {
            name: "neighbour_mean",
            section: super::SECTION,
            about: "The mean of the values of a cell and its neighbours: the plainest smoothing of a map. With a layer, cells of the \
                    area without a row count as zero.",
            params: super::gi_star::cells().into_iter().chain(super::gi_star::around()).collect(),
            returns: DataType::Float64,
            examples: &[(
                "SELECT c, neighbour_mean(c, n) OVER () FROM (VALUES ('100m:0:0', 9), ('100m:100:0', 3), ('100m:900:0', 1)) AS v(c, n) \
                 ORDER BY c",
                "100m:0:0 | 6.0\n100m:100:0 | 6.0\n100m:900:0 | 1.0",
            )],
        },
        identity,
        move |args| {
            let Some(surface) = Surface::of(args, "neighbour_mean", 2, &cover)? else {
                return primitive_result::<Float64Type>(args.rows, |_| None);
            };
            let neighbours = surface.neighbours("neighbour_mean", rings(args, 3, "neighbour_mean")?)?;
            primitive_result::<Float64Type>(args.rows, |row| {
                let cell = surface.rows[row]?;
                let near = neighbours.of(cell);
                let sum = surface.values[cell] + near.iter().map(|j| surface.values[*j as usize]).sum::<f64>();
                Some(sum / (near.len() + 1) as f64)
            })
        },
    )
}

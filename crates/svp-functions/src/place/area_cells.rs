//! `area_cells`: the cells of a grid that lie in an area. The kernel is [`super::cells::Cover::cells`].

use std::sync::Arc;

use arrow::array::{ListBuilder, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::GridKind;

use super::cells::Cover;
use crate::udf::{Kind, Spec, bound_function, param};

pub(crate) fn udf(cover: Cover) -> ScalarUDF {
    let identity = cover.identity();
    bound_function(
        Spec {
            name: "area_cells",
            section: super::SECTION,
            about: "The cells of a grid whose middle lies in an area of a boundary layer, as a list: what a map of events must be \
                    joined to so that places without events count as zero. Use it with `unnest`. NULL for an unknown layer or \
                    grid.",
            params: vec![
                param(Kind::Text, "layer", "name of a boundary layer, for example `district`"),
                param(
                    Kind::Text,
                    "grid",
                    "`bng:250` (squares), `hex:250` (hexagons of the area of such squares) or `h3:9`",
                ),
            ],
            returns: DataType::new_list(DataType::Utf8, true),
            examples: &[("SELECT cardinality(area_cells('district', 'bng:1000'))", "32")],
        },
        identity,
        move |args| {
            let (layer, grid) = (args.text(0)?, args.text(1)?);
            let mut lists = ListBuilder::new(StringBuilder::new());
            for row in 0..args.rows {
                let named = layer.get(row).zip(grid.get(row).and_then(GridKind::parse));
                match named.and_then(|(layer, grid)| cover.cells(layer, grid)) {
                    Some(cells) => {
                        for cell in cells.iter() {
                            lists.values().append_value(cell.to_string());
                        }
                        lists.append(true);
                    }
                    None => lists.append(false),
                }
            }
            Ok(Arc::new(lists.finish()))
        },
    )
}

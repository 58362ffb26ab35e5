//! `area_at`: the code of the area that holds a point. The kernel is [`super::areas::Areas::code_at`].

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::areas::{Areas, Layer};
use crate::udf::{Kind, Spec, bound_function, param, text_result};

pub(crate) fn udf(areas: Areas) -> ScalarUDF {
    bound_function(
        Spec {
            name: "area_at",
            section: super::SECTION,
            about: "The code of the area of a boundary layer that holds a point; NULL outside all areas and \
                    for an unknown layer. A point on a shared edge belongs to the lowest code.",
            params: vec![
                param(Kind::Text, "layer", "name of a boundary layer, for example `lsoa`"),
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT area_at('district', 291750, 92500), area_at('district', 294000, 92500), \
                 area_at('district', 1, 1)",
                "E07000041 | E07000040 | NULL",
            )],
        },
        areas.identity(),
        move |args| {
            let (name, easting, northing) = (args.text(0)?, args.number(1)?, args.number(2)?);
            let mut last: Option<(&str, Option<&Layer>)> = None;
            text_result(args.rows, |row| {
                // Without a point there is no question, and no reason to read a layer.
                let (name, easting, northing) = (name.get(row)?, easting.get(row)?, northing.get(row)?);
                let layer = match last {
                    Some((known, layer)) if known == name => layer,
                    _ => areas.layer(name),
                };
                last = Some((name, layer));
                layer?.code_at(easting, northing)
            })
        },
    )
}

//! `to_bng`: longitude and latitude to National Grid metres. The kernel is [`super::osgb::to_bng`].

use datafusion::logical_expr::ScalarUDF;

use super::osgb;
use crate::udf::{Kind, Spec, function, pair_result, pair_type, param};

const FIELDS: [&str; 2] = ["easting", "northing"];

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
            pair_result(args.rows, FIELDS, |row| osgb::to_bng(longitude.get(row)?, latitude.get(row)?))
        },
    )
}

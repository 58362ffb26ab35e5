//! `to_wgs84`: National Grid metres to longitude and latitude. The kernel is [`super::osgb::to_wgs84`].

use datafusion::logical_expr::ScalarUDF;

use super::osgb;
use crate::udf::{Kind, Spec, function, pair_result, pair_type, param};

const FIELDS: [&str; 2] = ["longitude", "latitude"];

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "to_wgs84",
            section: super::SECTION,
            about: "OSGB36 National Grid metres to WGS84 degrees by OSTN15, rounded to 1e-9 degrees (0.1 mm), \
                    as a struct of `longitude` and `latitude`; NULL outside the grid.",
            params: vec![
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
            ],
            returns: pair_type(FIELDS),
            examples: &[(
                "SELECT round(to_wgs84(250359.811, 62016.569)['longitude'], 7), \
                 round(to_wgs84(250359.811, 62016.569)['latitude'], 7)",
                "-4.1086456 | 50.4388583",
            )],
        },
        |args| {
            let (easting, northing) = (args.number(0)?, args.number(1)?);
            pair_result(args.rows, FIELDS, |row| osgb::to_wgs84(easting.get(row)?, northing.get(row)?))
        },
    )
}

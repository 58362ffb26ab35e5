//! `circular`: mean, spread and a test of times that go round. The kernel is [`svp_methods::circular`].

use datafusion::logical_expr::ScalarUDF;
use svp_methods::circular::circular;

use crate::udf::{Kind, Spec, function, param, record_result, record_type};

const NAMES: [&str; 5] = ["mean", "resultant", "sd", "p", "n"];

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "circular",
            section: super::SECTION,
            about: "Mean time, mean resultant length (1: all at one time), circular standard deviation and Rayleigh's test of \
                    uniformity (p) for times with a period: the mean of 23:00 and 01:00 is midnight. The test sees one peak, not \
                    two that lie opposite. The middle of hour 22 is 22.5.",
            params: vec![
                param(Kind::Numbers, "values", "times, for example hours of the day"),
                param(Kind::Numbers, "weights", "how many events at each, in the same order"),
                param(Kind::Number, "period", "24 for hours of the day, 168 for hours of the week"),
            ],
            returns: record_type(&NAMES),
            examples: &[(
                "SELECT round(c['mean'], 4), round(c['sd'], 4), round(c['p'], 4) FROM (SELECT circular([22, 23, 1, 3], [1, 1, 1, 1], \
                 24) AS c)",
                "0.2254 | 1.9504 | 0.0344",
            )],
        },
        |args| {
            let (values, weights, period) = (args.numbers(0)?, args.numbers(1)?, args.number(2)?);
            record_result(args.rows, NAMES, |row| {
                let found = circular(&values.get(row)?, Some(&weights.get(row)?), period.get(row)?)?;
                Some([found.mean, Some(found.resultant), found.sd, Some(found.p_rayleigh), Some(found.n)])
            })
        },
    )
}

//! `chapman_se`: the standard error of Chapman's estimate.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;

use super::lists;
use crate::udf::{Spec, function, primitive_result};

/// Standard error of [`chapman`](super::chapman::chapman): the root of (n1 + 1)(n2 + 1)(n1 - m)(n2 - m) / ((m + 1)²(m + 2)).
/// A count. It says nothing of links that were missed or made wrongly.
///
/// Seber 1970, *The effects of trap response on tag recapture estimates*.
pub fn chapman_se(n1: f64, n2: f64, m: f64) -> Option<f64> {
    let (n1, n2, m) = lists(n1, n2, m)?;
    let variance = (n1 + 1.0) * (n2 + 1.0) * (n1 - m) * (n2 - m) / ((m + 1.0) * (m + 1.0) * (m + 2.0));
    variance.is_finite().then(|| variance.sqrt())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "chapman_se",
            section: super::SECTION,
            about: "Standard error of `chapman` (Seber 1970). For an interval use `chapman_lower` and `chapman_upper`: \
                    twice the standard error can reach below what was seen.",
            params: super::params(),
            returns: DataType::Float64,
            examples: &[("SELECT round(chapman_se(100, 100, 20), 2)", "82.03")],
        },
        |args| {
            let (n1, n2, m) = (args.number(0)?, args.number(1)?, args.number(2)?);
            primitive_result::<Float64Type>(args.rows, |row| chapman_se(n1.get(row)?, n2.get(row)?, m.get(row)?))
        },
    )
}

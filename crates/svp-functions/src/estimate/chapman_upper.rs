//! `chapman_upper`: the upper end of the interval around Chapman's estimate.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;

use super::chapman_lower::{End, end};
use crate::udf::{Spec, function, primitive_result};

/// Upper end of the 95% interval around [`chapman`](super::chapman::chapman); see
/// [`chapman_lower`](super::chapman_lower::chapman_lower). A count.
pub fn chapman_upper(n1: f64, n2: f64, m: f64) -> Option<f64> {
    end(n1, n2, m, End::Upper)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "chapman_upper",
            section: super::SECTION,
            about: "Upper end of the 95% interval around `chapman`; see `chapman_lower`.",
            params: super::params(),
            returns: DataType::Float64,
            examples: &[("SELECT round(chapman_upper(15, 10, 5), 1), chapman_upper(1, 2, 3)", "64.7 | NULL")],
        },
        |args| {
            let (n1, n2, m) = (args.number(0)?, args.number(1)?, args.number(2)?);
            primitive_result::<Float64Type>(args.rows, |row| chapman_upper(n1.get(row)?, n2.get(row)?, m.get(row)?))
        },
    )
}

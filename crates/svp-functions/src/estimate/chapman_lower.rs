//! `chapman_lower`: the lower end of the interval around Chapman's estimate; the interval of both ends is here.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;

use super::chapman::chapman;
use super::lists;
use crate::udf::{Spec, function, primitive_result};

/// The 97.5th percentile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Which end of the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Lower,
    Upper,
}

/// One end of the transformed-logit interval of 95% (Sadinle 2009), a count:
/// n1 + n2 - m - 0.5 + (n1 - m + 0.5)(n2 - m + 0.5) / (m + 0.5) · exp(± z σ), with
/// σ² = 1/(m + 0.5) + 1/(n1 - m + 0.5) + 1/(n2 - m + 0.5) + (m + 0.5) / ((n1 - m + 0.5)(n2 - m + 0.5)).
///
/// Taken rather than estimate ± z se, which falls below what was seen where the overlap is small, and rather than the
/// log-normal interval, since it keeps its coverage in small populations, where m is 0 as well. The halves let it end half
/// a record below what was seen; it is never let there. Where one list holds all of the other they carry it past the estimate: the
/// interval is then widened to hold the estimate.
pub(super) fn end(n1: f64, n2: f64, m: f64, end: End) -> Option<f64> {
    let (n1, n2, m) = lists(n1, n2, m)?;
    let (both, first, second) = (m + 0.5, n1 - m + 0.5, n2 - m + 0.5);
    let sigma = (1.0 / both + 1.0 / first + 1.0 / second + both / (first * second)).sqrt();
    let sign = if end == End::Lower { -1.0 } else { 1.0 };
    let seen = n1 + n2 - m;
    let value = seen - 0.5 + first * second / both * (sign * Z * sigma).exp();
    let estimate = chapman(n1, n2, m)?;
    let value = if end == End::Lower { value.min(estimate) } else { value.max(estimate) };
    value.is_finite().then(|| value.max(seen))
}

/// Lower end of the 95% interval around [`chapman`]. A count, never below n1 + n2 - m.
///
/// Sadinle 2009, *Transformed logit confidence intervals for small populations in single capture-recapture estimation*.
pub fn chapman_lower(n1: f64, n2: f64, m: f64) -> Option<f64> {
    end(n1, n2, m, End::Lower)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "chapman_lower",
            section: super::SECTION,
            about: "Lower end of the 95% interval around `chapman`: transformed logit (Sadinle 2009), which never falls \
                    below what was seen, n1 + n2 - m. It covers the chance of who is listed, not links that were missed \
                    or made wrongly.",
            params: super::params(),
            returns: DataType::Float64,
            examples: &[("SELECT round(chapman_lower(15, 10, 5), 1), chapman_lower(7, 3, 3)", "21.9 | 7.0")],
        },
        |args| {
            let (n1, n2, m) = (args.number(0)?, args.number(1)?, args.number(2)?);
            primitive_result::<Float64Type>(args.rows, |row| chapman_lower(n1.get(row)?, n2.get(row)?, m.get(row)?))
        },
    )
}

//! Estimates of what no list holds, from the overlap of two lists.

use datafusion::logical_expr::DocSection;

use crate::udf::{Kind, Param, param};

pub mod chapman;
pub mod chapman_lower;
pub mod chapman_se;
pub mod chapman_upper;

const SECTION: DocSection = DocSection { include: true, label: "Estimate", description: None };

/// The arguments of every function of two lists.
fn params() -> Vec<Param> {
    vec![
        param(Kind::Number, "n1", "records of the first list"),
        param(Kind::Number, "n2", "records of the second list"),
        param(Kind::Number, "m", "records that are on both; may be a fraction (a sum of probabilities)"),
    ]
}

/// Two lists and their overlap: the numbers, where they can be numbers of lists at all.
///
/// `None` for a negative or infinite number and for an overlap that is larger than one of the lists.
fn lists(n1: f64, n2: f64, m: f64) -> Option<(f64, f64, f64)> {
    let sound = [n1, n2, m].iter().all(|n| n.is_finite() && *n >= 0.0) && m <= n1 && m <= n2;
    sound.then_some((n1, n2, m))
}

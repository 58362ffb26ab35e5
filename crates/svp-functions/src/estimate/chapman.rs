//! `chapman`: how many there are, from two lists and their overlap.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;

use super::lists;
use crate::udf::{Spec, function, primitive_result};

/// Chapman's estimate of the size of a population that two lists were drawn from: (n1 + 1)(n2 + 1) / (m + 1) - 1,
/// where `n1` and `n2` are the lengths of the lists and `m` is what is on both. A count.
///
/// It is Lincoln and Petersen's n1 n2 / m without its bias in small samples, and is defined where m is 0. It holds for
/// a closed population, lists that are independent, members that are equally likely to be listed, and an overlap that is
/// counted without error. `None` where the numbers cannot be those of two lists.
///
/// Chapman 1951, *Some properties of the hypergeometric distribution with applications to zoological sample censuses*.
pub fn chapman(n1: f64, n2: f64, m: f64) -> Option<f64> {
    let (n1, n2, m) = lists(n1, n2, m)?;
    let estimate = (n1 + 1.0) * (n2 + 1.0) / (m + 1.0) - 1.0;
    estimate.is_finite().then_some(estimate)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "chapman",
            section: super::SECTION,
            about: "How many there are in all, on a list or not, from two lists and their overlap: Chapman's estimate \
                    (n1 + 1)(n2 + 1) / (m + 1) - 1. It assumes a closed population, independent lists, members that are \
                    equally likely to be listed, and an overlap that is known. NULL where m is larger than a list.",
            params: super::params(),
            returns: DataType::Float64,
            examples: &[("SELECT round(chapman(100, 100, 20), 2), chapman(10, 20, 11)", "484.76 | NULL")],
        },
        |args| {
            let (n1, n2, m) = (args.number(0)?, args.number(1)?, args.number(2)?);
            primitive_result::<Float64Type>(args.rows, |row| chapman(n1.get(row)?, n2.get(row)?, m.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{chapman_lower::chapman_lower, chapman_se::chapman_se, chapman_upper::chapman_upper};
    use proptest::prelude::*;

    #[test]
    fn the_oracle() {
        assert!((chapman(100.0, 100.0, 20.0).unwrap() - 484.761_904_8).abs() < 1e-6);
        assert!((chapman_se(100.0, 100.0, 20.0).unwrap().powi(2) - 6_729.17).abs() < 0.005);
        assert_eq!(chapman(7.0, 3.0, 3.0), Some(7.0), "a list that holds all of the other is all there is");
        assert_eq!(chapman(0.0, 0.0, 0.0), Some(0.0));
        assert_eq!(chapman(10.0, 10.0, 0.0), Some(120.0));
    }

    #[test]
    fn impossible_lists_have_no_estimate() {
        for (n1, n2, m) in [
            (10.0, 20.0, 11.0),
            (20.0, 10.0, 11.0),
            (-1.0, 5.0, 0.0),
            (5.0, 5.0, -1.0),
            (f64::NAN, 5.0, 1.0),
            (5.0, 5.0, f64::NAN),
            (f64::INFINITY, 5.0, 1.0),
            (1e300, 1e300, 0.0),
        ] {
            for f in [chapman, chapman_se, chapman_lower, chapman_upper] {
                assert_eq!(f(n1, n2, m).filter(|v| !v.is_finite()), None, "{n1} {n2} {m}");
            }
            assert_eq!(chapman(n1, n2, m), None, "{n1} {n2} {m}");
        }
    }

    proptest! {
        /// Never below what was seen, in the order lower, estimate, upper, and never a number that is none.
        #[test]
        fn the_interval_holds_the_estimate(a in 0u32..5_000, b in 0u32..5_000, share in 0.0..=1.0_f64) {
            let (n1, n2) = (f64::from(a), f64::from(b));
            let m = (n1.min(n2) * share).floor();
            let seen = n1 + n2 - m;
            let (n, low, high) = (chapman(n1, n2, m).unwrap(), chapman_lower(n1, n2, m).unwrap(), chapman_upper(n1, n2, m).unwrap());
            prop_assert!(low >= seen && n >= seen - 1e-6 && low.is_finite() && high.is_finite());
            prop_assert!(low <= n + 1e-6 && n <= high, "{low} {n} {high}");
        }

        /// The same where one list holds all of the other, or is empty.
        #[test]
        fn the_interval_holds_the_estimate_of_a_list_inside_the_other(a in 0u32..5_000, b in 0u32..20) {
            let (n1, n2) = (f64::from(a.max(b)), f64::from(b));
            let (n, low, high) = (chapman(n1, n2, n2).unwrap(), chapman_lower(n1, n2, n2).unwrap(), chapman_upper(n1, n2, n2).unwrap());
            prop_assert!(low <= n + 1e-6 && n <= high && low >= n1, "{low} {n} {high}");
        }
    }
}

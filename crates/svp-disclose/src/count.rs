//! One count column before and after disclosure: its truth, what would be shown, and which cells are too small.
//!
//! Rule of NHS England since 13 September 2018 (HES/ECDS, sub-national): 1 to 7 are suppressed, all other counts are
//! rounded to the nearest 5; 0 is shown. DfE (children in need): 1 to 5 are suppressed. Which rule holds is data: the
//! sources and the audience's policy say it.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use crate::cell_key::Perturbation;
use crate::policy::round_to;
use crate::{DiscloseError, Policy};

/// Why a cell is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// The count is below the threshold.
    Small,
    /// Too few different people stand behind it.
    FewContributors,
    /// Too few people live in the cell.
    FewResidents,
    /// Its largest contributor makes up too much of it.
    Dominated,
    /// It holds all that its margin counts, and the policy asks for such cells to be hidden.
    Full,
    /// To protect another cell.
    Secondary,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The true count; `None` where there is none (NULL).
    pub truth: Option<f64>,
    /// The number that is shown if it is shown.
    pub shown: i64,
    /// What a reader of that number knows of the truth.
    pub published: (f64, f64),
    /// Set where it is not shown.
    pub hidden: Option<Hidden>,
}

/// The columns that judge a count and are not shown, row by row.
#[derive(Debug, Default)]
pub struct Companions {
    /// Different people behind the count.
    pub contributors: Option<Vec<Option<f64>>>,
    /// What the largest contributor adds.
    pub largest: Option<Vec<Option<f64>>>,
    /// People who live in the cell.
    pub residents: Option<Vec<Option<f64>>>,
    /// Sum of the record keys.
    pub cell_key: Option<Vec<Option<f64>>>,
}

/// The numbers of a column (Int32, Int64 or Float64: weights may be fractions).
///
/// # Errors
/// When it is not a column of numbers.
pub fn numbers(name: &str, array: &ArrayRef) -> Result<Vec<Option<f64>>, DiscloseError> {
    Ok(match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().iter().map(|v| v.map(f64::from)).collect(),
        // Counts stay far below 2^53, so f64 holds them exactly.
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| v as f64)).collect(),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().collect(),
        DataType::Null => vec![None; array.len()],
        _ => return Err(DiscloseError::WrongType { column: name.to_owned(), wanted: "a number" }),
    })
}

/// The whole number that a count stands for. A fraction above zero is somebody: it counts as one at the least.
#[must_use]
pub fn whole(count: f64) -> i64 {
    if count > 0.0 { (count.round() as i64).max(1) } else { 0 }
}

/// Judges every cell of a column by the rules that need no other cell.
///
/// # Errors
/// When a count is negative or not finite, or a perturbing policy finds no cell keys.
pub fn judge(
    name: &str,
    counts: &[Option<f64>],
    with: &Companions,
    policy: &Policy,
    perturbation: Option<&Perturbation>,
) -> Result<Vec<Cell>, DiscloseError> {
    let fractional = is_fractional(counts);
    let at = |column: &Option<Vec<Option<f64>>>, row: usize| column.as_ref().and_then(|c| c[row]);
    let mut out = Vec::with_capacity(counts.len());
    for (row, truth) in counts.iter().enumerate() {
        let Some(count) = *truth else {
            out.push(Cell { truth: None, shown: 0, published: (0.0, f64::INFINITY), hidden: None });
            continue;
        };
        if count < 0.0 || !count.is_finite() {
            return Err(DiscloseError::NegativeCount { column: name.to_owned() });
        }
        let n = if policy.suppress_below > 1 || !fractional { whole(count) } else { count.round() as i64 };
        let few = policy
            .min_contributors
            .zip(at(&with.contributors, row))
            .is_some_and(|(least, people)| (people as i64) < least);
        let thin = policy.min_residents.zip(at(&with.residents, row)).is_some_and(|(least, people)| people < least);
        let dominated = policy
            .dominance
            .as_ref()
            .zip(at(&with.largest, row))
            .is_some_and(|(rule, largest)| largest > rule.share * count);
        let hidden = match n {
            0 => None,
            n if n < policy.suppress_below => Some(Hidden::Small),
            _ if few => Some(Hidden::FewContributors),
            _ if thin => Some(Hidden::FewResidents),
            _ if dominated => Some(Hidden::Dominated),
            _ => None,
        };
        let (changed, most) = match perturbation {
            Some(p) => {
                let key =
                    at(&with.cell_key, row).ok_or_else(|| DiscloseError::NoCellKey { column: name.to_owned() })?;
                (p.perturb(n, (key as u64 & u64::from(u32::MAX)) as u32), p.max_change())
            }
            None => (n, 0),
        };
        let shown = round_to(changed, policy.round_to);
        out.push(Cell {
            truth: Some(count),
            shown,
            published: published_interval(shown, most, fractional, policy),
            hidden,
        });
    }
    Ok(out)
}

/// Whether a column holds anything but whole numbers.
#[must_use]
pub fn is_fractional(counts: &[Option<f64>]) -> bool {
    counts.iter().flatten().any(|v| v.fract() != 0.0)
}

/// What a reader knows of the truth from a shown number. He knows the rule: nothing from 1 to below the threshold is
/// shown, rounding goes to the nearest multiple (halves upward), and perturbation changes by `most` at the most.
fn published_interval(shown: i64, most: i64, fractional: bool, policy: &Policy) -> (f64, f64) {
    let (lo, hi) = shown_interval(shown, policy.round_to, policy.suppress_below);
    if shown == 0 && hi == 0 && most == 0 {
        return (0.0, 0.0);
    }
    let half = if fractional { 0.5 } else { 0.0 };
    ((lo as f64 - most as f64 - half).max(0.0), (hi + most) as f64 + half)
}

/// The least and the greatest whole number that is printed as `shown`, by the rule alone: rounding to a base with
/// halves upward leaves from `shown - floor(base/2)` to `shown + ceil(base/2) - 1`, and a number above zero was never
/// below the threshold.
#[must_use]
pub fn shown_interval(shown: i64, round_to: i64, suppress_below: i64) -> (i64, i64) {
    let base = round_to.max(1);
    let (low, high) = (shown - base / 2, shown + (base + 1) / 2 - 1);
    let least = suppress_below.max(1);
    match shown {
        0 if high < least => (0, 0),
        0 => (0, high),
        _ => (low.max(least).min(high), high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(below: i64, base: i64) -> Policy {
        Policy { suppress_below: below, round_to: base, ..Policy::open("test") }
    }

    #[test]
    fn the_nhs_rule() {
        let counts: Vec<Option<f64>> = [0, 1, 7, 8, 12, 13, 100].iter().map(|n| Some(f64::from(*n))).collect();
        let cells = judge("events", &counts, &Companions::default(), &rule(8, 5), None).unwrap();
        let shown: Vec<Option<i64>> = cells.iter().map(|c| c.hidden.is_none().then_some(c.shown)).collect();
        assert_eq!(shown, [Some(0), None, None, Some(10), Some(10), Some(15), Some(100)]);
        assert_eq!(cells[3].published, (8.0, 12.0));
    }

    #[test]
    fn few_people_and_one_person_behind_a_count() {
        let policy =
            Policy { min_contributors: Some(3), dominance: Some(crate::Dominance { share: 0.8 }), ..rule(5, 1) };
        let with = Companions {
            contributors: Some(vec![Some(2.0), Some(9.0), Some(9.0), None]),
            largest: Some(vec![Some(15.0), Some(19.0), Some(3.0), None]),
            ..Companions::default()
        };
        let cells = judge("events", &[Some(20.0); 4], &with, &policy, None).unwrap();
        let hidden: Vec<_> = cells.iter().map(|c| c.hidden).collect();
        assert_eq!(hidden, [Some(Hidden::FewContributors), Some(Hidden::Dominated), None, None]);
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            let out = judge("events", &[Some(3.0), Some(bad)], &Companions::default(), &rule(8, 5), None);
            assert!(matches!(out, Err(DiscloseError::NegativeCount { .. })));
        }
        let noise = Perturbation::new(8, 4.0, 8).unwrap();
        let out = judge("events", &[Some(30.0)], &Companions::default(), &rule(8, 5), Some(&noise));
        assert!(matches!(out, Err(DiscloseError::NoCellKey { .. })));
    }

    proptest! {
        /// A fraction above zero is somebody; what is shown is never from 1 to below the threshold; the reader's
        /// interval holds the truth.
        #[test]
        fn weights_are_treated_like_people(tenths in 0u32..400, below in 3i64..11, base in prop::sample::select(vec![1i64, 3, 5])) {
            let count = f64::from(tenths) / 10.0;
            let cells = judge("weight", &[Some(count), Some(0.5)], &Companions::default(), &rule(below, base), None).unwrap();
            prop_assert_eq!(cells[1].hidden, Some(Hidden::Small));
            let cell = cells[0];
            if cell.hidden.is_none() {
                prop_assert!(cell.shown == 0 || cell.shown >= below.min(base * (below / base)).max(1) , "{:?}", cell);
                prop_assert!(cell.published.0 <= count && count <= cell.published.1, "{:?}", cell);
                prop_assert_eq!(cell.shown == 0, count == 0.0);
            }
        }

        /// The reader's interval is exactly what the rule leaves.
        #[test]
        fn the_interval_is_exact(count in 0i64..200, base in 1i64..12, below in 0i64..12) {
            // A policy that would round what may be shown to 0 contradicts itself and is refused.
            prop_assume!(base / 2 < below || below < 2);
            let policy = rule(below, base);
            if let Some(shown) = policy.shown(count) {
                let (low, high) = shown_interval(shown, base, below);
                for other in 0..220 {
                    prop_assert_eq!(policy.shown(other) == Some(shown), low <= other && other <= high, "{}", other);
                }
            }
        }
    }
}

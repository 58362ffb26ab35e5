//! Exact search for pairs of bit vectors with a Sørensen-Dice coefficient of at least a threshold.
//!
//! Dice = 2|a∩b| / (|a|+|b|), after Sørensen 1948 and, for encoded names, Schnell, Bachteler and Reiher 2009. The answer
//! is that of comparing every pair, with the scores and the order of `anonlink.candidate_generation.find_candidate_pairs`
//! over `dice_coefficient_accelerated` (anonlink 0.15.3), pairs that stand on the threshold included. Three things make it
//! quick: the length bound (a pair whose popcounts lie too far apart cannot reach the threshold); whole numbers in place of
//! quotients (the least intersection that suffices is a table over |a|+|b|); and counting 256 rows at once, see `sliced`.
//!
//! The rows are keyed encodings of people: treat them as personal data.

mod bounds;
mod filters;
mod sliced;
mod solve;
#[cfg(test)]
mod tests;

use bounds::Bounds;
pub use filters::{Filters, MOST_BITS, Pair};
pub use solve::{best_per_row, one_to_one};

use crate::ClkError;

/// Every pair of a left and a right row whose Dice coefficient is at least `threshold`.
///
/// Sorted by descending coefficient, then left row, then right row. A threshold of 0 or less admits every pair; two rows
/// without a set bit have the coefficient 0. As in anonlink, a pair is dropped before it is counted when the popcounts lie
/// further apart than the whole part of 2|a|(1/threshold - 1) computed in floating point, a being the left row.
///
/// ```
/// use svp_clk::similarity::{Filters, pairs_at_least};
/// let left = Filters::new(&[0b1111_0000, 0b0000_1111], 2, 8)?;
/// let right = Filters::new(&[0b0111_0000, 0b1111_1111], 2, 8)?;
/// // 2 × 3 / (4 + 3), then twice 2 × 4 / (4 + 8).
/// let expected = [(0, 0, 6.0 / 7.0), (0, 1, 8.0 / 12.0), (1, 1, 8.0 / 12.0)];
/// assert_eq!(pairs_at_least(&left, &right, 0.6)?, expected);
/// assert_eq!(pairs_at_least(&left, &right, 0.8)?, expected[..1]);
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
///
/// # Errors
///
/// [`ClkError::Widths`] when the rows differ in length, [`ClkError::Threshold`] when the threshold is not a number.
pub fn pairs_at_least(left: &Filters, right: &Filters, threshold: f64) -> Result<Vec<Pair>, ClkError> {
    pairs_on(left, right, threshold, 1)
}

/// As [`pairs_at_least`], on several threads. The answer does not depend on how many.
///
/// ```
/// use svp_clk::similarity::{Filters, pairs_at_least, pairs_on};
/// let left = Filters::new(&[0b1111_0000, 0b0000_1111], 2, 8)?;
/// let right = Filters::new(&[0b0111_0000, 0b1111_1111], 2, 8)?;
/// assert_eq!(pairs_on(&left, &right, 0.6, 4)?, pairs_at_least(&left, &right, 0.6)?);
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
///
/// # Errors
///
/// As [`pairs_at_least`].
pub fn pairs_on(left: &Filters, right: &Filters, threshold: f64, threads: usize) -> Result<Vec<Pair>, ClkError> {
    if left.bits() != right.bits() {
        return Err(ClkError::Widths { left: left.bits(), right: right.bits() });
    }
    let bounds = Bounds::new(left.bits(), threshold)?;
    Ok(sliced::search(left, right, &bounds, false, threads))
}

/// Every pair of two different rows of one set whose Dice coefficient is at least `threshold`, the lower row first.
///
/// Sorted and bounded as in [`pairs_at_least`].
///
/// ```
/// use svp_clk::similarity::{Filters, pairs_within};
/// // The first and the last are duplicates.
/// let set = Filters::new(&[0b1111_0000, 0b0000_1111, 0b1111_0000], 3, 8)?;
/// assert_eq!(pairs_within(&set, 0.9, 1)?, [(0, 2, 1.0)]);
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
///
/// # Errors
///
/// [`ClkError::Threshold`] when the threshold is not a number.
pub fn pairs_within(set: &Filters, threshold: f64, threads: usize) -> Result<Vec<Pair>, ClkError> {
    let bounds = Bounds::new(set.bits(), threshold)?;
    Ok(sliced::search(set, set, &bounds, true, threads))
}

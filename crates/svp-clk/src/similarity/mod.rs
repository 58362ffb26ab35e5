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
mod sliced;
mod solve;
#[cfg(test)]
mod tests;

use std::fmt;

use bounds::Bounds;
pub use solve::{best_per_row, one_to_one};

use crate::ClkError;

/// Row of the left set, row of the right set (both numbered from 0 as they were given), Dice coefficient from 0 to 1.
pub type Pair = (u32, u32, f64);

/// Longest row, in bits: the lists of set bits are 16 bits wide.
pub const MOST_BITS: usize = 65_472;

/// A set of bit vectors of one length, sorted by popcount.
///
/// ```
/// use svp_clk::similarity::Filters;
/// // Two rows of twelve bits, two bytes each.
/// let set = Filters::new(&[0b1111_0000, 0, 0b0000_0001, 0b1000_0000], 2, 12)?;
/// assert_eq!((set.len(), set.bits(), set.is_empty()), (2, 12, false));
/// # Ok::<(), svp_clk::ClkError>(())
/// ```
#[derive(Clone)]
pub struct Filters {
    bits: usize,
    words: usize,
    /// Row major, `words` words a row, in ascending order of popcount.
    rows: Vec<u64>,
    counts: Vec<u32>,
    /// Where each sorted row stood in what was given.
    order: Vec<u32>,
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filters").field("rows", &self.len()).field("bits", &self.bits).finish_non_exhaustive()
    }
}

impl Filters {
    /// Takes `n` rows of `bits` bits each, one after another, every row padded to whole bytes.
    ///
    /// The order of the bits in a byte does not matter, as long as both sets of a search have the same; bits of the last
    /// byte beyond `bits` must be nought, as clkhash leaves them.
    ///
    /// # Errors
    ///
    /// [`ClkError::Bits`] when `bits` is 0 or above [`MOST_BITS`], [`ClkError::Shape`] when `bytes` has another length.
    pub fn new(bytes: &[u8], n: usize, bits: usize) -> Result<Self, ClkError> {
        if bits == 0 || bits > MOST_BITS {
            return Err(ClkError::Bits { bits, most: MOST_BITS });
        }
        let stride = bits.div_ceil(8);
        if n.checked_mul(stride) != Some(bytes.len()) || u32::try_from(n).is_err() {
            return Err(ClkError::Shape { rows: n, bits });
        }
        let words = bits.div_ceil(64);
        let count = |row: &[u8]| row.iter().map(|byte| byte.count_ones()).sum::<u32>();
        let given: Vec<u32> = bytes.chunks_exact(stride).map(count).collect();
        let mut order: Vec<u32> = (0u32..).take(n).collect();
        order.sort_by_key(|&row| given[row as usize]);
        let mut rows = Vec::with_capacity(n * words);
        for &row in &order {
            let from = row as usize * stride;
            for part in bytes[from..from + stride].chunks(8) {
                let mut word = [0u8; 8];
                word[..part.len()].copy_from_slice(part);
                rows.push(u64::from_le_bytes(word));
            }
        }
        let counts = order.iter().map(|&row| given[row as usize]).collect();
        Ok(Self { bits, words, rows, counts, order })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Bits of a row.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The words of a sorted row.
    #[inline(always)]
    fn row(&self, position: usize) -> &[u64] {
        &self.rows[position * self.words..(position + 1) * self.words]
    }
}

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
    if left.bits != right.bits {
        return Err(ClkError::Widths { left: left.bits, right: right.bits });
    }
    let bounds = Bounds::new(left.bits, threshold)?;
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
    let bounds = Bounds::new(set.bits, threshold)?;
    Ok(sliced::search(set, set, &bounds, true, threads))
}

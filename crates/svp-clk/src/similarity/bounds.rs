//! What a threshold asks of the popcounts, in whole numbers.

use super::filters::MOST_BITS;
use crate::ClkError;

/// The least intersections and the widest differences of popcounts under a threshold.
pub(super) struct Bounds {
    threshold: f64,
    bits: u32,
    /// At |a|+|b|: the least |a∩b| whose coefficient is at least the threshold, by the floating-point quotient itself.
    least: Vec<u32>,
}

impl Bounds {
    /// Tables for rows of `bits` bits.
    pub(super) fn new(bits: usize, threshold: f64) -> Result<Self, ClkError> {
        if threshold.is_nan() {
            return Err(ClkError::Threshold);
        }
        let bits = u32::try_from(bits).map_err(|_| ClkError::Bits { bits, most: MOST_BITS })?;
        let mut least = Vec::with_capacity(2 * bits as usize + 1);
        // The quotient grows with the intersection, and the least intersection never falls as the sum grows: one pass.
        let mut need = 0u32;
        least.push(if threshold <= 0.0 { 0 } else { bits + 1 });
        for sum in 1..=2 * bits {
            while need <= bits && dice(need, sum) < threshold {
                need += 1;
            }
            least.push(need);
        }
        Ok(Self { threshold, bits, least })
    }

    /// The least intersection that two rows with these popcounts together need; more than any row holds where none does.
    #[inline(always)]
    pub(super) fn least(&self, sum: u32) -> u32 {
        self.least[sum as usize]
    }

    /// The least and the greatest popcount of a row that could pair with one of popcount `count`; `None`: there is none.
    pub(super) fn window(&self, count: u32) -> Option<(u32, u32)> {
        // Below `count` the other row bounds the intersection, above it this one does; both bounds are monotone.
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if middle >= self.least(count + middle) { high = middle } else { low = middle + 1 }
        }
        if low < self.least(count + low) {
            return None;
        }
        let (mut from, mut to) = (count, self.bits);
        while from < to {
            let middle = (from + to).div_ceil(2);
            if count >= self.least(count + middle) { from = middle } else { to = middle - 1 }
        }
        Some((low, from))
    }

    /// anonlink's own test of the popcounts, with its rounding: `uint32_t(2 * left * (1 / threshold - 1))`.
    #[inline(always)]
    pub(super) fn near(&self, left: u32, right: u32) -> bool {
        self.threshold <= 0.0 || left.abs_diff(right) <= (f64::from(2 * left) * (1.0 / self.threshold - 1.0)) as u32
    }
}

/// The coefficient, by the one division that anonlink makes; 0 for two empty rows.
#[inline(always)]
pub(super) fn dice(both: u32, sum: u32) -> f64 {
    if sum == 0 { 0.0 } else { f64::from(2 * both) / f64::from(sum) }
}

//! A set of bit vectors, ready to be searched.

use std::fmt;

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
    pub(super) words: usize,
    /// Row major, `words` words a row, in ascending order of popcount.
    pub(super) rows: Vec<u64>,
    pub(super) counts: Vec<u32>,
    /// Where each sorted row stood in what was given.
    pub(super) order: Vec<u32>,
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
    pub(super) fn row(&self, position: usize) -> &[u64] {
        &self.rows[position * self.words..(position + 1) * self.words]
    }
}

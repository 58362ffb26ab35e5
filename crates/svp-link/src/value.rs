//! An encoding taken apart, so that two can be compared quickly.

use svp_contract::encoding::{FILTER_BYTES, PART_BYTES, Place, split, token_at};

/// A value that records have: its tokens (0 is missing) and its filter. The tokens are on one cache line, the filter on the next.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Value {
    tokens: [u64; 7],
    /// Bits of the filter that are set.
    ones: u32,
    /// A forename on the list of common ones: not a slip of another.
    pub(crate) is_a_name: bool,
    filter: [u64; FILTER_BYTES / 8],
}

impl Value {
    pub(crate) fn new(encoding: &[u8]) -> Self {
        let (tokens, filter) = split(encoding).unwrap_or((encoding, &[]));
        let mut value = Self { tokens: [0; 7], ones: 0, is_a_name: false, filter: [0; FILTER_BYTES / 8] };
        let words = |bytes: &[u8], out: &mut [u64]| {
            for (slot, eight) in out.iter_mut().zip(bytes.chunks_exact(8)) {
                *slot = eight.try_into().map_or(0, u64::from_le_bytes);
            }
        };
        words(tokens, &mut value.tokens);
        words(filter, &mut value.filter);
        value.ones = value.filter.iter().map(|w| w.count_ones()).sum();
        value
    }

    /// The token at a place, or 0.
    #[inline(always)]
    pub(crate) fn token(&self, place: Place) -> u64 {
        self.tokens[place]
    }

    /// Whether both have one token at a place, or none.
    #[inline(always)]
    pub(crate) fn same(&self, other: &Self, place: Place) -> bool {
        self.tokens[place] == other.tokens[place]
    }

    /// Whether both are one value of the store; values that are stored once need no look at their tokens.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    /// Dice similarity of two filters, 0 to 1.
    #[inline(always)]
    pub(crate) fn dice(&self, other: &Self) -> f64 {
        let both: u32 = self.filter.iter().zip(&other.filter).map(|(x, y)| (x & y).count_ones()).sum();
        let ones = self.ones + other.ones;
        if ones == 0 { 0.0 } else { 2.0 * f64::from(both) / f64::from(ones) }
    }
}

/// Tokens of all words of a name.
pub(crate) fn word_tokens(words: Option<&[u8]>) -> impl Iterator<Item = u64> {
    let words = words.unwrap_or_default();
    let n = words.len().saturating_sub(FILTER_BYTES) / PART_BYTES;
    (0..n).filter_map(move |i| token_at(words, i))
}

/// Mixes two words; the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Tokens are keyed already, so this needs to
/// spread, not to hide.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

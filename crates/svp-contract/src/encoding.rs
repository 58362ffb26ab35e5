//! Layout of field encodings: what the desk writes, byte for byte, and what the linkage reads.
//!
//! An encoding is a few 64-bit keyed tokens (little endian; zero is "missing") followed by a keyed Bloom filter of
//! [`FILTER_BYTES`] bytes. Tokens say "equal" or "not equal", the filter says "how similar". Both floors that make and
//! read encodings take the places from here.
//!
//! A postcode has tokens alone. Earlier versions put a filter of its characters behind them; beside the small area it gave the whole
//! code away, and the linkage hardly lost by its absence. [`EncodingKind::kept`] is what is left of an encoding of then.

use serde::{Deserialize, Serialize};

/// Bytes of the filter: 512 bits, folded from 1,024.
pub const FILTER_BYTES: usize = 64;
/// Bytes of a token inside an encoding.
pub const PART_BYTES: usize = 8;
/// Most words of a name that are kept.
pub const MAX_WORDS: usize = 12;

/// Kind of an encoding: which tokens it has, and of what its filter is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodingKind {
    /// A forename or a surname. From: the name, its usual form (nicknames resolved), its sound. Tokens: whole, usual,
    /// sound, initial. Filter: bigrams with a blank at both ends.
    Name,
    /// All words of a name, in any order. From: the words, separated by blanks. One token for each word, in the domain
    /// of the names, so that a word can be compared with a forename. Filter: bigrams of the words.
    Words,
    /// A date of birth. From: the date. Tokens: whole, day and month exchanged, year and month, month and day, year and
    /// day, year, and whether it is the first of January (1 or 2; a usual placeholder). Filter: each digit with its place.
    Date,
    /// A postcode. From: the postcode. Tokens: whole, sector, outward code. No filter.
    Postcode,
    /// Any other text. From: the text. Token: whole. Filter: bigrams.
    Text,
}

/// Place of a token inside an encoding: 0, 1, …
pub type Place = usize;

/// The whole value; first in every kind but `Words`.
pub const WHOLE: Place = 0;
/// Name: usual form.
pub const USUAL: Place = 1;
/// Name: sound.
pub const SOUND: Place = 2;
/// Name: first letter.
pub const INITIAL: Place = 3;
/// Date: day and month exchanged.
pub const SWAPPED: Place = 1;
/// Date: year and month.
pub const YEAR_MONTH: Place = 2;
/// Date: month and day.
pub const MONTH_DAY: Place = 3;
/// Date: year and day of the month.
pub const YEAR_DAY: Place = 4;
/// Date: year.
pub const YEAR: Place = 5;
/// Date: 2 for a first of January, else 1. Not a token.
pub const NEW_YEAR: Place = 6;
/// Postcode: sector.
pub const SECTOR: Place = 1;
/// Postcode: outward code.
pub const OUTWARD: Place = 2;

impl EncodingKind {
    /// How many columns it is made from.
    #[must_use]
    pub fn parts(self) -> usize {
        match self {
            Self::Name => 3,
            Self::Words | Self::Date | Self::Postcode | Self::Text => 1,
        }
    }

    /// Whether a filter stands behind the tokens.
    #[must_use]
    pub fn has_filter(self) -> bool {
        self != Self::Postcode
    }

    /// What is kept of an encoding: all of it, but for the filter that an earlier version put behind the tokens of a kind which has
    /// none.
    #[must_use]
    pub fn kept(self, encoding: &[u8]) -> &[u8] {
        let tokens = self.tokens().filter(|_| !self.has_filter());
        tokens.and_then(|n| encoding.get(..n * PART_BYTES)).unwrap_or(encoding)
    }

    /// How many tokens there are, before the filter if there is one; `None` where that depends on the value.
    #[must_use]
    pub fn tokens(self) -> Option<usize> {
        match self {
            Self::Name => Some(4),
            Self::Words => None,
            Self::Date => Some(7),
            Self::Postcode => Some(3),
            Self::Text => Some(1),
        }
    }

    /// Place of a token by its name in a blocking rule.
    #[must_use]
    pub fn place(self, part: &str) -> Option<Place> {
        let list: &[&str] = match self {
            Self::Name => &["whole", "usual", "sound", "initial"],
            Self::Date => &["whole", "swapped", "year_month", "month_day", "year_day", "year"],
            Self::Postcode => &["whole", "sector", "outward"],
            Self::Text => &["whole"],
            Self::Words => &[],
        };
        list.iter().position(|p| *p == part)
    }
}

/// The token at a place; `None` where it is missing or the encoding too short.
#[must_use]
pub fn token_at(encoding: &[u8], place: Place) -> Option<u64> {
    let bytes = encoding.get(place * PART_BYTES..(place + 1) * PART_BYTES)?;
    let token = u64::from_le_bytes(bytes.try_into().ok()?);
    (token != 0).then_some(token)
}

/// The tokens before the filter and the filter itself, of an encoding that has one.
#[must_use]
pub fn split(encoding: &[u8]) -> Option<(&[u8], &[u8])> {
    encoding.split_at_checked(encoding.len().checked_sub(FILTER_BYTES)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_postcode_the_tokens_are_kept() {
        let earlier: Vec<u8> = (0..3 * PART_BYTES + FILTER_BYTES).map(|i| i as u8).collect();
        assert_eq!(EncodingKind::Postcode.kept(&earlier), &earlier[..3 * PART_BYTES]);
        assert_eq!(EncodingKind::Postcode.kept(&earlier[..3 * PART_BYTES]), &earlier[..3 * PART_BYTES]);
        // What is too short to be one is not cut.
        assert_eq!(EncodingKind::Postcode.kept(&earlier[..5]), &earlier[..5]);
        for kind in [EncodingKind::Name, EncodingKind::Words, EncodingKind::Date, EncodingKind::Text] {
            assert!(kind.has_filter());
            assert_eq!(kind.kept(&earlier), earlier);
        }
    }
}

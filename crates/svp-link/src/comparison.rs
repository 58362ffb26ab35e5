//! Levels of agreement of two records, from encodings alone.
//!
//! A pattern holds one level in four bits for each comparison, in the order of [`COMPARISONS`]; level 0 is "missing on
//! one side or both", level 1 is the best. Levels as in Fellegi and Sunter (1969) with similarity bands as in Winkler
//! (1990), here on the Dice similarity of filters.

use svp_contract::encoding::{
    FILTER_BYTES, INITIAL, MONTH_DAY, NEW_YEAR, OUTWARD, PART_BYTES, SECTOR, SWAPPED, USUAL, WHOLE, YEAR, YEAR_DAY,
    YEAR_MONTH, split, token_at,
};
use svp_contract::{COMPARISONS, Linkage};

/// Bits of a level in a pattern.
const BITS: u32 = 4;

/// Place of a comparison in a pattern.
pub(crate) mod at {
    pub(crate) const FORENAME: usize = 0;
    pub(crate) const SURNAME: usize = 1;
    pub(crate) const WORDS: usize = 2;
    pub(crate) const BIRTH: usize = 3;
    pub(crate) const BIRTH_PLACE: usize = 4;
    pub(crate) const POSTCODE: usize = 5;
    pub(crate) const SEX: usize = 6;
    pub(crate) const OCCUPATION: usize = 7;
    pub(crate) const NHS: usize = 8;
    pub(crate) const UPN: usize = 9;
    pub(crate) const LOCAL: usize = 10;
}

/// The level of comparison `c` in a pattern.
#[must_use]
pub fn level(pattern: u64, c: usize) -> usize {
    ((pattern >> (BITS * c as u32)) & 15) as usize
}

/// A pattern with one comparison at a level.
pub(crate) fn at_level(c: usize, level: u8) -> u64 {
    u64::from(level) << (BITS * c as u32)
}

/// Cuts of similarity, by comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Cuts(Vec<Vec<f64>>);

impl Cuts {
    /// Those of a definition.
    #[must_use]
    pub fn new(linkage: &Linkage) -> Self {
        Self(linkage.comparisons.iter().map(|c| c.similarity.clone()).collect())
    }

    /// The first cut that is reached, or the number of cuts.
    fn band(&self, c: usize, similarity: f64) -> usize {
        let cuts = &self.0[c];
        cuts.iter().position(|cut| similarity >= *cut).unwrap_or(cuts.len())
    }

    fn least(&self, c: usize) -> f64 {
        self.0[c].last().copied().unwrap_or(1.0)
    }
}

/// Dice similarity of two filters, 0 to 1.
#[inline(always)]
pub(crate) fn dice(a: &[u8], b: &[u8]) -> f64 {
    let (mut both, mut ones) = (0u32, 0u32);
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let (Ok(x), Ok(y)) = (<[u8; 8]>::try_from(x), <[u8; 8]>::try_from(y)) else { continue };
        let (x, y) = (u64::from_le_bytes(x), u64::from_le_bytes(y));
        both += (x & y).count_ones();
        ones += x.count_ones() + y.count_ones();
    }
    if ones == 0 { 0.0 } else { 2.0 * f64::from(both) / f64::from(ones) }
}

fn filter(encoding: &[u8]) -> &[u8] {
    split(encoding).map_or(&[], |(_, filter)| filter)
}

/// The names of one record.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub forename: Option<&'a [u8]>,
    pub surname: Option<&'a [u8]>,
    pub words: Option<&'a [u8]>,
}

impl<'a> Names<'a> {
    fn whole(name: Option<&'a [u8]>) -> Option<u64> {
        name.and_then(|n| token_at(n, WHOLE))
    }

    /// Tokens of all words.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + use<'a> {
        let words = self.words.unwrap_or_default();
        let n = words.len().saturating_sub(FILTER_BYTES) / PART_BYTES;
        (0..n).filter_map(move |i| token_at(words, i))
    }

    /// Whether it is a word of the name beside forename and surname (a name by birth, the second of two surnames).
    fn has_other_word(&self, token: Option<u64>) -> bool {
        token.is_some_and(|t| self.other_words().any(|w| w == t))
    }

    /// Tokens of the words that are neither forename nor surname.
    fn other_words(&self) -> impl Iterator<Item = u64> + use<'a> {
        let (forename, surname) = (Self::whole(self.forename), Self::whole(self.surname));
        self.words().filter(move |w| Some(*w) != forename && Some(*w) != surname)
    }
}

const EXCHANGED: u8 = 8;

/// Forename, surname and words.
#[inline(always)]
pub(crate) fn names(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> u64 {
    let mut forename = match (a.forename, b.forename) {
        (Some(x), Some(y)) => {
            if token_at(x, WHOLE) == token_at(y, WHOLE) {
                1
            } else if token_at(x, USUAL).is_some() && token_at(x, USUAL) == token_at(y, USUAL) {
                2
            } else {
                match cuts.band(at::FORENAME, dice(filter(x), filter(y))) {
                    band @ 0..=2 => 3 + band as u8,
                    _ if token_at(x, INITIAL) == token_at(y, INITIAL) => 6,
                    _ => 7,
                }
            }
        }
        _ => 0,
    };
    let mut surname = match (a.surname, b.surname) {
        (Some(x), Some(y)) => {
            if token_at(x, WHOLE) == token_at(y, WHOLE) {
                1
            } else {
                match cuts.band(at::SURNAME, dice(filter(x), filter(y))) {
                    band @ 0..=2 => 3 + band as u8,
                    _ => 7,
                }
            }
        }
        _ => 0,
    };
    if forename > 2 && surname > 2 {
        let (af, asur) = (Names::whole(a.forename), Names::whole(a.surname));
        let (bf, bsur) = (Names::whole(b.forename), Names::whole(b.surname));
        // Both must have changed places: one alone is a surname that is a forename elsewhere, and says nothing.
        if af.is_some() && asur.is_some() && af == bsur && asur == bf {
            (forename, surname) = (EXCHANGED, EXCHANGED);
        }
    }
    if (4..EXCHANGED).contains(&surname)
        && (b.has_other_word(Names::whole(a.surname)) || a.has_other_word(Names::whole(b.surname)))
    {
        surname = 6;
    }
    at_level(at::FORENAME, forename) | at_level(at::SURNAME, surname) | at_level(at::WORDS, words(cuts, a, b))
}

fn words(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> u8 {
    let (in_a, in_b) = (a.other_words().count(), b.other_words().count());
    if in_a == 0 || in_b == 0 {
        return 0;
    }
    let shared = a.other_words().filter(|w| b.other_words().any(|x| x == *w)).count();
    let most = 10 * shared > 3 * (in_a + in_b);
    match shared {
        2.. if most => 1,
        1.. if most => 2,
        1.. => 3,
        _ => {
            let similar = dice(filter(a.words.unwrap_or_default()), filter(b.words.unwrap_or_default()));
            4 + cuts.band(at::WORDS, similar).min(2) as u8
        }
    }
}

/// Dates of birth.
#[inline(always)]
pub(crate) fn birth(cuts: &Cuts, a: Option<&[u8]>, b: Option<&[u8]>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let same = |place| token_at(a, place) == token_at(b, place);
    let (new_a, new_b) = (token_at(a, NEW_YEAR) == Some(2), token_at(b, NEW_YEAR) == Some(2));
    let level = if same(WHOLE) {
        1 + u8::from(new_a)
    } else if token_at(a, WHOLE) == token_at(b, SWAPPED) {
        3
    } else if same(YEAR_MONTH) || same(YEAR_DAY) || (same(MONTH_DAY) && !new_a) {
        if (new_a || new_b) && same(YEAR) { 5 } else { 4 }
    } else {
        match (cuts.band(at::BIRTH, dice(filter(a), filter(b))), same(YEAR)) {
            (0, _) => 6,
            (_, true) => 7,
            (1, _) => 8,
            _ => 9,
        }
    };
    at_level(at::BIRTH, level)
}

/// Postcodes.
#[inline(always)]
pub(crate) fn postcode(cuts: &Cuts, a: Option<&[u8]>, b: Option<&[u8]>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let same = |place| token_at(a, place).is_some() && token_at(a, place) == token_at(b, place);
    let level = if same(WHOLE) {
        1
    } else if same(SECTOR) {
        2
    } else {
        match (cuts.band(at::POSTCODE, dice(filter(a), filter(b))), same(OUTWARD)) {
            (0, _) => 3,
            (_, true) => 4,
            (1, _) => 5,
            _ => 6,
        }
    };
    at_level(at::POSTCODE, level)
}

/// Other text.
#[inline(always)]
pub(crate) fn text(cuts: &Cuts, c: usize, a: Option<&[u8]>, b: Option<&[u8]>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let level = if token_at(a, WHOLE) == token_at(b, WHOLE) {
        1
    } else {
        let similar = dice(filter(a), filter(b));
        if similar < cuts.least(c) { 4 } else { 2 + cuts.band(c, similar) as u8 }
    };
    at_level(c, level)
}

/// Values that are equal or not.
#[inline(always)]
pub(crate) fn exact<T: PartialEq>(c: usize, a: Option<T>, b: Option<T>) -> u64 {
    match (a, b) {
        (Some(a), Some(b)) => at_level(c, if a == b { 1 } else { 2 }),
        _ => 0,
    }
}

/// A pattern in words, for `--explain`: comparison and level, missing ones left out.
#[must_use]
pub fn in_words(pattern: u64, linkage: &Linkage) -> Vec<(String, String)> {
    let named = |c: usize| linkage.comparisons.get(c)?.levels.get(level(pattern, c).checked_sub(1)?).cloned();
    COMPARISONS.iter().enumerate().filter_map(|(c, name)| Some(((*name).to_owned(), named(c)?))).collect()
}

#[cfg(test)]
mod tests {
    use svp_contract::EncodingKind;
    use svp_privacy::Key;
    use svp_privacy::encode::Encoder;

    use super::*;

    fn name(column: &str, text: &str) -> Vec<u8> {
        let key =
            Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
        let (kind, parts) = match column {
            "words" => (EncodingKind::Words, vec![Some(text)]),
            _ => (EncodingKind::Name, vec![Some(text), Some(text), None]),
        };
        let mut out = Vec::new();
        assert!(Encoder::new(&key, kind, "name", column).encode(&parts, &mut out));
        out
    }

    fn levels(a: (&str, &str, &str), b: (&str, &str, &str)) -> (usize, usize) {
        let cuts = Cuts::new(&Linkage::shipped().unwrap());
        let record = |(f, s, w): (&str, &str, &str)| [name("forename", f), name("surname", s), name("words", w)];
        let (a, b) = (record(a), record(b));
        fn of(r: &[Vec<u8>; 3]) -> Names<'_> {
            Names { forename: Some(&r[0]), surname: Some(&r[1]), words: Some(&r[2]) }
        }
        let pattern = names(&cuts, of(&a), of(&b));
        (level(pattern, at::FORENAME), level(pattern, at::SURNAME))
    }

    #[test]
    fn names_change_places_together_or_not_at_all() {
        let plain = ("ISOBEL", "KETTLEWICK", "ISOBEL KETTLEWICK");
        assert_eq!(levels(plain, ("KETTLEWICK", "ISOBEL", "KETTLEWICK ISOBEL")), (8, 8));
        // The surname of one is the forename of the other: they are two people all the same.
        assert_eq!(levels(plain, ("JOWETTMORE", "ISOBEL", "JOWETTMORE ISOBEL")).1, 7);
        assert_eq!(levels(plain, plain), (1, 1));
    }

    #[test]
    fn a_surname_among_the_others_words_is_found() {
        let double = ("ISOBEL", "HUCKLEDON", "ISOBEL KETTLEWICK HUCKLEDON");
        assert_eq!(levels(("ISOBEL", "KETTLEWICK", "ISOBEL KETTLEWICK"), double), (1, 6));
    }
}

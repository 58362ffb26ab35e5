//! Levels of agreement of two records, from encodings alone.
//!
//! A pattern holds one level in four bits for each comparison, in the order of [`COMPARISONS`]; level 0 is "missing on
//! one side or both", level 1 is the best. Levels as in Fellegi and Sunter (1969) with similarity bands as in Winkler
//! (1990), here on the Dice similarity of filters.

use svp_contract::encoding::{
    FILTER_BYTES, INITIAL, MONTH_DAY, NEW_YEAR, OUTWARD, PART_BYTES, Place, SECTOR, SWAPPED, USUAL, WHOLE, YEAR,
    YEAR_DAY, YEAR_MONTH, split, token_at,
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
pub struct Cuts {
    similarity: Vec<Vec<f64>>,
    /// Whether the definition has levels for two forenames that are each a name of its own.
    two_names: bool,
}

impl Cuts {
    /// Those of a definition.
    #[must_use]
    pub fn new(linkage: &Linkage) -> Self {
        let levels = linkage.comparisons.get(at::FORENAME).map_or(0, |c| c.levels.len());
        Self {
            similarity: linkage.comparisons.iter().map(|c| c.similarity.clone()).collect(),
            two_names: levels > usize::from(TWO_NAMES + 2),
        }
    }

    /// The first cut that is reached, or the number of cuts.
    #[inline(always)]
    fn band(&self, c: usize, similarity: f64) -> usize {
        let cuts = &self.similarity[c];
        cuts.iter().position(|cut| similarity >= *cut).unwrap_or(cuts.len())
    }

    #[inline(always)]
    fn least(&self, c: usize) -> f64 {
        self.similarity[c].last().copied().unwrap_or(1.0)
    }
}

/// A value that records have, an encoding taken apart: its tokens (0 is missing) and its filter. The tokens are on one cache
/// line, the filter on the next.
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

    #[inline(always)]
    fn same(&self, other: &Self, place: Place) -> bool {
        self.tokens[place] == other.tokens[place]
    }

    /// Dice similarity of two filters, 0 to 1.
    #[inline(always)]
    fn dice(&self, other: &Self) -> f64 {
        let both: u32 = self.filter.iter().zip(&other.filter).map(|(x, y)| (x & y).count_ones()).sum();
        let ones = self.ones + other.ones;
        if ones == 0 { 0.0 } else { 2.0 * f64::from(both) / f64::from(ones) }
    }
}

/// Whether both are one value of the store; values that are stored once need no look at their tokens.
#[inline(always)]
fn one(a: &Value, b: &Value) -> bool {
    std::ptr::eq(a, b)
}

/// Tokens of all words of a name.
pub(crate) fn word_tokens(words: Option<&[u8]>) -> impl Iterator<Item = u64> {
    let words = words.unwrap_or_default();
    let n = words.len().saturating_sub(FILTER_BYTES) / PART_BYTES;
    (0..n).filter_map(move |i| token_at(words, i))
}

/// The names of one record.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub forename: Option<&'a Value>,
    pub surname: Option<&'a Value>,
    pub words: Option<&'a Value>,
    /// Tokens of the words that are neither forename nor surname.
    pub others: &'a [u64],
    /// Order of birth that stands in place of a forename; 0 is none.
    pub birth_order: u32,
}

impl Names<'_> {
    /// Whether it is a word of the name beside forename and surname (a name by birth, the second of two surnames).
    #[inline(always)]
    fn has_other_word(&self, token: u64) -> bool {
        token != 0 && self.others.contains(&token)
    }
}

const DIFFERENT: u8 = 7;
const EXCHANGED: u8 = 8;
/// The first level of two forenames that are alike, but each a name of its own; those below it follow.
const TWO_NAMES: u8 = 9;

/// Forename, surname and words.
#[inline(always)]
pub(crate) fn names(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> u64 {
    let mut forename = match (a.forename, b.forename) {
        (Some(x), Some(y)) => {
            if one(x, y) || x.same(y, WHOLE) {
                1
            } else if x.token(USUAL) != 0 && x.same(y, USUAL) {
                2
            } else {
                let alike = match cuts.band(at::FORENAME, x.dice(y)) {
                    band @ 0..=2 => band as u8,
                    _ if x.same(y, INITIAL) => 3,
                    _ => DIFFERENT - 3,
                };
                let two = cuts.two_names && alike < DIFFERENT - 3 && x.is_a_name && y.is_a_name;
                alike + if two { TWO_NAMES } else { 3 }
            }
        }
        // Twin 1 and Twin 2.
        (None, None) if a.birth_order * b.birth_order > 0 && a.birth_order != b.birth_order => DIFFERENT,
        _ => 0,
    };
    let mut surname = match (a.surname, b.surname) {
        (Some(x), Some(y)) => {
            if one(x, y) || x.same(y, WHOLE) {
                1
            } else {
                match cuts.band(at::SURNAME, x.dice(y)) {
                    band @ 0..=2 => 3 + band as u8,
                    _ => 7,
                }
            }
        }
        _ => 0,
    };
    let whole = |name: Option<&Value>| name.map_or(0, |n| n.token(WHOLE));
    if forename > 2 && surname > 2 {
        let (af, asur) = (whole(a.forename), whole(a.surname));
        // Both must have changed places: one alone is a surname that is a forename elsewhere, and says nothing.
        if af != 0 && asur != 0 && af == whole(b.surname) && asur == whole(b.forename) {
            (forename, surname) = (EXCHANGED, EXCHANGED);
        }
    }
    if (4..EXCHANGED).contains(&surname) && (b.has_other_word(whole(a.surname)) || a.has_other_word(whole(b.surname))) {
        surname = 6;
    }
    at_level(at::FORENAME, forename) | at_level(at::SURNAME, surname) | at_level(at::WORDS, words(cuts, a, b))
}

#[inline(always)]
fn words(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> u8 {
    let (in_a, in_b) = (a.others.len(), b.others.len());
    if in_a == 0 || in_b == 0 {
        return 0;
    }
    let shared = a.others.iter().filter(|w| b.others.contains(w)).count();
    let most = 10 * shared > 3 * (in_a + in_b);
    match shared {
        2.. if most => 1,
        1.. if most => 2,
        1.. => 3,
        _ => {
            let similar = a.words.zip(b.words).map_or(0.0, |(x, y)| x.dice(y));
            4 + cuts.band(at::WORDS, similar).min(2) as u8
        }
    }
}

/// Dates of birth.
#[inline(always)]
pub(crate) fn birth(cuts: &Cuts, a: Option<&Value>, b: Option<&Value>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let same = |place| a.same(b, place);
    let (new_a, new_b) = (a.token(NEW_YEAR) == 2, b.token(NEW_YEAR) == 2);
    let level = if one(a, b) || same(WHOLE) {
        1 + u8::from(new_a)
    } else if a.token(WHOLE) == b.token(SWAPPED) {
        3
    } else if same(YEAR_MONTH) || same(YEAR_DAY) || (same(MONTH_DAY) && !new_a) {
        if (new_a || new_b) && same(YEAR) { 5 } else { 4 }
    } else {
        match (cuts.band(at::BIRTH, a.dice(b)), same(YEAR)) {
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
pub(crate) fn postcode(cuts: &Cuts, a: Option<&Value>, b: Option<&Value>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let same = |place| a.token(place) != 0 && a.same(b, place);
    let level = if same(WHOLE) {
        1
    } else if same(SECTOR) {
        2
    } else {
        match (cuts.band(at::POSTCODE, a.dice(b)), same(OUTWARD)) {
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
pub(crate) fn text(cuts: &Cuts, c: usize, a: Option<&Value>, b: Option<&Value>) -> u64 {
    let (Some(a), Some(b)) = (a, b) else { return 0 };
    let level = if one(a, b) || a.same(b, WHOLE) {
        1
    } else {
        let similar = a.dice(b);
        if similar < cuts.least(c) { 4 } else { 2 + cuts.band(c, similar) as u8 }
    };
    at_level(c, level)
}

/// Values that are equal or not; 0 is missing.
#[inline(always)]
pub(crate) fn exact(c: usize, a: u32, b: u32) -> u64 {
    if a == 0 || b == 0 { 0 } else { at_level(c, if a == b { 1 } else { 2 }) }
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
    use svp_pseudonymise::Key;
    use svp_pseudonymise::encode::Encoder;

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
        let record = |(f, s, w): (&str, &str, &str)| {
            let encodings = [name("forename", f), name("surname", s), name("words", w)];
            let values = [0, 1, 2].map(|i| Value::new(&encodings[i]));
            let others: Vec<u64> = word_tokens(Some(&encodings[2]))
                .filter(|w| *w != values[0].token(WHOLE) && *w != values[1].token(WHOLE))
                .collect();
            (values, others)
        };
        let (a, b) = (record(a), record(b));
        fn of((values, others): &([Value; 3], Vec<u64>)) -> Names<'_> {
            let [forename, surname, words] = values;
            Names { forename: Some(forename), surname: Some(surname), words: Some(words), others, birth_order: 0 }
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

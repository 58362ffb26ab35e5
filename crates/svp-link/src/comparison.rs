//! Comparison vectors: how two records agree, from encodings alone.
//!
//! A vector holds one level in four bits for each comparison, in the order of [`COMPARISONS`]; level 0 is "missing on one side
//! or both", level 1 is the best. Levels as in Fellegi and Sunter (1969) with similarity bands as in Winkler (1990), here on
//! the Dice similarity of filters. What the levels are is in `svp_contract::comparison`; this file finds the level of a pair.

use std::ops::{BitOr, BitOrAssign};

use svp_contract::comparison::{Birth, Exact, Forename, Postcode, Surname, Text, Words, comparison};
use svp_contract::encoding::{
    INITIAL, MONTH_DAY, NEW_YEAR, OUTWARD, SECTOR, SWAPPED, USUAL, WHOLE, YEAR, YEAR_DAY, YEAR_MONTH,
};
use svp_contract::{COMPARISONS, Linkage};

use crate::value::Value;

/// Bits of a level in a vector.
const BITS: u32 = 4;

/// Places of the comparisons that have code of their own.
pub(crate) const FORENAME: usize = comparison("forename");
pub(crate) const SURNAME: usize = comparison("surname");
const WORDS: usize = comparison("words");
pub(crate) const BIRTH: usize = comparison("birth");
pub(crate) const POSTCODE: usize = comparison("postcode");

/// A level of each comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComparisonVector(u64);

impl ComparisonVector {
    /// A vector in which one comparison has a level and all others are missing.
    ///
    /// `comparison` is a place in [`COMPARISONS`], `level` the number of one of its levels or 0.
    #[inline(always)]
    #[must_use]
    pub const fn with(comparison: usize, level: u8) -> Self {
        Self((level as u64) << (BITS * comparison as u32))
    }

    /// The level of a comparison: the number of one of its levels, or 0 for missing.
    #[inline(always)]
    #[must_use]
    pub const fn level(self, comparison: usize) -> usize {
        ((self.0 >> (BITS * comparison as u32)) & 15) as usize
    }

    /// In words, for `--explain`: comparison and level, missing ones left out.
    #[must_use]
    pub fn in_words(self) -> Vec<(&'static str, &'static str)> {
        let named = |(place, c): (usize, &svp_contract::Comparison)| {
            Some((c.name, c.levels.get(self.level(place).checked_sub(1)?)?.name))
        };
        COMPARISONS.iter().enumerate().filter_map(named).collect()
    }
}

impl BitOr for ComparisonVector {
    type Output = Self;

    /// The levels of both, which have none in common.
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for ComparisonVector {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
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
        let levels = linkage.comparisons.get(FORENAME).map_or(0, |c| c.levels.len());
        Self {
            similarity: linkage.comparisons.iter().map(|c| c.similarity.clone()).collect(),
            two_names: levels >= Forename::TwoNamesSameInitial as usize,
        }
    }

    /// The first cut that is reached, or the number of cuts.
    #[inline(always)]
    fn band(&self, c: usize, similarity: f64) -> usize {
        let cuts = &self.similarity[c];
        cuts.iter().position(|cut| similarity >= *cut).unwrap_or(cuts.len())
    }
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

/// Forename, surname and words.
#[inline(always)]
pub(crate) fn names(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> ComparisonVector {
    let mut forename = forename(cuts, &a, &b);
    let mut surname = surname(cuts, a.surname, b.surname);
    let whole = |name: Option<&Value>| name.map_or(0, |n| n.token(WHOLE));
    if forename > Forename::UsualFormEqual && surname > Surname::Unused {
        let (af, asur) = (whole(a.forename), whole(a.surname));
        // Both must have changed places: one alone is a surname that is a forename elsewhere, and says nothing.
        if af != 0 && asur != 0 && af == whole(b.surname) && asur == whole(b.forename) {
            (forename, surname) = (Forename::Exchanged, Surname::Exchanged);
        }
    }
    if (Surname::Similar..Surname::Exchanged).contains(&surname)
        && (b.has_other_word(whole(a.surname)) || a.has_other_word(whole(b.surname)))
    {
        surname = Surname::AmongOtherWords;
    }
    ComparisonVector::with(FORENAME, forename as u8)
        | ComparisonVector::with(SURNAME, surname as u8)
        | ComparisonVector::with(WORDS, words(cuts, a, b) as u8)
}

#[inline(always)]
fn forename(cuts: &Cuts, a: &Names<'_>, b: &Names<'_>) -> Forename {
    let (x, y) = match (a.forename, b.forename) {
        (Some(x), Some(y)) => (x, y),
        // Twin 1 and Twin 2.
        (None, None) if a.birth_order * b.birth_order > 0 && a.birth_order != b.birth_order => {
            return Forename::Different;
        }
        _ => return Forename::Missing,
    };
    if x.is(y) || x.same(y, WHOLE) {
        return Forename::Equal;
    }
    if x.token(USUAL) != 0 && x.same(y, USUAL) {
        return Forename::UsualFormEqual;
    }
    let two_names = cuts.two_names && x.is_a_name && y.is_a_name;
    match (cuts.band(FORENAME, x.dice(y)), two_names) {
        (0, false) => Forename::VerySimilar,
        (0, true) => Forename::TwoNamesVerySimilar,
        (1, false) => Forename::Similar,
        (1, true) => Forename::TwoNamesSimilar,
        (2, false) => Forename::ALittleSimilar,
        (2, true) => Forename::TwoNamesALittleSimilar,
        (_, false) if x.same(y, INITIAL) => Forename::SameInitial,
        (_, true) if x.same(y, INITIAL) => Forename::TwoNamesSameInitial,
        _ => Forename::Different,
    }
}

#[inline(always)]
fn surname(cuts: &Cuts, a: Option<&Value>, b: Option<&Value>) -> Surname {
    let (Some(x), Some(y)) = (a, b) else { return Surname::Missing };
    if x.is(y) || x.same(y, WHOLE) {
        return Surname::Equal;
    }
    match cuts.band(SURNAME, x.dice(y)) {
        0 => Surname::VerySimilar,
        1 => Surname::Similar,
        2 => Surname::ALittleSimilar,
        _ => Surname::Different,
    }
}

#[inline(always)]
fn words(cuts: &Cuts, a: Names<'_>, b: Names<'_>) -> Words {
    let (in_a, in_b) = (a.others.len(), b.others.len());
    if in_a == 0 || in_b == 0 {
        return Words::Missing;
    }
    let shared = a.others.iter().filter(|w| b.others.contains(w)).count();
    let most = 10 * shared > 3 * (in_a + in_b);
    match shared {
        2.. if most => Words::SeveralShared,
        1.. if most => Words::OneOfFew,
        1.. => Words::OneShared,
        _ => match cuts.band(WORDS, a.words.zip(b.words).map_or(0.0, |(x, y)| x.dice(y))) {
            0 => Words::VerySimilar,
            1 => Words::Similar,
            _ => Words::Different,
        },
    }
}

/// Dates of birth.
#[inline(always)]
pub(crate) fn birth(cuts: &Cuts, a: Option<&Value>, b: Option<&Value>) -> Birth {
    let (Some(a), Some(b)) = (a, b) else { return Birth::Missing };
    let same = |place| a.same(b, place);
    let (new_a, new_b) = (a.token(NEW_YEAR) == 2, b.token(NEW_YEAR) == 2);
    if a.is(b) || same(WHOLE) {
        return if new_a { Birth::EqualNewYear } else { Birth::Equal };
    }
    if a.token(WHOLE) == b.token(SWAPPED) {
        return Birth::DayMonthExchanged;
    }
    if same(YEAR_MONTH) || same(YEAR_DAY) || (same(MONTH_DAY) && !new_a) {
        return if (new_a || new_b) && same(YEAR) { Birth::SameYearNewYear } else { Birth::TwoPartsEqual };
    }
    match (cuts.band(BIRTH, a.dice(b)), same(YEAR)) {
        (0, _) => Birth::OneDigitOff,
        (_, true) => Birth::SameYear,
        (1, _) => Birth::TwoDigitsOff,
        _ => Birth::Different,
    }
}

/// Postcodes: by their tokens alone, whatever stands behind these in an encoding of before.
#[inline(always)]
pub(crate) fn postcode(a: Option<&Value>, b: Option<&Value>) -> Postcode {
    let (Some(a), Some(b)) = (a, b) else { return Postcode::Missing };
    let same = |place| a.token(place) != 0 && a.same(b, place);
    if same(WHOLE) {
        return Postcode::Equal;
    }
    if same(SECTOR) {
        return Postcode::SameSector;
    }
    if same(OUTWARD) { Postcode::SameOutward } else { Postcode::Different }
}

/// Other text, under the cuts of comparison `c`.
#[inline(always)]
pub(crate) fn text(cuts: &Cuts, c: usize, a: Option<&Value>, b: Option<&Value>) -> Text {
    let (Some(a), Some(b)) = (a, b) else { return Text::Missing };
    if a.is(b) || a.same(b, WHOLE) {
        return Text::Equal;
    }
    match cuts.band(c, a.dice(b)) {
        0 => Text::VerySimilar,
        1 => Text::Similar,
        _ => Text::Different,
    }
}

/// Values that are equal or not; 0 is missing.
#[inline(always)]
pub(crate) fn exact(a: u32, b: u32) -> Exact {
    match (a, b) {
        (0, _) | (_, 0) => Exact::Missing,
        _ if a == b => Exact::Equal,
        _ => Exact::Different,
    }
}

#[cfg(test)]
mod tests {
    use svp_contract::EncodingKind;
    use svp_pseudonymise::Key;
    use svp_pseudonymise::encode::Encoder;

    use super::*;
    use crate::value::word_tokens;

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

    fn levels(a: (&str, &str, &str), b: (&str, &str, &str)) -> (&'static str, &'static str) {
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
        let words = names(&cuts, of(&a), of(&b)).in_words();
        assert_eq!((words[0].0, words[1].0), ("forename", "surname"));
        (words[0].1, words[1].1)
    }

    #[test]
    fn names_change_places_together_or_not_at_all() {
        let plain = ("ISOBEL", "KETTLEWICK", "ISOBEL KETTLEWICK");
        let exchanged = "forename and surname exchanged";
        assert_eq!(levels(plain, ("KETTLEWICK", "ISOBEL", "KETTLEWICK ISOBEL")), (exchanged, exchanged));
        // The surname of one is the forename of the other: they are two people all the same.
        assert_eq!(levels(plain, ("JOWETTMORE", "ISOBEL", "JOWETTMORE ISOBEL")).1, "different");
        assert_eq!(levels(plain, plain), ("equal", "equal"));
    }

    #[test]
    fn a_surname_among_the_others_words_is_found() {
        let double = ("ISOBEL", "HUCKLEDON", "ISOBEL KETTLEWICK HUCKLEDON");
        assert_eq!(levels(("ISOBEL", "KETTLEWICK", "ISOBEL KETTLEWICK"), double), ("equal", "among the other's words"));
    }

    #[test]
    fn the_page_names_the_levels_of_the_list() {
        let page = include_str!("../README.md");
        let (_, rest) = page.split_once("<!-- levels -->\n").unwrap();
        let (levels, _) = rest.split_once("<!-- /levels -->").unwrap();
        assert_eq!(levels, svp_contract::comparison::levels_markdown(), "the table of levels in README.md");
    }
}

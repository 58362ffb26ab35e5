//! What of two records of people is compared, and the levels at which they can agree: the one list.
//!
//! [`COMPARISONS`] says what is compared, [`ROW_COLUMNS`] what a row of the linkage holds. The words are those of Splink: a
//! comparison has levels, best first, and the comparison vector of a pair holds one level of each. What follows from the lists:
//! the places in a vector, the sizes of the model's tables, which values are counted for their rarity, what `people.toml` must
//! say ([`crate::Linkage::parse`]), and the page of levels ([`levels_markdown`]). The code that finds the level of a pair is
//! in `svp-link` (`comparison.rs`) and names levels by the types below.

use std::fmt::Write;

use crate::encoding::{EncodingKind, Place, USUAL, WHOLE};

/// Levels that earlier versions had, each with its comparison: they went with the filter of a postcode's characters. A definition that
/// names one is refused with a word on what to do.
pub(crate) const FORMER_LEVELS: [(&str, &str); 2] =
    [("postcode", "one character off"), ("postcode", "two characters off")];

/// Most levels of a comparison; a level is four bits of a comparison vector, zero is "missing".
pub const MAX_LEVELS: usize = 15;

/// A level of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its number: 1 is the best. 0 is "missing on one side or both" and stands in no list.
    pub number: u8,
    /// Its name in `people.toml` and in `svp link --explain`; empty where a level is left unused.
    pub name: &'static str,
}

/// Gives the levels of a comparison a type, in which 0 is `Missing`, and a list with their names.
macro_rules! levels {
    ($(#[$doc:meta])* $kind:ident { $($(#[$about:meta])* $level:ident $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $kind {
            /// Missing on one side or both.
            Missing,
            $($(#[$about])* $level,)+
        }

        impl $kind {
            /// All levels but `Missing`, best first.
            pub const LEVELS: &'static [Level] = &[$(Level { number: Self::$level as u8, name: $name },)+];
        }
    };
}

levels! {
    /// Levels of two forenames.
    Forename {
        /// One name.
        Equal "equal",
        /// Spellings or short forms of one name (`schemas/nicknames.csv`).
        UsualFormEqual "usual form equal",
        /// The filters reach the first cut.
        VerySimilar "very similar",
        /// They reach the second cut.
        Similar "similar",
        /// They reach the third cut.
        ALittleSimilar "a little similar",
        /// They reach no cut, and the first letters are one.
        SameInitial "same initial",
        /// Nothing of it; also two orders of birth that stand in place of names (Twin 1, Twin 2).
        Different "different",
        /// Each is the surname of the other record.
        Exchanged "forename and surname exchanged",
        /// Very similar, but both are on the list of common forenames, so that neither is a slip of the other.
        TwoNamesVerySimilar "two names, very similar",
        /// Similar, and two names.
        TwoNamesSimilar "two names, similar",
        /// A little similar, and two names.
        TwoNamesALittleSimilar "two names, a little similar",
        /// Same initial, and two names.
        TwoNamesSameInitial "two names, same initial",
    }
}

levels! {
    /// Levels of two surnames.
    Surname {
        /// One name.
        Equal "equal",
        /// Unused: a surname has no usual form. The place is kept so that a number means the same in both names.
        Unused "",
        /// The filters reach the first cut.
        VerySimilar "very similar",
        /// They reach the second cut.
        Similar "similar",
        /// They reach the third cut.
        ALittleSimilar "a little similar",
        /// The surname of one is another word of the other's name (a name by birth, the second of two surnames).
        AmongOtherWords "among the other's words",
        /// Nothing of it.
        Different "different",
        /// Each is the forename of the other record.
        Exchanged "forename and surname exchanged",
    }
}

levels! {
    /// Levels of the words of two names that are neither forename nor surname.
    Words {
        /// Two or more, and most of them.
        SeveralShared "several words shared",
        /// One, which is most of them.
        OneOfFew "one word, most of them",
        /// One or more, of many.
        OneShared "one word shared",
        /// None; the filters reach the first cut.
        VerySimilar "very similar",
        /// None; they reach the second cut.
        Similar "similar",
        /// Nothing of it.
        Different "different",
    }
}

levels! {
    /// Levels of two dates of birth.
    Birth {
        /// One date.
        Equal "equal",
        /// One date, and a first of January, which often stands for a year alone.
        EqualNewYear "equal, a first of January",
        /// Day and month stand in each other's place.
        DayMonthExchanged "day and month exchanged",
        /// Two of day, month and year are equal.
        TwoPartsEqual "two of three parts equal",
        /// One year, and one is a first of January.
        SameYearNewYear "same year, a first of January",
        /// The filters reach the first cut.
        OneDigitOff "one digit off",
        /// One year.
        SameYear "same year",
        /// The filters reach the second cut.
        TwoDigitsOff "two digits off",
        /// Nothing of it.
        Different "different",
    }
}

levels! {
    /// Levels of two postcodes.
    Postcode {
        /// One postcode.
        Equal "equal",
        /// One sector.
        SameSector "same sector",
        /// One outward code.
        SameOutward "same outward code",
        /// Nothing of it.
        Different "different",
    }
}

levels! {
    /// Levels of two texts.
    Text {
        /// One text.
        Equal "equal",
        /// The filters reach the first cut.
        VerySimilar "very similar",
        /// They reach the second cut.
        Similar "similar",
        /// Nothing of it.
        Different "different",
    }
}

levels! {
    /// Levels of two codes or numbers.
    Exact {
        /// One value.
        Equal "equal",
        /// Two values.
        Different "different",
    }
}

/// A value whose rarity weighs: to share a rare one says more than to share a common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rarity {
    /// Name of the value in a saved model.
    pub value: &'static str,
    /// Place of its token in the encoding of the comparison's first column.
    pub token: Place,
    /// Numbers of the levels at which both records have it.
    pub levels: &'static [u8],
}

impl Rarity {
    /// The whole value, shared at the given levels.
    const fn whole(value: &'static str, levels: &'static [u8]) -> Self {
        Self { value, token: WHOLE, levels }
    }
}

/// How the level of a comparison is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonKind {
    /// By code of its own, which knows what the comparison means.
    Own,
    /// As texts: equal, or as similar as the cuts say ([`Text`]).
    Text,
    /// As values that are equal or not ([`Exact`]).
    Exact,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Name, also in `people.toml`.
    pub name: &'static str,
    /// Columns of a row that it reads, by their name in [`ROW_COLUMNS`]; the first is the one that is compared.
    pub columns: &'static [&'static str],
    /// How its level is found.
    pub kind: ComparisonKind,
    /// Levels, best first.
    pub levels: &'static [Level],
    /// How many levels, from the first, a definition must have; a site's definition may leave out later ones.
    pub required: usize,
    /// How many cuts of similarity there are.
    pub cuts: usize,
    /// Values whose rarity weighs.
    pub rarity: &'static [Rarity],
}

impl Comparison {
    const fn own(name: &'static str, columns: &'static [&'static str], levels: &'static [Level], cuts: usize) -> Self {
        Self { name, columns, kind: ComparisonKind::Own, levels, required: levels.len(), cuts, rarity: &[] }
    }

    const fn text(name: &'static str, columns: &'static [&'static str], rarity: &'static [Rarity]) -> Self {
        let levels = Text::LEVELS;
        Self { name, columns, kind: ComparisonKind::Text, levels, required: levels.len(), cuts: 2, rarity }
    }

    const fn exact(name: &'static str, columns: &'static [&'static str]) -> Self {
        let levels = Exact::LEVELS;
        Self { name, columns, kind: ComparisonKind::Exact, levels, required: levels.len(), cuts: 0, rarity: &[] }
    }

    const fn rare(mut self, rarity: &'static [Rarity]) -> Self {
        self.rarity = rarity;
        self
    }

    const fn required(mut self, levels: usize) -> Self {
        self.required = levels;
        self
    }
}

/// The comparisons, in the order in which they stand in a comparison vector.
pub const COMPARISONS: [Comparison; 11] = [
    Comparison::own("forename", &["forename", "common", "birth_order", "surname"], Forename::LEVELS, 3)
        .required(Forename::Exchanged as usize)
        .rare(&[
            Rarity::whole("forename", &[Forename::Equal as u8]),
            Rarity { value: "usual", token: USUAL, levels: &[Forename::UsualFormEqual as u8] },
        ]),
    Comparison::own("surname", &["surname", "forename", "words"], Surname::LEVELS, 3)
        .rare(&[Rarity::whole("surname", &[Surname::Equal as u8])]),
    Comparison::own("words", &["words", "forename", "surname"], Words::LEVELS, 2),
    Comparison::own("birth", &["birth"], Birth::LEVELS, 2)
        .rare(&[Rarity::whole("birth", &[Birth::Equal as u8, Birth::EqualNewYear as u8])]),
    Comparison::text("birth_place", &["birth_place"], &[Rarity::whole("birth_place", &[Text::Equal as u8])]),
    Comparison::own("postcode", &["postcode"], Postcode::LEVELS, 0)
        .rare(&[Rarity::whole("postcode", &[Postcode::Equal as u8])]),
    Comparison::exact("sex", &["sex"]),
    Comparison::text("occupation", &["occupation"], &[Rarity::whole("occupation", &[Text::Equal as u8])]),
    Comparison::exact("nhs", &["nhs"]),
    Comparison::exact("upn", &["upn"]),
    Comparison::exact("local", &["local"]),
];

// A level is four bits of a comparison vector.
const _: () = {
    let mut i = 0;
    while i < COMPARISONS.len() {
        assert!(COMPARISONS[i].levels.len() <= MAX_LEVELS);
        i += 1;
    }
};

/// What a column of a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// An encoding.
    Encoding(EncodingKind),
    /// A token of a number that is one person's.
    Number,
    /// A token of several values together.
    Key,
    /// Male or female.
    Sex,
    /// Yes, or not known.
    Flag,
    /// A small number.
    Count,
}

/// A column of the rows that the linkage judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowColumn {
    /// Name in the SQL of the linkage; a blocking rule writes `key.` for `key_`.
    pub name: &'static str,
    /// Column of `person_record` that it is read from.
    pub stored: &'static str,
    /// What it holds.
    pub kind: RowKind,
    /// Whether it says who somebody is; an address or an occupation alone does not.
    pub says_who: bool,
}

impl RowColumn {
    const fn new(name: &'static str, stored: &'static str, kind: RowKind, says_who: bool) -> Self {
        Self { name, stored, kind, says_who }
    }
}

/// The columns of a row: encodings, then numbers, then keys, then the rest. Blocking rules can name all but the rest. The order is
/// that of a record's mark, which lakes keep: a new column comes last of its kind only where all records may be judged again.
pub const ROW_COLUMNS: [RowColumn; 18] = [
    RowColumn::new("forename", "enc_forename", RowKind::Encoding(EncodingKind::Name), true),
    RowColumn::new("surname", "enc_surname", RowKind::Encoding(EncodingKind::Name), true),
    RowColumn::new("words", "enc_words", RowKind::Encoding(EncodingKind::Words), true),
    RowColumn::new("birth", "enc_birth", RowKind::Encoding(EncodingKind::Date), true),
    RowColumn::new("postcode", "enc_postcode", RowKind::Encoding(EncodingKind::Postcode), false),
    RowColumn::new("birth_place", "enc_birth_place", RowKind::Encoding(EncodingKind::Text), false),
    RowColumn::new("occupation", "enc_occupation", RowKind::Encoding(EncodingKind::Text), false),
    RowColumn::new("nhs", "token_nhs", RowKind::Number, true),
    RowColumn::new("upn", "token_upn", RowKind::Number, true),
    RowColumn::new("local", "token_local", RowKind::Number, true),
    RowColumn::new("key_usual_name_birth", "key_usual_name_birth", RowKind::Key, false),
    RowColumn::new("key_sound_birth", "key_sound_birth", RowKind::Key, false),
    RowColumn::new("key_initial_birth_postcode", "key_initial_birth_postcode", RowKind::Key, false),
    RowColumn::new("key_usual_name_sector", "key_usual_name_sector", RowKind::Key, false),
    RowColumn::new("key_surname_birth_sector", "key_surname_birth_sector", RowKind::Key, false),
    RowColumn::new("sex", "sex", RowKind::Sex, false),
    RowColumn::new("common", "forename_common", RowKind::Flag, false),
    RowColumn::new("birth_order", "birth_order", RowKind::Count, false),
];

/// The place of a comparison in a comparison vector. For constants: a name that is not on the list does not compile there.
#[must_use]
pub const fn comparison(name: &str) -> usize {
    let mut i = 0;
    while i < COMPARISONS.len() && !same(COMPARISONS[i].name, name) {
        i += 1;
    }
    assert!(i < COMPARISONS.len(), "there is no such comparison");
    i
}

/// The place of a column in [`ROW_COLUMNS`]. For constants: a name that is not on the list does not compile there.
#[must_use]
pub const fn row_column(name: &str) -> usize {
    let mut i = 0;
    while i < ROW_COLUMNS.len() && !same(ROW_COLUMNS[i].name, name) {
        i += 1;
    }
    assert!(i < ROW_COLUMNS.len(), "there is no such column of a row");
    i
}

/// Whether two texts are equal, when the program is compiled.
pub const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// The comparisons and their levels as a table of Markdown, for the page that explains the linkage.
#[must_use]
pub fn levels_markdown() -> String {
    let mut out = String::from("| comparison | reads | levels, best first | weighed by rarity |\n|---|---|---|---|\n");
    for c in &COMPARISONS {
        let levels: Vec<&str> = c.levels.iter().map(|l| l.name).filter(|n| !n.is_empty()).collect();
        let rare = c.rarity.iter().flat_map(|r| r.levels);
        let rare: Vec<&str> = rare.filter_map(|n| Some(c.levels.get(usize::from(*n) - 1)?.name)).collect();
        let rare = if rare.is_empty() { "–".to_owned() } else { rare.join("; ") };
        let _ = writeln!(out, "| `{}` | `{}` | {} | {rare} |", c.name, c.columns.join("`, `"), levels.join("; "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical_tables;

    #[test]
    fn every_comparison_reads_columns_that_there_are() {
        for (i, c) in COMPARISONS.iter().enumerate() {
            assert_eq!(comparison(c.name), i);
            for (n, level) in c.levels.iter().enumerate() {
                assert_eq!(usize::from(level.number), n + 1, "{}: {}", c.name, level.name);
            }
            for column in c.columns {
                assert_eq!(ROW_COLUMNS[row_column(column)].name, *column);
            }
            let encoded = matches!(ROW_COLUMNS[row_column(c.columns[0])].kind, RowKind::Encoding(_));
            assert!(encoded || c.rarity.is_empty(), "{}: the rarity of a value is that of its encoding", c.name);
        }
    }

    #[test]
    fn the_schema_has_the_columns_that_rows_are_read_from() {
        let tables = canonical_tables().unwrap();
        let records = tables.iter().find(|t| t.name == "person_record").unwrap();
        for column in &ROW_COLUMNS {
            assert!(records.column(column.stored).is_some(), "person_record has no column {}", column.stored);
        }
    }
}

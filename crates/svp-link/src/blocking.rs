//! Blocking rules: which pairs are worth comparing.
//!
//! Each rule becomes a 64-bit key for each row, a mix of the tokens that it names; rows with equal keys of one rule are
//! candidates. Rules that name words give several keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use svp_contract::encoding::token_at;
use svp_contract::{EncodingKind, Linkage};

use crate::LinkError;
use crate::comparison::word_tokens;

/// The columns of `link_row` that a rule can name, in the order of the arguments of `block_keys`.
pub(crate) const COLUMNS: [(&str, Option<EncodingKind>); 15] = [
    ("forename", Some(EncodingKind::Name)),
    ("surname", Some(EncodingKind::Name)),
    ("words", Some(EncodingKind::Words)),
    ("birth", Some(EncodingKind::Date)),
    ("postcode", Some(EncodingKind::Postcode)),
    ("birth_place", Some(EncodingKind::Text)),
    ("occupation", Some(EncodingKind::Text)),
    ("nhs", None),
    ("upn", None),
    ("local", None),
    ("key.usual_name_birth", None),
    ("key.sound_birth", None),
    ("key.initial_birth_postcode", None),
    ("key.usual_name_sector", None),
    ("key.surname_birth_sector", None),
];

/// Place of the words in [`COLUMNS`].
const WORDS: usize = 2;

/// One part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// A token of an encoding.
    Token(usize, usize),
    /// A column of plain tokens.
    Plain(usize),
    /// Any word.
    EachWord,
    /// Any two words.
    TwoWords,
    /// Forename and surname in either order.
    EitherName,
}

/// The rules, ready to run. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rules(Arc<Vec<Vec<Part>>>);

impl Rules {
    /// Compiles the rules of a definition.
    ///
    /// # Errors
    /// When a rule names a part that there is not.
    pub fn new(linkage: &Linkage) -> Result<Self, LinkError> {
        let rule = |on: &Vec<String>| {
            on.iter().map(|p| part(p).ok_or_else(|| LinkError::Rule { part: p.clone() })).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self(Arc::new(linkage.blocks.iter().map(|b| rule(&b.on)).collect::<Result<_, _>>()?)))
    }

    /// Calls `found` with the number of the rule and a key, for each key of a row.
    pub(crate) fn keys(&self, row: &Row<'_>, mut found: impl FnMut(u8, u64)) {
        let mut keys: Vec<u64> = Vec::with_capacity(16);
        let mut next: Vec<u64> = Vec::with_capacity(16);
        let mut tokens: Vec<u64> = Vec::with_capacity(66);
        if !row.says_who() {
            return;
        }
        for (number, parts) in self.0.iter().enumerate() {
            keys.clear();
            keys.push(mix(0x5156_5053, number as u64 + 1));
            for part in parts {
                tokens.clear();
                row.tokens(*part, &mut tokens);
                next.clear();
                for key in &keys {
                    next.extend(tokens.iter().map(|t| mix(*key, *t)));
                }
                std::mem::swap(&mut keys, &mut next);
            }
            keys.sort_unstable();
            keys.dedup();
            keys.iter().for_each(|key| found(number as u8, *key));
        }
    }
}

fn part(name: &str) -> Option<Part> {
    match name {
        "words.each" => return Some(Part::EachWord),
        "words.two" => return Some(Part::TwoWords),
        "names.either" => return Some(Part::EitherName),
        _ => {}
    }
    if let Some(i) = COLUMNS.iter().position(|(column, kind)| *column == name && kind.is_none()) {
        return Some(Part::Plain(i));
    }
    let (column, token) = name.split_once('.')?;
    let i = COLUMNS.iter().position(|(c, _)| *c == column)?;
    Some(Part::Token(i, COLUMNS[i].1?.place(token)?))
}

/// A row as the rules see it: the columns of [`COLUMNS`].
pub(crate) struct Row<'a>(pub [Option<&'a [u8]>; COLUMNS.len()]);

/// Columns that say who somebody is; an address or an occupation alone does not.
const WHO: [usize; 7] = [0, 1, 2, 3, 7, 8, 9];

impl Row<'_> {
    /// Whether there is a name, a date of birth or a number: a record without any is linked to none.
    pub(crate) fn says_who(&self) -> bool {
        WHO.iter().any(|column| self.0[*column].is_some())
    }

    fn token(&self, column: usize, place: usize) -> Option<u64> {
        self.0[column].and_then(|e| token_at(e, place))
    }

    fn tokens(&self, part: Part, out: &mut Vec<u64>) {
        match part {
            Part::Token(column, place) => out.extend(self.token(column, place)),
            Part::Plain(column) => out.extend(self.0[column].map(of_text)),
            Part::EachWord => out.extend(word_tokens(self.0[WORDS])),
            Part::TwoWords => {
                let words: Vec<u64> = word_tokens(self.0[WORDS]).collect();
                for (i, a) in words.iter().enumerate() {
                    out.extend(words[i + 1..].iter().map(|b| mix(*a.min(b), *a.max(b))));
                }
            }
            Part::EitherName => {
                if let (Some(a), Some(b)) = (self.token(0, 0), self.token(1, 0)) {
                    out.push(mix(a.min(b), a.max(b)));
                }
            }
        }
    }
}

/// The bits of a plain token, which is 32 hexadecimal digits.
fn of_text(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Mixes two words; the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Tokens are keyed already, so this needs to
/// spread, not to hide.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What a rule costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCost {
    /// Name.
    pub rule: String,
    /// Largest block that is compared, rows.
    pub cap: u64,
    /// Pairs that it proposes.
    pub pairs: u64,
    /// Blocks that are left out because they are larger.
    pub capped_blocks: u64,
    /// Pairs in them.
    pub capped_pairs: u64,
    /// Rows of the largest of them.
    pub largest: u64,
}

/// Chooses the largest block of a rule, so that it keeps to the budget: blocks are taken from the smallest on.
/// `sizes`: rows of a block → how many such blocks.
pub(crate) fn cost(rule: String, sizes: &BTreeMap<u64, u64>, budget: u64, largest_block: u64) -> RuleCost {
    let mut out = RuleCost { rule, ..RuleCost::default() };
    for (rows, blocks) in sizes {
        let pairs = rows * rows.saturating_sub(1) / 2 * blocks;
        if out.capped_blocks == 0 && *rows <= largest_block && out.pairs + pairs <= budget {
            out.pairs += pairs;
            out.cap = *rows;
        } else {
            out.capped_blocks += blocks;
            out.capped_pairs += pairs;
            out.largest = *rows;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_rule_is_known_and_a_wrong_one_named() {
        let mut linkage = Linkage::shipped().unwrap();
        Rules::new(&linkage).unwrap();
        linkage.blocks[0].on = vec!["surname.colour".to_owned()];
        assert!(Rules::new(&linkage).unwrap_err().to_string().contains("surname.colour"));
    }

    #[test]
    fn a_missing_part_gives_no_key_and_rules_do_not_meet() {
        let mut linkage = Linkage::shipped().unwrap();
        linkage.blocks.truncate(2);
        linkage.blocks[0].on = vec!["nhs".to_owned()];
        linkage.blocks[1].on = vec!["upn".to_owned()];
        let rules = Rules::new(&linkage).unwrap();
        let keys = |nhs: Option<&[u8]>, upn: Option<&[u8]>| {
            let mut columns = [None; COLUMNS.len()];
            (columns[7], columns[8]) = (nhs, upn);
            let mut out = Vec::new();
            rules.keys(&Row(columns), |rule, key| out.push((rule, key)));
            out
        };
        assert!(keys(None, None).is_empty());
        let both = keys(Some(b"a"), Some(b"a"));
        assert_eq!(both.len(), 2);
        assert_ne!(both[0].1, both[1].1);
    }

    #[test]
    fn an_address_alone_is_nobody() {
        let rules = Rules::new(&Linkage::shipped().unwrap()).unwrap();
        let keys = |columns: &[usize]| {
            let mut row = [None; COLUMNS.len()];
            let encoding = [7u8; 256];
            columns.iter().for_each(|column| row[*column] = Some(&encoding[..]));
            let mut n = 0;
            rules.keys(&Row(row), |_, _| n += 1);
            n
        };
        assert_eq!(keys(&[4, 5, 6]), 0);
        assert!(keys(&[3, 4]) > 0 && keys(&[7]) > 0 && keys(&[1, 4]) > 0);
    }

    #[test]
    fn the_largest_blocks_go_first() {
        let sizes = BTreeMap::from([(2, 100), (3, 10), (5_000, 1)]);
        let cost = cost("x".to_owned(), &sizes, 1_000, 2_000);
        assert_eq!((cost.pairs, cost.cap, cost.capped_blocks, cost.capped_pairs), (130, 3, 1, 12_497_500));
        assert_eq!(super::cost("x".to_owned(), &sizes, 110, 2_000).cap, 2);
    }
}

//! Blocking rules: which pairs are worth comparing.
//!
//! Each rule becomes a 64-bit key for each row, a mix of the tokens that it names; rows with equal keys of one rule are
//! candidates. Rules that name words give several keys.

use std::collections::BTreeMap;

use svp_contract::Linkage;
use svp_contract::comparison::{ROW_COLUMNS, RowKind, row_column};
use svp_contract::encoding::{WHOLE, token_at};

use crate::LinkError;
use crate::row_columns::NAMED;
use crate::rows::Row;
use crate::value::mix;
use crate::value::word_tokens;

const FORENAME: usize = row_column("forename");
const SURNAME: usize = row_column("surname");
const WORDS: usize = row_column("words");

/// One part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The rules, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules(Vec<Vec<Part>>);

impl Rules {
    /// Compiles the rules of a definition.
    ///
    /// # Errors
    /// When a rule names a part that there is not.
    pub(crate) fn new(linkage: &Linkage) -> Result<Self, LinkError> {
        let rule = |on: &Vec<String>| {
            on.iter().map(|p| part(p).ok_or_else(|| LinkError::Rule { part: p.clone() })).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self(linkage.blocks.iter().map(|b| rule(&b.on)).collect::<Result<_, _>>()?))
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
                tokens_of(row, *part, &mut tokens);
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
    let column = |name: &str| ROW_COLUMNS[..NAMED].iter().position(|column| column.name == name);
    if let Some(key) = name.strip_prefix("key.") {
        return column(&format!("key_{key}")).map(Part::Plain);
    }
    let Some((encoded, token)) = name.split_once('.') else {
        return column(name).filter(|i| ROW_COLUMNS[*i].kind == RowKind::Number).map(Part::Plain);
    };
    let i = column(encoded)?;
    match ROW_COLUMNS[i].kind {
        RowKind::Encoding(kind) => Some(Part::Token(i, kind.place(token)?)),
        _ => None,
    }
}

/// The tokens that a part of a rule has in a row; none where it is missing.
fn tokens_of(row: &Row<'_>, part: Part, out: &mut Vec<u64>) {
    let token = |column: usize, place| row.0[column].and_then(|e| token_at(e, place));
    match part {
        Part::Token(column, place) => out.extend(token(column, place)),
        Part::Plain(column) => out.extend(row.0[column].map(of_text)),
        Part::EachWord => out.extend(word_tokens(row.0[WORDS])),
        Part::TwoWords => {
            let words: Vec<u64> = word_tokens(row.0[WORDS]).collect();
            for (i, a) in words.iter().enumerate() {
                out.extend(words[i + 1..].iter().map(|b| mix(*a.min(b), *a.max(b))));
            }
        }
        Part::EitherName => {
            if let (Some(a), Some(b)) = (token(FORENAME, WHOLE), token(SURNAME, WHOLE)) {
                out.push(mix(a.min(b), a.max(b)));
            }
        }
    }
}

/// Spreads the bytes of a plain token (FNV-1a).
fn of_text(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
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
        for wrong in ["key.shoe_size", "key_sound_birth", "sex", "nhs.whole", "surname", "words.whole"] {
            linkage.blocks[0].on = vec![wrong.to_owned()];
            assert!(Rules::new(&linkage).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_missing_part_gives_no_key_and_rules_do_not_meet() {
        let mut linkage = Linkage::shipped().unwrap();
        linkage.blocks.truncate(2);
        linkage.blocks[0].on = vec!["nhs".to_owned()];
        linkage.blocks[1].on = vec!["upn".to_owned()];
        let rules = Rules::new(&linkage).unwrap();
        let keys = |nhs: Option<&[u8]>, upn: Option<&[u8]>| {
            let mut columns = [None; NAMED];
            (columns[row_column("nhs")], columns[row_column("upn")]) = (nhs, upn);
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
        let keys = |columns: &[&str]| {
            let mut row = [None; NAMED];
            let encoding = [7u8; 256];
            columns.iter().for_each(|column| row[row_column(column)] = Some(&encoding[..]));
            let mut n = 0;
            rules.keys(&Row(row), |_, _| n += 1);
            n
        };
        assert_eq!(keys(&["postcode", "birth_place", "occupation"]), 0);
        assert!(keys(&["birth", "postcode"]) > 0 && keys(&["nhs"]) > 0 && keys(&["surname", "postcode"]) > 0);
    }

    #[test]
    fn the_largest_blocks_go_first() {
        let sizes = BTreeMap::from([(2, 100), (3, 10), (5_000, 1)]);
        let cost = cost("x".to_owned(), &sizes, 1_000, 2_000);
        assert_eq!((cost.pairs, cost.cap, cost.capped_blocks, cost.capped_pairs), (130, 3, 1, 12_497_500));
        assert_eq!(super::cost("x".to_owned(), &sizes, 110, 2_000).cap, 2);
    }
}

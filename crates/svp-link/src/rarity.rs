//! Values that are weighed by their rarity: which they are, and how many rows hold those of a row.
//!
//! The values follow from the list of comparisons, in its order. One more is made of two comparisons: the usual forename and
//! the surname together.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use svp_contract::comparison::{Rarity, comparison, row_column};
use svp_contract::{COMPARISONS, MAX_LEVELS};

use crate::value::mix;

/// The number of values that the list of comparisons names.
const LISTED: usize = {
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        n += COMPARISONS[c].rarity.len();
        c += 1;
    }
    n
};

/// The number of kinds of value.
pub(crate) const VALUES: usize = LISTED + 1;

/// Usual forename and surname together, the last value.
pub(crate) const WHOLE_NAME: usize = LISTED;

/// A value: where its token is, and its name in a saved model.
#[derive(Clone, Copy)]
pub(crate) struct RareValue {
    /// Place of its comparison.
    pub comparison: usize,
    /// Place of its column in a row.
    pub column: usize,
    /// What the list says.
    pub rarity: Rarity,
}

/// The values that the list of comparisons names.
pub(crate) const RARE_VALUES: [RareValue; LISTED] = {
    let first =
        RareValue { comparison: 0, column: row_column(COMPARISONS[0].columns[0]), rarity: COMPARISONS[0].rarity[0] };
    let mut values = [first; LISTED];
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        let mut i = 0;
        while i < COMPARISONS[c].rarity.len() {
            let column = row_column(COMPARISONS[c].columns[0]);
            values[n] = RareValue { comparison: c, column, rarity: COMPARISONS[c].rarity[i] };
            (n, i) = (n + 1, i + 1);
        }
        c += 1;
    }
    values
};

/// The values of which the last is made: the usual forename, and the surname.
pub(crate) const NAME_PARTS: [usize; 2] = [value("usual"), value("surname")];

const fn value(name: &str) -> usize {
    let mut v = 0;
    while v < LISTED && !svp_contract::comparison::same(RARE_VALUES[v].rarity.value, name) {
        v += 1;
    }
    assert!(v < LISTED, "there is no such value");
    v
}

/// By comparison and level: the value that both records have there, or [`NONE`].
pub(crate) static VALUE_AT: [[u8; MAX_LEVELS + 1]; COMPARISONS.len()] = {
    let mut at = [[NONE; MAX_LEVELS + 1]; COMPARISONS.len()];
    let mut v = 0;
    while v < LISTED {
        let RareValue { comparison, rarity, .. } = RARE_VALUES[v];
        let mut i = 0;
        while i < rarity.levels.len() {
            at[comparison][rarity.levels[i] as usize] = v as u8;
            i += 1;
        }
        v += 1;
    }
    at
};

/// No value.
pub(crate) const NONE: u8 = u8::MAX;

/// How many comparisons have a value that is weighed by its rarity.
const RARE: usize = {
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        n += !COMPARISONS[c].rarity.is_empty() as usize;
        c += 1;
    }
    n
};

/// The comparisons that have one.
pub(crate) const RARE_COMPARISONS: [usize; RARE] = {
    let mut rare = [0; RARE];
    let (mut n, mut c) = (0, 0);
    while c < COMPARISONS.len() {
        if !COMPARISONS[c].rarity.is_empty() {
            rare[n] = c;
            n += 1;
        }
        c += 1;
    }
    rare
};

/// Comparisons whose values together are one more value.
pub(crate) const NAME_COMPARISONS: [usize; 2] = [comparison("forename"), comparison("surname")];

/// How many rows hold each value of a row; 0 is missing. In a saved model the counts stand under the names of the values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts(pub(crate) [f32; VALUES]);

/// Rows that have a value at all, by kind of value.
pub type Present = Counts;

fn value_name(value: usize) -> &'static str {
    RARE_VALUES.get(value).map_or("name", |v| v.rarity.value)
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().enumerate().map(|(value, rows)| (value_name(value), rows)))
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let rows: BTreeMap<String, f32> = BTreeMap::deserialize(from)?;
        let mut counts = Self::default();
        for (value, slot) in counts.0.iter_mut().enumerate() {
            let name = value_name(value);
            *slot = *rows.get(name).ok_or_else(|| D::Error::missing_field(name))?;
        }
        Ok(counts)
    }
}

/// The values of a row as numbers with their kind in them, so that a forename is not counted as a surname: of the tokens of
/// [`RARE_VALUES`] (0 is missing), then of usual forename and surname together.
pub(crate) fn rare_values(tokens: [u64; LISTED]) -> [Option<u64>; VALUES] {
    let [usual, surname] = NAME_PARTS.map(|part| tokens[part]);
    std::array::from_fn(|value| {
        let token = match tokens.get(value) {
            Some(token) => *token,
            None if usual == 0 || surname == 0 => 0,
            None => mix(usual, surname),
        };
        (token != 0).then(|| mix(value as u64 + 1, token))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Counts with that of one value.
    pub(crate) fn of(name: &str, rows: f32) -> Counts {
        let mut counts = Counts::default();
        counts.0[RARE_VALUES.iter().position(|v| v.rarity.value == name).unwrap()] = rows;
        counts
    }

    #[test]
    fn a_model_that_an_earlier_version_saved_is_read() {
        let saved = r#"{"forename":1.0,"usual":2.0,"surname":3.0,"name":8.0,"birth":4.0,"birth_place":5.0,"postcode":6.0,"occupation":7.0}"#;
        let counts: Counts = serde_json::from_str(saved).unwrap();
        assert_eq!(counts.0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let again: Counts = serde_json::from_str(&serde_json::to_string(&counts).unwrap()).unwrap();
        assert_eq!(again, counts);
        assert!(serde_json::from_str::<Counts>(r#"{"forename":1.0}"#).is_err());
    }
}

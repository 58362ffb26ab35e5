//! Sums between published tables: which counts of one table add up to a number of another, or are that number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A number of this or another table, by what is counted and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Whole {
    /// What is counted: the measure of a count.
    pub measure: String,
    /// View of the events that are counted.
    pub universe: String,
    /// Fixed coordinates: dimension and the members that are summed over (`agency`: `health`). Dimensions that are not
    /// named are those of the table that speaks of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at: BTreeMap<String, Vec<String>>,
}

/// Counts whose sum, at any coordinates that both tables have, is another number; what they leave out of it, if anything,
/// is counted in neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tie {
    /// Measures of the counts, sorted.
    pub parts: Vec<String>,
    /// View of the events that they count.
    pub universe: String,
    /// Their sum.
    pub whole: Whole,
}

/// A number as a header writes it: the name of a measure, or a measure with universe and coordinates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberOf {
    /// What is counted.
    pub measure: String,
    /// View of the events; that of the output where not given.
    pub universe: Option<String>,
    /// Dimension and members.
    pub at: BTreeMap<String, Vec<String>>,
}

/// Reads one number, or a list of numbers; each is a name or a table.
pub(crate) fn numbers<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<NumberOf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Full {
        measure: String,
        #[serde(default)]
        universe: Option<String>,
        #[serde(default)]
        at: BTreeMap<String, Names>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Number {
        Name(String),
        Full(Full),
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Numbers {
        One(Number),
        Many(Vec<Number>),
    }
    let one = |number: Number| match number {
        Number::Name(measure) => NumberOf { measure, universe: None, at: BTreeMap::new() },
        Number::Full(full) => {
            let members = |names: Names| match names {
                Names::One(name) => vec![name],
                Names::Many(names) => names,
            };
            let at = full.at.into_iter().map(|(dim, names)| (dim, members(names))).collect();
            NumberOf { measure: full.measure, universe: full.universe, at }
        }
    };
    Ok(match Numbers::deserialize(from)? {
        Numbers::One(number) => vec![one(number)],
        Numbers::Many(numbers) => numbers.into_iter().map(one).collect(),
    })
}

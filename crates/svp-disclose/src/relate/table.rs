//! The tables that are related to one another, and what the site knows of their dimensions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use svp_contract::{DefinitionId, Tie};

use crate::event_set::EventSet;

/// A row of a table, as the relation finder needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// One member for each dimension of the table.
    pub members: Vec<String>,
    /// The true count; `None` where only the printed table is known.
    pub value: Option<f64>,
    /// What is printed. Entries of ledgers call it `told`.
    #[serde(rename = "told")]
    pub published: Published,
}

/// What is printed for a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Published {
    /// A number: the reader knows the interval that it stands for.
    Shown(f64, f64),
    /// `[c]`, because the count itself is too small (`primary`) or to protect another.
    Suppressed {
        /// Whether the count itself is too small.
        primary: bool,
    },
    /// Nothing is known of it and nothing follows from it.
    NotKnown,
}

/// A dimension of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dim {
    /// Kind: `month`, `district`, `source`, `bng:250`, …
    pub kind: String,
    /// The member that stands for all others together.
    pub total: Option<String>,
}

/// One count column of one table of one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Name for findings.
    pub name: String,
    /// The release it stands in; the newest has the highest number.
    pub release: usize,
    /// It was released before and cannot be changed.
    pub earlier: bool,
    /// The events that it counts.
    pub set: EventSet,
    /// What is counted.
    pub measure: String,
    /// Other measures that this one is part of.
    #[serde(default, deserialize_with = "none_one_or_many")]
    pub part_of: Vec<String>,
    /// Sums that this measure is a part of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ties: Vec<Tie>,
    /// Dimensions.
    pub dims: Vec<Dim>,
    /// Counts from 1 to one less than this are small; below 2 nothing is.
    pub suppress_below: i64,
    /// Rows.
    pub rows: Vec<Row>,
    /// The counts are sums of weights and need not be whole.
    pub fractional: bool,
    /// The map was merged: what is not listed lies in a rest, it is not zero.
    pub merged: bool,
}

/// Entries of ledgers that were written before a count could be part of several hold one name, or null.
fn none_one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(Option<String>),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(from)? {
        Names::One(name) => name.into_iter().collect(),
        Names::Many(names) => names,
    })
}

impl Table {
    /// What makes this table unfit for the ledger, in words; `None` when it is fit.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let mut seen = BTreeSet::new();
        for row in &self.rows {
            if row.members.len() != self.dims.len() {
                return Some("a row has not one member for each dimension");
            }
            if !seen.insert(&row.members) {
                return Some("two rows have the same members");
            }
            if let Published::Shown(lo, hi) = row.published
                && !(lo >= 0.0 && lo <= hi && hi.is_finite())
            {
                return Some("a number is told that no count can be");
            }
        }
        None
    }

    /// The position of the dimension that is a cell of a grid.
    pub(super) fn grid(&self) -> Option<usize> {
        self.dims.iter().position(|d| is_grid(&d.kind))
    }
}

/// Whether a kind is a grid of cells.
#[must_use]
pub fn is_grid(kind: &str) -> bool {
    kind.starts_with("bng:") || kind.starts_with("h3:")
}

/// Whether each cell of the one grid is made of whole cells of the other, by doubling. H3 cells of two resolutions
/// do not nest on the ground, only in their names.
#[must_use]
pub fn nests(a: &str, b: &str) -> bool {
    let size = |kind: &str| kind.strip_prefix("bng:").and_then(|s| s.parse::<u64>().ok());
    match (size(a), size(b)) {
        (Some(a), Some(b)) => {
            let (small, large) = (a.min(b), a.max(b));
            small > 0 && large % small == 0 && (large / small).is_power_of_two()
        }
        _ => a == b,
    }
}

/// What the site knows of its dimensions and definitions. `()` knows nothing.
pub trait Hierarchies {
    /// The next coarser members that hold a member: (`district`, `E07000041`) of (`lsoa`, `E01…`). One for each
    /// hierarchy that the kind belongs to (an hour of the week has a day and a shift); none at the top.
    fn parents(&self, _kind: &str, _member: &str) -> Vec<(String, String)> {
        Vec::new()
    }
    /// The atoms of a definition: cells of the Venn diagram of all definitions that are known, by number. `None` for a
    /// definition of which nothing is known.
    fn atoms(&self, _definition: &DefinitionId) -> Option<BTreeSet<u32>> {
        None
    }
    /// Whether every event of a definition also falls under the other.
    fn definition_within(&self, inner: &DefinitionId, outer: &DefinitionId) -> bool {
        self.atoms(inner).zip(self.atoms(outer)).is_some_and(|(inner, outer)| inner.is_subset(&outer))
    }
    /// Sums that the site declares, whatever the tables say of themselves: entries of ledgers may be older than the words.
    fn ties(&self) -> Vec<Tie> {
        Vec::new()
    }
    /// Whether every event of a universe also lies in the other.
    fn universe_within(&self, _inner: &str, _outer: &str) -> bool {
        false
    }
}

impl Hierarchies for () {}

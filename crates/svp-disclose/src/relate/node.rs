//! Nodes: an event set, some coordinates and a measure, in one release.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::DefinitionId;

use crate::event_set::EventSet;

/// What a number is about. Two sums with one key are the same number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Coordinates: kind and member.
    pub at: BTreeMap<String, String>,
    pub measure: String,
    pub area_parts: Vec<String>,
    pub area: String,
    pub definition: DefinitionId,
    pub universe: String,
    pub from: String,
    pub to: String,
    pub release: usize,
    pub data: String,
}

impl Key {
    pub(super) fn new(set: &EventSet, at: BTreeMap<String, String>, measure: &str, release: usize) -> Self {
        Self {
            at,
            measure: measure.to_owned(),
            area_parts: set.area_parts.clone(),
            area: set.area.clone(),
            definition: set.definition.clone(),
            universe: set.universe.clone(),
            from: set.from.clone(),
            to: set.to.clone(),
            release,
            data: set.data.clone(),
        }
    }

    pub(super) fn set(&self) -> EventSet {
        EventSet {
            area: self.area.clone(),
            area_parts: self.area_parts.clone(),
            definition: self.definition.clone(),
            universe: self.universe.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            data: self.data.clone(),
        }
    }

    /// In words, for findings.
    pub(super) fn label(&self) -> String {
        let period = if self.from == self.to { self.from.clone() } else { format!("{} to {}", self.from, self.to) };
        let mut out = format!(
            "{} of {} ({}), {period}, release {}",
            self.measure, self.universe, self.definition.name, self.release
        );
        for (kind, member) in &self.at {
            out.push_str(&format!(", {kind} {member}"));
        }
        out
    }
}

/// A number with the tables that it can be read or computed from.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub number: usize,
    pub tables: BTreeSet<usize>,
    /// The highest threshold of these tables.
    pub suppress_below: i64,
}

/// The nodes of a system.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// For each key the sums that give it: table, and numbers of its rows.
    pub sums: BTreeMap<Key, Vec<(usize, Vec<usize>)>>,
    nodes: BTreeMap<Key, Node>,
}

impl Nodes {
    pub(super) fn add(&mut self, key: Key, table: usize, rows: Vec<usize>) {
        let sums = self.sums.entry(key).or_default();
        if !sums.iter().any(|(t, r)| *t == table && *r == rows) {
            sums.push((table, rows));
        }
    }

    pub(super) fn insert(&mut self, key: Key, node: Node) {
        self.nodes.insert(key, node);
    }

    /// Every node, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.nodes.iter()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Node> {
        self.nodes.get(key).cloned()
    }
}

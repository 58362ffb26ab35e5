//! The system of all tables while it is built: its numbers, its equations, and where each number comes from.

use std::collections::BTreeSet;

use super::node::Nodes;
use super::table::{Knowledge, Row, Table, Told};
use crate::published::EventSet;
use crate::system::{Equation, Goal, Number, State, System};

/// Where a number comes from, for findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Tables that have to do with it, by their position.
    pub tables: BTreeSet<usize>,
    /// The row, where it is one.
    pub row: Option<usize>,
    /// In words: table and cell, or what is subtracted from what.
    pub label: String,
}

/// The system and where its numbers come from.
#[derive(Debug)]
pub struct Related {
    /// Numbers and equations.
    pub system: System,
    /// One for each number.
    pub origins: Vec<Origin>,
    /// By table, by row: the row's number.
    pub rows: Vec<Vec<usize>>,
}

/// The interval that the reader must not be able to keep a small number in.
pub(super) fn small(suppress_below: i64) -> (f64, f64) {
    (1.0, (suppress_below - 1) as f64)
}

pub(super) struct Build<'a> {
    pub tables: &'a [Table],
    pub known: &'a dyn Knowledge,
    pub out: Related,
    pub nodes: Nodes,
}

impl Build<'_> {
    pub fn push(&mut self, number: Number, origin: Origin) -> usize {
        // Tables come in the order of the area file and rows in that of their grain: ties are settled by it.
        let order = self.out.system.numbers.len() as u64;
        self.out.system.numbers.push(Number { order, ..number });
        self.out.origins.push(origin);
        self.out.system.numbers.len() - 1
    }

    pub fn equation(&mut self, terms: Vec<(usize, f64)>) {
        self.out.system.equations.push(Equation { terms });
    }

    /// Whether every event of the one set lies in the other (or the sets are the same).
    pub fn within(&self, inner: &EventSet, outer: &EventSet) -> bool {
        let definition = (inner.definition == outer.definition && inner.definition_digest == outer.definition_digest)
            || self.known.definition_within(
                (&inner.definition, &inner.definition_digest),
                (&outer.definition, &outer.definition_digest),
            );
        let universe = inner.universe == outer.universe || self.known.universe_within(&inner.universe, &outer.universe);
        definition
            && universe
            && inner.from >= outer.from
            && inner.to <= outer.to
            && inner.area_parts.iter().all(|p| outer.area_parts.contains(p))
    }
}

pub(super) fn row_number(table: &Table, row: &Row) -> Number {
    let (lo, hi) = small(table.suppress_below);
    let goal = match row.told {
        Told::Suppressed { primary: true } => match row.value {
            // Suppressed for another reason than its size (dominance): nobody may come closer than the threshold.
            Some(v) if v > hi => Goal::Cover { lo: (v - hi).max(1.0), hi: v + hi },
            _ => Goal::Cover { lo, hi: hi.max(lo) },
        },
        _ => Goal::None,
    };
    // Counts of weights can be suppressed fractions; whole counts are one at the least behind the mark.
    let marked = if table.fractional { (0.0, f64::INFINITY) } else { (1.0, f64::INFINITY) };
    let (state, told, assumed) = match row.told {
        Told::Shown(a, b) => (State::Shown, (a, b), marked),
        Told::Suppressed { .. } => (State::Hidden, (0.0, f64::INFINITY), marked),
        Told::NotKnown => (State::Latent, (0.0, f64::INFINITY), (0.0, f64::INFINITY)),
    };
    // What is lost by hiding a number: one cell, and a little more the larger it is.
    let cost = 1.0 + row.value.unwrap_or(told.0).max(0.0).ln_1p() / 8.0;
    // Nothing follows from what nobody knows: no equation holds it, so any value will do.
    let value = if row.told == Told::NotKnown { Some(0.0) } else { row.value };
    Number { value, told, assumed, state, fixed: table.earlier, cost, goal, order: 0 }
}

pub(super) fn latent(value: Option<f64>, assumed: (f64, f64), goal: Goal) -> Number {
    Number { value, told: assumed, assumed, state: State::Latent, fixed: false, cost: 0.0, goal, order: 0 }
}

/// A latent number needs protection only where it is small (or where nobody knows).
pub(super) fn outside(value: Option<f64>, suppress_below: i64) -> Goal {
    let (lo, hi) = small(suppress_below);
    if suppress_below > 1 && value.is_none_or(|v| v > 1e-6 && v <= hi + 1e-6) {
        Goal::Outside { lo, hi }
    } else {
        Goal::None
    }
}

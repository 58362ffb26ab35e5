//! The system of all tables while it is built: its numbers, its equations, and where each number comes from.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use svp_contract::Tie;

use super::node::Nodes;
use super::table::{Hierarchies, Published, Row, Table};
use crate::event_set::EventSet;
use crate::system::{Equation, Number, ProtectionInterval, State, System};

/// Where a number comes from, for findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Tables that have to do with it, by their position.
    pub tables: BTreeSet<usize>,
    /// The row, where it is one.
    pub row: Option<usize>,
    /// In words: table and cell, or what is subtracted from what.
    pub label: String,
}

/// The system and where its numbers come from.
#[derive(Debug, Default)]
pub struct Related {
    /// Numbers and equations.
    pub system: System,
    /// One for each number.
    pub provenance: Vec<Provenance>,
    /// By table, by row: the row's number.
    pub rows: Vec<Vec<usize>>,
}

/// The interval that the reader must not be able to keep a small number in.
pub(super) fn small(suppress_below: i64) -> (f64, f64) {
    (1.0, (suppress_below - 1) as f64)
}

pub(super) struct Build<'a> {
    pub tables: &'a [Table],
    pub hierarchies: &'a dyn Hierarchies,
    pub out: Related,
    pub nodes: Nodes,
    /// Sums that headers declare, of all tables and of the site.
    pub ties: Vec<Tie>,
    /// Pairs of numbers, smaller first, that are sums of the same atoms: nothing more follows from comparing them.
    pub in_atoms: BTreeSet<(usize, usize)>,
    /// Pairs of numbers, smaller first, about one place in two areas that have it: they are one number already.
    pub one_place: BTreeSet<(usize, usize)>,
    /// Whether the tables are of more than one area.
    pub several_areas: bool,
    /// By kind and member: what is above it, as far as it was asked.
    pub above: RefCell<HashMap<String, Above>>,
}

/// By member: kinds and members above it, nearest first.
type Above = HashMap<String, Rc<[(String, String)]>>;

impl Build<'_> {
    pub fn push(&mut self, number: Number, provenance: Provenance) -> usize {
        // Tables come in the order of the area file and rows in that of their grain: ties are settled by it.
        let order = self.out.system.numbers.len() as u64;
        self.out.system.numbers.push(Number { order, ..number });
        self.out.provenance.push(provenance);
        self.out.system.numbers.len() - 1
    }

    pub fn equation(&mut self, terms: Vec<(usize, f64)>) {
        self.out.system.equations.push(Equation { terms });
    }

    /// Whether every event of the one set lies in the other (or the sets are the same).
    pub fn within(&self, inner: &EventSet, outer: &EventSet) -> bool {
        inner.from >= outer.from && inner.to <= outer.to && self.within_but_for_time(inner, outer)
    }

    /// The same of sets of one period.
    pub fn within_but_for_time(&self, inner: &EventSet, outer: &EventSet) -> bool {
        let definition = inner.definition == outer.definition
            || self.hierarchies.definition_within(&inner.definition, &outer.definition);
        let universe =
            inner.universe == outer.universe || self.hierarchies.universe_within(&inner.universe, &outer.universe);
        definition && universe && inner.area_parts.iter().all(|p| outer.area_parts.contains(p))
    }

    /// Everything above a member, nearest first. The site is asked once for each.
    pub fn ancestors(&self, kind: &str, member: &str) -> Rc<[(String, String)]> {
        if let Some(known) = self.above.borrow().get(kind).and_then(|members| members.get(member)) {
            return Rc::clone(known);
        }
        let mut out: Vec<(String, String)> = Vec::new();
        let mut next = self.hierarchies.parents(kind, member);
        while !next.is_empty() {
            let above = next.iter().flat_map(|(k, m)| self.hierarchies.parents(k, m)).collect();
            for up in next {
                if !out.contains(&up) {
                    out.push(up);
                }
            }
            next = above;
        }
        let out: Rc<[(String, String)]> = out.into();
        let mut above = self.above.borrow_mut();
        above.entry(kind.to_owned()).or_default().insert(member.to_owned(), Rc::clone(&out));
        out
    }

    /// The member of the wanted kind that is this one or holds it.
    pub fn roll_up(&self, kind: &str, member: &str, wanted: &str) -> Option<String> {
        if kind == wanted {
            return Some(member.to_owned());
        }
        self.ancestors(kind, member).iter().find(|(k, _)| k == wanted).map(|(_, m)| m.clone())
    }
}

pub(super) fn row_number(table: &Table, row: &Row) -> Number {
    let (lo, hi) = small(table.suppress_below);
    let protection = match row.published {
        Published::Suppressed { primary: true } => match row.value {
            // Suppressed for another reason than its size (dominance): nobody may come closer than the threshold.
            Some(v) if v > hi => ProtectionInterval::BothSides { lower: (v - hi).max(1.0), upper: v + hi },
            _ => ProtectionInterval::BothSides { lower: lo, upper: hi.max(lo) },
        },
        _ => ProtectionInterval::None,
    };
    // Counts of weights can be suppressed fractions; whole counts are one at the least behind the mark.
    let marked = if table.fractional { (0.0, f64::INFINITY) } else { (1.0, f64::INFINITY) };
    let (state, published, assumed) = match row.published {
        Published::Shown(a, b) => (State::Shown, (a, b), marked),
        Published::Suppressed { .. } => (State::Hidden, (0.0, f64::INFINITY), marked),
        Published::NotKnown => (State::Latent, (0.0, f64::INFINITY), (0.0, f64::INFINITY)),
    };
    // What is lost by hiding a number: one cell, and a little more the larger it is.
    let cost = 1.0 + row.value.unwrap_or(published.0).max(0.0).ln_1p() / 8.0;
    // Nothing follows from what nobody knows: no equation holds it, so any value will do.
    let value = if row.published == Published::NotKnown { Some(0.0) } else { row.value };
    Number { value, published, assumed, state, fixed: table.earlier, cost, protection, order: 0 }
}

pub(super) fn latent(value: Option<f64>, assumed: (f64, f64), protection: ProtectionInterval) -> Number {
    Number { value, published: assumed, assumed, state: State::Latent, fixed: false, cost: 0.0, protection, order: 0 }
}

/// A latent number needs protection only where it is small (or where nobody knows).
pub(super) fn outside(value: Option<f64>, suppress_below: i64) -> ProtectionInterval {
    let (lo, hi) = small(suppress_below);
    if suppress_below > 1 && value.is_none_or(|v| v > 1e-6 && v <= hi + 1e-6) {
        ProtectionInterval::EitherSide { lower: lo, upper: hi }
    } else {
        ProtectionInterval::None
    }
}

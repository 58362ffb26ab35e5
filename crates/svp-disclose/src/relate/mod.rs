//! Which published numbers follow from one another: from tables to one linear system.
//!
//! A reader holds every table of a release and of all earlier ones of the audience. Tables that count the same
//! events add up to one total, a district is the sum of its small areas, a definition that lies inside another
//! can be subtracted from it, and so can last month's release from this month's. Each such fact becomes an
//! equation here; what nobody printed but anybody can compute (a total, a difference) becomes a latent number.
//!
//! The steps: every row is a number; rows are summed to *nodes* (an event set and some coordinates) wherever two
//! tables can meet; nodes of one key are equal; nodes of nested sets differ by a latent difference.

mod grid;
mod node;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use svp_contract::DefinitionId;

use crate::published::EventSet;
use crate::system::{Equation, Goal, Number, State, System};

use node::{Key, Node, Nodes};

/// A row of a table, as the relation finder needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// One member for each dimension of the table.
    pub members: Vec<String>,
    /// The true count; `None` where only the printed table is known.
    pub value: Option<f64>,
    /// What is printed.
    pub told: Told,
}

/// What is printed for a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Told {
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
            if let Told::Shown(lo, hi) = row.told
                && !(lo >= 0.0 && lo <= hi && hi.is_finite())
            {
                return Some("a number is told that no count can be");
            }
        }
        None
    }

    /// The position of the dimension that is a cell of a grid.
    fn grid(&self) -> Option<usize> {
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

/// What the site knows of its dimensions and definitions.
pub trait Knowledge {
    /// The next coarser members that hold a member: (`district`, `E07000041`) of (`lsoa`, `E01…`). One for each
    /// hierarchy that the kind belongs to (an hour of the week has a day and a shift); none at the top.
    fn parents(&self, kind: &str, member: &str) -> Vec<(String, String)>;
    /// Whether every event of a definition also falls under the other.
    fn definition_within(&self, inner: &DefinitionId, outer: &DefinitionId) -> bool;
    /// Whether every event of a universe also lies in the other.
    fn universe_within(&self, inner: &str, outer: &str) -> bool;
}

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

/// Builds the system of all tables.
#[must_use]
pub fn relate(tables: &[Table], known: &dyn Knowledge) -> Related {
    let mut build = Build {
        tables,
        known,
        out: Related { system: System::default(), origins: Vec::new(), rows: Vec::new() },
        nodes: Nodes::default(),
    };
    build.rows();
    build.sums();
    build.equal_nodes();
    build.nested_nodes();
    grid::relate(&mut build);
    build.out
}

/// The interval that the reader must not be able to keep a small number in.
fn small(suppress_below: i64) -> (f64, f64) {
    (1.0, (suppress_below - 1) as f64)
}

struct Build<'a> {
    tables: &'a [Table],
    known: &'a dyn Knowledge,
    out: Related,
    nodes: Nodes,
}

impl Build<'_> {
    fn push(&mut self, number: Number, origin: Origin) -> usize {
        // Tables come in the order of the area file and rows in that of their grain: ties are settled by it.
        let order = self.out.system.numbers.len() as u64;
        self.out.system.numbers.push(Number { order, ..number });
        self.out.origins.push(origin);
        self.out.system.numbers.len() - 1
    }

    fn equation(&mut self, terms: Vec<(usize, f64)>) {
        self.out.system.equations.push(Equation { terms });
    }

    /// Every row is a number.
    fn rows(&mut self) {
        for (t, table) in self.tables.iter().enumerate() {
            let mut numbers = Vec::with_capacity(table.rows.len());
            for (r, row) in table.rows.iter().enumerate() {
                let number = row_number(table, row);
                let at: Vec<String> =
                    table.dims.iter().zip(&row.members).map(|(d, m)| format!("{} {m}", d.kind)).collect();
                let label = format!("{} (release {}): {}", table.name, table.release, at.join(", "));
                numbers.push(self.push(number, Origin { tables: BTreeSet::from([t]), row: Some(r), label }));
            }
            self.out.rows.push(numbers);
        }
    }

    /// Sums of rows, wherever two tables can meet.
    fn sums(&mut self) {
        let periods: BTreeSet<(String, String)> =
            self.tables.iter().map(|t| (t.set.from.clone(), t.set.to.clone())).collect();
        for t in 0..self.tables.len() {
            let layers = layers(&self.tables[t]);
            for layer in &layers {
                for roll in self.rolls(t, layer) {
                    self.sum(t, layer, &roll, &periods);
                }
            }
        }
    }

    /// How the dimensions of a layer are rolled up to meet the others: none at all (the total), and once for each
    /// other table, to the finest that both have.
    fn rolls(&self, t: usize, layer: &Layer) -> BTreeSet<Vec<Option<String>>> {
        let table = &self.tables[t];
        let mut out = BTreeSet::from([vec![None; layer.dims.len()]]);
        for (o, other) in self.tables.iter().enumerate() {
            if o == t || !self.can_meet(table, other) {
                continue;
            }
            let kinds: BTreeSet<&str> = other.dims.iter().map(|d| d.kind.as_str()).collect();
            // A table of one month has that month as a coordinate of all its rows.
            let one_month = other.set.from == other.set.to;
            let roll = layer.dims.iter().map(|&d| {
                let kind = &table.dims[d].kind;
                if is_grid(kind) {
                    return None;
                }
                if kinds.contains(kind.as_str()) || (kind == "month" && one_month) {
                    return Some(kind.clone());
                }
                let member = &table.rows[*layer.rows.first()?].members[d];
                if let Some((up, _)) =
                    self.ancestors(kind, member).into_iter().find(|(k, _)| kinds.contains(k.as_str()))
                {
                    return Some(up);
                }
                // The other is finer: it rolls up to this one's own kind.
                let first = other.rows.first()?;
                let mut finer = other.dims.iter().zip(&first.members);
                finer.any(|(dim, member)| self.roll_up(&dim.kind, member, kind).is_some()).then(|| kind.clone())
            });
            out.insert(roll.collect());
        }
        out
    }

    /// Everything above a member, nearest first.
    fn ancestors(&self, kind: &str, member: &str) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = Vec::new();
        let mut next = self.known.parents(kind, member);
        while !next.is_empty() {
            let above = next.iter().flat_map(|(k, m)| self.known.parents(k, m)).collect();
            for up in next {
                if !out.contains(&up) {
                    out.push(up);
                }
            }
            next = above;
        }
        out
    }

    /// The member of the wanted kind that is this one or holds it.
    fn roll_up(&self, kind: &str, member: &str, wanted: &str) -> Option<String> {
        if kind == wanted {
            return Some(member.to_owned());
        }
        self.ancestors(kind, member).into_iter().find(|(k, _)| k == wanted).map(|(_, m)| m)
    }

    /// Whether numbers of two tables can have to do with one another: sets that are equal or nested.
    fn can_meet(&self, a: &Table, b: &Table) -> bool {
        let measures = a.measure == b.measure || a.part_of.contains(&b.measure) || b.part_of.contains(&a.measure);
        measures && (self.within(&a.set, &b.set) || self.within(&b.set, &a.set) || overlap(&a.set, &b.set))
    }

    /// Whether every event of the one set lies in the other (or the sets are the same).
    fn within(&self, inner: &EventSet, outer: &EventSet) -> bool {
        let definition =
            inner.definition == outer.definition || self.known.definition_within(&inner.definition, &outer.definition);
        let universe = inner.universe == outer.universe || self.known.universe_within(&inner.universe, &outer.universe);
        definition
            && universe
            && inner.from >= outer.from
            && inner.to <= outer.to
            && inner.area_parts.iter().all(|p| outer.area_parts.contains(p))
    }

    /// Sums the rows of a layer to the nodes of one roll.
    fn sum(&mut self, t: usize, layer: &Layer, roll: &[Option<String>], periods: &BTreeSet<(String, String)>) {
        let table = &self.tables[t];
        let month = layer.dims.iter().position(|&d| table.dims[d].kind == "month");
        // The periods of all tables are sums of months, as far as this table has the months.
        let mut windows: Vec<Option<(String, String)>> = vec![None];
        if let Some(at) = month
            && roll[at].is_none()
        {
            let inside = |p: &&(String, String)| p.0 >= table.set.from && p.1 <= table.set.to;
            windows = periods.iter().filter(inside).cloned().map(Some).collect();
        }
        for window in windows {
            let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
            for &r in &layer.rows {
                let members = &table.rows[r].members;
                let mut set = table.set.clone();
                if let (Some(at), Some((from, to))) = (month, &window) {
                    let member = &members[layer.dims[at]];
                    if member < from || member > to {
                        continue;
                    }
                    (set.from, set.to) = (from.clone(), to.clone());
                }
                let mut at = BTreeMap::new();
                let mut whole = true;
                for (&d, wanted) in layer.dims.iter().zip(roll) {
                    let Some(wanted) = wanted else { continue };
                    match self.roll_up(&table.dims[d].kind, &members[d], wanted) {
                        Some(member) if wanted == "month" => {
                            set.from.clone_from(&member);
                            set.to = member;
                        }
                        Some(member) => {
                            at.insert(wanted.clone(), member);
                        }
                        None => whole = false,
                    }
                }
                if whole {
                    let key = Key::new(&set, at, &table.measure, table.release);
                    groups.entry(key).or_default().push(self.out.rows[t][r]);
                }
            }
            for (key, rows) in groups {
                self.nodes.add(key, t, rows);
            }
        }
    }

    /// All sums of one node are the same number; where one lacks events (no month known) the rest is latent.
    fn equal_nodes(&mut self) {
        let all = std::mem::take(&mut self.nodes.sums);
        for (key, sums) in all {
            let tables: BTreeSet<usize> = sums.iter().map(|(t, _)| *t).collect();
            let below = tables.iter().map(|&t| self.tables[t].suppress_below).max().unwrap_or_default();
            let truth = |rows: &Vec<usize>| -> Option<f64> {
                rows.iter().map(|&n| self.out.system.numbers[n].value).sum::<Option<f64>>()
            };
            let truths: Vec<Option<f64>> = sums.iter().map(|(_, rows)| truth(rows)).collect();
            let whole =
                truths.iter().flatten().copied().fold(None, |a: Option<f64>, v| Some(a.map_or(v, |a| a.max(v))));
            let whole = if truths.iter().all(Option::is_some) { whole } else { None };
            // A row that is the node needs no number of its own.
            let complete = |i: usize| matches!((truths[i], whole), (Some(a), Some(b)) if (a - b).abs() < 1e-6);
            let single =
                sums.iter().enumerate().position(|(i, (_, rows))| rows.len() == 1 && (complete(i) || whole.is_none()));
            let label = key.label();
            let number = match single {
                Some(i) => sums[i].1[0],
                None => {
                    let goal = outside(whole, below);
                    self.push(
                        latent(whole, (0.0, f64::INFINITY), goal),
                        Origin { tables: tables.clone(), row: None, label: label.clone() },
                    )
                }
            };
            for (i, (t, rows)) in sums.iter().enumerate() {
                if rows.len() == 1 && rows[0] == number {
                    continue;
                }
                let mut terms: Vec<(usize, f64)> = rows.iter().map(|&n| (n, 1.0)).collect();
                terms.push((number, -1.0));
                if whole.is_some() && !complete(i) {
                    let rest = whole.zip(truths[i]).map(|(w, v)| w - v);
                    let origin = Origin {
                        tables: tables.clone(),
                        row: None,
                        label: format!("{label}: what {} does not count", self.tables[*t].name),
                    };
                    let rest = self.push(latent(rest, (0.0, f64::INFINITY), outside(rest, below)), origin);
                    terms.push((rest, 1.0));
                }
                self.equation(terms);
            }
            self.nodes.insert(key, Node { number, tables, suppress_below: below });
        }
    }

    /// Nodes of nested sets, of nested measures, and of one set in two releases: differences.
    fn nested_nodes(&mut self) {
        let (keys, pairs) = self.nodes.pairs();
        for (a, b) in pairs {
            self.difference(&keys[a], &keys[b]);
        }
    }

    fn difference(&mut self, a: &Key, b: &Key) {
        let part =
            |x: &Key, y: &Key| self.tables.iter().any(|t| t.measure == x.measure && t.part_of.contains(&y.measure));
        let same_measure = a.measure == b.measure;
        let a_in_b = self.within(&a.set(), &b.set()) && (same_measure || part(a, b));
        let b_in_a = self.within(&b.set(), &a.set()) && (same_measure || part(b, a));
        let (Some(na), Some(nb)) = (self.nodes.get(a), self.nodes.get(b)) else { return };
        match (a_in_b, b_in_a) {
            (true, true) if same_measure => self.same_set(&na, &nb, a, b),
            (true, _) => self.subtract(&na, &nb, a, b),
            (_, true) => self.subtract(&nb, &na, b, a),
            _ => {}
        }
    }

    /// One set in two releases: equal where nothing changed, else a revision that tells how many came or went.
    fn same_set(&mut self, a: &Node, b: &Node, ka: &Key, kb: &Key) {
        if ka.release == kb.release || a.number == b.number {
            return;
        }
        let (va, vb) = (self.out.system.numbers[a.number].value, self.out.system.numbers[b.number].value);
        let unchanged = match (va, vb) {
            (Some(x), Some(y)) => (x - y).abs() < 1e-9,
            _ => ka.data == kb.data,
        };
        if unchanged {
            self.equation(vec![(a.number, 1.0), (b.number, -1.0)]);
        } else {
            self.revision(a, b, &format!("{}, revised since an earlier release", ka.label()));
        }
    }

    /// outer = inner + what only the outer has.
    fn subtract(&mut self, inner: &Node, outer: &Node, ki: &Key, ko: &Key) {
        if inner.number == outer.number {
            return;
        }
        let label = format!("{} less {}", ko.label(), ki.label());
        if ki.release != ko.release && ki.data != ko.data {
            // The data changed between the releases: what came and what went is mixed into the difference.
            self.revision(inner, outer, &label);
            return;
        }
        let number = &self.out.system.numbers;
        let value = number[outer.number].value.zip(number[inner.number].value).map(|(o, i)| o - i);
        if value.is_some_and(|v| v < -1e-6) {
            self.revision(inner, outer, &label);
            return;
        }
        let value = value.map(|v| v.max(0.0));
        let below = inner.suppress_below.max(outer.suppress_below);
        let tables = inner.tables.union(&outer.tables).copied().collect();
        let rest =
            self.push(latent(value, (0.0, f64::INFINITY), outside(value, below)), Origin { tables, row: None, label });
        self.equation(vec![(outer.number, 1.0), (inner.number, -1.0), (rest, -1.0)]);
    }

    /// A signed difference between two releases. It binds nothing (the reader does not know how much changed), so it
    /// is there only where it would tell of a small number.
    fn revision(&mut self, a: &Node, b: &Node, label: &str) {
        let below = a.suppress_below.max(b.suppress_below);
        if below < 2 {
            return;
        }
        let number = &self.out.system.numbers;
        let value = number[a.number].value.zip(number[b.number].value).map(|(x, y)| y - x);
        let (lo, hi) = small(below);
        let tables: BTreeSet<usize> = a.tables.union(&b.tables).copied().collect();
        let both = (f64::NEG_INFINITY, f64::INFINITY);
        for sign in [1.0, -1.0] {
            let value = value.map(|v| v * sign);
            if value.is_none_or(|v| (lo..=hi).contains(&v)) {
                let number = latent(value, both, Goal::Outside { lo, hi });
                let d = self.push(number, Origin { tables: tables.clone(), row: None, label: label.to_owned() });
                self.equation(vec![(b.number, sign), (a.number, -sign), (d, -1.0)]);
            }
        }
    }
}

/// Whether two periods overlap, all else being equal: then months of the one are months of the other.
fn overlap(a: &EventSet, b: &EventSet) -> bool {
    a.from <= b.to && b.from <= a.to
}

fn row_number(table: &Table, row: &Row) -> Number {
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

fn latent(value: Option<f64>, assumed: (f64, f64), goal: Goal) -> Number {
    Number { value, told: assumed, assumed, state: State::Latent, fixed: false, cost: 0.0, goal, order: 0 }
}

/// A latent number needs protection only where it is small (or where nobody knows).
fn outside(value: Option<f64>, suppress_below: i64) -> Goal {
    let (lo, hi) = small(suppress_below);
    if suppress_below > 1 && value.is_none_or(|v| v > 1e-6 && v <= hi + 1e-6) {
        Goal::Outside { lo, hi }
    } else {
        Goal::None
    }
}

/// Rows of a table with one pattern of totals: its body, or one of its margins.
struct Layer {
    /// Dimensions that are not summed over, by position.
    dims: Vec<usize>,
    rows: Vec<usize>,
}

fn layers(table: &Table) -> Vec<Layer> {
    let mut out: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (r, row) in table.rows.iter().enumerate() {
        if row.told == Told::NotKnown {
            continue;
        }
        let dims = (0..table.dims.len()).filter(|&d| table.dims[d].total.as_ref() != Some(&row.members[d])).collect();
        out.entry(dims).or_default().push(r);
    }
    out.into_iter().map(|(dims, rows)| Layer { dims, rows }).collect()
}

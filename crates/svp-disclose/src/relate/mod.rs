//! Which published numbers follow from one another: from tables to one linear system.
//!
//! A reader holds every table of a release and of all earlier ones of the audience. Tables that count the same
//! events add up to one total, a district is the sum of its small areas, a definition that lies inside another
//! can be subtracted from it, and so can last month's release from this month's. Each such fact becomes an
//! equation here; what nobody printed but anybody can compute (a total, a difference) becomes a latent number.
//!
//! The steps: every row is a number; rows are summed to *nodes* (an event set and some coordinates) wherever two
//! tables can meet; nodes of one key are equal; nodes of nested sets differ by a latent difference.

mod areas;
mod atoms;
mod build;
mod grid;
mod nest;
mod node;
mod table;
mod tie;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::event_set::EventSet;
use crate::system::{ProtectionInterval, System};

pub(crate) use areas::partly;
use build::{Build, latent, outside, row_number, small};
pub use build::{Provenance, Related};
use node::{Key, Node, Nodes};
use svp_contract::Tie;
pub use table::{Dim, Hierarchies, Published, Row, Table, is_grid, nests};
use tie::{is_part, is_whole};

/// Builds the system of all tables.
#[must_use]
pub fn relate(tables: &[Table], hierarchies: &dyn Hierarchies) -> Related {
    let mut build = Build {
        tables,
        hierarchies,
        out: Related { system: System::default(), provenance: Vec::new(), rows: Vec::new() },
        nodes: Nodes::default(),
        ties: ties(tables, hierarchies),
        in_atoms: BTreeSet::new(),
        one_place: BTreeSet::new(),
        several_areas: tables.iter().any(|t| t.set.area_parts != tables[0].set.area_parts),
        above: RefCell::default(),
    };
    build.rows();
    build.sums();
    build.equal_nodes();
    tie::relate(&mut build);
    atoms::relate(&mut build);
    areas::relate(&mut build);
    build.nested_nodes();
    grid::relate(&mut build);
    build.out
}

/// Declared sums, each once.
fn ties(tables: &[Table], hierarchies: &dyn Hierarchies) -> Vec<Tie> {
    let all: BTreeSet<Tie> = tables.iter().flat_map(|t| t.ties.iter().cloned()).chain(hierarchies.ties()).collect();
    all.into_iter().collect()
}

impl Build<'_> {
    /// Every row is a number.
    fn rows(&mut self) {
        for (t, table) in self.tables.iter().enumerate() {
            let mut numbers = Vec::with_capacity(table.rows.len());
            for (r, row) in table.rows.iter().enumerate() {
                let number = row_number(table, row);
                let at: Vec<String> =
                    table.dims.iter().zip(&row.members).map(|(d, m)| format!("{} {m}", d.kind)).collect();
                let label = format!("{} (release {}): {}", table.name, table.release, at.join(", "));
                numbers.push(self.push(number, Provenance { tables: BTreeSet::from([t]), row: Some(r), label }));
            }
            self.out.rows.push(numbers);
        }
    }

    /// Sums of rows, wherever two tables can meet.
    fn sums(&mut self) {
        let periods: BTreeSet<(String, String)> =
            self.tables.iter().map(|t| (t.set.from.clone(), t.set.to.clone())).collect();
        for t in 0..self.tables.len() {
            let margins = margins(&self.tables[t]);
            for margin in &margins {
                for roll in self.rolls(t, margin) {
                    self.sum(t, margin, &roll, &periods);
                }
            }
        }
    }

    /// How the dimensions of a margin are rolled up to meet the others: none at all (the total), and once for each
    /// other table, to the finest that both have.
    fn rolls(&self, t: usize, margin: &Margin) -> BTreeSet<Vec<Option<String>>> {
        let table = &self.tables[t];
        let mut out = BTreeSet::from([vec![None; margin.dims.len()]]);
        for (o, other) in self.tables.iter().enumerate() {
            if o == t {
                continue;
            }
            // A table of one month has that month as a coordinate of all its rows.
            let one_month = other.set.from == other.set.to;
            let mut meetings = self.meetings(table, other);
            if self.several_areas {
                // Districts are what areas have in common, whether the other table has them or not.
                let more: Vec<BTreeSet<&str>> =
                    meetings.iter().map(|kinds| kinds.iter().copied().chain(["district"]).collect()).collect();
                meetings.extend(more);
            }
            for kinds in meetings {
                let roll = margin.dims.iter().map(|&d| {
                    let kind = &table.dims[d].kind;
                    if is_grid(kind) {
                        return None;
                    }
                    if kinds.contains(kind.as_str()) || (kind == "month" && one_month) {
                        return Some(kind.clone());
                    }
                    let member = &table.rows[*margin.rows.first()?].members[d];
                    if let Some((up, _)) = self.ancestors(kind, member).iter().find(|(k, _)| kinds.contains(k.as_str()))
                    {
                        return Some(up.clone());
                    }
                    // The other is finer: it rolls up to this one's own kind.
                    let first = other.rows.first()?;
                    let mut finer = other.dims.iter().zip(&first.members);
                    finer.any(|(dim, member)| self.roll_up(&dim.kind, member, kind).is_some()).then(|| kind.clone())
                });
                out.insert(roll.collect());
            }
        }
        out
    }

    /// The kinds that numbers of a table must be rolled up to so that they meet those of another, once for each way in which
    /// the two have to do with one another; none where they have not.
    fn meetings<'t>(&'t self, a: &Table, b: &'t Table) -> BTreeSet<BTreeSet<&'t str>> {
        let mut out = BTreeSet::new();
        if !(self.within(&a.set, &b.set) || self.within(&b.set, &a.set) || overlap(&a.set, &b.set)) {
            return out;
        }
        let kinds: BTreeSet<&str> = b.dims.iter().map(|d| d.kind.as_str()).collect();
        if a.measure == b.measure || a.part_of.contains(&b.measure) || b.part_of.contains(&a.measure) {
            out.insert(kinds.clone());
        }
        for tie in &self.ties {
            if is_part(a, tie) && is_whole(b, tie) {
                out.insert(kinds.clone());
            }
            if is_whole(a, tie) && is_part(b, tie) {
                out.insert(kinds.iter().copied().chain(tie.whole.at.keys().map(String::as_str)).collect());
            }
        }
        out
    }

    /// Sums the rows of a margin to the nodes of one roll.
    fn sum(&mut self, t: usize, margin: &Margin, roll: &[Option<String>], periods: &BTreeSet<(String, String)>) {
        let table = &self.tables[t];
        let month = margin.dims.iter().position(|&d| table.dims[d].kind == "month");
        // The periods of all tables are sums of months, as far as this table has the months.
        let mut windows: Vec<Option<(String, String)>> = vec![None];
        if let Some(at) = month
            && roll[at].is_none()
        {
            let inside = |p: &&(String, String)| p.0 >= table.set.from && p.1 <= table.set.to;
            windows = periods.iter().filter(inside).cloned().map(Some).collect();
        }
        // What each member is rolled up to is asked once; rows of one sum then lie side by side when they are sorted.
        let mut kinds: Vec<Rolled<'_>> = Vec::new();
        for (&d, wanted) in margin.dims.iter().zip(roll) {
            let Some(wanted) = wanted else { continue };
            let members: BTreeSet<&str> = margin.rows.iter().map(|&r| table.rows[r].members[d].as_str()).collect();
            let up = |m: &str| self.roll_up(&table.dims[d].kind, m, wanted);
            kinds.push(Rolled { dim: d, kind: wanted, members: members.into_iter().map(|m| (m, up(m))).collect() });
        }
        let mut rows: Vec<(Vec<&str>, usize)> = Vec::with_capacity(margin.rows.len());
        for &r in &margin.rows {
            let mut up: Vec<&str> = Vec::with_capacity(kinds.len());
            for rolled in &kinds {
                up.extend(rolled.members[table.rows[r].members[rolled.dim].as_str()].as_deref());
            }
            if up.len() == kinds.len() {
                rows.push((up, r));
            }
        }
        rows.sort_unstable();
        for window in windows {
            for of_one in rows.chunk_by(|a, b| a.0 == b.0) {
                let mut set = table.set.clone();
                if let Some((from, to)) = &window {
                    (set.from, set.to) = (from.clone(), to.clone());
                }
                let inside = |r: &usize| match (month, &window) {
                    (Some(at), Some((from, to))) => {
                        let member = &table.rows[*r].members[margin.dims[at]];
                        member >= from && member <= to
                    }
                    _ => true,
                };
                let rows: Vec<usize> = of_one.iter().map(|(_, r)| *r).filter(inside).collect();
                if rows.is_empty() {
                    continue;
                }
                let mut at = BTreeMap::new();
                for (rolled, member) in kinds.iter().zip(&of_one[0].0) {
                    if rolled.kind == "month" {
                        set.from = (*member).to_owned();
                        set.to = (*member).to_owned();
                    } else {
                        at.insert(rolled.kind.to_owned(), (*member).to_owned());
                    }
                }
                let key = Key::new(&set, at, &table.measure, table.release);
                self.nodes.add(key, t, rows.into_iter().map(|r| self.out.rows[t][r]).collect());
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
                    let protection = outside(whole, below);
                    self.push(
                        latent(whole, (0.0, f64::INFINITY), protection),
                        Provenance { tables: tables.clone(), row: None, label: label.clone() },
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
                    let provenance = Provenance {
                        tables: tables.clone(),
                        row: None,
                        label: format!("{label}: what {} does not count", self.tables[*t].name),
                    };
                    let rest = self.push(latent(rest, (0.0, f64::INFINITY), outside(rest, below)), provenance);
                    terms.push((rest, 1.0));
                }
                self.equation(terms);
            }
            self.nodes.insert(key, Node { number, tables, suppress_below: below });
        }
    }

    /// Nodes of nested sets, of nested measures, and of one set in two releases: differences.
    fn nested_nodes(&mut self) {
        let keys: Vec<Key> = self.nodes.all().map(|(key, _)| key.clone()).collect();
        for pair in nest::pairs(self, &keys) {
            let (a, b) = (&keys[pair.a], &keys[pair.b]);
            let (Some(na), Some(nb)) = (self.nodes.get(a), self.nodes.get(b)) else { continue };
            let numbers = (na.number.min(nb.number), na.number.max(nb.number));
            if a.definition != b.definition && self.in_atoms.contains(&numbers)
                || a.area_parts != b.area_parts && self.one_place.contains(&numbers)
            {
                continue;
            }
            match (pair.a_in_b, pair.b_in_a) {
                (true, true) if pair.same_measure => self.same_set(&na, &nb, a, b),
                (true, _) => self.subtract(&na, &nb, a, b),
                _ => self.subtract(&nb, &na, b, a),
            }
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
        let rest = self
            .push(latent(value, (0.0, f64::INFINITY), outside(value, below)), Provenance { tables, row: None, label });
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
                let number = latent(value, both, ProtectionInterval::EitherSide { lower: lo, upper: hi });
                let d = self.push(number, Provenance { tables: tables.clone(), row: None, label: label.to_owned() });
                self.equation(vec![(b.number, sign), (a.number, -sign), (d, -1.0)]);
            }
        }
    }
}

/// Whether two periods overlap, all else being equal: then months of the one are months of the other.
fn overlap(a: &EventSet, b: &EventSet) -> bool {
    a.from <= b.to && b.from <= a.to
}

/// A dimension that is rolled up: what each of its members becomes.
struct Rolled<'t> {
    dim: usize,
    kind: &'t str,
    members: BTreeMap<&'t str, Option<String>>,
}

/// Rows of a table with one pattern of totals: its body, or one of its margins.
struct Margin {
    /// Dimensions that are not summed over, by position.
    dims: Vec<usize>,
    rows: Vec<usize>,
}

fn margins(table: &Table) -> Vec<Margin> {
    let mut out: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (r, row) in table.rows.iter().enumerate() {
        if row.published == Published::NotKnown {
            continue;
        }
        let dims = (0..table.dims.len()).filter(|&d| table.dims[d].total.as_ref() != Some(&row.members[d])).collect();
        out.entry(dims).or_default().push(r);
    }
    out.into_iter().map(|(dims, rows)| Margin { dims, rows }).collect()
}

//! Definitions as sums of atoms: the cells of their Venn diagram that hold an event.
//!
//! Of one thing counted at one place and time each definition's number is the sum of its atoms. Pairs are not enough: three
//! definitions that make up a fourth lie inside it one by one, and only together do they leave nothing of it.
//!
//! How many events of a place and time lie in an atom is not known here, only that the numbers fit some assignment of it;
//! so the reader must not learn that an atom is small, whatever it is. Where no assignment fits (different people are not
//! additive: one person can be hurt under two definitions) the numbers are compared in pairs instead.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::DefinitionId;

use super::build::{Build, Provenance, latent, outside, small};
use super::node::{Key, Node};
use super::table::is_grid;
use crate::lp::{Program, Solved};
use crate::piece::REMAINDER;
use crate::system::{MARGIN, ProtectionInterval};

/// What is counted, where and when, with the numbers of it by definition and release.
type Groups = BTreeMap<Key, BTreeMap<DefinitionId, BTreeMap<usize, Node>>>;

/// A definition's number and its atoms.
type Member<'a> = (&'a DefinitionId, &'a Node, BTreeSet<u32>);

/// Ties the numbers of definitions that share atoms. What is tied here is not compared in pairs any more.
pub(super) fn relate(build: &mut Build<'_>) {
    let mut groups = Groups::new();
    let mut add = |key: &Key, node: Node| {
        let nobody = DefinitionId { name: String::new(), digest: String::new() };
        let bare = Key { definition: nobody, release: 0, data: String::new(), ..key.clone() };
        groups.entry(bare).or_default().entry(key.definition.clone()).or_default().insert(key.release, node);
    };
    for (key, node) in build.nodes.all() {
        add(key, node.clone());
    }
    // Whole cells of maps are no nodes, and one cell is one cell in every map; a rest is another thing in each.
    for (t, table) in build.tables.iter().enumerate() {
        let (Some(column), 1) = (table.grid(), table.dims.len()) else { continue };
        let kind = &table.dims[column].kind;
        for (row, number) in table.rows.iter().zip(&build.out.rows[t]) {
            let member = &row.members[column];
            if is_grid(kind) && !member.starts_with(REMAINDER) {
                let at = BTreeMap::from([(kind.clone(), member.clone())]);
                let key = Key::new(&table.set, at, &table.measure, table.release);
                let below = table.suppress_below;
                add(&key, Node { number: *number, tables: BTreeSet::from([t]), suppress_below: below });
            }
        }
    }
    for (key, by_definition) in &groups {
        if by_definition.len() > 1 {
            group(build, key, by_definition);
        }
    }
}

fn group(build: &mut Build<'_>, key: &Key, by_definition: &BTreeMap<DefinitionId, BTreeMap<usize, Node>>) {
    let releases: BTreeSet<usize> = by_definition.values().flat_map(|r| r.keys().copied()).collect();
    let atoms: BTreeMap<&DefinitionId, BTreeSet<u32>> =
        by_definition.keys().filter_map(|d| Some((d, build.hierarchies.atoms(d)?))).collect();
    for release in releases {
        // What this release does not count stands in an earlier one; where the data changed between, it may not fit.
        let latest = |d: &DefinitionId, before: bool| {
            let all = &by_definition[d];
            all.get(&release).or_else(|| all.range(..release).next_back().map(|(_, n)| n).filter(|_| before)).cloned()
        };
        let now = atoms.keys().filter(|d| by_definition[**d].contains_key(&release)).count();
        let key = Key { release, ..key.clone() };
        for before in [true, false] {
            let nodes: Vec<(&DefinitionId, Node)> =
                atoms.keys().filter_map(|d| latest(d, before).map(|node| (*d, node))).collect();
            let members: Vec<Member<'_>> = nodes.iter().map(|(d, n)| (*d, n, atoms[d].clone())).collect();
            let mut fits = true;
            for part in components(&members) {
                fits &= tie(build, &key, &part);
            }
            if fits || members.len() == now {
                break;
            }
        }
    }
}

/// Members that have to do with one another, by way of shared atoms.
fn components<'a>(members: &[Member<'a>]) -> Vec<Vec<Member<'a>>> {
    let mut parts: Vec<(BTreeSet<u32>, Vec<Member<'a>>)> = Vec::new();
    for member in members {
        let (near, far): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(atoms, _)| !atoms.is_disjoint(&member.2));
        let mut joined = (member.2.clone(), vec![member.clone()]);
        for (atoms, members) in near {
            joined.0.extend(atoms);
            joined.1.extend(members);
        }
        parts = far;
        parts.push(joined);
    }
    parts.into_iter().map(|(_, members)| members).filter(|members| members.len() > 1).collect()
}

/// Each number is the sum of its atoms. False where no assignment of them fits the numbers.
fn tie(build: &mut Build<'_>, key: &Key, members: &[Member<'_>]) -> bool {
    // Atoms that the same members have are one.
    let all: BTreeSet<u32> = members.iter().flat_map(|m| m.2.iter().copied()).collect();
    let signature = |atom: u32| -> Vec<bool> { members.iter().map(|m| m.2.contains(&atom)).collect() };
    let cells: BTreeSet<Vec<bool>> = all.into_iter().map(signature).collect();
    let cells: Vec<Vec<bool>> = cells.into_iter().collect();
    let of = |m: usize| cells.iter().enumerate().filter(move |(_, cell)| cell[m]).map(|(c, _)| c);
    // A definition of one atom is that atom.
    let mut stands: BTreeMap<usize, usize> = BTreeMap::new();
    for (m, member) in members.iter().enumerate() {
        let mut own = of(m);
        if let (Some(cell), None) = (own.next(), own.next()) {
            stands.entry(cell).or_insert(member.1.number);
        }
    }
    let number = &build.out.system.numbers;
    let truths: Option<Vec<f64>> = members.iter().map(|m| number[m.1.number].value).collect();
    let values = match &truths {
        Some(truths) => match solve(members, &cells, &stands, truths, |n| number[n].value.unwrap_or_default()) {
            Some(values) => values.into_iter().map(Some).collect(),
            None => return false,
        },
        None => vec![None; cells.len()],
    };
    let below = members.iter().map(|m| m.1.suppress_below).max().unwrap_or_default();
    let open = |m: usize| of(m).filter(|c| !stands.contains_key(c)).count();
    let settled = truths.is_some() && (0..members.len()).all(|m| open(m) <= 1);
    let tables: BTreeSet<usize> = members.iter().flat_map(|m| m.1.tables.iter().copied()).collect();
    let mut variable = stands.clone();
    for (c, cell) in cells.iter().enumerate() {
        if stands.contains_key(&c) {
            continue;
        }
        let named = |wanted: bool| -> Vec<&str> {
            members.iter().zip(cell).filter(|(_, has)| **has == wanted).map(|(m, _)| m.0.name.as_str()).collect()
        };
        let (with, without) = (named(true).join(" and "), named(false).join(" or "));
        let without = if without.is_empty() { String::new() } else { format!(" and not under {without}") };
        let label = format!("{}: what falls under {with}{without}", key.label());
        // The assignment is one of many unless the numbers settle it: small or not, an atom must not be known to be small.
        let (lower, upper) = small(below);
        let protection = match (settled, below > 1) {
            (true, _) => outside(values[c], below),
            (false, true) => ProtectionInterval::EitherSide { lower, upper },
            (false, false) => ProtectionInterval::None,
        };
        let atom = latent(values[c], (0.0, f64::INFINITY), protection);
        let atom = build.push(atom, Provenance { tables: tables.clone(), row: None, label });
        variable.insert(c, atom);
    }
    for (m, member) in members.iter().enumerate() {
        let parts: Vec<usize> = of(m).filter_map(|c| variable.get(&c).copied()).collect();
        if parts == [member.1.number] {
            continue;
        }
        let mut terms = vec![(member.1.number, 1.0)];
        terms.extend(parts.into_iter().map(|n| (n, -1.0)));
        build.equation(terms);
    }
    for (i, a) in members.iter().enumerate() {
        for b in &members[i + 1..] {
            let (a, b) = (a.1.number, b.1.number);
            build.in_atoms.insert((a.min(b), a.max(b)));
        }
    }
    true
}

/// Some assignment of the cells that fits all numbers.
fn solve(
    members: &[Member<'_>],
    cells: &[Vec<bool>],
    stands: &BTreeMap<usize, usize>,
    truths: &[f64],
    value: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    let mut program = Program::default();
    for c in 0..cells.len() {
        match stands.get(&c) {
            Some(&n) => program.column(0.0, value(n), value(n)),
            None => program.column(0.0, 0.0, f64::INFINITY),
        };
    }
    for (m, truth) in truths.iter().enumerate().take(members.len()) {
        let total = program.column(0.0, *truth, *truth);
        let mut row: Vec<(usize, f64)> = (0..cells.len()).filter(|&c| cells[c][m]).map(|c| (c, 1.0)).collect();
        row.push((total, -1.0));
        program.row(row);
    }
    let Solved::Best(values) = program.minimise() else { return None };
    // Counts are whole, and so is the corner of a small programme; what the solver leaves of dust is taken off.
    let values: Vec<f64> = values[..cells.len()]
        .iter()
        .map(|v| if (v - v.round()).abs() < 1e-7 { v.round() } else { v.max(0.0) })
        .collect();
    let fits = truths.iter().enumerate().all(|(m, truth)| {
        let sum: f64 = values.iter().zip(cells).filter(|(_, cell)| cell[m]).map(|(v, _)| v).sum();
        (sum - truth).abs() < MARGIN / 10.0
    });
    fits.then_some(values)
}

//! Cells of grids: a piece of one map that lies inside a piece of another can be subtracted from it.
//!
//! A piece is a cell (`250m:310000:48000`, or an H3 index) or the rest of a coarser cell (`rest:1000m:…`): that cell
//! without the other pieces of the same table inside it; `rest` alone is all that is left of the area. Grids whose
//! cells do not nest (150 m and 250 m squares, squares and hexagons) are not related here: only one of them goes
//! to an audience (see `disclose.rs`).

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::GridKind;

use super::build::{Build, Provenance, latent, outside, small};
use super::table::{Hierarchies, Table, is_grid, nests};
use crate::piece::{REMAINDER, node_of};
use crate::system::ProtectionInterval;

/// Pieces of a table by node, and the way up from a node.
struct MapPieces<'a> {
    kind: &'a str,
    pieces: BTreeMap<&'a str, usize>,
    hierarchies: &'a dyn Hierarchies,
}

impl<'a> MapPieces<'a> {
    fn new(table: &'a Table, column: usize, hierarchies: &'a dyn Hierarchies) -> Self {
        let pieces = table.rows.iter().enumerate().map(|(r, row)| (node_of(&row.members[column]), r)).collect();
        Self { kind: &table.dims[column].kind, pieces, hierarchies }
    }

    /// The piece at or above a node, and whether it lies strictly above.
    fn owner(&self, node: &str, table_kind: &str) -> Option<(usize, bool)> {
        if let Some(&r) = self.pieces.get(node) {
            return Some((r, false));
        }
        let kind = GridKind::of_cell(node).map(|grid| grid.to_string());
        let (mut kind, mut member) = (kind.unwrap_or_else(|| table_kind.to_owned()), node.to_owned());
        while let Some(up) = self.hierarchies.parents(&kind, &member).into_iter().find(|(k, _)| is_grid(k)) {
            (kind, member) = up;
            if let Some(&r) = self.pieces.get(member.as_str()) {
                return Some((r, true));
            }
        }
        self.pieces.get(REMAINDER).map(|&r| (r, node != REMAINDER))
    }
}

/// Relates every pair of maps whose sets are equal or nested.
pub(super) fn relate(build: &mut Build<'_>) {
    for outer in 0..build.tables.len() {
        for inner in 0..build.tables.len() {
            if outer != inner {
                pair(build, inner, outer);
            }
        }
    }
}

fn pair(build: &mut Build<'_>, inner: usize, outer: usize) {
    let (a, b) = (&build.tables[inner], &build.tables[outer]);
    let (Some(ca), Some(cb)) = (a.grid(), b.grid()) else { return };
    if a.dims.len() != 1
        || b.dims.len() != 1
        || a.measure != b.measure
        || !nests(&a.dims[ca].kind, &b.dims[cb].kind)
        || !build.within(&a.set, &b.set)
    {
        return;
    }
    let same_set = build.within(&b.set, &a.set);
    let (map_a, map_b) = (MapPieces::new(a, ca, build.hierarchies), MapPieces::new(b, cb, build.hierarchies));
    // Pieces of the inner map that reach over a piece of the outer one lie in no single piece of it.
    let mut reach_over: BTreeSet<usize> = BTreeSet::new();
    for node in map_b.pieces.keys() {
        if let Some((p, true)) = map_a.owner(node, map_b.kind) {
            reach_over.insert(p);
        }
    }
    let mut inside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, &p) in &map_a.pieces {
        if reach_over.contains(&p) {
            continue;
        }
        if let Some((q, _)) = map_b.owner(node, map_a.kind) {
            inside.entry(q).or_default().push(p);
        }
    }
    let below = a.suppress_below.max(b.suppress_below);
    let changed = a.release != b.release && a.set.data != b.set.data;
    let mut found = Vec::new();
    for (q, mut pieces) in inside {
        pieces.sort_unstable();
        let node = node_of(&b.rows[q].members[cb]);
        // An unmerged map lists every cell with events, so what it lists is all; a merged one covers a cell where
        // it has the cell itself or its rest.
        let whole = !a.merged || map_a.pieces.get(node).is_some_and(|p| pieces.contains(p));
        found.push((q, pieces, whole));
    }
    let name_a = a.name.clone();
    for (q, pieces, whole) in found {
        let outer_number = build.out.rows[outer][q];
        let inner_numbers: Vec<usize> = pieces.iter().map(|&p| build.out.rows[inner][p]).collect();
        let number = &build.out.system.numbers;
        let sum: Option<f64> = inner_numbers.iter().map(|&n| number[n].value).sum();
        let value = number[outer_number].value.zip(sum).map(|(o, i)| o - i);
        let unchanged = value.is_some_and(|v| v.abs() < 1e-9);
        let provenance = Provenance {
            tables: BTreeSet::from([inner, outer]),
            row: None,
            label: format!("{} less the cells of {name_a} inside it", build.out.provenance[outer_number].label),
        };
        let mut terms: Vec<(usize, f64)> = vec![(outer_number, 1.0)];
        terms.extend(inner_numbers.iter().map(|&n| (n, -1.0)));
        if whole && same_set && (!changed || unchanged) {
            if value.is_none() || unchanged {
                build.equation(terms);
            }
            continue;
        }
        if changed || value.is_some_and(|v| v < -1e-6) {
            let (lo, hi) = small(below);
            for sign in [1.0, -1.0] {
                let value = value.map(|v| v * sign);
                if below > 1 && value.is_none_or(|v| (lo..=hi).contains(&v)) {
                    let both = (f64::NEG_INFINITY, f64::INFINITY);
                    let d = build.push(
                        latent(value, both, ProtectionInterval::EitherSide { lower: lo, upper: hi }),
                        provenance.clone(),
                    );
                    let mut signed: Vec<(usize, f64)> = terms.iter().map(|(n, c)| (*n, c * sign)).collect();
                    signed.push((d, -1.0));
                    build.equation(signed);
                }
            }
            continue;
        }
        let value = value.map(|v| v.max(0.0));
        let rest = build.push(latent(value, (0.0, f64::INFINITY), outside(value, below)), provenance);
        terms.push((rest, -1.0));
        build.equation(terms);
    }
}

//! Splits a table that holds several charts (one per district, definition …) into its charts.

use std::collections::{BTreeMap, BTreeSet};

use crate::format;
use crate::frame::{Cell, Frame, Role};

/// The rows of one chart.
#[derive(Debug)]
pub(crate) struct Facet {
    /// What sets it apart; empty if there is only one.
    pub(crate) label: String,
    /// Its rows.
    pub(crate) rows: Vec<usize>,
}

/// Splits by the grain columns that vary while the chart's key stays the same.
pub(crate) fn facets(frame: &Frame<'_>, key: usize) -> Vec<Facet> {
    let text = |column: usize, row: usize| {
        let column = &frame.columns[column];
        format::cell(&column.cells[row], column.header.as_ref(), true)
    };
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut varying: BTreeSet<usize> = BTreeSet::new();
    let others: Vec<usize> =
        (0..frame.columns.len()).filter(|c| *c != key && frame.columns[*c].role == Role::Grain).collect();
    for row in 0..frame.rows {
        if frame.cells(key)[row] == Cell::Missing {
            continue;
        }
        let earlier = *first.entry(text(key, row)).or_insert(row);
        for column in &others {
            if frame.cells(*column)[row] != frame.cells(*column)[earlier] {
                varying.insert(*column);
            }
        }
    }
    let mut facets: Vec<Facet> = Vec::new();
    for row in 0..frame.rows {
        let label: Vec<String> = varying.iter().map(|column| text(*column, row)).collect();
        let label = label.join(" · ");
        match facets.iter_mut().find(|facet| facet.label == label) {
            Some(facet) => facet.rows.push(row),
            None => facets.push(Facet { label, rows: vec![row] }),
        }
    }
    facets
}

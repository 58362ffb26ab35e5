//! What a run wants of a table, and what the next commit makes of it.

use std::collections::HashMap;

use deltalake_core::kernel::{Add, EagerSnapshot};

use crate::delta::{Change, live_files};
use crate::error::{LakeError, Result};
use crate::layout::{LEDGER, PUBLISHED, RECOVERED, safe_name};
use crate::record::RUNS;
use crate::schema::{TableSpec, evolve};

/// A table within a run: its newest commit, and what the next one does.
#[derive(Default, Clone)]
pub(crate) struct State {
    pub head: Option<EagerSnapshot>,
    pub adds: Vec<Add>,
    pub replace_all: bool,
    /// Partitions, complete or the outer columns only, whose live files go.
    pub replace: Vec<Vec<(String, String)>>,
}

impl State {
    /// Whether the next commit would do anything.
    pub fn pending(&self) -> bool {
        self.replace_all || !self.replace.is_empty() || !self.adds.is_empty()
    }
}

/// What the next commit of a table does.
pub(crate) fn plan(spec: &TableSpec, head: &EagerSnapshot, state: &State) -> Result<Change> {
    let partition = head.metadata().partition_columns();
    let stored = head.arrow_schema();
    let schema = evolve(&spec.key(), &stored, partition, spec, state.replace_all)?;
    let mut change = Change { schema, removes: Vec::new(), adds: state.adds.clone() };
    if state.replace_all || !state.replace.is_empty() {
        let goes = |partition: &HashMap<String, Option<String>>| {
            state.replace_all
                || state.replace.iter().any(|wanted| {
                    wanted.iter().all(|(column, value)| {
                        let found = partition.get(column).and_then(Option::as_deref);
                        found.unwrap_or_default() == value
                    })
                })
        };
        let live = live_files(head)?.into_iter().filter(|file| goes(&file.partition));
        change.removes = live.map(|file| file.remove).collect();
    }
    // The log does not depend on which task was first.
    change.adds.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(change)
}

/// Puts a partition into the order of the table's columns. `all`: every column must be named.
pub(crate) fn in_order(spec: &TableSpec, given: &[(&str, &str)], all: bool) -> Result<Vec<(String, String)>> {
    let ordered: Vec<(String, String)> = spec
        .partition
        .iter()
        .filter_map(|column| {
            let (_, value) = given.iter().find(|(name, _)| name == column)?;
            Some((column.clone(), (*value).to_string()))
        })
        .collect();
    let complete = !all || ordered.len() == spec.partition.len();
    if complete && ordered.len() == given.len() && (all || !given.is_empty()) {
        return Ok(ordered);
    }
    Err(LakeError::Partition {
        table: spec.key(),
        expected: spec.partition.join(", "),
        found: given.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    })
}

pub(crate) fn check(spec: &TableSpec) -> Result<()> {
    for name in [&spec.zone, &spec.name] {
        if safe_name(name) != *name || name.starts_with('_') {
            return Err(LakeError::Name { name: name.clone() });
        }
    }
    if [RUNS, PUBLISHED, LEDGER, RECOVERED].contains(&spec.zone.as_str()) {
        return Err(LakeError::Name { name: spec.zone.clone() });
    }
    match spec.partition.iter().find(|column| spec.schema.column_with_name(column).is_none()) {
        None => Ok(()),
        Some(column) => Err(LakeError::Schema {
            table: spec.key(),
            column: column.clone(),
            expected: "a partition column".to_string(),
            found: "no such column".to_string(),
        }),
    }
}

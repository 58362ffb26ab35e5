//! The order in which the columns of a table are staged, and the rules that mend them.

use std::collections::BTreeMap;

use svp_contract::{Mapping, OnBad, Table};

use crate::named::named;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// Stage the column at this index.
    Column(usize),
    /// Apply the check at this index, which blanks.
    Check(usize),
}

/// Brings the columns that are needed into an order in which each stands after what it is derived from, and each rule that blanks
/// after the columns that it reads and before what is derived from them. A circle (a place given neither way) leaves its columns
/// NULL.
pub(crate) struct Resolver<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    order: Vec<Item>,
    known: BTreeMap<String, bool>,
    checked: Vec<bool>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(table: &'a Table, mapping: &'a Mapping) -> Self {
        Self { table, mapping, order: Vec::new(), known: BTreeMap::new(), checked: vec![false; table.checks.len()] }
    }

    /// What was needed, in order.
    pub(crate) fn order(self) -> Vec<Item> {
        self.order
    }

    /// Asks for a column.
    pub(crate) fn need(&mut self, name: &str) {
        if self.known.contains_key(name) {
            return;
        }
        let table = self.table;
        let Some((index, column)) = table.columns.iter().enumerate().find(|(_, c)| c.name == name) else { return };
        self.known.insert(name.to_owned(), false);
        for part in &column.from {
            self.need(part);
        }
        if !self.mapping.contains_key(name)
            && let Some(sql) = &column.derive
        {
            for name in named(sql).columns {
                self.need(&name);
            }
        }
        self.order.push(Item::Column(index));
        self.known.insert(name.to_owned(), true);
        for (at, check) in table.checks.iter().enumerate() {
            let ours = check.column == name || check.also.iter().any(|c| c == name);
            if check.on_bad != OnBad::Blank || !ours || self.checked[at] {
                continue;
            }
            self.checked[at] = true;
            for name in check.also.iter().chain([&check.column]) {
                self.need(name);
            }
            for name in [&check.expr].into_iter().chain(&check.put).flat_map(|sql| named(sql).columns) {
                self.need(&name);
            }
            self.order.push(Item::Check(at));
        }
    }
}

//! What the mapping of a feed uses each column of the extract for.

use std::collections::HashMap;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;
use svp_contract::{Problem, Source, missing_words};

use crate::clean::{Cleaner, ColumnUse, IdKind};

/// Functions that read a person's number.
const NUMBERS: [&str; 2] = ["nhs_number", "upn"];
/// Functions that read what few people share.
const PERSONAL: [&str; 3] = ["nhs_number", "upn", "birth_date"];
/// Functions that read a name.
const NAMES: [&str; 2] = ["name_key", "name_words"];
/// Functions that read a measure, a date or a code of a shape of its own: what they read is no id.
const MEASURES: [&str; 12] = [
    "parse_number",
    "parse_integer",
    "parse_flag",
    "uk_timestamp",
    "uk_clock_flag",
    "utc_timestamp",
    "uk_date",
    "birth_date",
    "month_text",
    "postcode",
    "area_code",
    "offence_code",
];
/// Keys of a map that are at least this long and all digits are codes that a spreadsheet can spoil.
const LONG_CODE: usize = 6;

/// Collects what is read, expression by expression.
pub(crate) struct Uses<'a> {
    source: &'a Source,
    columns: Vec<ColumnUse>,
    places: HashMap<String, usize>,
    measured: Vec<bool>,
}

impl<'a> Uses<'a> {
    pub(crate) fn new<'c>(source: &'a Source, names: impl Iterator<Item = &'c str>) -> Self {
        let columns: Vec<ColumnUse> = names.map(|n| ColumnUse { name: n.to_owned(), ..ColumnUse::default() }).collect();
        let places = columns.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
        let measured = vec![false; columns.len()];
        Self { source, columns, places, measured }
    }

    /// The columns that an expression reads, by their place.
    pub(crate) fn places(&self, expr: &Expr) -> Vec<usize> {
        let mut found: Vec<usize> =
            expr.column_refs().iter().filter_map(|c| self.places.get(&c.name).copied()).collect();
        found.sort_unstable();
        found
    }

    /// Notes what an expression reads and how.
    pub(crate) fn reads(&mut self, expr: &Expr) {
        for at in self.places(expr) {
            self.columns[at].read = true;
        }
        let _ = expr.apply(|node| {
            if let Expr::ScalarFunction(call) = node {
                self.called(call.name(), &call.args);
            }
            Ok(TreeNodeRecursion::Continue)
        });
    }

    /// Whether a column tells records or people apart.
    pub(crate) fn is_key(&self, at: usize) -> bool {
        self.columns[at].id == IdKind::Key
    }

    /// Notes that an expression tells records or people apart.
    pub(crate) fn keys(&mut self, expr: &Expr) {
        for at in self.places(expr) {
            self.columns[at].id = self.columns[at].id.max(IdKind::Key);
        }
    }

    /// Notes that an expression gives a coordinate of the place.
    pub(crate) fn coordinates(&mut self, expr: &Expr) {
        for at in self.places(expr) {
            self.columns[at].coordinate = true;
        }
    }

    fn called(&mut self, name: &str, arguments: &[Expr]) {
        let inside: Vec<usize> = arguments.iter().flat_map(|a| self.places(a)).collect();
        if name == "code_map" {
            let map = match arguments.first() {
                Some(Expr::Literal(value, _)) => value.try_as_str().flatten().and_then(|m| self.source.maps.get(m)),
                _ => None,
            };
            let Some(map) = map else { return };
            let long = |key: &String| key.len() >= LONG_CODE && key.bytes().all(|b| b.is_ascii_digit());
            let codes = map.keys().any(long);
            for at in inside {
                self.columns[at].legal.extend(map.keys().map(|k| k.trim().to_lowercase()));
                if codes {
                    self.columns[at].id = self.columns[at].id.max(IdKind::Code);
                } else {
                    self.measured[at] = true;
                }
            }
            return;
        }
        // What a map makes of a code is measured, and not the code.
        let mapped = |expr: &&Expr| {
            let map = |e: &Expr| Ok(matches!(e, Expr::ScalarFunction(call) if call.name() == "code_map"));
            expr.exists(map).unwrap_or(false)
        };
        let inside: Vec<usize> = arguments.iter().filter(|a| !mapped(a)).flat_map(|a| self.places(a)).collect();
        for at in inside {
            if NUMBERS.contains(&name) {
                self.columns[at].id = self.columns[at].id.max(IdKind::Number);
            }
            self.columns[at].personal |= PERSONAL.contains(&name);
            self.columns[at].names |= NAMES.contains(&name);
            self.measured[at] |= MEASURES.contains(&name) || NAMES.contains(&name);
        }
    }

    /// What came of it.
    ///
    /// # Errors
    /// When the shared words cannot be read: a defect of the build.
    pub(crate) fn cleaner(mut self) -> Result<Cleaner, Problem> {
        for (column, measured) in self.columns.iter_mut().zip(&self.measured) {
            if *measured {
                column.id = IdKind::No;
            }
            if let Some(legal) = self.source.words.legal.get(&column.name) {
                column.legal.extend(legal.iter().map(|w| w.trim().to_lowercase()));
            }
        }
        let words = missing_words()?.into_iter().chain(self.source.words.missing.iter().cloned());
        Ok(Cleaner::new(self.columns, words))
    }
}

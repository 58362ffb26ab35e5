//! The small-number gate: may this table, made by hand, leave?
//!
//! It knows one table and no other: what follows from a table and its neighbours or forerunners is for the attack and the ledger.
//! Within the table it errs towards refusing: a column passes only as a known dimension, a count, or a rate whose base is there
//! (`read.rs` has the rule), and what is a total or a part of something is found from the numbers (`sums.rs`).

mod ages;
mod amounts;
mod columns;
mod coordinates;
mod differences;
mod exact;
mod finding;
mod headers;
mod identifiers;
mod label;
mod levels;
mod margins;
mod numbers;
mod overlaps;
mod people;
mod rates;
mod read;
mod spans;
mod sums;
mod tokens;
mod vocabulary;

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::Policy;
use finding::Findings;
pub use finding::{Finding, IdentifierKind, Rule, Severity};
pub(crate) use identifiers::{is_nhs_number, is_square};
use numbers::Value;
use read::GivenTable;
pub use read::{Asked, ColumnUse, Role};
pub use vocabulary::Dimensions;
use vocabulary::Vocabulary;

/// The kinds of identifier in a text, for whoever searches other tables than those made by hand.
pub(crate) fn kinds_in_text(text: &str) -> BTreeSet<IdentifierKind> {
    identifiers::kinds_in(text)
}

/// What the gate says of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateReport {
    /// Rows of data.
    pub rows: u64,
    /// True when the count columns were guessed.
    pub guessed: bool,
    /// How each column was taken, and why.
    pub columns: Vec<ColumnUse>,
    /// Sums that were found in the table and used against it.
    pub sums: Vec<String>,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
}

impl GateReport {
    /// True when nothing found refuses the table.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Refuse)
    }
}

/// Judges a table.
///
/// `asked` is what the person says of the columns, `site` the members of dimensions that the site knows beside those that any table
/// of violence has. Of `policy`, the threshold, the base and the bands of age hold.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{Int64Array, RecordBatch, StringArray};
/// use svp_disclose::Policy;
/// use svp_disclose::gate::{Asked, Dimensions, Rule, check_table};
///
/// let months = Arc::new(StringArray::from(vec!["2024-01", "2024-02", "2024-03"]));
/// let counts = Arc::new(Int64Array::from(vec![12, 3, 40]));
/// let table = RecordBatch::try_from_iter([("month", months as _), ("assaults", counts as _)]).unwrap();
/// let policy = Policy { suppress_below: 8, ..Policy::open("small counts of patients") };
/// let report = check_table(&table, &Asked::default(), &Dimensions::default(), &policy);
/// assert!(!report.passes());
/// assert_eq!((report.findings[0].rule, &report.findings[0].rows[..]), (Rule::SmallCount, &[2][..]));
/// ```
#[must_use]
pub fn check_table(batch: &RecordBatch, asked: &Asked<'_>, site: &Dimensions, policy: &Policy) -> GateReport {
    let mut found = Findings::default();
    let vocabulary = Vocabulary::new(site);
    let mut table = GivenTable::read(batch, asked, &vocabulary, &mut found);
    headers::judge(&mut table, asked, &vocabulary, policy);
    table.ranks();
    let known = rates::check(&table, &vocabulary, policy, &mut found);
    amounts::check(&table, policy, &mut found);
    ages::check(&table, &vocabulary, policy, &mut found);
    check_cells(&table, policy, &mut found);
    check_labels(&table, policy, &mut found);
    let sums = margins::check(&table, &vocabulary, &known, policy, &mut found);
    people::check(&table, &vocabulary, policy, &mut found);
    coordinates::check(&table, &mut found);
    let counted = table.columns.iter().any(|c| matches!(c.role, Role::Count | Role::Base));
    if asked.counts.is_none() && !counted {
        found.add(Rule::NothingToCheck, "", None);
    }
    GateReport {
        rows: table.rows as u64,
        guessed: asked.counts.is_none(),
        columns: table.uses(),
        sums,
        findings: found.finish(),
    }
}

/// Each count by itself: its size, its rounding, its mark.
fn check_cells(table: &GivenTable, policy: &Policy, found: &mut Findings) {
    let below = policy.suppress_below as f64;
    let base = policy.round_to.max(1) as f64;
    for column in &table.columns {
        if !matches!(column.role, Role::Count | Role::Base) {
            continue;
        }
        for (row, cell) in column.cells.iter().enumerate() {
            let rule = match *cell {
                Value::Number(n) if n < 0.0 => Rule::Negative,
                // A fraction above zero is somebody.
                Value::Number(n) if policy.suppress_below > 1 && n > 0.0 && n < below => Rule::SmallCount,
                // A note that holds another small number.
                Value::Number(_) if column.readings[row].second.is_some_and(|n| n > 0.0 && n < below) => {
                    Rule::SmallCount
                }
                Value::Number(_) if column.readings[row].second.is_some() => Rule::Unreadable,
                Value::Number(n) if column.role == Role::Count && base > 1.0 && n % base != 0.0 => Rule::NotRounded,
                // From one up to the threshold says what `[c]` says; anything narrower says more.
                Value::Hidden { low, high } if low < below && (low > 1.0 || high < below - 1.0) => Rule::RevealingMark,
                Value::Text => Rule::Unreadable,
                Value::Blank if column.role == Role::Count => Rule::Blank,
                _ => continue,
            };
            found.add(rule, &column.name, Some(row));
        }
    }
}

/// Each label by itself: whether it is known.
fn check_labels(table: &GivenTable, policy: &Policy, found: &mut Findings) {
    for column in &table.columns {
        match column.role {
            Role::Unknown => {
                let unread = (0..table.rows).filter(|row| column.labels[*row].is_none());
                let rows: Vec<usize> = unread.collect();
                // All of it: then the column is meant, not a row.
                if rows.len() == table.rows || rows.is_empty() {
                    found.add(Rule::UnknownColumn, &column.name, None);
                } else {
                    rows.into_iter().for_each(|row| found.add(Rule::UnknownColumn, &column.name, Some(row)));
                }
            }
            Role::Label if column.declared => {
                let small = |row: &usize| {
                    !column.readings[*row].dressed
                        && column.number(*row).is_some_and(|n| n > 0.0 && n < policy.suppress_below as f64)
                };
                // What numbers something goes up, or begins anew; counts lie as they fall.
                let numbers = column.numbers();
                let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
                let whole = numbers.iter().all(|n| n.fract() == 0.0);
                let in_order =
                    numbers.first() == Some(&least) && numbers.windows(2).all(|w| w[0] <= w[1] || w[1] == least);
                for row in (0..table.rows).filter(small) {
                    if whole && !in_order {
                        let why = "declared a label, but in no order, as counts are";
                        found.add_because(Rule::SmallCount, &column.name, Some(row), why);
                    } else {
                        found.add(Rule::SmallLabel, &column.name, Some(row));
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_bounds;
#[cfg(test)]
mod tests_follows;
#[cfg(test)]
mod tests_texts;

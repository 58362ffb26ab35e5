//! The small-number gate: may this table, made by hand, leave?
//!
//! It knows one table and no other: what follows from a table and its neighbours or forerunners is for the
//! attack and the ledger. Within the table it finds the kinds that it searches and no others, so that passing is no approval. Where the count columns are not
//! named they are guessed, and the report says how each column was taken (`read.rs` has the rule).

mod margins;
mod people;
mod rates;
mod read;

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::Policy;
pub use people::Kind;
use read::{Cell, Table};
pub use read::{ColumnUse, Role};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The table may not leave.
    Refuse,
    /// Somebody must look; the table passes.
    Look,
}

/// What the gate looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A count from 1 up to one less than the threshold, or a fraction of one.
    SmallCount,
    /// A count that is not a multiple of the base.
    NotRounded,
    /// A hidden count that a total gives away, wholly or so far that the reader learns more than the mark says.
    Recoverable,
    /// A mark such as `<5` that says more than the rule of this table.
    RevealingMark,
    /// A rate or share from which a small count follows.
    RevealingRate,
    /// A rate whose name does not say what it is multiplied by, so that it could not be checked.
    UnscaledRate,
    /// A column that identifies people.
    Identifier(Kind),
    /// A row stands for one event or person.
    RecordLevel,
    /// A count below zero.
    Negative,
    /// A count column with something that is neither a number nor a mark.
    Unreadable,
    /// A blank in a count column: hidden, nothing, or not known?
    Blank,
    /// A column that was named is not there.
    MissingColumn,
    /// No count column is named or recognised, so nothing was checked.
    NothingToCheck,
}

impl Rule {
    /// How grave it is.
    #[must_use]
    pub fn severity(self) -> Severity {
        if matches!(self, Self::Blank | Self::UnscaledRate) { Severity::Look } else { Severity::Refuse }
    }

    /// What it says, for a reader.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::SmallCount => "counts below the threshold",
            Self::NotRounded => "counts that are not rounded",
            Self::Recoverable => "hidden counts that can be worked out",
            Self::RevealingMark => "marks that say more than the rule allows",
            Self::RevealingRate => "rates from which small counts follow",
            Self::UnscaledRate => "the name does not say what the rate is multiplied by, so it was not checked",
            Self::Identifier(kind) => kind.what(),
            Self::RecordLevel => "rows that stand for one event or person each",
            Self::Negative => "counts below zero",
            Self::Unreadable => "neither a number nor a mark",
            Self::Blank => "blanks in a count column",
            Self::MissingColumn => "this column is not in the table",
            Self::NothingToCheck => "no count column was found, so no count was checked",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::SmallCount => "write [c] in their place, or use fewer and larger groups",
            Self::NotRounded => "round all counts to the base, totals too",
            Self::Recoverable => "hide a second count in the same sum, round, or leave the total out",
            Self::RevealingMark => "write [c]",
            Self::RevealingRate => "leave the rate out where its count is hidden or small",
            Self::UnscaledRate => "call it `rate_per_1000`, `percent` or the like",
            Self::Identifier(_) => "drop the column: no table that leaves may hold it",
            Self::RecordLevel => "count the rows in groups and publish the groups",
            Self::Negative => "a count is of events or people; leave differences out or name the count columns",
            Self::Unreadable => "write a number, or [c] where it is hidden, or [x] where it is not available",
            Self::Blank => "write 0, [c] or [x]; a blank was taken as hidden",
            Self::MissingColumn => "look at the spelling of the header",
            Self::NothingToCheck => "name the count columns; an empty list says that there are none",
        }
    }
}

/// One finding: a rule, a column, and all rows in which the column breaks it. Never a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How grave it is.
    pub severity: Severity,
    /// The column; empty when it is of the table.
    pub column: String,
    /// Rows of data, the first after the header being 1; empty when it is of the column or the table.
    pub rows: Vec<u64>,
    /// How it follows, where there is more to say than the rule does.
    pub detail: Option<String>,
    /// What to do.
    pub hint: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        if !self.column.is_empty() {
            write!(f, "column {}: ", self.column)?;
        }
        write!(f, "{}", self.rule.what())?;
        let rows: Vec<String> = self.rows.iter().take(SHOWN).map(u64::to_string).collect();
        match self.rows.len() {
            0 => {}
            1 => write!(f, " in row {}", rows.join(""))?,
            n if n <= SHOWN => write!(f, " in rows {}", rows.join(", "))?,
            n => write!(f, " in rows {} and {} more", rows.join(", "), n - SHOWN)?,
        }
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        write!(f, "\n  hint: {}", self.hint)
    }
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

/// Findings while they are collected: by rule and column.
#[derive(Default)]
struct Findings(BTreeMap<(Rule, String), (Vec<u64>, Option<String>)>);

impl Findings {
    /// Notes that `column` breaks `rule`, in `row` (from 0) if it is of a row.
    fn add(&mut self, rule: Rule, column: &str, row: Option<usize>) {
        let (rows, _) = self.0.entry((rule, column.to_owned())).or_default();
        rows.extend(row.map(|row| row as u64 + 1));
    }

    /// The same with the way in which it follows; the first way is kept.
    fn add_because(&mut self, rule: Rule, column: &str, row: usize, detail: &str) {
        self.add(rule, column, Some(row));
        if let Some((_, kept)) = self.0.get_mut(&(rule, column.to_owned())) {
            kept.get_or_insert_with(|| detail.to_owned());
        }
    }

    fn finish(self) -> Vec<Finding> {
        let finding = |((rule, column), (mut rows, detail)): ((Rule, String), (Vec<u64>, Option<String>))| {
            rows.sort_unstable();
            rows.dedup();
            Finding { rule, severity: rule.severity(), column, rows, detail, hint: rule.hint() }
        };
        let mut out: Vec<Finding> = self.0.into_iter().map(finding).collect();
        out.sort_by_key(|finding| finding.severity);
        out
    }
}

/// Judges a table.
///
/// `counts` names the count columns; `None` lets them be guessed. Of `policy`, the threshold and the base hold.
#[must_use]
pub fn check_table(batch: &RecordBatch, counts: Option<&[&str]>, policy: &Policy) -> GateReport {
    let mut found = Findings::default();
    let table = Table::read(batch, counts, &mut found);
    check_cells(&table, policy, &mut found);
    let sums = margins::check(&table, policy, &mut found);
    rates::check(&table, policy, &mut found);
    people::check(&table, &mut found);
    if counts.is_none() && table.of_role(Role::Count).next().is_none() {
        found.add(Rule::NothingToCheck, "", None);
    }
    GateReport {
        rows: table.rows as u64,
        guessed: counts.is_none(),
        columns: table.uses(),
        sums,
        findings: found.finish(),
    }
}

/// Each count by itself: its size, its rounding, its mark.
fn check_cells(table: &Table, policy: &Policy, found: &mut Findings) {
    let below = policy.suppress_below as f64;
    let base = policy.round_to.max(1) as f64;
    for column in table.of_role(Role::Count) {
        for (row, cell) in column.cells.iter().enumerate() {
            let rule = match *cell {
                Cell::Number(n) if n < 0.0 => Rule::Negative,
                // A fraction above zero is somebody.
                Cell::Number(n) if policy.suppress_below > 1 && n > 0.0 && n < below => Rule::SmallCount,
                Cell::Number(n) if base > 1.0 && n % base != 0.0 => Rule::NotRounded,
                Cell::Hidden { below: Some(said) } if said < policy.suppress_below => Rule::RevealingMark,
                Cell::Text => Rule::Unreadable,
                Cell::Blank => Rule::Blank,
                _ => continue,
            };
            found.add(rule, &column.name, Some(row));
        }
    }
}

#[cfg(test)]
mod tests;

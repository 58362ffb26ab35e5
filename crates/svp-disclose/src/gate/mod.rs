//! The small-number gate: may this table, made by hand, leave?
//!
//! It knows one table and no other: what follows from a table and its neighbours or forerunners is for the attack and the ledger.
//! Within the table it errs towards refusing: a column passes only as a known dimension, a count, or a rate whose base is there
//! (`read.rs` has the rule), and what is a total or a part of something is found from the numbers (`sums.rs`).

mod ages;
mod amounts;
mod columns;
mod differences;
mod exact;
mod headers;
mod label;
mod margins;
mod numbers;
mod people;
mod rates;
mod read;
mod spans;
mod sums;
mod vocabulary;

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use serde::Serialize;

use crate::Policy;
use numbers::Cell;
pub use people::Kind;
use read::Table;
pub use read::{ColumnUse, Role};
pub use vocabulary::Dimensions;
use vocabulary::Vocabulary;

/// What the person says of the columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Columns that count, by their headers; `None` where nobody said. An empty list says that there are none.
    pub counts: Option<&'a [&'a str]>,
    /// Columns that say what a row is and count nobody, by their headers: known to the person, not to the gate.
    pub labels: &'a [&'a str],
}

impl Asked<'_> {
    /// Whether the person named a column, so that its header is no secret.
    fn names(&self, header: &str) -> bool {
        self.labels.contains(&header) || self.counts.is_some_and(|counts| counts.contains(&header))
    }
}

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
    /// The difference of two numbers of the table is a small count.
    Difference,
    /// A mark such as `<5` that says more than the rule of this table.
    RevealingMark,
    /// A rate or share from which a small count follows.
    RevealingRate,
    /// A rate or share of something that is not in the table.
    NoBase,
    /// A mean, a least or a most: what it was made from is not in the table.
    Statistic,
    /// A cost, a length of time or another multiple of a count.
    Amount,
    /// Ages in narrower bands than the audience's rule for areas of this size.
    NarrowAges,
    /// A small number written into a text or a header.
    SmallInText,
    /// Something that identifies people.
    Identifier(Kind),
    /// A column that is no known dimension, no count and no rate.
    UnknownColumn,
    /// A header of words that no table has: it may be somebody's name.
    UnknownHeader,
    /// The first line is no header.
    HeaderIsValue,
    /// A declared label whose cells are small numbers: somebody must look.
    SmallLabel,
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
        if matches!(self, Self::Blank | Self::SmallLabel) { Severity::Look } else { Severity::Refuse }
    }

    /// What it says, for a reader.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::SmallCount => "counts below the threshold",
            Self::NotRounded => "counts that are not rounded",
            Self::Recoverable => "hidden counts that can be worked out",
            Self::Difference => "numbers whose difference is a count below the threshold",
            Self::RevealingMark => "marks that say more than the rule allows",
            Self::RevealingRate => "rates from which small counts follow",
            Self::NoBase => "a rate or share of something that is not in the table",
            Self::Statistic => "a mean, a least, a most or a score: what it was made from is not in the table",
            Self::Amount => "a cost, a length of time or another multiple of a count",
            Self::NarrowAges => "ages in narrower bands than the rule for areas of this size",
            Self::SmallInText => "small numbers written into a text",
            Self::UnknownColumn => "neither a known dimension, nor a count, nor a rate",
            Self::UnknownHeader => "the header has words that no table has, and may be a name",
            Self::HeaderIsValue => "the first line is no header",
            Self::SmallLabel => "declared a label, and holds small numbers",
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
            Self::Difference => "leave one of the two out, hide one of them, or use larger groups",
            Self::RevealingMark => "write [c]",
            Self::RevealingRate => "leave the rate out where its count is hidden or small",
            Self::NoBase => {
                "give the counts and what they are divided by, leave it out, or name it with --labels if it says nothing of anybody"
            }
            Self::Statistic => "leave it out, or name it with --labels if it says nothing of anybody",
            Self::Amount => "leave it out, or name it with --labels if no count follows from it",
            Self::NarrowAges => "use wider bands of age or larger areas",
            Self::SmallInText => "give counts in columns of their own, with [c] where they are small",
            Self::UnknownColumn => {
                "use the site's names and codes, leave the column out, or name it with --labels if you know that it counts and names nobody"
            }
            Self::UnknownHeader => "name the column with --counts or --labels, or use plain words",
            Self::HeaderIsValue => "put one line of column names first",
            Self::SmallLabel => "make sure that they count nobody",
            Self::Identifier(_) => "take it out: no table that leaves may hold it",
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
    fn add_because(&mut self, rule: Rule, column: &str, row: Option<usize>, detail: &str) {
        self.add(rule, column, row);
        if let Some((_, kept)) = self.0.get_mut(&(rule, column.to_owned())) {
            kept.get_or_insert_with(|| detail.to_owned());
        }
    }

    /// Whether something that refuses the table was found in a column.
    fn has(&self, column: &str) -> bool {
        self.0.keys().any(|(rule, named)| rule.severity() == Severity::Refuse && named == column)
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
/// `asked` is what the person says of the columns, `site` the members of dimensions that the site knows beside those that any table
/// of violence has. Of `policy`, the threshold, the base and the bands of age hold.
#[must_use]
pub fn check_table(batch: &RecordBatch, asked: &Asked<'_>, site: &Dimensions, policy: &Policy) -> GateReport {
    let mut found = Findings::default();
    let vocabulary = Vocabulary::new(site);
    let table = Table::read(batch, asked, &vocabulary, policy, &mut found);
    let known = rates::check(&table, &vocabulary, policy, &mut found);
    amounts::check(&table, policy, &mut found);
    ages::check(&table, &vocabulary, policy, &mut found);
    check_cells(&table, policy, &mut found);
    check_labels(&table, policy, &mut found);
    let sums = margins::check(&table, &vocabulary, &known, policy, &mut found);
    people::check(&table, &vocabulary, policy, &mut found);
    exact::check(&table, &mut found);
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
fn check_cells(table: &Table, policy: &Policy, found: &mut Findings) {
    let below = policy.suppress_below as f64;
    let base = policy.round_to.max(1) as f64;
    for column in &table.columns {
        if !matches!(column.role, Role::Count | Role::Base) {
            continue;
        }
        for (row, cell) in column.cells.iter().enumerate() {
            let rule = match *cell {
                Cell::Number(n) if n < 0.0 => Rule::Negative,
                // A fraction above zero is somebody.
                Cell::Number(n) if policy.suppress_below > 1 && n > 0.0 && n < below => Rule::SmallCount,
                // A note that holds another small number.
                Cell::Number(_) if column.readings[row].second.is_some_and(|n| n > 0.0 && n < below) => {
                    Rule::SmallCount
                }
                Cell::Number(_) if column.readings[row].second.is_some() => Rule::Unreadable,
                Cell::Number(n) if column.role == Role::Count && base > 1.0 && n % base != 0.0 => Rule::NotRounded,
                // From one up to the threshold says what `[c]` says; anything narrower says more.
                Cell::Hidden { low, high } if low < below && (low > 1.0 || high < below - 1.0) => Rule::RevealingMark,
                Cell::Text => Rule::Unreadable,
                Cell::Blank if column.role == Role::Count => Rule::Blank,
                _ => continue,
            };
            found.add(rule, &column.name, Some(row));
        }
    }
}

/// Each label by itself: whether it is known.
fn check_labels(table: &Table, policy: &Policy, found: &mut Findings) {
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

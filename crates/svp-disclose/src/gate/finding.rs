//! What the gate looks for, and what it says of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What a text holds that identifies people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// Ten digits with a right check digit (modulus 11), or any ten digits after the word.
    NhsNumber,
    /// A full postcode: some fifteen addresses.
    Postcode,
    /// A national insurance number.
    NationalInsurance,
    /// A unique pupil number.
    PupilNumber,
    /// A digest or key of letters and digits.
    Token,
    /// A number of a record, crime, call or property: six digits and more that are no count, or two numbers and a year.
    Reference,
    /// A telephone number.
    Telephone,
    /// An e-mail address.
    Email,
    /// A full date, in whatever form: a date of birth or the day of an event.
    DateOfBirth,
    /// A place to within a few metres: coordinates, a reference of the grid, a cell smaller than any that may be shown.
    ExactPlace,
    /// A moment to the minute.
    ExactTime,
    /// What people are called or where they can be reached, by the header or by a title.
    Named,
}

impl IdentifierKind {
    /// What it is, in words: of several.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::NhsNumber => "numbers that can be NHS numbers",
            Self::Postcode => "full postcodes",
            Self::NationalInsurance => "national insurance numbers",
            Self::PupilNumber => "unique pupil numbers",
            Self::Token => "digests or keys of records",
            Self::Reference => "numbers of records, crimes or properties",
            Self::Telephone => "telephone numbers",
            Self::Email => "e-mail addresses",
            Self::DateOfBirth => "full dates, which can be dates of birth or of single events",
            Self::ExactPlace => "places to within a few metres",
            Self::ExactTime => "moments to the minute",
            Self::Named => "what people are called or where they can be reached",
        }
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
    Identifier(IdentifierKind),
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

/// Findings while they are collected: by rule and column.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<(Rule, String), (Vec<u64>, Option<String>)>);

impl Findings {
    /// Notes that `column` breaks `rule`, in `row` (from 0) if it is of a row.
    pub fn add(&mut self, rule: Rule, column: &str, row: Option<usize>) {
        let (rows, _) = self.0.entry((rule, column.to_owned())).or_default();
        rows.extend(row.map(|row| row as u64 + 1));
    }

    /// The same with the way in which it follows; the first way is kept.
    pub fn add_because(&mut self, rule: Rule, column: &str, row: Option<usize>, detail: &str) {
        self.add(rule, column, row);
        if let Some((_, kept)) = self.0.get_mut(&(rule, column.to_owned())) {
            kept.get_or_insert_with(|| detail.to_owned());
        }
    }

    /// Whether something that refuses the table was found in a column.
    pub fn has(&self, column: &str) -> bool {
        self.0.keys().any(|(rule, named)| rule.severity() == Severity::Refuse && named == column)
    }

    pub fn finish(self) -> Vec<Finding> {
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

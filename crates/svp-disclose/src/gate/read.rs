//! Reads a table as a person would, and takes each column for what it is.
//!
//! The rule, in this order. A column that is none of these is not known, and refuses the table:
//! 1. what the person named: a count (`--counts`) or a label (`--labels`);
//! 2. a dimension: every cell is a member of a list, an age band, a time no finer than a month (or an hour of a whole day), a code of
//!    an area, a cell of a grid ([`super::label`]); or a column of numbers that numbers the hours, days, months, years, ranks or rows;
//! 3. a column of which most cells read as numbers, whatever they are dressed in: a rate, an amount (a cost, a length of time) or a
//!    base (population) where the header says so, else a count, whatever it is called.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;

use super::exact::LEAST_GRID;
use super::finding::{Findings, Rule};
use super::label::{self, Context, Label, Part};
use super::numbers::{Reading, Value, read};
use super::tokens::words;
use super::vocabulary::Vocabulary;

const RATE: &[&str] = &[
    "rate",
    "rates",
    "percent",
    "percentage",
    "pct",
    "perc",
    "per",
    "share",
    "shares",
    "proportion",
    "ratio",
    "density",
    "prevalence",
    "odds",
    "ci",
    "lcl",
    "ucl",
    "confidence",
    "interval",
];
const STATISTIC: &[&str] = &[
    "mean",
    "means",
    "median",
    "average",
    "avg",
    "mode",
    "min",
    "minimum",
    "max",
    "maximum",
    "least",
    "most",
    "lowest",
    "highest",
    "smallest",
    "largest",
    "youngest",
    "oldest",
    "earliest",
    "latest",
    "sd",
    "std",
    "stdev",
    "deviation",
    "variance",
    "quartile",
    "percentile",
    "quantile",
    "range",
    "iqr",
    "score",
    "z",
    "weight",
    "index",
];
const BASE: &[&str] = &["population", "pop", "residents", "inhabitants", "denominator", "base", "households"];
/// What may stand beside a word of [`BASE`] without making it a count of somebody else.
const OF_BASE: &[&str] = &[
    "usual",
    "resident",
    "mid",
    "year",
    "estimate",
    "estimated",
    "estimates",
    "total",
    "all",
    "persons",
    "people",
    "aged",
    "ages",
    "age",
    "and",
    "over",
    "under",
    "male",
    "males",
    "female",
    "females",
    "men",
    "women",
    "ons",
    "census",
    "workday",
    "daytime",
    "number",
    "of",
    "the",
    "in",
    "adult",
    "adults",
    "to",
];
/// A base of fewer people than this is counted with the counts.
const LEAST_BASE: f64 = 100.0;

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
    pub(super) fn names(&self, header: &str) -> bool {
        self.labels.contains(&header) || self.counts.is_some_and(|counts| counts.contains(&header))
    }
}

/// What a column is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Counts events or people.
    Count,
    /// A rate, share or percentage.
    Rate,
    /// A mean, a least or a most.
    Statistic,
    /// A cost, a length of time or another multiple of a count.
    Amount,
    /// What rates are of: a population.
    Base,
    /// Says what a row is: a known dimension, or what the person declared.
    Label,
    /// Nobody knows what it is.
    Unknown,
}

/// How a column was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// The column: its header, or its number where the header may be a value.
    pub column: String,
    /// What it was taken for.
    pub role: Role,
    /// Why.
    pub why: &'static str,
}

pub(super) struct Column {
    /// The header as it is; never shown.
    pub header: String,
    /// What messages call it.
    pub name: String,
    pub role: Role,
    pub why: &'static str,
    /// What is wrong with the header, and why.
    pub header_found: Vec<(Rule, Option<&'static str>)>,
    /// The person declared it a label.
    pub declared: bool,
    /// Trimmed; empty where NULL.
    pub texts: Vec<String>,
    pub readings: Vec<Reading>,
    pub cells: Vec<Value>,
    /// The cells as labels; `None` where part of one is not known.
    pub labels: Vec<Option<Label>>,
}

pub(super) struct GivenTable {
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl GivenTable {
    /// Reads `batch`; headers are not judged yet.
    pub fn read(batch: &RecordBatch, asked: &Asked<'_>, vocabulary: &Vocabulary, found: &mut Findings) -> Self {
        let schema = batch.schema();
        let mut columns = Vec::new();
        for (i, (field, array)) in schema.fields().iter().zip(batch.columns()).enumerate() {
            let (texts, readable) = texts(array);
            let header = field.name().clone();
            let name = shown_name(&header, i, asked, vocabulary);
            if !readable {
                found.add(Rule::Unreadable, &name, None);
            }
            let readings: Vec<Reading> = texts.iter().map(|text| read(text)).collect();
            let cells = readings.iter().map(|r| r.cell).collect();
            let labels = Vec::new();
            columns.push(Column {
                header,
                name,
                role: Role::Unknown,
                why: "",
                header_found: Vec::new(),
                declared: false,
                texts,
                readings,
                cells,
                labels,
            });
        }
        // The tables of svp say beside each count whether a NULL is hidden.
        for i in 0..columns.len() {
            let flag = format!("{}_suppressed", columns[i].header);
            let Some(flags) = columns.iter().find(|c| c.header == flag).map(|c| c.texts.clone()) else { continue };
            for (cell, flag) in columns[i].cells.iter_mut().zip(flags) {
                if *cell == Value::Blank {
                    *cell = if flag == "true" {
                        Value::Hidden { low: 1.0, high: f64::INFINITY }
                    } else {
                        Value::NotAvailable
                    };
                }
            }
        }
        columns.iter_mut().for_each(|column| column.take(asked, vocabulary));
        for name in asked.counts.unwrap_or_default().iter().chain(asked.labels) {
            if !columns.iter().any(|column| column.header == *name) {
                found.add(Rule::MissingColumn, name, None);
            }
        }
        Self { columns, rows: batch.num_rows() }
    }

    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    /// Columns that say what a row is, known or not.
    pub fn labels(&self) -> Vec<&Column> {
        self.columns.iter().filter(|c| matches!(c.role, Role::Label | Role::Unknown)).collect()
    }

    pub fn uses(&self) -> Vec<ColumnUse> {
        self.columns.iter().map(|c| ColumnUse { column: c.name.clone(), role: c.role, why: c.why }).collect()
    }

    /// A column called a rank is a label where it ranks a count of the table: it says no more than the count.
    pub fn ranks(&mut self) {
        let counts: Vec<Vec<Option<f64>>> =
            self.of_role(Role::Count).map(|c| (0..self.rows).map(|row| c.number(row)).collect()).collect();
        for column in &mut self.columns {
            if !matches!(column.role, Role::Count | Role::Statistic)
                || !words(&column.header).iter().any(|w| w == "rank" || w == "position")
            {
                continue;
            }
            let ranks: Vec<Option<f64>> = (0..self.rows).map(|row| column.number(row)).collect();
            let ranked = |count: &Vec<Option<f64>>| {
                ranks.iter().enumerate().all(|(row, rank)| {
                    let Some(rank) = rank else { return true };
                    let higher = |n: f64| {
                        count.iter().zip(&ranks).filter(|(c, r)| r.is_some() && c.is_some_and(|c| c > n)).count()
                    };
                    count[row].is_some_and(|n| higher(n) as f64 + 1.0 == *rank)
                })
            };
            if ranks.iter().any(Option::is_some) && counts.iter().filter(|c| **c != ranks).any(ranked) {
                (column.role, column.why) = (Role::Label, "ranks a count of this table");
            }
        }
    }
}

/// What messages call a column. A header that may be a value is never shown: one with words that no table has.
fn shown_name(header: &str, index: usize, asked: &Asked<'_>, vocabulary: &Vocabulary) -> String {
    let known = || !header.trim().is_empty() && words(header).iter().all(|word| vocabulary.is_header_word(word));
    if asked.names(header) || known() { header.trim().to_owned() } else { format!("no. {}", index + 1) }
}

impl Column {
    pub fn number(&self, row: usize) -> Option<f64> {
        match self.cells.get(row) {
            Some(Value::Number(n)) => Some(*n),
            _ => None,
        }
    }

    /// The numbers, in the order of the rows.
    pub fn numbers(&self) -> Vec<f64> {
        (0..self.cells.len()).filter_map(|row| self.number(row)).collect()
    }

    fn says(&self, list: &[&str]) -> bool {
        words(&self.header).iter().any(|word| list.contains(&word.as_str()))
    }

    /// The rule at the head of this file.
    fn take(&mut self, asked: &Asked<'_>, vocabulary: &Vocabulary) {
        let context = self.context();
        let counted = asked.counts.is_some_and(|named| named.contains(&self.header.as_str()));
        self.declared = !counted && asked.labels.contains(&self.header.as_str());
        self.labels = self.texts.iter().map(|text| label::read(vocabulary, text, context)).collect();
        let cut = !counted && !self.declared && self.judge_ranges();
        (self.role, self.why) = if counted {
            (Role::Count, "named as a count")
        } else if self.declared {
            (Role::Label, "declared a label")
        } else if self.texts.iter().all(String::is_empty) && self.cells.iter().all(|c| *c == Value::Blank) {
            (Role::Label, "holds nothing")
        } else if cut && context.ages {
            (Role::Unknown, "its bands cut one another")
        } else if self.is_dimension() {
            (Role::Label, "a known dimension")
        } else if let Some(why) = self.numbering() {
            (Role::Label, why)
        } else {
            self.numeric(vocabulary)
        };
    }

    fn context(&self) -> Context {
        Context {
            ages: self.says(&["age", "ages", "aged", "years", "yrs", "band", "agegroup", "ageband"]),
            hours: self
                .says(&["hour", "hours", "time", "times", "shift", "period", "band", "from", "to", "start", "end"]),
        }
    }

    /// Ranges are bands of ages or hours only where they do not cut one another and reach beyond a child's age: else they can be
    /// counts, told as ranges. True where they cut one another and are no counts by their size.
    fn judge_ranges(&mut self) -> bool {
        let ranges: Vec<(f64, f64)> = self.ranges().collect();
        // `10-18` and `18-25` touch, as people write bands that follow one another.
        let cut = |(a, b): (f64, f64), (c, d): (f64, f64)| a < c && c < b && b < d;
        let clean = ranges.iter().all(|x| ranges.iter().all(|y| !cut(*x, *y)));
        let far =
            ranges.iter().map(|(low, high)| if high.is_finite() { *high } else { *low }).fold(0.0, f64::max) >= 12.0;
        let bands = clean && far;
        if !(ranges.is_empty() || bands) {
            self.labels
                .iter_mut()
                .filter(|l| l.as_ref().is_some_and(|l| l.parts.iter().any(is_range)))
                .for_each(|l| *l = None);
        }
        far && !clean
    }

    fn ranges(&self) -> impl Iterator<Item = (f64, f64)> {
        self.labels.iter().flatten().flat_map(|label| &label.parts).filter_map(|part| match part {
            Part::Range(low, high) => Some((*low, *high)),
            _ => None,
        })
    }

    /// Every cell is a known label, and not all are marks or years that nothing says are years.
    fn is_dimension(&self) -> bool {
        let said: Vec<&Label> = self.labels.iter().flatten().filter(|l| !l.blank).collect();
        if said.is_empty() || self.labels.iter().any(Option::is_none) {
            return false;
        }
        let mark = |(label, cell): (&Option<Label>, &Value)| {
            let letter = label.as_ref().is_some_and(|l| l.blank || matches!(l.parts[..], [Part::Code(..)]));
            letter && matches!(cell, Value::Hidden { .. } | Value::NotAvailable | Value::Blank)
        };
        let marks = self.labels.iter().zip(&self.cells).all(mark);
        if marks {
            return false;
        }
        let year = |text: &String| (text.len() == 4).then(|| text.parse::<f64>().ok()).flatten();
        let mut years: Vec<f64> = self.texts.iter().filter_map(year).collect();
        if years.len() * 2 < said.len() {
            return true;
        }
        // Numbers that can be read as years.
        years.sort_by(f64::total_cmp);
        years.dedup();
        let in_a_row = years.len() > 1 && years.windows(2).all(|w| w[1] - w[0] == 1.0);
        in_a_row || self.says(&["year", "years", "fy", "period", "calendar"])
    }

    /// Numbers that count nobody: they number all hours of a day, all days of a week, all months, tenths, rows; or they are
    /// coordinates of a grid.
    fn numbering(&self) -> Option<&'static str> {
        let numbers = self.numbers();
        let filled = self.texts.iter().filter(|text| !text.is_empty()).count();
        let plain = self.readings.iter().all(|r| !r.dressed || matches!(r.cell, Value::Number(n) if n < 10.0));
        if numbers.len() != filled || numbers.is_empty() || !plain {
            return None;
        }
        // Each step goes one up, or begins anew, or stays (another dimension changes faster).
        let mut all = numbers.clone();
        all.sort_by(f64::total_cmp);
        all.dedup();
        let whole = |from: f64, to: f64| {
            let steps = numbers.windows(2).all(|w| w[1] == w[0] || w[1] == w[0] + 1.0 || w[1] == from);
            steps && all.first() == Some(&from) && all.last() == Some(&to) && all.len() as f64 == to - from + 1.0
        };
        let part_of_day = || {
            let steps = numbers.windows(2).all(|w| w[1] == w[0] || w[1] == (w[0] + 1.0) % 24.0 || w[1] == numbers[0]);
            steps && all.len() >= 6 && all.iter().all(|n| n.fract() == 0.0 && (0.0..24.0).contains(n))
        };
        if self.says(&["hour", "hours", "time"])
            && (whole(0.0, 23.0) || whole(1.0, 24.0) || whole(0.0, 167.0) || part_of_day())
        {
            return Some("numbers the hours");
        }
        if self.says(&["weekday", "day", "dow"]) && (whole(0.0, 6.0) || whole(1.0, 7.0)) {
            return Some("numbers the days of the week");
        }
        if self.says(&["month"]) && whole(1.0, 12.0) || self.says(&["quarter"]) && whole(1.0, 4.0) {
            return Some("numbers the months");
        }
        if self.says(&["decile", "quintile", "quartile"]) && [4.0, 5.0, 10.0].iter().any(|n| whole(1.0, *n)) {
            return Some("numbers equal parts");
        }
        let rows = numbers.len() > 4 && numbers.windows(2).all(|w| w[1] == w[0] + 1.0) && numbers[0] <= 1.0;
        if rows && (self.header.is_empty() || self.says(&["unnamed", "index", "row", "no"])) {
            return Some("numbers the rows");
        }
        let on_grid = |least: f64| numbers.iter().all(|n| *n >= 1000.0 && n % least == 0.0);
        if self.says(&["easting", "northing", "x", "y"]) && on_grid(LEAST_GRID) {
            return Some("coordinates of a grid");
        }
        let degrees = |low: f64, high: f64| {
            numbers.iter().zip(&self.readings).all(|(n, r)| (low..=high).contains(n) && r.half > 0.0001)
                && numbers.iter().any(|n| n.fract() != 0.0)
        };
        if self.says(&["lat", "latitude"]) && degrees(49.0, 61.0)
            || self.says(&["lon", "lng", "long", "longitude"]) && degrees(-9.0, 2.0)
        {
            return Some("coordinates, rounded");
        }
        None
    }

    /// A column that is neither named nor a dimension: most of its cells read as numbers, or nobody knows what it is.
    fn numeric(&self, vocabulary: &Vocabulary) -> (Role, &'static str) {
        let is = |test: fn(&Value) -> bool| self.cells.iter().filter(|cell| test(cell)).count();
        let (numbers, texts) = (is(|c| matches!(c, Value::Number(_))), is(|c| *c == Value::Text));
        let (hidden, none) = (is(|c| matches!(c, Value::Hidden { .. })), is(|c| *c == Value::NotAvailable));
        if numbers + hidden + none < texts || numbers + hidden + none == 0 {
            return (Role::Unknown, "not a known dimension, a count or a rate");
        }
        let percent = self.header.contains('%') || self.readings.iter().any(|r| r.percent);
        if self.says(STATISTIC) && !percent {
            return (Role::Statistic, "its header says so");
        }
        if percent || self.says(RATE) {
            return (Role::Rate, "its header or a % sign says so");
        }
        if vocabulary.is_amount(&self.header) {
            return (Role::Amount, "its header says so");
        }
        let large = || self.numbers().iter().all(|n| *n == 0.0 || *n >= LEAST_BASE);
        let of_base = |word: &String| {
            let word = word.as_str();
            BASE.contains(&word) || OF_BASE.contains(&word) || word.bytes().all(|b| b.is_ascii_digit())
        };
        if self.says(BASE) && words(&self.header).iter().all(of_base) && hidden == 0 && large() {
            return (Role::Base, "its header says so");
        }
        (Role::Count, if numbers == 0 { "marks of hidden counts" } else { "most of its cells read as numbers" })
    }
}

fn is_range(part: &Part) -> bool {
    matches!(part, Part::Range(..))
}

/// Any column as texts, and whether it could be read.
fn texts(array: &dyn Array) -> (Vec<String>, bool) {
    let options = FormatOptions::default();
    let Ok(formatter) = ArrayFormatter::try_new(array, &options) else {
        return (vec![String::new(); array.len()], false);
    };
    let mut readable = true;
    let text = |row| {
        if array.is_null(row) {
            return String::new();
        }
        let text = formatter.value(row).try_to_string();
        readable &= text.is_ok();
        text.unwrap_or_default().trim().to_owned()
    };
    ((0..array.len()).map(text).collect(), readable)
}

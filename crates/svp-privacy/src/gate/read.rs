//! Reads a table as a person would: numbers, marks, labels; and takes each column for what it is.
//!
//! The rule for a column that nobody named, in this order:
//! 1. a column with texts other than numbers and marks is a label;
//! 2. a name with a word of [`RATE`] is a rate, with a word of [`BASE`] a base (population);
//! 3. a name with a word of [`COUNT`] is a count;
//! 4. a name with a word of [`LABEL`] and no number in it is a label (with a number it is the heading of a wide
//!    table, `month_3`); so is a column of leading zeros or of years;
//! 5. any other column of whole numbers, or of nothing but marks, is a count; fractions are a label.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;

use super::{Findings, Rule};

const RATE: &[&str] =
    &["rate", "rates", "percent", "percentage", "pct", "per", "share", "proportion", "ratio", "density"];
const BASE: &[&str] = &["population", "pop", "residents", "inhabitants", "denominator", "base", "households"];
const COUNT: &[&str] = &[
    "count",
    "counts",
    "n",
    "total",
    "totals",
    "freq",
    "frequency",
    "events",
    "cases",
    "people",
    "persons",
    "patients",
    "attendances",
    "admissions",
    "victims",
    "suspects",
    "offenders",
    "incidents",
    "crimes",
    "offences",
    "referrals",
    "children",
    "episodes",
    "visits",
    "parties",
    "records",
];
const LABEL: &[&str] = &[
    "id",
    "ids",
    "code",
    "codes",
    "key",
    "ref",
    "reference",
    "urn",
    "number",
    "index",
    "row",
    "unnamed",
    "year",
    "month",
    "quarter",
    "week",
    "weekday",
    "day",
    "date",
    "hour",
    "minute",
    "time",
    "period",
    "easting",
    "northing",
    "lat",
    "latitude",
    "lon",
    "lng",
    "longitude",
    "x",
    "y",
    "postcode",
    "lsoa",
    "msoa",
    "ward",
    "uprn",
    "usrn",
    "h3",
    "bng",
    "cell",
    "grid",
    "square",
    "rank",
    "position",
    "order",
    "age",
    "version",
    "phone",
    "telephone",
    "mean",
    "median",
    "average",
    "score",
    "weight",
    "km",
    "km2",
    "hectares",
    "metres",
];

/// What a column is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Counts events or people.
    Count,
    /// A rate, share or percentage.
    Rate,
    /// What rates are of: a population.
    Base,
    /// Says what a row is, or anything else.
    Label,
}

/// How a column was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// The column.
    pub column: String,
    /// What it was taken for.
    pub role: Role,
    /// Why.
    pub why: &'static str,
}

/// One value, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    /// Nothing, or a word for nothing.
    Blank,
    /// A mark of suppression; `<5` says below what.
    Hidden {
        below: Option<i64>,
    },
    /// A mark of something that there is no number for.
    NotAvailable,
    Number(f64),
    Text,
}

pub(super) struct Column {
    pub name: String,
    pub role: Role,
    pub why: &'static str,
    /// Trimmed; empty where NULL.
    pub texts: Vec<String>,
    pub cells: Vec<Cell>,
}

pub(super) struct Table {
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl Table {
    /// Reads `batch`; `counts` as in [`super::check_table`].
    pub fn read(batch: &RecordBatch, counts: Option<&[&str]>, found: &mut Findings) -> Self {
        let schema = batch.schema();
        let mut columns = Vec::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let (texts, readable) = texts(array);
            if !readable {
                found.add(Rule::Unreadable, field.name(), None);
            }
            let cells = texts.iter().map(|text| cell(text)).collect();
            columns.push(Column { name: field.name().clone(), role: Role::Label, why: "", texts, cells });
        }
        // The tables of svp say beside each count whether a NULL is hidden.
        for i in 0..columns.len() {
            let flag = format!("{}_suppressed", columns[i].name);
            let Some(flags) = columns.iter().find(|c| c.name == flag).map(|c| c.texts.clone()) else { continue };
            for (cell, flag) in columns[i].cells.iter_mut().zip(flags) {
                if *cell == Cell::Blank {
                    *cell = if flag == "true" { Cell::Hidden { below: None } } else { Cell::NotAvailable };
                }
            }
        }
        for column in &mut columns {
            (column.role, column.why) = match counts {
                Some(named) if named.contains(&column.name.as_str()) => (Role::Count, "named as a count"),
                Some(_) => match guess(column) {
                    (Role::Count, _) => (Role::Label, "not named as a count"),
                    other => other,
                },
                None => guess(column),
            };
        }
        for name in counts.unwrap_or_default() {
            if !columns.iter().any(|column| column.name == *name) {
                found.add(Rule::MissingColumn, name, None);
            }
        }
        Self { columns, rows: batch.num_rows() }
    }

    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |column| column.role == role)
    }

    pub fn uses(&self) -> Vec<ColumnUse> {
        self.columns.iter().map(|c| ColumnUse { column: c.name.clone(), role: c.role, why: c.why }).collect()
    }
}

impl Column {
    pub fn number(&self, row: usize) -> Option<f64> {
        match self.cells.get(row) {
            Some(Cell::Number(n)) => Some(*n),
            _ => None,
        }
    }
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

/// Reads one value. The marks are those of the Government Statistical Service, the NHS, DfE and of habit.
fn cell(text: &str) -> Cell {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "" | "null" | "none" | "nan" | "na" | "n/a" | "-" | "." => return Cell::Blank,
        "c" | "[c]" | "(c)" | "*" | "**" | "***" | "[*]" | "s" | "[s]" | "suppressed" | "[suppressed]" => {
            return Cell::Hidden { below: None };
        }
        "x" | "[x]" | "z" | "[z]" | ":" | ".." | "[low]" => return Cell::NotAvailable,
        _ => {}
    }
    if let Some(n) = number(&lower) {
        return Cell::Number(n);
    }
    let compact: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    let whole = |text: &str| text.parse::<i64>().ok();
    let below = if let Some(rest) = compact.strip_prefix("<=").or_else(|| compact.strip_prefix('≤')) {
        whole(rest).map(|n| n + 1)
    } else if let Some(rest) = compact.strip_prefix('<') {
        whole(rest)
    } else {
        ["1-", "1–", "1to"].iter().find_map(|from| compact.strip_prefix(from)).and_then(whole).map(|n| n + 1)
    };
    below.map_or(Cell::Text, |below| Cell::Hidden { below: Some(below) })
}

/// A number as people write it: `1,234`, `12.5%`.
fn number(text: &str) -> Option<f64> {
    let text = text.strip_suffix('%').unwrap_or(text).trim_end();
    let digits = text.trim_start_matches(['+', '-']);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let mut groups = digits.split('.').next().unwrap_or_default().split(',');
    let first = groups.next().unwrap_or_default();
    let mut grouped = false;
    for group in groups {
        grouped = true;
        if group.len() != 3 || first.is_empty() || first.len() > 3 {
            return None;
        }
    }
    let parsed = if grouped { text.replace(',', "").parse::<f64>() } else { text.parse::<f64>() };
    parsed.ok().filter(|n| n.is_finite())
}

/// The words of a name, in lower case, cut at anything but letters and digits and where a capital follows a small.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase()) {
            out.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), out.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    out.retain(|word| !word.is_empty());
    out
}

/// The rule at the head of this file.
fn guess(column: &Column) -> (Role, &'static str) {
    let words = words(&column.name);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let numbers: Vec<f64> = (0..column.cells.len()).filter_map(|row| column.number(row)).collect();
    let hidden = column.cells.iter().filter(|cell| matches!(cell, Cell::Hidden { .. })).count();
    let texts = column.cells.iter().filter(|cell| **cell == Cell::Text).count();
    let counts = says(COUNT) || words.first().is_some_and(|word| word == "number" || word == "num");
    if texts > 0 && !(counts && numbers.len() > texts) {
        return (Role::Label, "holds texts");
    }
    if numbers.is_empty() && hidden == 0 {
        return (Role::Label, "holds no numbers");
    }
    if says(RATE) || column.name.contains('%') || column.texts.iter().any(|text| text.ends_with('%')) {
        return (Role::Rate, "its name or a % sign says so");
    }
    if says(BASE) {
        return (Role::Base, "its name says so");
    }
    if counts {
        return (Role::Count, "its name says so");
    }
    let heading = words.iter().any(|word| word.bytes().all(|b| b.is_ascii_digit()));
    if !heading && (words.is_empty() || says(LABEL)) {
        return (Role::Label, "its name says that it counts nobody");
    }
    if column.texts.iter().any(|text| text.len() > 1 && text.starts_with('0') && !text.starts_with("0.")) {
        return (Role::Label, "codes with leading zeros");
    }
    if !numbers.is_empty() && numbers.iter().all(|n| n.fract() == 0.0 && (1900.0..=2100.0).contains(n)) {
        return (Role::Label, "every number looks like a year");
    }
    if numbers.iter().any(|n| n.fract() != 0.0) {
        return (Role::Label, "fractions under a name that says nothing: name it if it counts");
    }
    (Role::Count, "whole numbers")
}

//! The account of columns: for each file, table and column, how many rows held something, and what became of it. Never a value of a
//! direct identifier, and of dates no more than the month.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute;
use arrow::datatypes::{
    DataType, Date32Type, Field, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Serialize};
use svp_contract::{Column, ColumnType, Sensitivity, as_i64};

use crate::classes::Classes;
use crate::receipt::{FILE, Receipt};
use crate::spread::Clock;

/// Different values are counted up to this many.
const MOST_DISTINCT: usize = 256;
/// Columns of at most so many different values keep how often each came.
const MOST_SHARES: usize = 32;
/// Different numbers from which one of them can be too common, rows that it has then, its share, and how many times as common as the next it is.
const FEWEST_NUMBERS: usize = 20;
const FEWEST_OF_ONE: u64 = 10;
const MUCH_OF_ONE: f64 = 0.08;
const TIMES_NEXT: u64 = 3;
/// Rows in which different values are counted; the rest of a longer file is not looked at.
const DISTINCT_ROWS: u64 = 65_536;

/// What a column of a canonical table held in one feed of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Canonical table.
    pub table: String,
    /// Column.
    pub column: String,
    /// A column of the extract is read for it (else it is derived).
    pub mapped: bool,
    /// Rows that the table takes from the file.
    pub rows: u64,
    /// Rows in which a column of the extract that it is read from holds text (after words that mean "missing" were taken out).
    pub text: u64,
    /// Rows with a value.
    pub filled: u64,
    /// Rows that went to quarantine because of it.
    pub quarantined: u64,
    /// Values that a rule took away.
    pub blanked: u64,
    /// Values that a rule remarked on or mended, or that were read from the second choice because the first could not be read.
    pub noted: u64,
    /// Words that mean "missing" in the columns of the extract that it is read from.
    pub missing_words: u64,
    /// Different values.
    pub distinct: u64,
    /// Rows in which values were counted: those with a value among the first of a long file.
    #[serde(default)]
    pub counted: u64,
    /// Of these, the rows with the most common value, among the first values that came.
    #[serde(default)]
    pub most_common: u64,
    /// How often each value came, by digest, the most common first, where there are few of them and none tells of one person alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<(u64, u64)>,
    /// There are more different values than `distinct`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_distinct: bool,
    /// Least value: a number of an open column, or the month of a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<String>,
    /// Greatest value, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greatest: Option<String>,
}

impl ColumnProfile {
    /// Of a column of the extract: in which forms its ids are written.
    pub(crate) fn of_forms(column: &str, rows: u64, shares: Vec<(u64, u64)>) -> Self {
        let filled = shares.iter().map(|(_, n)| n).sum();
        let kept = if shares.len() <= MOST_SHARES { shares } else { Vec::new() };
        Self {
            table: FILE.to_owned(),
            column: column.to_owned(),
            rows,
            text: filled,
            filled,
            shares: kept,
            ..Self::default()
        }
    }

    /// Rows that are blank in the extract.
    #[must_use]
    pub fn blank(&self) -> u64 {
        self.rows.saturating_sub(self.text)
    }
}

/// A profile under construction.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub counts: ColumnProfile,
    /// How often each of the first different values came, by digest.
    seen: FxHashMap<u64, u64>,
    looked_at: u64,
    numbers: Option<(f64, f64)>,
    pub clock: Clock,
}

impl Profile {
    /// Adds the values of a batch; `applies` are the rows that the table takes (`None`: all), `classes` the rows by their values where they
    /// are known.
    pub(crate) fn add(
        &mut self,
        column: &Column,
        array: &ArrayRef,
        applies: Option<&BooleanArray>,
        classes: Option<&Classes>,
    ) {
        let n = array.len() as u64;
        let counts = &mut self.counts;
        counts.rows += applies.map_or(n, |a| a.true_count() as u64);
        let both = |mask: &BooleanArray| match applies {
            Some(applies) => compute::and(mask, applies).map_or(0, |m| m.true_count() as u64),
            None => mask.true_count() as u64,
        };
        counts.filled += match (array.null_count(), applies) {
            (0, None) => n,
            (nulls, None) => n - nulls as u64,
            _ => compute::is_not_null(array).map_or(0, |m| both(&m)),
        };
        if array.null_count() == array.len() {
            return;
        }
        if column.sensitivity != Sensitivity::Direct {
            self.ends(column, array);
        }
        if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            self.clock.add(times);
        }
        if self.looked_at < DISTINCT_ROWS {
            self.values(array, classes);
        } else {
            self.counts.more_distinct = true;
        }
        self.looked_at += n;
    }

    /// A number or date that stands in so many rows, beside the next most common, that it looks filled in: its rows, and all that were looked
    /// at. Of codes and flags one may well be the most common by far.
    pub(crate) fn one_number(&self, column: &Column) -> Option<(u64, u64)> {
        let number =
            matches!(column.kind, ColumnType::Int32 | ColumnType::Int64 | ColumnType::Float64 | ColumnType::Date);
        if !number || !column.codes.is_empty() || self.seen.len() < FEWEST_NUMBERS {
            return None;
        }
        let (most, next) = self.seen.values().fold((0, 0), |(most, next), n| match *n > most {
            true => (*n, most),
            false => (most, next.max(*n)),
        });
        let all = self.counts.counted;
        let odd = most >= FEWEST_OF_ONE && most as f64 > MUCH_OF_ONE * all as f64 && most >= TIMES_NEXT * next;
        odd.then_some((most, all))
    }

    /// Values that a rule took away after they were added.
    pub(crate) fn take_away(&mut self, n: u64) {
        self.counts.filled = self.counts.filled.saturating_sub(n);
        self.counts.blanked += n;
    }

    /// The finished profile.
    pub(crate) fn finish(mut self, table: &str, column: &Column) -> ColumnProfile {
        (self.counts.table, self.counts.column) = (table.to_owned(), column.name.clone());
        let words = matches!(column.kind, ColumnType::Text | ColumnType::Boolean);
        // A digest without a key gives its value away: of small areas, and of what else singles people out, none is kept.
        let codes =
            !column.codes.is_empty() || matches!(column.sensitivity, Sensitivity::Open | Sensitivity::Sensitive);
        if words && codes && column.sensitivity != Sensitivity::Direct && self.seen.len() <= MOST_SHARES {
            self.counts.shares = self.seen.iter().map(|(digest, n)| (*digest, *n)).collect();
            self.counts.shares.sort_unstable_by_key(|(digest, n)| (std::cmp::Reverse(*n), *digest));
        }
        self.counts.distinct = self.seen.len() as u64;
        self.counts.most_common = self.seen.values().copied().max().unwrap_or_default();
        self.counts.more_distinct |= self.seen.len() >= MOST_DISTINCT;
        if let Some((least, greatest)) = self.numbers {
            (self.counts.least, self.counts.greatest) = (Some(least.to_string()), Some(greatest.to_string()));
        }
        self.counts
    }

    fn ends(&mut self, column: &Column, array: &ArrayRef) {
        let month = |micros: i64| svp_functions::time::local_month::local_month(micros);
        let found = match array.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let values = array.as_primitive::<TimestampMicrosecondType>();
                (compute::min(values).and_then(month), compute::max(values).and_then(month))
            }
            DataType::Date32 => {
                let values = array.as_primitive::<Date32Type>();
                let month = |days: i32| month(i64::from(days) * 86_400_000_000 + 43_200_000_000);
                (compute::min(values).and_then(month), compute::max(values).and_then(month))
            }
            _ if column.sensitivity != Sensitivity::Open => return,
            DataType::Int32 => {
                let values = array.as_primitive::<Int32Type>();
                return self.number(compute::min(values).map(f64::from), compute::max(values).map(f64::from));
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>();
                return self.number(compute::min(values), compute::max(values));
            }
            _ => return,
        };
        if let (Some(least), Some(greatest)) = found {
            let counts = &mut self.counts;
            counts.least = Some(counts.least.take().map_or(least.clone(), |old| old.min(least)));
            counts.greatest = Some(counts.greatest.take().map_or(greatest.clone(), |old| old.max(greatest)));
        }
    }

    fn number(&mut self, least: Option<f64>, greatest: Option<f64>) {
        let (Some(least), Some(greatest)) = (least, greatest) else { return };
        self.numbers = Some(self.numbers.map_or((least, greatest), |(l, g)| (l.min(least), g.max(greatest))));
    }

    /// Counts the values of a batch: each of the first [`MOST_DISTINCT`], and no others.
    fn values(&mut self, array: &ArrayRef, classes: Option<&Classes>) {
        if let Some(classes) = classes
            && let Ok(array) = compute::take(array, classes.firsts(), None)
        {
            return self.each_of(&array, &classes.sizes());
        }
        self.each_of(array, &[]);
    }

    /// Counts values, each as often as `times` says, or once.
    fn each_of(&mut self, array: &ArrayRef, times: &[u64]) {
        let (seen, counted) = (&mut self.seen, &mut self.counts.counted);
        let mut count = |digest: u64, rows: u64| {
            *counted += rows;
            if seen.len() < MOST_DISTINCT {
                *seen.entry(digest).or_default() += rows;
            } else if let Some(known) = seen.get_mut(&digest) {
                *known += rows;
            }
        };
        // Values repeat from row to row, and a count is cheaper than a search.
        let mut last: Option<(u64, u64)> = None;
        let mut note = |row: usize, digest: u64| {
            let rows = times.get(row).copied().unwrap_or(1);
            match &mut last {
                Some((before, n)) if *before == digest => *n += rows,
                _ => {
                    if let Some((before, n)) = last.replace((digest, rows)) {
                        count(before, n);
                    }
                }
            }
        };
        match array.data_type() {
            DataType::Utf8 => {
                let mut before: Option<(&str, u64)> = None;
                for (row, value) in array.as_string::<i32>().iter().enumerate() {
                    let Some(value) = value else { continue };
                    let digest = match before {
                        Some((text, digest)) if text == value => digest,
                        _ => hash(value),
                    };
                    before = Some((value, digest));
                    note(row, digest);
                }
            }
            DataType::Boolean => {
                let values = array.as_boolean().iter().enumerate();
                values.for_each(|(row, v)| v.into_iter().for_each(|v| note(row, u64::from(v))));
            }
            DataType::Int32 => each::<Int32Type>(array, |row, v| note(row, hash(&v))),
            DataType::Int64 => each::<Int64Type>(array, |row, v| note(row, hash(&v))),
            DataType::Float64 => each::<Float64Type>(array, |row, v| note(row, v.to_bits())),
            DataType::Date32 => each::<Date32Type>(array, |row, v| note(row, hash(&v))),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                each::<TimestampMicrosecondType>(array, |row, v| note(row, hash(&v)));
            }
            _ => {}
        }
        if let Some((before, n)) = last {
            count(before, n);
        }
    }
}

/// The values of a column that are there, with their rows.
fn each<T: ArrowPrimitiveType>(array: &ArrayRef, mut f: impl FnMut(usize, T::Native)) {
    let values = array.as_primitive::<T>().iter().enumerate();
    values.for_each(|(row, value)| value.into_iter().for_each(|value| f(row, value)));
}

/// A digest of a value, without a key.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Shares as text: `digest:count`, parted by blanks.
fn written(shares: &[(u64, u64)]) -> String {
    shares.iter().map(|(digest, n)| format!("{digest:x}:{n}")).collect::<Vec<_>>().join(" ")
}

/// Reads what [`written`] wrote.
pub(crate) fn read_shares(text: &str) -> BTreeMap<u64, u64> {
    let one = |pair: &str| {
        let (digest, n) = pair.split_once(':')?;
        Some((u64::from_str_radix(digest, 16).ok()?, n.parse().ok()?))
    };
    text.split(' ').filter_map(one).collect()
}

/// Arrow schema of the table `quality/column_profile`.
#[must_use]
pub fn profile_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    let number = |n: &str| Field::new(n, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        number("run"),
        text("source"),
        text("slot"),
        text("feed"),
        text("file"),
        text("table_name"),
        text("column_name"),
        Field::new("mapped", DataType::Boolean, true),
        number("rows"),
        number("filled"),
        number("blank"),
        number("quarantined"),
        number("blanked"),
        number("noted"),
        number("missing_words"),
        number("distinct_values"),
        Field::new("more_distinct", DataType::Boolean, true),
        number("counted"),
        number("most_common"),
        text("shares"),
        text("least"),
        text("greatest"),
    ]))
}

/// The profiles of receipts as rows of `quality/column_profile`.
///
/// # Errors
/// When Arrow refuses the batch.
pub fn profile_batch(receipts: &[Receipt], run: u64) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all: Vec<(&Receipt, &ColumnProfile)> =
        receipts.iter().flat_map(|r| r.columns.iter().map(move |c| (r, c))).collect();
    let text = |f: &dyn Fn(&Receipt, &ColumnProfile) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(all.iter().map(|(r, c)| f(r, c))))
    };
    let number = |f: &dyn Fn(&ColumnProfile) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(all.iter().map(|(_, c)| as_i64(f(c)))))
    };
    let flag = |f: &dyn Fn(&ColumnProfile) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from_iter(all.iter().map(|(_, c)| Some(f(c)))))
    };
    RecordBatch::try_new(
        profile_schema(),
        vec![
            number(&|_| run),
            text(&|r, _| Some(r.source.clone())),
            text(&|r, _| Some(r.slot.clone())),
            text(&|r, _| Some(r.feed.clone())),
            text(&|r, _| Some(r.file.clone())),
            text(&|_, c| Some(c.table.clone())),
            text(&|_, c| Some(c.column.clone())),
            flag(&|c| c.mapped),
            number(&|c| c.rows),
            number(&|c| c.filled),
            number(&|c| if c.mapped { c.blank() } else { 0 }),
            number(&|c| c.quarantined),
            number(&|c| c.blanked),
            number(&|c| c.noted),
            number(&|c| c.missing_words),
            number(&|c| c.distinct),
            flag(&|c| c.more_distinct),
            number(&|c| c.counted),
            number(&|c| c.most_common),
            text(&|_, c| (!c.shares.is_empty()).then(|| written(&c.shares))),
            text(&|_, c| c.least.clone()),
            text(&|_, c| c.greatest.clone()),
        ],
    )
}

//! The calendar of what is known: which source and sender has supplied which month, and which months are known under a definition.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;
use svp_functions::time::month_number::{month_number, month_of_number};

use crate::AnalyseError;
use crate::tables::{put, register_empty, replace};

/// First and last month of a period, `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Months {
    /// First.
    pub from: String,
    /// Last.
    pub to: String,
}

/// A file that is live in the lake, as far as the calendar asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Source.
    pub source: String,
    /// Slot.
    pub slot: String,
    /// Who sent it, where that is known.
    pub sender: Option<String>,
    /// First and last month that its name says, `YYYY-MM`.
    pub months: Option<(String, String)>,
}

/// Registers `delivery`, and over it `calendar_month`, the months of a period, and `coverage`, what is known of them. `ctx` has `event`;
/// what is registered anew later is not seen. Of a lake without deliveries (a file of events alone) the events say what is known.
///
/// # Errors
/// When a view cannot be planned.
pub async fn register_coverage(
    ctx: &SessionContext,
    deliveries: &[Delivery],
    months: &Months,
) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "coverage".to_owned(), source };
    if !ctx.table_exist("episode").map_err(fail)? {
        let field = |name: &str, kind| Field::new(name, kind, true);
        let columns =
            vec![field("source", DataType::Utf8), field("slot", DataType::Utf8), field("started", DataType::Date32)];
        register_empty(ctx, "episode", Arc::new(Schema::new(columns)))?;
    }
    let texts = |of: &dyn Fn(&Delivery) -> Option<String>| -> ArrayRef {
        Arc::new(deliveries.iter().map(of).collect::<StringArray>())
    };
    put(
        ctx,
        "delivery",
        [
            ("source", texts(&|d| Some(d.source.clone()))),
            ("slot", texts(&|d| Some(d.slot.clone()))),
            ("sender", texts(&|d| d.sender.clone())),
            ("first_month", texts(&|d| d.months.as_ref().map(|m| m.0.clone()))),
            ("last_month", texts(&|d| d.months.as_ref().map(|m| m.1.clone()))),
        ],
    )?;
    let period = vec![("from", ScalarValue::from(months.from.as_str())), ("to", ScalarValue::from(months.to.as_str()))];
    let calendar = ctx.sql(include_str!("sql/calendar_month.sql")).await.map_err(fail)?;
    replace(ctx, "calendar_month", calendar.with_param_values(period).map_err(fail)?)?;
    // All are small, and what is made of them asks for them many times: the events are read once, and no plan holds another many times.
    for (name, sql) in [
        ("slot_month", include_str!("sql/slot_month.sql")),
        ("episode_month", include_str!("sql/episode_month.sql")),
        ("coverage_file", include_str!("sql/coverage_file.sql")),
        ("coverage_span", include_str!("sql/coverage_span.sql")),
    ] {
        let counted = ctx.sql(sql).await.map_err(fail)?.cache().await.map_err(fail)?;
        replace(ctx, name, counted)?;
    }
    let coverage = ctx.sql(include_str!("sql/coverage.sql")).await.map_err(fail)?;
    replace(ctx, "coverage", coverage)
}

/// Works `coverage` out, once for all that reads it.
///
/// # Errors
/// When it cannot be read.
pub async fn hold_coverage(ctx: &SessionContext) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "coverage".to_owned(), source };
    let held = ctx.table("coverage").await.map_err(fail)?.cache().await.map_err(fail)?;
    replace(ctx, "coverage", held)
}

/// The months of the period in which a source has nothing from a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Source.
    pub source: String,
    /// Sender; empty where the source names none.
    pub sender: String,
    /// The months, in order.
    pub months: Vec<String>,
    /// How many months were looked for.
    pub of: usize,
}

/// Gaps of every source of the lake, by source and sender; what is whole has none.
///
/// # Errors
/// When `coverage` cannot be read.
pub async fn gaps(ctx: &SessionContext) -> Result<Vec<Gap>, AnalyseError> {
    let rows = texts(ctx, "SELECT source, sender, month, state FROM coverage ORDER BY source, sender, month").await?;
    let mut out: Vec<Gap> = Vec::new();
    for [source, sender, month, state] in rows {
        if !out.last().is_some_and(|gap| gap.source == source && gap.sender == sender) {
            out.push(Gap { source, sender, months: Vec::new(), of: 0 });
        }
        if let Some(gap) = out.last_mut() {
            gap.of += 1;
            if state == "missing" {
                gap.months.push(month);
            }
        }
    }
    out.retain(|gap| !gap.months.is_empty());
    Ok(out)
}

/// A sender that begins after others of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// Source.
    pub source: String,
    /// Sender.
    pub sender: String,
    /// First month of the period in which it is looked for.
    pub first: String,
    /// First month in which some sender of the source is looked for.
    pub source_first: String,
}

/// Senders that begin after others of their source, by source and sender. They are not missed before they begin, and what is counted
/// before and after is of other senders.
///
/// # Errors
/// When `coverage` cannot be read.
pub async fn late_senders(ctx: &SessionContext) -> Result<Vec<Late>, AnalyseError> {
    let rows = texts(ctx, include_str!("sql/late_sender.sql")).await?;
    Ok(rows
        .into_iter()
        .map(|[source, sender, first, source_first]| Late { source, sender, first, source_first })
        .collect())
}

/// Sources of which some months are known from their rows alone, since no name of a file says what it covers.
///
/// # Errors
/// When `coverage` cannot be read.
pub async fn inferred_sources(ctx: &SessionContext) -> Result<Vec<String>, AnalyseError> {
    let rows = texts(ctx, "SELECT DISTINCT source FROM coverage WHERE known_by = 'inferred' ORDER BY source").await?;
    Ok(rows.into_iter().map(|[source]| source).collect())
}

/// The months of a period under the definition that is registered now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedMonths {
    /// Months of the period.
    pub of: usize,
    /// Those that nobody has supplied, in order.
    pub not_supplied: Vec<String>,
    /// Those that some have not supplied, in order.
    pub in_part: Vec<String>,
}

impl ObservedMonths {
    /// Whether every month is known.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.not_supplied.is_empty() && self.in_part.is_empty()
    }

    /// The months that are not known.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.not_supplied.iter().chain(&self.in_part).map(String::as_str)
    }

    /// In words: how many of the months were observed, and which were not. `None` where all were.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        if self.whole() {
            return None;
        }
        let known = self.of - self.not_supplied.len() - self.in_part.len();
        let mut out = format!("{known} of {} months observed.", self.of);
        for (what, months) in [("Not available", &self.not_supplied), ("Supplied in part", &self.in_part)] {
            if !months.is_empty() {
                out.push_str(&format!(" {what}: {}.", month_list(months)));
            }
        }
        Some(out)
    }
}

/// What is known of the months under the definition that is registered now.
///
/// # Errors
/// When `observed_month` cannot be read.
pub async fn observed_months(ctx: &SessionContext) -> Result<ObservedMonths, AnalyseError> {
    let rows = texts(ctx, "SELECT month, state FROM observed_month ORDER BY month").await?;
    let mut out = ObservedMonths { of: rows.len(), ..ObservedMonths::default() };
    for [month, state] in rows {
        match state.as_str() {
            "observed" => {}
            "supplied in part" => out.in_part.push(month),
            _ => out.not_supplied.push(month),
        }
    }
    Ok(out)
}

/// Runs of neighbouring months: first and last of each.
#[must_use]
pub fn month_spans(months: &[String]) -> Vec<(String, String)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for number in months.iter().filter_map(|m| month_number(m)) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs.into_iter().filter_map(|(a, b)| month_of_number(a).zip(month_of_number(b))).collect()
}

/// Months in words: `2024-07, 2024-10 to 2024-12`.
#[must_use]
pub fn month_list(months: &[String]) -> String {
    let one = |(from, to): (String, String)| if from == to { from } else { format!("{from} to {to}") };
    month_spans(months).into_iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Rows of text columns; a missing value is the empty text.
async fn texts<const N: usize>(ctx: &SessionContext, sql: &'static str) -> Result<Vec<[String; N]>, AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "months".to_owned(), source };
    let batches = ctx.sql(sql).await.map_err(fail)?.collect().await.map_err(fail)?;
    let mut out = Vec::new();
    for batch in &batches {
        let odd = |source| AnalyseError::Arrow { what: "months".to_owned(), source };
        let columns: Vec<ArrayRef> =
            batch.columns().iter().map(|c| cast(c, &DataType::Utf8)).collect::<Result<_, _>>().map_err(odd)?;
        out.extend((0..batch.num_rows()).map(|row| {
            std::array::from_fn(|i| match columns.get(i).map(|c| c.as_string::<i32>()) {
                Some(values) if values.is_valid(row) => values.value(row).to_owned(),
                _ => String::new(),
            })
        }));
    }
    Ok(out)
}

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;

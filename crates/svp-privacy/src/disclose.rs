//! The second guarded door: counts go in, counts that may be shown come out.
//!
//! Rule of NHS England since 13 September 2018 (HES/ECDS, sub-national): 1 to 7 are suppressed, all other
//! counts are rounded to the nearest 5; 0 is shown. The rule was made to need no secondary suppression.
//! DfE (children in need): 1 to 5 are suppressed. Which rule holds comes from the source files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int64Builder, RecordBatch};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};

use crate::PrivacyError;

/// One rule for small numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Counts from 1 up to one less than this are suppressed; 0 or 1 suppresses nothing.
    pub suppress_below: i64,
    /// Counts that remain are rounded to the nearest multiple; 0 or 1 rounds nothing.
    pub round_to: i64,
    /// Whose rule it is, in words.
    pub reason: String,
}

impl Policy {
    /// No rule at all: for sources whose controller has already made the data safe and open.
    #[must_use]
    pub fn open(reason: &str) -> Self {
        Self { suppress_below: 0, round_to: 1, reason: reason.to_owned() }
    }

    /// A whole count as it may be shown: `None` where it is suppressed, else rounded.
    #[must_use]
    pub fn shown(&self, count: i64) -> Option<i64> {
        if count > 0 && count < self.suppress_below { None } else { Some(round_to(count, self.round_to)) }
    }

    /// The strictest of several rules: the highest threshold and the coarsest rounding, and the names of all
    /// that contribute to it.
    #[must_use]
    pub fn strictest<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut out = Self::open("");
        let mut reasons: Vec<String> = Vec::new();
        let all: Vec<&Policy> = policies.into_iter().collect();
        for p in &all {
            out.suppress_below = out.suppress_below.max(p.suppress_below);
            out.round_to = out.round_to.max(p.round_to);
        }
        for p in &all {
            let decides = p.suppress_below == out.suppress_below || p.round_to == out.round_to;
            if decides && !p.reason.is_empty() && !reasons.contains(&p.reason) {
                reasons.push(p.reason.clone());
            }
        }
        reasons.sort();
        out.reason = reasons.join("; ");
        out
    }
}

/// What disclosure control did to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The rule that was applied.
    pub policy: Policy,
    /// Count cells in the table.
    pub cells: u64,
    /// Cells that became NULL.
    pub suppressed: u64,
    /// Cells whose number was changed by rounding.
    pub rounded: u64,
}

/// Something whose counts may be shown. Only [`disclose`] makes one.
#[derive(Debug, Clone)]
pub struct Disclosed<T> {
    value: T,
    counts: Vec<String>,
    summary: Suppression,
}

impl<T> Disclosed<T> {
    /// The content.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// What was done.
    pub fn summary(&self) -> &Suppression {
        &self.summary
    }

    /// Names of the count columns.
    pub fn counts(&self) -> &[String] {
        &self.counts
    }
}

impl Disclosed<RecordBatch> {
    /// Adds columns that are computed from the disclosed ones (rates, shares).
    ///
    /// `inputs` names the count columns that each derived column stands on; where one of them is suppressed
    /// the derived value must be NULL.
    ///
    /// # Errors
    /// When an earlier column is not exactly as it was, or a derived value would reveal a suppressed one.
    pub fn with_derived(self, derived: RecordBatch, inputs: &[(String, Vec<String>)]) -> Result<Self, PrivacyError> {
        for (i, field) in self.value.schema().fields().iter().enumerate() {
            let same = derived.schema().fields().get(i).is_some_and(|f| f.name() == field.name())
                && derived.column(i).to_data() == self.value.column(i).to_data();
            if !same {
                return Err(PrivacyError::ChangedAfterDisclosure { column: field.name().clone() });
            }
        }
        for (column, counts) in inputs {
            let Some(values) = derived.column_by_name(column) else { continue };
            for count in counts {
                let flags = format!("{count}_suppressed");
                let Some(flags) = self.value.column_by_name(&flags) else { continue };
                let flags = flags.as_boolean();
                if (0..flags.len()).any(|row| flags.value(row) && values.is_valid(row)) {
                    return Err(PrivacyError::DerivedReveals { column: column.clone() });
                }
            }
        }
        Ok(Self { value: derived, ..self })
    }
}

/// Applies `policy` to the count columns of `batch`.
///
/// Each count column (Int32, Int64 or Float64: weights may be fractions) becomes Int64, NULL where
/// suppressed, followed by a Boolean column `<name>_suppressed`. A true zero stays 0; a NULL count stays NULL
/// and is not flagged. A fraction above zero that would round to a number below the threshold is suppressed
/// like one.
///
/// # Errors
/// When a count column is absent, not a number, or negative.
pub fn disclose(batch: &RecordBatch, counts: &[&str], policy: &Policy) -> Result<Disclosed<RecordBatch>, PrivacyError> {
    let schema = batch.schema();
    for count in counts {
        if schema.index_of(count).is_err() {
            return Err(PrivacyError::MissingColumn { table: "output".to_owned(), column: (*count).to_owned() });
        }
    }
    let mut summary = Suppression { policy: policy.clone(), cells: 0, suppressed: 0, rounded: 0 };
    let mut fields: Vec<Field> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (i, field) in schema.fields().iter().enumerate() {
        if !counts.contains(&field.name().as_str()) {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(batch.column(i)));
            continue;
        }
        let (values, flags) = one_column(field.name(), batch.column(i), policy, &mut summary)?;
        fields.push(Field::new(field.name(), DataType::Int64, true));
        columns.push(values);
        fields.push(Field::new(format!("{}_suppressed", field.name()), DataType::Boolean, false));
        columns.push(flags);
    }
    let value = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(PrivacyError::Arrow)?;
    Ok(Disclosed { value, counts: counts.iter().map(|c| (*c).to_owned()).collect(), summary })
}

fn one_column(
    name: &str,
    array: &ArrayRef,
    policy: &Policy,
    summary: &mut Suppression,
) -> Result<(ArrayRef, ArrayRef), PrivacyError> {
    let numbers: Vec<Option<f64>> = match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().iter().map(|v| v.map(f64::from)).collect(),
        // Counts stay far below 2^53, so f64 holds them exactly.
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| v as f64)).collect(),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().collect(),
        _ => return Err(PrivacyError::WrongType { column: name.to_owned(), wanted: "a number" }),
    };
    let mut values = Int64Builder::with_capacity(numbers.len());
    let mut flags = BooleanBuilder::with_capacity(numbers.len());
    for number in numbers {
        let Some(number) = number else {
            values.append_null();
            flags.append_value(false);
            continue;
        };
        if number < 0.0 || !number.is_finite() {
            return Err(PrivacyError::NegativeCount { column: name.to_owned() });
        }
        summary.cells += 1;
        // A fraction above zero is somebody: it counts as one at the least.
        let whole = if number > 0.0 { (number.round() as i64).max(i64::from(policy.suppress_below > 1)) } else { 0 };
        let Some(shown) = policy.shown(whole) else {
            summary.suppressed += 1;
            values.append_null();
            flags.append_value(true);
            continue;
        };
        if shown != whole {
            summary.rounded += 1;
        }
        values.append_value(shown);
        flags.append_value(false);
    }
    Ok((Arc::new(values.finish()), Arc::new(flags.finish())))
}

/// Nearest multiple of `base`, halves upward.
fn round_to(value: i64, base: i64) -> i64 {
    if base <= 1 { value } else { (value + base / 2) / base * base }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use proptest::prelude::*;

    fn batch(values: &[i64]) -> RecordBatch {
        let ids: Vec<String> = (0..values.len()).map(|i| i.to_string()).collect();
        RecordBatch::try_from_iter([
            ("cell", Arc::new(StringArray::from(ids)) as ArrayRef),
            ("events", Arc::new(Int64Array::from(values.to_vec())) as ArrayRef),
        ])
        .unwrap()
    }

    fn nhs() -> Policy {
        Policy { suppress_below: 8, round_to: 5, reason: "NHS England".into() }
    }

    #[test]
    fn the_nhs_rule() {
        let out = disclose(&batch(&[0, 1, 7, 8, 12, 13, 100]), &["events"], &nhs()).unwrap();
        let shown: Vec<Option<i64>> = out.get()["events"].as_primitive::<Int64Type>().iter().collect();
        assert_eq!(shown, [Some(0), None, None, Some(10), Some(10), Some(15), Some(100)]);
        let flags: Vec<bool> = (0..7).map(|i| out.get()["events_suppressed"].as_boolean().value(i)).collect();
        assert_eq!(flags, [false, true, true, false, false, false, false]);
        assert_eq!((out.summary().cells, out.summary().suppressed, out.summary().rounded), (7, 2, 3));
    }

    #[test]
    fn the_strictest_rule_wins() {
        let dfe = Policy { suppress_below: 6, round_to: 10, reason: "DfE".into() };
        let both = Policy::strictest([&nhs(), &dfe, &Policy::open("open data")]);
        assert_eq!((both.suppress_below, both.round_to), (8, 10));
        assert_eq!(both.reason, "DfE; NHS England");
    }

    #[test]
    fn negative_counts_are_refused() {
        let out = disclose(&batch(&[3, -1]), &["events"], &nhs());
        assert!(matches!(out, Err(PrivacyError::NegativeCount { .. })));
    }

    #[test]
    fn derived_values_may_not_reveal() {
        let out = disclose(&batch(&[3, 100]), &["events"], &nhs()).unwrap();
        let mut fields: Vec<Field> = out.get().schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.push(Field::new("share", DataType::Float64, true));
        let mut columns = out.get().columns().to_vec();
        columns.push(Arc::new(Float64Array::from(vec![0.03, 0.97])));
        let derived = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let inputs = [("share".to_owned(), vec!["events".to_owned()])];
        assert!(matches!(out.with_derived(derived, &inputs), Err(PrivacyError::DerivedReveals { .. })));
    }

    proptest! {
        #[test]
        fn suppressed_is_null_and_flagged_and_never_zero(values in prop::collection::vec(0i64..60, 1..40)) {
            let out = disclose(&batch(&values), &["events"], &nhs()).unwrap();
            let shown = out.get()["events"].as_primitive::<Int64Type>();
            let flags = out.get()["events_suppressed"].as_boolean();
            for (i, v) in values.iter().enumerate() {
                prop_assert_eq!(flags.value(i), (1..8).contains(v));
                prop_assert_eq!(flags.value(i), shown.is_null(i));
                if !flags.value(i) {
                    prop_assert!((shown.value(i) - v).abs() <= 2);
                    prop_assert_eq!(shown.value(i) % 5, 0);
                    prop_assert_eq!(shown.value(i) == 0, *v == 0);
                }
            }
        }
    }
}

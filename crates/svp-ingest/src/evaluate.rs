//! Expressions over batches. One that fails on a value fails for its row alone.

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute;
use arrow::datatypes::DataType;

use crate::classes::KnownClasses;
use crate::error::IngestError;
use crate::plan::FeedPlan;
use crate::ready::Ready;

/// The values of an expression, and the rows on which it failed; their value is NULL.
pub(crate) struct Values {
    pub array: ArrayRef,
    pub failed: Vec<usize>,
}

/// Evaluates an expression over a batch; `known` are the classes of its columns.
///
/// # Errors
/// [`IngestError::Expression`] where even a NULL of its type cannot be made: a defect of the definition.
pub(crate) fn evaluate(
    plan: &FeedPlan,
    column: &str,
    ready: &Ready,
    batch: &RecordBatch,
    known: &KnownClasses,
) -> Result<Values, IngestError> {
    let broken = || IngestError::Expression { at: plan.at.clone(), column: column.to_owned() };
    if let Some(array) = attempt(ready, batch, known) {
        return Ok(Values { array, failed: Vec::new() });
    }
    let kind = match ready.expr.data_type(batch.schema_ref()).map_err(|_| broken())? {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        other => other,
    };
    let (mut parts, mut failed) = (Vec::new(), Vec::new());
    halves(ready, batch, 0, &kind, &mut parts, &mut failed);
    let parts: Vec<&dyn Array> = parts.iter().map(|p| p.as_ref()).collect();
    let array = compute::concat(&parts).map_err(|_| broken())?;
    Ok(Values { array, failed })
}

/// Halves a batch until the rows that fail are alone.
fn halves(
    ready: &Ready,
    batch: &RecordBatch,
    from: usize,
    kind: &DataType,
    parts: &mut Vec<ArrayRef>,
    failed: &mut Vec<usize>,
) {
    match attempt(ready, batch, &KnownClasses::default()) {
        Some(array) => parts.push(array),
        None if batch.num_rows() <= 1 => {
            parts.push(new_null_array(kind, batch.num_rows()));
            failed.extend((batch.num_rows() == 1).then_some(from));
        }
        None => {
            let half = batch.num_rows() / 2;
            halves(ready, &batch.slice(0, half), from, kind, parts, failed);
            halves(ready, &batch.slice(half, batch.num_rows() - half), from + half, kind, parts, failed);
        }
    }
}

/// The engine's own message can hold values, so it is dropped.
fn attempt(ready: &Ready, batch: &RecordBatch, known: &KnownClasses) -> Option<ArrayRef> {
    let array = ready.evaluate(batch, known)?;
    match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => compute::cast(&array, &DataType::Utf8).ok(),
        _ => Some(array),
    }
}

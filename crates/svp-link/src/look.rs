//! One pair, looked at: for the waterfall of `--explain`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use datafusion::prelude::SessionContext;

use crate::LinkError;
use crate::model::Counts;
use crate::resolve::Resolved;
use crate::steps::Steps;

/// How two records agree, and how common the values of each are; of the two rows that agree best. `ctx` still has the
/// tables of [`crate::resolve::resolve`]. `None` when a number is no record's.
///
/// # Errors
/// When a step fails.
pub async fn look(
    ctx: &SessionContext,
    found: &Resolved,
    a: usize,
    b: usize,
) -> Result<Option<(u64, Counts, Counts)>, LinkError> {
    let (Some(a), Some(b)) = (found.records.get(a), found.records.get(b)) else { return Ok(None) };
    let rows = |(first, n): (u32, u32)| first..first + n;
    let pairs = rows(a.rows).flat_map(|x| rows(b.rows).map(move |y| u64::from(x) << 32 | u64::from(y)));
    let schema = Arc::new(Schema::new(vec![Field::new("pair", DataType::UInt64, true)]));
    let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(pairs));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column])?;
    let steps = Steps::new(ctx, &|_| ());
    steps.put("07_agreement", "link_pair", schema, vec![vec![batch]])?;
    let (_, parts) = steps.run("07_agreement").await?;
    let Some(store) = &found.store else { return Ok(None) };
    let ready = found.model.ready();
    let mut best: Option<(f64, u64, u64)> = None;
    for batch in parts.iter().flatten() {
        let (pairs, patterns) =
            (batch.column(0).as_primitive::<UInt64Type>(), batch.column(1).as_primitive::<UInt64Type>());
        for (pair, pattern) in pairs.values().iter().zip(patterns.values()) {
            let of = |row: u64| store.counts(row as u32);
            let weight = found.model.weight(&ready, *pattern, &of(pair >> 32), &of(pair & 0xffff_ffff));
            if best.is_none_or(|(w, p, _)| weight > w || (weight == w && *pair < p)) {
                best = Some((weight, *pair, *pattern));
            }
        }
    }
    let of = |row: u64| store.counts(row as u32);
    Ok(best.map(|(_, pair, pattern)| (pattern, of(pair >> 32), of(pair & 0xffff_ffff))))
}

//! One pair, looked at: for the waterfall of `--explain`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt32Type, UInt64Type};
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
    steps.put("08_agreement", "link_pair", schema, vec![vec![batch]])?;
    let (_, parts) = steps.run("08_agreement", vec![]).await?;
    let counts = counts(ctx).await?;
    let logs = found.model.ready();
    let mut best: Option<(f64, u64, u64)> = None;
    for batch in parts.iter().flatten() {
        let (pairs, patterns) =
            (batch.column(0).as_primitive::<UInt64Type>(), batch.column(1).as_primitive::<UInt64Type>());
        for (pair, pattern) in pairs.values().iter().zip(patterns.values()) {
            let of = |row: u64| counts.get(row as usize).copied().unwrap_or_default();
            let weight = found.model.weight(&logs, *pattern, &of(pair >> 32), &of(pair & 0xffff_ffff));
            if best.is_none_or(|(w, p, _)| weight > w || (weight == w && *pair < p)) {
                best = Some((weight, *pair, *pattern));
            }
        }
    }
    let of = |row: u64| counts.get(row as usize).copied().unwrap_or_default();
    Ok(best.map(|(_, pair, pattern)| (pattern, of(pair >> 32), of(pair & 0xffff_ffff))))
}

async fn counts(ctx: &SessionContext) -> Result<Vec<Counts>, LinkError> {
    let step = |source| LinkError::Step { step: "02_counts", source };
    let mut out: Vec<(u32, Counts)> = Vec::new();
    for batch in ctx.table("link_count").await.map_err(step)?.collect().await.map_err(step)? {
        let rows = batch.column(0).as_primitive::<UInt32Type>();
        let n = |column: usize, i: usize| batch.column(column).as_primitive::<Float32Type>().value(i);
        out.extend((0..batch.num_rows()).map(|i| {
            let counts = Counts {
                forename: n(1, i),
                usual: n(2, i),
                surname: n(3, i),
                name: n(4, i),
                birth: n(5, i),
                birth_place: n(6, i),
                postcode: n(7, i),
                occupation: n(8, i),
            };
            (rows.value(i), counts)
        }));
    }
    out.sort_by_key(|(row, _)| *row);
    Ok(out.into_iter().map(|(_, counts)| counts).collect())
}

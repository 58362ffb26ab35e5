//! What falls out of a release: events outside its months.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{SessionContext, col, lit};

use crate::AnalyseError;
use crate::coverage::Months;

/// Events outside the months, or without one, by source, in the order of their names. `ctx` has `event` registered.
///
/// # Errors
/// When the events cannot be read.
pub async fn outside_months(ctx: &SessionContext, months: &Months) -> Result<Vec<(String, u64)>, AnalyseError> {
    counted(ctx, months)
        .await
        .map_err(|source| AnalyseError::Engine { what: "events outside the release".to_owned(), source })
}

async fn counted(ctx: &SessionContext, months: &Months) -> Result<Vec<(String, u64)>, DataFusionError> {
    let month = || col("month");
    let outside = month().lt(lit(&months.from)).or(month().gt(lit(&months.to))).or(month().is_null());
    let batches = ctx
        .table("event")
        .await?
        .filter(outside)?
        .aggregate(vec![col("source")], vec![count(lit(1)).alias("events")])?
        .collect()
        .await?;
    let mut out = Vec::new();
    for batch in &batches {
        let names = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let counts = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            out.push((names.value(row).to_owned(), u64::try_from(counts.value(row)).unwrap_or_default()));
        }
    }
    out.sort();
    Ok(out)
}

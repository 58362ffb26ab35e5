//! What the linkage reads: the person records of a lake, without numbers that are nobody's.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, UInt64Array};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionContext, cast, lit};
use svp_contract::Linkage;

use crate::LinkError;
use crate::resolve::batch;
use crate::steps::Steps;

/// `person_record` as `link_source`: columns that the lake has not, since an earlier version filled it, are NULL.
pub(crate) async fn source(ctx: &SessionContext) -> Result<(), LinkError> {
    let step = |source| LinkError::Step { step: "01_records", source };
    let mut frame = ctx.table("person_record").await.map_err(step)?;
    for (column, kind) in [("forename_common", DataType::Boolean), ("birth_order", DataType::Int32)] {
        if !frame.schema().has_column_with_unqualified_name(column) {
            frame = frame.with_column(column, cast(lit(ScalarValue::Null), kind)).map_err(step)?;
        }
    }
    ctx.deregister_table("link_source").map_err(step)?;
    ctx.register_table("link_source", frame.into_view()).map_err(step)?;
    Ok(())
}

/// Takes numbers that too many people share out of `link_record`; how many there were.
pub(crate) async fn shared_numbers(steps: &Steps<'_>, linkage: &Linkage) -> Result<u64, LinkError> {
    let (_, parts) = steps.run("02_shared").await?;
    let (mut kinds, mut shared) = (Vec::new(), Vec::new());
    for batch in parts.iter().flatten() {
        let (kind, number) =
            (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<UInt64Type>());
        let people = batch.column(2).as_primitive::<Int64Type>();
        for row in (0..batch.num_rows()).filter(|row| people.value(*row) as u64 > linkage.numbers.people) {
            kinds.push(kind.value(row));
            shared.push(number.value(row));
        }
    }
    if shared.is_empty() {
        return Ok(0);
    }
    let n = shared.len() as u64;
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(kinds)), Arc::new(UInt64Array::from(shared))];
    let (schema, batches) = batch(&[("kind", DataType::Int64), ("number", DataType::UInt64)], columns)?;
    steps.put("02_shared", "link_shared", schema, batches)?;
    steps.table("02_unshared", "link_record").await?;
    Ok(n)
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    /// A lake that was filled before these columns were known is linked all the same, as if nobody had looked.
    #[tokio::test]
    async fn columns_that_an_older_lake_has_not_are_missing() {
        let limits = svp_lake::Limits { memory_bytes: None, threads: 1, spill_dir: None };
        let ctx = svp_lake::session(&limits).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("person_record_id", DataType::Utf8, true)]));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec!["a", "b"]))]).unwrap();
        ctx.register_batch("person_record", batch).unwrap();
        source(&ctx).await.unwrap();
        let sql = "SELECT person_record_id FROM link_source WHERE forename_common IS NULL AND birth_order IS NULL";
        assert_eq!(ctx.sql(sql).await.unwrap().count().await.unwrap(), 2);
    }
}

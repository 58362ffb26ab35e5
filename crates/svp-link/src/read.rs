//! From the table of person records to the rows that are judged: the steps that are SQL.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt64Type};
use datafusion::common::ScalarValue;
use datafusion::common::runtime::JoinSet;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, cast, lit};
use futures::StreamExt;
use svp_contract::Linkage;
use svp_contract::comparison::{ROW_COLUMNS, RowKind};

use crate::rows::{Record, Rows};
use crate::steps::{Steps, failed};
use crate::values::{self, Part, Values};
use crate::{LinkError, functions};

/// Reads `records`, a table of the stored columns of `person_record`. Gives the rows, and how many numbers were taken out because
/// too many people stand under them.
///
/// # Errors
/// When a step fails.
pub(crate) async fn read(steps: &Steps<'_>, records: DataFrame, linkage: &Linkage) -> Result<(Rows, u64), LinkError> {
    steps.begin("read");
    source(steps, records)?;
    let values = Arc::new(numbered_records(steps).await?);
    let shared = shared_numbers(steps, linkage).await?;
    steps.begin("rows");
    steps.table("02_several", "link_several").await?;
    functions::register_digest(steps.ctx(), Arc::clone(&values));
    let (_, parts) = steps.run("03_rows").await?;
    Ok((Rows::new(parts.into_iter().flatten().collect(), values)?, shared))
}

/// Puts the records into `link_record`, with numbers in place of texts and encodings; gives the values. A batch is held no longer than
/// its values are looked up: sealed chunks are opened one by one in each thread, and what is kept of them is narrow.
async fn numbered_records(steps: &Steps<'_>) -> Result<Values, LinkError> {
    let step = failed("01_records");
    let plan = steps.frame("01_records").await?.execute_stream_partitioned().await.map_err(&step)?;
    let mut reading = JoinSet::new();
    for mut batches in plan {
        reading.spawn(async move {
            let mut part = Part::default();
            while let Some(batch) = batches.next().await {
                part.push(&batch.map_err(failed("01_records"))?)?;
            }
            Ok::<_, LinkError>(part)
        });
    }
    let mut parts = Vec::new();
    while let Some(part) = reading.join_next().await {
        parts.push(part.map_err(|e| step(DataFusionError::ExecutionJoin(Box::new(e))))??);
    }
    let (values, batches) = values::gather(parts, steps.threads())?;
    let schema = batches.iter().flatten().next().map(RecordBatch::schema);
    let schema = schema.unwrap_or_else(values::empty_schema);
    steps.put("01_records", "link_record", schema, steps.dealt(batches))?;
    Ok(values)
}

/// The records as `link_source`: columns that they have not are NULL.
fn source(steps: &Steps<'_>, mut records: DataFrame) -> Result<(), LinkError> {
    let step = failed("01_records");
    for column in &ROW_COLUMNS {
        if !records.schema().has_column_with_unqualified_name(column.stored) {
            let kind = match column.kind {
                RowKind::Encoding(_) => DataType::Binary,
                RowKind::Number | RowKind::Key | RowKind::Sex => DataType::Utf8,
                RowKind::Flag => DataType::Boolean,
                RowKind::Count => DataType::Int32,
            };
            records = records.with_column(column.stored, cast(lit(ScalarValue::Null), kind)).map_err(&step)?;
        }
    }
    steps.ctx().register_table("link_source", records.into_view()).map_err(&step)?;
    Ok(())
}

/// Takes numbers that too many people share out of `link_record`; how many there were.
async fn shared_numbers(steps: &Steps<'_>, linkage: &Linkage) -> Result<u64, LinkError> {
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
    let fields = [("kind", DataType::Int64), ("number", DataType::UInt64)].map(|(n, t)| Field::new(n, t, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    steps.put("02_shared", "link_shared", schema, vec![vec![batch]])?;
    steps.table("02_unshared", "link_record").await?;
    Ok(n)
}

/// Values that no two records of a source share if it has each person once: the national numbers, and name with date of birth.
const STRONG: [&str; 3] = ["nhs", "upn", "key_usual_name_birth"];

/// Records of a source that has each person once, and yet share a strong value with another record of it, by source. `dedup_source`:
/// for each record the number of its source, if that has each person once.
pub(crate) fn unexpected_duplicates(
    rows: &Rows,
    records: &[Record],
    record_of_row: &[u32],
    dedup_source: &[Option<u32>],
) -> Result<BTreeMap<String, u64>, LinkError> {
    let mut out = BTreeMap::new();
    if dedup_source.iter().all(Option::is_none) {
        return Ok(out);
    }
    let mut holders: HashMap<(u32, usize, u64), BTreeSet<u32>> = HashMap::new();
    for (column, name) in STRONG.into_iter().enumerate() {
        for (first, tokens) in rows.numbers(name)? {
            for i in (0..tokens.len()).filter(|i| !tokens.is_null(*i)) {
                let record = record_of_row[first + i];
                if let Some(source) = dedup_source[record as usize] {
                    holders.entry((source, column, tokens.value(i))).or_default().insert(record);
                }
            }
        }
    }
    let doubled: BTreeSet<u32> = holders.into_values().filter(|records| records.len() > 1).flatten().collect();
    for record in doubled {
        *out.entry(records[record as usize].source.clone()).or_default() += 1;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    /// A lake that was filled before a column was known is linked all the same, as if nobody had looked.
    #[tokio::test]
    async fn columns_that_the_records_have_not_are_missing() {
        let limits = svp_lake::Limits { memory_bytes: None, threads: 1, spill_dir: None };
        let ctx = svp_lake::session(&limits).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("person_record_id", DataType::Utf8, true)]));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec!["a", "b"]))]).unwrap();
        let records = ctx.read_batch(batch).unwrap();
        let steps = Steps::new(ctx, &|_| ());
        source(&steps, records).unwrap();
        let sql = "SELECT person_record_id FROM link_source
                   WHERE forename_common IS NULL AND birth_order IS NULL AND enc_birth IS NULL AND token_nhs IS NULL";
        assert_eq!(steps.ctx().sql(sql).await.unwrap().count().await.unwrap(), 2);
    }
}

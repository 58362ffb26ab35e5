//! Revisions: what a slot held before, and records that come again in a later file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Int64Type;
use datafusion::common::JoinType;
use datafusion::datasource::MemTable;
use datafusion::functions_aggregate::expr_fn::{count_distinct, max};
use datafusion::prelude::{SessionContext, col, lit};
use futures::StreamExt;
use svp_lake::{PartWriter, RunTxn};

use crate::error::IngestError;
use crate::load::{LoadedFile, Previous};

/// Tables whose rows belong to a record, and the column that names it.
const RECORD_TABLES: [(&str, &str, &str); 4] = [
    ("canonical", "event", "event_id"),
    ("canonical", "party", "event_id"),
    ("canonical", "episode", "episode_id"),
    ("linkage", "person_record", "event_id"),
];

fn engine(what: &'static str) -> impl Fn(datafusion::error::DataFusionError) -> IngestError {
    // The engine's message can hold values; the step is enough to find the place.
    move |_| IngestError::Definition { at: "revision".to_owned(), what: format!("the step `{what}` failed") }
}

/// What the slots that are about to be superseded hold. `ctx` has the transaction's tables registered.
///
/// # Errors
/// When the lake cannot be read.
pub async fn previous(
    ctx: &SessionContext,
    slots: &[(String, String)],
) -> Result<HashMap<(String, String), Previous>, IngestError> {
    let mut out = HashMap::new();
    for (source, slot) in slots {
        let mut found = Previous::default();
        let rows = ctx
            .table("event")
            .await
            .map_err(engine("open"))?
            .filter(col("source").eq(lit(source)).and(col("slot").eq(lit(slot))))
            .map_err(engine("filter"))?
            .select_columns(&["event_id", "row_digest", "identified"])
            .map_err(engine("select"))?
            .collect()
            .await
            .map_err(engine("read"))?;
        for batch in rows {
            found.rows += batch.num_rows() as u64;
            let ids = batch.column(0).as_string::<i32>();
            let digests = batch.column(1).as_primitive::<Int64Type>();
            let identified = batch.column(2).as_boolean();
            for row in 0..batch.num_rows() {
                if identified.is_valid(row) && identified.value(row) {
                    found.digests.insert(ids.value(row).to_owned(), digests.value(row));
                }
            }
        }
        out.insert((source.clone(), slot.clone()), found);
    }
    Ok(out)
}

/// Removes the rows of records that come again in a later file, for the sources that revise by record.
/// Rewrites only the slots that hold such rows. Returns the number of records superseded by source and slot.
///
/// # Errors
/// When the lake cannot be read or written.
pub async fn revise(
    ctx: &SessionContext,
    txn: &RunTxn,
    files: &[LoadedFile],
    sources: &BTreeSet<String>,
) -> Result<BTreeMap<String, u64>, IngestError> {
    let mut told = BTreeMap::new();
    let live: Vec<&LoadedFile> = files.iter().filter(|f| !f.superseded && sources.contains(&f.source)).collect();
    if live.len() < 2 {
        return Ok(told);
    }
    let order = RecordBatch::try_from_iter([
        ("o_source", Arc::new(StringArray::from_iter_values(live.iter().map(|f| f.source.as_str()))) as ArrayRef),
        ("o_slot", Arc::new(StringArray::from_iter_values(live.iter().map(|f| f.slot.as_str()))) as ArrayRef),
        (
            "seq",
            Arc::new(Int64Array::from_iter_values(live.iter().map(|f| i64::try_from(f.seq).unwrap_or(i64::MAX))))
                as ArrayRef,
        ),
    ])
    .map_err(|source| IngestError::Arrow { at: "revision".to_owned(), source })?;
    let order = || ctx.read_batch(order.clone()).map_err(engine("order"));

    let mut rewritten = false;
    for (zone, table, id) in RECORD_TABLES {
        if !ctx.table_exist(table).map_err(engine("look up"))? {
            continue;
        }
        let placed = ctx
            .table(table)
            .await
            .map_err(engine("open"))?
            .select(vec![col("source"), col("slot"), col(id).alias("record")])
            .map_err(engine("select"))?
            .join(order()?, JoinType::Inner, &["source", "slot"], &["o_source", "o_slot"], None)
            .map_err(engine("place"))?;
        let again = placed
            .clone()
            .aggregate(
                vec![col("record").alias("again"), col("source").alias("a_source")],
                vec![max(col("seq")).alias("latest"), count_distinct(col("slot")).alias("slots")],
            )
            .map_err(engine("group"))?
            .filter(col("slots").gt(lit(1)))
            .map_err(engine("repeats"))?;
        let superseded = placed
            .join(
                again,
                JoinType::Inner,
                &["record", "source"],
                &["again", "a_source"],
                Some(col("seq").lt(col("latest"))),
            )
            .map_err(engine("superseded"))?
            .select(vec![col("source").alias("s_source"), col("slot").alias("s_slot"), col("record")])
            .map_err(engine("select"))?
            .distinct()
            .map_err(engine("distinct"))?
            .collect()
            .await
            .map_err(engine("superseded"))?;
        let mut slots: BTreeMap<(String, String), u64> = BTreeMap::new();
        for batch in &superseded {
            let (sources, names) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            for row in 0..batch.num_rows() {
                *slots.entry((sources.value(row).to_owned(), names.value(row).to_owned())).or_default() += 1;
            }
        }
        let Some(schema) = superseded.first().map(RecordBatch::schema) else { continue };
        if slots.is_empty() {
            continue;
        }
        let gone = MemTable::try_new(schema, vec![superseded]).map_err(engine("remember"))?;
        let gone = ctx.read_table(Arc::new(gone)).map_err(engine("remember"))?;
        let touched = slots.keys().fold(lit(false), |any, (source, slot)| {
            any.or(col("source").eq(lit(source)).and(col("slot").eq(lit(slot))))
        });
        let kept = ctx
            .table(table)
            .await
            .map_err(engine("open"))?
            .filter(touched)
            .map_err(engine("filter"))?
            .join(gone, JoinType::LeftAnti, &["source", "slot", id], &["s_source", "s_slot", "record"], None)
            .map_err(engine("keep"))?;
        let mut writers: BTreeMap<(String, String), PartWriter> = BTreeMap::new();
        for (source, slot) in slots.keys() {
            let partition = [("source", source.as_str()), ("slot", slot.as_str())];
            txn.replace_partition(zone, table, &partition)?;
            writers.insert((source.clone(), slot.clone()), txn.part(zone, table, &partition, "revised")?);
        }
        let mut stream = kept.execute_stream().await.map_err(engine("read"))?;
        while let Some(batch) = stream.next().await {
            for (slot, rows) in by_slot(&batch.map_err(engine("read"))?)? {
                if let Some(writer) = writers.get_mut(&slot) {
                    writer.write(&rows).await?;
                }
            }
        }
        for writer in writers.into_values() {
            if writer.rows() > 0 {
                txn.append(writer.finish().await?)?;
            }
        }
        rewritten = true;
        if table == "event" || table == "episode" {
            for ((source, slot), count) in slots {
                *told.entry(format!("{source}/{slot}")).or_default() += count;
            }
        }
    }
    if rewritten {
        txn.commit_tables().await?;
        txn.register(ctx).await?;
    }
    Ok(told)
}

/// Takes a batch apart by source and slot.
fn by_slot(batch: &RecordBatch) -> Result<BTreeMap<(String, String), RecordBatch>, IngestError> {
    let text = |name: &str| batch.column_by_name(name).map(|c| c.as_string::<i32>());
    let (Some(sources), Some(slots)) = (text("source"), text("slot")) else { return Ok(BTreeMap::new()) };
    let mut rows: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        rows.entry((sources.value(row).to_owned(), slots.value(row).to_owned()))
            .or_default()
            .push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    rows.into_iter()
        .map(|(slot, rows)| {
            let taken = take_record_batch(batch, &UInt32Array::from(rows));
            taken.map(|b| (slot, b)).map_err(|source| IngestError::Arrow { at: "revision".to_owned(), source })
        })
        .collect()
}

//! Revisions: what a slot held before, and records that several files hold.
//!
//! Of a record that several files of a source hold, the newest knowledge counts, in whatever order the files came. The rows of
//! the others are put aside, in a table of their own, and come back when the file that superseded them goes: so the tables hold
//! the same rows after any order of deliveries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};
use futures::StreamExt;
use svp_contract::{Revises, Table};
use svp_lake::{Rewrite, RunTxn};

use crate::elsewhere::{beside, is_of_area};
use crate::error::IngestError;
use crate::load::{Previous, QUARANTINE, SourcePlan};
use crate::loaded_file::LoadedFile;
use crate::repeats::{FreshIds, repeats};

/// A table whose rows belong to records, as its schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordTable {
    pub zone: String,
    pub name: String,
    /// The column that names the record.
    pub record: String,
    /// A row of it is a record itself.
    pub counts: bool,
    /// It has columns that depend on an area, and so a table beside it.
    pub of_area: bool,
}

/// The tables among `tables` that sources fill.
pub(crate) fn record_tables(tables: &[Table]) -> Vec<RecordTable> {
    let of = |t: &Table| {
        let record = t.record.clone()?;
        let (zone, name) = (t.zone.clone(), t.name.clone());
        Some(RecordTable { zone, name, record, counts: t.counts_records, of_area: is_of_area(t) })
    };
    tables.iter().filter_map(of).collect()
}

/// What the name of a table with superseded rows ends with.
const ASIDE: &str = "_superseded";

pub(crate) fn aside(table: &str) -> String {
    format!("{table}{ASIDE}")
}

/// The table of which a table holds the superseded rows; its own name for every other table.
#[must_use]
pub fn table_of(name: &str) -> &str {
    name.strip_suffix(ASIDE).unwrap_or(name)
}

/// The tables of superseded rows: zone, name and schema of each, partitioned as the tables are.
#[must_use]
pub fn superseded_tables(tables: &[Table]) -> Vec<(String, String, SchemaRef)> {
    let of_records = tables.iter().filter(|t| t.record.is_some());
    of_records.map(|t| (t.zone.clone(), aside(&t.name), t.stored_schema())).collect()
}

/// The engine's message can hold values: it is kept as the cause and not shown.
pub(crate) fn engine(step: &'static str) -> impl Fn(DataFusionError) -> IngestError {
    move |source| IngestError::Revision { step, source: Box::new(source) }
}

/// Drops every row of a slot from the tables among `tables` that sources fill, and from quarantine.
///
/// # Errors
/// When the transaction refuses.
pub fn drop_slot(txn: &RunTxn, tables: &[Table], source: &str, slot: &str) -> Result<(), IngestError> {
    drop_rows(txn, &record_tables(tables), source, slot)
}

pub(crate) fn drop_rows(txn: &RunTxn, tables: &[RecordTable], source: &str, slot: &str) -> Result<(), IngestError> {
    let partition = [("source", source), ("slot", slot)];
    for table in tables {
        txn.replace_partition(&table.zone, &table.name, &partition)?;
        txn.replace_partition(&table.zone, &aside(&table.name), &partition)?;
        if table.of_area {
            txn.replace_partition(&table.zone, &beside(&table.name), &partition)?;
        }
    }
    Ok(txn.replace_partition("quality", QUARANTINE, &partition)?)
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
            .and_then(|t| t.filter(col("source").eq(lit(source)).and(col("slot").eq(lit(slot)))))
            .and_then(|t| t.select_columns(&["event_id", "row_digest", "identified"]))
            .map_err(engine("previous"))?;
        for batch in rows.collect().await.map_err(engine("previous"))? {
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

/// The live files of some sources in the order of knowledge, the newest last: by the day of which they know, then by release,
/// then by the order of loading.
fn in_order_of_knowledge<'a>(
    files: &'a [LoadedFile],
    plans: &[SourcePlan],
    sources: &dyn Fn(&str) -> bool,
) -> Vec<&'a LoadedFile> {
    let plan = |source: &str| plans.iter().find(|p| p.source.name == source);
    let mut live: Vec<&LoadedFile> = files.iter().filter(|f| !f.superseded && sources(&f.source)).collect();
    live.sort_by_cached_key(|f| (f.knowledge(plan(&f.source)), f.seq));
    live
}

/// What a revision did: number of records by source and slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revised {
    /// Records that a newer file supersedes now.
    pub superseded: BTreeMap<(String, String), u64>,
    /// Records that are the newest again, since the file that superseded them went.
    pub returned: BTreeMap<(String, String), u64>,
    /// Records that a newer slot of a source that revises by file holds too, and that are counted in both.
    pub in_both: BTreeMap<(String, String), u64>,
    /// Records of a slot whose ids another sender's slot holds too.
    pub of_several_senders: BTreeMap<(String, String), u64>,
    /// Records of a slot that supersede others, and how many of these happened in another month.
    pub elsewhere: BTreeMap<(String, String), (u64, u64)>,
    /// People of a slot whose id another slot has too, and how many of these were born on another day there.
    pub other_people: BTreeMap<(String, String), (u64, u64)>,
    /// Records of a slot that supersede others and name fewer people than those.
    pub fewer_parties: BTreeMap<(String, String), u64>,
}

/// Puts the rows of records aside that a newer file holds too, and brings back those that no newer file holds any longer, for
/// the sources that `changed`. Of a source that revises by file, this is done where a slot repeats a share of another; single
/// records stay in both. Rewrites only slots that change. `fresh` are the ids of slots that were just loaded, as far as they are known.
///
/// # Errors
/// When the lake cannot be read or written.
pub async fn revise(
    ctx: &SessionContext,
    txn: &RunTxn,
    tables: &[Table],
    plans: &[SourcePlan],
    files: &[LoadedFile],
    changed: &BTreeSet<String>,
    fresh: &FreshIds,
) -> Result<Revised, IngestError> {
    let tables = record_tables(tables);
    let of_people =
        |plan: &&SourcePlan| changed.contains(&plan.source.name) && plan.feeds().any(|f| f.fills("person_record"));
    let people: BTreeSet<String> = plans.iter().filter(of_people).map(|p| p.source.name.clone()).collect();
    let other_people = if people.is_empty() { BTreeMap::new() } else { other_people(ctx, &people).await? };
    let mut done = Revised { other_people, ..Revised::default() };
    let in_order = in_order_of_knowledge(files, plans, &|source| changed.contains(source));
    let mut order: Vec<(&LoadedFile, i64)> = in_order.into_iter().zip(0..).collect();
    for source in changed {
        let own = order.iter().filter(|(f, _)| f.source == *source);
        let places: BTreeMap<String, i64> = own.map(|(f, place)| (f.slot.clone(), *place)).collect();
        if !plans.iter().any(|p| p.source.name == *source && p.source.files.revises == Revises::File) {
            continue;
        }
        let repeats = repeats(ctx, &tables, source, &places, fresh).await?;
        if repeats.one_delivery {
            continue;
        }
        done.in_both.extend(repeats.older.into_iter().map(|(slot, n)| ((source.clone(), slot), n)));
        if repeats.aside {
            order.iter_mut().filter(|(f, _)| f.source == *source).for_each(|(_, place)| *place = 0);
        } else {
            order.retain(|(f, _)| f.source != *source);
        }
    }
    if !order.is_empty() {
        settle(ctx, txn, &tables, &order, &mut done).await?;
    }
    Ok(done)
}

/// Rows of some sources, where the table holds them apart by source.
async fn rows_of(ctx: &SessionContext, table: &str, sources: &[Expr]) -> Result<DataFrame, IngestError> {
    let rows = ctx.table(table).await.and_then(|t| t.filter(col("source").in_list(sources.to_vec(), false)));
    rows.map_err(engine("open"))
}

/// Lets the newest of several places of each record count. `order` gives the place of each live file.
async fn settle(
    ctx: &SessionContext,
    txn: &RunTxn,
    tables: &[RecordTable],
    order: &[(&LoadedFile, i64)],
    done: &mut Revised,
) -> Result<(), IngestError> {
    let names: BTreeSet<&str> = order.iter().map(|(f, _)| f.source.as_str()).collect();
    let sources: Vec<Expr> = names.into_iter().map(lit).collect();
    let text = |f: &dyn Fn(&LoadedFile) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(order.iter().map(|(file, _)| f(file))))
    };
    let places = Arc::new(Int64Array::from_iter_values(order.iter().map(|(_, place)| *place))) as ArrayRef;
    let columns = [
        ("source", text(&|f| f.source.clone())),
        ("slot", text(&|f| f.slot.clone())),
        ("sender", text(&|f| f.sender.clone().unwrap_or_default())),
        ("place", places),
    ];
    let order = RecordBatch::try_from_iter(columns)
        .map_err(|source| IngestError::Arrow { at: "revision".to_owned(), source })?;
    put(ctx, "slot_order", order.schema(), vec![order])?;
    let mut every: Option<DataFrame> = None;
    let mut any_aside = false;
    for RecordTable { name: table, record: id, .. } in tables {
        for (name, put_aside) in [(table.clone(), false), (aside(table), true)] {
            let rows = rows_of(ctx, &name, &sources).await?;
            if put_aside && !any_aside {
                any_aside =
                    rows.clone().limit(0, Some(1)).map_err(engine("open"))?.count().await.map_err(engine("open"))? > 0;
            }
            let named = rows
                .select(vec![col("source"), col("slot"), col(id.as_str()).alias("record")])
                .map_err(engine("open"))?;
            every = Some(match every {
                Some(before) => before.union(named).map_err(engine("open"))?,
                None => named,
            });
        }
    }
    if let Some(every) = every {
        view(ctx, "record_every", every)?;
    }
    let (schema, newest) = ask(ctx, include_str!("sql/newest.sql"), "newest").await?;
    let repeated = newest.iter().any(|batch| batch.num_rows() > 0);
    put(ctx, "record_newest", schema, newest)?;
    if repeated {
        let told = [
            (include_str!("sql/of_several_senders.sql"), "senders", &mut done.of_several_senders),
            (include_str!("sql/fewer_parties.sql"), "parties", &mut done.fewer_parties),
        ];
        for (sql, what, counts) in told {
            for batch in ask(ctx, sql, what).await?.1 {
                let (sources, names) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
                let records = batch.column(2).as_primitive::<Int64Type>();
                for row in 0..batch.num_rows() {
                    let slot = (sources.value(row).to_owned(), names.value(row).to_owned());
                    counts.insert(slot, records.value(row).unsigned_abs());
                }
            }
        }
    }
    if repeated {
        done.elsewhere = by_slot(&ask(ctx, include_str!("sql/contradicted.sql"), "contradicted").await?.1);
    }
    let mut written = false;
    for RecordTable { zone, name: table, record: id, counts, .. } in tables.iter().filter(|_| repeated || any_aside) {
        for (name, of) in [("record_live", table.clone()), ("record_aside", aside(table))] {
            let rows =
                rows_of(ctx, &of, &sources).await?.with_column("record", col(id.as_str())).map_err(engine("open"))?;
            view(ctx, name, rows)?;
        }
        let (schema, touched) = ask(ctx, include_str!("sql/touched.sql"), "touched").await?;
        let mut slots: Vec<[String; 2]> = Vec::new();
        for batch in &touched {
            let (sources, names) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            let (gone, back) =
                (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                let slot = (sources.value(row).to_owned(), names.value(row).to_owned());
                slots.push([slot.0.clone(), slot.1.clone()]);
                if *counts {
                    for (counts, n) in [(&mut done.superseded, gone.value(row)), (&mut done.returned, back.value(row))]
                    {
                        if n > 0 {
                            *counts.entry(slot.clone()).or_default() += n.unsigned_abs();
                        }
                    }
                }
            }
        }
        if slots.is_empty() {
            continue;
        }
        slots.sort();
        put(ctx, "slot_touched", schema, touched)?;
        let rows = ctx.sql(include_str!("sql/settled.sql")).await.map_err(engine("settled"))?;
        let rows = rows.drop_columns(&["record"]).map_err(engine("settled"))?;
        let mut live = Rewrite::begin(txn, zone, table, &slots, "revised")?;
        let mut put_aside = Rewrite::begin(txn, zone, &aside(table), &slots, "revised")?;
        let mut stream = rows.execute_stream().await.map_err(engine("settled"))?;
        while let Some(batch) = stream.next().await {
            let (current, superseded) = parted(&batch.map_err(engine("settled"))?)?;
            live.write(&current).await?;
            put_aside.write(&superseded).await?;
        }
        live.finish().await?;
        put_aside.finish().await?;
        written = true;
    }
    for name in ["slot_order", "record_every", "record_newest", "slot_touched", "record_live", "record_aside"] {
        ctx.deregister_table(name).map_err(engine("forget"))?;
    }
    if written {
        txn.commit_tables().await?;
        txn.register(ctx).await?;
    }
    Ok(())
}

/// Takes a batch apart by its last column, `superseded`.
fn parted(batch: &RecordBatch) -> Result<(RecordBatch, RecordBatch), IngestError> {
    let failed = |source| IngestError::Arrow { at: "revision".to_owned(), source };
    let last = batch.num_columns() - 1;
    let superseded: BooleanArray = batch.column(last).as_boolean().clone();
    let rows = batch.project(&(0..last).collect::<Vec<_>>()).map_err(failed)?;
    let current = filter_record_batch(&rows, &not(&superseded).map_err(failed)?).map_err(failed)?;
    Ok((current, filter_record_batch(&rows, &superseded).map_err(failed)?))
}

/// Two counts by source and slot.
pub(crate) fn by_slot(batches: &[RecordBatch]) -> BTreeMap<(String, String), (u64, u64)> {
    let mut out = BTreeMap::new();
    for batch in batches {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        let count =
            |column: usize, row: usize| batch.column(column).as_primitive::<Int64Type>().value(row).unsigned_abs();
        for row in 0..batch.num_rows() {
            out.insert((text(0, row), text(1, row)), (count(2, row), count(3, row)));
        }
    }
    out
}

/// People whose id stands in several slots of a source, by slot, and those of them who were born on another day in another slot.
async fn other_people(
    ctx: &SessionContext,
    changed: &BTreeSet<String>,
) -> Result<BTreeMap<(String, String), (u64, u64)>, IngestError> {
    let sources: Vec<Expr> = changed.iter().map(|s| lit(s.as_str())).collect();
    let every = |rows: DataFrame| {
        rows.select(vec![
            col("source"),
            col("slot"),
            col("person_record_id").alias("person"),
            col("token_dob").alias("born"),
        ])
    };
    let live = every(rows_of(ctx, "person_record", &sources).await?).map_err(engine("people"))?;
    let put_aside = every(rows_of(ctx, &aside("person_record"), &sources).await?).map_err(engine("people"))?;
    view(ctx, "person_every", live.union(put_aside).map_err(engine("people"))?)?;
    let found = by_slot(&ask(ctx, include_str!("sql/other_people.sql"), "people").await?.1);
    ctx.deregister_table("person_every").map_err(engine("forget"))?;
    Ok(found)
}

pub(crate) async fn ask(
    ctx: &SessionContext,
    sql: &str,
    step: &'static str,
) -> Result<(SchemaRef, Vec<RecordBatch>), IngestError> {
    let frame = ctx.sql(sql).await.map_err(engine(step))?;
    let schema = SchemaRef::new(frame.schema().as_arrow().clone());
    Ok((schema, frame.collect().await.map_err(engine(step))?))
}

pub(crate) fn view(ctx: &SessionContext, name: &str, rows: DataFrame) -> Result<(), IngestError> {
    let name = TableReference::bare(name);
    ctx.deregister_table(name.clone()).map_err(engine("open"))?;
    ctx.register_table(name, rows.into_view()).map_err(engine("open"))?;
    Ok(())
}

pub(crate) fn put(
    ctx: &SessionContext,
    name: &str,
    schema: SchemaRef,
    rows: Vec<RecordBatch>,
) -> Result<(), IngestError> {
    let table = MemTable::try_new(schema, vec![rows]).map_err(engine("remember"))?;
    let name = TableReference::bare(name);
    ctx.deregister_table(name.clone()).map_err(engine("remember"))?;
    ctx.register_table(name, Arc::new(table)).map_err(engine("remember"))?;
    Ok(())
}

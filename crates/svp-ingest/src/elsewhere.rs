//! One lake, many areas: the columns that depend on the area that asks.
//!
//! In which small area and district a point lies, and whether that is in the area, follows from the reference data and districts of
//! an area. What a row carries of it holds for the area that loaded the row. For every other area, and for the same one when its
//! districts, boundaries or lookups have changed, these columns are derived anew from the point, the codes as sent and the force,
//! which depend on nobody. They stand in a table beside (`event_place`), by area, so that they are derived once; [`overlay`] puts
//! them in the place of the stored ones before anybody counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{JoinType, ScalarValue, TableReference};
use datafusion::logical_expr::{cast, when};
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};
use futures::StreamExt;
use svp_contract::{Area, Column, Source, Table, canonical};
use svp_lake::{Rewrite, RunTxn};

use crate::desk::{Need, needs_of, reference_digests, short, told};
use crate::error::IngestError;
use crate::loaded_file::LoadedFile;
use crate::reference::SiteLists;
use crate::revise::engine;

/// What the name of a table beside ends with.
const BESIDE: &str = "_place";
/// What columns of the table beside begin with while both are joined.
const OTHER: &str = "beside_";

/// The name of the table that stands beside one whose columns depend on an area.
pub(crate) fn beside(table: &str) -> String {
    format!("{table}{BESIDE}")
}

/// Whether a table has columns that depend on the area.
pub(crate) fn is_of_area(table: &Table) -> bool {
    table.columns.iter().any(|c| c.of_area)
}

/// The tables with columns that depend on the area, each with the name of its record column.
fn placed(tables: &[Table]) -> impl Iterator<Item = (&Table, &str)> {
    tables.iter().filter(|t| is_of_area(t)).filter_map(|t| Some((t, t.record.as_deref()?)))
}

fn columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|c| c.of_area)
}

/// The tables beside: zone, name and columns of each, partitioned by source and slot. A row is a record as one area sees it.
#[must_use]
pub fn tables_beside(tables: &[Table]) -> Vec<(String, String, SchemaRef)> {
    let of = |(table, record): (&Table, &str)| {
        let texts = [record, "area", "reference", "source", "slot"];
        let mut fields: Vec<Field> = texts.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        fields.extend(columns(table).map(|c| Field::new(&c.name, c.kind.arrow(), true)));
        (table.zone.clone(), beside(&table.name), Arc::new(Schema::new(fields)) as SchemaRef)
    };
    placed(tables).map(of).collect()
}

/// Columns of a table that the source gives itself: they are as it sent them, for every area.
fn sent<'a>(source: &'a Source, tables: &'a [Table], table: &str) -> BTreeSet<&'a str> {
    let of_table = |feed: &'a svp_contract::Feed| feed.targets(tables).filter(|(t, _)| t.name == table);
    source.feeds.iter().flat_map(of_table).flat_map(|(_, mapping)| mapping.keys().map(String::as_str)).collect()
}

/// The columns of a table that are derived by area for a source, in the order of the schema.
fn derived<'a>(source: &Source, tables: &[Table], table: &'a Table) -> Vec<(&'a Column, &'a str)> {
    let sent = sent(source, tables, &table.name);
    columns(table).filter(|c| !sent.contains(c.name.as_str())).filter_map(|c| Some((c, c.derive.as_deref()?))).collect()
}

/// The digest, by source, of everything of an area that decides the columns which depend on it. Sources whose rows have no such
/// column are not in it. `root` is the folder of the area's reference data.
///
/// # Errors
/// A reference file that is not there or cannot be read.
pub fn reference_of<'a>(
    sources: impl IntoIterator<Item = &'a Source>,
    tables: &[Table],
    area: &Area,
    root: &str,
    lists: SiteLists<'_>,
) -> Result<BTreeMap<String, String>, IngestError> {
    let wanted = |source: &Source| -> BTreeSet<Need> {
        let fills = |table: &Table| source.feeds.iter().any(|f| f.fills(&table.name));
        let tables_of = placed(tables).filter(|(table, _)| fills(table));
        let sql = tables_of.flat_map(|(table, _)| derived(source, tables, table)).map(|(_, sql)| sql);
        sql.flat_map(needs_of).collect()
    };
    let by_source: Vec<(&str, BTreeSet<Need>)> =
        sources.into_iter().map(|s| (s.name.as_str(), wanted(s))).filter(|(_, needs)| !needs.is_empty()).collect();
    // A file that several sources ask for is read once.
    let all: BTreeSet<Need> = by_source.iter().flat_map(|(_, needs)| needs.iter().cloned()).collect();
    let digests = reference_digests(&all, Some((area, root)), lists.offences)?;
    let of = |(source, needs): (&str, BTreeSet<Need>)| {
        let own: BTreeMap<String, Option<&String>> =
            needs.iter().map(|need| (told(need), digests.get(&told(need)))).collect();
        // Not the bare digits: a text of 32 of them is a token, and is turned when the key is.
        Ok((source.to_owned(), format!("reference-{}", short(&canonical(&own)?))))
    };
    by_source.into_iter().map(of).collect()
}

/// An area that asks, and what decides the columns that depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Name of the area.
    pub area: &'a str,
    /// The canonical tables of the site.
    pub tables: &'a [Table],
    /// The sources of the site, by name.
    pub sources: &'a BTreeMap<&'a str, &'a Source>,
    /// As [`reference_of`] gives it for the sources of the lake.
    pub reference: &'a BTreeMap<String, String>,
}

impl Asking<'_> {
    /// Whether the stored columns of a file are not those of the area.
    fn is_elsewhere(&self, file: &LoadedFile) -> bool {
        let wanted = self.reference.get(&file.source);
        !file.superseded && wanted.is_some() && file.reference.as_ref() != wanted
    }

    /// Whether the table beside has no rows of a file for the area.
    fn is_open(&self, file: &LoadedFile) -> bool {
        self.is_elsewhere(file) && file.placed.get(self.area) != self.reference.get(&file.source)
    }

    /// The columns as the area sees them, of the rows of some slots of a source.
    async fn derive(
        &self,
        ctx: &SessionContext,
        (table, record): (&Table, &str),
        source: &Source,
        slots: &BTreeSet<&str>,
    ) -> Result<DataFrame, IngestError> {
        let failed = engine("places of the area");
        let digest = self.reference.get(&source.name).cloned().unwrap_or_default();
        let slots = slots.iter().map(|s| lit(*s)).collect();
        let of = col("source").eq(lit(&source.name)).and(col("slot").in_list(slots, false));
        let mut rows = ctx.table(table.name.as_str()).await.and_then(|t| t.filter(of)).map_err(&failed)?;
        // Rows from before a column was known do not have it.
        for field in table.stored_schema().fields() {
            if !rows.schema().has_column_with_unqualified_name(field.name()) {
                let nothing = cast(lit(ScalarValue::Null), field.data_type().clone());
                rows = rows.with_column(field.name(), nothing).map_err(&failed)?;
            }
        }
        for (column, sql) in derived(source, self.tables, table) {
            let value = rows.parse_sql_expr(sql).map_err(&failed)?;
            rows = rows.with_column(&column.name, cast(value, column.kind.arrow())).map_err(&failed)?;
        }
        let mut wanted: Vec<Expr> = vec![col(record), lit(self.area).alias("area"), lit(digest).alias("reference")];
        wanted.extend([col("source"), col("slot")]);
        wanted.extend(columns(table).map(|c| col(&c.name)));
        rows.select(wanted).map_err(failed)
    }

    /// Slots of the files that are open, by source.
    fn open<'f>(&self, files: &'f [LoadedFile]) -> BTreeMap<&'f str, BTreeSet<&'f str>> {
        let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for file in files.iter().filter(|f| self.is_open(f)) {
            out.entry(&file.source).or_default().insert(&file.slot);
        }
        out
    }
}

/// Derives the columns that depend on the area for the slots of the lake that have them of another area or of other reference data
/// only, and writes them into the tables beside. `ctx` has the functions of the area, and the transaction's tables registered as they
/// are stored. Gives the number of slots; the tables are committed and registered anew.
///
/// # Errors
/// When a column cannot be derived or the lake refuses.
pub async fn complete(
    ctx: &SessionContext,
    txn: &RunTxn,
    asking: Asking<'_>,
    files: &mut [LoadedFile],
) -> Result<usize, IngestError> {
    let failed = engine("places of the area");
    let mut done: Vec<(String, String)> = Vec::new();
    for (source, slots) in asking.open(files) {
        let Some(definition) = asking.sources.get(source) else { continue };
        let partitions: Vec<[String; 2]> = slots.iter().map(|slot| [source.to_owned(), (*slot).to_owned()]).collect();
        for (table, record) in placed(asking.tables) {
            let name = beside(&table.name);
            let rows = asking.derive(ctx, (table, record), definition, &slots).await?;
            let of =
                col("source").eq(lit(source)).and(col("slot").in_list(slots.iter().map(|s| lit(*s)).collect(), false));
            let kept = of.and(col("area").not_eq(lit(asking.area)));
            let kept = ctx.table(name.as_str()).await.and_then(|t| t.filter(kept)).map_err(&failed)?;
            let mut anew = Rewrite::begin(txn, &table.zone, &name, &partitions, "places")?;
            for frame in [kept, rows] {
                let mut stream = frame.execute_stream().await.map_err(&failed)?;
                while let Some(batch) = stream.next().await {
                    anew.write(&batch.map_err(&failed)?).await?;
                }
            }
            anew.finish().await?;
        }
        done.extend(slots.iter().map(|slot| (source.to_owned(), (*slot).to_owned())));
    }
    if done.is_empty() {
        return Ok(0);
    }
    for file in files.iter_mut().filter(|f| !f.superseded) {
        if done.iter().any(|(source, slot)| file.source == *source && file.slot == *slot)
            && let Some(digest) = asking.reference.get(&file.source)
        {
            file.placed.insert(asking.area.to_owned(), digest.clone());
        }
    }
    txn.commit_tables().await?;
    txn.register(ctx).await?;
    Ok(done.len())
}

/// Puts the columns as the area sees them in the place of the stored ones, in every table that has such columns; slots that the table
/// beside does not have yet are derived now, in memory. Does nothing where the stored columns are those of the area. `ctx` has
/// the functions of the area and the stored tables registered; whoever registers them anew takes this away.
///
/// # Errors
/// When a column cannot be derived, or a table cannot be read.
pub async fn overlay(ctx: &SessionContext, asking: Asking<'_>, files: &[LoadedFile]) -> Result<(), IngestError> {
    let failed = engine("places of the area");
    if !files.iter().any(|f| asking.is_elsewhere(f)) {
        return Ok(());
    }
    let open = asking.open(files);
    for (table, record) in placed(asking.tables) {
        let mut parts: Vec<DataFrame> = Vec::new();
        let ready: BTreeMap<&str, &String> = files
            .iter()
            .filter(|f| asking.is_elsewhere(f) && !asking.is_open(f))
            .filter_map(|f| Some((f.source.as_str(), asking.reference.get(&f.source)?)))
            .collect();
        let of_source =
            ready.iter().map(|(source, digest)| col("source").eq(lit(*source)).and(col("reference").eq(lit(*digest))));
        if let Some(of) = of_source.reduce(Expr::or) {
            let of = col("area").eq(lit(asking.area)).and(of);
            let wanted = ["area", "reference"];
            let there = ctx.table(beside(&table.name)).await.and_then(|t| t.filter(of)).map_err(&failed)?;
            parts.push(there.drop_columns(&wanted).map_err(&failed)?);
        }
        for (source, slots) in &open {
            let Some(definition) = asking.sources.get(source) else { continue };
            let now = asking.derive(ctx, (table, record), definition, slots).await?;
            let now = now.drop_columns(&["area", "reference"]).map_err(&failed)?;
            parts.push(now.cache().await.map_err(&failed)?);
        }
        let Some(beside) = union(parts).map_err(&failed)? else { continue };
        let seen = joined(ctx, (table, record), beside).await.map_err(&failed)?;
        let name = TableReference::bare(table.name.as_str());
        ctx.deregister_table(name.clone()).map_err(&failed)?;
        ctx.register_table(name, seen.into_view()).map_err(&failed)?;
    }
    Ok(())
}

/// All parts under one another, with their columns in one order.
fn union(parts: Vec<DataFrame>) -> Result<Option<DataFrame>, datafusion::error::DataFusionError> {
    let mut all: Option<DataFrame> = None;
    for part in parts {
        all = Some(match all {
            Some(all) => all.union_by_name(part)?,
            None => part,
        });
    }
    Ok(all)
}

/// The table, in which columns that depend on the area are those of `beside` where it has the row.
async fn joined(
    ctx: &SessionContext,
    (table, record): (&Table, &str),
    beside: DataFrame,
) -> Result<DataFrame, datafusion::error::DataFusionError> {
    let keys = ["source", "slot", record];
    let other = |name: &str| format!("{OTHER}{name}");
    let names: Vec<String> =
        keys.iter().map(|k| (*k).to_owned()).chain(columns(table).map(|c| c.name.clone())).collect();
    let beside = beside.select(names.iter().map(|n| col(n).alias(other(n))).collect::<Vec<_>>())?;
    let stored = ctx.table(table.name.as_str()).await?;
    let fields: Vec<String> = stored.schema().fields().iter().map(|f| f.name().clone()).collect();
    let others = keys.map(other);
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let both = stored.join(beside, JoinType::Left, &keys, &others, None)?;
    let seen = |name: &String| match columns(table).any(|c| c.name == *name) {
        true => Ok(when(col(other(record)).is_not_null(), col(other(name))).otherwise(col(name))?.alias(name)),
        false => Ok(col(name)),
    };
    both.select(fields.iter().map(seen).collect::<Result<Vec<Expr>, datafusion::error::DataFusionError>>()?)
}

//! The steps of linkage: each a named SQL step that one can look at, then the components.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use svp_lake::RunTxn;

use crate::LinkError;
use crate::components::Components;

/// The steps in their order: name and SQL.
pub const STEPS: [(&str, &str); 4] = [
    ("01_keys", include_str!("sql/01_keys.sql")),
    ("02_conflicts", include_str!("sql/02_conflicts.sql")),
    ("03_edges", include_str!("sql/03_edges.sql")),
    ("04_records", include_str!("sql/04_records.sql")),
];

/// What the linkage did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkReport {
    /// Person records.
    pub records: u64,
    /// People.
    pub people: u64,
    /// People with records of more than one agency.
    pub people_of_several_agencies: u64,
    /// Joins by kind of key.
    pub edges: BTreeMap<String, u64>,
    /// Keys that were not used because they stand for several people, by kind.
    pub conflicts: BTreeMap<String, u64>,
}

/// Arrow schema of `linked/person_link`.
#[must_use]
pub fn link_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("person_record_id"),
        text("source"),
        text("agency"),
        text("person_key"),
        text("linked_by"),
    ]))
}

fn step(step: &'static str) -> impl Fn(datafusion::error::DataFusionError) -> LinkError {
    move |source| LinkError::Step { step, source }
}

/// Links all person records and writes `linked/person_link` into the transaction. `ctx` has `person_record`
/// registered.
///
/// # Errors
/// When a step fails or the lake refuses.
pub async fn link(ctx: &SessionContext, txn: &RunTxn) -> Result<LinkReport, LinkError> {
    let [(_, keys), (_, conflicts), (_, edges), (_, records)] = STEPS;
    let mut report = LinkReport::default();
    let view = ctx.sql(keys).await.map_err(step("01_keys"))?.into_view();
    ctx.register_table("match_key", view).map_err(step("01_keys"))?;
    let found = ctx.sql(conflicts).await.map_err(step("02_conflicts"))?.cache().await.map_err(step("02_conflicts"))?;
    ctx.register_table("match_conflict", found.into_view()).map_err(step("02_conflicts"))?;
    let counted =
        ctx.sql("SELECT kind, count(*) AS n FROM match_conflict GROUP BY kind").await.map_err(step("02_conflicts"))?;
    for batch in counted.collect().await.map_err(step("02_conflicts"))? {
        let n = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>();
        for (i, kind) in batch.column(0).as_string::<i32>().iter().enumerate() {
            report.conflicts.insert(kind.unwrap_or_default().to_owned(), n.value(i).unsigned_abs());
        }
    }

    let mut ids: Vec<String> = Vec::new();
    let mut sources: Vec<String> = Vec::new();
    let mut agencies: Vec<String> = Vec::new();
    let mut stream =
        ctx.sql(records).await.map_err(step("04_records"))?.execute_stream().await.map_err(step("04_records"))?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(step("04_records"))?;
        for (i, out) in [&mut ids, &mut sources, &mut agencies].into_iter().enumerate() {
            out.extend(batch.column(i).as_string::<i32>().iter().map(|v| v.unwrap_or_default().to_owned()));
        }
    }
    let index: HashMap<&str, u32> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i as u32)).collect();
    let mut components = Components::new(ids.len());
    let mut by: Vec<Option<&'static str>> = vec![None; ids.len()];
    let mut stream =
        ctx.sql(edges).await.map_err(step("03_edges"))?.execute_stream().await.map_err(step("03_edges"))?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(step("03_edges"))?;
        let (left, right, kind) = (
            batch.column(0).as_string::<i32>(),
            batch.column(1).as_string::<i32>(),
            batch.column(2).as_string::<i32>(),
        );
        for i in 0..batch.num_rows() {
            let (Some(a), Some(b)) = (index.get(left.value(i)), index.get(right.value(i))) else { continue };
            let kind = strength(kind.value(i));
            *report.edges.entry(kind.to_owned()).or_default() += 1;
            components.join(*a, *b);
            for end in [*a, *b] {
                let slot = &mut by[end as usize];
                // The strongest key is told; the order of the edges must not matter.
                if slot.is_none_or(|old| rank(kind) < rank(old)) {
                    *slot = Some(kind);
                }
            }
        }
    }

    let roots: Vec<u32> = (0..ids.len()).map(|i| components.find(i as u32)).collect();
    let mut known: HashMap<u32, Vec<&str>> = HashMap::new();
    for (i, root) in roots.iter().enumerate() {
        let list = known.entry(*root).or_default();
        if !list.contains(&agencies[i].as_str()) {
            list.push(&agencies[i]);
        }
    }
    report.records = ids.len() as u64;
    report.people = known.len() as u64;
    report.people_of_several_agencies = known.values().filter(|a| a.len() > 1).count() as u64;

    txn.replace_table("linked", "person_link")?;
    let mut part = txn.part("linked", "person_link", &[], "links")?;
    for start in (0..ids.len()).step_by(65_536) {
        let end = (start + 65_536).min(ids.len());
        let column = |values: Vec<&str>| Arc::new(StringArray::from_iter_values(values)) as arrow::array::ArrayRef;
        let batch = RecordBatch::try_new(
            link_schema(),
            vec![
                column((start..end).map(|i| ids[i].as_str()).collect()),
                column((start..end).map(|i| sources[i].as_str()).collect()),
                column((start..end).map(|i| agencies[i].as_str()).collect()),
                column((start..end).map(|i| ids[roots[i] as usize].as_str()).collect()),
                column((start..end).map(|i| by[i].unwrap_or("single")).collect()),
            ],
        )?;
        part.write(&batch).await?;
    }
    txn.append(part.finish().await?)?;
    txn.commit_tables().await?;
    txn.register(ctx).await?;
    Ok(report)
}

const KINDS: [&str; 5] = ["nhs", "upn", "local", "name_dob", "dob_sex_postcode"];

fn strength(kind: &str) -> &'static str {
    KINDS.iter().find(|k| **k == kind).copied().unwrap_or("other")
}

fn rank(kind: &str) -> usize {
    KINDS.iter().position(|k| *k == kind).unwrap_or(KINDS.len())
}

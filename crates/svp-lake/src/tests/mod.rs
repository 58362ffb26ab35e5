//! The lake as a whole, on a folder of its own for every test.

mod damage;
mod kill;
mod limits;
mod rules;
mod runs;
mod sealed;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use crate::{FinishedPart, Lake, Limits, Open, Result, RunRecord, RunTxn, TableSpec, session};

/// A folder with a lake in it.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> String {
        // A space in the name, because people have them.
        self.folder.path().join("the lake").to_string_lossy().into_owned()
    }

    async fn lake(&self) -> Lake {
        Lake::open(&self.path(), &HashMap::new(), Open::Write).await.unwrap()
    }

    async fn begin(&self) -> Result<RunTxn> {
        self.lake().await.begin(specs()).await
    }

    /// What a reader sees of `fact`, as `source,slot,id,text` lines.
    async fn facts(&self) -> Vec<String> {
        let ctx = context();
        let names = self.lake().await.register(&ctx).await.unwrap();
        if !names.iter().any(|name| name == "fact") {
            return Vec::new();
        }
        query(&ctx, "SELECT source, slot, id, text FROM fact ORDER BY 1, 2, 3").await
    }

    /// All files of the lake, relative, sorted; the lock file is left out.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &std::path::Path, root: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let root = std::path::PathBuf::from(self.path());
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        found.retain(|name| name != "runs/lease.lock");
        found.sort();
        found
    }

    fn data_files(&self) -> Vec<String> {
        self.files().into_iter().filter(|f| f.ends_with(".parquet") && !f.contains("_delta_log")).collect()
    }
}

fn context() -> SessionContext {
    session(&Limits { memory_bytes: None, threads: 2, spill_dir: None }).unwrap()
}

fn fact_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("source", DataType::Utf8, true),
        Field::new("slot", DataType::Utf8, true),
        Field::new("text", DataType::Utf8, true),
    ]))
}

fn sum_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("source", DataType::Utf8, true), Field::new("rows", DataType::Int64, true)]))
}

fn specs() -> Vec<TableSpec> {
    vec![
        TableSpec::new("base", "fact", fact_schema(), &["source", "slot"]),
        TableSpec::new("derived", "sum", sum_schema(), &[]),
    ]
}

/// A batch with the columns of `fact` that stand in files.
fn facts(ids: std::ops::Range<i64>, text: &str) -> RecordBatch {
    let schema =
        Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, true), Field::new("id", DataType::Int64, true)]));
    let rows = ids.clone().count();
    let text: ArrayRef = Arc::new(StringArray::from(vec![text; rows]));
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    RecordBatch::try_new(schema, vec![text, id]).unwrap()
}

async fn write_facts(
    run: &RunTxn,
    source: &str,
    slot: &str,
    ids: std::ops::Range<i64>,
    text: &str,
) -> Result<FinishedPart> {
    let mut part = run.part("base", "fact", &[("slot", slot), ("source", source)], "file")?;
    part.write(&facts(ids, text)).await?;
    part.finish().await
}

/// Loads one slot in place of what it had.
async fn load(run: &RunTxn, source: &str, slot: &str, ids: std::ops::Range<i64>, text: &str) {
    run.replace_partition("base", "fact", &[("source", source), ("slot", slot)]).unwrap();
    let part = write_facts(run, source, slot, ids, text).await.unwrap();
    run.append(part).unwrap();
}

/// Counts the committed facts of the run into `derived/sum`, replacing it.
async fn count(run: &RunTxn) -> Result<()> {
    let ctx = context();
    run.register(&ctx).await?;
    let counted = ctx
        .sql("SELECT source, count(*) AS rows FROM fact GROUP BY source ORDER BY source")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    run.replace_table("derived", "sum")?;
    let mut part = run.part("derived", "sum", &[], "all")?;
    for batch in counted {
        part.write(&batch).await?;
    }
    run.append(part.finish().await?)
}

fn record(release: &str) -> RunRecord {
    RunRecord { release: Some(release.to_string()), ..RunRecord::default() }
}

async fn query(ctx: &SessionContext, sql: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in ctx.sql(sql).await.unwrap().collect().await.unwrap() {
        for row in 0..batch.num_rows() {
            let cells: Vec<_> = batch.columns().iter().map(|c| array_value_to_string(c, row).unwrap()).collect();
            lines.push(cells.join(","));
        }
    }
    lines
}

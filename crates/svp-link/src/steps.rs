//! The steps of the linkage, and the session in which those that are SQL run, each into a table that the next ones read.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext};

use crate::LinkError;
use crate::functions;

/// The steps in their order: name, and the SQL or, where a step is no question to tables, what the code does and where.
pub const STEPS: [(&str, &str); 11] = [
    ("01_records", include_str!("sql/01_records.sql")),
    ("02_shared", include_str!("sql/02_shared.sql")),
    ("02_unshared", include_str!("sql/02_unshared.sql")),
    ("02_several", include_str!("sql/02_several.sql")),
    ("03_rows", include_str!("sql/03_rows.sql")),
    (
        "04_values",
        "Each value is held once, and counted: how many rows have it says how much a shared one weighs (store.rs).",
    ),
    (
        "05_blocks",
        "Rows with an equal key under a blocking rule are a block; blocks over the rule's budget are left out, largest first (blocks.rs).",
    ),
    (
        "06_candidates",
        "The candidate pairs: rows of one block, each pair once, not of one record, nor of one source that has each person once, nor judged before (blocks.rs).",
    ),
    ("07_vectors", "The comparison vector of each pair: one level of each comparison (comparison.rs)."),
    (
        "08_model",
        "u probabilities from pairs drawn at random, m probabilities by expectation maximisation over the distinct vectors (learn.rs, model.rs).",
    ),
    (
        "09_weights",
        "The match weight of each pair: log2 of the odds that it is one person (score.rs); then clusters (cluster.rs).",
    ),
];

/// Most rows that are dealt out at once.
const DEALT: usize = 1024;

/// A session with the steps' tables and functions.
pub(crate) struct Steps<'a> {
    ctx: SessionContext,
    on_step: &'a (dyn Fn(&str) + Sync),
}

/// Makes of an engine's error that of a step.
pub(crate) fn failed(step: &'static str) -> impl Fn(DataFusionError) -> LinkError {
    move |source| LinkError::Step { step, source }
}

impl<'a> Steps<'a> {
    /// `ctx` is for these steps alone: they put tables and functions into it.
    pub(crate) fn new(ctx: SessionContext, on_step: &'a (dyn Fn(&str) + Sync)) -> Self {
        functions::register(&ctx);
        Self { ctx, on_step }
    }

    /// The session.
    pub(crate) fn ctx(&self) -> &SessionContext {
        &self.ctx
    }

    /// How many threads its plans use.
    pub(crate) fn threads(&self) -> usize {
        self.ctx.state().config().target_partitions().max(1)
    }

    /// Tells that a part begins; the binary, which has a clock, can time it.
    pub(crate) fn begin(&self, what: &str) {
        (self.on_step)(what);
    }

    /// The question of a step.
    pub(crate) async fn frame(&self, step: &'static str) -> Result<DataFrame, LinkError> {
        let sql = STEPS.iter().find(|(name, _)| *name == step).map_or("", |(_, sql)| *sql);
        self.ctx.sql(sql).await.map_err(failed(step))
    }

    /// Runs a step and gives its rows, partition by partition.
    pub(crate) async fn run(&self, step: &'static str) -> Result<(SchemaRef, Vec<Vec<RecordBatch>>), LinkError> {
        let frame = self.frame(step).await?;
        let schema = SchemaRef::new(frame.schema().as_arrow().clone());
        Ok((schema, frame.collect_partitioned().await.map_err(failed(step))?))
    }

    /// Runs a step and keeps its rows as a table.
    pub(crate) async fn table(&self, step: &'static str, name: &'static str) -> Result<(), LinkError> {
        let (schema, parts) = self.run(step).await?;
        self.put(step, name, schema, self.dealt(parts))
    }

    /// Rows in as many parts as there are threads, if they came in one.
    pub(crate) fn dealt(&self, parts: Vec<Vec<RecordBatch>>) -> Vec<Vec<RecordBatch>> {
        if parts.len() == 1 { self.spread(parts.into_iter().flatten()) } else { parts }
    }

    /// Deals rows out, a few at a time, so that all threads have work. One thread has them as they are: each piece of a batch would be
    /// counted as the whole of it by an operator that holds rows.
    fn spread(&self, batches: impl IntoIterator<Item = RecordBatch>) -> Vec<Vec<RecordBatch>> {
        let threads = self.threads();
        if threads == 1 {
            return vec![batches.into_iter().collect()];
        }
        let mut parts = vec![Vec::new(); threads];
        let mut next = 0;
        for batch in batches {
            for from in (0..batch.num_rows()).step_by(DEALT) {
                parts[next % threads].push(batch.slice(from, DEALT.min(batch.num_rows() - from)));
                next += 1;
            }
        }
        parts
    }

    /// Registers rows under a name, in place of what was there.
    pub(crate) fn put(
        &self,
        step: &'static str,
        name: &'static str,
        schema: SchemaRef,
        parts: Vec<Vec<RecordBatch>>,
    ) -> Result<(), LinkError> {
        let parts = if parts.is_empty() { vec![Vec::new()] } else { parts };
        // The engine may say less about NULL than the batches do.
        let schema = parts.iter().flatten().next().map_or(schema, RecordBatch::schema);
        let table = MemTable::try_new(schema, parts).map_err(failed(step))?;
        self.ctx.deregister_table(name).map_err(failed(step))?;
        self.ctx.register_table(name, Arc::new(table)).map_err(failed(step))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use svp_contract::comparison::ROW_COLUMNS;

    use super::*;
    use crate::row_columns::NAMED;

    fn sql(step: &str) -> &'static str {
        STEPS.iter().find(|(name, _)| *name == step).unwrap().1
    }

    #[test]
    fn the_sql_names_the_columns_of_the_list_in_its_order() {
        let rows = sql("03_rows");
        let mark = &rows[rows.find("content_digest(").unwrap() + "content_digest(".len()..];
        let arguments: Vec<&str> = mark[..mark.find(')').unwrap()].split(',').map(str::trim).collect();
        assert_eq!(arguments, ROW_COLUMNS[..NAMED].iter().map(|c| c.name).collect::<Vec<_>>());
        let words = |step| sql(step).split(|c: char| !(c.is_alphanumeric() || c == '_')).collect::<Vec<_>>();
        for column in &ROW_COLUMNS {
            for step in ["01_records", "02_unshared", "03_rows"] {
                assert!(words(step).contains(&column.name), "{step} does not give {}", column.name);
            }
            assert!(words("01_records").contains(&column.stored), "01_records does not read {}", column.stored);
        }
    }
}

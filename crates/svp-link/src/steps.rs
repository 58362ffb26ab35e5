//! Runs the named SQL steps, each into a table that the next ones read.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::LinkError;

/// The steps in their order: name and SQL.
pub const STEPS: [(&str, &str); 11] = [
    ("01_records", include_str!("sql/01_records.sql")),
    ("02_shared", include_str!("sql/02_shared.sql")),
    ("02_unshared", include_str!("sql/02_unshared.sql")),
    ("02_several", include_str!("sql/02_several.sql")),
    ("03_rows", include_str!("sql/03_rows.sql")),
    ("04_counts", include_str!("sql/04_counts.sql")),
    ("05_keys", include_str!("sql/05_keys.sql")),
    ("06_pairs", include_str!("sql/06_pairs.sql")),
    ("07_agreement", include_str!("sql/07_agreement.sql")),
    ("08_patterns", include_str!("sql/08_patterns.sql")),
    ("09_weights", include_str!("sql/09_weights.sql")),
];

/// Most rows that are dealt out at once.
const DEALT: usize = 1024;

/// A session with the steps' tables.
pub(crate) struct Steps<'a> {
    ctx: &'a SessionContext,
    on_step: &'a (dyn Fn(&str) + Sync),
}

fn failed(step: &'static str) -> impl Fn(datafusion::error::DataFusionError) -> LinkError {
    move |source| LinkError::Step { step, source }
}

impl<'a> Steps<'a> {
    pub(crate) fn new(ctx: &'a SessionContext, on_step: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { ctx, on_step }
    }

    /// Tells that a part begins; the binary, which has a clock, can time it.
    pub(crate) fn begin(&self, what: &str) {
        (self.on_step)(what);
    }

    /// Runs a step and gives its rows, partition by partition.
    pub(crate) async fn run(&self, step: &'static str) -> Result<(SchemaRef, Vec<Vec<RecordBatch>>), LinkError> {
        let sql = STEPS.iter().find(|(name, _)| *name == step).map_or("", |(_, sql)| *sql);
        let frame = self.ctx.sql(sql).await.map_err(failed(step))?;
        let schema = SchemaRef::new(frame.schema().as_arrow().clone());
        Ok((schema, frame.collect_partitioned().await.map_err(failed(step))?))
    }

    /// Runs a step and keeps its rows as a table.
    pub(crate) async fn table(&self, step: &'static str, name: &'static str) -> Result<(), LinkError> {
        let (schema, parts) = self.run(step).await?;
        let parts = if parts.len() == 1 { self.spread(parts.into_iter().flatten()) } else { parts };
        self.put(step, name, schema, parts)
    }

    /// Deals rows out, a few at a time, so that all threads have work.
    pub(crate) fn spread(&self, batches: impl IntoIterator<Item = RecordBatch>) -> Vec<Vec<RecordBatch>> {
        let threads = self.ctx.state().config().target_partitions().max(1);
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
        self.forget(name)?;
        self.ctx.register_table(name, Arc::new(table)).map_err(failed(step))?;
        Ok(())
    }

    /// Frees a table.
    pub(crate) fn forget(&self, name: &'static str) -> Result<(), LinkError> {
        self.ctx.deregister_table(name).map(|_| ()).map_err(failed("tables"))
    }

    /// Frees all tables of the steps.
    pub(crate) fn forget_all(&self) -> Result<(), LinkError> {
        for name in [
            "link_source",
            "link_shared",
            "link_record",
            "link_several",
            "link_row",
            "link_count",
            "link_part",
            "link_pair",
            "link_agreement",
        ] {
            self.forget(name)?;
        }
        Ok(())
    }
}

/// Values of a numeric column over all batches, NULL left out.
pub(crate) fn numbers<T: ArrowPrimitiveType>(parts: &[Vec<RecordBatch>], column: usize) -> Vec<T::Native> {
    parts
        .iter()
        .flatten()
        .filter_map(|b| b.column(column).as_primitive_opt::<T>())
        .flat_map(|a| a.values().iter().copied())
        .collect()
}

//! Runs the named SQL steps, each into a table that the next ones read.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::LinkError;

/// The steps in their order: name and SQL.
pub const STEPS: [(&str, &str); 10] = [
    ("01_rows", include_str!("sql/01_rows.sql")),
    ("02_counts", include_str!("sql/02_counts.sql")),
    ("03_keys", include_str!("sql/03_keys.sql")),
    ("04_blocks", include_str!("sql/04_blocks.sql")),
    ("05_block_sizes", include_str!("sql/05_block_sizes.sql")),
    ("06_usable", include_str!("sql/06_usable.sql")),
    ("07_pairs", include_str!("sql/07_pairs.sql")),
    ("08_agreement", include_str!("sql/08_agreement.sql")),
    ("09_patterns", include_str!("sql/09_patterns.sql")),
    ("10_weights", include_str!("sql/10_weights.sql")),
];

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
    pub(crate) async fn run(
        &self,
        step: &'static str,
        values: Vec<ScalarValue>,
    ) -> Result<(SchemaRef, Vec<Vec<RecordBatch>>), LinkError> {
        let sql = STEPS.iter().find(|(name, _)| *name == step).map_or("", |(_, sql)| *sql);
        let mut frame = self.ctx.sql(sql).await.map_err(failed(step))?;
        if !values.is_empty() {
            frame = frame.with_param_values(values).map_err(failed(step))?;
        }
        let schema = SchemaRef::new(frame.schema().as_arrow().clone());
        Ok((schema, frame.collect_partitioned().await.map_err(failed(step))?))
    }

    /// Runs a step and keeps its rows as a table.
    pub(crate) async fn table(
        &self,
        step: &'static str,
        name: &'static str,
        values: Vec<ScalarValue>,
    ) -> Result<(), LinkError> {
        let (schema, parts) = self.run(step, values).await?;
        self.put(step, name, schema, parts)
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
            "link_row",
            "row_note",
            "link_count",
            "link_key",
            "link_block",
            "block_cap",
            "link_usable",
            "link_pair",
            "link_agreement",
            "promise",
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

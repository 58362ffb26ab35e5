//! Tables that an earlier version wrote with what they are not to have any longer: columns, or something inside sealed ones.

use datafusion::prelude::SessionContext;
use futures::StreamExt;

use arrow::array::RecordBatch;

use crate::error::{LakeError, Result};
use crate::lake::Lake;
use crate::record::LAKE_FORMAT;
use crate::rewrite::Rewrite;
use crate::schema::TableSpec;
use crate::txn::RunTxn;

impl Lake {
    /// Those of `tables` that the last run left with columns which they are not to have; not those that are sealed. Only lakes of an
    /// earlier layout are looked at.
    ///
    /// # Errors
    /// The log of a table that cannot be read.
    pub async fn outgrown(&self, tables: &[TableSpec]) -> Result<Vec<TableSpec>> {
        let mut out = Vec::new();
        if self.last_run().is_none_or(|run| run.format >= LAKE_FORMAT) {
            return Ok(out);
        }
        for spec in tables.iter().filter(|spec| !spec.sealed) {
            let Some(table) = self.table_provider(&spec.zone, &spec.name).await? else { continue };
            let known = |name: &str| spec.schema.column_with_name(name).is_some();
            if table.schema().fields().iter().any(|field| !known(field.name())) {
                out.push(spec.clone());
            }
        }
        Ok(out)
    }

    /// Those of `tables` that the last run left sealed in an earlier layout: what is to go from their columns shows only when they are
    /// opened.
    pub fn sealed_before(&self, tables: &[TableSpec]) -> Vec<TableSpec> {
        let Some(run) = self.last_run().filter(|run| run.format < LAKE_FORMAT) else { return Vec::new() };
        tables.iter().filter(|spec| spec.sealed && run.sealed.contains_key(&spec.key())).cloned().collect()
    }
}

impl RunTxn {
    /// Writes a declared table anew with the columns that it is to have: every batch of rows passes through `change`, which adds what
    /// follows from columns that go, or takes something out of those that stay. Columns that neither has are NULL. A sealed table is opened
    /// and sealed again. The table is committed. Gives the number of its rows. The old files stay until [`finish_and_vacuum`](Self::finish_and_vacuum).
    ///
    /// # Errors
    /// A table that was not declared, rows that cannot be read or written, and whatever `change` refuses. Nothing of the table is committed
    /// then.
    pub async fn reshape_table<E: From<LakeError>>(
        &self,
        ctx: &SessionContext,
        spec: &TableSpec,
        mut change: impl FnMut(&RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<u64, E> {
        let failed = |e| LakeError::engine("reading a table that gets other columns", e);
        self.attach(ctx);
        let old = self.table_provider(&spec.zone, &spec.name).await?;
        let mut anew = Rewrite::of(self, &spec.zone, &spec.name, "reshaped")?;
        let mut stream = ctx.read_table(old).map_err(failed)?.execute_stream().await.map_err(failed)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(failed)?;
            rows += batch.num_rows() as u64;
            anew.write(&change(&batch)?).await?;
        }
        self.replace_table(&spec.zone, &spec.name)?;
        anew.finish().await?;
        self.commit_tables().await?;
        Ok(rows)
    }
}

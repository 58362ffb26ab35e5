//! A table that an earlier version wrote in the clear is written anew, sealed.

use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;

use crate::error::{LakeError, Result};
use crate::lake::Lake;
use crate::rewrite::Rewrite;
use crate::schema::TableSpec;
use crate::txn::RunTxn;

impl Lake {
    /// Those of `tables` that are to be sealed and that the last run left in the clear.
    pub fn in_the_clear(&self, tables: &[TableSpec]) -> Vec<TableSpec> {
        let Some(run) = self.last_run() else { return Vec::new() };
        let clear = |spec: &&TableSpec| {
            spec.sealed && run.tables.contains_key(&spec.key()) && !run.sealed.contains_key(&spec.key())
        };
        tables.iter().filter(clear).cloned().collect()
    }
}

impl RunTxn {
    /// Writes a declared table, which is in the clear, anew and sealed, and commits it: every batch of rows passes through `change`. Gives
    /// the number of its rows. The old files stay until [`finish_and_vacuum`](Self::finish_and_vacuum).
    ///
    /// # Errors
    /// A table that was not declared, rows that cannot be read or written, and whatever `change` refuses. Nothing of the table is committed
    /// then.
    pub async fn seal_table<E: From<LakeError>>(
        &self,
        ctx: &SessionContext,
        zone: &str,
        table: &str,
        mut change: impl FnMut(&RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<u64, E> {
        let failed = |e| LakeError::engine("reading a table that is sealed", e);
        self.attach(ctx);
        let old = self.table_provider(zone, table).await?;
        let (_, of) = self.table(zone, table)?;
        of.clear.store(false, Ordering::SeqCst);
        let mut anew = Rewrite::of(self, zone, table, "sealed")?;
        let mut stream = ctx.read_table(old).map_err(failed)?.execute_stream().await.map_err(failed)?;
        let mut rows = 0;
        while let Some(batch) = futures::StreamExt::next(&mut stream).await {
            let batch = batch.map_err(failed)?;
            rows += batch.num_rows() as u64;
            anew.write(&change(&batch)?).await?;
        }
        self.replace_table(zone, table)?;
        anew.finish().await?;
        self.commit_tables().await?;
        Ok(rows)
    }
}

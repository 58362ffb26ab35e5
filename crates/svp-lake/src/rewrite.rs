//! Rewriting: the rows of a table, or of some of its partitions, are written anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use crate::error::{LakeError, Result};
use crate::part::PartWriter;
use crate::txn::RunTxn;

/// Partitions of a table that are being written anew: their files of now go with the next commit, what is written here stays.
pub struct Rewrite<'a> {
    txn: &'a RunTxn,
    zone: String,
    table: String,
    stem: String,
    columns: Vec<String>,
    /// All columns of the table.
    schema: SchemaRef,
    writers: BTreeMap<Vec<String>, PartWriter>,
}

impl<'a> Rewrite<'a> {
    /// Begins with partitions by their values, in the order of the table's partition columns. Rows of other partitions may be
    /// written too: they come to those that are there. `stem` is as for [`RunTxn::part`].
    ///
    /// # Errors
    /// A table that was not declared, values that are too few.
    pub fn begin<P: AsRef<[String]>>(
        txn: &'a RunTxn,
        zone: &str,
        table: &str,
        partitions: &[P],
        stem: &str,
    ) -> Result<Self> {
        let anew = Self::of(txn, zone, table, stem)?;
        for values in partitions {
            let named: Vec<(&str, &str)> =
                anew.columns.iter().map(String::as_str).zip(values.as_ref().iter().map(String::as_str)).collect();
            txn.replace_partition(zone, table, &named)?;
        }
        Ok(anew)
    }

    /// Rows for a table; none of its files goes yet.
    pub(crate) fn of(txn: &'a RunTxn, zone: &str, table: &str, stem: &str) -> Result<Self> {
        let (columns, schema) = (txn.partition_columns(zone, table)?, txn.columns(zone, table)?);
        let (zone, table, stem) = (zone.to_owned(), table.to_owned(), stem.to_owned());
        Ok(Self { txn, zone, table, stem, columns, schema, writers: BTreeMap::new() })
    }

    /// Writes rows, of any of the partitions. Columns that the table did not have when they were first written are NULL in them.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for (values, rows) in self.by_partition(&whole(batch, &self.schema)?)? {
            let writer = match self.writers.entry(values) {
                std::collections::btree_map::Entry::Occupied(writer) => writer.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let named: Vec<(&str, &str)> =
                        self.columns.iter().map(String::as_str).zip(place.key().iter().map(String::as_str)).collect();
                    let part = self.txn.part(&self.zone, &self.table, &named, &self.stem)?;
                    place.insert(part)
                }
            };
            writer.write(&rows).await?;
        }
        Ok(())
    }

    /// Makes what was written belong to the table with the next commit.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn finish(self) -> Result<()> {
        for writer in self.writers.into_values() {
            if writer.rows() > 0 {
                self.txn.append(writer.finish().await?)?;
            }
        }
        Ok(())
    }

    fn by_partition(&self, batch: &RecordBatch) -> Result<Vec<(Vec<String>, RecordBatch)>> {
        let texts: Vec<_> =
            self.columns.iter().filter_map(|c| batch.column_by_name(c)?.as_string_opt::<i32>()).collect();
        let mut rows: BTreeMap<Vec<String>, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let values = texts.iter().map(|t| if t.is_null(row) { String::new() } else { t.value(row).to_owned() });
            rows.entry(values.collect()).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        let failed = |e: arrow::error::ArrowError| LakeError::engine("taking rows apart by partition", e.into());
        rows.into_iter()
            .map(|(values, rows)| Ok((values, take_record_batch(batch, &UInt32Array::from(rows)).map_err(failed)?)))
            .collect()
    }
}

/// The batch with all columns of the table; those that it has not, NULL.
fn whole(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let there = batch.schema();
    let missing: Vec<_> =
        schema.fields().iter().filter(|f| f.is_nullable() && there.column_with_name(f.name()).is_none()).collect();
    if missing.is_empty() {
        return Ok(batch.clone());
    }
    let fields = there.fields().iter().chain(missing.iter().copied()).cloned().collect::<Vec<_>>();
    let blank = missing.iter().map(|f| new_null_array(f.data_type(), batch.num_rows()));
    let columns = batch.columns().iter().cloned().chain(blank).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|e| LakeError::engine("adding columns that the table got later", e.into()))
}

impl RunTxn {
    /// Writes a whole table anew: every batch of rows passes through `change`, and what it gives goes to the partitions that its
    /// rows name. A partition that no row names any longer is empty afterwards. The table is committed; a table without rows is
    /// left as it is. Gives the number of rows that the table had.
    ///
    /// `ctx` has the tables of this run registered ([`register`](Self::register)), and does not see the new rows until they are
    /// registered again; `stem` is as for [`part`](Self::part).
    ///
    /// # Errors
    /// A table that was not declared or registered, rows that cannot be read or written, and whatever `change` refuses. Nothing of
    /// the table is committed then.
    pub async fn rewrite<E: From<LakeError>>(
        &self,
        ctx: &SessionContext,
        zone: &str,
        table: &str,
        stem: &str,
        mut change: impl FnMut(&RecordBatch) -> Result<RecordBatch, E>,
    ) -> Result<u64, E> {
        let failed = |e| LakeError::engine("reading a table that is written anew", e);
        let mut anew = Rewrite::of(self, zone, table, stem)?;
        let mut stream = ctx.table(table).await.map_err(failed)?.execute_stream().await.map_err(failed)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(failed)?;
            rows += batch.num_rows() as u64;
            anew.write(&change(&batch)?).await?;
        }
        if rows > 0 {
            self.replace_table(zone, table)?;
            anew.finish().await?;
            self.commit_tables().await?;
        }
        Ok(rows)
    }
}

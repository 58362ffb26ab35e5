//! A table of the lake as DataFusion reads it: a plain Parquet scan over the live files.
//!
//! Delta's own scan is a plan node of its own, which a Ballista executor cannot read. The tables of
//! the lake have neither deletion vectors nor renamed columns, so a plain scan says the same.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{Result as DfResult, ScalarValue, Statistics, TableReference, project_schema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::prelude::SessionContext;
use deltalake_core::kernel::EagerSnapshot;
use object_store::path::Path;

use crate::delta::{TableLog, live_files};
use crate::error::{LakeError, Result};
use crate::location::Location;
use crate::schema::file_schema;

/// The live files of one version of one table. Read-only.
#[derive(Debug)]
pub(crate) struct LiveTable {
    schema: SchemaRef,
    /// The columns as the scan has them: those of the files, then those of the partitions.
    scan_schema: TableSchema,
    /// Where each column of `schema` stands in `scan_schema`.
    order: Vec<usize>,
    store: ObjectStoreUrl,
    files: Vec<PartitionedFile>,
}

impl LiveTable {
    /// The table as a snapshot of its log says.
    pub fn new(location: &Location, log: &TableLog, snapshot: &EagerSnapshot) -> Result<Self> {
        let schema = plain(&snapshot.arrow_schema());
        let partition = snapshot.metadata().partition_columns().to_vec();
        let mut table = Self::empty(location, schema, &partition)?;
        let columns = table.scan_schema.table_partition_cols().clone();
        for live in live_files(snapshot)? {
            let values = columns
                .iter()
                .map(|field| {
                    let text = live.partition.get(field.name()).cloned().flatten();
                    partition_value(text, field.data_type())
                })
                .collect::<DfResult<Vec<_>>>()
                .map_err(|e| LakeError::engine("reading partition values", e))?;
            let path = Path::from_iter(
                location.prefix.parts().chain(Path::from(log.key.as_str()).parts()).chain(live.path.parts()),
            );
            // The path is complete already: `PartitionedFile::new` would encode it again.
            let mut file = PartitionedFile::new("", live.bytes).with_partition_values(values);
            file.object_meta.location = path;
            if let Some(rows) = live.rows {
                let mut statistics = Statistics::new_unknown(table.scan_schema.file_schema());
                statistics.num_rows = Precision::Exact(rows);
                file = file.with_statistics(Arc::new(statistics));
            }
            table.files.push(file);
        }
        Ok(table)
    }

    /// A table without files.
    pub fn empty(location: &Location, schema: SchemaRef, partition: &[String]) -> Result<Self> {
        let columns: Vec<Arc<Field>> = partition
            .iter()
            .filter_map(|name| schema.fields().find(name).map(|(_, field)| Arc::clone(field)))
            .collect();
        let scan_schema =
            TableSchema::builder(file_schema(&schema, partition)).with_table_partition_cols(columns).build();
        let order = schema
            .fields()
            .iter()
            .map(|field| scan_schema.table_schema().index_of(field.name()))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| LakeError::engine("ordering columns", e.into()))?;
        let store = ObjectStoreUrl::parse(location.store_url().as_str())
            .map_err(|e| LakeError::engine("naming the store", e))?;
        Ok(Self { schema, scan_schema, order, store, files: Vec::new() })
    }
}

/// Field metadata of the log is no concern of readers.
fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), f.is_nullable()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Partition values stand as text in the log.
fn partition_value(text: Option<String>, wanted: &DataType) -> DfResult<ScalarValue> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    ScalarValue::try_from_array(&cast(&array, wanted)?, 0)
}

#[async_trait]
impl TableProvider for LiveTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let wanted = match projection {
            Some(columns) => columns.iter().filter_map(|c| self.order.get(*c).copied()).collect(),
            None => self.order.clone(),
        };
        let options =
            TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
        let source = ParquetSource::new(self.scan_schema.clone()).with_table_parquet_options(options);
        // Neighbouring paths stay together, so that the plan depends on nothing but the files.
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics())
            .with_projection_indices(Some(wanted))?
            // A filter above the scan must see all rows.
            .with_limit(limit.filter(|_| filters.is_empty()))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        // The filter stays in the plan; the scan skips files, row groups and pages by it.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics())
    }
}

impl LiveTable {
    fn statistics(&self) -> Statistics {
        let mut all = Statistics::new_unknown(self.scan_schema.table_schema());
        let counts =
            self.files.iter().map(|file| file.statistics.as_ref().and_then(|s| s.num_rows.get_value().copied()));
        if let Some(rows) = counts.sum::<Option<usize>>() {
            all.num_rows = Precision::Exact(rows);
        }
        all
    }
}

/// Registers tables by the last part of their keys, in place of older ones of that name.
pub(crate) fn register_all(ctx: &SessionContext, tables: Vec<(&str, Arc<dyn TableProvider>)>) -> Result<Vec<String>> {
    let failed = |e| LakeError::engine("registering a table", e);
    let mut names = Vec::with_capacity(tables.len());
    for (key, table) in tables {
        let name = key.rsplit('/').next().unwrap_or(key);
        let reference = TableReference::bare(name);
        ctx.deregister_table(reference.clone()).map_err(failed)?;
        ctx.register_table(reference, table).map_err(failed)?;
        names.push(name.to_string());
    }
    Ok(names)
}

//! A sealed table as a session that has the key reads it: chunks are opened in memory, one file after another in each thread.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result as DfResult, project_schema};
use datafusion::datasource::{TableProvider, TableType};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use deltalake_core::kernel::EagerSnapshot;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use svp_contract::Seal;

use super::chunk::{Place, unpack};
use super::list::{SealedFile, read_chunks, sealed_files};
use crate::error::Result;
use crate::location::Location;
use crate::schema::TableSpec;

/// A file of sealed chunks and where it stands.
#[derive(Debug, Clone)]
struct OpenedFile {
    path: Path,
    place: Place,
    listed: SealedFile,
}

/// The live files of a sealed table, to be opened when they are read. Read-only.
pub(crate) struct Opened {
    location: Location,
    seal: Arc<dyn Seal>,
    schema: SchemaRef,
    partition: Vec<String>,
    files: Vec<OpenedFile>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl Opened {
    /// The table of a snapshot; without one it has no rows. `known` says of each live file what the run that wrote it said.
    pub(crate) fn new(
        location: &Location,
        seal: &Arc<dyn Seal>,
        spec: &TableSpec,
        snapshot: Option<&EagerSnapshot>,
        known: &std::collections::BTreeMap<String, SealedFile>,
    ) -> Result<Self> {
        let key = spec.key();
        let files = match snapshot {
            Some(snapshot) => sealed_files(snapshot, &key, &spec.partition, known)?,
            None => Vec::new(),
        };
        let file = |(path, values, listed): (Path, Vec<String>, SealedFile)| OpenedFile {
            path,
            place: Place { table: key.clone(), values },
            listed,
        };
        Ok(Self {
            location: location.clone(),
            seal: Arc::clone(seal),
            schema: Arc::clone(&spec.schema),
            partition: spec.partition.clone(),
            files: files.into_iter().map(file).collect(),
        })
    }

    /// The files that filters over partition columns leave. A filter that cannot be asked of them leaves all: it stands above the scan.
    fn left(&self, state: &dyn Session, filters: &[Expr]) -> Vec<OpenedFile> {
        let mut keep = vec![true; self.files.len()];
        let values = |c: usize| -> ArrayRef {
            let of = |f: &OpenedFile| f.place.values.get(c).filter(|v| !v.is_empty()).cloned();
            Arc::new(self.files.iter().map(of).collect::<StringArray>())
        };
        let fields: Vec<&Field> = self.partition.iter().filter_map(|c| self.schema.field_with_name(c).ok()).collect();
        let schema = Arc::new(Schema::new(fields.into_iter().cloned().collect::<Vec<_>>()));
        let columns: Vec<ArrayRef> = (0..self.partition.len()).map(values).collect();
        let asked = || -> DfResult<(DFSchema, RecordBatch)> {
            Ok((DFSchema::try_from(Arc::clone(&schema))?, RecordBatch::try_new(Arc::clone(&schema), columns)?))
        };
        let Ok((of_partition, batch)) = asked() else { return self.files.clone() };
        for filter in filters {
            let known = filter.column_refs().iter().all(|c| self.partition.contains(&c.name));
            if !known {
                continue;
            }
            let Ok(asked) = state.create_physical_expr(unqualified(filter.clone()), &of_partition) else { continue };
            let Ok(answer) = asked.evaluate(&batch).and_then(|a| a.into_array(batch.num_rows())) else { continue };
            if let Some(answer) = answer.as_boolean_opt() {
                keep.iter_mut().zip(answer).for_each(|(keep, holds)| *keep &= holds == Some(true));
            }
        }
        self.files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| file.clone()).collect()
    }
}

/// A filter whose columns are named without the table.
fn unqualified(filter: Expr) -> Expr {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let bare = |e: Expr| match e {
        Expr::Column(c) => Ok(Transformed::yes(Expr::Column(datafusion::common::Column::new_unqualified(c.name)))),
        other => Ok(Transformed::no(other)),
    };
    filter.clone().transform(bare).map_or(filter, |t| t.data)
}

#[async_trait]
impl TableProvider for Opened {
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
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let files = self.left(state, filters);
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        // Neighbouring files stay together, so that the plan depends on nothing but the files.
        let each = files.len().div_ceil(state.config().target_partitions().max(1));
        let streams = files.chunks(each).map(|files| -> Arc<dyn PartitionStream> {
            Arc::new(Files {
                location: self.location.clone(),
                seal: Arc::clone(&self.seal),
                schema: Arc::clone(&schema),
                partition: self.partition.clone(),
                files: files.to_vec(),
            })
        });
        let exec = StreamingTableExec::try_new(Arc::clone(&schema), streams.collect(), None, [], false, None)?;
        Ok(Arc::new(exec))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        // The filter stays in the plan; the scan leaves out files of other partitions.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// Some files of a sealed table, read one after another.
#[derive(Clone)]
struct Files {
    location: Location,
    seal: Arc<dyn Seal>,
    /// Wanted columns.
    schema: SchemaRef,
    partition: Vec<String>,
    files: Vec<OpenedFile>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl PartitionStream for Files {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let all = self.clone();
        let batches = stream::iter(self.files.clone())
            .then(move |file| {
                let all = all.clone();
                async move { all.file(file).await.map_err(|e| DataFusionError::External(Box::new(e))) }
            })
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

impl Files {
    /// The rows of a file: each chunk is opened when its rows are asked for.
    async fn file(self, file: OpenedFile) -> Result<impl futures::Stream<Item = DfResult<RecordBatch>> + Send + use<>> {
        let chunks = read_chunks(&self.location, &self.seal, &file.place, (&file.path, &file.listed), false).await?;
        let in_file: Vec<Field> = self
            .schema
            .fields()
            .iter()
            .filter(|f| !self.partition.contains(f.name()))
            .map(|f| f.as_ref().clone())
            .collect();
        let in_file = Arc::new(Schema::new(in_file));
        let shown = format!("{}/{}", file.place.table, file.path);
        let open = move |chunk: super::chunk::Chunk| -> DfResult<Vec<RecordBatch>> {
            let plain = chunk.open(self.seal.as_ref(), &file.place, &shown);
            let plain = plain.map_err(|e| DataFusionError::External(Box::new(e)))?;
            unpack(&plain, &in_file)?.iter().map(|batch| self.whole(batch, &file.place)).collect()
        };
        let batches = chunks.into_iter().map(move |chunk| match open(chunk) {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        Ok(stream::iter(batches.flatten()))
    }

    /// Rows with the values of their partition, in the order of the wanted columns.
    fn whole(&self, rows: &RecordBatch, place: &Place) -> DfResult<RecordBatch> {
        let n = rows.num_rows();
        let column = |field: &Arc<Field>| -> DfResult<ArrayRef> {
            let Some(at) = self.partition.iter().position(|c| c == field.name()) else {
                return Ok(Arc::clone(rows.column(rows.schema_ref().index_of(field.name())?)));
            };
            let value = place.values.get(at).filter(|v| !v.is_empty()).map(String::as_str);
            let texts: ArrayRef = Arc::new(std::iter::repeat_n(value, n).collect::<StringArray>());
            Ok(arrow::compute::cast(&texts, field.data_type())?)
        };
        let columns = self.schema.fields().iter().map(column).collect::<DfResult<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(n));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}

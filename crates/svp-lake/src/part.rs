//! Writing the files of a table: a stream of batches becomes one Parquet file.
//!
//! A part keeps at most one row group in memory, encoded, and a piece of [`PIECE`] bytes; one of a table that is ordered keeps its rows
//! too, up to a million. A small part is one put; a larger one is uploaded in pieces. The same batches give the same bytes.

use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use deltalake_core::kernel::Add;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};
use svp_contract::Seal;
use tokio::runtime::Handle;

use crate::error::{LakeError, Result};
use crate::schema::same_type;
use crate::sealed::{ChunkWriter, Place, SealedFile, file_columns};
use crate::sorting::Sorting;
use crate::verify::DIGEST_TAG;

/// Rows per row group: what a part holds in memory before it is written out.
const ROW_GROUP: usize = 128 * 1024;
/// Chunks per row group of a sealed part.
const SEALED_ROW_GROUP: usize = 4;
/// Bytes per uploaded piece; a part below this is one put.
const PIECE: usize = 8 * 1024 * 1024;
/// Pieces of one part on their way at the same time.
const PIECES_AT_ONCE: usize = 4;
/// Names us in the files. No version, no time: the same rows are the same bytes.
const CREATED_BY: &str = "svp";

/// Where a part goes.
#[derive(Debug, Clone)]
pub(crate) struct PartAddress {
    /// `zone/table`
    pub table: String,
    /// Path below the root of the table.
    pub path: Path,
    /// Partition columns and values; an empty value is null.
    pub partition: Vec<(String, String)>,
    /// Time stamp for the log (ms since 1970), by the clock of the store.
    pub modified: i64,
}

/// Writes one Parquet file of a table. Made by [`RunTxn::part`](crate::RunTxn::part).
///
/// A part that is dropped before [`finish`](Self::finish) leaves nothing visible.
pub struct PartWriter {
    address: PartAddress,
    /// For messages: the place of the lake and the path in it.
    shown: String,
    schema: SchemaRef,
    sorting: Sorting,
    /// Of a sealed table: what makes chunks of its rows.
    chunks: Option<ChunkWriter>,
    writer: Writer,
    rows: u64,
    runtime: Option<Handle>,
}

/// A complete file that no table names yet. Give it to [`RunTxn::append`](crate::RunTxn::append).
#[derive(Debug)]
#[must_use = "a part that is not appended is thrown away"]
pub struct FinishedPart {
    pub(crate) address: PartAddress,
    /// Of a sealed table: what the run record is to say of it.
    pub(crate) sealed: Option<SealedFile>,
    rows: u64,
    bytes: u64,
    sha256: String,
}

/// The file on its way to the store, digested as it goes.
struct Digested {
    sink: BufWriter,
    hash: Sha256,
}

impl AsyncFileWriter for Digested {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        self.hash.update(&bytes);
        AsyncFileWriter::write(&mut self.sink, bytes)
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        AsyncFileWriter::complete(&mut self.sink)
    }
}

/// What encodes the rows.
enum Writer {
    /// Until the first rows come.
    Waiting(Box<(Digested, WriterPropertiesBuilder)>),
    Begun(Box<AsyncArrowWriter<Digested>>),
    /// It could not begin.
    Broken,
}

impl Writer {
    /// The writer, begun with the first rows. A column that is blank in all of them most likely stays so, and what is blank takes a
    /// dozen bytes in every form: it gets no memory for compressing.
    fn begun(&mut self, first: &RecordBatch) -> parquet::errors::Result<&mut AsyncArrowWriter<Digested>> {
        if let Self::Waiting(_) = self
            && let Self::Waiting(waiting) = std::mem::replace(self, Self::Broken)
        {
            let (sink, mut properties) = *waiting;
            for (field, column) in first.schema().fields().iter().zip(first.columns()) {
                if column.null_count() == column.len() {
                    let path = ColumnPath::from(field.name().as_str());
                    properties = properties.set_column_compression(path, Compression::UNCOMPRESSED);
                }
            }
            *self = Self::Begun(Box::new(AsyncArrowWriter::try_new(sink, first.schema(), Some(properties.build()))?));
        }
        match self {
            Self::Begun(writer) => Ok(writer),
            _ => Err(ParquetError::General("the file could not be begun".to_owned())),
        }
    }
}

impl PartWriter {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        place: &str,
        (schema, distinct, sorted_by): (SchemaRef, &[String], &[String]),
        address: PartAddress,
        seal: Option<Arc<dyn Seal>>,
    ) -> Result<Self> {
        let full_path = Path::from_iter(Path::from(address.table.as_str()).parts().chain(address.path.parts()));
        let shown = format!("{place}/{full_path}");
        let sink = BufWriter::with_capacity(store, full_path, PIECE).with_max_concurrency(PIECES_AT_ONCE);
        let sink = Digested { sink, hash: Sha256::new() };
        let chunks = seal.map(|seal| {
            let values = address.partition.iter().map(|(_, value)| value.clone()).collect();
            let place = Place { table: address.table.clone(), values };
            ChunkWriter::new(seal, place, Arc::clone(&schema))
        });
        let properties = match &chunks {
            Some(_) => sealed_properties(),
            None => properties(distinct),
        };
        let writer = Writer::Waiting(Box::new((sink, properties)));
        let runtime = Handle::try_current().ok();
        let sorting = Sorting::by(sorted_by);
        Ok(Self { address, shown, schema, sorting, chunks, writer, rows: 0, runtime })
    }

    /// The same file, its rows in the order in which they come: for rows whose order is no secret. Nothing was written to it yet.
    #[must_use]
    pub fn as_they_come(self) -> Self {
        Self { sorting: Sorting::by(&[]), ..self }
    }

    /// The columns of the file: those of the table without its partition columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows. Columns are found by name; others in the batch (partition columns) are ignored.
    ///
    /// # Errors
    /// A missing column, another type, or a null where the table has none: [`LakeError::Schema`].
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = self.fit(batch)?;
        self.rows += batch.num_rows() as u64;
        let ready = self.sorting.push(batch).map_err(unsorted)?;
        self.put(ready).await
    }

    /// Rows in the order in which they stand in the file.
    async fn put(&mut self, ready: Vec<RecordBatch>) -> Result<()> {
        for batch in ready {
            let stored = match &mut self.chunks {
                Some(chunks) => chunks.push(batch)?,
                None => vec![batch],
            };
            self.store(&stored).await?;
        }
        Ok(())
    }

    async fn store(&mut self, stored: &[RecordBatch]) -> Result<()> {
        for batch in stored {
            let failed = |e| LakeError::parquet(&self.shown, e);
            self.writer.begun(batch).map_err(failed)?.write(batch).await.map_err(failed)?;
        }
        Ok(())
    }

    /// As [`write`](Self::write), from a thread that may block (`spawn_blocking`, a thread of your
    /// own); not from an async task.
    pub fn write_blocking(&mut self, batch: &RecordBatch) -> Result<()> {
        let runtime = self.runtime.clone();
        match runtime {
            Some(runtime) => runtime.block_on(self.write(batch)),
            None => futures::executor::block_on(self.write(batch)),
        }
    }

    /// Ends the file and puts it in its place.
    pub async fn finish(mut self) -> Result<FinishedPart> {
        let last = self.sorting.finish().map_err(unsorted)?;
        self.put(last).await?;
        let sealed = match self.chunks.take() {
            Some(chunks) => {
                let (last, sealed) = chunks.finish()?;
                self.store(&last).await?;
                Some(sealed)
            }
            None => None,
        };
        let failed = |e| LakeError::parquet(&self.shown, e);
        let columns = if sealed.is_some() { file_columns() } else { Arc::clone(&self.schema) };
        let mut writer = self.writer;
        writer.begun(&RecordBatch::new_empty(columns)).map_err(failed)?.finish().await.map_err(failed)?;
        let Writer::Begun(writer) = writer else { return Err(LakeError::Closed) };
        let bytes = writer.bytes_written() as u64;
        let sha256 = hex::encode(writer.into_inner().hash.finalize());
        Ok(FinishedPart { address: self.address, sealed, rows: self.rows, bytes, sha256 })
    }

    /// As [`finish`](Self::finish), from a thread that may block.
    pub fn finish_blocking(self) -> Result<FinishedPart> {
        match self.runtime.clone() {
            Some(runtime) => runtime.block_on(self.finish()),
            None => futures::executor::block_on(self.finish()),
        }
    }

    /// The columns of the file, taken from a batch by name.
    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if Arc::ptr_eq(&self.schema, batch.schema_ref()) {
            return Ok(batch.clone());
        }
        let mismatch = |column: &str, expected: String, found: String| LakeError::Schema {
            table: self.address.table.clone(),
            column: column.to_string(),
            expected,
            found,
        };
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let wanted = field.data_type();
            let column = batch
                .column_by_name(field.name())
                .ok_or_else(|| mismatch(field.name(), wanted.to_string(), "no such column".to_string()))?;
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(mismatch(field.name(), "no nulls".to_string(), "nulls".to_string()));
            }
            columns.push(if column.data_type() == wanted {
                Arc::clone(column)
            } else if same_type(column.data_type(), wanted) || is_dictionary_of(column.data_type(), wanted) {
                cast(column, wanted).map_err(|e| LakeError::engine("casting text", e.into()))?
            } else {
                let found = column.data_type().to_string();
                return Err(mismatch(field.name(), wanted.to_string(), found));
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|e| LakeError::engine("arranging columns", e.into()))
    }
}

fn unsorted(error: arrow::error::ArrowError) -> LakeError {
    LakeError::engine("putting rows in order", error.into())
}

fn is_dictionary_of(found: &arrow::datatypes::DataType, wanted: &arrow::datatypes::DataType) -> bool {
    matches!(found, arrow::datatypes::DataType::Dictionary(_, value) if same_type(value, wanted))
}

impl FinishedPart {
    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The log entry of this file.
    pub(crate) fn into_add(self) -> Add {
        let value = |text: String| (!text.is_empty()).then_some(text);
        Add {
            path: self.address.path.to_string(),
            partition_values: self.address.partition.into_iter().map(|(column, text)| (column, value(text))).collect(),
            size: i64::try_from(self.bytes).unwrap_or(i64::MAX),
            modification_time: self.address.modified,
            data_change: true,
            // Of a sealed part the chunks are counted, as they stand in the file.
            stats: Some(format!("{{\"numRecords\":{}}}", self.sealed.map_or(self.rows, |s| s.chunks.into()))),
            tags: Some([(DIGEST_TAG.to_string(), Some(self.sha256))].into()),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }
}

/// zstd(1): as small as (3) on this kind of data and a fifth faster.
fn properties(distinct: &[String]) -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut builder = WriterProperties::builder();
    for column in distinct {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(column.as_str()), false);
    }
    builder
        .set_created_by(CREATED_BY.to_string())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP))
}

/// Sealed bytes do not compress and have no order; few chunks at a time are held in memory.
fn sealed_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_created_by(CREATED_BY.to_string())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(SEALED_ROW_GROUP))
}

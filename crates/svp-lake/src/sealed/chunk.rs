//! One chunk: rows to sealed bytes and back, and how chunks stand in a Parquet file.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int32Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};
use svp_contract::Seal;

use crate::error::{LakeError, Result};

/// Rows of a chunk; the last one of a file has fewer.
pub(crate) const ROWS: usize = 4096;
/// The length of what is sealed is a multiple of this, bytes: it tells how much compressed rows there are to within so much.
const STEP: usize = 128 * 1024;
/// Bytes before the rows: their length.
const LENGTH: usize = 8;

/// Where a chunk stands: it opens there and nowhere else.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `zone/table`
    pub table: String,
    /// The partition's values, in the order of the table's partition columns; an empty one is null.
    pub values: Vec<String>,
}

impl Place {
    fn context(&self, head: &Head, key: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let (number, last) = (head.number.to_le_bytes(), [u8::from(head.last)]);
        let parts = [b"svp sealed chunk 1".as_slice(), self.table.as_bytes()]
            .into_iter()
            .chain(self.values.iter().map(String::as_bytes))
            .chain([number.as_slice(), last.as_slice(), head.columns.as_bytes(), key.as_bytes()]);
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// What stands in the clear beside a sealed chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// From 0.
    pub number: i32,
    /// Whether no chunk follows in the file.
    pub last: bool,
    /// Digest of names and types of the columns.
    pub columns: String,
}

/// A chunk as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub head: Head,
    /// Names the key.
    pub key: String,
    pub body: Bytes,
}

/// Digest of the names and types of columns, 16 hex digits.
pub(crate) fn columns_digest(schema: &Schema) -> String {
    let mut hash = Sha256::new();
    for field in schema.fields() {
        hash.update(format!("{}\t{}\n", field.name(), field.data_type()));
    }
    hex::encode(&hash.finalize()[..8])
}

/// The columns of a sealed table: its partition columns, and those of [`file_columns`].
pub(crate) fn stored_schema(schema: &Schema, partition: &[String]) -> SchemaRef {
    let of_partition = partition.iter().filter_map(|name| schema.field_with_name(name).ok().cloned());
    let fields: Vec<Field> = of_partition.chain(file_columns().fields().iter().map(|f| f.as_ref().clone())).collect();
    Arc::new(Schema::new(fields))
}

/// The columns of a file of chunks.
pub(crate) fn file_columns() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        field("chunk", DataType::Int32),
        field("last", DataType::Boolean),
        field("key", DataType::Utf8),
        field("columns", DataType::Utf8),
        field("body", DataType::Binary),
    ]))
}

/// The rows as they are sealed: their length, Arrow's stream format with zstd, zeros up to the next step.
pub(crate) fn pack(rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    // As for parts in the clear: zstd(1) is as small as (3) here, and faster.
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::ZSTD))?
        .try_with_compression_level(Some(1))?;
    let mut plain = vec![0; LENGTH];
    let mut writer = StreamWriter::try_new_with_options(&mut plain, rows.schema_ref(), options)?;
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    let length = (plain.len() - LENGTH) as u64;
    plain[..LENGTH].copy_from_slice(&length.to_le_bytes());
    plain.resize(plain.len().next_multiple_of(STEP), 0);
    Ok(plain)
}

/// The rows of a chunk as batches with the columns of `wanted`: a column that the chunk has not is null.
pub(crate) fn unpack(plain: &[u8], wanted: &SchemaRef) -> Result<Vec<RecordBatch>, ArrowError> {
    let cut = || ArrowError::IpcError("a chunk is shorter than it says".to_owned());
    let (length, rest) = plain.split_first_chunk::<LENGTH>().ok_or_else(cut)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
    let rows = rest.get(..length).ok_or_else(cut)?;
    let all = StreamReader::try_new(Cursor::new(rows), None)?.schema();
    let held: Vec<usize> = wanted.fields().iter().filter_map(|f| all.index_of(f.name()).ok()).collect();
    let reader = StreamReader::try_new(Cursor::new(rows), Some(held))?;
    reader.map(|batch| fit(&batch?, wanted)).collect()
}

/// A column in memory of its own. What cannot be compressed, as encodings cannot, is read as a piece of the whole chunk: it would keep all of
/// it in memory, and be counted as so much by every query that holds rows.
fn owned(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let rows = u32::try_from(column.len()).map_err(|_| ArrowError::IpcError("a chunk has too many rows".to_owned()))?;
    arrow::compute::take(column, &UInt32Array::from_iter_values(0..rows), None)
}

fn fit(batch: &RecordBatch, wanted: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |field: &Arc<Field>| match batch.column_by_name(field.name()) {
        Some(column) if column.data_type() == field.data_type() => owned(column),
        Some(column) => cast(column, field.data_type()),
        None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
    };
    let columns = wanted.fields().iter().map(column).collect::<Result<Vec<ArrayRef>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(wanted), columns, &options)
}

impl Chunk {
    /// Seals what [`pack`] made.
    pub(crate) fn seal(seal: &dyn Seal, place: &Place, head: Head, plain: &[u8]) -> Result<Self> {
        let key = seal.key_id().to_owned();
        let body = seal.seal(&place.context(&head, &key), plain);
        let body = body.ok_or_else(|| LakeError::NoRandom { table: place.table.clone() })?.into();
        Ok(Self { head, key, body })
    }

    /// What was sealed. `file` is for messages.
    pub(crate) fn open(&self, seal: &dyn Seal, place: &Place, file: &str) -> Result<Vec<u8>> {
        seal.open(&place.context(&self.head, &self.key), &self.body)
            .ok_or_else(|| LakeError::damaged(file, "a chunk of it does not open under the key of the lake"))
    }

    /// The MAC of a file up to and with this chunk, from that before it.
    pub(crate) fn chained(&self, seal: &dyn Seal, place: &Place, before: &[u8]) -> [u8; 32] {
        seal.mac(&[before, &place.context(&self.head, &self.key), &self.body])
    }

    /// The chunk as a row of its file.
    pub(crate) fn row(&self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![self.head.number])),
            Arc::new(BooleanArray::from(vec![self.head.last])),
            Arc::new(StringArray::from(vec![self.key.as_str()])),
            Arc::new(StringArray::from(vec![self.head.columns.as_str()])),
            Arc::new(BinaryArray::from_vec(vec![&self.body])),
        ];
        RecordBatch::try_new(file_columns(), columns)
    }

    /// The chunks of a file, in its order. `file` is for messages.
    pub(crate) fn all(bytes: Bytes, file: &str) -> Result<Vec<Self>> {
        let damaged = || LakeError::damaged(file, "it is not a file of sealed chunks");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|_| damaged())?;
        let mut out = Vec::new();
        for batch in reader.with_batch_size(1).build().map_err(|_| damaged())? {
            let batch = batch.map_err(|_| damaged())?;
            let column = |name: &str| batch.column_by_name(name).filter(|c| c.null_count() == 0).ok_or_else(damaged);
            let texts = |name: &str| column(name)?.as_string_opt::<i32>().cloned().ok_or_else(damaged);
            let numbers = column("chunk")?.as_primitive_opt::<Int32Type>().ok_or_else(damaged)?;
            let last = column("last")?.as_boolean_opt().ok_or_else(damaged)?;
            let bodies = column("body")?.as_binary_opt::<i32>().ok_or_else(damaged)?;
            let (keys, columns) = (texts("key")?, texts("columns")?);
            for row in 0..batch.num_rows() {
                out.push(Self {
                    head: Head {
                        number: numbers.value(row),
                        last: last.value(row),
                        columns: columns.value(row).to_owned(),
                    },
                    key: keys.value(row).to_owned(),
                    body: Bytes::copy_from_slice(bodies.value(row)),
                });
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize) -> RecordBatch {
        let text: ArrayRef = Arc::new((0..n).map(|i| Some(format!("{i}"))).collect::<StringArray>());
        let number: ArrayRef = Arc::new((0..n).map(|i| (i % 3 > 0).then_some(i as i32)).collect::<Int32Array>());
        RecordBatch::try_from_iter_with_nullable([("text", text, true), ("number", number, true)]).unwrap()
    }

    #[test]
    fn rows_come_back_and_lengths_are_of_a_step() {
        let all = rows(1000);
        let plain = pack(&all).unwrap();
        assert_eq!(plain.len(), STEP);
        assert_eq!(pack(&rows(1)).unwrap().len(), STEP);
        assert_eq!(unpack(&plain, all.schema_ref()).unwrap(), std::slice::from_ref(&all));
        let field = |name: &str, kind| Field::new(name, kind, true);
        let wanted = Arc::new(Schema::new(vec![field("new", DataType::Utf8), field("number", DataType::Int32)]));
        let batch = unpack(&plain, &wanted).unwrap().remove(0);
        assert_eq!((batch.column(0).null_count(), batch.column(1)), (1000, all.column(1)));
        let none = unpack(&plain, &Arc::new(Schema::empty())).unwrap();
        assert_eq!((none[0].num_rows(), none[0].num_columns()), (1000, 0));
        assert!(unpack(&plain[..LENGTH + 10], all.schema_ref()).is_err());
    }

    /// Encodings are like random bytes: a column of them takes its own length of memory, and not that of the chunk.
    #[test]
    fn a_column_that_does_not_compress_is_no_piece_of_its_chunk() {
        const ROWS: usize = 2000;
        let random = |seed: u64| {
            let mut x = seed;
            let mut next = move || {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (x >> 33) as u8
            };
            let values: Vec<Vec<u8>> = (0..ROWS).map(|_| (0..64).map(|_| next()).collect()).collect();
            Arc::new(values.iter().map(|v| Some(v.as_slice())).collect::<BinaryArray>()) as ArrayRef
        };
        let names = ["a", "b", "c", "d"];
        let all =
            RecordBatch::try_from_iter_with_nullable(names.iter().zip(1..).map(|(n, seed)| (*n, random(seed), true)));
        let all = all.unwrap();
        let batch = unpack(&pack(&all).unwrap(), all.schema_ref()).unwrap().remove(0);
        assert_eq!(batch, all);
        for column in batch.columns() {
            assert!(column.get_buffer_memory_size() < 2 * ROWS * 68, "{}", column.get_buffer_memory_size());
        }
    }
}

//! Parquet: every expected column as text. The format needs random access, so the file is held in memory.

use std::io::Read;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::account::{FileAccount, ParquetAccount, Parts};
use super::columns::{is_blank, to_batch};
use super::decode::{Fault, Plain};
use super::error::{ReadError, RowRule};
use super::header::{self, Layout};
use super::{BadRow, Expected, MAX_PARQUET, ReadNote, RowBatch, RowReader};

pub(super) struct ParquetReader {
    file: String,
    reader: ParquetRecordBatchReader,
    /// For every output column its index in the projected batch.
    source: Vec<Option<usize>>,
    schema: SchemaRef,
    notes: Vec<ReadNote>,
    row: u64,
    account: FileAccount,
}

/// The opened file and its number of bytes.
fn builder(file: &str, plain: Plain) -> Result<(ParquetRecordBatchReaderBuilder<Bytes>, u64), ReadError> {
    let mut bytes = Vec::new();
    let mut input = plain.input.take(MAX_PARQUET + 1);
    input.read_to_end(&mut bytes).map_err(|e| ReadError::from_fault(Fault::of(e), file, 0))?;
    if bytes.len() as u64 > MAX_PARQUET {
        return Err(ReadError::FileTooLarge { file: file.to_owned(), limit: MAX_PARQUET });
    }
    if !bytes.starts_with(b"PAR1") {
        return Err(ReadError::UnsupportedFormat { file: file.to_owned(), found: "not a Parquet file" });
    }
    let size = bytes.len() as u64;
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).map_err(|_| damaged(file, 0))?;
    Ok((builder, size))
}

fn damaged(file: &str, row: u64) -> ReadError {
    ReadError::Malformed { file: file.to_owned(), row, position: 0, reason: "the Parquet file is damaged or cut off" }
}

fn column_names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|f| header::clean(f.name()).to_owned()).collect()
}

/// The names of the top-level columns.
pub(super) fn header(file: &str, plain: Plain) -> Result<Vec<String>, ReadError> {
    Ok(column_names(builder(file, plain)?.0.schema()))
}

/// Opens a Parquet file on the expected columns only.
pub(super) fn open(
    expected: &Expected,
    file: &str,
    plain: Plain,
    batch_rows: usize,
) -> Result<ParquetReader, ReadError> {
    let (mut notes, padding) = (plain.notes(), plain.padding.clone());
    let (builder, size) = builder(file, plain)?;
    notes.extend(padding.note());
    let names = column_names(builder.schema());
    let mut layout = header::locate(file, expected, &names, false).map_err(|drift| drift.error)?;
    notes.append(&mut layout.notes);
    let metadata = builder.metadata();
    let account = FileAccount {
        bytes: Parts { total: size, records: size, ..Parts::default() },
        last_line_ended: true,
        columns_read: layout.columns_read(expected),
        columns_unread: layout.columns_unread(),
        parquet: Some(ParquetAccount {
            rows_declared: u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default(),
            row_groups: metadata.num_row_groups() as u64,
        }),
        ..FileAccount::default()
    };
    let Layout { index, .. } = layout;
    let mut roots: Vec<usize> = index.iter().flatten().copied().collect();
    roots.sort_unstable();
    roots.dedup();
    for root in &roots {
        let field = builder.schema().field(*root);
        if !can_cast_types(field.data_type(), &DataType::Utf8) || field.data_type().is_nested() {
            return Err(ReadError::ColumnType {
                file: file.to_owned(),
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            });
        }
    }
    let source = index.iter().map(|i| i.and_then(|i| roots.binary_search(&i).ok())).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).with_batch_size(batch_rows.max(1)).build();
    let names = expected.output_columns();
    let fields: Vec<Field> = names.iter().map(|n| Field::new(n, DataType::Utf8, true)).collect();
    Ok(ParquetReader {
        file: file.to_owned(),
        reader: reader.map_err(|_| damaged(file, 0))?,
        source,
        schema: Arc::new(Schema::new(fields)),
        notes,
        row: 0,
        account,
    })
}

/// A column as text with NULL for blank; marks rows whose bytes are no text.
fn as_text(column: &ArrayRef, good: &mut [bool]) -> Option<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let text = cast_with_options(column, &DataType::Utf8, &options).ok()?;
    let strings = text.as_string::<i32>();
    for (i, keep) in good.iter_mut().enumerate() {
        *keep &= column.is_null(i) || strings.is_valid(i);
    }
    if !strings.iter().flatten().any(is_blank) {
        return Some(text);
    }
    let mut clean = StringBuilder::new();
    for value in strings {
        clean.append_option(value.filter(|v| !is_blank(v)));
    }
    Some(Arc::new(clean.finish()))
}

impl ParquetReader {
    fn unreadable(&self, found: &RecordBatch, column: usize) -> ReadError {
        let schema = found.schema();
        let field = schema.field(column);
        let (file, column) = (self.file.clone(), field.name().clone());
        ReadError::ColumnType { file, column, data_type: field.data_type().to_string() }
    }

    fn convert(&mut self, found: &RecordBatch) -> Result<RowBatch, ReadError> {
        let first_row = self.row + 1;
        let n = found.num_rows();
        self.row += n as u64;
        self.account.records = self.row;
        let mut good = vec![true; n];
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.source.len());
        for source in &self.source {
            let array = match source {
                Some(i) => as_text(found.column(*i), &mut good).ok_or_else(|| self.unreadable(found, *i))?,
                None => arrow::array::new_null_array(&DataType::Utf8, n),
            };
            arrays.push(array);
        }
        let mut batch = to_batch(&self.file, &self.schema, arrays, n, first_row)?;
        let (mut rows, mut bad) = (Vec::with_capacity(n), Vec::new());
        for (row, keep) in (first_row..).zip(&good) {
            if *keep {
                rows.push(row);
            } else {
                bad.push(BadRow { row, rule: RowRule::Encoding });
            }
        }
        if !bad.is_empty() {
            batch = filter_record_batch(&batch, &BooleanArray::from(good))
                .map_err(|_| damaged(&self.file, first_row - 1))?;
        }
        Ok(RowBatch { first_row, rows, batch, bad })
    }
}

impl RowReader for ParquetReader {
    fn next_batch(&mut self) -> Result<Option<RowBatch>, ReadError> {
        match self.reader.next() {
            None if self.account.balances() => Ok(None),
            // Fewer rows than the file's own metadata promise.
            None => Err(damaged(&self.file, self.row)),
            Some(Err(_)) => Err(damaged(&self.file, self.row)),
            Some(Ok(found)) => self.convert(&found).map(Some),
        }
    }

    fn notes(&self) -> &[ReadNote] {
        &self.notes
    }

    fn rows_read(&self) -> u64 {
        self.row
    }

    fn account(&self) -> &FileAccount {
        &self.account
    }
}

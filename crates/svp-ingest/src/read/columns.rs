//! Text columns under construction.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::error::ReadError;
use super::{BadRow, RowBatch};

/// Bytes of text after which a batch is closed even if it has few rows.
const BATCH_BYTES: usize = 32 * 1024 * 1024;

/// One [`StringBuilder`] per output column; blank text becomes NULL.
pub(super) struct Columns {
    schema: SchemaRef,
    builders: Vec<StringBuilder>,
    rows: Vec<u64>,
    bytes: usize,
}

impl Columns {
    pub(super) fn new(names: &[String]) -> Self {
        let fields: Vec<Field> = names.iter().map(|n| Field::new(n, DataType::Utf8, true)).collect();
        let builders = names.iter().map(|_| StringBuilder::new()).collect();
        Self { schema: Arc::new(Schema::new(fields)), builders, rows: Vec::new(), bytes: 0 }
    }

    /// Number of whole rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Whether the batch should be closed for its size.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES
    }

    /// Adds the next value of one column.
    #[inline]
    pub(super) fn push(&mut self, column: usize, text: &str) {
        if is_blank(text) {
            self.builders[column].append_null();
        } else {
            self.bytes += text.len();
            self.builders[column].append_value(text);
        }
    }

    /// Ends the row with number `row`, after one value for every column.
    pub(super) fn end_row(&mut self, row: u64) {
        self.rows.push(row);
    }

    /// Hands the rows over and starts anew.
    pub(super) fn finish(&mut self, file: &str, first_row: u64, bad: Vec<BadRow>) -> Result<RowBatch, ReadError> {
        let n = self.rows.len();
        let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(n));
        let renew = |b: &mut StringBuilder| -> ArrayRef {
            // The next batch will be about as large.
            let bytes = b.values_slice().len();
            Arc::new(std::mem::replace(b, StringBuilder::with_capacity(n, bytes + bytes / 8)).finish())
        };
        let arrays: Vec<ArrayRef> = self.builders.iter_mut().map(renew).collect();
        self.bytes = 0;
        let batch = to_batch(file, &self.schema, arrays, n, first_row)?;
        Ok(RowBatch { first_row, rows, batch, bad })
    }
}

/// Builds a batch of `n` rows, also when it has no columns.
pub(super) fn to_batch(
    file: &str,
    schema: &SchemaRef,
    arrays: Vec<ArrayRef>,
    n: usize,
    first_row: u64,
) -> Result<RecordBatch, ReadError> {
    let options = RecordBatchOptions::new().with_row_count(Some(n));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(|_| ReadError::Malformed {
        file: file.to_owned(),
        row: first_row - 1,
        position: 0,
        reason: "columns of unequal length",
    })
}

/// Whether a text is missing: nothing but white space.
#[inline]
pub(super) fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(b) if (b'!'..=b'~').contains(b) => false,
        Some(_) => text.trim().is_empty(),
    }
}

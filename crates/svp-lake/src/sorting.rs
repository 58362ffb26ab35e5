//! The order of rows in a file: by columns of theirs, whatever the order in which they came. An extract that was sorted by name would
//! otherwise give every row its place in the alphabet.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{concat, interleave_record_batch};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

/// Rows that are sorted together at most: they are held in memory. A file with more is sorted in pieces of so many.
pub(crate) const AT_ONCE: usize = 1 << 20;
/// Rows of a batch that comes out.
const BATCH: usize = 8192;

/// Rows that wait to be sorted.
#[derive(Debug, Default)]
pub(crate) struct Sorting {
    by: Vec<String>,
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Sorting {
    /// Sorts by columns, the first being the first; by none, rows stay as they came.
    pub fn by(columns: &[String]) -> Self {
        Self { by: columns.to_vec(), ..Self::default() }
    }

    /// Takes rows, all of one schema, and gives those that are in order and wait no longer.
    pub fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>, ArrowError> {
        if self.by.is_empty() {
            return Ok(vec![batch]);
        }
        let mut ready = Vec::new();
        let mut from = 0;
        while from < batch.num_rows() {
            let n = (AT_ONCE - self.rows).min(batch.num_rows() - from);
            self.batches.push(batch.slice(from, n));
            (self.rows, from) = (self.rows + n, from + n);
            if self.rows == AT_ONCE {
                ready.extend(self.finish()?);
            }
        }
        Ok(ready)
    }

    /// The rows that wait, in order: missing values first, and rows that are equal in all columns as they came.
    pub fn finish(&mut self) -> Result<Vec<RecordBatch>, ArrowError> {
        let batches = std::mem::take(&mut self.batches);
        self.rows = 0;
        let Some(first) = batches.first() else { return Ok(batches) };
        let places = self.by.iter().map(|name| first.schema_ref().index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let column = |at: &usize| -> Result<ArrayRef, ArrowError> {
            let parts: Vec<_> = batches.iter().map(|batch| batch.column(*at).as_ref()).collect();
            concat(&parts)
        };
        let keys = places.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
        let keys = RowConverter::new(fields)?.convert_columns(&keys)?;
        let mut order: Vec<(usize, usize)> = Vec::with_capacity(keys.num_rows());
        for (at, batch) in batches.iter().enumerate() {
            order.extend((0..batch.num_rows()).map(|row| (at, row)));
        }
        let mut sorted: Vec<usize> = (0..order.len()).collect();
        sorted.sort_by(|a, b| keys.row(*a).cmp(&keys.row(*b)));
        if sorted.is_sorted() {
            return Ok(batches);
        }
        let order: Vec<(usize, usize)> = sorted.into_iter().map(|row| order[row]).collect();
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        order.chunks(BATCH).map(|rows| interleave_record_batch(&batches, rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn batch(rows: &[(Option<i64>, &str)]) -> RecordBatch {
        let numbers = Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))) as ArrayRef;
        let texts = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.1))) as ArrayRef;
        RecordBatch::try_from_iter_with_nullable([("number", numbers, true), ("text", texts, true)]).unwrap()
    }

    fn texts(batches: &[RecordBatch]) -> String {
        batches.iter().flat_map(|b| b.column(1).as_string::<i32>().iter().flatten()).collect()
    }

    #[test]
    fn rows_are_in_order_over_batches() {
        let mut sorting = Sorting::by(&["number".to_owned(), "text".to_owned()]);
        for rows in [&[(Some(3), "d"), (None, "a")][..], &[(Some(1), "c"), (Some(1), "b")]] {
            assert!(sorting.push(batch(rows)).unwrap().is_empty());
        }
        assert_eq!(texts(&sorting.finish().unwrap()), "abcd");
        assert!(sorting.finish().unwrap().is_empty());
        let mut as_they_came = Sorting::by(&[]);
        assert_eq!(texts(&as_they_came.push(batch(&[(Some(2), "x"), (Some(1), "y")])).unwrap()), "xy");
        assert!(as_they_came.finish().unwrap().is_empty());
    }

    /// Nothing is lost or doubled where more rows come than are held.
    #[test]
    fn more_rows_than_are_held() {
        let n = AT_ONCE as i64 + 10;
        let numbers = Arc::new(Int64Array::from_iter_values((0..n).rev())) as ArrayRef;
        let all = RecordBatch::try_from_iter([("number", numbers)]).unwrap();
        let mut sorting = Sorting::by(&["number".to_owned()]);
        let mut out = sorting.push(all).unwrap();
        assert_eq!(out.iter().map(RecordBatch::num_rows).sum::<usize>(), AT_ONCE);
        out.extend(sorting.finish().unwrap());
        let mut numbers: Vec<i64> =
            out.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
        assert!(numbers[..AT_ONCE].is_sorted() && numbers[AT_ONCE..].is_sorted());
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..n));
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error() {
        let mut sorting = Sorting::by(&["absent".to_owned()]);
        sorting.push(batch(&[(None, "a")])).unwrap();
        assert!(sorting.finish().is_err());
    }
}

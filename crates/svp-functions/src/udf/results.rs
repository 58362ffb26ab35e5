//! Arrays from the values that a body computes, one per row.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Float64Array, ListArray, PrimitiveArray, StringBuilder,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Date32Type, Field, Fields, TimeUnit, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate};
use datafusion::common::Result;

/// Arrow type of every instant.
pub(crate) fn utc_timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// Struct type of two required numbers.
pub(crate) fn pair_type(names: [&str; 2]) -> DataType {
    DataType::Struct(pair_fields(names))
}

fn pair_fields(names: [&str; 2]) -> Fields {
    names.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect()
}

const DAYS_TO_1970: i32 = 719_163;

/// Calendar date of a Date32 value.
pub(crate) fn date_of_days(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(DAYS_TO_1970)?)
}

/// Date32 value of a calendar date.
pub(crate) fn days_of_date(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - DAYS_TO_1970
}

/// Text result, one value per row.
pub(crate) fn text_result<S: AsRef<str>>(rows: usize, mut value: impl FnMut(usize) -> Option<S>) -> Result<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(rows, rows * 8);
    for row in 0..rows {
        match value(row) {
            Some(text) => builder.append_value(text.as_ref()),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Text result that is written into one buffer, kept for the whole batch.
pub(crate) fn written_result(rows: usize, mut write: impl FnMut(usize, &mut String) -> Option<()>) -> Result<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(rows, rows * 16);
    let mut buffer = String::new();
    for row in 0..rows {
        buffer.clear();
        match write(row, &mut buffer) {
            Some(()) => builder.append_value(&buffer),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Number, integer or date result.
pub(crate) fn primitive_result<T: ArrowPrimitiveType>(
    rows: usize,
    value: impl FnMut(usize) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let array: PrimitiveArray<T> = (0..rows).map(value).collect();
    Ok(Arc::new(array))
}

/// Result of instants in microseconds since 1970 UTC.
pub(crate) fn instant_result(rows: usize, value: impl FnMut(usize) -> Option<i64>) -> Result<ArrayRef> {
    let array: PrimitiveArray<TimestampMicrosecondType> = (0..rows).map(value).collect();
    Ok(Arc::new(array.with_timezone("UTC")))
}

/// Date result.
pub(crate) fn date_result(rows: usize, mut value: impl FnMut(usize) -> Option<NaiveDate>) -> Result<ArrayRef> {
    primitive_result::<Date32Type>(rows, |row| value(row).map(days_of_date))
}

/// Flag result.
pub(crate) fn flag_result(rows: usize, value: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
    let array: BooleanArray = (0..rows).map(value).collect();
    Ok(Arc::new(array))
}

/// Struct type of numbers that may be missing.
pub(crate) fn record_type(names: &[&str]) -> DataType {
    DataType::Struct(names.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect())
}

/// Struct of numbers; a row without value is a null struct.
pub(crate) fn record_result<const N: usize>(
    rows: usize,
    names: [&str; N],
    value: impl FnMut(usize) -> Option<[Option<f64>; N]>,
) -> Result<ArrayRef> {
    Ok(Arc::new(records(names, (0..rows).map(value))?))
}

fn records<const N: usize>(
    names: [&str; N],
    values: impl Iterator<Item = Option<[Option<f64>; N]>>,
) -> Result<StructArray> {
    let mut columns: [Vec<Option<f64>>; N] = std::array::from_fn(|_| Vec::new());
    let mut valid = Vec::new();
    for value in values {
        valid.push(value.is_some());
        for (column, number) in columns.iter_mut().zip(value.unwrap_or([None; N])) {
            // What is no number is no answer.
            column.push(number.filter(|n| n.is_finite()));
        }
    }
    let fields: Fields = names.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect();
    let columns: Vec<ArrayRef> = columns.into_iter().map(|c| Arc::new(Float64Array::from(c)) as ArrayRef).collect();
    Ok(StructArray::try_new(fields, columns, Some(NullBuffer::from(valid)))?)
}

/// Type of a list of such structs.
pub(crate) fn records_type(names: &[&str]) -> DataType {
    DataType::new_list(record_type(names), true)
}

/// List of structs of numbers; a row without value is a null list.
pub(crate) fn records_result<const N: usize>(
    rows: usize,
    names: [&str; N],
    mut value: impl FnMut(usize) -> Option<Vec<[Option<f64>; N]>>,
) -> Result<ArrayRef> {
    let (mut items, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let list = value(row);
        valid.push(list.is_some());
        let list = list.unwrap_or_default();
        lengths.push(list.len());
        items.extend(list.into_iter().map(Some));
    }
    let items = records(names, items.into_iter())?;
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(items), nulls)?))
}

/// Struct of two numbers; a row without value is a null struct.
pub(crate) fn pair_result(
    rows: usize,
    names: [&str; 2],
    mut value: impl FnMut(usize) -> Option<(f64, f64)>,
) -> Result<ArrayRef> {
    let mut first = Vec::with_capacity(rows);
    let mut second = Vec::with_capacity(rows);
    let mut valid = Vec::with_capacity(rows);
    for row in 0..rows {
        let pair = value(row);
        let (one, two) = pair.unwrap_or_default();
        first.push(one);
        second.push(two);
        valid.push(pair.is_some());
    }
    let nulls = NullBuffer::from(valid);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::new(first.into(), Some(nulls.clone()))),
        Arc::new(Float64Array::new(second.into(), Some(nulls.clone()))),
    ];
    Ok(Arc::new(StructArray::try_new(pair_fields(names), columns, Some(nulls))?))
}

//! Typed columns from the arguments of a call.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, LargeStringArray, ListArray, PrimitiveArray, StringArray,
    StringViewArray,
};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::NaiveDate;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::ColumnarValue;

use super::results::date_of_days;
use crate::time::london;

/// The arguments of one call on one batch.
pub(crate) struct Args<'a> {
    pub(super) values: &'a [ColumnarValue],
    /// Rows that the result must have.
    pub rows: usize,
}

impl Args<'_> {
    /// Whether the optional argument was given.
    pub fn has(&self, index: usize) -> bool {
        index < self.values.len()
    }

    fn array(&self, index: usize) -> Result<(ArrayRef, bool)> {
        match self.values.get(index) {
            Some(ColumnarValue::Array(array)) => Ok((Arc::clone(array), false)),
            Some(ColumnarValue::Scalar(scalar)) => Ok((scalar.to_array()?, true)),
            None => internal_err!("argument {index} is missing"),
        }
    }

    /// A text argument.
    pub fn text(&self, index: usize) -> Result<Text> {
        let (array, constant) = self.array(index)?;
        let values = match array.data_type() {
            DataType::Utf8 => Strings::Utf8(array.as_string::<i32>().clone()),
            DataType::LargeUtf8 => Strings::Large(array.as_string::<i64>().clone()),
            DataType::Utf8View => Strings::View(array.as_string_view().clone()),
            other => return internal_err!("argument {index} should be text, not {other}"),
        };
        Ok(Text { values, constant })
    }

    fn column<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Column<T>> {
        let (array, constant) = self.array(index)?;
        match array.as_primitive_opt::<T>() {
            Some(values) => Ok(Column { values: values.clone(), constant }),
            None => internal_err!("argument {index} should be {}, not {}", T::DATA_TYPE, array.data_type()),
        }
    }

    /// A number argument.
    pub fn number(&self, index: usize) -> Result<Column<Float64Type>> {
        self.column(index)
    }

    /// An integer argument.
    pub fn integer(&self, index: usize) -> Result<Column<Int64Type>> {
        self.column(index)
    }

    /// An instant, in microseconds since 1970 UTC.
    pub fn instant(&self, index: usize) -> Result<Column<TimestampMicrosecondType>> {
        self.column(index)
    }

    /// A list of numbers.
    pub fn numbers(&self, index: usize) -> Result<Lists> {
        let (array, constant) = self.array(index)?;
        match array.as_list_opt::<i32>() {
            Some(values) => Ok(Lists { values: values.clone(), constant }),
            None => internal_err!("argument {index} should be a list of numbers, not {}", array.data_type()),
        }
    }

    /// A date or an instant, as the calendar date in Great Britain.
    pub fn day(&self, index: usize) -> Result<Days> {
        match self.values.get(index).map(ColumnarValue::data_type) {
            Some(DataType::Date32) => Ok(Days::Date(self.column(index)?)),
            _ => Ok(Days::Instant(self.column(index)?)),
        }
    }
}

/// A column of numbers, dates or instants; a constant is a column that always answers the same.
pub(crate) struct Column<T: ArrowPrimitiveType> {
    values: PrimitiveArray<T>,
    constant: bool,
}

impl<T: ArrowPrimitiveType> Column<T> {
    /// The value in this row; `None` when missing.
    #[inline]
    pub fn get(&self, row: usize) -> Option<T::Native> {
        let row = if self.constant { 0 } else { row };
        self.values.is_valid(row).then(|| self.values.value(row))
    }
}

/// A column of lists of numbers.
pub(crate) struct Lists {
    values: ListArray,
    constant: bool,
}

impl Lists {
    /// The numbers in this row; `None` when the list is missing, or one of its items: lists that belong together must not
    /// lose their places.
    pub fn get(&self, row: usize) -> Option<Vec<f64>> {
        let row = if self.constant { 0 } else { row };
        if self.values.is_null(row) {
            return None;
        }
        let items = self.values.value(row);
        let items = items.as_primitive_opt::<Float64Type>()?;
        (items.null_count() == 0).then(|| items.values().to_vec())
    }
}

enum Strings {
    Utf8(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
}

/// A column of text in any of the three Arrow layouts.
pub(crate) struct Text {
    values: Strings,
    constant: bool,
}

impl Text {
    /// The text in this row; `None` when missing.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        let row = if self.constant { 0 } else { row };
        match &self.values {
            Strings::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Strings::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Strings::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

/// A column of dates, or of instants read as local dates.
pub(crate) enum Days {
    Date(Column<Date32Type>),
    Instant(Column<TimestampMicrosecondType>),
}

impl Days {
    /// The local calendar date in this row.
    pub fn get(&self, row: usize) -> Option<NaiveDate> {
        match self {
            Days::Date(column) => date_of_days(column.get(row)?),
            Days::Instant(column) => Some(london::local(column.get(row)?)?.date()),
        }
    }
}

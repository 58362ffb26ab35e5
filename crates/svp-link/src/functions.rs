//! The SQL functions of the steps. They read tokens and encodings and give numbers; none sees clear text, and none changes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

use crate::row_columns::{ENCODINGS, NAMED};
use crate::rows::Named;
use crate::values::Values;

fn define(
    name: &str,
    takes: Vec<DataType>,
    body: impl Fn(&[ArrayRef]) -> Result<UInt64Array> + Send + Sync + 'static,
) -> ScalarUDF {
    create_udf(
        name,
        takes,
        DataType::UInt64,
        Volatility::Immutable,
        Arc::new(move |args: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(args)?;
            Ok(ColumnarValue::Array(Arc::new(body(&arrays)?)))
        }),
    )
}

/// Registers `token_bits(token)`.
pub(crate) fn register(ctx: &SessionContext) {
    ctx.register_udf(define("token_bits", vec![DataType::Utf8], token_bits));
}

/// Registers `content_digest(column, …)` of the columns of a row, whose encodings are numbers of `values`.
pub(crate) fn register_digest(ctx: &SessionContext, values: Arc<Values>) {
    let kind = |i: usize| if i < ENCODINGS { DataType::UInt32 } else { DataType::UInt64 };
    let body = move |args: &[ArrayRef]| content_digest(&values, args);
    ctx.register_udf(define("content_digest", (0..NAMED).map(kind).collect(), body));
}

/// The first 64 bits of a token.
fn token_bits(args: &[ArrayRef]) -> Result<UInt64Array> {
    let Some(text) = args[0].as_string_opt::<i32>() else { return exec_err!("token_bits takes a token") };
    let bits = |t: &str| t.get(..16).and_then(|t| u64::from_str_radix(t, 16).ok());
    Ok(text.iter().map(|t| t.and_then(bits)).collect())
}

/// A digest of what is known of a row; 0 when nothing says who it is.
fn content_digest(values: &Values, args: &[ArrayRef]) -> Result<UInt64Array> {
    let Some(columns) = Named::new(values, args) else { return exec_err!("content_digest takes the columns of a row") };
    Ok(UInt64Array::from_iter_values((0..args[0].len()).map(|row| columns.row(row).content_digest())))
}

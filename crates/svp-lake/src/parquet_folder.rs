//! Parquet files that lie outside a lake, as a table.

use arrow::datatypes::SchemaRef;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use crate::error::{LakeError, Result};

/// Registers a Parquet file, or the Parquet files of a folder, as the table `name` with the columns of `schema`; a column that the
/// files lack is NULL.
///
/// # Errors
/// Files that are not there, or whose columns have other types.
pub async fn register_parquet(ctx: &SessionContext, name: &str, path: &str, schema: &SchemaRef) -> Result<()> {
    let fail = |error| LakeError::engine("reading Parquet files as a table", error);
    ctx.deregister_table(name).map_err(fail)?;
    ctx.register_parquet(name, path, ParquetReadOptions::default().schema(schema)).await.map_err(fail)
}

//! `<table>.parquet`: zstd, one fixed writer name and ordered metadata, so that equal rows give equal bytes.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::PublishError;
use crate::frame::Frame;
use crate::model::ReleaseMeta;

/// Name that every Parquet file gives as its writer.
const CREATED_BY: &str = "svp-publish";

/// Writes the table, with release, definition and disclosure policy in the file's own metadata.
pub(crate) fn write(meta: &ReleaseMeta, frame: &Frame<'_>) -> Result<Bytes, PublishError> {
    let failed = |source: ParquetError| PublishError::Parquet { table: frame.table.name.clone(), source };
    // Schema metadata is an unordered map, so it stays behind.
    let fields: Vec<Field> = frame
        .batch
        .schema_ref()
        .fields()
        .iter()
        .map(|f| Field::new(f.name(), f.data_type().clone(), f.is_nullable()))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new_with_options(
        Arc::clone(&schema),
        frame.batch.columns().to_vec(),
        &arrow::array::RecordBatchOptions::new().with_row_count(Some(frame.rows)),
    )
    .map_err(|source| PublishError::Arrow { table: frame.table.name.clone(), source })?;
    let policy = &frame.summary.policy;
    let mut words = vec![
        ("svp.release", meta.release.clone()),
        ("svp.table", frame.table.name.clone()),
        ("svp.title", frame.table.title.clone()),
        ("svp.subtitle", frame.table.subtitle.clone()),
        ("svp.suppress_below", policy.suppress_below.to_string()),
        ("svp.round_to", policy.round_to.to_string()),
    ];
    words.extend(frame.table.definition.iter().map(|d| ("svp.definition", d.clone())));
    words.extend(frame.table.stand_in_label.iter().map(|l| ("svp.stand_in", l.clone())));
    let words = words.into_iter().map(|(key, value)| KeyValue::new(key.to_string(), value)).collect();
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_string())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(words))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(Bytes::from(bytes))
}

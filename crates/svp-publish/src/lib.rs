//! What enters: tables that passed disclosure control (`Disclosed<RecordBatch>`) with their headers, and the facts of the run.
//! What leaves: the files of one release folder as (relative path, bytes): Parquet, CSV, GeoJSON, report, manifest.
//! Never: takes anything undisclosed, lets out a file that was not searched, touches storage, reads a clock, loads anything from a network.
//! To add one: a new kind of file is one module like `csv_file.rs` and one line in `release.rs`; a new chart is one module in `report/` and one template.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

mod csv_file;
mod error;
mod format;
mod frame;
mod geojson_file;
mod geometry;
mod manifest;
mod model;
mod parquet_file;
mod readme;
mod release;
mod remainder;
mod report;
mod searched;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use error::PublishError;
pub use geometry::OUTLINE_TOLERANCE;
pub use manifest::{FORMAT, FORMAT_VERSION};
pub use model::{
    Chart, Column, Content, DefinitionLine, Figure, Geometry, MissingMonths, Outlines, PublishedTable, ReleaseMeta,
    SourceLine,
};
pub use release::release;

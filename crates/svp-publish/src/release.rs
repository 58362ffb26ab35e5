//! The files of a release, in order; the manifest comes last.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::error::PublishError;
use crate::frame::Frame;
use crate::model::{Outlines, PublishedTable, ReleaseMeta};
use crate::{csv_file, geojson_file, geometry, manifest, parquet_file, readme, report, searched};

/// Makes the files of one release folder as (relative path, bytes), `manifest.json` last.
///
/// Outlines are simplified to [`OUTLINE_TOLERANCE`](crate::OUTLINE_TOLERANCE) before anything is drawn or written.
///
/// Each available table becomes `<name>.parquet`, `<name>.csv` and, if it lies on the ground,
/// `<name>.geojson`; then `README.txt`, `report.html` and `manifest.json`. A table that is not available
/// has no data file: the report and the manifest say so, with the reason. The same arguments give the
/// same bytes. Every byte of them was searched for what identifies people, Parquet decoded.
///
/// # Errors
/// A header that does not fit its table, a count that is flagged as suppressed and holds a value, an
/// unknown layer or cell, a file that holds what identifies people, or a writer that failed; see [`PublishError`].
pub fn release(
    meta: &ReleaseMeta,
    tables: &[PublishedTable],
    outlines: &[Outlines],
) -> Result<Vec<(String, Bytes)>, PublishError> {
    check_names(tables)?;
    let outlines: Vec<Outlines> = outlines.iter().map(geometry::lightened).collect();
    let outlines = outlines.as_slice();
    let mut frames = Vec::with_capacity(tables.len());
    let mut grounds = Vec::with_capacity(tables.len());
    let mut files: Vec<(String, Bytes)> = Vec::new();
    for table in tables {
        let frame = Frame::new(table)?;
        let mut ground = None;
        if let Some(frame) = &frame {
            ground = geometry::ground(frame, outlines)?;
            let name = &table.name;
            files.push((format!("{name}.parquet"), parquet_file::write(meta, frame)?));
            files.push((format!("{name}.csv"), csv_file::write(frame)));
            if let Some(ground) = &ground {
                let bytes = geojson_file::write(meta, frame, ground)?;
                files.push((format!("{name}.geojson"), bytes));
            }
        }
        frames.push(frame);
        grounds.push(ground);
    }
    files.push(("README.txt".into(), readme::write(meta, tables, &frames)?));
    let page = report::write(meta, tables, &frames, &grounds, outlines)?;
    files.push(("report.html".into(), page));
    let manifest = manifest::write(meta, tables, &frames, &files)?;
    files.push(("manifest.json".into(), manifest));
    searched::search(&files)?;
    Ok(files)
}

fn check_names(tables: &[PublishedTable]) -> Result<(), PublishError> {
    let mut seen = BTreeSet::new();
    for table in tables {
        let plain = table.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if !plain || table.name.is_empty() || table.name == "report" {
            return Err(PublishError::BadName { table: table.name.clone() });
        }
        if !seen.insert(&table.name) {
            return Err(PublishError::DuplicateTable { table: table.name.clone() });
        }
    }
    Ok(())
}

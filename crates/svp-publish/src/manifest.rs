//! `manifest.json`: written last; every other file with its SHA-256, and what the release is made of.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::PublishError;
use crate::frame::{FLAG_ENDING, Frame};
use crate::model::{Column, Content, PublishedTable, ReleaseMeta};

/// Name of the format that `manifest.json` announces.
pub const FORMAT: &str = "svp-release";
/// Version of that format; grows when a reader of releases would have to change.
pub const FORMAT_VERSION: u32 = 1;

/// Writes the manifest of the files so far; `frames` lie in the order of `tables`.
pub(crate) fn write(
    meta: &ReleaseMeta,
    tables: &[PublishedTable],
    frames: &[Option<Frame<'_>>],
    files: &[(String, Bytes)],
) -> Result<Bytes, PublishError> {
    let tables: Vec<Value> =
        tables.iter().zip(frames).map(|(table, frame)| describe(table, frame.as_ref(), files)).collect();
    let listed: Vec<Value> = files
        .iter()
        .map(|(path, bytes)| {
            json!({
                "path": path,
                "bytes": bytes.len(),
                "sha256": hex::encode(Sha256::digest(bytes)),
                "media_type": media_type(path),
            })
        })
        .collect();
    let manifest = json!({
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "svp_version": meta.svp_version,
        "release": meta.release,
        "run": meta.run_number,
        "clock": meta.clock,
        "title": meta.title,
        "area": { "code": meta.area, "title": meta.area_title },
        "period": { "from": meta.period_from, "to": meta.period_to },
        "audience": meta.audience,
        "definitions": meta.definitions,
        "sources": meta.sources,
        "tables": tables,
        "policy": meta.policy,
        "receipts": meta.receipts,
        "linkage": meta.linkage,
        "attribution": meta.attribution,
        "quality_notes": meta.quality_notes,
        "files": listed,
    });
    let mut bytes = serde_json::to_vec_pretty(&manifest)
        .map_err(|source| PublishError::Json { file: "manifest.json".to_string(), source })?;
    bytes.push(b'\n');
    Ok(Bytes::from(bytes))
}

fn describe(table: &PublishedTable, frame: Option<&Frame<'_>>, files: &[(String, Bytes)]) -> Value {
    let reason = match &table.content {
        Content::NotAvailable(reason) => Some(reason),
        Content::Table(_) => None,
    };
    let own: Vec<&String> = files
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.rsplit_once('.').is_some_and(|(stem, _)| stem == table.name))
        .collect();
    let disclosure = frame.map(|frame| {
        json!({
            "suppress_below": frame.summary.policy.suppress_below,
            "round_to": frame.summary.policy.round_to,
            "reason": frame.summary.policy.reason(),
            "cells": frame.summary.cells,
            "suppressed": frame.summary.suppressed,
            "rounded": frame.summary.rounded,
            "merged": frame.summary.merged,
        })
    });
    let counts: Vec<Value> = table
        .counts
        .iter()
        .map(|c| json!({"name": c.name, "title": c.title, "unit": c.unit, "flag": format!("{}{FLAG_ENDING}", c.name)}))
        .collect();
    let plain = |columns: &[Column]| json!(columns);
    json!({
        "name": table.name,
        "title": table.title,
        "subtitle": table.subtitle,
        "description": table.description,
        "definition": table.definition,
        "stand_in": table.stand_in_label,
        "available": reason.is_none(),
        "not_available_because": reason,
        "rows": frame.map(|frame| frame.rows),
        "grain": plain(&table.grain),
        "counts": counts,
        "derived": plain(&table.derived),
        "disclosure": disclosure,
        "notes": table.notes,
        "files": own,
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("csv") => "text/csv; charset=utf-8; header=present",
        Some("geojson") => "application/geo+json",
        Some("html") => "text/html; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

//! `README.txt`: what each file of the release is and how its shorthand reads.

use bytes::Bytes;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use crate::error::PublishError;
use crate::format::{NOT_AVAILABLE, SUPPRESSED, whole};
use crate::frame::Frame;
use crate::model::{Content, PublishedTable, ReleaseMeta};
use crate::report::templates;

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
    subtitle: &'a str,
    stand_in: Option<&'a str>,
    not_available: Option<&'a str>,
    files: String,
    policy: Option<String>,
}

/// Writes the page.
pub(crate) fn write(
    meta: &ReleaseMeta,
    tables: &[PublishedTable],
    frames: &[Option<Frame<'_>>],
) -> Result<Bytes, PublishError> {
    let lines: Vec<Line<'_>> = tables
        .iter()
        .zip(frames)
        .map(|(table, frame)| Line {
            name: &table.name,
            title: &table.title,
            subtitle: &table.subtitle,
            stand_in: table.stand_in_label.as_deref(),
            not_available: match &table.content {
                Content::NotAvailable(reason) => Some(reason),
                Content::Table(_) => None,
            },
            files: table.data_files().join(", "),
            policy: frame.as_ref().map(policy),
        })
        .collect();
    templates::render(
        "readme.txt",
        context! {
            meta => Serde(meta),
            tables => Serde(lines),
            suppressed => SUPPRESSED,
            not_available => NOT_AVAILABLE,
        },
    )
    .map(Bytes::from)
}

/// The policy of a table in one sentence.
pub(crate) fn policy(frame: &Frame<'_>) -> String {
    let policy = &frame.summary.policy;
    let mut parts = Vec::new();
    if policy.suppress_below > 1 {
        let top = policy.suppress_below - 1;
        parts.push(if top == 1 {
            "Counts of 1 are suppressed".to_string()
        } else {
            format!("Counts from 1 to {} are suppressed", whole(top))
        });
    } else {
        parts.push("No count is suppressed".to_string());
    }
    if policy.round_to > 1 {
        parts.push(format!("other counts are rounded to the nearest {}", whole(policy.round_to)));
    } else {
        parts.push("counts are not rounded".to_string());
    }
    parts.join("; ")
}

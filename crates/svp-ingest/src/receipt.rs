//! Receipts: for every file and feed, where each row went. They add up, always.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use svp_contract::{RuleAt, as_i64};

use crate::profile::ColumnProfile;
use crate::read::FileAccount;

/// What a rule did in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// Rows that went to quarantine under it (a row that breaks two rules counts under both).
    pub quarantined: u64,
    /// Values that became NULL.
    pub blanked: u64,
    /// Rows that were only counted.
    pub noted: u64,
}

/// Where the rows of one feed of one file went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Source.
    pub source: String,
    /// Slot.
    pub slot: String,
    /// Feed.
    pub feed: String,
    /// File name, without folders.
    pub file: String,
    /// What stands for the file as it came: its SHA-256 under the key, see [`crate::Contents`].
    pub sha256: String,
    /// Rows read: accepted + quarantined + duplicate.
    pub rows_read: u64,
    /// Rows that were mapped.
    pub accepted: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Rows that repeat the key of an accepted row of the same file.
    pub duplicate: u64,
    /// Of the duplicates, those whose text differs from the row that was kept.
    pub duplicate_differs: u64,
    /// Accepted rows without a key.
    #[serde(default)]
    pub unkeyed: u64,
    /// Of these, those that stand in the file more than once, word for word.
    #[serde(default)]
    pub repeated: u64,
    /// Accepted rows about people that say word for word what another row says, under another id.
    #[serde(default)]
    pub again: u64,
    /// Rule and place to counts.
    pub rules: BTreeMap<RuleAt, RuleCount>,
    /// Rows written to each canonical table.
    pub written: BTreeMap<String, u64>,
    /// First and last month seen, `YYYY-MM`.
    pub months: Option<(String, String)>,
    /// The account of the file's bytes and lines, as this feed read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<FileAccount>,
    /// Notes of the reader.
    pub notes: Vec<String>,
    /// Rows of the older release of the slot that this file supersedes.
    pub superseded: u64,
    /// Records that the older release had too, with other content.
    pub revised: u64,
    /// Records that the older release had too, unchanged.
    pub unchanged: u64,
    /// The account of columns. A run record leaves it to the table `quality/column_profile`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnProfile>,
}

impl Receipt {
    /// Whether every row is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.rows_read == self.accepted + self.quarantined + self.duplicate
    }
}

/// Arrow schema of the table `quality/receipt`.
#[must_use]
pub fn receipt_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    let number = |n: &str| Field::new(n, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        text("source"),
        text("slot"),
        text("feed"),
        text("file"),
        text("sha256"),
        number("run"),
        number("rows_read"),
        number("accepted"),
        number("quarantined"),
        number("duplicate"),
        number("duplicate_differs"),
        number("superseded"),
        number("revised"),
        number("unchanged"),
        text("first_month"),
        text("last_month"),
    ]))
}

/// The receipts as rows of `quality/receipt`.
///
/// # Errors
/// When Arrow refuses the batch.
pub fn receipt_batch(receipts: &[Receipt], run: u64) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |f: &dyn Fn(&Receipt) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(receipts.iter().map(f)))
    };
    let number = |f: &dyn Fn(&Receipt) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(receipts.iter().map(|r| as_i64(f(r)))))
    };
    RecordBatch::try_new(
        receipt_schema(),
        vec![
            text(&|r| Some(r.source.clone())),
            text(&|r| Some(r.slot.clone())),
            text(&|r| Some(r.feed.clone())),
            text(&|r| Some(r.file.clone())),
            text(&|r| Some(r.sha256.clone())),
            number(&|_| run),
            number(&|r| r.rows_read),
            number(&|r| r.accepted),
            number(&|r| r.quarantined),
            number(&|r| r.duplicate),
            number(&|r| r.duplicate_differs),
            number(&|r| r.superseded),
            number(&|r| r.revised),
            number(&|r| r.unchanged),
            text(&|r| r.months.as_ref().map(|m| m.0.clone())),
            text(&|r| r.months.as_ref().map(|m| m.1.clone())),
        ],
    )
}

/// One entry of quarantine: where and why, never what.
/// What stands in place of a table where the fault lies in the file itself.
pub(crate) const FILE: &str = "file";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Row of the file.
    pub row: u64,
    /// Canonical table and column, or the reader's word.
    pub table: Arc<str>,
    /// Column.
    pub column: String,
    /// Rule.
    pub rule: String,
}

/// Arrow schema of the table `quality/quarantine`.
#[must_use]
pub fn quarantine_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("source"),
        text("slot"),
        text("feed"),
        text("file"),
        Field::new("row", DataType::Int64, true),
        text("table_name"),
        text("column_name"),
        text("rule"),
    ]))
}

/// Entries as rows of `quality/quarantine`.
///
/// # Errors
/// When Arrow refuses the batch.
pub fn quarantine_batch(receipt: &Receipt, entries: &[Quarantined]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let same = |s: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(entries.iter().map(|_| s))) };
    RecordBatch::try_new(
        quarantine_schema(),
        vec![
            same(&receipt.source),
            same(&receipt.slot),
            same(&receipt.feed),
            same(&receipt.file),
            Arc::new(Int64Array::from_iter_values(entries.iter().map(|e| as_i64(e.row)))),
            Arc::new(StringArray::from_iter_values(entries.iter().map(|e| &*e.table))),
            Arc::new(StringArray::from_iter_values(entries.iter().map(|e| e.column.as_str()))),
            Arc::new(StringArray::from_iter_values(entries.iter().map(|e| e.rule.as_str()))),
        ],
    )
}

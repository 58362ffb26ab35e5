//! At the data owner's desk: an extract becomes one encoded file, and an encoded file becomes rows of the lake.
//!
//! The file is a tar (see `envelope.rs`) with these entries, in this order:
//!
//! | entry | what it is |
//! |---|---|
//! | `svp-desk` | the number of the format |
//! | `head.json` | [`Head`]: source, and under which terms the file was made |
//! | `000001` and so on | sealed under the key: pseudonymised rows of a canonical table, or quarantine entries, as Parquet |
//! | the last of these | sealed like them, [`Manifest`]: whose extract, receipts, numbers of rows |
//! | `seal` | digest and MAC of all bytes before it |
//!
//! One file, because it is sent by people; Parquet inside, because it holds every column type that a schema can have;
//! a tar around, because what every machine has shows that there is nothing else in it. What can be worked out from encodings is not to
//! be worked out from a file on its way: without the key it tells source, terms, and about how long its tables are. An extract that is
//! encoded again at another time shares no sealed byte with the file before.

mod body;
mod envelope;
mod error;
mod needs;
mod read;
mod terms;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use svp_contract::Finding;

use crate::receipt::Receipt;

pub use error::DeskError;
pub use needs::{Need, needs, reference_digests};
pub(crate) use needs::{needs_of, told};
pub use read::{Sealed, entries, extracts_alone, head_if_encoded, open_if_encoded, refuse_other_terms};
pub(crate) use read::{is_encoded, load};
pub use terms::Terms;
pub(crate) use terms::{definition_digest, short};
pub use write::{Encoded, encode};

/// The format that this version writes.
pub const FORMAT: u32 = 3;
/// The oldest format that it reads. Files of format 2 have no salt: equal tables of two of them are equal bytes.
const OLDEST: u32 = 2;
/// What the name of an encoded file ends with.
pub const EXTENSION: &str = "svp";
/// Entry with the head.
const HEAD: &str = "head.json";
/// Entry with the manifest.
const MANIFEST: &str = "manifest.json";

/// What an encoded file says of itself to everybody: whether it can be taken in here. It tells nothing of the extract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of svp that made it.
    pub svp: String,
    /// Source.
    pub source: String,
    /// Under which terms it was made.
    pub terms: Terms,
    /// What makes the bytes of this file others than those of every other one, whatever rows they share: a MAC of the extract and of
    /// the time at which it was made. Files of format 2 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

/// What an encoded file says of itself to whoever has the key. It holds no field value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Slot.
    pub slot: String,
    /// Name of the extract, without folders.
    pub extract: String,
    /// What stands for the extract: its SHA-256 under the key, see [`crate::Contents`]; plain in files of earlier versions.
    pub sha256: String,
    /// Who sent the extract, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The day of which the extract knows, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// When it was made, RFC 3339 in UTC, as the desk's clock said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Where the rows of the extract went, feed by feed.
    pub receipts: Vec<Receipt>,
    /// What was found in the extract and did not refuse it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Feed and table to number of rows in this file; `quarantine` counts entries.
    pub rows: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Manifest {
    /// Rows of each table in the file, over all feeds.
    #[must_use]
    pub fn rows_by_table(&self) -> BTreeMap<&str, u64> {
        let mut out = BTreeMap::new();
        for (table, rows) in self.rows.values().flatten() {
            *out.entry(table.as_str()).or_default() += rows;
        }
        out
    }
}

//! The words for what a release tells.

use serde::{Deserialize, Serialize};

/// The events that a table counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct EventSet {
    /// Area, as in `pipelines/areas/`.
    pub area: String,
    /// Codes of the districts that it covers, sorted.
    pub area_parts: Vec<String>,
    /// Definition of serious violence.
    pub definition: String,
    /// Digest of the definition's text: a definition that changed is another one.
    pub definition_digest: String,
    /// View of the events: `serious_violence`, `mappable_violence`, …
    pub universe: String,
    /// First month, `YYYY-MM`.
    pub from: String,
    /// Last month.
    pub to: String,
    /// Digest of the extracts that the counts were made from.
    pub data: String,
}

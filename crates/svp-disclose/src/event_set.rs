//! The words for what a release tells.

use serde::{Deserialize, Serialize};
use svp_contract::DefinitionId;

/// The events that a table counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct EventSet {
    /// Area, as in `pipelines/areas/`.
    pub area: String,
    /// Codes of the districts that it covers, sorted.
    pub area_parts: Vec<String>,
    /// Definition of serious violence.
    #[serde(flatten)]
    pub definition: DefinitionId,
    /// View of the events: `serious_violence`, `mappable_violence`, …
    pub universe: String,
    /// First month, `YYYY-MM`.
    pub from: String,
    /// Last month.
    pub to: String,
    /// Digest of the extracts that the counts were made from.
    pub data: String,
}

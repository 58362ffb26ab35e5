//! What the lake keeps of a file that it holds, or held.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::findings::is_slot;
use crate::load::SourcePlan;

/// A file that is in the lake, or was until a newer one of its slot came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedFile {
    /// Source.
    pub source: String,
    /// Slot, as rows carry it: what the file covers by its name, with `@` and the sender where the name does not hold it.
    pub slot: String,
    /// What stands for its name, which is kept nowhere: a label under the key. A lake from before has the name, without folders.
    pub file: String,
    /// What stands for its bytes: their SHA-256 under the key, see [`crate::Contents`]. A lake from before has the plain SHA-256.
    pub sha256: String,
    /// Run that loaded it.
    pub run: u64,
    /// Place in the order of loading.
    pub seq: u64,
    /// A newer file of the slot has superseded it, or it was taken out.
    pub superseded: bool,
    /// First and last month that it covers by its name, `YYYY-MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub months: Option<(String, String)>,
    /// Who sent it, where the name or the content says so: a force, a trust, an authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The day of which it knows, `YYYY-MM-DD`, as its content or its name says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<String>,
    /// Number of the release, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<u32>,
    /// Digest of the definition that it was loaded under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Rows read; `None` for files that were loaded before there were accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// What stands for the path that it lay at, in the same way: a file that still lies there is not one that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Why it was taken out of the lake, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unloaded: Option<String>,
    /// Digest of the districts, boundaries and lookups under which the columns that depend on an area were stored; see
    /// [`crate::elsewhere`]. `None` for files that were loaded before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Areas for which these columns stand in the table beside, each with that digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub placed: BTreeMap<String, String>,
    /// It came as a file that the data owner had encoded; name and digest are those of the owner's extract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encoded: bool,
    /// When it was encoded, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// The feeds that read it by its name, where the tables of its source are separate files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
}

/// Of which day a file knows, then its release: what is greater is newer. Equal ones are told apart by the order of loading.
pub(crate) type Knowledge = (String, u32);

/// The place in the order of knowledge of a file by its own date, its months and the number of its release.
pub(crate) fn knowledge(dated: Option<&str>, months: Option<&(String, String)>, release: Option<u32>) -> Knowledge {
    // No day of a month comes after its 31st, whether it has one or not.
    let end = || months.map(|(_, last)| format!("{last}-31"));
    (dated.map(str::to_owned).or_else(end).unwrap_or_default(), release.unwrap_or_default())
}

/// A slot without `@` and the sender.
pub(crate) fn without_sender<'a>(slot: &'a str, sender: Option<&str>) -> &'a str {
    match slot.rsplit_once('@') {
        Some((by_name, of)) if of.eq_ignore_ascii_case(sender.unwrap_or_default()) => by_name,
        _ => slot,
    }
}

impl LoadedFile {
    /// What it covers, without the sender.
    #[must_use]
    pub fn slot_by_name(&self) -> &str {
        without_sender(&self.slot, self.sender.as_deref())
    }

    /// Whether `slot` names its slot, with the sender or without.
    #[must_use]
    pub fn is_of(&self, slot: &str) -> bool {
        is_slot(slot, &self.slot)
    }

    /// Its place in the order of knowledge. `plan` tells the months of a file that was loaded before months were kept.
    pub(crate) fn knowledge(&self, plan: Option<&SourcePlan>) -> Knowledge {
        let by_name = plan.filter(|_| self.months.is_none()).and_then(|p| p.file_name(&self.file));
        let months = self.months.as_ref().or(by_name.as_ref().and_then(|n| n.months.as_ref()));
        knowledge(self.dated.as_deref(), months, self.release)
    }

    pub(crate) fn slot_id(&self, in_slot: bool) -> SlotId {
        let sender = self.sender.as_deref().filter(|_| !in_slot).unwrap_or_default();
        SlotId { slot: self.slot_by_name().to_lowercase(), sender: sender.to_lowercase() }
    }
}

/// A slot without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotId {
    pub slot: String,
    /// Empty where the name of the slot holds it, or nobody knows.
    pub sender: String,
}

//! What the linkage found, and what an earlier run said.

use std::collections::{BTreeMap, HashMap};

use crate::blocking::RuleCost;
use crate::model::Model;
use crate::rows::Record;
use crate::score::Pair;
use crate::store::Store;

/// What an earlier run said of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousLink {
    /// Key of its person.
    pub key: String,
    /// Digest of all that was known of it.
    pub content_digest: u64,
    /// How it was linked.
    pub linked_by: String,
}

/// What an earlier run said, by the id of the record.
pub type PreviousLinks = HashMap<String, PreviousLink>;

/// What [`Linker`](crate::Linker) found.
#[derive(Debug)]
pub struct Linked {
    /// Records in the order of their ids; other lists number them from 0.
    pub records: Vec<Record>,
    /// The group of each record, which is one person: the number of its first record.
    pub group: Vec<u32>,
    /// Best weight of a record with another of its group, bits.
    pub best: Vec<f32>,
    /// Candidate pairs of records with their match weights, sorted by their numbers.
    pub pairs: Vec<Pair>,
    /// The rows.
    pub(crate) store: Option<Store>,
    /// The model.
    pub model: Model,
    /// What each rule cost.
    pub rules: Vec<RuleCost>,
    /// Distinct candidate pairs of rows.
    pub candidates: u64,
    /// Pairs of records that could be one person.
    pub total: f64,
    /// Whether the model was learned in this run, and all records judged anew.
    pub learned: bool,
    /// Records that an earlier run judged, and that were left as they are.
    pub unchanged: Vec<bool>,
    /// Records about which nothing is known; they are linked to none.
    pub empty: u64,
    /// Numbers under which too many people stand for them to be anybody's.
    pub shared_numbers: u64,
    /// Joins that the promise of a source forbade.
    pub forbidden: u64,
    /// Records of a deduplicated source that share a strong value with another of it, by source.
    pub unexpected_duplicates: BTreeMap<String, u64>,
}

impl Linked {
    /// The people: for each the ids of its records, in their order; people in the order of their first records.
    #[must_use]
    pub fn people(&self) -> Vec<Vec<&str>> {
        let mut people: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        for (record, group) in self.records.iter().zip(&self.group) {
            people.entry(*group).or_default().push(&record.id);
        }
        people.into_values().collect()
    }

    /// Expected share of the pairs above the threshold (bits) that are one person, and expected share of all such pairs that are
    /// above it (among the candidates): what can be said of precision and recall without labels.
    #[must_use]
    pub fn expected(&self, threshold: f64) -> (f64, f64) {
        let (mut above, mut right, mut all) = (0.0, 0.0, 0.0);
        for pair in &self.pairs {
            let p = pair.probability();
            all += p;
            if f64::from(pair.weight) > threshold {
                above += 1.0;
                right += p;
            }
        }
        (if above > 0.0 { right / above } else { 1.0 }, if all > 0.0 { right / all } else { 1.0 })
    }

    /// What the two shares of [`expected`](Self::expected) are of: pairs above the threshold, and expected pairs of one person.
    #[must_use]
    pub fn expected_of(&self, threshold: f64) -> (f64, f64) {
        let above = self.pairs.iter().filter(|pair| f64::from(pair.weight) > threshold).count();
        (above as f64, self.pairs.iter().map(|pair| pair.probability()).sum())
    }
}

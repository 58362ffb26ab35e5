//! What the linkage found, and what an earlier run said.

use std::collections::{BTreeMap, HashMap};

use crate::blocking::RuleCost;
use crate::model::Model;
use crate::rows::Record;
use crate::store::Store;
use crate::weighed::Pair;
use crate::weights::Weights;

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
    /// Candidate pairs of records with their match weights, sorted by their numbers: all of them, or those that can be in one group
    /// ([`Linker::close_pairs_only`](crate::Linker::close_pairs_only)).
    pub pairs: Vec<Pair>,
    /// What the weights of all candidate pairs come to.
    pub(crate) weights: Weights,
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

    /// Expected share of the pairs above the threshold that are one person, and expected share of all such pairs that are above it
    /// (among the candidates): what can be said of precision and recall without labels.
    #[must_use]
    pub fn expected(&self) -> (f64, f64) {
        self.weights.expected()
    }

    /// What the two shares of [`expected`](Self::expected) are of: pairs above the threshold, and expected pairs of one person.
    #[must_use]
    pub fn expected_of(&self) -> (f64, f64) {
        self.weights.expected_of()
    }
}

//! What enters: person records as keyed tokens and encodings (table `person_record`); events that name nobody.
//! What leaves: people: which records are one person, under keys that persist (tables `person_link`, `person_history`); crimes and attendances that are one incident (`event_match`).
//! Never: sees clear text, or joins records about which nothing is known.
//! To add one: a blocking rule, a threshold of a level or a kind of non-match is a line of `pipelines/linkage/people.toml`; a comparison is an entry in `svp-contract/src/comparison.rs` and, if it is neither text nor exact, code in `comparison.rs`.
//!
//! Probabilistic record linkage after Fellegi and Sunter, with the words of Splink: blocking rules propose pairs, each pair gets a
//! comparison vector, the m and u probabilities of its levels are learned without labels, and the match weights that follow decide
//! in clusters who is one person. Records are keyed encodings (`svp-pseudonymise`). [`Linker`] needs neither lake nor files:
//!
//! ```ignore
#![doc = include_str!("front_page.rs")]
//! ```
//!
//! This example is run by the tests of the linker, where the engine is linked already. How each step works is in the README.
//!
//! # Which function when
//!
//! | what is wanted | function |
//! |---|---|
//! | people from record batches, in memory | [`Linker::fit`], then [`Linked::people`] and [`Linked::pairs`] |
//! | the same over a table of a session | [`Linker::fit_table`] |
//! | to go on from an earlier run, so that people keep their keys | [`Linker::since`], [`link`](link()) |
//! | sources that have each person once | [`Linker::deduplicated_within_source`] |
//! | why two records are (not) one person | [`pair::compare_pair`], [`explain::waterfall`] |
//! | what the model learned, and what each rule cost | [`explain::explain`] |
//! | precision and recall, where the truth is known | [`evaluate::evaluate`]; without labels [`Linked::expected`] |
//! | which crime and which attendance are one incident | [`match_events`] |
//!
//! # The names of others
//!
//! | here | Splink (Python) | fastLink (R) | RecordLinkage (R, Python) |
//! |---|---|---|---|
//! | `Linkage`, read from `people.toml` | `SettingsCreator` | arguments of `fastLink()` | `compare.linkage()` |
//! | blocking rule | `block_on` | `blockData()` | `blockfld` |
//! | comparison, level | `Comparison`, `ComparisonLevel` | `varnames`, `cut.a`, `cut.p` | `strcmp` |
//! | [`comparison::ComparisonVector`] | the `gamma_` columns | agreement pattern | comparison pattern |
//! | [`Linker::fit`] | `estimate_u_using_random_sampling`, `estimate_parameters_using_expectation_maximisation`, `predict` | `fastLink()` | `emWeights()`, `ECMClassifier` |
//! | [`Model`]: `m`, `u`, `prior` | m and u probabilities, `probability_two_random_records_match` | `EM$p.gamma.k.m`, `EM$p.gamma.k.u`, `EM$p.m` | |
//! | [`Pair::weight`], [`Pair::probability`] | `match_weight`, `match_probability` | `posterior` | `emWeights()` |
//! | [`Linked::people`] | `cluster_pairwise_predictions_at_threshold` | `dedupeMatches()` | `getPairs()` |
//! | [`Linker::deduplicated_within_source`] | `link_type="link_only"` | two data frames | `compare.linkage()` |
//! | rarity of a shared value | term frequency adjustment | `reweight.names` | `epiWeights()` |
//! | [`explain::waterfall`] | `waterfall_chart` | | |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod blocking;
mod blocks;
mod cluster;
pub mod comparison;
mod error;
pub mod evaluate;
mod events;
pub mod explain;
mod functions;
mod group;
mod learn;
mod link;
mod linked;
mod linker;
pub mod model;
pub mod pair;
mod parallel;
mod people;
mod rarity;
mod read;
mod row_columns;
mod rows;
mod score;
mod steps;
mod store;
mod value;
mod values;
mod weighed;
mod weights;

pub use blocking::RuleCost;
pub use error::LinkError;
pub use events::{EVENT_STEPS, EventReport, LevelReport, PairReport, check_events, event_tables, match_events};
pub use link::{LINK_DIGESTS, LinkReport, LinkRequest, Saved, gone_schema, history_schema, link, link_schema};
pub use linked::{Linked, PreviousLink, PreviousLinks};
pub use linker::Linker;
pub use model::Model;
pub use people::Change;
pub use rows::Record;
pub use steps::STEPS;
pub use weighed::Pair;

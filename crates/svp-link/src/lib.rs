//! What enters: person records as keyed tokens and encodings (table `person_record`); events that name nobody.
//! What leaves: people: which records are one person, under keys that persist (tables `person_link`, `person_history`); crimes and attendances that are one incident (`event_match`).
//! Never: sees clear text, or joins records about which nothing is known.
//! To add one: a blocking rule, a threshold of a level or a kind of non-match is a line of `pipelines/linkage/people.toml`; a comparison is an entry in `svp-contract/src/comparison.rs` and, if it is neither text nor exact, code in `comparison.rs`.

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
mod rows;
mod score;
mod steps;
mod store;
mod value;

pub use blocking::RuleCost;
pub use error::LinkError;
pub use events::{EVENT_STEPS, EventReport, LevelReport, PairReport, check_events, event_tables, match_events};
pub use link::{LinkReport, LinkRequest, Saved, gone_schema, history_schema, link, link_schema};
pub use linked::{Linked, PreviousLink, PreviousLinks};
pub use linker::Linker;
pub use model::Model;
pub use people::Change;
pub use rows::Record;
pub use score::Pair;
pub use steps::STEPS;

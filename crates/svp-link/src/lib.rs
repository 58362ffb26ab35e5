//! What enters: person records as keyed tokens and encodings (table `person_record`); events that name nobody.
//! What leaves: people: which records are one person, under keys that persist (tables `person_link`, `person_history`); crimes and attendances that are one incident (`event_match`).
//! Never: sees clear text, or joins records about which nothing is known.
//! To add one: a blocking rule, a threshold of a level or a kind of non-match is a line of `pipelines/linkage/people.toml`; a comparison is code (`comparison.rs`); a step is one file in `sql/`.

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
mod intake;
mod link;
pub mod look;
pub mod model;
mod people;
pub mod resolve;
mod steps;
mod store;

pub use blocking::RuleCost;
pub use error::LinkError;
pub use events::{EVENT_STEPS, EventReport, LevelReport, PairReport, check_events, event_tables, match_events};
pub use link::{LinkReport, LinkRequest, Saved, gone_schema, history_schema, link, link_schema};
pub use model::Model;
pub use people::Change;
pub use steps::STEPS;

//! What enters: person records as keyed tokens (table `person_record`).
//! What leaves: person keys (table `person_link`): which records are one person, and by which key.
//! Never: sees clear text, or joins on a token that is known to stand for several people.
//! To add one: a match key is one branch of `sql/01_keys.sql` and one rule in `sql/02_conflicts.sql`.
//!
//! This is the first version: exact composite tokens. Probabilistic linkage takes its place behind the same
//! table; see `crates/README.md`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod components;
mod error;
mod events;
mod link;

pub use error::LinkError;
pub use events::{EVENT_STEPS, EventReport, LevelReport, PairReport, check_events, event_tables, match_events};
pub use link::{LinkReport, STEPS, link, link_schema};

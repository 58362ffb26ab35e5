//! What enters: raw counts of all tables of a release, policies, what earlier releases told; tables made by hand.
//! What leaves: `Disclosed` counts, the entry of the ledger, the review record; the findings of the gate.
//! Never: lets out a count that it has not judged; logs or formats a value that it was given; knows a key.
//! To add one: a rule of disclosure is data (a source's or an audience's file); a new kind of rule is judged in `count.rs` or `prepare.rs`.
//!
//! Statistical disclosure control of tables of counts, by rule and by attack: small counts are suppressed, others are hidden to
//! protect them, and what is decided is attacked once more by linear programmes over all tables together, also over those that the
//! audience was given before. What it protects against and what not is in the README.
//!
//! ```
//! use std::collections::BTreeSet;
//! use std::sync::Arc;
//!
//! use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
//! use svp_contract::Output;
//! use svp_disclose::attack::Effort;
//! use svp_disclose::event_set::EventSet;
//! use svp_disclose::{Outcome, Policy, Raw, disclose};
//!
//! // A table is described by the header of its query: what a row is, what is counted, what stands for the total.
//! let output = Output::parse(
//!     "events.sql",
//!     r#"--! name = "events"
//! --! title = "Events by district"
//! --! description = ""
//! --! reads = []
//! --! audiences = []
//! --! not_available = ""
//! --! grain = [{ name = "district", title = "District", total = "all" }]
//! --! counts = [{ name = "events", title = "Events" }]
//! SELECT 1"#,
//! )
//! .expect("the header of an output");
//! let districts = Arc::new(StringArray::from(vec!["Aldermouth", "Brackwater", "Carrow Vale", "all"]));
//! let events = Arc::new(Int64Array::from(vec![3, 21, 40, 64]));
//! let batch = RecordBatch::try_from_iter([("district", districts as _), ("events", events as _)]).unwrap();
//!
//! // Counts of 1 to 7 are suppressed. The total would give the 3 away, so the cheapest other count goes too.
//! let policy = Policy { suppress_below: 8, ..Policy::open("small counts of patients") };
//! let raw = Raw::new("events", &output, EventSet::default(), policy, batch)?;
//! let decided = disclose(vec![raw], &[], &[], 1, &(), &BTreeSet::new(), &Effort::default())?;
//! let Outcome::Table(table) = &decided.outcomes[0] else { panic!("the table is withheld") };
//! let shown = table.get().column_by_name("events").unwrap().as_primitive::<arrow::datatypes::Int64Type>();
//! assert_eq!(shown.iter().collect::<Vec<_>>(), [None, None, Some(40), Some(64)]);
//! assert_eq!((decided.details[0].small, decided.details[0].secondary), (1, 1));
//! # Ok::<(), svp_disclose::DiscloseError>(())
//! ```
//!
//! # Which function when
//!
//! | what is wanted | function |
//! |---|---|
//! | the rule of a table, from those of its sources, audience and area | [`Policy::resolve`], [`Policy::strictest`] |
//! | to decide the tables of a release together | [`disclose`](disclose()) of [`Raw`] tables |
//! | what an audience has already, chained and checked | [`ledger::Ledger`] |
//! | the page for the person who signs | [`review::Review::markdown`] |
//! | to judge a table that was made by hand | [`gate::check_table`] |
//! | to search the bytes of a release for what is never right in one | [`sighted`](sighted()), [`is_full_date`] |
//! | to know what a reader can work out, on numbers and equations of one's own | [`attack::attack`]; one number exactly [`attack::attack_exact`] |
//! | what somebody learns who holds the tables of several audiences | [`attack_together`] |
//! | to hide as little as protects these numbers | [`protect::protect`] |
//! | the equations between tables with hierarchies | [`relate::relate`] |
//!
//! # The names of others
//!
//! | here | sdcTable (R) | tau-argus |
//! |---|---|---|
//! | `suppress_below`, `min_contributors` | `primarySuppression(type = "freq")` | minimum frequency |
//! | [`Dominance`] | `primarySuppression(type = "nk")` | (n, k) dominance rule |
//! | [`system::ProtectionInterval::BothSides`] | `lpl` and `upl` of a cell | lower and upper protection level |
//! | [`system::ProtectionInterval::EitherSide`] | `spl` | sliding protection level |
//! | [`relate::Hierarchies`] | `hier_create()` of `sdcHierarchies` | hierarchy files (`.hrc`) |
//! | [`protect::protect`] | `protectTable(method = "SIMPLEHEURISTIC")`, `"HITAS"` | Modular, Optimal |
//! | tables of one call of [`disclose`](disclose()) | `protect_linked_tables` | linked tables |
//! | [`attack::attack`] | `attack()` | audit |
//! | `round_to` | | controlled rounding, which keeps sums; here each count is rounded by itself |
//! | [`Perturbation`] | the package `cellKey` | |
//!
//! sdcMicro works on records, and does before a table is made what `min_contributors`, bands of age and coarser maps do here.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod attack;
mod bounds;
mod cell_key;
mod chain;
mod changes;
mod coarsen;
mod count;
mod disclose;
mod effort;
mod error;
pub mod event_set;
pub mod exceptions;
pub mod gate;
mod greedy;
pub mod ledger;
mod lp;
mod neighbourhood;
mod outcome;
mod parts;
pub mod piece;
mod policy;
mod prepare;
mod prober;
pub mod protect;
#[cfg(test)]
mod random_tables;
mod reader;
pub mod relate;
pub mod review;
mod searched;
mod sighted;
mod solve;
pub mod system;

pub use bounds::raise_intervals;
pub use cell_key::Perturbation;
pub use disclose::{Disclosed, Disclosure, Outcome, disclose};
pub use error::DiscloseError;
pub use outcome::{AttackSummary, Detail, Inference, Suppression};
pub use piece::MERGED;
pub use policy::{Dominance, Perturb, Policy};
pub use prepare::Raw;
pub use reader::{Reader, ReaderAttack};
pub use sighted::{Sighting, is_full_date, sighted};
pub use solve::{Together, attack_together};

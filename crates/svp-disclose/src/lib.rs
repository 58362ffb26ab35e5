//! What enters: raw counts of all tables of a release, policies, what earlier releases told; tables made by hand.
//! What leaves: `Disclosed` counts, the entry of the ledger, the review record; the findings of the gate.
//! Never: lets out a count that it has not judged; logs or formats a value that it was given; knows a key.
//! To add one: a rule of disclosure is data (a source's or an audience's file); a new kind of rule is judged in `count.rs` or `prepare.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod attack;
mod bounds;
mod cell_key;
mod coarsen;
mod count;
mod disclose;
mod error;
pub mod event_set;
pub mod exceptions;
pub mod gate;
mod greedy;
pub mod ledger;
mod lp;
mod neighbourhood;
mod outcome;
pub mod piece;
mod policy;
mod prepare;
pub mod protect;
#[cfg(test)]
mod random_tables;
pub mod relate;
pub mod review;
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

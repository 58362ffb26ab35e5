//! What enters: staged batches that may hold identifiers; tables of counts.
//! What leaves: `Pseudonymised` batches (keyed tokens only) and `Disclosed` counts.
//! Never: logs, formats or returns a value that it was given; keeps a key after it is dropped.
//! To add one: a rule of disclosure is data (a source's or an audience's file); a new kind of rule is judged in `count.rs` or `prepare.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod attack;
pub mod bounds;
pub mod cell_key;
mod count;
mod decide;
pub mod disclose;
pub mod encode;
mod error;
pub mod exceptions;
pub mod gate;
mod greedy;
pub mod key;
mod layer;
pub mod ledger;
mod lp;
pub mod merge;
mod outcome;
pub mod piece;
mod policy;
mod prepare;
pub mod protect;
mod pseudonymise;
pub mod published;
#[cfg(test)]
mod random_tables;
pub mod relate;
pub mod review;
mod rotate;
mod row_digest;
pub mod system;
pub mod testing;
mod token;
mod walk;

pub use disclose::{Disclosed, Disclosure, Outcome, disclose};
pub use error::{DiscloseError, PseudonymiseError};
pub use key::Key;
pub use layer::Layer;
pub use outcome::{AttackSummary, Detail, Finding, Suppression};
pub use piece::MERGED;
pub use policy::{Dominance, Perturb, Policy};
pub use prepare::Raw;
pub use pseudonymise::{Pseudonymised, pseudonymise};
pub use rotate::Rotation;
pub use row_digest::RowDigest;
pub use token::{TOKEN_LEN, Tokeniser, token_text};

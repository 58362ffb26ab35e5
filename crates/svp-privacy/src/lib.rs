//! What enters: staged batches that may hold identifiers; tables of counts.
//! What leaves: `Pseudonymised` batches (keyed tokens only) and `Disclosed` counts.
//! Never: logs, formats or returns a value that it was given; keeps a key after it is dropped.
//! To add one: a rule of disclosure is data of the source file; a new kind of rule is a function in `disclose.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod disclose;
mod error;
pub mod key;
mod pseudonymise;
mod row_digest;
mod token;

pub use disclose::{Disclosed, Policy, Suppression, disclose};
pub use error::PrivacyError;
pub use key::Key;
pub use pseudonymise::{Pseudonymised, pseudonymise};
pub use row_digest::RowDigest;
pub use token::Tokeniser;

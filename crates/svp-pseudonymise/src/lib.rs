//! What enters: staged batches that may hold identifiers, and a key.
//! What leaves: `Pseudonymised` batches of canonical tables: keyed tokens and encodings only.
//! Never: logs, formats or returns a value that it was given; keeps a key after it is dropped; knows a count.
//! To add one: a column that becomes a token or an encoding is a line of its table in `schemas/`; a new kind of encoding is an arm in `encode.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod encode;
mod error;
pub mod key;
mod layer;
mod pseudonymise;
mod rotate;
mod row_digest;
mod token;

pub use error::PseudonymiseError;
pub use key::Key;
pub use layer::Layer;
pub use pseudonymise::{Pseudonymised, pseudonymise};
pub use rotate::Rotation;
pub use row_digest::RowDigest;
pub use token::{TOKEN_LEN, Tokeniser, token_text};

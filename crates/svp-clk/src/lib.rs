//! What enters: records as texts and a secret; filters of records.
//! What leaves: record-level Bloom filters (CLKs) bit for bit as clkhash makes them; pairs of filters as anonlink finds them.
//! Never: reads a file, knows a table or the encodings of the lake; holds a value or the secret in an error.
//! To add one: a kind of comparison or format is a variant in `feature.rs` and its arm in `schema.rs` and `compare.rs` or `check.rs`.
//!
//! CLKs are made as Python `clkhash` 0.18.3 makes them from a linkage schema; `similarity` compares them as `anonlink` does.
//!
//! Method: Schnell, Bachteler and Reiher 2011, with the BLAKE2 construction of clkhash. Every rule here, down to what a
//! value is turned into before it is hashed, follows the source of clkhash 0.18.3; the tests hold its answers. A CLK is
//! pseudonymous at best: whoever has many can attack them by their frequencies (Christen, Schnell, Vatsalan and Ranbaduge
//! 2017), so treat them as personal data and exchange them under the agreement for which their secret was made.
//!
//! What differs: values that clkhash admits only through Python's unbounded integers (beyond 38 digits in a numeric
//! comparison), dates by week of the year, time zone or locale (`%U %W %V %G %z %Z %c %x %X`) and filters above 2²⁴ bits
//! are refused. Patterns of strings are not checked: they are written for Python's `re`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod base64;
mod blake2b;
mod cache;
mod check;
mod compare;
mod dates;
mod encode;
mod error;
mod feature;
mod keys;
mod python;
mod schema;
pub mod similarity;
#[cfg(test)]
mod tests;

pub use base64::{from_base64, to_base64};
pub use encode::ClkEncoder;
pub use error::ClkError;
pub use schema::ClkSchema;

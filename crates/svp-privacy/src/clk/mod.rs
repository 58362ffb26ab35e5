//! Record-level Bloom filters (CLKs), bit for bit as Python `clkhash` 0.18.3 makes them from a linkage schema.
//!
//! Method: Schnell, Bachteler and Reiher 2011, with the BLAKE2 construction of clkhash. Every rule here, down to what a
//! value is turned into before it is hashed, follows the source of clkhash 0.18.3; the tests hold its answers. A CLK is
//! pseudonymous at best: whoever has many can attack them by their frequencies (Christen, Schnell, Vatsalan and Ranbaduge
//! 2017), so treat them as personal data and exchange them under the agreement for which their secret was made.
//!
//! What differs: values that clkhash admits only through Python's unbounded integers (beyond 38 digits in a numeric
//! comparison), dates by week of the year, time zone or locale (`%U %W %V %G %z %Z %c %x %X`) and filters above 2²⁴ bits
//! are refused. Patterns of strings are not checked: they are written for Python's `re`.

mod base64;
mod blake2b;
mod cache;
mod check;
mod compare;
mod dates;
mod encode;
mod hmac_legacy;
mod keys;
mod python;
mod schema;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use base64::{from_base64, to_base64};
pub use encode::ClkEncoder;
pub use schema::ClkSchema;

/// Why records cannot be encoded. No variant holds a value from the data or the secret.
#[derive(Debug, Error)]
pub enum ClkError {
    /// The schema is not JSON.
    #[error("the linkage schema is not JSON")]
    Json(#[source] serde_json::Error),
    /// The schema does not say what clkhash needs, or says what it refuses.
    #[error("the linkage schema is not usable at {at}: {what}")]
    Schema {
        /// Where in the schema.
        at: String,
        /// What is wrong there.
        what: &'static str,
    },
    /// No keys can be derived as the schema asks.
    #[error("the keys cannot be derived: {0}")]
    Keys(&'static str),
    /// A record has more or fewer values than the schema has features.
    #[error("the record has {found} values, the linkage schema has {wanted} features")]
    Length {
        /// Features of the schema.
        wanted: usize,
        /// Values of the record.
        found: usize,
    },
    /// A value is not what its feature's format says.
    #[error("feature {feature}: {what}")]
    Value {
        /// Identifier of the feature.
        feature: String,
        /// What is wrong with the value.
        what: &'static str,
    },
}

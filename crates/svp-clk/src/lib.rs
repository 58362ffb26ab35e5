//! What enters: records as texts and a secret; filters of records.
//! What leaves: record-level Bloom filters (CLKs) bit for bit as clkhash makes them; pairs of filters as anonlink finds them.
//! Never: reads a file, knows a table or the encodings of the lake; holds a value or the secret in an error.
//! To add one: a kind of comparison or format is a variant in `feature.rs` and its arm in `schema.rs` and `compare.rs` or `check.rs`.
//!
//! For agencies that exchange record-level Bloom filters already: what Python's `clkhash` 0.18.3 encodes from a linkage schema
//! and `anonlink` 0.15.3 matches, with the same bits, pairs, order and scores, as a library without Python.
//!
//! ```
//! use svp_clk::similarity::{Filters, one_to_one, pairs_at_least};
//! use svp_clk::{ClkEncoder, ClkSchema, to_base64};
//!
//! // Both agencies agree on the schema and on a secret. 256 bits keep this example short; 1,024 are usual.
//! let schema = ClkSchema::parse(
//!     r#"{"version": 3,
//!         "clkConfig": {"l": 256, "kdf": {"type": "HKDF", "hash": "SHA256", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 64}},
//!         "features": [
//!             {"identifier": "name", "format": {"type": "string"},
//!              "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 5}}},
//!             {"identifier": "born", "format": {"type": "date", "format": "%Y-%m-%d"},
//!              "hashing": {"comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerToken": 4}}}]}"#,
//! )?;
//! let mut encoder = ClkEncoder::new(&schema, b"a shared secret")?;
//! let mut encode = |records: &[[&str; 2]]| -> Result<Vec<u8>, svp_clk::ClkError> {
//!     Ok(records.iter().map(|record| encoder.encode(record)).collect::<Result<Vec<_>, _>>()?.concat())
//! };
//! let police = encode(&[["Joan Smith", "1994-05-17"], ["Ravi Patel", "2001-11-02"]])?;
//! let health = encode(&[["Ravi Patell", "2001-11-02"], ["Jon Smith", "1994-05-17"], ["Ann Lee", "1988-01-30"]])?;
//! // clkhash writes the first record so.
//! assert_eq!(to_base64(&police[..32]), "CQEAA1CkJUwAyQACHwIE5gQUCREibqABTODII9IAkCg=");
//!
//! // Whoever may see both sets finds the pairs. anonlink has the same two, with these scores.
//! let (left, right) = (Filters::new(&police, 2, schema.bits())?, Filters::new(&health, 3, schema.bits())?);
//! let pairs = pairs_at_least(&left, &right, 0.6)?;
//! assert_eq!(pairs, [(1, 0, 0.965034965034965), (0, 1, 0.935251798561151)]);
//! assert_eq!(one_to_one(&pairs), pairs);
//! # Ok::<(), svp_clk::ClkError>(())
//! ```
//!
//! # Which function when
//!
//! | what is wanted | function |
//! |---|---|
//! | read a linkage schema of version 1, 2 or 3 | [`ClkSchema::parse`] |
//! | know whether the other side has the same schema, without showing it | [`ClkSchema::fingerprint`] |
//! | look at values before they are encoded | [`ClkEncoder::check`] |
//! | encode a record; many records into one run of bytes | [`ClkEncoder::encode`]; [`ClkEncoder::encode_into`] |
//! | write and read CLKs as clkhash's JSON has them | [`to_base64`], [`from_base64`] |
//! | all pairs of two sets above a threshold; on several threads | [`similarity::pairs_at_least`]; [`similarity::pairs_on`] |
//! | duplicates within one set | [`similarity::pairs_within`] |
//! | of these, the best few of each record | [`similarity::best_per_row`] |
//! | of these, one partner for each record | [`similarity::one_to_one`] |
//!
//! An encoder keeps what it worked out, and a clone has memory of its own: make one for each thread. The pairs do not depend on
//! the number of threads.
//!
//! # The names of clkhash and anonlink
//!
//! | here | in Python |
//! |---|---|
//! | [`ClkSchema::parse`] | `clkhash.schema.from_json_file`, `from_json_dict` |
//! | [`ClkEncoder::new`] | `clkhash.key_derivation.generate_key_lists` |
//! | [`ClkEncoder::check`] | `clkhash.validate_data.validate_row_lengths`, `validate_entries` |
//! | [`ClkEncoder::encode`] | `clkhash.bloomfilter.crypto_bloom_filter`; over a file `clkhash.clk.generate_clk_from_csv` |
//! | [`to_base64`], [`from_base64`] | `clkhash.serialization.serialize_bitarray`, `deserialize_bitarray` |
//! | [`similarity::pairs_at_least`] | `anonlink.candidate_generation.find_candidate_pairs` with `anonlink.similarities.dice_coefficient_accelerated` |
//! | [`similarity::best_per_row`] | the `k` of `find_candidate_pairs` |
//! | [`similarity::one_to_one`] | `anonlink.solving.greedy_solve` |
//!
//! # Method, and what differs
//!
//! Schnell, Bachteler and Reiher 2011, with the BLAKE2 construction of clkhash. Every rule here, down to what a value is
//! turned into before it is hashed, follows the source of clkhash 0.18.3; the tests hold its answers. A CLK is pseudonymous at
//! best: whoever has many can attack them by their frequencies (Christen, Schnell, Vatsalan and Ranbaduge 2017), so treat them
//! as personal data and exchange them under the agreement for which their secret was made.
//!
//! Values that clkhash admits only through Python's unbounded integers (beyond 38 digits in a numeric comparison), dates by
//! week of the year, time zone or locale (`%U %W %V %G %z %Z %c %x %X`) and filters above 2²⁴ bits are refused. Patterns of
//! strings are not checked: they are written for Python's `re`.

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

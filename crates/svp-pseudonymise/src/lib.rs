//! What enters: staged batches that may hold identifiers, and a key.
//! What leaves: `Pseudonymised` batches of canonical tables: keyed tokens and encodings only.
//! Never: logs, formats or returns a value that it was given; keeps a key after it is dropped; knows a count.
//! To add one: a column that becomes a token or an encoding is a line of its table in `schemas/`; a new kind of encoding is an arm in `encode.rs`.
//!
//! Record linkage without names: identifiers become keyed tokens, which say whether two values are equal, and keyed Bloom filters,
//! which say how similar they are. It reads no file and knows no engine but Arrow's arrays; whoever audits it reads it in an hour.
//! What can be learnt from the encodings without the key stands in the README.
//!
//! ```
//! use svp_pseudonymise::{Key, Tokeniser, encode::Encoder};
//! use svp_contract::EncodingKind;
//!
//! // One key for each purpose, of 256 random bits; its text form goes into the key file and nowhere else.
//! let key = Key::generate("needs-assessment")?;
//! assert_eq!(Key::parse(&key.to_text())?.check(), key.check());
//!
//! // The same number has the same token in two sources, and another one under another key or as another field.
//! let nhs = Tokeniser::new(&key, "nhs_number");
//! assert_eq!(nhs.token([b"9990000018".as_slice()]), nhs.token([b"9990000018".as_slice()]));
//! assert_ne!(nhs.token([b"9990000018".as_slice()]), Tokeniser::new(&key, "custody").token([b"9990000018".as_slice()]));
//! let other = Key::generate("needs-assessment")?;
//! assert_ne!(nhs.token([b"9990000018".as_slice()]), Tokeniser::new(&other, "nhs_number").token([b"9990000018".as_slice()]));
//!
//! // Similar names have similar filters: the last 64 bytes of an encoding, of which more are shared than with a stranger.
//! let mut encoder = Encoder::new(&key, EncodingKind::Text, "place", "place");
//! let mut filter = |text: &str| {
//!     let mut out = Vec::new();
//!     assert!(encoder.encode(&[Some(text)], &mut out));
//!     out.split_off(out.len() - 64)
//! };
//! let dice = |a: &[u8], b: &[u8]| {
//!     let ones = |bytes: &[u8]| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
//!     let both: Vec<u8> = a.iter().zip(b).map(|(x, y)| x & y).collect();
//!     f64::from(2 * ones(&both)) / f64::from(ones(a) + ones(b))
//! };
//! let (smith, smyth, patel) = (filter("SMITHFIELD ROAD"), filter("SMYTHFIELD ROAD"), filter("PATEL AVENUE"));
//! assert!(dice(&smith, &smyth) > dice(&smith, &patel));
//! # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
//! ```
//!
//! # Which function when
//!
//! | what is wanted | function |
//! |---|---|
//! | a key; its text form; whether two keys are the same, without showing them | [`Key::generate`], [`Key::parse`]; [`Key::to_text`]; [`Key::check`] |
//! | a token of one field | [`Tokeniser::token`]; as raw bits [`Tokeniser::digest`]; a short one, for labels [`Tokeniser::short`] |
//! | an encoding of a name, date, postcode or text | [`encode::Encoder::encode`] |
//! | all columns of a batch, as its table in `schemas/` says | [`pseudonymise`](pseudonymise()) |
//! | rows that an earlier version made, as they are kept now; what it made of the same | [`kept`]; [`made_before`] |
//! | to know a row again | [`RowDigest::digest`] |
//! | rows that nobody reads without the key, in a lake; on their way to it; numbers in a row; tokens of erased records | [`RecordSeal`]; [`TransitSeal`]; [`ValueSeal`]; [`TokenSeal`] |
//! | the next key of a lake; the way to it; the rows under it | [`Key::rotated`]; [`Key::step_to`]; [`TableRotation::turn`] |
//!
//! # The names of others
//!
//! | here | elsewhere |
//! |---|---|
//! | [`Tokeniser`] | OpenPseudonymiser's digest with a salt for each project (there SHA-256, here HMAC-SHA-256) |
//! | [`encode::Encoder`], a filter of each field | clkhash's CLK is one filter of the whole record: `svp-clk` makes that; R's `PPRL`: `CreateBF` |
//! | [`encode::HASHES`] | clkhash `bitsPerToken`; `PPRL` `k` |
//! | the XOR of the two halves of a filter | clkhash `xor_folds` |
//! | similarity of two filters | anonlink `dice_coefficient`; here it is found in `svp-link` |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod encode;
mod error;
pub mod key;
mod key_rotation;
mod pseudonymise;
mod rotate;
mod row_digest;
mod seal;
mod token;
mod token_seal;
mod value_seal;

pub use error::PseudonymiseError;
pub use key::Key;
pub use key_rotation::KeyRotation;
pub use pseudonymise::{Pseudonymised, kept, made_before, pseudonymise};
pub use rotate::TableRotation;
pub use row_digest::RowDigest;
pub use seal::{RecordSeal, TransitSeal};
pub(crate) use token::token_text;
pub use token::{TOKEN_LEN, Tokeniser};
pub use token_seal::TokenSeal;
pub use value_seal::ValueSeal;

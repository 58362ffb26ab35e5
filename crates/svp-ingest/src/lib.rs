//! What enters: extracts as bytes, with the source definition that explains them; encoded files of data owners.
//! What leaves: canonical, pseudonymised rows, a receipt and quarantine entries; at the owner's desk, an encoded file.
//! Never: returns an identifier, or tells a field value in an error.
//! To add one: a format is one file in `read/`; an extract is one file in `pipelines/sources/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod apply;
mod clean;
mod conversions;
mod describe;
pub mod desk;
mod dictionaries;
mod error;
mod evaluate;
mod findings;
mod ids;
mod load;
mod period;
mod places;
mod plan;
mod profile;
pub mod read;
mod receipt;
pub mod reference;
mod resolve;
mod revise;
mod sink;
mod stage;
mod thresholds;
mod uses;

pub use error::IngestError;
pub use findings::{Findings, finding_batch, finding_schema, in_short};
pub use load::{Loaded, LoadedFile, OnFile, Pending, Previous, SourcePlan, load, pending};
pub use plan::FeedPlan;
pub use profile::{ColumnProfile, profile_batch, profile_schema};
pub use receipt::{Receipt, RuleCount, quarantine_schema, receipt_batch, receipt_schema};
pub use revise::{previous, revise};

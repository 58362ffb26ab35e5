//! What enters: extracts as bytes, with the source definition that explains them; encoded files of data owners.
//! What leaves: canonical, pseudonymised rows, a receipt and quarantine entries; at the owner's desk, an encoded file.
//! Never: returns an identifier, or tells a field value in an error.
//! To add one: a format is one file in `read/`; an extract is one file in `pipelines/sources/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod apply;
pub mod desk;
mod error;
mod findings;
mod load;
mod places;
mod plan;
pub mod read;
mod receipt;
pub mod reference;
mod revise;
mod sink;

pub use error::IngestError;
pub use findings::{Findings, finding_batch, finding_schema};
pub use load::{Loaded, LoadedFile, OnFile, Pending, Previous, SourcePlan, load, pending, rehearse};
pub use plan::FeedPlan;
pub use receipt::{Receipt, RuleCount, quarantine_schema, receipt_batch, receipt_schema};
pub use revise::{previous, revise};

//! What enters: extracts as bytes, with the source definition that explains them; encoded files of data owners.
//! What leaves: canonical, pseudonymised rows, a receipt and quarantine entries; at the owner's desk, an encoded file.
//! Never: returns an identifier, or tells a field value in an error.
//! To add one: a format is one file in `read/`; an extract is one file in `pipelines/sources/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

mod account;
mod apart;
mod apply;
mod chance;
mod classes;
mod clean;
mod compare;
mod contents;
mod conversions;
mod describe;
pub mod desk;
mod dictionaries;
pub mod elsewhere;
mod error;
mod evaluate;
mod facts;
mod findings;
mod ids;
mod intake;
mod lengths;
mod lines;
mod load;
mod loaded_file;
mod name;
mod named;
mod pending;
mod period;
mod places;
mod plan;
mod profile;
pub mod read;
mod ready;
mod receipt;
mod records;
pub mod reference;
mod rehearse;
mod repeats;
mod resolve;
mod revise;
mod seen;
mod side_by_side;
mod signs;
mod sink;
mod spread;
mod stage;
mod thresholds;
mod uses;

pub use apart::apart;
pub use compare::{compare_receipts, compare_slots};
pub use contents::{Contents, is_keyed};
pub use error::IngestError;
pub use findings::{Findings, finding_batch, finding_schema, in_short};
pub use intake::Intake;
pub use lengths::Live;
pub use load::{Loaded, OnFile, Previous, SourcePlan, load};
pub use loaded_file::LoadedFile;
pub use name::{FileName, NamePattern, leftover};
pub use pending::{Known, Pending, Queue, Replaced, other_definitions, pending};
pub use plan::FeedPlan;
pub use profile::{ColumnProfile, profile_batch, profile_schema};
pub use receipt::{Receipt, RuleCount, quarantine_schema, receipt_batch, receipt_schema};
pub use rehearse::rehearse;
pub use repeats::FreshIds;
pub use revise::{Revised, drop_slot, previous, revise, superseded_tables, table_of};

//! What enters: names of zones, tables and files; Arrow batches to keep; the limits of a session.
//! What leaves: DataFusion sessions and tables, object stores, streams of input files, committed runs.
//! Never: knows a domain word, shows a row's data in an error, reads arguments, environment or clock.
//! To add one: a new kind of store goes into `location.rs`; a new step of a run into `txn.rs` with its repair.
//!
//! # How a run becomes visible
//!
//! Tables are Delta tables, and a Delta commit covers one table. A run writes many, so a run becomes
//! visible by **one conditional put** of `runs/00000042.json`, which names the version of every
//! table. Readers go through the last record only. Whatever stands ahead of it was left by a run
//! that did not finish, is seen by nobody, and is taken back by the next [`Lake::begin`].

// The one home of what is banned elsewhere: `std::fs` and the making of query sessions.
#![allow(clippy::disallowed_methods)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod change;
mod delta;
mod error;
pub mod files;
mod finish;
mod finished;
pub mod input;
mod lake;
mod layout;
mod lease;
mod location;
mod log_mark;
mod new_file;
mod ordered;
mod outgrown;
mod parquet_folder;
mod part;
mod record;
mod repair;
mod rewrite;
mod rights;
mod scan;
mod schema;
mod sealed;
mod session;
mod sorting;
mod store_options;
mod to_disk;
mod txn;
mod vacuum;
mod verify;

#[cfg(test)]
mod tests;

pub use error::{LakeError, Result};
pub use lake::Lake;
pub use location::Open;
pub use new_file::NewFile;
pub use parquet_folder::register_parquet;
pub use part::{FinishedPart, PartWriter};
pub use record::{CheckpointMark, LAKE_FORMAT, LogMark, RunRecord};
pub use rewrite::Rewrite;
pub use schema::TableSpec;
pub use sealed::{SealedFile, SealedTable};
pub use session::{Limits, session, session_beside};
pub use store_options::{VARIABLES, store_options};
pub use txn::RunTxn;
pub use verify::{Look, Verified};

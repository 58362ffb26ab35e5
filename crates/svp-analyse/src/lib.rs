//! What enters: linked tables, a definition of serious violence, the outputs of a site.
//! What leaves: tables whose counts are disclosed, with their derived columns.
//! Never: publishes, or lets a count out that has not passed `svp_privacy::disclose`.
//! To add one: an output is one file in `pipelines/outputs/`; a view that outputs share is one file in `sql/`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
mod output;
mod tables;
mod views;

pub use error::AnalyseError;
pub use output::{Content, Result as OutputResult, check_output, run_output};
pub use tables::{register_empty, register_reference};
pub use views::{Months, define, definition_sources};

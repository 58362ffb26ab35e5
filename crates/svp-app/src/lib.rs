//! What enters: requests as plain values, an opened key, the time as text.
//! What leaves: the outcome of each command as a value: runs, erasures, rotations, attacks, checks, analyses, trials.
//! Never: parses arguments, reads environment or clock, prints, or decides an exit code.
//! To add one: a command is one file here with a request and an outcome; the binary turns arguments into the one and prints the other.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

mod accept;
mod accounts;
mod ages;
pub mod analyse;
pub mod area;
mod calendar;
pub mod check;
mod check_rows;
mod contents;
mod decide;
pub mod disclose;
mod dry_run;
pub mod erase;
mod erased;
mod error;
pub mod gate;
pub mod health;
mod ingest;
mod inputs;
mod ledger;
pub mod link;
mod machine;
mod meanings;
mod names;
mod places;
mod progress;
pub mod pseudonymise;
mod readers;
mod release;
mod request;
pub mod rotate;
pub mod run;
mod sealed;
mod site;
mod stage;
mod state;
pub mod trial;
mod trial_events;
mod unknown;
pub mod unload;

#[cfg(test)]
mod tests;

pub use calendar::period;
pub use check_rows::RowsChecked;
pub use error::AppError;
pub use inputs::{Paths, paths};
pub use ledger::LedgerLine;
pub use machine::Machine;
pub use names::Names;
pub use progress::{Progress, Silent, Timing};
pub use request::{AcceptChoice, Environment, LakeAt, PathChoice};
pub use site::{Defined, LINKAGE, Site};
pub use stage::{Calendar, Ground, LakeOf, OffGrid, Rows, Setting, Stage, hierarchies};
pub use state::{RunState, tables};
pub use unknown::{Unknown, unknown};

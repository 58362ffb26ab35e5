//! What enters: counts of cells by period, the plan of a trial, its assignment, pings of patrols.
//! What leaves: hot spots chosen, who is patrolled when, patrol sheets, dosage, the effect with its interval.
//! Never: touches storage, a clock or an engine; draws at random without a seed that is written down.
//! To add one: a file beside its neighbours and one line below; the command is in the binary's `trial.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

pub mod assign;
pub mod choose;
pub mod clock;
pub mod covered;
mod day_month;
pub mod dosage;
mod error;
pub mod evaluate;
#[cfg(test)]
mod fixture;
pub mod grid;
pub mod model;
pub mod patrols;
pub mod pings;
pub mod plot;
pub mod power;
pub mod randomise;
pub mod record;
pub mod report;
pub mod rings;
pub mod rng;
pub mod route;
pub mod rows;
pub mod sheet;
pub mod spots;
pub mod stratified;
mod table;
mod templates;
mod twice;

pub use error::TrialError;

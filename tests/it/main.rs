//! One binary for every integration test. `cargo test --workspace --test it -- <module>` runs one theme.
//!
//! A test starts the program as a user does, in a folder of its own, with a fixed key and clock. The tests that only
//! look share one run on the sample (`support::sample`); the others use a `support::Lab`, a small site of few files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs
)]

mod ages;
mod alignment;
mod analyses;
mod analyses_given;
mod architecture;
mod area;
mod attacks;
mod bad_input;
mod bad_rows;
mod calendar;
mod cli;
mod content;
mod desk;
mod disclosed;
mod docs;
mod doors;
mod events;
mod gate;
mod idempotence;
mod intake_alike;
mod intake_compared;
mod intake_dates;
mod intake_lake;
mod intake_records;
mod intake_rows;
mod intake_slots;
mod intake_strangers;
mod kill;
mod ledger;
mod link;
mod link_twins;
mod one_file;
mod order;
mod privacy;
mod properties;
mod readers;
mod real;
mod reference;
mod sample;
mod sealed;
mod slt;
mod sums;
mod support;
mod threads;
mod trial;

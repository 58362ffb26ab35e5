//! What enters: slices of numbers: counts of cells, places, times.
//! What leaves: the measures of crime analysis over them, each as its source defines it.
//! Never: an engine, a file, a clock; a NaN where there is no answer (that is `None`), a result that hangs on the number of threads.
//! To add one: a file with the formula, its source and its oracles, and one line below.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]
// In tests a skipped oracle is said aloud, and loops over indices read like the formulas.
#![cfg_attr(test, allow(clippy::print_stderr))]

pub mod circular;
pub mod counts_model;
mod draw;
pub mod error;
pub mod fdr;
pub mod gi_star;
pub mod kernel_density;
pub mod knox;
pub mod neighbours;
mod normal;
pub mod rates;
pub mod scoring;
mod small_matrix;
pub mod trend;
mod two_rates;
pub mod wdd;

pub use error::Error;
pub use neighbours::Neighbours;

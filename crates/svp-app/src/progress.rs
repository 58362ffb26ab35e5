//! How a command tells what it does while it does it.

use svp_contract::Finding;

use crate::names::Names;

/// The listener of a command. The binary writes what it hears to the terminal or the log; [`Silent`] hears nothing.
pub trait Progress: Send + Sync {
    /// A step that was done, or something to know: a verb such as `ingest`, and a line of text.
    fn step(&self, verb: &str, what: &str);

    /// Findings about deliveries, in the order in which they were found.
    fn findings(&self, findings: &[Finding]);

    /// The files that this is about, as soon as they are known: what is written for machines has their labels in place of their names.
    fn names(&self, _: &Names) {}

    /// Begins a bar of `total` units, of bytes or of things; the bar before it ends.
    fn bar(&self, verb: &str, total: u64, bytes: bool);

    /// Moves the bar by some units; `message` names what was just done.
    fn advance(&self, by: u64, message: &str);

    /// Takes the bar away, if there is one.
    fn end_bar(&self);
}

/// Says nothing: for tests, and for programs that look at the outcome alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str, _: &str) {}

    fn findings(&self, _: &[Finding]) {}

    fn bar(&self, _: &str, _: u64, _: bool) {}

    fn advance(&self, _: u64, _: &str) {}

    fn end_bar(&self) {}
}

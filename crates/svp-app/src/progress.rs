//! How a command tells what it does while it does it.

use serde::Serialize;
use svp_contract::Finding;

use crate::names::Names;

/// How long a part of a command took. Who measures it is the binary: nothing else reads a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// How many parts it lies in.
    pub depth: usize,
    /// Part.
    pub part: String,
    /// How often it came: parts of one name in one part are one.
    pub times: u64,
    /// Milliseconds by the clock.
    pub wall_ms: u64,
    /// Milliseconds of processor time of all threads while it went on; `None` where the system does not tell.
    pub cpu_ms: Option<u64>,
    /// The most memory that the process held up to its end, in kibibytes; `None` where the system does not tell.
    pub peak_kib: Option<u64>,
}

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

    /// A part of the work begins; it lies in the part that began last and has not ended.
    fn begin(&self, _: &str) {}

    /// The part that began last ends.
    fn end(&self) {}

    /// How long parts took so far, in the order in which they began; none where nobody asked.
    fn timings(&self) -> Vec<Timing> {
        Vec::new()
    }
}

/// A part of the work that goes on until this is dropped.
pub(crate) struct Part<'a>(&'a dyn Progress);

impl<'a> Part<'a> {
    /// It begins.
    pub(crate) fn begin(progress: &'a dyn Progress, part: &str) -> Self {
        progress.begin(part);
        Self(progress)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Does something as a part of the work. What it is to do lies on the heap: a run is many such things in one another.
pub(crate) fn timed<'a, T: 'a>(
    progress: &'a dyn Progress,
    part: &'a str,
    work: impl Future<Output = T> + 'a,
) -> impl Future<Output = T> + 'a {
    let work = Box::pin(work);
    async move {
        let _part = Part::begin(progress, part);
        work.await
    }
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

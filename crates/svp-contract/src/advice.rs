//! The one shape of an error: its kind, its message, and what to do about it.

use std::borrow::Cow;
use std::error::Error;

/// The kind of an error. `svp` has an exit code for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A defect of svp.
    Internal,
    /// The command line is wrong.
    Argument,
    /// A definition is wrong.
    Definition,
    /// An extract or a reference file cannot be used, or breaks a threshold.
    Input,
    /// The key is missing, unusable or not that of the lake.
    Key,
    /// The lake is in use by another run, or another run finished first.
    Busy,
    /// The storage failed, or something in the lake cannot be understood.
    Storage,
    /// The lake was written by a newer svp.
    NewerFormat,
    /// Disclosure control or the law of a source forbids it.
    Forbidden,
    /// A query is wrong.
    Query,
    /// An encoded file was made under other terms.
    Terms,
}

/// What to do about an error, in a sentence or two.
pub type Hint = Cow<'static, str>;

/// An error with which a command can end. Its `Display` is the message, which holds no value of the data.
pub trait Advice: Error {
    /// Its kind, which decides the exit code.
    fn kind(&self) -> ErrorKind;

    /// What to do about it, where that can be said.
    fn hint(&self) -> Option<Hint>;
}

//! What can go wrong while the sample is written.

use std::path::PathBuf;

/// Why a sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file or folder could not be created or written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A place of the invented county has no answer from OSTN15.
    #[error("no OSTN15 shift at easting {easting}, northing {northing}")]
    NoShift {
        /// Easting in metres.
        easting: f64,
        /// Northing in metres.
        northing: f64,
    },
    /// An option lies outside what the generator can do.
    #[error("{option}: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// Why it was refused.
        reason: &'static str,
    },
}

/// The result of every step of the generator.
pub type Result<T> = std::result::Result<T, SampleError>;

//! What can go wrong here. No variant can hold a value from the data.

use thiserror::Error;

/// Outcomes of the privacy floor.
#[derive(Debug, Error)]
pub enum PrivacyError {
    /// The key text is not a key that `svp key new` makes.
    #[error("the key is not usable: {0}")]
    BadKey(&'static str),
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key")]
    NoRandom,
    /// A staged batch lacks a column that the canonical table needs.
    #[error("table {table}: the staged batch lacks column {column}")]
    MissingColumn {
        /// Canonical table.
        table: String,
        /// Column that is absent.
        column: String,
    },
    /// A column has a type that cannot be made into a token or a count.
    #[error("column {column} has a type that cannot be used here ({wanted} wanted)")]
    WrongType {
        /// The column.
        column: String,
        /// What was wanted instead.
        wanted: &'static str,
    },
    /// A count below zero: counts are of events or people.
    #[error("count column {column} holds a negative number")]
    NegativeCount {
        /// The column.
        column: String,
    },
    /// Derived columns changed what had been disclosed.
    #[error("derived columns of a disclosed table must leave column {column} as it was")]
    ChangedAfterDisclosure {
        /// The column that was changed, dropped or moved.
        column: String,
    },
    /// A derived value is present where one of the counts it stands on is suppressed.
    #[error("derived column {column} shows a value where a count is suppressed")]
    DerivedReveals {
        /// The derived column.
        column: String,
    },
    /// Arrow refused the batch.
    #[error("the batch could not be built")]
    Arrow(#[source] arrow::error::ArrowError),
}

impl PrivacyError {
    /// What the reader of the message can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::BadKey(_) => Some("make one with `svp key new --out FILE` and keep it apart from the lake"),
            Self::NegativeCount { .. } => {
                Some("counts must be of events or people; compute differences as derived columns")
            }
            Self::DerivedReveals { .. } => Some("derive from the disclosed count columns only"),
            _ => None,
        }
    }
}

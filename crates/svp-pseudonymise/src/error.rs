//! What can go wrong here. No variant can hold a value from the data.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Why identifiers could not become tokens.
#[derive(Debug, Error)]
pub enum PseudonymiseError {
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
    /// A column has a type that cannot be made into a token.
    #[error("column {column} has a type that no token is made of ({wanted} wanted)")]
    WrongType {
        /// The column.
        column: String,
        /// What was wanted instead.
        wanted: &'static str,
    },
    /// A sealed number cannot be opened, or a number cannot be sealed.
    #[error("column {column} holds a sealed number that does not open under the key")]
    Sealed {
        /// The column.
        column: String,
    },
    /// Arrow refused the batch.
    #[error("the batch could not be built")]
    Arrow(#[source] arrow::error::ArrowError),
}

impl Advice for PseudonymiseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BadKey(_) | Self::NoRandom => ErrorKind::Key,
            Self::MissingColumn { .. } | Self::WrongType { .. } | Self::Sealed { .. } | Self::Arrow(_) => {
                ErrorKind::Internal
            }
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::BadKey(_) => Some("make one with `svp key new --out FILE` and keep it apart from the lake".into()),
            Self::Sealed { .. } => {
                Some("look at the lake with `svp check --lake`; restore what is damaged from a backup".into())
            }
            Self::NoRandom | Self::MissingColumn { .. } | Self::WrongType { .. } | Self::Arrow(_) => None,
        }
    }
}

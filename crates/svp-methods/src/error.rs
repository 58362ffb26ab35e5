//! What can be wrong with the cells that were given. No answer to a sum is not an error: it is `None`.

use std::fmt;

/// Why cells have no neighbours.
///
/// ```
/// use svp_methods::{Error, Neighbours};
/// let twice = Neighbours::squares(&[(3, 7), (4, 7), (3, 7)], 1).unwrap_err();
/// assert_eq!(twice, Error::DuplicateCell { first: 0, second: 2 });
/// assert_eq!(twice.to_string(), "the cell at position 2 is the one at position 0 again");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// A cell is listed twice, at these two positions (from 0): its count would be in two places.
    DuplicateCell {
        /// Position of the first mention.
        first: usize,
        /// Position of the second mention.
        second: usize,
    },
    /// More cells, or more pairs of neighbours, than 32 bits can number.
    TooMany,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateCell { first, second } => {
                write!(f, "the cell at position {second} is the one at position {first} again")
            }
            Self::TooMany => write!(f, "more than 2^32 cells or pairs of neighbours"),
        }
    }
}

impl std::error::Error for Error {}

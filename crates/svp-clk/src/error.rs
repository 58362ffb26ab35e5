//! What can go wrong here. No variant can hold a value from the data or the secret.

use thiserror::Error;

/// Why records cannot be encoded, or filters not compared.
///
/// ```
/// use svp_clk::{ClkError, similarity::Filters};
/// // Three rows of 16 bits are 6 bytes.
/// let wrong = Filters::new(&[0; 5], 3, 16).unwrap_err();
/// assert!(matches!(wrong, ClkError::Shape { rows: 3, bits: 16 }));
/// assert_eq!(wrong.hint(), Some("make the filters with `svp clk encode` or with clkhash"));
/// ```
#[derive(Debug, Error)]
pub enum ClkError {
    /// The schema is not JSON.
    #[error("the linkage schema is not JSON")]
    Json(#[source] serde_json::Error),
    /// The schema does not say what clkhash needs, or says what it refuses.
    #[error("the linkage schema is not usable at {at}: {what}")]
    Schema {
        /// Where in the schema.
        at: String,
        /// What is wrong there.
        what: &'static str,
    },
    /// No keys can be derived as the schema asks.
    #[error("the keys cannot be derived: {0}")]
    Keys(&'static str),
    /// A record has more or fewer values than the schema has features.
    #[error("the record has {found} values, the linkage schema has {wanted} features")]
    Length {
        /// Features of the schema.
        wanted: usize,
        /// Values of the record.
        found: usize,
    },
    /// A value is not what its feature's format says.
    #[error("feature {feature}: {what}")]
    Value {
        /// Identifier of the feature.
        feature: String,
        /// What is wrong with the value.
        what: &'static str,
    },
    /// The bytes are not `rows` rows of this many bits, or there are more rows than 2³²-1.
    #[error("the bytes are not {rows} rows of {bits} bits")]
    Shape {
        /// Rows that were promised.
        rows: usize,
        /// Bits of a row.
        bits: usize,
    },
    /// A row has no bits or more than can be compared.
    #[error("rows of {bits} bits cannot be compared (1 to {most} can)")]
    Bits {
        /// Bits of a row.
        bits: usize,
        /// The most that a row can have.
        most: usize,
    },
    /// Two sets have rows of different lengths.
    #[error("the left set has rows of {left} bits, the right set rows of {right} bits")]
    Widths {
        /// Bits of a row of the left set.
        left: usize,
        /// Bits of a row of the right set.
        right: usize,
    },
    /// A threshold is not a number.
    #[error("the threshold is not a number")]
    Threshold,
}

impl ClkError {
    /// What the reader of the message can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) | Self::Schema { .. } | Self::Keys(_) | Self::Length { .. } | Self::Value { .. } => {
                Some("see the linkage schemas of clkhash, versions 1 to 3")
            }
            Self::Shape { .. } | Self::Bits { .. } => Some("make the filters with `svp clk encode` or with clkhash"),
            Self::Widths { .. } => Some("both sets must be made under one schema"),
            Self::Threshold => Some("a threshold is a number from 0 to 1"),
        }
    }
}

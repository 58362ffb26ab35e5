//! A feature of a linkage schema: the column of a record, what its values may be, and how they go into the filter.

use serde::Serialize;

use crate::dates::DateFormat;

/// A column of a record.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Feature {
    pub(crate) identifier: String,
    /// `None`: it is ignored.
    pub(crate) used: Option<Used>,
}

/// How a feature goes into the filter.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Used {
    pub(crate) format: Format,
    pub(crate) encoding: Encoding,
    pub(crate) comparison: Comparison,
    pub(crate) strategy: Strategy,
    pub(crate) hash: HashKind,
    /// What stands for a missing value, and what is hashed in its place.
    pub(crate) missing: Option<(String, String)>,
}

/// How tokens become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Encoding {
    Ascii,
    Utf8,
    Utf16,
    Utf32,
}

impl Encoding {
    /// Whether an ASCII character is its one byte.
    pub(crate) fn is_bytes(self) -> bool {
        matches!(self, Self::Ascii | Self::Utf8)
    }

    /// What Python puts before every text: the mark of little-endian order, that of the machines it runs on.
    pub(crate) fn mark(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Ascii | Self::Utf8 => {}
            Self::Utf16 => bytes.extend_from_slice(&[0xff, 0xfe]),
            Self::Utf32 => bytes.extend_from_slice(&[0xff, 0xfe, 0, 0]),
        }
    }
}

/// How many insertions.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum Strategy {
    PerToken(usize),
    PerFeature(usize),
}

impl Strategy {
    /// Insertions of the token at `place` of `tokens`.
    pub(crate) fn bits(self, place: usize, tokens: usize) -> usize {
        match self {
            Self::PerToken(bits) => bits,
            Self::PerFeature(bits) => bits / tokens + usize::from(place < bits % tokens),
        }
    }

    /// The most insertions of one token.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::PerToken(bits) | Self::PerFeature(bits) => bits,
        }
    }
}

/// How a token becomes places in the filter.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum HashKind {
    Double { prevent_singularity: bool },
    Blake,
}

/// The format of a feature's values.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum Format {
    /// Text; `upper`: the case it must have.
    Text {
        upper: Option<bool>,
        shortest: u64,
        longest: u64,
    },
    /// Text that matches a pattern of Python's `re`, which is not checked.
    Pattern,
    Integer {
        least: Option<i64>,
        most: Option<i64>,
    },
    Date(DateFormat),
    Enum(Vec<String>),
}

/// How the values of a feature are compared, which decides its tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Comparison {
    /// Every run of `n` characters of the value between blanks; with its place in front, if `positional`.
    Ngram { n: usize, positional: bool },
    /// The whole value.
    Exact,
    /// The neighbourhood of a number (Vatsalan and Christen 2016).
    Numeric(Numeric),
}

/// Parameters of a numeric comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Numeric {
    /// Distance of two tokens in units of 10^-precision / (2 resolution).
    pub(crate) interval: i128,
    /// Tokens to either side of the middle.
    pub(crate) resolution: i128,
    /// Decimal places that count.
    pub(crate) precision: u32,
}

//! Counts, as Rust and as tables hold them.

/// A count as Arrow and SQL hold it: the largest number that they have, for one that is larger.
#[must_use]
pub fn as_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

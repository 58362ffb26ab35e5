//! The words of a map's pieces: a cell by its id, the rest of a coarser cell, the rest of the area.

/// Column that says of a row of a map whether it is a rest of a coarser cell.
pub const MERGED: &str = "merged";
/// Id of the rest of the area.
pub const REMAINDER: &str = "rest";
/// Prefix of the id of the rest of a coarser cell: `rest:1000m:310000:48000`.
pub const REMAINDER_PREFIX: &str = "rest:";
/// Id of events whose place is not known.
pub const UNKNOWN_PLACE: &str = "unknown place";

/// The id of the rest of a coarser cell.
pub(crate) fn remainder_of(cell: &str) -> String {
    format!("{REMAINDER_PREFIX}{cell}")
}

/// The node of a piece: the cell, or the coarser cell that it is the rest of.
pub(crate) fn node_of(id: &str) -> &str {
    id.strip_prefix(REMAINDER_PREFIX).unwrap_or(id)
}

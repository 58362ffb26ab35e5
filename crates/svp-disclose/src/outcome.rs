//! What disclosure control says of its work: to the reader of a table, and to the person who signs.

use crate::Policy;

/// What disclosure control did to one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// The rule that was applied.
    pub policy: Policy,
    /// Count cells in the table.
    pub cells: u64,
    /// Cells that became NULL.
    pub suppressed: u64,
    /// Cells that are shown rounded or perturbed; how many of them that changed is not told.
    pub rounded: u64,
    /// Pieces of a map that are the rest of a coarser cell.
    pub merged: u64,
}

/// The attack on what was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttackSummary {
    /// Suppressed cells and implied numbers that were attacked.
    pub attacked: u64,
    /// Numbers of the system.
    pub numbers: u64,
    /// Equations of the system.
    pub equations: u64,
    /// Proved safe by a table that the reader cannot tell from the true one.
    pub by_witness: u64,
    /// Proved by the whole linear programme.
    pub by_programme: u64,
    /// Numbers that earlier releases alone give away: no decision of today can mend that.
    pub disclosed_before: u64,
    /// Earlier tables that took part.
    pub earlier_tables: u64,
    /// Passes that it took.
    pub passes: u64,
}

/// What was done to a table, for the person who signs. Not for publication: whoever knows how many cells are hidden
/// for their own smallness knows more about each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detail {
    /// Name of the table.
    pub table: String,
    /// Cells by the reason why they are hidden.
    pub small: u64,
    /// Cells that too few people stand behind.
    pub few_contributors: u64,
    /// Cells that one person makes up too much of.
    pub dominated: u64,
    /// Cells hidden to protect others.
    pub secondary: u64,
    /// Cells that hold all of what their margin counts: a reader learns that all of it is of this kind.
    pub full: u64,
    /// It was withheld because most of its cells are hidden and hold one event each: it lists events.
    pub list: bool,
    /// Sum of the counts.
    pub total: f64,
    /// Sum of the counts that are hidden.
    pub lost: f64,
}

/// Something that a reader could have computed, and what was done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inference {
    /// The table that was changed or withheld.
    pub table: String,
    /// What could have been computed.
    pub what: String,
    /// What was done: `suppressed`, `merged`, `withheld`, `accepted`.
    pub done: &'static str,
    /// Whether an earlier release had to do with it.
    pub against_earlier: bool,
}

//! Readers of releases to several audiences.

use std::collections::BTreeSet;

use crate::relate::Table;

/// Somebody who will have this release beside releases to other audiences.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// Audience that he belongs to.
    pub audience: String,
    /// Everything that he was given so far: the tables of his audience and of those that it reads, this one's among them.
    pub tables: Vec<Table>,
    /// The releases of his own audience: what its rule showed him is no secret to him.
    pub own: BTreeSet<usize>,
}

/// What the last attack found of a [`Reader`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReaderAttack {
    /// Audience that he belongs to.
    pub audience: String,
    /// Tables that he holds beside the release.
    pub tables: usize,
    /// Numbers that he could bound before the release, and can with it.
    pub before: Vec<String>,
}

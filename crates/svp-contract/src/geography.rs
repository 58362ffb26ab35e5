//! What reference files say of places: which area lies in which, what became of small areas, who lives there.

use std::collections::BTreeMap;

use crate::{Day, Exclusion};

/// One row of a lookup: an area and the area that holds it, while the lookup is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaLink {
    /// Layer of the child: `lsoa`, `ward`, `district`, …
    pub layer: String,
    /// Code of the child.
    pub code: String,
    /// Name of the child.
    pub name: Option<String>,
    /// Layer of the parent.
    pub parent_layer: String,
    /// Code of the parent.
    pub parent: String,
    /// Name of the parent.
    pub parent_name: Option<String>,
    /// First day; `None`: since ever.
    pub valid_from: Option<Day>,
    /// Last day; `None`: still valid.
    pub valid_to: Option<Day>,
}

/// How a small area of one census became those of the next: the column CHGIND of the official exact-fit lookup (Office for
/// National Statistics, *LSOA (2011) to LSOA (2021) exact fit lookup for England and Wales*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// U: one and the same.
    Unchanged,
    /// S: one became several.
    Split,
    /// M: several became one.
    Merged,
    /// X: neither.
    Irregular,
}

impl Change {
    /// Reads the letter.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "U" => Some(Self::Unchanged),
            "S" => Some(Self::Split),
            "M" => Some(Self::Merged),
            "X" => Some(Self::Irregular),
            _ => None,
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Split => "split",
            Self::Merged => "merged",
            Self::Irregular => "irregular",
        }
    }
}

/// One row of an exact-fit lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaChange {
    /// Code before.
    pub from: String,
    /// Code after.
    pub to: String,
    /// What happened.
    pub change: Change,
}

/// Residents of an area by year of age; the last entry is of that age and above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ages {
    /// Area.
    pub code: String,
    /// Mid-year.
    pub year: i32,
    /// Residents of age 0, 1, …
    pub residents: Vec<i64>,
}

/// What the reference data of an area say of places.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Residents: area, mid-year, people; no number where those of a part are not known.
    pub population: Vec<(String, i32, Option<i64>)>,
    /// Residents by year of age, where the population files have them.
    pub ages: Vec<Ages>,
    /// People by day: layer, area, year, people; no number where they are not known.
    pub daytime: Vec<(String, String, i32, Option<i64>)>,
    /// Sizes of small areas, km², as far as they are known.
    pub km2: BTreeMap<String, f64>,
    /// Places whose events are not counted in grids.
    pub exclusions: Vec<Exclusion>,
    /// Which area lies in which.
    pub links: Vec<AreaLink>,
    /// What became of small areas.
    pub changes: Vec<AreaChange>,
    /// Decile of deprivation by small area, 1 the most deprived.
    pub deprivation: Vec<(String, i32)>,
}

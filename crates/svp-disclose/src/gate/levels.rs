//! The sizes of areas, by the names that tables give them.

use super::tokens::words;

/// Levels from the smallest areas to the largest; what stands in one row is taken for of one size.
const LEVELS: &[&[&str]] = &[
    &[
        "oa", "postcode", "street", "road", "cell", "grid", "square", "hexagon", "h3", "site", "address", "uprn",
        "premises",
    ],
    &["lsoa", "lsoas", "small"],
    &[
        "msoa",
        "msoas",
        "ward",
        "wards",
        "beat",
        "neighbourhood",
        "parish",
        "village",
        "locality",
        "sector",
        "school",
        "estate",
        "hotspot",
    ],
    &["district", "districts", "borough", "csp", "partnership", "lad", "ltla", "authority", "town", "city"],
    &["county", "force", "utla", "icb", "constabulary"],
    &["region"],
    &["country"],
];

/// The place of a level in [`LEVELS`] by words of a name.
pub(super) fn level(name: &str) -> Option<usize> {
    words(name).iter().filter_map(|word| LEVELS.iter().position(|names| names.contains(&word.as_str()))).min()
}

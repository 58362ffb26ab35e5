//! Bands of age: what a lake keeps of an age for counting.
//!
//! Their edges are data (`schemas/age_edges.csv`): the union of all edges that shipped outputs, analyses, code lists of sources and
//! standard populations use, each with who needs it. So every band that is asked for is a union of bands that are kept, and nobody
//! needs an exact age to count.

use std::fmt;
use std::sync::OnceLock;

/// Where the edges stand.
pub const AGE_EDGES: &str = "schemas/age_edges.csv";

const LIST: &str = include_str!("../../../schemas/age_edges.csv");

/// The greatest age that is believed, in completed years.
pub const OLDEST_AGE: i32 = 120;

/// The least age of every band, ascending, from 0.
#[must_use]
pub fn age_edges() -> &'static [i32] {
    static EDGES: OnceLock<Vec<i32>> = OnceLock::new();
    EDGES.get_or_init(|| {
        let mut edges: Vec<i32> =
            LIST.lines().skip(1).filter_map(|line| line.split(',').next()?.trim().parse().ok()).collect();
        edges.push(0);
        edges.sort_unstable();
        edges.dedup();
        edges
    })
}

/// The least age of every band in which ages are published, ascending: some of [`age_edges`].
#[must_use]
pub fn published_age_edges() -> &'static [i32] {
    static EDGES: OnceLock<Vec<i32>> = OnceLock::new();
    EDGES.get_or_init(|| {
        let published = |line: &str| {
            let mut cells = line.split(',');
            let age = cells.next()?.trim().parse().ok()?;
            (cells.next()?.trim() == "yes").then_some(age)
        };
        let mut edges: Vec<i32> = LIST.lines().skip(1).filter_map(published).collect();
        edges.sort_unstable();
        edges
    })
}

/// Whether a band can begin at this age. The age after the greatest is an edge too: nobody is older.
#[must_use]
pub fn is_age_edge(age: i32) -> bool {
    age == OLDEST_AGE + 1 || age_edges().binary_search(&age).is_ok()
}

/// Ages from one to another, both in it, in completed years.
///
/// ```
/// use svp_contract::AgeBand;
///
/// let band = AgeBand::of(21).unwrap();
/// assert_eq!(band.to_string(), "20-24");
/// assert_eq!(band.within(&[0, 18, 25]).to_string(), "18-24");
/// assert_eq!(AgeBand::parse("90+").unwrap(), AgeBand::of(97).unwrap());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgeBand {
    /// Least age.
    pub from: i32,
    /// Greatest age; [`OLDEST_AGE`] of an open band.
    pub to: i32,
}

impl AgeBand {
    /// The narrowest band that is kept of an age; `None` below 0 and above [`OLDEST_AGE`].
    #[must_use]
    pub fn of(age: i32) -> Option<Self> {
        (0..=OLDEST_AGE).contains(&age).then(|| Self { from: age, to: age }.within(age_edges()))
    }

    /// A band as it is written: `18-24`, `90+`, `over 34`, `under 10`. Whether it begins and ends at edges is not asked.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |digits: &str| -> Option<i32> {
            let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().ok())?
        };
        let (from, to) = if let Some(from) = text.strip_suffix('+') {
            (number(from)?, OLDEST_AGE)
        } else if let Some(below) = text.strip_prefix("over ") {
            (number(below)? + 1, OLDEST_AGE)
        } else if let Some(above) = text.strip_prefix("under ") {
            (0, number(above)? - 1)
        } else {
            let (from, to) = text.split_once('-')?;
            (number(from)?, number(to)?)
        };
        (from <= to && to <= OLDEST_AGE).then_some(Self { from, to })
    }

    /// Whether it is a union of bands that are kept.
    #[must_use]
    pub fn is_kept(self) -> bool {
        is_age_edge(self.from) && is_age_edge(self.to + 1)
    }

    /// The narrowest band that holds it and begins and ends at `edges` (least ages, ascending): the last is open, and so is what lies
    /// before the first.
    #[must_use]
    pub fn within(self, edges: &[i32]) -> Self {
        let from = edges.iter().rev().find(|e| **e <= self.from).copied().unwrap_or(0);
        let next = edges.iter().find(|e| **e > self.to).copied();
        Self { from, to: next.map_or(OLDEST_AGE, |next| next - 1) }
    }
}

impl fmt::Display for AgeBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to >= OLDEST_AGE { write!(f, "{}+", self.from) } else { write!(f, "{}-{}", self.from, self.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_has_one_band_and_bands_meet() {
        assert!(age_edges().len() > 15 && age_edges()[0] == 0 && age_edges().is_sorted());
        let listed = LIST.lines().skip(1).filter(|l| !l.trim().is_empty()).count();
        assert_eq!(listed, age_edges().len(), "a line of the list has no age, or an age stands twice");
        for age in 0..=OLDEST_AGE {
            let band = AgeBand::of(age).unwrap();
            assert!(band.from <= age && age <= band.to && band.is_kept(), "{age} {band}");
            assert_eq!(AgeBand::parse(&band.to_string()), Some(band));
            assert_eq!(AgeBand::of(band.from), Some(band));
            assert_eq!(AgeBand::of(band.to), Some(band));
        }
        assert_eq!((AgeBand::of(-1), AgeBand::of(OLDEST_AGE + 1)), (None, None));
    }

    #[test]
    fn bands_as_they_are_written() {
        let ends = |text: &str| AgeBand::parse(text).map(|b| (b.from, b.to));
        assert_eq!(ends("18-24"), Some((18, 24)));
        assert_eq!(ends("over 34"), Some((35, OLDEST_AGE)));
        assert_eq!(ends("under 10"), Some((0, 9)));
        for text in
            ["", "18", "24-18", "18-", "-18", "1234+", "18-200", "+", "18 - 24", "over", "under 0", "x-y", "१-९"]
        {
            assert_eq!(ends(text), None, "{text}");
        }
        assert!(AgeBand::parse("35+").unwrap().is_kept() && !AgeBand::parse("16-24").unwrap().is_kept());
    }

    /// A wider band holds it, and so does every band of bands that are kept.
    #[test]
    fn wider_bands_are_unions() {
        let published = published_age_edges();
        assert_eq!(published, [0, 10, 18, 25, 35, 45, 55, 65]);
        for age in 0..=OLDEST_AGE {
            let kept = AgeBand::of(age).unwrap();
            let wide = kept.within(published);
            assert_eq!(
                wide,
                AgeBand { from: age, to: age }.within(published),
                "{age}: the band decides as the age does"
            );
        }
        assert_eq!(AgeBand::parse("35+").unwrap().within(published).to_string(), "35+");
        assert_eq!(AgeBand { from: 3, to: 3 }.within(&[10, 20]).to_string(), "0-9");
    }
}

//! What chance allows: shares and numbers of rows that differ from what others lead to expect.

/// Fewer rows say nothing of a file; from here on chance is worked out.
pub(crate) const FEWEST_ROWS: u64 = 10;
/// Files that a file is held against, at least.
pub(crate) const FEWEST_OTHERS: usize = 2;
/// What files of one source differ in by chance is less likely than this.
const CHANCE: f64 = 1e-5;

/// How many of how many rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub count: u64,
    pub of: u64,
}

impl Part {
    pub(crate) fn share(self) -> f64 {
        self.count as f64 / self.of.max(1) as f64
    }

    /// The same share of fewer rows: rows of one record agree with one another, and say no more than one.
    pub(crate) fn of_records(self, records: f64) -> Self {
        Self { count: (self.count as f64 * records).round() as u64, of: (self.of as f64 * records).round() as u64 }
    }
}

/// All of them together.
pub(crate) fn together(parts: &[Part]) -> Part {
    parts.iter().fold(Part { count: 0, of: 0 }, |all, p| Part { count: all.count + p.count, of: all.of + p.of })
}

/// The greatest share that the others lead to expect: that of any of them, and that of all together with one more.
pub(crate) fn expected(others: &[Part]) -> f64 {
    let all = together(others);
    let one_more = Part { count: all.count + 1, of: all.of + 2 }.share();
    others.iter().map(|p| p.share()).fold(one_more, f64::max)
}

/// Others from which those that stand out most may be left aside: two files that were damaged alike must not hide one another.
const FEWEST_MOST: usize = 5;

/// Others without the third of them that stands out most, by `key` (the greatest go); `None` where there are too few.
pub(crate) fn most<T: Copy>(others: &[T], key: impl Fn(&T) -> f64) -> Option<Vec<T>> {
    if others.len() < FEWEST_MOST {
        return None;
    }
    let mut sorted = others.to_vec();
    sorted.sort_by(|a, b| key(a).total_cmp(&key(b)));
    sorted.truncate(others.len() - others.len() / 3);
    Some(sorted)
}

/// Whether a share is greater than `share` allows by chance: Chernoff's bound of the tail of a binomial distribution.
pub(crate) fn no_chance(part: Part, share: f64) -> bool {
    let (p, q) = (part.share(), share.clamp(1e-9, 1.0 - 1e-9));
    if p <= q {
        return false;
    }
    let rest = if p < 1.0 { (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln() } else { 0.0 };
    let divergence = p * (p / q).ln() + rest;
    -(part.of as f64) * divergence < CHANCE.ln()
}

/// Whether so many rows are no chance where `expected` are: Chernoff's bound of the tails of a Poisson distribution.
pub(crate) fn no_chance_of(rows: u64, expected: u64) -> bool {
    let (n, mean) = (rows as f64, expected.max(1) as f64);
    let log = if rows == 0 { 0.0 } else { n * (n / mean).ln() };
    -(log - n + mean) < CHANCE.ln()
}

/// The parts of all but one that have rows enough.
pub(crate) fn others<T>(all: &[T], at: usize, part: &dyn Fn(&T) -> Part) -> Vec<Part> {
    let others = all.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, other)| part(other));
    others.filter(|part| part.of >= FEWEST_ROWS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_bounded() {
        let part = |count, of| Part { count, of };
        assert!(!no_chance(part(50, 100), 0.5));
        assert!(!no_chance(part(60, 100), 0.5));
        assert!(no_chance(part(80, 100), 0.5));
        assert!(no_chance(part(20, 20), 0.02));
        assert!(no_chance_of(130, 200) && no_chance_of(280, 200));
        assert!(!no_chance_of(40, 60) && !no_chance_of(90, 60) && !no_chance_of(200, 200));
        assert!(no_chance_of(0, 12) && !no_chance_of(0, 11));
    }
}

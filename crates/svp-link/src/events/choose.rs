//! Which pairs become matches, and how many of them are chance.

use std::collections::HashSet;

/// A pair that may become a match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub police: String,
    pub health: String,
    /// Learned weight, log2.
    pub weight: f64,
    /// Probability that it is one incident.
    pub probability: f64,
    /// Minutes between the two.
    pub minutes: i64,
    /// Metres between the two, where both places are known.
    pub distance: f64,
}

/// At most one crime for each attendance and one attendance for each crime: the pair with the highest weight first, then
/// the nearer in time, the nearer in place, and last by the tokens, so that the same pairs in any order give the same
/// matches. Taken from the top, the matches of a strict level are those of a loose one that reach it.
pub(super) fn one_to_one(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| a.minutes.cmp(&b.minutes))
            .then_with(|| a.distance.total_cmp(&b.distance))
            .then_with(|| a.police.cmp(&b.police))
            .then_with(|| a.health.cmp(&b.health))
    });
    let (mut crimes, mut attendances) = (HashSet::new(), HashSet::new());
    let mut out = Vec::new();
    for candidate in candidates {
        if crimes.contains(&candidate.police) || attendances.contains(&candidate.health) {
            continue;
        }
        crimes.insert(candidate.police.clone());
        attendances.insert(candidate.health.clone());
        out.push(candidate);
    }
    out
}

/// How many of `matches` are chance, given that `moved` chance matches come about where no pair can be true, and the
/// lengths of the two lists.
///
/// A record that has found its true partner is not free for a chance one. So chance has only what is left of both lists:
/// F = moved (1 - T / n1)(1 - T / n2), where T = matches - F are true. Solved from above, at most `matches`: where moved
/// lists match as much as true ones do, nothing is called true.
pub(super) fn by_chance(matches: f64, moved: f64, n1: f64, n2: f64) -> f64 {
    let left = |true_ones: f64, n: f64| (1.0 - true_ones / n.max(1.0)).clamp(0.0, 1.0);
    let mut chance = moved.min(matches);
    for _ in 0..200 {
        let true_ones = matches - chance;
        chance = (moved * left(true_ones, n1) * left(true_ones, n2)).min(matches);
    }
    chance
}

/// How much of the time that two lists cover is still covered when one of them is moved, 0 to 1. `days` is the length of
/// that time.
pub(super) fn covered(days: f64, weeks: i32) -> f64 {
    if days <= 0.0 { 0.0 } else { (1.0 - 7.0 * f64::from(weeks.abs()) / days).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chance_takes_what_truth_leaves() {
        assert_eq!(by_chance(0.0, 50.0, 100.0, 100.0), 0.0);
        assert_eq!(by_chance(50.0, 0.0, 100.0, 100.0), 0.0);
        // All matches are chance: there is nothing true to stand in its way.
        assert!((by_chance(50.0, 50.0, 1e6, 1e6) - 50.0).abs() < 0.1);
        // Half of both lists have their true partner: a quarter of the chance matches is left.
        let chance = by_chance(525.0, 100.0, 1_000.0, 1_000.0);
        assert!((chance - 25.0).abs() < 2.0, "{chance}");
        assert_eq!(by_chance(10.0, 1e9, 10.0, 10.0), 10.0);
    }

    #[test]
    fn a_moved_list_covers_less() {
        assert_eq!(covered(28.0, 2), 0.5);
        assert_eq!(covered(28.0, -4), 0.0);
        assert_eq!(covered(0.0, 1), 0.0);
        assert_eq!(covered(14.0, 9), 0.0);
    }

    fn pairs() -> impl Strategy<Value = Vec<Candidate>> {
        let one = (0..12u8, 0..12u8, 0..4u8, 0..3i64, 0..3u8).prop_map(|(p, h, w, minutes, d)| Candidate {
            police: format!("p{p}"),
            health: format!("h{h}"),
            weight: f64::from(w),
            probability: 0.5,
            minutes,
            distance: f64::from(d),
        });
        prop::collection::vec(one, 0..60)
    }

    proptest! {
        #[test]
        fn nobody_is_matched_twice(pairs in pairs()) {
            let found = one_to_one(pairs.clone());
            let crimes: HashSet<_> = found.iter().map(|c| &c.police).collect();
            let attendances: HashSet<_> = found.iter().map(|c| &c.health).collect();
            prop_assert_eq!(crimes.len(), found.len());
            prop_assert_eq!(attendances.len(), found.len());
            // Nothing is left that could still be matched, and no better pair was passed over.
            for pair in &pairs {
                let taken = found.iter().any(|f| (f.police == pair.police || f.health == pair.health) && f.weight >= pair.weight);
                prop_assert!(taken, "{:?}", pair);
            }
        }

        #[test]
        fn the_order_of_the_pairs_does_not_matter(pairs in pairs(), turn in 0..60usize) {
            let mut other = pairs.clone();
            other.reverse();
            let at = turn.min(other.len());
            other.rotate_left(at);
            prop_assert_eq!(one_to_one(pairs), one_to_one(other));
        }

        /// The matches of a strict level are those of a loose one that reach it.
        #[test]
        fn strict_matches_are_loose_matches(pairs in pairs(), level in 0..4u8) {
            let level = f64::from(level);
            let strict = one_to_one(pairs.iter().filter(|p| p.weight >= level).cloned().collect());
            let loose: Vec<Candidate> = one_to_one(pairs).into_iter().filter(|p| p.weight >= level).collect();
            prop_assert_eq!(strict, loose);
        }
    }
}

//! What agreement is worth, learned without a single known link.
//!
//! Fellegi and Sunter's model: a pair is either one incident or chance, and given which, its classes of agreement are
//! independent. What chance gives (`u`) is read off pairs with attendances that were moved by whole weeks, which cannot be
//! true. What one incident gives (`m`), and the share of true pairs, follow by expectation maximisation over the distinct
//! patterns, `u` held still, so that the second part of the mixture can only explain what chance does not.
//!
//! Fellegi and Sunter 1969, *A theory for record linkage*; Winkler 1988 for the maximisation.

/// Comparisons of a pair: time, place, age, sex, kind of place, sharp object.
pub(super) const COMPARISONS: [&str; 6] = ["time", "place", "age", "sex", "kind of place", "sharp object"];
/// Classes of a comparison, 0 to 9; 9 is "not known".
pub(super) const CLASSES: usize = 10;
/// Added to each class, so that what was not seen is rare and not impossible.
const PSEUDO: f64 = 0.5;
const ROUNDS: usize = 2_000;
const STILL: f64 = 1e-10;

/// Classes of one pair.
pub(super) type Classes = [u8; COMPARISONS.len()];

/// A pattern of agreement and how often it occurs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    pub classes: Classes,
    /// Pairs as they are.
    pub pairs: f64,
    /// Pairs with moved attendances.
    pub moved: f64,
}

/// What was learned of one pair of sources.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EventModel {
    /// Share of the pairs that are one incident, 0 to 1.
    pub share: f64,
    /// Probability of each class where the pair is one incident, by comparison.
    pub m: [[f64; CLASSES]; COMPARISONS.len()],
    /// The same where it is chance.
    pub u: [[f64; CLASSES]; COMPARISONS.len()],
    /// Whether a class occurs at all.
    pub occurs: [[bool; CLASSES]; COMPARISONS.len()],
}

type ClassShares = [[f64; CLASSES]; COMPARISONS.len()];

/// Learns from patterns. `chance` is the number of pairs that chance alone gives in the time that the lists cover.
///
/// The order of the patterns must be the same for the same data: sums of fractions depend on it.
pub(super) fn learn(patterns: &[Pattern], chance: f64) -> EventModel {
    let mut occurs = [[false; CLASSES]; COMPARISONS.len()];
    for pattern in patterns {
        for (known, class) in occurs.iter_mut().zip(pattern.classes) {
            known[usize::from(class)] = true;
        }
    }
    let moved: Vec<f64> = patterns.iter().map(|p| p.moved).collect();
    let seen: Vec<f64> = patterns.iter().map(|p| p.pairs).collect();
    let u = shares(patterns, &moved, &occurs);
    let all = shares(patterns, &seen, &occurs);
    let total: f64 = seen.iter().sum();
    let mut share = ((total - chance) / total.max(1.0)).clamp(0.01, 0.9);
    // Where the maximisation begins: what occurs more often than chance explains.
    let mut m = [[0.0; CLASSES]; COMPARISONS.len()];
    for c in 0..COMPARISONS.len() {
        for l in 0..CLASSES {
            if occurs[c][l] {
                m[c][l] = (all[c][l] - (1.0 - share) * u[c][l]).max(0.01 * share);
            }
        }
        let sum: f64 = m[c].iter().sum();
        m[c].iter_mut().for_each(|p| *p /= sum.max(f64::MIN_POSITIVE));
    }
    let mut model = EventModel { share, m, u, occurs };
    for _ in 0..ROUNDS {
        let of_one: Vec<f64> = patterns.iter().map(|p| p.pairs * model.probability(model.weight(&p.classes))).collect();
        let next = shares(patterns, &of_one, &occurs);
        share = (of_one.iter().sum::<f64>() / total.max(1.0)).clamp(1e-9, 1.0 - 1e-9);
        let step = (share - model.share).abs().max(distance(&next, &model.m));
        (model.share, model.m) = (share, next);
        if step < STILL {
            break;
        }
    }
    model
}

fn distance(a: &ClassShares, b: &ClassShares) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// Share of each class among patterns that count as much as `counts` says.
fn shares(patterns: &[Pattern], counts: &[f64], occurs: &[[bool; CLASSES]; COMPARISONS.len()]) -> ClassShares {
    let mut out = [[0.0; CLASSES]; COMPARISONS.len()];
    for (pattern, n) in patterns.iter().zip(counts) {
        for (sums, class) in out.iter_mut().zip(pattern.classes) {
            sums[usize::from(class)] += n;
        }
    }
    for (sums, known) in out.iter_mut().zip(occurs) {
        for (sum, known) in sums.iter_mut().zip(known) {
            *sum += if *known { PSEUDO } else { 0.0 };
        }
        let total: f64 = sums.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= total.max(f64::MIN_POSITIVE));
    }
    out
}

impl EventModel {
    /// How much more likely one incident makes this pattern than chance does, log2.
    pub(super) fn weight(&self, classes: &Classes) -> f64 {
        classes.iter().enumerate().map(|(c, class)| self.class_weight(c, usize::from(*class))).sum()
    }

    /// The part of one comparison; 0 for a class that does not occur.
    pub(super) fn class_weight(&self, comparison: usize, class: usize) -> f64 {
        match (self.m[comparison][class], self.u[comparison][class]) {
            (m, u) if m > 0.0 && u > 0.0 => (m / u).log2(),
            _ => 0.0,
        }
    }

    /// Probability that a pair of this weight is one incident, 0 to 1.
    pub(super) fn probability(&self, weight: f64) -> f64 {
        1.0 / (1.0 + (1.0 - self.share) / self.share * (-weight).exp2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns of two kinds of pairs in known numbers, spread over the classes of two comparisons.
    fn planted(true_pairs: f64, chance: f64) -> Vec<Pattern> {
        let (m, u) = ([0.8, 0.15, 0.05], [0.05, 0.15, 0.8]);
        let mut out = Vec::new();
        for time in 0..3u8 {
            for age in 0..3u8 {
                let p = |q: [f64; 3]| q[usize::from(time)] * q[usize::from(age)];
                let classes = [time, 9, age, 9, 9, 9];
                out.push(Pattern { classes, pairs: true_pairs * p(m) + chance * p(u), moved: 8.0 * chance * p(u) });
            }
        }
        out
    }

    #[test]
    fn what_was_planted_is_learned() {
        let model = learn(&planted(400.0, 3_600.0), 3_600.0);
        assert!((model.share - 0.1).abs() < 0.01, "{}", model.share);
        for (class, m) in [0.8, 0.15, 0.05].into_iter().enumerate() {
            assert!((model.m[0][class] - m).abs() < 0.02, "{:?}", model.m[0]);
        }
        let (best, worst) = (model.weight(&[0, 9, 0, 9, 9, 9]), model.weight(&[2, 9, 2, 9, 9, 9]));
        assert!(model.probability(best) > 0.9 && model.probability(worst) < 0.01);
        assert_eq!(model.class_weight(1, 9), 0.0, "what nobody says tells nothing");
    }

    #[test]
    fn chance_alone_matches_nobody() {
        let patterns = planted(0.0, 4_000.0);
        let model = learn(&patterns, 4_000.0);
        let found: f64 =
            patterns.iter().filter(|p| model.probability(model.weight(&p.classes)) >= 0.5).map(|p| p.pairs).sum();
        assert!(found < 1.0, "{found} pairs of chance are taken for true; share {}", model.share);
    }

    #[test]
    fn nothing_to_learn_from_is_no_trouble() {
        for patterns in [vec![], vec![Pattern { classes: [9; 6], pairs: 1.0, moved: 0.0 }]] {
            let model = learn(&patterns, 0.0);
            let p = model.probability(model.weight(&[9; 6]));
            assert!(p.is_finite() && (0.0..=1.0).contains(&p));
        }
    }
}

//! The test by randomisation: the effect is held against what the same design would have given by other draws.
//!
//! It needs no model of crime: under no effect at all, the draw alone decides which days and places are called treated.
//! p = (1 + draws at least as far from 0) / (1 + draws), two-sided (Phipson and Smyth 2010), so it is never 0.

use svp_contract::{DesignKind, Trial};

use crate::TrialError;
use crate::assign::{Arm, Assignment, redraw};
use crate::clock::Times;
use crate::spots::Spot;

/// What one draw weighs each outcome with, so that the statistic is a sum of products.
///
/// Crossover: treated 1 − s, control −s, with s the share of treated days among the days of the hot spot that count: the
/// sum is the events on treated days less what that share of days would have. Otherwise, in a block of n with t treated:
/// n/t and −n/(n−t): the sum is n times the difference of the means, over all blocks.
#[derive(Debug, Clone)]
pub struct Weights(Vec<f64>);

impl Weights {
    /// Of a draw.
    #[must_use]
    pub fn new(assignment: &Assignment) -> Self {
        let n = assignment.spots.len();
        if assignment.kind == DesignKind::Crossover {
            let share: Vec<f64> = (0..n)
                .map(|s| {
                    let (t, c) = (assignment.days_in(s, Arm::Treatment), assignment.days_in(s, Arm::Control));
                    if t + c == 0 { 0.0 } else { t as f64 / (t + c) as f64 }
                })
                .collect();
            let mut out = Vec::with_capacity(n * assignment.days.len());
            for day in assignment.days.iter() {
                out.extend((0..n).map(|s| match assignment.arm(s, day) {
                    Some(Arm::Treatment) => 1.0 - share[s],
                    Some(Arm::Control) => -share[s],
                    _ => 0.0,
                }));
            }
            return Self(out);
        }
        let day = assignment.days.from;
        let count = |block: usize, arm: Arm| {
            (0..n).filter(|s| assignment.blocks[*s] == block && assignment.arm(*s, day) == Some(arm)).count() as f64
        };
        Self(
            (0..n)
                .map(|s| {
                    let (t, c) =
                        (count(assignment.blocks[s], Arm::Treatment), count(assignment.blocks[s], Arm::Control));
                    match assignment.arm(s, day) {
                        Some(Arm::Treatment) if t > 0.0 && c > 0.0 => (t + c) / t,
                        Some(Arm::Control) if t > 0.0 && c > 0.0 => -(t + c) / c,
                        _ => 0.0,
                    }
                })
                .collect(),
        )
    }

    /// The statistic: outcomes by their place in the draw (day × hot spots + hot spot; the hot spot alone where one draw
    /// holds for the whole trial).
    #[must_use]
    pub fn statistic(&self, outcomes: &[(usize, f64)]) -> f64 {
        outcomes.iter().map(|(at, value)| self.0.get(*at).copied().unwrap_or(0.0) * value).sum()
    }
}

/// Other draws of the same design.
///
/// # Errors
/// When the design cannot be drawn.
pub fn redraws(trial: &Trial, times: &Times, spots: &[Spot], how_many: usize) -> Result<Vec<Weights>, TrialError> {
    (0..how_many as u64).map(|i| Ok(Weights::new(&redraw(trial, times, spots, i)?))).collect()
}

/// Two-sided p of the draw that was made, among others.
#[must_use]
pub fn p_value(drawn: &Weights, others: &[Weights], outcomes: &[(usize, f64)]) -> f64 {
    let seen = drawn.statistic(outcomes).abs();
    // Sums of the same numbers in another order may differ in the last digits and are the same draw.
    let near = seen - 1e-9 * seen.max(1.0);
    let as_far = others.iter().filter(|w| w.statistic(outcomes).abs() >= near).count();
    (1 + as_far) as f64 / (1 + others.len()) as f64
}

/// What is left of the trial's counts when the baseline's are taken out in proportion: post − pre × (all post / all pre).
/// Hot spots differ much from one another, and a long baseline tells how.
#[must_use]
pub fn changes(pre: &[f64], post: &[f64]) -> Vec<(usize, f64)> {
    let (before, after): (f64, f64) = (pre.iter().sum(), post.iter().sum());
    let ratio = if before > 0.0 { after / before } else { 0.0 };
    pre.iter().zip(post).map(|(a, b)| b - a * ratio).enumerate().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::assign;
    use crate::fixture::{spots, trial, trial_with};

    #[test]
    fn weights_of_a_hot_spot_add_up_to_nothing() {
        for trial in [trial(), trial_with(&[("\"crossover\"\nfrom", "\"blocks\"\nfrom")])] {
            let (times, spots) = (Times::new(&trial), spots(20));
            let weights = Weights::new(&assign(&trial, &times, &spots).unwrap());
            let all: Vec<(usize, f64)> = (0..weights.0.len()).map(|i| (i, 1.0)).collect();
            assert!(weights.statistic(&all).abs() < 1e-9);
            assert_eq!(weights.0.len(), if trial.design.kind == DesignKind::Crossover { 1_800 } else { 20 });
        }
    }

    /// Two pairs by hand: 4 draws, statistics ±(d1 ± d2) × 2.
    #[test]
    fn two_pairs_by_hand() {
        let trial = trial_with(&[
            ("\"crossover\"\nfrom", "\"matched_pairs\"\nfrom"),
            ("share_treated = 0.4", "share_treated = 0.5"),
        ]);
        let (times, spots) = (Times::new(&trial), spots(4));
        let outcomes = [(0, 5.0), (1, 2.0), (2, 1.0), (3, 2.0)];
        let mut seen: Vec<i64> = redraws(&trial, &times, &spots, 400)
            .unwrap()
            .iter()
            .map(|w| w.statistic(&outcomes).round() as i64)
            .collect();
        seen.sort_unstable();
        seen.dedup();
        // Differences of the pairs are 3 and −1; each pair weighs 2.
        assert_eq!(seen, [-8, -4, 4, 8]);
    }

    #[test]
    fn nothing_happened_is_no_evidence() {
        let (trial, spots) = (trial(), spots(4));
        let times = Times::new(&trial);
        let drawn = Weights::new(&assign(&trial, &times, &spots).unwrap());
        let others = redraws(&trial, &times, &spots, 99).unwrap();
        assert_eq!(p_value(&drawn, &others, &[]), 1.0);
        assert_eq!(changes(&[0.0, 0.0], &[1.0, 2.0]), [(0, 1.0), (1, 2.0)]);
        assert_eq!(changes(&[10.0, 20.0], &[1.0, 2.0]), [(0, 0.0), (1, 0.0)]);
    }
}

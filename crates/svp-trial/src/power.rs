//! The least effect that the trial can find, by simulation before anybody walks.
//!
//! Counts are drawn from the baseline's own means by hot spot and its own overdispersion, a share of them is taken away
//! where and when the draw says "treatment", and the same test by randomisation is made as after the trial. Only events are
//! simulated: harm sums vary more, so the least effect on harm is greater.

use svp_contract::{DesignKind, Trial};

use crate::TrialError;
use crate::assign::{Arm, redraw};
use crate::choose::counts;
use crate::clock::Times;
use crate::randomise::{Weights, changes, p_value, redraws};
use crate::rng::{Purpose, RandomStream};
use crate::rows::Event;
use crate::spots::Spot;

/// Days of a block over which the overdispersion of a design without crossover is estimated.
const BLOCK: usize = 28;

/// What the baseline says of a day in a hot spot.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Mean events a day, by hot spot, in the hours that count.
    pub daily: Vec<f64>,
    /// NB2 overdispersion of daily counts (0 is Poisson): variance = mean + alpha × mean².
    pub alpha_day: f64,
    /// The same of counts over 28 days.
    pub alpha_block: f64,
}

/// Reads means and overdispersion off the baseline.
///
/// # Errors
/// When no event of the baseline lies in a hot spot.
pub fn baseline(trial: &Trial, times: &Times, spots: &[Spot], events: &[Event]) -> Result<Baseline, TrialError> {
    let days = times.baseline.len();
    let mut daily = vec![vec![0u64; days]; spots.len()];
    for event in events.iter().filter(|e| counts(trial, e)) {
        let Some(day) = times.baseline.index(event.day) else { continue };
        if let Some(spot) = spots.iter().position(|s| s.cell.has(event.easting, event.northing)) {
            daily[spot][day] += event.count;
        }
    }
    if daily.iter().flatten().all(|n| *n == 0) {
        return Err(TrialError::NoEvents {
            what: "the hot spots during the baseline".to_owned(),
            read: events.len() as u64,
        });
    }
    let block = |d: &Vec<u64>| d.chunks_exact(BLOCK).map(|c| c.iter().sum()).collect::<Vec<u64>>();
    let blocks: Vec<Vec<u64>> = daily.iter().map(block).collect();
    Ok(Baseline {
        daily: daily.iter().map(|d| d.iter().sum::<u64>() as f64 / days as f64).collect(),
        alpha_day: alpha(&daily),
        alpha_block: alpha(&blocks),
    })
}

/// Moment estimate of the NB2 overdispersion, one for all places: Σ(s² − m) / Σm², not below 0.
fn alpha(counts: &[Vec<u64>]) -> f64 {
    let (mut over, mut squares) = (0.0, 0.0);
    for place in counts.iter().filter(|c| c.len() > 1) {
        let n = place.len() as f64;
        let mean = place.iter().sum::<u64>() as f64 / n;
        let variance = place.iter().map(|y| (*y as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
        over += variance - mean;
        squares += mean * mean;
    }
    if squares > 0.0 { (over / squares).max(0.0) } else { 0.0 }
}

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Trials for each effect.
    pub simulations: usize,
    /// Redraws of each test.
    pub redraws: usize,
    /// Level of the test, two-sided.
    pub level: f64,
}

impl Default for Effort {
    fn default() -> Self {
        Self { simulations: 500, redraws: 199, level: 0.05 }
    }
}

/// Power at one effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerAt {
    /// Share of events taken away, 0 to 1.
    pub effect: f64,
    /// Share of simulated trials in which the test found it.
    pub power: f64,
    /// Standard error of that share from the number of simulations.
    pub error: f64,
}

/// Power at several effects and the least effect found at the wanted power.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// In the order of the effects.
    pub at: Vec<PowerAt>,
    /// Least effect with a power of 0.8, between two effects by a straight line; `None` where even the greatest has less.
    pub least: Option<f64>,
}

/// The power that is usually wanted.
pub const WANTED: f64 = 0.8;

/// Simulates the trial at each effect (rising, 0 to 1).
///
/// # Errors
/// When the design cannot be drawn.
pub fn power(
    trial: &Trial,
    times: &Times,
    spots: &[Spot],
    baseline: &Baseline,
    effects: &[f64],
    effort: Effort,
) -> Result<Power, TrialError> {
    let others = redraws(trial, times, spots, effort.redraws)?;
    let mut at = Vec::new();
    for (e, effect) in effects.iter().enumerate() {
        let mut found = 0usize;
        for s in 0..effort.simulations as u64 {
            // The same numbers for every effect: the curve is smoother than its error.
            let mut rng = RandomStream::new(trial.design.seed, Purpose::Power, s);
            let drawn = redraw(trial, times, spots, (1 << 32) | ((e as u64) << 24) | s)?;
            let outcomes = match trial.design.kind {
                DesignKind::Crossover => {
                    let n = spots.len();
                    let mut out = Vec::new();
                    for (d, day) in times.trial.iter().enumerate() {
                        for (i, mean) in baseline.daily.iter().enumerate() {
                            let keep = if drawn.arm(i, day) == Some(Arm::Treatment) { 1.0 - effect } else { 1.0 };
                            let count = rng.negative_binomial(mean * keep, baseline.alpha_day);
                            if count > 0 {
                                out.push((d * n + i, count as f64));
                            }
                        }
                    }
                    out
                }
                DesignKind::MatchedPairs | DesignKind::Blocks => {
                    let mut total = |days: usize, mean: f64| {
                        // A sum of independent blocks has the overdispersion of one, divided by their number.
                        let alpha = baseline.alpha_block * BLOCK as f64 / days as f64;
                        rng.negative_binomial(mean * days as f64, alpha) as f64
                    };
                    let pre: Vec<f64> = baseline.daily.iter().map(|m| total(times.baseline.len(), *m)).collect();
                    let treated = drawn.treated(times.trial.from);
                    let kept = |i: usize| if treated.contains(&i) { 1.0 - effect } else { 1.0 };
                    let post: Vec<f64> =
                        baseline.daily.iter().enumerate().map(|(i, m)| total(times.trial.len(), m * kept(i))).collect();
                    changes(&pre, &post)
                }
            };
            found += usize::from(p_value(&Weights::new(&drawn), &others, &outcomes) <= effort.level);
        }
        let n = effort.simulations.max(1) as f64;
        let power = found as f64 / n;
        at.push(PowerAt { effect: *effect, power, error: (power * (1.0 - power) / n).sqrt() });
    }
    let least = least(&at);
    Ok(Power { at, least })
}

fn least(at: &[PowerAt]) -> Option<f64> {
    let place = at.iter().position(|p| p.power >= WANTED)?;
    let here = at[place];
    let Some(before) = place.checked_sub(1).map(|p| at[p]) else { return Some(here.effect) };
    let part = (WANTED - before.power) / (here.power - before.power);
    Some(before.effect + part * (here.effect - before.effect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event, spots, trial, trial_with};

    /// Normal distribution function (Abramowitz and Stegun 7.1.26 by way of libm).
    fn phi(z: f64) -> f64 {
        0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
    }

    const QUICK: Effort = Effort { simulations: 300, redraws: 199, level: 0.05 };

    /// Two Poisson counts, of treated and of control days: power = Φ(|ln RR| / √(1/λT + 1/λC) − 1.96).
    #[test]
    fn a_crossover_of_poisson_counts_meets_the_closed_form() {
        let trial = trial();
        let (times, spots) = (Times::new(&trial), spots(20));
        let base = Baseline { daily: vec![0.2; 20], alpha_day: 0.0, alpha_block: 0.0 };
        let effects = [0.0, 0.15, 0.3, 0.45];
        let found = power(&trial, &times, &spots, &base, &effects, QUICK).unwrap();
        for p in &found.at {
            let (treated, control) = (720.0 * 0.2 * (1.0 - p.effect), 1_080.0 * 0.2);
            let z = -libm::log(1.0 - p.effect) / (1.0 / treated + 1.0 / control).sqrt();
            let closed = phi(z - 1.96) + phi(-z - 1.96);
            assert!(
                (p.power - closed).abs() < 0.07,
                "effect {}: simulated {}, closed form {closed}",
                p.effect,
                p.power
            );
        }
        let least = found.least.unwrap();
        assert!((0.2..0.35).contains(&least), "{least}");
    }

    /// Twenty pairs of places with much the same rate: two Poisson counts again, the baseline long enough not to matter.
    #[test]
    fn pairs_of_poisson_counts_meet_the_closed_form() {
        let trial = trial_with(&[
            ("\"crossover\"\nfrom", "\"matched_pairs\"\nfrom"),
            ("share_treated = 0.4", "share_treated = 0.5"),
            ("from = \"2023-04-01\"", "from = \"1995-04-01\""),
        ]);
        let (times, spots) = (Times::new(&trial), spots(40));
        let base = Baseline { daily: vec![0.1; 40], alpha_day: 0.0, alpha_block: 0.0 };
        let found = power(&trial, &times, &spots, &base, &[0.0, 0.3], QUICK).unwrap();
        let (treated, control): (f64, f64) = (20.0 * 90.0 * 0.1 * 0.7, 20.0 * 90.0 * 0.1);
        let closed = phi(-libm::log(0.7f64) / (1.0 / treated + 1.0 / control).sqrt() - 1.96);
        assert!((found.at[1].power - closed).abs() < 0.08, "{:?} {closed}", found.at);
        assert!(
            (0.02..0.09).contains(&found.at[0].power),
            "under no effect the test finds one in twenty: {:?}",
            found.at
        );
    }

    #[test]
    fn overdispersion_costs_power() {
        let trial = trial();
        let (times, spots) = (Times::new(&trial), spots(10));
        let at = |alpha: f64| {
            let base = Baseline { daily: vec![0.5; 10], alpha_day: alpha, alpha_block: 0.0 };
            power(&trial, &times, &spots, &base, &[0.35], QUICK).unwrap().at[0].power
        };
        assert!(at(0.0) > at(4.0) + 0.1);
        // Not found at all.
        let base = Baseline { daily: vec![0.001; 10], alpha_day: 0.0, alpha_block: 0.0 };
        assert_eq!(power(&trial, &times, &spots, &base, &[0.1], QUICK).unwrap().least, None);
    }

    #[test]
    fn the_overdispersion_of_counts_of_this_law_is_found_again() {
        let mut rng = RandomStream::new(5, Purpose::Power, 0);
        let counts: Vec<Vec<u64>> =
            (0..20).map(|_| (0..500).map(|_| rng.negative_binomial(2.0, 0.7)).collect()).collect();
        assert!((alpha(&counts) - 0.7).abs() < 0.1, "{}", alpha(&counts));
        let flat: Vec<Vec<u64>> = vec![vec![3; 10]];
        assert_eq!(alpha(&flat), 0.0);
        assert_eq!(alpha(&[]), 0.0);
    }

    #[test]
    fn the_baseline_is_read_off_the_events() {
        let trial = trial();
        let (times, spots) = (Times::new(&trial), spots(2));
        let mut events = vec![event(316_100.0, 62_000.0, "2024-06-01"); 3];
        events.push(event(316_700.0, 62_000.0, "2024-06-02"));
        events.push(event(316_100.0, 62_000.0, "2025-06-02"));
        let found = baseline(&trial, &times, &spots, &events).unwrap();
        assert_eq!(found.daily, [3.0 / 731.0, 1.0 / 731.0]);
        assert!(found.alpha_day > 1.0);
        let none = baseline(&trial, &times, &spots, &[]).unwrap_err();
        assert!(matches!(none, TrialError::NoEvents { .. }));
    }
}

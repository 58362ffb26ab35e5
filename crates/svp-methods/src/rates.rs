//! Shares and rates with intervals, as public health prints them, and two rates side by side.
//!
//! The formulas of intervals are those of the Office for Health Improvement and Disparities (OHID, before it APHO), *Commonly used
//! public health statistics and their confidence intervals*.

use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur};

use crate::normal::z_of_level;
pub use crate::two_rates::{
    ChiSquare, RateDifference, RateRatio, chi_square_of_change, conditional_test, e_test, poisson_difference,
    rate_ratio,
};

/// Two ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// Both ends times `factor`: from a count to a rate, factor = 100,000 / population.
    ///
    /// ```
    /// use svp_methods::rates::byar;
    /// // 42 admissions among 60,000 people, for each 100,000.
    /// let rate = byar(42.0, 0.95).unwrap().times(100_000.0 / 60_000.0);
    /// assert!((rate.lower - 50.4445).abs() < 1e-4 && (rate.upper - 94.6221).abs() < 1e-4);
    /// ```
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { lower: self.lower * factor, upper: self.upper * factor }
    }
}

/// Whether it is a count of something: finite and not negative.
fn count(x: f64) -> bool {
    x.is_finite() && x >= 0.0
}

/// Wilson's interval of a share, 0..=1: `count` of `total`.
///
/// `level` is 0.95 as a rule (OHID has 0.998 besides). `None` where the count is negative or larger than the total, the total is 0,
/// or the level is not inside 0..1. Wilson 1927; OHID's method for proportions.
///
/// ```
/// use svp_methods::rates::wilson;
/// // 12 of 80 victims came back within a year. statsmodels: proportion_confint(12, 80, method="wilson").
/// let share = wilson(12.0, 80.0, 0.95).unwrap();
/// assert!((share.lower - 0.087_940).abs() < 1e-6 && (share.upper - 0.244_132).abs() < 1e-6);
/// ```
#[must_use]
pub fn wilson(x: f64, total: f64, level: f64) -> Option<Interval> {
    let z = z_of_level(level)?;
    if !count(x) || !count(total) || total == 0.0 || x > total {
        return None;
    }
    let z2 = z * z;
    let middle = 2.0 * x + z2;
    let half = z * (z2 + 4.0 * x * (1.0 - x / total)).sqrt();
    let below = 2.0 * (total + z2);
    // With nobody, or all, the end is 0 or 1 exactly and not nearly.
    let lower = if x == 0.0 { 0.0 } else { (middle - half) / below };
    let upper = if x == total { 1.0 } else { (middle + half) / below };
    Some(Interval { lower, upper })
}

/// Byar's interval of a count that varies as Poisson's does: within a few thousandths of the exact one from 10 on.
///
/// `None` where the count is negative or not finite, or the level is not inside 0..1. Breslow and Day 1987; OHID's method
/// for rates (which takes the exact one below 10).
///
/// ```
/// use svp_methods::rates::byar;
/// // 42 stabbings in a year; by hand 42 (1 - 1 / 378 - 1.96 / (3 √42))³ and 43 (1 - 1 / 387 + 1.96 / (3 √43))³.
/// let count = byar(42.0, 0.95).unwrap();
/// assert!((count.lower - 30.2667).abs() < 1e-4 && (count.upper - 56.7732).abs() < 1e-4);
/// ```
#[must_use]
pub fn byar(x: f64, level: f64) -> Option<Interval> {
    let z = z_of_level(level)?;
    if !count(x) {
        return None;
    }
    let end = |x: f64, z: f64| x * (1.0 - 1.0 / (9.0 * x) + z / (3.0 * x.sqrt())).powi(3);
    // Of a count well below 1 the cube is negative.
    let lower = if x == 0.0 { 0.0 } else { end(x, -z).max(0.0) };
    Some(Interval { lower, upper: end(x + 1.0, z) })
}

/// The exact interval of a Poisson count: the means with which as many or more, and as many or fewer, have (1 - level) / 2.
///
/// `None` as in [`byar`]. Garwood 1936; half the quantiles of chi-square at 2x and 2x + 2 degrees of freedom.
///
/// ```
/// use svp_methods::rates::poisson_exact;
/// // Eight homicides. scipy: chi2.ppf(0.025, 16) / 2 and chi2.ppf(0.975, 18) / 2.
/// let count = poisson_exact(8.0, 0.95).unwrap();
/// assert!((count.lower - 3.453_832).abs() < 1e-6 && (count.upper - 15.763_189).abs() < 1e-6);
/// ```
#[must_use]
pub fn poisson_exact(x: f64, level: f64) -> Option<Interval> {
    let near = byar(x, level)?;
    let tail = (1.0 - level) / 2.0;
    // P(X >= x | mean) = lower gamma at x; P(X <= x | mean) = upper gamma at x + 1.
    let lower = if x == 0.0 { 0.0 } else { root(near.lower, x, |m| Some(checked_gamma_lr(x, m).ok()? - tail))? };
    let upper = root(x, near.upper, |m| Some(tail - checked_gamma_ur(x + 1.0, m).ok()?))?;
    Some(Interval { lower, upper })
}

/// The interval of a count that OHID prints: the exact one below 10 events, Byar's from 10 on. `None` as in [`byar`].
///
/// ```
/// use svp_methods::rates::{byar, count_interval, poisson_exact};
/// assert_eq!(count_interval(8.0, 0.95), poisson_exact(8.0, 0.95));
/// assert_eq!(count_interval(42.0, 0.95), byar(42.0, 0.95));
/// ```
#[must_use]
pub fn count_interval(x: f64, level: f64) -> Option<Interval> {
    if x < 10.0 { poisson_exact(x, level) } else { byar(x, level) }
}

/// Where a rising function is 0, by halving, from a guess of where it is.
fn root(low: f64, high: f64, f: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (mut low, mut high) = (low.max(1e-9), high.max(1e-9));
    for _ in 0..200 {
        if f(low)? <= 0.0 {
            break;
        }
        low *= 0.9;
    }
    for _ in 0..200 {
        if f(high)? >= 0.0 {
            break;
        }
        high = high * 1.1 + 1.0;
    }
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if f(middle)? < 0.0 { low = middle } else { high = middle }
    }
    Some(low + (high - low) / 2.0)
}

/// A directly standardised rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardised {
    /// Events in all.
    pub events: f64,
    /// Rate for each person of the standard population (times 100,000 as it is printed).
    pub rate: f64,
    /// Its interval in the same unit; `None` without an event. OHID prints none below 10 events.
    pub interval: Option<Interval>,
}

/// The directly standardised rate, the sum of w x / n over the sum of w, with Dobson's interval around it: the interval of the number
/// of events (Byar's), scaled by the root of the rate's variance over the events.
///
/// One value for each age band: events x, people n, people of the standard population w. `None` where the lengths differ, there is no
/// band, a value is negative or not finite, a band has no people, the standard is 0 in all, or the level is not inside 0..1.
///
/// Dobson et al. 1991, *Confidence intervals for weighted sums of Poisson parameters*; OHID's method, R's `PHEindicatormethods`.
///
/// ```
/// use svp_methods::rates::directly_standardised;
/// // Injuries and people of three age bands, and the shares of the bands in the standard population.
/// let (injuries, people) = ([30.0, 18.0, 6.0], [12_000.0, 20_000.0, 15_000.0]);
/// let found = directly_standardised(&injuries, &people, &[0.25, 0.40, 0.35], 0.95).unwrap();
/// // 0.25 × 250 + 0.40 × 90 + 0.35 × 40 for each 100,000.
/// assert!((found.rate * 1e5 - 112.5).abs() < 1e-9);
/// let ends = found.interval.unwrap().times(1e5);
/// assert!((ends.lower - 84.478).abs() < 1e-3 && (ends.upper - 146.827).abs() < 1e-3);
/// ```
#[must_use]
pub fn directly_standardised(events: &[f64], people: &[f64], standard: &[f64], level: f64) -> Option<Standardised> {
    if events.len() != people.len() || events.len() != standard.len() {
        return None;
    }
    let (mut all, mut weights, mut rate, mut variance) = (0.0, 0.0, 0.0, 0.0);
    for ((x, n), w) in events.iter().zip(people).zip(standard) {
        if !(count(*x) && count(*w) && n.is_finite() && *n > 0.0) {
            return None;
        }
        all += x;
        weights += w;
        rate += w * x / n;
        variance += w * w * x / (n * n);
    }
    let around = byar(all, level)?;
    if !(weights > 0.0 && weights.is_finite()) {
        return None;
    }
    let (rate, scale) = (rate / weights, (variance / all).sqrt() / weights);
    let interval = Interval { lower: rate + scale * (around.lower - all), upper: rate + scale * (around.upper - all) };
    Some(Standardised {
        events: all,
        rate,
        interval: Some(interval).filter(|i| i.lower.is_finite() && i.upper.is_finite()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(found: Interval, lower: f64, upper: f64, within: f64) {
        assert!(
            (found.lower - lower).abs() < within && (found.upper - upper).abs() < within,
            "{found:?} {lower} {upper}"
        );
    }

    #[test]
    fn wilson_as_statsmodels_says() {
        close(wilson(15.0, 150.0, 0.95).unwrap(), 0.061_541_383_826_314_1, 0.158_434_811_668_147_2, 1e-9);
        assert_eq!(wilson(0.0, 9.0, 0.95).unwrap().lower, 0.0);
        assert_eq!(wilson(9.0, 9.0, 0.95).unwrap().upper, 1.0);
        for (x, n) in [(1.0, 0.0), (2.0, 1.0), (-1.0, 2.0), (f64::NAN, 2.0)] {
            assert_eq!(wilson(x, n, 0.95), None);
        }
        assert_eq!(wilson(1.0, 2.0, 0.0), None);
    }

    #[test]
    fn poisson_as_statsmodels_says() {
        close(poisson_exact(10.0, 0.95).unwrap(), 4.795_388_696_132_434, 18.390_356_042_017_775, 1e-8);
        close(poisson_exact(0.0, 0.95).unwrap(), 0.0, 3.688_879_454_113_936_3, 1e-8);
        close(poisson_exact(5_000.0, 0.95).unwrap(), 4_862.359_188_694_899, 5_140.548_948_533_004, 1e-4);
        assert_eq!(poisson_exact(-1.0, 0.95), None);
    }

    #[test]
    fn byar_is_near_the_exact_one() {
        for x in [10.0, 40.0, 1_000.0] {
            let exact = poisson_exact(x, 0.95).unwrap();
            close(byar(x, 0.95).unwrap(), exact.lower, exact.upper, 0.02);
        }
        close(byar(10.0, 0.95).unwrap(), 4.786, 18.390, 0.01);
        assert_eq!(byar(0.0, 0.95).unwrap().lower, 0.0);
        assert!(byar(0.01, 0.95).unwrap().lower >= 0.0);
        assert_eq!(count_interval(9.0, 0.95), poisson_exact(9.0, 0.95));
        assert_eq!(count_interval(10.0, 0.95), byar(10.0, 0.95));
        assert_eq!(count_interval(f64::NAN, 0.95), None);
        assert_eq!(byar(1e300, 0.95).map(|i| i.upper.is_finite()), Some(true));
    }

    #[test]
    fn standardised_to_itself_is_the_crude_rate() {
        let (x, n) = ([3.0, 9.0, 30.0], [1_000.0, 2_000.0, 1_500.0]);
        let found = directly_standardised(&x, &n, &n, 0.95).unwrap();
        assert!((found.rate - 42.0 / 4_500.0).abs() < 1e-15 && found.events == 42.0);
        let crude = byar(42.0, 0.95).unwrap().times(1.0 / 4_500.0);
        close(found.interval.unwrap(), crude.lower, crude.upper, 1e-12);
        // By hand: two bands of 10 in 100 and 20 in 100 with a standard of 1 to 3.
        let found = directly_standardised(&[10.0, 20.0], &[100.0, 100.0], &[1.0, 3.0], 0.95).unwrap();
        assert!((found.rate - 0.175).abs() < 1e-15);
        let scale = (0.019_f64 / 30.0).sqrt() / 4.0;
        let all = byar(30.0, 0.95).unwrap();
        close(found.interval.unwrap(), 0.175 + scale * (all.lower - 30.0), 0.175 + scale * (all.upper - 30.0), 1e-12);
        let none = directly_standardised(&[0.0], &[10.0], &[1.0], 0.95).unwrap();
        assert_eq!((none.rate, none.interval), (0.0, None));
        assert_eq!(directly_standardised(&[], &[], &[], 0.95), None);
        assert_eq!(directly_standardised(&[1.0], &[0.0], &[1.0], 0.95), None);
        assert_eq!(directly_standardised(&[1.0], &[1.0], &[0.0], 0.95), None);
    }

    proptest! {
        #[test]
        fn intervals_hold_what_they_are_about(x in 0u32..3_000, more in 0u32..3_000, level in 0.5..0.999f64) {
            let (x, total) = (f64::from(x), f64::from(x + more));
            for found in [byar(x, level), poisson_exact(x, level)] {
                let found = found.unwrap();
                prop_assert!(0.0 <= found.lower && found.lower <= x && x <= found.upper && found.upper.is_finite(), "{:?}", found);
            }
            if total > 0.0 {
                let found = wilson(x, total, level).unwrap();
                prop_assert!(0.0 <= found.lower && found.lower <= x / total && x / total <= found.upper && found.upper <= 1.0);
            }
        }
    }
}

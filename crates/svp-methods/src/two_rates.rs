//! Two Poisson counts side by side: ratio, difference, tests.

use crate::normal::{two_sided, z_of_level};
use crate::rates::Interval;

/// The ratio of two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateRatio {
    /// First rate over second; `None` where the second count is 0.
    pub ratio: Option<f64>,
    /// Log-normal interval; `None` where a count is 0.
    pub interval: Option<Interval>,
    /// Two-sided p of the exact conditional test, see [`conditional_test`].
    pub p: f64,
}

/// The difference of two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateDifference {
    /// First rate - second rate.
    pub difference: f64,
    /// Standard error: root of x1 / t1² + x2 / t2².
    pub se: f64,
    /// Normal interval.
    pub interval: Interval,
    /// Difference over standard error.
    pub z: f64,
    /// Two-sided p of z.
    pub p_two: f64,
}

/// A chi-square test with one degree of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// Pearson's chi-square, without correction for continuity.
    pub chi_square: f64,
    /// Its p.
    pub p: f64,
    /// (b / a) / (d / c): change of the area over change of the comparison; `None` where it would divide by 0.
    pub relative_change: Option<f64>,
}

/// Counts that are not negative, exposures above 0.
fn sound(counts: [f64; 2], exposures: [f64; 2]) -> bool {
    counts.iter().all(|x| x.is_finite() && *x >= 0.0) && exposures.iter().all(|t| t.is_finite() && *t > 0.0)
}

/// (x1 / t1) / (x2 / t2) of two Poisson counts x with exposures t (person-years, patrol days), the interval
/// ratio × exp(± z sqrt(1 / x1 + 1 / x2)), and the exact conditional p.
///
/// `None` where a count is negative or not whole, both are 0, an exposure is not above 0, or the level is not inside 0..1.
/// Rothman and Greenland 1998.
///
/// ```
/// use svp_methods::rates::rate_ratio;
/// // 36 robberies in twelve months with patrols, 60 in twelve without.
/// let found = rate_ratio(36.0, 12.0, 60.0, 12.0, 0.95).unwrap();
/// assert!((found.ratio.unwrap() - 0.6).abs() < 1e-12);
/// // statsmodels: confint_poisson_2indep(36, 12, 60, 12, method="wald-log").
/// let ends = found.interval.unwrap();
/// assert!((ends.lower - 0.396_919).abs() < 1e-6 && (ends.upper - 0.906_985).abs() < 1e-6);
/// assert!((found.p - 0.018_433).abs() < 1e-6);
/// ```
#[must_use]
pub fn rate_ratio(x1: f64, t1: f64, x2: f64, t2: f64, level: f64) -> Option<RateRatio> {
    let z = z_of_level(level)?;
    let p = conditional_test(x1, t1, x2, t2)?;
    let ratio = Some((x1 / t1) / (x2 / t2)).filter(|r| x2 > 0.0 && r.is_finite());
    let half = z * (1.0 / x1 + 1.0 / x2).sqrt();
    let interval = ratio
        .map(|r| Interval { lower: r * (-half).exp(), upper: r * half.exp() })
        .filter(|i| x1 > 0.0 && i.upper.is_finite());
    Some(RateRatio { ratio, interval, p })
}

/// x1 / t1 - x2 / t2 with its normal interval and test.
///
/// `None` where a count is negative or not finite, both are 0, an exposure is not above 0, or the level is not inside 0..1.
///
/// ```
/// use svp_methods::rates::poisson_difference;
/// // Three a month instead of five; the variance is 36 / 12² + 60 / 12² = 2 / 3.
/// let found = poisson_difference(36.0, 12.0, 60.0, 12.0, 0.95).unwrap();
/// assert!((found.difference + 2.0).abs() < 1e-12 && (found.se - (2.0 / 3.0_f64).sqrt()).abs() < 1e-12);
/// assert!((found.p_two - 0.014_306).abs() < 1e-6);
/// ```
#[must_use]
pub fn poisson_difference(x1: f64, t1: f64, x2: f64, t2: f64, level: f64) -> Option<RateDifference> {
    let z_level = z_of_level(level)?;
    if !sound([x1, x2], [t1, t2]) {
        return None;
    }
    let difference = x1 / t1 - x2 / t2;
    let se = (x1 / (t1 * t1) + x2 / (t2 * t2)).sqrt();
    let z = difference / se;
    let interval = Interval { lower: difference - z_level * se, upper: difference + z_level * se };
    z.is_finite().then(|| RateDifference { difference, se, interval, z, p_two: two_sided(z) })
}

/// Two-sided p that two Poisson rates are equal: given the sum, x1 is binomial with t1 / (t1 + t2), and all outcomes that are no
/// likelier than x1 count. R's `poisson.test`; it is conservative with small counts, see [`e_test`].
///
/// `None` where a count is negative or not whole, both are 0, or an exposure is not above 0.
/// Przyborowski and Wilenski 1940.
///
/// ```
/// use svp_methods::rates::conditional_test;
/// // scipy: binomtest(36, 96, 0.5), as each of 96 robberies would fall into either year alike.
/// assert!((conditional_test(36.0, 12.0, 60.0, 12.0).unwrap() - 0.018_433).abs() < 1e-6);
/// // 18 in six months against 30 in twelve: binomtest(18, 48, 1 / 3).
/// assert!((conditional_test(18.0, 6.0, 30.0, 12.0).unwrap() - 0.542_708).abs() < 1e-6);
/// ```
#[must_use]
pub fn conditional_test(x1: f64, t1: f64, x2: f64, t2: f64) -> Option<f64> {
    let n = x1 + x2;
    if !sound([x1, x2], [t1, t2]) || x1.fract() != 0.0 || x2.fract() != 0.0 || !(n > 0.0 && n < 1e15) {
        return None;
    }
    let share = t1 / (t1 + t2);
    let (up, down) = (share.ln(), (-share).ln_1p());
    if !(up.is_finite() && down.is_finite()) {
        return None;
    }
    let log =
        |k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0) + k * up + (n - k) * down;
    let mode = ((n + 1.0) * share).floor().min(n);
    // Outcomes as likely as x1 must not be lost to rounding; R has the same tolerance.
    let limit = log(x1) + 1e-7;
    if log(mode) <= limit {
        return Some(1.0);
    }
    // The outcomes at the other side of the mode begin at the first that is no likelier.
    let (mut near, mut far) = if x1 < mode { (mode, n + 1.0) } else { (mode, -1.0) };
    while (far - near).abs() > 1.0 {
        let middle = ((near + far) / 2.0).floor();
        if (0.0..=n).contains(&middle) && log(middle) > limit { near = middle } else { far = middle }
    }
    let odds = t1 / t2;
    let tail = |from: f64, upward: bool| {
        if !(0.0..=n).contains(&from) {
            return 0.0;
        }
        let (mut k, mut term, mut sum) = (from, log(from).exp(), 0.0);
        while term > 0.0 && sum + term > sum {
            sum += term;
            // The ratio of neighbouring terms; it is 0 behind the last.
            term *= if upward { (n - k) / (k + 1.0) * odds } else { k / (n - k + 1.0) / odds };
            k += if upward { 1.0 } else { -1.0 };
        }
        sum
    };
    Some((tail(x1, x1 > mode) + tail(far, x1 < mode)).min(1.0))
}

/// Two-sided p of the E-test that two Poisson rates are equal: less conservative than [`conditional_test`].
///
/// Under the common rate that both counts together give, it sums the probabilities of all pairs of counts whose difference of rates,
/// over the root of the pair's own common rate, is at least the observed one. `None` as in [`poisson_difference`], and above 10^9 events.
/// Krishnamoorthy and Thomson 2004, *A more powerful test for comparing two Poisson means*, with the pooled variance of Gu et al. 2008, as R's
/// `ptools` and statsmodels have it. With equal exposures the two variances are one.
///
/// ```
/// use svp_methods::rates::e_test;
/// // statsmodels: test_poisson_2indep(36, 12, 60, 12, method="etest").
/// assert!((e_test(36.0, 12.0, 60.0, 12.0).unwrap() - 0.014_210).abs() < 1e-6);
/// ```
#[must_use]
pub fn e_test(x1: f64, t1: f64, x2: f64, t2: f64) -> Option<f64> {
    if !sound([x1, x2], [t1, t2]) || x1 + x2 <= 0.0 || x1 + x2 > 1e9 {
        return None;
    }
    let rate = (x1 + x2) / (t1 + t2);
    let statistic = |a: f64, b: f64| {
        if a + b == 0.0 { 0.0 } else { (a / t1 - b / t2) / ((a + b) / (t1 + t2)).sqrt() }
    };
    let limit = statistic(x1, x2).abs() * (1.0 - 1e-12);
    let (from_a, a) = masses(rate * t1);
    let (from_b, b) = masses(rate * t2);
    let mut below = vec![0.0; b.len() + 1];
    for (i, mass) in b.iter().enumerate() {
        below[i + 1] = below[i] + mass;
    }
    let all = below[b.len()];
    let mut p = 0.0;
    for (i, mass) in a.iter().enumerate() {
        let x = from_a + i as f64;
        // The statistic falls as the other count rises, so that two ends count: small ones and large ones.
        let edge = |holds: &dyn Fn(f64) -> bool| {
            let (mut low, mut high) = (0, b.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if holds(statistic(x, from_b + middle as f64)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        let (small, large) = (edge(&|s| s >= limit), edge(&|s| s > -limit));
        p += mass * if large <= small { all } else { below[small] + (all - below[large]) };
    }
    Some(p.min(1.0))
}

/// Poisson's probabilities that matter, from the first of them on.
fn masses(mean: f64) -> (f64, Vec<f64>) {
    let reach = 12.0 * mean.sqrt() + 40.0;
    let from = (mean - reach).floor().max(0.0);
    let mass = |i: usize| {
        let k = from + i as f64;
        (k * mean.ln() - mean - libm::lgamma(k + 1.0)).exp()
    };
    (from, (0..(mean + reach - from).ceil() as usize).map(mass).collect())
}

/// Whether an area changed as a comparison did: chi-square of the table [a, b; c, d] of counts before and after.
///
/// `None` where a count is negative or not finite, or a row or column of the table is 0.
/// Pearson 1900; the relative change is the reciprocal of the odds ratio in evaluations of crime prevention (Welsh and Farrington).
///
/// ```
/// use svp_methods::rates::chi_square_of_change;
/// // A scheme's streets went from 80 to 52, the rest of the town from 95 to 90.
/// // scipy: chi2_contingency([[80, 52], [95, 90]], correction=False).
/// let found = chi_square_of_change(80.0, 52.0, 95.0, 90.0).unwrap();
/// assert!((found.chi_square - 2.668_112).abs() < 1e-6 && (found.p - 0.102_377).abs() < 1e-6);
/// // 0.65 over 0.947: a fall by 31% against the rest.
/// assert!((found.relative_change.unwrap() - 0.686_111).abs() < 1e-6);
/// ```
#[must_use]
pub fn chi_square_of_change(before: f64, after: f64, other_before: f64, other_after: f64) -> Option<ChiSquare> {
    let (a, b, c, d) = (before, after, other_before, other_after);
    let sides = [a + b, c + d, a + c, b + d];
    if ![a, b, c, d].iter().all(|x| x.is_finite() && *x >= 0.0) || sides.contains(&0.0) {
        return None;
    }
    let cross = a * d - b * c;
    let chi_square = cross / sides[0] * (cross / sides[1]) / sides[2] * (a + b + c + d) / sides[3];
    let relative_change = Some((b / a) / (d / c)).filter(|r| r.is_finite());
    chi_square.is_finite().then(|| ChiSquare { chi_square, p: two_sided(chi_square.sqrt()), relative_change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() < within, "{a} {b}");
    }

    #[test]
    fn as_statsmodels_and_scipy_say() {
        close(conditional_test(20.0, 1.0, 10.0, 1.0).unwrap(), 0.098_737_146_705_389_05, 1e-9);
        close(conditional_test(20.0, 2.0, 10.0, 3.0).unwrap(), 0.004_363_956_674_193_527, 1e-10);
        close(conditional_test(3.0, 1.0, 0.0, 1.0).unwrap(), 0.25, 1e-12);
        close(e_test(20.0, 1.0, 10.0, 1.0).unwrap(), 0.068_831_782_108_109_47, 1e-9);
        close(e_test(6.0, 1.0, 2.0, 1.0).unwrap(), 0.174_874_820_943_707_7, 1e-9);
        close(e_test(3.0, 1.0, 0.0, 1.0).unwrap(), 0.088_379_009_454_835_23, 1e-9);
    }

    #[test]
    fn ratio_and_difference() {
        let found = rate_ratio(20.0, 2.0, 10.0, 3.0, 0.95).unwrap();
        close(found.ratio.unwrap(), 3.0, 1e-12);
        let half = 1.959_963_984_540_054 * 0.15_f64.sqrt();
        close(found.interval.unwrap().upper, 3.0 * half.exp(), 1e-8);
        let zero = rate_ratio(0.0, 1.0, 5.0, 1.0, 0.95).unwrap();
        assert_eq!((zero.ratio, zero.interval), (Some(0.0), None));
        assert_eq!(rate_ratio(5.0, 1.0, 0.0, 1.0, 0.95).unwrap().ratio, None);
        let found = poisson_difference(20.0, 2.0, 10.0, 5.0, 0.95).unwrap();
        close(found.difference, 8.0, 1e-12);
        close(found.se, 5.4_f64.sqrt(), 1e-12);
    }

    #[test]
    fn no_answer_where_there_is_none() {
        for (x1, t1, x2, t2) in [
            (0.0, 1.0, 0.0, 1.0),
            (-1.0, 1.0, 1.0, 1.0),
            (1.0, 0.0, 1.0, 1.0),
            (f64::NAN, 1.0, 1.0, 1.0),
            (1.0, f64::INFINITY, 1.0, 1.0),
        ] {
            assert_eq!(rate_ratio(x1, t1, x2, t2, 0.95), None);
            assert_eq!(poisson_difference(x1, t1, x2, t2, 0.95), None);
            assert_eq!(e_test(x1, t1, x2, t2), None);
        }
        assert_eq!(conditional_test(1.5, 1.0, 1.0, 1.0), None, "half a count has no binomial");
        assert_eq!(chi_square_of_change(0.0, 0.0, 1.0, 1.0), None);
        assert_eq!(chi_square_of_change(0.0, 3.0, 1.0, 1.0).unwrap().relative_change, None);
    }

    #[test]
    fn chi_square_of_a_table() {
        // scipy.stats.chi2_contingency([[20, 10], [20, 20]], correction=False)
        let found = chi_square_of_change(20.0, 10.0, 20.0, 20.0).unwrap();
        close(found.chi_square, 1.944_444_444_444, 1e-9);
        close(found.p, 0.163_186_774_762_665_9, 1e-9);
        close(found.relative_change.unwrap(), 0.5, 1e-12);
    }

    #[test]
    fn large_counts_are_quick_and_normal() {
        let p = conditional_test(5_000_000.0, 1.0, 5_004_000.0, 1.0).unwrap();
        let z = 4_000.0 / 10_004_000.0_f64.sqrt();
        close(p, two_sided(z), 1e-3);
        close(e_test(50_000.0, 1.0, 50_400.0, 1.0).unwrap(), two_sided(400.0 / 100_400.0_f64.sqrt()), 1e-3);
    }

    proptest! {
        /// The long way: all outcomes, one by one.
        #[test]
        fn the_conditional_test_is_the_sum_over_all_outcomes(x1 in 0u32..40, x2 in 0u32..40, t1 in 1u32..9, t2 in 1u32..9) {
            prop_assume!(x1 + x2 > 0);
            let (n, share) = (x1 + x2, f64::from(t1) / f64::from(t1 + t2));
            let mass = |k: u32| {
                let (k, n) = (f64::from(k), f64::from(n));
                (libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0) + k * share.ln() + (n - k) * (1.0 - share).ln()).exp()
            };
            let expected: f64 = (0..=n).map(mass).filter(|m| *m <= mass(x1) * (1.0 + 1e-7)).sum();
            let of = |x1: u32, t1: u32, x2: u32, t2: u32| conditional_test(x1.into(), t1.into(), x2.into(), t2.into()).unwrap();
            let found = of(x1, t1, x2, t2);
            prop_assert!((found - expected.min(1.0)).abs() < 1e-9, "{} {}", found, expected);
            prop_assert!((found - of(x2, t2, x1, t1)).abs() < 1e-9);
            let e = |x1: u32, t1: u32, x2: u32, t2: u32| e_test(x1.into(), t1.into(), x2.into(), t2.into()).unwrap();
            prop_assert!((e(x1, t1, x2, t2) - e(x2, t2, x1, t1)).abs() < 1e-9);
        }
    }
}

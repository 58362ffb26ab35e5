//! Times that go round: hours of the day, hours of the week.
//!
//! Formulas of Mardia and Jupp 2000, *Directional statistics*; angles are 2 pi value / period.

use std::f64::consts::TAU;

/// When it happens and how sharply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circular {
    /// Sum of the weights: number of events.
    pub n: f64,
    /// Mean time, 0..period, in the unit of the values. `None` where the times cancel out, as two opposite ones do.
    pub mean: Option<f64>,
    /// Mean resultant length: 1 where all times are one, 0 where they cancel out.
    pub resultant: f64,
    /// 1 - resultant length.
    pub variance: f64,
    /// Circular standard deviation sqrt(-2 ln resultant), in the unit of the values. `None` where the times cancel out.
    pub sd: Option<f64>,
    /// p of Rayleigh's test that all times are equally likely, against one peak. It does not see two opposite peaks. The weights
    /// are taken for numbers of independent events.
    pub p_rayleigh: f64,
}

/// Below this resultant length a mean direction is rounding.
const CANCELLED: f64 = 1e-12;

/// Mean, resultant length, standard deviation and Rayleigh's test of values with a period (24 or 168 hours, say).
///
/// `weights` has one number for each value (counts of a bin, or shares of an event whose time is not known exactly); without it each
/// value counts 1. Values may lie outside 0..period. `None` where the lengths differ, the period is not above 0, a value is not
/// finite, a weight is negative or not finite, or the weights sum to 0.
///
/// p of Rayleigh's test: exp(sqrt(1 + 4n + 4(n² - R²)) - 1 - 2n) with R = n × resultant (Zar 1999; Wilkie 1983), which is good
/// from n = 10 on.
///
/// ```
/// use svp_methods::circular::circular;
/// // Ten assaults, most of them around midnight: hours with fractions.
/// let hours = [21.0, 22.0, 22.5, 23.0, 23.5, 0.5, 1.0, 2.0, 3.0, 14.0];
/// let found = circular(&hours, None, 24.0).unwrap();
/// // scipy: circmean(hours, high=24) and circstd(hours, high=24).
/// assert!((found.mean.unwrap() - 23.5288).abs() < 1e-4);
/// assert!((found.sd.unwrap() - 3.1135).abs() < 1e-4);
/// assert!((found.p_rayleigh - 0.003_466).abs() < 1e-6, "one peak, and not by chance");
/// ```
#[must_use]
pub fn circular(values: &[f64], weights: Option<&[f64]>, period: f64) -> Option<Circular> {
    if weights.is_some_and(|w| w.len() != values.len()) || !(period > 0.0 && period.is_finite()) {
        return None;
    }
    let (mut n, mut x, mut y) = (0.0, 0.0, 0.0);
    for (i, value) in values.iter().enumerate() {
        let weight = weights.map_or(1.0, |w| w[i]);
        if !(value.is_finite() && weight >= 0.0 && weight.is_finite()) {
            return None;
        }
        // Of far values the rest is taken first, as it is exact.
        let angle = value.rem_euclid(period) / period * TAU;
        n += weight;
        x += weight * angle.cos();
        y += weight * angle.sin();
    }
    if !(n > 0.0 && n.is_finite()) {
        return None;
    }
    let resultant = (x.hypot(y) / n).min(1.0);
    let direction = (resultant > CANCELLED).then(|| y.atan2(x).rem_euclid(TAU) / TAU * period);
    Some(Circular {
        n,
        // A hair below 0 is a whole period after rounding.
        mean: direction.map(|mean| if mean >= period { 0.0 } else { mean }),
        resultant,
        variance: 1.0 - resultant,
        // -2 ln 1 is -0.
        sd: (resultant > CANCELLED).then(|| (-2.0 * resultant.ln()).max(0.0).sqrt() / TAU * period),
        p_rayleigh: rayleigh(n, resultant),
    })
}

fn rayleigh(n: f64, resultant: f64) -> f64 {
    let off = n * n * (1.0 - resultant * resultant);
    ((1.0 + 4.0 * n + 4.0 * off).sqrt() - (1.0 + 2.0 * n)).exp().min(1.0)
}

/// [`circular`] of counts of bins of equal length that fill one period: 24 for hours of the day, 168 for hours of the week. Each bin
/// stands at its middle: hour 22 at 22.5. In the unit of one bin.
///
/// ```
/// use svp_methods::circular::circular_counts;
/// // Violence by hour of the day: 21 to 24 and 0 to 3.
/// let mut counts = [0.0; 24];
/// counts[..3].copy_from_slice(&[6.0, 9.0, 4.0]);
/// counts[20..].copy_from_slice(&[3.0, 5.0, 8.0, 12.0]);
/// let found = circular_counts(&counts).unwrap();
/// assert_eq!(found.n, 47.0);
/// // A quarter to midnight, and not the noon that the plain mean of the hours is near to.
/// assert!((found.mean.unwrap() - 23.6962).abs() < 1e-4);
/// ```
#[must_use]
pub fn circular_counts(counts: &[f64]) -> Option<Circular> {
    let middles: Vec<f64> = (0..counts.len()).map(|i| i as f64 + 0.5).collect();
    circular(&middles, Some(counts), counts.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn midnight_is_in_the_middle_of_the_night() {
        let found = circular(&[23.0, 1.0], None, 24.0).unwrap();
        assert!(found.mean.unwrap().min(24.0 - found.mean.unwrap()) < 1e-9, "not noon: {found:?}");
        close(found.resultant, (TAU / 24.0).cos());
    }

    #[test]
    fn as_scipy_says() {
        // scipy.stats.circmean, circstd, circvar([20, 21.5, 23, 1, 2, 13], high=24)
        let found = circular(&[20.0, 21.5, 23.0, 1.0, 2.0, 13.0], None, 24.0).unwrap();
        close(found.mean.unwrap(), SCIPY.0);
        close(found.sd.unwrap(), SCIPY.1);
        close(found.variance, SCIPY.2);
    }

    const SCIPY: (f64, f64, f64) = (22.56400576441926, 4.113364336735588, 0.4400071399383365);

    #[test]
    fn opposite_times_have_no_mean() {
        let found = circular(&[3.0, 15.0], None, 24.0).unwrap();
        assert_eq!((found.mean, found.sd), (None, None));
        assert!(found.resultant < 1e-12 && found.p_rayleigh > 0.99);
        let even = circular_counts(&[5.0; 24]).unwrap();
        assert!(even.mean.is_none() && even.p_rayleigh > 0.99 && even.n == 120.0);
    }

    #[test]
    fn no_answer_where_there_is_none() {
        assert_eq!(circular(&[], None, 24.0), None);
        assert_eq!(circular(&[1.0], None, 0.0), None);
        assert_eq!(circular(&[1.0], Some(&[]), 24.0), None);
        assert_eq!(circular(&[1.0], Some(&[0.0]), 24.0), None);
        assert_eq!(circular(&[1.0], Some(&[-1.0]), 24.0), None);
        assert_eq!(circular(&[f64::NAN], None, 24.0), None);
        assert_eq!(circular_counts(&[]), None);
    }

    #[test]
    fn one_time_is_sharp() {
        let found = circular(&[7.25; 40], None, 24.0).unwrap();
        close(found.mean.unwrap(), 7.25);
        assert!(found.sd.unwrap() < 1e-6 && found.p_rayleigh < 1e-12);
        close(circular_counts(&[0.0, 3.0, 0.0]).unwrap().mean.unwrap(), 1.5);
    }

    proptest! {
        /// Another zero hour moves the mean and nothing else; a weight of 2 is the value twice.
        #[test]
        fn it_turns(values in prop::collection::vec(0.0..24.0f64, 1..30), turn in -100.0..100.0f64) {
            let plain = circular(&values, None, 24.0).unwrap();
            let turned: Vec<f64> = values.iter().map(|v| v + turn).collect();
            let turned = circular(&turned, None, 24.0).unwrap();
            prop_assert!((plain.resultant - turned.resultant).abs() < 1e-9);
            if let (Some(a), Some(b)) = (plain.mean, turned.mean) && plain.resultant > 1e-6 {
                let off = (b - a - turn).rem_euclid(24.0);
                prop_assert!(off.min(24.0 - off) < 1e-6);
                prop_assert!((0.0..24.0).contains(&a) && (0.0..24.0).contains(&b));
            }
            let twice = circular(&values, Some(&vec![2.0; values.len()]), 24.0).unwrap();
            prop_assert!((plain.resultant - twice.resultant).abs() < 1e-12 && twice.p_rayleigh <= plain.p_rayleigh + 1e-12);
        }
    }
}

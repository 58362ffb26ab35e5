//! The ratio of two Poisson rates within strata: hot spots of a crossover, pairs or blocks otherwise.
//!
//! It is Poisson regression with an effect for each stratum and one for the treatment, conditional on the strata's totals
//! (so that they need not be estimated), with the sandwich variance clustered by stratum, times G/(G−1), and Student's t with
//! G−1 degrees of freedom. Overdispersion within a stratum therefore widens the interval by itself.
//! Cameron and Trivedi 2013, *Regression Analysis of Count Data*, 9.3; Cameron and Miller 2015.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// One stratum: counts and exposures (days of hot spots, or what the baseline would expect) of both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// Events where and when it was treated.
    pub treated: f64,
    /// Exposure there.
    pub treated_exposure: f64,
    /// Events of the control.
    pub control: f64,
    /// Exposure there.
    pub control_exposure: f64,
}

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// Rate of the treated over that of the control.
    pub ratio: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Two-sided p.
    pub p: f64,
    /// Standard error of the logarithm.
    pub se_log: f64,
    /// Strata that say something.
    pub strata: usize,
}

/// The common ratio. `None` with fewer than two strata in which both sides were exposed and something happened, or without
/// an event on one of the sides.
#[must_use]
pub fn ratio(strata: &[Stratum], level: f64) -> Option<Ratio> {
    let used: Vec<&Stratum> = strata
        .iter()
        .filter(|s| s.treated_exposure > 0.0 && s.control_exposure > 0.0 && s.treated + s.control > 0.0)
        .collect();
    let (treated, control): (f64, f64) = (used.iter().map(|s| s.treated).sum(), used.iter().map(|s| s.control).sum());
    let g = used.len();
    // Written so that a count that is no number is refused too.
    let some = treated > 0.0 && control > 0.0 && treated.is_finite() && control.is_finite();
    if g < 2 || !some || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let parts = |beta: f64| -> Vec<(f64, f64)> {
        let share = |s: &Stratum| {
            let t = s.treated_exposure * libm::exp(beta);
            t / (t + s.control_exposure)
        };
        used.iter()
            .map(|s| {
                let (n, p) = (s.treated + s.control, share(s));
                (s.treated - n * p, n * p * (1.0 - p))
            })
            .collect()
    };
    // The score falls in beta: halving finds its root without a step that could go astray.
    let (mut low, mut high) = (-30.0f64, 30.0f64);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if parts(middle).iter().map(|(u, _)| u).sum::<f64>() > 0.0 { low = middle } else { high = middle }
    }
    let beta = (low + high) / 2.0;
    let found = parts(beta);
    let information: f64 = found.iter().map(|(_, i)| i).sum();
    let meat = found.iter().map(|(u, _)| u * u).sum::<f64>() * g as f64 / (g - 1) as f64;
    let se_log = meat.sqrt() / information;
    let t = StudentsT::new(0.0, 1.0, (g - 1) as f64).ok()?;
    let width = t.inverse_cdf(0.5 + level / 2.0) * se_log;
    let p = if se_log > 0.0 { 2.0 * t.cdf(-(beta / se_log).abs()) } else { return None };
    let out = Ratio {
        ratio: libm::exp(beta),
        lower: libm::exp(beta - width),
        upper: libm::exp(beta + width),
        p,
        se_log,
        strata: g,
    };
    [out.ratio, out.lower, out.upper, out.p].iter().all(|v| v.is_finite()).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stratum(treated: f64, treated_exposure: f64, control: f64, control_exposure: f64) -> Stratum {
        Stratum { treated, treated_exposure, control, control_exposure }
    }

    /// Two strata with equal exposures, by hand: p = ΣyT/Σn = 9/24; scores 2 − 12 p, 7 − 12 p = ∓2.5;
    /// information 24 × p (1 − p) = 5.625; se = √(2 × 12.5) / 5.625.
    #[test]
    fn two_strata_by_hand() {
        let found = ratio(&[stratum(2.0, 1.0, 10.0, 1.0), stratum(7.0, 1.0, 5.0, 1.0)], 0.95).unwrap();
        assert!((found.ratio - 9.0 / 15.0).abs() < 1e-12);
        assert!((found.se_log - 5.0 / 5.625).abs() < 1e-9, "{}", found.se_log);
    }

    #[test]
    fn exposures_count() {
        let strata: Vec<Stratum> =
            (1..=10).map(|i| stratum(f64::from(i), 36.0, f64::from(3 * i + i % 2), 54.0)).collect();
        let found = ratio(&strata, 0.95).unwrap();
        let crude = (55.0 / 36.0) / (170.0 / 54.0);
        assert!((found.ratio - crude).abs() < 1e-9, "equal exposures: the crude ratio");
        assert!(found.lower < found.ratio && found.ratio < found.upper && found.p < 0.01);
    }

    #[test]
    fn no_answer_is_none() {
        assert_eq!(ratio(&[], 0.95), None);
        assert_eq!(ratio(&[stratum(1.0, 1.0, 2.0, 1.0)], 0.95), None, "one stratum has no variance between strata");
        assert_eq!(ratio(&[stratum(0.0, 1.0, 2.0, 1.0), stratum(0.0, 1.0, 1.0, 1.0)], 0.95), None);
        assert_eq!(ratio(&[stratum(f64::NAN, 1.0, 2.0, 1.0), stratum(1.0, 1.0, 1.0, 1.0)], 0.95), None);
        assert_eq!(ratio(&[stratum(1.0, 0.0, 2.0, 1.0), stratum(1.0, 1.0, 1.0, 0.0)], 0.95), None);
    }

    proptest! {
        #[test]
        fn a_number_or_none(rows in prop::collection::vec((0u32..30, 0.0..50.0f64, 0u32..30, 0.0..50.0f64), 0..12)) {
            let strata: Vec<Stratum> = rows.iter().map(|r| stratum(f64::from(r.0), r.1, f64::from(r.2), r.3)).collect();
            if let Some(found) = ratio(&strata, 0.95) {
                prop_assert!(found.lower <= found.ratio && found.ratio <= found.upper && (0.0..=1.0).contains(&found.p));
            }
        }
    }
}

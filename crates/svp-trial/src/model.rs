//! The negative binomial regression of the outcome, with the treatment as one column.
//!
//! Crossover: a row for each day of a hot spot, a column for each hot spot, clusters of hot spots. Otherwise: a row for each
//! hot spot, the logarithm of its baseline (plus a half) as a covariate, its days as exposure; pairs are clusters.

use svp_methods::counts_model::{Design, negative_binomial};

/// A row of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Events.
    pub events: u64,
    /// Treated.
    pub treated: bool,
    /// Days.
    pub days: u64,
    /// Its hot spot (crossover), or events of the baseline.
    pub group: Group,
    /// What may depend on each other.
    pub cluster: u32,
}

/// What a row is compared within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Group {
    /// A hot spot with a level of its own.
    Spot(usize),
    /// Baseline events.
    Baseline(u64),
}

/// Ratio, interval, p.
pub type Found = (f64, (f64, f64), f64);

/// Most columns: beyond them the fit would take minutes and say what the strata say.
const MOST: usize = 120;

/// The rate ratio of the treatment, by the cluster-robust covariance.
///
/// # Errors
/// Why there is none, in words.
pub fn fit(rows: &[Row], level: f64) -> Result<Found, &'static str> {
    // A hot spot without an event says nothing of a ratio, and its level would run to minus infinity.
    let total = |group: Group| rows.iter().filter(|r| r.group == group).map(|r| r.events).sum::<u64>();
    let mut spots: Vec<usize> =
        rows.iter().filter_map(|r| if let Group::Spot(s) = r.group { Some(s) } else { None }).collect();
    spots.sort_unstable();
    spots.dedup();
    spots.retain(|s| total(Group::Spot(*s)) > 0);
    let by_spot = !spots.is_empty();
    let used: Vec<&Row> = rows
        .iter()
        .filter(|r| r.days > 0 && if let Group::Spot(s) = r.group { spots.binary_search(&s).is_ok() } else { true })
        .collect();
    let columns = 1 + if by_spot { spots.len() } else { 2 };
    if columns > MOST {
        return Err("more hot spots than this model is fitted for: see the ratio within strata");
    }
    let any = |treated: bool| used.iter().any(|r| r.treated == treated && r.events > 0);
    if !any(true) || !any(false) {
        return Err("no event on one side");
    }
    let mut x = Vec::with_capacity(used.len() * columns);
    for row in &used {
        x.push(f64::from(u8::from(row.treated)));
        match row.group {
            Group::Spot(s) => x.extend(spots.iter().map(|o| f64::from(u8::from(*o == s)))),
            Group::Baseline(n) => x.extend([1.0, libm::log(n as f64 + 0.5)]),
        }
    }
    let y: Vec<f64> = used.iter().map(|r| r.events as f64).collect();
    let offset: Vec<f64> = used.iter().map(|r| libm::log(r.days as f64)).collect();
    let clusters: Vec<u32> = used.iter().map(|r| r.cluster).collect();
    let design = Design { y: &y, x: &x, columns, offset: Some(&offset), clusters: Some(&clusters) };
    let fitted = negative_binomial(&design).ok_or("too few places, or all alike, for this model")?;
    if !fitted.converged {
        return Err("the fit came to no end");
    }
    if fitted.robust.is_none() {
        return Err("too few places for a robust interval");
    }
    let effect = fitted.rate_ratio(0, level).ok_or("the model has no standard error here")?;
    Ok((effect.ratio, (effect.interval.lower, effect.interval.upper), effect.p_two))
}

#[cfg(test)]
mod tests {
    use svp_methods::counts_model::poisson;

    use super::*;
    use crate::rng::{Purpose, RandomStream};
    use crate::stratified::{Stratum, ratio};

    fn rows(alpha: f64) -> Vec<Row> {
        let mut rng = RandomStream::new(3, Purpose::Power, 9);
        (0..20usize)
            .flat_map(|s| (0..90u32).map(move |d| (s, d)))
            .map(|(s, d)| {
                let treated = (s as u32 + d) % 5 < 2;
                let mean = (0.2 + s as f64 / 20.0) * if treated { 0.5 } else { 1.0 };
                let events = rng.negative_binomial(mean, alpha);
                Row { events, treated, days: 1, group: Group::Spot(s), cluster: s as u32 }
            })
            .collect()
    }

    #[test]
    fn a_planted_ratio_is_found() {
        for alpha in [0.0, 1.0] {
            let (found, (lower, upper), p) = fit(&rows(alpha), 0.95).unwrap();
            assert!(lower < 0.5 && 0.5 < upper && (0.4..0.62).contains(&found) && p < 0.001, "{found} {lower} {upper}");
        }
    }

    /// Two ways to one number: the ratio within strata is Poisson regression with a level for each stratum; its variance is
    /// that model's cluster sandwich but for the correction by the number of rows.
    #[test]
    fn the_ratio_within_strata_is_the_poisson_regression_with_a_level_for_each() {
        let rows = rows(1.0);
        let mut strata = vec![Stratum { treated: 0.0, treated_exposure: 0.0, control: 0.0, control_exposure: 0.0 }; 20];
        let (mut x, mut y, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let Group::Spot(s) = row.group else { continue };
            let stratum = &mut strata[s];
            if row.treated {
                stratum.treated += row.events as f64;
                stratum.treated_exposure += 1.0;
            } else {
                stratum.control += row.events as f64;
                stratum.control_exposure += 1.0;
            }
            x.push(f64::from(u8::from(row.treated)));
            x.extend((0..20).map(|o| f64::from(u8::from(o == s))));
            y.push(row.events as f64);
            clusters.push(row.cluster);
        }
        let design = Design { y: &y, x: &x, columns: 21, offset: None, clusters: Some(&clusters) };
        let model = poisson(&design).unwrap();
        let found = ratio(&strata, 0.95).unwrap();
        assert!((libm::log(found.ratio) - model.coefficients[0]).abs() < 1e-8);
        let n = rows.len() as f64;
        let se = (model.robust.unwrap()[0] * (n - 21.0) / (n - 1.0)).sqrt();
        assert!((found.se_log / se - 1.0).abs() < 1e-6, "{} {se}", found.se_log);
    }

    #[test]
    fn what_has_no_answer_says_why() {
        let row = |events, treated, group, cluster| Row { events, treated, days: 90, group, cluster };
        assert!(fit(&[], 0.95).is_err());
        assert!(fit(&[row(3, true, Group::Baseline(3), 0), row(0, false, Group::Baseline(3), 0)], 0.95).is_err());
        assert!(fit(&[row(3, true, Group::Baseline(3), 0), row(2, false, Group::Baseline(3), 0)], 0.95).is_err());
    }

    #[test]
    fn places_that_stay_on_their_side() {
        let mut rng = RandomStream::new(4, Purpose::Power, 2);
        let rows: Vec<Row> = (0..40u32)
            .map(|i| {
                let (treated, mean) = (i % 2 == 0, f64::from(20 + i));
                let before = rng.poisson(mean * 8.0);
                let events = rng.poisson(if treated { mean * 0.7 } else { mean });
                Row { events, treated, days: 90, group: Group::Baseline(before), cluster: i / 2 }
            })
            .collect();
        let (found, (lower, upper), _) = fit(&rows, 0.95).unwrap();
        assert!(lower < 0.7 && 0.7 < upper && (0.63..0.77).contains(&found), "{found}");
    }
}

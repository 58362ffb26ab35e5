//! Cell-key perturbation, a policy that is off unless asked for: a little noise, the same for the same records.
//!
//! Method of the Australian Bureau of Statistics (Fraser and Wooton, 2005; Thompson, Broadfoot and Elazar, 2013), used
//! by ONS for Census 2021 and in the ESSnet's guidelines. Every record has a record key: here bits of its token, which
//! is itself keyed. The sum of the keys of a cell's records (modulo 2^32) is the cell key, and the noise is looked up by
//! count and cell key: a cell of the same records gets the same noise in every table and every release, so that
//! averaging over tables wins nothing. The table of probabilities has the greatest entropy among those with mean 0,
//! the given variance and the allowed results (Giessing, 2016).

use crate::DiscloseError;

/// A table of perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbation {
    max_change: i64,
    variance: f64,
    /// By count, from 0: changes and their cumulated probabilities. The last holds for all larger counts.
    rows: Vec<Vec<(i64, f64)>>,
}

/// Counts that may be made of `count`: not negative, and not from 1 to one below `suppress_below`.
fn support(count: i64, max_change: i64, suppress_below: i64) -> Vec<i64> {
    (-max_change..=max_change)
        .filter(|d| {
            let n = count + d;
            n == 0 || n >= suppress_below.max(1)
        })
        .collect()
}

/// Probabilities ∝ exp(a·d + b·d²) on a support: the form of greatest entropy under a mean and a variance.
fn weights(support: &[i64], a: f64, b: f64) -> Vec<f64> {
    let exponent: Vec<f64> = support.iter().map(|d| a * *d as f64 + b * (*d * *d) as f64).collect();
    let top = exponent.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = exponent.iter().map(|e| (e - top).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|w| w / sum).collect()
}

fn moment(support: &[i64], p: &[f64], power: i32) -> f64 {
    support.iter().zip(p).map(|(d, p)| p * (*d as f64).powi(power)).sum()
}

/// Bisects an increasing function for the place where it is `target`.
fn bisect(target: f64, mut lo: f64, mut hi: f64, of: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(lo, hi);
        if of(middle) < target { lo = middle } else { hi = middle }
    }
    f64::midpoint(lo, hi)
}

/// Mean 0 by `a`, then the variance by `b`: each is increasing in its own parameter. A variance that the support
/// cannot have becomes the nearest that it can.
fn distribution(support: &[i64], variance: f64) -> Vec<f64> {
    let balanced = |b: f64| {
        let a = bisect(0.0, -400.0, 400.0, |a| moment(support, &weights(support, a, b), 1));
        weights(support, a, b)
    };
    let b = bisect(variance, -60.0, 60.0, |b| moment(support, &balanced(b), 2));
    balanced(b)
}

impl Perturbation {
    /// The table for changes of at most `max_change` with a variance, and no result from 1 to one below
    /// `suppress_below`.
    ///
    /// # Errors
    /// When the variance is not positive or larger than `max_change` allows, or `max_change` is too small to step over
    /// the small counts.
    pub fn new(max_change: i64, variance: f64, suppress_below: i64) -> Result<Self, DiscloseError> {
        let largest = (max_change * max_change) as f64;
        if !(1..=100).contains(&max_change) || !variance.is_finite() || variance <= 0.0 || variance >= largest {
            return Err(DiscloseError::Perturbation(
                "the variance lies between 0 and the square of the largest change, which is 1 to 100",
            ));
        }
        if max_change < suppress_below - 1 {
            return Err(DiscloseError::Perturbation("the largest change must be able to take every small count to 0"));
        }
        // From here on no result can be small, so all larger counts have one table.
        let last = suppress_below.max(1) + max_change;
        let rows = (0..=last)
            .map(|count| {
                if count == 0 {
                    return vec![(0, 1.0)];
                }
                let support = support(count, max_change, suppress_below);
                let mut sum = 0.0;
                let mut row: Vec<(i64, f64)> = support
                    .iter()
                    .zip(distribution(&support, variance))
                    .map(|(d, p)| {
                        sum += p;
                        (*d, sum)
                    })
                    .collect();
                if let Some(end) = row.last_mut() {
                    end.1 = 1.0;
                }
                row
            })
            .collect();
        Ok(Self { max_change, variance, rows })
    }

    /// The largest change of a count.
    #[must_use]
    pub fn max_change(&self) -> i64 {
        self.max_change
    }

    /// The perturbed count. 0 stays 0; nothing becomes negative.
    #[must_use]
    pub fn perturb(&self, count: i64, cell_key: u32) -> i64 {
        let Some(row) = usize::try_from(count).ok().map(|n| &self.rows[n.min(self.rows.len() - 1)]) else {
            return count;
        };
        let place = (f64::from(cell_key) + 0.5) / 4_294_967_296.0;
        let change = row.iter().find(|(_, cumulated)| place < *cumulated).or(row.last()).map_or(0, |(d, _)| *d);
        (count + change).max(0)
    }

    /// The added error, to be published: in words with the figures.
    #[must_use]
    pub fn describe(&self) -> String {
        let row = self.rows.last().map(Vec::as_slice).unwrap_or_default();
        let mut before = 0.0;
        let mut same = 0.0;
        for (d, cumulated) in row {
            if *d == 0 {
                same = cumulated - before;
            }
            before = *cumulated;
        }
        format!(
            "counts are changed at random by at most {}: mean change 0, standard deviation {:.2}, {:.0} % of counts unchanged; the same records always get the same change",
            self.max_change,
            self.variance.sqrt(),
            100.0 * same
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments(p: &Perturbation, count: usize) -> (f64, f64, f64) {
        let mut before = 0.0;
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for (d, cumulated) in &p.rows[count] {
            let share = cumulated - before;
            before = *cumulated;
            sum += share;
            mean += share * *d as f64;
            square += share * (*d * *d) as f64;
        }
        (sum, mean, square - mean * mean)
    }

    #[test]
    fn moments_are_as_asked() {
        for (most, variance, below) in [(5, 3.0, 3), (3, 1.5, 0), (10, 8.0, 8), (2, 1.0, 0)] {
            let p = Perturbation::new(most, variance, below).unwrap();
            for count in 1..p.rows.len() {
                let (sum, mean, _) = moments(&p, count);
                assert!((sum - 1.0).abs() < 1e-9 && mean.abs() < 1e-9, "D {most}, count {count}: {sum} {mean}");
            }
            let (_, _, found) = moments(&p, p.rows.len() - 1);
            assert!((found - variance).abs() < 1e-9, "D {most}: variance {found}");
        }
    }

    /// On a support that is symmetric the entropy is greatest for p ∝ exp(b·d²): for D = 1 the variance is the share
    /// that changes, half of it up and half down.
    #[test]
    fn the_known_case() {
        let p = Perturbation::new(1, 0.4, 0).unwrap();
        let row = p.rows.last().unwrap();
        for (found, wanted) in row.iter().zip([(-1, 0.2), (0, 0.8), (1, 1.0)]) {
            assert_eq!(found.0, wanted.0);
            assert!((found.1 - wanted.1).abs() < 1e-9);
        }
        assert!(p.describe().contains("60 % of counts unchanged"), "{}", p.describe());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (most, variance, below) in [(0, 1.0, 0), (3, 0.0, 0), (3, 9.0, 0), (3, f64::NAN, 0), (4, 2.0, 8)] {
            assert!(Perturbation::new(most, variance, below).is_err(), "{most} {variance} {below}");
        }
    }

    proptest! {
        #[test]
        fn results_are_zero_or_large_and_repeat(count in 0i64..200, key: u32) {
            static TABLE: std::sync::OnceLock<Perturbation> = std::sync::OnceLock::new();
            let p = TABLE.get_or_init(|| Perturbation::new(8, 4.0, 8).unwrap());
            let shown = p.perturb(count, key);
            prop_assert_eq!(shown, p.perturb(count, key));
            prop_assert!(shown == 0 || shown >= 8, "{} became {}", count, shown);
            prop_assert!((shown - count).abs() <= 8);
            prop_assert!(count > 0 || shown == 0);
        }
    }
}

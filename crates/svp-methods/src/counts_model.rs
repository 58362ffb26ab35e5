//! Regression of counts: Poisson and negative binomial, with rate ratios.

use crate::normal::{two_sided, z_of_level};
use crate::rates::Interval;
use crate::small_matrix::{inverse, sandwich, times};

/// What is modelled: counts y with log-mean x b + offset.
#[derive(Debug, Clone, Copy)]
pub struct Design<'a> {
    /// Counts, one for each row: whole numbers, not negative.
    pub y: &'a [f64],
    /// Columns of the design, row by row (y.len() × columns); the intercept is a column of ones.
    pub x: &'a [f64],
    /// Number of columns, at least one.
    pub columns: usize,
    /// Logarithm of the exposure of each row.
    pub offset: Option<&'a [f64]>,
    /// Cluster of each row (place, day): rows of one cluster may depend on each other. With it the fit has a robust covariance.
    pub clusters: Option<&'a [u32]>,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Coefficients b, logarithms of rate ratios.
    pub coefficients: Vec<f64>,
    /// Their covariance, row by row: the inverse of the observed information.
    pub covariance: Vec<f64>,
    /// Their covariance by the cluster sandwich, with the correction G/(G-1) × (n-1)/(n-parameters); `None` without clusters or with one.
    pub robust: Option<Vec<f64>>,
    /// Overdispersion: variance = mean + alpha mean². `None` for Poisson; 0 where the counts vary no more than Poisson's.
    pub alpha: Option<f64>,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Whether the steps came to an end.
    pub converged: bool,
    /// Steps.
    pub iterations: usize,
}

/// A rate ratio with its interval and test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// exp(b).
    pub ratio: f64,
    /// exp(b ± z se).
    pub interval: Interval,
    /// Standard error of b.
    pub se: f64,
    /// b over its standard error.
    pub z: f64,
    /// Two-sided p of z.
    pub p_two: f64,
}

impl Fit {
    /// The rate ratio of a column, by the robust covariance where there is one. `None` where there is no such column, the level
    /// is not inside 0..1, or the standard error is 0.
    ///
    /// ```
    /// use svp_methods::counts_model::{Design, poisson};
    /// // Assaults in four shifts without a patrol and in four with one, all of twelve hours.
    /// let y = [4.0, 6.0, 5.0, 9.0, 2.0, 3.0, 1.0, 4.0];
    /// let x: Vec<f64> = (0..8).flat_map(|shift| [1.0, f64::from(u8::from(shift >= 4))]).collect();
    /// let fit = poisson(&Design { y: &y, x: &x, columns: 2, offset: None, clusters: None }).unwrap();
    /// let patrol = fit.rate_ratio(1, 0.95).unwrap();
    /// // 10 against 24 in as many hours; the variance of the logarithm is 1/10 + 1/24.
    /// assert!((patrol.ratio - 10.0 / 24.0).abs() < 1e-9);
    /// assert!((patrol.se - (0.1 + 1.0 / 24.0_f64).sqrt()).abs() < 1e-9);
    /// assert!((patrol.interval.upper - 0.8713).abs() < 1e-4, "as statsmodels has it");
    /// assert_eq!(fit.rate_ratio(2, 0.95), None, "there is no third column");
    /// ```
    #[must_use]
    pub fn rate_ratio(&self, column: usize, level: f64) -> Option<Effect> {
        let (b, p) = (*self.coefficients.get(column)?, self.coefficients.len());
        let se = self.robust.as_ref().unwrap_or(&self.covariance)[column * p + column].sqrt();
        let (z, half) = (b / se, z_of_level(level)? * se);
        let interval = Interval { lower: (b - half).exp(), upper: (b + half).exp() };
        let fine = z.is_finite() && interval.upper.is_finite() && b.exp().is_finite();
        fine.then(|| Effect { ratio: b.exp(), interval, se, z, p_two: two_sided(z) })
    }
}

/// Largest number of steps.
const STEPS: usize = 200;
/// A step that moves the log-likelihood by less than this share is the last.
const STILL: f64 = 1e-13;

/// Poisson regression with log link, by Newton's steps (iteratively reweighted least squares).
///
/// `None` where the shapes do not fit, a count is negative or not whole, a value is not finite, all counts are 0, or the columns are
/// not independent. Where a coefficient runs to infinity (a column with no events at all), `converged` is false.
/// McCullagh and Nelder 1989.
///
/// ```
/// use svp_methods::counts_model::{Design, poisson};
/// // Assaults in four shifts without a patrol and in four with one, and the hours that each took.
/// let y = [4.0, 6.0, 5.0, 9.0, 2.0, 3.0, 1.0, 4.0];
/// let hours = [10.0, 12.0, 10.0, 16.0, 10.0, 12.0, 10.0, 16.0_f64].map(f64::ln);
/// let x: Vec<f64> = (0..8).flat_map(|shift| [1.0, f64::from(u8::from(shift >= 4))]).collect();
/// let fit = poisson(&Design { y: &y, x: &x, columns: 2, offset: Some(&hours), clusters: None }).unwrap();
/// assert!(fit.converged);
/// // Half an assault an hour without; with a patrol 10 for 24.
/// assert!((fit.coefficients[0].exp() - 0.5).abs() < 1e-9);
/// assert!((fit.coefficients[1].exp() - 10.0 / 24.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn poisson(design: &Design<'_>) -> Option<Fit> {
    let model = Model::new(design)?;
    let start = model.start();
    let (state, converged, iterations) = model.climb(start, 0.0)?;
    model.fit(&state, None, converged, iterations)
}

/// Negative binomial regression (NB2: variance = mean + alpha mean²) with log link, by maximum likelihood, alpha included.
///
/// Steps for the coefficients and for alpha alternate. Where the likelihood falls as alpha leaves 0, the fit is Poisson's with alpha 0.
/// `None` as in [`poisson`]. Cameron and Trivedi 2013, *Regression analysis of count data*; statsmodels' `NegativeBinomial`.
///
/// ```
/// use svp_methods::counts_model::{Design, negative_binomial};
/// // Violence in six streets without a late licence and in six with one: far more uneven than Poisson's counts.
/// let y = [0.0, 7.0, 1.0, 12.0, 3.0, 0.0, 1.0, 9.0, 2.0, 25.0, 4.0, 0.0];
/// let x: Vec<f64> = (0..12).flat_map(|street| [1.0, f64::from(u8::from(street >= 6))]).collect();
/// let fit = negative_binomial(&Design { y: &y, x: &x, columns: 2, offset: None, clusters: None }).unwrap();
/// // statsmodels' NegativeBinomial has 1.618 for alpha; the ratio is that of the sums, 41 to 23.
/// assert!((fit.alpha.unwrap() - 1.618).abs() < 1e-3);
/// let licence = fit.rate_ratio(1, 0.95).unwrap();
/// assert!((licence.ratio - 41.0 / 23.0).abs() < 1e-6);
/// assert!(licence.interval.lower < 1.0, "so uneven that it may be chance");
/// ```
#[must_use]
pub fn negative_binomial(design: &Design<'_>) -> Option<Fit> {
    let model = Model::new(design)?;
    let (mut state, mut converged, mut iterations) = model.climb(model.start(), 0.0)?;
    // The slope of the likelihood at alpha 0.
    let slope: f64 = model.means(&state).iter().zip(model.y()).map(|(m, y)| (y - m) * (y - m) - y).sum();
    if slope <= 0.0 {
        return model.fit(&state, Some(0.0), converged, iterations);
    }
    let (mut alpha, mut last) = (0.0, f64::NEG_INFINITY);
    converged = false;
    while iterations < STEPS && !converged {
        let means = model.means(&state);
        let next = model.best_alpha(&means);
        let (moved, _, steps) = model.climb(state, next)?;
        let likelihood = model.log_likelihood(&moved, next);
        converged =
            (likelihood - last).abs() <= STILL * (1.0 + likelihood.abs()) && (next - alpha).abs() <= 1e-9 * next;
        (state, alpha, last) = (moved, next, likelihood);
        iterations += steps.max(1);
    }
    model.fit(&state, Some(alpha), converged, iterations)
}

struct Model<'a> {
    design: &'a Design<'a>,
    /// How many counts are above k, for k from 0: sums over 0..y of all rows are sums over this.
    above: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(design: &'a Design<'a>) -> Option<Self> {
        let (n, p) = (design.y.len(), design.columns);
        let shapes = p > 0
            && n >= p
            && design.x.len() == n.checked_mul(p)?
            && design.offset.is_none_or(|o| o.len() == n && o.iter().all(|v| v.is_finite()))
            && design.clusters.is_none_or(|c| c.len() == n);
        let whole = design.y.iter().all(|y| *y >= 0.0 && *y <= 1e7 && y.fract() == 0.0);
        let most = design.y.iter().copied().fold(0.0, f64::max);
        if !shapes || !whole || !design.x.iter().all(|v| v.is_finite()) || most == 0.0 {
            return None;
        }
        let mut above = vec![0.0; most as usize + 1];
        design.y.iter().for_each(|y| above[*y as usize] += 1.0);
        // From how many are just k to how many are above k.
        let mut sum = 0.0;
        for count in above.iter_mut().rev() {
            (sum, *count) = (sum + *count, sum);
        }
        Some(Self { design, above })
    }

    fn y(&self) -> &'a [f64] {
        self.design.y
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &'a [f64])> {
        self.design.x.chunks_exact(self.design.columns).enumerate()
    }

    fn offset(&self, i: usize) -> f64 {
        self.design.offset.map_or(0.0, |o| o[i])
    }

    /// Coefficients of a first weighted least squares of ln(y + 1/2), or noughts.
    fn start(&self) -> Vec<f64> {
        let p = self.design.columns;
        let (mut a, mut b) = (vec![0.0; p * p], vec![0.0; p]);
        for (i, x) in self.rows() {
            let weight = self.y()[i] + 0.5;
            add(&mut a, &mut b, x, weight, weight * (weight.ln() - self.offset(i)));
        }
        inverse(&a, p).map_or(vec![0.0; p], |a| times(&a, &b))
    }

    fn means(&self, state: &[f64]) -> Vec<f64> {
        let mean = |(i, x): (usize, &[f64])| {
            let eta = x.iter().zip(state).map(|(x, b)| x * b).sum::<f64>() + self.offset(i);
            // A mean that overflows, or vanishes, has no derivative.
            eta.clamp(-700.0, 700.0).exp()
        };
        self.rows().map(mean).collect()
    }

    /// Newton's steps for the coefficients at a given alpha, halved where they do not lead upward.
    fn climb(&self, mut state: Vec<f64>, alpha: f64) -> Option<(Vec<f64>, bool, usize)> {
        let p = self.design.columns;
        let mut likelihood = self.log_likelihood(&state, alpha);
        for step in 1..=STEPS {
            let (mut information, mut score) = (vec![0.0; p * p], vec![0.0; p]);
            let means = self.means(&state);
            for (i, x) in self.rows() {
                let below = 1.0 + alpha * means[i];
                add(&mut information, &mut score, x, means[i] / below, (self.y()[i] - means[i]) / below);
            }
            let Some(information) = inverse(&information, p) else {
                // At the start that is a design without an answer, later a coefficient on its way to infinity.
                return (step > 1).then_some((state, false, step));
            };
            let mut move_ = times(&information, &score);
            let mut moved = false;
            for _ in 0..40 {
                let next: Vec<f64> = state.iter().zip(&move_).map(|(b, m)| b + m).collect();
                let better = self.log_likelihood(&next, alpha);
                if better >= likelihood - STILL * likelihood.abs() {
                    let still = (better - likelihood).abs() <= STILL * (1.0 + likelihood.abs());
                    let small = move_.iter().zip(&next).all(|(m, b)| m.abs() <= 1e-8 * (1.0 + b.abs()));
                    (state, likelihood, moved) = (next, better, true);
                    if still && small {
                        return Some((state, true, step));
                    }
                    break;
                }
                move_.iter_mut().for_each(|m| *m *= 0.5);
            }
            if !moved {
                return Some((state, false, step));
            }
        }
        Some((state, false, STEPS))
    }

    /// ln(1 + alpha k) summed over k in 0..y, and its derivatives by alpha, over all rows.
    fn ladder(&self, alpha: f64) -> (f64, f64, f64) {
        let mut sums = (0.0, 0.0, 0.0);
        for (k, rows) in self.above.iter().enumerate() {
            let k = k as f64;
            let slope = k / (1.0 + alpha * k);
            sums.0 += rows * (alpha * k).ln_1p();
            sums.1 += rows * slope;
            sums.2 -= rows * slope * slope;
        }
        sums
    }

    fn log_likelihood(&self, state: &[f64], alpha: f64) -> f64 {
        let means = self.means(state);
        let row = |(y, m): (&f64, &f64)| {
            let spread = if alpha > 0.0 { (y + 1.0 / alpha) * (alpha * m).ln_1p() } else { *m };
            y * m.ln() - spread - libm::lgamma(y + 1.0)
        };
        self.y().iter().zip(&means).map(row).sum::<f64>() + self.ladder(alpha).0
    }

    /// First and second derivative of the log-likelihood by alpha, at given means.
    fn alpha_slope(&self, means: &[f64], alpha: f64) -> (f64, f64) {
        let (_, mut first, mut second) = self.ladder(alpha);
        for (y, m) in self.y().iter().zip(means) {
            let (first_row, second_row) = spread_slope(*y, *m, alpha);
            first -= first_row;
            second -= second_row;
        }
        (first, second)
    }

    /// The alpha at which the likelihood is largest for given means, by halving on a logarithmic scale.
    fn best_alpha(&self, means: &[f64]) -> f64 {
        let (mut low, mut high) = (1e-9_f64.ln(), 1e6_f64.ln());
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.alpha_slope(means, middle.exp()).0 > 0.0 { low = middle } else { high = middle }
        }
        f64::midpoint(low, high).exp()
    }

    /// Covariances at the end.
    fn fit(&self, state: &[f64], alpha: Option<f64>, converged: bool, iterations: usize) -> Option<Fit> {
        let p = self.design.columns;
        let free = alpha.is_some_and(|a| a > 0.0);
        let (q, a) = (p + usize::from(free), alpha.unwrap_or(0.0));
        let means = self.means(state);
        let mut information = vec![0.0; q * q];
        let mut scores = vec![vec![0.0; q]; means.len()];
        for (i, x) in self.rows() {
            let (y, m) = (self.y()[i], means[i]);
            let below = 1.0 + a * m;
            let mut nothing = vec![0.0; p];
            let mut block = vec![0.0; p * p];
            add(&mut block, &mut nothing, x, m * (1.0 + a * y) / (below * below), 0.0);
            for r in 0..p {
                (0..p).for_each(|c| information[r * q + c] += block[r * p + c]);
                scores[i][r] = x[r] * (y - m) / below;
            }
            if free {
                for (r, x) in x.iter().enumerate() {
                    let cross = x * m * (y - m) / (below * below);
                    information[r * q + p] += cross;
                    information[p * q + r] += cross;
                }
                let ladder: f64 = (0..y as usize).map(|k| k as f64 / (1.0 + a * k as f64)).sum();
                scores[i][p] = ladder - spread_slope(y, m, a).0;
            }
        }
        if free {
            information[p * q + p] = -self.alpha_slope(&means, a).1;
        }
        let bread = inverse(&information, q)?;
        let robust = self.design.clusters.and_then(|c| cluster(&bread, &scores, c, q));
        let block = |full: &[f64]| -> Vec<f64> { (0..p * p).map(|k| full[k / p * q + k % p]).collect() };
        let fit = Fit {
            coefficients: state.to_vec(),
            covariance: block(&bread),
            robust: robust.map(|r| block(&r)),
            alpha,
            log_likelihood: self.log_likelihood(state, a),
            converged,
            iterations,
        };
        let numbers = fit.coefficients.iter().chain(&fit.covariance).chain(fit.robust.iter().flatten());
        (numbers.copied().all(f64::is_finite) && fit.log_likelihood.is_finite()).then_some(fit)
    }
}

/// Derivatives by alpha of (y + 1 / alpha) ln(1 + alpha mean).
fn spread_slope(y: f64, m: f64, a: f64) -> (f64, f64) {
    let (below, log) = (1.0 + a * m, (a * m).ln_1p());
    // ln(1 + am) / a and its derivatives by a, by their series where the differences would cancel.
    let t = a * m;
    let (first, second) = if t < 1e-3 {
        (m * m * (-0.5 + t * (2.0 / 3.0 - 0.75 * t)), m * m * m * (2.0 / 3.0 + t * (-1.5 + 2.4 * t)))
    } else {
        (
            m / (a * below) - log / (a * a),
            2.0 * log / (a * a * a) - 2.0 * m / (a * a * below) - m * m / (a * below * below),
        )
    };
    (y * m / below + first, -y * m * m / (below * below) + second)
}

/// Adds weight × x xᵀ to `a` and weighted × x to `b`.
fn add(a: &mut [f64], b: &mut [f64], x: &[f64], weight: f64, weighted: f64) {
    for (r, xr) in x.iter().enumerate() {
        b[r] += weighted * xr;
        for (c, xc) in x.iter().enumerate() {
            a[r * x.len() + c] += weight * xr * xc;
        }
    }
}

/// The cluster sandwich of Liang and Zeger 1986.
fn cluster(bread: &[f64], scores: &[Vec<f64>], clusters: &[u32], q: usize) -> Option<Vec<f64>> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by_key(|i| clusters[*i]);
    let (mut meat, mut groups) = (vec![0.0; q * q], 0.0);
    for group in order.chunk_by(|a, b| clusters[*a] == clusters[*b]) {
        let sum: Vec<f64> = (0..q).map(|k| group.iter().map(|i| scores[*i][k]).sum()).collect();
        add(&mut meat, &mut vec![0.0; q], &sum, 1.0, 0.0);
        groups += 1.0;
    }
    let n = scores.len() as f64;
    let correction = groups / (groups - 1.0) * (n - 1.0) / (n - q as f64);
    let robust = sandwich(bread, &meat, q);
    (groups > 1.0 && n > q as f64).then(|| robust.into_iter().map(|v| v * correction).collect())
}

#[cfg(test)]
mod tests;

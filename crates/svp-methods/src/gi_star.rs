//! Getis and Ord's Gi*: is more counted in a cell and around it than chance would put there?
//!
//! Ord and Getis 1995, *Local spatial autocorrelation statistics: distributional issues and an application*; with binary weights
//! as `esda` computes it (`G_Local`, `star = True`), with unequal ones by the variance of that paper, as `spdep` has it (`localG`).

mod permute;

pub use permute::{
    gi_star_permutations, gi_star_permutations_drawn, gi_star_permutations_sided, gi_star_permutations_weighted,
};

use crate::neighbours::Neighbours;
use crate::normal;

/// How the cell itself and its neighbours weigh.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Weights<'a> {
    /// 1 each: the sum over the neighbourhood is judged, with the variance of a sum of that many cells.
    #[default]
    Binary,
    /// 1 / (neighbours + 1) each. Its z follows `esda`, which takes the variance of one cell for the mean of all of them
    /// (the weights' sum, 1, where their squares' sum belongs): z is too small by about the root of the number of cells.
    /// For comparison only.
    RowStandardised,
    /// One for each pair of neighbours, in the order of [`Neighbours::weigh`], which makes them; finite and not negative. The
    /// cell itself weighs 1: Gi* only asks how the weights of one cell stand to each other, so that this leaves all of them free.
    Each(&'a [f64]),
}

impl Weights<'_> {
    /// Whether there is a weight for each pair, and it is one.
    fn fit(&self, neighbours: &Neighbours) -> bool {
        match self {
            Self::Binary | Self::RowStandardised => true,
            Self::Each(weights) => {
                weights.len() == neighbours.pairs() && weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            }
        }
    }
}

/// Gi* of one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// Standardised Gi*: above 0 where there is more than expected.
    pub z: f64,
    /// 1 - Phi(|z|): the smaller tail, `esda`'s `p_norm`.
    pub p_one: f64,
    /// Both tails: twice `p_one`.
    pub p_two: f64,
    /// 1 - Phi(z): the upper tail, for hot spots only.
    pub p_high: f64,
}

/// Which permutations count against a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alternative {
    /// The side on which the cell lies, chosen after looking: `esda`'s `p_sim`. A true two-sided p is about twice as large.
    #[default]
    Directed,
    /// At least as much as observed: hot spots.
    Greater,
    /// At most as much as observed: cold spots.
    Less,
}

/// Gi* of every cell with binary weights; see [`gi_star_weighted`].
///
/// ```
/// use svp_methods::{Neighbours, gi_star::gi_star};
/// // Knife crime in 25 squares, five in a row.
/// let counts = [
///     0.0, 0.0, 1.0, 0.0, 0.0, //
///     0.0, 6.0, 8.0, 1.0, 0.0, //
///     1.0, 7.0, 9.0, 2.0, 0.0, //
///     0.0, 1.0, 2.0, 1.0, 0.0, //
///     0.0, 0.0, 0.0, 1.0, 0.0,
/// ];
/// let cells: Vec<(i64, i64)> = (0..25).map(|i| (i % 5, i / 5)).collect();
/// let near = Neighbours::squares(&cells, 1).unwrap();
/// let found = gi_star(&counts, &near);
/// // The square in the middle and its eight neighbours hold 37 of 40. esda: G_Local(..., star=True).Zs[12], p_norm[12].
/// let middle = found[12].unwrap();
/// assert!((middle.z - 3.438_480).abs() < 1e-6);
/// assert!((middle.p_high - 0.000_292).abs() < 1e-6);
/// assert!(found[24].unwrap().z < 0.0, "the corner is cold");
/// ```
#[must_use]
pub fn gi_star(values: &[f64], neighbours: &Neighbours) -> Vec<Option<Local>> {
    gi_star_weighted(values, neighbours, Weights::Binary)
}

/// Gi* of every cell: z = (lag - W mean) / (sd sqrt((n S - W²) / (n - 1))), where `lag` is the weighted sum over the cell and
/// its neighbours, W the sum of the weights, S the sum of their squares, mean and sd (divided by n) those of all cells. With
/// binary weights n S - W² is W (n - W).
///
/// `values` are counts or rates, one for each cell of `neighbours`; the answers have the same order. An island is judged by
/// its own value alone. `None` for all cells where there are fewer than two, all values are equal, one is not finite, the
/// lengths differ, or the weights are not as [`Weights`] says; `None` for a cell with equal weights whose neighbourhood is
/// all there is.
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Weights, gi_star_weighted}};
/// let counts = [2.0, 8.0, 5.0, 0.0, 0.0];
/// let row = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], 1).unwrap();
/// let z = |weights| gi_star_weighted(&counts, &row, weights)[1].unwrap().z;
/// // Mean 3 and variance 9.6 of five cells; the second and its two neighbours hold 15, where 9 are expected.
/// assert!((z(Weights::Binary) - 6.0 / (9.6 * 3.0 * 2.0 / 4.0_f64).sqrt()).abs() < 1e-12);
/// assert!((z(Weights::RowStandardised) - 2.0 / 9.6_f64.sqrt()).abs() < 1e-12);
/// // With half a weight for the neighbours they hold 11.5 where 6 are expected; W is 2 and S 1.5.
/// let half = row.weigh(|_, _| 0.5);
/// assert!((z(Weights::Each(&half)) - 5.5 / (9.6 * (5.0 * 1.5 - 4.0) / 4.0_f64).sqrt()).abs() < 1e-12);
/// ```
#[must_use]
pub fn gi_star_weighted(values: &[f64], neighbours: &Neighbours, weights: Weights<'_>) -> Vec<Option<Local>> {
    let moments = moments(values, neighbours).filter(|_| weights.fit(neighbours));
    let Some((mean, sd)) = moments else { return vec![None; values.len()] };
    let n = values.len() as f64;
    let local = |(i, own): (usize, &f64)| {
        let near = neighbours.of(i);
        let sum = own + near.iter().map(|j| values[*j as usize]).sum::<f64>();
        let cells = (near.len() + 1) as f64;
        let z = match weights {
            Weights::Binary => (sum - cells * mean) / (sd * (cells * (n - cells) / (n - 1.0)).sqrt()),
            Weights::RowStandardised => (sum / cells - mean) / sd,
            Weights::Each(weights) => {
                let weights = &weights[neighbours.range(i)];
                let lag = own + near.iter().zip(weights).map(|(j, w)| w * values[*j as usize]).sum::<f64>();
                let all = 1.0 + weights.iter().sum::<f64>();
                let squares = 1.0 + weights.iter().map(|w| w * w).sum::<f64>();
                (lag - all * mean) / (sd * ((n * squares - all * all) / (n - 1.0)).sqrt())
            }
        };
        let one = normal::upper(z.abs());
        z.is_finite().then(|| Local { z, p_one: one, p_two: 2.0 * one, p_high: normal::upper(z) })
    };
    values.iter().enumerate().map(local).collect()
}

/// Mean and standard deviation (divided by n), where Gi* exists.
fn moments(values: &[f64], neighbours: &Neighbours) -> Option<(f64, f64)> {
    let first = *values.first()?;
    if values.len() != neighbours.len() || values.iter().all(|v| *v == first) || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    (sd > 0.0 && sd.is_finite() && mean.is_finite()).then_some((mean, sd))
}

#[cfg(test)]
mod tests;

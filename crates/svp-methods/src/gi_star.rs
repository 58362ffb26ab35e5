//! Getis and Ord's Gi*: is more counted in a cell and around it than chance would put there?
//!
//! Ord and Getis 1995, *Local spatial autocorrelation statistics: distributional issues and an application*; as `esda` computes it
//! (`G_Local`, `star = True`).

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::draw::{Draw, Urn};
use crate::neighbours::Neighbours;
use crate::normal;

/// How the cell itself and its neighbours weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weights {
    /// 1 each: the sum over the neighbourhood is judged, with the variance of a sum of that many cells.
    #[default]
    Binary,
    /// 1 / (neighbours + 1) each. Its z follows `esda`, which takes the variance of one cell for the mean of all of them
    /// (the weights' sum, 1, where their squares' sum belongs): z is too small by about the root of the number of cells.
    /// For comparison only.
    RowStandardised,
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

/// Gi* of every cell: z = (lag - W mean) / (sd sqrt(W (n - W) / (n - 1))), where `lag` is the weighted sum over the cell and
/// its neighbours, W the sum of the weights, mean and sd (divided by n) those of all cells.
///
/// `values` are counts or rates, one for each cell of `neighbours`; the answers have the same order. An island is judged by
/// its own value alone. `None` for all cells where there are fewer than two, all values are equal, one is not finite, or
/// the lengths differ; `None` for a cell whose neighbourhood is all there is.
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Weights, gi_star_weighted}};
/// let counts = [2.0, 8.0, 5.0, 0.0, 0.0];
/// let row = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], 1).unwrap();
/// let z = |weights| gi_star_weighted(&counts, &row, weights)[1].unwrap().z;
/// // Mean 3 and variance 9.6 of five cells; the second and its two neighbours hold 15, where 9 are expected.
/// assert!((z(Weights::Binary) - 6.0 / (9.6 * 3.0 * 2.0 / 4.0_f64).sqrt()).abs() < 1e-12);
/// assert!((z(Weights::RowStandardised) - 2.0 / 9.6_f64.sqrt()).abs() < 1e-12);
/// ```
#[must_use]
pub fn gi_star_weighted(values: &[f64], neighbours: &Neighbours, weights: Weights) -> Vec<Option<Local>> {
    let Some((mean, sd)) = moments(values, neighbours) else { return vec![None; values.len()] };
    let n = values.len() as f64;
    let local = |(i, own): (usize, &f64)| {
        let near = neighbours.of(i);
        let sum = own + near.iter().map(|j| values[*j as usize]).sum::<f64>();
        let cells = (near.len() + 1) as f64;
        let z = match weights {
            Weights::Binary => (sum - cells * mean) / (sd * (cells * (n - cells) / (n - 1.0)).sqrt()),
            Weights::RowStandardised => (sum / cells - mean) / sd,
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

/// Pseudo-p of Gi* by conditional permutation: `esda`'s `p_sim`, (m + 1) / (permutations + 1), where m is the number of
/// permutations with a sum at least as large as the observed one, or of the others if they are fewer.
///
/// The cell keeps its value, and its neighbours get values of other cells drawn without replacement. As in `esda`, one
/// permutation draws once for all cells, and a cell with k neighbours takes the first k. Weights that are equal within a
/// neighbourhood do not change the order of the sums, so `weights` changes no answer. An island has nothing to permute: `None`;
/// else `None` as in [`gi_star_weighted`]. The answer follows from `seed`, whatever the number of threads.
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Weights, gi_star_permutations}};
/// let counts = [
///     0.0, 0.0, 1.0, 0.0, 0.0, //
///     0.0, 6.0, 8.0, 1.0, 0.0, //
///     1.0, 7.0, 9.0, 2.0, 0.0, //
///     0.0, 1.0, 2.0, 1.0, 0.0, //
///     0.0, 0.0, 0.0, 1.0, 0.0,
/// ];
/// let cells: Vec<(i64, i64)> = (0..25).map(|i| (i % 5, i / 5)).collect();
/// let near = Neighbours::squares(&cells, 1).unwrap();
/// let p = gi_star_permutations(&counts, &near, Weights::Binary, 9_999, 42, 2);
/// // Around the square of 6 lie 26. Of all 735,471 choices of eight of the other squares 14,772 hold as much.
/// assert!((p[6].unwrap() - 14_772.0 / 735_471.0).abs() < 0.005);
/// // Another number of threads says the same, to the last bit.
/// assert_eq!(p, gi_star_permutations(&counts, &near, Weights::Binary, 9_999, 42, 1));
/// ```
#[must_use]
pub fn gi_star_permutations(
    values: &[f64],
    neighbours: &Neighbours,
    weights: Weights,
    permutations: u32,
    seed: u64,
    threads: usize,
) -> Vec<Option<f64>> {
    let _ = weights;
    gi_star_permutations_sided(values, neighbours, Alternative::Directed, permutations, seed, threads)
}

/// Like [`gi_star_permutations`], for the side that is asked for.
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Alternative, gi_star_permutations_sided}};
/// // Four streets in a row.
/// let counts = [5.0, 4.0, 1.0, 0.0];
/// let near = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (3, 0)], 1).unwrap();
/// let p = |side| gi_star_permutations_sided(&counts, &near, side, 9_999, 7, 1)[3].unwrap();
/// // Beside the last street lies a 1, of 5, 4 and 1: all draws have as much, a third has as little.
/// assert_eq!(p(Alternative::Greater), 1.0);
/// assert!((p(Alternative::Less) - 1.0 / 3.0).abs() < 0.02);
/// ```
#[must_use]
pub fn gi_star_permutations_sided(
    values: &[f64],
    neighbours: &Neighbours,
    alternative: Alternative,
    permutations: u32,
    seed: u64,
    threads: usize,
) -> Vec<Option<f64>> {
    let k = (0..neighbours.len()).map(|i| neighbours.of(i).len()).max().unwrap_or(0);
    let (mut ids, mut draw) = (Vec::with_capacity(k * permutations as usize), Draw::new(seed, 0));
    let mut urn = Urn::new(u32::try_from(values.len()).unwrap_or(u32::MAX).saturating_sub(1));
    for _ in 0..permutations {
        urn.take(&mut draw, k, &mut ids);
    }
    gi_star_permutations_drawn(values, neighbours, alternative, &ids, k, threads)
}

/// Like [`gi_star_permutations`], with draws that are given: `ids` holds `width` different numbers of 0..n-1 (n excluded as
/// well) for each permutation, one permutation behind the other; `width` is at least the largest number of neighbours. For cell i, a number r
/// names the cell r where r < i and else the cell r + 1. These are the `permuted_ids` of `esda`.
///
/// `None` for all cells where the draws have another shape; else as in [`gi_star_permutations`].
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Alternative, gi_star_permutations_drawn}};
/// let counts = [5.0, 4.0, 1.0, 0.0];
/// let near = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (3, 0)], 1).unwrap();
/// // All six ordered draws of two of the three others.
/// let draws = [0, 1, 0, 2, 1, 0, 1, 2, 2, 0, 2, 1];
/// let p = gi_star_permutations_drawn(&counts, &near, Alternative::Greater, &draws, 2, 1);
/// // Beside the first street lies a 4, of 4, 1 and 0: two draws of six begin with as much.
/// assert_eq!(p[0], Some((2.0 + 1.0) / (6.0 + 1.0)));
/// // Beside the second lie 5 + 1; of 5, 1 and 0 two draws give these.
/// assert_eq!(p[1], Some((2.0 + 1.0) / (6.0 + 1.0)));
/// ```
#[must_use]
pub fn gi_star_permutations_drawn(
    values: &[f64],
    neighbours: &Neighbours,
    alternative: Alternative,
    ids: &[u32],
    width: usize,
    threads: usize,
) -> Vec<Option<f64>> {
    let mut answers = vec![None; values.len()];
    let degree = |i: &u32| neighbours.of(*i as usize).len();
    let widest = (0..neighbours.len()).map(|i| neighbours.of(i).len()).max().unwrap_or(0);
    let whole = width > 0 && ids.len().is_multiple_of(width) && ids.iter().all(|r| (*r as usize) + 1 < values.len());
    if moments(values, neighbours).is_none() || !whole || width < widest {
        return answers;
    }
    let permutations = ids.len() / width;
    let draws: Vec<Drawn> =
        ids.iter().map(|r| Drawn { id: *r, low: values[*r as usize + 1], high: values[*r as usize] }).collect();
    let blocks = blocks(neighbours, degree);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((block, at_least(values, neighbours, block, &draws, width)));
        }
        done
    };
    let parts: Vec<_> = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut parts = work();
        for helper in helpers {
            parts.extend(helper.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
        }
        parts
    });
    for (block, counts) in parts {
        for (i, (greater, equal)) in block.iter().zip(counts) {
            let all = permutations as u64;
            let m = match alternative {
                Alternative::Directed => greater.min(all - greater),
                Alternative::Greater => greater,
                Alternative::Less => all - greater + equal,
            };
            answers[*i as usize] = Some((m + 1) as f64 / (all + 1) as f64);
        }
    }
    answers
}

/// One number of a permutation: for cells up to `id` it names the value `low`, for cells behind it the value `high`.
struct Drawn {
    id: u32,
    low: f64,
    high: f64,
}

/// Cells of one block; small enough that the sums and the counts stay in the nearest cache.
const BLOCK: usize = 1024;

/// Cells with neighbours, in blocks of equal number of neighbours, in ascending order.
fn blocks(neighbours: &Neighbours, degree: impl Fn(&u32) -> usize) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..neighbours.len() as u32).filter(|i| degree(i) > 0).collect();
    order.sort_by_key(&degree);
    order.chunk_by(|a, b| degree(a) == degree(b)).flat_map(|group| group.chunks(BLOCK).map(<[u32]>::to_vec)).collect()
}

/// For each cell of the block, how many permutations reach at least the observed sum, and how many just that.
///
/// As draws are shared, the permuted sum of k neighbours is, as a function of the cell, a step function with at most k
/// steps. So a block compares its observed sums with one number for nearly every permutation.
fn at_least(values: &[f64], neighbours: &Neighbours, block: &[u32], draws: &[Drawn], width: usize) -> Vec<(u64, u64)> {
    let k = block.first().map_or(0, |i| neighbours.of(*i as usize).len());
    let observed: Vec<f64> =
        block.iter().map(|i| neighbours.of(*i as usize).iter().map(|j| values[*j as usize]).sum()).collect();
    let mut greater = vec![0u64; block.len()];
    let mut above = vec![0u64; block.len()];
    let mut steps = Vec::with_capacity(k + 1);
    let (first, last) = (block.first().copied().unwrap_or(0), block.last().copied().unwrap_or(0));
    for draw in draws.chunks_exact(width) {
        let draw = &draw[..k];
        steps.clear();
        for drawn in draw {
            // From the first cell behind `id` on, the other value counts.
            if drawn.id >= first && drawn.id < last {
                steps.push(block.partition_point(|i| *i <= drawn.id));
            }
        }
        steps.sort_unstable();
        steps.push(block.len());
        let mut from = 0;
        for to in &steps {
            if *to > from {
                let cell = block[from];
                let sum: f64 = draw.iter().map(|d| if d.id >= cell { d.low } else { d.high }).sum();
                let sums = &observed[from..*to];
                for ((o, g), a) in sums.iter().zip(&mut greater[from..*to]).zip(&mut above[from..*to]) {
                    *g += u64::from(sum >= *o);
                    *a += u64::from(sum > *o);
                }
                from = *to;
            }
        }
    }
    greater.into_iter().zip(above).map(|(g, a)| (g, g - a)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A board of `side` × `side` with counts that look like crime: many noughts.
    fn board(side: i64, seed: u64) -> (Vec<f64>, Neighbours) {
        let cells: Vec<(i64, i64)> =
            (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).filter(|(x, y)| (x * 7 + y * 3) % 11 != 0).collect();
        let mut draw = Draw::new(seed, 9);
        let values = cells.iter().map(|_| (draw.below(10).saturating_sub(6) * draw.below(4)) as f64).collect();
        (values, Neighbours::squares(&cells, 1).unwrap())
    }

    /// The example of esda's documentation: six points, neighbours within 15.
    fn documented() -> (Vec<f64>, Neighbours) {
        let points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)];
        let keys = [0, 1, 2, 3, 4, 5];
        let near = Neighbours::from_lists(&keys, |key, out| {
            let (x, y): (i32, i32) = points[key as usize];
            out.extend(keys.iter().filter(|j| {
                let (a, b) = points[**j as usize];
                (a - x).pow(2) + (b - y).pow(2) <= 225
            }));
        });
        (vec![2.0, 3.0, 3.2, 5.0, 8.0, 7.0], near.unwrap())
    }

    #[test]
    fn as_esda_documents() {
        let (values, near) = documented();
        let check = |weights, expected: [f64; 6]| {
            for (found, z) in gi_star_weighted(&values, &near, weights).iter().zip(expected) {
                assert!((found.unwrap().z - z).abs() < 1e-8, "{found:?} {z}");
            }
        };
        check(Weights::Binary, [-1.397_276_26, -0.289_177_62, 0.650_649_64, -0.289_177_62, 1.234_520_88, 2.024_243_31]);
        check(
            Weights::RowStandardised,
            [-0.624_880_94, -0.091_445_99, 0.411_506_96, -0.091_445_99, 0.246_904_18, 1.280_243_88],
        );
    }

    #[test]
    fn tails_belong_together() {
        let (values, near) = documented();
        for local in gi_star(&values, &near).into_iter().flatten() {
            assert!((local.p_two - 2.0 * local.p_one).abs() < 1e-15);
            assert!((local.p_high - if local.z > 0.0 { local.p_one } else { 1.0 - local.p_one }).abs() < 1e-15);
        }
    }

    #[test]
    fn no_answer_where_there_is_none() {
        let near = Neighbours::squares(&[(0, 0), (1, 0), (5, 5)], 1).unwrap();
        for bad in [&[0.1, 0.1, 0.1][..], &[1.0, f64::NAN, 2.0], &[1.0, f64::INFINITY, 2.0], &[1.0, 2.0], &[]] {
            assert!(gi_star(bad, &near).iter().all(Option::is_none), "{bad:?}");
            assert!(gi_star_permutations(bad, &near, Weights::Binary, 9, 1, 1).iter().all(Option::is_none), "{bad:?}");
            assert_eq!(gi_star(bad, &near).len(), bad.len());
        }
        let one = Neighbours::squares(&[(0, 0)], 1).unwrap();
        assert_eq!(gi_star(&[4.0], &one), [None]);
        let two = Neighbours::squares(&[(0, 0), (0, 1)], 1).unwrap();
        assert_eq!(gi_star(&[4.0, 1.0], &two), [None, None], "the neighbourhood is all there is");
    }

    #[test]
    fn an_island_stands_for_itself() {
        let near = Neighbours::squares(&[(0, 0), (1, 0), (5, 5)], 1).unwrap();
        let values = [1.0, 2.0, 6.0];
        let sd = (14.0_f64 / 3.0).sqrt();
        let z = gi_star(&values, &near)[2].unwrap().z;
        assert!((z - 3.0 / sd).abs() < 1e-12);
        let row = gi_star_weighted(&values, &near, Weights::RowStandardised)[2].unwrap().z;
        assert!((row - 3.0 / sd).abs() < 1e-12);
        let p = gi_star_permutations(&values, &near, Weights::Binary, 99, 1, 1);
        assert!(p[0].is_some() && p[2].is_none());
    }

    /// Cell by cell and permutation by permutation, as esda does it.
    fn slowly(values: &[f64], near: &Neighbours, ids: &[u32], width: usize) -> Vec<Option<f64>> {
        let all = ids.len() / width;
        let p = |i: usize| {
            let k = near.of(i).len();
            let observed: f64 = near.of(i).iter().map(|j| values[*j as usize]).sum();
            let larger = ids
                .chunks(width)
                .filter(|draw| {
                    let named = |r: &u32| values[*r as usize + usize::from(*r as usize >= i)];
                    draw[..k].iter().map(named).sum::<f64>() >= observed
                })
                .count();
            (k > 0).then(|| (larger.min(all - larger) + 1) as f64 / (all + 1) as f64)
        };
        (0..values.len()).map(p).collect()
    }

    #[test]
    fn the_step_function_is_what_the_slow_way_finds() {
        for (side, permutations) in [(3, 99), (12, 199), (50, 49)] {
            let (values, near) = board(side, 3);
            let (mut ids, mut draw, mut urn) = (Vec::new(), Draw::new(5, 0), Urn::new(values.len() as u32 - 1));
            let width = 8.min(values.len() - 1);
            (0..permutations).for_each(|_| urn.take(&mut draw, width, &mut ids));
            let quick = gi_star_permutations_drawn(&values, &near, Alternative::Directed, &ids, width, 2);
            assert_eq!(quick, slowly(&values, &near, &ids, width));
        }
    }

    #[test]
    fn threads_change_nothing_and_the_seed_does() {
        let (values, near) = board(70, 1);
        let p = |seed, threads| gi_star_permutations(&values, &near, Weights::Binary, 199, seed, threads);
        assert_eq!(p(1, 1), p(1, 7));
        assert_ne!(p(1, 1), p(2, 1));
    }

    #[test]
    fn permutations_agree_with_the_normal_tail_where_it_holds() {
        // 25 cells of a smooth value: nearly normal sums.
        let cells: Vec<(i64, i64)> = (0..1600).map(|i| (i % 40, i / 40)).collect();
        let near = Neighbours::squares(&cells, 2).unwrap();
        let mut draw = Draw::new(4, 4);
        let values: Vec<f64> = cells.iter().map(|_| draw.below(1000) as f64).collect();
        let p = gi_star_permutations_sided(&values, &near, Alternative::Greater, 1999, 3, 2);
        let mut sum = 0.0;
        for (local, p) in gi_star(&values, &near).iter().zip(&p) {
            // The permutation holds the cell itself fast, so single cells differ; their mean does not.
            sum += p.unwrap() - local.unwrap().p_high;
        }
        assert!((sum / 1600.0).abs() < 0.01, "{}", sum / 1600.0);
    }

    proptest! {
        /// Sides: greater and less count every permutation, equal ones twice; never 0, never above 1.
        #[test]
        fn sides_add_up(side in 3i64..9, seed in 0u64..50) {
            let (values, near) = board(side, seed);
            let p = |alternative| gi_star_permutations_sided(&values, &near, alternative, 99, 1, 1);
            let (both, up, down) = (p(Alternative::Directed), p(Alternative::Greater), p(Alternative::Less));
            for ((both, up), down) in both.iter().zip(&up).zip(&down) {
                let (Some(both), Some(up), Some(down)) = (both, up, down) else { continue };
                prop_assert!(*up + *down >= 1.01 - 1e-12 && *up <= 1.0 && *down <= 1.0);
                prop_assert!(*both <= *up + 1e-12 && *both > 0.0);
            }
        }
    }
}

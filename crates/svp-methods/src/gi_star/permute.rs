//! Gi* by conditional permutation.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Alternative, Weights, moments};
use crate::draw::{Draw, Urn};
use crate::neighbours::Neighbours;

/// Pseudo-p of Gi* by conditional permutation: `esda`'s `p_sim`, (m + 1) / (permutations + 1), where m is the number of
/// permutations with a sum at least as large as the observed one, or of the others if they are fewer.
///
/// The cell keeps its value, and its neighbours get values of other cells drawn without replacement, which are weighted as
/// those that were observed. As in `esda`, one permutation draws once for all cells, and a cell with k neighbours takes the
/// first k. Weights that are equal within a neighbourhood do not change the order of the sums: [`Weights::Binary`] and
/// [`Weights::RowStandardised`] have one answer, and so have [`Weights::Each`] that are all 1, to the last bit. An island
/// has nothing to permute, nor has a cell whose neighbours weigh nothing: `None`; else `None` as in
/// [`gi_star_weighted`](super::gi_star_weighted), but for a neighbourhood that is all there is. The answer follows from
/// `seed`, whatever the number of threads.
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
    weights: Weights<'_>,
    permutations: u32,
    seed: u64,
    threads: usize,
) -> Vec<Option<f64>> {
    gi_star_permutations_weighted(values, neighbours, weights, Alternative::Directed, permutations, seed, threads)
}

/// Like [`gi_star_permutations`], with binary weights, for the side that is asked for.
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
    gi_star_permutations_weighted(values, neighbours, Weights::Binary, alternative, permutations, seed, threads)
}

/// Like [`gi_star_permutations`], with weights, for the side that is asked for.
///
/// ```
/// use svp_methods::{Neighbours, gi_star::{Alternative, Weights, gi_star_permutations_weighted}};
/// // Four streets in a row; what lies before a street weighs twice what lies behind it.
/// let counts = [4.0, 6.0, 1.0, 0.0];
/// let near = Neighbours::squares(&[(0, 0), (1, 0), (2, 0), (3, 0)], 1).unwrap();
/// let twice = near.weigh(|i, j| if j < i { 2.0 } else { 1.0 });
/// let p = |weights| gi_star_permutations_weighted(&counts, &near, weights, Alternative::Greater, 9_999, 7, 1)[1].unwrap();
/// // Beside the second street lie 4 and 1, the sum of which two of the six draws of 4, 1 and 0 reach. 2 × 4 + 1 is reached
/// // by one of them only: 2 × 1 + 4 is less.
/// assert!((p(Weights::Binary) - 2.0 / 6.0).abs() < 0.02);
/// assert!((p(Weights::Each(&twice)) - 1.0 / 6.0).abs() < 0.02);
/// ```
#[must_use]
pub fn gi_star_permutations_weighted(
    values: &[f64],
    neighbours: &Neighbours,
    weights: Weights<'_>,
    alternative: Alternative,
    permutations: u32,
    seed: u64,
    threads: usize,
) -> Vec<Option<f64>> {
    let k = widest(neighbours);
    let (mut ids, mut draw) = (Vec::with_capacity(k * permutations as usize), Draw::new(seed, 0));
    let mut urn = Urn::new(u32::try_from(values.len()).unwrap_or(u32::MAX).saturating_sub(1));
    for _ in 0..permutations {
        urn.take(&mut draw, k, &mut ids);
    }
    judge(values, neighbours, weights, alternative, Draws { ids: &ids, width: k }, threads)
}

/// The largest number of neighbours.
fn widest(neighbours: &Neighbours) -> usize {
    (0..neighbours.len()).map(|i| neighbours.of(i).len()).max().unwrap_or(0)
}

/// Like [`gi_star_permutations_sided`], with draws that are given: `ids` holds `width` different numbers of 0..n-1 (n excluded as
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
    judge(values, neighbours, Weights::Binary, alternative, Draws { ids, width }, threads)
}

/// Numbers of cells, `width` for each permutation.
#[derive(Clone, Copy)]
pub(super) struct Draws<'a> {
    pub(super) ids: &'a [u32],
    pub(super) width: usize,
}

pub(super) fn judge(
    values: &[f64],
    neighbours: &Neighbours,
    weights: Weights<'_>,
    alternative: Alternative,
    Draws { ids, width }: Draws<'_>,
    threads: usize,
) -> Vec<Option<f64>> {
    let mut answers = vec![None; values.len()];
    let whole = width > 0 && ids.len().is_multiple_of(width) && ids.iter().all(|r| (*r as usize) + 1 < values.len());
    if moments(values, neighbours).is_none() || !weights.fit(neighbours) || !whole || width < widest(neighbours) {
        return answers;
    }
    let permutations = ids.len() / width;
    let draws: Vec<Drawn> =
        ids.iter().map(|r| Drawn { id: *r, low: values[*r as usize + 1], high: values[*r as usize] }).collect();
    let blocks = blocks(neighbours, weights);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let counts = match (block.even, weights) {
                (false, Weights::Each(weights)) => reached(values, neighbours, weights, &block.cells, &draws, width),
                _ => at_least(values, neighbours, &block.cells, &draws, width),
            };
            done.push((&block.cells, counts));
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
    for (cells, counts) in parts {
        for (i, (greater, equal)) in cells.iter().zip(counts) {
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

/// Cells that are judged together.
struct Block {
    /// Whether the neighbours of each cell weigh alike, in which case all cells have the same number of them.
    even: bool,
    /// In ascending order.
    cells: Vec<u32>,
}

/// Cells with neighbours that weigh something: those that weigh alike in blocks of equal number of neighbours, then the others.
fn blocks(neighbours: &Neighbours, weights: Weights<'_>) -> Vec<Block> {
    let degree = |i: &u32| neighbours.of(*i as usize).len();
    let of = |i: &u32| match weights {
        Weights::Binary | Weights::RowStandardised => &[][..],
        Weights::Each(weights) => &weights[neighbours.range(*i as usize)],
    };
    let weighs = |i: &u32| {
        let weights = of(i);
        degree(i) > 0 && (weights.is_empty() || weights.iter().any(|w| *w > 0.0))
    };
    let even = |i: &u32| of(i).windows(2).all(|pair| pair[0] == pair[1]);
    let (mut alike, others): (Vec<u32>, Vec<u32>) = (0..neighbours.len() as u32).filter(weighs).partition(even);
    alike.sort_by_key(&degree);
    let block = |even, cells: &[u32]| Block { even, cells: cells.to_vec() };
    let groups = alike.chunk_by(|a, b| degree(a) == degree(b));
    let alike = groups.flat_map(|group| group.chunks(BLOCK).map(|cells| block(true, cells)));
    alike.chain(others.chunks(BLOCK).map(|cells| block(false, cells))).collect()
}

/// As [`at_least`], for cells whose neighbours weigh differently: cell by cell and permutation by permutation.
///
/// Values of one weight are summed before they are weighted. So sums of whole numbers that are equal come out equal, in
/// whatever order the values were drawn.
fn reached(
    values: &[f64],
    neighbours: &Neighbours,
    weights: &[f64],
    cells: &[u32],
    draws: &[Drawn],
    width: usize,
) -> Vec<(u64, u64)> {
    let count = |cell: &u32| {
        let (near, weights) = (neighbours.of(*cell as usize), &weights[neighbours.range(*cell as usize)]);
        let mut order: Vec<usize> = (0..near.len()).collect();
        order.sort_by(|a, b| weights[*a].total_cmp(&weights[*b]));
        let runs: Vec<(f64, &[usize])> =
            order.chunk_by(|a, b| weights[*a] == weights[*b]).map(|run| (weights[run[0]], run)).collect();
        let sum = |value: &dyn Fn(usize) -> f64| {
            runs.iter().map(|(weight, run)| weight * run.iter().map(|place| value(*place)).sum::<f64>()).sum::<f64>()
        };
        let observed = sum(&|place| values[near[place] as usize]);
        let (mut greater, mut above) = (0, 0);
        for draw in draws.chunks_exact(width) {
            let sum = sum(&|place| if draw[place].id >= *cell { draw[place].low } else { draw[place].high });
            greater += u64::from(sum >= observed);
            above += u64::from(sum > observed);
        }
        (greater, greater - above)
    };
    cells.iter().map(count).collect()
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

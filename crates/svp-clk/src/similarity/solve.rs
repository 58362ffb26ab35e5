//! From candidate pairs to an answer.

use std::collections::{HashMap, HashSet};

use super::filters::Pair;

/// Of pairs as a search sorts them, the `k` best of every row.
///
/// As `find_candidate_pairs(..., k=k)` of anonlink 0.15.3: first the `k` best of each left row, then, in their order, those
/// that are among the first `k` of both rows.
///
/// ```
/// use svp_clk::similarity::best_per_row;
/// let pairs = [(0, 1, 0.95), (0, 0, 0.9), (1, 1, 0.85), (1, 2, 0.8)];
/// // Row 0 keeps its best. So does row 1, for which right row 1 has a better one already: that pair falls out.
/// assert_eq!(best_per_row(&pairs, 1), [(0, 1, 0.95)]);
/// assert_eq!(best_per_row(&pairs, 2), pairs);
/// ```
#[must_use]
pub fn best_per_row(pairs: &[Pair], k: usize) -> Vec<Pair> {
    let (mut of_left, mut of_right) = (HashMap::new(), HashMap::new());
    let mut keep = |&&(left, right, _): &&Pair| {
        let lefts = of_left.entry(left).or_insert(0usize);
        if *lefts >= k {
            return false;
        }
        *lefts += 1;
        let rights = of_right.entry(right).or_insert(0usize);
        *rights += 1;
        *rights <= k
    };
    pairs.iter().filter(|pair| keep(pair)).copied().collect()
}

/// Of pairs as a search sorts them, a matching: each is taken if neither of its rows has been.
///
/// For two sets this is `anonlink.solving.greedy_solve` (0.15.3), whose groups of two sets are pairs. It is not for pairs
/// within one set, where a row stands on both sides.
///
/// ```
/// use svp_clk::similarity::one_to_one;
/// let pairs = [(0, 1, 0.95), (0, 0, 0.9), (1, 1, 0.85), (1, 2, 0.8)];
/// assert_eq!(one_to_one(&pairs), [(0, 1, 0.95), (1, 2, 0.8)]);
/// ```
#[must_use]
pub fn one_to_one(pairs: &[Pair]) -> Vec<Pair> {
    let (mut lefts, mut rights) = (HashSet::new(), HashSet::new());
    let mut take = |left: u32, right: u32| {
        let free = !lefts.contains(&left) && !rights.contains(&right);
        free && lefts.insert(left) && rights.insert(right)
    };
    pairs.iter().filter(|&&(left, right, _)| take(left, right)).copied().collect()
}

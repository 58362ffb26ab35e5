//! The near repeat: are events that are near in space also near in time, more often than chance would have it?
//!
//! Knox 1964, *The detection of space-time interactions*, with the permutations of Besag and Diggle 1977, in bands as the Near Repeat
//! Calculator (Ratcliffe) and the R package `NearRepeat` (Steenbeek) have them.

mod count;
mod event;

use count::{Plan, count};
pub use event::{Closed, Event, Metric, Rules};

/// Counts of pairs, by band of space (outer) and band of time (inner).
#[derive(Debug, Clone, PartialEq)]
pub struct Knox {
    /// Pairs that were observed.
    pub observed: Vec<Vec<u64>>,
    /// Mean of the permutations; `None` without permutations.
    pub expected: Vec<Vec<Option<f64>>>,
    /// Median of the permutations; `None` without permutations.
    pub median: Vec<Vec<Option<f64>>>,
    /// Observed over expected; `None` where nothing is expected.
    pub ratio: Vec<Vec<Option<f64>>>,
    /// (b + 1) / (permutations + 1), where b permutations have at least the observed count; `None` without permutations.
    pub p: Vec<Vec<Option<f64>>>,
}

/// Knox's test: counts the pairs of events in bands of distance and time, and again after the days were dealt out anew to the places,
/// `permutations` times.
///
/// `space` (metres) and `time` (days) are the breaks of the bands, ascending, at least two each, none below 0; the last may be
/// infinite ("more than"). With `rules.same_place` one band of space more comes first. Only pairs within the largest finite break of
/// space are looked at; the rest follows from the totals, as permuting changes none. The answer follows from `seed`, whatever the number
/// of threads.
///
/// `None` where the breaks are not as said, an event is not finite, or there are fewer than two events or more than 2^32 - 1.
///
/// ```
/// use svp_methods::knox::{Event, Rules, knox};
/// // Two shootings 50 m and a day apart, and two others 60 m and three days apart, far away and long after.
/// let events = [
///     Event { x: 0.0, y: 0.0, day: 0.0 },
///     Event { x: 50.0, y: 0.0, day: 1.0 },
///     Event { x: 5_000.0, y: 0.0, day: 100.0 },
///     Event { x: 5_000.0, y: 60.0, day: 103.0 },
/// ];
/// let (space, time) = ([0.0, 200.0, f64::INFINITY], [0.0, 7.0, f64::INFINITY]);
/// let found = knox(&events, &space, &time, &Rules::default(), 9_999, 42, 2).unwrap();
/// assert_eq!(found.observed, [[2, 0], [0, 4]]);
/// // Of the 24 ways to deal out the days, 8 keep both pairs together and the others none: 2 × 8 / 24 are expected.
/// assert!((found.expected[0][0].unwrap() - 2.0 / 3.0).abs() < 0.05);
/// assert!((found.p[0][0].unwrap() - 1.0 / 3.0).abs() < 0.02);
/// ```
#[must_use]
pub fn knox(
    events: &[Event],
    space: &[f64],
    time: &[f64],
    rules: &Rules,
    permutations: u32,
    seed: u64,
    threads: usize,
) -> Option<Knox> {
    let whole = |breaks: &[f64]| {
        breaks.len() > 1 && breaks[0] >= 0.0 && breaks[0].is_finite() && breaks.windows(2).all(|pair| pair[0] < pair[1])
    };
    let finite = |e: &Event| e.x.is_finite() && e.y.is_finite() && e.day.is_finite();
    if !whole(space) || !whole(time) || !events.iter().all(finite) || events.len() < 2 {
        return None;
    }
    let plan = Plan::new(events, space, time, *rules)?;
    let tables = count(&plan, permutations as usize, seed, threads);
    Some(summary(&plan.finish(tables)))
}

/// Every cell's distribution: the first table is the observed one.
fn summary(tables: &[Vec<Vec<u64>>]) -> Knox {
    let (observed, permuted) = (tables[0].clone(), &tables[1..]);
    let n = permuted.len();
    let some = |value: f64| (n > 0).then_some(value);
    let cell = |i: usize, j: usize| {
        let mut counts: Vec<u64> = permuted.iter().map(|table| table[i][j]).collect();
        counts.sort_unstable();
        let at_least = n - counts.partition_point(|c| *c < observed[i][j]);
        let sum: u64 = counts.iter().sum();
        let median = if n > 0 { (counts[(n - 1) / 2] + counts[n / 2]) as f64 / 2.0 } else { 0.0 };
        (sum as f64 / n.max(1) as f64, median, (at_least + 1) as f64 / (n + 1) as f64)
    };
    let cells: Vec<Vec<(f64, f64, f64)>> =
        observed.iter().enumerate().map(|(i, row)| (0..row.len()).map(|j| cell(i, j)).collect()).collect();
    let map = |of: &dyn Fn(&(f64, f64, f64)) -> f64| -> Vec<Vec<Option<f64>>> {
        cells.iter().map(|row| row.iter().map(|c| some(of(c))).collect()).collect()
    };
    let ratio = observed
        .iter()
        .zip(&cells)
        .map(|(row, cells)| row.iter().zip(cells).map(|(o, c)| Some(*o as f64 / c.0).filter(|_| c.0 > 0.0)).collect());
    Knox { ratio: ratio.collect(), expected: map(&|c| c.0), median: map(&|c| c.1), p: map(&|c| c.2), observed }
}

#[cfg(test)]
mod tests;

//! Counting of pairs near in space, by how near they are in time, for many permutations of the days at once.
//!
//! The events are sorted by the cells of a grid, so that neighbours lie together in memory. Each pair is found once, and then compared
//! under all permutations: the days of an event under 32 permutations lie side by side and fill one line of the cache, so that one
//! pair takes a few vector instructions for 32 permutations. Nothing grows with the number of pairs.

use std::sync::atomic::{AtomicUsize, Ordering};

use pulp::Arch;

use super::event::{Closed, Event, Metric, Rules};
use crate::draw::Draw;

/// Table of one permutation: pairs by band of space and band of time.
pub(crate) type Table = Vec<Vec<u64>>;

/// What is counted.
pub(crate) struct Plan {
    x: Vec<f64>,
    y: Vec<f64>,
    days: Vec<f64>,
    cells: Vec<(i64, i64)>,
    rules: Rules,
    /// Breaks of space that divide what is counted pair by pair; infinity is not among them.
    space: Vec<f64>,
    /// First band of space is of no interest, and only counted for the rest.
    hidden: bool,
    /// Last band of space is the rest.
    rest: bool,
    /// Lowest break of space.
    lowest: f64,
    /// Pairs below each break of time are counted: days apart < this.
    limits: Vec<f64>,
}

/// Cells of the grid in a reach: smaller cells hold fewer pairs that are too far apart.
const FINE: i64 = 2;

impl Plan {
    /// `None` where 32 bits cannot number the events, or the places are too far apart to be numbered in reaches.
    pub(crate) fn new(events: &[Event], space: &[f64], time: &[f64], rules: Rules) -> Option<Self> {
        u32::try_from(events.len()).ok()?;
        let narrow = |v: f64| if rules.single_precision { f64::from(v as f32) } else { v };
        let rest = space.last() == Some(&f64::INFINITY);
        let mut breaks: Vec<f64> = space.iter().copied().filter(|b| b.is_finite()).collect();
        let reach = breaks.last().copied().unwrap_or(0.0);
        // What lies below the first band has a band that nobody sees.
        let hidden = match rules.space {
            Closed::Left => breaks[0] > 0.0,
            Closed::Right => true,
            Closed::RightAndLowest => breaks[0] > 0.0,
        };
        if hidden {
            breaks.insert(0, f64::NEG_INFINITY);
        }
        let mut plan = Self {
            x: Vec::new(),
            y: Vec::new(),
            days: Vec::new(),
            cells: Vec::new(),
            rules,
            space: breaks,
            hidden,
            rest,
            lowest: space[0],
            limits: Vec::new(),
        };
        // A hair more than half the reach, so that two cells hold a reach however the division rounds.
        let side = if reach > 0.0 { reach / FINE as f64 * (1.0 + 1e-6) } else { 1.0 };
        let west = events.iter().map(|e| narrow(e.x)).fold(f64::INFINITY, f64::min);
        let south = events.iter().map(|e| narrow(e.y)).fold(f64::INFINITY, f64::min);
        let mut order = Vec::with_capacity(events.len());
        for (i, event) in events.iter().enumerate() {
            let (x, y) = (narrow(event.x), narrow(event.y));
            let (column, row) = (((x - west) / side).floor(), ((y - south) / side).floor());
            if !(column < 1e9 && row < 1e9) {
                return None;
            }
            order.push(((row as i64, column as i64), i, x, y));
        }
        order.sort_unstable_by_key(|(cell, i, _, _)| (*cell, *i));
        plan.cells = order.iter().map(|o| o.0).collect();
        plan.x = order.iter().map(|o| o.2).collect();
        plan.y = order.iter().map(|o| o.3).collect();
        plan.days = order.iter().map(|o| events[o.1].day).collect();
        plan.limits = time.iter().enumerate().map(|(k, b)| below(*b, k, rules.time)).collect();
        Some(plan)
    }

    /// Bands of space that are counted pair by pair, the hidden one and the same place included.
    fn bands(&self) -> usize {
        self.space.len() - 1 + usize::from(self.rules.same_place)
    }

    /// The band of a distance; `None` beyond the reach.
    fn band(&self, distance: f64) -> Option<usize> {
        let same = usize::from(self.rules.same_place);
        if self.rules.same_place && distance == 0.0 {
            return Some(0);
        }
        // Breaks are few; the first is below every distance.
        let passed = |b: &&f64| match self.rules.space {
            Closed::Left => distance >= **b,
            Closed::RightAndLowest if **b == self.lowest => distance >= **b,
            Closed::Right | Closed::RightAndLowest => distance > **b,
        };
        let above = self.space[1..].iter().take_while(passed).count();
        (above < self.space.len() - 1).then_some(same + above)
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let (dx, dy) = ((self.x[a] - self.x[b]).abs(), (self.y[a] - self.y[b]).abs());
        match self.rules.metric {
            Metric::Manhattan => dx + dy,
            Metric::Euclidean => (dx * dx + dy * dy).sqrt(),
        }
    }

    /// Pairs of the event at position `a` with events at later positions, into the lists of their bands.
    fn pairs_of(&self, a: usize, found: &mut [Vec<[u32; 2]>]) {
        let (row, column) = self.cells[a];
        for down in 0..=FINE {
            let from =
                if down == 0 { a + 1 } else { self.cells.partition_point(|cell| *cell < (row + down, column - FINE)) };
            // Cells of the same row and to the left were met before.
            let last = (row + down, column + FINE);
            for b in from..self.cells.len() {
                if self.cells[b] > last {
                    break;
                }
                if let Some(band) = self.band(self.distance(a, b)) {
                    found[band].push([a as u32, b as u32]);
                }
            }
        }
    }

    /// From pairs below each break of time to pairs in each band, and the bands that follow from totals.
    pub(crate) fn finish(&self, tables: Vec<Vec<Vec<u64>>>) -> Vec<Table> {
        let totals = self.rest.then(|| differences(&self.time_totals()));
        let finish = |cumulative: Vec<Vec<u64>>| {
            let mut table: Table = cumulative.iter().map(|row| differences(row)).collect();
            if let Some(totals) = &totals {
                let near = |j: usize| table.iter().map(|row| row[j]).sum::<u64>();
                let rest: Vec<u64> = totals.iter().enumerate().map(|(j, all)| all - near(j)).collect();
                table.push(rest);
            }
            if self.hidden {
                table.remove(usize::from(self.rules.same_place));
            }
            table
        };
        tables.into_iter().map(finish).collect()
    }

    /// Of all pairs, near or far, how many are below each break of time. No permutation changes that.
    fn time_totals(&self) -> Vec<u64> {
        let mut days = self.days.clone();
        days.sort_unstable_by(f64::total_cmp);
        let below = |limit: &f64| {
            let mut first = 0;
            let mut pairs = 0;
            for (i, day) in days.iter().enumerate() {
                while first < i && day - days[first] >= *limit {
                    first += 1;
                }
                pairs += (i - first) as u64;
            }
            pairs
        };
        self.limits.iter().map(below).collect()
    }
}

/// The number that days apart must be below to count as not past the break `b`, which is the `k`th.
fn below(b: f64, k: usize, closed: Closed) -> f64 {
    match closed {
        Closed::Left => b,
        Closed::RightAndLowest if k == 0 => b,
        Closed::Right | Closed::RightAndLowest => b.next_up(),
    }
}

fn differences(cumulative: &[u64]) -> Vec<u64> {
    cumulative.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// A time of which several stand side by side.
trait Time: Copy + Send + Sync {
    fn nearer(self, other: Self, limit: Self) -> u16;
}

impl Time for u16 {
    #[inline(always)]
    fn nearer(self, other: Self, limit: Self) -> u16 {
        u16::from(self.abs_diff(other) < limit)
    }
}

impl Time for f64 {
    #[inline(always)]
    fn nearer(self, other: Self, limit: Self) -> u16 {
        u16::from((self - other).abs() < limit)
    }
}

/// Counts of the observed days (first table) and of the permutations: by band of space, pairs below each break of time.
pub(crate) fn count(plan: &Plan, permutations: usize, seed: u64, threads: usize) -> Vec<Vec<Vec<u64>>> {
    let first = plan.days.iter().copied().fold(f64::INFINITY, f64::min);
    let last = plan.days.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let tables = permutations + 1;
    // Whole days from the first on, whose differences are whole too.
    if plan.days.iter().all(|day| day.fract() == 0.0 && day.abs() < 1e15) && last - first < 65_000.0 {
        let days: Vec<u16> = plan.days.iter().map(|day| (day - first) as u16).collect();
        rounds::<u16, 32>(plan, &days, last - first, |limit| limit.ceil() as u16, tables, seed, threads)
    } else {
        rounds::<f64, 8>(plan, &plan.days, last - first, |limit| limit, tables, seed, threads)
    }
}

/// Memory for permuted days, bytes.
const MEMORY: usize = 256 << 20;
/// Pairs that are found before they are compared; they fit the second cache.
const HEAP: usize = 1 << 15;
/// Events in a piece of work.
const PIECE: usize = 512;
/// Breaks that are compared at once.
const BREAKS: usize = 3;

fn rounds<T: Time, const L: usize>(
    plan: &Plan,
    days: &[T],
    span: f64,
    limit: impl Fn(f64) -> T,
    tables: usize,
    seed: u64,
    threads: usize,
) -> Vec<Vec<Vec<u64>>> {
    // No pair is below nought, all are below what is above the span: only the breaks between need counting.
    let limits: Vec<T> = plan.limits.iter().filter(|l| **l > 0.0 && **l <= span).map(|l| limit(*l)).collect();
    let limits = &limits[..];
    let empty = vec![vec![[0u64; L]; limits.len()]; plan.bands()];
    let batch = days.len() * L * size_of::<T>();
    let batches = tables.div_ceil(L);
    let at_once = (MEMORY / batch).clamp(1, batches);
    let mut done = Vec::with_capacity(tables);
    for from in (0..batches).step_by(at_once) {
        let to = (from + at_once).min(batches);
        let lanes = in_parallel(to - from, threads, |i| deal::<T, L>(days, from + i, seed));
        let parts = in_parallel(days.len().div_ceil(PIECE), threads, |piece| {
            let mut sums = vec![empty.clone(); lanes.len()];
            let mut all = vec![0u64; plan.bands()];
            let mut found = vec![Vec::new(); plan.bands()];
            for a in piece * PIECE..((piece + 1) * PIECE).min(days.len()) {
                plan.pairs_of(a, &mut found);
                if found.iter().map(Vec::len).sum::<usize>() > HEAP {
                    compare(&mut found, &lanes, limits, &mut sums, &mut all);
                }
            }
            compare(&mut found, &lanes, limits, &mut sums, &mut all);
            (sums, all)
        });
        let mut sums = vec![empty.clone(); lanes.len()];
        let mut all = vec![0u64; plan.bands()];
        for (part, pairs) in parts {
            all.iter_mut().zip(pairs).for_each(|(all, pairs)| *all += pairs);
            for (sum, part) in sums.iter_mut().flatten().flatten().zip(part.iter().flatten().flatten()) {
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        }
        for lane in 0..(to - from) * L {
            if done.len() < tables {
                let row = |(counts, all): (&Vec<[u64; L]>, &u64)| {
                    let mut counts = counts.iter().map(|c| c[lane % L]);
                    let count = |l: &f64| match *l {
                        l if l <= 0.0 => 0,
                        l if l > span => *all,
                        _ => counts.next().unwrap_or(0),
                    };
                    plan.limits.iter().map(count).collect()
                };
                done.push(sums[lane / L].iter().zip(&all).map(row).collect());
            }
        }
    }
    done
}

/// The days of each event under the permutations `batch × L` and following; permutation 0 is what was observed.
fn deal<T: Time, const L: usize>(days: &[T], batch: usize, seed: u64) -> Vec<[T; L]> {
    let mut lanes: Vec<[T; L]> = days.iter().map(|day| [*day; L]).collect();
    for lane in 0..L {
        let permutation = batch * L + lane;
        if permutation > 0 {
            let mut dealt = days.to_vec();
            Draw::new(seed, permutation as u64).shuffle(&mut dealt);
            for (event, day) in lanes.iter_mut().zip(dealt) {
                event[lane] = day;
            }
        }
    }
    lanes
}

/// Compares the pairs that were found under all permutations, and forgets them.
fn compare<T: Time, const L: usize>(
    found: &mut [Vec<[u32; 2]>],
    lanes: &[Vec<[T; L]>],
    limits: &[T],
    sums: &mut [Vec<Vec<[u64; L]>>],
    all: &mut [u64],
) {
    let arch = Arch::new();
    for (batch, sums) in lanes.iter().zip(sums) {
        for (pairs, sums) in found.iter().zip(sums) {
            for (limits, sums) in limits.chunks(BREAKS).zip(sums.chunks_mut(BREAKS)) {
                // Counts of 16 bits are emptied before they are full.
                for pairs in pairs.chunks(usize::from(u16::MAX)) {
                    match limits {
                        [a] => arch.dispatch(|| below_limits(pairs, batch, [*a], sums)),
                        [a, b] => arch.dispatch(|| below_limits(pairs, batch, [*a, *b], sums)),
                        [a, b, c] => arch.dispatch(|| below_limits(pairs, batch, [*a, *b, *c], sums)),
                        _ => {}
                    }
                }
            }
        }
    }
    for (pairs, all) in found.iter_mut().zip(all) {
        *all += pairs.len() as u64;
        pairs.clear();
    }
}

#[inline(always)]
fn below_limits<T: Time, const L: usize, const K: usize>(
    pairs: &[[u32; 2]],
    lanes: &[[T; L]],
    limits: [T; K],
    sums: &mut [[u64; L]],
) {
    let mut counts = [[0u16; L]; K];
    for [a, b] in pairs {
        let (a, b) = (&lanes[*a as usize], &lanes[*b as usize]);
        for k in 0..K {
            for l in 0..L {
                counts[k][l] += a[l].nearer(b[l], limits[k]);
            }
        }
    }
    for (sums, counts) in sums.iter_mut().zip(counts) {
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(count));
    }
}

/// The results of `work` for 0..count, in order, by several threads.
fn in_parallel<R: Send>(count: usize, threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return done;
            }
            done.push((i, work(i)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.clamp(1, count.max(1))).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
        }
        done
    });
    done.sort_unstable_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

//! The cheap first stage of protection for large systems: equation by equation, with an eye on what follows.
//!
//! A protection interval that interval arithmetic breaks is broken in one of its equations: the other numbers of it cannot
//! move far enough. The cheapest number that lets them is hidden, reckoning what hiding it will ask of its own
//! other equations; then those are seen to in the same way, until the circle closes. What is left (circles
//! that only all equations together show) is for the linear programmes.

use crate::bounds::{Ranges, propagate};
use crate::system::{Links, MARGIN, ProtectionInterval, Side, State, System};

/// How far one number may drag others after it.
const DEPTH: u32 = 12;
/// Passes over all protection intervals.
const PASSES: u32 = 10;

struct Greedy<'a> {
    system: &'a mut System,
    links: &'a Links,
    ranges: Ranges,
    /// Of each equation, how many numbers can move at all.
    loose: Vec<u32>,
    /// Of each equation, the two cheapest that could be hidden: (cost, number).
    cheapest: Vec<[(f64, usize); 2]>,
    hidden: usize,
}

/// Hides until interval arithmetic breaks no protection, as far as that can be done. How many were hidden.
///
/// # Errors
/// The index of an equation at which what is published contradicts itself.
pub(crate) fn cover(system: &mut System, links: &Links) -> Result<usize, usize> {
    let mut all = 0;
    for _ in 0..PASSES {
        let mut ranges = Ranges::published(system);
        propagate(system, links, &mut ranges)?;
        let mut stage = Greedy { system, links, ranges, loose: Vec::new(), cheapest: Vec::new(), hidden: 0 };
        stage.count();
        stage.pass();
        all += stage.hidden;
        if stage.hidden == 0 {
            break;
        }
    }
    Ok(all)
}

impl Greedy<'_> {
    fn truth(&self, i: usize) -> f64 {
        self.system.numbers[i].value.unwrap_or(0.0)
    }

    fn count(&mut self) {
        for equation in &self.system.equations {
            let mut two = [(f64::INFINITY, usize::MAX); 2];
            let mut loose = 0;
            for &(i, _) in &equation.terms {
                loose += u32::from(self.ranges.hi[i] - self.ranges.lo[i] > MARGIN);
                let n = &self.system.numbers[i];
                if n.hideable() && n.cost < two[1].0 {
                    two[1] = (n.cost, i);
                    if two[1].0 < two[0].0 {
                        two.swap(0, 1);
                    }
                }
            }
            self.loose.push(loose);
            self.cheapest.push(two);
        }
    }

    fn pass(&mut self) {
        for i in 0..self.system.numbers.len() {
            let n = &self.system.numbers[i];
            let (lo, hi) = self.ranges.of(i);
            if n.state == State::Shown || !n.protection.broken_by(lo, hi) {
                continue;
            }
            let Some((low, high)) = n.protection.ends() else { continue };
            let (down, up) = (self.truth(i) - low, high - self.truth(i));
            let either = matches!(n.protection, ProtectionInterval::EitherSide { .. });
            if lo > low + MARGIN && !(either && up < down) {
                self.room(i, Side::Low, down, None, 0);
            }
            if hi < high - MARGIN && !(either && down <= up) {
                self.room(i, Side::High, up, None, 0);
            }
        }
    }

    /// How far a number can go one way from its truth.
    fn free(&self, i: usize, end: Side) -> f64 {
        let away = if end == Side::Low { self.truth(i) - self.ranges.lo[i] } else { self.ranges.hi[i] - self.truth(i) };
        away.max(0.0)
    }

    /// Sees to it that number `i` can go `amount` one way, as far as each of its equations (but `from`) goes.
    fn room(&mut self, i: usize, end: Side, amount: f64, from: Option<usize>, depth: u32) {
        for at in 0..self.links[i].len() {
            let (e, own) = self.links[i][at];
            if Some(e) == from {
                continue;
            }
            let terms = &self.system.equations[e].terms;
            // The others must move against i: the way of each follows from the signs.
            let way = |c: f64| if ((own > 0.0) == (c > 0.0)) == (end == Side::High) { Side::Low } else { Side::High };
            let need = own.abs() * amount;
            let mut have = 0.0;
            for &(j, c) in terms {
                if j != i {
                    have += c.abs() * self.free(j, way(c));
                }
                if have >= need - MARGIN {
                    break;
                }
            }
            while have < need - MARGIN {
                let mut best: Option<(f64, usize, f64)> = None;
                for &(j, c) in &self.system.equations[e].terms {
                    let n = &self.system.numbers[j];
                    if j == i || !n.hideable() || (way(c) == Side::Low && self.truth(j) - n.assumed.0 < MARGIN) {
                        continue;
                    }
                    let score = self.score(j, e);
                    if best.is_none_or(|b| score < b.0) {
                        best = Some((score, j, c));
                    }
                }
                let Some((score, j, c)) = best else { break };
                if score.is_infinite() {
                    break;
                }
                have -= c.abs() * self.free(j, way(c));
                self.hide(j);
                have += c.abs() * self.free(j, way(c));
                if depth < DEPTH {
                    let share = (need / c.abs()).min(self.free(j, way(c)));
                    self.room(j, way(c), share, Some(e), depth + 1);
                }
            }
        }
    }

    /// What hiding `j` for equation `e` costs, with what its other equations will ask in turn.
    fn score(&self, j: usize, e: usize) -> f64 {
        let own = u32::from(self.ranges.hi[j] - self.ranges.lo[j] > MARGIN);
        let mut score = self.system.numbers[j].cost;
        for &(other, _) in &self.links[j] {
            if other != e && self.loose[other] <= own {
                let [first, second] = self.cheapest[other];
                score += if first.1 == j { second.0 } else { first.0 };
            }
        }
        score
    }

    fn hide(&mut self, j: usize) {
        if self.ranges.hi[j] - self.ranges.lo[j] <= MARGIN {
            for &(e, _) in &self.links[j] {
                self.loose[e] += 1;
            }
        }
        self.system.numbers[j].state = State::Hidden;
        (self.ranges.lo[j], self.ranges.hi[j]) = self.system.numbers[j].assumed;
        self.hidden += 1;
    }
}

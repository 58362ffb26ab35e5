//! Witnesses without a programme: a number moves, and in each of its equations one other number takes up what it gave,
//! until the circle closes.
//!
//! In a table with margins that is the corner of a rectangle: what one cell gains its row and its column must give, and
//! the cell where those meet gets it back. Most numbers have such a circle. What is found is checked like any other
//! witness; where none is found within a few steps a linear programme is asked.

use crate::bounds::Ranges;
use crate::system::{Links, MARGIN, System};

/// An assignment that fits, as its differences from one that is known: (number, value), by number.
pub(crate) type Witness = Vec<(usize, f64)>;

/// Numbers that are tried for one equation.
const CHOICES: usize = 6;
/// Longest circle.
const LONGEST: usize = 10;
/// An equation that is off by less is closed.
const CLOSED: f64 = 1e-9;

/// A circle while it is made; it keeps its tallies between calls so that a search costs what it visits.
#[derive(Debug)]
pub(crate) struct Chain {
    /// By how much each equation is off.
    off: Vec<f64>,
    /// Equations that were touched.
    touched: Vec<usize>,
    moved: Witness,
    /// Numbers that may still be tried.
    left: usize,
}

/// What a circle may use.
pub(crate) struct Ground<'a> {
    pub system: &'a System,
    pub links: &'a Links,
    pub ranges: &'a Ranges,
    pub base: &'a [f64],
}

impl Ground<'_> {
    /// Whether a number can go to a value.
    fn allows(&self, i: usize, x: f64) -> bool {
        let (lo, hi) = self.system.numbers[i].interval();
        x >= lo.max(self.ranges.lo[i]) && x <= hi.min(self.ranges.hi[i])
    }
}

impl Chain {
    pub fn new(system: &System) -> Self {
        Self { off: vec![0.0; system.equations.len()], touched: Vec::new(), moved: Witness::new(), left: 0 }
    }

    /// A circle in which `number` moves to `target`, by number; `None` where none is found in so many tries.
    pub fn find(&mut self, ground: &Ground<'_>, number: usize, target: f64, tries: usize) -> Option<Witness> {
        self.left = tries;
        let found = ground.allows(number, target) && {
            self.step(ground, number, target - ground.base[number]);
            self.close(ground)
        };
        for e in self.touched.drain(..) {
            self.off[e] = 0.0;
        }
        let mut moved = std::mem::take(&mut self.moved);
        moved.iter_mut().for_each(|(i, by)| *by += ground.base[*i]);
        moved.sort_unstable_by_key(|m| m.0);
        found.then_some(moved)
    }

    fn step(&mut self, ground: &Ground<'_>, number: usize, by: f64) {
        self.moved.push((number, by));
        for &(e, c) in &ground.links[number] {
            self.off[e] += c * by;
            self.touched.push(e);
        }
    }

    fn back(&mut self, ground: &Ground<'_>) {
        let Some((number, by)) = self.moved.pop() else { return };
        for &(e, c) in &ground.links[number] {
            self.off[e] -= c * by;
            self.touched.pop();
        }
    }

    /// Closes the equation that was opened first, and with it all others.
    fn close(&mut self, ground: &Ground<'_>) -> bool {
        let Some(e) = self.touched.iter().copied().find(|&e| self.off[e].abs() > CLOSED) else { return true };
        if self.moved.len() >= LONGEST {
            return false;
        }
        let mut best: Vec<(i32, usize, f64)> = Vec::with_capacity(CHOICES + 1);
        for &(i, c) in &ground.system.equations[e].terms {
            let by = -self.off[e] / c;
            if ground.ranges.hi[i] - ground.ranges.lo[i] <= MARGIN
                || !ground.allows(i, ground.base[i] + by)
                || self.moved.iter().any(|m| m.0 == i)
            {
                continue;
            }
            // How many equations it opens, less those that it closes.
            let opens = |&(other, c): &(usize, f64)| match self.off[other].abs() > CLOSED {
                false => 1,
                true if (self.off[other] + c * by).abs() <= CLOSED => -1,
                true => 0,
            };
            let score: i32 = ground.links[i].iter().map(opens).sum();
            if best.len() == CHOICES && best.last().is_some_and(|worst| worst.0 <= score) {
                continue;
            }
            let at = best.partition_point(|b| b.0 <= score);
            best.insert(at, (score, i, by));
            best.truncate(CHOICES);
        }
        for (_, i, by) in best {
            let Some(left) = self.left.checked_sub(1) else { return false };
            self.left = left;
            self.step(ground, i, by);
            if self.close(ground) {
                return true;
            }
            self.back(ground);
        }
        false
    }
}

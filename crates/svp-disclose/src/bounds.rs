//! Verdict by interval arithmetic: what a reader learns by looking at one equation at a time, again and again.
//!
//! Sound: every bound here is true of every assignment that fits what was published. Not complete: only a
//! linear programme over all equations together gives the tightest bounds (see `attack`).

use crate::system::{Links, MARGIN, ProtectionInterval, State, System, SystemError};

/// How often one equation is looked at. Verdict that creep towards a limit are left where they are then.
const LOOKS: u32 = 40;

/// The bounds of every number, by index.
#[derive(Debug, Clone)]
pub(crate) struct Ranges {
    /// Lower bounds.
    pub lo: Vec<f64>,
    /// Upper bounds.
    pub hi: Vec<f64>,
}

impl Ranges {
    /// What each number's interval alone says.
    pub fn published(system: &System) -> Self {
        let (lo, hi) = system.numbers.iter().map(crate::system::Number::interval).unzip();
        Self { lo, hi }
    }

    /// The bounds of one number.
    pub fn of(&self, number: usize) -> (f64, f64) {
        (self.lo[number], self.hi[number])
    }
}

/// A sum of bounds of which some are infinite: the finite part and how many are not.
#[derive(Clone, Copy, Default)]
struct Sum {
    finite: f64,
    infinite: u32,
}

impl Sum {
    fn add(&mut self, x: f64) {
        if x.is_finite() { self.finite += x } else { self.infinite += 1 }
    }

    /// The sum without one of its parts; `None` when it is infinite.
    fn without(&self, x: f64) -> Option<f64> {
        match (self.infinite, x.is_finite()) {
            (0, true) => Some(self.finite - x),
            (1, false) => Some(self.finite),
            _ => None,
        }
    }
}

/// Lowest and highest of `coefficient · [lo, hi]`.
fn scaled(coefficient: f64, (lo, hi): (f64, f64)) -> (f64, f64) {
    if coefficient > 0.0 { (coefficient * lo, coefficient * hi) } else { (coefficient * hi, coefficient * lo) }
}

/// Tightens `ranges` until no equation says more, or each was looked at [`LOOKS`] times.
///
/// # Errors
/// The index of an equation at which a lower bound passes an upper one: what is published contradicts itself.
pub(crate) fn propagate(system: &System, links: &Links, ranges: &mut Ranges) -> Result<(), usize> {
    let mut looks = vec![0_u32; system.equations.len()];
    let mut queued = vec![true; system.equations.len()];
    let mut queue: std::collections::VecDeque<usize> = (0..system.equations.len()).collect();
    while let Some(e) = queue.pop_front() {
        queued[e] = false;
        looks[e] += 1;
        let terms = &system.equations[e].terms;
        let (mut low, mut high) = (Sum::default(), Sum::default());
        for &(i, c) in terms {
            let (l, h) = scaled(c, ranges.of(i));
            low.add(l);
            high.add(h);
        }
        if low.infinite == 0 && low.finite > MARGIN || high.infinite == 0 && high.finite < -MARGIN {
            return Err(e);
        }
        if low.infinite > 1 && high.infinite > 1 {
            continue;
        }
        for &(i, c) in terms {
            // c·x = -(the others), so it lies between -(highest others) and -(lowest others).
            let (l, h) = scaled(c, ranges.of(i));
            let (mut lo, mut hi) = (f64::NEG_INFINITY, f64::INFINITY);
            let others = (low.without(l).map(|s| -s / c), high.without(h).map(|s| -s / c));
            let (from_low, from_high) = if c > 0.0 { (&mut hi, &mut lo) } else { (&mut lo, &mut hi) };
            others.0.into_iter().for_each(|x| *from_low = x);
            others.1.into_iter().for_each(|x| *from_high = x);
            let before = ranges.of(i);
            let better = |new: f64, old: f64| !old.is_finite() || (new - old) > 1e-7 * (1.0 + old.abs());
            let mut changed = false;
            if lo.is_finite() && lo > before.0 && better(lo, before.0) {
                ranges.lo[i] = lo;
                changed = true;
            }
            if hi.is_finite() && hi < before.1 && better(-hi, -before.1) {
                ranges.hi[i] = hi;
                changed = true;
            }
            if ranges.lo[i] > ranges.hi[i] {
                if ranges.lo[i] > ranges.hi[i] + MARGIN {
                    return Err(e);
                }
                // The two met but for rounding.
                let middle = f64::midpoint(ranges.lo[i], ranges.hi[i]);
                (ranges.lo[i], ranges.hi[i]) = (middle, middle);
            }
            if changed {
                for &(next, _) in &links[i] {
                    if next != e && !queued[next] && looks[next] < LOOKS {
                        queued[next] = true;
                        queue.push_back(next);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Raises the ends of `Cover` protection intervals to what the shown zeros alone give away.
///
/// Zeros are always shown and the mark means one at the least, so a total over three cells that are not zero
/// is three at the least, whatever else is hidden: no suppression keeps that. Everything above it is kept.
/// [`crate::attack::attack`] and [`crate::protect::protect`] work on these protection intervals.
///
/// # Errors
/// When what is published contradicts itself.
pub fn raise_intervals(system: &mut System) -> Result<(), SystemError> {
    let widest = |n: &crate::system::Number| match n.state {
        State::Shown if n.published.1 < n.assumed.0 => n.published,
        State::Shown => (n.published.0.min(n.assumed.0), n.published.1.max(n.assumed.1)),
        State::Hidden | State::Latent => n.assumed,
    };
    let (lo, hi) = system.numbers.iter().map(widest).unzip();
    let mut least = Ranges { lo, hi };
    propagate(system, &system.links(), &mut least).map_err(|equation| SystemError::Contradiction { equation })?;
    for (n, floor) in system.numbers.iter_mut().zip(least.lo) {
        if let ProtectionInterval::BothSides { lower: lo, upper: hi } = &mut n.protection {
            (*lo, *hi) = (lo.max(floor), hi.max(floor));
        }
    }
    Ok(())
}

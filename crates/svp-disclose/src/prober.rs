//! Witnesses: assignments that fit all that was published, and the search for them around one that is known.
//!
//! A witness is the proof that a number is safe. It is found by a small linear programme over a neighbourhood and checked against
//! intervals and equations before it counts.

use crate::bounds::Ranges;
use crate::chain::{Chain, Ground, Witness};
use crate::effort::Effort;
use crate::lp::{Program, Solved};
use crate::neighbourhood::Neighbourhoods;
use crate::system::{Links, MARGIN, ProtectionInterval, Side, State, System, holds_to, inside};

/// The witnesses found so far, and which of them serves each end of each number's protection interval.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    pub witnesses: Vec<Witness>,
    /// By number: the witness for the low end and the one for the high end.
    pub serves: Vec<[Option<usize>; 2]>,
}

impl Proofs {
    pub fn new(system: &System) -> Self {
        Self { witnesses: Vec::new(), serves: vec![[None; 2]; system.numbers.len()] }
    }

    /// Keeps a checked witness and credits it to every end that it reaches and that has none.
    pub fn harvest(&mut self, system: &System, witness: Witness) {
        let id = self.witnesses.len();
        let mut useful = false;
        for &(i, x) in &witness {
            let n = &system.numbers[i];
            let Some((low, high)) = open_ends(n.state, n.protection) else { continue };
            let [serves_low, serves_high] = &mut self.serves[i];
            if serves_low.is_none() && x <= low + MARGIN {
                *serves_low = Some(id);
                useful = true;
            }
            if serves_high.is_none() && x >= high - MARGIN {
                *serves_high = Some(id);
                useful = true;
            }
        }
        if useful {
            self.witnesses.push(witness);
        }
    }
}

/// The ends that a number must be able to reach; `None` where it is shown or nothing is to be kept.
pub(crate) fn open_ends(state: State, protection: ProtectionInterval) -> Option<(f64, f64)> {
    if state == State::Shown { None } else { protection.ends() }
}

/// A number's end as a pair: where it is in [`Proofs::serves`], and how to compare.
pub(crate) fn slot(end: Side) -> usize {
    usize::from(end == Side::High)
}

/// Rows of programmes, made from the side of the numbers: a long equation costs no more than the few of its numbers that move.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Of each equation its row while rows are made; else none.
    row: Vec<Option<u32>>,
}

impl Rows {
    pub fn new(system: &System) -> Self {
        Self { row: vec![None; system.equations.len()] }
    }

    /// Of each of `equations` the terms that are about `members`: (position among the members, coefficient), by number.
    pub fn of(&mut self, links: &Links, members: &[usize], equations: &[usize]) -> Vec<Vec<(usize, f64)>> {
        let mut out = vec![Vec::new(); equations.len()];
        for (row, &e) in equations.iter().enumerate() {
            self.row[e] = Some(row as u32);
        }
        let mut by_number: Vec<(usize, usize)> = members.iter().enumerate().map(|(at, &i)| (i, at)).collect();
        by_number.sort_unstable();
        for (i, at) in by_number {
            for &(e, c) in &links[i] {
                if let Some(row) = self.row[e] {
                    out[row as usize].push((at, c));
                }
            }
        }
        for &e in equations {
            self.row[e] = None;
        }
        out
    }
}

/// Looks for witnesses around one known assignment.
pub(crate) struct Prober<'a> {
    pub links: &'a Links,
    /// Bounds that are true of every assignment; at least the published intervals.
    pub ranges: Ranges,
    /// An assignment that fits.
    base: Vec<f64>,
    /// Of each equation the sum of its terms at the base, and their size.
    sums: Vec<(f64, f64)>,
    /// What a witness changes in those, while it is checked.
    changes: Vec<(f64, f64)>,
    pub walk: Neighbourhoods,
    pub rows: Rows,
    chain: Chain,
    /// Programmes solved.
    pub solved: usize,
    /// Numbers in the large ones among them.
    spent: usize,
}

/// From this many numbers a programme is large: what may be spent on those is bounded.
const LARGE: usize = 500;

impl<'a> Prober<'a> {
    /// Around an assignment.
    pub fn new(system: &System, links: &'a Links, ranges: Ranges, base: Vec<f64>) -> Self {
        let sums: Vec<(f64, f64)> = system.equations.iter().map(|e| crate::system::residual(e, |i| base[i])).collect();
        let (walk, rows, chain) = (Neighbourhoods::new(system), Rows::new(system), Chain::new(system));
        Self {
            links,
            ranges,
            base,
            changes: vec![(0.0, 0.0); sums.len()],
            sums,
            walk,
            rows,
            chain,
            solved: 0,
            spent: 0,
        }
    }

    /// Around the truth, with what is published as bounds.
    pub fn at_truth(system: &System, links: &'a Links) -> Self {
        let base = system.numbers.iter().map(|n| n.value.unwrap_or(0.0)).collect();
        Self::new(system, links, Ranges::published(system), base)
    }

    fn width(&self, i: usize) -> f64 {
        self.ranges.hi[i] - self.ranges.lo[i]
    }

    /// Whether a programme of so many numbers may still be solved, which is noted. What is not solved proves nothing: the number
    /// counts as broken, as where no witness is found.
    pub fn affords(&mut self, numbers: usize, effort: &Effort) -> bool {
        if numbers < LARGE {
            return true;
        }
        let afforded = self.spent < effort.large;
        self.spent += if afforded { numbers } else { 0 };
        afforded
    }

    /// What a number is in the assignment that is known.
    pub fn at(&self, i: usize) -> f64 {
        self.base[i]
    }

    /// Whether `witness` with the base elsewhere fits every interval and every equation.
    pub fn fits(&mut self, system: &System, witness: &Witness) -> bool {
        if !witness.iter().all(|&(i, x)| inside(x, system.numbers[i].interval())) {
            return false;
        }
        for &(i, x) in witness {
            let base = self.base[i];
            for &(e, c) in &self.links[i] {
                self.changes[e].0 += c * x - c * base;
                self.changes[e].1 += (c * x).abs() - (c * base).abs();
            }
        }
        let mut fits = true;
        for &(i, _) in witness {
            for &(e, _) in &self.links[i] {
                // Once it was looked at there is nothing left of it: another number of the same equation finds the base, which fits.
                let (sum, size) = std::mem::take(&mut self.changes[e]);
                fits &= holds_to(self.sums[e].0 + sum, self.sums[e].1 + size);
            }
        }
        fits
    }

    /// Moves `members` so that the first is as low (or high) as its end asks. `extra` says of the others which
    /// way they had better move as well, for the harvest. The witness found fits; the flag says that it reaches.
    pub fn push(
        &mut self,
        system: &System,
        members: &[usize],
        equations: &[usize],
        (end, target): (Side, f64),
        extra: impl Fn(usize) -> f64,
    ) -> (Option<Witness>, bool, Solved) {
        let seed = members[0];
        let sign = if end == Side::Low { 1.0 } else { -1.0 };
        let mut program = Program::default();
        for &i in members {
            let (lo, hi) = system.numbers[i].interval();
            let base = self.base[i];
            let (mut lo, mut hi) =
                ((lo.max(self.ranges.lo[i]) - base).min(0.0), (hi.min(self.ranges.hi[i]) - base).max(0.0));
            let mut cost = extra(i);
            if i == seed {
                // No further than the end: a number without a limit would make the programme unbounded.
                if end == Side::Low {
                    lo = lo.max(target - base).min(0.0)
                } else {
                    hi = hi.min(target - base).max(0.0)
                }
                cost = sign;
            } else if cost != 0.0 {
                let far = (target - self.base[seed]).abs() + 1.0;
                if lo.is_infinite() {
                    lo = -8.0 * far
                }
                if hi.is_infinite() {
                    hi = 8.0 * far
                }
            }
            program.column(cost, lo, hi);
        }
        for row in self.rows.of(self.links, members, equations) {
            program.row(row);
        }
        self.solved += 1;
        let outcome = program.minimise();
        let Solved::Best(moves) = &outcome else { return (None, false, outcome) };
        let mut witness: Witness = members
            .iter()
            .zip(moves)
            .filter(|(_, moved)| moved.abs() > 1e-9)
            .map(|(&i, moved)| (i, self.base[i] + moved))
            .collect();
        witness.sort_unstable_by_key(|w| w.0);
        if !self.fits(system, &witness) {
            return (None, false, outcome);
        }
        let reached = sign * (self.base[seed] + moves[0] - target) <= MARGIN;
        (Some(witness), reached, outcome)
    }

    /// Whether an end of a number is reached already: by a witness, or in the assignment that is known.
    pub fn reached(&self, system: &System, number: usize, end: Side, proofs: &mut Proofs) -> bool {
        let Some((low, high)) = system.numbers[number].protection.ends() else { return true };
        let at = self.base[number];
        let there = if end == Side::Low { at <= low + MARGIN } else { at >= high - MARGIN };
        if there && proofs.serves[number][slot(end)].is_none() {
            proofs.harvest(system, vec![(number, at)]);
        }
        there || proofs.serves[number][slot(end)].is_some()
    }

    /// Tries growing neighbourhoods for one end of one number; harvests all that is found on the way.
    pub fn seek(
        &mut self,
        system: &System,
        number: usize,
        end: Side,
        (sizes, effort): (&[usize], &Effort),
        proofs: &mut Proofs,
    ) -> bool {
        let mut before = 0;
        self.reached(system, number, end, proofs)
            || self.circle(system, number, end, effort, proofs)
            || (0..sizes.len())
                .any(|stage| self.stage(system, number, end, (sizes, stage, effort), &mut before, proofs))
    }

    /// The same where one end is enough: each size is tried for both before the next.
    pub fn seek_either(
        &mut self,
        system: &System,
        number: usize,
        (sizes, effort): (&[usize], &Effort),
        proofs: &mut Proofs,
    ) -> [bool; 2] {
        let ends = [Side::Low, Side::High];
        let mut reached = ends.map(|end| self.reached(system, number, end, proofs));
        for end in ends {
            if reached == [false; 2] {
                reached[slot(end)] = self.circle(system, number, end, effort, proofs);
            }
        }
        let mut before = [0; 2];
        for stage in 0..sizes.len() {
            for end in ends {
                if reached == [false; 2] {
                    let before = &mut before[slot(end)];
                    reached[slot(end)] = self.stage(system, number, end, (sizes, stage, effort), before, proofs);
                }
            }
        }
        reached
    }

    /// Tries a circle for one end of one number.
    fn circle(&mut self, system: &System, number: usize, end: Side, effort: &Effort, proofs: &mut Proofs) -> bool {
        let Some((low, high)) = system.numbers[number].protection.ends() else { return true };
        let ground = Ground { system, links: self.links, ranges: &self.ranges, base: &self.base };
        let found = self.chain.find(&ground, number, if end == Side::Low { low } else { high }, effort.circle);
        let Some(witness) = found.filter(|witness| self.fits(system, witness)) else { return false };
        proofs.harvest(system, witness);
        true
    }

    /// One neighbourhood. `before` is how large the last one was.
    fn stage(
        &mut self,
        system: &System,
        number: usize,
        end: Side,
        (sizes, stage, effort): (&[usize], usize, &Effort),
        before: &mut usize,
        proofs: &mut Proofs,
    ) -> bool {
        let Some((low, high)) = system.numbers[number].protection.ends() else { return true };
        let (target, sign) = if end == Side::Low { (low, 1.0) } else { (high, -1.0) };
        let size = sizes[stage];
        let again = stage > 0 && sizes[stage - 1] == size;
        let fan = if again { 96 >> (2 * stage.saturating_sub(2)).min(6) } else { 4 << (2 * stage.min(10)) };
        let mut walk = std::mem::replace(&mut self.walk, Neighbourhoods::none());
        let found = walk.around(system, self.links, number, size, fan, |i| (self.width(i) > MARGIN).then_some(0.0));
        self.walk = walk;
        if found.0.len() <= *before && !again || !self.affords(found.0.len(), effort) {
            return false;
        }
        *before = found.0.len();
        let wanted = |i: usize| {
            let n = &system.numbers[i];
            let open = open_ends(n.state, n.protection).is_some() && proofs.serves[i][slot(end)].is_none();
            // A larger programme is dear: it had better serve many.
            let weight = if stage == 0 { 0.01 } else { 0.001 };
            if open { weight * sign } else { 0.0 }
        };
        let (witness, reached, _) = self.push(system, &found.0, &found.1, (end, target), wanted);
        if let Some(witness) = witness {
            proofs.harvest(system, witness);
        }
        reached
    }
}

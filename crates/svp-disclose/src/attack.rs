//! The attack: what can a reader learn of each number that is not shown?
//!
//! A leak is proved by bounds that hold for every assignment (interval arithmetic, or a linear programme over
//! everything that is tied to the number). Safety is proved by a *witness*: one assignment that fits all that
//! was published and in which the number reaches the end of its protection interval. Since one assignment that fits is known
//! (the truth, or one found first), all but a neighbourhood may stay as they are there: a small programme gives
//! a witness for the whole system. Every witness is checked against intervals and equations before it counts,
//! so that no fault of the solver can call a number safe. All of it holds for the relations that the model has.
//!
//! Numbers are reals here, as in the bureaus' attacks; whole counts could bound a little tighter in tables of
//! three and more dimensions.

use std::collections::BTreeMap;

use crate::bounds::{Ranges, propagate, raise_intervals};
use crate::lp::{Program, Solved};
use crate::neighbourhood::{Neighbourhoods, components};
use crate::system::{Canonical, MARGIN, ProtectionInterval, Side, State, System, SystemError, holds, inside};

/// How hard to try. More effort never makes a verdict less safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effort {
    /// Numbers in each neighbourhood that is tried, smallest first.
    pub neighbourhoods: Vec<usize>,
    /// The largest group of tied numbers for which one programme over the whole is solved.
    pub whole: usize,
    /// From this many numbers a greedy stage goes before the linear programmes of protection.
    pub greedy_from: usize,
    /// Programmes that may be spent on taking back what was hidden without need.
    pub take_back: usize,
    /// Rounds of attack and protection.
    pub rounds: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { neighbourhoods: vec![30, 200, 1500], whole: 20_000, greedy_from: 3_000, take_back: 20_000, rounds: 12 }
    }
}

/// How the verdict on a number was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A checked assignment reaches the ends of the protection: safe.
    Witness,
    /// Interval arithmetic bounds it too tightly: broken.
    Propagated,
    /// The programme over everything tied to it bounds it too tightly: broken.
    FullLp,
    /// No witness was found and the whole is too large for one programme: counts as broken.
    GaveUp,
}

/// What the reader knows of one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Index of the number.
    pub number: usize,
    /// Lower bound: exact where the proof is `FullLp`, else that of interval arithmetic (true, perhaps loose).
    pub lo: f64,
    /// Upper bound, likewise.
    pub hi: f64,
    /// The protection interval is not kept.
    pub broken: bool,
    /// Why.
    pub proof: Proof,
}

/// The attack's findings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attack {
    /// One for every number with a protection interval that is not shown, by index.
    pub bounds: Vec<Verdict>,
    /// Numbers whose protection interval is not kept, by index.
    pub broken: Vec<usize>,
    /// How many verdicts rest on each kind of proof.
    pub proofs: BTreeMap<Proof, usize>,
}

/// Attacks everything: one verdict for every number with a protection interval that is not shown.
///
/// ```
/// use svp_disclose::attack::{Effort, attack, attack_exact};
/// use svp_disclose::system::{Equation, Number, System};
///
/// // 3 is suppressed, 21 and 40 are shown, and so is their sum: a reader subtracts.
/// let numbers = vec![Number::suppressed(3.0, 8.0), Number::shown(21.0), Number::shown(40.0), Number::shown(64.0)];
/// let mut system = System { numbers, equations: vec![Equation::sum(3, &[0, 1, 2])] };
/// assert_eq!(attack(&system, &Effort::default())?.broken, [0]);
/// assert_eq!(attack_exact(&system, 0)?, (3.0, 3.0));
/// // Without the sum nothing follows.
/// system.equations.clear();
/// assert!(attack(&system, &Effort::default())?.broken.is_empty());
/// # Ok::<(), svp_disclose::system::SystemError>(())
/// ```
///
/// # Errors
/// When the system makes no sense, is untrue, or contradicts itself.
pub fn attack(system: &System, effort: &Effort) -> Result<Attack, SystemError> {
    system.validate()?;
    let mut canonical = Canonical::new(system);
    raise_intervals(&mut canonical.system).map_err(|e| canonical.back(e))?;
    let verdicts =
        run(&canonical.system, effort, &mut Proofs::new(&canonical.system)).map_err(|e| canonical.back(e))?;
    Ok(canonical.attack(verdicts))
}

impl Canonical {
    /// An error of this system with the caller's indices.
    pub(crate) fn back(&self, error: SystemError) -> SystemError {
        match error {
            SystemError::Contradiction { equation } => {
                SystemError::Contradiction { equation: self.equations[equation] }
            }
            other => other,
        }
    }

    /// Findings with the caller's indices.
    pub(crate) fn attack(&self, mut bounds: Vec<Verdict>) -> Attack {
        bounds.iter_mut().for_each(|b| b.number = self.numbers[b.number]);
        bounds.sort_by_key(|b| b.number);
        let broken = bounds.iter().filter(|b| b.broken).map(|b| b.number).collect();
        let mut proofs = BTreeMap::new();
        for b in &bounds {
            *proofs.entry(b.proof).or_insert(0) += 1;
        }
        Attack { bounds, broken, proofs }
    }
}

/// An assignment that fits, as its differences from the base: (number, value), by number.
pub(crate) type Witness = Vec<(usize, f64)>;

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

fn open_ends(state: State, protection: ProtectionInterval) -> Option<(f64, f64)> {
    if state == State::Shown { None } else { protection.ends() }
}

/// A number's end as a pair: where it is in [`Proofs::serves`], and how to compare.
fn slot(end: Side) -> usize {
    usize::from(end == Side::High)
}

/// Looks for witnesses around one known assignment.
pub(crate) struct Prober<'a> {
    pub of: &'a [Vec<usize>],
    /// Verdict that are true of every assignment; at least the published intervals.
    pub ranges: Ranges,
    /// An assignment that fits.
    pub base: Vec<f64>,
    pub walk: Neighbourhoods,
    /// Programmes solved.
    pub solved: usize,
}

impl<'a> Prober<'a> {
    /// Around the truth, with what is published as bounds.
    pub fn at_truth(system: &System, of: &'a [Vec<usize>]) -> Self {
        let base = system.numbers.iter().map(|n| n.value.unwrap_or(0.0)).collect();
        Self { of, ranges: Ranges::published(system), base, walk: Neighbourhoods::new(system), solved: 0 }
    }

    fn width(&self, i: usize) -> f64 {
        self.ranges.hi[i] - self.ranges.lo[i]
    }

    /// Whether `witness` with the base elsewhere fits every interval and every equation.
    pub fn fits(&self, system: &System, witness: &Witness) -> bool {
        let value = |i: usize| match witness.binary_search_by_key(&i, |w| w.0) {
            Ok(at) => witness[at].1,
            Err(_) => self.base[i],
        };
        witness.iter().all(|&(i, x)| inside(x, system.numbers[i].interval()))
            && witness.iter().all(|&(i, _)| self.of[i].iter().all(|&e| holds(&system.equations[e], value)))
    }

    /// Moves `members` so that the first is as low (or high) as its end asks. `extra` says of the others which
    /// way they had better move as well, for the harvest. The witness found fits; the flag says that it reaches.
    fn push(
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
        let mut columns: BTreeMap<usize, usize> = BTreeMap::new();
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
            columns.insert(i, program.column(cost, lo, hi));
        }
        for &e in equations {
            let row: Vec<(usize, f64)> =
                system.equations[e].terms.iter().filter_map(|&(i, c)| columns.get(&i).map(|&col| (col, c))).collect();
            program.row(row);
        }
        self.solved += 1;
        let outcome = program.minimise();
        let Solved::Best(moves) = &outcome else { return (None, false, outcome) };
        let witness: Witness = columns
            .iter()
            .filter(|&(_, &col)| moves[col].abs() > 1e-9)
            .map(|(&i, &col)| (i, self.base[i] + moves[col]))
            .collect();
        if !self.fits(system, &witness) {
            return (None, false, outcome);
        }
        let at = self.base[seed] + moves[columns[&seed]];
        let reached = sign * (at - target) <= MARGIN;
        (Some(witness), reached, outcome)
    }

    /// Tries growing neighbourhoods for one end of one number; harvests all that is found on the way.
    pub fn seek(&mut self, system: &System, number: usize, end: Side, sizes: &[usize], proofs: &mut Proofs) -> bool {
        let Some((low, high)) = system.numbers[number].protection.ends() else { return true };
        let target = if end == Side::Low { low } else { high };
        if proofs.serves[number][slot(end)].is_some() {
            return true;
        }
        let sign = if end == Side::Low { 1.0 } else { -1.0 };
        if sign * (self.base[number] - target) <= MARGIN {
            proofs.harvest(system, vec![(number, self.base[number])]);
            return true;
        }
        let mut before = 0;
        for (stage, &size) in sizes.iter().enumerate() {
            let again = stage > 0 && sizes[stage - 1] == size;
            let fan = if again { 96 >> (2 * stage.saturating_sub(2)).min(6) } else { 4 << (2 * stage.min(10)) };
            let mut walk = std::mem::replace(&mut self.walk, Neighbourhoods::none());
            let found = walk.around(system, self.of, number, size, fan, |i| (self.width(i) > MARGIN).then_some(0.0));
            self.walk = walk;
            if found.0.len() <= before && !again {
                continue;
            }
            before = found.0.len();
            let wanted = |i: usize| {
                let n = &system.numbers[i];
                let open = open_ends(n.state, n.protection).is_some() && proofs.serves[i][slot(end)].is_none();
                if open && stage == 0 { 0.01 * sign } else { 0.0 }
            };
            let (witness, reached, _) = self.push(system, &found.0, &found.1, (end, target), wanted);
            if let Some(witness) = witness {
                proofs.harvest(system, witness);
            }
            if reached {
                return true;
            }
        }
        false
    }
}

/// The attack on a system in canonical order. `proofs` brings witnesses that still fit and takes the new ones.
pub(crate) fn run(system: &System, effort: &Effort, proofs: &mut Proofs) -> Result<Vec<Verdict>, SystemError> {
    let of = system.links();
    let mut ranges = Ranges::published(system);
    propagate(system, &of, &mut ranges).map_err(|equation| SystemError::Contradiction { equation })?;
    let (group, groups) = components(system, &of, |i| ranges.hi[i] - ranges.lo[i] > MARGIN);
    let (base, based) = base(system, &of, &ranges, &groups, effort)?;
    let mut prober = Prober { of: &of, ranges, base, walk: Neighbourhoods::new(system), solved: 0 };
    let mut verdicts = Vec::new();
    for (number, n) in system.numbers.iter().enumerate() {
        let Some((low, high)) = open_ends(n.state, n.protection) else { continue };
        let (mut lo, mut hi) = prober.ranges.of(number);
        let broken = n.protection.broken_by(lo, hi);
        let mut verdict = |lo, hi, broken, proof| verdicts.push(Verdict { number, lo, hi, broken, proof });
        if broken {
            verdict(lo, hi, true, Proof::Propagated);
            continue;
        }
        let members = group[number].map_or(&[][..], |g| &groups[g]);
        if group[number].is_some_and(|g| !based[g]) {
            verdict(lo, hi, true, Proof::GaveUp);
            continue;
        }
        let mut reached = [false; 2];
        let mut proof = Proof::Witness;
        // First what is cheap for both ends, then what is dear.
        let mut sizes: Vec<usize> = effort.neighbourhoods.iter().copied().filter(|&s| s < members.len()).collect();
        // Where the whole is too large for one programme, the last size twice more, each time a deeper walk.
        if members.len() > effort.whole
            && let Some(&last) = sizes.last()
        {
            sizes.extend([last, last]);
        }
        for end in [Side::Low, Side::High] {
            if !n.protection.kept(reached[0], reached[1]) {
                reached[slot(end)] = prober.seek(system, number, end, &sizes, proofs);
            }
        }
        for (end, target) in [(Side::Low, low), (Side::High, high)] {
            if n.protection.kept(reached[0], reached[1]) || reached[slot(end)] || members.is_empty() {
                continue;
            }
            if members.len() > effort.whole {
                proof = Proof::GaveUp;
                continue;
            }
            let (order, equations) = whole(&of, number, members);
            let (witness, arrived, outcome) = prober.push(system, &order, &equations, (end, target), |_| 0.0);
            reached[slot(end)] = arrived;
            match (witness, outcome) {
                (Some(witness), _) => {
                    let at = witness.iter().find(|w| w.0 == number).map_or(prober.base[number], |w| w.1);
                    if !arrived {
                        if end == Side::Low {
                            lo = at
                        } else {
                            hi = at
                        }
                        proof = if proof == Proof::GaveUp { proof } else { Proof::FullLp };
                    }
                    proofs.harvest(system, witness);
                }
                _ => proof = Proof::GaveUp,
            }
        }
        let broken = !n.protection.kept(reached[0], reached[1]);
        // A number that nothing ties and that does not break its protection interval stands where its own interval puts it.
        let broken = broken && !members.is_empty();
        verdict(lo, hi, broken, if broken { proof } else { Proof::Witness });
    }
    Ok(verdicts)
}

/// All of a group with `number` first, and every equation that touches it.
fn whole(of: &[Vec<usize>], number: usize, members: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut order = vec![number];
    order.extend(members.iter().copied().filter(|&m| m != number));
    let mut equations: Vec<usize> = order.iter().flat_map(|&m| of[m].iter().copied()).collect();
    equations.sort_unstable();
    equations.dedup();
    (order, equations)
}

/// An assignment that fits: the truth where a group has it all, else one found for the group; and for which
/// groups there is one.
fn base(
    system: &System,
    of: &[Vec<usize>],
    ranges: &Ranges,
    groups: &[Vec<usize>],
    effort: &Effort,
) -> Result<(Vec<f64>, Vec<bool>), SystemError> {
    let middle = |i: usize| f64::midpoint(ranges.lo[i], ranges.hi[i]);
    let point = |i: usize| if middle(i).is_finite() { middle(i) } else { ranges.lo[i].max(0.0).min(ranges.hi[i]) };
    let mut base: Vec<f64> =
        (0..system.numbers.len()).map(|i| system.numbers[i].value.unwrap_or_else(|| point(i))).collect();
    let mut based = vec![true; groups.len()];
    for (g, members) in groups.iter().enumerate() {
        let Some(&first) = members.first() else { continue };
        let (order, equations) = whole(of, first, members);
        let truth = order.iter().all(|&i| system.numbers[i].value.is_some());
        let fits = |base: &[f64]| equations.iter().all(|&e| holds(&system.equations[e], |i| base[i]));
        if truth && fits(&base) {
            continue;
        }
        based[g] = false;
        if members.len() > effort.whole {
            continue;
        }
        let mut program = Program::default();
        let columns: BTreeMap<usize, usize> =
            order.iter().map(|&i| (i, program.column(0.0, ranges.lo[i], ranges.hi[i]))).collect();
        for &e in &equations {
            let mut row = Vec::new();
            let mut constant = 0.0;
            for &(i, c) in &system.equations[e].terms {
                match columns.get(&i) {
                    Some(&column) => row.push((column, c)),
                    None => constant += c * base[i],
                }
            }
            if constant != 0.0 {
                row.push((program.column(0.0, constant, constant), 1.0));
            }
            program.row(row);
        }
        match program.minimise() {
            Solved::Best(values) => {
                columns.iter().for_each(|(&i, &column)| base[i] = values[column]);
                based[g] = fits(&base) && order.iter().all(|&i| inside(base[i], system.numbers[i].interval()));
            }
            Solved::Infeasible => {
                return Err(SystemError::Contradiction { equation: equations.first().copied().unwrap_or(0) });
            }
            Solved::Unbounded | Solved::Failed => {}
        }
    }
    Ok((base, based))
}

/// The tightest bounds of one number, by programmes over everything tied to it: nothing is assumed but the
/// published intervals and the equations. Slow; for tests and for looking at one cell.
///
/// # Errors
/// When the system is refused, contradicts itself, or the solver gives no answer.
pub fn attack_exact(system: &System, number: usize) -> Result<(f64, f64), SystemError> {
    system.validate()?;
    let of = system.links();
    let ranges = Ranges::published(system);
    let (group, groups) = components(system, &of, |i| ranges.hi[i] > ranges.lo[i]);
    let Some(g) = group.get(number).copied().flatten() else {
        return if number < system.numbers.len() {
            Ok(ranges.of(number))
        } else {
            Err(SystemError::NoAnswer { number })
        };
    };
    let (order, equations) = whole(&of, number, &groups[g]);
    let mut ends = [f64::NEG_INFINITY, f64::INFINITY];
    for (end, sign) in [(0, 1.0), (1, -1.0)] {
        let mut program = Program::default();
        let mut columns = BTreeMap::new();
        for &i in &order {
            let cost = if i == number { sign } else { 0.0 };
            columns.insert(i, program.column(cost, ranges.lo[i], ranges.hi[i]));
        }
        for &e in &equations {
            let mut row = Vec::new();
            for &(i, c) in &system.equations[e].terms {
                let column = *columns.entry(i).or_insert_with(|| program.column(0.0, ranges.lo[i], ranges.hi[i]));
                row.push((column, c));
            }
            program.row(row);
        }
        match program.minimise() {
            Solved::Best(values) => ends[end] = values[columns[&number]],
            Solved::Unbounded => {}
            Solved::Infeasible => {
                return Err(SystemError::Contradiction { equation: equations.first().copied().unwrap_or(0) });
            }
            Solved::Failed => return Err(SystemError::NoAnswer { number }),
        }
    }
    Ok((ends[0], ends[1]))
}

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
pub use crate::effort::Effort;
use crate::lp::{Program, Solved};
use crate::neighbourhood::components;
use crate::parts::{each, parts};
use crate::prober::{Prober, Proofs, open_ends, slot};
use crate::system::{Canonical, Links, MARGIN, Side, System, SystemError, holds, inside};

/// How the verdict on a number was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A checked assignment reaches the ends of the protection: safe.
    Witness,
    /// Interval arithmetic bounds it too tightly: broken.
    Propagated,
    /// The programme over everything tied to it bounds it too tightly: broken.
    FullLp,
    /// No witness was found and the whole is too large for one programme, or too much was spent: counts as broken.
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
    let verdicts = verdicts(&canonical.system, effort).map_err(|e| canonical.back(e))?;
    Ok(canonical.attack(verdicts))
}

/// The attack from nothing on a system in canonical order, part by part.
pub(crate) fn verdicts(system: &System, effort: &Effort) -> Result<Vec<Verdict>, SystemError> {
    let links = system.links();
    if system.numbers.iter().any(|n| n.value.is_none()) {
        // What is published can contradict itself where nothing is to be protected, too.
        propagate(system, &links, &mut Ranges::published(system))
            .map_err(|equation| SystemError::Contradiction { equation })?;
    }
    let moves = |i: usize| {
        let (lo, hi) = system.numbers[i].interval();
        hi - lo > MARGIN
    };
    let parts = parts(system, &links, moves);
    let found = each(effort.threads, &parts, |part| run(&part.system, effort, &mut Proofs::new(&part.system)));
    let mut out = Vec::new();
    for (part, found) in parts.iter().zip(found) {
        let found = found.map_err(|e| part.back(e))?;
        out.extend(found.into_iter().map(|v| Verdict { number: part.numbers[v.number], ..v }));
    }
    Ok(out)
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

/// The attack on a system in canonical order. `proofs` brings witnesses that still fit and takes the new ones.
pub(crate) fn run(system: &System, effort: &Effort, proofs: &mut Proofs) -> Result<Vec<Verdict>, SystemError> {
    let links = system.links();
    let mut ranges = Ranges::published(system);
    propagate(system, &links, &mut ranges).map_err(|equation| SystemError::Contradiction { equation })?;
    let (group, groups) = components(system, &links, |i| ranges.hi[i] - ranges.lo[i] > MARGIN);
    let (base, based) = base(system, &links, &ranges, &groups, effort)?;
    let mut prober = Prober::new(system, &links, ranges, base);
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
        let mut reached;
        let mut proof = Proof::Witness;
        // First what is cheap for both ends, then what is dear.
        let mut sizes: Vec<usize> = effort.neighbourhoods.iter().copied().filter(|&s| s < members.len()).collect();
        // Where the whole is too large for one programme, the last size twice more, each time a deeper walk.
        if members.len() > effort.whole
            && let Some(&last) = sizes.last()
        {
            sizes.extend([last, last]);
        }
        if n.protection.kept(true, false) {
            reached = prober.seek_either(system, number, (&sizes, effort), proofs);
        } else {
            reached = [Side::Low, Side::High].map(|end| prober.seek(system, number, end, (&sizes, effort), proofs));
        }
        for (end, target) in [(Side::Low, low), (Side::High, high)] {
            if n.protection.kept(reached[0], reached[1]) || reached[slot(end)] || members.is_empty() {
                continue;
            }
            if members.len() > effort.whole || !prober.affords(members.len(), effort) {
                proof = Proof::GaveUp;
                continue;
            }
            let (order, equations) = whole(&links, number, members);
            let (witness, arrived, outcome) = prober.push(system, &order, &equations, (end, target), |_| 0.0);
            reached[slot(end)] = arrived;
            match (witness, outcome) {
                (Some(witness), _) => {
                    let at = witness.iter().find(|w| w.0 == number).map_or(prober.at(number), |w| w.1);
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
fn whole(links: &Links, number: usize, members: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut order = vec![number];
    order.extend(members.iter().copied().filter(|&m| m != number));
    let mut equations: Vec<usize> = order.iter().flat_map(|&m| links[m].iter().map(|l| l.0)).collect();
    equations.sort_unstable();
    equations.dedup();
    (order, equations)
}

/// An assignment that fits: the truth where a group has it all, else one found for the group; and for which
/// groups there is one.
fn base(
    system: &System,
    links: &Links,
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
        let (order, equations) = whole(links, first, members);
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
    let links = system.links();
    let ranges = Ranges::published(system);
    let (group, groups) = components(system, &links, |i| ranges.hi[i] > ranges.lo[i]);
    let Some(g) = group.get(number).copied().flatten() else {
        return if number < system.numbers.len() {
            Ok(ranges.of(number))
        } else {
            Err(SystemError::NoAnswer { number })
        };
    };
    let (order, equations) = whole(&links, number, &groups[g]);
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

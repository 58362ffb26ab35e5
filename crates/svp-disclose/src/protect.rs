//! Secondary suppression: hides further shown numbers until the attack finds nothing.
//!
//! For each protection interval that is not kept a linear programme moves the number to its end at the least cost (Σ cost ·
//! distance) over shown numbers; those that leave what the reader is told become hidden. That is the census
//! bureaus' linear-programming heuristic: good, not the least possible. Then what turns out not to be needed is
//! taken back. Shown zeros and numbers of earlier releases are never hidden. The last word is the attack's.

use std::collections::BTreeMap;

use crate::attack::{Attack, Effort, Verdict, run};
use crate::bounds::{propagate, raise_intervals};
use crate::chain::Witness;
use crate::greedy;
use crate::lp::{Program, Solved};
use crate::parts::{each, parts};
use crate::prober::{Prober, Proofs};
use crate::system::{Canonical, Links, MARGIN, Side, State, System, SystemError, inside};

/// What protection did.
#[derive(Debug, Clone, PartialEq)]
pub struct Protection {
    /// Numbers that became hidden, by index.
    pub hidden: Vec<usize>,
    /// Numbers whose protection interval cannot be kept by hiding (zeros or earlier releases stand in the way), or for which
    /// the effort was too small. Where this is not empty the release must not go out.
    pub unprotected: Vec<usize>,
    /// Information lost: Σ cost of the hidden.
    pub lost: f64,
    /// Numbers that were hidden and then taken back.
    pub taken_back: usize,
    /// Rounds of attack and protection.
    pub passes: usize,
    /// The last attack, on the system as it now is.
    pub attack: Attack,
}

/// Hides shown numbers of `system` until the attack finds nothing.
///
/// ```
/// use svp_disclose::attack::{Effort, attack};
/// use svp_disclose::protect::protect;
/// use svp_disclose::system::{Equation, Number, System};
///
/// let numbers = vec![Number::suppressed(3.0, 8.0), Number::shown(21.0), Number::shown(40.0), Number::shown(64.0)];
/// let mut system = System { numbers, equations: vec![Equation::sum(3, &[0, 1, 2])] };
/// // 21 is the cheapest with which 3 could be anything from 1 to 7.
/// let done = protect(&mut system, &Effort::default())?;
/// assert_eq!((done.hidden, done.unprotected), (vec![1], vec![]));
/// assert!(attack(&system, &Effort::default())?.broken.is_empty());
/// # Ok::<(), svp_disclose::system::SystemError>(())
/// ```
///
/// # Errors
/// When the system makes no sense, is untrue, or lacks a value. The system is unchanged then.
pub fn protect(system: &mut System, effort: &Effort) -> Result<Protection, SystemError> {
    system.validate()?;
    if let Some(number) = system.numbers.iter().position(|n| n.value.is_none()) {
        return Err(SystemError::NoValue { number });
    }
    let mut canonical = Canonical::new(system);
    raise_intervals(&mut canonical.system).map_err(|e| canonical.back(e))?;
    let whole = canonical.system.clone();
    let may_hide = |i: usize| {
        let n = &whole.numbers[i];
        n.hideable() || n.interval().1 - n.interval().0 > MARGIN
    };
    let parts = parts(&whole, &whole.links(), may_hide);
    // Whether the cheap stage goes first is asked of the whole.
    let greedy_from = if whole.numbers.len() >= effort.greedy_from { 0 } else { usize::MAX };
    let effort = Effort { greedy_from, ..effort.clone() };
    let decided = each(effort.threads, &parts, |part| {
        let mut system = part.system.clone();
        rounds(&mut system, &effort).map(|done| (system, done))
    });
    let (mut verdicts, mut passes, mut taken_back) = (Vec::new(), 1, 0);
    for (part, decided) in parts.iter().zip(decided) {
        let (decided, done) = decided.map_err(|e| canonical.back(part.back(e)))?;
        for (&i, n) in part.numbers.iter().zip(decided.numbers) {
            canonical.system.numbers[i].state = n.state;
        }
        verdicts.extend(done.0.into_iter().map(|v| Verdict { number: part.numbers[v.number], ..v }));
        passes = passes.max(done.1);
        taken_back += done.2;
    }
    let mut hidden = Vec::new();
    for (at, &i) in canonical.numbers.iter().enumerate() {
        if system.numbers[i].state != canonical.system.numbers[at].state {
            system.numbers[i].state = canonical.system.numbers[at].state;
            hidden.push(i);
        }
    }
    hidden.sort_unstable();
    let lost = hidden.iter().map(|&i| system.numbers[i].cost).sum();
    let attack = canonical.attack(verdicts);
    Ok(Protection { hidden, unprotected: attack.broken.clone(), lost, taken_back, passes, attack })
}

/// Rounds of attack and hiding; the verdicts returned are of an attack from nothing on the final system.
fn rounds(system: &mut System, effort: &Effort) -> Result<(Vec<Verdict>, usize, usize), SystemError> {
    let links = system.links();
    let contradiction = |equation| SystemError::Contradiction { equation };
    let shown: Vec<bool> = system.numbers.iter().map(|n| n.state == State::Shown).collect();
    let mut taken_back = 0;
    let mut verdicts = Vec::new();
    let mut proofs = Proofs::new(system);
    if system.numbers.len() >= effort.greedy_from {
        greedy::cover(system, &links).map_err(contradiction)?;
    }
    let mut passes = 0;
    let mut may_take_back = true;
    let mut fresh = true;
    while passes < effort.rounds.max(1) {
        passes += 1;
        verdicts = run(system, effort, &mut proofs)?;
        let broken: Vec<usize> = verdicts.iter().filter(|b| b.broken).map(|b| b.number).collect();
        let mut hider = Hider { prober: Prober::at_truth(system, &links), effort, hidden: 0 };
        for number in broken {
            hider.keep(system, number, &mut proofs);
        }
        if hider.hidden > 0 {
            fresh = false;
            continue;
        }
        // Nothing more can be hidden for what is broken.
        if std::mem::replace(&mut may_take_back, false) {
            let back = take_back(system, &links, &shown, &mut proofs, effort).map_err(contradiction)?;
            taken_back += back;
            fresh &= back == 0;
        }
        if fresh {
            return Ok((verdicts, passes, taken_back));
        }
        proofs = Proofs::new(system);
        fresh = true;
    }
    if !fresh {
        verdicts = run(system, effort, &mut Proofs::new(system))?;
    }
    Ok((verdicts, passes, taken_back))
}

/// Hides what one number needs.
struct Hider<'a> {
    prober: Prober<'a>,
    effort: &'a Effort,
    hidden: usize,
}

/// A plan: the assignment, and what it costs.
type Plan = (f64, Witness);

impl Hider<'_> {
    /// Hides until both ends (or the cheaper one, where one is enough) can be reached, as far as possible.
    fn keep(&mut self, system: &mut System, number: usize, proofs: &mut Proofs) {
        let protection = system.numbers[number].protection;
        let Some((low, high)) = protection.ends() else { return };
        let mut open = [(Side::Low, low), (Side::High, high)]
            .into_iter()
            .zip(proofs.serves[number])
            .filter(|(_, serves)| serves.is_none())
            .map(|(end, _)| end);
        if protection.kept(true, false) {
            let plans: Vec<Plan> = open.filter_map(|end| self.plan(system, number, end)).collect();
            if let Some(plan) = plans.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)) {
                self.hide(system, plan.1, proofs);
            }
            return;
        }
        let both: Vec<(Side, f64)> = open.by_ref().collect();
        for end in both {
            if let Some(plan) = self.plan(system, number, end) {
                self.hide(system, plan.1, proofs);
            }
        }
    }

    fn hide(&mut self, system: &mut System, witness: Witness, proofs: &mut Proofs) {
        for &(i, x) in &witness {
            let n = &mut system.numbers[i];
            if n.state == State::Shown && !inside(x, n.published) {
                n.state = State::Hidden;
                self.hidden += 1;
            }
        }
        if self.prober.fits(system, &witness) {
            proofs.harvest(system, witness);
        }
    }

    /// The cheapest assignment in which `number` reaches its end, in the smallest neighbourhood that has one.
    fn plan(&mut self, system: &System, number: usize, (end, target): (Side, f64)) -> Option<Plan> {
        let movable = |i: usize| {
            let n = &system.numbers[i];
            let (lo, hi) = n.interval();
            if hi - lo > MARGIN { Some(0.0) } else { n.hideable().then_some(n.cost) }
        };
        let mut before = 0;
        let mut sizes: Vec<usize> = self.effort.neighbourhoods.iter().skip(1).copied().collect();
        sizes.push(self.effort.whole);
        for (stage, size) in sizes.into_iter().enumerate() {
            let fan = if size == self.effort.whole { usize::MAX } else { 6 << (2 * stage) };
            let (members, equations) = self.prober.walk.around(system, self.prober.links, number, size, fan, movable);
            if members.len() <= before {
                continue;
            }
            before = members.len();
            if !self.prober.affords(before, self.effort) {
                return None;
            }
            let rows = self.prober.rows.of(self.prober.links, &members, &equations);
            if let Some(plan) = solve(system, &members, rows, end, target) {
                return Some(plan);
            }
        }
        None
    }
}

/// The programme of [`Hider::plan`] over one neighbourhood; the rest stays at the truth.
fn solve(system: &System, members: &[usize], rows: Vec<Vec<(usize, f64)>>, end: Side, target: f64) -> Option<Plan> {
    let mut program = Program::default();
    // Of each member, the columns whose sum is its distance from the truth.
    let mut columns: Vec<Vec<(usize, f64)>> = Vec::with_capacity(members.len());
    let last = members.iter().map(|&m| system.numbers[m].order).max().map_or(1.0, |m| m as f64 + 1.0);
    for (at, &i) in members.iter().enumerate() {
        let n = &system.numbers[i];
        let value = n.value?;
        let (mut lo, mut hi) = n.interval();
        let hideable = n.hideable();
        if hideable {
            (lo, hi) = (lo.max(n.assumed.0).min(value), hi.min(n.assumed.1).max(value));
        }
        let (mut down, mut up) = ((lo - value).min(0.0), (hi - value).max(0.0));
        if at == 0 {
            // The number itself: at its end or beyond.
            if end == Side::Low {
                up = up.min(target - value)
            } else {
                down = down.max(target - value)
            }
            if down > up {
                return None;
            }
        }
        let mut parts = vec![(program.column(0.0, down, up), 1.0)];
        if hideable {
            // Among equals the earlier in the caller's order goes first.
            let cost = n.cost.max(1e-3) * (1.0 + 1e-4 * n.order as f64 / last);
            parts.push((program.column(cost, 0.0, (n.assumed.1 - hi).max(0.0)), 1.0));
            parts.push((program.column(cost, 0.0, (lo - n.assumed.0).max(0.0)), -1.0));
        }
        columns.push(parts);
    }
    for row in rows {
        let terms = row.iter().flat_map(|&(at, c)| columns[at].iter().map(move |&(column, sign)| (column, c * sign)));
        program.row(terms.collect());
    }
    let Solved::Best(moves) = program.minimise() else { return None };
    let mut moved: Vec<(usize, f64)> = members
        .iter()
        .zip(&columns)
        .map(|(&i, parts)| (i, parts.iter().map(|&(column, sign)| sign * moves[column]).sum()))
        .collect();
    moved.sort_unstable_by_key(|m| m.0);
    let mut witness = Witness::new();
    let mut cost = 0.0;
    for (i, moved) in moved {
        let n = &system.numbers[i];
        let value = n.value?;
        if moved.abs() > 1e-9 {
            witness.push((i, value + moved));
        }
        if n.state == State::Shown && !inside(value + moved, n.published) {
            cost += n.cost;
        }
    }
    Some((cost, witness))
}

/// Shows again what no witness needs, or can do without: dearest first, at most `effort.take_back` programmes.
fn take_back(
    system: &mut System,
    links: &Links,
    shown: &[bool],
    proofs: &mut Proofs,
    effort: &Effort,
) -> Result<usize, usize> {
    let mut prober = Prober::at_truth(system, links);
    propagate(system, links, &mut prober.ranges)?;
    let mut second: Vec<usize> =
        (0..shown.len()).filter(|&i| shown[i] && system.numbers[i].state == State::Hidden).collect();
    second.sort_by(|&a, &b| system.numbers[b].cost.total_cmp(&system.numbers[a].cost).then(b.cmp(&a)));
    // Of each secondary number, the ends whose witness needs it hidden.
    let mut users: BTreeMap<usize, Vec<(usize, usize)>> = second.iter().map(|&z| (z, Vec::new())).collect();
    let note =
        |users: &mut BTreeMap<usize, Vec<(usize, usize)>>, system: &System, proofs: &Proofs, n: usize, slot: usize| {
            let Some(id) = proofs.serves[n][slot] else { return };
            for &(z, x) in &proofs.witnesses[id] {
                if !inside(x, system.numbers[z].published)
                    && let Some(list) = users.get_mut(&z)
                {
                    list.push((n, slot));
                }
            }
        };
    for n in 0..system.numbers.len() {
        note(&mut users, system, proofs, n, 0);
        note(&mut users, system, proofs, n, 1);
    }
    let sizes: Vec<usize> = effort.neighbourhoods.iter().take(2).copied().collect();
    let mut back = 0;
    for z in second {
        // A number with a protection interval of its own stays as it is, and so does what too much leans on.
        if system.numbers[z].protection.ends().is_some() || prober.solved >= effort.take_back {
            continue;
        }
        let needs = |proofs: &Proofs, n: usize, slot: usize| {
            let witness = proofs.serves[n][slot].map(|id| &proofs.witnesses[id]);
            witness.is_some_and(|w| w.iter().any(|&(i, x)| i == z && !inside(x, system.numbers[z].published)))
        };
        let mut now: Vec<(usize, usize)> = users.get(&z).into_iter().flatten().copied().collect();
        now.sort_unstable();
        now.dedup();
        now.retain(|&(n, slot)| needs(proofs, n, slot));
        let old: Vec<Option<usize>> = now.iter().map(|&(n, slot)| proofs.serves[n][slot].take()).collect();
        let bounds = prober.ranges.of(z);
        let published = system.numbers[z].published;
        system.numbers[z].state = State::Shown;
        (prober.ranges.lo[z], prober.ranges.hi[z]) = (bounds.0.max(published.0), bounds.1.min(published.1));
        let kept = now.iter().all(|&(n, slot)| {
            let ends = if slot == 0 { [Side::Low, Side::High] } else { [Side::High, Side::Low] };
            let protection = system.numbers[n].protection;
            let served =
                |proofs: &Proofs| protection.kept(proofs.serves[n][0].is_some(), proofs.serves[n][1].is_some());
            prober.seek(system, n, ends[0], (&sizes, effort), proofs)
                || (protection.kept(true, false) && prober.seek(system, n, ends[1], (&sizes, effort), proofs))
                || served(proofs)
        });
        if kept {
            back += 1;
            for (n, slot) in now {
                note(&mut users, system, proofs, n, slot);
                note(&mut users, system, proofs, n, 1 - slot);
            }
        } else {
            system.numbers[z].state = State::Hidden;
            (prober.ranges.lo[z], prober.ranges.hi[z]) = bounds;
            for (&(n, slot), id) in now.iter().zip(old) {
                proofs.serves[n][slot] = id;
            }
        }
    }
    Ok(back)
}

#[cfg(test)]
#[path = "protect_tests.rs"]
mod tests;

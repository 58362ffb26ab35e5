//! What the sums of a table give away: a linear programme over all numbers and all sums together.
//!
//! Each reason for a sum is tried alone, then beside those that stand already: two guesses can contradict one another.

use std::collections::{BTreeMap, BTreeSet};

use super::columns;
use super::differences::running;
use super::finding::{Findings, Rule};
use super::numbers::Value;
use super::overlaps::{self, Overlap};
use super::read::GivenTable;
use super::sums::{self, Counts, Place, Structure};
use super::vocabulary::Vocabulary;
use crate::Policy;
use crate::attack::{Effort, attack, attack_exact};
use crate::system::{Equation, Number, ProtectionInterval, State, System};

/// Up to this many numbers that are bounded too tightly get their exact bounds; of more it is enough that they are.
const EXACT: usize = 60;

/// Finds the counts that the sums of the table give away; gives the sums, in words.
pub(super) fn check(
    table: &GivenTable,
    vocabulary: &Vocabulary,
    known: &BTreeMap<(usize, usize), (f64, f64)>,
    policy: &Policy,
    found: &mut Findings,
) -> Vec<String> {
    if policy.suppress_below <= 1 {
        return Vec::new();
    }
    let counts = Counts::new(table, known, policy);
    let mut structure = structure(table, &counts, vocabulary);
    structure.remainders.extend(running(table, &counts, vocabulary));
    let mut board = Board { counts: &counts, policy, said: BTreeSet::new() };
    // What its label calls a total first, then what the numbers say oftenest: where two cannot both be, the first stands.
    structure.sums.sort_by_key(|sums| (!sums.named, std::cmp::Reverse(sums.says)));
    let mut together: Vec<(Place, Vec<Place>)> = Vec::new();
    for sums in &structure.sums {
        // Alone first, so that the reason given is the one that does it.
        if !(sums.named || board.hides(&sums.of)) || !board.attack(&sums.of, &[], &sums.how, found) {
            continue;
        }
        let mut more = together.clone();
        more.extend(sums.of.iter().filter(|s| !together.contains(s)).cloned());
        if together.is_empty() || board.attack(&more, &[], "several sums of the table together", found) {
            together = more;
        }
    }
    for rest in &structure.remainders {
        if !board.attack(&together, &rest.of, &rest.how, found) {
            board.attack(&[], &rest.of, &rest.how, found);
        }
    }
    for overlap in overlaps::find(table, &counts, vocabulary) {
        board.attack_spans(&overlap, found);
    }
    let said: BTreeSet<String> = structure.sums.into_iter().map(|sums| sums.how).collect();
    said.into_iter().collect()
}

/// Everything that is, or can be, a sum.
pub(super) fn structure(table: &GivenTable, counts: &Counts<'_>, vocabulary: &Vocabulary) -> Structure {
    let mut out = Structure::default();
    if !counts.columns.is_empty() && counts.rows > 0 {
        sums::rows(table, counts, vocabulary, &mut out);
        columns::find(counts, vocabulary, &mut out);
    }
    out
}

/// The numbers of a table as a system to attack.
struct Board<'a> {
    counts: &'a Counts<'a>,
    policy: &'a Policy,
    /// What was said already: the first reason is kept.
    said: BTreeSet<(Place, bool)>,
}

impl Board<'_> {
    /// A system of the places that some sums tie together, and the place of each number; latent rests come last.
    fn system(&self, sums: &[(Place, Vec<Place>)], rests: &[(Place, Vec<Place>)]) -> (System, Vec<Place>) {
        let used: BTreeSet<Place> = sums
            .iter()
            .chain(rests)
            .flat_map(|(whole, parts)| std::iter::once(*whole).chain(parts.iter().copied()))
            .collect();
        let places: Vec<Place> = used.into_iter().collect();
        let at: BTreeMap<Place, usize> = places.iter().enumerate().map(|(i, place)| (*place, i)).collect();
        let number = |(i, place): (usize, &Place)| self.number(*place, i as u64);
        let mut system = System { numbers: places.iter().enumerate().map(number).collect(), equations: Vec::new() };
        let mut seen = BTreeSet::new();
        for (whole, parts) in sums {
            let parts: Vec<usize> = parts.iter().filter_map(|part| at.get(part).copied()).collect();
            if let Some(whole) = at.get(whole)
                && seen.insert((*whole, parts.clone()))
            {
                system.equations.push(Equation::sum(*whole, &parts));
            }
        }
        for (whole, parts) in rests {
            let latent = system.numbers.len();
            system.numbers.push(self.latent(latent as u64, true));
            let mut parts: Vec<usize> = parts.iter().filter_map(|part| at.get(part).copied()).collect();
            parts.push(latent);
            if let Some(whole) = at.get(whole) {
                system.equations.push(Equation::sum(*whole, &parts));
            }
        }
        (system, places)
    }

    /// What a reader knows of a place, and what must stay hidden of it.
    fn number(&self, (column, row): Place, order: u64) -> Number {
        let greatest = (self.policy.suppress_below - 1) as f64;
        let bounds = self.counts.bounds[column][row];
        let (state, protection) = match self.counts.columns[column].cells[row] {
            Value::Number(_) => (State::Shown, ProtectionInterval::None),
            Value::Hidden { low, high } => (
                State::Hidden,
                ProtectionInterval::BothSides { lower: low.max(1.0), upper: greatest.min(high).max(low.max(1.0)) },
            ),
            Value::Blank => (State::Hidden, ProtectionInterval::BothSides { lower: 1.0, upper: greatest }),
            Value::NotAvailable | Value::Text => (State::Hidden, ProtectionInterval::None),
        };
        // Of a shown number the reader would assume one at the least, were it hidden.
        let assumed = if state == State::Shown { (1.0, f64::INFINITY) } else { bounds };
        Number { value: None, published: bounds, assumed, state, fixed: true, cost: 0.0, protection, order }
    }

    /// A count that nobody printed; where it is `kept`, it must not be bounded to a small one.
    fn latent(&self, order: u64, kept: bool) -> Number {
        let assumed = (0.0, f64::INFINITY);
        let outside = ProtectionInterval::EitherSide { lower: 1.0, upper: (self.policy.suppress_below - 1) as f64 };
        let protection = if kept { outside } else { ProtectionInterval::None };
        Number {
            value: None,
            published: assumed,
            assumed,
            state: State::Latent,
            fixed: true,
            cost: 0.0,
            protection,
            order,
        }
    }

    /// Attacks counts whose spans overlap: each is the sum of its pieces, and so is every run of pieces that nobody printed.
    fn attack_spans(&mut self, overlap: &Overlap, found: &mut Findings) {
        let mut system = System::default();
        let pieces = |(from, to): (usize, usize)| (from..to).collect::<Vec<usize>>();
        for piece in 0..overlap.pieces {
            system.numbers.push(self.latent(piece as u64, false));
        }
        let of = overlap.counts.iter().map(|(place, own)| (Some(*place), *own));
        for (place, own) in of.chain(overlap.runs.iter().map(|run| (None, *run))) {
            let at = system.numbers.len();
            let number = place.map_or_else(|| self.latent(at as u64, true), |place| self.number(place, at as u64));
            system.numbers.push(number);
            system.equations.push(Equation::sum(at, &pieces(own)));
        }
        let Ok(attacked) = attack(&system, &Effort::default()) else { return };
        let mut exact = 0;
        for bounds in attacked.bounds.iter().filter(|b| b.broken) {
            exact += 1;
            let loose = (bounds.lo, bounds.hi);
            let own = if exact <= EXACT { attack_exact(&system, bounds.number).unwrap_or(loose) } else { loose };
            let at = bounds.number - overlap.pieces;
            let run = at.checked_sub(overlap.counts.len()).and_then(|at| overlap.runs.get(at));
            // A run is told of the shortest count that holds it.
            let place = match run {
                None => overlap.counts.get(at).map(|(place, _)| *place),
                Some(run) => {
                    let holds = overlap.counts.iter().filter(|(_, own)| own.0 <= run.0 && run.1 <= own.1);
                    holds.min_by_key(|(_, own)| own.1 - own.0).or(overlap.counts.first()).map(|(place, _)| *place)
                }
            };
            if let Some(place) = place {
                self.tell(place, run.is_some(), own, &overlap.how, found);
            }
        }
    }

    /// Notes what is bounded too tightly.
    fn tell(&mut self, place: Place, latent: bool, (low, high): (f64, f64), how: &str, found: &mut Findings) {
        let greatest = (self.policy.suppress_below - 1) as f64;
        // The mark says 1 to `greatest`. A reader who learns that it was a large count, hidden to protect another, or a zero that
        // was left blank, has learnt of nobody.
        let learns = low <= greatest && high >= 1.0 && (high < greatest || low > 1.0 && high.is_finite());
        if (latent || learns) && self.said.insert((place, latent)) {
            let rule = if latent { Rule::Difference } else { Rule::Recoverable };
            found.add_because(rule, &self.counts.columns[place.0].name, Some(place.1), how);
        }
    }

    /// Whether some sums tie a number that is not shown.
    fn hides(&self, sums: &[(Place, Vec<Place>)]) -> bool {
        let hidden = |(column, row): &Place| !matches!(self.counts.columns[*column].cells[*row], Value::Number(_));
        sums.iter().any(|(whole, parts)| hidden(whole) || parts.iter().any(hidden))
    }

    /// Attacks; notes what is bounded too tightly. False when the sums contradict the numbers.
    fn attack(
        &mut self,
        sums: &[(Place, Vec<Place>)],
        rests: &[(Place, Vec<Place>)],
        how: &str,
        found: &mut Findings,
    ) -> bool {
        if sums.is_empty() && rests.is_empty() {
            return true;
        }
        let (system, places) = self.system(sums, rests);
        let Ok(attacked) = attack(&system, &Effort::default()) else { return false };
        let mut exact = 0;
        for bounds in attacked.bounds.iter().filter(|b| b.broken) {
            exact += 1;
            let loose = (bounds.lo, bounds.hi);
            let (low, high) =
                if exact <= EXACT { attack_exact(&system, bounds.number).unwrap_or(loose) } else { loose };
            let latent = bounds.number >= places.len();
            let place = if latent { rests[bounds.number - places.len()].0 } else { places[bounds.number] };
            self.tell(place, latent, (low, high), how, found);
        }
        true
    }

    #[cfg(test)]
    fn bounds(&self, sums: &[(Place, Vec<Place>)]) -> BTreeMap<Place, (f64, f64)> {
        let (system, places) = self.system(sums, &[]);
        places.iter().enumerate().filter_map(|(i, place)| Some((*place, attack_exact(&system, i).ok()?))).collect()
    }
}

/// The exact bounds of every number that sums by label or name tie, for tests.
#[cfg(test)]
pub(super) fn bounds(table: &GivenTable, vocabulary: &Vocabulary, policy: &Policy) -> BTreeMap<Place, (f64, f64)> {
    let counts = Counts::new(table, &BTreeMap::new(), policy);
    let structure = structure(table, &counts, vocabulary);
    let certain: Vec<_> = structure.sums.iter().filter(|s| s.named).flat_map(|s| s.of.iter().cloned()).collect();
    Board { counts: &counts, policy, said: BTreeSet::new() }.bounds(&certain)
}

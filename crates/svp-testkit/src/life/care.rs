//! Episodes of children: referrals after violence at home, after injuries, and for other reasons.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::World;
use crate::dice::{Dice, Purpose};
use crate::people::Person;

/// A child-in-need episode.
#[derive(Debug, Clone)]
pub struct Case {
    /// The child.
    pub child: Person,
    /// Date of referral.
    pub referred: NaiveDate,
    /// Referral source code.
    pub source: &'static str,
    /// Primary need code.
    pub need: &'static str,
    /// Whether nothing followed.
    pub no_action: bool,
    /// Closure date and reason.
    pub closed: Option<(NaiveDate, &'static str)>,
    /// Start, authorisation and factors of the assessment.
    pub assessment: Option<(NaiveDate, NaiveDate, Vec<&'static str>)>,
    /// Start and end of the plan.
    pub plan: Option<(NaiveDate, NaiveDate)>,
    /// Start of the section 47 enquiry and date of its conference.
    pub enquiry: Option<(NaiveDate, Option<NaiveDate>)>,
    /// Start, end and category of the protection plan, and the number of earlier ones.
    pub protection: Option<(NaiveDate, NaiveDate, &'static str, usize)>,
}

/// One placement of a looked-after child.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Start.
    pub start: NaiveDate,
    /// End, if it ended within two years.
    pub end: Option<NaiveDate>,
    /// Placement code.
    pub place: &'static str,
    /// Index of the placement's postcode.
    pub postcode: usize,
}

/// A looked-after child.
#[derive(Debug, Clone)]
pub struct LookedAfter {
    /// The child.
    pub child: Person,
    /// Need code.
    pub need: &'static str,
    /// Placements in order.
    pub placements: Vec<Placement>,
    /// Missing (M) and away (A) spells: kind, start, end.
    pub missing: Vec<(&'static str, NaiveDate, Option<NaiveDate>)>,
}

/// Children's services: the cases of the running year.
#[derive(Debug, Default)]
pub struct Care {
    /// Cases by child.
    pub cases: BTreeMap<u32, Vec<Case>>,
    /// Looked-after children.
    pub looked_after: BTreeMap<u32, LookedAfter>,
}

impl Care {
    /// A referral of a child. Nothing happens while a case of the child is open.
    pub fn refer(&mut self, world: &World, child: &Person, on: NaiveDate, source: &'static str, domestic: bool) {
        let cases = self.cases.entry(child.id).or_default();
        if child.born > on || cases.iter().any(|case| case.closed.is_none_or(|(closed, _)| closed + Days::new(14) > on))
        {
            return;
        }
        let index =
            u64::from(child.id) * 64 + cases.len() as u64 + on.signed_duration_since(child.born).num_days() as u64;
        let mut dice = Dice::new(world.seed, Purpose::Care, index);
        let case = new_case(child, on, source, domestic, &mut dice);
        let taken = !case.no_action && dice.chance(if case.protection.is_some() { 0.3 } else { 0.05 });
        if taken && !self.looked_after.contains_key(&child.id) {
            self.looked_after.insert(child.id, look_after(world, child, on, case.need, &mut dice));
        }
        cases.push(case);
    }

    /// Forgets what ended before a day.
    pub fn forget_before(&mut self, day: NaiveDate) {
        for cases in self.cases.values_mut() {
            cases.retain(|case| case.closed.is_none_or(|(closed, _)| closed >= day));
        }
        self.cases.retain(|_, cases| !cases.is_empty());
        self.looked_after
            .retain(|_, child| child.placements.last().is_some_and(|last| last.end.is_none_or(|end| end >= day)));
    }
}

fn new_case(child: &Person, on: NaiveDate, source: &'static str, domestic: bool, dice: &mut Dice) -> Case {
    let after = |days: i64| on + Days::new(days.max(0) as u64);
    let need = if domestic {
        "N1"
    } else {
        *dice.weighted_item(&[
            ("N1", 0.5),
            ("N2", 0.1),
            ("N3", 0.08),
            ("N4", 0.12),
            ("N5", 0.12),
            ("N6", 0.05),
            ("N8", 0.02),
            ("N0", 0.01),
        ])
    };
    let no_action = !domestic && dice.chance(0.12);
    let mut case = Case {
        child: child.clone(),
        referred: on,
        source,
        need,
        no_action,
        closed: None,
        assessment: None,
        plan: None,
        enquiry: None,
        protection: None,
    };
    if no_action {
        case.closed = Some((after(dice.between(1, 10)), "RC8"));
        return case;
    }
    let (start, length) = (dice.between(1, 12), dice.between(10, 45));
    case.assessment = Some((after(start), after(start + length), factors(domestic, dice)));
    let serious = dice.chance(if domestic { 0.4 } else { 0.22 });
    let mut end = start + length;
    if serious {
        let conference = dice.chance(0.55).then(|| after(start + 14));
        case.enquiry = Some((after(start), conference));
        if conference.is_some() && dice.chance(0.85) {
            let length = dice.between(90, 420);
            let category = if domestic {
                *dice.weighted_item(&[("EMO", 0.6), ("PHY", 0.2), ("NEG", 0.15), ("MUL", 0.05)])
            } else {
                *dice.weighted_item(&[("NEG", 0.55), ("EMO", 0.25), ("PHY", 0.12), ("SAB", 0.08)])
            };
            case.protection = Some((after(start + 14), after(start + 14 + length), category, dice.below(3)));
            end = start + 14 + length;
        }
    }
    if case.protection.is_none() && dice.chance(0.45) {
        let length = dice.between(60, 300);
        case.plan = Some((after(end + 3), after(end + 3 + length)));
        end += 3 + length;
    }
    let reason = if case.plan.is_none() && case.protection.is_none() {
        *dice.pick(&["RC8", "RC8", "RC9"])
    } else {
        *dice.pick(&["RC7", "RC7", "RC9", "RC5"])
    };
    case.closed = Some((after(end + dice.between(3, 40)), reason));
    case
}

fn factors(domestic: bool, dice: &mut Dice) -> Vec<&'static str> {
    let mut factors = Vec::new();
    if domestic {
        factors.push("3B");
        if dice.chance(0.25) {
            factors.push("3A");
        }
        if dice.chance(0.3) {
            factors.push("17A");
        }
    } else if dice.chance(0.06) {
        return vec!["21"];
    }
    for (code, share) in [
        ("1B", 0.2),
        ("2B", 0.15),
        ("4B", 0.3),
        ("4A", 0.15),
        ("16A", 0.2),
        ("17A", 0.12),
        ("10A", 0.05),
        ("11A", 0.03),
        ("13A", 0.04),
        ("14A", 0.05),
        ("18B", 0.03),
        ("18C", 0.08),
        ("18A", 0.01),
        ("19C", 0.03),
        ("19A", 0.005),
        ("24A", 0.03),
        ("6B", 0.06),
        ("3B", 0.12),
    ] {
        if dice.chance(share) && !factors.contains(&code) {
            factors.push(code);
        }
    }
    if factors.is_empty() {
        factors.push("20");
    }
    factors
}

fn look_after(world: &World, child: &Person, on: NaiveDate, need: &'static str, dice: &mut Dice) -> LookedAfter {
    let mut start = on + Days::new(dice.between(10, 90) as u64);
    let count = 1 + dice.below(3);
    let mut placements = Vec::new();
    for number in 0..count {
        let last = number + 1 == count;
        let end = start + Days::new(dice.between(20, 260) as u64);
        let lsoa = dice.below(world.county.lsoas.len());
        placements.push(Placement {
            start,
            end: (!last || dice.chance(0.4)).then_some(end),
            place: dice.pick::<&str>(&["U6", "U6", "U1", "U3", "K2", "P1", "R3"]),
            postcode: world.streets.any_in(lsoa, dice),
        });
        start = end;
    }
    let mut missing = Vec::new();
    if child.age(on) >= 11 && dice.chance(0.55) {
        let first = placements[0].start;
        for _ in 0..1 + dice.below(4) {
            let gone = first + Days::new(dice.between(5, 200) as u64);
            let back = dice.chance(0.95).then(|| gone + Days::new(dice.between(0, 6) as u64));
            missing.push((*dice.pick(&["M", "M", "A"]), gone, back));
        }
        missing.sort_by_key(|(_, gone, _)| *gone);
    }
    LookedAfter { child: child.clone(), need, placements, missing }
}

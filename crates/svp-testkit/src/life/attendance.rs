//! Attendances at emergency departments: injuries of known crimes, assaults that the police never hear of,
//! and everybody else.

use chrono::{Duration, NaiveDateTime};

use super::crime::{Crime, Spot};
use super::hours::{Clock, Pattern, clock_change};
use super::{World, hidden_assaults_of_month};
use crate::dice::{Dice, Purpose};
use crate::people::Person;
use crate::place::{HOTSPOTS, Point};

/// Intent of an injury.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Assault.
    Assault,
    /// Accident.
    Accident,
    /// Self-inflicted.
    SelfHarm,
    /// Not determined.
    Undetermined,
}

/// How an injury came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Knife or another sharp object.
    Knife,
    /// Bottle or glass.
    Bottle,
    /// Fist, foot, head.
    Body,
    /// Blunt object.
    Blunt,
    /// Firearm.
    Firearm,
    /// Fall.
    Fall,
    /// Another way.
    Other,
}

/// One attendance.
#[derive(Debug, Clone)]
pub struct Attendance {
    /// Number over the whole sample.
    pub number: u64,
    /// The patient.
    pub patient: Person,
    /// Arrival, local time.
    pub arrival: NaiveDateTime,
    /// True time of the injury.
    pub injured: NaiveDateTime,
    /// Whether the time of the injury was written down.
    pub time_known: bool,
    /// Intent.
    pub intent: Intent,
    /// Mechanism.
    pub mechanism: Mechanism,
    /// Kind of place.
    pub spot: Option<Spot>,
    /// Place, where somebody wrote it down.
    pub at: Option<Point>,
    /// Where in words, for the monthly assault return.
    pub spoken: String,
    /// Alcohol (true), neither (false), or not recorded.
    pub alcohol: Option<bool>,
    /// Whether it is the emergency department (type 01) or the minor injuries unit (type 03).
    pub main_site: bool,
    /// Ended in admission.
    pub admitted: bool,
    /// The police's reference, where they know of it.
    pub crime: Option<String>,
}

impl Attendance {
    /// The record's identifier.
    #[must_use]
    pub fn ident(&self) -> String {
        format!("EC{:010}", self.number)
    }
}

/// The attendances that follow from a month, in the order of their arrival. Some arrive in the next month.
#[must_use]
pub fn attendances_of_month(world: &World, month: u32, crimes: &[Crime]) -> Vec<Attendance> {
    let mut dice = Dice::new(world.seed, Purpose::Attendances, u64::from(month));
    let mut all: Vec<Attendance> = crimes
        .iter()
        .filter(|crime| {
            dice.chance(match crime.offence.code {
                "5D" | "2" => 0.72,
                "1" => 0.5,
                "8N" | "8P" | "8S" | "5E" => 0.26,
                "34B" => 0.12,
                _ => 0.0,
            })
        })
        .cloned()
        .collect::<Vec<Crime>>()
        .into_iter()
        .filter_map(|crime| from_violence(world, &crime, true, &mut dice))
        .collect();
    for crime in hidden_assaults_of_month(world, month) {
        all.extend(from_violence(world, &crime, false, &mut dice));
    }
    let clock = Clock::new(world.period, month);
    let daytime = Pattern::daytime();
    for _ in 0..dice.poisson(640.0 * world.scale() / 24.0) {
        let injured = clock.draw(&daytime, &mut dice);
        let intent =
            *dice.weighted_item(&[(Intent::Accident, 0.8), (Intent::SelfHarm, 0.12), (Intent::Undetermined, 0.08)]);
        let low = if intent == Intent::SelfHarm { 13 } else { 1 };
        let found = world.people.find(&world.streets, &mut dice, false, |p| p.age(injured.date()) >= low);
        let Some((patient, _)) = found else { continue };
        let mechanism = match intent {
            Intent::SelfHarm => *dice.pick(&[Mechanism::Knife, Mechanism::Other, Mechanism::Other]),
            _ => *dice.pick(&[Mechanism::Fall, Mechanism::Fall, Mechanism::Blunt, Mechanism::Knife, Mechanism::Other]),
        };
        let spot = *dice.pick(&[Spot::Dwelling, Spot::Dwelling, Spot::Street, Spot::Workplace, Spot::School]);
        all.push(Attendance {
            number: 0,
            patient,
            arrival: arrival(world, injured, 30, 900, &mut dice),
            injured,
            time_known: dice.chance(0.5),
            intent,
            mechanism,
            spot: dice.chance(0.8).then_some(spot),
            at: None,
            spoken: String::new(),
            alcohol: dice.chance(0.6).then(|| dice.chance(0.1)),
            main_site: dice.chance(0.75),
            admitted: dice.chance(0.2),
            crime: None,
        });
    }
    all.sort_by_key(|attendance| attendance.arrival);
    for (index, attendance) in all.iter_mut().enumerate() {
        attendance.number = u64::from(month + 1) * 1_000_000 + index as u64 + 1;
    }
    all
}

fn arrival(world: &World, injured: NaiveDateTime, low: i64, high: i64, dice: &mut Dice) -> NaiveDateTime {
    let at = injured + Duration::minutes(dice.between(low, high));
    let at = if clock_change(at) { at + Duration::hours(2) } else { at };
    at.min(world.period.end()).max(injured)
}

fn from_violence(world: &World, crime: &Crime, known: bool, dice: &mut Dice) -> Option<Attendance> {
    let patient = crime.victim()?.clone();
    let grave = matches!(crime.offence.code, "1" | "2" | "5D");
    let mechanism = if crime.knife {
        Mechanism::Knife
    } else if crime.place.spot == Spot::Licensed && dice.chance(0.35) {
        Mechanism::Bottle
    } else {
        *dice.weighted_item(&[
            (Mechanism::Body, 0.7),
            (Mechanism::Blunt, 0.15),
            (Mechanism::Knife, if known { 0.02 } else { 0.07 }),
            (Mechanism::Firearm, 0.005),
            (Mechanism::Other, 0.1),
        ])
    };
    Some(Attendance {
        number: 0,
        patient,
        arrival: arrival(world, crime.at, 20, if grave { 120 } else { 600 }, dice),
        injured: crime.at,
        time_known: dice.chance(0.72),
        intent: if dice.chance(0.95) { Intent::Assault } else { Intent::Undetermined },
        mechanism,
        spot: dice.chance(0.9).then_some(crime.place.spot),
        at: dice.chance(0.3).then_some(crime.place.at),
        spoken: spoken(world, crime, dice),
        alcohol: dice.chance(0.8).then_some(crime.alcohol),
        main_site: grave || dice.chance(0.8),
        admitted: grave && dice.chance(0.6),
        crime: known.then(|| crime.reference.clone()),
    })
}

/// The place as somebody types it at the reception: often vague, often not at all.
fn spoken(world: &World, crime: &Crime, dice: &mut Dice) -> String {
    if dice.chance(0.18) {
        return (*dice.pick(&["", "", "unk", "does not wish to say", "town centre"])).to_owned();
    }
    if let Some(hotspot) = crime.place.hotspot {
        return if dice.chance(0.6) {
            HOTSPOTS[hotspot].spoken.to_owned()
        } else {
            HOTSPOTS[hotspot].street.to_lowercase()
        };
    }
    let street = world.streets.street(world.streets.nearest(crime.place.lsoa, crime.place.at));
    match (crime.place.spot, dice.below(3)) {
        (Spot::Dwelling, 0) => "home".to_owned(),
        (Spot::Dwelling, _) => "at home address".to_owned(),
        (_, 0) => format!("outside shop, {street}"),
        (_, 1) => street,
        _ => format!("{} nr bus stop", street.to_uppercase()),
    }
}

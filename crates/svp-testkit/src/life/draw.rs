//! Draws the crimes of a month, and the assaults that nobody reports.

use chrono::{Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime};

use super::World;
use super::crime::{Crime, Located, Part, Place, Spot, Writer};
use super::hours::{Clock, Pattern};
use super::offence::{HIDDEN, OFFENCES, Offence, Sort, attracted, serious};
use crate::dice::{Dice, Purpose};
use crate::people::{Person, Role, Sex};
use crate::place::{HOTSPOTS, Kind, PREMISES, Point};

/// Draws the crimes that happen in a month.
#[must_use]
pub fn crimes_of_month(world: &World, month: u32) -> Vec<Crime> {
    let mut dice = Dice::new(world.seed, Purpose::Crimes, u64::from(month));
    let maker = Maker::new(world, month);
    let mut crimes = Vec::new();
    let busy = world.scale() * world.period.season(month) / 24.5;
    for offence in &OFFENCES {
        let mut count = dice.poisson(offence.count * busy);
        // One spelling each of the classes that must not be read as numbers.
        if matches!((offence.code, month), ("4.10", 4 | 10 | 16) | ("4.1", 5 | 11 | 17) | ("4.4", 6 | 12 | 18)) {
            count += 1;
        }
        for _ in 0..count {
            crimes.push(maker.crime(offence, &mut dice));
        }
    }
    plant_clock_change(world, month, &mut crimes);
    crimes.sort_by_key(|crime| crime.at);
    for (index, crime) in crimes.iter_mut().enumerate() {
        crime.number = u64::from(month) * 10_000_000 + index as u64 + 1;
        let year = crime.at.format("%y");
        crime.reference = format!("50{year}{:02}{:05}", month + 1, index + 1);
    }
    crimes
}

/// One common assault in the hour that the clock doubles (29 October 2023) and one in the hour that it
/// leaves out (31 March 2024).
fn plant_clock_change(world: &World, month: u32, crimes: &mut [Crime]) {
    if !matches!(month, 6 | 11) {
        return;
    }
    let last = world.period.last(month);
    let sunday = last - Days::new(u64::from(last.weekday().num_days_from_sunday()));
    let fits = |crime: &&mut Crime| {
        crime.offence.code == "105A" && crime.place.hotspot.is_none() && crime.located == Located::Right
    };
    if let Some(crime) = crimes.iter_mut().find(fits) {
        crime.at = sunday.and_hms_opt(1, 30, 0).unwrap_or(crime.at);
        (crime.from, crime.to, crime.writer) = (crime.at, None, Writer::Exact);
        crime.reported = crime.at + Duration::hours(9);
    }
}

/// Draws the assaults of a month that the police never hear of and that end in an emergency department.
#[must_use]
pub fn hidden_assaults_of_month(world: &World, month: u32) -> Vec<Crime> {
    let mut dice = Dice::new(world.seed, Purpose::Attendances, 1_000 + u64::from(month));
    let maker = Maker::new(world, month);
    let count = dice.poisson(HIDDEN.count * world.scale() * world.period.season(month) / 24.5);
    (0..count).map(|_| maker.crime(&HIDDEN, &mut dice)).collect()
}

struct Maker<'w> {
    world: &'w World,
    month: u32,
    clock: Clock,
    public: Pattern,
    domestic: Pattern,
    daytime: Pattern,
    hotspots: Vec<Pattern>,
    shares: Vec<f64>,
    populations: Vec<f64>,
}

impl<'w> Maker<'w> {
    fn new(world: &'w World, month: u32) -> Self {
        Self {
            world,
            month,
            clock: Clock::new(world.period, month),
            public: Pattern::public(),
            domestic: Pattern::domestic(),
            daytime: Pattern::daytime(),
            hotspots: HOTSPOTS.iter().map(Pattern::of).collect(),
            shares: HOTSPOTS.iter().map(|hotspot| hotspot.share).collect(),
            populations: world.county.lsoas.iter().map(|lsoa| f64::from(lsoa.population)).collect(),
        }
    }

    fn crime(&self, offence: &'static Offence, dice: &mut Dice) -> Crime {
        let middle = self.world.period.first(self.month) + Days::new(14);
        let male = dice.chance(offence.male.max(0.0));
        let domestic = offence.male >= 0.0 && dice.chance(if male { offence.domestic.0 } else { offence.domestic.1 });
        let hotspot = (!domestic && attracted(offence)).then(|| self.choose_hotspot(dice)).flatten();
        let sort = offence.sort;
        let at = match (hotspot, domestic, sort) {
            (Some(hotspot), _, _) => self.clock.draw(&self.hotspots[hotspot], dice),
            (None, true, _) => self.clock.draw(&self.domestic, dice),
            (None, false, Sort::Violence | Sort::Robbery | Sort::Weapon | Sort::Disorder) => {
                self.clock.draw(&self.public, dice)
            }
            _ => self.clock.draw(&self.daytime, dice),
        };
        let (people, relationship) = self.people(offence, male, domestic, middle, dice);
        let place = self.place(offence, hotspot, domestic, people.first().map(|(_, p)| p), at.date(), dice);
        let night = hotspot.is_some_and(|index| HOTSPOTS[index].nightlife);
        let violent = matches!(sort, Sort::Violence | Sort::Disorder | Sort::Sexual);
        let alcohol = dice.chance(match (violent, night, domestic) {
            (false, ..) => 0.04,
            (true, true, _) => 0.52,
            (true, false, true) => 0.30,
            (true, false, false) => 0.25,
        });
        let knife = match offence.code {
            "1" | "2" | "5D" => dice.chance(0.36),
            "34B" | "3B" => dice.chance(0.2),
            "10D" => true,
            "8N" => dice.chance(0.06),
            _ => false,
        };
        let (writer, from, to) = self.written_time(sort, at, dice);
        let delay = match dice.unit() {
            x if x < 0.8 => dice.between(5, 360),
            x if x < 0.95 => dice.between(360, 7_200),
            _ => dice.between(7_200, 57_600),
        };
        let latest = to.map_or(at, |to| to.max(at));
        let reported = (latest + Duration::minutes(delay)).min(self.world.period.end()).max(at);
        let located = match dice.unit() {
            x if x < 0.028 => Located::Headquarters,
            x if x < 0.036 && violent => Located::Hospital,
            x if x < 0.056 => Located::Nowhere,
            _ => Located::Right,
        };
        Crime {
            number: 0,
            reference: String::new(),
            offence,
            at,
            from,
            to,
            writer,
            reported,
            place,
            located,
            domestic,
            alcohol,
            drugs: sort == Sort::Drugs || dice.chance(0.06),
            knife,
            people,
            relationship,
            revision: 0,
        }
    }

    fn choose_hotspot(&self, dice: &mut Dice) -> Option<usize> {
        let elsewhere = 1.0 - self.shares.iter().sum::<f64>();
        let mut weights = self.shares.clone();
        weights.push(elsewhere);
        let choice = dice.weighted(&weights);
        (choice < self.shares.len()).then_some(choice)
    }

    fn people(
        &self,
        offence: &Offence,
        male: bool,
        domestic: bool,
        on: NaiveDate,
        dice: &mut Dice,
    ) -> (Vec<(Part, Person)>, &'static str) {
        let world = self.world;
        let sex = if male { Sex::Male } else { Sex::Female };
        let mut people: Vec<(Part, Person)> = Vec::new();
        let mut relationship = "";
        let mut home = Vec::new();
        if offence.male >= 0.0 {
            let (low, high) = victim_ages(offence, male, dice);
            // Half of the domestic crimes happen in a twentieth of the homes.
            let chronic = domestic && dice.chance(0.5);
            let found = world.people.find(&world.streets, dice, chronic, |person| {
                person.sex == sex && (low..=high).contains(&person.age(on))
            });
            if let Some((victim, household)) = found {
                people.push((Part::Victim, victim));
                home = household;
            }
        }
        let suspect_known = domestic
            || dice.chance(match offence.sort {
                Sort::Violence | Sort::Sexual | Sort::Harassment => 0.6,
                Sort::Weapon | Sort::Drugs => 0.97,
                Sort::Property | Sort::Other => 0.2,
                Sort::Robbery | Sort::Disorder => 0.35,
            });
        let victim = people.first().map(|(_, person)| person.clone());
        if suspect_known {
            let partner = victim.as_ref().filter(|_| domestic).and_then(|victim| {
                let wanted = |other: &&Person| {
                    other.id != victim.id
                        && other.role == Role::Adult
                        && (other.sex != victim.sex || victim.age(on) < 18)
                };
                home.iter().find(wanted).cloned()
            });
            let suspect = match partner {
                Some(partner) => {
                    relationship = match victim.as_ref().map(|victim| victim.age(on)) {
                        Some(age) if age < 18 => "Child",
                        _ => "Partner",
                    };
                    Some(partner)
                }
                None => {
                    relationship = match (domestic, dice.unit()) {
                        (true, x) if x < 0.75 => "Ex-partner",
                        (true, _) => "Other family",
                        (false, x) if x < 0.45 => "Stranger",
                        (false, x) if x < 0.85 => "Acquaintance",
                        (false, _) => "",
                    };
                    let wanted = if domestic && male { Sex::Female } else { Sex::Male };
                    let other_way = !domestic && dice.chance(0.18);
                    let not = victim.as_ref().map(|person| person.id);
                    world
                        .people
                        .find(&world.streets, dice, false, |person| {
                            (person.sex == wanted) != other_way
                                && Some(person.id) != not
                                && (if domestic { 18..=60 } else { 14..=45 }).contains(&person.age(on))
                        })
                        .map(|(person, _)| person)
                }
            };
            people.extend(suspect.map(|person| (Part::Suspect, person)));
        }
        if offence.male >= 0.0 && dice.chance(0.12) {
            let ids: Vec<u32> = people.iter().map(|(_, person)| person.id).collect();
            let witness = world
                .people
                .find(&world.streets, dice, false, |person| person.age(on) >= 16 && !ids.contains(&person.id));
            people.extend(witness.map(|(person, _)| (Part::Witness, person)));
        }
        (people, if offence.male < 0.0 { "" } else { relationship })
    }

    fn place(
        &self,
        offence: &Offence,
        hotspot: Option<usize>,
        domestic: bool,
        first: Option<&Person>,
        on: NaiveDate,
        dice: &mut Dice,
    ) -> Place {
        let world = self.world;
        let (at, spot) = if let Some(index) = hotspot {
            let hotspot = &HOTSPOTS[index];
            let spot = match (hotspot.nightlife, index) {
                (true, _) if dice.chance(0.45) => Spot::Licensed,
                (false, 2) if dice.chance(0.5) => Spot::Transport,
                (false, 4) => Spot::CarPark,
                (false, 5) => Spot::Park,
                _ => Spot::Street,
            };
            (hotspot.place(dice), spot)
        } else if let Some(person) = first.filter(|_| {
            domestic
                || matches!(offence.sort, Sort::Harassment)
                || matches!(offence.code, "28E" | "58A")
                || (offence.sort == Sort::Sexual && dice.chance(0.5))
        }) {
            (world.people.home(person, on, &world.county, &world.streets), Spot::Dwelling)
        } else if offence.code == "46" || offence.code == "34A" {
            let shops: Vec<Point> = PREMISES.iter().filter(|p| p.kind == Kind::Shop).map(|p| p.at).collect();
            (world.county.near(*dice.pick(&shops), 40.0, dice), Spot::Shop)
        } else if attracted(offence) && dice.chance(0.1) {
            let pubs: Vec<Point> = PREMISES.iter().filter(|p| p.kind == Kind::Pub).map(|p| p.at).collect();
            (world.county.near(*dice.pick(&pubs), 12.0, dice), Spot::Licensed)
        } else {
            let lsoa = dice.weighted(&self.populations);
            let postcode = world.streets.any_in(lsoa, dice);
            let spot = *dice.weighted_item(&[
                (Spot::Street, 0.62),
                (Spot::Park, 0.08),
                (Spot::CarPark, 0.06),
                (Spot::School, 0.05),
                (Spot::Transport, 0.05),
                (Spot::Workplace, 0.05),
                (Spot::Dwelling, 0.05),
                (Spot::Other, 0.04),
            ]);
            (world.county.near(world.streets.postcodes[postcode].at, 45.0, dice), spot)
        };
        Place { at, lsoa: world.county.lsoa_at(at).unwrap_or(0), hotspot, spot }
    }

    fn written_time(
        &self,
        sort: Sort,
        at: NaiveDateTime,
        dice: &mut Dice,
    ) -> (Writer, NaiveDateTime, Option<NaiveDateTime>) {
        let wide = match sort {
            Sort::Property => 0.6,
            Sort::Harassment | Sort::Sexual => 0.35,
            _ => 0.09,
        };
        match dice.unit() {
            x if x < 0.04 => {
                let midnight = at.date().and_time(NaiveTime::MIN);
                let to = match dice.below(3) {
                    0 => None,
                    1 => Some(midnight),
                    _ => Some(midnight + Duration::minutes(1_439)),
                };
                (Writer::Placeholder, midnight, to)
            }
            x if x < 0.04 + wide => {
                let most = if sort == Sort::Violence { 240 } else { 2_880 };
                let from = off_change(at - Duration::minutes(dice.between(10, most)));
                let to = off_change(at + Duration::minutes(dice.between(10, most)));
                (Writer::Window, from, Some(to.min(self.world.period.end()).max(at)))
            }
            _ => {
                let to = match dice.below(4) {
                    0 => None,
                    1 | 2 => Some(at),
                    _ => Some(off_change(at + Duration::minutes(dice.between(1, 20)))),
                };
                (Writer::Exact, at, to)
            }
        }
    }
}

fn off_change(at: NaiveDateTime) -> NaiveDateTime {
    if super::hours::clock_change(at) { at + Duration::hours(2) } else { at }
}

fn victim_ages(offence: &Offence, male: bool, dice: &mut Dice) -> (i32, i32) {
    if serious(offence.code) {
        return match (male, dice.chance(0.76)) {
            (true, true) => (18, 36),
            (true, false) => *dice.pick(&[(13, 17), (37, 65)]),
            (false, _) => (16, 60),
        };
    }
    match offence.code {
        "11A" => (0, 15),
        "19D" => (11, 15),
        "88A" => (10, 15),
        "19C" | "19F" => (16, 60),
        "8S" | "104" => (22, 50),
        _ if offence.sort == Sort::Violence || offence.sort == Sort::Robbery => {
            *dice.weighted_item(&[((10, 17), 0.15), ((18, 36), 0.5), ((37, 80), 0.35)])
        }
        _ => (16, 85),
    }
}

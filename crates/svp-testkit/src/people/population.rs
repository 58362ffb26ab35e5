//! People, sixteen at a time.
//!
//! A block of sixteen people in whole households is drawn from its own stream, so any person can be drawn
//! again when needed and a million people cost no memory.

use chrono::{Days, NaiveDate};

use super::names::{FEMALE, MALE, surname, surname_count};
use crate::dice::{Dice, Purpose};
use crate::place::{County, Point, Streets};

/// People in a block.
pub const BLOCK: u32 = 16;

/// Sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
}

/// A person's place in the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An adult.
    Adult,
    /// A child of the household's adults.
    Child,
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Number, from 0.
    pub id: u32,
    /// Number of the household's first person.
    pub household: u32,
    /// Place in the household.
    pub role: Role,
    /// Forename.
    pub forename: &'static str,
    /// Surname.
    pub surname: String,
    /// Date of birth.
    pub born: NaiveDate,
    /// Sex.
    pub sex: Sex,
    /// Self-defined ethnicity, police code of 18+1.
    pub ethnicity: &'static str,
    /// Index of the postcode.
    pub postcode: usize,
    /// Earlier postcode and the day of the move.
    pub moved: Option<(usize, NaiveDate)>,
    /// Number of the twin.
    pub twin: Option<u32>,
}

impl Person {
    /// Whole years on a day; negative before birth.
    #[must_use]
    pub fn age(&self, day: NaiveDate) -> i32 {
        use chrono::Datelike;
        let before_birthday = (day.month(), day.day()) < (self.born.month(), self.born.day());
        day.year() - self.born.year() - i32::from(before_birthday)
    }

    /// The postcode on a day.
    #[must_use]
    pub fn postcode_on(&self, day: NaiveDate) -> usize {
        match self.moved {
            Some((earlier, moved)) if day < moved => earlier,
            _ => self.postcode,
        }
    }
}

const WHITE: [(&str, f64); 4] = [("W1", 0.93), ("W2", 0.01), ("W3", 0.01), ("W9", 0.05)];
const MIXED: [(&str, f64); 4] = [("M1", 0.4), ("M2", 0.15), ("M3", 0.25), ("M9", 0.2)];
const ASIAN: [(&str, f64); 5] = [("A1", 0.3), ("A2", 0.25), ("A3", 0.15), ("A4", 0.15), ("A9", 0.15)];
const BLACK: [(&str, f64); 3] = [("B1", 0.4), ("B2", 0.5), ("B9", 0.1)];
const OTHER: [(&str, f64); 2] = [("O2", 0.4), ("O9", 0.6)];

/// The codes of an ethnicity given as police code: NHS, DfE, canonical group, words of stop and search.
#[must_use]
pub fn ethnic_codes(police: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    match police {
        "W1" => ("A", "WBRI", "white", "White - English/Welsh/Scottish/Northern Irish/British"),
        "W2" => ("B", "WIRI", "white", "White - Any other White background"),
        "W3" => ("C", "WIRT", "white", "White - Any other White background"),
        "W9" => ("C", "WOTH", "white", "White - Any other White background"),
        "M1" => ("D", "MWBC", "mixed", "Mixed/Multiple ethnic groups - White and Black Caribbean"),
        "M2" => ("E", "MWBA", "mixed", "Mixed/Multiple ethnic groups - White and Black Caribbean"),
        "M3" => ("F", "MWAS", "mixed", "Mixed/Multiple ethnic groups - White and Black Caribbean"),
        "M9" => ("G", "MOTH", "mixed", "Mixed/Multiple ethnic groups - White and Black Caribbean"),
        "A1" => ("H", "AIND", "asian", "Asian/Asian British - Indian"),
        "A2" => ("J", "APKN", "asian", "Asian/Asian British - Pakistani"),
        "A3" => ("K", "ABAN", "asian", "Asian/Asian British - Pakistani"),
        "A4" => ("R", "CHNE", "asian", "Asian/Asian British - Indian"),
        "A9" => ("L", "AOTH", "asian", "Asian/Asian British - Indian"),
        "B1" => ("M", "BCRB", "black", "Black/African/Caribbean/Black British - Caribbean"),
        "B2" => ("N", "BAFR", "black", "Black/African/Caribbean/Black British - African"),
        "B9" => ("P", "BOTH", "black", "Black/African/Caribbean/Black British - Caribbean"),
        "O2" => ("S", "OOTH", "other", "Other ethnic group - Arab"),
        _ => ("S", "OOTH", "other", "Other ethnic group - Any other ethnic group"),
    }
}

/// Everybody.
#[derive(Debug)]
pub struct Population {
    seed: u64,
    /// How many people there are.
    pub size: u32,
    area_weights: Vec<f64>,
}

impl Population {
    /// A population of `size` people.
    #[must_use]
    pub fn new(seed: u64, size: u32, county: &County) -> Self {
        let area_weights = county.lsoas.iter().map(|lsoa| f64::from(lsoa.population)).collect();
        Self { seed, size, area_weights }
    }

    /// The number of blocks.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.size.div_ceil(BLOCK)
    }

    /// One person.
    #[must_use]
    pub fn person(&self, id: u32, streets: &Streets) -> Option<Person> {
        self.block(id / BLOCK, streets).into_iter().nth((id % BLOCK) as usize)
    }

    /// The people of a block.
    #[must_use]
    pub fn block(&self, block: u32, streets: &Streets) -> Vec<Person> {
        let mut dice = Dice::new(self.seed, Purpose::People, u64::from(block));
        let lsoa = dice.weighted(&self.area_weights);
        let first = block * BLOCK;
        let end = (first + BLOCK).min(self.size);
        let mut people: Vec<Person> = Vec::with_capacity(BLOCK as usize);
        while first + (people.len() as u32) < end {
            self.household(first, end, lsoa, streets, &mut people, &mut dice);
        }
        people
    }

    fn household(
        &self,
        first: u32,
        end: u32,
        lsoa: usize,
        streets: &Streets,
        people: &mut Vec<Person>,
        dice: &mut Dice,
    ) {
        let household = first + people.len() as u32;
        let postcode = streets.any_in(lsoa, dice);
        let moved = dice.chance(0.15).then(|| {
            let earlier = streets.any_in(dice.weighted(&self.area_weights), dice);
            (earlier, day(2023, 4, 1) + Days::new(dice.below(700) as u64))
        });
        let group = *dice.weighted_item(&[(0, 0.87), (1, 0.03), (2, 0.05), (3, 0.03), (4, 0.02)]);
        let family = surname(dice.below(surname_count()));
        // single, couple, couple with children, lone parent, sharers, pensioners
        let form = dice.weighted(&[0.24, 0.22, 0.24, 0.10, 0.10, 0.10]);
        let (adults, children, low, high) = match form {
            0 => (1, 0, 19, 75),
            1 => (2, 0, 22, 68),
            2 => (2, 1 + dice.below(3), 26, 50),
            3 => (1, 1 + dice.below(3), 22, 48),
            4 => (2 + dice.below(3), 0, 18, 36),
            _ => (1 + dice.below(2), 0, 66, 93),
        };
        let middle_age = dice.between(low, high);
        let lone_mother = form == 3 && dice.chance(0.88);
        let mut father = None;
        for member in 0..adults + children {
            let id = first + people.len() as u32;
            if id >= end {
                return;
            }
            let child = member >= adults;
            let sex = match (child, form) {
                (false, 1 | 2 | 5) if member == 0 => Sex::Male,
                (false, 1 | 2 | 5) if member == 1 => Sex::Female,
                (false, 3) => {
                    if lone_mother {
                        Sex::Female
                    } else {
                        Sex::Male
                    }
                }
                _ => {
                    if dice.chance(0.5) {
                        Sex::Male
                    } else {
                        Sex::Female
                    }
                }
            };
            let age = if child {
                dice.between(0, 17.min(middle_age - 17).max(0))
            } else {
                (middle_age + if member > 0 { dice.between(-4, 4) } else { 0 }).max(18)
            };
            let born = day(2024, 4, 1) - Days::new((age * 36_525 / 100 + dice.between(0, 364)) as u64);
            let names = if sex == Sex::Male { &MALE } else { &FEMALE };
            let common = if group == 0 { dice.chance(0.96) } else { dice.chance(0.25) };
            let forename = if common { names[dice.below(48)] } else { names[48 + dice.below(16)] };
            let own_name = (form == 4 && member > 0) || (!child && member > 0 && dice.chance(0.25));
            let mut person = Person {
                id,
                household,
                role: if child { Role::Child } else { Role::Adult },
                forename,
                surname: if own_name { surname(dice.below(surname_count())) } else { family.clone() },
                born,
                sex,
                ethnicity: dice.weighted_item::<&str>(match group {
                    0 => &WHITE[..],
                    1 => &MIXED[..],
                    2 => &ASIAN[..],
                    3 => &BLACK[..],
                    _ => &OTHER[..],
                }),
                postcode,
                moved,
                twin: None,
            };
            if dice.chance(0.02) {
                person.surname = format!("{}-{}", person.surname, surname(dice.below(surname_count())));
            }
            if child && sex == Sex::Male && dice.chance(0.08) {
                person.forename = father.unwrap_or(person.forename);
            }
            if !child && sex == Sex::Male && father.is_none() {
                father = Some(person.forename);
            }
            if child
                && member > adults
                && dice.chance(0.05)
                && let Some(other) = people.last_mut().filter(|other| other.twin.is_none())
            {
                make_twins(other, &mut person, names);
            }
            people.push(person);
        }
    }

    /// Draws somebody for whom `fit` holds, or nobody after many tries.
    pub fn find(
        &self,
        streets: &Streets,
        dice: &mut Dice,
        chronic: bool,
        fit: impl Fn(&Person) -> bool,
    ) -> Option<(Person, Vec<Person>)> {
        for _ in 0..400 {
            let mut block = dice.below(self.blocks() as usize) as u32;
            if chronic {
                block -= block % 20;
            }
            let people = self.block(block, streets);
            let fitting: Vec<usize> = (0..people.len()).filter(|index| fit(&people[*index])).collect();
            if !fitting.is_empty() {
                let chosen = people[*dice.pick(&fitting)].clone();
                let home = people.into_iter().filter(|p| p.household == chosen.household).collect();
                return Some((chosen, home));
            }
        }
        None
    }

    /// The place of a person's home on a day.
    #[must_use]
    pub fn home(&self, person: &Person, on: NaiveDate, county: &County, streets: &Streets) -> Point {
        let postcode = person.postcode_on(on);
        let mut dice = Dice::new(self.seed, Purpose::Streets, 1 + u64::from(person.household));
        county.near(streets.postcodes[postcode].at, 30.0, &mut dice)
    }
}

/// Twins share the day of birth and the surname, but not the forename.
fn make_twins(other: &mut Person, person: &mut Person, names: &[&'static str]) {
    other.twin = Some(person.id);
    person.twin = Some(other.id);
    person.born = other.born;
    person.surname.clone_from(&other.surname);
    if person.forename == other.forename {
        let index = names.iter().position(|name| *name == person.forename).unwrap_or(0);
        person.forename = names[(index + 1) % names.len()];
    }
}

/// A calendar day; days that do not exist become the first of 1970.
#[must_use]
pub fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

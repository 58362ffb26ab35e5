//! What enters: a number of people, a number of months and a seed.
//! What leaves: an invented county's extracts in the real formats, its reference data, and the truth beside them.
//! Never: a real person, place, boundary or record; the clock; anything but the seed to decide what is drawn.
//! To add one: a source = one file in `write/` that draws from `life/`, and a line in `generate` below.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods))]

pub mod dice;
pub mod error;
pub mod life;
pub mod people;
pub mod place;
pub mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::Days;

pub use error::{Result, SampleError};
pub use write::Summary;

use dice::{Dice, Purpose};
use life::{Attendance, Care, Crime, World, attendances_of_month, crimes_of_month};
use write::{
    Truth, revised_in, write_assault_return, write_attendances, write_census, write_crimes, write_later_release,
    write_reference, write_stops, write_street,
};

/// What to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder; files that are there are replaced.
    pub out: PathBuf,
    /// How many people live in the county, at least 500.
    pub people: u32,
    /// Months from April 2023, 1 to 90.
    pub months: u32,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

/// The month of which a later release is written: December 2024, or the middle of a shorter period.
fn later_release_month(months: u32) -> u32 {
    if months > 20 { 20 } else { months / 2 }
}

/// Writes a sample. One month is in memory at a time.
///
/// # Errors
/// Where an option is out of range or a file cannot be written.
pub fn generate(options: &Options) -> Result<Summary> {
    if options.people < 500 {
        return Err(SampleError::Option { option: "people", reason: "at least 500 are needed" });
    }
    if !(1..=90).contains(&options.months) {
        return Err(SampleError::Option { option: "months", reason: "must be 1 to 90" });
    }
    let world = World::new(options.seed, options.people, options.months);
    let root = options.out.as_path();
    let mut truth = Truth::create(root, options.people)?;
    write_reference(root, &world, &mut truth)?;
    let mut crimes: BTreeMap<u32, Vec<Crime>> = BTreeMap::new();
    let mut attendances: BTreeMap<u32, Vec<Attendance>> = BTreeMap::new();
    let mut care = Care::default();
    for month in 0..options.months {
        let happened = crimes_of_month(&world, month);
        let injured = attendances_of_month(&world, month, &happened);
        refer(&world, month, &mut care, &happened, &injured);
        for crime in happened {
            if let Some(later) = revised_in(&world, &crime) {
                let mut revised = crime.clone();
                revised.revision = 1;
                crimes.entry(later).or_default().push(revised);
            }
            crimes.entry(world.period.month_of(crime.reported.date())).or_default().push(crime);
        }
        for attendance in injured {
            attendances.entry(world.period.month_of(attendance.arrival.date())).or_default().push(attendance);
        }
        let mut extract = crimes.remove(&month).unwrap_or_default();
        extract.sort_by_key(|crime| (crime.reported, crime.number));
        write_crimes(root, &world, &mut truth, month, &extract)?;
        write_street(root, &world, &mut truth, month, &extract)?;
        if month == later_release_month(options.months) {
            write_later_release(root, &world, &mut truth, month, &extract)?;
        }
        write_stops(root, &world, &mut truth, month)?;
        let mut arrived = attendances.remove(&month).unwrap_or_default();
        arrived.sort_by_key(|attendance| (attendance.arrival, attendance.number));
        write_attendances(root, &world, &mut truth, month, &arrived)?;
        write_assault_return(root, &world, &mut truth, month, &arrived)?;
        if let Some(year) = world.period.census_closing(month) {
            let end = world.period.last(month);
            write_census(root, &world, &mut truth, year, end, &care)?;
            care.forget_before(end);
        }
    }
    truth.finish(&world)
}

/// Children come to notice through violence at home, through injuries, and for other reasons.
fn refer(world: &World, month: u32, care: &mut Care, crimes: &[Crime], attendances: &[Attendance]) {
    let mut dice = Dice::new(world.seed, Purpose::Care, (2 << 40) + u64::from(month));
    for crime in crimes.iter().filter(|crime| crime.domestic) {
        let Some(victim) = crime.victim() else {
            continue;
        };
        let on = crime.reported.date() + Days::new(dice.between(1, 8) as u64);
        for child in world.people.block(victim.id / people::BLOCK, &world.streets) {
            if child.household == victim.household && child.age(on) < 18 && dice.chance(0.4) {
                care.refer(world, &child, on, "6", true);
            }
        }
    }
    for attendance in attendances {
        let on = attendance.arrival.date() + Days::new(1);
        if attendance.patient.age(on) < 18 && attendance.intent == life::Intent::Assault && dice.chance(0.4) {
            care.refer(world, &attendance.patient, on, "3E", false);
        }
    }
    for _ in 0..dice.poisson(9.0 * world.scale()) {
        let on = world.period.first(month) + Days::new(dice.below(27) as u64);
        let source = *dice.pick(&["1A", "2A", "2A", "3A", "3B", "3E", "4", "5A", "5B", "5D", "6", "6", "8", "9"]);
        let found = world.people.find(&world.streets, &mut dice, false, |p| (0..17).contains(&p.age(on)));
        if let Some((child, _)) = found {
            care.refer(world, &child, on, source, false);
        }
    }
}

#[cfg(test)]
mod tests;

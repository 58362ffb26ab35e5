//! Open data: street-level crime at snap points by month, and stop and search.

use std::path::Path;

use chrono::{LocalResult, TimeZone, Utc};
use chrono_tz::Europe::London;

use super::output::{Encoding, Table};
use super::police::{outcome, written_place};
use super::truth::Truth;
use crate::dice::{Dice, Purpose};
use crate::error::Result;
use crate::life::{Clock, Crime, Pattern, World};
use crate::people::{Sex, ethnic_codes};
use crate::place::{HOTSPOTS, PREMISES, Point};

const STREET: &str = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,Last outcome category,Context";
const STOPS: &str = "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,Outcome linked to object of search,Removal of more than just outer clothing";
const FORCE: &str = "Wessmark Police";
/// A point outside the county, with an area that no reference file knows.
const OUTSIDE: Point = Point { e: 340_000, n: 78_000 };

fn open_outcome(world: &World, crime: &Crime) -> &'static str {
    match outcome(world, crime) {
        ("Under investigation", _) => "Under investigation",
        (_, "18") => "Investigation complete; no suspect identified",
        (_, "1") => "Awaiting court outcome",
        (_, "2" | "3") => "Offender given a caution",
        (_, "8" | "22") => "Local resolution",
        (_, "14" | "15" | "16") => "Unable to prosecute suspect",
        (_, "21") => "Further investigation is not in the public interest",
        _ => "Status update unavailable",
    }
}

/// Name, longitude, latitude, area code and area name of the snap point of a place.
fn snapped(world: &World, at: Option<Point>) -> Result<[String; 5]> {
    let found = at.and_then(|point| world.county.lsoa_at(point).map(|lsoa| (lsoa, point)));
    let Some((lsoa, point)) = found else {
        return Ok(["No Location".to_owned(), String::new(), String::new(), String::new(), String::new()]);
    };
    let (name, snap) = world.streets.snap(lsoa, point);
    let (longitude, latitude) = snap.lon_lat()?;
    let area = &world.county.lsoas[world.county.lsoa_at(snap).unwrap_or(lsoa)];
    Ok([name, format!("{longitude:.6}"), format!("{latitude:.6}"), area.code.clone(), area.name.clone()])
}

fn street_row(id: &str, month: &str, place: &[String; 5], kind: &str, outcome: &str) -> [String; 12] {
    let [name, longitude, latitude, code, area] = place;
    [
        id.to_owned(),
        month.to_owned(),
        FORCE.to_owned(),
        FORCE.to_owned(),
        longitude.clone(),
        latitude.clone(),
        name.clone(),
        code.clone(),
        area.clone(),
        kind.to_owned(),
        outcome.to_owned(),
        String::new(),
    ]
}

fn street_rows(world: &World, month: u32, crimes: &[Crime]) -> Result<Vec<[String; 12]>> {
    let mut dice = Dice::new(world.seed, Purpose::Disorder, u64::from(month));
    let text = world.period.text(month);
    let mut rows = Vec::new();
    let weights: Vec<f64> = world.county.lsoas.iter().map(|lsoa| f64::from(lsoa.population)).collect();
    for _ in 0..dice.poisson(62.0 * world.scale() * world.period.season(month)) {
        let at = if dice.chance(0.4) {
            dice.pick(&HOTSPOTS).middle
        } else {
            let lsoa = dice.weighted(&weights);
            world.streets.postcodes[world.streets.any_in(lsoa, &mut dice)].at
        };
        let place = snapped(world, (!dice.chance(0.03)).then_some(at))?;
        rows.push(street_row("", &text, &place, "Anti-social behaviour", ""));
    }
    for crime in crimes.iter().filter(|crime| crime.revision == 0) {
        let id = Dice::new(world.seed, Purpose::Writing, crime.number * 4).hex64();
        let place = snapped(world, written_place(crime))?;
        rows.push(street_row(&id, &text, &place, crime.offence.open, open_outcome(world, crime)));
    }
    if matches!(month, 3 | 9 | 15 | 21) {
        let (longitude, latitude) = OUTSIDE.lon_lat()?;
        let place = [
            "On or near Northmere Junction".to_owned(),
            format!("{longitude:.6}"),
            format!("{latitude:.6}"),
            "E01998001".to_owned(),
            "Northmere 001A".to_owned(),
        ];
        rows.push(street_row(&dice.hex64(), &text, &place, "Violence and sexual offences", "Under investigation"));
        rows.push(street_row("", &text, &place, "Anti-social behaviour", ""));
    }
    rows.sort();
    Ok(rows)
}

/// Writes street-level crime of a month: what was reported in it.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_street(root: &Path, world: &World, truth: &mut Truth, month: u32, crimes: &[Crime]) -> Result<()> {
    let zipped = if month + 3 < world.period.months { ".gz" } else { "" };
    let text = world.period.text(month);
    let name = format!("police_street/{text}-wessmark-street.csv{zipped}");
    let mut table = Table::create(root, &name, STREET, Encoding::Utf8, text.starts_with("2024"))?;
    for fields in street_rows(world, month, crimes)? {
        let row = table.row(&fields)?;
        truth.count("street_rows");
        truth.add("street_without_id", u64::from(fields[0].is_empty()));
        truth.add("street_without_location", u64::from(fields[4].is_empty()));
        truth.add("street_violence", u64::from(fields[9] == "Violence and sexual offences"));
        if fields[7] == "E01998001" {
            truth.plant("outside_area", &table, row, "LSOA code", &fields[0]);
        }
    }
    truth.close(table)
}

/// Writes a later release of a month: the same rows, other outcomes.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_later_release(root: &Path, world: &World, truth: &mut Truth, month: u32, crimes: &[Crime]) -> Result<()> {
    let text = world.period.text(month);
    let name = format!("later_release/police_street/{text}-wessmark-street.csv");
    let mut table = Table::create(root, &name, STREET, Encoding::Utf8, false)?;
    for mut fields in street_rows(world, month, crimes)? {
        if fields[10] == "Under investigation" {
            fields[10] = "Unable to prosecute suspect".to_owned();
            truth.count("later_release_changed_outcomes");
        }
        table.row(&fields)?;
    }
    truth.close(table)
}

/// Writes stop and search of a month: latitude before longitude, times in UTC.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_stops(root: &Path, world: &World, truth: &mut Truth, month: u32) -> Result<()> {
    let mut dice = Dice::new(world.seed, Purpose::Stops, u64::from(month));
    let period = world.period;
    let clock = Clock::new(period, month);
    let (hot, public): (Vec<Pattern>, Pattern) = (HOTSPOTS.iter().map(Pattern::of).collect(), Pattern::public());
    let count = dice.poisson(24.0 * world.scale() * period.season(month));
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(count);
    for _ in 0..count {
        let (at, place) = if dice.chance(0.4) {
            let index = dice.below(HOTSPOTS.len());
            (clock.draw(&hot[index], &mut dice), HOTSPOTS[index].place(&mut dice))
        } else {
            (clock.draw(&public, &mut dice), world.county.near(dice.pick(&PREMISES).at, 400.0, &mut dice))
        };
        let utc = match London.from_local_datetime(&at) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.with_timezone(&Utc),
            LocalResult::None => continue,
        };
        rows.push(stop_row(world, at.date(), &utc.format("%Y-%m-%dT%H:%M:%S+00:00").to_string(), place, &mut dice)?);
    }
    rows.sort_by(|a, b| a[1].cmp(&b[1]));
    let name = format!("stop_search/{}-wessmark-stop-and-search.csv", period.text(month));
    let mut table = Table::create(root, &name, STOPS, Encoding::Utf8, false)?;
    for (index, mut fields) in rows.into_iter().enumerate() {
        let row = table.rows() + 1;
        match (month, index) {
            (3 | 17, 2) if !fields[4].is_empty() => {
                fields.swap(4, 5);
                truth.plant("swapped_coordinates", &table, row, "Latitude", "");
            }
            (8, 4) => {
                fields[1] = "2023-12-32T10:00:00+00:00".to_owned();
                truth.plant("impossible_date", &table, row, "Date", "");
            }
            (14, 4) => {
                fields[1] = format!("{}T00:00:00+00:00", &fields[1][..10]);
                truth.plant("date_only", &table, row, "Date", "");
            }
            _ => {}
        }
        table.row(&fields)?;
        if month % 5 == 1 && index == 6 {
            let row = table.row(&fields)?;
            truth.plant("duplicate_row", &table, row, "", "");
        }
    }
    truth.close(table)
}

fn stop_row(world: &World, on: chrono::NaiveDate, date: &str, place: Point, dice: &mut Dice) -> Result<Vec<String>> {
    let kind =
        *dice.weighted_item(&[("Person search", 0.8), ("Person and Vehicle search", 0.14), ("Vehicle search", 0.06)]);
    let (law, object) = *dice.weighted_item(&[
        (("Misuse of Drugs Act 1971 (section 23)", "Controlled drugs"), 0.5),
        (("Police and Criminal Evidence Act 1984 (section 1)", "Offensive weapons"), 0.25),
        (("Police and Criminal Evidence Act 1984 (section 1)", "Stolen goods"), 0.1),
        (("Police and Criminal Evidence Act 1984 (section 1)", "Article for use in theft"), 0.07),
        (("Criminal Justice and Public Order Act 1994 (section 60)", "Anything to threaten or harm anyone"), 0.05),
        (("Firearms Act 1968 (section 47)", "Firearms"), 0.03),
    ]);
    let outcome = *dice.weighted_item(&[
        ("A no further action disposal", 0.7),
        ("Arrest", 0.13),
        ("Khat or Cannabis warning", 0.06),
        ("Community resolution", 0.05),
        ("Summons / charged by post", 0.03),
        ("Caution (simple or conditional)", 0.02),
        ("", 0.01),
    ]);
    let person =
        world.people.find(&world.streets, dice, false, |p| (12..=60).contains(&p.age(on)) && p.sex == Sex::Male);
    let (mut gender, mut age, mut own, mut seen) = (String::new(), String::new(), String::new(), String::new());
    if let Some((person, _)) = person.filter(|_| kind != "Vehicle search") {
        gender = if dice.chance(0.88) { "Male" } else { "Female" }.to_owned();
        age = match person.age(on) {
            _ if dice.chance(0.15) => "",
            ..10 => "under 10",
            10..18 => "10-17",
            18..25 => "18-24",
            25..35 => "25-34",
            _ => "over 34",
        }
        .to_owned();
        let (_, _, group, words) = ethnic_codes(person.ethnicity);
        own = match dice.unit() {
            x if x < 0.1 => "Other ethnic group - Not stated".to_owned(),
            x if x < 0.25 && person.ethnicity == "W1" => "White - White British (W1)".to_owned(),
            _ => words.to_owned(),
        };
        seen = match group {
            _ if dice.chance(0.05) => "",
            "white" => "White",
            "black" => "Black",
            "asian" => "Asian",
            "mixed" => "Mixed",
            _ => "Other",
        }
        .to_owned();
    }
    let located = !dice.chance(0.02);
    let (longitude, latitude) = place.lon_lat()?;
    let operation = if dice.chance(0.2) { "True" } else { "False" };
    let linked = match outcome {
        "A no further action disposal" | "" => "",
        _ if dice.chance(0.7) => "True",
        _ => "False",
    };
    let strip = if dice.chance(0.02) { "True" } else { "False" };
    Ok([
        kind,
        date,
        operation,
        "",
        &if located { format!("{latitude:.6}") } else { String::new() },
        &if located { format!("{longitude:.6}") } else { String::new() },
        &gender,
        &age,
        &own,
        &seen,
        law,
        object,
        outcome,
        linked,
        strip,
    ]
    .map(str::to_owned)
    .to_vec())
}

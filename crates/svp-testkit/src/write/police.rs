//! The police's records-management extract: one row per crime × person × role, Windows-1252.

use std::path::Path;

use chrono::{Duration, NaiveDateTime};

use super::output::{Encoding, Table};
use super::truth::{Appearance, Truth};
use crate::dice::{Dice, Purpose};
use crate::error::Result;
use crate::life::{Crime, Located, Part, World, clock_change};
use crate::people::{Identity, Person, Reader, Sex, identity, nominal};
use crate::place::{DISTRICTS, PREMISES, Point};

const HEADER: &str = "Crime Ref,Report Date,Committed From,Committed To,HO Code,HOCR Class,Offence Title,Status,Outcome,Easting,Northing,Postcode,Location Type,Beat,LPA,DA Flag,Alcohol Flag,Drugs Flag,Knife Flag,NICL Qualifiers,MO Text,Nominal Ref,Role,Forename,Surname,Date Of Birth,Age,Sex,SDE,Person Postcode,Relationship";

/// Bad rows by month: kind and column.
const PLAN: [(u32, &str, &str); 26] = [
    (1, "from_after_to", "Committed To"),
    (2, "impossible_date", "Committed From"),
    (2, "swapped_coordinates", "Easting"),
    (3, "unknown_offence_code", "HOCR Class"),
    (4, "unknown_code", "Role"),
    (5, "swapped_coordinates", "Easting"),
    (6, "from_after_to", "Committed To"),
    (7, "unknown_code", "Sex"),
    (8, "impossible_date", "Committed From"),
    (9, "unknown_offence_code", "HOCR Class"),
    (10, "missing_record_id", "Crime Ref"),
    (11, "from_after_to", "Committed To"),
    (12, "swapped_coordinates", "Easting"),
    (13, "unreadable_coordinates", "Easting"),
    (14, "impossible_date", "Committed From"),
    (15, "unknown_offence_code", "HOCR Class"),
    (16, "from_after_to", "Committed To"),
    (16, "unknown_code", "Location Type"),
    (17, "swapped_coordinates", "Easting"),
    (18, "missing_record_id", "Crime Ref"),
    (19, "unknown_code", "Outcome"),
    (20, "impossible_date", "Date Of Birth"),
    (20, "impossible_date", "Committed From"),
    (21, "from_after_to", "Committed To"),
    (22, "swapped_coordinates", "Easting"),
    (22, "sentinel_birth_date", "Date Of Birth"),
];

fn minute(at: NaiveDateTime) -> String {
    at.format("%d/%m/%Y %H:%M").to_string()
}

/// The month in which a crime's record is revised, if it is.
#[must_use]
pub fn revised_in(world: &World, crime: &Crime) -> Option<u32> {
    let mut dice = Dice::new(world.seed, Purpose::Writing, crime.number * 4 + 1);
    let month = world.period.month_of(crime.reported.date()) + dice.between(1, 4) as u32;
    (dice.chance(0.07) && month < world.period.months).then_some(month)
}

/// Status and outcome of a crime's record.
#[must_use]
pub fn outcome(world: &World, crime: &Crime) -> (&'static str, &'static str) {
    if crime.revision == 0 && revised_in(world, crime).is_some() {
        return ("Under investigation", "");
    }
    let mut dice = Dice::new(world.seed, Purpose::Writing, crime.number * 4 + 2);
    let late = (world.period.end() - crime.reported).num_days() < 60;
    if crime.revision == 0 && dice.chance(if late { 0.5 } else { 0.05 }) {
        return ("Under investigation", "");
    }
    let suspect = crime.people.iter().any(|(part, _)| *part == Part::Suspect);
    if !suspect {
        return ("Filed", "18");
    }
    *dice.weighted_item(&[
        (("Charged", "1"), 0.2),
        (("Finalised", "2"), 0.01),
        (("Finalised", "3"), 0.05),
        (("Finalised", "8"), 0.06),
        (("Filed", "14"), 0.06),
        (("Filed", "15"), 0.22),
        (("Filed", "16"), 0.32),
        (("Filed", "20"), 0.02),
        (("Filed", "21"), 0.03),
        (("Finalised", "22"), 0.03),
    ])
}

/// The coordinates that the police wrote.
#[must_use]
pub fn written_place(crime: &Crime) -> Option<Point> {
    match crime.located {
        Located::Right => Some(crime.place.at),
        Located::Headquarters => Some(PREMISES[0].at),
        Located::Hospital => Some(PREMISES[3].at),
        Located::Nowhere => None,
    }
}

/// Writes the extract of a month: what was reported in it, and earlier crimes revised in it.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_crimes(root: &Path, world: &World, truth: &mut Truth, month: u32, crimes: &[Crime]) -> Result<()> {
    let zipped = if month < 12 { ".gz" } else { "" };
    let name = format!("police_rms/rms_crimes_{}.csv{zipped}", world.period.text(month));
    let mut table = Table::create(root, &name, HEADER, Encoding::Windows1252, true)?;
    let mut plan: Vec<(&'static str, &'static str)> =
        PLAN.iter().filter(|(at, ..)| *at == month).map(|(_, kind, column)| (*kind, *column)).collect();
    let mut duplicate = month % 3 == 1;
    for crime in crimes {
        if crime.revision == 0 {
            truth.crime(crime);
        } else {
            truth.count("revised_crimes");
        }
        let plain = crime.revision == 0
            && !crime.serious()
            && !crime.offence.code.contains('.')
            && crime.located == Located::Right
            && crime.place.hotspot.is_none()
            && crime.people.len() == 1
            && !clock_change(crime.from)
            && revised_in(world, crime).is_none();
        let bad = plan.last().copied().filter(|(kind, column)| {
            plain && (*kind != "unknown_code" || *column != "Role" || crime.people[0].0 == Part::Victim)
        });
        if bad.is_some() {
            plan.pop();
        }
        let twice = bad.is_none() && duplicate && plain;
        duplicate &= !twice;
        write_crime(&mut table, world, truth, crime, bad, twice)?;
    }
    truth.close(table)
}

fn write_crime(
    table: &mut Table,
    world: &World,
    truth: &mut Truth,
    crime: &Crime,
    bad: Option<(&'static str, &'static str)>,
    twice: bool,
) -> Result<()> {
    let mut dice = Dice::new(world.seed, Purpose::Writing, crime.number * 4 + 3);
    let mut head = head(world, crime, &mut dice);
    let spoil = |fields: &mut Vec<String>| spoil(fields, bad, crime);
    let identities: Vec<Identity> = (0..crime.people.len())
        .map(|index| {
            let mut dice = Dice::new(world.seed, Purpose::Identity, crime.number * 8 + index as u64);
            identity(&crime.people[index].1, crime.reported.date(), Reader::Police, &world.streets, &mut dice)
        })
        .collect();
    head.push(story(crime, &identities, &mut dice));
    if crime.people.is_empty() {
        head.extend(std::iter::repeat_n(String::new(), 10));
        let row = table.row(&head)?;
        note_clock(table, truth, crime, row);
        return Ok(());
    }
    for (index, (part, person)) in crime.people.iter().enumerate() {
        let written = &identities[index];
        let key = nominal(person.id, person.id % 25 == 3 && crime.number.is_multiple_of(2));
        let mut fields = head.clone();
        fields.extend(person_fields(crime, *part, person, written, &key, &mut dice));
        spoil(&mut fields);
        let row = table.row(&fields)?;
        if index == 0 {
            note_clock(table, truth, crime, row);
        }
        if let Some((kind, column)) = bad {
            truth.plant(kind, table, row, column, &fields[0]);
        }
        if twice && index == 0 {
            let row = table.row(&fields)?;
            truth.plant("duplicate_row", table, row, "", &fields[0]);
        }
        if crime.revision == 0 {
            let name = table.name().to_owned();
            truth.appear(
                person,
                written,
                &Appearance {
                    source: "police_rms",
                    file: &name,
                    record_id: &crime.reference,
                    person_key: &key,
                    born: fields[25].clone(),
                },
            )?;
        }
    }
    Ok(())
}

fn note_clock(table: &Table, truth: &mut Truth, crime: &Crime, row: u64) {
    if clock_change(crime.from) && crime.from == crime.at && crime.revision == 0 {
        let autumn = crime.from.format("%m").to_string() == "10";
        let kind = if autumn { "ambiguous_hour" } else { "missing_hour" };
        truth.plant(kind, table, row, "Committed From", &crime.reference);
    }
}

/// The fields from the reference to the qualifiers.
fn head(world: &World, crime: &Crime, dice: &mut Dice) -> Vec<String> {
    let (class, sub) = crime.offence.ho;
    let ho = match dice.below(3) {
        0 => format!("{class}/{sub:02}"),
        1 => format!("{class:03}/{sub:02}"),
        _ => format!("{class:03}{sub:02}"),
    };
    let code = spelled(crime.offence.code, u32::try_from(crime.number / 10_000_000).unwrap_or(0), dice);
    let (status, outcome) = outcome(world, crime);
    let place = written_place(crime);
    let postcode = world.streets.nearest(crime.place.lsoa, crime.place.at);
    let lsoa = &world.county.lsoas[crime.place.lsoa];
    let flag = |value: bool, recorded: f64, dice: &mut Dice| match (value, dice.chance(recorded)) {
        (true, true) => "Y",
        (false, true) => "N",
        (_, false) => "",
    };
    let domestic = flag(crime.domestic, if crime.domestic { 0.97 } else { 0.9 }, dice);
    let alcohol = flag(crime.alcohol, if crime.alcohol { 0.95 } else { 0.8 }, dice);
    let drugs = flag(crime.drugs, 0.8, dice);
    let knife = flag(crime.knife, 0.9, dice);
    let qualifiers: Vec<&str> = [(domestic, "DA"), (alcohol, "ALC"), (drugs, "DRU"), (knife, "KNI")]
        .into_iter()
        .filter(|(flag, _)| *flag == "Y")
        .map(|(_, word)| word)
        .collect();
    let beat =
        format!("{}{}", lsoa.name[..2].to_uppercase(), lsoa.msoa_name.split(' ').next_back().unwrap_or_default());
    vec![
        crime.reference.clone(),
        minute(crime.reported),
        minute(crime.from),
        crime.to.map(minute).unwrap_or_default(),
        ho,
        code,
        (*dice.pick(crime.offence.titles)).to_owned(),
        status.to_owned(),
        outcome.to_owned(),
        place.map(|p| p.e.to_string()).unwrap_or_default(),
        place.map(|p| p.n.to_string()).unwrap_or_default(),
        if crime.located == Located::Right { world.streets.text(postcode) } else { String::new() },
        crime.place.spot.word().to_owned(),
        beat,
        format!("{} LPA", DISTRICTS[lsoa.district].name),
        domestic.to_owned(),
        alcohol.to_owned(),
        drugs.to_owned(),
        knife.to_owned(),
        qualifiers.join(";"),
    ]
}

/// A class in one of its spellings.
fn spelled(code: &str, month: u32, dice: &mut Dice) -> String {
    if let Some((class, sub)) = code.split_once('.') {
        return match (month / 6) % 3 {
            0 => code.to_owned(),
            1 => format!("{class}/{sub}"),
            _ => format!("{class:0>3}{sub:0>2}"),
        };
    }
    match dice.below(40) {
        0 => code.to_lowercase(),
        1 => format!(" {code}"),
        2 => format!("{code} "),
        _ => code.to_owned(),
    }
}

fn person_fields(
    crime: &Crime,
    part: Part,
    person: &Person,
    written: &Identity,
    key: &str,
    dice: &mut Dice,
) -> [String; 10] {
    let age = person.age(crime.at.date());
    let sex = match (person.sex, dice.below(100)) {
        (_, 0) => "",
        (_, 1) => "U",
        (Sex::Male, _) => "M",
        (Sex::Female, _) => "F",
    };
    let ethnicity = match dice.unit() {
        x if x < 0.18 => "",
        x if x < 0.26 => "NS",
        _ => person.ethnicity,
    };
    [
        key.to_owned(),
        part.word().to_owned(),
        written.forename.clone(),
        written.surname.clone(),
        written.born.map(|born| born.format("%d/%m/%Y").to_string()).unwrap_or_default(),
        if dice.chance(0.95) { age.to_string() } else { String::new() },
        sex.to_owned(),
        ethnicity.to_owned(),
        written.postcode.clone(),
        if part == Part::Victim { crime.relationship.to_owned() } else { String::new() },
    ]
}

fn spoil(fields: &mut [String], bad: Option<(&'static str, &'static str)>, crime: &Crime) {
    let Some((kind, column)) = bad else { return };
    let index = HEADER.split(',').position(|name| name == column).unwrap_or(0);
    match kind {
        "from_after_to" => {
            fields[2] = minute(crime.at);
            fields[3] = minute(crime.at - Duration::hours(3));
        }
        "swapped_coordinates" => fields.swap(9, 10),
        "impossible_date" if column == "Date Of Birth" => fields[index] = "31/02/1990".to_owned(),
        "impossible_date" => {
            fields[2] = format!("31/02/2024 {:02}:15", crime.number % 24);
            fields[3] = String::new();
        }
        "unknown_offence_code" => fields[index] = "ZZ9".to_owned(),
        "missing_record_id" => fields[index] = String::new(),
        "unreadable_coordinates" => fields[index] = "N/K".to_owned(),
        "sentinel_birth_date" => fields[index] = "01/01/1900".to_owned(),
        _ => {
            fields[index] = match column {
                "Role" => "BYSTANDER",
                "Sex" => "Q",
                "Outcome" => "77",
                _ => "Lighthouse",
            }
            .to_owned();
        }
    }
}

/// The story in free text. Now and then it names somebody; it must never get any further than the reader.
fn story(crime: &Crime, identities: &[Identity], dice: &mut Dice) -> String {
    let what = match (crime.offence.code, crime.domestic) {
        (_, true) => "Verbal argument at home – IP pushed and grabbed by the arm",
        ("1" | "2" | "5D", _) if crime.knife => "IP stabbed by unknown male(s), wound to upper body",
        ("1" | "2" | "5D", _) => "IP punched to the floor and kicked several times, fracture",
        ("8N" | "8P" | "8S" | "105A", _) => "IP struck to the face, no weapon",
        ("46", _) => "Goods to the value of £40 taken, not paid for",
        _ => "Reported via 101, details on log",
    };
    let mut text = what.to_owned();
    if crime.alcohol {
        text.push_str(", alcohol a factor");
    }
    if let Some(named) = identities.last().filter(|_| dice.chance(0.12)) {
        text.push_str(&format!(". States that {} {} was there", named.forename, named.surname));
    }
    if dice.chance(0.04) {
        text.push_str(".\r\nSecond officer’s note: \"see statement\"");
    }
    text
}

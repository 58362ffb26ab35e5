//! How one record writes a person down: with typos, nicknames, gaps and old addresses.

use chrono::{Datelike, NaiveDate};

use super::names::nickname;
use super::{Person, Role, nhs_number, upn};
use crate::dice::Dice;
use crate::place::Streets;

/// Who writes the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Police records management.
    Police,
    /// Emergency department.
    Hospital,
    /// Children's services.
    Care,
}

/// A person as written in one record. Empty text = missing.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Forename as written.
    pub forename: String,
    /// Surname as written.
    pub surname: String,
    /// Date of birth as the record has it.
    pub born: Option<NaiveDate>,
    /// NHS number as written.
    pub nhs: String,
    /// Unique pupil number as written.
    pub upn: String,
    /// Postcode as written.
    pub postcode: String,
    /// Index of the postcode that was meant.
    pub postcode_index: Option<usize>,
    /// What is wrong, as words.
    pub dirt: Vec<&'static str>,
}

/// Writes a person down on a day.
pub fn identity(person: &Person, on: NaiveDate, reader: Reader, streets: &Streets, dice: &mut Dice) -> Identity {
    let mut dirt = Vec::new();
    let (mut forename, mut surname) = (person.forename.to_owned(), person.surname.clone());
    if dice.chance(0.07)
        && let Some(nick) = nickname(&forename)
    {
        forename = nick.to_owned();
        dirt.push("nickname");
    }
    if dice.chance(0.04) {
        let target = if dice.chance(0.6) { &mut surname } else { &mut forename };
        *target = typo(target, dice);
        dirt.push("typo");
    }
    if dice.chance(0.02) && surname.contains('-') {
        surname = surname.split('-').next().unwrap_or_default().to_owned();
        dirt.push("half_surname");
    }
    if dice.chance(0.012) {
        std::mem::swap(&mut forename, &mut surname);
        dirt.push("swapped_names");
    }
    if reader == Reader::Hospital && dice.chance(0.3) {
        surname = surname.to_uppercase();
    }
    let born = birth_date(person, dice, &mut dirt);
    let (postcode, postcode_index) = postcode(person, on, streets, dice, &mut dirt);
    let mut nhs = String::new();
    let mut pupil = String::new();
    match reader {
        Reader::Hospital => nhs = hospital_number(person, dice, &mut dirt),
        Reader::Care if person.age(on) >= 4 => {
            if dice.chance(0.9) {
                pupil = upn(person.id);
            } else {
                dirt.push("no_upn");
            }
        }
        Reader::Care | Reader::Police => {}
    }
    Identity { forename, surname, born, nhs, upn: pupil, postcode, postcode_index, dirt }
}

fn birth_date(person: &Person, dice: &mut Dice, dirt: &mut Vec<&'static str>) -> Option<NaiveDate> {
    match dice.unit() {
        x if x < 0.04 => {
            dirt.push("no_birth_date");
            None
        }
        x if x < 0.05 && person.born.day() <= 12 && person.born.day() != person.born.month() => {
            dirt.push("wrong_birth_date");
            NaiveDate::from_ymd_opt(person.born.year(), person.born.day(), person.born.month())
        }
        x if x < 0.06 && person.role == Role::Adult => {
            dirt.push("wrong_birth_date");
            person.born.with_year(person.born.year() - 1).or(Some(person.born))
        }
        _ => Some(person.born),
    }
}

fn postcode(
    person: &Person,
    on: NaiveDate,
    streets: &Streets,
    dice: &mut Dice,
    dirt: &mut Vec<&'static str>,
) -> (String, Option<usize>) {
    if dice.chance(0.05) {
        dirt.push("no_postcode");
        return (String::new(), None);
    }
    let mut index = person.postcode_on(on);
    if let Some((earlier, moved)) = person.moved
        && on >= moved
        && dice.chance(0.2)
    {
        index = earlier;
        dirt.push("old_postcode");
    }
    let text = streets.text(index);
    let text = match dice.unit() {
        x if x < 0.04 => text.to_lowercase(),
        x if x < 0.08 => text.replace(' ', ""),
        x if x < 0.10 => text.replace(' ', "  "),
        _ => text,
    };
    (text, Some(index))
}

fn hospital_number(person: &Person, dice: &mut Dice, dirt: &mut Vec<&'static str>) -> String {
    let number = nhs_number(person.id);
    match dice.unit() {
        x if x < 0.06 => {
            dirt.push("no_nhs");
            String::new()
        }
        x if x < 0.08 => {
            dirt.push("bad_nhs");
            let last = number.bytes().last().map_or(0, |byte| (byte - b'0' + 1 + (person.id % 8) as u8) % 10);
            format!("{}{last}", &number[..9])
        }
        x if x < 0.14 => format!("{} {} {}", &number[..3], &number[3..6], &number[6..]),
        _ => number,
    }
}

/// Swaps, drops, doubles or changes one letter after the first.
fn typo(word: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 {
        return word.to_owned();
    }
    let at = 1 + dice.below(letters.len() - 2);
    match dice.below(4) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = *dice.pick(&['a', 'e', 'i', 'o', 'u', 'r', 's', 't', 'n']),
    }
    letters.into_iter().collect()
}

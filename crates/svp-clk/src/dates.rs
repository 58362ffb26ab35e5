//! Dates as `datetime.strptime(text, format).strftime("%Y%m%d")` of CPython 3.11 rewrites them.
//!
//! `strptime` makes a regular expression of the format and takes its first match; this is that match by backtracking. As
//! there, what is written in the format is compared without case, a blank stands for one or more, and digits may be of any
//! script. The names of months and days are those of the C locale.

use serde::Serialize;

use crate::python::{decimal, is_space};

/// One part of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Part {
    Letter(char),
    Blanks,
    Field(char),
}

/// A format that has been read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DateFormat {
    parts: Vec<Part>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const FIELDS: &str = "dmYybBjaAHIMSfpwu";

/// What a match found.
#[derive(Clone, Copy, Default)]
struct Found {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    of_year: Option<u32>,
    second: u32,
}

impl DateFormat {
    /// Reads a format; `None` where `strptime` refuses it, or for a field that is not known here.
    pub(crate) fn parse(format: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            let part = match letter {
                '%' => match letters.next()? {
                    '%' => Part::Letter('%'),
                    field if FIELDS.contains(field) && !parts.contains(&Part::Field(field)) => Part::Field(field),
                    _ => return None,
                },
                blank if is_space(blank) => Part::Blanks,
                other => Part::Letter(other),
            };
            if part != Part::Blanks || parts.last() != Some(&Part::Blanks) {
                parts.push(part);
            }
        }
        Some(Self { parts })
    }

    /// The date as `%Y%m%d`, a year below 1000 without noughts as the C library leaves it; `false`: not such a date.
    pub(crate) fn rewrite(&self, text: &str, out: &mut String) -> bool {
        let mut end = None;
        let mut found = Found::default();
        matches(&self.parts, text, &mut found, &mut end);
        // The first match decides, even if it leaves something and another would not.
        if end != Some("") || found.second > 59 {
            return false;
        }
        let leap_day = found.year.is_none() && found.month == Some(2) && found.day == Some(29);
        let year = found.year.unwrap_or(if leap_day { 1904 } else { 1900 });
        let (mut year, mut month, mut day) = (year, found.month.unwrap_or(1), found.day.unwrap_or(1));
        if year == 0 {
            return false;
        }
        if let Some(of_year) = found.of_year {
            (month, day) = (1, of_year);
            while day > days(year, month) {
                day -= days(year, month);
                (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            }
        }
        if leap_day {
            year = 1900;
        }
        if year > 9999 || day > days(year, month) {
            return false;
        }
        use std::fmt::Write;
        write!(out, "{year}{month:02}{day:02}").is_ok()
    }
}

/// Days of a month of the Gregorian calendar.
fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether the parts match the beginning of the text; what they found, and what is left.
fn matches<'a>(parts: &[Part], text: &'a str, found: &mut Found, end: &mut Option<&'a str>) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        *end = Some(text);
        return true;
    };
    match *part {
        Part::Letter(letter) => {
            let Some(first) = text.chars().next() else { return false };
            let same = first == letter || first.to_lowercase().eq(letter.to_lowercase());
            same && matches(rest, &text[first.len_utf8()..], found, end)
        }
        Part::Blanks => {
            let most = text.find(|letter| !is_space(letter)).unwrap_or(text.len());
            let mut ends = text[..most].char_indices().map(|(start, letter)| start + letter.len_utf8()).rev();
            ends.any(|length| matches(rest, &text[length..], found, end))
        }
        Part::Field(field) => {
            let before = *found;
            for (length, value) in readings(field, text).into_iter().flatten() {
                *found = before;
                match field {
                    'Y' => found.year = Some(value),
                    // CPython takes the fields in the order of the format: the last year stands.
                    'y' => found.year = Some(if value <= 68 { 2000 + value } else { 1900 + value }),
                    'm' | 'b' | 'B' => found.month = Some(value),
                    'd' => found.day = Some(value),
                    'j' => found.of_year = Some(value),
                    'S' => found.second = value,
                    _ => {}
                }
                if matches(rest, &text[length..], found, end) {
                    return true;
                }
            }
            *found = before;
            false
        }
    }
}

/// How a field can be read at the beginning of the text, in the order in which the regular expression tries: the bytes it
/// takes and its value.
fn readings(field: char, text: &str) -> [Option<(usize, u32)>; 6] {
    let mut letters = text.chars();
    let [first, second, third, fourth] = std::array::from_fn(|_| letters.next());
    let ascii = |letter: Option<char>, from: char, to: char| {
        letter.filter(|&letter| from <= letter && letter <= to).and_then(|letter| letter.to_digit(10))
    };
    let any = |letter: Option<char>| letter.and_then(decimal);
    let size = |letters: &[Option<char>]| letters.iter().flatten().map(|letter| letter.len_utf8()).sum::<usize>();
    let two = |tens: Option<u32>, units: Option<u32>| Some((size(&[first, second]), tens? * 10 + units?));
    let one = |units: Option<u32>| Some((size(&[first]), units?));
    let mut out = [None; 6];
    match field {
        'd' => {
            out[0] = two(ascii(first, '3', '3'), ascii(second, '0', '1'));
            out[1] = two(ascii(first, '1', '2'), any(second));
            out[2] = two(ascii(first, '0', '0'), ascii(second, '1', '9'));
            out[3] = one(ascii(first, '1', '9'));
            out[4] = two(first.filter(|&letter| letter == ' ').map(|_| 0), ascii(second, '1', '9'));
        }
        'm' | 'I' => {
            out[0] = two(ascii(first, '1', '1'), ascii(second, '0', '2'));
            out[1] = two(ascii(first, '0', '0'), ascii(second, '1', '9'));
            out[2] = one(ascii(first, '1', '9'));
        }
        'Y' => {
            let digits = [first, second, third, fourth];
            let year = digits.iter().try_fold(0, |year, &digit| Some(year * 10 + any(digit)?));
            out[0] = year.map(|year| (size(&digits), year));
        }
        'y' => out[0] = two(any(first), any(second)),
        'H' => {
            out[0] = two(ascii(first, '2', '2'), ascii(second, '0', '3'));
            out[1] = two(ascii(first, '0', '1'), any(second));
            out[2] = one(any(first));
        }
        'M' | 'S' => {
            out[0] = two(ascii(first, '6', '6').filter(|_| field == 'S'), ascii(second, '0', '1'));
            out[1] = two(ascii(first, '0', '5'), any(second));
            out[2] = one(any(first));
        }
        'j' => {
            let three = |a: Option<u32>, b: Option<u32>, c: Option<u32>| {
                Some((size(&[first, second, third]), a? * 100 + b? * 10 + c?))
            };
            let options = [
                three(ascii(first, '3', '3'), ascii(second, '6', '6'), ascii(third, '0', '6')),
                three(ascii(first, '3', '3'), ascii(second, '0', '5'), any(third)),
                three(ascii(first, '1', '2'), any(second), any(third)),
                three(ascii(first, '0', '0'), ascii(second, '1', '9'), any(third)),
                three(ascii(first, '0', '0'), ascii(second, '0', '0'), ascii(third, '1', '9')),
                two(ascii(first, '1', '9'), any(second)),
                two(ascii(first, '0', '0'), ascii(second, '1', '9')),
                one(ascii(first, '1', '9')),
            ];
            for (slot, option) in out.iter_mut().zip(options.into_iter().flatten()) {
                *slot = Some(option);
            }
        }
        'f' => {
            let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
            for (slot, length) in out.iter_mut().zip((1..=digits).rev()) {
                *slot = Some((length, 0));
            }
        }
        'w' => out[0] = one(ascii(first, '0', '6')),
        'u' => out[0] = one(ascii(first, '1', '7')),
        'b' => out[0] = named(text, MONTHS.iter().map(|name| &name[..3])),
        'B' => out[0] = named(text, MONTHS.iter().copied()),
        'a' => out[0] = named(text, DAYS.iter().map(|name| &name[..3])),
        'A' => out[0] = named(text, DAYS.iter().copied()),
        _ => out[0] = named(text, ["am", "pm"].into_iter()),
    }
    out
}

/// The name at the beginning of the text, its number from 1.
fn named<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<(usize, u32)> {
    let here = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    (1u32..).zip(names).find(|(_, name)| here(name)).map(|(number, name)| (name.len(), number))
}

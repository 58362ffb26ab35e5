//! Formats of dates and times in extracts, and the reader that they drive.
//!
//! Fields: `dd` day, `mm` month, `mon` month by name, `yyyy` year, `hh` hour (0 to 23), `mi` minute, `ss`
//! second with an optional fraction. `mm` straight after `hh` means minutes, because that is what people
//! write. Case does not matter. A space stands for one or more spaces; a `t` for itself; other letters are
//! not allowed; every other character stands for itself. Fields other than `yyyy` take one or two digits,
//! but exactly two when another field touches them, as in `yyyymmdd`.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Day,
    Month,
    MonthName,
    Year,
    Hour,
    Minute,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A field; `true` when it must have its full width.
    Field(Field, bool),
    Spaces,
    Literal(char),
}

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Item>);

impl Format {
    /// Reads a format; `None` unless it has day, month and year once each, no field twice, and hours before
    /// minutes before seconds are all there when a smaller one is.
    pub fn compile(text: &str) -> Option<Format> {
        let lower = text.trim().to_lowercase();
        let mut rest = lower.as_str();
        let mut items: Vec<Item> = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        while let Some(letter) = rest.chars().next() {
            if let Some((name, field)) = field_at(rest, fields.last().copied()) {
                if fields.contains(&field) {
                    return None;
                }
                let mut packed = false;
                if let Some(Item::Field(_, exact)) = items.last_mut() {
                    *exact = true;
                    packed = true;
                }
                fields.push(field);
                items.push(Item::Field(field, packed));
                rest = rest.get(name.len()..)?;
                continue;
            }
            if letter.is_alphanumeric() && letter != 't' {
                return None;
            }
            items.push(if letter == ' ' { Item::Spaces } else { Item::Literal(letter) });
            rest = rest.get(letter.len_utf8()..)?;
        }
        let has = |field: Field| fields.contains(&field);
        let date = has(Field::Day) && has(Field::Year) && (has(Field::Month) != has(Field::MonthName));
        let time = (!has(Field::Minute) || has(Field::Hour)) && (!has(Field::Second) || has(Field::Minute));
        (date && time).then_some(Format(items))
    }

    /// Reads a local date and time; midnight when the format has no time. `None` unless the whole text fits
    /// and the day exists.
    pub fn parse(&self, text: &str) -> Option<NaiveDateTime> {
        let mut rest = text.trim();
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        for item in &self.0 {
            match *item {
                Item::Spaces => {
                    let shorter = rest.trim_start();
                    if shorter.len() == rest.len() {
                        return None;
                    }
                    rest = shorter;
                }
                Item::Literal(letter) => {
                    let found = rest.chars().next()?;
                    if !found.eq_ignore_ascii_case(&letter) {
                        return None;
                    }
                    rest = rest.get(found.len_utf8()..)?;
                }
                Item::Field(Field::MonthName, _) => (month, rest) = month_name(rest)?,
                Item::Field(Field::Year, _) => (year, rest) = digits(rest, 4, 4)?,
                Item::Field(Field::Second, exact) => {
                    (second, rest) = digits(rest, if exact { 2 } else { 1 }, 2)?;
                    (micros, rest) = fraction(rest)?;
                }
                Item::Field(field, exact) => {
                    let (number, shorter) = digits(rest, if exact { 2 } else { 1 }, 2)?;
                    rest = shorter;
                    match field {
                        Field::Day => day = number,
                        Field::Month => month = number,
                        Field::Hour => hour = number,
                        _ => minute = number,
                    }
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        Some(date.and_time(NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?))
    }

    /// Reads a date; a time of day, if the format has one, is dropped. A day as XML writes it (`yyyy-mm-dd`) may carry a midnight and
    /// a zone of Great Britain, which programs add to dates on their own: `2024-07-05Z`, `2024-07-05T00:00:00+01:00`. Any other
    /// time says that it is no date, and in another zone it may be another day.
    pub fn parse_date(&self, text: &str) -> Option<NaiveDate> {
        if let Some(time) = self.parse(text) {
            return Some(time.date());
        }
        let (day, rest) = text.trim().split_at_checked(10)?;
        (self.is_day_of_xml() && is_midnight(rest)).then(|| self.parse(day)).flatten().map(|time| time.date())
    }

    fn is_day_of_xml(&self) -> bool {
        use Item::Literal;
        let field = |item: &Item, wanted: Field| matches!(item, Item::Field(found, _) if *found == wanted);
        match self.0.as_slice() {
            [year, Literal('-'), month, Literal('-'), day] => {
                field(year, Field::Year) && field(month, Field::Month) && field(day, Field::Day)
            }
            _ => false,
        }
    }
}

/// Whether what follows a day is no more than midnight, a zone of Great Britain, or both.
fn is_midnight(text: &str) -> bool {
    let zone = |text: &str| matches!(text, "" | "Z" | "z" | "+00:00" | "-00:00" | "+01:00");
    let Some(time) = text.strip_prefix(['T', 't', ' ']) else { return zone(text) };
    let Some(seconds) = time.strip_prefix("00:00") else { return false };
    let after = seconds.strip_prefix(":00").unwrap_or(seconds);
    zone(after.strip_prefix('.').filter(|f| f.starts_with('0')).map_or(after, |f| f.trim_start_matches('0')))
}

fn field_at(text: &str, last: Option<Field>) -> Option<(&'static str, Field)> {
    let month_or_minute = if last == Some(Field::Hour) { Field::Minute } else { Field::Month };
    [
        ("yyyy", Field::Year),
        ("mon", Field::MonthName),
        ("mm", month_or_minute),
        ("mi", Field::Minute),
        ("dd", Field::Day),
        ("hh24", Field::Hour),
        ("hh", Field::Hour),
        ("ss", Field::Second),
    ]
    .into_iter()
    .find(|(name, _)| text.starts_with(name))
}

/// Reads `least` to `most` leading digits.
pub(super) fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    let number = number.bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Some((number, rest))
}

/// Reads a leading fraction of a second (`.` and digits) as microseconds, cut off; 0 when there is none.
pub(super) fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(after) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let count = after.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return None;
    }
    let (shown, rest) = after.split_at_checked(count)?;
    let micros = shown.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some((micros.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), rest))
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

/// Reads a leading month name, in full or cut to three letters (or `sept`).
fn month_name(text: &str) -> Option<(u32, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = text.split_at_checked(count)?;
    let month = MONTHS.iter().zip(1..).find(|(full, _)| {
        full.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && (name.len() == 3 || name.len() == full.len() || (name.len() == 4 && **full == "september"))
    });
    month.map(|(_, number)| (number, rest))
}

/// The format last used: compiled once for a batch, as a rule.
#[derive(Debug, Default)]
pub(crate) struct LastFormat {
    text: Option<String>,
    format: Option<Format>,
}

impl LastFormat {
    /// The compiled format; `None` when the text is not a format.
    pub(crate) fn get(&mut self, text: &str) -> Option<&Format> {
        if self.text.as_deref() != Some(text) {
            self.format = Format::compile(text);
            self.text = Some(text.to_string());
        }
        self.format.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, text: &str, expected: Option<&str>) {
        let found = Format::compile(format).unwrap().parse(text).map(|time| time.to_string());
        assert_eq!(found.as_deref(), expected, "{format} {text:?}");
    }

    #[test]
    fn the_formats_of_the_extracts() {
        check("dd/mm/yyyy hh:mi", "05/11/2024 23:45", Some("2024-11-05 23:45:00"));
        check("dd/mm/yyyy hh:mm", "05/11/2024 23:45", Some("2024-11-05 23:45:00"));
        check("DD/MM/YYYY HH24:MI:SS", "05/11/2024 23:45:01", Some("2024-11-05 23:45:01"));
        check("yyyy-mm-dd hh:mi:ss", "2024-11-05 23:45:59.120", Some("2024-11-05 23:45:59.120"));
        check("yyyy-mon-dd hh:mi:ss", "2024-Dec-01 00:00:00", Some("2024-12-01 00:00:00"));
        check("yyyy-mm-ddThh:mi", "2024-11-05T23:45", Some("2024-11-05 23:45:00"));
        check("dd mon yyyy", "5 september 2024", Some("2024-09-05 00:00:00"));
        check("dd-mon-yyyy", "05-SEPT-2024", Some("2024-09-05 00:00:00"));
        check("yyyymmdd", "20241105", Some("2024-11-05 00:00:00"));
        check("yyyymmddhhmiss", "20241105234501", Some("2024-11-05 23:45:01"));
        check("dd/mm/yyyy", " 5/1/2024 ", Some("2024-01-05 00:00:00"));
        check("dd/mm/yyyy hh:mi", "5/1/2024   9:05", Some("2024-01-05 09:05:00"));
    }

    #[test]
    fn what_does_not_fit_is_none() {
        for bad in [
            "",
            "31/02/2024",
            "5/1/24",
            "05/13/2024",
            "2024-01-05",
            "05/01/2024 10:00",
            "05/01/2024x",
            "005/01/2024",
            "00/01/2024",
            "é/01/2024",
        ] {
            check("dd/mm/yyyy", bad, None);
        }
        for bad in ["05/01/2024", "05/01/2024 24:00", "05/01/2024 10:60", "05/01/2024 10", "05/01/202410:00"] {
            check("dd/mm/yyyy hh:mi", bad, None);
        }
        check("yyyymmdd", "2024115", None);
        check("dd mon yyyy", "05 Sepxx 2024", None);
        check("dd mon yyyy", "05 Se 2024", None);
        check("yyyy-mm-dd hh:mi:ss", "2024-11-05 23:45:59.", None);
    }

    #[test]
    fn days_as_xml_writes_them() {
        let iso = Format::compile("yyyy-mm-dd").unwrap();
        let read = |text: &str| iso.parse_date(text).map(|day| day.to_string());
        for text in [
            "2024-07-05",
            "2024-07-05Z",
            " 2024-07-05+00:00 ",
            "2024-07-05-00:00",
            "2024-07-05+01:00",
            "2024-07-05T00:00:00",
            "2024-07-05T00:00:00Z",
            "2024-07-05T00:00:00.000+01:00",
            "2024-07-05 00:00:00",
            "2024-07-05T00:00",
            "2024-07-05 ",
        ] {
            assert_eq!(read(text).as_deref(), Some("2024-07-05"), "{text}");
        }
        for text in [
            "2024-07-05T23:00:00Z",
            "2024-07-05T00:00:01",
            "2024-07-05T00",
            "2024-07-05-05:00",
            "2024-07-05T00:00:00.",
            "2024-07-05T00:00:00.1",
            "2024-07-05x",
            "2024-13-05Z",
            "2024-7-5Z",
            "2024-07-0\u{e9}",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // A form of another order, or one with a time, is read as it says.
        let uk = Format::compile("dd/mm/yyyy").unwrap();
        assert_eq!(uk.parse_date("05/07/2024Z"), None);
        assert_eq!(uk.parse_date("05/07/2024").unwrap().to_string(), "2024-07-05");
        let timed = Format::compile("yyyy-mm-dd hh:mi").unwrap();
        assert_eq!(timed.parse_date("2024-07-05 23:59").unwrap().to_string(), "2024-07-05");
        assert_eq!(timed.parse_date("2024-07-05"), None);
    }

    #[test]
    fn what_is_not_a_format() {
        for bad in [
            "",
            "dd/mm",
            "yyyy",
            "dd/mm/yy",
            "dd/dd/yyyy",
            "dd/mm/yyyy mi",
            "dd/mm/yyyy hh:ss",
            "dd/mm/yyyy xx",
            "%d/%m/%Y",
            "dd mm mon yyyy",
        ] {
            assert_eq!(Format::compile(bad), None, "{bad:?}");
        }
    }
}

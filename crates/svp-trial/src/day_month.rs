//! Month and day of dates that stand in each other's place: `2024-05-03` for the fifth of March.
//!
//! A spreadsheet that takes dates for those of another country exchanges what it can: days to the 12th become months, later ones
//! stay as they were. So there are two signs. A month after the twelfth is no date, and would be one when exchanged. And no day is
//! after the 12th, in months that do not follow from that: of true dates 19 of 31 are.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};

use crate::TrialError;
use crate::table::MOST_ASTRAY;

/// Chance below which days are no accident.
const CHANCE: f64 = 1e-6;
/// Share of the days of a month up to the 12th.
const EARLY: f64 = 12.0 / 31.0;

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    YearFirst,
    DayFirst,
}

/// A date at the start of a text.
enum Written {
    Date(NaiveDate),
    /// No date, and one when month and day are exchanged.
    Impossible,
}

fn written(text: &str) -> Option<(Form, Written)> {
    let date = text.trim().split(['T', ' ']).next()?;
    let form = if date.contains('/') { Form::DayFirst } else { Form::YearFirst };
    let mut parts = date.split(if form == Form::DayFirst { '/' } else { '-' });
    let (one, month, three, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let (year, day) = if form == Form::YearFirst { (one, three) } else { (three, one) };
    let (year, month, day): (i32, u32, u32) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => Some((form, Written::Date(date))),
        None => NaiveDate::from_ymd_opt(year, day, month).map(|_| (form, Written::Impossible)),
    }
}

/// Whether a text begins with what is no date, and would be one if month and day were exchanged.
pub(crate) fn impossible(text: &str) -> bool {
    matches!(written(text), Some((_, Written::Impossible)))
}

/// Dates of one form.
#[derive(Debug, Default)]
struct Dates {
    rows: u64,
    impossible: u64,
    different: BTreeSet<NaiveDate>,
}

impl Dates {
    /// Whether no day is after the 12th, although the dates lie in several months and on several days of them: what is known by the
    /// month only stands on its first.
    fn early(&self) -> bool {
        let months: BTreeSet<(i32, u32)> = self.different.iter().map(|d| (d.year(), d.month())).collect();
        let days: BTreeSet<u32> = self.different.iter().map(NaiveDate::day).collect();
        months.len() > 1 && days.len() > 1 && days.iter().all(|d| *d <= 12)
    }

    /// Whether every day is after the 12th.
    fn late(&self) -> bool {
        !self.different.is_empty() && self.different.iter().all(|d| d.day() > 12)
    }
}

/// Looks at the times of the rows. What is small is told in the notes that come back.
pub(crate) fn judge<'a>(file: &str, times: impl Iterator<Item = &'a str>) -> Result<Vec<String>, TrialError> {
    let [mut years, mut days] = [Dates::default(), Dates::default()];
    for (form, date) in times.filter_map(written) {
        let dates = if form == Form::YearFirst { &mut years } else { &mut days };
        match date {
            Written::Date(date) => {
                dates.rows += 1;
                dates.different.insert(date);
            }
            Written::Impossible => dates.impossible += 1,
        }
    }
    let (impossible, dated) = (years.impossible + days.impossible, years.rows + days.rows);
    let all = impossible + dated;
    let mut notes = Vec::new();
    let mut weigh = |rows: u64, what: String| {
        if rows as f64 > MOST_ASTRAY * all as f64 {
            return Err(TrialError::DayMonth { file: file.to_owned(), what });
        }
        notes.push(format!("month and day of some dates seem to be exchanged: {what}"));
        Ok(())
    };
    if impossible > 0 {
        weigh(
            impossible,
            format!("{impossible} of {all} dates have a month after the twelfth and a day that could be a month"),
        )?;
    }
    for (here, other) in [(&years, &days), (&days, &years)] {
        let late = if other.late() { other.different.len() } else { 0 };
        if here.early() && chance(here.different.len(), late) < CHANCE {
            let more = if late > 0 { "; all dates that are written in the other form are" } else { "" };
            let what = format!(
                "none of {} different dates, in {} of {all} rows, is after the 12th of its month{more}",
                here.different.len(),
                here.rows
            );
            weigh(here.rows, what)?;
        }
    }
    if years.rows > 0 && days.rows > 0 {
        notes.push(format!(
            "{} dates are written year first and {} day first: in a file that has passed through a spreadsheet, month and day of one kind can be exchanged",
            years.rows, days.rows
        ));
    }
    Ok(notes)
}

/// How often so many different days are all up to the 12th, and so many others all after it.
fn chance(early: usize, late: usize) -> f64 {
    let times = |share: f64, n: usize| libm::pow(share, n as f64);
    times(EARLY, early) * times(1.0 - EARLY, late)
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;

    fn look(texts: &[String]) -> Result<Vec<String>, TrialError> {
        judge("e.csv", texts.iter().map(String::as_str))
    }

    /// Every third day of a year, as year, month, day.
    fn days() -> Vec<(i32, u32, u32)> {
        let first: NaiveDate = "2024-01-01".parse().unwrap();
        first.iter_days().take(366).step_by(3).map(|d| (d.year(), d.month(), d.day())).collect()
    }

    #[test]
    fn true_dates_pass() {
        let iso: Vec<String> = days().iter().map(|(y, m, d)| format!("{y}-{m:02}-{d:02} 10:00")).collect();
        assert_eq!(look(&iso).unwrap(), Vec::<String>::new());
        let uk: Vec<String> = days().iter().map(|(y, m, d)| format!("{d:02}/{m:02}/{y} 10:00")).collect();
        assert_eq!(look(&uk).unwrap(), Vec::<String>::new());
        let both: Vec<String> = iso.iter().chain(&uk).cloned().collect();
        let notes = look(&both).unwrap();
        assert!(
            notes.len() == 1 && notes[0].contains("122 dates are written year first and 122 day first"),
            "{notes:?}"
        );
        // Months stand on their first; the first days of one month are all there is.
        let months: Vec<String> = (0..48).map(|i| format!("20{}-{:02}-01", 20 + i / 12, 1 + i % 12)).collect();
        assert!(look(&months).unwrap().is_empty());
        let begun: Vec<String> = (0..200).map(|i| format!("2024-03-{:02}T01:00:00Z", 1 + i % 12)).collect();
        assert!(look(&begun).unwrap().is_empty());
        // Too few to say.
        let few: Vec<String> = (1..=7).map(|i| format!("2024-{:02}-{:02}", i, i + 2)).collect();
        assert!(look(&few).unwrap().is_empty());
        assert!(
            look(&["soon".to_owned(), String::new(), "1/2".to_owned(), "2024-02-30".to_owned()]).unwrap().is_empty()
        );
    }

    #[test]
    fn exchanged_ones_do_not() {
        let refused = |texts: &[String], says: &str| {
            let error = look(texts).unwrap_err();
            assert!(error.to_string().contains(says) && error.hint().is_some(), "{error}");
            assert!(!error.to_string().contains("2024"), "{error}");
        };
        // Exchanged in all rows: most are no dates.
        let all: Vec<String> = days().iter().map(|(y, m, d)| format!("{y}-{d:02}-{m:02}")).collect();
        refused(&all, "have a month after the twelfth");
        // The same without those that are none.
        let left: Vec<String> = all.iter().filter(|t| !impossible(t)).cloned().collect();
        refused(&left, "none of 48 different dates, in 48 of 48 rows");
        let us: Vec<String> =
            days().iter().filter(|d| d.2 <= 12).map(|(y, m, d)| format!("{m}/{d}/{y} 9:30")).collect();
        refused(&us, "is after the 12th");
        // As a spreadsheet does it: what can be exchanged is, and the rest is text.
        let mixed = |days: &[(i32, u32, u32)]| -> Vec<String> {
            let one = |(y, m, d): &(i32, u32, u32)| match d {
                1..=12 => format!("{y}-{d:02}-{m:02} 00:00:00"),
                _ => format!("{d:02}/{m:02}/{y}"),
            };
            days.iter().map(one).collect()
        };
        refused(&mixed(&days()), "the other form");
        // Both forms together say it sooner than one alone.
        refused(&mixed(&days()[20..50]), "the other form");
    }

    #[test]
    fn slips_are_told() {
        let mut iso: Vec<String> = days().iter().map(|(y, m, d)| format!("{y}-{m:02}-{d:02}")).collect();
        iso.push("2024-25-03".to_owned());
        let notes = look(&iso).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("1 of 123 dates"), "{notes:?}");
        assert!(impossible("25/13/2024") == impossible("2024-02-30") && impossible("03/25/2024 10:00"));
    }
}

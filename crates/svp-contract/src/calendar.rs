//! Days and months as definitions write them.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text is no day, or no month, of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no {0}")]
pub struct NotADate(&'static str);

/// A day of the calendar, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(NaiveDate);

/// A month of the calendar, written `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(NaiveDate);

impl Day {
    /// As a date of chrono.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.0
    }
}

impl Month {
    /// Months since January of the year 0.
    #[must_use]
    pub fn number(self) -> i64 {
        i64::from(self.0.year()) * 12 + i64::from(self.0.month0())
    }

    /// The month of a number; `None` outside the years 0 to 9999.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        let year = i32::try_from(number.div_euclid(12)).ok().filter(|year| (0..10_000).contains(year))?;
        NaiveDate::from_ymd_opt(year, u32::try_from(number.rem_euclid(12)).ok()? + 1, 1).map(Self)
    }

    /// The quarter of the year, 1 to 4.
    #[must_use]
    pub fn quarter(self) -> u32 {
        self.0.month0() / 3 + 1
    }
}

/// A number of so many digits, and nothing else.
fn digits<T: FromStr>(text: &str, many: usize) -> Option<T> {
    let only = text.len() == many && text.bytes().all(|b| b.is_ascii_digit());
    if only { text.parse().ok() } else { None }
}

fn month(text: &str) -> Option<NaiveDate> {
    let (year, month) = text.split_once('-')?;
    NaiveDate::from_ymd_opt(digits(year, 4)?, digits(month, 2)?, 1)
}

fn day(text: &str) -> Option<NaiveDate> {
    let (first, day) = text.rsplit_once('-')?;
    month(first)?.with_day(digits(day, 2)?)
}

impl FromStr for Day {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        day(text).map(Self).ok_or(NotADate("day of the calendar: write YYYY-MM-DD"))
    }
}

impl FromStr for Month {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        month(text).map(Self).ok_or(NotADate("month of the calendar: write YYYY-MM"))
    }
}

impl From<NaiveDate> for Month {
    fn from(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

macro_rules! written {
    ($($kind:ty),*) => {$(
        impl From<$kind> for String {
            fn from(value: $kind) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $kind {
            type Error = NotADate;

            fn try_from(text: String) -> Result<Self, NotADate> {
                text.parse()
            }
        }
    )*};
}

written!(Day, Month);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_of_the_calendar() {
        for text in ["2021-01-01", "2024-02-29", "2000-02-29", "2028-04-30", "0001-01-01"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        for text in [
            "2021",
            "2021-02-29",
            "1900-02-29",
            "2021-13-01",
            "2021-04-31",
            "2021-4-01",
            "2021-04-1",
            "+024-01-01",
            "é021-04-01",
            "2021-04-01 ",
            "",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn months_are_numbers_without_gaps() {
        for text in ["0000-01", "1999-12", "2000-01", "2024-02", "9999-12"] {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.to_string().as_str(), Month::of_number(month.number())), (text, Some(month)));
        }
        let number = |text: &str| text.parse::<Month>().unwrap().number();
        assert_eq!(number("2024-01"), number("2023-12") + 1);
        assert_eq!([-1, 120_000, i64::MAX, i64::MIN].map(Month::of_number), [None; 4]);
        for text in ["2024-00", "2024-13", "24-01", "2024-1", "June", "٢٠٢٤-٠١", "+024-01"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        assert_eq!("2024-06".parse::<Month>().unwrap().quarter(), 2);
    }
}

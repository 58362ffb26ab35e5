//! The months of a sample, counted from April 2023.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};

/// The months that a sample covers.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// How many months.
    pub months: u32,
}

impl Period {
    /// A period of this many months.
    #[must_use]
    pub fn new(months: u32) -> Self {
        Self { months }
    }

    /// The first day of a month.
    #[must_use]
    pub fn first(self, month: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2023, 4, 1).unwrap_or_default() + Months::new(month)
    }

    /// The last day of a month.
    #[must_use]
    pub fn last(self, month: u32) -> NaiveDate {
        self.first(month + 1) - Days::new(1)
    }

    /// A month as `2023-04`.
    #[must_use]
    pub fn text(self, month: u32) -> String {
        self.first(month).format("%Y-%m").to_string()
    }

    /// The month of a day, held inside the period.
    #[must_use]
    pub fn month_of(self, day: NaiveDate) -> u32 {
        let count = (day.year() - 2023) * 12 + day.month0() as i32 - 3;
        (count.max(0) as u32).min(self.months.saturating_sub(1))
    }

    /// The last minute of the period.
    #[must_use]
    pub fn end(self) -> NaiveDateTime {
        self.last(self.months.saturating_sub(1)).and_hms_opt(23, 50, 0).unwrap_or_default()
    }

    /// How busy a month is: summers bring visitors.
    #[must_use]
    pub fn season(self, month: u32) -> f64 {
        match self.first(month).month() {
            7 | 8 => 1.25,
            6 | 12 => 1.1,
            1 | 2 => 0.85,
            _ => 1.0,
        }
    }

    /// The year of the census that closes with a month, if one does: years end on 31 March, or with the
    /// period.
    #[must_use]
    pub fn census_closing(self, month: u32) -> Option<i32> {
        let first = self.first(month);
        (first.month() == 3 || month + 1 == self.months).then(|| first.year() + i32::from(first.month() > 3))
    }
}

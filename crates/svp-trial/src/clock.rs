//! Days of analysis, shifts, and the clock of Great Britain.

use chrono::{
    DateTime, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Utc,
};
use chrono_tz::Europe::London;
use svp_contract::{Shift, Trial, clock};

/// First and last day, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// First.
    pub from: NaiveDate,
    /// Last.
    pub to: NaiveDate,
}

impl Days {
    /// Whether a day lies in it.
    #[must_use]
    pub fn has(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }

    /// Number of days.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from((self.to - self.from).num_days() + 1).unwrap_or(0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every day.
    pub fn iter(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        self.from.iter_days().take(self.len())
    }

    /// Place of a day, from 0.
    #[must_use]
    pub fn index(&self, day: NaiveDate) -> Option<usize> {
        if self.has(day) { usize::try_from((day - self.from).num_days()).ok() } else { None }
    }
}

/// The times of a trial.
#[derive(Debug, Clone)]
pub struct Times {
    /// Start of the day of analysis, minutes since midnight.
    pub day_starts: u32,
    /// Shifts in the order of the file.
    pub shifts: Vec<Shift>,
    /// Days before the trial.
    pub baseline: Days,
    /// Days of the trial.
    pub trial: Days,
}

impl Times {
    /// Of a trial.
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        Self {
            day_starts: clock(&trial.day_starts).unwrap_or(0),
            shifts: trial.shifts.clone(),
            baseline: Days { from: trial.baseline.from.date(), to: trial.baseline.to.date() },
            trial: Days { from: trial.design.from.date(), to: trial.design.to.date() },
        }
    }

    /// The day of analysis of a local time.
    #[must_use]
    pub fn day(&self, local: NaiveDateTime) -> NaiveDate {
        let back = Duration::minutes(i64::from(self.day_starts));
        local.checked_sub_signed(back).map_or(local.date(), |t| t.date())
    }

    /// The shift of a local time; `None` where the shifts leave a gap.
    #[must_use]
    pub fn shift(&self, local: NaiveDateTime) -> Option<usize> {
        let minute = local.hour() * 60 + local.minute();
        self.shifts.iter().position(|s| (minute + 1440 - s.start()) % 1440 < s.length())
    }

    /// Start and end of a shift on a day of analysis, as instants. A shift over the night in which the clocks change is
    /// an hour shorter or longer than by the clock.
    #[must_use]
    pub fn span(&self, day: NaiveDate, shift: &Shift) -> (DateTime<Utc>, DateTime<Utc>) {
        let after_midnight = shift.start() < self.day_starts;
        let begins = day + Duration::days(i64::from(after_midnight));
        let at = |minutes: u32| {
            let start = begins.and_time(NaiveTime::MIN);
            start.checked_add_signed(Duration::minutes(i64::from(minutes))).unwrap_or(start)
        };
        (instant(at(shift.start())), instant(at(shift.start() + shift.length())))
    }
}

/// The instant of a local time. In the hour that happens twice the first is meant; in the hour that does not happen the
/// time is read an hour later.
#[must_use]
pub fn instant(local: NaiveDateTime) -> DateTime<Utc> {
    let seconds = match London.offset_from_local_datetime(&local) {
        MappedLocalTime::Single(offset) => offset.fix().local_minus_utc(),
        MappedLocalTime::Ambiguous(one, other) => one.fix().local_minus_utc().max(other.fix().local_minus_utc()),
        // 01:30 by winter time is 02:30 by the summer time that has begun.
        MappedLocalTime::None => 0,
    };
    local.checked_sub_signed(Duration::seconds(i64::from(seconds))).unwrap_or(local).and_utc()
}

/// The local time of an instant.
#[must_use]
pub fn local(at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&London).naive_local()
}

/// `GMT` or `BST`.
#[must_use]
pub fn zone(at: DateTime<Utc>) -> &'static str {
    if at.with_timezone(&London).offset().fix().local_minus_utc() == 0 { "GMT" } else { "BST" }
}

/// A time as extracts write it: what the clock showed, or an instant where a zone stands with it; a bare day has no hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Local time.
    Clock(NaiveDateTime),
    /// Instant.
    Instant(DateTime<Utc>),
    /// Day.
    Day(NaiveDate),
}

/// Reads a time: ISO 8601, or day/month/year as in the United Kingdom.
#[must_use]
pub fn when(text: &str) -> Option<When> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(When::Instant(at.to_utc()));
    }
    for form in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
    ] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form) {
            return Some(When::Clock(at));
        }
    }
    if let Ok(at) = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z") {
        return Some(When::Instant(at.to_utc()));
    }
    ["%Y-%m-%d", "%d/%m/%Y"].iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok()).map(When::Day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::trial;

    #[test]
    fn the_day_starts_at_six() {
        let times = Times::new(&trial());
        let check = |text: &str, day: &str, shift: &str| {
            let at: NaiveDateTime = text.parse().unwrap();
            assert_eq!(times.day(at).to_string(), day, "{text}");
            assert_eq!(times.shifts[times.shift(at).unwrap()].name, shift, "{text}");
        };
        check("2025-05-10T05:59:59", "2025-05-09", "night");
        check("2025-05-10T06:00:00", "2025-05-10", "early");
        check("2025-05-10T13:59:00", "2025-05-10", "early");
        check("2025-05-10T14:00:00", "2025-05-10", "late");
        check("2025-05-10T23:30:00", "2025-05-10", "night");
        check("2025-05-11T00:00:00", "2025-05-10", "night");
    }

    #[test]
    fn nights_in_which_the_clocks_change() {
        let times = Times::new(&trial());
        let hours = |day: &str| {
            let (from, to) = times.span(day.parse().unwrap(), &times.shifts[2]);
            (to - from).num_minutes()
        };
        assert_eq!(hours("2025-03-28"), 480);
        assert_eq!(hours("2025-03-29"), 420, "an hour is lost");
        assert_eq!(hours("2025-10-25"), 540, "an hour happens twice");
    }

    #[test]
    fn local_times_there_and_back() {
        for text in ["2025-03-30T00:59:00", "2025-03-30T02:00:00", "2025-10-26T00:30:00", "2025-10-26T02:00:00"] {
            let at: NaiveDateTime = text.parse().unwrap();
            assert_eq!(local(instant(at)), at);
        }
        let missing = local(instant("2025-03-30T01:30:00".parse().unwrap()));
        assert_eq!(missing.to_string(), "2025-03-30 02:30:00");
        assert_eq!(zone(instant("2025-10-26T01:30:00".parse().unwrap())), "BST");
        assert_eq!(zone(instant("2025-10-26T02:30:00".parse().unwrap())), "GMT");
    }

    #[test]
    fn times_as_extracts_write_them() {
        let clock = |t: &str| Some(When::Clock(t.parse().unwrap()));
        assert_eq!(when("2025-05-10 23:15"), clock("2025-05-10T23:15:00"));
        assert_eq!(when("10/05/2025 23:15:10"), clock("2025-05-10T23:15:10"));
        assert_eq!(when("2025-05-10"), Some(When::Day("2025-05-10".parse().unwrap())));
        let utc = Some(When::Instant("2025-05-10T22:15:00Z".parse().unwrap()));
        assert_eq!(when("2025-05-10T23:15:00+01:00"), utc);
        assert_eq!(when("2025-05-10T22:15:00Z"), utc);
        for text in ["", "yesterday", "31/02/2025", "2025-13-01"] {
            assert_eq!(when(text), None, "{text}");
        }
    }
}

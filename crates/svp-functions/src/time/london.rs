//! The clock of Great Britain: local time to instants and back.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike};
use chrono_tz::Europe::London;

/// Which of the two instants an ambiguous local time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tie {
    /// Before the clocks went back (British Summer Time).
    #[default]
    First,
    /// After (Greenwich Mean Time).
    Second,
}

/// A local time that does not name exactly one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFlag {
    /// The hour happened twice: the last Sunday of October, 01:00 to 01:59.
    Ambiguous,
    /// The hour did not happen: the last Sunday of March, 01:00 to 01:59.
    Missing,
}

impl ClockFlag {
    /// The code used in SQL.
    pub fn code(self) -> &'static str {
        match self {
            ClockFlag::Ambiguous => "ambiguous_hour",
            ClockFlag::Missing => "missing_hour",
        }
    }
}

/// The instant of a local time, in microseconds since 1970 UTC, and what was doubtful about it.
///
/// A time in the missing hour is moved forward one hour (01:30 is read as 02:30 BST).
pub fn instant(local: NaiveDateTime, tie: Tie) -> (i64, Option<ClockFlag>) {
    let micros = local.and_utc().timestamp_micros();
    let at = |offset: i64| micros - offset * MICROS;
    match offsets(&local) {
        MappedLocalTime::Single(offset) => (at(offset), None),
        MappedLocalTime::Ambiguous(one, other) => {
            // The larger offset (summer time) is in force first.
            let offset = match tie {
                Tie::First => one.max(other),
                Tie::Second => one.min(other),
            };
            (at(offset), Some(ClockFlag::Ambiguous))
        }
        MappedLocalTime::None => {
            let later = local.checked_add_signed(TimeDelta::hours(1));
            let offset = match later.as_ref().map(offsets) {
                Some(MappedLocalTime::Single(offset)) => offset,
                _ => 0,
            };
            (at(offset) + 3_600 * MICROS, Some(ClockFlag::Missing))
        }
    }
}

/// Microseconds in a second.
pub(crate) const MICROS: i64 = 1_000_000;

fn offsets(local: &NaiveDateTime) -> MappedLocalTime<i64> {
    London.offset_from_local_datetime(local).map(|offset| i64::from(offset.fix().local_minus_utc()))
}

/// The minute of the day that the clock shows at an instant (microseconds since 1970 UTC), 0 to 1439.
pub fn minute_of_day(micros: i64) -> Option<usize> {
    let time = local(micros)?.time();
    Some((time.hour() * 60 + time.minute()) as usize)
}

/// The local time of an instant in microseconds since 1970 UTC; `None` beyond the calendar.
pub fn local(micros: i64) -> Option<NaiveDateTime> {
    let utc = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let offset = London.offset_from_utc_datetime(&utc).fix().local_minus_utc();
    utc.checked_add_signed(TimeDelta::seconds(i64::from(offset)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, tie: Tie, expected: &str, flag: Option<ClockFlag>) {
        let (micros, found) = instant(text.parse().unwrap(), tie);
        let utc = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
        assert_eq!((utc.to_string().as_str(), found), (expected, flag), "{text}");
    }

    #[test]
    fn summer_winter_and_the_two_nights() {
        use ClockFlag::{Ambiguous, Missing};
        check("2024-01-15T12:00:00", Tie::First, "2024-01-15 12:00:00", None);
        check("2024-07-15T12:00:00", Tie::First, "2024-07-15 11:00:00", None);
        check("2024-10-27T00:59:59", Tie::First, "2024-10-26 23:59:59", None);
        check("2024-10-27T01:00:00", Tie::First, "2024-10-27 00:00:00", Some(Ambiguous));
        check("2024-10-27T01:30:00", Tie::First, "2024-10-27 00:30:00", Some(Ambiguous));
        check("2024-10-27T01:30:00", Tie::Second, "2024-10-27 01:30:00", Some(Ambiguous));
        check("2024-10-27T02:00:00", Tie::First, "2024-10-27 02:00:00", None);
        check("2024-03-31T00:59:59", Tie::First, "2024-03-31 00:59:59", None);
        check("2024-03-31T01:00:00", Tie::First, "2024-03-31 01:00:00", Some(Missing));
        check("2024-03-31T01:30:00", Tie::First, "2024-03-31 01:30:00", Some(Missing));
        check("2024-03-31T02:00:00", Tie::First, "2024-03-31 01:00:00", None);
        // British Standard Time all the year, 1968 to 1971.
        check("1970-01-01T12:00:00", Tie::First, "1970-01-01 11:00:00", None);
        check("2050-07-15T12:00:00", Tie::First, "2050-07-15 11:00:00", None);
    }

    #[test]
    fn back_again() {
        for day in 0..366 * 3 {
            for hour in [0, 1, 2, 12, 23] {
                let text = NaiveDateTime::default() + TimeDelta::days(19_000 + day) + TimeDelta::hours(hour);
                let (micros, flag) = instant(text, Tie::First);
                let expected = if flag == Some(ClockFlag::Missing) { text + TimeDelta::hours(1) } else { text };
                assert_eq!(local(micros), Some(expected));
            }
        }
        assert_eq!(local(i64::MAX), None);
    }
}

//! `utc_timestamp`: an instant from ISO 8601 text.

use chrono::{NaiveDate, NaiveTime};
use datafusion::logical_expr::ScalarUDF;

use super::format::{digits, fraction};
use super::london::MICROS;
use crate::udf::{Spec, converted, function, instant_result, utc_timestamp_type};

/// Reads `yyyy-mm-dd`, optionally `T` or a space and `hh:mi[:ss[.fraction]]`, optionally `Z` or an offset
/// `+hh[[:]mi]`; UTC without offset. Microseconds since 1970 UTC; finer digits are cut off.
pub fn utc_timestamp(text: &str) -> Option<i64> {
    let (year, rest) = digits(text.trim(), 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2, 2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let (time, offset) = match rest.strip_prefix(['T', 't', ' ']) {
        Some(rest) => {
            let (time, rest) = time(rest)?;
            (time, offset(rest)?)
        }
        None if rest.is_empty() => (NaiveTime::MIN, 0),
        None => return None,
    };
    Some(date.and_time(time).and_utc().timestamp_micros() - offset * MICROS)
}

fn time(text: &str) -> Option<(NaiveTime, &str)> {
    let (hour, rest) = digits(text, 2, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (second, micros, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (second, rest) = digits(rest, 2, 2)?;
            let (micros, rest) = fraction(rest)?;
            (second, micros, rest)
        }
        None => (0, 0, rest),
    };
    Some((NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?, rest))
}

/// Seconds east of Greenwich.
fn offset(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2, 2)?;
    let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
        "" if rest.is_empty() => 0,
        shown => match digits(shown, 2, 2)? {
            (minutes, "") => minutes,
            _ => return None,
        },
    };
    (hours <= 18 && minutes < 60).then(|| sign * i64::from(hours * 3_600 + minutes * 60))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "utc_timestamp",
            section: super::SECTION,
            about: "The instant of ISO 8601 text: a date, optionally a time, optionally `Z` or an offset; UTC \
                    when there is no offset. For local clock time use `uk_timestamp`.",
            params: vec![converted("text", "ISO 8601 date or date and time")],
            returns: utc_timestamp_type(),
            examples: &[(
                "SELECT utc_timestamp('2024-07-05T23:45:00+01:00'), utc_timestamp('2024-07-05 23:45')",
                "2024-07-05T22:45:00Z | 2024-07-05T23:45:00Z",
            )],
        },
        |args| {
            let text = args.text(0)?;
            instant_result(args.rows, |row| utc_timestamp(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn reads_iso() {
        let check = |text: &str, expected: Option<&str>| {
            let found = utc_timestamp(text)
                .map(|micros| DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        };
        check("2024-07-05", Some("2024-07-05 00:00:00"));
        check("2024-07-05T23:45:10Z", Some("2024-07-05 23:45:10"));
        check(" 2024-07-05t23:45:10.1234567z ", Some("2024-07-05 23:45:10.123456"));
        check("2024-07-05 23:45+0100", Some("2024-07-05 22:45:00"));
        check("2024-07-05T23:45:00-05", Some("2024-07-06 04:45:00"));
        check("2024-07-05T23:45:00+05:30", Some("2024-07-05 18:15:00"));
        for bad in [
            "",
            "2024",
            "2024-7-5",
            "2024-02-30",
            "2024-07-05T",
            "2024-07-05T24:00",
            "2024-07-05T23:45:00+1",
            "2024-07-05T23:45:00+01:",
            "2024-07-05T23:45:00+01:000",
            "2024-07-05T23:45:00 BST",
            "05/07/2024",
            "2024-07-05x",
        ] {
            check(bad, None);
        }
    }
}

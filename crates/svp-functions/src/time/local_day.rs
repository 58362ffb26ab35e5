//! `local_day_start` and `local_day_end`: the day that is meant where a time is a placeholder or only a date.

use chrono::{NaiveDateTime, NaiveTime};
use datafusion::logical_expr::ScalarUDF;

use super::london::{self, Tie};
use crate::udf::{Kind, Spec, function, instant_result, param, utc_timestamp_type};

/// The instant at which the local day of an instant begins (microseconds since 1970 UTC).
pub fn local_day_start(micros: i64) -> Option<i64> {
    at(micros, 0, 0)
}

/// The last whole minute, 23:59, of the local day of an instant (microseconds since 1970 UTC).
pub fn local_day_end(micros: i64) -> Option<i64> {
    at(micros, 23, 59)
}

fn at(micros: i64, hour: u32, minute: u32) -> Option<i64> {
    let day = london::local(micros)?.date();
    let time = NaiveTime::from_hms_opt(hour, minute, 0)?;
    Some(london::instant(NaiveDateTime::new(day, time), Tie::First).0)
}

pub(crate) fn start() -> ScalarUDF {
    function(
        Spec {
            name: "local_day_start",
            section: super::SECTION,
            about: "The start of the local day of an instant, 00:00 in Great Britain.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: utc_timestamp_type(),
            examples: &[("SELECT local_day_start(utc_timestamp('2024-07-05T12:00:00Z'))", "2024-07-04T23:00:00Z")],
        },
        |args| {
            let instant = args.instant(0)?;
            instant_result(args.rows, |row| local_day_start(instant.get(row)?))
        },
    )
}

pub(crate) fn end() -> ScalarUDF {
    function(
        Spec {
            name: "local_day_end",
            section: super::SECTION,
            about: "The last minute of the local day of an instant, 23:59 in Great Britain.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: utc_timestamp_type(),
            examples: &[("SELECT local_day_end(utc_timestamp('2024-07-05T12:00:00Z'))", "2024-07-05T22:59:00Z")],
        },
        |args| {
            let instant = args.instant(0)?;
            instant_result(args.rows, |row| local_day_end(instant.get(row)?))
        },
    )
}

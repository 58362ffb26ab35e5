//! `hour_of_week`: the hour of the local week, 0 to 167.

use arrow::datatypes::{DataType, Int32Type};
use chrono::{Datelike, Timelike};
use datafusion::logical_expr::ScalarUDF;

use super::london;
use crate::udf::{Kind, Spec, function, param, primitive_result};

/// Hours in a week.
pub const HOURS: i32 = 168;

/// The local hour of an instant (microseconds since 1970 UTC); 0 is Monday 00:00 to 00:59.
pub fn hour_of_week(micros: i64) -> Option<i32> {
    let local = london::local(micros)?;
    i32::try_from(local.weekday().num_days_from_monday() * 24 + local.hour()).ok()
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "hour_of_week",
            section: super::SECTION,
            about: "The hour of the week in Great Britain, 0 (Monday 00:00) to 167 (Sunday 23:00).",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: DataType::Int32,
            examples: &[("SELECT hour_of_week(utc_timestamp('2024-07-05T22:45:00Z'))", "119")],
        },
        |args| {
            let instant = args.instant(0)?;
            primitive_result::<Int32Type>(args.rows, |row| hour_of_week(instant.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_timestamp::utc_timestamp;

    #[test]
    fn weeks_begin_on_monday_at_midnight() {
        let check = |text: &str, expected: i32| {
            assert_eq!(hour_of_week(utc_timestamp(text).unwrap()), Some(expected), "{text}")
        };
        check("2024-01-01T00:00", 0);
        check("2024-01-07T23:59:59", 167);
        check("2024-06-30T22:59", 167);
        check("2024-06-30T23:00", 0);
        check("1969-12-29T00:00", 1);
        assert_eq!(hour_of_week(i64::MIN), None);
    }
}

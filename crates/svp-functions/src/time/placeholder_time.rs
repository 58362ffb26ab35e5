//! `placeholder_time`: whether a time is one that systems fill in when none is known.

use arrow::datatypes::DataType;
use chrono::Timelike;
use datafusion::logical_expr::ScalarUDF;

use super::london;
use crate::udf::{Kind, Spec, flag_result, function, param};

/// Whether the local time of an instant (microseconds since 1970 UTC) is 00:00, 12:00 or 23:59 (or
/// 23:59:59); other seconds show that a clock was read.
pub fn placeholder_time(micros: i64) -> Option<bool> {
    let time = london::local(micros)?.time();
    let shown = (time.hour(), time.minute(), time.second(), time.nanosecond() / 1_000_000);
    Some(matches!(shown, (0 | 12, 0, 0, 0) | (23, 59, 0, 0) | (23, 59, 59, _)))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "placeholder_time",
            section: super::SECTION,
            about: "Whether the local time of an instant is 00:00, 12:00 or 23:59: times that systems fill in \
                    when none is known, and that make false peaks.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: DataType::Boolean,
            examples: &[(
                "SELECT placeholder_time(uk_timestamp('05/07/2024', 'dd/mm/yyyy')), \
                 placeholder_time(utc_timestamp('2024-07-05T00:00:00Z'))",
                "true | false",
            )],
        },
        |args| {
            let instant = args.instant(0)?;
            flag_result(args.rows, |row| placeholder_time(instant.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_timestamp::utc_timestamp;

    #[test]
    fn three_times_of_day() {
        let check = |text: &str, expected: bool| {
            assert_eq!(placeholder_time(utc_timestamp(text).unwrap()), Some(expected), "{text}")
        };
        check("2024-01-05T00:00", true);
        check("2024-01-05T12:00", true);
        check("2024-01-05T23:59", true);
        check("2024-01-05T23:59:59.999", true);
        check("2024-07-05T11:00", true);
        check("2024-07-05T12:00", false);
        check("2024-01-05T00:00:01", false);
        check("2024-01-05T00:01", false);
        assert_eq!(placeholder_time(i64::MAX), None);
    }
}

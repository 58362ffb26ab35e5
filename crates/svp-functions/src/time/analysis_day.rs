//! `analysis_day`: the day to which a night belongs.

use arrow::datatypes::DataType;
use chrono::{NaiveDate, TimeDelta};
use datafusion::logical_expr::ScalarUDF;

use super::london;
use crate::udf::{Kind, Spec, date_result, function, param};

/// Local hour at which an analysis day begins.
pub const FIRST_HOUR: i64 = 6;

/// The day from 06:00 to 05:59 local time that holds an instant (microseconds since 1970 UTC), so that a
/// Saturday night is one day.
pub fn analysis_day(micros: i64) -> Option<NaiveDate> {
    Some(london::local(micros)?.checked_sub_signed(TimeDelta::hours(FIRST_HOUR))?.date())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "analysis_day",
            section: super::SECTION,
            about: "The date of the day from 06:00 to 05:59 local time, so that a Saturday night is one day.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: DataType::Date32,
            examples: &[("SELECT analysis_day(uk_timestamp('07/07/2024 02:30', 'dd/mm/yyyy hh:mi'))", "2024-07-06")],
        },
        |args| {
            let instant = args.instant(0)?;
            date_result(args.rows, |row| analysis_day(instant.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_timestamp::utc_timestamp;

    #[test]
    fn days_begin_at_six() {
        let check = |text: &str, expected: &str| {
            assert_eq!(analysis_day(utc_timestamp(text).unwrap()).unwrap().to_string(), expected, "{text}")
        };
        check("2024-01-06T05:59", "2024-01-05");
        check("2024-01-06T06:00", "2024-01-06");
        check("2024-07-06T04:59", "2024-07-05");
        check("2024-07-06T05:00", "2024-07-06");
        assert_eq!(analysis_day(i64::MAX), None);
    }
}

//! `in_doubled_hour`: whether a time lies in the hour that comes twice.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::london::{self, ClockFlag, Tie};
use crate::udf::{Kind, Spec, flag_result, function, param};

/// Whether the local time of an instant (microseconds since 1970 UTC) comes twice on its day: the last Sunday of October, 01:00 to
/// 01:59. `None` beyond the calendar.
pub fn in_doubled_hour(micros: i64) -> Option<bool> {
    Some(london::instant(london::local(micros)?, Tie::First).1 == Some(ClockFlag::Ambiguous))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "in_doubled_hour",
            section: super::SECTION,
            about: "Whether the local time of an instant lies in the hour that comes twice when the clocks go back in October.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: DataType::Boolean,
            examples: &[(
                "SELECT in_doubled_hour(uk_timestamp('27/10/2024 01:30', 'dd/mm/yyyy hh:mi')), \
                 in_doubled_hour(uk_timestamp('27/10/2024 02:30', 'dd/mm/yyyy hh:mi'))",
                "true | false",
            )],
        },
        |args| {
            let instant = args.instant(0)?;
            flag_result(args.rows, |row| in_doubled_hour(instant.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_timestamp::utc_timestamp;

    #[test]
    fn both_of_the_two_hours() {
        let check = |text: &str, expected: bool| {
            assert_eq!(in_doubled_hour(utc_timestamp(text).unwrap()), Some(expected), "{text}")
        };
        check("2024-10-26T23:59", false);
        check("2024-10-27T00:00", true);
        check("2024-10-27T01:59", true);
        check("2024-10-27T02:00", false);
        check("2024-03-31T01:30", false);
        assert_eq!(in_doubled_hour(i64::MAX), None);
    }
}

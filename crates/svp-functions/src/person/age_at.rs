//! `age_at`: completed years on a day.

use arrow::datatypes::{DataType, Int32Type};
use chrono::{Datelike, NaiveDate};
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, primitive_result};

/// Oldest age that is believed, in years.
pub const OLDEST: i32 = svp_contract::OLDEST_AGE;

/// Completed years between birth and a day; `None` below 0 and above 120.
///
/// Someone born on 29 February completes a year on 1 March in other years.
pub fn age_at(born: NaiveDate, day: NaiveDate) -> Option<i32> {
    let before_birthday = (day.month(), day.day()) < (born.month(), born.day());
    let age = day.year() - born.year() - i32::from(before_birthday);
    (day >= born && age <= OLDEST).then_some(age)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "age_at",
            section: super::SECTION,
            about: "Age in completed years on a day, or on the local day (Europe/London) of an instant; NULL \
                    below 0 and above 120.",
            params: vec![param(Kind::Date, "born", "date of birth"), param(Kind::Moment, "at", "date or timestamp")],
            returns: DataType::Int32,
            examples: &[
                ("SELECT age_at(DATE '1991-03-07', DATE '2024-03-06')", "32"),
                ("SELECT age_at(DATE '1991-07-01', utc_timestamp('2024-06-30T23:30:00Z'))", "33"),
            ],
        },
        |args| {
            let (born, at) = (args.day(0)?, args.day(1)?);
            primitive_result::<Int32Type>(args.rows, |row| age_at(born.get(row)?, at.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_years() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let check = |born: &str, at: &str, expected: Option<i32>| {
            assert_eq!(age_at(day(born), day(at)), expected, "{born} {at}")
        };
        check("1991-03-07", "2024-03-06", Some(32));
        check("1991-03-07", "2024-03-07", Some(33));
        check("2024-03-07", "2024-03-07", Some(0));
        check("2024-03-07", "2024-03-06", None);
        check("2025-03-07", "2024-03-08", None);
        check("2004-02-29", "2022-02-28", Some(17));
        check("2004-02-29", "2022-03-01", Some(18));
        check("1900-01-02", "2020-01-02", Some(120));
        check("1900-01-02", "2021-01-02", None);
    }
}

//! `month_number` and `month_of_number`: months as numbers, so that a calendar has no gaps and twelve months are twelve.

use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;
use svp_contract::Month;

use crate::udf::{Kind, Spec, function, param, primitive_result, text_result};

/// Months since January of the year 0; `None` for what is no month `YYYY-MM`.
pub fn month_number(text: &str) -> Option<i64> {
    Some(text.trim().parse::<Month>().ok()?.number())
}

/// The month of a number, `YYYY-MM`; `None` outside the years 0 to 9999.
pub fn month_of_number(number: i64) -> Option<String> {
    Month::of_number(number).map(|month| month.to_string())
}

pub(crate) fn number() -> ScalarUDF {
    function(
        Spec {
            name: "month_number",
            section: super::SECTION,
            about: "Months since January of the year 0: neighbouring months differ by one, also over the turn of a year. NULL for \
                    what is no month `YYYY-MM`.",
            params: vec![param(Kind::Text, "month", "a month, `YYYY-MM`")],
            returns: DataType::Int64,
            examples: &[(
                "SELECT month_number('2024-01') - month_number('2023-12'), month_number('2024-13')",
                "1 | NULL",
            )],
        },
        |args| {
            let text = args.text(0)?;
            primitive_result::<Int64Type>(args.rows, |row| month_number(text.get(row)?))
        },
    )
}

pub(crate) fn of_number() -> ScalarUDF {
    function(
        Spec {
            name: "month_of_number",
            section: super::SECTION,
            about: "The month of a number of `month_number`, `YYYY-MM`.",
            params: vec![param(Kind::Integer, "number", "months since January of the year 0")],
            returns: DataType::Utf8,
            examples: &[("SELECT month_of_number(month_number('2023-12') + 1), month_of_number(-1)", "2024-01 | NULL")],
        },
        |args| {
            let number = args.integer(0)?;
            text_result(args.rows, |row| month_of_number(number.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for month in ["0000-01", "1999-12", "2000-01", "2024-02", "9999-12"] {
            assert_eq!(month_of_number(month_number(month).unwrap()).as_deref(), Some(month));
        }
        assert_eq!(month_number("2024-01"), month_number("2023-12").map(|n| n + 1));
        assert_eq!((month_number("2024-00"), month_number("24-01"), month_number("June")), (None, None, None));
        assert_eq!((month_of_number(-1), month_of_number(120_000), month_of_number(i64::MAX)), (None, None, None));
    }
}

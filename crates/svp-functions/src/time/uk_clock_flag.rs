//! `uk_clock_flag`: whether a local time is one of those that happen twice or not at all.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::format::{Format, LastFormat};
use super::london::{self, ClockFlag, Tie};
use crate::udf::{Kind, Spec, function, param, text_result};

/// The doubt about a local time in text; `None` when there is none or the text cannot be read.
pub fn uk_clock_flag(text: &str, format: &Format) -> Option<ClockFlag> {
    london::instant(format.parse(text)?, Tie::First).1
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "uk_clock_flag",
            section: super::SECTION,
            about: "`ambiguous_hour` for a local time in the hour that happens twice on the last Sunday of \
                    October, `missing_hour` for one in the hour left out on the last Sunday of March, else \
                    NULL.",
            params: vec![
                param(Kind::Text, "text", "local date and time as extracted"),
                param(Kind::Text, "format", super::FORMAT_HELP),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT uk_clock_flag('27/10/2024 01:30', 'dd/mm/yyyy hh:mi'), \
                 uk_clock_flag('31/03/2024 01:30', 'dd/mm/yyyy hh:mi'), \
                 uk_clock_flag('31/03/2024 02:00', 'dd/mm/yyyy hh:mi')",
                "ambiguous_hour | missing_hour | NULL",
            )],
        },
        |args| {
            let (text, format) = (args.text(0)?, args.text(1)?);
            let mut formats = LastFormat::default();
            text_result(args.rows, |row| {
                uk_clock_flag(text.get(row)?, formats.get(format.get(row)?)?).map(ClockFlag::code)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_nights() {
        let format = Format::compile("yyyy-mm-dd hh:mi").unwrap();
        let check =
            |text: &str, expected: Option<ClockFlag>| assert_eq!(uk_clock_flag(text, &format), expected, "{text}");
        check("2024-10-27 00:59", None);
        check("2024-10-27 01:00", Some(ClockFlag::Ambiguous));
        check("2024-10-27 01:59", Some(ClockFlag::Ambiguous));
        check("2024-10-27 02:00", None);
        check("2024-03-31 01:00", Some(ClockFlag::Missing));
        check("2024-03-31 01:59", Some(ClockFlag::Missing));
        check("2024-03-31 02:00", None);
        check("2023-10-29 01:30", Some(ClockFlag::Ambiguous));
        check("2023-10-22 01:30", None);
        check("nonsense", None);
    }
}

//! `weekday_name`: the English name of a day of the week.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, text_result};

const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The name of a day, 0 = Monday to 6 = Sunday.
pub fn weekday_name(day: i64) -> Option<&'static str> {
    NAMES.get(usize::try_from(day).ok()?).copied()
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "weekday_name",
            section: super::SECTION,
            about: "The name of a day of the week, 0 = Monday to 6 = Sunday: `hour_of_week(…) / 24`.",
            params: vec![param(Kind::Integer, "day", "0 to 6")],
            returns: DataType::Utf8,
            examples: &[("SELECT weekday_name(119 / 24), weekday_name(7)", "Friday | NULL")],
        },
        |args| {
            let day = args.integer(0)?;
            text_result(args.rows, |row| weekday_name(day.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days() {
        assert_eq!((weekday_name(0), weekday_name(6)), (Some("Monday"), Some("Sunday")));
        assert_eq!((weekday_name(-1), weekday_name(7)), (None, None));
    }
}

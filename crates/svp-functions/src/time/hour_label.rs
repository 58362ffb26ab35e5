//! `hour_label`: an hour of the day as people write it.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::hour_of_week::HOURS;
use crate::udf::{Kind, Spec, function, param, text_result};

const LABELS: [&str; 24] = [
    "00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00", "10:00", "11:00",
    "12:00", "13:00", "14:00", "15:00", "16:00", "17:00", "18:00", "19:00", "20:00", "21:00", "22:00", "23:00",
];

/// The time at which an hour of the day (0 to 23) or of the week (0 to 167) begins.
pub fn hour_label(hour: i64) -> Option<&'static str> {
    let hour = (0..i64::from(HOURS)).contains(&hour).then_some(hour % 24)?;
    LABELS.get(usize::try_from(hour).ok()?).copied()
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "hour_label",
            section: super::SECTION,
            about: "The time of day at which an hour begins; takes an hour of the day (0 to 23) or of the \
                    week (0 to 167).",
            params: vec![param(Kind::Integer, "hour", "0 to 167")],
            returns: DataType::Utf8,
            examples: &[("SELECT hour_label(6), hour_label(119), hour_label(168)", "06:00 | 23:00 | NULL")],
        },
        |args| {
            let hour = args.integer(0)?;
            text_result(args.rows, |row| hour_label(hour.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_day_and_week() {
        assert_eq!(
            (hour_label(0), hour_label(23), hour_label(24), hour_label(167)),
            (Some("00:00"), Some("23:00"), Some("00:00"), Some("23:00"))
        );
        assert_eq!((hour_label(-1), hour_label(168)), (None, None));
    }
}

//! `uk_timestamp`: what a clock in Great Britain showed, as an instant.

use chrono::NaiveDateTime;
use datafusion::logical_expr::ScalarUDF;

use super::format::{Format, LastFormat};
use super::london::{self, Tie};
use crate::udf::{Kind, Spec, converted, function, instant_result, optional, param, utc_timestamp_type};

/// The instant of a local time in text, in microseconds since 1970 UTC; see [`london::instant`] for the
/// hours that happen twice or not at all.
pub fn uk_timestamp(text: &str, format: &Format, tie: Tie) -> Option<i64> {
    let local: NaiveDateTime = format.parse(text)?;
    Some(london::instant(local, tie).0)
}

/// The meaning of the `tie` argument.
fn tie(text: &str) -> Option<Tie> {
    match text {
        "first" => Some(Tie::First),
        "second" => Some(Tie::Second),
        _ => None,
    }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "uk_timestamp",
            section: super::SECTION,
            about: "The instant of a local time of Great Britain (Europe/London). A time in the hour that \
                    happens twice in October is the first of the two (BST) unless `tie` says otherwise; a \
                    time in the hour that is left out in March is moved forward one hour. `uk_clock_flag` \
                    tells which rows these are.",
            params: vec![
                converted("text", "local date and time as extracted"),
                param(Kind::Text, "format", super::FORMAT_HELP),
                optional(Kind::Text, "tie", "`first` (the default) or `second`"),
            ],
            returns: utc_timestamp_type(),
            examples: &[
                ("SELECT uk_timestamp('05/07/2024 23:45', 'dd/mm/yyyy hh:mi')", "2024-07-05T22:45:00Z"),
                (
                    "SELECT uk_timestamp('27/10/2024 01:30', 'dd/mm/yyyy hh:mi'), \
                     uk_timestamp('27/10/2024 01:30', 'dd/mm/yyyy hh:mi', 'second')",
                    "2024-10-27T00:30:00Z | 2024-10-27T01:30:00Z",
                ),
            ],
        },
        |args| {
            let (text, format) = (args.text(0)?, args.text(1)?);
            let ties = if args.has(2) { Some(args.text(2)?) } else { None };
            let mut formats = LastFormat::default();
            instant_result(args.rows, |row| {
                let tie = match &ties {
                    Some(ties) => tie(ties.get(row)?)?,
                    None => Tie::First,
                };
                uk_timestamp(text.get(row)?, formats.get(format.get(row)?)?, tie)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{prints, session};

    #[test]
    fn formats_may_come_from_a_column() {
        let sql = "SELECT uk_timestamp(t, f) FROM (VALUES ('05/07/2024', 'dd/mm/yyyy'), ('2024-07-05', 'yyyy-mm-dd'), \
                   ('2024-07-05', 'dd/mm/yyyy'), ('2024-07-05', 'nonsense'), (NULL, 'yyyy-mm-dd')) AS v(t, f)";
        assert_eq!(prints(&session(), sql), "2024-07-04T23:00:00Z\n2024-07-04T23:00:00Z\nNULL\nNULL\nNULL");
    }

    #[test]
    fn an_unknown_tie_is_null() {
        let sql = "SELECT uk_timestamp('05/07/2024', 'dd/mm/yyyy', 'third')";
        assert_eq!(prints(&session(), sql), "NULL");
    }
}

//! `local_month`: the calendar month of an instant.

use std::fmt::Write;

use arrow::datatypes::DataType;
use chrono::Datelike;
use datafusion::logical_expr::ScalarUDF;

use super::london;
use crate::udf::{Kind, Spec, function, param, written_result};

/// The local month of an instant (microseconds since 1970 UTC), `YYYY-MM`.
pub fn local_month(micros: i64) -> Option<String> {
    let mut out = String::new();
    write_month(micros, &mut out)?;
    Some(out)
}

fn write_month(micros: i64, out: &mut String) -> Option<()> {
    let date = london::local(micros)?.date();
    write!(out, "{:04}-{:02}", date.year(), date.month()).ok()
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "local_month",
            section: super::SECTION,
            about: "The calendar month of an instant in Great Britain, `YYYY-MM`.",
            params: vec![param(Kind::Timestamp, "instant", "a timestamp")],
            returns: DataType::Utf8,
            examples: &[("SELECT local_month(utc_timestamp('2024-06-30T23:30:00Z'))", "2024-07")],
        },
        |args| {
            let instant = args.instant(0)?;
            written_result(args.rows, |row, out| write_month(instant.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_timestamp::utc_timestamp;

    #[test]
    fn the_month_is_local() {
        let check = |text: &str, expected: &str| {
            assert_eq!(local_month(utc_timestamp(text).unwrap()).as_deref(), Some(expected))
        };
        check("2024-12-31T23:59:59", "2024-12");
        check("2024-07-31T22:59", "2024-07");
        check("2024-07-31T23:00", "2024-08");
        assert_eq!(local_month(i64::MAX), None);
    }
}

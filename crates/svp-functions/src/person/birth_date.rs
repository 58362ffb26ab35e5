//! `birth_date`: a date of birth, unless it is one of the dates that mean "not known".

use arrow::datatypes::DataType;
use chrono::{Datelike, NaiveDate};
use datafusion::logical_expr::ScalarUDF;

use super::placeholder::is_placeholder_date;
use crate::time::format::{Format, LastFormat};
use crate::udf::{Kind, Spec, converted, date_result, function, param};

/// Years in which a person of any extract can have been born.
const YEARS: std::ops::RangeInclusive<i32> = 1880..=2100;

/// The date of birth; `None` for an unreadable date, a placeholder, or a year outside 1880 to 2100.
pub fn birth_date(text: &str, format: &Format) -> Option<NaiveDate> {
    let date = format.parse_date(text)?;
    (YEARS.contains(&date.year()) && !is_placeholder_date(date)).then_some(date)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "birth_date",
            section: super::SECTION,
            about: "A date of birth. The dates that mean \"not known\" (1900-01-01, 1899-12-30 and others, by the list \
                    `schemas/placeholders.csv`) and years outside 1880 to 2100 are NULL.",
            params: vec![
                converted("text", "date as extracted"),
                param(Kind::Text, "format", "as in `uk_timestamp`, for example `dd/mm/yyyy`"),
            ],
            returns: DataType::Date32,
            examples: &[(
                "SELECT birth_date('07/03/1991', 'dd/mm/yyyy'), birth_date('01/01/1900', 'dd/mm/yyyy')",
                "1991-03-07 | NULL",
            )],
        },
        |args| {
            let (text, format) = (args.text(0)?, args.text(1)?);
            let mut formats = LastFormat::default();
            date_result(args.rows, |row| birth_date(text.get(row)?, formats.get(format.get(row)?)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_are_missing() {
        let format = Format::compile("yyyy-mm-dd").unwrap();
        for missing in [
            "1900-01-01",
            "1811-11-11",
            "1800-01-01",
            "1899-12-30",
            "1901-01-01",
            "2101-01-01",
            "9999-12-31",
            "1991-02-30",
            "",
        ] {
            assert_eq!(birth_date(missing, &format), None, "{missing}");
        }
        for text in ["1991-03-07Z", "1991-03-07T00:00:00+00:00"] {
            assert_eq!(birth_date(text, &format).unwrap().to_string(), "1991-03-07");
        }
        assert_eq!(birth_date("1900-01-01Z", &format), None);
        for known in ["1900-01-03", "1991-03-07", "2100-12-31", "2000-02-29"] {
            assert_eq!(birth_date(known, &format).unwrap().to_string(), known);
        }
    }
}

//! `uk_date`: a calendar date from text.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use datafusion::logical_expr::ScalarUDF;

use super::format::{Format, LastFormat};
use crate::udf::{Kind, Spec, converted, date_result, function, param};

/// The local date in text; a time of day, if the format has one, is read and dropped. See [`Format::parse_date`].
pub fn uk_date(text: &str, format: &Format) -> Option<NaiveDate> {
    format.parse_date(text)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "uk_date",
            section: super::SECTION,
            about: "The calendar date of text; a time of day, if the format has one, is dropped. With `yyyy-mm-dd`, midnight \
                    and a zone of Great Britain may follow, as in XML (`2024-07-05Z`, `2024-07-05T00:00:00`).",
            params: vec![converted("text", "date as extracted"), param(Kind::Text, "format", super::FORMAT_HELP)],
            returns: DataType::Date32,
            examples: &[(
                "SELECT uk_date('05/07/2024', 'dd/mm/yyyy'), \
                 uk_date('2024-Dec-01 00:00:00', 'yyyy-mon-dd hh:mi:ss'), uk_date('31/02/2024', 'dd/mm/yyyy')",
                "2024-07-05 | 2024-12-01 | NULL",
            )],
        },
        |args| {
            let (text, format) = (args.text(0)?, args.text(1)?);
            let mut formats = LastFormat::default();
            date_result(args.rows, |row| uk_date(text.get(row)?, formats.get(format.get(row)?)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_time() {
        let format = Format::compile("dd/mm/yyyy hh:mi").unwrap();
        assert_eq!(uk_date("05/07/2024 23:59", &format).unwrap().to_string(), "2024-07-05");
        assert_eq!(uk_date("05/07/2024", &format), None);
    }
}

//! `month_text`: a month as publishers write it.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::Month;

use crate::udf::{Spec, converted, function, text_result};

/// The text itself where it is a month `YYYY-MM`, blanks around it dropped; otherwise `None`.
pub fn month_text(text: &str) -> Option<&str> {
    let text = text.trim();
    text.parse::<Month>().is_ok().then_some(text)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "month_text",
            section: super::SECTION,
            about: "A month written `YYYY-MM`, as data.police.uk does; NULL for anything else.",
            params: vec![converted("text", "a month as text")],
            returns: DataType::Utf8,
            examples: &[("SELECT month_text('2024-06'), month_text('2024-13')", "2024-06 | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| month_text(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_months() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(month_text(text), expected, "{text}");
        check("2024-01", Some("2024-01"));
        check(" 2024-12 ", Some("2024-12"));
        check("2024-00", None);
        check("2024-1", None);
        check("24-01", None);
        check("2024/01", None);
        check("٢٠٢٤-٠١", None);
    }
}

//! `nhs_number`: ten digits that can be an NHS number.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::nhs_number_status::{Status, judge};
use crate::udf::{Spec, converted, function, written_result};

/// The ten digits of a valid NHS number, without spaces and hyphens; `None` otherwise.
pub fn nhs_number(text: &str) -> Option<String> {
    let mut digits = String::new();
    write_number(text, &mut digits)?;
    Some(digits)
}

fn write_number(text: &str, out: &mut String) -> Option<()> {
    match judge(text) {
        (Status::Valid, Some(digits)) => {
            out.extend(digits.iter().map(|digit| char::from(*digit)));
            Some(())
        }
        _ => None,
    }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "nhs_number",
            section: super::SECTION,
            about: "The ten digits of a valid NHS number: check digit by modulus 11, repeated digits and \
                    placeholders refused; see `nhs_number_status` for the reason of a NULL.",
            params: vec![converted("text", "NHS number; spaces and hyphens are ignored")],
            returns: DataType::Utf8,
            examples: &[("SELECT nhs_number('943-476-5919'), nhs_number('943 476 5918')", "9434765919 | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_number(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_valid_numbers() {
        assert_eq!(nhs_number(" 450 557 7104 ").as_deref(), Some("4505577104"));
        assert_eq!(nhs_number("450 557 7105"), None);
        assert_eq!(nhs_number("4444444444"), None);
        assert_eq!(nhs_number(""), None);
    }
}

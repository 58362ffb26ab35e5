//! `parse_flag`: yes or no from the ways in which extracts write it.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Spec, converted, flag_result, function};

const YES: [&str; 5] = ["y", "yes", "true", "t", "1"];
const NO: [&str; 5] = ["n", "no", "false", "f", "0"];

/// Reads a flag, whatever the case: Y/N, Yes/No, true/false, T/F, 1/0.
pub fn parse_flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if YES.iter().any(is) {
        Some(true)
    } else if NO.iter().any(is) {
        Some(false)
    } else {
        None
    }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "parse_flag",
            section: super::SECTION,
            about: "Reads a flag: Y/N, Yes/No, true/false, T/F, 1/0 in any case. NULL is \"not recorded\", \
                    which is not \"no\".",
            params: vec![converted("text", "a flag as text")],
            returns: DataType::Boolean,
            examples: &[("SELECT parse_flag('Yes'), parse_flag('0'), parse_flag('?')", "true | false | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            flag_result(args.rows, |row| parse_flag(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_flags() {
        for yes in ["Y", "y", "YES", " true ", "T", "1"] {
            assert_eq!(parse_flag(yes), Some(true), "{yes:?}");
        }
        for no in ["N", "no", "FALSE", "f", "0"] {
            assert_eq!(parse_flag(no), Some(false), "{no:?}");
        }
        for bad in ["", " ", "2", "yep", "not known", "10"] {
            assert_eq!(parse_flag(bad), None, "{bad:?}");
        }
    }
}

//! `parse_integer`: a whole number from text.

use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;

use super::parse_number::without_commas;
use crate::udf::{Spec, converted, function, primitive_result};

/// Reads a whole number: sign, zero padding, thousands commas, and decimals that are all zero (`5.0`) are
/// accepted. An exponent is refused: digits have been lost (`2.82E+11` was once a clinical code).
pub fn parse_integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    if whole.contains(',') { without_commas(whole)?.parse().ok() } else { whole.parse().ok() }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "parse_integer",
            section: super::SECTION,
            about: "Reads a whole number. `5.0` is 5; `5.5` and `2.8E+11` are NULL.",
            params: vec![converted("text", "a whole number as text")],
            returns: DataType::Int64,
            examples: &[("SELECT parse_integer('0017'), parse_integer('5.5')", "17 | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            primitive_result::<Int64Type>(args.rows, |row| parse_integer(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(parse_integer(text), expected, "{text:?}");
        check("17", Some(17));
        check(" 007 ", Some(7));
        check("-3", Some(-3));
        check("+3", Some(3));
        check("5.0", Some(5));
        check("1,234", Some(1234));
        check("283682007", Some(283682007));
        check("900000000000207008", Some(900000000000207008));
        for bad in ["", "5.5", "2.82E+11", "x", "1,23", "99999999999999999999", "-", "1 2", ".0"] {
            check(bad, None);
        }
    }
}

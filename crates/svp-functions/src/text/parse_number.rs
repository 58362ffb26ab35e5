//! `parse_number`: a decimal number from text.

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Spec, converted, function, primitive_result};

/// Reads a decimal number: sign, zero padding, thousands commas in groups of three, and an exponent are
/// accepted. Words (`inf`, `nan`), units, currency and anything that overflows are not a number, and neither is what a spreadsheet shows
/// of a large one: in `3.2E+05` the digits after the second are lost.
pub fn parse_number(text: &str) -> Option<f64> {
    // Nearly every number is digits and a point, and none of what follows is to be asked of it.
    if let [first, rest @ ..] = text.as_bytes()
        && (first.is_ascii_digit() || *first == b'-')
        && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    {
        return text.parse().ok().filter(|number: &f64| number.is_finite());
    }
    let text = text.trim();
    let first = text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'e')) {
        return None;
    }
    if text.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| has_lost_digits(mantissa, exponent)) {
        return None;
    }
    let number: f64 = if text.contains(',') { without_commas(text)?.parse().ok()? } else { text.parse().ok()? };
    number.is_finite().then_some(number)
}

/// Whether the exponent is larger than the decimals that are written: then the last whole digits are not known.
fn has_lost_digits(mantissa: &str, exponent: &str) -> bool {
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    exponent.parse::<i32>().is_ok_and(|e| e > 0 && usize::try_from(e).is_ok_and(|e| e > decimals))
}

/// Drops thousands commas; `None` unless they stand before groups of exactly three digits.
pub(crate) fn without_commas(text: &str) -> Option<String> {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let unsigned = whole.trim_start_matches(['+', '-']);
    let mut groups = unsigned.split(',');
    let head = groups.next()?;
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=3).contains(&head.len()) && digits(head);
    if !fits || !groups.all(|group| group.len() == 3 && digits(group)) {
        return None;
    }
    if decimals.is_some_and(|decimals| decimals.contains(',')) {
        return None;
    }
    Some(text.replace(',', ""))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "parse_number",
            section: super::SECTION,
            about: "Reads a decimal number. Zero padding and thousands commas are accepted; units, currency \
                    signs, `inf` and `nan` are not, nor is a large number in scientific notation that has lost digits. Never use it on codes: `4.10` is not the number 4.1.",
            params: vec![converted("text", "a number as text")],
            returns: DataType::Float64,
            examples: &[
                ("SELECT parse_number('0092500.5')", "92500.5"),
                ("SELECT parse_number('1,234,567')", "1234567.0"),
                ("SELECT parse_number('n/k'), parse_number('3.2E+05')", "NULL | NULL"),
            ],
        },
        |args| {
            let text = args.text(0)?;
            primitive_result::<Float64Type>(args.rows, |row| parse_number(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        let check = |text: &str, expected: Option<f64>| assert_eq!(parse_number(text), expected, "{text:?}");
        check("291750", Some(291750.0));
        check(" -1.5 ", Some(-1.5));
        check("0801314", Some(801314.0));
        check("+.5", Some(0.5));
        check("1e3", None);
        check("1.500e3", Some(1500.0));
        check("7.2e-5", Some(7.2e-5));
        check("3.2E+05", None);
        check("1,234.5", Some(1234.5));
        check("-12,345,678", Some(-12345678.0));
        for bad in [
            "",
            " ",
            "inf",
            "nan",
            "-inf",
            "+NaN",
            "1,23",
            "1,2345",
            "12,34,567",
            "1.2,3",
            "£5",
            "5m",
            "1 2",
            "--1",
            "-",
            ".",
            "1e999",
            "e5",
        ] {
            check(bad, None);
        }
    }
}

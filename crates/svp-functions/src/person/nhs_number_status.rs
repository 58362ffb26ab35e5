//! `nhs_number_status`: why a number is or is not an NHS number.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::placeholder::is_placeholder;
use crate::udf::{Kind, Spec, function, param, text_result};

/// A number that is nobody's although it is not of one figure alone.
fn is_sentinel(digits: &[u8; 10]) -> bool {
    std::str::from_utf8(digits).is_ok_and(|text| is_placeholder("nhs_number", text))
}

/// The verdict on a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Ten digits, check digit right, not refused for another reason.
    Valid,
    /// Ten digits, check digit wrong.
    CheckDigit,
    /// One digit ten times: passes the check, but is never issued.
    RepeatedDigit,
    /// A number typed instead of none.
    Sentinel,
    /// Not ten digits.
    Length,
    /// Blank.
    Missing,
}

impl Status {
    /// The code used in SQL.
    pub fn code(self) -> &'static str {
        match self {
            Status::Valid => "valid",
            Status::CheckDigit => "check_digit",
            Status::RepeatedDigit => "repeated_digit",
            Status::Sentinel => "sentinel",
            Status::Length => "length",
            Status::Missing => "missing",
        }
    }
}

/// Judges a number as written (spaces and hyphens allowed) and gives its digits when there are ten.
///
/// The check is modulus 11: the first nine digits weigh 10 down to 2; 11 minus the remainder of their sum
/// is the tenth digit, 11 counts as 0, and 10 means that no such number exists.
pub fn judge(text: &str) -> (Status, Option<[u8; 10]>) {
    let mut digits = [0_u8; 10];
    let mut count = 0;
    for letter in text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '‐' | '–')) {
        match digits.get_mut(count) {
            Some(slot) if letter.is_ascii_digit() => *slot = letter as u8,
            _ => return (Status::Length, None),
        }
        count += 1;
    }
    if count == 0 {
        return (Status::Missing, None);
    }
    if count != digits.len() {
        return (Status::Length, None);
    }
    let status = if digits.iter().all(|digit| *digit == digits[0]) {
        Status::RepeatedDigit
    } else if is_sentinel(&digits) {
        Status::Sentinel
    } else if check_digit(&digits) != Some(digits[9]) {
        Status::CheckDigit
    } else {
        Status::Valid
    };
    (status, Some(digits))
}

fn check_digit(digits: &[u8; 10]) -> Option<u8> {
    let sum: u32 =
        digits.iter().take(9).zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match 11 - sum % 11 {
        11 => Some(b'0'),
        10 => None,
        check => Some(b'0' + check as u8),
    }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "nhs_number_status",
            section: super::SECTION,
            about: "What is the matter with an NHS number: `valid`, `check_digit`, `repeated_digit`, \
                    `sentinel` (1234567890, 9876543210 and others, by the list `schemas/placeholders.csv`), `length` (not ten digits) or \
                    `missing`. The only function that answers NULL with a value: `missing`.",
            params: vec![param(Kind::Text, "text", "NHS number; spaces and hyphens are ignored")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT nhs_number_status('943 476 5919'), nhs_number_status('4444444444'), nhs_number_status(NULL)",
                "valid | repeated_digit | missing",
            )],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| Some(judge(text.get(row).unwrap_or_default()).0.code()))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges() {
        let check = |text: &str, expected: Status| assert_eq!(judge(text).0, expected, "{text:?}");
        check("943 476 5919", Status::Valid);
        check("450-557-7104", Status::Valid);
        check("9876543210", Status::Sentinel);
        check("9434765918", Status::CheckDigit);
        check("4444444444", Status::RepeatedDigit);
        check("0000000000", Status::RepeatedDigit);
        check("999 999 9999", Status::RepeatedDigit);
        check("1234567890", Status::Sentinel);
        check("", Status::Missing);
        check(" - ", Status::Missing);
        check("943476591", Status::Length);
        check("94347659190", Status::Length);
        check("94347659l9", Status::Length);
        check("٩434765919", Status::Length);
    }

    #[test]
    fn no_check_digit_fits_999_000_000() {
        for last in 0..10 {
            assert_eq!(judge(&format!("999000000{last}")).0, Status::CheckDigit);
        }
    }
}

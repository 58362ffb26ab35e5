//! `offence_code`: one spelling for a Home Office offence code.

use std::fmt::Write;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Spec, converted, function, written_result};

/// The canonical spelling of an offence code: class without leading zeros, then a letter, or a point and
/// the sub-class without leading zeros: `1`, `8N`, `105A`, `4.1`, `4.10`.
///
/// Read forms, blanks ignored, letters in any case:
/// - class of one to three digits, and a letter: `8N`, `08N`, `8n`, `105A`;
/// - class, `.` or `/`, sub-class of one or two digits: `4.1`, `4/10`, `008/06` → `8.6`;
/// - five digits, three of class and two of sub-class: `00401` → `4.1`, `00410` → `4.10`, `00806` → `8.6`.
///
/// A sub-class of zero is none: `00100` and `1/0` are `1`. Digits are never read as a number: `4.10`
/// (corporate manslaughter) and `4.1` (manslaughter) differ. Four or more than five digits in a row are
/// refused, because they can be read in two ways. Whether a code is in use is a question for the offence
/// table.
pub fn offence_code(text: &str) -> Option<String> {
    let mut out = String::new();
    write_code(text, &mut out)?;
    Some(out)
}

fn write_code(text: &str, out: &mut String) -> Option<()> {
    let mut letters = [0_u8; 8];
    let mut count = 0;
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        *letters.get_mut(count)? = u8::try_from(letter).ok()?.to_ascii_uppercase();
        count += 1;
    }
    let code = letters.get(..count)?;
    let digits = code.iter().take_while(|letter| letter.is_ascii_digit()).count();
    let (class, rest) = code.split_at_checked(digits)?;
    let (class, suffix, sub) = match (class, rest) {
        ([a, b, c, d, e], []) => (number(&[*a, *b, *c])?, None, number(&[*d, *e])?),
        ([_, ..], []) if digits <= 3 => (number(class)?, None, 0),
        ([_, ..], [letter]) if digits <= 3 && letter.is_ascii_uppercase() => (number(class)?, Some(*letter), 0),
        ([_, ..], [b'.' | b'/', sub @ ..]) if digits <= 3 && matches!(sub.len(), 1 | 2) => {
            (number(class)?, None, number(sub)?)
        }
        _ => return None,
    };
    if class == 0 {
        return None;
    }
    write!(out, "{class}").ok()?;
    if let Some(letter) = suffix {
        out.push(char::from(letter));
    }
    if sub > 0 {
        write!(out, ".{sub}").ok()?;
    }
    Some(())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "offence_code",
            section: super::SECTION,
            about: "One spelling for a Home Office offence code. Class and letter (`08n` → `8N`), class and \
                    sub-class after a point or stroke (`004/10` → `4.10`, `008/06` → `8.6`), and five digits, \
                    three of class and two of sub-class (`00401` → `4.1`, `00100` → `1`). Text only, never a \
                    number: `4.10` is not `4.1`.",
            params: vec![converted("text", "offence code as extracted")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT offence_code('08n'), offence_code('4/10'), offence_code('00401'), offence_code('assault')",
                "8N | 4.10 | 4.1 | NULL",
            )],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_code(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(offence_code(text).as_deref(), expected, "{text:?}");
        for text in ["8N", "08N", "8n", " 008n ", "8 N"] {
            check(text, Some("8N"));
        }
        for text in ["4.1", "4/1", "00401", "004/01", "04.01"] {
            check(text, Some("4.1"));
        }
        for text in ["4.10", "4/10", "00410", "004/10"] {
            check(text, Some("4.10"));
        }
        for text in ["008/06", "00806", "8.06", "8.6", "8/6"] {
            check(text, Some("8.6"));
        }
        for text in ["1", "001", "00100", "1/0", "1.00"] {
            check(text, Some("1"));
        }
        check("1/1", Some("1.1"));
        check("105A", Some("105A"));
        check("10501", Some("105.1"));
        check("19C", Some("19C"));
        check("37.1", Some("37.1"));
        check("106", Some("106"));
        check("195/94", Some("195.94"));
    }

    #[test]
    fn what_is_no_code() {
        for bad in [
            "", " ", "0", "000", "00000", "0401", "004010", "8NN", "N8", "8.", "8/", "/1", "4.1.1", "4.100", "4-1",
            "8N.1", "-1", "4.1A", "é", "assault", "4,1",
        ] {
            assert_eq!(offence_code(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_canonical_code_stays() {
        for code in ["1", "4.1", "4.10", "8N", "8.6", "105A", "195.94"] {
            assert_eq!(offence_code(code).as_deref(), Some(code));
        }
    }
}

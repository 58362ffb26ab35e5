//! `postcode`: a unit postcode in its written form.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Spec, converted, function, written_result};

/// The postcode in capitals with one space before its last three characters; `None` when the text does not
/// have the form of one.
///
/// Forms: A9, A99, A9A, AA9, AA99, AA9A, then 9AA, with the letters that Royal Mail uses at each position;
/// and GIR 0AA. The pseudo postcodes ZZ99 (no fixed abode, not known) are no places, hence `None`. Whether
/// the postcode exists is a question for a directory.
pub fn postcode(text: &str) -> Option<String> {
    let mut out = String::new();
    write_postcode(text, &mut out)?;
    Some(out)
}

pub(super) fn write_postcode(text: &str, out: &mut String) -> Option<()> {
    let mut letters = [0_u8; 7];
    let mut count = 0;
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        let slot = letters.get_mut(count)?;
        *slot = u8::try_from(letter).ok().filter(u8::is_ascii_alphanumeric)?.to_ascii_uppercase();
        count += 1;
    }
    let (outward, inward) = letters.get(..count)?.split_at_checked(count.checked_sub(3)?)?;
    let valid = (is_outward(outward) && is_inward(inward)) || (outward == b"GIR" && inward == b"0AA");
    if !valid {
        return None;
    }
    out.extend(outward.iter().map(|letter| char::from(*letter)));
    out.push(' ');
    out.extend(inward.iter().map(|letter| char::from(*letter)));
    Some(())
}

fn is_outward(code: &[u8]) -> bool {
    let first = |letter: u8| letter.is_ascii_uppercase() && !b"QVX".contains(&letter);
    let second = |letter: u8| letter.is_ascii_uppercase() && !b"IJZ".contains(&letter);
    let digit = |letter: u8| letter.is_ascii_digit();
    match *code {
        [a, b] => first(a) && digit(b),
        [a, b, c] if digit(b) => first(a) && (digit(c) || b"ABCDEFGHJKPSTUW".contains(&c)),
        [a, b, c] => first(a) && second(b) && digit(c),
        [a, b, c, d] => first(a) && second(b) && digit(c) && (digit(d) || b"ABEHMNPRVWXY".contains(&d)),
        _ => false,
    }
}

fn is_inward(code: &[u8]) -> bool {
    let letter = |letter: u8| letter.is_ascii_uppercase() && !b"CIKMOV".contains(&letter);
    matches!(*code, [a, b, c] if a.is_ascii_digit() && letter(b) && letter(c))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "postcode",
            section: super::SECTION,
            about: "A unit postcode in capitals with one space, whatever the blanks and case of the text; \
                    NULL when it has not the form of a postcode, and for the pseudo postcodes ZZ99.",
            params: vec![converted("text", "postcode as extracted")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT postcode('ex11ae'), postcode('TR21  0PL'), postcode('ZZ99 3VZ')",
                "EX1 1AE | TR21 0PL | NULL",
            )],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_postcode(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_postcodes() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(postcode(text).as_deref(), expected, "{text:?}");
        check("EX1 1AE", Some("EX1 1AE"));
        check(" pl 1 2 aa ", Some("PL1 2AA"));
        check("m11aa", Some("M1 1AA"));
        check("B338TH", Some("B33 8TH"));
        check("W1A 0AX", Some("W1A 0AX"));
        check("EC1A 1BB", Some("EC1A 1BB"));
        check("AB1  0AA", Some("AB1 0AA"));
        check("GIR0AA", Some("GIR 0AA"));
        for bad in [
            "",
            "EX1",
            "EX1 1A",
            "EX11 11AE",
            "QX1 1AE",
            "EX1 1IE",
            "EX1-1AE",
            "1EX 1AE",
            "ZZ99 3VZ",
            "ÉX1 1AE",
            "EXX 1AE",
        ] {
            check(bad, None);
        }
    }
}

//! `area_code`: a nine-character code of the Government Statistical Service.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Spec, converted, function, written_result};

/// The code in capitals where the text is shaped as a GSS code (a letter of a country and eight digits, `E01019984`), blanks around
/// it dropped; otherwise `None`. Nothing else can pass into a column of codes this way.
pub fn area_code(text: &str) -> Option<String> {
    let mut out = String::new();
    write_code(text, &mut out)?;
    Some(out)
}

fn write_code(text: &str, out: &mut String) -> Option<()> {
    let text = text.trim();
    let (first, digits) = text.split_at_checked(1)?;
    let country = first.chars().next()?.to_ascii_uppercase();
    let shaped = matches!(country, 'E' | 'W' | 'S' | 'N' | 'K' | 'J' | 'L' | 'M')
        && digits.len() == 8
        && digits.bytes().all(|b| b.is_ascii_digit());
    if !shaped {
        return None;
    }
    out.push(country);
    out.push_str(digits);
    Some(())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "area_code",
            section: super::SECTION,
            about: "A code of the Government Statistical Service (a letter and eight digits), in capitals; NULL for anything \
                    else.",
            params: vec![converted("text", "a code")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT area_code(' E01019984 '), area_code('w01000001'), area_code('E0101998')",
                "E01019984 | W01000001 | NULL",
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
    fn shape() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(area_code(text).as_deref(), expected, "{text}");
        check("E01019984", Some("E01019984"));
        check("W01000001 ", Some("W01000001"));
        check("e01020000", Some("E01020000"));
        check("x01000001", None);
        check("\u{e9}01020000", None);
        check("", None);
        check("X01000001", None);
        check("E0101998A", None);
        check("Union Street", None);
    }
}

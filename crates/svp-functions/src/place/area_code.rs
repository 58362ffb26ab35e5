//! `area_code`: a nine-character code of the Government Statistical Service.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, text_result};

/// The text itself where it is shaped as a GSS code (a letter of a country and eight digits, `E01019984`),
/// blanks around it dropped; otherwise `None`. Nothing else can pass into a column of codes this way.
pub fn area_code(text: &str) -> Option<&str> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 9
        && matches!(bytes[0], b'E' | b'W' | b'S' | b'N' | b'K' | b'J' | b'L' | b'M')
        && bytes[1..].iter().all(u8::is_ascii_digit);
    shaped.then_some(text)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "area_code",
            section: super::SECTION,
            about: "A code of the Government Statistical Service (a letter and eight digits); NULL for anything else.",
            params: vec![param(Kind::Text, "text", "a code")],
            returns: DataType::Utf8,
            examples: &[("SELECT area_code(' E01019984 '), area_code('E0101998')", "E01019984 | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| area_code(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(area_code(text), expected, "{text}");
        check("E01019984", Some("E01019984"));
        check("W01000001 ", Some("W01000001"));
        check("X01000001", None);
        check("E0101998A", None);
        check("Union Street", None);
    }
}

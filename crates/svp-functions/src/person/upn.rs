//! `upn`: the unique pupil number of the Department for Education.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::placeholder::is_placeholder;
use crate::udf::{Spec, converted, function, text_result};

/// A unique pupil number in upper case: a letter, eleven digits, and a digit or (temporary numbers) a letter.
/// Source: pattern of the CIN census schema. The check letter is not tested: temporary and former numbers
/// break it. Dummies (one figure eleven times, A123456789012) are none.
pub fn upn(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 13
        && bytes[0].is_ascii_alphabetic()
        && bytes[1..12].iter().all(u8::is_ascii_digit)
        && bytes[12].is_ascii_alphanumeric();
    (shaped && !is_placeholder("upn", text)).then(|| text.to_ascii_uppercase())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "upn",
            section: super::SECTION,
            about: "A unique pupil number in upper case; NULL where it is not shaped like one, or a dummy.",
            params: vec![converted("text", "a unique pupil number")],
            returns: DataType::Utf8,
            examples: &[("SELECT upn('c989000183919'), upn('UN1')", "C989000183919 | NULL")],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| upn(text.get(row)?))
        },
    )
}

//! `clean_text`: no blanks around, single spaces within, nothing instead of emptiness.

use std::borrow::Cow;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, text_result};

/// Trims, turns every run of white space into one space; `None` when nothing is left.
///
/// White space is Unicode's, with the zero-width space and the byte order mark. Text that is clean already
/// is returned as it is, without a copy.
pub fn clean_text(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim_matches(is_blank);
    if trimmed.is_empty() {
        return None;
    }
    let mut after_blank = false;
    let dirty = trimmed.chars().any(|letter| {
        let blank = is_blank(letter);
        let dirty = blank && (after_blank || letter != ' ');
        after_blank = blank;
        dirty
    });
    if !dirty {
        return Some(Cow::Borrowed(trimmed));
    }
    let mut clean = String::with_capacity(trimmed.len());
    for word in trimmed.split(is_blank).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    Some(Cow::Owned(clean))
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}'
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "clean_text",
            section: super::SECTION,
            about: "Trims the text and turns every run of white space into one space; blank text is NULL.",
            params: vec![param(Kind::Text, "text", "text as extracted")],
            returns: DataType::Utf8,
            examples: &[
                ("SELECT clean_text('  Assault   with injury ')", "Assault with injury"),
                ("SELECT clean_text('   ')", "NULL"),
            ],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| clean_text(text.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(clean_text(text).as_deref(), expected, "{text:?}");
        check("", None);
        check(" \t\r\n\u{a0}", None);
        check("a", Some("a"));
        check("a b", Some("a b"));
        check(" a  b\tc ", Some("a b c"));
        check("a\u{a0}b", Some("a b"));
        check("\u{feff}Zoë  é", Some("Zoë é"));
        assert!(matches!(clean_text("  a b "), Some(Cow::Borrowed("a b"))));
    }
}

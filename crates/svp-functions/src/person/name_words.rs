//! `name_words`: all words of a name in one spelling.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::name_key::name_key;
use crate::udf::{Kind, Spec, function, param, written_result};

/// The words of a name, each through `name_key`, parted by one blank. Words end at anything but letters, digits and
/// apostrophes, so `Smith-Jones` is two words and `O'Brien` one. `None` when no word is left.
pub fn name_words(text: &str) -> Option<String> {
    let mut words = String::new();
    write_words(text, &mut words)?;
    Some(words)
}

fn write_words(text: &str, out: &mut String) -> Option<()> {
    let before = out.len();
    for word in
        text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’' || ('\u{300}'..='\u{36f}').contains(&c)))
    {
        if let Some(key) = name_key(word) {
            if out.len() > before {
                out.push(' ');
            }
            out.push_str(&key);
        }
    }
    (out.len() > before).then_some(())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "name_words",
            section: super::SECTION,
            about: "All words of a name, each as by `name_key`, parted by one blank.",
            params: vec![param(Kind::Text, "text", "a whole name as written")],
            returns: DataType::Utf8,
            examples: &[("SELECT name_words('Smith-Jones, Zoë  O''Brien')", "SMITH JONES ZOE OBRIEN")],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_words(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_punctuation() {
        assert_eq!(name_words("thomas clifford, 1st baron").as_deref(), Some("THOMAS CLIFFORD 1ST BARON"));
        assert_eq!(name_words("Sia\u{302}n d’Arcy").as_deref(), Some("SIAN DARCY"));
        assert_eq!(name_words(" -,. "), None);
    }
}

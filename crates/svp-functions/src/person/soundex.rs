//! `soundex`: the sound of a name, for names that are heard and then written down.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, written_result};

/// American Soundex: the first letter and three digits (US National Archives, "The Soundex Indexing System"). Letters
/// of one class side by side, or parted by H or W only, count once; vowels part them. Anything but the letters A to Z
/// is passed over. `None` when no letter is left.
pub fn soundex(text: &str) -> Option<String> {
    let mut code = String::new();
    write_soundex(text, &mut code)?;
    Some(code)
}

fn write_soundex(text: &str, out: &mut String) -> Option<()> {
    let mut last = b'0';
    let mut length = 0;
    for letter in text.bytes().map(|b| b.to_ascii_uppercase()).filter(u8::is_ascii_uppercase) {
        let class = class(letter);
        if length == 0 {
            out.push(char::from(letter));
            length = 1;
        } else if class == b'-' {
            continue;
        } else if class != b'0' && class != last && length < 4 {
            out.push(char::from(class));
            length += 1;
        }
        last = class;
    }
    if length == 0 {
        return None;
    }
    (length..4).for_each(|_| out.push('0'));
    Some(())
}

fn class(letter: u8) -> u8 {
    match letter {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        b'H' | b'W' => b'-',
        _ => b'0',
    }
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "soundex",
            section: super::SECTION,
            about: "The sound of a name by American Soundex: first letter and three digits.",
            params: vec![param(Kind::Text, "text", "a name, best through name_key")],
            returns: DataType::Utf8,
            examples: &[("SELECT soundex('Ashcraft'), soundex('Tymczak'), soundex('Lee')", "A261 | T522 | L000")],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_soundex(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the National Archives.
    #[test]
    fn the_archives_examples() {
        for (name, code) in [
            ("Washington", "W252"),
            ("Gutierrez", "G362"),
            ("Pfister", "P236"),
            ("Jackson", "J250"),
            ("Tymczak", "T522"),
            ("VanDeusen", "V532"),
            ("Ashcraft", "A261"),
            ("Robert", "R163"),
            ("Rupert", "R163"),
        ] {
            assert_eq!(soundex(name).as_deref(), Some(code), "{name}");
        }
        assert_eq!(soundex("'12"), None);
    }
}

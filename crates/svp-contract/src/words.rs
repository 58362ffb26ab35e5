//! Words that mean "missing" in a text column.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Problem, parse};

/// Words of a source that mean something other than what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Words that mean "missing", besides those of `schemas/missing_words.toml`; compared without case and outer blanks.
    #[serde(default)]
    pub missing: Vec<String>,
    /// By column: words that are values there, although they mean "missing" elsewhere. The keys of a map that reads the column are
    /// values without being named here.
    #[serde(default)]
    pub legal: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    missing: Vec<String>,
}

/// The words that mean "missing" in every source, in small letters.
///
/// # Errors
/// A problem with file and line; none in a build whose tests pass.
pub fn missing_words() -> Result<Vec<String>, Problem> {
    let shared: Shared = parse("schemas/missing_words.toml", include_str!("../../../schemas/missing_words.toml"))?;
    Ok(shared.missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_words_are_small_and_told_apart() {
        let words = missing_words().unwrap();
        assert!(words.contains(&"n/a".to_owned()) && words.contains(&"not known".to_owned()));
        for (i, word) in words.iter().enumerate() {
            assert_eq!(*word, word.trim().to_lowercase());
            assert!(!words[..i].contains(word), "{word}");
        }
        // Words that are values too often to be taken for nothing.
        for value in ["no", "other", "refused", "not stated to police", "0", "x"] {
            assert!(!words.contains(&value.to_owned()), "{value}");
        }
    }
}

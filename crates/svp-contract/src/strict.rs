//! Reads TOML strictly: an unknown key is refused with the nearest valid key as a hint.

use serde::de::DeserializeOwned;

use crate::{Problem, nearest};

/// Parses `text`, the content of `file`.
///
/// # Errors
/// One problem with the line it stands on.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let at = match error.span() {
            Some(span) => format!("{file}:{}", 1 + text[..span.start.min(text.len())].matches('\n').count()),
            None => file.to_owned(),
        };
        let message = error.message().to_owned();
        let problem = Problem::new(at, message.clone());
        match unknown_field(&message) {
            Some((key, valid)) => {
                let problem = Problem { what: format!("unknown key `{key}`"), ..problem };
                match nearest(key, valid.iter().copied()) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint(format!("valid keys here: {}", valid.join(", "))),
                }
            }
            // Our own types say behind a colon how a value is written.
            None => match message.split_once(": write ") {
                Some((what, form)) => Problem { what: what.to_owned(), ..problem }.hint(format!("write {form}")),
                None => problem,
            },
        }
    })
}

/// Takes serde's "unknown field `a`, expected one of `b`, `c`" apart.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Thing {
        title: String,
        lawful_basis: String,
    }

    #[test]
    fn unknown_key_is_refused_with_the_nearest() {
        let problem = parse::<Thing>("a.toml", "title = 'x'\nlawfull_basis = 'y'\n").unwrap_err();
        assert_eq!(problem.at, "a.toml:2");
        assert_eq!(problem.to_string(), "a.toml:2: unknown key `lawfull_basis`\n  hint: did you mean `lawful_basis`?");
    }
}

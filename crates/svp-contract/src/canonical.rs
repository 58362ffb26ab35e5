//! One text for one content: what digests of definitions are taken of.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// Words of a definition that tell people something and decide nothing.
const PROSE: [&str; 3] = ["meaning", "title", "description"];

/// Words that say how a lake keeps a column, and decide nothing of what stands in it.
const KEEPING: [&str; 1] = ["keyed_digest"];

/// One text for one content: JSON with its keys in order, without prose and without what is not said. A key that a later
/// version adds changes nothing where nobody uses it.
///
/// # Errors
/// When the content is nothing that JSON can hold, such as a map whose keys are no texts.
pub fn canonical(content: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(tidy(serde_json::to_value(content)?).to_string())
}

fn tidy(value: Value) -> Value {
    let unsaid = |v: &Value| match v {
        Value::Null | Value::Bool(false) => true,
        Value::Number(n) => n.as_u64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(keys) => keys.is_empty(),
        Value::Bool(true) => false,
    };
    let passed_over = |key: &str| PROSE.contains(&key) || KEEPING.contains(&key);
    match value {
        Value::Object(keys) => {
            let kept = keys.into_iter().filter(|(key, value)| !passed_over(key) && !unsaid(value));
            let sorted: BTreeMap<String, Value> = kept
                .map(|(key, value)| match (key.as_str(), value) {
                    // What a code means is prose; that it is one is not.
                    ("codes", Value::Object(codes)) => {
                        let mut codes: Vec<String> = codes.into_iter().map(|(code, _)| code).collect();
                        codes.sort();
                        (key, codes.into())
                    }
                    (_, value) => (key, tidy(value)),
                })
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(tidy).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Linkage;

    fn text(content: &impl Serialize) -> String {
        canonical(content).unwrap()
    }

    #[test]
    fn a_key_that_nobody_uses_changes_nothing() {
        let one = json!({"b": 1, "a": {"min": 0.0, "from": []}});
        let two = json!({"a": {"any_order": 0, "min": 0.0, "new": null, "flag": false}, "b": 1, "c": ""});
        assert_eq!(text(&one), text(&two));
        assert_ne!(text(&one), text(&json!({"b": 1, "a": {"min": 1.0}})));
        // How a lake keeps a column makes no row another one.
        assert_eq!(text(&one), text(&json!({"b": 1, "a": {"min": 0.0, "keyed_digest": true}})));
    }

    #[test]
    fn a_linkage_is_its_figures_and_not_its_layout() {
        let shipped = include_str!("../../../pipelines/linkage/people.toml");
        let of = |text: &str| canonical(&Linkage::parse("people.toml", text).unwrap()).unwrap();
        assert_eq!(of(&format!("# a comment\n{}", shipped.replace(" = ", "  =  "))), of(shipped));
        assert_ne!(of(&shipped.replacen("random_pairs = ", "random_pairs = 1", 1)), of(shipped));
        // Renaming a type or deriving another `Debug` leaves this text as it is.
        assert!(of(shipped).starts_with("{\"alternative\":[{"), "{}", of(shipped));
    }
}

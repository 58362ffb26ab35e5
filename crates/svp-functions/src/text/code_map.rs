//! `code_map`: a source's code to the canonical code, by a map of the source's definition.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use rustc_hash::FxHashMap;

use crate::udf::{Kind, Spec, bound_function, converted, param, text_result};

/// Key that stands for every value that the map does not name.
pub const DEFAULT_KEY: &str = "*";

/// One map: codes in lower case, and what any other value becomes.
#[derive(Debug, Default)]
struct CodeMap {
    codes: FxHashMap<String, String>,
    default: Option<String>,
}

impl CodeMap {
    fn new(pairs: HashMap<String, String>) -> Self {
        let mut map = CodeMap::default();
        // In order of the keys, so that two spellings of one key always resolve alike: the last one wins.
        let mut pairs: Vec<(String, String)> = pairs.into_iter().collect();
        pairs.sort();
        for (key, code) in pairs {
            if key.trim() == DEFAULT_KEY {
                map.default = Some(code);
            } else {
                map.codes.insert(key.trim().to_lowercase(), code);
            }
        }
        map
    }

    fn get(&self, text: &str, buffer: &mut String) -> Option<&str> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        buffer.clear();
        if text.is_ascii() {
            buffer.push_str(text);
            buffer.make_ascii_lowercase();
        } else {
            buffer.push_str(&text.to_lowercase());
        }
        let code = self.codes.get(buffer.as_str()).or(self.default.as_ref())?;
        (!code.is_empty()).then_some(code.as_str())
    }
}

/// The code maps of a source, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct CodeMaps(Arc<HashMap<String, CodeMap>>);

impl CodeMaps {
    /// Makes the maps; keys are compared without case and surrounding blanks, `*` is any other value, a
    /// code `""` means missing.
    pub fn new(maps: impl IntoIterator<Item = (String, HashMap<String, String>)>) -> Self {
        CodeMaps(Arc::new(maps.into_iter().map(|(name, pairs)| (name, CodeMap::new(pairs))).collect()))
    }

    /// Whether there is a map of this name; lets a definition be checked before data is read.
    pub fn contains(&self, map: &str) -> bool {
        self.0.contains_key(map)
    }

    /// The code for a text; `None` for blank text, an unknown map, or an unknown value without default.
    pub fn code(&self, map: &str, text: &str) -> Option<&str> {
        self.0.get(map)?.get(text, &mut String::new())
    }
}

pub(crate) fn udf(maps: CodeMaps) -> ScalarUDF {
    let identity = Arc::as_ptr(&maps.0) as usize;
    bound_function(
        Spec {
            name: "code_map",
            section: super::SECTION,
            about: "The canonical code for a source's code, by a map of the source's definition. Keys are \
                    compared without case and surrounding blanks; the key `*` stands for any other value. \
                    NULL for blank text, for an unlisted value without `*`, and for an unknown map.",
            params: vec![
                param(Kind::Text, "map", "name of a map under `[maps]`"),
                converted("text", "code as extracted"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT code_map('sex', ' m '), code_map('sex', 'X'), code_map('outcome', 'X')",
                "male | unknown | NULL",
            )],
        },
        identity,
        move |args| {
            let (name, text) = (args.text(0)?, args.text(1)?);
            let mut buffer = String::new();
            // Codes repeat from row to row: what was asked last is asked first.
            let mut last: Option<(&str, Option<&CodeMap>)> = None;
            let mut said: Option<(&str, Option<&str>)> = None;
            text_result(args.rows, |row| {
                let (name, text) = (name.get(row)?, text.get(row)?);
                let map = match last {
                    Some((known, map)) if known == name => map,
                    _ => {
                        said = None;
                        maps.0.get(name)
                    }
                };
                last = Some((name, map));
                let code = match said {
                    Some((known, code)) if known == text => code,
                    _ => map?.get(text, &mut buffer),
                };
                said = Some((text, code));
                code
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixtures, prints, session};

    #[test]
    fn maps_codes() {
        let (maps, ..) = fixtures();
        let check = |map: &str, text: &str, expected: Option<&str>| assert_eq!(maps.code(map, text), expected);
        check("sex", "M", Some("male"));
        check("sex", " f ", Some("female"));
        check("sex", "MALE", Some("male"));
        check("sex", "9", Some("unknown"));
        check("sex", "  ", None);
        check("outcome", "1", Some("charged"));
        check("outcome", "2", None);
        check("nothing", "1", None);
        assert!(maps.contains("sex") && !maps.contains("nothing"));
    }

    #[test]
    fn the_map_may_change_from_row_to_row() {
        let sql =
            "SELECT code_map(m, t) FROM (VALUES ('sex', 'M'), ('outcome', '1'), ('sex', 'F'), (NULL, 'M')) AS v(m, t)";
        assert_eq!(prints(&session(), sql), "male\ncharged\nfemale\nNULL");
    }
}

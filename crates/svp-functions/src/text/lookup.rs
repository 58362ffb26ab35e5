//! `lookup`: the value of a reference table for a key.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use rustc_hash::FxHashMap;

use crate::udf::{Kind, Spec, bound_function, param, text_result};

/// Reference tables of keys and values, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lookups(Arc<HashMap<String, FxHashMap<String, String>>>);

impl Lookups {
    /// Makes the tables; keys are compared exactly, but for blanks around the key that is looked up.
    pub fn new(tables: impl IntoIterator<Item = (String, HashMap<String, String>)>) -> Self {
        Lookups(Arc::new(tables.into_iter().map(|(name, pairs)| (name, pairs.into_iter().collect())).collect()))
    }

    /// Whether there is a table of this name.
    pub fn contains(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// The names of the tables, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The value for a key; `None` for an unknown table or key.
    pub fn value(&self, table: &str, key: &str) -> Option<&str> {
        self.0.get(table)?.get(key.trim()).map(String::as_str)
    }

    /// The keys and values of a table, in no order; none for an unknown table.
    pub fn pairs(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.get(table).into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

pub(crate) fn udf(lookups: Lookups) -> ScalarUDF {
    let identity = Arc::as_ptr(&lookups.0) as usize;
    bound_function(
        Spec {
            name: "lookup",
            section: super::SECTION,
            about: "The value of a reference table for a key; NULL for an unknown key or table.",
            params: vec![
                param(Kind::Text, "table", "name of a reference table"),
                param(Kind::Text, "key", "key, compared exactly but for blanks around it"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT lookup('lsoa_district', 'E01019984'), lookup('lsoa_district', 'E01')",
                "E07000041 | NULL",
            )],
        },
        identity,
        move |args| {
            let (table, key) = (args.text(0)?, args.text(1)?);
            let mut last: Option<(&str, Option<&FxHashMap<String, String>>)> = None;
            text_result(args.rows, |row| {
                let name = table.get(row)?;
                let table = match last {
                    Some((known, table)) if known == name => table,
                    _ => lookups.0.get(name),
                };
                last = Some((name, table));
                table?.get(key.get(row)?.trim())
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::fixtures;

    #[test]
    fn looks_up() {
        let (_, lookups, _) = fixtures();
        assert_eq!(lookups.value("lsoa_district", " E01019984 "), Some("E07000041"));
        assert_eq!(lookups.value("lsoa_district", "e01019984"), None);
        assert_eq!(lookups.value("other", "E01019984"), None);
        assert!(lookups.contains("lsoa_district") && !lookups.contains("other"));
    }
}

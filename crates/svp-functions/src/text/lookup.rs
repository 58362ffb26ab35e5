//! `lookup`: the value of a reference table for a key.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use rustc_hash::FxHashMap;

use crate::udf::{Kind, Spec, bound_function, param, text_result};

type Pairs = FxHashMap<String, String>;

/// Reads a table when it is first asked for.
pub type ReadPairs = Arc<dyn Fn() -> HashMap<String, String> + Send + Sync>;

/// Reference tables of keys and values, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lookups {
    tables: Arc<HashMap<String, Pairs>>,
    later: Arc<HashMap<String, Later>>,
}

/// A table that nobody has asked for yet.
struct Later {
    read: ReadPairs,
    pairs: OnceLock<Pairs>,
}

impl std::fmt::Debug for Lookups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lookups").field(&self.names()).finish()
    }
}

impl Lookups {
    /// Makes the tables; keys are compared exactly, but for blanks around the key that is looked up.
    pub fn new(tables: impl IntoIterator<Item = (String, HashMap<String, String>)>) -> Self {
        let tables = tables.into_iter().map(|(name, pairs)| (name, pairs.into_iter().collect())).collect();
        Lookups { tables: Arc::new(tables), later: Arc::default() }
    }

    /// The same tables, and some that are read when somebody asks for a key of theirs.
    #[must_use]
    pub fn and_when_asked(self, tables: impl IntoIterator<Item = (String, ReadPairs)>) -> Self {
        let later = tables.into_iter().map(|(name, read)| (name, Later { read, pairs: OnceLock::new() })).collect();
        Lookups { later: Arc::new(later), ..self }
    }

    fn table(&self, name: &str) -> Option<&Pairs> {
        let later =
            || self.later.get(name).map(|later| later.pairs.get_or_init(|| (later.read)().into_iter().collect()));
        self.tables.get(name).or_else(later)
    }

    /// Whether there is a table of this name.
    pub fn contains(&self, table: &str) -> bool {
        self.tables.contains_key(table) || self.later.contains_key(table)
    }

    /// The names of the tables, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.tables.keys().chain(self.later.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The value for a key; `None` for an unknown table or key.
    pub fn value(&self, table: &str, key: &str) -> Option<&str> {
        self.table(table)?.get(key.trim()).map(String::as_str)
    }

    /// The keys and values of a table, in no order; none for an unknown table.
    pub fn pairs(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        self.table(table).into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

pub(crate) fn udf(lookups: Lookups) -> ScalarUDF {
    let identity = Arc::as_ptr(&lookups.tables).addr();
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
            let mut last: Option<(&str, Option<&Pairs>)> = None;
            text_result(args.rows, |row| {
                let (name, key) = (table.get(row)?, key.get(row)?);
                let table = match last {
                    Some((known, table)) if known == name => table,
                    _ => lookups.table(name),
                };
                last = Some((name, table));
                table?.get(key.trim())
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::testing::fixtures;

    #[test]
    fn looks_up() {
        let (_, lookups, _) = fixtures();
        assert_eq!(lookups.value("lsoa_district", " E01019984 "), Some("E07000041"));
        assert_eq!(lookups.value("lsoa_district", "e01019984"), None);
        assert_eq!(lookups.value("other", "E01019984"), None);
        assert!(lookups.contains("lsoa_district") && !lookups.contains("other"));
    }

    #[test]
    fn a_table_is_read_when_it_is_asked_for_and_once() {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let read: ReadPairs = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            HashMap::from([("a".to_owned(), "b".to_owned())])
        });
        let plain = Lookups::new([("now".to_owned(), HashMap::from([("x".to_owned(), "y".to_owned())]))]);
        let both = plain.and_when_asked([("later".to_owned(), read)]);
        assert_eq!(
            (both.names(), both.contains("later"), both.value("now", "x")),
            (vec!["later", "now"], true, Some("y"))
        );
        assert_eq!(times.load(Ordering::SeqCst), 0);
        let copy = both.clone();
        assert_eq!(
            (both.value("later", "a"), copy.value("later", "c"), copy.pairs("later").count()),
            (Some("b"), None, 1)
        );
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }
}

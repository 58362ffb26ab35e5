//! A feed: one kind of record in a source, and how it fills the canonical tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::Table;

/// Column to SQL expression, with two words of its own: `when` (a condition: the row has such a target) and
/// `once_per` (an expression: the first row of each value is taken).
pub type Mapping = BTreeMap<String, String>;

/// Keys of a feed; every other one names a canonical table.
const KEYS: &[&str] = &["name", "file", "record", "columns", "optional", "allow_extra", "record_id", "row_key"];

/// One kind of record in a source.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Feed {
    /// Name, unique in the source.
    pub name: String,
    /// Regular expression over the file name, where the feeds of a source are separate files.
    pub file: Option<String>,
    /// XML: path of the element that is a record.
    pub record: Option<String>,
    /// Columns that the file must have.
    pub columns: Vec<String>,
    /// Columns that it may have.
    pub optional: Vec<String>,
    /// Columns that are not named are not told: the extract is known to have more than is read.
    pub allow_extra: bool,
    /// SQL expression: the record's id at the agency, NULL where it has none.
    pub record_id: Option<String>,
    /// SQL expression: what makes a row unique in its file; rows that repeat it are duplicates.
    pub row_key: Option<String>,
    /// `[feed.TABLE]`: how its rows fill a canonical table, by the table's name.
    #[serde(flatten)]
    pub tables: BTreeMap<String, Mapping>,
}

impl Feed {
    /// The tables that the feed fills with their mappings, in the order of `tables`.
    pub fn targets<'a>(&'a self, tables: &'a [Table]) -> impl Iterator<Item = (&'a Table, &'a Mapping)> {
        tables.iter().filter_map(|table| self.tables.get(&table.name).map(|mapping| (table, mapping)))
    }

    /// Whether the feed fills a table of this name.
    #[must_use]
    pub fn fills(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Every SQL expression of the feed.
    pub fn expressions(&self) -> impl Iterator<Item = &String> {
        self.tables.values().flat_map(Mapping::values).chain(&self.record_id).chain(&self.row_key)
    }
}

/// What stands under a key that is not one of the feed's own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Mapping(Mapping),
    Table(BTreeMap<String, IgnoredAny>),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for Feed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfFeed;

        impl<'de> Visitor<'de> for OfFeed {
            type Value = Feed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a feed")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Feed, A::Error> {
                let mut feed = Feed::default();
                let (mut named, mut has_columns) = (false, false);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => (feed.name, named) = (map.next_value()?, true),
                        "file" => feed.file = Some(map.next_value()?),
                        "record" => feed.record = Some(map.next_value()?),
                        "columns" => (feed.columns, has_columns) = (map.next_value()?, true),
                        "optional" => feed.optional = map.next_value()?,
                        "allow_extra" => feed.allow_extra = map.next_value()?,
                        "record_id" => feed.record_id = Some(map.next_value()?),
                        "row_key" => feed.row_key = Some(map.next_value()?),
                        _ => match map.next_value()? {
                            Part::Mapping(mapping) => {
                                feed.tables.insert(key, mapping);
                            }
                            Part::Table(columns) => {
                                return Err(A::Error::custom(format!(
                                    "[feed.{key}]: each of its {} columns is mapped by a text, an SQL expression",
                                    columns.len()
                                )));
                            }
                            Part::Other(_) => return Err(A::Error::unknown_field(&key, KEYS)),
                        },
                    }
                }
                match (named, has_columns) {
                    (true, true) => Ok(feed),
                    (false, _) => Err(A::Error::missing_field("name")),
                    (true, false) => Err(A::Error::missing_field("columns")),
                }
            }
        }

        deserializer.deserialize_map(OfFeed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn what_is_no_key_of_a_feed_is_a_table() {
        let feed: Feed = parse("s.toml", "name = 'rows'\ncolumns = ['a']\n[event]\nagency = \"'police'\"\n").unwrap();
        assert_eq!((feed.name.as_str(), feed.fills("event"), feed.fills("party")), ("rows", true, false));
        let problem = parse::<Feed>("s.toml", "name = 'rows'\ncolums = ['a']\n").unwrap_err();
        assert_eq!(problem.what, "unknown key `colums`");
        assert_eq!(problem.hint.as_deref(), Some("did you mean `columns`?"));
        let problem = parse::<Feed>("s.toml", "name = 'rows'\ncolumns = []\n[event]\nage = 1\n").unwrap_err();
        assert!(problem.what.contains("[feed.event]"), "{}", problem.what);
        assert!(parse::<Feed>("s.toml", "columns = []\n").unwrap_err().what.contains("name"));
    }
}

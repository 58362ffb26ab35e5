//! The terms: everything that two parties must have alike before the rows that one has pseudonymised may lie beside
//! those of the other, as one digest for each column, expression and reference input, so that a difference has a name.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use svp_contract::{Source, Table, age_edges, canonical, published_age_edges};
use svp_lake::input::digest_bytes;
use svp_pseudonymise::{Key, made_before, pseudonymise};

use super::needs::expressions;
use crate::error::IngestError;
use crate::named::named;

/// Lists that functions hold and that their examples do not show.
const NICKNAMES: &str = include_str!("../../../../schemas/nicknames.csv");
const FORENAMES: &str = include_str!("../../../../schemas/forenames.csv");
const PLACEHOLDERS: &str = include_str!("../../../../schemas/placeholders.csv");

/// The edges of bands of age, as they are read.
fn ages() -> &'static str {
    static EDGES: OnceLock<String> = OnceLock::new();
    EDGES.get_or_init(|| format!("{:?} {:?}", age_edges(), published_age_edges()))
}

/// The lists that a function holds.
fn lists(function: &str) -> Vec<&'static str> {
    match function {
        "nickname" => vec![NICKNAMES],
        "common_forename" => vec![FORENAMES, NICKNAMES],
        "known_forename" | "known_surname" | "known_words" | "known_value" | "known_date" | "birth_order"
        | "birth_date" | "nhs_number" | "nhs_number_status" | "upn" => vec![PLACEHOLDERS],
        "age_band" | "known_age_band" | "age_group" => vec![ages()],
        _ => Vec::new(),
    }
}

/// What was agreed, or would have to be. Two terms are alike when [`differences`](Self::differences) finds none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The key's check (see [`Key::check`]); empty where terms are compared without a key.
    pub key_id: String,
    /// Purpose of the key.
    pub purpose: String,
    /// Part in words to digest of its definition: columns, checks, expressions, maps, functions, reference data.
    pub defined: BTreeMap<String, String>,
    /// Column in words to digest of what the door makes of invented values under the key. It covers what no
    /// definition says: how this version makes tokens and encodings. A column of which earlier versions made more than is kept stands here
    /// a second time, as it was made before: rows that were made so are taken in, without what is not kept.
    pub made: BTreeMap<String, String>,
}

impl Terms {
    /// The terms of a source under these schemas and a key. `reference` is what
    /// [`reference_digests`](super::reference_digests) gives; without a key nothing that stands on it is compared.
    ///
    /// # Errors
    /// When the door refuses a table: a defect of its schema.
    pub fn new(
        source: &Source,
        tables: &[Table],
        reference: BTreeMap<String, String>,
        key: Option<&Key>,
    ) -> Result<Self, IngestError> {
        let mut terms = Self { defined: reference, ..Self::default() };
        terms.source(source)?;
        terms.functions(&expressions(source, tables))?;
        for table in tables.iter().filter(|t| source.feeds.iter().any(|f| f.fills(&t.name))) {
            terms.table(table)?;
            if let Some(key) = key {
                terms.door(table, key)?;
            }
        }
        if let Some(key) = key {
            terms.key_id = key.check();
            key.purpose().clone_into(&mut terms.purpose);
        }
        Ok(terms)
    }

    /// Sixteen hexadecimal digits of all of it, for people to compare by telephone.
    ///
    /// # Errors
    /// When the terms cannot be written as JSON: a defect.
    pub fn digits(&self) -> Result<String, IngestError> {
        Ok(digest_bytes(canonical(self)?.as_bytes()).chars().take(16).collect())
    }

    /// What `there` (the file) has otherwise than these terms (the lake's), in words; empty where they are alike.
    #[must_use]
    pub fn differences(&self, there: &Self) -> Vec<String> {
        let without_key = self.key_id.is_empty() || there.key_id.is_empty();
        let same_key = self.is_of_key(there);
        let mut out = Vec::new();
        if !without_key {
            out.extend(self.other_key(there));
        }
        for (part, digest) in &self.defined {
            match there.defined.get(part) {
                None => out.push(format!("{part} is not there")),
                Some(found) if found != digest => out.push(format!("{part} {}", other(part))),
                Some(_) => {}
            }
        }
        let here = |part: &&String| self.defined.contains_key(*part);
        out.extend(there.defined.keys().filter(|part| !here(part)).map(|part| format!("{part} is not known here")));
        // Under another key every token differs, and that has been said.
        if same_key {
            for (part, digest) in self.made.iter().filter(|(part, _)| !part.ends_with(BEFORE)) {
                let before = self.made.get(&format!("{part}{BEFORE}"));
                if before.is_some() && there.made.get(part) == before {
                    continue;
                }
                let said = |line: &String| line.strip_prefix(part.as_str()).is_some_and(|rest| rest.starts_with(' '));
                if there.made.get(part) != Some(digest) && !out.iter().any(said) {
                    out.push(format!("{part} is made differently there"));
                }
            }
        }
        out
    }

    /// That `there` was made under another key than that of these terms, in words.
    pub(super) fn other_key(&self, there: &Self) -> Option<String> {
        let said = || {
            format!(
                "made under key id {} (purpose {}), this lake uses {} (purpose {})",
                there.key_id, there.purpose, self.key_id, self.purpose
            )
        };
        (!self.is_of_key(there)).then(said)
    }

    fn is_of_key(&self, there: &Self) -> bool {
        self.key_id == there.key_id && self.purpose == there.purpose
    }

    fn define(&mut self, part: String, content: &impl Serialize) -> Result<(), IngestError> {
        self.defined.insert(part, short(&canonical(content)?));
        Ok(())
    }

    fn table(&mut self, table: &Table) -> Result<(), IngestError> {
        let at = format!("table {}", table.name);
        self.define(format!("{at}: its partition"), &table.partition)?;
        for column in &table.columns {
            self.define(format!("{at}: column {}", column.name), column)?;
        }
        for check in &table.checks {
            self.define(format!("{at}: check {}", check.rule), check)?;
        }
        Ok(())
    }

    fn source(&mut self, source: &Source) -> Result<(), IngestError> {
        let at = format!("source definition {}", source.name);
        self.define(format!("{at}: [files]"), &source.files)?;
        self.define(format!("{at}: [reader]"), &source.reader)?;
        self.define(format!("{at}: [thresholds]"), &source.thresholds)?;
        for (name, map) in &source.maps {
            self.define(format!("{at}: map {name}"), map)?;
        }
        for feed in &source.feeds {
            let Value::Object(keys) = serde_json::to_value(feed)? else { continue };
            for (key, value) in keys {
                match value {
                    Value::Object(mapping) => {
                        for (column, sql) in mapping {
                            self.define(format!("{at}: feed {} column {key}.{column}", feed.name), &sql)?;
                        }
                    }
                    Value::Null => {}
                    value => self.define(format!("{at}: feed {} `{key}`", feed.name), &value)?,
                }
            }
        }
        Ok(())
    }

    /// The functions that the expressions call, by their signatures and the examples that the tests hold them to.
    fn functions(&mut self, expressions: &[&str]) -> Result<(), IngestError> {
        let page = svp_functions::reference_markdown();
        let called: Vec<String> = expressions.iter().flat_map(|sql| named(sql).calls).map(|(name, _)| name).collect();
        for section in page.split("\n### `").skip(1) {
            let Some((name, _)) = section.split_once('(') else { continue };
            if !called.iter().any(|c| c == name) {
                continue;
            }
            let signature = section.lines().next().unwrap_or_default();
            // Between fences stand the examples and what comes of them.
            let examples: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
            self.define(format!("function {name}"), &(signature, examples, lists(name)))?;
        }
        Ok(())
    }

    /// What the door makes of invented rows.
    fn door(&mut self, table: &Table, key: &Key) -> Result<(), IngestError> {
        let failed = |source| IngestError::Arrow { at: format!("terms of table {}", table.name), source };
        let fields: Vec<Field> = table.columns.iter().map(|c| Field::new(&c.name, c.kind.arrow(), true)).collect();
        let columns = table.columns.iter().map(|c| invented(&c.name, &c.kind.arrow())).collect();
        let staged = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(failed)?;
        let stored = pseudonymise(table, "probe", &staged, key)?.into_inner();
        let now = stored.schema();
        let now = now.fields().iter().map(|field| field.name().clone()).zip(stored.columns().iter().cloned());
        let before = made_before(table, &staged, key)?.into_iter().map(|(name, column)| (name + BEFORE, column));
        for (name, column) in now.chain(before) {
            let cells =
                ArrayFormatter::try_new(&column, &FormatOptions::default().with_null("NULL")).map_err(failed)?;
            let text: Vec<String> = (0..column.len()).map(|row| cells.value(row).to_string()).collect();
            let part = format!("table {}: column {name}", table.name);
            self.made.insert(part, short(&format!("{} {}", column.data_type(), text.join("\n"))));
        }
        Ok(())
    }
}

/// What follows the name of a column as earlier versions made it.
const BEFORE: &str = ", as before";

/// Digest, 16 hexadecimal digits, of what decides the rows that a file becomes: reader, maps, feeds, the tables that they fill
/// and the functions that they call. Prose, law, thresholds and the names of files do not decide them.
///
/// # Errors
/// As [`Terms::new`].
pub(crate) fn definition_digest(source: &Source, tables: &[Table]) -> Result<String, IngestError> {
    let mut terms = Terms::new(source, tables, BTreeMap::new(), None)?;
    terms.defined.retain(|part, _| !part.ends_with(": [files]") && !part.ends_with(": [thresholds]"));
    terms.digits()
}

fn other(part: &str) -> &'static str {
    if part.contains(" column ") || part.starts_with("function ") { "is made differently there" } else { "differs" }
}

/// Invented values of a type, the last missing. Texts tell the column's name, so that no two columns are alike, and
/// have the shapes of a name, a postcode and a number; among the dates is a usual placeholder.
fn invented(name: &str, kind: &DataType) -> ArrayRef {
    match kind {
        DataType::Utf8 => {
            let texts = [name.to_uppercase(), format!("O {name} NEILL"), "AB1 2CD".into(), "9434765919".into()];
            Arc::new(texts.into_iter().map(Some).chain([None]).collect::<StringArray>())
        }
        DataType::Date32 => {
            Arc::new(Date32Array::from(vec![Some(3_653), Some(11_111), Some(10_957), Some(-700), None]))
        }
        DataType::Int32 => Arc::new(Int32Array::from(vec![Some(7), Some(1999), Some(0), Some(-1), None])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![Some(7), Some(1999), Some(0), Some(-1), None])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![Some(7.5), Some(1999.0), Some(0.0), Some(-1.0), None])),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), Some(false), None])),
        other => new_null_array(other, 5),
    }
}

/// 32 hexadecimal digits of a text.
pub(crate) fn short(text: &str) -> String {
    digest_bytes(text.as_bytes()).chars().take(32).collect()
}

/// The terms of a file of an earlier version: what is made now, but for the column of which more was made then.
#[cfg(test)]
pub(super) fn of_before(terms: &Terms) -> Terms {
    let mut there = terms.clone();
    let parts: Vec<String> = there.made.keys().filter_map(|part| Some(part.strip_suffix(BEFORE)?.to_owned())).collect();
    assert_eq!(parts, ["table person_record: column enc_postcode"]);
    for part in parts {
        let before = there.made.remove(&format!("{part}{BEFORE}")).unwrap();
        assert_ne!(there.made.insert(part, before.clone()), Some(before));
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
    }

    const SOURCE: &str = include_str!("../../../../pipelines/sources/police_rms.toml");

    fn terms(source: &str, change: impl Fn(&mut Vec<Table>), key: Option<&Key>) -> Terms {
        let source = Source::parse("police_rms.toml", source).unwrap();
        let mut tables = svp_contract::canonical_tables().unwrap();
        change(&mut tables);
        Terms::new(&source, &tables, BTreeMap::from([("reference data: postcodes".into(), "a".into())]), key).unwrap()
    }

    fn plain() -> Terms {
        terms(SOURCE, |_| {}, Some(&key()))
    }

    fn person_record(tables: &mut [Table]) -> &mut Table {
        tables.iter_mut().find(|t| t.name == "person_record").unwrap()
    }

    #[test]
    fn the_same_is_the_same() {
        assert_eq!(plain(), plain());
        assert!(plain().differences(&plain()).is_empty());
        assert_eq!(plain().digits().unwrap().len(), 16);
        // Prose decides nothing.
        let reworded = terms(
            &SOURCE.replace("title = \"Police", "title = \"The police"),
            |tables| {
                for table in tables {
                    table.columns.iter_mut().for_each(|c| c.meaning.push('!'));
                    table.columns.iter_mut().flat_map(|c| c.codes.values_mut()).for_each(|m| m.push('!'));
                }
            },
            Some(&key()),
        );
        assert_eq!(plain(), reworded);
        let again: Terms = serde_json::from_str(&serde_json::to_string(&plain()).unwrap()).unwrap();
        assert_eq!(plain(), again);
    }

    #[test]
    fn a_column_that_is_made_otherwise_is_named() {
        let domain = |tables: &mut Vec<Table>| {
            let column = person_record(tables).columns.iter_mut().find(|c| c.name == "token_postcode").unwrap();
            column.domain = Some("home".into());
        };
        let there = terms(SOURCE, domain, Some(&key()));
        assert_eq!(
            plain().differences(&there),
            ["table person_record: column token_postcode is made differently there"]
        );
        // Without a key the definition is compared, and that is enough here.
        let (mine, theirs) = (terms(SOURCE, |_| {}, None), terms(SOURCE, domain, None));
        assert_eq!(mine.differences(&theirs), plain().differences(&there));
        assert_eq!(mine.differences(&there), plain().differences(&there));
    }

    /// What no definition says (how this version of the program makes a token) is seen by what comes of it.
    #[test]
    fn a_column_that_only_comes_out_otherwise_is_named() {
        let mut there = plain();
        there.made.insert("table person_record: column token_nhs".into(), "0".into());
        assert_eq!(plain().differences(&there), ["table person_record: column token_nhs is made differently there"]);
    }

    #[test]
    fn what_was_made_before_is_taken_in_and_nothing_else() {
        assert_eq!(plain().differences(&of_before(&plain())), [""; 0]);
        // The digest of what commit 33b94e0 makes of the invented values under this key.
        let there = of_before(&plain());
        assert_eq!(there.made["table person_record: column enc_postcode"], "4ae7a23c49761242fe8882a28b6faee5");
        let mut other = of_before(&plain());
        other.made.insert("table person_record: column enc_postcode".into(), "0".into());
        assert_eq!(plain().differences(&other), ["table person_record: column enc_postcode is made differently there"]);
    }

    #[test]
    fn columns_that_one_side_lacks_are_named() {
        let there =
            terms(SOURCE, |tables| person_record(tables).columns.retain(|c| c.name != "token_upn"), Some(&key()));
        assert_eq!(plain().differences(&there), ["table person_record: column token_upn is not there"]);
        assert_eq!(there.differences(&plain()), ["table person_record: column token_upn is not known here"]);
    }

    #[test]
    fn another_key_is_named_with_what_else_differs() {
        let other = Key::parse(&key().to_text().replace("00010203", "30313233")).unwrap();
        let there = terms(SOURCE, |_| {}, Some(&other));
        let said = plain().differences(&there);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(&other.check()) && said[0].contains(&key().check()), "{said:?}");
    }

    #[test]
    fn a_mapping_that_differs_is_named() {
        for (from, to, wanted) in [
            (
                r#"domestic = '''parse_flag("DA Flag")'''"#,
                r#"domestic = '''parse_flag("Drugs Flag")'''"#,
                "source definition police_rms: feed rows column event.domestic is made differently there",
            ),
            (
                "Stranger = \"stranger\"",
                "Stranger = \"acquaintance\"",
                "source definition police_rms: map relationship differs",
            ),
            ("revises = \"record\"", "revises = \"file\"", "source definition police_rms: [files] differs"),
            ("windows-1252", "utf-8", "source definition police_rms: [reader] differs"),
        ] {
            assert!(SOURCE.contains(from), "{from}");
            let there = terms(&SOURCE.replacen(from, to, 1), |_| {}, Some(&key()));
            assert_eq!(plain().differences(&there), [wanted]);
        }
        let mut there = plain();
        there.defined.insert("reference data: postcodes".into(), "b".into());
        there.defined.insert("function name_key".into(), "b".into());
        assert_eq!(
            plain().differences(&there),
            ["function name_key is made differently there", "reference data: postcodes differs"]
        );
    }
}

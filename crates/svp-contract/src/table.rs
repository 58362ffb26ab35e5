//! Canonical tables: declared once, read as Arrow schema, validation rules, pseudonymiser and dictionary.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::{EncodingKind, Problem, parse};

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text (Arrow Utf8).
    Text,
    /// 32-bit whole number.
    Int32,
    /// 64-bit whole number.
    Int64,
    /// 64-bit floating point.
    Float64,
    /// True or false; NULL is "not recorded", which is not "no".
    Boolean,
    /// Calendar date (Date32).
    Date,
    /// Instant in UTC, microseconds.
    Timestamp,
    /// Keyed token, 32 hexadecimal digits, made from other columns at the door.
    Token,
    /// Keyed encoding of one field for comparison, bytes, made from other columns at the door.
    Encoding,
    /// A whole number, sealed for the keyed run: bytes, made at the door from a 32-bit column, bound to a token of its row.
    Sealed,
    /// Working value of easting and northing, m; never stored.
    Point,
    /// Working value of longitude and latitude, degrees; never stored.
    Position,
}

impl ColumnType {
    /// Arrow type of a stored column.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text | Self::Token => DataType::Utf8,
            Self::Encoding | Self::Sealed => DataType::Binary,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Point => pair("easting", "northing"),
            Self::Position => pair("longitude", "latitude"),
        }
    }
}

fn pair(first: &str, second: &str) -> DataType {
    DataType::Struct([first, second].map(|name| Field::new(name, DataType::Float64, true)).to_vec().into())
}

/// How much a column can say about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Identifies a person by itself: exists only between mapping and the door, is never stored.
    Direct,
    /// Can identify together with others.
    Quasi,
    /// Says something a person would keep private.
    Sensitive,
    /// Harmless.
    Open,
}

/// What happens to a row whose value breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBad {
    /// The row goes to quarantine.
    #[default]
    Quarantine,
    /// The value becomes NULL, the row stays; counted in the receipt.
    Blank,
    /// Nothing changes; counted in the receipt.
    Note,
}

/// Where a column lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// In the stored table.
    Stored,
    /// Only while a row is being mapped.
    Working,
}

/// A column of a canonical table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name, snake case.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// One sentence.
    pub meaning: String,
    /// Unit or reference system, where it has one.
    #[serde(default)]
    pub unit: Option<String>,
    /// A value must be present.
    #[serde(default)]
    pub required: bool,
    /// Allowed codes and what each means.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
    /// Sensitivity.
    pub sensitivity: Sensitivity,
    /// SQL expression over columns of this table, used where a source does not map the column.
    #[serde(default)]
    pub derive: Option<String>,
    /// Exists while mapping only.
    #[serde(default)]
    pub working: bool,
    /// It depends on the area that asks: on its districts, boundaries and lookups. What is stored holds for the area that loaded the
    /// row; for every other area it is derived anew from the columns that do not depend on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_area: bool,
    /// A whole number that is a digest under the key: a rotation of the key turns it, since whoever keeps the old key could make it of a
    /// guess. It says nothing of what stands in the column, so no digest of a definition has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyed_digest: bool,
    /// Token, encoding or sealed number: the columns that it is made from.
    #[serde(default)]
    pub from: Vec<String>,
    /// Sealed number: the token of its row, which stands before it. In another row it does not open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<String>,
    /// Encoding: which.
    #[serde(default)]
    pub encoding: Option<EncodingKind>,
    /// Token or encoding: its domain, when several columns share one (default: the column's name).
    #[serde(default)]
    pub domain: Option<String>,
    /// Token: `source` puts the source's name into it.
    #[serde(default)]
    pub scope: Option<String>,
    /// Token: the first n parts may stand in any order (forename and surname are often swapped).
    #[serde(default)]
    pub any_order: usize,
    /// Smallest allowed number.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest allowed number.
    #[serde(default)]
    pub max: Option<f64>,
    /// What a broken rule does.
    #[serde(default)]
    pub on_bad: OnBad,
}

impl Column {
    /// Whether it is in the stored table.
    #[must_use]
    pub fn nature(&self) -> Nature {
        if self.working || self.sensitivity == Sensitivity::Direct { Nature::Working } else { Nature::Stored }
    }

    /// Whether the door makes it from other columns.
    #[must_use]
    pub fn is_made(&self) -> bool {
        matches!(self.kind, ColumnType::Token | ColumnType::Encoding | ColumnType::Sealed)
    }

    /// Domain that separates its tokens from others.
    #[must_use]
    pub fn token_domain(&self) -> &str {
        self.domain.as_deref().unwrap_or(&self.name)
    }
}

/// A rule over several columns of a row. One that blanks is applied as soon as its columns are known, so that nothing is
/// derived from what it takes away; the others are asked when the row is whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Name of the rule, as it appears in receipts.
    pub rule: String,
    /// Column that is named in quarantine.
    pub column: String,
    /// Further columns that are blanked with it.
    #[serde(default)]
    pub also: Vec<String>,
    /// SQL expression that is FALSE for a bad row; NULL passes.
    pub expr: String,
    /// What a bad row gets.
    #[serde(default)]
    pub on_bad: OnBad,
    /// SQL expression: what stands in the column instead, for a rule that blanks. Such a rule mends, and is counted as a note.
    #[serde(default)]
    pub put: Option<String>,
    /// The kind of finding that tells of such rows; the name of a [`crate::FindingKind`].
    #[serde(default)]
    pub finding: Option<String>,
    /// It only follows from another rule, which has counted the row.
    #[serde(default)]
    pub follows: bool,
    /// What it means.
    pub meaning: String,
}

/// A canonical table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Name, snake case.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it holds.
    pub description: String,
    /// Zone of the lake.
    pub zone: String,
    /// What one row is.
    pub grain: String,
    /// The column that names the record which a row belongs to, for a table that sources fill: a newer extract supersedes all rows of the
    /// records that it holds. A table without it is no target of a mapping.
    #[serde(default)]
    pub record: Option<String>,
    /// Place among the tables, from 1; without it the table stands behind those that have one, by name.
    #[serde(default)]
    pub order: Option<u32>,
    /// A row of the table is a record itself: records are counted in it.
    #[serde(default)]
    pub counts_records: bool,
    /// Its rows, and those that newer files superseded, are stored sealed under the key of the lake.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// Columns by which the rows of a file of the table are ordered, so that their order does not tell that of the extract: an extract
    /// that was sorted by name would give every row its place in the alphabet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sorted_by: Vec<String>,
    /// Columns that tell a row of a site's table from every other.
    #[serde(default)]
    pub key: Vec<String>,
    /// Partition columns (also declared as columns).
    #[serde(default)]
    pub partition: Vec<String>,
    /// Columns in order.
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
    /// Rules over several columns.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
}

impl Table {
    /// Reads one schema file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let table: Self = parse(file, text)?;
        for column in &table.columns {
            if column.is_made() == column.from.is_empty() {
                return Err(Problem::new(
                    file,
                    format!(
                        "column {}: `from` goes with types token, encoding and sealed, and they with it",
                        column.name
                    ),
                ));
            }
            let parts = column.encoding.map(EncodingKind::parts);
            if (column.kind == ColumnType::Encoding) != parts.is_some() || parts.is_some_and(|n| n != column.from.len())
            {
                return Err(Problem::new(
                    file,
                    format!(
                        "column {}: type encoding needs `encoding` and as many columns in `from` as it takes",
                        column.name
                    ),
                ));
            }
            if matches!(column.kind, ColumnType::Point | ColumnType::Position) && column.nature() == Nature::Stored {
                return Err(Problem::new(file, format!("column {}: a point is a working value", column.name)));
            }
            if column.name == "source_row" {
                let what = "column source_row: the row of a record in its extract is not kept, since it tells its place among others";
                return Err(Problem::new(file, what).hint("`svp check --rows` finds the rows of a file again"));
            }
            if column.keyed_digest && (column.kind != ColumnType::Int64 || column.nature() == Nature::Working) {
                let what = "`keyed_digest` goes with a stored column of type int64";
                return Err(Problem::new(file, format!("column {}: {what}", column.name)));
            }
            if column.name == "row_digest" && !column.keyed_digest {
                return Err(Problem::new(file, "column row_digest: it is made under the key, and says so")
                    .hint("give the column `keyed_digest = true`, so that a rotation of the key turns it"));
            }
            if column.of_area
                && (column.derive.is_none() || column.nature() == Nature::Working || table.record.is_none())
            {
                let what = "`of_area` goes with a stored column that has `derive`, in a table that has `record`";
                return Err(Problem::new(file, format!("column {}: {what}", column.name)));
            }
            if let Some(what) = table.unbound(column) {
                return Err(Problem::new(file, format!("column {}: {what}", column.name)));
            }
            for part in &column.from {
                if table.column(part).is_none() {
                    return Err(Problem::new(
                        file,
                        format!("column {}: no column {part} to make it from", column.name),
                    ));
                }
            }
        }
        if let Some(record) = &table.record
            && (table.column(record).is_none() || table.partition != ["source", "slot"])
        {
            let what = format!("record = \"{record}\": such a table has this column, and is parted by source and slot");
            return Err(Problem::new(file, what));
        }
        let stored = |name: &&String| table.column(name).is_some_and(|c| c.nature() == Nature::Stored);
        if let Some(name) = table.sorted_by.iter().find(|name| !stored(name)) {
            return Err(Problem::new(file, format!("sorted_by: there is no stored column {name}")));
        }
        if table.sealed && table.record.is_none() {
            return Err(Problem::new(
                file,
                "sealed = true goes with `record`: only tables that sources fill are sealed",
            ));
        }
        for check in &table.checks {
            for name in std::iter::once(&check.column).chain(&check.also) {
                if table.column(name).is_none() {
                    return Err(Problem::new(file, format!("check {}: there is no column {name}", check.rule)));
                }
            }
            if let Some(kind) = &check.finding
                && crate::FindingKind::of(kind).is_none()
            {
                return Err(Problem::new(file, format!("check {}: there is no finding `{kind}`", check.rule)));
            }
            if check.on_bad != OnBad::Blank && (check.put.is_some() || !check.also.is_empty()) {
                return Err(Problem::new(
                    file,
                    format!("check {}: `put` and `also` go with on_bad = \"blank\"", check.rule),
                ));
            }
        }
        Ok(table)
    }

    /// What is wrong with a column that is sealed, or that says it is bound to a token.
    fn unbound(&self, column: &Column) -> Option<&'static str> {
        if (column.kind == ColumnType::Sealed) != column.bound_to.is_some() {
            return Some("type sealed needs `bound_to`, and nothing else takes it");
        }
        let bound_to = column.bound_to.as_deref()?;
        let place = |name: &str| self.columns.iter().position(|c| c.name == name);
        let token = self.column(bound_to).is_some_and(|c| c.kind == ColumnType::Token);
        if !token || place(bound_to) >= place(&column.name) {
            return Some("`bound_to` is a token that stands before it");
        }
        let number = |name: &String| self.column(name).is_some_and(|c| c.kind == ColumnType::Int32);
        (column.from.len() != 1 || !column.from.iter().all(number))
            .then_some("it is made from one column of 32-bit whole numbers")
    }

    /// Its place among the tables: by `order`, then by name; those without an order come last.
    #[must_use]
    pub fn rank(&self) -> (u32, String) {
        (self.order.unwrap_or(u32::MAX), self.name.clone())
    }

    /// A column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Arrow schema of the stored table: no direct identifier, no working value.
    #[must_use]
    pub fn stored_schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .filter(|c| c.nature() == Nature::Stored)
            .map(|c| Field::new(&c.name, c.kind.arrow(), true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Columns that a source can map: not tokens, not encodings, not partition columns.
    pub fn mappable(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.is_made() && !self.partition.contains(&c.name))
    }
}

/// Name and text of every file in `schemas/` that describes a table, found when the crate is built.
const SCHEMAS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// The canonical tables, compiled in from `schemas/`: those that sources fill first, each file by its `order`, then by name.
///
/// # Errors
/// A problem with file and line; none in a build whose tests pass.
pub fn canonical_tables() -> Result<Vec<Table>, Problem> {
    let parse = |(file, text): &(&str, &str)| Table::parse(&format!("schemas/{file}"), text);
    let mut tables = SCHEMAS.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    tables.sort_by_key(Table::rank);
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of sources and slots are svp's own; every other text that is stored is a code by its list or by its shape.
    #[test]
    fn stored_texts_are_codes() {
        let mut free = Vec::new();
        for table in canonical_tables().unwrap().iter().filter(|t| t.zone == "canonical") {
            let shaped = |column: &str| {
                let held = |c: &&Check| c.column == column && c.on_bad != OnBad::Note && c.put.is_none();
                let shape = |c: &Check| {
                    let written = format!("{column} IS NOT DISTINCT FROM ");
                    c.expr.contains(&format!("regexp_like({column}, '^")) || c.expr.starts_with(&written)
                };
                table.checks.iter().filter(held).any(shape)
            };
            for column in table.columns.iter().filter(|c| c.kind == ColumnType::Text && c.nature() == Nature::Stored) {
                let ours = matches!(column.name.as_str(), "source" | "slot");
                if !ours && column.codes.is_empty() && !shaped(&column.name) {
                    free.push(format!("{}.{}", table.name, column.name));
                }
            }
        }
        assert_eq!(free, Vec::<String>::new(), "text that a mapping can fill with anything");
    }

    /// The groups of offences that a row may have are those of the shipped table of offences.
    #[test]
    fn groups_of_offences_are_those_of_the_table() {
        let event = canonical_tables().unwrap().into_iter().find(|t| t.name == "event").unwrap();
        let codes = &event.columns.iter().find(|c| c.name == "offence_group").unwrap().codes;
        let offences = include_str!("../../../pipelines/reference/offences.csv");
        let groups: std::collections::BTreeSet<&str> =
            offences.lines().skip(1).filter_map(|line| line.rsplit(',').next()).map(str::trim).collect();
        assert_eq!(codes.keys().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), groups);
    }
}

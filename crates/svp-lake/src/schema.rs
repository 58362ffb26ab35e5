//! The columns of a table: what a run declares, what stands in its files, and how a table gets new ones.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{LakeError, Result};
use crate::sealed::stored_schema;

/// A table that a run may write: where it is and which columns it has.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// The folder of the table's zone.
    pub zone: String,
    /// The name of the table in its zone and in SQL.
    pub name: String,
    /// All stored columns, the partition columns included.
    pub schema: SchemaRef,
    /// The partition columns, outermost first.
    pub partition: Vec<String>,
    /// Whether its rows are stored sealed: only the partition columns stand in the clear then.
    pub sealed: bool,
    /// Columns whose values hardly ever come twice in a file: a dictionary of them would be as long as the column.
    pub distinct: Vec<String>,
    /// Columns of 64-bit numbers that are digests under the key of the lake: whoever writes the table under another key turns them.
    pub keyed_digests: Vec<String>,
    /// The columns by which the rows of each file are ordered; none, and they stay as they came.
    pub sorted_by: Vec<String>,
}

impl TableSpec {
    /// Names a table.
    pub fn new(zone: &str, name: &str, schema: SchemaRef, partition: &[&str]) -> Self {
        Self {
            zone: zone.to_string(),
            name: name.to_string(),
            schema,
            partition: partition.iter().map(ToString::to_string).collect(),
            sealed: false,
            distinct: Vec::new(),
            keyed_digests: Vec::new(),
            sorted_by: Vec::new(),
        }
    }

    /// The same table, with the columns whose values hardly ever come twice.
    #[must_use]
    pub fn distinct(self, columns: impl IntoIterator<Item = String>) -> Self {
        Self { distinct: columns.into_iter().collect(), ..self }
    }

    /// The same table, with the columns that are digests under the key.
    #[must_use]
    pub fn keyed_digests(self, columns: impl IntoIterator<Item = String>) -> Self {
        Self { keyed_digests: columns.into_iter().collect(), ..self }
    }

    /// The same table, stored sealed or not.
    #[must_use]
    pub fn sealed(self, sealed: bool) -> Self {
        Self { sealed, ..self }
    }

    /// The same table, the rows of each file ordered by these columns.
    #[must_use]
    pub fn sorted_by(self, columns: &[String]) -> Self {
        Self { sorted_by: columns.to_vec(), ..self }
    }

    /// The columns as the log of the table has them.
    pub(crate) fn log_schema(&self) -> SchemaRef {
        if self.sealed { stored_schema(&self.schema, &self.partition) } else { Arc::clone(&self.schema) }
    }

    /// `zone/name`
    pub fn key(&self) -> String {
        format!("{}/{}", self.zone, self.name)
    }

    /// The columns that stand in the files: all but the partition columns.
    pub(crate) fn file_schema(&self) -> SchemaRef {
        file_schema(&self.schema, &self.partition)
    }
}

/// A schema without its partition columns.
pub(crate) fn file_schema(schema: &Schema, partition: &[String]) -> SchemaRef {
    let fields = schema.fields().iter().filter(|f| !partition.contains(f.name())).cloned();
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What the table must get before files with the columns of `wanted` can be added: `None` if it has
/// all of them, or the union. A column that changed its type is an error, except when the whole
/// table is replaced.
pub(crate) fn evolve(
    key: &str,
    stored: &Schema,
    stored_partition: &[String],
    wanted: &TableSpec,
    replaced: bool,
) -> Result<Option<SchemaRef>> {
    let mismatch = |column: &str, expected: String, found: String| LakeError::Schema {
        table: key.to_string(),
        column: column.to_string(),
        expected,
        found,
    };
    if stored_partition != wanted.partition.as_slice() {
        let column = wanted.partition.first().or(stored_partition.first());
        return Err(mismatch(
            column.map_or("", String::as_str),
            format!("partitions [{}]", stored_partition.join(", ")),
            format!("partitions [{}]", wanted.partition.join(", ")),
        ));
    }
    let columns = wanted.log_schema();
    if replaced {
        let same = stored.fields().len() == columns.fields().len()
            && stored.fields().iter().zip(columns.fields()).all(|(a, b)| {
                a.name() == b.name() && a.data_type() == b.data_type() && a.is_nullable() == b.is_nullable()
            });
        return Ok((!same).then_some(columns));
    }
    let mut fields: Vec<Arc<Field>> = stored.fields().iter().cloned().collect();
    let before = fields.len();
    for field in columns.fields() {
        match stored.field_with_name(field.name()) {
            Ok(old) if same_type(old.data_type(), field.data_type()) => {}
            Ok(old) => {
                let (old, new) = (old.data_type().to_string(), field.data_type().to_string());
                return Err(mismatch(field.name(), old, new));
            }
            // Old files have no such column: it reads as null there.
            Err(_) => fields.push(Arc::new(field.as_ref().clone().with_nullable(true))),
        }
    }
    Ok((fields.len() > before).then(|| Arc::new(Schema::new(fields))))
}

/// Whether two types are stored in the same way.
pub(crate) fn same_type(a: &DataType, b: &DataType) -> bool {
    let text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    a == b || (text(a) && text(b))
}

//! Takes the rows of a lake over to the next key: tokens, encodings and digests of rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Int64Array, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use svp_contract::{EncodingKind, Table};

use crate::encode::rotate;
use crate::key_rotation::Permutation;
use crate::token::token_bits;
use crate::{KeyRotation, PseudonymiseError, token_text};

/// Name of the column that keeps the digest of a row.
const ROW_DIGEST: &str = "row_digest";

/// Turns the rows of one table.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{AsArray, RecordBatch, StringArray};
/// use svp_pseudonymise::{Key, TableRotation, Tokeniser};
///
/// let old = Key::generate("needs-assessment")?;
/// let next = old.rotated()?;
/// let token = |key: &Key| String::from_utf8_lossy(&Tokeniser::new(key, "person").token([b"a".as_slice()])).into_owned();
/// let column = |text: String| Arc::new(StringArray::from(vec![text])) as _;
/// let batch = RecordBatch::try_from_iter([("person_key", column(token(&old)))]).unwrap();
/// // Only who has the next key can take the rows over to it; who has the old one alone makes none of its tokens.
/// let turn = TableRotation::new(old.step_to(&next).expect("the next key of the old one"), None);
/// let turned = turn.turn(&batch)?;
/// assert_eq!(turned.column(0).as_string::<i32>().value(0), token(&next));
/// assert_ne!(token(&old), token(&next));
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
pub struct TableRotation {
    rotation: KeyRotation,
    encodings: BTreeMap<String, (EncodingKind, Permutation)>,
}

impl TableRotation {
    /// For a canonical table, or for one that holds tokens only (`None`).
    #[must_use]
    pub fn new(rotation: KeyRotation, table: Option<&Table>) -> Self {
        let columns = table.into_iter().flat_map(|t| &t.columns);
        let encodings =
            columns.filter_map(|c| Some((c.name.clone(), (c.encoding?, rotation.permutation(&c.name))))).collect();
        Self { rotation, encodings }
    }

    /// The batch under the next key. Every text that is a token is turned, whatever its column, so that none can be
    /// forgotten; other texts stay.
    ///
    /// # Errors
    /// When the batch cannot be built.
    pub fn turn(&self, batch: &RecordBatch) -> Result<RecordBatch, PseudonymiseError> {
        let schema = batch.schema();
        let columns =
            schema.fields().iter().zip(batch.columns()).map(|(field, column)| self.column(field.name(), column));
        RecordBatch::try_new(Arc::clone(&schema), columns.collect()).map_err(PseudonymiseError::Arrow)
    }

    fn column(&self, name: &str, column: &ArrayRef) -> ArrayRef {
        match (column.data_type(), self.encodings.get(name)) {
            (DataType::Utf8, _) => {
                let old = column.as_string::<i32>();
                let mut out = StringBuilder::with_capacity(old.len(), old.value_data().len());
                for value in old {
                    match value.map(|v| (v, token_bits(v))) {
                        Some((_, Some(token))) => {
                            out.append_value(String::from_utf8_lossy(&token_text(&self.rotation.token(&token))));
                        }
                        Some((text, None)) => out.append_value(text),
                        None => out.append_null(),
                    }
                }
                Arc::new(out.finish())
            }
            (DataType::Binary, Some((kind, order))) => {
                let old = column.as_binary::<i32>();
                let mut out = BinaryBuilder::with_capacity(old.len(), old.value_data().len());
                for value in old {
                    out.append_option(value.map(|v| {
                        let mut turned = v.to_vec();
                        rotate(*kind, &self.rotation, order, &mut turned);
                        turned
                    }));
                }
                Arc::new(out.finish())
            }
            (DataType::Int64, _) if name == ROW_DIGEST => {
                let old = column.as_primitive::<Int64Type>();
                let turn = |v: i64| self.rotation.part(v as u64) as i64;
                Arc::new(old.iter().map(|v| v.map(turn)).collect::<Int64Array>())
            }
            _ => Arc::clone(column),
        }
    }
}

impl KeyRotation {
    /// The token, as text, that takes the place of one; a text that is no token stays.
    #[must_use]
    pub fn turned(&self, text: &str) -> String {
        match token_bits(text) {
            Some(token) => String::from_utf8_lossy(&token_text(&self.token(&token))).into_owned(),
            None => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use svp_contract::canonical_tables;

    use super::*;
    use crate::{Key, RowDigest, pseudonymise};

    /// What is made under the next key is what the rotation makes of what was made under the old one.
    #[test]
    fn a_rotated_table_is_the_table_of_the_next_key() {
        let tables = canonical_tables().unwrap();
        let table = tables.iter().find(|t| t.name == "person_record").unwrap();
        let old = Key::generate("test").unwrap();
        let next = old.rotated().unwrap();
        let fields: Vec<_> =
            table.columns.iter().map(|c| arrow::datatypes::Field::new(&c.name, c.kind.arrow(), true)).collect();
        let columns: Vec<ArrayRef> = fields
            .iter()
            .map(|f| match f.data_type() {
                DataType::Utf8 => {
                    Arc::new(StringArray::from(vec![Some(format!("X{} ROE", f.name())), None])) as ArrayRef
                }
                other => arrow::array::new_null_array(other, 2),
            })
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let staged = RecordBatch::try_new(schema, columns).unwrap();
        let made = |key: &Key| pseudonymise(table, "source", &staged, key).unwrap().into_inner();
        let rotation = TableRotation::new(old.step_to(&next).unwrap(), Some(table));
        assert_ne!(made(&old), made(&next));
        assert_eq!(rotation.turn(&made(&old)).unwrap(), made(&next));
    }

    #[test]
    fn a_digest_of_a_row_is_turned_in_its_lower_half() {
        let old = Key::generate("test").unwrap();
        let next = old.rotated().unwrap();
        let digest = |key: &Key| RowDigest::new(key).digest([Some("a row")]) as u64;
        assert_eq!(old.step_to(&next).unwrap().part(digest(&old)), digest(&next));
    }
}

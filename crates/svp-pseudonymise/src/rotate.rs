//! Takes the rows of a lake over to the next key: tokens, encodings, sealed numbers and digests of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Int64Array, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use svp_contract::{Column, ColumnType, EncodingKind, Table};

use crate::encode::rotate;
use crate::key_rotation::Permutation;
use crate::pseudonymise::seal_numbers;
use crate::token::token_bits;
use crate::{Key, KeyRotation, PseudonymiseError, ValueSeal, token_text};

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
/// let turn = TableRotation::new(&old, &next, None, &[]).expect("the next key of the old one");
/// let turned = turn.turn(&batch)?;
/// assert_eq!(turned.column(0).as_string::<i32>().value(0), token(&next));
/// assert_ne!(token(&old), token(&next));
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
pub struct TableRotation {
    rotation: KeyRotation,
    encodings: BTreeMap<String, (EncodingKind, Permutation)>,
    sealed: BTreeMap<String, Resealed>,
    digests: BTreeSet<String>,
}

/// A column of sealed numbers, with what opens it and what seals it again.
struct Resealed {
    column: Column,
    old: ValueSeal,
    next: ValueSeal,
}

impl TableRotation {
    /// For a canonical table, or for one that holds tokens only (`None`). `digests` names the columns of 64-bit numbers that are digests
    /// under the key: whoever has the old key could make them of a guess. `None` where `next` is not made of `old` by one rotation.
    #[must_use]
    pub fn new(old: &Key, next: &Key, table: Option<&Table>, digests: &[String]) -> Option<Self> {
        let rotation = old.step_to(next)?;
        let columns = || table.into_iter().flat_map(|t| &t.columns);
        let encodings =
            columns().filter_map(|c| Some((c.name.clone(), (c.encoding?, rotation.permutation(&c.name))))).collect();
        let resealed = |column: &Column| {
            let (old, next) = (ValueSeal::new(old, column), ValueSeal::new(next, column));
            (column.name.clone(), Resealed { column: column.clone(), old, next })
        };
        let sealed = columns().filter(|c| c.kind == ColumnType::Sealed).map(resealed).collect();
        Some(Self { rotation, encodings, sealed, digests: digests.iter().cloned().collect() })
    }

    /// The batch under the next key. Every text that is a token is turned, whatever its column, so that none can be
    /// forgotten; other texts stay.
    ///
    /// # Errors
    /// A sealed number that is not of its row or not of the old key; when the batch cannot be built.
    pub fn turn(&self, batch: &RecordBatch) -> Result<RecordBatch, PseudonymiseError> {
        let schema = batch.schema();
        let columns =
            schema.fields().iter().zip(batch.columns()).map(|(field, column)| match self.sealed.get(field.name()) {
                Some(sealed) => self.resealed(sealed, batch, column),
                None => Ok(self.column(field.name(), column)),
            });
        RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?).map_err(PseudonymiseError::Arrow)
    }

    /// Numbers that are opened under the old key and sealed under the next, for the row whose token is turned too.
    fn resealed(
        &self,
        Resealed { column, old, next }: &Resealed,
        batch: &RecordBatch,
        sealed: &ArrayRef,
    ) -> Result<ArrayRef, PseudonymiseError> {
        let bound = column.bound_to.as_deref().unwrap_or_default();
        let missing = || PseudonymiseError::MissingColumn { table: String::new(), column: bound.to_owned() };
        let rows = batch.column_by_name(bound).ok_or_else(missing)?;
        let numbers = rows.as_string::<i32>().iter().zip(sealed.as_binary::<i32>());
        let numbers = numbers.map(|(row, sealed)| {
            let Some(sealed) = sealed else { return Ok(None) };
            let number = old.open(row.unwrap_or_default(), sealed);
            number.map(Some).ok_or_else(|| PseudonymiseError::Sealed { column: column.name.clone() })
        });
        let numbers: Vec<Option<i32>> = numbers.collect::<Result<_, _>>()?;
        seal_numbers(next, column, &self.column(bound, rows), numbers.into_iter())
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
            (DataType::Int64, _) if self.digests.contains(name) => {
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
    use arrow::array::{Int32Array, StringArray};
    use svp_contract::canonical_tables;

    use super::*;
    use crate::{RowDigest, pseudonymise};

    /// What is made under the next key is what the rotation makes of what was made under the old one.
    #[test]
    fn a_rotated_table_is_the_table_of_the_next_key() {
        for table in ["person_record", "party"] {
            let tables = canonical_tables().unwrap();
            is_that_of_the_next_key(tables.iter().find(|t| t.name == table).unwrap());
        }
    }

    fn is_that_of_the_next_key(table: &Table) {
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
                DataType::Int32 => Arc::new(Int32Array::from(vec![Some(97), None])),
                other => arrow::array::new_null_array(other, 2),
            })
            .collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let staged = RecordBatch::try_new(schema, columns).unwrap();
        let made = |key: &Key| pseudonymise(table, "source", &staged, key).unwrap().into_inner();
        let rotation = TableRotation::new(&old, &next, Some(table), &[]).unwrap();
        assert_ne!(made(&old), made(&next));
        assert_eq!(rotation.turn(&made(&old)).unwrap(), made(&next));
        if table.columns.iter().any(|c| c.kind == ColumnType::Sealed) {
            // Under another key nothing is turned that cannot be opened.
            let error = rotation.turn(&made(&Key::generate("test").unwrap())).unwrap_err();
            assert!(matches!(error, PseudonymiseError::Sealed { .. }), "{error}");
        }
    }

    /// Whoever keeps the old key, or an old copy of the lake, finds no record of the turned lake by a digest of before.
    #[test]
    fn digests_of_records_are_turned() {
        let old = Key::generate("test").unwrap();
        let digests = ["mark".to_owned()];
        let turn = TableRotation::new(&old, &old.rotated().unwrap(), None, &digests).unwrap();
        let column = || Arc::new(Int64Array::from(vec![Some(7), None, Some(i64::MIN)])) as ArrayRef;
        let turned =
            turn.turn(&RecordBatch::try_from_iter([("mark", column()), ("other", column())]).unwrap()).unwrap();
        let [mark, other] = [0, 1].map(|at| turned.column(at).as_primitive::<Int64Type>().clone());
        assert!(mark.value(0) != 7 && mark.is_null(1) && mark.value(2) != i64::MIN);
        assert_eq!((other.value(0), other.value(2)), (7, i64::MIN), "a number that is no digest stays");
    }

    #[test]
    fn a_digest_of_a_row_is_turned_in_its_lower_half() {
        let old = Key::generate("test").unwrap();
        let next = old.rotated().unwrap();
        let digest = |key: &Key| RowDigest::new(key).digest([Some("a row")]) as u64;
        assert_eq!(old.step_to(&next).unwrap().part(digest(&old)), digest(&next));
    }
}

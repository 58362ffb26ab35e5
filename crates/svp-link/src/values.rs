//! What the records say, each value once: the steps carry numbers in place of encodings and texts.
//!
//! An encoding is some hundred bytes, and the same one stands in many rows. All that the steps in SQL ask of it is whether two are equal
//! and which is the greatest, so a number that follows the order of the bytes does as well: joins, groups and sorts then hold a row of
//! some hundred bytes, not of a thousand. The numbers depend on the values alone, not on which thread read which rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use rustc_hash::FxHashMap;
use svp_contract::comparison::ROW_COLUMNS;

use crate::LinkError;
use crate::parallel;
use crate::row_columns::ENCODINGS;

/// The columns of text, which stand first in the rows: the record's id, its source, its kind of agency.
pub(crate) const TEXTS: [&str; 3] = ["person_record_id", "source", "agency"];

/// Columns of which a row carries numbers: texts, then encodings.
const NUMBERED: usize = TEXTS.len() + ENCODINGS;

/// The values of one column, in the order of their bytes.
#[derive(Debug, Default)]
pub(crate) struct Column {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Column {
    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A value by its number; empty where there is none.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let n = number as usize;
        let from = n.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(n).and_then(|end| self.bytes.get(from..*end)).unwrap_or_default()
    }

    /// A text by its number.
    pub(crate) fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.get(number)).unwrap_or_default()
    }
}

/// The values of all numbered columns.
#[derive(Debug)]
pub(crate) struct Values([Column; NUMBERED]);

impl Values {
    /// The values of a column of text, by its place in [`TEXTS`].
    pub(crate) fn texts(&self, column: usize) -> &Column {
        &self.0[column]
    }

    /// The values of a column of encodings, by its place in [`ROW_COLUMNS`].
    pub(crate) fn encodings(&self, column: usize) -> &Column {
        &self.0[TEXTS.len() + column]
    }
}

/// Rows of one thread, and the values that it met, in the order in which it met them.
pub(crate) struct Part {
    batches: Vec<RecordBatch>,
    met: Vec<FxHashMap<Box<[u8]>, u32>>,
}

impl Default for Part {
    fn default() -> Self {
        Self { batches: Vec::new(), met: vec![FxHashMap::default(); NUMBERED] }
    }
}

/// The schema of rows whose texts and encodings are numbers; `None` where they are not the first columns.
fn numbered(schema: &Schema) -> Option<SchemaRef> {
    let expected = TEXTS.into_iter().chain(ROW_COLUMNS[..ENCODINGS].iter().map(|c| c.name));
    let in_place = schema.fields().len() >= NUMBERED && expected.zip(schema.fields()).all(|(e, f)| e == f.name());
    let field = |(i, field): (usize, &Arc<Field>)| match i {
        ..NUMBERED => Arc::new(Field::new(field.name(), DataType::UInt32, true)),
        _ => Arc::clone(field),
    };
    in_place.then(|| Arc::new(Schema::new(schema.fields().iter().enumerate().map(field).collect::<Vec<_>>())))
}

/// The schema of the records where there are none.
pub(crate) fn empty_schema() -> SchemaRef {
    let number = |name: &str| Field::new(name, DataType::UInt32, true);
    let encodings = ROW_COLUMNS[..ENCODINGS].iter().map(|c| number(c.name));
    let rest = ROW_COLUMNS[ENCODINGS..].iter().map(|c| Field::new(c.name, DataType::UInt64, true));
    Arc::new(Schema::new(TEXTS.map(number).into_iter().chain(encodings).chain(rest).collect::<Vec<_>>()))
}

impl Part {
    /// Takes rows in; their texts are `Utf8` and their encodings `Binary`.
    ///
    /// # Errors
    /// When texts and encodings are of other types, or not the first columns.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), LinkError> {
        let other = || LinkError::Missing("columns of the records");
        let schema = numbered(batch.schema_ref()).ok_or_else(other)?;
        let columns = batch.columns().iter().enumerate().map(|(i, column)| match self.met.get_mut(i) {
            Some(met) => of(met, column).ok_or_else(other),
            None => Ok(Arc::clone(column)),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
        self.batches.push(RecordBatch::try_new(schema, columns)?);
        Ok(())
    }
}

/// The numbers of an array's values, for which new ones are made. A text that is missing is the empty one.
fn of(met: &mut FxHashMap<Box<[u8]>, u32>, column: &ArrayRef) -> Option<ArrayRef> {
    let mut number = |value: &[u8]| match met.get(value) {
        Some(number) => *number,
        None => {
            let next = met.len() as u32;
            met.insert(value.into(), next);
            next
        }
    };
    let numbers: UInt32Array = match column.data_type() {
        DataType::Utf8 => {
            column.as_string::<i32>().iter().map(|t| Some(number(t.unwrap_or_default().as_bytes()))).collect()
        }
        DataType::Binary => column.as_binary::<i32>().iter().map(|e| e.map(&mut number)).collect(),
        _ => return None,
    };
    Some(Arc::new(numbers))
}

/// The values of all parts, and their rows with the numbers of these.
///
/// # Errors
/// When a batch cannot be built.
pub(crate) fn gather(parts: Vec<Part>, threads: usize) -> Result<(Values, Vec<Vec<RecordBatch>>), LinkError> {
    let (mut batches, mut met) = (Vec::with_capacity(parts.len()), Vec::with_capacity(parts.len()));
    for part in parts {
        batches.push(part.batches);
        met.push(part.met);
    }
    let mut columns: [Column; NUMBERED] = Default::default();
    // For each column, and each part: the number of each of its values.
    let mut places: Vec<Vec<Vec<u32>>> = Vec::with_capacity(NUMBERED);
    for column in &mut columns {
        let of_column = met.iter_mut().map(|met| if met.is_empty() { FxHashMap::default() } else { met.remove(0) });
        let (values, numbers) = in_order(of_column.collect());
        *column = values;
        places.push(numbers);
    }
    let all: Vec<(usize, RecordBatch)> =
        batches.iter_mut().enumerate().flat_map(|(part, b)| b.drain(..).map(move |b| (part, b))).collect();
    let renumbered = parallel::map(threads, &all, || (), |(), (part, batch)| renumber(batch, *part, &places));
    for ((part, _), batch) in all.into_iter().zip(renumbered) {
        batches[part].push(batch?);
    }
    Ok((Values(columns), batches))
}

/// One column's values in their order, and for each part which number each of those that it met has there.
fn in_order(met: Vec<FxHashMap<Box<[u8]>, u32>>) -> (Column, Vec<Vec<u32>>) {
    let mut numbers: Vec<Vec<u32>> = met.iter().map(|met| vec![0; met.len()]).collect();
    // The first bytes beside a value settle most comparisons without a look at it.
    let head = |value: &[u8]| {
        let mut head = [0; 8];
        head.iter_mut().zip(value).for_each(|(slot, byte)| *slot = *byte);
        u64::from_be_bytes(head)
    };
    let all = met.into_iter().enumerate().flat_map(|(part, met)| met.into_iter().map(move |(v, n)| (v, part, n)));
    let mut all: Vec<_> = all.map(|(value, part, number)| (head(&value), value, part, number)).collect();
    all.sort_unstable_by(|(x, v, ..), (y, w, ..)| x.cmp(y).then_with(|| v.cmp(w)));
    let mut column = Column::default();
    column.bytes.reserve_exact(all.iter().map(|(_, value, ..)| value.len()).sum());
    let mut before: Option<Box<[u8]>> = None;
    for (_, value, part, number) in all {
        if before.as_ref() != Some(&value) {
            column.bytes.extend_from_slice(&value);
            column.ends.push(column.bytes.len());
        }
        numbers[part][number as usize] = column.ends.len() as u32 - 1;
        before = Some(value);
    }
    (column, numbers)
}

fn renumber(batch: &RecordBatch, part: usize, places: &[Vec<Vec<u32>>]) -> Result<RecordBatch, LinkError> {
    let column = |(i, column): (usize, &ArrayRef)| -> ArrayRef {
        match (places.get(i).and_then(|parts| parts.get(part)), column.as_primitive_opt::<UInt32Type>()) {
            (Some(numbers), Some(met)) => {
                let number = |n: u32| numbers.get(n as usize).copied().unwrap_or_default();
                Arc::new(met.unary::<_, UInt32Type>(number))
            }
            _ => Arc::clone(column),
        }
    };
    Ok(RecordBatch::try_new(batch.schema(), batch.columns().iter().enumerate().map(column).collect())?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, StringArray};

    use super::*;

    fn rows(texts: &[Option<&str>]) -> RecordBatch {
        let text = || Arc::new(texts.iter().copied().collect::<StringArray>()) as ArrayRef;
        let bytes = || Arc::new(texts.iter().map(|t| t.map(str::as_bytes)).collect::<BinaryArray>()) as ArrayRef;
        let columns = TEXTS.map(|name| (name, text(), true)).into_iter();
        let encodings = ROW_COLUMNS[..ENCODINGS].iter().map(|c| (c.name, bytes(), true));
        RecordBatch::try_from_iter_with_nullable(columns.chain(encodings).chain([("sex", text(), true)])).unwrap()
    }

    #[test]
    fn numbers_follow_the_bytes_whoever_read_them() {
        let (one, other) = (rows(&[Some("b"), None, Some("c"), Some("b")]), rows(&[Some("ca"), Some("a"), Some("")]));
        let told = |dealt: [&[&RecordBatch]; 2]| {
            let parts = dealt.map(|batches| {
                let mut part = Part::default();
                batches.iter().for_each(|batch| part.push(batch).unwrap());
                part
            });
            let (values, batches) = gather(parts.into(), 2).unwrap();
            let all = [values.texts(0), values.encodings(6)];
            for column in all {
                let texts: Vec<&str> = (0..column.len() as u32).map(|n| column.text(n)).collect();
                assert_eq!(texts, ["", "a", "b", "c", "ca"]);
                assert_eq!(column.get(5), b"");
            }
            let batches: Vec<RecordBatch> = batches.into_iter().flatten().collect();
            let numbers = |batch: &RecordBatch| {
                let (first, last) = (batch.column(0), batch.column(NUMBERED - 1));
                assert_eq!(first.null_count(), 0, "a text that is missing is empty");
                (0..last.len()).for_each(|i| assert!(last.is_null(i) || first.slice(i, 1) == last.slice(i, 1)));
                last.as_primitive::<UInt32Type>().iter().collect::<Vec<_>>()
            };
            batches.iter().map(numbers).collect::<Vec<_>>()
        };
        let expected = [vec![Some(2), None, Some(3), Some(2)], vec![Some(4), Some(1), Some(0)]];
        assert_eq!(told([&[&one], &[&other]]), expected);
        assert_eq!(told([&[], &[&one, &other]]), expected);
        assert!(Part::default().push(&one.project(&[1, 0]).unwrap()).is_err());
    }
}

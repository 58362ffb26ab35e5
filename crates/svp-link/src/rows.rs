//! The rows that are judged: one for each different description of a record, in their order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::UInt32Type;
use svp_contract::comparison::ROW_COLUMNS;

use crate::LinkError;
use crate::row_columns::{ENCODINGS, NAMED};
use crate::value::mix;
use crate::values::{TEXTS, Values};

/// The bytes of the named columns of a row; a token as its eight bytes.
pub(crate) struct Row<'a>(pub [Option<&'a [u8]>; NAMED]);

impl Row<'_> {
    /// Whether there is a name, a date of birth or a number: a record without any is linked to none.
    pub(crate) fn says_who(&self) -> bool {
        self.0.iter().zip(&ROW_COLUMNS).any(|(value, column)| column.says_who && value.is_some())
    }

    /// A digest of what is known of the row; 0 when nothing says who it is.
    pub(crate) fn content_digest(&self) -> u64 {
        let mut content_digest = 0u64;
        if !self.says_who() {
            return content_digest;
        }
        for (i, column) in self.0.iter().enumerate() {
            if let Some(bytes) = column {
                let words = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes);
                content_digest = words.fold(mix(content_digest, i as u64 + 1), mix);
            }
        }
        content_digest
    }
}

/// The named columns of some rows, so that one row after another can be looked at.
pub(crate) struct Named<'a> {
    values: &'a Values,
    encodings: Vec<&'a UInt32Array>,
    tokens: Vec<&'a UInt64Array>,
    bytes: Vec<Vec<[u8; 8]>>,
}

impl<'a> Named<'a> {
    /// From arrays in the order of [`ROW_COLUMNS`]; `None` where they are of other types.
    pub(crate) fn new(values: &'a Values, arrays: impl IntoIterator<Item = &'a ArrayRef>) -> Option<Self> {
        let (mut encodings, mut tokens) = (Vec::with_capacity(ENCODINGS), Vec::with_capacity(NAMED - ENCODINGS));
        for (i, array) in arrays.into_iter().take(NAMED).enumerate() {
            match i {
                ..ENCODINGS => encodings.push(array.as_primitive_opt()?),
                _ => tokens.push(array.as_primitive_opt()?),
            }
        }
        let bytes =
            tokens.iter().map(|a: &&UInt64Array| a.values().iter().map(|v| v.to_le_bytes()).collect()).collect();
        (encodings.len() + tokens.len() == NAMED).then_some(Self { values, encodings, tokens, bytes })
    }

    /// A row.
    pub(crate) fn row(&self, row: usize) -> Row<'_> {
        Row(std::array::from_fn(|i| match self.encodings.get(i) {
            Some(array) => (!array.is_null(row)).then(|| self.values.encodings(i).get(array.value(row))),
            None => {
                let i = i - ENCODINGS;
                (!self.tokens[i].is_null(row)).then(|| self.bytes[i][row].as_slice())
            }
        }))
    }
}

/// A record of a person: one id of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Keyed id.
    pub id: String,
    /// Source.
    pub source: String,
    /// Kind of agency.
    pub agency: String,
    /// Digest of all that is known of it; 0 when nothing is.
    pub content_digest: u64,
    /// First row, and how many.
    pub rows: (u32, u32),
}

/// The rows of all records, in their order, as the batches that the engine gave.
pub(crate) struct Rows {
    batches: Vec<RecordBatch>,
    values: Arc<Values>,
}

impl Rows {
    /// From the batches of `03_rows`. One ordered stream was asked for; its batches come in the order of their rows, whatever the
    /// engine did.
    ///
    /// # Errors
    /// When the first column is not the number of the row.
    pub(crate) fn new(mut batches: Vec<RecordBatch>, values: Arc<Values>) -> Result<Self, LinkError> {
        batches.retain(|b| b.num_rows() > 0);
        let first = |b: &RecordBatch| b.column(0).as_primitive_opt::<UInt32Type>().map(|rows| rows.value(0));
        if batches.iter().any(|b| first(b).is_none()) {
            return Err(LinkError::Missing("numbers of rows"));
        }
        batches.sort_by_key(first);
        Ok(Self { batches, values })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn column<'a, T: 'a>(&'a self, name: &str, typed: impl Fn(&'a ArrayRef) -> Option<T>) -> Result<Vec<T>, LinkError> {
        let arrays = self.batches.iter().map(|b| typed(b.column_by_name(name)?));
        arrays.collect::<Option<Vec<T>>>().ok_or(LinkError::Missing("column of the rows"))
    }

    /// The values of which the rows hold numbers.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The numbers of a column of encodings or texts, with the number of the first row of each array.
    pub(crate) fn numbered(&self, name: &str) -> Result<impl Iterator<Item = (usize, &UInt32Array)>, LinkError> {
        Ok(self.firsts().into_iter().zip(self.column(name, |a| a.as_primitive_opt())?))
    }

    /// A column of tokens or numbers, with the number of the first row of each array.
    pub(crate) fn numbers(&self, name: &str) -> Result<impl Iterator<Item = (usize, &UInt64Array)>, LinkError> {
        Ok(self.firsts().into_iter().zip(self.column(name, |a| a.as_primitive_opt())?))
    }

    /// Pieces of at most `most` rows, each with the number of its first row.
    pub(crate) fn pieces(&self, most: usize) -> Vec<(usize, RecordBatch)> {
        let mut pieces = Vec::new();
        for (first, batch) in self.firsts().into_iter().zip(&self.batches) {
            for from in (0..batch.num_rows()).step_by(most) {
                pieces.push((first + from, batch.slice(from, most.min(batch.num_rows() - from))));
            }
        }
        pieces
    }

    fn firsts(&self) -> Vec<usize> {
        let rows = self.batches.iter().scan(0, |n, batch| Some(std::mem::replace(n, *n + batch.num_rows())));
        rows.collect()
    }

    /// The records in the order of their ids, and the record of each row.
    pub(crate) fn records(&self) -> Result<(Vec<Record>, Vec<u32>), LinkError> {
        let mut out: Vec<Record> = Vec::new();
        let mut record_of_row = Vec::with_capacity(self.len());
        let [ids, sources, agencies] = TEXTS.map(|name| self.numbered(name));
        let text =
            |column: usize, array: &UInt32Array, i: usize| self.values.texts(column).text(array.value(i)).to_owned();
        let mut last = None;
        for ((((_, ids), (_, sources)), (_, agencies)), ((_, marks), (_, sexes))) in
            ids?.zip(sources?).zip(agencies?).zip(self.numbers("content_digest")?.zip(self.numbers("sex")?))
        {
            for i in 0..ids.len() {
                let row = record_of_row.len() as u32;
                if last != Some(ids.value(i)) {
                    last = Some(ids.value(i));
                    out.push(Record {
                        id: text(0, ids, i),
                        source: text(1, sources, i),
                        agency: text(2, agencies, i),
                        content_digest: 0,
                        rows: (row, 0),
                    });
                }
                if let Some(record) = out.last_mut() {
                    record.rows.1 += 1;
                    let sex = if sexes.is_null(i) { 0 } else { sexes.value(i) };
                    if marks.value(i) != 0 {
                        record.content_digest = mix(record.content_digest, mix(marks.value(i), sex));
                    }
                }
                record_of_row.push(out.len() as u32 - 1);
            }
        }
        Ok((out, record_of_row))
    }
}

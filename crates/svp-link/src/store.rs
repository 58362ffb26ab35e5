//! The rows of `link_row` by their number, as the functions that judge pairs hold them.
//!
//! A pair is two row numbers. Looking the rows up here in place of joining them to every pair saves carrying some hundred
//! bytes of encodings through two joins for each pair, which took ten times as long as the comparison itself.

use arrow::array::{Array, AsArray, BinaryViewArray, RecordBatch, UInt64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float32Type, SchemaRef, UInt32Type};

use crate::LinkError;
use crate::comparison::Names;
use crate::model::Counts;

/// Encoded columns in the order of [`ENCODED`].
const ENCODED: [&str; 7] = ["forename", "surname", "words", "birth", "postcode", "birth_place", "occupation"];
const NUMBERS: [&str; 4] = ["sex", "nhs", "upn", "local"];

/// Place of an encoded column.
pub(crate) mod of {
    pub(crate) const BIRTH: usize = 3;
    pub(crate) const POSTCODE: usize = 4;
    pub(crate) const BIRTH_PLACE: usize = 5;
    pub(crate) const OCCUPATION: usize = 6;
    pub(crate) const SEX: usize = 0;
    pub(crate) const NHS: usize = 1;
    pub(crate) const UPN: usize = 2;
    pub(crate) const LOCAL: usize = 3;
}

/// Rows by number.
#[derive(Debug)]
pub(crate) struct Store {
    encoded: Vec<BinaryViewArray>,
    numbers: Vec<UInt64Array>,
    counts: Vec<Counts>,
}

impl Store {
    /// From the batches of `link_row` and `link_count`, in any order.
    pub(crate) fn new(
        schema: &SchemaRef,
        mut rows: Vec<RecordBatch>,
        counts: &[RecordBatch],
    ) -> Result<Self, LinkError> {
        rows.retain(|b| b.num_rows() > 0);
        rows.sort_by_key(|b| b.column(0).as_primitive::<UInt32Type>().value(0));
        let whole = concat_batches(schema, &rows)?;
        let encoded = ENCODED.iter().filter_map(|n| Some(whole.column_by_name(n)?.as_binary_view_opt()?.clone()));
        let numbers = NUMBERS.iter().filter_map(|n| Some(whole.column_by_name(n)?.as_primitive_opt()?.clone()));
        let mut by_row = vec![Counts::default(); whole.num_rows()];
        for batch in counts {
            let places = batch.column(0).as_primitive::<UInt32Type>();
            let n = |column: usize, i: usize| batch.column(column).as_primitive::<Float32Type>().value(i);
            for i in 0..batch.num_rows() {
                if let Some(slot) = by_row.get_mut(places.value(i) as usize) {
                    *slot = Counts {
                        forename: n(1, i),
                        usual: n(2, i),
                        surname: n(3, i),
                        name: n(4, i),
                        birth: n(5, i),
                        birth_place: n(6, i),
                        postcode: n(7, i),
                        occupation: n(8, i),
                    };
                }
            }
        }
        let store = Self { encoded: encoded.collect(), numbers: numbers.collect(), counts: by_row };
        if store.encoded.len() == ENCODED.len() && store.numbers.len() == NUMBERS.len() {
            Ok(store)
        } else {
            Err(LinkError::Missing("column of link_row"))
        }
    }

    /// An encoding of a row.
    #[inline(always)]
    pub(crate) fn encoding(&self, column: usize, row: u32) -> Option<&[u8]> {
        let array = self.encoded.get(column)?;
        let row = row as usize;
        (row < array.len() && !array.is_null(row)).then(|| array.value(row))
    }

    /// A number of a row.
    #[inline(always)]
    pub(crate) fn number(&self, column: usize, row: u32) -> Option<u64> {
        let array = self.numbers.get(column)?;
        let row = row as usize;
        (row < array.len() && !array.is_null(row)).then(|| array.value(row))
    }

    /// The names of a row.
    #[inline(always)]
    pub(crate) fn names(&self, row: u32) -> Names<'_> {
        Names { forename: self.encoding(0, row), surname: self.encoding(1, row), words: self.encoding(2, row) }
    }

    /// How common the values of a row are.
    pub(crate) fn counts(&self, row: u32) -> Counts {
        self.counts.get(row as usize).copied().unwrap_or_default()
    }

    /// Rows that have each kind of value.
    pub(crate) fn present(&self) -> Counts {
        let rows = |of: fn(&Counts) -> f32| self.counts.iter().filter(|c| of(c) > 0.0).count() as f32;
        Counts {
            forename: rows(|c| c.forename),
            usual: rows(|c| c.usual),
            surname: rows(|c| c.surname),
            name: rows(|c| c.name),
            birth: rows(|c| c.birth),
            birth_place: rows(|c| c.birth_place),
            postcode: rows(|c| c.postcode),
            occupation: rows(|c| c.occupation),
        }
    }
}

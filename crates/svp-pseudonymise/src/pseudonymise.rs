//! The first guarded door: a staged batch with identifiers goes in, a batch of the canonical table comes out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use svp_contract::{Column, ColumnType, Table};

use crate::encode::Encoder;
use crate::{Key, PseudonymiseError, Tokeniser, ValueSeal};

/// Something that holds no direct identifier. Only [`pseudonymise`] makes one.
#[derive(Debug, Clone)]
pub struct Pseudonymised<T>(T);

impl<T> Pseudonymised<T> {
    /// The content.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The content, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Replaces the direct identifiers of `staged` by keyed tokens and encodings, seals the numbers that the table seals, and keeps only the
/// stored columns of `table`.
///
/// `staged` holds the mapped columns of the table under their names, identifiers as Utf8 or Date32. `scope`
/// (the name of the source) goes into tokens of columns that say `scope = "source"`, so that equal record
/// numbers of two sources do not meet. A token is NULL when any of its parts is NULL or blank.
///
/// # Errors
/// When a column is missing or has a type that cannot be tokenised.
pub fn pseudonymise(
    table: &Table,
    scope: &str,
    staged: &RecordBatch,
    key: &Key,
) -> Result<Pseudonymised<RecordBatch>, PseudonymiseError> {
    let schema = table.stored_schema();
    let mut out: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = table.column(field.name()).ok_or_else(|| missing(table, field.name()))?;
        if column.kind == ColumnType::Token {
            out.push(tokens(table, column, scope, staged, key)?);
        } else if column.kind == ColumnType::Sealed {
            let bound = column.bound_to.as_deref().unwrap_or_default();
            let token = schema.index_of(bound).ok().and_then(|at| out.get(at)).ok_or_else(|| missing(table, bound))?;
            let sealed = sealed(table, column, token, staged, key)?;
            out.push(sealed);
        } else if let Some(kind) = column.encoding {
            let encoder = Encoder::new(key, kind, column.token_domain(), &column.name);
            out.push(encodings(table, column, encoder, staged)?);
        } else {
            let array = staged.column_by_name(field.name()).ok_or_else(|| missing(table, field.name()))?;
            out.push(Arc::clone(array));
        }
    }
    RecordBatch::try_new(schema, out).map(Pseudonymised).map_err(PseudonymiseError::Arrow)
}

/// The columns of which earlier versions made more than is kept now, by their names, each as it was made then. They are held against what
/// an encoded file says that it was made of, and are never stored.
///
/// # Errors
/// As [`pseudonymise`].
pub fn made_before(
    table: &Table,
    staged: &RecordBatch,
    key: &Key,
) -> Result<Vec<(String, ArrayRef)>, PseudonymiseError> {
    let of = |column: &Column| Some((column.clone(), column.encoding.filter(|kind| !kind.has_filter())?));
    let made = table.columns.iter().filter_map(of).map(|(column, kind)| {
        let encoder = Encoder::as_before(key, kind, column.token_domain(), &column.name);
        let array = encodings(table, &column, encoder, staged)?;
        Ok((column.name, array))
    });
    made.collect()
}

/// The rows of a table without what earlier versions put into encodings and this one does not keep, and how many of them had it.
///
/// # Errors
/// Encodings that are no bytes; when the batch cannot be built.
pub fn kept(table: &Table, batch: &RecordBatch) -> Result<(RecordBatch, u64), PseudonymiseError> {
    let schema = batch.schema();
    let mut had = vec![false; batch.num_rows()];
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let kind = table.column(field.name()).and_then(|c| c.encoding).filter(|kind| !kind.has_filter());
        let Some(kind) = kind else { return Ok(Arc::clone(column)) };
        let wrong = || PseudonymiseError::WrongType { column: field.name().clone(), wanted: "bytes" };
        let encodings = column.as_binary_opt::<i32>().ok_or_else(wrong)?;
        let mut out = BinaryBuilder::with_capacity(encodings.len(), encodings.len() * 24);
        for (encoding, had) in encodings.iter().zip(&mut had) {
            let kept = encoding.map(|encoding| kind.kept(encoding));
            *had |= kept.map(<[u8]>::len) != encoding.map(<[u8]>::len);
            out.append_option(kept);
        }
        Ok(Arc::new(out.finish()) as ArrayRef)
    });
    let columns = columns.collect::<Result<_, _>>()?;
    let had = had.into_iter().filter(|had| *had).count() as u64;
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(PseudonymiseError::Arrow)?;
    Ok((batch, had))
}

fn missing(table: &Table, column: &str) -> PseudonymiseError {
    PseudonymiseError::MissingColumn { table: table.name.clone(), column: column.to_owned() }
}

fn tokens(
    table: &Table,
    column: &Column,
    scope: &str,
    staged: &RecordBatch,
    key: &Key,
) -> Result<ArrayRef, PseudonymiseError> {
    let tokeniser = Tokeniser::new(key, column.token_domain());
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(column.from.len());
    for name in &column.from {
        let array = staged.column_by_name(name).ok_or_else(|| missing(table, name))?;
        parts.push(Part::new(name, array)?);
    }
    let scoped = column.scope.as_deref() == Some("source");
    let mut out = StringBuilder::with_capacity(staged.num_rows(), staged.num_rows() * 32);
    let mut dates = vec![[0u8; 4]; parts.len()];
    for row in 0..staged.num_rows() {
        if parts.iter().any(|p| p.is_missing(row)) {
            out.append_null();
            continue;
        }
        for (part, date) in parts.iter().zip(dates.iter_mut()) {
            if let Part::Date(days) = part {
                *date = days.value(row).to_le_bytes();
            }
        }
        let mut values: Vec<&[u8]> = parts
            .iter()
            .zip(&dates)
            .map(|(part, date)| match part {
                Part::Text(text) => text.value(row).as_bytes(),
                Part::Date(_) => date.as_slice(),
            })
            .collect();
        if column.any_order > 0 {
            let n = column.any_order.min(values.len());
            values[..n].sort_unstable();
        }
        let token = if scoped {
            tokeniser.token(std::iter::once(scope.as_bytes()).chain(values.iter().copied()))
        } else {
            tokeniser.token(values.iter().copied())
        };
        // Tokens are hexadecimal digits, so this is always text.
        out.append_value(std::str::from_utf8(&token).unwrap_or_default());
    }
    Ok(Arc::new(out.finish()))
}

fn encodings(
    table: &Table,
    column: &Column,
    mut encoder: Encoder,
    staged: &RecordBatch,
) -> Result<ArrayRef, PseudonymiseError> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(column.from.len());
    for name in &column.from {
        parts.push(Part::new(name, staged.column_by_name(name).ok_or_else(|| missing(table, name))?)?);
    }
    let mut out = BinaryBuilder::with_capacity(staged.num_rows(), staged.num_rows() * 96);
    let mut encoding = Vec::with_capacity(128);
    for row in 0..staged.num_rows() {
        let dates: Vec<Option<String>> = parts.iter().map(|p| p.date_text(row)).collect();
        let values: Vec<Option<&str>> = parts.iter().zip(&dates).map(|(p, d)| p.text(row).or(d.as_deref())).collect();
        encoding.clear();
        if encoder.encode(&values, &mut encoding) {
            out.append_value(&encoding);
        } else {
            out.append_null();
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Numbers, each sealed for its row: that with `token`.
fn sealed(
    table: &Table,
    column: &Column,
    token: &ArrayRef,
    staged: &RecordBatch,
    key: &Key,
) -> Result<ArrayRef, PseudonymiseError> {
    let name = column.from.first().map(String::as_str).unwrap_or_default();
    let numbers = staged.column_by_name(name).ok_or_else(|| missing(table, name))?;
    let wrong = || PseudonymiseError::WrongType { column: name.to_owned(), wanted: "32-bit whole number" };
    let numbers = numbers.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?;
    seal_numbers(&ValueSeal::new(key, column), column, token, numbers.iter())
}

/// Numbers, each sealed for its row.
pub(crate) fn seal_numbers(
    seal: &ValueSeal,
    column: &Column,
    rows: &ArrayRef,
    numbers: impl Iterator<Item = Option<i32>>,
) -> Result<ArrayRef, PseudonymiseError> {
    let refused = || PseudonymiseError::Sealed { column: column.name.clone() };
    let mut out = BinaryBuilder::with_capacity(rows.len(), rows.len() * 20);
    for (row, number) in rows.as_string::<i32>().iter().zip(numbers) {
        match number {
            Some(number) => out.append_value(seal.seal(row.unwrap_or_default(), number).ok_or_else(refused)?),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

enum Part<'a> {
    Text(&'a arrow::array::StringArray),
    Date(&'a arrow::array::PrimitiveArray<Date32Type>),
}

impl<'a> Part<'a> {
    fn new(name: &str, array: &'a ArrayRef) -> Result<Self, PseudonymiseError> {
        match array.data_type() {
            DataType::Utf8 => Ok(Self::Text(array.as_string::<i32>())),
            DataType::Date32 => Ok(Self::Date(array.as_primitive())),
            _ => Err(PseudonymiseError::WrongType { column: name.to_owned(), wanted: "text or date" }),
        }
    }

    fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(text) => (!text.is_null(row)).then(|| text.value(row)),
            Self::Date(_) => None,
        }
    }

    /// A date as `YYYY-MM-DD`.
    fn date_text(&self, row: usize) -> Option<String> {
        match self {
            Self::Date(days) if !days.is_null(row) => {
                arrow::temporal_conversions::date32_to_datetime(days.value(row)).map(|d| d.date().to_string())
            }
            _ => None,
        }
    }

    fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Text(text) => text.is_null(row) || text.value(row).trim().is_empty(),
            Self::Date(days) => days.is_null(row),
        }
    }
}

//! What a file says of itself as a whole, in its first records: who sent it, and of which day its knowledge is.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_plan::ColumnarValue;
use datafusion::prelude::SessionContext;
use svp_contract::{Problem, Source};
use svp_lake::input::{InputFile, open_blocking};

use crate::plan::plan_expression;
use crate::read::{self, Expected, ReaderKind};
use crate::ready::Ready;

/// Records that are looked at. A sender is the same in all of them, and the loader sees whether that is so.
const RECORDS: usize = 1000;

/// The expressions `sender`, `dated` and `year` of a source, planned.
#[derive(Debug, Clone)]
pub(crate) struct FactsPlan {
    columns: Vec<String>,
    schema: SchemaRef,
    sender: Option<Ready>,
    dated: Option<Ready>,
    year: Option<Ready>,
}

/// What the first records say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Code of the sender; `None` where the records say nothing, or name several.
    pub sender: Option<String>,
    /// They name several.
    pub several: bool,
    /// Day, `YYYY-MM-DD`.
    pub dated: Option<String>,
    /// Year that the content names.
    pub year: Option<String>,
}

impl FactsPlan {
    /// Plans the expressions; `None` where the source has none.
    pub(crate) fn new(ctx: &SessionContext, source: &Source, file: &str) -> Result<Option<Self>, Vec<Problem>> {
        let files = &source.files;
        if files.sender.is_none() && files.dated.is_none() && files.year.is_none() {
            return Ok(None);
        }
        let fields: Vec<Field> = files.columns.iter().map(|c| Field::new(c, DataType::Utf8, true)).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let mut problems = Vec::new();
        let mut plan = |what: &str, sql: &Option<String>| {
            let sql = sql.as_ref()?;
            plan_expression(ctx, source, &format!("{file} [files]"), what, sql, &schema)
                .map_err(|found| problems.extend(found))
                .ok()
        };
        let (sender, dated) = (plan("sender", &files.sender), plan("dated", &files.dated));
        let year = plan("year", &files.year);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Some(Self { columns: files.columns.clone(), schema, sender, dated, year }))
    }

    /// Reads the first records. A file that cannot be read says nothing here: the loader tells why.
    pub(crate) fn read(&self, kind: &ReaderKind, input: &InputFile) -> Facts {
        let Some(batch) = self.first(kind, input) else { return Facts::default() };
        let values =
            |ready: &Option<Ready>| ready.as_ref().map(|r| distinct(&self.texts(r, &batch))).unwrap_or_default();
        let (mut senders, dated, year) = (values(&self.sender), values(&self.dated), values(&self.year));
        let several = senders.len() > 1;
        let sender = senders.pop_first().filter(|_| !several).and_then(|s| code(&s));
        let year = year.into_iter().rfind(|y| y.len() == 4 && y.bytes().all(|b| b.is_ascii_digit()));
        Facts { sender, several, dated: dated.into_iter().rfind(|d| is_day(d)), year }
    }

    fn first(&self, kind: &ReaderKind, input: &InputFile) -> Option<RecordBatch> {
        let columns = self.columns.clone();
        let expected = Expected { optional: columns.clone(), columns, allow_extra: true };
        let bytes = open_blocking(input).ok()?;
        let rows = read::open(kind, &expected, &input.name, bytes, RECORDS).and_then(|mut r| r.next_batch()).ok()??;
        rows.batch.with_schema(Arc::clone(&self.schema)).ok()
    }

    /// Whether a file names its sender by this expression.
    pub(crate) fn names_sender(&self) -> bool {
        self.sender.is_some()
    }

    /// The rows of a feed's batch whose sender is another one; none where the feed does not read the columns that tell.
    pub(crate) fn of_other_senders(&self, feed: &Schema, batch: &RecordBatch, sender: &str) -> Vec<usize> {
        let columns: Option<Vec<ArrayRef>> =
            self.columns.iter().map(|c| batch.columns().get(feed.index_of(c).ok()?).cloned()).collect();
        let batch = columns.and_then(|c| RecordBatch::try_new(Arc::clone(&self.schema), c).ok());
        let (Some(ready), Some(batch)) = (&self.sender, batch) else { return Vec::new() };
        let other = |text: &str| {
            let text = text.trim();
            !text.is_empty() && !text.eq_ignore_ascii_case(sender)
        };
        self.texts(ready, &batch)
            .map(|texts| (0..texts.len()).filter(|i| texts.is_valid(*i) && other(texts.value(*i))).collect())
            .unwrap_or_default()
    }

    fn texts(&self, ready: &Ready, batch: &RecordBatch) -> Option<StringArray> {
        let array = match ready.expr.evaluate(batch).ok()? {
            ColumnarValue::Array(array) => array,
            ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(batch.num_rows()).ok()?,
        };
        Some(compute::cast(&array, &DataType::Utf8).ok()?.as_string::<i32>().clone())
    }
}

fn distinct(texts: &Option<StringArray>) -> BTreeSet<String> {
    texts.iter().flatten().flatten().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

/// A code of an organisation as it stands in slots: short, without blanks, in capitals. Anything else is no code, and is kept out.
pub(crate) fn code(text: &str) -> Option<String> {
    let fits =
        (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fits.then(|| text.to_uppercase())
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

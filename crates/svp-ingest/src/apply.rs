//! Applies a planned feed to a batch of rows: stage, check, sort out, pseudonymise.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::compute;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::physical_plan::ColumnarValue;
use svp_contract::OnBad;
use svp_privacy::{Key, Pseudonymised, RowDigest, pseudonymise};

use crate::error::IngestError;
use crate::plan::{FeedPlan, Origin, Ready, Step, TargetPlan};
use crate::receipt::{Quarantined, Receipt};

/// What a file remembers of its rows, to find repeats: 24 bytes a row.
#[derive(Default)]
pub(crate) struct Seen {
    /// Row key → digest of the row that was accepted under it.
    keys: HashMap<u128, u64>,
    /// Values of `once_per`, by target.
    once: HashSet<(usize, u128)>,
}

/// The door: who asks, under which key.
pub(crate) struct Door<'a> {
    pub source: &'a str,
    pub slot: &'a str,
    pub key: &'a Key,
    pub digest: &'a RowDigest,
}

/// What came of a batch.
pub(crate) struct Applied {
    /// By target of the plan.
    pub tables: Vec<Pseudonymised<RecordBatch>>,
    pub quarantined: Vec<Quarantined>,
}

/// The staged form of one target.
struct Staged {
    batch: RecordBatch,
    /// Rows for which the target holds.
    when: Option<BooleanArray>,
    once: Option<ArrayRef>,
}

/// Applies `plan` to `rows` (text columns of the feed, with their row numbers).
pub(crate) fn apply(
    plan: &FeedPlan,
    door: &Door<'_>,
    rows: &[u64],
    batch: &RecordBatch,
    seen: &mut Seen,
    receipt: &mut Receipt,
) -> Result<Applied, IngestError> {
    let n = batch.num_rows();
    let batch =
        batch.clone().with_schema(Arc::clone(&plan.input)).map_err(|source| arrow_error(plan, "input", source))?;
    let given = Given::new(plan, door, rows, &batch)?;
    let mut bad: HashMap<usize, Vec<(&'static str, String, String)>> = HashMap::new();
    if plan.id_needed {
        for row in 0..n {
            if !given.has_id(row) {
                bad.entry(row).or_default().push(("file", "record_id".to_owned(), "missing".to_owned()));
            }
        }
    }
    let mut staged = Vec::with_capacity(plan.targets.len());
    for target in &plan.targets {
        staged.push(stage(plan, target, &batch, &given, &mut bad, receipt)?);
    }

    let mut accepted = Vec::with_capacity(n);
    let mut quarantined = Vec::new();
    for (row, &number) in rows.iter().enumerate() {
        if let Some(reasons) = bad.get(&row) {
            receipt.quarantined += 1;
            let mut told: Vec<&(&'static str, String, String)> = Vec::new();
            for reason in reasons {
                if told.iter().any(|r| r.0 == reason.0 && r.1 == reason.1 && r.2 == reason.2) {
                    continue;
                }
                told.push(reason);
                let (table, column, rule) = reason;
                receipt.count(rule, table, column, |c| c.quarantined += 1);
                quarantined.push(Quarantined { row: number, table, column: column.clone(), rule: rule.clone() });
            }
            continue;
        }
        if let Some(keys) = &given.row_keys
            && keys.is_valid(row)
        {
            let key = door.digest.digest([Some(keys.value(row))]);
            let text = given.digests[row];
            match seen.keys.get(&key) {
                Some(earlier) => {
                    receipt.duplicate += 1;
                    receipt.duplicate_differs += u64::from(*earlier != text);
                    continue;
                }
                None => {
                    seen.keys.insert(key, text);
                }
            }
        }
        receipt.accepted += 1;
        accepted.push(row);
    }
    receipt.rows_read += n as u64;

    let mut tables = Vec::with_capacity(plan.targets.len());
    for (t, (target, staged)) in plan.targets.iter().zip(&staged).enumerate() {
        let mut keep: Vec<u32> = Vec::with_capacity(accepted.len());
        for &row in &accepted {
            if let Some(when) = &staged.when
                && !(when.is_valid(row) && when.value(row))
            {
                continue;
            }
            if let Some(once) = &staged.once {
                let once = once.as_string::<i32>();
                if once.is_valid(row) && !seen.once.insert((t, door.digest.digest([Some(once.value(row))]))) {
                    continue;
                }
            }
            keep.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        let taken = if keep.len() == n {
            staged.batch.clone()
        } else {
            let columns = compute::take_record_batch(&staged.batch, &UInt32Array::from(keep));
            columns.map_err(|source| arrow_error(plan, &target.table.name, source))?
        };
        months(receipt, &taken);
        *receipt.written.entry(target.table.name.clone()).or_default() += taken.num_rows() as u64;
        tables.push(pseudonymise(&target.table, door.source, &taken, door.key)?);
    }
    Ok(Applied { tables, quarantined })
}

/// What the loader knows of each row besides its text.
struct Given {
    rows: ArrayRef,
    record_ids: ArrayRef,
    identified: BooleanArray,
    row_keys: Option<StringArray>,
    digests: Vec<u64>,
    digest_column: ArrayRef,
    source: ArrayRef,
    slot: ArrayRef,
}

impl Given {
    fn new(plan: &FeedPlan, door: &Door<'_>, rows: &[u64], batch: &RecordBatch) -> Result<Self, IngestError> {
        let n = batch.num_rows();
        let own = &batch.columns()[..plan.text_columns];
        let columns: Vec<&StringArray> = own.iter().map(|c| c.as_string::<i32>()).collect();
        let digests: Vec<u64> = (0..n)
            .map(|i| door.digest.digest(columns.iter().map(|c| c.is_valid(i).then(|| c.value(i)))) as u64)
            .collect();
        let ids = match &plan.record_id {
            Some(ready) => Some(evaluate(plan, "record_id", ready, batch)?),
            None => None,
        };
        let ids = ids.as_ref().map(|a| a.as_string::<i32>());
        // A record without an id is known by its place in its file.
        let position = |i: usize| format!("{}#{}#{}", door.slot, plan.name, rows[i]);
        let record_ids: StringArray = (0..n)
            .map(|i| match ids {
                Some(ids) if ids.is_valid(i) => Some(std::borrow::Cow::Borrowed(ids.value(i))),
                _ => Some(std::borrow::Cow::Owned(position(i))),
            })
            .collect();
        let identified: BooleanArray = (0..n).map(|i| Some(ids.is_some_and(|ids| ids.is_valid(i)))).collect();
        let row_keys = match &plan.row_key {
            Some(ready) => Some(evaluate(plan, "row_key", ready, batch)?.as_string::<i32>().clone()),
            None => None,
        };
        let repeat = |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, n))) };
        Ok(Self {
            rows: Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| i64::try_from(*r).unwrap_or(i64::MAX)))),
            record_ids: Arc::new(record_ids),
            identified,
            row_keys,
            digest_column: Arc::new(Int64Array::from_iter_values(digests.iter().map(|d| d.cast_signed()))),
            digests,
            source: repeat(door.source),
            slot: repeat(door.slot),
        })
    }
}

impl Given {
    fn has_id(&self, row: usize) -> bool {
        self.identified.value(row)
    }
}

type Bad = HashMap<usize, Vec<(&'static str, String, String)>>;

fn stage(
    plan: &FeedPlan,
    target: &TargetPlan,
    batch: &RecordBatch,
    given: &Given,
    bad: &mut Bad,
    receipt: &mut Receipt,
) -> Result<Staged, IngestError> {
    let n = batch.num_rows();
    let table: &'static str = table_name(&target.table.name);
    let when = match &target.when {
        Some(ready) => Some(evaluate(plan, "when", ready, batch)?.as_boolean().clone()),
        None => None,
    };
    let applies = |row: usize| when.as_ref().is_none_or(|w| w.is_valid(row) && w.value(row));
    let mut columns: Vec<ArrayRef> = target.working.fields().iter().map(|f| new_null_array(f.data_type(), n)).collect();
    for step in &target.steps {
        let mut broken = Broken { table, column: &step.column.name, on_bad: step.column.on_bad, rows: Vec::new() };
        let array = match &step.origin {
            Origin::Null => continue,
            Origin::RecordId => Arc::clone(&given.record_ids),
            Origin::Identified => Arc::new(given.identified.clone()),
            Origin::Source => Arc::clone(&given.source),
            Origin::Slot => Arc::clone(&given.slot),
            Origin::SourceRow => Arc::clone(&given.rows),
            Origin::RowDigest => Arc::clone(&given.digest_column),
            Origin::Derived(ready) => {
                let staged = working(plan, target, &columns)?;
                evaluate(plan, &step.column.name, ready, &staged)?
            }
            Origin::Mapped { ready, conversions, .. } => {
                let array = evaluate(plan, &step.column.name, ready, batch)?;
                for conversion in conversions {
                    let input = evaluate(plan, &step.column.name, &conversion.input, batch)?;
                    let output = match &conversion.output {
                        Some(ready) => evaluate(plan, &step.column.name, ready, batch)?,
                        None => Arc::clone(&array),
                    };
                    if output.null_count() > input.null_count() || output.null_count() > 0 {
                        for row in 0..n {
                            if input.is_valid(row) && output.is_null(row) && applies(row) {
                                broken.rows.push((row, conversion.rule));
                            }
                        }
                    }
                }
                array
            }
        };
        if array.null_count() < n {
            codes(step, &array, &applies, &mut broken);
            range(step, &array, &applies, &mut broken);
        }
        if step.column.required && step.column.from.is_empty() && array.null_count() > 0 {
            for row in 0..n {
                let told = broken.rows.iter().any(|(r, _)| *r == row);
                if array.is_null(row) && applies(row) && !told {
                    broken.rows.push((row, "missing"));
                }
            }
        }
        columns[step.index] = broken.settle(plan, array, bad, receipt)?;
    }
    let staged = working(plan, target, &columns)?;
    for planned in &target.checks {
        let verdict = evaluate(plan, &planned.check.rule, &planned.ready, &staged)?;
        let verdict = verdict.as_boolean();
        if verdict.false_count() == 0 {
            continue;
        }
        for row in 0..n {
            if !verdict.is_valid(row) || verdict.value(row) || !applies(row) {
                continue;
            }
            match planned.check.on_bad {
                OnBad::Quarantine => {
                    bad.entry(row).or_default().push((table, planned.check.column.clone(), planned.check.rule.clone()))
                }
                OnBad::Blank | OnBad::Note => {
                    receipt.count(&planned.check.rule, table, &planned.check.column, |c| c.noted += 1)
                }
            }
        }
    }
    let once = match &target.once_per {
        Some(ready) => Some(evaluate(plan, "once_per", ready, batch)?),
        None => None,
    };
    Ok(Staged { batch: staged, when, once })
}

/// Rows of one column that broke a rule.
struct Broken<'a> {
    table: &'static str,
    column: &'a str,
    on_bad: OnBad,
    rows: Vec<(usize, &'static str)>,
}

impl Broken<'_> {
    fn settle(
        self,
        plan: &FeedPlan,
        array: ArrayRef,
        bad: &mut Bad,
        receipt: &mut Receipt,
    ) -> Result<ArrayRef, IngestError> {
        if self.rows.is_empty() {
            return Ok(array);
        }
        match self.on_bad {
            OnBad::Quarantine => {
                for (row, rule) in self.rows {
                    bad.entry(row).or_default().push((self.table, self.column.to_owned(), rule.to_owned()));
                }
                Ok(array)
            }
            OnBad::Note => {
                for (_, rule) in self.rows {
                    receipt.count(rule, self.table, self.column, |c| c.noted += 1);
                }
                Ok(array)
            }
            OnBad::Blank => {
                let mut mask = vec![false; array.len()];
                for (row, rule) in self.rows {
                    if !mask[row] {
                        receipt.count(rule, self.table, self.column, |c| c.blanked += 1);
                    }
                    mask[row] = true;
                }
                compute::nullif(&array, &BooleanArray::from(mask))
                    .map_err(|source| arrow_error(plan, self.column, source))
            }
        }
    }
}

fn codes(step: &Step, array: &ArrayRef, applies: &dyn Fn(usize) -> bool, broken: &mut Broken<'_>) {
    if step.codes.is_empty() || *array.data_type() != DataType::Utf8 {
        return;
    }
    let values = array.as_string::<i32>();
    // Codes repeat from row to row, so the last answer is asked first.
    let mut last: Option<(&str, bool)> = None;
    let rows =
        if matches!(step.origin, Origin::Mapped { constant: true, .. }) { values.len().min(1) } else { values.len() };
    for row in 0..rows {
        if values.is_null(row) {
            continue;
        }
        let value = values.value(row);
        let known = match last {
            Some((text, known)) if text == value => known,
            _ => step.codes.contains(value),
        };
        last = Some((value, known));
        if !known && applies(row) {
            broken.rows.push((row, "unknown_code"));
        }
    }
}

fn range(step: &Step, array: &ArrayRef, applies: &dyn Fn(usize) -> bool, broken: &mut Broken<'_>) {
    if step.column.min.is_none() && step.column.max.is_none() {
        return;
    }
    let low = step.column.min.unwrap_or(f64::NEG_INFINITY);
    let high = step.column.max.unwrap_or(f64::INFINITY);
    let value = |row: usize| -> f64 {
        match array.data_type() {
            DataType::Int32 => f64::from(array.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row) as f64,
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row),
            _ => low,
        }
    };
    for row in 0..array.len() {
        if array.is_valid(row) && !(low..=high).contains(&value(row)) && applies(row) {
            broken.rows.push((row, "out_of_range"));
        }
    }
}

fn working(plan: &FeedPlan, target: &TargetPlan, columns: &[ArrayRef]) -> Result<RecordBatch, IngestError> {
    RecordBatch::try_new(Arc::clone(&target.working), columns.to_vec())
        .map_err(|source| arrow_error(plan, &target.table.name, source))
}

fn evaluate(plan: &FeedPlan, column: &str, ready: &Ready, batch: &RecordBatch) -> Result<ArrayRef, IngestError> {
    let failed = || IngestError::Expression { at: plan.at.clone(), column: column.to_owned() };
    let value = ready.expr.evaluate(batch).map_err(|_| failed())?;
    let array = match value {
        ColumnarValue::Array(array) => array,
        ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(batch.num_rows()).map_err(|_| failed())?,
    };
    match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => compute::cast(&array, &DataType::Utf8).map_err(|_| failed()),
        _ => Ok(array),
    }
}

/// First and last month of what was written.
fn months(receipt: &mut Receipt, batch: &RecordBatch) {
    let Some(months) = batch.column_by_name("month") else { return };
    for month in months.as_string::<i32>().iter().flatten() {
        match &mut receipt.months {
            None => receipt.months = Some((month.to_owned(), month.to_owned())),
            Some((first, last)) => {
                if month < first.as_str() {
                    month.clone_into(first);
                }
                if month > last.as_str() {
                    month.clone_into(last);
                }
            }
        }
    }
}

fn table_name(name: &str) -> &'static str {
    match name {
        "event" => "event",
        "party" => "party",
        "episode" => "episode",
        _ => "person_record",
    }
}

fn arrow_error(plan: &FeedPlan, step: &str, source: arrow::error::ArrowError) -> IngestError {
    IngestError::Arrow { at: format!("{} {step}", plan.at), source }
}

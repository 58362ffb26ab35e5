//! Applies a planned feed to a batch of rows: clean, stage, sort out, pseudonymise.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use arrow::compute;
use arrow::datatypes::{DataType, Date32Type, Float64Type, TimestampMicrosecondType};
use rustc_hash::FxHasher;
use svp_pseudonymise::{Key, Pseudonymised, RowDigest, pseudonymise};

use crate::account::Account;
use crate::classes::KnownClasses;
use crate::error::IngestError;
use crate::evaluate::evaluate;
use crate::period::Period;
use crate::plan::FeedPlan;
use crate::receipt::{FILE, Quarantined, Receipt};
use crate::records::stem;
use crate::seen::{Says, Seen};
use crate::stage::{Bad, Reason, Staged, stage};

/// The door: who asks, under which key.
pub(crate) struct Door<'a> {
    pub source: &'a str,
    pub slot: &'a str,
    pub key: &'a Key,
    pub digest: &'a RowDigest,
    /// What the file covers by its name.
    pub period: Option<Period>,
    /// Columns of the source's and the slot's name.
    pub sources: Repeated,
    pub slots: Repeated,
}

/// A text that stands in all rows: a column of it, made once for a file.
pub(crate) struct Repeated(StringArray);

impl Repeated {
    /// For batches of at most `rows` rows.
    pub(crate) fn new(text: &str, rows: usize) -> Self {
        Self(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
    }

    /// The column for `n` rows.
    fn of(&self, n: usize) -> ArrayRef {
        match n <= self.0.len() {
            true => Arc::new(self.0.slice(0, n)),
            false => {
                let text = self.0.iter().flatten().next().unwrap_or_default();
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, n)))
            }
        }
    }
}

/// What came of a batch.
pub(crate) struct Applied {
    /// By target of the plan.
    pub tables: Vec<Pseudonymised<RecordBatch>>,
    pub quarantined: Vec<Quarantined>,
}

/// Applies `plan` to `rows` (text columns of the feed, with their row numbers).
pub(crate) fn apply(
    plan: &FeedPlan,
    door: &Door<'_>,
    rows: &[u64],
    batch: &RecordBatch,
    seen: &mut Seen,
    account: &mut Account,
) -> Result<Applied, IngestError> {
    let n = batch.num_rows();
    let failed = |source| arrow_error(plan, "input", source);
    let raw = batch.clone().with_schema(Arc::clone(&plan.input)).map_err(failed)?;
    let (batch, spoilt) = plan.cleaner.clean(&raw, rows, &mut account.given).map_err(failed)?;
    let mut bad: Bad = HashMap::new();
    let known = KnownClasses::default();
    let given = Given::new(plan, door, rows, &raw, (&batch, &known), &mut bad)?;
    for row in spoilt {
        bad.entry(row).or_default().push((FILE.into(), "record_id".to_owned(), "spoilt_id".to_owned()));
    }
    if plan.id_needed {
        for row in (0..n).filter(|row| !given.identified.value(*row)) {
            bad.entry(row).or_default().push((FILE.into(), "record_id".to_owned(), "missing".to_owned()));
        }
    }
    let mut staged = Vec::with_capacity(plan.targets.len());
    for target in 0..plan.targets.len() {
        staged.push(stage(plan, target, (&batch, &known), &given, &mut bad, account)?);
    }
    let targets = || plan.targets.iter().zip(&staged);
    let content: Vec<Option<Vec<u64>>> = targets().map(|(t, staged)| digests(&t.content, staged, n)).collect();
    let beside: Vec<Option<Vec<u64>>> = targets().map(|(t, staged)| digests(&t.beside, staged, n)).collect();
    let said = content.iter().flatten().next();

    let mut accepted = Vec::with_capacity(n);
    let mut quarantined = Vec::new();
    for (row, &number) in rows.iter().enumerate() {
        if let Some(reasons) = bad.get(&row) {
            account.receipt.quarantined += 1;
            let mut told: Vec<&Reason> = Vec::new();
            for reason in reasons {
                if told.contains(&reason) {
                    continue;
                }
                told.push(reason);
                let (table, column, rule) = reason;
                account.count(rule, table, column, number, |c| c.quarantined += 1);
                quarantined.push(Quarantined {
                    row: number,
                    table: Arc::clone(table),
                    column: column.clone(),
                    rule: rule.clone(),
                });
            }
            account.quarantined(plan, &told);
            continue;
        }
        let text = given.digests[row];
        match &given.row_keys {
            Some(keys) if keys.is_valid(row) => {
                let key = door.digest.digest([Some(keys.value(row))]);
                let says = said.map_or(0, |s| s[row]);
                if let Some((earlier, said)) = seen.keys.get(&key) {
                    account.receipt.duplicate += 1;
                    account.receipt.duplicate_differs += u64::from(*earlier != text);
                    if *said != says {
                        account.contradicting.add(number);
                    }
                    continue;
                }
                seen.keys.insert(key, (text, says));
            }
            _ => {
                *seen.unkeyed.entry(text).or_default() += 1;
                seen.in_order.push(text);
            }
        }
        if let Some(digest) = given.beside_ids.get(row) {
            seen.beside_ids(*digest);
        }
        account.receipt.accepted += 1;
        accepted.push(row);
    }
    account.receipt.rows_read += n as u64;

    let mut tables = Vec::with_capacity(plan.targets.len());
    for (t, (target, staged)) in plan.targets.iter().zip(&staged).enumerate() {
        let mut keep: Vec<u32> = Vec::with_capacity(accepted.len());
        let telling = staged.once.as_ref().map(|_| telling(&staged.batch));
        for &row in &accepted {
            if let Some(when) = &staged.when
                && !when.value(row)
            {
                continue;
            }
            if let Some(once) = &staged.once {
                let once = once.as_string::<i32>();
                if once.is_valid(row) {
                    let of = |digests: &Option<Vec<u64>>| digests.as_ref().map_or(0, |s| s[row]);
                    let says = (of(&content[t]), of(&beside[t]));
                    let key = (t, door.digest.digest([Some(once.value(row))]));
                    if let Some(said) = seen.once.get(&key) {
                        account.records.again(*said, says, rows[row], &mut account.contradicting);
                        continue;
                    }
                    seen.once.insert(key, says);
                    let tells = telling.as_ref().is_some_and(|tells| tells.value(row));
                    let (stem, suffixed) = stem(once.value(row));
                    let before = seen.last.insert(t, (stem.to_owned(), suffixed, says));
                    let like =
                        |(of, before, said): (String, bool, Says)| of == stem && (suffixed || before) && said == says;
                    account.records.begins(tells && before.is_some_and(like), rows[row]);
                }
            }
            keep.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        if let (Some(period), Some(column)) = (&door.period, target.period) {
            let happened = staged.batch.column_by_name("occurred_from");
            let dates = staged.batch.column(column);
            account.dated(period.sides(dates, happened), dates, &keep, rows);
        }
        let taken = if keep.len() == n {
            staged.batch.clone()
        } else {
            let columns = compute::take_record_batch(&staged.batch, &UInt32Array::from(keep));
            columns.map_err(|source| arrow_error(plan, &target.table.name, source))?
        };
        months(&mut account.receipt, &taken);
        *account.receipt.written.entry(target.table.name.clone()).or_default() += taken.num_rows() as u64;
        tables.push(pseudonymise(&target.table, door.source, &taken, door.key)?);
    }
    Ok(Applied { tables, quarantined })
}

/// A digest of what each row says in some columns of a target: what happened, or what else is known. `None` where it says nothing.
fn digests(columns: &[usize], staged: &Staged, n: usize) -> Option<Vec<u64>> {
    if columns.is_empty() {
        return None;
    }
    let mut hashers = vec![FxHasher::default(); n];
    for column in columns {
        let array = staged.batch.column(*column);
        let mut put = |row: usize, value: u64| hashers[row].write_u64(value);
        match array.data_type() {
            DataType::Utf8 => {
                for (hasher, value) in hashers.iter_mut().zip(array.as_string::<i32>()) {
                    value.hash(hasher);
                }
            }
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().iter().enumerate();
                values.for_each(|(row, v)| put(row, v.map_or(u64::MAX, f64::to_bits)));
            }
            DataType::Date32 => {
                let values = array.as_primitive::<Date32Type>().iter().enumerate();
                values.for_each(|(row, v)| put(row, v.map_or(u64::MAX, |v| i64::from(v).cast_unsigned())));
            }
            DataType::Timestamp(..) => {
                let values = array.as_primitive::<TimestampMicrosecondType>().iter().enumerate();
                values.for_each(|(row, v)| put(row, v.map_or(u64::MAX, i64::cast_unsigned)));
            }
            DataType::Boolean => {
                let values = array.as_boolean().iter().enumerate();
                values.for_each(|(row, v)| put(row, v.map_or(u64::MAX, u64::from)));
            }
            _ => {}
        }
    }
    Some(hashers.into_iter().map(|h| h.finish()).collect())
}

/// Rows that say both when and where it happened: two records that do not may well be equal.
fn telling(batch: &RecordBatch) -> BooleanArray {
    let [when, east, west] = ["occurred_from", "easting", "longitude"].map(|name| batch.column_by_name(name));
    let there = |column: Option<&ArrayRef>, row: usize| column.is_some_and(|c| c.is_valid(row));
    let tells = |row: usize| there(when, row) && (there(east, row) || there(west, row));
    (0..batch.num_rows()).map(|row| Some(tells(row))).collect()
}

/// What the loader knows of each row besides its text.
pub(crate) struct Given {
    pub record_ids: ArrayRef,
    pub identified: BooleanArray,
    row_keys: Option<StringArray>,
    digests: Vec<u64>,
    /// Digests of what rows say beside their ids, for a feed that tells of people.
    beside_ids: Vec<u64>,
    pub digest_column: ArrayRef,
    pub source: ArrayRef,
    pub slot: ArrayRef,
    numbers: Vec<u64>,
}

impl Given {
    /// `raw` is the text as it came, which the digests are of; `batch` is made fit for mapping.
    fn new(
        plan: &FeedPlan,
        door: &Door<'_>,
        rows: &[u64],
        raw: &RecordBatch,
        (batch, known): (&RecordBatch, &KnownClasses),
        bad: &mut Bad,
    ) -> Result<Self, IngestError> {
        let n = batch.num_rows();
        let own = &raw.columns()[..plan.text_columns];
        let columns: Vec<&StringArray> = own.iter().map(|c| c.as_string::<i32>()).collect();
        let digests: Vec<u64> = (0..n)
            .map(|i| door.digest.digest(columns.iter().map(|c| c.is_valid(i).then(|| c.value(i)))) as u64)
            .collect();
        let beside_ids = beside_ids(plan, batch);
        let mut text = |what: &str, ready| -> Result<StringArray, IngestError> {
            let values = evaluate(plan, what, ready, batch, known)?;
            for row in values.failed {
                bad.entry(row).or_default().push((FILE.into(), what.to_owned(), "failed".to_owned()));
            }
            Ok(values.array.as_string::<i32>().clone())
        };
        let ids = plan.record_id.as_ref().map(|ready| text("record_id", ready)).transpose()?;
        let row_keys = plan.row_key.as_ref().map(|ready| text("row_key", ready)).transpose()?.or_else(|| ids.clone());
        let record_ids = match &ids {
            Some(ids) if ids.null_count() == 0 => ids.clone(),
            ids => positioned(n, ids.as_ref(), &format!("{}#{}", door.slot, plan.name), rows),
        };
        let identified = (0..n).map(|i| Some(ids.as_ref().is_some_and(|ids| ids.is_valid(i)))).collect();
        Ok(Self {
            record_ids: Arc::new(record_ids),
            identified,
            row_keys,
            digest_column: Arc::new(Int64Array::from_iter_values(digests.iter().map(|d| d.cast_signed()))),
            digests,
            beside_ids,
            source: door.sources.of(n),
            slot: door.slots.of(n),
            numbers: rows.to_vec(),
        })
    }

    /// The number of a row in its file.
    pub(crate) fn row(&self, at: usize) -> u64 {
        self.numbers[at]
    }
}

/// The ids of `n` records; one without an id is known by its place in its file.
fn positioned(n: usize, ids: Option<&StringArray>, file: &str, rows: &[u64]) -> StringArray {
    use std::fmt::Write;
    let mut out = StringBuilder::with_capacity(n, ids.map_or(0, |ids| ids.value_data().len()) + n * (file.len() + 8));
    for (i, row) in rows.iter().enumerate().take(n) {
        match ids {
            Some(ids) if ids.is_valid(i) => out.append_value(ids.value(i)),
            _ => {
                // Writing into memory does not fail.
                let _ = write!(out, "{file}#{row}");
                out.append_value("");
            }
        }
    }
    out.finish()
}

/// Digests of what each row says beside the ids of records and people; nothing where the feed does not tell of people.
fn beside_ids(plan: &FeedPlan, batch: &RecordBatch) -> Vec<u64> {
    if plan.beside_ids.is_empty() {
        return Vec::new();
    }
    let mut hashers = vec![FxHasher::default(); batch.num_rows()];
    for column in &plan.beside_ids {
        for (hasher, value) in hashers.iter_mut().zip(batch.column(*column).as_string::<i32>()) {
            value.hash(hasher);
        }
    }
    hashers.into_iter().map(|h| h.finish()).collect()
}

/// First and last month of what was written.
fn months(receipt: &mut Receipt, batch: &RecordBatch) {
    let Some(months) = batch.column_by_name("month") else { return };
    let mut last = "";
    for month in months.as_string::<i32>().iter().flatten() {
        if month == last {
            continue;
        }
        last = month;
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

pub(crate) fn arrow_error(plan: &FeedPlan, step: &str, source: arrow::error::ArrowError) -> IngestError {
    IngestError::Arrow { at: format!("{} {step}", plan.at), source }
}

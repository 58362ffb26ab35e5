//! Staging: the columns of one target are made for a batch, in order, and held against the rules.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type};
use svp_contract::OnBad;
use svp_functions::person::placeholder::{is_placeholder, is_placeholder_date};

use crate::account::Account;
use crate::apply::{Given, arrow_error};
use crate::classes::KnownClasses;
use crate::conversions::{Conversion, Dummies};
use crate::error::IngestError;
use crate::evaluate::{Values, evaluate};
use crate::plan::{FeedPlan, Origin, PlannedCheck, Stage, Step, TargetPlan};

/// Why rows go to quarantine, by row: table, column, rule.
pub(crate) type Bad = HashMap<usize, Vec<Reason>>;

/// Table (or `file`), column and rule.
pub(crate) type Reason = (Arc<str>, String, String);

/// The staged form of one target.
pub(crate) struct Staged {
    pub batch: RecordBatch,
    /// Rows for which the target holds.
    pub when: Option<BooleanArray>,
    pub once: Option<ArrayRef>,
}

/// One target of one batch, while its columns are made.
struct Desk<'a> {
    plan: &'a FeedPlan,
    target: &'a TargetPlan,
    /// Place of the target in the plan.
    at: usize,
    table: Arc<str>,
    batch: &'a RecordBatch,
    known: &'a KnownClasses,
    given: &'a Given,
    applies: Option<BooleanArray>,
    columns: Vec<ArrayRef>,
    /// A rule has taken something away from this batch, so that what follows from it must be asked.
    mended: bool,
    bad: &'a mut Bad,
    account: &'a mut Account,
}

/// Makes the columns of a target and holds them against its rules.
pub(crate) fn stage(
    plan: &FeedPlan,
    at: usize,
    (batch, known): (&RecordBatch, &KnownClasses),
    given: &Given,
    bad: &mut Bad,
    account: &mut Account,
) -> Result<Staged, IngestError> {
    let target = &plan.targets[at];
    let table: Arc<str> = target.table.name.as_str().into();
    let n = batch.num_rows();
    let columns = target.working.fields().iter().map(|f| new_null_array(f.data_type(), n)).collect();
    let mut desk =
        Desk { plan, target, at, table, batch, known, given, applies: None, columns, mended: false, bad, account };
    if let Some(ready) = &target.when {
        let values = evaluate(plan, "when", ready, batch, known)?;
        desk.failed("when", &values.failed);
        // Unknown is no.
        desk.applies = Some(values.array.as_boolean().iter().map(|v| Some(v == Some(true))).collect());
        desk.left_out();
    }
    for stage in &target.stages {
        match stage {
            Stage::Column(step) => desk.column(step)?,
            Stage::Mend(check) => desk.mend(check)?,
        }
    }
    let staged = desk.working()?;
    for check in &target.checks {
        desk.ask(check, &staged)?;
    }
    let once = match &target.once_per {
        Some(ready) => {
            let values = evaluate(plan, "once_per", ready, batch, known)?;
            desk.failed("once_per", &values.failed);
            Some(values.array)
        }
        None => None,
    };
    Ok(Staged { batch: staged, when: desk.applies, once })
}

impl Desk<'_> {
    fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn applies(&self, row: usize) -> bool {
        self.applies.as_ref().is_none_or(|a| a.value(row))
    }

    fn working(&self) -> Result<RecordBatch, IngestError> {
        RecordBatch::try_new(Arc::clone(&self.target.working), self.columns.clone())
            .map_err(|source| arrow_error(self.plan, &self.target.table.name, source))
    }

    /// Counts the rows that the target leaves out because what decides is blank, though there is something in what it alone reads.
    fn left_out(&mut self) {
        let target = self.target;
        let blank = |column: &usize, row: usize| self.batch.column(*column).is_null(row);
        let decides = |row: &usize| !target.when_reads.is_empty() && target.when_reads.iter().all(|c| blank(c, *row));
        let holds = |row: &usize| target.own_reads.iter().any(|c| !blank(c, *row));
        let rows: Vec<usize> = (0..self.rows()).filter(|r| !self.applies(*r) && decides(r) && holds(r)).collect();
        for row in rows {
            self.account.count("left_out", &self.table, "when", self.given.row(row), |c| c.blanked += 1);
        }
    }

    /// Rows on which an expression failed that decides over the whole row.
    fn failed(&mut self, what: &str, rows: &[usize]) {
        for row in rows {
            self.bad.entry(*row).or_default().push((Arc::clone(&self.table), what.to_owned(), "failed".to_owned()));
        }
    }

    fn column(&mut self, step: &Step) -> Result<(), IngestError> {
        let name = &step.column.name;
        let mut broken = Broken::default();
        let array = match &step.origin {
            Origin::Null => return Ok(()),
            Origin::RecordId => Arc::clone(&self.given.record_ids),
            Origin::Identified => Arc::new(self.given.identified.clone()),
            Origin::Source => Arc::clone(&self.given.source),
            Origin::Slot => Arc::clone(&self.given.slot),
            Origin::RowDigest => Arc::clone(&self.given.digest_column),
            Origin::Derived(ready) => {
                let Values { array, failed } = evaluate(self.plan, name, ready, &self.working()?, self.known)?;
                broken.add(self, &failed, "failed");
                array
            }
            Origin::Mapped { ready, conversions, .. } => {
                let Values { array, failed } = evaluate(self.plan, name, ready, self.batch, self.known)?;
                broken.add(self, &failed, "failed");
                for conversion in conversions {
                    self.conversion(step, conversion, &array, &mut broken)?;
                }
                array
            }
        };
        if array.null_count() < self.rows() {
            self.codes(step, &array, &mut broken);
            self.range(step, &array, &mut broken);
        }
        if step.column.required && step.column.from.is_empty() && array.null_count() > 0 {
            let told: Vec<bool> = broken.mask(self.rows());
            for row in (0..self.rows()).filter(|row| array.is_null(*row) && !told[*row]) {
                if self.applies(row) {
                    broken.rows.push((row, "missing"));
                }
            }
        }
        let array = self.settle(step, array, broken)?;
        self.profile(step, &array)?;
        self.columns[step.index] = array;
        Ok(())
    }

    /// Where text was there and nothing came of it: a choice counts only where no other gave a value.
    fn conversion(
        &mut self,
        step: &Step,
        conversion: &Conversion,
        array: &ArrayRef,
        broken: &mut Broken,
    ) -> Result<(), IngestError> {
        let name = &step.column.name;
        let output = match &conversion.output {
            Some(ready) => evaluate(self.plan, name, ready, self.batch, self.known)?.array,
            None => Arc::clone(array),
        };
        if output.null_count() == 0 {
            return Ok(());
        }
        let input = evaluate(self.plan, name, &conversion.input, self.batch, self.known)?.array;
        let lost = |row: &usize| input.is_valid(*row) && output.is_null(*row);
        let lost: Vec<usize> = (0..self.rows()).filter(|row| lost(row) && self.applies(*row)).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let dummies = self.dummies(step, conversion, &input)?;
        for row in lost {
            let rule = if dummies.get(row) == Some(&true) { "placeholder" } else { conversion.rule };
            if conversion.choice && array.is_valid(row) {
                broken.second_choice.push((row, rule));
            } else {
                broken.rows.push((row, rule));
            }
        }
        Ok(())
    }

    /// Rows whose text stands for no value; nothing where the list has none for this kind of value.
    fn dummies(&self, step: &Step, conversion: &Conversion, input: &ArrayRef) -> Result<Vec<bool>, IngestError> {
        let Some(dummies) = &conversion.dummies else { return Ok(Vec::new()) };
        Ok(match dummies {
            Dummies::Field(field) => match input.as_string_opt::<i32>() {
                Some(texts) => texts.iter().map(|t| t.is_some_and(|t| is_placeholder(field, t))).collect(),
                None => Vec::new(),
            },
            Dummies::Date(ready) => {
                let dates = evaluate(self.plan, &step.column.name, ready, self.batch, self.known)?.array;
                match dates.as_primitive_opt::<Date32Type>() {
                    Some(dates) => (0..dates.len())
                        .map(|row| dates.is_valid(row) && dates.value_as_date(row).is_some_and(is_placeholder_date))
                        .collect(),
                    None => Vec::new(),
                }
            }
        })
    }

    fn codes(&self, step: &Step, array: &ArrayRef, broken: &mut Broken) {
        if step.codes.is_empty() || *array.data_type() != DataType::Utf8 {
            return;
        }
        let values = array.as_string::<i32>();
        let is_known = |row: usize| values.is_null(row) || step.codes.contains(values.value(row));
        if let Some(classes) = self.known.of(array)
            && classes.firsts().values().iter().all(|row| is_known(*row as usize))
        {
            return;
        }
        // Codes repeat from row to row, so the last answer is asked first.
        let mut last: Option<(&str, bool)> = None;
        let constant = matches!(step.origin, Origin::Mapped { constant: true, .. });
        let rows = if constant { values.len().min(1) } else { values.len() };
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
            if !known && self.applies(row) {
                broken.rows.push((row, "unknown_code"));
            }
        }
    }

    fn range(&self, step: &Step, array: &ArrayRef, broken: &mut Broken) {
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
            if array.is_valid(row) && !(low..=high).contains(&value(row)) && self.applies(row) {
                broken.rows.push((row, "out_of_range"));
            }
        }
    }

    /// Does with the rows that broke a rule what the column says.
    fn settle(&mut self, step: &Step, array: ArrayRef, broken: Broken) -> Result<ArrayRef, IngestError> {
        let name = step.column.name.as_str();
        let mut done = vec![false; if broken.is_empty() { 0 } else { self.rows() }];
        let mut once = |row: usize| !std::mem::replace(&mut done[row], true);
        for (row, rule) in &broken.rows {
            if !once(*row) && step.column.on_bad != OnBad::Quarantine {
                continue;
            }
            match step.column.on_bad {
                OnBad::Quarantine => {
                    self.bad.entry(*row).or_default().push((
                        Arc::clone(&self.table),
                        name.to_owned(),
                        (*rule).to_owned(),
                    ));
                }
                OnBad::Note => {
                    self.account.count(rule, &self.table, name, self.given.row(*row), |c| c.noted += 1);
                    self.account.profile(self.at, step.index).noted += 1;
                }
                OnBad::Blank => {
                    self.account.count(rule, &self.table, name, self.given.row(*row), |c| c.blanked += 1);
                    self.account.profile(self.at, step.index).blanked += 1;
                }
            }
        }
        for (row, rule) in &broken.second_choice {
            if once(*row) {
                self.account.count(rule, &self.table, name, self.given.row(*row), |c| c.noted += 1);
                self.account.profile(self.at, step.index).noted += 1;
            }
        }
        if step.column.on_bad != OnBad::Blank || broken.rows.is_empty() {
            return Ok(array);
        }
        compute::nullif(&array, &BooleanArray::from(broken.mask(self.rows())))
            .map_err(|source| arrow_error(self.plan, name, source))
    }

    fn profile(&mut self, step: &Step, array: &ArrayRef) -> Result<(), IngestError> {
        let text = match &step.origin {
            Origin::Mapped { constant: true, .. } => return Ok(()),
            Origin::Mapped { inputs, .. } => Some(self.text(step, inputs)?),
            Origin::Derived(_) => None,
            _ => return Ok(()),
        };
        let profile = self.account.profile_mut(self.at, step.index);
        profile.counts.mapped = text.is_some();
        profile.counts.text += text.unwrap_or_default();
        profile.add(&step.column, array, self.applies.as_ref(), self.known.of(array).as_deref());
        Ok(())
    }

    /// How many of the rows that the target takes hold text in one of the columns.
    fn text(&self, step: &Step, inputs: &[usize]) -> Result<u64, IngestError> {
        let failed = |source| arrow_error(self.plan, &step.column.name, source);
        let columns = || inputs.iter().map(|input| self.batch.column(*input));
        let taken = self.applies.as_ref().map_or(self.rows(), BooleanArray::true_count) as u64;
        if columns().any(|column| column.null_count() == 0) {
            return Ok(taken);
        }
        if columns().all(|column| column.null_count() == column.len()) {
            return Ok(0);
        }
        if self.applies.is_none() && inputs.len() == 1 {
            return Ok(columns().map(|column| (column.len() - column.null_count()) as u64).sum());
        }
        let mut any: Option<BooleanArray> = None;
        for column in columns() {
            let there = compute::is_not_null(column).map_err(failed)?;
            any = Some(match any {
                Some(any) => compute::or(&any, &there).map_err(failed)?,
                None => there,
            });
        }
        if let (Some(any), Some(applies)) = (&mut any, &self.applies) {
            *any = compute::and(any, applies).map_err(failed)?;
        }
        Ok(any.map_or(0, |any| any.true_count() as u64))
    }

    /// Rows that break a rule, among those that the target takes.
    fn breaks(&mut self, check: &PlannedCheck, staged: &RecordBatch) -> Result<Vec<usize>, IngestError> {
        let Values { array, failed } = evaluate(self.plan, &check.check.rule, &check.ready, staged, self.known)?;
        self.failed(&check.check.column, &failed);
        let verdict = array.as_boolean();
        if verdict.false_count() == 0 {
            return Ok(Vec::new());
        }
        Ok((0..self.rows()).filter(|r| verdict.is_valid(*r) && !verdict.value(*r) && self.applies(*r)).collect())
    }

    /// A rule that blanks, or puts something in the place of what is there.
    fn mend(&mut self, check: &PlannedCheck) -> Result<(), IngestError> {
        let n = self.rows();
        if check.check.follows && !self.mended {
            return Ok(());
        }
        if check.put.is_none() && check.columns.iter().all(|c| self.columns[*c].null_count() == n) {
            return Ok(());
        }
        let staged = self.working()?;
        let mut rows = self.breaks(check, &staged)?;
        // A row that is in quarantine is not mended.
        rows.retain(|row| !self.bad.contains_key(row));
        if rows.is_empty() {
            return Ok(());
        }
        self.mended = true;
        let failed = |source| arrow_error(self.plan, &check.check.rule, source);
        let mut mask = vec![false; n];
        rows.iter().for_each(|row| mask[*row] = true);
        let mask = BooleanArray::from(mask);
        for (i, column) in check.columns.iter().enumerate() {
            let before = &self.columns[*column];
            let after = match &check.put {
                Some(ready) if i == 0 => {
                    let put = evaluate(self.plan, &check.check.column, ready, &staged, self.known)?.array;
                    zip(&mask, &put, before).map_err(failed)?
                }
                _ => compute::nullif(before, &mask).map_err(failed)?,
            };
            let gone = after.null_count().saturating_sub(before.null_count()) as u64;
            if gone > 0 {
                self.account.profile_mut(self.at, *column).take_away(gone);
            }
            self.columns[*column] = after;
        }
        if check.check.follows {
            return Ok(());
        }
        let (rule, column) = (&check.check.rule, &check.check.column);
        for row in rows {
            self.account.count(rule, &self.table, column, self.given.row(row), |c| match check.put {
                Some(_) => c.noted += 1,
                None => c.blanked += 1,
            });
        }
        Ok(())
    }

    /// A rule over the whole row.
    fn ask(&mut self, check: &PlannedCheck, staged: &RecordBatch) -> Result<(), IngestError> {
        let (rule, column) = (&check.check.rule, &check.check.column);
        for row in self.breaks(check, staged)? {
            match check.check.on_bad {
                OnBad::Quarantine => {
                    self.bad.entry(row).or_default().push((Arc::clone(&self.table), column.clone(), rule.clone()))
                }
                OnBad::Blank | OnBad::Note => {
                    self.account.count(rule, &self.table, column, self.given.row(row), |c| c.noted += 1);
                    self.account.profile(self.at, check.columns[0]).noted += 1;
                }
            }
        }
        Ok(())
    }
}

/// Rows of one column that broke a rule.
#[derive(Default)]
struct Broken {
    rows: Vec<(usize, &'static str)>,
    /// Rows whose value comes from the second choice, since the first could not be read.
    second_choice: Vec<(usize, &'static str)>,
}

impl Broken {
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.second_choice.is_empty()
    }

    fn add(&mut self, desk: &Desk<'_>, rows: &[usize], rule: &'static str) {
        self.rows.extend(rows.iter().filter(|row| desk.applies(**row)).map(|row| (*row, rule)));
    }

    fn mask(&self, n: usize) -> Vec<bool> {
        let mut mask = vec![false; n];
        self.rows.iter().for_each(|(row, _)| mask[*row] = true);
        mask
    }
}

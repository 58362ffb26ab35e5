//! A table on its way: raw counts, then maps merged and cells judged, then whatever the whole release asks of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use svp_contract::Output;

use crate::cell_key::Perturbation;
use crate::coarsen::{CoarsenedTable, Join};
use crate::count::{Cell, Companions, Hidden, is_fractional, judge, numbers};
use crate::event_set::EventSet;
use crate::outcome::Detail;
use crate::piece::MERGED;
use crate::relate::{Dim, Hierarchies, Published, Row, Table, is_grid};
use crate::{DiscloseError, Policy};

/// An output's counts before disclosure control. It has no way out but [`crate::disclose()`].
pub struct Raw {
    name: String,
    output: Output,
    set: EventSet,
    policy: Policy,
    batch: RecordBatch,
}

impl fmt::Debug for Raw {
    /// Names only: the counts are not for logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Raw").field("name", &self.name).field("rows", &self.batch.num_rows()).finish_non_exhaustive()
    }
}

impl Raw {
    /// Name of the table.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows that an output gave, in the order of its grain: grain, attributes, counts, and what goes with the
    /// counts.
    ///
    /// # Errors
    /// When a column that the header names is absent.
    pub fn new(
        name: &str,
        output: &Output,
        set: EventSet,
        policy: Policy,
        batch: RecordBatch,
    ) -> Result<Self, DiscloseError> {
        for column in output.selected() {
            if batch.column_by_name(column).is_none() {
                return Err(DiscloseError::MissingColumn { table: name.to_owned(), column: column.to_owned() });
            }
        }
        let mut set = set;
        set.universe.clone_from(&output.universe);
        Ok(Self { name: name.to_owned(), output: output.clone(), set, policy, batch })
    }
}

/// A raw table with its maps merged and its cells pass.
pub(crate) struct Prepared {
    raw: Raw,
    /// Grain, attributes and counts; of a map also [`MERGED`].
    batch: RecordBatch,
    map: Option<CoarsenedTable>,
    counts: Vec<(String, Vec<Cell>)>,
    fractional: Vec<bool>,
    withheld: Option<String>,
    /// It was withheld because it lists events.
    list: bool,
}

/// Merges a map, and judges every cell by itself.
pub(crate) fn prepare(raw: Raw, hierarchies: &dyn Hierarchies) -> Result<Prepared, DiscloseError> {
    let mut out = Prepared {
        batch: raw.batch.clone(),
        map: None,
        counts: Vec::new(),
        fractional: Vec::new(),
        withheld: None,
        list: false,
        raw,
    };
    if let Some(column) = out.raw.output.cell_column().map(str::to_owned) {
        if out.merges() {
            out.map = Some(out.merge(&column, hierarchies)?);
            out.after_merge()?;
        } else {
            out.batch =
                with_column(&out.batch, MERGED, Arc::new(BooleanArray::from(vec![false; out.batch.num_rows()])))?;
        }
    }
    if out.raw.policy.perturb.is_some() && out.raw.output.counts.iter().any(|c| c.cell_key.is_none()) {
        out.raw.policy.perturb = None;
        out.withhold("withheld: counts for this audience are perturbed, and this table has no cell keys".to_owned());
    }
    out.judge()?;
    if let Some(why) = out.narrow_ages() {
        out.withhold(why);
    }
    Ok(out)
}

/// The width of an age band in years: `18-24` is 7, `25+` has no end; `None` for what is no band.
fn band_years(band: &str) -> Option<u32> {
    if band.ends_with('+') {
        return Some(u32::MAX);
    }
    if let Some(below) = band.strip_prefix("under ").or(band.strip_prefix("Under ")) {
        return below.trim().parse().ok();
    }
    if let Ok(_single) = band.trim().parse::<u32>() {
        return Some(1);
    }
    let (from, to) = band.split_once(['-', '–'])?;
    let (from, to): (u32, u32) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    to.checked_sub(from).map(|years| years + 1)
}

impl Prepared {
    /// Why the table's ages are too fine for its areas.
    fn narrow_ages(&self) -> Option<String> {
        let kinds: Vec<&str> = self.raw.output.grain.iter().map(|g| g.dimension()).collect();
        let ages = kinds.iter().position(|k| *k == "age_band")?;
        let (level, least) = kinds
            .iter()
            .filter_map(|k| self.raw.policy.age_bands.get_key_value(*k))
            .max_by_key(|(_, years)| **years)?;
        let narrow = self.members().iter().any(|m| band_years(&m[ages]).is_some_and(|years| years < *least));
        (narrow && self.raw.policy.protects())
            .then(|| format!("withheld: age bands by {level} must be at least {least} years wide for this audience"))
    }

    pub(crate) fn name(&self) -> &str {
        &self.raw.name
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.raw.policy
    }

    pub(crate) fn withheld(&self) -> Option<&str> {
        self.withheld.as_deref()
    }

    pub(crate) fn withhold(&mut self, why: String) {
        self.withheld = Some(why);
    }

    /// Withholds it for being a list of events. Its readers are told `why`, which does not say how large its counts are.
    pub(crate) fn withhold_as_list(&mut self, why: String) {
        self.withheld = Some(why);
        self.list = true;
    }

    /// The first column of grain and attributes that can identify somebody, and what is in it.
    pub(crate) fn identifying(&self) -> Option<(String, &'static str)> {
        crate::searched::identifying(&self.raw.output, &self.batch)
    }

    pub(crate) fn is_merged(&self) -> bool {
        self.map.is_some()
    }

    /// Pieces that are the rest of a coarser cell.
    pub(crate) fn rests(&self) -> u64 {
        use arrow::array::AsArray;
        match self.batch.column_by_name(MERGED) {
            Some(flags) if self.map.is_some() => flags.as_boolean().iter().filter(|f| *f == Some(true)).count() as u64,
            _ => 0,
        }
    }

    /// Grid and events of a map whose small numbers are protected and which goes out.
    pub(crate) fn protected_grid(&self) -> Option<(String, EventSet)> {
        let column = self.raw.output.cell_column()?;
        let grain = self.raw.output.grain.iter().find(|g| g.name == column)?;
        (self.raw.policy.protects() && self.withheld.is_none())
            .then(|| (grain.dimension().to_owned(), self.raw.set.clone()))
    }

    /// Counts of the table that are above 0, and those of them that are hidden and are 1. A part of an event, as times that are spread
    /// have it, is none.
    pub(crate) fn single_events(&self) -> (usize, usize) {
        let counted = self.counts.iter().flat_map(|(_, cells)| cells);
        let cells: Vec<&Cell> = counted.filter(|c| c.truth.is_some_and(|t| t > 0.0)).collect();
        let single = |c: &&&Cell| c.hidden.is_some() && c.truth == Some(1.0);
        (cells.len(), cells.iter().filter(single).count())
    }

    fn merges(&self) -> bool {
        self.raw.policy.merge_maps && self.raw.policy.protects()
    }

    fn merge(&self, column: &str, hierarchies: &dyn Hierarchies) -> Result<CoarsenedTable, DiscloseError> {
        let kind = self.raw.output.grain.iter().find(|g| g.name == column).map_or("", |g| g.dimension());
        let path = |cell: &str| -> Option<Vec<String>> {
            let (mut kind, mut member) = (kind.to_owned(), cell.to_owned());
            let mut out = Vec::new();
            while let Some(up) = hierarchies.parents(&kind, &member).into_iter().find(|(k, _)| is_grid(k)) {
                (kind, member) = up;
                out.push(member.clone());
            }
            Some(out)
        };
        let counts: Vec<&str> = self.raw.output.counts.iter().map(|c| c.name.as_str()).collect();
        let residents = self.raw.output.counts.iter().find_map(|c| c.residents.as_deref());
        let mut companions = BTreeMap::new();
        for count in &self.raw.output.counts {
            for (name, how) in [
                (&count.contributors, Join::Most),
                (&count.largest, Join::Sum),
                (&count.residents, Join::Sum),
                (&count.cell_key, Join::Sum),
            ] {
                companions.extend(name.clone().map(|n| (n, how)));
            }
        }
        crate::coarsen::coarsen_table(&self.raw.batch, column, &path, &counts, residents, companions, &self.raw.policy)
    }

    /// Merges pieces into the rest of the next coarser cell, and judges the table anew.
    ///
    /// False where nothing is left to merge: then only withholding helps.
    pub(crate) fn raise_to_parent(&mut self, rows: &BTreeSet<usize>) -> Result<bool, DiscloseError> {
        let Some(map) = &mut self.map else { return Ok(false) };
        let merged = map.raise_to_parent(&rows.iter().copied().collect::<Vec<_>>())?;
        self.after_merge()?;
        self.judge()?;
        Ok(merged)
    }

    fn after_merge(&mut self) -> Result<(), DiscloseError> {
        let Some(map) = &self.map else { return Ok(()) };
        match map.batch() {
            Some(batch) => self.batch = batch.clone(),
            None => {
                self.batch = self.raw.batch.slice(0, 0);
                self.withheld = Some(map.why().to_owned());
            }
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<(), DiscloseError> {
        let perturbation = match &self.raw.policy.perturb {
            Some(p) => Some(Perturbation::new(p.max_change, p.variance, self.raw.policy.suppress_below)?),
            None => None,
        };
        let column = |name: &Option<String>| -> Result<Option<Vec<Option<f64>>>, DiscloseError> {
            match name.as_ref().and_then(|n| self.batch.column_by_name(n).map(|c| (n, c))) {
                Some((name, array)) => numbers(name, array).map(Some),
                None => Ok(None),
            }
        };
        let mut counts = Vec::new();
        let mut fractional = Vec::new();
        for count in &self.raw.output.counts {
            let array = self.batch.column_by_name(&count.name).ok_or_else(|| DiscloseError::MissingColumn {
                table: self.raw.name.clone(),
                column: count.name.clone(),
            })?;
            let truth = numbers(&count.name, array)?;
            let companions = Companions {
                contributors: column(&count.contributors)?,
                largest: column(&count.largest)?,
                residents: column(&count.residents)?,
                cell_key: column(&count.cell_key)?,
            };
            fractional.push(is_fractional(&truth));
            counts.push((
                count.name.clone(),
                judge(&count.name, &truth, &companions, &self.raw.policy, perturbation.as_ref())?,
            ));
        }
        self.counts = counts;
        self.fractional = fractional;
        if self.raw.policy.suppress_full_cells {
            for row in self.full_rows() {
                for (_, cells) in &mut self.counts {
                    cells[row].hidden = cells[row].hidden.or(Some(Hidden::Full));
                }
            }
        }
        Ok(())
    }

    /// Hides a cell to protect others.
    pub(crate) fn hide(&mut self, count: usize, row: usize) {
        if let Some(cell) = self.counts.get_mut(count).and_then(|(_, cells)| cells.get_mut(row))
            && cell.hidden.is_none()
        {
            cell.hidden = Some(Hidden::Secondary);
        }
    }

    /// Each count column as the relation finder wants it; none where the table is withheld.
    pub(crate) fn facts(&self, release: usize) -> Vec<Table> {
        if self.withheld.is_some() {
            return Vec::new();
        }
        let output = &self.raw.output;
        let dims: Vec<Dim> =
            output.grain.iter().map(|g| Dim { kind: g.dimension().to_owned(), total: g.total.clone() }).collect();
        let members = self.members();
        let ties = output.ties();
        let whole = |name: &String| output.counts.iter().find(|c| c.name == *name).map(|c| c.measured().to_owned());
        output
            .counts
            .iter()
            .zip(&self.counts)
            .zip(&self.fractional)
            .map(|((count, (_, cells)), fractional)| Table {
                name: self.raw.name.clone(),
                release,
                earlier: false,
                set: self.raw.set.clone(),
                measure: count.measured().to_owned(),
                part_of: count.part_of.iter().filter_map(whole).collect(),
                ties: ties.iter().filter(|t| t.parts.iter().any(|p| p == count.measured())).cloned().collect(),
                dims: dims.clone(),
                suppress_below: self.raw.policy.suppress_below,
                fractional: *fractional,
                merged: self.map.is_some(),
                rows: members
                    .iter()
                    .zip(cells)
                    .map(|(members, cell)| Row {
                        members: members.clone(),
                        value: cell.truth,
                        published: Published::from(cell),
                    })
                    .collect(),
            })
            .collect()
    }

    /// Several tables as the relation finder wants them, earlier ones first; and for each of the new ones which table and
    /// count it is.
    pub(crate) fn facts_of(
        tables: &[Prepared],
        earlier: &[Table],
        release: usize,
    ) -> (Vec<Table>, Vec<(usize, usize)>) {
        let mut facts: Vec<Table> = earlier.to_vec();
        let mut at = vec![(usize::MAX, 0); earlier.len()];
        for (t, table) in tables.iter().enumerate() {
            for (c, fact) in table.facts(release).into_iter().enumerate() {
                facts.push(fact);
                at.push((t, c));
            }
        }
        (facts, at)
    }

    fn members(&self) -> Vec<Vec<String>> {
        let columns: Vec<&ArrayRef> =
            self.raw.output.grain.iter().filter_map(|g| self.batch.column_by_name(&g.name)).collect();
        let options = FormatOptions::default().with_null("unknown");
        let formats: Vec<Option<ArrayFormatter<'_>>> =
            columns.iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).ok()).collect();
        (0..self.batch.num_rows())
            .map(|row| formats.iter().map(|f| f.as_ref().map_or(String::new(), |f| f.value(row).to_string())).collect())
            .collect()
    }

    /// What was done, for the person who signs.
    pub(crate) fn detail(&self) -> Detail {
        let mut out = Detail {
            table: self.raw.name.clone(),
            full: self.full_rows().len() as u64,
            list: self.list,
            ..Detail::default()
        };
        for cell in self.counts.iter().flat_map(|(_, cells)| cells) {
            let truth = cell.truth.unwrap_or_default();
            out.total += truth;
            out.lost += if cell.hidden.is_some() { truth } else { 0.0 };
            match cell.hidden {
                Some(Hidden::Small) => out.small += 1,
                Some(Hidden::FewContributors | Hidden::FewResidents) => out.few_contributors += 1,
                Some(Hidden::Dominated) => out.dominated += 1,
                Some(Hidden::Full) => out.full += 1,
                Some(Hidden::Secondary) => out.secondary += 1,
                None => {}
            }
        }
        out
    }

    /// Shown cells that hold all of their group, where the group has other members that are zero or absent: a table
    /// by district and sex in which all of a district's victims are of one sex tells the sex of each of them.
    fn full_rows(&self) -> BTreeSet<usize> {
        let dims = self.raw.output.grain.len();
        let (Some((_, cells)), true) = (self.counts.first(), dims > 1) else { return BTreeSet::new() };
        let members = self.members();
        let mut full = BTreeSet::new();
        for dim in 0..dims {
            let mut groups: BTreeMap<Vec<&String>, Vec<usize>> = BTreeMap::new();
            for (row, m) in members.iter().enumerate() {
                let others = m.iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, v)| v).collect();
                if cells[row].truth.is_some_and(|t| t > 0.0) {
                    groups.entry(others).or_default().push(row);
                }
            }
            full.extend(groups.into_values().filter(|rows| rows.len() == 1).flatten());
        }
        full.into_iter().filter(|row| cells[*row].hidden.is_none()).collect()
    }

    /// The table without the columns that only disclosure control needs; its judged counts; its rule.
    pub(crate) fn into_parts(self) -> (RecordBatch, Vec<(String, Vec<Cell>)>, Policy) {
        let dropped: BTreeSet<&str> = self.raw.output.counts.iter().flat_map(|c| c.companions()).collect();
        let schema = self.batch.schema();
        let keep: Vec<usize> =
            (0..schema.fields().len()).filter(|i| !dropped.contains(schema.field(*i).name().as_str())).collect();
        let batch = self.batch.project(&keep).unwrap_or(self.batch);
        (batch, self.counts, self.raw.policy)
    }
}

/// A batch with one more column at its end.
fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> Result<RecordBatch, DiscloseError> {
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.push(Field::new(name, DataType::Boolean, false));
    let mut columns = batch.columns().to_vec();
    columns.push(column);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DiscloseError::Arrow)
}

#[cfg(test)]
mod tests {
    use super::band_years;

    #[test]
    fn widths_of_age_bands() {
        for (band, years) in [
            ("18-24", Some(7)),
            ("0–15", Some(16)),
            ("25+", Some(u32::MAX)),
            ("under 10", Some(10)),
            ("17", Some(1)),
            ("not known", None),
            ("24-18", None),
        ] {
            assert_eq!(band_years(band), years, "{band}");
        }
    }
}

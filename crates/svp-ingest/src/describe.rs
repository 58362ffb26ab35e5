//! What a plan says of itself: its steps for `--dry-run`, and the words of findings.

use std::collections::BTreeSet;

use svp_contract::{ColumnType, FindingKind};

use crate::plan::{FeedPlan, Origin, Stage, Step};

impl FeedPlan {
    /// The steps as text, for `--dry-run`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut out = Vec::new();
        for target in &self.targets {
            for stage in &target.stages {
                let step = match stage {
                    Stage::Column(step) => step,
                    Stage::Mend(check) => {
                        let what = if check.put.is_some() { "mended" } else { "blanked" };
                        let (rule, expr) = (&check.check.rule, &check.check.expr);
                        out.push(format!(
                            "{}.{} {what} by {rule} unless {expr}",
                            target.table.name, check.check.column
                        ));
                        continue;
                    }
                };
                let how = match &step.origin {
                    Origin::Mapped { ready, .. } => format!("{}", ready.expr),
                    Origin::Derived(ready) => format!("derived: {}", ready.expr),
                    Origin::RecordId => "id of the record".into(),
                    Origin::Identified => "whether the record has an id".into(),
                    Origin::Source => "name of the source".into(),
                    Origin::Slot => "slot of the file".into(),
                    Origin::RowDigest => "keyed digest of the row".into(),
                    Origin::Null => continue,
                };
                out.push(format!("{}.{} <- {how}", target.table.name, step.column.name));
            }
        }
        out
    }

    fn step(&self, table: &str, column: &str) -> Option<&Step> {
        let target = self.targets.iter().find(|t| t.table.name == table)?;
        target.stages.iter().find_map(|stage| match stage {
            Stage::Column(step) if step.column.name == column => Some(step.as_ref()),
            _ => None,
        })
    }

    /// The kind of finding that a rule of a schema tells of.
    pub(crate) fn finding_of(&self, table: &str, rule: &str) -> Option<FindingKind> {
        let target = self.targets.iter().find(|t| t.table.name == table)?;
        target.table.checks.iter().find(|c| c.rule == rule)?.finding.as_deref().and_then(FindingKind::of)
    }

    /// The columns of the extract that a column is read from, and the form in which dates are read.
    pub(crate) fn reads(&self, table: &str, column: &str) -> Option<String> {
        let Origin::Mapped { inputs, sql, .. } = &self.step(table, column)?.origin else { return None };
        // What is known of the file as a whole is no column of it.
        let own = inputs.iter().filter(|i| **i < self.text_columns);
        let names: Vec<String> = own.map(|i| format!("`{}`", self.input.field(*i).name())).collect();
        let quoted = sql.split('\'').skip(1).step_by(2);
        let form = quoted.filter(|text| text.contains("yy") || text.contains("hh:mi")).last();
        let form = form.map(|f| format!(" as {f}")).unwrap_or_default();
        (!names.is_empty()).then(|| format!("{}{form}", names.join(", ")))
    }

    /// Whether a column of a table is a flag or holds codes: the mapping of such a one can keep some answers and leave out others.
    pub(crate) fn is_coded(&self, table: &str, column: &str) -> bool {
        let of_table = self.targets.iter().filter(|t| t.table.name == table);
        let columns = of_table.filter_map(|t| t.table.column(column));
        columns.into_iter().any(|c| c.kind == ColumnType::Boolean || !c.codes.is_empty())
    }

    /// The columns of the extract that a column is read from.
    pub(crate) fn inputs(&self, table: &str, column: &str) -> BTreeSet<&str> {
        match self.step(table, column).map(|step| &step.origin) {
            Some(Origin::Mapped { inputs, .. }) => {
                inputs.iter().map(|i| self.input.field(*i).name().as_str()).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// What a broken rule means, in words.
    pub(crate) fn says(&self, table: &str, column: &str, rule: &str) -> String {
        let from = self.reads(table, column).map(|from| format!(" (read from {from})")).unwrap_or_default();
        match rule {
            "unreadable" => format!("text does not have the form that the mapping reads{from}"),
            "unknown_code" => format!("codes are not in the map of the source or the list of the schema{from}"),
            "out_of_range" => format!("numbers are outside the range of the schema{from}"),
            "missing" => format!("a value that must be there is missing{from}"),
            "failed" => format!("the expression of the mapping failed on the value{from}"),
            "left_out" => "rows leave the table out, since the column that decides is blank, though what the table reads alone is there".to_owned(),
            "spoilt_id" => "the id of the record or person was destroyed by a spreadsheet".to_owned(),
            _ => {
                let target = self.targets.iter().find(|t| t.table.name == table);
                let checks = || target.into_iter().flat_map(|t| &t.table.checks).filter(|c| c.rule == rule);
                // A rule of one name can stand at several columns.
                match checks().find(|c| c.column == column || c.also.iter().any(|a| a == column)).or_else(|| checks().next()) {
                    Some(check) if rule != "placeholder" || check.column == column => check.meaning.clone(),
                    _ if rule == "placeholder" => format!("values stand for nobody{from}"),
                    _ => format!("rows break rule {rule}"),
                }
            }
        }
    }
}

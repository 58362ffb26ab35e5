//! Findings of a file while it is being read, and their table `quality/finding`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use svp_contract::{Acceptance, Finding, FindingKind, as_i64};

use crate::error::IngestError;

/// Collects what is odd about a file, so that all of it is told at once, and knows what somebody accepted.
#[derive(Debug)]
pub struct Findings<'a> {
    accepted: &'a [Acceptance],
    found: Vec<Finding>,
}

/// Whether a name means a slot: its own, or what it covers without the sender.
pub(crate) fn is_slot(name: &str, slot: &str) -> bool {
    let covers = slot.rsplit_once('@').map_or(slot, |(covers, _)| covers);
    slot.eq_ignore_ascii_case(name) || covers.eq_ignore_ascii_case(name)
}

impl<'a> Findings<'a> {
    /// Nothing found yet.
    #[must_use]
    pub fn new(accepted: &'a [Acceptance]) -> Self {
        Self { accepted, found: Vec::new() }
    }

    /// What somebody accepted.
    #[must_use]
    pub fn accepted(&self) -> &'a [Acceptance] {
        self.accepted
    }

    /// Adds a finding. One that would refuse carries the reason of the acceptance that names its source, slot and kind.
    pub fn raise(&mut self, mut finding: Finding) {
        if finding.refuses {
            let named = |a: &&Acceptance| {
                a.kind == finding.kind
                    && a.source == finding.source
                    && (a.slot.is_empty() || is_slot(&a.slot, &finding.slot))
            };
            finding.accepted = self.accepted.iter().find(named).map(|a| a.reason.clone());
        }
        self.found.push(finding);
    }

    /// Adds a finding unless the same has been found; then its first rows, and the reason why it was accepted, are added to that one.
    pub fn raise_once(&mut self, finding: Finding) {
        let same = |f: &&mut Finding| {
            (f.kind, &f.table, &f.column, &f.rule, f.count)
                == (finding.kind, &finding.table, &finding.column, &finding.rule, finding.count)
        };
        match self.found.iter_mut().find(same) {
            Some(known) => {
                if known.rows.is_empty() {
                    known.rows = finding.rows;
                }
                known.accepted = known.accepted.take().or(finding.accepted);
            }
            None => self.raise(finding),
        }
    }

    /// Whether something refuses and nobody accepted it.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.found.iter().any(|f| f.refuses && f.accepted.is_none())
    }

    /// What was found, if nothing of it refuses.
    ///
    /// # Errors
    /// [`IngestError::Refused`] with every finding that refuses and was not accepted.
    pub fn finish(self) -> Result<Vec<Finding>, IngestError> {
        if self.refused() {
            let findings = self.found.into_iter().filter(|f| f.refuses && f.accepted.is_none()).collect();
            return Err(IngestError::Refused { findings });
        }
        Ok(self.found)
    }
}

impl Findings<'_> {
    /// As [`finish`](Self::finish), with findings that only tell: they go before what was found here, and where something refuses
    /// they are told with it.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn finish_beside(self, told: &mut Vec<Finding>) -> Result<(), IngestError> {
        match self.finish() {
            Ok(found) => {
                told.extend(found);
                Ok(())
            }
            Err(IngestError::Refused { mut findings }) => {
                let sources: Vec<String> = findings.iter().map(|f| f.source.clone()).collect();
                findings.extend(told.iter().filter(|f| sources.contains(&f.source)).take(MOST_TOLD).cloned());
                Err(IngestError::Refused { findings })
            }
            Err(error) => Err(error),
        }
    }
}

/// The most findings that are told beside a refusal.
const MOST_TOLD: usize = 10;

/// Findings in short: those of one kind, place and rule in several files of a source are one line.
#[must_use]
pub fn in_short(findings: &[Finding]) -> Vec<String> {
    type Place<'f> = (&'f str, FindingKind, &'f str, &'f str, &'f str, bool);
    let mut groups: BTreeMap<Place<'_>, Vec<&Finding>> = BTreeMap::new();
    for f in findings {
        let place =
            (f.source.as_str(), f.kind, f.table.as_str(), f.column.as_str(), f.rule.as_str(), f.accepted.is_some());
        groups.entry(place).or_default().push(f);
    }
    let line = |((source, kind, table, column, rule, accepted), group): (Place<'_>, Vec<&Finding>)| {
        let [first, _, ..] = group.as_slice() else {
            return group.first().map_or_else(String::new, ToString::to_string);
        };
        let at: Vec<&str> = [table, column].into_iter().filter(|word| !word.is_empty()).collect();
        let mut words = vec![kind.name().to_owned()];
        words.extend((!at.is_empty()).then(|| at.join(".")));
        words.extend((!rule.is_empty()).then(|| format!("rule {rule}")));
        words.push(format!("{} in {} files", group.iter().map(|f| f.count).sum::<u64>(), group.len()));
        let accepted = if accepted { ", accepted" } else { "" };
        format!("{source}: {} [{}{accepted}]", first.what, words.join(", "))
    };
    groups.into_iter().map(line).collect()
}

/// Arrow schema of the table `quality/finding`.
#[must_use]
pub fn finding_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    let number = |n: &str| Field::new(n, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        number("run"),
        text("kind"),
        text("source"),
        text("slot"),
        text("file"),
        text("table_name"),
        text("column_name"),
        text("rule"),
        number("count"),
        number("of"),
        text("first_rows"),
        text("what"),
        Field::new("refuses", DataType::Boolean, true),
        text("accepted"),
    ]))
}

/// Findings as rows of `quality/finding`.
///
/// # Errors
/// When Arrow refuses the batch.
pub fn finding_batch(findings: &[Finding], run: u64) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |f: &dyn Fn(&Finding) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(findings.iter().map(|x| f(x).filter(|t| !t.is_empty()))))
    };
    let number = |f: &dyn Fn(&Finding) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(findings.iter().map(|x| as_i64(f(x)))))
    };
    let rows = |f: &Finding| f.rows.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    RecordBatch::try_new(
        finding_schema(),
        vec![
            number(&|_| run),
            text(&|f| Some(f.kind.name().to_owned())),
            text(&|f| Some(f.source.clone())),
            text(&|f| Some(f.slot.clone())),
            text(&|f| Some(f.file.clone())),
            text(&|f| Some(f.table.clone())),
            text(&|f| Some(f.column.clone())),
            text(&|f| Some(f.rule.clone())),
            number(&|f| f.count),
            number(&|f| f.of),
            text(&|f| Some(rows(f))),
            text(&|f| Some(f.what.clone())),
            Arc::new(BooleanArray::from_iter(findings.iter().map(|f| Some(f.refuses)))),
            text(&|f| f.accepted.clone()),
        ],
    )
}

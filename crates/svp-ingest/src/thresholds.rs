//! When a broken rule refuses a file: by the share of the rows that had text, with a floor.

use std::collections::BTreeMap;

use svp_contract::{Finding, FindingKind, RuleAt, Source};

use crate::findings::Findings;
use crate::plan::FeedPlan;
use crate::receipt::{Receipt, RuleCount};

/// Bad rows that say nothing of a file, as long as they are less than half of it.
const FEW: u64 = 2;

/// Share of rows above which a remark is told.
const MUCH_NOTED: f64 = 0.05;

/// Rules over single values.
const VALUE_RULES: [&str; 7] =
    ["unreadable", "unknown_code", "not_a_code", "out_of_range", "missing", "failed", "left_out"];

/// Whether `count` of `of` rows (those that could break the rule) are more than `limit` allows. One or two rows never are, unless
/// they are half of the `rows` of the file: two bad rows of a dozen are no sign of a wrong extract, two of two are.
pub(crate) fn too_many(count: u64, of: u64, rows: u64, limit: f64) -> bool {
    let few = count <= FEW && count * 2 < rows;
    count > 0 && !few && count as f64 > limit * of.max(count) as f64
}

/// Raises a finding for each rule that rows broke: it refuses the file where they are too many, and tells of them where values or
/// rows were lost. `first` are the first rows of each rule and place.
pub(crate) fn judge(
    source: &Source,
    plan: &FeedPlan,
    receipt: &Receipt,
    first: &BTreeMap<RuleAt, Vec<u64>>,
    findings: &mut Findings<'_>,
) {
    if receipt.rows_read == 0 {
        return;
    }
    let mut named = false;
    for (at, count) in &receipt.rules {
        let RuleAt { rule, table, column } = at;
        let kind = plan.finding_of(table, rule).or_else(|| much_noted(count, receipt.rows_read));
        let counted = counted(count, source.thresholds.contains_key(rule) || kind.is_some());
        if counted == 0 {
            continue;
        }
        let of = rows_asked(receipt, rule, table, column).max(counted);
        let limit = limit(source, rule, kind, count);
        // What is only remarked on lost nothing: it refuses a file only where the source names the rule.
        let lost = self::counted(count, source.thresholds.contains_key(rule));
        let refuses = limit.is_some_and(|limit| too_many(lost, of, receipt.rows_read, limit));
        let shown = match (refuses, kind) {
            (false, Some(kind)) => kind,
            (false, None) if count.quarantined > 0 => FindingKind::RowsQuarantined,
            (false, None) => FindingKind::ValuesLost,
            (true, _) if count.quarantined > 0 || kind.is_some() => FindingKind::RuleShare,
            (true, _) => FindingKind::ColumnEmptied,
        };
        named |= refuses && count.quarantined > 0;
        let mut what = plan.says(table, column, rule);
        if let Some(limit) = limit.filter(|_| refuses) {
            what.push_str(&format!(
                "; that is more than the {:.1} % of rows that source {} allows",
                100.0 * limit,
                source.name
            ));
        }
        let found = Finding::new(shown, &source.name, &receipt.slot, &receipt.file, what)
            .at(table, column, rule)
            .counted(counted, of)
            .rows(first.get(at).into_iter().flatten().copied());
        findings.raise(if refuses { found } else { found.only_told() });
    }
    let limit = source.threshold("quarantined").unwrap_or(1.0);
    if !named && too_many(receipt.quarantined, receipt.rows_read, receipt.rows_read, limit) {
        let what = format!(
            "more rows are in quarantine, under all rules together, than the {:.1} % of rows that source {} allows",
            100.0 * limit,
            source.name
        );
        findings.raise(
            Finding::new(FindingKind::RuleShare, &source.name, &receipt.slot, &receipt.file, what)
                .at("", "", "quarantined")
                .counted(receipt.quarantined, receipt.rows_read),
        );
    }
}

/// A remark on a large share of a file says something of the file: points in no district, or all of them in another county.
fn much_noted(count: &RuleCount, rows: u64) -> Option<FindingKind> {
    let only_noted = count.quarantined == 0 && count.blanked == 0;
    (only_noted && too_many(count.noted, rows, rows, MUCH_NOTED)).then_some(FindingKind::Noted)
}

/// Rows that lost something under a rule; notes count where somebody wants to know of them.
fn counted(count: &RuleCount, notes: bool) -> u64 {
    count.quarantined + count.blanked + if notes { count.noted } else { 0 }
}

/// Rows that could break the rule: those with text, for a rule of a value that is read.
fn rows_asked(receipt: &Receipt, rule: &str, table: &str, column: &str) -> u64 {
    match receipt.columns.iter().find(|c| c.table == table && c.column == column) {
        Some(profile) if profile.mapped && rule != "missing" => profile.text,
        Some(profile) => profile.rows,
        None => receipt.rows_read,
    }
}

/// The share that holds for a rule: the source's own, else that of its kind. Rules of a schema that only remark have none.
fn limit(source: &Source, rule: &str, kind: Option<FindingKind>, count: &RuleCount) -> Option<f64> {
    if let Some(own) = source.thresholds.get(rule) {
        return Some(*own);
    }
    match kind {
        // What is taken away or put right is told; how much of it an extract may have is for its source to say.
        Some(_) => None,
        None if count.quarantined > 0 => source.threshold("quarantined"),
        None if VALUE_RULES.contains(&rule) => source.threshold("blanked"),
        // What stands for nobody is no damage, until nearly nothing else is left.
        None if rule == "placeholder" => source.threshold("placeholder"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_with_a_floor() {
        assert!(too_many(60, 60, 60, 0.05));
        assert!(too_many(2, 2, 2, 0.05), "two of two");
        assert!(too_many(1, 1, 1, 0.05), "one of one");
        assert!(!too_many(2, 12, 12, 0.05), "two of a dozen");
        assert!(!too_many(2, 60, 60, 0.02), "two of sixty");
        assert!(too_many(4, 60, 60, 0.05), "6.7 %");
        assert!(!too_many(3, 60, 60, 0.05), "five of a hundred are five of a hundred");
        assert!(too_many(3, 3, 60, 0.05), "three texts, none of them readable");
        assert!(!too_many(1, 1, 60, 0.05), "one text that cannot be read");
        assert!(!too_many(0, 0, 0, 0.0));
    }
}

//! The account of one feed of one file: what each column held, which rows broke which rule, and what that says of the file.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::ArrayRef;
use svp_contract::{Finding, FindingKind, Revises, RuleAt, Source};

use crate::clean::{GivenCount, IdKind, first};
use crate::findings::Findings;
use crate::period::Side;
use crate::plan::{COUNTED_BY, EVENT_TYPE, FeedPlan, Origin, PERSON, Stage};
use crate::profile::{ColumnProfile, Profile};
use crate::receipt::{Receipt, RuleCount};
use crate::records::Records;
use crate::seen::{Seen, Tally};
use crate::signs::Days;
use crate::stage::Reason;
use crate::thresholds::{judge, too_many};

/// Fewer rows say nothing of a column that is blank in all of them.
const FEWEST_ROWS: u64 = 10;
/// Numbers that look cut are a sign only where there are this many.
const FEWEST_CUT: u64 = 5;
/// Share of rows before the period that no extract of changes has, and of rows that repeat others that no true file has.
const NEARLY_ALL: f64 = 0.9;

/// Share of rows that may be blank in what definitions count by, and rows from which that is told.
const MUCH_UNCOUNTED: f64 = 0.05;
const FEWEST_UNCOUNTED: u64 = 10;
/// Rows in which one id of a person may stand, and their share: nobody is in every tenth crime.
const FEWEST_OF_ONE: u64 = 20;
const MUCH_OF_ONE: f64 = 0.1;

/// Share of rows about people that may say what another row says under another id, before that is told.
const MUCH_AGAIN: f64 = 0.05;
/// Share of rows that may have the id of an earlier row and another text before that is told.
const MUCH_DIFFERS: f64 = 0.05;

/// The account while the file is being read.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub receipt: Receipt,
    /// By column of the extract.
    pub given: Vec<GivenCount>,
    /// By target and column of its table.
    profiles: Vec<Vec<Profile>>,
    /// The first rows of each rule and place.
    first: BTreeMap<RuleAt, Vec<u64>>,
    pub contradicting: Tally,
    /// Of a feed of which several rows are one record.
    pub records: Records,
    before: Tally,
    after: Tally,
    dated: u64,
    /// Rows by day of what the file covers by its name.
    days: Days,
}

impl Account {
    /// `months` are the first and last that the file covers by its name.
    pub(crate) fn new(plan: &FeedPlan, receipt: Receipt, months: Option<&(String, String)>) -> Self {
        let profiles =
            plan.targets.iter().map(|t| (0..t.table.columns.len()).map(|_| Profile::default()).collect()).collect();
        let days = months.map(|(first, last)| Days::new(first, last)).unwrap_or_default();
        Self { receipt, profiles, days, ..Self::default() }
    }

    /// Counts a rule for a row.
    pub(crate) fn count(&mut self, rule: &str, table: &str, column: &str, row: u64, f: impl FnOnce(&mut RuleCount)) {
        let at = RuleAt::new(rule, table, column);
        first(self.first.entry(at.clone()).or_default(), row);
        f(self.receipt.rules.entry(at).or_default());
    }

    pub(crate) fn profile_mut(&mut self, target: usize, column: usize) -> &mut Profile {
        &mut self.profiles[target][column]
    }

    pub(crate) fn profile(&mut self, target: usize, column: usize) -> &mut ColumnProfile {
        &mut self.profiles[target][column].counts
    }

    /// Counts a row of quarantine under each column that sent it there, once.
    pub(crate) fn quarantined(&mut self, plan: &FeedPlan, reasons: &[&Reason]) {
        for (i, (table, column, _)) in reasons.iter().enumerate() {
            if reasons[..i].iter().any(|r| r.0 == *table && r.1 == *column) {
                continue;
            }
            for (target, profiles) in plan.targets.iter().zip(&mut self.profiles) {
                if target.table.name == **table
                    && let Some(at) = target.table.columns.iter().position(|c| c.name == *column)
                {
                    profiles[at].counts.quarantined += 1;
                }
            }
        }
    }

    /// Counts where rows that are kept lie by the file's period, and on which days, by the column of their dates.
    pub(crate) fn dated(&mut self, sides: Vec<Option<Side>>, dates: &ArrayRef, keep: &[u32], rows: &[u64]) {
        self.days.add(dates, keep);
        for row in keep {
            let row = *row as usize;
            let Some(side) = sides.get(row).copied().flatten() else { continue };
            self.dated += 1;
            match side {
                Side::Before => self.before.add(rows[row]),
                Side::Within => {}
                Side::After => self.after.add(rows[row]),
            }
        }
    }

    /// Closes the account: the receipt with its columns, and everything odd as findings.
    pub(crate) fn close(
        mut self,
        source: &Source,
        plan: &FeedPlan,
        seen: &Seen,
        findings: &mut Findings<'_>,
    ) -> Receipt {
        let common = self.columns(plan);
        self.forms(plan);
        self.records.end_run();
        (self.receipt.unkeyed, self.receipt.repeated) = seen.repeats();
        self.receipt.again = seen.again();
        let about = About { source, receipt: &self.receipt };
        for Common { what, table, column, count, of } in common {
            findings.raise(about.finding(FindingKind::CommonValue, what).at(table, column, "").counted(count, of));
        }
        self.given(&about, plan, findings);
        about.rows(
            FindingKind::ContradictingRows,
            &self.contradicting,
            self.receipt.rows_read,
            "contradicting",
            "rows of one id say another time, place or offence than the row that was kept",
            findings,
        );
        self.uncounted(&about, plan, findings);
        self.records(&about, findings);
        self.period(&about, findings);
        if let Some((without, days)) = self.days.without_rows() {
            let what = "days on end have no row, though the file has so many on others that this is no chance";
            findings.raise(about.finding(FindingKind::DaysMissing, what).counted(without, days));
        } else if let Some((without, days)) = self.days.without_weekdays().filter(|_| plan.fills("event")) {
            let what =
                "one day of the week, or more, never has a row, though the others have so many that this is no chance";
            findings.raise(about.finding(FindingKind::DaysMissing, what).counted(without, days));
        }
        let (unkeyed, repeats, again) = (self.receipt.unkeyed, self.receipt.repeated, self.receipt.again);
        if repeats as f64 > NEARLY_ALL * unkeyed as f64 && repeats > FEWEST_ROWS {
            let what = "nearly all rows without an id come twice or more, word for word; each was counted";
            findings.raise(about.finding(FindingKind::RepeatedRows, what).counted(repeats, unkeyed));
        } else if let Some(pasted) = Some(seen.pasted()).filter(|rows| *rows > 0) {
            let what = "rows without an id stand twice, word for word and in one order; each was counted";
            findings.raise(about.finding(FindingKind::RepeatedRows, what).counted(pasted, unkeyed));
        }
        if again >= FEWEST_ROWS && again as f64 > MUCH_AGAIN * self.receipt.accepted as f64 {
            let what = "rows say word for word what another row says, under another id; each was counted";
            findings.raise(about.finding(FindingKind::RepeatedRows, what).counted(again, self.receipt.accepted));
        }
        let differs = self.receipt.duplicate_differs;
        if differs >= FEWEST_ROWS && differs as f64 > MUCH_DIFFERS * self.receipt.rows_read as f64 {
            let what = "rows have the id of an earlier row and another text, and are not counted";
            let found = about.finding(FindingKind::ContradictingRows, what).counted(differs, self.receipt.rows_read);
            findings.raise(found.only_told());
        }
        judge(source, plan, &self.receipt, &self.first, findings);
        self.receipt
    }

    /// The profiles as part of the receipt. Gives columns in which one value stands too often.
    fn columns<'p>(&mut self, plan: &'p FeedPlan) -> Vec<Common<'p>> {
        let mut common = Vec::new();
        // Columns of the extract of which that is told already.
        let often = |given: &GivenCount| given.spread.common(given.text - given.missing).is_some();
        let mut told: BTreeSet<usize> = (0..self.given.len()).filter(|at| often(&self.given[*at])).collect();
        for (target, profiles) in plan.targets.iter().zip(std::mem::take(&mut self.profiles)) {
            let mut profiles: Vec<Option<Profile>> = profiles.into_iter().map(Some).collect();
            for stage in &target.stages {
                let Stage::Column(step) = stage else { continue };
                let Some(profile) = profiles[step.index].take() else { continue };
                let (table, column) = (target.table.name.as_str(), step.column.name.as_str());
                if let Some((count, of)) = profile.clock.one_minute() {
                    let what = "one minute of the clock stands in so many rows that it looks filled in";
                    common.push(Common { what, table, column, count, of });
                }
                if let Origin::Mapped { inputs, .. } = &step.origin
                    && let Some((count, of)) = profile.one_number(&step.column)
                    && !inputs.iter().any(|input| told.contains(input))
                {
                    let what = "one number stands in so many rows, beside any other, that it looks filled in";
                    common.push(Common { what, table, column, count, of });
                    told.extend(inputs);
                }
                let mut counts = profile.finish(&target.table.name, &step.column);
                let (most, counted) = (counts.most_common, counts.counted);
                if let Origin::Mapped { inputs, .. } = &step.origin
                    && column == PERSON
                    && most >= FEWEST_OF_ONE
                    && most as f64 > MUCH_OF_ONE * counted as f64
                    && !inputs.iter().any(|input| told.contains(input))
                {
                    let what = "one id of a person stands in so many rows that it looks filled in, or begins anew in each record";
                    common.push(Common { what, table, column, count: most, of: counted });
                    told.extend(inputs);
                }
                match &step.origin {
                    Origin::Mapped { constant: false, inputs, .. } => {
                        let words = inputs.iter().filter_map(|i| self.given.get(*i)).map(|g| g.missing).sum();
                        counts.missing_words = words;
                    }
                    Origin::Derived(_) if counts.filled > 0 || counts.blanked > 0 => {}
                    _ => continue,
                }
                self.receipt.columns.push(counts);
            }
        }
        common
    }

    /// How ids are written, as columns of the file, so that files can be held against one another.
    fn forms(&mut self, plan: &FeedPlan) {
        for (usage, given) in plan.cleaner.columns.iter().zip(&self.given) {
            let shares = given.forms.shares();
            if !shares.is_empty() {
                self.receipt.columns.push(ColumnProfile::of_forms(&usage.name, self.receipt.rows_read, shares));
            }
        }
    }

    /// What the text of the extract says.
    fn given(&self, about: &About<'_>, plan: &FeedPlan, findings: &mut Findings<'_>) {
        let ends: Vec<Option<(u64, u64)>> = self
            .given
            .iter()
            .map(|given| given.spread.ends(given.text - given.missing, self.receipt.rows_read))
            .collect();
        // Columns that end together depend on one thing, by which the file is sorted: the rows without a place stand last.
        let alone = |row: u64| ends.iter().flatten().filter(|(_, at)| *at == row).count() == 1;
        for ((usage, given), ends) in plan.cleaner.columns.iter().zip(&self.given).zip(&ends) {
            let finding = |kind, what: &str| about.finding(kind, what).at("", &usage.name, "");
            if given.missing > 0 {
                let what = "words of the column mean that nothing is known, and are read as missing";
                let found = finding(FindingKind::MissingWords, what).counted(given.missing, given.text);
                findings.raise(found.rows(given.first_missing.iter().copied()));
            }
            if given.repaired > 0 {
                let what = "ids carried marks of a spreadsheet, which were taken off without loss";
                let found = finding(FindingKind::RepairedIds, what).counted(given.repaired, given.text);
                findings.raise(found.rows(given.first_repaired.iter().copied()));
            }
            if given.spoilt > 0 {
                let what = "ids are in scientific notation, which has lost digits: different records have one id";
                let found = finding(FindingKind::SpoiltIds, what).counted(given.spoilt, given.text);
                let limit = about.source.threshold("spoilt_ids").unwrap_or_default();
                let refuses = too_many(given.spoilt, given.text, self.receipt.rows_read, limit);
                findings.raise(refused(found.rows(given.first_spoilt.iter().copied()), refuses));
            }
            if let Some((count, row)) = ends.filter(|(_, row)| usage.read && alone(*row)) {
                let what = "the column holds text up to a row and none after it";
                let found = finding(FindingKind::ColumnEnds, what).counted(count, self.receipt.rows_read);
                findings.raise(found.rows([row]));
            }
            if let Some(count) = given.spread.common(given.text - given.missing) {
                let what = "one value stands in so many rows that it looks filled in";
                findings.raise(finding(FindingKind::CommonValue, what).counted(count, given.text));
            }
            if let Some(shorter) = given.forms.unpadded() {
                let what = "ids of the column are written in two forms, with zeros before the number and without: one record can count as two";
                findings.raise(finding(FindingKind::TwoForms, what).counted(shorter, given.text - given.missing));
            }
            if let Some(count) = given.fineness.cut() {
                let what = "coordinates say no more than some hundred metres";
                findings.raise(finding(FindingKind::CoarsePlaces, what).counted(count, given.text - given.missing));
            }
            if usage.id == IdKind::Key && given.long == given.cut && given.cut >= FEWEST_CUT {
                let what = "ids of more than 15 digits end in zeros, as a spreadsheet leaves them: different records have one id";
                findings.raise(finding(FindingKind::SpoiltIds, what).counted(given.cut, given.text));
            }
        }
        let blank = |c: &&ColumnProfile| c.mapped && c.rows >= FEWEST_ROWS && c.text == 0 && c.missing_words == 0;
        let mut told: Vec<String> = Vec::new();
        for column in self.receipt.columns.iter().filter(blank) {
            let Some(from) = plan.reads(&column.table, &column.column) else { continue };
            // A column of the extract that feeds several is told once.
            if told.contains(&from) {
                continue;
            }
            let what = format!("what the column is read from ({from}) is blank in all rows");
            let found = about.finding(FindingKind::ColumnBlank, &what).at(&column.table, &column.column, "");
            findings.raise(found.counted(column.rows, column.rows));
            told.push(from);
        }
    }

    /// Rows that are blank in what definitions count by.
    fn uncounted(&self, about: &About<'_>, plan: &FeedPlan, findings: &mut Findings<'_>) {
        for column in self.receipt.columns.iter().filter(|c| c.mapped && COUNTED_BY.contains(&c.column.as_str())) {
            let (blank, rows) = (column.blank(), column.rows);
            if blank < FEWEST_UNCOUNTED || blank == rows || (blank as f64) < MUCH_UNCOUNTED * rows as f64 {
                continue;
            }
            let from = plan.reads(&column.table, &column.column).unwrap_or_default();
            let what = format!(
                "what definitions count by (read from {from}) is blank: these rows are in no count that asks for it"
            );
            let found = about.finding(FindingKind::Uncounted, &what).at(&column.table, &column.column, "");
            findings.raise(found.counted(blank, rows));
        }
        // A mapping may take a blank for a kind of event: then it is counted, and nobody knows whether it is one.
        for column in self.receipt.columns.iter().filter(|c| c.mapped && c.column == EVENT_TYPE) {
            let (taken, rows) = (column.filled.saturating_sub(column.text), column.rows);
            if column.text == 0 || taken < FEWEST_UNCOUNTED || (taken as f64) < MUCH_UNCOUNTED * rows as f64 {
                continue;
            }
            let from = plan.reads(&column.table, &column.column).unwrap_or_default();
            let what = format!(
                "what tells the kind of event (read from {from}) is blank, and the mapping takes the rows for one kind"
            );
            let found = about.finding(FindingKind::Uncounted, &what).at(&column.table, &column.column, "");
            findings.raise(found.counted(taken, rows));
        }
    }

    /// Rows that are one record, and records that may be one.
    fn records(&self, about: &About<'_>, findings: &mut Findings<'_>) {
        if let Some(odd) = self.records.differing() {
            let what = "rows say something else of their record than its first row does, which counts";
            findings.raise(about.finding(FindingKind::DifferingRows, what).counted(odd.count, odd.of).rows(odd.rows));
        }
        if let Some(odd) = self.records.alike() {
            let what = "records say of time, place and all else what the record before them says, under an id with another suffix: one may count as several";
            let found = about.finding(FindingKind::SplitRecords, what).counted(odd.count, odd.of).rows(odd.rows);
            findings.raise(refused(found, odd.refuses));
        }
    }

    /// What the dates say of the file's name. Where a source revises by record, older rows are changes and only later ones
    /// are odd, unless the source gives a threshold; a file in which nearly all rows are older is told: it can be a whole history,
    /// or another month's under a wrong name.
    fn period(&self, about: &About<'_>, findings: &mut Findings<'_>) {
        let source = about.source;
        let strict = source.files.revises == Revises::File || source.thresholds.contains_key("outside_period");
        let older = self.before.count as f64 > NEARLY_ALL * self.dated as f64;
        let count = self.after.count + if strict || older { self.before.count } else { 0 };
        if count == 0 {
            return;
        }
        let mut rows = self.after.first.clone();
        if strict || older {
            rows.extend(&self.before.first);
        }
        rows.sort_unstable();
        let column = source.files.period_of.as_deref().unwrap_or_default();
        let what = format!("rows lie outside the months that the file's name says, by {column}");
        let found = about.finding(FindingKind::OutsidePeriod, &what).at("", column, "outside_period");
        let limit = source.threshold("outside_period").unwrap_or_default();
        let odd = self.after.count + if strict { self.before.count } else { 0 };
        let refuses = too_many(odd, self.dated, self.receipt.rows_read, limit);
        findings.raise(refused(found.counted(count, self.dated).rows(rows), refuses));
    }
}

fn refused(finding: Finding, refuses: bool) -> Finding {
    if refuses { finding } else { finding.only_told() }
}

/// A value that stands in too many rows of a column.
struct Common<'p> {
    what: &'static str,
    table: &'p str,
    column: &'p str,
    count: u64,
    of: u64,
}

/// The file that findings are about.
struct About<'a> {
    source: &'a Source,
    receipt: &'a Receipt,
}

impl About<'_> {
    fn finding(&self, kind: FindingKind, what: &str) -> Finding {
        Finding::new(kind, &self.source.name, &self.receipt.slot, &self.receipt.file, what)
    }

    fn rows(&self, kind: FindingKind, tally: &Tally, of: u64, limit: &str, what: &str, findings: &mut Findings<'_>) {
        if tally.count == 0 {
            return;
        }
        let share = self.source.threshold(limit).unwrap_or_default();
        let found =
            self.finding(kind, what).at("", "", limit).counted(tally.count, of).rows(tally.first.iter().copied());
        findings.raise(refused(found, too_many(tally.count, of, self.receipt.rows_read, share)));
    }
}

//! The slots of a source beside one another: what is odd about a file only because the others are not so.
//!
//! A column that is blank in half of its rows, one value in most of them, a file of half the length: each can be right, and nothing in
//! the file itself says otherwise. So each live file is held against the other live files of its sender. It is only told.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use svp_contract::{Finding, FindingKind};

use crate::chance::{FEWEST_OTHERS, FEWEST_ROWS, Part, expected, most, no_chance, others, together};
use crate::error::IngestError;
use crate::lengths::{Live, lengths};
use crate::load::SourcePlan;
use crate::loaded_file::LoadedFile;
use crate::profile::{profile_batch, read_shares};
use crate::receipt::{FILE, Receipt};
use crate::revise::engine;

/// One other file says enough where it differs in so much of the rows.
const MUCH: f64 = 0.3;
/// Share of rows by which a column is blank more often than in any other file; or it is filled at most half as often as in any other,
/// as a rare flag is that says no in all rows.
const MORE_BLANK: f64 = 0.05;
/// The same for one value, which must also come so many times as often, or leave that part of what others leave to other values.
const MORE_COMMON: f64 = 0.05;
const TIMES: f64 = 2.5;
/// A value of few is at least half as common as in any other file, and at most twice; below this share a rise is none.
const HALF: f64 = 0.5;
const MORE_OF_ONE: f64 = 0.1;
/// Beside most files only: share of the rows that a value must have lost, since rare ones come and go.
const LOST_OF_ONE: f64 = 0.05;
/// What becomes known with time: of the newest files much of it is open still, in several of them alike.
const SETTLES: [&str; 1] = ["outcome"];
/// What differs from file to file: the calendar speaks of it.
const OF_EACH: [&str; 2] = ["month", "stated_month"];
/// Share of rows by which a sender's column is blank more often than that of any other sender.
const MORE_BLANK_OF_SENDER: f64 = 0.3;

/// Beside which files something is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Beside every other one.
    Any,
    /// Beside two thirds of the others: some may be damaged alike.
    Most,
}

impl Beside {
    const fn words(self) -> &'static str {
        match self {
            Self::Any => "than in any other file of the source",
            Self::Most => "than in most other files of the source",
        }
    }

    /// How many times as far a share must lie off.
    const fn margin(self) -> f64 {
        match self {
            Self::Any => 1.0,
            Self::Most => 2.0,
        }
    }
}

/// Whether something that is odd about a column counts.
fn counts(beside: Beside, column: &str) -> bool {
    beside == Beside::Any || !SETTLES.contains(&column)
}

/// Whether a share is odd beside the greatest that the others lead to expect, or beside that of most of them.
fn odd(own: Part, others: &[Part], far: impl Fn(f64, f64) -> bool) -> Option<Beside> {
    let beside = |others: &[Part], beside: Beside| {
        let share = expected(others);
        (far(share, beside.margin()) && no_chance(own, share)).then_some(beside)
    };
    beside(others, Beside::Any).or_else(|| beside(&most(others, |part| part.share())?, Beside::Most))
}

fn more_blank(own: Part, others: &[Part]) -> Option<Beside> {
    odd(own, others, |share, margin| {
        own.share() - share >= margin * MORE_BLANK || margin * (1.0 - own.share()) <= HALF * (1.0 - share)
    })
}

fn more_common(own: Part, others: &[Part]) -> Option<Beside> {
    let p = own.share();
    odd(own, others, |share, margin| {
        let far = p >= TIMES * share || (1.0 - p) * TIMES <= 1.0 - share;
        far && p - share >= margin * MORE_COMMON
    })
}

/// A value that every other file has and that is far rarer here, or one that most of them have and that is far more common: in how many of how
/// many rows it stands.
fn other_shares(own: &BTreeMap<u64, u64>, records: f64, others: &[&BTreeMap<u64, u64>]) -> Option<(Part, Beside)> {
    let total = |shares: &BTreeMap<u64, u64>| shares.values().sum::<u64>();
    let of = total(own);
    let values: BTreeSet<u64> = others.iter().flat_map(|shares| shares.keys().copied()).collect();
    let look = |value: u64, beside: Beside| {
        let part = |shares: &BTreeMap<u64, u64>| Part {
            count: shares.get(&value).copied().unwrap_or_default(),
            of: total(shares),
        };
        let (own, all) = (Part { of, ..part(own) }, others.iter().map(|o| part(o)).collect::<Vec<_>>());
        // Where some may be damaged alike, those in which it is rarest, or most common, are left aside.
        let but = |sign: f64| match beside {
            Beside::Any => Some(all.clone()),
            Beside::Most => most(&all, |part| sign * part.share()),
        };
        let (common, rare) = (but(-1.0)?, but(1.0)?);
        let mut least = common.iter().map(|p| p.share()).fold(1.0, f64::min);
        if own.count == 0 {
            // What every other file has and this one never says more than what is rare.
            least = least.midpoint(together(&common).share());
        }
        let greatest = expected(&rare);
        // What is missing of one value is more of all others.
        let rest = Part { count: own.of - own.count, of: own.of };
        let rarer = common.iter().all(|p| p.count > 0)
            && beside.margin() * own.share() <= HALF * least
            && (beside == Beside::Any || least - own.share() >= LOST_OF_ONE)
            && no_chance(rest.of_records(records), 1.0 - least);
        let having = rare.iter().filter(|p| p.count > 0).count();
        let risen = own.share() >= greatest / HALF
            && own.share() - greatest >= beside.margin() * MORE_OF_ONE
            && no_chance(own.of_records(records), greatest);
        (rarer || (having * 2 >= rare.len() && risen)).then_some((own, beside))
    };
    let found = |beside| values.iter().find_map(|value| look(*value, beside));
    found(Beside::Any).or_else(|| found(Beside::Most))
}

/// One file beside others of its source.
struct Held<'a> {
    file: &'a LoadedFile,
    blank: Part,
    /// The same in the file that it superseded.
    before: Option<Part>,
    common: Part,
    /// Rows with text that gave no value.
    lost: Part,
    shares: BTreeMap<u64, u64>,
    mapped: bool,
    /// Records for each row.
    records: f64,
}

/// Records for each of the `rows` that a table takes of a feed of a file: a crime has a row for each of its people.
fn records(receipts: &[Receipt], source: &str, slot: &str, feed: &str, rows: u64) -> f64 {
    let receipt = receipts.iter().find(|r| r.source == source && r.slot == slot && r.feed == feed);
    let fewest = receipt.and_then(|r| r.written.values().copied().filter(|n| *n > 0).min());
    fewest.map_or(1.0, |fewest| (fewest as f64 / rows.max(1) as f64).min(1.0))
}

/// Holds every live file of the sources that `changed` against the others of the same sender.
///
/// # Errors
/// When the table of columns cannot be read.
pub async fn compare_slots(
    ctx: &SessionContext,
    plans: &[SourcePlan],
    live: Live<'_>,
    changed: &BTreeSet<String>,
) -> Result<Vec<Finding>, IngestError> {
    let mut found = Vec::new();
    columns(ctx, plans, live, changed, &mut found).await?;
    lengths(live, changed, &mut found);
    Ok(found)
}

/// Like [`compare_slots`], for receipts of one run that still hold their columns: before anything is written.
///
/// # Errors
/// When the columns cannot be read.
pub async fn compare_receipts(
    ctx: &SessionContext,
    plans: &[SourcePlan],
    live: Live<'_>,
    sources: &BTreeSet<String>,
    run: u64,
) -> Result<Vec<Finding>, IngestError> {
    let profiles = profile_batch(live.receipts, run)
        .map_err(|source| IngestError::Arrow { at: "column_profile".to_owned(), source })?;
    ctx.register_batch("column_profile", profiles).map_err(engine("columns"))?;
    compare_slots(ctx, plans, live, sources).await
}

/// Columns that are blank more often, or hold one value more often, than in any other file.
async fn columns(
    ctx: &SessionContext,
    plans: &[SourcePlan],
    live: Live<'_>,
    changed: &BTreeSet<String>,
    found: &mut Vec<Finding>,
) -> Result<(), IngestError> {
    let of_run: BTreeMap<(&str, &str, u64), &LoadedFile> = live
        .files
        .iter()
        .filter(|f| !f.superseded && changed.contains(&f.source))
        .map(|f| ((f.source.as_str(), f.slot.as_str(), f.run), f))
        .collect();
    let batches: Vec<RecordBatch> = ctx
        .sql(include_str!("sql/columns.sql"))
        .await
        .map_err(engine("columns"))?
        .collect()
        .await
        .map_err(engine("columns"))?;
    // Source, sender, feed, table and column to the files that have it.
    let mut groups: BTreeMap<[String; 5], Vec<Held<'_>>> = BTreeMap::new();
    // Source, slot, feed, table and column to how blank it was in the file before; rows come in the order of runs.
    let mut superseded: BTreeMap<[String; 5], Part> = BTreeMap::new();
    for batch in &batches {
        let text = |column: usize, row: usize| {
            let values = batch.column(column).as_string::<i32>();
            if values.is_null(row) { "" } else { values.value(row) }
        };
        let number = |column: usize, row: usize| {
            let values = batch.column(column).as_primitive::<Int64Type>();
            if values.is_null(row) { 0 } else { values.value(row).unsigned_abs() }
        };
        for row in 0..batch.num_rows() {
            let blank = Part { count: number(7, row), of: number(6, row) };
            let text_in = blank.of.saturating_sub(blank.count);
            let place = [0, 1, 2, 3, 4].map(|column| text(column, row).to_owned());
            let Some(file) = of_run.get(&(text(0, row), text(1, row), number(5, row))) else {
                superseded.insert(place, blank);
                continue;
            };
            let sender = file.sender.clone().unwrap_or_default();
            let name = [text(0, row), &sender, text(2, row), text(3, row), text(4, row)].map(str::to_owned);
            groups.entry(name).or_default().push(Held {
                file,
                blank,
                before: superseded.remove(&place),
                common: Part { count: number(9, row), of: number(8, row) },
                lost: Part { count: text_in.saturating_sub(number(12, row)), of: text_in },
                mapped: batch.column(10).as_boolean().value(row),
                records: records(live.receipts, text(0, row), text(1, row), text(2, row), number(6, row)),
                shares: read_shares(text(11, row)),
            });
        }
    }
    // Columns that are read from few others first: what is read from those and more is not told again.
    let inputs = |[source, _, feed, table, column]: &[String; 5]| {
        let feeds = plans.iter().filter(|p| p.source.name == *source).flat_map(SourcePlan::feeds);
        feeds.filter(|f| f.name() == feed).map(|f| f.inputs(table, column)).next().unwrap_or_default()
    };
    let mut groups: Vec<_> = groups.iter().map(|(name, held)| (inputs(name), name, held)).collect();
    groups.sort_by_key(|(inputs, ..)| inputs.len());
    // Of what else gives no value, the account of columns tells.
    let coded = |[source, _, feed, table, column]: &[String; 5]| {
        let feeds = plans.iter().filter(|p| p.source.name == *source).flat_map(SourcePlan::feeds);
        feeds.filter(|f| f.name() == feed).any(|f| f.is_coded(table, column))
    };
    let kinds: [(PartOf<'_, Held<'_>>, Odd, bool, &str); 3] = [
        (&|h| h.blank, more_blank, false, "is blank more often"),
        (&|h| h.lost, more_blank, true, "gives a value less often"),
        (&|h| h.common, more_common, false, "holds one value more often"),
    ];
    for (part, odd, of_codes, what) in kinds {
        let mut told: BTreeMap<(&str, &str), Vec<&BTreeSet<&str>>> = BTreeMap::new();
        for (inputs, name, held) in groups.iter().filter(|(inputs, ..)| !inputs.is_empty()) {
            let [source, .., table, column] = name;
            if of_codes && !coded(name) {
                continue;
            }
            for (at, one) in held.iter().enumerate().filter(|(_, one)| one.mapped) {
                let (own, others) = (part(one).of_records(one.records), others(held, at, part));
                let enough = match others.len() {
                    0 => false,
                    n if n < FEWEST_OTHERS => own.share() - expected(&others) >= MUCH,
                    _ => true,
                };
                if own.of < FEWEST_ROWS || !enough {
                    continue;
                }
                let Some(beside) = odd(own, &others).filter(|beside| counts(*beside, column)) else { continue };
                let own = part(one);
                let told = told.entry((source, &one.file.slot)).or_default();
                if told.iter().any(|known| known.is_subset(inputs)) {
                    continue;
                }
                told.push(inputs);
                let names: Vec<String> = inputs.iter().map(|name| format!("`{name}`")).collect();
                let what = format!("what the column is read from ({}) {what} {}", names.join(", "), beside.words());
                let found_one = Finding::new(FindingKind::UnlikeOthers, source, &one.file.slot, &one.file.file, what);
                found.push(found_one.at(table, column, "").counted(own.count, own.of));
            }
        }
    }
    blanked(&groups, found);
    shares(&groups, found);
    senders(&groups, found);
    Ok(())
}

/// A group of files that have a column: the columns of the extract that it is read from, its name, the files.
type Group<'a> = (BTreeSet<&'a str>, &'a [String; 5], &'a Vec<Held<'a>>);

/// Columns that are blank more often than in the file that this one superseded: what that file said is said no more.
fn blanked(groups: &[Group<'_>], found: &mut Vec<Finding>) {
    let mut told: BTreeMap<(&str, &str), Vec<&BTreeSet<&str>>> = BTreeMap::new();
    for (inputs, [source, .., table, column], held) in groups.iter().filter(|(inputs, ..)| !inputs.is_empty()) {
        for one in held.iter().filter(|one| one.mapped) {
            let Some(before) = one.before.filter(|b| b.of >= FEWEST_ROWS && one.blank.of >= FEWEST_ROWS) else {
                continue;
            };
            let told = told.entry((source, &one.file.slot)).or_default();
            let known = told.iter().any(|known| known.is_subset(inputs));
            if known || more_blank(one.blank.of_records(one.records), &[before]).is_none() {
                continue;
            }
            told.push(inputs);
            let names: Vec<String> = inputs.iter().map(|name| format!("`{name}`")).collect();
            let what = format!(
                "what the column is read from ({}) is blank more often than in the file that this one superseded",
                names.join(", ")
            );
            let finding = Finding::new(FindingKind::UnlikeOthers, source, &one.file.slot, &one.file.file, what);
            found.push(finding.at(table, column, "").counted(one.blank.count, one.blank.of));
        }
    }
}

/// Columns of few values of which one is far rarer, or far more common, than in any other file.
fn shares(groups: &[Group<'_>], found: &mut Vec<Finding>) {
    let mut told: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for (_, [source, .., table, column], held) in
        groups.iter().filter(|(_, name, _)| !OF_EACH.contains(&name[4].as_str()))
    {
        for (at, one) in held.iter().enumerate() {
            let rows: u64 = one.shares.values().sum();
            let others: Vec<&BTreeMap<u64, u64>> = held
                .iter()
                .enumerate()
                .filter(|(i, other)| *i != at && other.shares.values().sum::<u64>() >= FEWEST_ROWS)
                .map(|(_, other)| &other.shares)
                .collect();
            // Ids do not change their form from year to year: one other file says enough of that.
            let forms = table == FILE;
            let enough = rows >= FEWEST_ROWS && (others.len() > FEWEST_OTHERS || forms && !others.is_empty());
            let odd = if enough { other_shares(&one.shares, one.records, &others) } else { None };
            if let Some((part, beside)) = odd.filter(|(_, beside)| counts(*beside, column))
                && told.insert((source, &one.file.slot, column))
            {
                let beside = beside.words();
                // Of the text of ids their forms are kept.
                let (kind, what, table) = match forms {
                    true => {
                        (FindingKind::TwoForms, format!("ids of the column are written in another form {beside}"), "")
                    }
                    false => (
                        FindingKind::UnlikeOthers,
                        format!("one of the column's values is far rarer, or far more common, {beside}"),
                        table.as_str(),
                    ),
                };
                let finding = Finding::new(kind, source, &one.file.slot, &one.file.file, what);
                found.push(finding.at(table, column, "").counted(part.count, part.of));
            }
        }
    }
}

/// Columns that one sender leaves blank far more often than every other sender of the source, in all its files together.
fn senders(groups: &[Group<'_>], found: &mut Vec<Finding>) {
    let mut columns: BTreeMap<[&str; 4], BTreeMap<&str, (Part, &LoadedFile)>> = BTreeMap::new();
    for (_, [source, sender, feed, table, column], held) in groups {
        for one in held.iter().filter(|one| one.mapped && !sender.is_empty()) {
            let of_sender = columns.entry([source, feed, table, column]).or_default();
            let (all, _) = of_sender.entry(sender).or_insert((Part { count: 0, of: 0 }, one.file));
            (all.count, all.of) = (all.count + one.blank.count, all.of + one.blank.of);
        }
    }
    for ([source, _, table, column], of_sender) in &columns {
        for (sender, (own, file)) in of_sender {
            let others: Vec<Part> =
                of_sender.iter().filter(|(s, _)| *s != sender).map(|(_, (part, _))| *part).collect();
            let others: Vec<Part> = others.into_iter().filter(|part| part.of >= FEWEST_ROWS).collect();
            let share = expected(&others);
            if own.of >= FEWEST_ROWS
                && !others.is_empty()
                && own.count < own.of
                && own.share() - share >= MORE_BLANK_OF_SENDER
                && no_chance(*own, share)
            {
                let what = format!(
                    "the column is blank more often in the files of {sender} than in those of any other sender"
                );
                let finding = Finding::new(FindingKind::UnlikeOthers, source, &file.slot, &file.file, what);
                found.push(finding.at(table, column, "").counted(own.count, own.of));
            }
        }
    }
}

/// What part of its rows something has.
type PartOf<'f, T> = &'f dyn Fn(&T) -> Part;

/// Whether a file is odd beside others.
type Odd = fn(Part, &[Part]) -> Option<Beside>;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(count: u64, of: u64) -> Part {
        Part { count, of }
    }

    #[test]
    fn blank_in_half_of_a_file_only() {
        let others = [part(2, 100), part(5, 90), part(0, 110)];
        assert_eq!(more_blank(part(50, 100), &others), Some(Beside::Any));
        assert_eq!(more_blank(part(9, 100), &others), None, "nine of a hundred");
        assert_eq!(more_blank(part(10, 20), &[part(40, 100), part(30, 100)]), None, "half beside four tenths");
        let rare = [part(960, 1000), part(955, 1000)];
        assert_eq!(
            more_blank(part(400, 400), &rare),
            Some(Beside::Any),
            "none of 400 where others have four of a hundred"
        );
        assert_eq!(more_blank(part(97, 100), &rare), None, "three of a hundred");
        assert_eq!(more_blank(part(100, 100), &rare), None, "none of 100 is chance");
    }

    #[test]
    fn one_value_in_most_of_a_file_only() {
        let rare = [part(4, 100), part(3, 100)];
        assert_eq!(more_common(part(30, 100), &rare), Some(Beside::Any));
        assert_eq!(more_common(part(9, 100), &rare), None);
        let common = [part(60, 100), part(55, 100)];
        assert_eq!(more_common(part(100, 100), &common), Some(Beside::Any), "constant");
        assert_eq!(more_common(part(75, 100), &common), None, "three quarters beside three fifths");
        assert_eq!(more_common(part(100, 100), &[part(100, 100), part(100, 100)]), None, "constant everywhere");
    }

    #[test]
    fn a_value_that_is_gone_or_stands_for_another() {
        let file = |counts: &[u64]| (0_u64..).zip(counts.iter().copied()).collect::<BTreeMap<u64, u64>>();
        let others = [file(&[60, 30, 10]), file(&[55, 38, 7]), file(&[66, 27, 9])];
        let odd = |counts: &[u64]| other_shares(&file(counts), 1.0, &others.iter().collect::<Vec<_>>()).is_some();
        assert!(!odd(&[60, 31, 9]));
        assert!(odd(&[70, 0, 9]), "one is gone");
        assert!(odd(&[25, 30, 45]), "half of the first became the last");
        assert!(!odd(&[0, 3, 7]), "ten rows");
        assert!(!odd(&[62, 38, 0]), "a rare one is missing by chance");
    }

    #[test]
    fn two_files_that_were_damaged_alike_do_not_hide_one_another() {
        let mut others = vec![part(2, 100); 8];
        others.push(part(60, 100));
        assert_eq!(more_blank(part(60, 100), &others), Some(Beside::Most));
        assert_eq!(more_blank(part(9, 100), &others), None);
        assert_eq!(more_blank(part(60, 100), &[part(60, 100), part(2, 100), part(2, 100)]), None, "too few");
        let mut rare = vec![part(960, 1000); 8];
        rare.push(part(400, 400));
        assert_eq!(more_blank(part(400, 400), &rare), Some(Beside::Most), "a rare flag in none of two files");
        let file = |counts: &[u64]| (0_u64..).zip(counts.iter().copied()).collect::<BTreeMap<u64, u64>>();
        let gone = file(&[70, 0, 9]);
        let whole = [[60, 30, 10], [55, 38, 7], [66, 27, 9], [61, 30, 9], [58, 33, 9], [63, 29, 8]].map(|f| file(&f));
        let others: Vec<&BTreeMap<u64, u64>> = whole.iter().chain([&gone]).collect();
        assert_eq!(other_shares(&gone, 1.0, &others).map(|(_, beside)| beside), Some(Beside::Most));
        assert_eq!(other_shares(&whole[0], 1.0, &others[1..]).map(|(_, beside)| beside), None);
    }
}

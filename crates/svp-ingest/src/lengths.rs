//! The numbers of rows of a source's files beside one another: far fewer or more than in those of the months around, a number at which
//! programs stop, rows that come again. It is only told.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{Finding, FindingKind, Month};

use crate::chance::{FEWEST_OTHERS, FEWEST_ROWS, Part, expected, no_chance, no_chance_of, others};
use crate::loaded_file::LoadedFile;
use crate::receipt::Receipt;

/// Fewer rows in another file say nothing of a file's length.
const FEWEST_LONG: u64 = 20;
/// Files against which the number of rows is held, at least.
const FEWEST_LENGTHS: usize = 3;
/// So much of the rows of the months around, and so many times as many, are no season.
const FEWER: f64 = 0.75;
const MORE: f64 = 1.5;
/// Months around a file of which the two that are most like it may be left aside, since they may be damaged as it is; then it must differ more.
const AROUND: usize = 6;
const FEWEST_AROUND: usize = 5;
const FEWER_AROUND: f64 = 0.6;
const MORE_AROUND: f64 = 1.8;
/// Share of rows by which rows come again more often than in any other file, and how many times as often.
const MORE_REPEATED: f64 = 0.02;
const TIMES_REPEATED: f64 = 2.0;
/// Files of one number of rows, from which that is no chance: long ones, and most of many.
const SAME_LENGTH: usize = 3;
const FEWEST_SAME: u64 = 1_000;
const MANY_FILES: usize = 6;
const MOST_FILES: f64 = 0.75;
/// Two files that have the same number of rows, and more than all others, were stopped there if the number is a round one.
const ROUND: u64 = 100;
const FEWEST_ROUND: u64 = 500;
/// Numbers of rows at which programs stop: spreadsheets with and without the header, and limits of exports.
const LIMITS: [u64; 14] = [
    1_000, 2_000, 5_000, 10_000, 20_000, 25_000, 50_000, 65_535, 65_536, 100_000, 500_000, 1_000_000, 1_048_575,
    1_048_576,
];

/// Live files and their receipts.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a> {
    /// Files that the lake knows; those that were superseded are passed over.
    pub files: &'a [LoadedFile],
    /// Receipts of live files.
    pub receipts: &'a [Receipt],
}

/// What part of its rows a file has.
type PartOf<'f> = &'f dyn Fn(&Receipt) -> Part;

type Held<'a> = (&'a LoadedFile, &'a Receipt);

/// Holds the number of rows of every live file of the sources that `changed` against those of the other files of its sender.
pub(crate) fn lengths(live: Live<'_>, changed: &BTreeSet<String>, found: &mut Vec<Finding>) {
    let mut groups: BTreeMap<[&str; 3], Vec<Held<'_>>> = BTreeMap::new();
    for receipt in live.receipts.iter().filter(|r| changed.contains(&r.source)) {
        let file = live.files.iter().find(|f| !f.superseded && f.source == receipt.source && f.slot == receipt.slot);
        let Some(file) = file else { continue };
        let sender = file.sender.as_deref().unwrap_or_default();
        groups.entry([&receipt.source, sender, &receipt.feed]).or_default().push((file, receipt));
    }
    for ([source, ..], held) in &groups {
        for (at, (file, receipt)) in held.iter().enumerate() {
            let rows = receipt.rows_read;
            let of_feed = if receipt.feed == "rows" { String::new() } else { format!(" of {}", receipt.feed) };
            let mut tell = |kind, what: String, count, of| {
                let finding = Finding::new(kind, source, &file.slot, &file.file, what);
                found.push(finding.counted(count, of));
            };
            match limit(rows, held) {
                Some(1) => {
                    let what = format!("the file has {rows} rows{of_feed}, a number at which programs stop");
                    tell(FindingKind::RowLimit, what, rows, rows);
                }
                Some(n) => {
                    let what = format!("{n} files of the source have {rows} rows{of_feed} each");
                    tell(FindingKind::RowLimit, what, rows, rows);
                }
                None => {}
            }
            if let Some((what, other)) = unlike(held, at) {
                tell(
                    FindingKind::UnlikeOthers,
                    format!("it holds {rows} rows{of_feed}, {what} ({other})"),
                    rows,
                    other,
                );
            }
            let parts: [(PartOf<'_>, &str); 2] = [
                (&|r| Part { count: r.repeated, of: r.unkeyed }, "rows without an id come again word for word"),
                (&|r| Part { count: r.again, of: r.accepted }, "rows come again word for word under another id"),
            ];
            for (part, what) in parts {
                let others = others(held, at, &|(_, r)| part(r));
                let own = part(receipt);
                if own.of >= FEWEST_ROWS && others.len() >= FEWEST_OTHERS && more_repeated(own, &others) {
                    let what = format!("{what} more often than in any other file of the source; each was counted");
                    tell(FindingKind::UnlikeOthers, what, own.count, own.of);
                }
            }
        }
    }
}

fn more_repeated(own: Part, others: &[Part]) -> bool {
    let (p, share) = (own.share(), expected(others));
    p >= TIMES_REPEATED * share && p - share >= MORE_REPEATED && no_chance(own, share)
}

/// Whether a number of rows looks like one at which an export stopped: the files that have it.
fn limit(rows: u64, held: &[Held<'_>]) -> Option<usize> {
    let lengths = || held.iter().map(|(_, r)| r.rows_read);
    let same = lengths().filter(|n| *n == rows).count();
    let greatest = lengths().all(|n| n <= rows);
    let long = same >= SAME_LENGTH && rows >= FEWEST_SAME;
    let most = same >= MANY_FILES && same as f64 >= MOST_FILES * held.len() as f64 && rows >= FEWEST_ROWS;
    let round = greatest && same > 1 && rows >= FEWEST_ROUND && rows.is_multiple_of(ROUND);
    (greatest && LIMITS.contains(&rows) || long || most || round).then_some(same)
}

/// Months that a file covers, as numbers: the first and how many.
fn months(file: &LoadedFile) -> Option<(i64, i64)> {
    let (first, last) = file.months.as_ref()?;
    let number = |month: &str| Some(month.parse::<Month>().ok()?.number());
    let (first, last) = (number(first)?, number(last)?);
    Some((first, last - first + 1))
}

/// What is odd about the number of rows of a file, and the number that it is held against: the two files of as many months that lie next to
/// it, or any other.
fn unlike(held: &[Held<'_>], at: usize) -> Option<(&'static str, u64)> {
    let (file, receipt) = held[at];
    let rows = receipt.rows_read;
    let others = || held.iter().enumerate().filter(move |(i, (_, r))| *i != at && r.rows_read > 0).map(|(_, h)| h);
    if held.len() <= FEWEST_LENGTHS || rows == 0 {
        return None;
    }
    let least = others().map(|(_, r)| r.rows_read).min()?;
    if least >= FEWEST_LONG && rows * 2 < least {
        return Some(("less than half of the fewest in any other file of the source", least));
    }
    let (first, length) = months(file)?;
    let alike = |(other, r): &Held<'_>| {
        let (begins, months) = months(other)?;
        (months == length).then_some(((begins - first).abs(), r.rows_read))
    };
    let mut near: Vec<(i64, u64)> = others().filter_map(alike).collect();
    near.sort_unstable();
    let mut around: Vec<u64> = near.iter().take(AROUND).map(|(_, rows)| *rows).collect();
    around.sort_unstable();
    let near = near.get(..2)?;
    let (least, most) = (near[0].1.min(near[1].1), near[0].1.max(near[1].1));
    if least < FEWEST_LONG {
        return None;
    }
    if (rows as f64) < FEWER * least as f64 && no_chance_of(rows, least) {
        return Some(("far fewer than the files of the months next to it", least));
    }
    if rows as f64 > MORE * most as f64 && no_chance_of(rows, most) {
        return Some(("far more than the files of the months next to it", most));
    }
    if around.len() >= FEWEST_AROUND {
        let (least, most) = (around[2], around[around.len() - 3]);
        if (rows as f64) < FEWER_AROUND * least as f64 && no_chance_of(rows, least) {
            return Some(("far fewer than most files of the months around it", least));
        }
        if rows as f64 > MORE_AROUND * most as f64 && no_chance_of(rows, most) {
            return Some(("far more than most files of the months around it", most));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of one of the files of months that follow one another.
    fn told(rows: &[u64], at: usize) -> Option<&'static str> {
        let made = |(i, n): (usize, &u64)| {
            let month = format!("2024-{:02}", i + 1);
            let file = LoadedFile { months: Some((month.clone(), month)), ..LoadedFile::default() };
            (file, Receipt { rows_read: *n, ..Receipt::default() })
        };
        let files: Vec<(LoadedFile, Receipt)> = rows.iter().enumerate().map(made).collect();
        let held: Vec<Held<'_>> = files.iter().map(|(f, r)| (f, r)).collect();
        unlike(&held, at).map(|(what, _)| what)
    }

    #[test]
    fn a_third_of_the_rows_is_missed_beside_the_months_next_to_it() {
        assert!(told(&[300, 310, 200, 290, 305], 2).is_some_and(|w| w.contains("fewer")));
        assert!(told(&[300, 310, 500, 290, 305], 2).is_some_and(|w| w.contains("more")));
        assert_eq!(told(&[300, 310, 240, 290, 305], 2), None, "a fifth fewer");
        assert_eq!(told(&[60, 62, 41, 58, 61], 2), None, "chance");
        assert!(told(&[60, 62, 25, 58, 61], 2).is_some(), "less than half");
        assert_eq!(told(&[100, 115, 132, 152, 175, 201], 0), None, "it grows");
        assert_eq!(told(&[300, 310, 100], 2), None, "three files say nothing");
    }

    #[test]
    fn months_that_were_cut_alike_do_not_hide_one_another() {
        let months = [300, 310, 290, 305, 295, 150, 148];
        for at in [5, 6] {
            assert!(told(&months, at).is_some_and(|w| w.contains("most files")), "{at}");
        }
        assert!((0..5).all(|at| told(&months, at).is_none()));
        let three = [300, 310, 290, 305, 150, 148, 152];
        assert!((4..7).all(|at| told(&three, at).is_some_and(|w| w.contains("most files"))));
        assert!((0..4).all(|at| told(&three, at).is_none()), "{:?}", told(&three, 3));
    }

    #[test]
    fn rows_that_come_again() {
        let part = |count, of| Part { count, of };
        let others = vec![part(0, 100); 11];
        assert!(more_repeated(part(6, 100), &others));
        assert!(!more_repeated(part(1, 100), &others));
        assert!(!more_repeated(part(33, 100), &[part(25, 100), part(30, 100)]), "open data repeat rows anyway");
    }

    #[test]
    fn numbers_at_which_exports_stop() {
        let of = |lengths: &[u64]| {
            let files = vec![LoadedFile::default(); lengths.len()];
            let receipts: Vec<Receipt> =
                lengths.iter().map(|n| Receipt { rows_read: *n, ..Receipt::default() }).collect();
            let held: Vec<Held<'_>> = files.iter().zip(&receipts).collect();
            limit(lengths[0], &held)
        };
        assert_eq!(of(&[1_000, 812, 930]), Some(1));
        assert_eq!(of(&[1_000, 1_112, 930]), None, "others are longer");
        assert_eq!(of(&[600, 600, 512, 430]), Some(2));
        assert_eq!(of(&[612, 612, 512, 430]), None);
        assert_eq!(of(&[60, 60, 52]), None);
    }
}

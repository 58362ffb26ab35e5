//! Months of a period in which the events of a trial are missing: an extract that begins later, ends earlier or lacks a part of it.
//!
//! A quiet month is no missing one. What is looked at is a run of months that holds less than a tenth of what the other months
//! make likely, where so little would come by chance less than once in a million times.

use std::collections::BTreeMap;

use chrono::Datelike;

use crate::TrialError;
use crate::clock::{Days, Times};
use crate::rows::Events;

/// Rows of a period below which nothing can be said of its months.
const FEW: u64 = 20;
/// Share of what is expected that is next to nothing. The first hours after midnight belong to the day before, and with them to a month
/// that is not there otherwise.
const NEXT_TO_NOTHING: f64 = 0.1;
/// Rows that must be expected where next to nothing is: a tenth of 21 or less comes once in a million times (Poisson).
const EXPECTED: f64 = 21.0;
/// Parts of the calendar that are named one by one.
const NAMED: usize = 6;

/// A month: year, and 1 to 12.
type Month = (i32, u32);

/// What a period lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Months without events, or next to none, in order.
    pub missing: Vec<(i32, u32)>,
    /// Months of the period.
    pub of: usize,
}

impl Gaps {
    /// The months that are missing, in words.
    #[must_use]
    pub fn words(&self) -> String {
        in_words(&self.missing)
    }
}

/// Months of a period without events. A row that counts nothing says that its month is there.
#[must_use]
pub fn gaps(period: &Days, events: &Events) -> Gaps {
    let mut months: BTreeMap<Month, (u64, u64)> = BTreeMap::new();
    for day in period.iter() {
        months.entry((day.year(), day.month())).or_default().0 += 1;
    }
    for event in events.rows.iter().filter(|e| period.has(e.day)) {
        months.entry((event.day.year(), event.day.month())).or_default().1 += 1;
    }
    let of = months.len();
    let rows: u64 = months.values().map(|(_, rows)| rows).sum();
    let filled: u64 = months.values().filter(|(_, rows)| *rows > 0).map(|(days, _)| days).sum();
    if rows < FEW || filled == 0 {
        return Gaps { missing: Vec::new(), of };
    }
    let a_day = rows as f64 / filled as f64;
    let mut missing = Vec::new();
    let all: Vec<(Month, f64, bool)> = months
        .into_iter()
        .map(|(month, (days, rows))| {
            let expected = a_day * days as f64;
            (month, expected, rows as f64 <= NEXT_TO_NOTHING * expected)
        })
        .collect();
    for run in all.chunk_by(|a, b| a.2 == b.2).filter(|run| run.iter().all(|m| m.2)) {
        if run.iter().map(|(_, expected, _)| expected).sum::<f64>() >= EXPECTED {
            missing.extend(run.iter().map(|(month, ..)| *month));
        }
    }
    Gaps { missing, of }
}

/// Looks whether the events cover the baseline. `from` names where they come from. What is small is told in the notes that come back.
///
/// # Errors
/// When most months of the baseline are missing.
pub fn judge(from: &str, times: &Times, events: &Events) -> Result<Vec<String>, TrialError> {
    let found = gaps(&times.baseline, events);
    let missing = found.missing.len();
    if missing * 2 > found.of {
        return Err(TrialError::Uncovered { file: from.to_owned(), missing, of: found.of, months: found.words() });
    }
    let mut notes: Vec<String> = outside(events).into_iter().collect();
    if missing > 0 {
        notes.push(format!(
            "{missing} of the {} months of the baseline have no events, or next to none: {}; what is chosen and counted stands on the others",
            found.of,
            found.words()
        ));
    }
    Ok(notes)
}

/// Months outside both periods in which there are rows.
fn outside(events: &Events) -> Option<String> {
    let months: Vec<Month> = events.outside.keys().copied().collect();
    let rows: u64 = events.outside.values().sum();
    (rows > 0).then(|| {
        format!("{rows} of {} rows lie outside baseline and trial and are not used: {}", events.read, in_words(&months))
    })
}

/// Months as `2024-01`, and those that follow one another as `2024-01 to 2024-03`.
fn in_words(months: &[Month]) -> String {
    let number = |(year, month): &Month| i64::from(*year) * 12 + i64::from(*month);
    let name = |(year, month): &Month| format!("{year}-{month:02}");
    let runs: Vec<String> = months
        .chunk_by(|a, b| number(a) + 1 == number(b))
        .filter_map(|run| match run {
            [one] => Some(name(one)),
            [first, .., last] => Some(format!("{} to {}", name(first), name(last))),
            [] => None,
        })
        .collect();
    let more = runs.len().saturating_sub(NAMED);
    let named = runs[..runs.len().min(NAMED)].join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;
    use crate::fixture::{event, trial};

    /// So many events on every day of the baseline (2023-04-01 to 2025-03-31) that is kept.
    fn events(a_day: usize, every: usize, keep: impl Fn(Month) -> bool) -> Events {
        let times = Times::new(&trial());
        let days = times.baseline.iter().step_by(every).filter(|d| keep((d.year(), d.month())));
        let rows = days.flat_map(|d| (0..a_day).map(move |_| event(316_100.0, 62_000.0, &d.to_string()))).collect();
        Events { rows, ..Events::default() }
    }

    fn look(events: &Events) -> Result<Vec<String>, TrialError> {
        judge("e.csv", &Times::new(&trial()), events)
    }

    #[test]
    fn months_that_are_missing_are_named() {
        assert!(look(&events(2, 1, |_| true)).unwrap().is_empty());
        let told = |keep: &dyn Fn(Month) -> bool, says: &str| {
            let notes = look(&events(2, 1, keep)).unwrap();
            assert!(notes.len() == 1 && notes[0].contains(says), "{notes:?}");
        };
        told(
            &|m| m >= (2023, 7),
            "3 of the 24 months of the baseline have no events, or next to none: 2023-04 to 2023-06;",
        );
        told(&|m| m < (2025, 3), "1 of the 24 months of the baseline have no events, or next to none: 2025-03;");
        told(&|m| m != (2024, 2) && m != (2024, 4), "2024-02, 2024-04;");
        let error = look(&events(2, 1, |m| m >= (2024, 5))).unwrap_err();
        let TrialError::Uncovered { missing: 13, of: 24, months, .. } = &error else { panic!("{error}") };
        assert_eq!(months, "2023-04 to 2024-04");
        assert!(error.hint().unwrap().contains("[baseline]"));
        assert!(look(&events(2, 1, |m| m == (2024, 3))).is_err());
    }

    #[test]
    fn a_night_that_belongs_to_the_month_before_covers_no_month() {
        let mut some = events(3, 1, |m| m >= (2024, 6));
        some.rows.extend((0..3).map(|_| event(316_100.0, 62_000.0, "2024-05-31")));
        assert!(matches!(look(&some), Err(TrialError::Uncovered { missing: 14, .. })));
    }

    #[test]
    fn quiet_months_are_not_missing() {
        // One event in ten days: three months without one would be told only as nine events too few.
        assert!(look(&events(1, 10, |m| m.1 % 6 > 2)).unwrap().is_empty());
        assert!(look(&events(1, 200, |_| true)).unwrap().is_empty());
        assert!(look(&Events::default()).unwrap().is_empty());
        // A row that counts nothing covers its month.
        let mut none = events(2, 1, |m| m != (2024, 2));
        none.rows.extend((0..29).map(|_| crate::rows::Event { count: 0, ..event(316_100.0, 62_000.0, "2024-02-10") }));
        assert!(look(&none).unwrap().is_empty());
    }

    #[test]
    fn what_lies_outside_is_told_with_its_months() {
        let mut some = events(2, 1, |_| true);
        some.read = 1600;
        some.outside.extend([((2022, 12), 3), ((2023, 1), 4), ((2025, 4), 5)]);
        let notes = look(&some).unwrap();
        assert_eq!(
            notes,
            ["12 of 1600 rows lie outside baseline and trial and are not used: 2022-12 to 2023-01, 2025-04"]
        );
        let many: Vec<Month> = (0..9).map(|i| (2000 + i, 1)).collect();
        assert!(in_words(&many).ends_with("2005-01 and 3 more"));
    }
}

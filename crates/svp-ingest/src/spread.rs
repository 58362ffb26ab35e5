//! How the values of a column are spread over a file: signs of damage that no single row shows. It holds counts and digests,
//! never a value.

use std::hash::{Hash, Hasher};

use arrow::array::{Array, PrimitiveArray, StringArray};
use arrow::datatypes::TimestampMicrosecondType;
use rustc_hash::{FxHashMap, FxHasher};
use svp_functions::time::london;

/// Fewer rows say nothing of how values are spread.
const FEWEST: u64 = 20;
/// Share of the rows with text that one number of a person or date of birth may have: nobody attends so often.
const COMMON: f64 = 0.02;
/// Share of the times that one minute may have: "on the hour" is common, a quarter of all is not.
const ONE_MINUTE: f64 = 0.25;
/// A column that ends by chance is less likely than this, where each row is blank as often as those before were.
const CHANCE: f64 = 1e-9;
/// Rows before the end of a column of which at least this share must hold text.
const HELD: f64 = 0.5;

/// How the texts of a column of the extract are spread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    /// Rows since the last one with text.
    since: u64,
    /// Number of the first row after the last one with text.
    ends_at: u64,
    /// How often each value came, by digest, where few records share one.
    values: FxHashMap<u64, u32>,
}

impl Spread {
    /// Adds the texts of a batch; in `personal` columns, which hold what few people share, values are counted.
    pub(crate) fn add(&mut self, personal: bool, texts: &StringArray, rows: &[u64]) {
        let last = match texts.null_count() {
            0 => texts.len().checked_sub(1),
            n if n == texts.len() => None,
            _ => (0..texts.len()).rev().find(|at| texts.is_valid(*at)),
        };
        match last {
            None if self.since == 0 => {
                (self.since, self.ends_at) = (texts.len() as u64, rows.first().copied().unwrap_or(1))
            }
            None => self.since += texts.len() as u64,
            Some(last) => {
                self.since = (texts.len() - 1 - last) as u64;
                self.ends_at = rows.get(last + 1).copied().unwrap_or_default();
            }
        }
        if personal {
            for text in texts.iter().flatten() {
                let mut hasher = FxHasher::default();
                text.trim().hash(&mut hasher);
                *self.values.entry(hasher.finish()).or_default() += 1;
            }
        }
    }

    /// Rows at the end of a file of `rows` rows in which a column that held `text` texts is blank, and the first of them; `None` where
    /// that can be chance, or where the column was mostly blank before.
    pub(crate) fn ends(&self, text: u64, rows: u64) -> Option<(u64, u64)> {
        let before = rows.saturating_sub(self.since);
        if self.since < FEWEST / 2 || before < FEWEST / 2 {
            return None;
        }
        // One blank more than there were: a column without any may have its first one now.
        let held = text as f64 / (before + 1) as f64;
        let chance = (1.0 - held).powf(self.since as f64);
        (held >= HELD && chance < CHANCE).then_some((self.since, self.ends_at))
    }

    /// How often the most common value came, if that is too often for what tells people apart.
    pub(crate) fn common(&self, text: u64) -> Option<u64> {
        let most = u64::from(self.values.values().copied().max()?);
        (most >= FEWEST && most as f64 > COMMON * text as f64).then_some(most)
    }
}

/// Minutes of a day.
const DAY: usize = 1_440;
/// Minutes of the clock that `placeholder_time` knows: 00:00, 12:00, 23:59.
const KNOWN: [usize; 3] = [0, 12 * 60, 23 * 60 + 59];

/// How often each minute of the clock came among times.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    minutes: Vec<u32>,
}

impl Clock {
    /// Adds times.
    pub(crate) fn add(&mut self, times: &PrimitiveArray<TimestampMicrosecondType>) {
        self.minutes.resize(DAY, 0);
        for minute in times.iter().flatten().filter_map(london::minute_of_day) {
            self.minutes[minute] += 1;
        }
    }

    /// Rows of the most common minute that is no known placeholder, and rows of all that are none, if it is too common.
    pub(crate) fn one_minute(&self) -> Option<(u64, u64)> {
        let others = self.minutes.iter().enumerate().filter(|(at, _)| !KNOWN.contains(at)).map(|(_, n)| u64::from(*n));
        let (most, all) = others.fold((0, 0), |(most, all), n| (n.max(most), all + n));
        (most >= FEWEST && most as f64 > ONE_MINUTE * all as f64).then_some((most, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(batches: &[Vec<Option<&str>>]) -> (Spread, u64, u64) {
        let (mut spread, mut text, mut rows) = (Spread::default(), 0, 0);
        for batch in batches {
            let texts: StringArray = batch.iter().copied().collect();
            let numbers: Vec<u64> = (rows + 1..=rows + batch.len() as u64).collect();
            spread.add(true, &texts, &numbers);
            text += (texts.len() - texts.null_count()) as u64;
            rows += batch.len() as u64;
        }
        (spread, text, rows)
    }

    #[test]
    fn a_column_that_ends_is_seen_over_batches() {
        let (found, text, rows) = spread(&[vec![Some("a"); 30], vec![Some("a"), None, None], vec![None; 20]]);
        assert_eq!(found.ends(text, rows), Some((22, 32)));
        let (found, text, rows) = spread(&[vec![Some("a"); 30], vec![None; 20]]);
        assert_eq!(found.ends(text, rows), Some((20, 31)));
        let (found, text, rows) = spread(&[vec![Some("a"); 30], vec![None; 20], vec![Some("a")]]);
        assert_eq!(found.ends(text, rows), None, "it goes on");
        let (found, text, rows) = spread(&[[Some("a"), None, None].repeat(20), vec![None; 20]]);
        assert_eq!(found.ends(text, rows), None, "mostly blank before");
        let (found, text, rows) = spread(&[[Some("a"), Some("a"), None].repeat(20), vec![None; 10]]);
        assert_eq!(found.ends(text, rows), None, "ten of a third are chance");
    }

    #[test]
    fn a_filler_stands_too_often() {
        let names: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
        let (found, text, _) = spread(&[names.iter().map(|n| Some(n.as_str())).collect(), vec![Some("x"); 30]]);
        assert_eq!(found.common(text), Some(30));
        let (found, text, _) = spread(&[names.iter().map(|n| Some(n.as_str())).collect(), vec![Some("x"); 19]]);
        assert_eq!(found.common(text), None);
    }

    #[test]
    fn one_minute_of_the_clock() {
        // A day in winter, on which the clock shows UTC.
        const MINUTE: i64 = 60_000_000;
        let at = |minute: i64, n: usize| vec![minute * MINUTE + 1_704_067_200_000_000; n];
        let clock = |times: Vec<i64>| {
            let mut clock = Clock::default();
            clock.add(&PrimitiveArray::from_iter_values(times));
            clock.one_minute()
        };
        let spread: Vec<i64> = (0..60).flat_map(|i| at(100 + i * 7, 1)).collect();
        assert_eq!(clock([at(1, 30), spread.clone()].concat()), Some((30, 90)));
        assert_eq!(clock([at(0, 90), spread.clone()].concat()), None, "midnight is known");
        assert_eq!(clock([at(1, 19), spread].concat()), None);
    }
}

//! Signs of damage that no single row shows: ids that are written in two forms, coordinates that were cut, days without a row. It
//! holds counts, and never a value.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use chrono::{Days as Step, NaiveDate};
use rustc_hash::FxHashMap;
use svp_functions::time::london;

use crate::profile::hash;

/// Fewer rows say nothing.
const FEWEST: u64 = 20;
/// Ids of a second form, from which they are no slip.
const FEWEST_OF_FORM: u64 = 5;
/// Longer ids are told apart by their signs alone, not by their length.
const LONGEST: usize = 24;
/// Signs that a form shows; an id of more runs of signs is one of many, and its form is "mixed".
const MOST_RUNS: usize = 6;
/// Bytes in which nearly every such id shows them.
const AHEAD: usize = 16;
/// Decimals of a degree up to which a point is cut: a thousandth is some hundred metres.
const FEW_DECIMALS: usize = 3;
/// Digits before the point from which a coordinate is one in metres.
const METRES: usize = 4;
/// Share of coordinates that are cut, above which that is told.
const CUT: f64 = 0.9;
/// Days of a week, and what is no chance of them: there are only so many of them that can be without a row.
const WEEK: usize = 7;
const CHANCE_OF_WEEKDAYS: f64 = 1e-7;
/// Days with a row, from which days without one can be odd.
const FEWEST_DAYS: usize = 5;
/// Days without a row are no chance where chance is less likely than this.
const CHANCE: f64 = 1e-9;
/// And where they are so many times as many as the next days without a row on end: weekends and holidays are no damage.
const LONGER: usize = 3;

/// What a byte of an id is taken for: one digit, small letter or capital letter is as good as another.
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    let mut byte = 0;
    while byte < signs.len() {
        let own = byte as u8;
        signs[byte] = match own {
            b'0'..=b'9' => b'9',
            b'a'..=b'z' => b'a',
            b'A'..=b'Z' => b'A',
            _ => own,
        };
        byte += 1;
    }
    signs
};

/// How the ids of a column are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forms {
    counts: FxHashMap<u64, u64>,
    /// Whole numbers by length: with a zero before them, and without.
    padded: [u64; LONGEST + 1],
    bare: [u64; LONGEST + 1],
}

impl Forms {
    /// Adds the ids of a batch.
    pub(crate) fn add(&mut self, ids: &StringArray) {
        // Rows of one record stand together, and nearly all ids have one form.
        let mut last: Option<(&str, u64)> = None;
        let mut rows = 0;
        for id in ids.iter().flatten() {
            let form = match last {
                Some((known, form)) if known == id => form,
                _ => self.form(id),
            };
            if let Some((_, before)) = last
                && before != form
            {
                *self.counts.entry(before).or_default() += std::mem::take(&mut rows);
            }
            rows += 1;
            last = Some((id, form));
        }
        if let Some((_, form)) = last {
            *self.counts.entry(form).or_default() += rows;
        }
    }

    /// The form of an id, as a digest: which kinds of signs follow one another, and whether a number begins with a zero.
    fn form(&mut self, id: &str) -> u64 {
        let bytes = id.trim().as_bytes();
        // Ids of many runs are told without a branch for each byte: which sign comes next nobody can foresee.
        let (mut count, mut before) = (0, None);
        for byte in bytes.iter().take(AHEAD) {
            let sign = Some(SIGNS[usize::from(*byte)]);
            count += usize::from(sign != before);
            before = sign;
        }
        if count > MOST_RUNS {
            return hash("mixed");
        }
        let (mut runs, mut len, mut last) = ([0; MOST_RUNS], 0, None);
        for byte in bytes {
            let sign = SIGNS[usize::from(*byte)];
            if last == Some(sign) {
                continue;
            }
            if len == MOST_RUNS {
                return hash("mixed");
            }
            runs[len] = sign;
            len += 1;
            last = Some(sign);
        }
        if matches!(runs[..len], [] | [b'9']) {
            let padded = bytes.first() == Some(&b'0');
            let lengths = if padded { &mut self.padded } else { &mut self.bare };
            lengths[bytes.len().min(LONGEST)] += 1;
            return u64::from(padded);
        }
        hash(&runs[..len])
    }

    /// Rows by form, the most common first.
    pub(crate) fn shares(&self) -> Vec<(u64, u64)> {
        let mut shares: Vec<(u64, u64)> = self.counts.iter().map(|(form, n)| (*form, *n)).collect();
        shares.sort_unstable_by_key(|(form, n)| (std::cmp::Reverse(*n), *form));
        shares
    }

    /// Numbers that lost the zeros before them, where others of the column have theirs: as many as are shorter than those.
    pub(crate) fn unpadded(&self) -> Option<u64> {
        let width = self.padded.iter().rposition(|n| *n > 0)?;
        let (padded, shorter): (u64, u64) = (self.padded.iter().sum(), self.bare[..width].iter().sum());
        (padded >= FEWEST_OF_FORM && shorter >= FEWEST_OF_FORM).then_some(shorter)
    }
}

/// How finely the coordinates of a column are given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fineness {
    texts: u64,
    cut: u64,
}

impl Fineness {
    /// Adds the coordinates of a batch.
    pub(crate) fn add(&mut self, texts: &StringArray) {
        // Rows of one place stand together.
        let mut last: Option<(&str, bool)> = None;
        for text in texts.iter().flatten() {
            let cut = match last {
                Some((known, cut)) if known == text => cut,
                _ => is_cut(text),
            };
            last = Some((text, cut));
            self.texts += 1;
            self.cut += u64::from(cut);
        }
    }

    /// Coordinates that are cut, if nearly all of them are.
    pub(crate) fn cut(&self) -> Option<u64> {
        (self.texts >= FEWEST && self.cut as f64 > CUT * self.texts as f64).then_some(self.cut)
    }
}

/// Whether a coordinate says no more than some hundred metres: few decimals of a degree, or whole hundreds of metres.
fn is_cut(text: &str) -> bool {
    // Nearly every degree ends here: its fourth decimal from the end, or one before it, stands after the point, and the last is no zero.
    if let [head @ .., a, b, c, b'1'..=b'9'] = text.as_bytes()
        && [a, b, c].into_iter().all(u8::is_ascii_digit)
        && head.contains(&b'.')
    {
        return false;
    }
    let text = text.trim().trim_start_matches(['-', '+']);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let decimals = decimals.trim_end_matches('0');
    match whole.len() < METRES {
        true => decimals.len() <= FEW_DECIMALS,
        false => decimals.is_empty() && whole.ends_with("00"),
    }
}

/// On which days of a file's period its rows lie.
#[derive(Debug, Default)]
pub(crate) struct Days {
    first: i64,
    rows: Vec<u64>,
}

impl Days {
    /// For the days of the months from `first` to `last`, `YYYY-MM`; none where they are no months.
    pub(crate) fn new(first: &str, last: &str) -> Self {
        let day = |month: &str| NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok();
        let of = |day: NaiveDate| i64::from(day.to_epoch_days());
        let Some((first, last)) = day(first).zip(day(last)) else { return Self::default() };
        // From the 28th on, four days lead into the next month.
        let after = last.checked_add_days(Step::new(31)).map(|d| chrono::Datelike::with_day(&d, 1).map_or(d, |d| d));
        let Some(n) = after.and_then(|after| usize::try_from(of(after) - of(first)).ok()) else {
            return Self::default();
        };
        Self { first: of(first), rows: vec![0; n] }
    }

    /// Adds the rows of a batch that are kept, by a date or time.
    pub(crate) fn add(&mut self, column: &ArrayRef, keep: &[u32]) {
        // The day of the calendar on the wall: in summer an hour of it lies in the day before, by UTC.
        let day = |row: usize| match column.data_type() {
            DataType::Timestamp(..) => {
                let local = london::local(column.as_primitive::<TimestampMicrosecondType>().value(row))?;
                Some(i64::from(local.date().to_epoch_days()))
            }
            DataType::Date32 => Some(i64::from(column.as_primitive::<Date32Type>().value(row))),
            _ => None,
        };
        for row in keep.iter().map(|row| *row as usize).filter(|row| column.is_valid(*row)) {
            let at = day(row).and_then(|day| usize::try_from(day - self.first).ok());
            if let Some(n) = at.and_then(|at| self.rows.get_mut(at)) {
                *n += 1;
            }
        }
    }

    /// Days of the week on which no row lies, if that is no chance: how many days they are, of how many.
    pub(crate) fn without_weekdays(&self) -> Option<(u64, u64)> {
        let days = self.rows.len();
        if days < 4 * WEEK {
            return None;
        }
        let of_weekday = |weekday: usize| self.rows.iter().skip(weekday).step_by(WEEK);
        let empty = (0..WEEK).filter(|weekday| of_weekday(*weekday).all(|n| *n == 0));
        let without: usize = empty.map(|weekday| of_weekday(weekday).count()).sum();
        let rows: u64 = self.rows.iter().sum();
        let expected = rows as f64 / (days - without).max(1) as f64 * without as f64;
        // Of a few days that stand together nothing follows for the days of the week.
        let spread = 2 * self.rows.iter().filter(|n| **n > 0).count() >= days - without;
        (without > 0 && spread && (-expected).exp() < CHANCE_OF_WEEKDAYS).then_some((without as u64, days as u64))
    }

    /// The most days on end without a row, if that is no chance: how many they are, of how many days.
    pub(crate) fn without_rows(&self) -> Option<(u64, u64)> {
        if self.rows.iter().filter(|n| **n > 0).count() < FEWEST_DAYS {
            return None;
        }
        let mut runs: Vec<usize> = self.rows.split(|n| *n > 0).map(<[u64]>::len).collect();
        runs.sort_unstable();
        let (longest, next) = (runs.pop()?, runs.pop().unwrap_or_default());
        let (days, rows) = (self.rows.len(), self.rows.iter().sum::<u64>());
        let expected = rows as f64 / (days - longest) as f64 * longest as f64;
        let odd = longest >= LONGER * next.max(1) && days as f64 * (-expected).exp() < CHANCE;
        odd.then_some((longest as u64, days as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Date32Array;

    use super::*;

    fn forms(ids: &[String]) -> Forms {
        let mut forms = Forms::default();
        forms.add(&ids.iter().map(|id| Some(id.as_str())).collect());
        forms
    }

    #[test]
    fn numbers_that_lost_their_zeros_beside_others_that_have_them() {
        let padded: Vec<String> = (0..40).map(|i| format!("{:06}", i * 7_919)).collect();
        assert_eq!(forms(&padded).unpadded(), None);
        let mixed: Vec<String> = (0..40)
            .map(|i| if i % 2 == 0 { format!("{:06}", i * 7_919 % 99_999) } else { (i * 919).to_string() })
            .collect();
        assert!(forms(&mixed).unpadded().is_some_and(|n| n >= 5));
        let counting: Vec<String> = (95..140).map(|i| i.to_string()).collect();
        assert_eq!(forms(&counting).unpadded(), None, "numbers grow");
    }

    #[test]
    fn a_form_is_kinds_of_signs_and_no_length() {
        let all = |ids: &[&str]| forms(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()).shares();
        assert_eq!(all(&["AB12", "A9", "XYZ1234"]).len(), 1);
        assert_eq!(all(&["CR/12/25", "CR12/25", "cr/12/25", "12", "012"]).len(), 5);
        assert_eq!(all(&["a1b2c3d4e5", "9f8e7d6c5b4a"]).len(), 1, "both are mixed");
    }

    #[test]
    fn coordinates_that_say_hundreds_of_metres() {
        for cut in ["50.37", "-4.143", "50", "291000", "65400.0", "50.370000"] {
            assert!(is_cut(cut), "{cut}");
        }
        for fine in ["50.371234", "-4.1432", "291043", "65400.5"] {
            assert!(!is_cut(fine), "{fine}");
        }
    }

    #[test]
    fn days_that_were_left_out() {
        let days = |days: &[i32]| {
            let mut found = Days::new("2024-03", "2024-03");
            let column: ArrayRef = Arc::new(Date32Array::from_iter_values(days.iter().map(|d| 19_783 + d)));
            found.add(&column, &(0..days.len() as u32).collect::<Vec<_>>());
            found.without_rows()
        };
        let month = |n: i32, skip: &dyn Fn(i32) -> bool| {
            days(&(0..n).map(|i| i % 31).filter(|d| !skip(*d)).collect::<Vec<_>>())
        };
        assert_eq!(month(200, &|_| false), None);
        assert_eq!(month(200, &|d| d >= 20), Some((11, 31)), "the last days");
        assert_eq!(month(200, &|d| (8..16).contains(&d)), Some((8, 31)), "days in the middle");
        assert_eq!(month(400, &|d| d % 7 < 2), None, "weekends");
        assert_eq!(month(40, &|d| d >= 26), None, "few rows");
        assert_eq!(days(&[4; 300]), None, "one day says nothing of days");
        assert_eq!(Days::new("2024-12", "2025-02").rows.len(), 31 + 31 + 28);
    }

    #[test]
    fn days_of_the_week_that_were_left_out() {
        let without = |n: i32, skip: &dyn Fn(i32) -> bool| {
            let mut found = Days::new("2024-03", "2024-03");
            let days: Vec<i32> = (0..n).map(|i| i % 31).filter(|d| !skip(*d)).collect();
            let column: ArrayRef = Arc::new(Date32Array::from_iter_values(days.iter().map(|d| 19_783 + d)));
            found.add(&column, &(0..days.len() as u32).collect::<Vec<_>>());
            found.without_weekdays()
        };
        assert_eq!(without(150, &|_| false), None);
        assert_eq!(without(150, &|d| d % 7 < 2), Some((10, 31)), "two days of each week");
        assert_eq!(without(40, &|d| d % 7 < 2), None, "few rows");
        assert_eq!(without(0, &|_| false), None);
        assert_eq!(without(900, &|d| d > 4), None, "five days");
    }
}

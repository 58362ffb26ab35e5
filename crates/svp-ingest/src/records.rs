//! Records that stand in several rows, as a crime in one for each of its people: what their rows say, and whether one record may stand
//! under several ids. It holds counts and numbers of rows, and never a value.

use crate::seen::{Says, Tally};

/// Records, or rows of records, below which nothing is said.
const FEWEST: u64 = 10;
/// Share of the further rows of records that may say something else of them.
const MUCH_DIFFERS: f64 = 0.05;
/// Share of records that may say what the record before says under an id of its stem, before that is told, and before the file is refused.
const MUCH_ALIKE: f64 = 0.1;
const FAR_TOO_MUCH_ALIKE: f64 = 0.33;
/// Signs of what stands before a suffix, at least.
const SHORTEST_STEM: usize = 4;
/// More records than that under one stem are no rows of one record: the stem is a year, and what follows it a running number.
const MOST_OF_ONE_STEM: usize = 9;

/// The records of a file of which several rows are one.
#[derive(Debug, Default)]
pub(crate) struct Records {
    records: u64,
    further: u64,
    differing: Tally,
    alike: Tally,
    /// Those that are like the record before them, one after the other, up to now.
    run: Vec<u64>,
}

/// How many of how many, and the first rows.
pub(crate) struct Odd {
    pub count: u64,
    pub of: u64,
    pub rows: Vec<u64>,
    /// So many that the file cannot be right.
    pub refuses: bool,
}

impl Records {
    /// A further row of a record whose first row `said` something; rows that contradict it in what happened are `contradicting`.
    pub(crate) fn again(&mut self, said: Says, says: Says, row: u64, contradicting: &mut Tally) {
        self.further += 1;
        if said.0 != says.0 {
            contradicting.add(row);
        } else if said.1 != says.1 {
            self.differing.add(row);
        }
    }

    /// The first row of a record; `alike` where it says what the record before it says, and the ids of both have one stem.
    pub(crate) fn begins(&mut self, alike: bool, row: u64) {
        self.records += 1;
        if alike {
            self.run.push(row);
        } else {
            self.end_run();
        }
    }

    /// No further record follows, or one that is not like those before it.
    pub(crate) fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.len() < MOST_OF_ONE_STEM {
            run.into_iter().for_each(|row| self.alike.add(row));
        }
    }

    /// Rows that say something else of their record than its first row, which counts.
    pub(crate) fn differing(&self) -> Option<Odd> {
        odd(&self.differing, self.further, MUCH_DIFFERS)
    }

    /// Records that say word for word what the one before them says, under an id that differs in its suffix alone.
    pub(crate) fn alike(&self) -> Option<Odd> {
        odd(&self.alike, self.records, MUCH_ALIKE)
    }
}

/// What stands before the suffix of an id, as a role or a row number behind the reference of a crime is, and whether it has one: what
/// follows the last sign that is no letter and no digit.
pub(crate) fn stem(id: &str) -> (&str, bool) {
    let id = id.trim();
    let cut = id.rfind(|c: char| !c.is_alphanumeric()).filter(|at| *at >= SHORTEST_STEM && at + 1 < id.len());
    cut.map_or((id, false), |at| (&id[..at], true))
}

fn odd(tally: &Tally, of: u64, much: f64) -> Option<Odd> {
    let share = tally.count as f64 / of.max(1) as f64;
    let odd = || Odd { count: tally.count, of, rows: tally.first.clone(), refuses: share > FAR_TOO_MUCH_ALIKE };
    (tally.count >= FEWEST && share > much).then(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_of_ids() {
        for (id, of) in [
            ("C00001/V", ("C00001", true)),
            ("C00001/V ", ("C00001", true)),
            ("50/1234/24-002", ("50/1234/24", true)),
            ("C00001", ("C00001", false)),
            ("C00001/", ("C00001/", false)),
            ("2025-0001", ("2025", true)),
            ("A/1", ("A/1", false)),
            ("éé-1", ("éé", true)),
            ("", ("", false)),
        ] {
            assert_eq!(stem(id), of, "{id}");
        }
    }

    #[test]
    fn a_stem_that_goes_on_and_on_is_no_record() {
        let alike = |rows_of: usize| {
            let mut records = Records::default();
            (0..20 * rows_of as u64).for_each(|row| records.begins(row % rows_of as u64 != 0, row));
            records.end_run();
            records.alike().map(|odd| (odd.count, odd.of, odd.refuses))
        };
        assert_eq!(alike(2), Some((20, 40, true)));
        assert_eq!(alike(9), Some((160, 180, true)));
        assert_eq!(alike(10), None);
    }
}

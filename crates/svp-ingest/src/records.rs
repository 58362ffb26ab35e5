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
/// Signs of a suffix at most, and of what stands before it at least.
const LONGEST_SUFFIX: usize = 2;
const SHORTEST_STEM: usize = 4;

/// The records of a file of which several rows are one.
#[derive(Debug, Default)]
pub(crate) struct Records {
    records: u64,
    further: u64,
    differing: Tally,
    alike: Tally,
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
            self.alike.add(row);
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

/// What stands before the suffix of an id, as a role or a row number behind the reference of a crime is: two signs at most behind what is
/// no letter and no digit. `None` for an id without one.
pub(crate) fn stem(id: &str) -> Option<&str> {
    let id = id.trim();
    let at = id.rfind(|c: char| !c.is_alphanumeric())?;
    let (stem, suffix) = (&id[..at], id[at..].chars().count() - 1);
    (stem.len() >= SHORTEST_STEM && (1..=LONGEST_SUFFIX).contains(&suffix)).then_some(stem)
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
            ("C00001/V", Some("C00001")),
            ("C00001/V ", Some("C00001")),
            ("50/1234/24-2", Some("50/1234/24")),
            ("C00001", None),
            ("C00001/", None),
            ("2025-0001", None),
            ("A/1", None),
            ("é-1", None),
            ("", None),
        ] {
            assert_eq!(stem(id), of, "{id}");
        }
    }
}

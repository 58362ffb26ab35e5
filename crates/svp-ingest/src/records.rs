//! Records that stand in several rows, as a crime in one for each of its people: what their rows say, and whether one record may stand
//! under several ids. It holds counts and numbers of rows, and never a value.

use crate::seen::{Says, Tally};

/// Records, or rows of records, below which nothing is said.
const FEWEST: u64 = 10;
/// Share of the further rows of records that may say something else of them.
const MUCH_DIFFERS: f64 = 0.05;
/// Share of records that may say what the record before says, before that is told, and before the file is refused. Two victims of one
/// assault are two crimes of one time, place and offence; that a third of all crimes are such is no true file.
const MUCH_ALIKE: f64 = 0.1;
const FAR_TOO_MUCH_ALIKE: f64 = 0.33;

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

    /// The first row of a record, after one that said `before`; `tells` whether it says when and where.
    pub(crate) fn begins(&mut self, before: Option<Says>, says: Says, tells: bool, row: u64) {
        self.records += 1;
        if tells && before == Some(says) {
            self.alike.add(row);
        }
    }

    /// Rows that say something else of their record than its first row, which counts.
    pub(crate) fn differing(&self) -> Option<Odd> {
        odd(&self.differing, self.further, MUCH_DIFFERS)
    }

    /// Records that say word for word what the one before them says.
    pub(crate) fn alike(&self) -> Option<Odd> {
        odd(&self.alike, self.records, MUCH_ALIKE)
    }
}

fn odd(tally: &Tally, of: u64, much: f64) -> Option<Odd> {
    let share = tally.count as f64 / of.max(1) as f64;
    let odd = || Odd { count: tally.count, of, rows: tally.first.clone(), refuses: share > FAR_TOO_MUCH_ALIKE };
    (tally.count >= FEWEST && share > much).then(odd)
}

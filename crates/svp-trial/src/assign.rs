//! Draws who is patrolled: matched pairs, blocks, daily crossover. One draw from a seed, which anybody can repeat.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use svp_contract::{DesignKind, Trial};

use crate::TrialError;
use crate::clock::{Days, Times};
use crate::rng::{Purpose, RandomStream};
use crate::spots::Spot;
use crate::table::{Table, csv_text};

/// What a hot spot is on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arm {
    /// Patrolled.
    Treatment,
    /// As usual.
    Control,
    /// As usual, but so soon after a patrol that the day counts for neither side.
    Washout,
    /// Not in the trial: the last of an odd number of hot spots has no pair.
    LeftOut,
}

impl Arm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Treatment, Self::Control, Self::Washout, Self::LeftOut];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Control => "control",
            Self::Washout => "washout",
            Self::LeftOut => "left_out",
        }
    }
}

/// Who is patrolled when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Kind of design.
    pub kind: DesignKind,
    /// Days of the trial.
    pub days: Days,
    /// Names of the hot spots, in the order of the list.
    pub spots: Vec<String>,
    /// Pair or stratum of each, from 1; 0 is none.
    pub blocks: Vec<usize>,
    /// Arms, day by day and in each day by hot spot; one row for a design that holds for the whole trial.
    arms: Vec<Arm>,
}

impl Assignment {
    /// The arm of a hot spot on a day; `None` on a day that is not of the trial.
    #[must_use]
    pub fn arm(&self, spot: usize, day: NaiveDate) -> Option<Arm> {
        let row = self.days.index(day)?;
        let row = if self.kind == DesignKind::Crossover { row } else { 0 };
        self.arms.get(row * self.spots.len() + spot).copied()
    }

    /// Number of days on which a hot spot is in an arm.
    #[must_use]
    pub fn days_in(&self, spot: usize, arm: Arm) -> usize {
        let n = self.spots.len().max(1);
        let rows = self.arms.iter().skip(spot).step_by(n).filter(|a| **a == arm).count();
        if self.kind == DesignKind::Crossover { rows } else { rows * self.days.len() }
    }

    /// Hot spots that are patrolled on a day.
    #[must_use]
    pub fn treated(&self, day: NaiveDate) -> Vec<usize> {
        (0..self.spots.len()).filter(|i| self.arm(*i, day) == Some(Arm::Treatment)).collect()
    }

    /// The file of the assignment.
    #[must_use]
    pub fn csv(&self) -> String {
        let n = self.spots.len().max(1);
        let day = |row: usize| match self.kind {
            DesignKind::Crossover => self.days.iter().nth(row).map(|d| d.to_string()).unwrap_or_default(),
            _ => String::new(),
        };
        let rows = self.arms.chunks(n).enumerate().flat_map(|(row, arms)| {
            let spots = self.spots.iter().zip(&self.blocks).zip(arms);
            spots.map(move |((spot, block), arm)| [day(row), spot.clone(), block.to_string(), arm.word().to_owned()])
        });
        csv_text(&["day", "hot_spot", "block", "arm"], rows)
    }

    /// Reads the file back, for the hot spots of a list.
    ///
    /// # Errors
    /// When it is not of this trial: another hot spot, another day, one that lacks or stands twice.
    pub fn read(file: &str, bytes: &[u8], trial: &Trial, times: &Times, spots: &[Spot]) -> Result<Self, TrialError> {
        const COLUMNS: &str = "day, hot_spot, block, arm";
        let table = Table::read(file, bytes)?;
        let [day, spot, block, arm] = [
            table.need(&["day"], COLUMNS)?,
            table.need(&["hot_spot"], COLUMNS)?,
            table.need(&["block"], COLUMNS)?,
            table.need(&["arm"], COLUMNS)?,
        ];
        let crossover = trial.design.kind == DesignKind::Crossover;
        let rows = if crossover { times.trial.len() } else { 1 };
        let place: BTreeMap<&str, usize> = spots.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
        let mut arms: Vec<Option<Arm>> = vec![None; rows * spots.len()];
        let mut blocks = vec![0; spots.len()];
        for (i, row) in table.rows().iter().enumerate() {
            let wrong =
                |what: &str| TrialError::Spots { file: file.to_owned(), what: format!("row {}: {what}", i + 2) };
            let s = *place.get(row[spot].as_str()).ok_or_else(|| wrong("a hot spot that is not in the list"))?;
            let d = match (crossover, row[day].parse::<NaiveDate>().ok()) {
                (false, _) if row[day].is_empty() => 0,
                (true, Some(day)) => times.trial.index(day).ok_or_else(|| wrong("a day that is not of the trial"))?,
                _ => return Err(wrong("a day, where the design of the trial file has none, or none where it has one")),
            };
            let word = Arm::ALL.into_iter().find(|a| a.word() == row[arm]);
            let found = word.ok_or_else(|| wrong("an arm that is none"))?;
            blocks[s] = row[block].parse().map_err(|_| wrong("a block that is no number"))?;
            if arms[d * spots.len() + s].replace(found).is_some() {
                return Err(wrong("a hot spot and day that stands twice"));
            }
        }
        let lacking = arms.iter().filter(|a| a.is_none()).count();
        if lacking > 0 || table.broken > 0 {
            let what = format!("{lacking} hot spots and days are not in it, {} rows cannot be read", table.broken);
            return Err(TrialError::Spots { file: file.to_owned(), what });
        }
        Ok(Self {
            kind: trial.design.kind,
            days: times.trial,
            spots: spots.iter().map(|s| s.id.clone()).collect(),
            blocks,
            arms: arms.into_iter().flatten().collect(),
        })
    }
}

/// The assignment of a trial: the draw that its seed gives.
///
/// # Errors
/// When the design cannot be drawn from so many hot spots.
pub fn assign(trial: &Trial, times: &Times, spots: &[Spot]) -> Result<Assignment, TrialError> {
    draw(trial, times, spots, &mut RandomStream::new(trial.design.seed, Purpose::Assign, 0))
}

/// Another draw of the same design, for tests by randomisation.
///
/// # Errors
/// As [`assign`].
pub fn redraw(trial: &Trial, times: &Times, spots: &[Spot], index: u64) -> Result<Assignment, TrialError> {
    draw(trial, times, spots, &mut RandomStream::new(trial.design.seed, Purpose::Redraw, index))
}

fn draw(trial: &Trial, times: &Times, spots: &[Spot], rng: &mut RandomStream) -> Result<Assignment, TrialError> {
    let n = spots.len();
    let kind = trial.design.kind;
    let few = |what: String| Err(TrialError::Design { what });
    if n < 2 {
        return few(format!("{n} hot spots cannot be compared with one another"));
    }
    // By volume, the worst first; what is equal stays in the order of the list.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| spots[*b].volume(trial.measure).total_cmp(&spots[*a].volume(trial.measure)));
    let mut blocks = vec![0; n];
    let share = trial.design.share_treated;
    let arms = match kind {
        DesignKind::Crossover => {
            blocks.fill(1);
            crossover(times.trial.len(), n, treated_of(n, share), trial.design.washout_days, rng)
        }
        DesignKind::MatchedPairs => {
            let mut arms = vec![Arm::LeftOut; n];
            for (b, pair) in order.chunks_exact(2).enumerate() {
                let mut pair = pair.to_vec();
                rng.shuffle(&mut pair);
                for (spot, arm) in pair.into_iter().zip([Arm::Treatment, Arm::Control]) {
                    (arms[spot], blocks[spot]) = (arm, b + 1);
                }
            }
            arms
        }
        DesignKind::Blocks => {
            let many = trial.design.blocks;
            if n < 2 * many {
                return few(format!("{n} hot spots cannot fill {many} blocks with a treated and a control spot each"));
            }
            let mut arms = vec![Arm::Control; n];
            let mut rest = order.as_slice();
            for b in 0..many {
                let (mut block, after) = {
                    let (block, after) = rest.split_at(rest.len().div_ceil(many - b));
                    (block.to_vec(), after)
                };
                rest = after;
                rng.shuffle(&mut block);
                let treated = treated_of(block.len(), share);
                for (i, spot) in block.into_iter().enumerate() {
                    blocks[spot] = b + 1;
                    arms[spot] = if i < treated { Arm::Treatment } else { Arm::Control };
                }
            }
            arms
        }
    };
    Ok(Assignment { kind, days: times.trial, spots: spots.iter().map(|s| s.id.clone()).collect(), blocks, arms })
}

/// How many of `n` are treated: the share, rounded, and at least one on each side.
#[must_use]
pub fn treated_of(n: usize, share: f64) -> usize {
    // The share is between 0 and 1: the cast keeps the value.
    ((n as f64 * share).round() as usize).clamp(1, n.saturating_sub(1).max(1))
}

/// Every day `treated` of `n`, drawn anew.
fn crossover(days: usize, n: usize, treated: usize, washout: u32, rng: &mut RandomStream) -> Vec<Arm> {
    let mut arms = Vec::with_capacity(days * n);
    let mut since: Vec<Option<u32>> = vec![None; n];
    let mut order: Vec<usize> = (0..n).collect();
    for _ in 0..days {
        rng.shuffle(&mut order);
        let mut today = vec![Arm::Control; n];
        for spot in &order[..treated] {
            today[*spot] = Arm::Treatment;
        }
        for (arm, since) in today.iter_mut().zip(&mut since) {
            match (*arm, *since) {
                (Arm::Treatment, _) => *since = Some(0),
                (_, Some(days)) if days < washout => {
                    *arm = Arm::Washout;
                    *since = Some(days + 1);
                }
                _ => {}
            }
        }
        arms.extend(today);
    }
    arms
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use svp_contract::Advice;

    use super::*;
    use crate::fixture::{spots, trial, trial_with};

    fn with(kind: &str, more: &[(&str, &str)]) -> Trial {
        let mut changes = vec![("kind = \"crossover\"", kind)];
        if kind.contains("pairs") {
            changes.push(("share_treated = 0.4", "share_treated = 0.5"));
        }
        changes.extend_from_slice(more);
        trial_with(&changes)
    }

    #[test]
    fn a_crossover_as_in_southend() {
        let (trial, spots) = (trial(), spots(20));
        let times = Times::new(&trial);
        let drawn = assign(&trial, &times, &spots).unwrap();
        let treated: usize = (0..20).map(|s| drawn.days_in(s, Arm::Treatment)).sum();
        assert_eq!((times.trial.len() * 20, treated), (1_800, 720));
        assert!(times.trial.iter().all(|day| drawn.treated(day).len() == 8));
        assert_eq!(drawn.arm(0, "2025-04-30".parse().unwrap()), None);
        assert_eq!(Assignment::read("a.csv", drawn.csv().as_bytes(), &trial, &times, &spots).unwrap(), drawn);
    }

    #[test]
    fn days_after_a_patrol_are_washed_out() {
        let trial = with("kind = \"crossover\"", &[("washout_days = 0", "washout_days = 2")]);
        let times = Times::new(&trial);
        let drawn = assign(&trial, &times, &spots(20)).unwrap();
        for spot in 0..20 {
            let arms: Vec<Arm> = times.trial.iter().map(|d| drawn.arm(spot, d).unwrap()).collect();
            for (i, arm) in arms.iter().enumerate() {
                let near = arms[i.saturating_sub(2)..i].contains(&Arm::Treatment);
                assert_eq!(*arm == Arm::Washout, *arm != Arm::Treatment && near);
            }
        }
    }

    #[test]
    fn pairs_are_neighbours_in_rank() {
        let trial = with("kind = \"matched_pairs\"", &[]);
        let drawn = assign(&trial, &Times::new(&trial), &spots(7)).unwrap();
        assert_eq!(drawn.blocks, [1, 1, 2, 2, 3, 3, 0]);
        for pair in drawn.arms.chunks_exact(2) {
            let mut pair = pair.to_vec();
            pair.sort_unstable();
            assert_eq!(pair, [Arm::Treatment, Arm::Control]);
        }
        assert_eq!(drawn.arms[6], Arm::LeftOut);
    }

    #[test]
    fn blocks_hold_their_share() {
        let trial = with("kind = \"blocks\"", &[("washout_days", "blocks = 3\nwashout_days")]);
        let drawn = assign(&trial, &Times::new(&trial), &spots(20)).unwrap();
        assert_eq!(drawn.blocks, [[1; 7].as_slice(), &[2; 7], &[3; 6]].concat());
        let treated = |b| (0..20).filter(|i| drawn.blocks[*i] == b && drawn.arms[*i] == Arm::Treatment).count();
        assert_eq!([treated(1), treated(2), treated(3)], [3, 3, 2]);
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let trial = with("kind = \"blocks\"", &[]);
        let times = Times::new(&trial);
        for n in [0, 1, 7] {
            let error = assign(&trial, &times, &spots(n)).unwrap_err();
            assert!(matches!(error, TrialError::Design { .. }) && error.hint().is_some());
        }
    }

    #[test]
    fn a_file_of_another_trial_is_refused() {
        let (trial, spots) = (trial(), spots(4));
        let times = Times::new(&trial);
        let text = assign(&trial, &times, &spots).unwrap().csv();
        let check = |text: String, says: &str| {
            let error = Assignment::read("a.csv", text.as_bytes(), &trial, &times, &spots).unwrap_err();
            assert!(error.to_string().contains(says) && error.hint().is_some(), "{error}");
        };
        check(text.replacen("H01", "H09", 1), "not in the list");
        check(text.replacen("H01", "H02", 1), "stands twice");
        check(text.replacen("2025-05-01", "2024-05-01", 1), "not of the trial");
        check(text.replacen("treatment", "treated", 1), "an arm");
        check(text.lines().take(9).map(|l| format!("{l}\n")).collect(), "are not in it");
    }

    /// Every hot spot is as likely to be treated: over many redraws the shares come near to that of the design.
    #[test]
    fn draws_are_fair() {
        for trial in [trial(), with("kind = \"matched_pairs\"", &[]), with("kind = \"blocks\"", &[])] {
            let (times, spots) = (Times::new(&trial), spots(8));
            let mut treated = vec![0u32; 8];
            let day = times.trial.from;
            for i in 0..4_000 {
                for spot in redraw(&trial, &times, &spots, i).unwrap().treated(day) {
                    treated[spot] += 1;
                }
            }
            let share = match trial.design.kind {
                DesignKind::Crossover => 3.0 / 8.0,
                _ => 0.5,
            };
            // Five standard errors of a share over 4,000 draws.
            let worst = treated.iter().map(|n| (f64::from(*n) / 4_000.0 - share).abs()).fold(0.0, f64::max);
            assert!(worst < 0.04, "{treated:?}");
        }
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_bytes(seed in 0u64..i64::MAX as u64, n in 2usize..40) {
            let mut trial = trial();
            trial.design.seed = seed;
            let (times, spots) = (Times::new(&trial), spots(n));
            let one = assign(&trial, &times, &spots).unwrap();
            prop_assert_eq!(one.csv(), assign(&trial, &times, &spots).unwrap().csv());
            let treated = treated_of(n, 0.4);
            prop_assert!(treated >= 1 && treated < n);
            prop_assert!(times.trial.iter().all(|d| one.treated(d).len() == treated));
        }
    }
}

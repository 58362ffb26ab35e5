//! The visits of a day: short rounds, again and again in the shift, at times that nobody can guess.
//!
//! A shift is cut into as many rounds as a hot spot is to have visits. In every round a unit walks the same hot spots in the
//! same order, so that a place is visited about every round's length (Koper: again within about two hours); direction,
//! beginning and cut into units are drawn anew for each day and shift, and each start is delayed at random.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use svp_contract::{Shift, Trial, length};

use crate::TrialError;
use crate::assign::Assignment;
use crate::clock::Times;
use crate::rng::{Purpose, RandomStream};
use crate::route::round;
use crate::spots::Spot;

/// A visit to walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Day of analysis.
    pub day: NaiveDate,
    /// Shift, by its place in the trial file.
    pub shift: usize,
    /// Unit, from 1.
    pub unit: usize,
    /// Place in the unit's shift, from 1.
    pub order: usize,
    /// Hot spot, by its place in the list.
    pub spot: usize,
    /// Start, a whole minute.
    pub start: DateTime<Utc>,
    /// Length, minutes.
    pub minutes: u32,
}

/// The visits of a day, by shift, unit and time.
///
/// # Errors
/// When the dose does not fit into a shift, or the day is not of the trial.
pub fn visits(
    trial: &Trial,
    times: &Times,
    spots: &[Spot],
    assignment: &Assignment,
    day: NaiveDate,
) -> Result<Vec<Visit>, TrialError> {
    let number = times.trial.index(day).ok_or_else(|| TrialError::Day { day: day.to_string() })?;
    let treated = assignment.treated(day);
    let mut out = Vec::new();
    for (s, shift) in trial.shifts.iter().enumerate().filter(|(_, s)| s.patrolled) {
        let stream = (number * trial.shifts.len() + s) as u64;
        let mut rng = RandomStream::new(trial.design.seed, Purpose::Patrol, stream);
        for (u, mine) in share_out(trial, spots, &treated, &mut rng).into_iter().enumerate() {
            let (from, to) = times.span(day, shift);
            let minutes = u32::try_from((to - from).num_minutes()).unwrap_or(0);
            let starts = rounds(trial, shift, minutes, spots, &mine, &mut rng)?;
            for (order, (spot, start)) in starts.into_iter().enumerate() {
                out.push(Visit {
                    day,
                    shift: s,
                    unit: u + 1,
                    order: order + 1,
                    spot,
                    start: from + Duration::minutes(i64::from(start)),
                    minutes: trial.dose.minutes,
                });
            }
        }
    }
    Ok(out)
}

/// Cuts the round through all treated hot spots into stretches, one a unit, and turns each at random.
fn share_out(trial: &Trial, spots: &[Spot], treated: &[usize], rng: &mut RandomStream) -> Vec<Vec<usize>> {
    let centre = |s: &usize| spots[*s].cell.centre();
    let points: Vec<(f64, f64)> = treated.iter().map(centre).collect();
    let mut whole: Vec<usize> = round(&points).into_iter().map(|i| treated[i]).collect();
    if whole.is_empty() {
        return Vec::new();
    }
    let turn = rng.below(whole.len());
    whole.rotate_left(turn);
    let units = (trial.dose.units as usize).min(whole.len());
    let mut rest = whole.as_slice();
    let mut out = Vec::with_capacity(units);
    for u in 0..units {
        let (mine, after) = rest.split_at(rest.len().div_ceil(units - u));
        rest = after;
        let points: Vec<(f64, f64)> = mine.iter().map(centre).collect();
        let mut mine: Vec<usize> = round(&points).into_iter().map(|i| mine[i]).collect();
        let turn = rng.below(mine.len());
        mine.rotate_left(turn);
        if rng.below(2) == 1 {
            mine.reverse();
        }
        out.push(mine);
    }
    out
}

/// Starts of one unit's visits, minutes from the start of the shift.
fn rounds(
    trial: &Trial,
    shift: &Shift,
    minutes: u32,
    spots: &[Spot],
    mine: &[usize],
    rng: &mut RandomStream,
) -> Result<Vec<(usize, u32)>, TrialError> {
    let dose = &trial.dose;
    let window = f64::from(minutes) / f64::from(dose.visits_per_shift);
    let walk = |a: usize, b: usize| {
        let ((e, n), (f, m)) = (spots[a].cell.centre(), spots[b].cell.centre());
        (length(e - f, n - m) / dose.metres_per_minute).ceil()
    };
    let legs: Vec<f64> = mine.iter().zip(mine.iter().cycle().skip(1)).map(|(a, b)| walk(*a, *b)).collect();
    let busy = legs.iter().sum::<f64>() + mine.len() as f64 * f64::from(dose.minutes);
    let refused = |what: String, hint: &str| Err(TrialError::Dose { what, hint: hint.to_owned() });
    if busy > window {
        return refused(
            format!(
                "shift {}: a round of {} hot spots takes {busy:.0} minutes, and {} visits leave {window:.0} for each",
                shift.name,
                mine.len(),
                dose.visits_per_shift
            ),
            "give more units, fewer visits_per_shift, or treat fewer hot spots a day",
        );
    }
    let slot = (window - busy) / mine.len() as f64;
    let mut jitter = f64::from(dose.jitter_minutes).min(slot);
    if dose.visits_per_shift > 1 {
        let (least, greatest) = (f64::from(dose.least_gap_minutes), f64::from(dose.greatest_gap_minutes));
        if window > greatest || window < least {
            return refused(
                format!(
                    "shift {}: {} visits in {minutes} minutes are {window:.0} apart, and the dose wants {least:.0} to {greatest:.0}",
                    shift.name, dose.visits_per_shift
                ),
                "change visits_per_shift, or least_gap_minutes and greatest_gap_minutes, in the trial file",
            );
        }
        // Whole minutes can add one to a gap.
        jitter = jitter.min(greatest - window - 1.0).min(window - least - 1.0).max(0.0);
    }
    // Where in its slot the whole shift begins: the same in each round, so that gaps keep, another on each day.
    let phase = rng.unit() * (slot - jitter);
    let mut out = Vec::with_capacity(mine.len() * dose.visits_per_shift as usize);
    for r in 0..dose.visits_per_shift {
        let mut at = f64::from(r) * window;
        for (spot, leg) in mine.iter().zip(&legs) {
            // Below the length of a shift: the cast keeps the value.
            let start = (at + phase + rng.unit() * jitter).floor() as u32;
            out.push((*spot, start));
            at += f64::from(dose.minutes) + leg + slot;
        }
    }
    Ok(out)
}

/// Least and greatest time between the starts of two visits to a hot spot in a shift, minutes; `None` where each has one.
#[must_use]
pub fn gaps(visits: &[Visit]) -> Option<(i64, i64)> {
    let mut by_place: Vec<_> = visits.iter().map(|v| (v.day, v.shift, v.spot, v.start)).collect();
    by_place.sort_unstable();
    let gaps = by_place.windows(2).filter(|w| (w[0].0, w[0].1, w[0].2) == (w[1].0, w[1].1, w[1].2));
    let gaps: Vec<i64> = gaps.map(|w| (w[1].3 - w[0].3).num_minutes()).collect();
    Some((*gaps.iter().min()?, *gaps.iter().max()?))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use svp_contract::Advice;

    use super::*;
    use crate::assign::assign;
    use crate::fixture::{spots, trial, trial_with};

    fn day(trial: &Trial, n: usize, day: &str) -> Result<Vec<Visit>, TrialError> {
        let (times, spots) = (Times::new(trial), spots(n));
        let assignment = assign(trial, &times, &spots).unwrap();
        visits(trial, &times, &spots, &assignment, day.parse().unwrap())
    }

    /// No unit is in two places, no visit leaves its shift, every treated place has its visits and no other any.
    fn judge(trial: &Trial, n: usize, visits: &[Visit]) {
        let (times, spots) = (Times::new(trial), spots(n));
        let assignment = assign(trial, &times, &spots).unwrap();
        let mut seen: BTreeMap<(NaiveDate, usize, usize), u32> = BTreeMap::new();
        for v in visits {
            *seen.entry((v.day, v.shift, v.spot)).or_default() += 1;
            let (from, to) = times.span(v.day, &trial.shifts[v.shift]);
            assert!(from <= v.start && v.start + Duration::minutes(i64::from(v.minutes)) <= to);
            assert!(trial.shifts[v.shift].patrolled);
        }
        assert!(seen.values().all(|n| *n == trial.dose.visits_per_shift));
        for (day, _, spot) in seen.keys() {
            assert!(assignment.treated(*day).contains(spot));
        }
        for pair in visits.windows(2).filter(|w| (w[0].day, w[0].shift, w[0].unit) == (w[1].day, w[1].shift, w[1].unit))
        {
            let ((e, n), (f, m)) = (spots[pair[0].spot].cell.centre(), spots[pair[1].spot].cell.centre());
            let walk = length(e - f, n - m) / trial.dose.metres_per_minute;
            let free = (pair[1].start - pair[0].start).num_minutes() as f64 - f64::from(pair[0].minutes);
            assert!(free >= walk, "a unit would have to be in two places");
        }
    }

    #[test]
    fn a_day_of_patrols() {
        let trial = trial();
        let found = day(&trial, 20, "2025-05-03").unwrap();
        assert_eq!(found.len(), 8 * 4);
        judge(&trial, 20, &found);
        let (least, greatest) = gaps(&found).unwrap();
        assert!(least >= 60 && greatest <= 150, "{least} {greatest}");
        let units: BTreeSet<usize> = found.iter().map(|v| v.unit).collect();
        assert_eq!(units, [1, 2, 3, 4].into());
        // The same day again is the same; it does not hang on the days before it.
        assert_eq!(found, day(&trial, 20, "2025-05-03").unwrap());
    }

    #[test]
    fn times_cannot_be_guessed() {
        let trial = trial_with(&[
            ("share_treated = 0.4", "share_treated = 0.5"),
            ("visits_per_shift = 4", "visits_per_shift = 1"),
        ]);
        let (times, spots) = (Times::new(&trial), spots(2));
        let assignment = assign(&trial, &times, &spots).unwrap();
        let mut hours: BTreeMap<u32, u32> = BTreeMap::new();
        for day in times.trial.iter() {
            let found = visits(&trial, &times, &spots, &assignment, day).unwrap();
            assert_eq!((found.len(), gaps(&found)), (1, None));
            let (from, _) = times.span(day, &trial.shifts[1]);
            *hours.entry(u32::try_from((found[0].start - from).num_minutes() / 60).unwrap()).or_default() += 1;
        }
        // Ninety visits over the eight hours of the shift: every hour has some.
        assert_eq!(hours.len(), 8, "{hours:?}");
    }

    #[test]
    fn a_dose_that_does_not_fit_is_refused() {
        let check = |changes: &[(&str, &str)], says: &str| {
            let error = day(&trial_with(changes), 20, "2025-05-03").unwrap_err();
            assert!(error.to_string().contains(says) && error.hint().is_some(), "{error}");
        };
        check(
            &[("units = 4", "units = 1"), ("metres_per_minute = 500", "metres_per_minute = 50")],
            "a round of 8 hot spots",
        );
        check(&[("visits_per_shift = 4", "visits_per_shift = 2")], "240 apart");
        check(&[("least_gap_minutes = 60", "least_gap_minutes = 130")], "130 to 150");
        assert!(matches!(day(&trial(), 20, "2024-05-03"), Err(TrialError::Day { .. })));
    }

    #[test]
    fn the_night_in_which_an_hour_is_lost() {
        let night = [
            ("patrolled = true\n", ""),
            ("from = \"22:00\"\nto = \"06:00\"", "from = \"22:00\"\nto = \"06:00\"\npatrolled = true"),
            ("from = \"2025-05-01\"", "from = \"2025-10-01\""),
            ("to = \"2025-07-29\"", "to = \"2026-04-10\""),
        ];
        let trial = trial_with(&night);
        for text in ["2025-10-25", "2026-03-28"] {
            let found = day(&trial, 20, text).unwrap();
            judge(&trial, 20, &found);
            assert_eq!(found.len(), 32);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_schedule_is_walkable(n in 2usize..30, units in 1u32..5, seed in 0u64..1000, offset in 0i64..90) {
            let mut trial = trial();
            (trial.dose.units, trial.design.seed) = (units, seed);
            let day_of = "2025-05-01".parse::<NaiveDate>().unwrap() + Duration::days(offset);
            if let Ok(found) = day(&trial, n, &day_of.to_string()) {
                judge(&trial, n, &found);
                let (least, greatest) = gaps(&found).unwrap();
                prop_assert!(least >= 60 && greatest <= 150);
            } else {
                prop_assert!(n > 5 * units as usize, "two hot spots are no round too long for a unit");
            }
        }
    }
}

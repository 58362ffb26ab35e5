//! From pings to visits, from visits to dosage and to what became of the plan.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use svp_contract::Trial;

use crate::TrialError;
use crate::assign::{Arm, Assignment};
use crate::clock::{Times, local};
use crate::pings::Ping;
use crate::rows::number;
use crate::spots::Spot;
use crate::table::{Table, csv_text};

/// A stay of one unit in one hot spot.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// Hot spot, by its place in the list.
    pub spot: usize,
    /// First ping.
    pub start: DateTime<Utc>,
    /// From the first to the last ping, minutes.
    pub minutes: f64,
}

/// Stays, and how many were too short to be a visit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stays {
    /// Visits, by start, then hot spot.
    pub visits: Vec<Stay>,
    /// Stays shorter than `gps.least_minutes`.
    pub passing: u64,
    /// Units that pinged.
    pub units: usize,
}

/// Builds visits. Pings are sorted by unit and time. A ping belongs to the nearest hot spot within the tolerance; a unit may
/// be out of it, or silent, for `gps.gap_minutes` and still be on the same visit.
#[must_use]
pub fn stays(trial: &Trial, spots: &[Spot], pings: &[Ping]) -> Stays {
    let mut out = Stays::default();
    let mut units: BTreeSet<&str> = BTreeSet::new();
    let mut open: Option<(usize, DateTime<Utc>, DateTime<Utc>)> = None;
    let minutes = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_milliseconds() as f64 / 60_000.0;
    let close = |out: &mut Stays, stay: Option<(usize, DateTime<Utc>, DateTime<Utc>)>| {
        let Some((spot, start, end)) = stay else { return };
        let minutes = minutes(start, end);
        if minutes >= trial.gps.least_minutes && minutes > 0.0 {
            out.visits.push(Stay { spot, start, minutes });
        } else {
            out.passing += 1;
        }
    };
    let mut before: Option<&str> = None;
    for ping in pings {
        units.insert(&ping.unit);
        if before != Some(&ping.unit) {
            close(&mut out, open.take());
            before = Some(&ping.unit);
        }
        let Some(spot) = place(trial, spots, ping) else { continue };
        match &mut open {
            Some((here, _, last)) if *here == spot && minutes(*last, ping.at) <= trial.gps.gap_minutes => {
                *last = ping.at
            }
            _ => close(&mut out, open.replace((spot, ping.at, ping.at))),
        }
    }
    close(&mut out, open);
    out.visits.sort_by(|a, b| (a.start, a.spot).cmp(&(b.start, b.spot)).then(a.minutes.total_cmp(&b.minutes)));
    out.units = units.len();
    out
}

fn place(trial: &Trial, spots: &[Spot], ping: &Ping) -> Option<usize> {
    let far = |s: &Spot| s.cell.distance(ping.easting, ping.northing);
    let near = spots.iter().enumerate().map(|(i, s)| (far(s), i)).filter(|(d, _)| *d <= trial.gps.tolerance_m);
    near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
}

/// What one hot spot got in one shift of one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    /// Day of analysis.
    pub day: NaiveDate,
    /// Shift, by its place in the trial file; `None` in a gap between shifts.
    pub shift: Option<usize>,
    /// Hot spot.
    pub spot: usize,
    /// Arm of that day.
    pub arm: Arm,
    /// Visits that the plan wanted.
    pub intended: u64,
    /// Visits made.
    pub visits: u64,
    /// Minutes of all visits; two units at once count twice.
    pub minutes: f64,
    /// Visits of 10 to 20 minutes.
    pub in_range: u64,
}

/// Dosage of the whole trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Dosage {
    /// Rows in which something was intended or done, by day, shift and hot spot.
    pub rows: Vec<Dose>,
    /// Median length of a visit, minutes.
    pub median_minutes: Option<f64>,
    /// Median time from the start of one visit to that of the next at the same place in the same shift, minutes.
    pub median_gap: Option<f64>,
    /// Visits outside the days of the trial.
    pub outside: u64,
}

/// Sets visits against the plan.
#[must_use]
pub fn dosage(trial: &Trial, times: &Times, assignment: &Assignment, stays: &Stays) -> Dosage {
    let mut rows: BTreeMap<(NaiveDate, Option<usize>, usize), Dose> = BTreeMap::new();
    let row = |day: NaiveDate, shift: Option<usize>, spot: usize| {
        let arm = assignment.arm(spot, day)?;
        let patrolled = shift.and_then(|s| trial.shifts.get(s)).is_some_and(|s| s.patrolled);
        let intended = if arm == Arm::Treatment && patrolled { u64::from(trial.dose.visits_per_shift) } else { 0 };
        Some(Dose { day, shift, spot, arm, intended, visits: 0, minutes: 0.0, in_range: 0 })
    };
    for day in times.trial.iter() {
        for spot in assignment.treated(day) {
            for (s, _) in trial.shifts.iter().enumerate().filter(|(_, s)| s.patrolled) {
                rows.extend(row(day, Some(s), spot).map(|r| ((day, Some(s), spot), r)));
            }
        }
    }
    let mut outside = 0;
    let mut starts: Vec<(NaiveDate, Option<usize>, usize, DateTime<Utc>)> = Vec::new();
    for stay in &stays.visits {
        let at = local(stay.start);
        let (day, shift) = (times.day(at), times.shift(at));
        let Some(new) = row(day, shift, stay.spot) else {
            outside += 1;
            continue;
        };
        let dose = rows.entry((day, shift, stay.spot)).or_insert(new);
        dose.visits += 1;
        dose.minutes += stay.minutes;
        dose.in_range += u64::from((10.0..=20.0).contains(&stay.minutes));
        starts.push((day, shift, stay.spot, stay.start));
    }
    starts.sort_unstable();
    let gaps = starts.windows(2).filter(|w| (w[0].0, w[0].1, w[0].2) == (w[1].0, w[1].1, w[1].2));
    let gaps = gaps.map(|w| (w[1].3 - w[0].3).num_milliseconds() as f64 / 60_000.0).collect();
    Dosage {
        rows: rows.into_values().collect(),
        median_minutes: median(stays.visits.iter().map(|s| s.minutes).collect()),
        median_gap: median(gaps),
        outside,
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { None } else { Some((values[(n - 1) / 2] + values[n / 2]) / 2.0) }
}

/// A part and its whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Part.
    pub part: u64,
    /// Whole.
    pub whole: u64,
}

impl Share {
    /// In words: `98 of 100 (98.0 %)`.
    #[must_use]
    pub fn words(self) -> String {
        match self.value() {
            Some(v) => format!("{} of {} ({:.1} %)", self.part, self.whole, 100.0 * v),
            None => "none".to_owned(),
        }
    }

    /// 0 to 1; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }
}

/// How well the plan was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Compliance {
    /// Visits made in treated hot spots and patrolled shifts, of those intended. May exceed the whole.
    pub visits: Share,
    /// Treated days of hot spots with a visit at least.
    pub treated_days: Share,
    /// Treated days of hot spots with as many visits as intended.
    pub full_days: Share,
    /// Control days of hot spots that were visited all the same.
    pub contaminated: Share,
    /// Visits of 10 to 20 minutes.
    pub in_range: Share,
    /// Minutes on a treated day of a hot spot, mean.
    pub minutes_per_treated_day: Option<f64>,
}

/// Sums the dosage up.
#[must_use]
pub fn compliance(assignment: &Assignment, dosage: &Dosage) -> Compliance {
    let mut by_day: BTreeMap<(NaiveDate, usize), (u64, u64)> = BTreeMap::new();
    let (mut visits, mut in_range, mut minutes) = (Share::default(), Share::default(), 0.0);
    for row in &dosage.rows {
        let day = by_day.entry((row.day, row.spot)).or_default();
        *day = (day.0 + row.intended, day.1 + row.visits);
        if row.intended > 0 {
            visits.whole += row.intended;
            visits.part += row.visits;
        }
        in_range.part += row.in_range;
        in_range.whole += row.visits;
        minutes += if row.arm == Arm::Treatment { row.minutes } else { 0.0 };
    }
    let days = |arm: Arm| (0..assignment.spots.len()).map(|s| assignment.days_in(s, arm) as u64).sum::<u64>();
    let visited = |arm: Arm, enough: &dyn Fn(&(u64, u64)) -> bool| {
        by_day.iter().filter(|((d, s), n)| assignment.arm(*s, *d) == Some(arm) && enough(n)).count() as u64
    };
    let treated = days(Arm::Treatment);
    Compliance {
        visits,
        treated_days: Share { part: visited(Arm::Treatment, &|n| n.1 > 0), whole: treated },
        full_days: Share { part: visited(Arm::Treatment, &|n| n.1 >= n.0), whole: treated },
        contaminated: Share { part: visited(Arm::Control, &|n| n.1 > 0), whole: days(Arm::Control) },
        in_range,
        minutes_per_treated_day: (treated > 0).then(|| minutes / treated as f64),
    }
}

/// Dosage as CSV. No unit and no ping is in it.
#[must_use]
pub fn csv(trial: &Trial, spots: &[Spot], dosage: &Dosage) -> String {
    let row = |r: &Dose| {
        let shift = r.shift.and_then(|s| trial.shifts.get(s)).map_or("", |s| s.name.as_str());
        let spot = spots.get(r.spot).map_or("", |s| s.id.as_str());
        let [intended, visits, in_range] = [r.intended, r.visits, r.in_range].map(|n| n.to_string());
        let minutes = format!("{:.1}", r.minutes);
        [r.day.to_string(), shift.into(), spot.into(), r.arm.word().into(), intended, visits, minutes, in_range]
    };
    let header = ["day", "shift", "hot_spot", "arm", "visits_intended", "visits", "minutes", "visits_10_to_20_minutes"];
    csv_text(&header, dosage.rows.iter().map(row))
}

/// Reads from such a file on which days which hot spots were visited.
///
/// # Errors
/// When it is not a file of dosage for these hot spots.
pub fn visited(file: &str, bytes: &[u8], spots: &[Spot]) -> Result<BTreeSet<(NaiveDate, usize)>, TrialError> {
    const COLUMNS: &str = "day, hot_spot, visits";
    let table = Table::read(file, bytes)?;
    let [day, spot, visits] =
        [table.need(&["day"], COLUMNS)?, table.need(&["hot_spot"], COLUMNS)?, table.need(&["visits"], COLUMNS)?];
    let mut out = BTreeSet::new();
    for (i, row) in table.rows().iter().enumerate() {
        let place = spots.iter().position(|s| s.id == row[spot]);
        match (row[day].parse::<NaiveDate>(), place, number(&row[visits])) {
            (Ok(day), Some(place), Some(n)) => {
                if n > 0.0 {
                    out.insert((day, place));
                }
            }
            _ => {
                let what = format!("row {} has no day, hot spot of the list, or number of visits", i + 2);
                return Err(TrialError::Spots { file: file.to_owned(), what });
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::*;
    use crate::assign::assign;
    use crate::fixture::{spots, trial};
    use crate::patrols::visits;

    fn ping(unit: &str, at: &str, easting: f64) -> Ping {
        Ping { unit: unit.to_owned(), at: at.parse().unwrap(), easting, northing: 62_000.0 }
    }

    fn minutes(found: &Stays) -> Vec<(usize, f64)> {
        found.visits.iter().map(|v| (v.spot, v.minutes)).collect()
    }

    #[test]
    fn a_visit_bears_a_short_absence_and_a_wide_ping() {
        let at = |m: u32| format!("2025-05-03T14:{m:02}:00Z");
        // H01 is from 316050 to 316200; 316220 is 20 m off, 316300 is outside.
        let track: Vec<Ping> = [
            (0, 316_100.0),
            (3, 316_220.0),
            (5, 316_300.0),
            (7, 316_100.0),
            (15, 316_100.0),
            (17, 316_100.0),
            (30, 316_100.0),
        ]
        .map(|(m, e)| ping("A", &at(m), e))
        .into();
        let found = stays(&trial(), &spots(3), &track);
        // 0 to 7 is a visit; 15 to 17 and 30 are passing through.
        assert_eq!((minutes(&found), found.passing, found.units), (vec![(0, 7.0)], 2, 1));
    }

    #[test]
    fn units_do_not_mix() {
        let track = [
            ping("A", "2025-05-03T14:00:00Z", 316_100.0),
            ping("A", "2025-05-03T14:04:00Z", 316_100.0),
            ping("B", "2025-05-03T14:06:00Z", 316_100.0),
            ping("B", "2025-05-03T14:10:00Z", 316_100.0),
        ];
        assert_eq!((stays(&trial(), &spots(1), &track).passing), 2);
        assert_eq!(stays(&trial(), &spots(1), &[]), Stays::default());
    }

    /// Patrols that walk their sheets comply to the full; what is planned is what is read back.
    #[test]
    fn sheets_walked_are_dosage_read_back() {
        let (trial, spots) = (trial(), spots(20));
        let times = Times::new(&trial);
        let assignment = assign(&trial, &times, &spots).unwrap();
        let mut track = Vec::new();
        for day in times.trial.iter().take(30) {
            for v in visits(&trial, &times, &spots, &assignment, day).unwrap() {
                let (easting, northing) = spots[v.spot].cell.centre();
                for m in 0..=15 {
                    track.push(Ping {
                        unit: format!("U{}", v.unit),
                        at: v.start + Duration::minutes(m),
                        easting,
                        northing,
                    });
                }
            }
        }
        track.sort_by(|a, b| (&a.unit, a.at).cmp(&(&b.unit, b.at)));
        let found = dosage(&trial, &times, &assignment, &stays(&trial, &spots, &track));
        let kept = compliance(&assignment, &found);
        assert_eq!((kept.visits.part, kept.in_range), (30 * 8 * 4, Share { part: 960, whole: 960 }));
        assert_eq!(
            (kept.treated_days, kept.full_days),
            (Share { part: 240, whole: 720 }, Share { part: 240, whole: 720 })
        );
        assert_eq!((kept.contaminated, found.median_minutes), (Share { part: 0, whole: 1_080 }, Some(15.0)));
        assert!((60.0..=150.0).contains(&found.median_gap.unwrap()));
        let text = csv(&trial, &spots, &found);
        assert!(!text.contains("U1") && text.lines().count() == 721);
        assert_eq!(visited("d.csv", text.as_bytes(), &spots).unwrap().len(), 240);
        assert!(visited("d.csv", text.replace("H03", "H99").as_bytes(), &spots).is_err());
    }

    #[test]
    fn control_days_that_were_walked_are_seen() {
        let (trial, spots) = (trial(), spots(20));
        let times = Times::new(&trial);
        let assignment = assign(&trial, &times, &spots).unwrap();
        let day = times.trial.from;
        let control = (0..20).find(|s| assignment.arm(*s, day) == Some(Arm::Control)).unwrap();
        let start = times.span(day, &trial.shifts[2]).0;
        let found = Stays {
            visits: vec![
                Stay { spot: control, start, minutes: 12.0 },
                Stay { spot: 0, start: start - Duration::days(400), minutes: 9.0 },
            ],
            passing: 0,
            units: 1,
        };
        let dosage = dosage(&trial, &times, &assignment, &found);
        let kept = compliance(&assignment, &dosage);
        assert_eq!((kept.contaminated.part, dosage.outside, kept.visits.part), (1, 1, 0));
        assert_eq!(kept.in_range, Share { part: 1, whole: 1 });
    }

    proptest! {
        /// Minutes of visits and nothing else: no more than between a unit's first and last ping.
        #[test]
        fn time_is_not_made(steps in prop::collection::vec((0i64..600, 316_000.0..318_000.0f64), 1..200)) {
            let mut at: DateTime<Utc> = "2025-05-03T13:00:00Z".parse().unwrap();
            let track: Vec<Ping> = steps.iter().map(|(s, e)| {
                at += Duration::seconds(*s);
                Ping { unit: "A".to_owned(), at, easting: *e, northing: 62_000.0 }
            }).collect();
            let found = stays(&trial(), &spots(4), &track);
            let whole = (track[track.len() - 1].at - track[0].at).num_milliseconds() as f64 / 60_000.0;
            prop_assert!(found.visits.iter().map(|v| v.minutes).sum::<f64>() <= whole + 1e-9);
            prop_assert!(found.visits.iter().all(|v| v.minutes >= 5.0));
        }
    }
}

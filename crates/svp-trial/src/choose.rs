//! Chooses hot spots: squares in the order of their volume, as far apart as the plan wants, none on ground left out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;
use svp_contract::{Hours, Square, Trial, length};

use crate::TrialError;
use crate::clock::Times;
use crate::rows::{Event, Exclusion};
use crate::spots::Spot;

/// What was chosen and what was passed over.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Hot spots in rank order.
    pub spots: Vec<Spot>,
    /// Squares with an event in the hours that count.
    pub cells: usize,
    /// Events in those hours, on all squares.
    pub events: u64,
    /// Squares passed over because they lie on ground left out.
    pub excluded: usize,
    /// Squares passed over because they lie too near to one chosen.
    pub near: usize,
    /// Quarters of the baseline.
    pub quarters: usize,
}

impl Chosen {
    /// Share of all events that lies in the hot spots, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        let held: u64 = self.spots.iter().map(|s| s.events).sum();
        if self.events == 0 { 0.0 } else { held as f64 / self.events as f64 }
    }
}

/// Whether an event falls into the hours that count.
#[must_use]
pub fn counts(trial: &Trial, event: &Event) -> bool {
    match trial.hours {
        Hours::All => true,
        Hours::Patrolled => event.shift.and_then(|s| trial.shifts.get(s)).is_some_and(|s| s.patrolled),
    }
}

#[derive(Default)]
struct Tally {
    events: u64,
    harm: f64,
    by_shift: Vec<u64>,
    quarters: BTreeSet<i32>,
    points: BTreeMap<(u64, u64), u64>,
}

/// Chooses greedily: the best square first, then the best that is far enough from all chosen. Equal squares go by
/// northing, then easting.
///
/// # Errors
/// When nothing happened in the baseline, or fewer squares can be chosen than the plan wants.
pub fn choose(trial: &Trial, times: &Times, events: &[Event], exclusions: &[Exclusion]) -> Result<Chosen, TrialError> {
    let quarter = |e: &Event| e.day.year() * 4 + i32::try_from(e.day.month0() / 3).unwrap_or(0);
    let mut tallies: BTreeMap<(i64, i64), (Square, Tally)> = BTreeMap::new();
    for event in events.iter().filter(|e| times.baseline.has(e.day)) {
        let Some(cell) = Square::containing(event.easting, event.northing, i64::from(trial.cell_m)) else { continue };
        let (_, tally) = tallies
            .entry((cell.northing, cell.easting))
            .or_insert_with(|| (cell, Tally { by_shift: vec![0; trial.shifts.len()], ..Tally::default() }));
        if let Some(n) = event.shift.and_then(|s| tally.by_shift.get_mut(s)) {
            *n += event.count;
        }
        if counts(trial, event) {
            tally.events += event.count;
            tally.harm += event.harm;
            tally.quarters.insert(quarter(event));
            *tally.points.entry((event.easting.to_bits(), event.northing.to_bits())).or_default() += event.count;
        }
    }
    let mut ranked: Vec<Spot> = tallies.into_values().filter(|(_, t)| t.events > 0).map(spot).collect();
    let all: u64 = ranked.iter().map(|s| s.events).sum();
    if all == 0 {
        return Err(TrialError::NoEvents {
            what: "the baseline, in the hours that count".to_owned(),
            read: events.len() as u64,
        });
    }
    let cells = ranked.len();
    // A stable sort: what is equal stays in the order of northing and easting.
    ranked.sort_by(|a, b| b.volume(trial.measure).total_cmp(&a.volume(trial.measure)));
    ranked.retain(|s| s.events >= trial.min_events && s.volume(trial.measure) > 0.0);
    let enough = ranked.len();
    let (mut spots, mut excluded, mut near): (Vec<Spot>, usize, usize) = (Vec::new(), 0, 0);
    for mut candidate in ranked {
        if spots.len() == trial.hot_spots {
            break;
        }
        if exclusions.iter().any(|x| touches(x, &candidate.cell)) {
            excluded += 1;
        } else if spots.iter().any(|s| s.cell.gap(&candidate.cell) < trial.min_distance_m) {
            near += 1;
        } else {
            candidate.id = Spot::name(spots.len());
            spots.push(candidate);
        }
    }
    if spots.len() < trial.hot_spots {
        return Err(TrialError::TooFew { found: spots.len(), wanted: trial.hot_spots, cells: enough });
    }
    let quarters: BTreeSet<i32> =
        times.baseline.iter().map(|d| d.year() * 4 + i32::try_from(d.month0() / 3).unwrap_or(0)).collect();
    Ok(Chosen { spots, cells, events: all, excluded, near, quarters: quarters.len() })
}

fn spot((cell, tally): (Square, Tally)) -> Spot {
    let most = tally.points.values().copied().max().unwrap_or(0);
    Spot {
        id: String::new(),
        cell,
        events: tally.events,
        harm: tally.harm,
        by_shift: tally.by_shift,
        quarters: tally.quarters.len() as u64,
        one_point: if tally.events == 0 { 0.0 } else { most as f64 / tally.events as f64 },
    }
}

/// Whether ground left out reaches into a square.
fn touches(exclusion: &Exclusion, cell: &Square) -> bool {
    match exclusion {
        Exclusion::Circle { easting, northing, radius_m } => cell.distance(*easting, *northing) <= *radius_m,
        Exclusion::Polygon(ring) => {
            let (e, n) = cell.centre();
            inside(ring, e, n)
                || ring.iter().any(|(e, n)| cell.distance(*e, *n) == 0.0)
                || ring.iter().zip(ring.iter().cycle().skip(1)).any(|(a, b)| crosses(*a, *b, cell))
        }
    }
}

/// Whether a point lies in a ring (even-odd rule).
fn inside(ring: &[(f64, f64)], e: f64, n: f64) -> bool {
    ring.iter()
        .zip(ring.iter().cycle().skip(1))
        .filter(|((_, n1), (_, n2))| (*n1 > n) != (*n2 > n))
        .filter(|((e1, n1), (e2, n2))| e < (e2 - e1) * (n - n1) / (n2 - n1) + e1)
        .count()
        % 2
        == 1
}

/// Whether a line meets a square (Liang and Barsky).
fn crosses(a: (f64, f64), b: (f64, f64), cell: &Square) -> bool {
    let [(west, south), _, (east, north), _] = cell.corners();
    let (de, dn) = (b.0 - a.0, b.1 - a.1);
    if length(de, dn) == 0.0 {
        return false;
    }
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (p, q) in [(-de, a.0 - west), (de, east - a.0), (-dn, a.1 - south), (dn, north - a.1)] {
        if p == 0.0 {
            if q < 0.0 {
                return false;
            }
        } else if p < 0.0 {
            from = from.max(q / p);
        } else {
            to = to.min(q / p);
        }
    }
    from <= to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use svp_contract::Advice;

    use super::*;
    use crate::fixture::{event, trial, trial_with};

    /// Squares in a row, the i-th with `counts[i]` events.
    fn row(counts: &[usize], step: f64) -> Vec<Event> {
        let each = |(i, n): (usize, &usize)| {
            (0..*n)
                .map(move |k| event(300_075.0 + step * i as f64 + k as f64, 60_075.0, "2024-06-01"))
                .collect::<Vec<_>>()
        };
        counts.iter().enumerate().flat_map(each).collect()
    }

    fn pick(n: usize, distance: u32, events: &[Event], exclusions: &[Exclusion]) -> Result<Chosen, TrialError> {
        let trial = trial_with(&[
            ("hot_spots = 20", &format!("hot_spots = {n}")),
            ("min_distance_m = 150", &format!("min_distance_m = {distance}")),
        ]);
        choose(&trial, &Times::new(&trial), events, exclusions)
    }

    fn names(chosen: &Chosen) -> Vec<(i64, u64)> {
        chosen.spots.iter().map(|s| ((s.cell.easting - 300_000) / 150, s.events)).collect()
    }

    #[test]
    fn the_worst_first_and_none_too_near() {
        let events = row(&[3, 9, 8, 1, 7, 2], 150.0);
        assert_eq!(names(&pick(3, 0, &events, &[]).unwrap()), [(1, 9), (2, 8), (4, 7)]);
        assert!(matches!(pick(3, 150, &events, &[]), Err(TrialError::TooFew { found: 2, .. })));
        let apart = pick(2, 150, &events, &[]).unwrap();
        // After square 1, squares 0 and 2 are too near; after 4 so are 3 and 5: the third is nowhere.
        assert_eq!(names(&apart), [(1, 9), (4, 7)]);
        assert!(
            apart
                .spots
                .iter()
                .enumerate()
                .all(|(i, a)| apart.spots[i + 1..].iter().all(|b| a.cell.gap(&b.cell) >= 150.0))
        );
        assert_eq!(apart.spots[0].id, "H01");
    }

    #[test]
    fn ground_left_out() {
        let events = row(&[3, 9, 8, 1], 150.0);
        let circle = Exclusion::Circle { easting: 300_225.0, northing: 60_000.0, radius_m: 10.0 };
        assert_eq!(names(&pick(2, 0, &events, &[circle]).unwrap()), [(2, 8), (0, 3)]);
        // A long thin strip that has neither a corner in the square nor the square's middle in it.
        let strip = Exclusion::Polygon(vec![
            (300_160.0, 50_000.0),
            (300_170.0, 50_000.0),
            (300_170.0, 70_000.0),
            (300_160.0, 70_000.0),
        ]);
        let chosen = pick(2, 0, &events, &[strip]).unwrap();
        assert_eq!((names(&chosen), chosen.excluded), (vec![(2, 8), (0, 3)], 1));
    }

    #[test]
    fn too_little_is_said() {
        let trial = trial();
        let times = Times::new(&trial);
        let none = choose(&trial, &times, &[], &[]).unwrap_err();
        assert!(matches!(none, TrialError::NoEvents { .. }) && none.hint().is_some());
        // Events in hours that do not count are none.
        let mut night = row(&[5, 5], 600.0);
        night.iter_mut().for_each(|e| e.shift = Some(2));
        assert!(matches!(choose(&trial, &times, &night, &[]), Err(TrialError::NoEvents { .. })));
        // All in one square.
        let one = choose(&trial, &times, &row(&[50], 150.0), &[]).unwrap_err();
        assert_eq!(one, TrialError::TooFew { found: 1, wanted: 20, cells: 1 });
        assert!(one.hint().unwrap().contains("hot_spots"));
    }

    #[test]
    fn one_point_is_seen() {
        let mut events = row(&[4, 4], 600.0);
        for e in &mut events[..4] {
            e.easting = 300_075.0;
        }
        let chosen = pick(2, 0, &events, &[]).unwrap();
        assert_eq!(chosen.spots.iter().map(|s| s.one_point).collect::<Vec<_>>(), [1.0, 0.25]);
        assert_eq!((chosen.spots[0].quarters, chosen.quarters), (1, 8));
        assert!((chosen.share() - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_nothing(counts in prop::collection::vec(0usize..6, 6..20), distance in 0u32..600, turn in 0usize..50) {
            let mut events = row(&counts, 150.0);
            let first = pick(3, distance, &events, &[]);
            if !events.is_empty() {
                let turn = turn % events.len();
                events.rotate_left(turn);
            }
            let again = pick(3, distance, &events, &[]);
            prop_assert_eq!(first.as_ref().map(|c| c.spots.clone()).ok(), again.map(|c| c.spots).ok());
            if let Ok(chosen) = first {
                for (i, a) in chosen.spots.iter().enumerate() {
                    for b in &chosen.spots[i + 1..] {
                        prop_assert!(a.cell.gap(&b.cell) >= f64::from(distance) && a.events >= b.events);
                    }
                }
            }
        }
    }
}

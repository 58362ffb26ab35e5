//! Where an event counts: in a hot spot, in a ring around one, or nowhere. Each event counts once.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use svp_contract::Trial;

use crate::choose::counts;
use crate::clock::Times;
use crate::rows::Event;
use crate::spots::Spot;

/// Where an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the hot spot.
    Inside,
    /// In a ring, from 0 for the innermost.
    Ring(usize),
}

/// The hot spot and place of a point, and whether it lies in the rings of more than one. Inside of a hot spot goes before
/// rings; of several rings the nearest hot spot's counts, of equally near ones the first in the list.
#[must_use]
pub fn locate(spots: &[Spot], rings_m: &[f64], easting: f64, northing: f64) -> Option<(usize, Place, bool)> {
    if let Some(inside) = spots.iter().position(|s| s.cell.has(easting, northing)) {
        return Some((inside, Place::Inside, false));
    }
    let widest = *rings_m.last()?;
    let far = |s: &Spot| s.cell.distance(easting, northing);
    let near: Vec<(f64, usize)> =
        spots.iter().enumerate().map(|(i, s)| (far(s), i)).filter(|(d, _)| *d <= widest).collect();
    let (distance, spot) = near.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let ring = rings_m.iter().position(|r| distance <= *r)?;
    Some((spot, Place::Ring(ring), near.len() > 1))
}

/// Events and harm.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    /// Events.
    pub events: u64,
    /// Harm.
    pub harm: f64,
}

/// Counts of one kind of place, by day and hot spot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Field(pub BTreeMap<(NaiveDate, usize), Sum>);

impl Field {
    fn add(&mut self, event: &Event, spot: usize) {
        let sum = self.0.entry((event.day, spot)).or_default();
        sum.events += event.count;
        sum.harm += event.harm;
    }

    /// Two fields together.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (key, sum) in &other.0 {
            let mine = self.0.entry(*key).or_default();
            mine.events += sum.events;
            mine.harm += sum.harm;
        }
        self
    }

    /// Events of the baseline by hot spot.
    #[must_use]
    pub fn before(&self, times: &Times, spots: usize) -> Vec<Sum> {
        let mut out = vec![Sum::default(); spots];
        for ((_, spot), sum) in self.0.iter().filter(|((day, _), _)| times.baseline.has(*day)) {
            out[*spot].events += sum.events;
            out[*spot].harm += sum.harm;
        }
        out
    }
}

/// All that happened in and around the hot spots, in the hours that count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// In the hot spots.
    pub inside: Field,
    /// In each ring.
    pub rings: Vec<Field>,
    /// Events in the rings of more than one hot spot; each counts for the nearest.
    pub shared: u64,
    /// Events beyond all rings.
    pub beyond: u64,
    /// Last day with an event anywhere.
    pub last: Option<NaiveDate>,
}

/// Places events.
#[must_use]
pub fn outcome(trial: &Trial, spots: &[Spot], events: &[Event]) -> Outcome {
    let rings = &trial.outcome.rings_m;
    let mut out = Outcome { rings: vec![Field::default(); rings.len()], ..Outcome::default() };
    for event in events.iter().filter(|e| counts(trial, e)) {
        out.last = out.last.max(Some(event.day));
        match locate(spots, rings, event.easting, event.northing) {
            Some((spot, Place::Inside, _)) => out.inside.add(event, spot),
            Some((spot, Place::Ring(ring), shared)) => {
                out.rings[ring].add(event, spot);
                out.shared += if shared { event.count } else { 0 };
            }
            None => out.beyond += event.count,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{event, spots, trial};

    const RINGS: [f64; 2] = [150.0, 300.0];

    #[test]
    fn each_event_counts_once_for_the_nearest() {
        // H01 is 316050 to 316200, H02 begins at 316650; between them 450 m.
        let spots = spots(2);
        let at = |e: f64| locate(&spots, &RINGS, e, 62_000.0);
        assert_eq!(at(316_100.0), Some((0, Place::Inside, false)));
        assert_eq!(at(316_300.0), Some((0, Place::Ring(0), false)));
        assert_eq!(at(316_360.0), Some((0, Place::Ring(1), true)));
        assert_eq!(at(316_425.0), Some((0, Place::Ring(1), true)), "equally near: the first of the list");
        assert_eq!(at(316_426.0), Some((1, Place::Ring(1), true)));
        assert_eq!(at(317_400.0), None);
        assert_eq!(locate(&spots, &[], 316_300.0, 62_000.0), None);
    }

    proptest! {
        #[test]
        fn nothing_is_counted_twice_or_lost(places in prop::collection::vec((315_500.0..318_500.0f64, 61_500.0..62_500.0f64), 0..200)) {
            let (trial, spots) = (trial(), spots(4));
            let events: Vec<Event> = places.iter().map(|(e, n)| event(*e, *n, "2025-05-03")).collect();
            let found = outcome(&trial, &spots, &events);
            let sum = |f: &Field| f.0.values().map(|s| s.events).sum::<u64>();
            let counted = sum(&found.inside) + found.rings.iter().map(sum).sum::<u64>() + found.beyond;
            prop_assert_eq!(counted, events.len() as u64);
        }
    }
}

//! The hours of the week in which things happen, in local time.

use chrono::{Datelike, Days, Duration, NaiveDateTime, Timelike, Weekday};

use super::Period;
use crate::dice::Dice;
use crate::place::Hotspot;

/// A set of weights over the hours of the week.
#[derive(Debug, Clone)]
pub struct Pattern(Vec<f64>);

/// The hour of the week of a local time: 0 = Monday 00:00.
#[must_use]
pub fn hour_of_week(at: NaiveDateTime) -> usize {
    at.weekday().num_days_from_monday() as usize * 24 + at.hour() as usize
}

const PUBLIC: [f64; 24] = [
    2.4, 2.2, 1.7, 1.1, 0.6, 0.3, 0.15, 0.25, 0.4, 0.4, 0.5, 0.6, 0.7, 0.7, 0.8, 1.1, 1.1, 1.2, 1.9, 2.2, 2.6, 3.0,
    3.4, 3.4,
];
const DOMESTIC: [f64; 24] = [
    1.9, 1.5, 1.0, 0.6, 0.4, 0.3, 0.3, 0.4, 0.5, 0.5, 0.6, 0.6, 0.7, 0.7, 0.7, 0.8, 1.0, 1.2, 2.4, 2.7, 2.9, 3.0, 2.9,
    2.5,
];
const DAYTIME: [f64; 24] = [
    0.5, 0.4, 0.3, 0.2, 0.2, 0.2, 0.3, 0.6, 1.0, 1.3, 1.6, 1.8, 1.9, 1.9, 2.0, 2.2, 2.2, 2.0, 1.6, 1.4, 1.2, 1.0, 0.9,
    0.7,
];

fn week(day: &[f64; 24], weekend: f64) -> Pattern {
    let weights = (0..168)
        .map(|slot| {
            let (weekday, hour) = (slot / 24, slot % 24);
            let busy = match weekday {
                4 => hour >= 18,
                5 => true,
                6 => hour < 6,
                _ => false,
            };
            day[hour] * if busy { weekend } else { 1.0 }
        })
        .collect();
    Pattern(weights)
}

impl Pattern {
    /// Violence in public away from the hotspots.
    #[must_use]
    pub fn public() -> Self {
        week(&PUBLIC, 1.9)
    }

    /// Violence at home.
    #[must_use]
    pub fn domestic() -> Self {
        week(&DOMESTIC, 1.5)
    }

    /// Everything else.
    #[must_use]
    pub fn daytime() -> Self {
        week(&DAYTIME, 1.0)
    }

    /// A hotspot: its own hours, and one event in twenty at any public hour.
    #[must_use]
    pub fn of(hotspot: &Hotspot) -> Self {
        let mut weights = vec![0.0; 168];
        for (weekday, first, count, weight) in hotspot.hours {
            for hour in *first..first + count {
                weights[weekday * 24 + hour] += weight;
            }
        }
        let own: f64 = weights.iter().sum();
        let public = Self::public();
        let all: f64 = public.0.iter().sum();
        for (weight, other) in weights.iter_mut().zip(&public.0) {
            *weight = *weight / own * 0.95 + other / all * 0.05;
        }
        Self(weights)
    }

    /// The share of each hour.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let all: f64 = self.0.iter().sum();
        self.0.iter().map(|weight| weight / all).collect()
    }
}

/// Draws times of one month from patterns.
#[derive(Debug)]
pub struct Clock {
    days: [Vec<u64>; 7],
    first: chrono::NaiveDate,
}

impl Clock {
    /// The clock of a month.
    #[must_use]
    pub fn new(period: Period, month: u32) -> Self {
        let (first, last) = (period.first(month), period.last(month));
        let mut days: [Vec<u64>; 7] = Default::default();
        for number in 0..=(last - first).num_days() as u64 {
            let weekday = (first + Days::new(number)).weekday();
            days[weekday.num_days_from_monday() as usize].push(number);
        }
        Self { days, first }
    }

    /// A local time. Never inside an hour that the clock change doubles or leaves out.
    pub fn draw(&self, pattern: &Pattern, dice: &mut Dice) -> NaiveDateTime {
        let slot = dice.weighted(&pattern.0);
        let day = self.first + Days::new(*dice.pick(&self.days[slot / 24]));
        let minute = dice.below(60) as u32;
        let at = day.and_hms_opt((slot % 24) as u32, minute, 0).unwrap_or_default();
        if clock_change(at) { at + Duration::hours(2) } else { at }
    }
}

/// Whether a local time lies in the hour from 01:00 on the last Sunday of March or October.
#[must_use]
pub fn clock_change(at: NaiveDateTime) -> bool {
    matches!(at.month(), 3 | 10) && at.weekday() == Weekday::Sun && at.day() > 24 && at.hour() == 1
}

//! How events without people are matched: `pipelines/linkage/events.toml`.

use serde::Deserialize;

use crate::{Problem, parse};

/// What is matched: a condition over the columns of `event` for each side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventScope {
    /// Events of the police.
    pub police: String,
    /// Events of hospitals.
    pub health: String,
}

/// Which pairs are looked at, in time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventWindow {
    /// Hours that an arrival may lie before the crime's window.
    pub before_hours: u32,
    /// Hours that an arrival may lie after it.
    pub after_hours: u32,
    /// Longest window of a crime that is matched at all, hours.
    pub longest_hours: u32,
}

/// Classes of the time between two events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTimes {
    /// Length up to which the windows of both together are as good as a moment, minutes.
    pub moment_minutes: u32,
    /// Upper ends of the classes of the gap between moments, minutes, rising.
    pub gap_minutes: [u32; 3],
    /// Length from which windows are wide, hours.
    pub window_hours: u32,
    /// Upper ends of the classes of the delay until arrival, hours, rising.
    pub delay_hours: [u32; 2],
}

/// Classes of the distance between two events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventPlaces {
    /// Distance beyond which pairs of points are not looked at, m.
    pub reach_m: u32,
    /// Upper ends of the classes of distance, m, rising.
    pub distance_m: [u32; 3],
    /// What the centre of a postcode may be off, m.
    pub postcode_m: u32,
    /// What a snapped point may be off, m.
    pub snapped_m: u32,
}

/// Classes of the difference between two ages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventAges {
    /// Upper ends of the classes, years, rising.
    pub years: [u32; 2],
}

/// The negative control.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventControl {
    /// Weeks by which attendances are moved; none of them 0.
    pub weeks: Vec<i32>,
    /// Fewest pairs, true and moved, from which anything is learned.
    pub fewest_pairs: u64,
    /// Least probability of the pairs from which the number of true pairs is counted, 0 to 1.
    pub expected_from: f64,
    /// Fewest matches for which a share of chance matches is told.
    pub fewest_matches: u64,
}

/// A level of strictness.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLevel {
    /// Name.
    pub name: String,
    /// Least probability of a match, 0 to 1.
    pub probability: f64,
}

/// How events without people are matched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRules {
    /// Name; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What is matched.
    pub scope: EventScope,
    /// Pairs in time.
    pub window: EventWindow,
    /// Classes of time.
    pub time: EventTimes,
    /// Pairs and classes of place.
    pub place: EventPlaces,
    /// Classes of age.
    pub age: EventAges,
    /// Negative control.
    pub control: EventControl,
    /// Levels, the strictest first.
    #[serde(rename = "level")]
    pub levels: Vec<EventLevel>,
}

impl EventRules {
    /// Reads the file.
    ///
    /// # Errors
    /// A problem with file and line: unknown keys, classes that do not rise, levels that do not loosen, weeks of 0.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let out: Self = parse(file, text)?;
        match out.fault() {
            Some((what, hint)) => Err(Problem::new(file, what).hint(hint)),
            None => Ok(out),
        }
    }

    /// The first thing that makes no sense, and what to do.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let rising = |values: &[u32]| values.windows(2).all(|pair| pair[0] < pair[1]);
        let classes = [&self.time.gap_minutes[..], &self.time.delay_hours, &self.place.distance_m, &self.age.years];
        if !classes.into_iter().all(rising) {
            return Some((
                "the ends of classes do not rise",
                "write gap_minutes, delay_hours, distance_m and years in rising order",
            ));
        }
        if self.control.weeks.is_empty() || self.control.weeks.iter().any(|w| *w == 0 || w.abs() > 520) {
            return Some((
                "control.weeks has no week, or 0",
                "name the weeks by which attendances are moved, such as [-1, 1]",
            ));
        }
        if !(self.control.expected_from > 0.0 && self.control.expected_from < 1.0) {
            return Some(("control.expected_from is not between 0 and 1", "write it like 0.1"));
        }
        if self.levels.is_empty() {
            return Some(("there is no [[level]]", "name at least one level with its probability"));
        }
        if self.levels.iter().any(|l| !(l.probability > 0.0 && l.probability < 1.0)) {
            return Some(("the probability of a level is not between 0 and 1", "write it like 0.9"));
        }
        if !self.levels.windows(2).all(|pair| pair[0].probability > pair[1].probability) {
            return Some(("the levels do not go from strict to loose", "the highest probability comes first"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../pipelines/linkage/events.toml");

    #[test]
    fn the_shipped_file_is_read() {
        let rules = EventRules::parse("events.toml", SHIPPED).unwrap();
        assert_eq!(rules.levels.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["strict", "middle", "loose"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for (from, to, says) in [
            ("[5, 20, 60]", "[5, 60, 20]", "do not rise"),
            ("[100, 500, 2000]", "[100, 100, 2000]", "do not rise"),
            ("[-4, -3, -2, -1, 1, 2, 3, 4]", "[0, 1]", "control.weeks"),
            ("[-4, -3, -2, -1, 1, 2, 3, 4]", "[]", "control.weeks"),
            ("probability = 0.99", "probability = 0.80", "strict to loose"),
            ("probability = 0.50", "probability = 1.0", "between 0 and 1"),
            ("reach_m", "reach_metres", "unknown key"),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            let problem = EventRules::parse("events.toml", &SHIPPED.replacen(from, to, 1)).unwrap_err();
            assert!(problem.what.contains(says), "{to}: {problem}");
        }
    }
}

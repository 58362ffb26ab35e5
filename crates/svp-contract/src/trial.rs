//! The plan of a hot-spot trial: `pipelines/trials/<name>.toml`.

use serde::Deserialize;

use crate::{Day, Problem, parse};

/// What ranks squares and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Number of events.
    Events,
    /// Sum of the events' harm weights.
    Harm,
}

/// Which hours count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// Those of the patrolled shifts.
    Patrolled,
    /// All.
    All,
}

/// How it is drawn who is patrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesignKind {
    /// Neighbours in rank form pairs; one of each is treated, for the whole trial.
    MatchedPairs,
    /// Strata by volume; a share of each is treated, for the whole trial.
    Blocks,
    /// Every day a share of all hot spots is treated, drawn anew (Southend).
    Crossover,
}

impl DesignKind {
    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MatchedPairs => "matched_pairs",
            Self::Blocks => "blocks",
            Self::Crossover => "crossover",
        }
    }
}

/// First and last day, inclusive.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialDays {
    /// First.
    pub from: Day,
    /// Last.
    pub to: Day,
}

/// A named shift, in clock time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Name, one word.
    pub name: String,
    /// Start, `HH:MM`.
    pub from: String,
    /// End, `HH:MM`; at or before the start it is on the next day.
    pub to: String,
    /// Patrols of the trial walk in it.
    #[serde(default)]
    pub patrolled: bool,
}

impl Shift {
    /// Start, minutes since midnight.
    #[must_use]
    pub fn start(&self) -> u32 {
        clock(&self.from).unwrap_or(0)
    }

    /// Length by the clock, minutes, 1 to 1440.
    #[must_use]
    pub fn length(&self) -> u32 {
        match (clock(&self.to).unwrap_or(0) + DAY - self.start()) % DAY {
            0 => DAY,
            n => n,
        }
    }
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// How the trial is drawn.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// Kind.
    pub kind: DesignKind,
    /// First day of patrols.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// Share of the hot spots that are treated (crossover: on a day), between 0 and 1.
    #[serde(default = "half")]
    pub share_treated: f64,
    /// Strata of `blocks`.
    #[serde(default = "four")]
    pub blocks: usize,
    /// Untreated days after a treated one that count for neither side (crossover).
    #[serde(default)]
    pub washout_days: u32,
    /// Seed of every draw.
    pub seed: u64,
}

/// What a treated hot spot gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dose {
    /// Visits in each patrolled shift.
    pub visits_per_shift: u32,
    /// Length of a visit, minutes.
    pub minutes: u32,
    /// Least time from the start of a visit to the start of the next at the same place, minutes.
    pub least_gap_minutes: u32,
    /// Greatest such time, minutes.
    pub greatest_gap_minutes: u32,
    /// Greatest random delay of a visit, minutes.
    pub jitter_minutes: u32,
    /// Units that walk in a shift.
    pub units: u32,
    /// Speed between hot spots along a straight line, metres a minute.
    pub metres_per_minute: f64,
}

/// How pings become visits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gps {
    /// A ping belongs to a hot spot no farther than this, metres.
    pub tolerance_m: f64,
    /// A visit ends when no ping comes for longer, minutes.
    pub gap_minutes: f64,
    /// Shorter stays are passing through, minutes.
    pub least_minutes: f64,
}

/// How the effect is measured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRules {
    /// Outer edges of the rings around a hot spot, metres from its edge, rising.
    pub rings_m: Vec<f64>,
    /// Level of intervals, 0.5 to 0.999.
    pub confidence: f64,
    /// Redraws of the randomisation test.
    pub redraws: usize,
}

/// The plan of a trial.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Name, snake case; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What is tried, in words.
    #[serde(default)]
    pub description: String,
    /// Area whose lake the events come from.
    #[serde(default)]
    pub area: Option<String>,
    /// Definition of the events, for a lake.
    #[serde(default)]
    pub definition: Option<String>,
    /// Side of a square, metres; corners are multiples of it.
    pub cell_m: u32,
    /// Hot spots wanted.
    pub hot_spots: usize,
    /// Least distance between the edges of two hot spots, metres.
    pub min_distance_m: f64,
    /// Least number of baseline events of a hot spot.
    #[serde(default = "one")]
    pub min_events: u64,
    /// What ranks and is counted.
    pub measure: Measure,
    /// Index of `harm_weight.csv` by which events of a lake are weighed; a CSV of events brings its own harm.
    #[serde(default)]
    pub harm_index: Option<String>,
    /// Which hours count.
    pub hours: Hours,
    /// Start of the day of analysis, `HH:MM`.
    pub day_starts: String,
    /// Days before the trial, from which hot spots are chosen and with which it is compared.
    pub baseline: TrialDays,
    /// Shifts of a day.
    #[serde(rename = "shift")]
    pub shifts: Vec<Shift>,
    /// Draw.
    pub design: Design,
    /// Dose.
    pub dose: Dose,
    /// Pings.
    pub gps: Gps,
    /// Outcome.
    pub outcome: OutcomeRules,
}

fn half() -> f64 {
    0.5
}

fn four() -> usize {
    4
}

fn one() -> u64 {
    1
}

/// Minutes since midnight of `HH:MM`.
#[must_use]
pub fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let digits =
        |s: &str| if s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()) { s.parse::<u32>().ok() } else { None };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl Trial {
    /// Reads the file.
    ///
    /// # Errors
    /// A problem with file and, where it has one, line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let trial: Self = parse(file, text)?;
        match trial.wrong() {
            Some((what, hint)) => Err(Problem::new(file, what).hint(hint)),
            None => Ok(trial),
        }
    }

    /// The patrolled shifts.
    pub fn patrolled(&self) -> impl Iterator<Item = &Shift> {
        self.shifts.iter().filter(|s| s.patrolled)
    }

    fn wrong(&self) -> Option<(String, String)> {
        self.wrong_places().or_else(|| self.wrong_times()).or_else(|| self.wrong_design()).or_else(|| self.wrong_dose())
    }

    fn wrong_places(&self) -> Option<(String, String)> {
        let say = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
        if !(10..=10_000).contains(&self.cell_m) {
            return say("cell_m is the side of a square in metres, 10 to 10000", "Southend used 150");
        }
        if !(2..=10_000).contains(&self.hot_spots) {
            return say("hot_spots is 2 to 10000", "a trial compares places, so it needs two at least");
        }
        if !(self.min_distance_m.is_finite() && (0.0..=100_000.0).contains(&self.min_distance_m)) {
            return say(
                "min_distance_m is 0 to 100000",
                "metres between the edges of two hot spots; 0 lets them touch",
            );
        }
        if self.harm_index.as_ref().is_some_and(|index| index.trim().is_empty()) {
            return say(
                "harm_index is empty",
                "name an index of pipelines/reference/harm_weight.csv, or take the line out",
            );
        }
        None
    }

    fn wrong_times(&self) -> Option<(String, String)> {
        let time = "write clock times as \"HH:MM\", 00:00 to 23:59";
        let say = |what: String, hint: &str| Some((what, hint.to_owned()));
        if clock(&self.day_starts).is_none() {
            return say("day_starts is no clock time".to_owned(), time);
        }
        if self.baseline.from > self.baseline.to || self.design.from > self.design.to {
            return say("a period ends before it begins".to_owned(), "`from` and `to` are the first and the last day");
        }
        if self.baseline.to >= self.design.from {
            return say(
                "the baseline reaches into the trial".to_owned(),
                "let baseline.to be a day before design.from: what the trial changes is no baseline",
            );
        }
        if self.shifts.iter().any(|s| clock(&s.from).is_none() || clock(&s.to).is_none()) {
            return say("a shift's `from` or `to` is no clock time".to_owned(), time);
        }
        if !self.shifts.iter().any(|s| s.patrolled) {
            return say("no shift is patrolled".to_owned(), "write `patrolled = true` into one [[shift]] at least");
        }
        let word =
            |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if let Some(shift) = self.shifts.iter().find(|s| !word(&s.name)) {
            return say(
                format!("the shift `{}` has a name that is no plain word", shift.name),
                "names are words in small letters, such as late",
            );
        }
        self.wrong_shifts()
    }

    /// Shifts lie inside the day of analysis and do not overlap.
    fn wrong_shifts(&self) -> Option<(String, String)> {
        let begins = clock(&self.day_starts).unwrap_or(0);
        let mut spans: Vec<(u32, u32, &str)> =
            self.shifts.iter().map(|s| ((s.start() + DAY - begins) % DAY, s.length(), s.name.as_str())).collect();
        spans.sort_unstable();
        if let Some((_, _, name)) = spans.iter().find(|(start, length, _)| start + length > DAY) {
            return Some((
                format!("the shift `{name}` reaches over the start of the day of analysis"),
                "let day_starts be the hour at which a shift ends, or split the shift".to_owned(),
            ));
        }
        if let Some(pair) = spans.windows(2).find(|w| w[0].0 + w[0].1 > w[1].0) {
            return Some((
                format!("the shifts `{}` and `{}` overlap", pair[0].2, pair[1].2),
                "an event belongs to one shift only".to_owned(),
            ));
        }
        let mut names: Vec<&str> = self.shifts.iter().map(|s| s.name.as_str()).collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|w| w[0] == w[1])
            .map(|w| (format!("two shifts are called `{}`", w[0]), "give each its own name".to_owned()))
    }

    fn wrong_design(&self) -> Option<(String, String)> {
        let say = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
        let design = &self.design;
        if !(design.share_treated > 0.0 && design.share_treated < 1.0) {
            return say("design.share_treated is between 0 and 1", "Southend treated 0.4 of its hot spots on a day");
        }
        if design.kind == DesignKind::Blocks && (design.blocks == 0 || design.blocks * 2 > self.hot_spots) {
            return say(
                "design.blocks is 1 to half the number of hot spots",
                "each block needs a treated and a control spot",
            );
        }
        if design.kind != DesignKind::Crossover && design.washout_days > 0 {
            return say("design.washout_days is for a crossover", "take it out: in this design nobody crosses over");
        }
        if design.kind == DesignKind::MatchedPairs && design.share_treated != 0.5 {
            return say(
                "of a pair one is treated, so design.share_treated is 0.5",
                "take share_treated out, or choose blocks",
            );
        }
        let outcome = &self.outcome;
        if !(0.5..=0.999).contains(&outcome.confidence) {
            return say("outcome.confidence is 0.5 to 0.999", "0.95 is usual");
        }
        if !(99..=1_000_000).contains(&outcome.redraws) {
            return say("outcome.redraws is 99 to 1000000", "1999 gives a p-value to about 0.01");
        }
        let rising = outcome.rings_m.windows(2).all(|w| w[0] < w[1]);
        if !rising || outcome.rings_m.iter().any(|r| !(r.is_finite() && *r > 0.0)) {
            return say("outcome.rings_m are distances above 0 that rise", "for two rings: rings_m = [150, 300]");
        }
        None
    }

    fn wrong_dose(&self) -> Option<(String, String)> {
        let say = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
        let dose = &self.dose;
        if dose.visits_per_shift == 0 || dose.minutes == 0 || dose.units == 0 {
            return say("dose: visits_per_shift, minutes and units are 1 or more", "15 minutes by one unit is usual");
        }
        if !(dose.metres_per_minute.is_finite() && dose.metres_per_minute >= 1.0) {
            return say("dose.metres_per_minute is 1 or more", "walking is about 80, driving between towns about 500");
        }
        if dose.least_gap_minutes < dose.minutes || dose.greatest_gap_minutes <= dose.least_gap_minutes {
            return say(
                "dose: minutes ≤ least_gap_minutes < greatest_gap_minutes",
                "gaps are from the start of one visit to the start of the next",
            );
        }
        let bad = |v: f64| !(v.is_finite() && v >= 0.0);
        if bad(self.gps.tolerance_m) || bad(self.gps.gap_minutes) || bad(self.gps.least_minutes) {
            return say(
                "gps: tolerance_m, gap_minutes and least_minutes are 0 or more",
                "25 m, 5 and 5 minutes are usual",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../pipelines/trials/wessmark.toml");

    #[test]
    fn the_sample_is_sound() {
        let trial = Trial::parse("wessmark.toml", SAMPLE).unwrap();
        assert_eq!((trial.cell_m, trial.design.kind), (150, DesignKind::Crossover));
        let patrolled: Vec<_> = trial.patrolled().map(|s| (s.name.as_str(), s.start(), s.length())).collect();
        assert_eq!(patrolled, [("late", 14 * 60, 8 * 60)]);
    }

    #[test]
    fn a_night_ends_on_the_next_day() {
        let trial = Trial::parse("wessmark.toml", SAMPLE).unwrap();
        assert_eq!(trial.shifts[2].length(), 8 * 60);
    }

    #[test]
    fn what_is_wrong_is_named_with_a_hint() {
        let check = |from: &str, to: &str, says: &str| {
            assert!(SAMPLE.contains(from), "{from}");
            let text = SAMPLE.replacen(from, to, 1);
            let problem = Trial::parse("t.toml", &text).map(|_| ()).unwrap_err();
            assert!(problem.to_string().contains(says), "{problem}");
            assert!(problem.hint.is_some(), "no hint: {problem}");
        };
        check("min_distance_m", "min_distanse_m", "did you mean `min_distance_m`?");
        check("\"crossover\"\nfrom", "\"crosover\"\nfrom", "did you mean `crossover`?");
        check("hot_spots = 20", "hot_spots = 1", "2 to 10000");
        check("to = \"2025-03-31\"", "to = \"2025-02-29\"", "no day of the calendar");
        check("to = \"2025-03-31\"", "to = \"2025-05-01\"", "reaches into the trial");
        check("to = \"14:00\"", "to = \"15:00\"", "`early` and `late` overlap");
        check("from = \"22:00\"\nto = \"06:00\"", "from = \"22:00\"\nto = \"07:00\"", "over the start of the day");
        check("patrolled = true", "patrolled = false", "no shift is patrolled");
        check("share_treated = 0.4", "share_treated = 1.0", "between 0 and 1");
        check("share_treated = 0.4", "share_treated = nan", "between 0 and 1");
        check("rings_m = [150, 300]", "rings_m = [300, 150]", "that rise");
        check("least_gap_minutes = 60", "least_gap_minutes = 10", "least_gap_minutes");
        check("measure = \"events\"", "measure = \"harm\"\nharm_index = \" \"", "harm_index is empty");
        check("measure = \"events\"", "harm_idex = \"x\"", "did you mean `harm_index`?");
        check("day_starts = \"06:00\"", "day_starts = \"6am\"", "no clock time");
    }
}

//! What the trial did: intention to treat first, then as patrols were walked; in the hot spots and in the rings around them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use svp_contract::{DesignKind, Measure, Trial};
use svp_methods::rates::rate_ratio;
use svp_methods::wdd::{Areas, BeforeAfter, WddWeights, wdd, wdq};

use crate::TrialError;
use crate::assign::{Arm, Assignment};
use crate::clock::Times;
use crate::model::{Group, Row, fit};
use crate::randomise::{Weights, changes, p_value, redraws};
use crate::rings::{Field, Outcome, Sum};
use crate::spots::Spot;
use crate::stratified::{Ratio, Stratum, ratio};

/// Counts and exposure of one arm in one kind of place.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Side {
    /// Events of the baseline in the hot spots of this arm; 0 in a crossover, where every hot spot is in both.
    pub before: Sum,
    /// Events of the trial.
    pub during: Sum,
    /// Days of hot spots during the trial.
    pub days: u64,
    /// Hot spots.
    pub spots: u64,
}

/// One figure of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Where: `hot spots`, `ring to 150 m`, `all rings`.
    pub place: String,
    /// Whose days count: `intention to treat` or `per protocol`.
    pub population: &'static str,
    /// How it was made.
    pub method: &'static str,
    /// The figure; `None` where there is no answer, and `why` says so.
    pub value: Option<f64>,
    /// Interval.
    pub interval: Option<(f64, f64)>,
    /// Two-sided p.
    pub p: Option<f64>,
    /// Why there is no figure, or what to know of it.
    pub why: &'static str,
}

/// The result of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Counts by place and arm: (place, treatment, control).
    pub counts: Vec<(String, Side, Side)>,
    /// Figures, the first that counts first.
    pub estimates: Vec<Estimate>,
    /// What to know of the data.
    pub notes: Vec<String>,
}

/// What each step of the evaluation reads.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Plan.
    pub trial: &'a Trial,
    /// Its times.
    pub times: &'a Times,
    /// Hot spots.
    pub spots: &'a [Spot],
    /// Draw.
    pub assignment: &'a Assignment,
    /// Placed events.
    pub outcome: &'a Outcome,
    /// Days and hot spots that were visited, from the dosage; `None` where there is none.
    pub visited: Option<&'a BTreeSet<(NaiveDate, usize)>>,
}

/// The words for those who are counted as drawn.
pub const ITT: &str = "intention to treat";
/// The words for those who are counted as patrolled.
pub const PROTOCOL: &str = "per protocol";

/// Evaluates a trial.
///
/// # Errors
/// When nothing happened in the hot spots during the trial, or before it where the design needs it, or the design cannot be
/// drawn again.
pub fn evaluate(inputs: Inputs<'_>) -> Result<Evaluation, TrialError> {
    let Inputs { trial, times, spots, outcome, .. } = inputs;
    let events = |days: &crate::clock::Days| {
        outcome.inside.0.iter().filter(|((d, _), _)| days.has(*d)).map(|(_, s)| s.events).sum::<u64>()
    };
    let crossover = trial.design.kind == DesignKind::Crossover;
    let read = outcome.inside.0.values().map(|s| s.events).sum::<u64>();
    for (days, what, needed) in [
        (&times.trial, "the hot spots during the trial", true),
        (&times.baseline, "the hot spots during the baseline", !crossover),
    ] {
        if needed && events(days) == 0 {
            return Err(TrialError::NoEvents { what: what.to_owned(), read });
        }
    }
    let others = redraws(trial, times, spots, trial.outcome.redraws)?;
    let mut out = Evaluation { counts: Vec::new(), estimates: Vec::new(), notes: notes(&inputs) };
    let all_rings = outcome.rings.iter().fold(Field::default(), Field::with);
    let mut fields: Vec<(String, &Field)> = vec![("hot spots".to_owned(), &outcome.inside)];
    let names = trial.outcome.rings_m.iter().map(|r| format!("ring to {r} m"));
    fields.extend(names.zip(&outcome.rings));
    if outcome.rings.len() > 1 {
        fields.push(("all rings".to_owned(), &all_rings));
    }
    for (place, field) in &fields {
        let (treated, control) = sides(&inputs, field, false);
        out.counts.push((place.clone(), treated, control));
        by_randomisation(&inputs, place, field, &others, &mut out.estimates);
        out.estimates.extend(rates(&inputs, place, field, false));
    }
    out.estimates.extend(displacement(&inputs, &all_rings));
    if inputs.visited.is_some() {
        for (place, field) in &fields {
            out.estimates.extend(rates(&inputs, place, field, true));
        }
    }
    Ok(out)
}

/// The arm under which a day of a hot spot counts; `None` where it counts for neither side.
fn counted(inputs: &Inputs<'_>, spot: usize, day: NaiveDate, protocol: bool) -> Option<Arm> {
    let arm = inputs.assignment.arm(spot, day)?;
    let visited = inputs.visited.is_some_and(|v| v.contains(&(day, spot)));
    match arm {
        Arm::Treatment if protocol && !visited => None,
        Arm::Control if protocol && visited => None,
        Arm::Treatment | Arm::Control => Some(arm),
        Arm::Washout | Arm::LeftOut => None,
    }
}

/// Both sides of one hot spot.
fn of_spot(inputs: &Inputs<'_>, field: &Field, spot: usize, protocol: bool) -> [Side; 2] {
    let mut out = [Side::default(), Side::default()];
    for day in inputs.times.trial.iter() {
        let side = match counted(inputs, spot, day, protocol) {
            Some(Arm::Treatment) => &mut out[0],
            Some(Arm::Control) => &mut out[1],
            _ => continue,
        };
        side.days += 1;
        if let Some(sum) = field.0.get(&(day, spot)) {
            side.during.events += sum.events;
            side.during.harm += sum.harm;
        }
    }
    out
}

fn sides(inputs: &Inputs<'_>, field: &Field, protocol: bool) -> (Side, Side) {
    let before = field.before(inputs.times, inputs.spots.len());
    let mut out = [Side::default(), Side::default()];
    for (spot, before) in before.iter().enumerate() {
        for (all, one) in out.iter_mut().zip(of_spot(inputs, field, spot, protocol)) {
            all.days += one.days;
            all.during.events += one.during.events;
            all.during.harm += one.during.harm;
            if one.days > 0 {
                all.spots += 1;
                if inputs.trial.design.kind != DesignKind::Crossover {
                    all.before.events += before.events;
                    all.before.harm += before.harm;
                }
            }
        }
    }
    let [treated, control] = out;
    (treated, control)
}

/// What is read off a sum.
type Reading = fn(&Sum) -> f64;

/// A figure, its interval, its p.
type Figure = (f64, Option<(f64, f64)>, f64);

/// The test by randomisation, on events, and on harm where there is any.
fn by_randomisation(inputs: &Inputs<'_>, place: &str, field: &Field, others: &[Weights], out: &mut Vec<Estimate>) {
    let n = inputs.spots.len();
    let drawn = Weights::new(inputs.assignment);
    let before = field.before(inputs.times, n);
    let harm = field.0.values().any(|s| s.harm > 0.0);
    let mut measures: Vec<(&'static str, Reading)> = vec![("randomisation test, events", |s| s.events as f64)];
    if harm {
        measures.push(("randomisation test, harm", |s| s.harm));
    }
    if harm && inputs.trial.measure == Measure::Harm {
        measures.reverse();
    }
    for (method, of) in measures {
        let during = field.0.iter().filter_map(|((d, s), sum)| Some((inputs.times.trial.index(*d)?, *s, of(sum))));
        let outcomes = match inputs.trial.design.kind {
            DesignKind::Crossover => during.map(|(d, s, v)| (d * n + s, v)).collect(),
            _ => {
                let mut after = vec![0.0; n];
                during.for_each(|(_, s, v)| after[s] += v);
                changes(&before.iter().map(of).collect::<Vec<_>>(), &after)
            }
        };
        out.push(Estimate {
            place: place.to_owned(),
            population: ITT,
            method,
            value: Some(drawn.statistic(&outcomes)),
            interval: None,
            p: Some(p_value(&drawn, others, &outcomes)),
            why: match inputs.trial.design.kind {
                DesignKind::Crossover => "more (+) or fewer (-) on treated days than their share of days",
                _ => "difference of the changes, times the hot spots",
            },
        });
    }
}

/// Ratios of rates: over all, and within strata.
fn rates(inputs: &Inputs<'_>, place: &str, field: &Field, protocol: bool) -> Vec<Estimate> {
    let level = inputs.trial.outcome.confidence;
    let population = if protocol { PROTOCOL } else { ITT };
    let estimate = |method, found: Option<Figure>, why| Estimate {
        place: place.to_owned(),
        population,
        method,
        value: found.map(|f| f.0),
        interval: found.and_then(|f| f.1),
        p: found.map(|f| f.2),
        why: if found.is_some() { "" } else { why },
    };
    let (treated, control) = sides(inputs, field, protocol);
    let crude = rate_ratio(
        treated.during.events as f64,
        treated.days as f64,
        control.during.events as f64,
        control.days as f64,
        level,
    )
    .and_then(|r| Some((r.ratio?, r.interval.map(|i| (i.lower, i.upper)), r.p)));
    let mut out = vec![estimate("rate ratio, Poisson", crude, "no event, or no day, on the control side")];
    let strata = strata(inputs, field, protocol);
    let within = ratio(&strata, level).map(|Ratio { ratio, lower, upper, p, .. }| (ratio, Some((lower, upper)), p));
    out.push(estimate(
        "rate ratio within strata, cluster-robust",
        within,
        "fewer than two strata with events, or none on one side",
    ));
    let negative_binomial = "rate ratio, negative binomial, cluster-robust";
    out.push(match fit(&rows(inputs, field, protocol), level) {
        Ok((ratio, interval, p)) => estimate(negative_binomial, Some((ratio, Some(interval), p)), ""),
        Err(why) => estimate(negative_binomial, None, why),
    });
    out
}

/// The rows of the negative binomial model.
fn rows(inputs: &Inputs<'_>, field: &Field, protocol: bool) -> Vec<Row> {
    // A place or block has a small number: the cast keeps it.
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let before = field.before(inputs.times, inputs.spots.len());
    let mut out = Vec::new();
    for (spot, before) in before.iter().enumerate() {
        match inputs.trial.design.kind {
            DesignKind::Crossover => {
                for day in inputs.times.trial.iter() {
                    let Some(arm) = counted(inputs, spot, day, protocol) else { continue };
                    let events = field.0.get(&(day, spot)).map_or(0, |s| s.events);
                    let treated = arm == Arm::Treatment;
                    out.push(Row { events, treated, days: 1, group: Group::Spot(spot), cluster: number(spot) });
                }
            }
            kind => {
                let pair = kind == DesignKind::MatchedPairs;
                let cluster = number(if pair { inputs.assignment.blocks[spot] } else { spot });
                let group = Group::Baseline(before.events);
                let sides = of_spot(inputs, field, spot, protocol);
                let row =
                    |treated: bool, s: &Side| Row { events: s.during.events, treated, days: s.days, group, cluster };
                out.extend([row(true, &sides[0]), row(false, &sides[1])].into_iter().filter(|r| r.days > 0));
            }
        }
    }
    out
}

/// Crossover: each hot spot is its own stratum. Otherwise the pair or block, with what the baseline leads one to expect.
fn strata(inputs: &Inputs<'_>, field: &Field, protocol: bool) -> Vec<Stratum> {
    let crossover = inputs.trial.design.kind == DesignKind::Crossover;
    let before = field.before(inputs.times, inputs.spots.len());
    let blocks = inputs.assignment.blocks.iter().copied().max().unwrap_or(0);
    let empty = Stratum { treated: 0.0, treated_exposure: 0.0, control: 0.0, control_exposure: 0.0 };
    let mut out = vec![empty; if crossover { inputs.spots.len() } else { blocks + 1 }];
    for (spot, before) in before.iter().enumerate() {
        let [treated, control] = of_spot(inputs, field, spot, protocol);
        let expected = if crossover { 1.0 } else { before.events as f64 };
        let stratum = &mut out[if crossover { spot } else { inputs.assignment.blocks[spot] }];
        stratum.treated += treated.during.events as f64;
        stratum.treated_exposure += treated.days as f64 * expected;
        stratum.control += control.during.events as f64;
        stratum.control_exposure += control.days as f64 * expected;
    }
    out
}

/// Weighted displacement difference and quotient.
fn displacement(inputs: &Inputs<'_>, rings: &Field) -> Vec<Estimate> {
    let level = inputs.trial.outcome.confidence;
    let (t, c) = sides(inputs, &inputs.outcome.inside, false);
    let (dt, dc) = sides(inputs, rings, false);
    let crossover = inputs.trial.design.kind == DesignKind::Crossover;
    let pair = |before: u64, after: u64| BeforeAfter::new(before as f64, after as f64);
    let (areas, weights) = if crossover {
        // The same ground on other days is its own control: "before" is the control days, scaled to the treated ones.
        let areas = Areas {
            treated: pair(c.during.events, t.during.events),
            displacement_treated: pair(dc.during.events, dt.during.events),
            ..Areas::default()
        };
        (areas, WddWeights { time: (c.days as f64 / (t.days.max(1)) as f64, 1.0), ..WddWeights::default() })
    } else {
        let of = |s: &Side| pair(s.before.events, s.during.events);
        let areas =
            Areas { treated: of(&t), control: of(&c), displacement_treated: of(&dt), displacement_control: of(&dc) };
        let size = c.spots as f64 / t.spots.max(1) as f64;
        let time = (inputs.times.baseline.len() as f64 / inputs.times.trial.len().max(1) as f64, 1.0);
        (areas, WddWeights { time, control: size, displacement_control: size, ..WddWeights::default() })
    };
    let figure = |place: &str, method, areas: &Areas| {
        let found = wdd(areas, &weights, level);
        Estimate {
            place: place.to_owned(),
            population: ITT,
            method,
            value: found.map(|w| w.total.estimate),
            interval: found.map(|w| (w.lower, w.upper)),
            p: found.map(|w| w.p_two),
            why: if found.is_some() {
                "events of the whole trial; below 0 where they fell"
            } else {
                "no event, or no day, on a side"
            },
        }
    };
    let mut out = Vec::new();
    let alone =
        Areas { displacement_treated: BeforeAfter::default(), displacement_control: BeforeAfter::default(), ..areas };
    let words = if crossover {
        ["difference of treated and control days", "difference of treated and control days, with displacement"]
    } else {
        ["weighted displacement difference", "weighted displacement difference, with displacement"]
    };
    out.push(figure("hot spots", words[0], &alone));
    if !inputs.outcome.rings.is_empty() {
        out.push(figure("hot spots and rings", words[1], &areas));
    }
    let quotient = if crossover { None } else { wdq(areas.treated, areas.displacement_treated, areas.control) };
    out.push(Estimate {
        place: "hot spots and rings".to_owned(),
        population: ITT,
        method: "weighted displacement quotient",
        value: quotient.map(|q| q.wdq),
        interval: None,
        p: None,
        why: match (&quotient, crossover) {
            (_, true) => "not defined: a crossover has no control area",
            (None, false) => "not defined: the treated places did not fall against the control",
            (Some(q), false) => says(q.says()),
        },
    });
    out
}

fn says(word: svp_methods::wdd::Displacement) -> &'static str {
    use svp_methods::wdd::Displacement as D;
    match word {
        D::DiffusionBeyondEffect => "the rings gained more than the hot spots",
        D::Diffusion => "the rings gained as well",
        D::Neither => "the rings neither gained nor lost",
        D::Displacement => "displacement took a part of the gain",
        D::DisplacementBeyondEffect => "more was displaced than gained",
    }
}

/// What to know of the data.
fn notes(inputs: &Inputs<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let outcome = inputs.outcome;
    if let Some(last) = outcome.last
        && (inputs.times.trial.to - last).num_days() > 7
    {
        let gap = (inputs.times.trial.to - last).num_days();
        out.push(format!("the last event lies {gap} days before the end of the trial: the extract may be incomplete"));
    }
    if outcome.shared > 0 {
        out.push(format!(
            "{} events lie in the rings of more than one hot spot; each counts for the nearest",
            outcome.shared
        ));
    }
    if inputs.trial.design.kind == DesignKind::MatchedPairs && inputs.spots.len() < 12 {
        out.push("with fewer than six pairs no draw can be rarer than 1 in 32: the randomisation test can hardly find anything".to_owned());
    }
    if inputs.visited.is_some() {
        out.push("per protocol leaves out treated days without a visit and control days with one; what remains is no longer drawn by lot".to_owned());
    }
    out
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;

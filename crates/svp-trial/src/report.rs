//! The result as CSV, JSON and a page. It is for the partners of the pilot: its counts may be small.

use std::fmt::Write;

use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Value, json};
use svp_contract::{DesignKind, Trial};

use crate::TrialError;
use crate::dosage::{Compliance, Dosage};
use crate::evaluate::{Estimate, Evaluation, Side};
use crate::power::{Baseline, Effort, Power, PowerAt, WANTED};
use crate::table::csv_text;
use crate::templates::render;

/// What stands on every result.
pub const NOTE: &str = "For the partners of the pilot only: counts are not disclosure-controlled and may be small. Before any of it is published it goes through `svp disclose --check`.";

/// Figures as CSV.
#[must_use]
pub fn estimates_csv(found: &Evaluation) -> String {
    let mut out = String::from("place,population,method,estimate,lower,upper,p,note\n");
    for e in &found.estimates {
        let cell = |v: Option<f64>| v.map(|v| format!("{v:.4}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{},{},\"{}\",{},{},{},{},\"{}\"",
            e.place,
            e.population,
            e.method,
            cell(e.value),
            cell(e.interval.map(|i| i.0)),
            cell(e.interval.map(|i| i.1)),
            cell(e.p),
            e.why
        );
    }
    out
}

/// Result as JSON. `inputs` are the names and SHA-256 of the files behind it.
#[must_use]
pub fn json(trial: &Trial, found: &Evaluation, inputs: &[(&str, String)]) -> String {
    // Before a crossover nobody is on a side.
    let sided = trial.design.kind != DesignKind::Crossover;
    let side = |s: &Side| {
        json!({ "hot_spots": s.spots, "days": s.days, "events_before": sided.then_some(s.before.events),
            "harm_before": round(sided.then_some(s.before.harm)),
            "events_during": s.during.events, "harm_during": round(Some(s.during.harm)) })
    };
    let counts: Vec<Value> = found
        .counts
        .iter()
        .map(|(place, t, c)| json!({ "place": place, "treatment": side(t), "control": side(c) }))
        .collect();
    let estimates: Vec<Value> = found
        .estimates
        .iter()
        .map(|e| {
            json!({ "place": e.place, "population": e.population, "method": e.method, "estimate": round(e.value),
                "lower": round(e.interval.map(|i| i.0)), "upper": round(e.interval.map(|i| i.1)), "p": round(e.p), "note": e.why })
        })
        .collect();
    let inputs: Vec<Value> = inputs.iter().map(|(n, d)| json!({ "name": n, "sha256": d })).collect();
    let all = json!({
        "trial": trial.name, "design": trial.design.kind.word(), "seed": trial.design.seed,
        "confidence": trial.outcome.confidence, "redraws": trial.outcome.redraws, "inputs": inputs,
        "counts": counts, "estimates": estimates, "notes": found.notes, "note": NOTE,
    });
    format!("{all:#}\n")
}

fn round(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |v| json!((v * 1e6).round() / 1e6))
}

/// The page: plots are SVG texts with their headings.
///
/// # Errors
/// When the template cannot be filled.
pub fn html(trial: &Trial, found: &Evaluation, plots: &[(String, String)]) -> Result<String, TrialError> {
    let number = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let estimate = |e: &Estimate| {
        context! {
            place => &e.place, population => e.population, method => e.method, value => number(e.value),
            interval => e.interval.map_or_else(|| "–".to_owned(), |(a, b)| format!("{a:.3} to {b:.3}")),
            p => probability(e.p), why => e.why,
        }
    };
    // Before a crossover nobody is on a side.
    let crossover = trial.design.kind == DesignKind::Crossover;
    let count = |place: &str, side: &str, s: &Side| {
        context! {
            place, side, spots => s.spots, days => s.days, during => s.during.events,
            before => if crossover { "–".to_owned() } else { s.before.events.to_string() },
        }
    };
    let sides = |(place, treated, control): &(String, Side, Side)| {
        [count(place, "treatment", treated), count(place, "control", control)]
    };
    let values = context! {
        title => &trial.title, description => &trial.description, note => NOTE,
        design => trial.design.kind.word().replace('_', " "), seed => trial.design.seed,
        trial => [trial.design.from.to_string(), trial.design.to.to_string()],
        baseline => [trial.baseline.from.to_string(), trial.baseline.to.to_string()],
        estimates => found.estimates.iter().map(estimate).collect::<Vec<_>>(),
        counts => found.counts.iter().flat_map(sides).collect::<Vec<_>>(),
        plots => Serde(plots), notes => Serde(&found.notes),
    };
    render("report.html", include_str!("../templates/report.html"), values)
}

/// A p-value as people write it: never 0.
fn probability(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// Figures for the terminal.
#[must_use]
pub fn text(found: &Evaluation) -> String {
    let mut out = String::new();
    for e in &found.estimates {
        let value = e.value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"));
        let interval = e.interval.map(|(a, b)| format!(" ({a:.3} to {b:.3})")).unwrap_or_default();
        let p = match e.p {
            None => String::new(),
            Some(p) if p < 0.0001 => ", p <0.0001".to_owned(),
            Some(p) => format!(", p {p:.4}"),
        };
        let why = if e.value.is_none() { format!(" {}", e.why) } else { String::new() };
        let _ = writeln!(out, "{:<18} {:<19} {}: {value}{interval}{p}{why}", e.place, e.population, e.method);
    }
    for note in &found.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = write!(out, "note: {NOTE}");
    out
}

/// The table of power for the terminal.
#[must_use]
pub fn power_text(trial: &Trial, baseline: &Baseline, found: &Power, effort: Effort) -> String {
    let n = baseline.daily.len().max(1) as f64;
    let mut out = format!(
        "design {}, {} hot spots, {:.3} events a day in each, overdispersion {:.3} by day and {:.3} by 28 days\n{} simulations, {} redraws, level {}, seed {}\n\n{:>8} {:>8} {:>8}\n",
        trial.design.kind.word(),
        baseline.daily.len(),
        baseline.daily.iter().sum::<f64>() / n,
        baseline.alpha_day,
        baseline.alpha_block,
        effort.simulations,
        effort.redraws,
        effort.level,
        trial.design.seed,
        "fall",
        "power",
        "± 2 se"
    );
    for p in &found.at {
        let _ = writeln!(out, "{:>6.1} % {:>8.3} {:>8.3}", 100.0 * p.effect, p.power, 2.0 * p.error);
    }
    let _ = match found.least {
        Some(least) => write!(
            out,
            "\nleast fall that is found in {:.0} of 100 such trials: {:.1} %",
            100.0 * WANTED,
            100.0 * least
        ),
        None => write!(
            out,
            "\nno fall of these is found in {:.0} of 100 such trials: take more hot spots, more days or more hours",
            100.0 * WANTED
        ),
    };
    out
}

/// The table of power as CSV.
#[must_use]
pub fn power_csv(found: &Power) -> String {
    let row = |p: &PowerAt| [p.effect.to_string(), format!("{:.4}", p.power), format!("{:.4}", p.error)];
    csv_text(&["effect", "power", "standard_error"], found.at.iter().map(row))
}

/// How the plan was kept, for the terminal.
#[must_use]
pub fn compliance_text(kept: &Compliance, dosage: &Dosage, passing: u64) -> String {
    let number = |v: Option<f64>, unit: &str| v.map_or_else(|| "none".to_owned(), |v| format!("{v:.1} {unit}"));
    format!(
        "visits made, of those intended               {}\ntreated days of hot spots with a visit       {}\ntreated days with all visits                 {}\ncontrol days visited all the same            {}\nvisits of 10 to 20 minutes                   {}\nmedian visit                                 {}\nmedian time between two visits to a place    {}\nminutes on a treated day of a hot spot       {}\nstays too short to be a visit                {passing}\nvisits outside the days of the trial         {}",
        kept.visits.words(),
        kept.treated_days.words(),
        kept.full_days.words(),
        kept.contaminated.words(),
        kept.in_range.words(),
        number(dosage.median_minutes, "minutes"),
        number(dosage.median_gap, "minutes"),
        number(kept.minutes_per_treated_day, "minutes"),
        dosage.outside
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::ITT;
    use crate::fixture::trial;

    fn found() -> Evaluation {
        let estimate = |value, why| Estimate {
            place: "hot spots".to_owned(),
            population: ITT,
            method: "rate ratio, Poisson",
            value,
            interval: value.map(|v: f64| (v / 2.0, v * 2.0)),
            p: value.map(|_| 0.04),
            why,
        };
        Evaluation {
            counts: vec![("hot spots".to_owned(), Side::default(), Side::default())],
            estimates: vec![estimate(Some(0.5), ""), estimate(None, "no event")],
            notes: vec!["a < b".to_owned()],
        }
    }

    #[test]
    fn before_a_crossover_nobody_is_on_a_side() {
        let crossover = trial();
        let pairs = crate::fixture::trial_with(&[
            ("\"crossover\"\nfrom", "\"matched_pairs\"\nfrom"),
            ("share_treated = 0.4", "share_treated = 0.5"),
        ]);
        for (trial, before, cell) in [(crossover, Value::Null, "–"), (pairs, json!(0), "0")] {
            let parsed: Value = serde_json::from_str(&json(&trial, &found(), &[])).unwrap();
            assert_eq!(parsed["counts"][0]["control"]["events_before"], before);
            let page = html(&trial, &found(), &[]).unwrap();
            assert!(page.contains(&format!("<td class=\"n\">{cell}</td><td class=\"n\">0</td></tr>")), "{page}");
        }
    }

    #[test]
    fn a_probability_is_never_nothing() {
        let mut found = found();
        found.estimates[0].p = Some(2e-9);
        let page = html(&trial(), &found, &[]).unwrap();
        assert!(page.contains("&lt;0.001</td>") && !page.contains(">0.000<"));
        assert!(text(&found).contains("p <0.0001"));
    }

    #[test]
    fn every_form_has_the_figures_and_the_note() {
        let (trial, found) = (trial(), found());
        let csv = estimates_csv(&found);
        assert!(csv.contains("0.5000,0.2500,1.0000,0.0400") && csv.lines().count() == 3);
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        assert!(reader.records().all(|r| r.unwrap().len() == 8));
        let parsed: Value = serde_json::from_str(&json(&trial, &found, &[("events", "00".to_owned())])).unwrap();
        assert_eq!(
            (&parsed["estimates"][0]["estimate"], &parsed["estimates"][1]["estimate"]),
            (&json!(0.5), &Value::Null)
        );
        let page = html(&trial, &found, &[("Plot".to_owned(), "<svg/>".to_owned())]).unwrap();
        for text in [page, text(&found), json(&trial, &found, &[])] {
            assert!(text.contains("disclose --check") && !text.contains("NaN"));
        }
    }
}

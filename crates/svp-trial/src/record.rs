//! The record of an assignment, for publication before the first patrol: seed, design, digests, balance.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use svp_contract::{DesignKind, Trial};

use crate::assign::{Arm, Assignment};
use crate::rng::ALGORITHM;
use crate::spots::Spot;

/// SHA-256 as hex digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Means of one arm over its hot spots (crossover: over its hot spots and days).
#[derive(Debug, Clone, PartialEq)]
pub struct ArmBalance {
    /// Arm.
    pub arm: Arm,
    /// Hot spots, or hot spots times days.
    pub units: usize,
    /// Mean baseline events of a unit's hot spot; `None` without a unit.
    pub events: Option<f64>,
    /// Standard deviation of it; `None` with fewer than two units.
    pub events_sd: Option<f64>,
    /// Mean harm.
    pub harm: Option<f64>,
}

/// How alike the arms are before the trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// By arm; those without a unit are left out.
    pub arms: Vec<ArmBalance>,
    /// Difference of the mean events in standard deviations; `None` where nothing varies.
    pub standardised_difference: Option<f64>,
}

/// Balance of an assignment.
#[must_use]
pub fn balance(assignment: &Assignment, spots: &[Spot]) -> Balance {
    let one = |arm: Arm| {
        // A hot spot weighs as often as it is in the arm.
        let weights: Vec<f64> = (0..spots.len()).map(|i| weight(assignment, i, arm)).collect();
        let n: f64 = weights.iter().sum();
        let mean = |of: &dyn Fn(&Spot) -> f64| {
            (n > 0.0).then(|| spots.iter().zip(&weights).map(|(s, w)| of(s) * w).sum::<f64>() / n)
        };
        let events = mean(&|s| s.events as f64);
        let spread = events.filter(|_| n > 1.0).map(|m| {
            let squares = spots.iter().zip(&weights).map(|(s, w)| w * (s.events as f64 - m).powi(2)).sum::<f64>();
            (squares / (n - 1.0)).sqrt()
        });
        // Weights are whole numbers.
        ArmBalance { arm, units: n as usize, events, events_sd: spread, harm: mean(&|s| s.harm) }
    };
    let arms: Vec<ArmBalance> = Arm::ALL.into_iter().map(one).filter(|a| a.units > 0).collect();
    let of = |arm: Arm| arms.iter().find(|a| a.arm == arm);
    let standardised_difference = (|| {
        let (t, c) = (of(Arm::Treatment)?, of(Arm::Control)?);
        let pooled = ((t.events_sd?.powi(2) + c.events_sd?.powi(2)) / 2.0).sqrt();
        (pooled > 0.0).then_some((t.events? - c.events?) / pooled)
    })();
    Balance { arms, standardised_difference }
}

fn weight(assignment: &Assignment, spot: usize, arm: Arm) -> f64 {
    let days = assignment.days_in(spot, arm) as f64;
    if assignment.kind == DesignKind::Crossover { days } else { f64::from(u8::from(days > 0.0)) }
}

/// The record as JSON. `inputs` are the files behind the draw, each with a name.
#[must_use]
pub fn json(trial: &Trial, assignment: &Assignment, spots: &[Spot], inputs: &[(&str, &[u8])]) -> String {
    let d = &trial.design;
    let mut design = json!({
        "kind": d.kind.word(), "from": d.from, "to": d.to, "share_treated": d.share_treated,
    });
    match d.kind {
        DesignKind::Blocks => design["blocks"] = d.blocks.into(),
        DesignKind::Crossover => design["washout_days"] = d.washout_days.into(),
        DesignKind::MatchedPairs => {}
    }
    let found = balance(assignment, spots);
    let arms: Vec<Value> = found
        .arms
        .iter()
        .map(|a| {
            json!({
                "arm": a.arm.word(), "units": a.units, "mean_baseline_events": round(a.events),
                "sd_baseline_events": round(a.events_sd), "mean_baseline_harm": round(a.harm),
            })
        })
        .collect();
    let inputs: Vec<Value> = inputs.iter().map(|(n, b)| json!({ "name": n, "sha256": digest(b) })).collect();
    let record = json!({
        "trial": trial.name,
        "title": trial.title,
        "design": design,
        "seed": d.seed,
        "algorithm": ALGORITHM,
        "draw": draw_words(d.kind),
        "hot_spots": spots.len(),
        "days": assignment.days.len(),
        "inputs": inputs,
        "assignment_sha256": digest(assignment.csv().as_bytes()),
        "balance": {
            "unit": if d.kind == DesignKind::Crossover { "hot spot and day" } else { "hot spot" },
            "arms": arms,
            "standardised_difference": round(found.standardised_difference),
        },
    });
    format!("{record:#}\n")
}

/// How the numbers become arms, so that anybody can draw again.
fn draw_words(kind: DesignKind) -> &'static str {
    match kind {
        DesignKind::Crossover => {
            "day by day the list of hot spots, in the order in which the day before left it, is shuffled; the first so many are treated, so many being the share times the hot spots, rounded half up, at least 1 and not all"
        }
        DesignKind::MatchedPairs => {
            "hot spots in the order of their volume, equal ones as in the list, form pairs; pair by pair is shuffled, and the first is treated"
        }
        DesignKind::Blocks => {
            "hot spots in the order of their volume, equal ones as in the list, are cut into blocks, the first ones larger by one where they do not come out even; block by block is shuffled, and the first so many are treated, so many being the share times the block, rounded half up, at least 1 and not all"
        }
    }
}

/// Four decimals, or null.
fn round(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |v| json!((v * 1e4).round() / 1e4))
}

/// The first line in which two texts differ, from 1; `None` when they are the same.
#[must_use]
pub fn first_difference(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return None;
    }
    Some(1 + one.lines().zip(other.lines()).take_while(|(a, b)| a == b).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assign::assign;
    use crate::clock::Times;
    use crate::fixture::{spots, trial, trial_with};

    #[test]
    fn a_record_is_the_same_twice_and_names_what_it_was_made_of() {
        let (trial, spots) = (trial(), spots(20));
        let drawn = assign(&trial, &Times::new(&trial), &spots).unwrap();
        let text = json(&trial, &drawn, &spots, &[("hot spots", b"abc")]);
        assert_eq!(text, json(&trial, &drawn, &spots, &[("hot spots", b"abc")]));
        let record: Value = serde_json::from_str(&text).unwrap();
        // SHA-256 of "abc", FIPS 180-2.
        assert_eq!(record["inputs"][0]["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(record["seed"], 20_250_501);
        assert_eq!(
            (&record["balance"]["arms"][0]["units"], &record["balance"]["arms"][1]["units"]),
            (&720.into(), &1080.into())
        );
    }

    #[test]
    fn balance_has_no_answer_where_nothing_varies() {
        let trial = trial_with(&[
            ("\"crossover\"\nfrom", "\"matched_pairs\"\nfrom"),
            ("share_treated = 0.4", "share_treated = 0.5"),
        ]);
        let mut two = spots(2);
        let drawn = assign(&trial, &Times::new(&trial), &two).unwrap();
        assert_eq!(balance(&drawn, &two).standardised_difference, None);
        two[1].events = 90;
        let found = balance(&drawn, &two);
        assert_eq!(found.arms.iter().map(|a| a.units).collect::<Vec<_>>(), [1, 1]);
        assert!(!json(&trial, &drawn, &two, &[]).contains("NaN"));
    }

    #[test]
    fn the_first_difference() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\n"), Some(2));
    }
}

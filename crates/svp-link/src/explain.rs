//! `svp link --explain`: what the linkage goes by, and why two records are or are not one person.

use std::fmt::Write;

use svp_contract::{COMPARISONS, Linkage};

use crate::comparison::ComparisonVector;
use crate::linked::Linked;
use crate::model::{Counts, Model, probability};
use crate::weights::{FROM, WIDTH};

/// The plan and the model in words: candidates for each rule, m, u and weight of each level, a histogram of weights.
#[must_use]
pub fn explain(found: &Linked, linkage: &Linkage) -> String {
    let mut out = String::new();
    rules(&mut out, found);
    model(&mut out, &found.model, linkage);
    histogram(&mut out, found);
    out
}

fn rules(out: &mut String, found: &Linked) {
    let _ = writeln!(out, "blocking rules: {} candidate pairs of rows, each once\n", found.candidates);
    let _ = writeln!(out, "{:>12}  {:>8}  {:>14}  {:<40}", "pairs", "largest", "left out", "rule");
    for rule in &found.rules {
        let left = match rule.capped_blocks {
            0 => "-".to_owned(),
            n => format!("{} in {n}", rule.capped_pairs),
        };
        let _ = writeln!(out, "{:>12}  {:>8}  {left:>14}  {}", rule.pairs, rule.cap, rule.rule);
    }
    for rule in found.rules.iter().filter(|r| r.capped_blocks > 0) {
        let _ = writeln!(
            out,
            "\nrule {}: {} blocks of more than {} rows (the largest {}) are left out; other rules may propose their pairs",
            rule.rule, rule.capped_blocks, rule.cap, rule.largest
        );
    }
}

fn model(out: &mut String, model: &Model, linkage: &Linkage) {
    let ready = model.ready();
    let _ = writeln!(
        out,
        "\nmodel: one pair in {:.0} is one person before anything is compared; {:.2} rows for each person; {} rounds\n",
        1.0 / model.prior,
        model.repeats,
        model.rounds
    );
    let _ = writeln!(out, "{:<12} {:<32} {:>9} {:>11} {:>7}", "comparison", "level", "m", "u", "bits");
    for (c, comparison) in linkage.comparisons.iter().enumerate() {
        for (i, meaning) in comparison.levels.iter().enumerate().filter(|(_, m)| !m.is_empty()) {
            let (m, u) = (model.m[c][i + 1], model.u[c][i + 1]);
            let name = if i == 0 { comparison.name.as_str() } else { "" };
            let _ = writeln!(out, "{name:<12} {meaning:<32} {m:>9.5} {u:>11.8} {:>+7.2}", ready.of(c, i + 1));
        }
    }
    for other in &model.non_matches {
        let alike: Vec<&str> = COMPARISONS.iter().zip(&other.alike).filter(|(_, a)| **a).map(|(c, _)| c.name).collect();
        let _ = writeln!(
            out,
            "two people, {}: {:.3} such pairs for each pair of one person; alike in {}",
            other.name,
            other.share,
            alike.join(", ")
        );
    }
}

fn histogram(out: &mut String, found: &Linked) {
    let bins = &found.weights.bins;
    let most = bins.iter().copied().max().unwrap_or(1).max(1) as f64;
    let _ = writeln!(
        out,
        "\nweights of {} pairs of records, bits (a bar is on a scale of logarithms)\n",
        found.weights.pairs
    );
    for (i, n) in bins.iter().enumerate() {
        let from = FROM + WIDTH * i as i32;
        let bar = "#".repeat((48.0 * (1.0 + *n as f64).ln() / (1.0 + most).ln()) as usize);
        let _ = writeln!(out, "{from:>4} to {:>3}  {n:>9}  {bar}", from + WIDTH);
    }
}

/// The waterfall of one pair: from the prior, level by level, to the match weight. Vector and counts are those of the pair, as
/// [`crate::pair::compare_pair`] gives them.
#[must_use]
pub fn waterfall(model: &Model, vector: ComparisonVector, a: &Counts, b: &Counts) -> String {
    let mut out = String::new();
    let ready = model.ready();
    let parts = model.parts(&ready, vector, a, b);
    let mut sum = (model.prior / (1.0 - model.prior)).log2();
    let _ = writeln!(out, "{:<12} {:<32} {:>7} {:>7} {:>8}", "", "", "level", "rarity", "so far");
    let _ = writeln!(out, "{:<12} {:<32} {:>7} {:>7} {sum:>+8.2}", "prior", "", "", "");
    for (c, (of_level, rarity)) in parts.iter().enumerate() {
        let level = vector.level(c).checked_sub(1).and_then(|level| COMPARISONS[c].levels.get(level));
        let meaning = level.map_or("missing", |level| level.name);
        sum += of_level + rarity;
        let _ = writeln!(out, "{:<12} {meaning:<32} {of_level:>+7.2} {rarity:>+7.2} {sum:>+8.2}", COMPARISONS[c].name);
    }
    let weight = model.weight(&ready, vector, a, b);
    let _ = writeln!(
        out,
        "{:<12} {:<32} {:>7} {:>+7.2} {weight:>+8.2}",
        "others",
        "household, twins, namesakes",
        "",
        weight - sum
    );
    let _ = writeln!(out, "probability that they are one person: {:.4}", probability(weight));
    out
}

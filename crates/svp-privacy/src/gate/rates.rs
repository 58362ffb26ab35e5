//! Rates, shares and percentages from which a small count follows.

use super::read::{Cell, Column, Role, Table, words};
use super::{Findings, Rule};
use crate::Policy;

/// Checks every rate of the table.
pub(super) fn check(table: &Table, policy: &Policy, found: &mut Findings) {
    if policy.suppress_below <= 1 {
        return;
    }
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let bases: Vec<&Column> = table.of_role(Role::Base).collect();
    for rate in table.of_role(Role::Rate) {
        let scale = scale(rate);
        if scale.is_none() && !(counts.is_empty() && bases.is_empty()) {
            found.add(Rule::UnscaledRate, &rate.name, None);
        }
        // Percentages are also taken of other counts in the row, and of the whole column.
        let of_counts = scale.is_some_and(|scale| scale <= 100.0);
        let sums: Vec<f64> = counts.iter().map(|c| (0..table.rows).filter_map(|r| c.number(r)).sum()).collect();
        for row in 0..table.rows {
            let Some(value) = rate.number(row).filter(|value| *value > 0.0) else { continue };
            let hidden = counts.iter().filter(|c| matches!(c.cells[row], Cell::Hidden { .. })).count();
            if hidden > 0 && hidden == counts.len() {
                found.add_because(Rule::RevealingRate, &rate.name, row, "its count is hidden");
                continue;
            }
            let Some(scale) = scale else { continue };
            let mut wholes: Vec<f64> = bases.iter().filter_map(|base| base.number(row)).collect();
            if of_counts {
                wholes.extend(counts.iter().filter_map(|count| count.number(row)));
                wholes.extend(sums.iter().filter(|_| hidden > 0));
            }
            let follows = |whole: &f64| value * whole / scale;
            // A rate that a shown count explains gives away nothing.
            let tolerance = (policy.round_to.max(1) as f64 / 2.0).max(0.5);
            let shown =
                |n: f64| counts.iter().filter_map(|c| c.number(row)).any(|c| (c - n).abs() <= tolerance && c > 0.0);
            if wholes.iter().map(follows).any(shown) {
                continue;
            }
            let small = |n: f64| n >= 0.5 && n < policy.suppress_below as f64 - 0.5;
            if wholes.iter().map(follows).any(small) {
                found.add_because(
                    Rule::RevealingRate,
                    &rate.name,
                    row,
                    "times what it is a rate of, it gives the count",
                );
            }
        }
    }
}

/// What the rate is multiplied by: 100 for per cent, 1000 for `per_1000`; `None` when the name does not say.
fn scale(rate: &Column) -> Option<f64> {
    let words = words(&rate.name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&["percent", "percentage", "pct"]) || rate.name.contains('%') || rate.texts.iter().any(|t| t.ends_with('%'))
    {
        return Some(100.0);
    }
    if let Some(at) = words.iter().position(|word| word == "per") {
        // "per 1,000" comes as two words, "per 100k" as one.
        let rest: String =
            words[at + 1..].iter().take_while(|w| w.starts_with(|c: char| c.is_ascii_digit())).cloned().collect();
        let (digits, thousand) = rest.strip_suffix('k').map_or((rest.as_str(), 1.0), |digits| (digits, 1000.0));
        return digits.parse::<f64>().ok().map(|n| n * thousand);
    }
    if has(&["share", "proportion", "ratio"]) {
        let at_most_one = (0..rate.cells.len()).filter_map(|row| rate.number(row)).all(|n| n <= 1.0);
        return Some(if at_most_one { 1.0 } else { 100.0 });
    }
    None
}

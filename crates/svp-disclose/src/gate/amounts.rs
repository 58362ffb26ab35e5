//! Multiples of counts: costs, lengths of time, scores of harm. Who knows or guesses what one costs has the count.
//!
//! A column that its header calls an amount is judged with the rates; here are the columns that nothing calls so.

use std::collections::BTreeSet;

use super::finding::{Findings, Rule};
use super::numbers::Value;
use super::read::{Column, GivenTable, Role};
use crate::Policy;

/// Steps of the base below which a common factor of three counts is no wonder.
const STEPS: f64 = 20.0;
/// The least common factor of three numbers, and of two, that is one.
const LEAST: [f64; 2] = [50.0, 1000.0];

/// Looks at each column that is taken for a count.
pub(super) fn check(table: &GivenTable, policy: &Policy, found: &mut Findings) {
    if !policy.protects() {
        return;
    }
    for column in table.of_role(Role::Count) {
        let money = column.texts.iter().filter(|text| text.contains(['\u{a3}', '$', '\u{20ac}'])).count();
        if 2 * money > column.texts.len() {
            found.add_because(Rule::Amount, &column.name, None, "its cells are sums of money");
        } else if has_factor(&column.numbers(), policy) {
            found.add_because(Rule::Amount, &column.name, None, "its numbers are multiples of one number");
        }
    }
    for count in table.of_role(Role::Count) {
        for other in table.of_role(Role::Count).filter(|other| other.header != count.header) {
            hidden_multiples(count, other, policy, found);
        }
    }
}

/// Whether all numbers are small multiples of one that nobody rounds to.
fn has_factor(numbers: &[f64], policy: &Policy) -> bool {
    let distinct: BTreeSet<u64> =
        numbers.iter().filter(|n| **n > 0.0 && n.fract() == 0.0 && **n < 1e15).map(|n| *n as u64).collect();
    let whole = numbers.iter().all(|n| n.fract() == 0.0 && *n >= 0.0);
    let (Some(least), true) = (distinct.first(), whole && distinct.len() > 1) else { return false };
    let factor = distinct.iter().copied().fold(0, divisor);
    let mut digits = factor;
    while digits > 0 && digits.is_multiple_of(10) {
        digits /= 10;
    }
    // 300, 2,500: people round to such numbers.
    let round = digits < 10 || [25, 75, 125].contains(&digits);
    let enough = if distinct.len() > 2 { LEAST[0].max(STEPS * policy.round_to as f64) } else { LEAST[1] };
    !round && factor as f64 >= enough && ((least / factor) as f64) < policy.suppress_below as f64
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Where one column is the same multiple of another in two rows and more, it tells the other where that is hidden.
fn hidden_multiples(count: &Column, other: &Column, policy: &Policy, found: &mut Findings) {
    let pairs = || (0..count.cells.len()).filter_map(|row| count.number(row).zip(other.number(row)));
    let Some((a, b)) = pairs().find(|(a, b)| *a > 0.0 && *b > 0.0 && a != b) else { return };
    let factor = b / a;
    let same = pairs().all(|(a, b)| (b - factor * a).abs() <= 1e-9 * b.abs().max(1.0));
    let distinct: BTreeSet<u64> = pairs().filter(|(a, _)| *a > 0.0).map(|(a, _)| a.to_bits()).collect();
    if !same || distinct.len() < 2 {
        return;
    }
    for row in (0..count.cells.len()).filter(|row| matches!(count.cells[*row], Value::Hidden { .. })) {
        let n = other.number(row).map_or(0.0, |n| n / factor);
        if n >= 0.5 && n < policy.suppress_below as f64 && (n - n.round()).abs() < 1e-6 {
            let why = "the same multiple of another count in every row, also where that is hidden";
            found.add_because(Rule::RevealingRate, &other.name, Some(row), why);
        }
    }
}

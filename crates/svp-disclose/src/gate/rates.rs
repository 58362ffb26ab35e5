//! Rates, shares, means and amounts: what they are of must be in the table, and no small count may follow from them.
//!
//! A rate is explained when it is the same multiple, in every row, of a count of the table over a base, over another count, or over
//! one number for the whole table or for a group (a share of the total, a density). Then it says no more than the count beside it,
//! but for its decimals: those narrow what a rounded count can be, and the attack on the sums knows it.

use std::collections::BTreeMap;

use super::finding::{Findings, Rule};
use super::numbers::{Value, numbers_in, plain};
use super::read::{Column, GivenTable, Role};
use super::tokens::words;
use super::vocabulary::Vocabulary;
use crate::Policy;
use crate::count::shown_interval;

/// What the printed rates tell of counts: by column and row of the table.
pub(super) type RateBounds = BTreeMap<(usize, usize), (f64, f64)>;

/// What a rate is over.
#[derive(Clone, Copy)]
enum Over<'a> {
    /// Another column, row by row.
    Column(&'a Column),
    /// One number for all rows that agree in a label, or for the table.
    Same(Option<&'a Column>),
}

/// The 95 % limits of a count by Byar's approximation (Breslow and Day, 1987), as published rates carry them.
#[derive(Clone, Copy, PartialEq)]
enum Limit {
    None,
    Lower,
    Upper,
}

impl Limit {
    fn of(header: &str) -> Self {
        let words = words(header);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        match () {
            () if has(&["lower", "lcl", "low"]) => Self::Lower,
            () if has(&["upper", "ucl", "high"]) => Self::Upper,
            () => Self::None,
        }
    }

    /// The limit of a count; the count itself where no limit is meant.
    fn at(self, count: f64) -> f64 {
        const Z: f64 = 1.959_964;
        let byar = |n: f64, sign: f64| n * (1.0 - 1.0 / (9.0 * n) + sign * Z / (3.0 * n.sqrt())).powi(3);
        match self {
            Self::None => count,
            Self::Lower if count <= 0.0 => 0.0,
            Self::Lower => byar(count, -1.0).max(0.0),
            Self::Upper => byar(count + 1.0, 1.0),
        }
    }
}

/// Words of a header that say that a column is called after a rate or a mean although the person declared it a label.
const LIKE: &[&str] = &[
    "rate",
    "rates",
    "percent",
    "percentage",
    "pct",
    "per",
    "share",
    "proportion",
    "ratio",
    "mean",
    "average",
    "avg",
    "median",
    "min",
    "max",
];

/// Checks every rate of the table; gives what they tell of the counts.
pub(super) fn check(table: &GivenTable, vocabulary: &Vocabulary, policy: &Policy, found: &mut Findings) -> RateBounds {
    let mut known = RateBounds::new();
    for (i, rate) in table.columns.iter().enumerate() {
        let like = words(&rate.header).iter().any(|w| LIKE.contains(&w.as_str())) || vocabulary.is_amount(&rate.header);
        let declared = rate.declared && like;
        if !(matches!(rate.role, Role::Rate | Role::Statistic | Role::Amount) || declared) {
            continue;
        }
        // Whole small numbers under a header that does not say what they are multiplied by can be counts.
        let small = |n: &f64| *n > 0.0 && *n < policy.suppress_below as f64;
        let can_count = scale(rate).is_none()
            && rate.numbers().iter().all(|n| n.fract() == 0.0)
            && rate.numbers().iter().any(small);
        if let Some(narrowed) = explain(table, i, !can_count, policy) {
            for (place, (low, high)) in narrowed {
                let own = known.entry(place).or_insert((low, high));
                *own = (own.0.max(low), own.1.min(high));
            }
            continue;
        }
        let revealed = reveals(table, rate, policy, found);
        if revealed || declared || policy.suppress_below <= 1 {
            continue;
        }
        if rate.role == Role::Statistic {
            found.add(Rule::Statistic, &rate.name, None);
        } else if rate.role == Role::Amount {
            found.add(Rule::Amount, &rate.name, None);
        } else if !is_share_of_a_row(table, rate) {
            found.add(Rule::NoBase, &rate.name, None);
        }
    }
    known
}

/// What is shown of a count, as a reader knows it.
fn interval(column: &Column, row: usize, policy: &Policy) -> Option<(f64, f64)> {
    let n = column.number(row)?;
    let base = policy.round_to.max(1);
    if column.role == Role::Count && base > 1 && n >= 0.0 && n % base as f64 == 0.0 {
        let (low, high) = shown_interval(n as i64, base, policy.suppress_below);
        return Some((low.max(0) as f64, high as f64));
    }
    Some((n, n))
}

/// Tries every count over everything that it can be over; gives what the rate tells of that count. `multiples`: it may be over one
/// number for all rows.
fn explain(table: &GivenTable, rate: usize, multiples: bool, policy: &Policy) -> Option<RateBounds> {
    let column = &table.columns[rate];
    let scale = scale(column);
    for (c, count) in table.columns.iter().enumerate().filter(|(c, column)| *c != rate && column.role == Role::Count) {
        let shown =
            (0..table.rows).all(|row| column.number(row).is_none_or(|r| r == 0.0 || count.number(row).is_some()));
        if !shown || column.numbers().is_empty() {
            continue;
        }
        let others = table.columns.iter().enumerate();
        let wholes = others
            .filter(|(w, o)| *w != c && *w != rate && matches!(o.role, Role::Base | Role::Count))
            .map(|(_, o)| Over::Column(o));
        // A mean is over another column; a multiple of a count is no mean.
        let groups = table.labels().into_iter().map(|label| Over::Same(Some(label)));
        let same = [Over::Same(None)].into_iter().chain(groups).filter(|_| multiples && column.role != Role::Statistic);
        for over in wholes.chain(same) {
            if let Some(known) = fits(table, column, (c, count), over, scale, policy) {
                return Some(known);
            }
        }
    }
    None
}

/// Whether the rate is one multiple of the count in all rows of a group. What it tells of the count, if so.
fn fits(
    table: &GivenTable,
    rate: &Column,
    (c, count): (usize, &Column),
    over: Over<'_>,
    scale: Option<f64>,
    policy: &Policy,
) -> Option<RateBounds> {
    let mut factors: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    let mut used = Vec::new();
    let limit = Limit::of(&rate.header);
    for row in 0..table.rows {
        let Some(value) = rate.number(row) else { continue };
        let (low, high) = interval(count, row, policy)?;
        let (low, high) = (limit.at(low), limit.at(high));
        let half = rate.readings[row].half;
        let (whole, group) = match over {
            Over::Column(column) => (interval(column, row, policy)?, ""),
            Over::Same(label) => ((1.0, 1.0), label.map_or("", |l| l.texts[row].as_str())),
        };
        if value == 0.0 && low == 0.0 {
            continue;
        }
        if high <= 0.0 || whole.0 <= 0.0 {
            return None;
        }
        let least = ((value - half) * whole.0 / high).max(0.0);
        let most = if low > 0.0 { (value + half) * whole.1 / low } else { f64::INFINITY };
        let own = factors.entry(group).or_insert((0.0, f64::INFINITY));
        *own = (own.0.max(least), own.1.min(most));
        if own.0 > own.1 * (1.0 + 1e-9) {
            return None;
        }
        // A number of few digits agrees with too much to say anything.
        *rows.entry(group).or_default() += usize::from(half <= 0.1 * value.abs());
        used.push((row, group, value, half, whole));
    }
    let factor = match (over, scale) {
        // The header says what it is multiplied by: the numbers must say the same.
        (Over::Column(_), Some(scale)) => {
            let own = factors.get("")?;
            (own.0 <= scale * (1.0 + 1e-9) && scale <= own.1 * (1.0 + 1e-9)).then_some(())?;
            Some((scale, scale))
        }
        _ => None,
    };
    if factor.is_none() {
        // Two rows that agree are no chance where the header says what it is multiplied by, else three.
        let least = if scale.is_some() { 2 } else { 3 };
        let wide = |(low, high): &(f64, f64)| *high > 1.5 * *low;
        if rows.values().all(|n| *n < least) || factors.iter().any(|(g, f)| rows[g] > 1 && wide(f)) {
            return None;
        }
    }
    let mut known = RateBounds::new();
    for (row, group, value, half, whole) in used {
        let (low, high) = factor.or_else(|| factors.get(group).copied())?;
        if low > 0.0 && high.is_finite() && limit == Limit::None {
            known.insert(
                (c, row),
                (((value - half) * whole.0 / high).max(0.0).ceil(), ((value + half) * whole.1 / low).floor()),
            );
        }
    }
    Some(known)
}

/// Small counts that follow from an unexplained rate and something in its row; true where there are any.
fn reveals(table: &GivenTable, rate: &Column, policy: &Policy, found: &mut Findings) -> bool {
    if policy.suppress_below <= 1 {
        return false;
    }
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let scale = scale(rate);
    let sums: Vec<f64> = counts.iter().map(|c| c.numbers().iter().sum()).collect();
    // `pct_of_2000_events`: the base stands in the header.
    let named: Vec<f64> = match words(&rate.header).iter().position(|w| w == "of") {
        Some(_) => numbers_in(&plain(&rate.header)).into_iter().filter(|n| *n >= 1.0).collect(),
        None => Vec::new(),
    };
    let base = policy.round_to.max(1) as f64;
    let mut any = false;
    for row in 0..table.rows {
        let Some(value) = rate.number(row).filter(|value| *value > 0.0) else { continue };
        let hidden = counts.iter().filter(|c| matches!(c.cells[row], Value::Hidden { .. })).count();
        if hidden > 0 && hidden == counts.len() {
            found.add_because(Rule::RevealingRate, &rate.name, Some(row), "its count is hidden");
            any = true;
            continue;
        }
        let Some(scale) = scale else { continue };
        let half = rate.readings[row].half;
        let bases: Vec<f64> = table.of_role(Role::Base).filter_map(|base| base.number(row)).collect();
        let mut wholes: Vec<f64> = bases.iter().copied().chain(named.iter().copied()).collect();
        // Percentages are also taken of other counts in the row, and of the whole column.
        if scale <= 100.0 {
            let of_row = counts.iter().filter_map(|count| count.number(row));
            // A share of a count leaves a rest, which is a count too.
            let rests = of_row.clone().map(|whole| (scale - value).max(0.0) * whole / value);
            wholes.extend(of_row.clone().chain(rests));
            wholes.extend(sums.iter().filter(|_| hidden > 0));
        }
        let small = |whole: &f64| {
            let n = value * whole / scale;
            n >= 0.5 && n < policy.suppress_below as f64 - 0.5
        };
        if wholes.iter().any(small) {
            found.add_because(
                Rule::RevealingRate,
                &rate.name,
                Some(row),
                "times what it is a rate of, it gives a small count, or leaves one",
            );
            any = true;
            continue;
        }
        let unrounded = |whole: &f64| {
            let (low, high) = ((value - half) * whole / scale, (value + half) * whole / scale);
            high - low < base / 2.0 && (low / base).ceil() > (high / base).floor()
        };
        if base > 1.0 && bases.iter().any(unrounded) {
            found.add_because(
                Rule::RevealingRate,
                &rate.name,
                Some(row),
                "times its base, it gives a count that is not rounded",
            );
            any = true;
        }
    }
    any
}

/// A share of a count or a rate of a base in its own row: in each row some whole number over it can be meant. What follows was
/// found not to be small.
fn is_share_of_a_row(table: &GivenTable, rate: &Column) -> bool {
    let Some(scale) = scale(rate) else { return false };
    let of = |column: &Column| {
        (0..table.rows).all(|row| {
            let Some(value) = rate.number(row) else { return true };
            let half = rate.readings[row].half;
            column.number(row).is_some_and(|whole| {
                let (low, high) = ((value - half) * whole / scale, (value + half) * whole / scale);
                value == 0.0 || low.ceil() <= high.floor() && high >= 1.0
            })
        })
    };
    let share = scale <= 100.0;
    !rate.numbers().is_empty()
        && table.columns.iter().any(|c| (c.role == Role::Base || share && c.role == Role::Count) && of(c))
}

/// What the rate is multiplied by: 100 for per cent, 1000 for `per_1000`; `None` when the header does not say.
fn scale(rate: &Column) -> Option<f64> {
    let words = words(&rate.header);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&["percent", "percentage", "pct", "perc"])
        || rate.header.contains('%')
        || rate.readings.iter().any(|r| r.percent)
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
        let at_most_one = rate.numbers().iter().all(|n| *n <= 1.0);
        return Some(if at_most_one { 1.0 } else { 100.0 });
    }
    None
}

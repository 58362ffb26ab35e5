//! Classes of a shaded chart: natural breaks (Fisher–Jenks) over the values that are shown.

use serde::Serialize;
use svp_methods::breaks::natural_breaks;

use crate::format::{counted, label};

/// Most shades a chart uses.
const MOST: usize = 4;
/// Above this many distinct values, quantiles are taken first to keep the search short.
const DISTINCT: usize = 400;

/// Shades for a set of values; zero and suppressed values have their own marks.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    /// Lowest and highest value and number of values of each class, lowest class first.
    ranges: Vec<(f64, f64, usize)>,
}

/// One line of a legend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LegendLine {
    /// CSS class of the patch.
    pub(crate) css: &'static str,
    /// What it means.
    pub(crate) text: String,
}

impl Classes {
    /// Finds the classes of the values above zero.
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite() && *v != 0.0).collect();
        values.sort_by(f64::total_cmp);
        let mut distinct: Vec<(f64, f64)> = Vec::new();
        for value in &values {
            match distinct.last_mut() {
                Some((last, weight)) if last == value => *weight += 1.0,
                _ => distinct.push((*value, 1.0)),
            }
        }
        let starts = if distinct.len() > DISTINCT {
            (0..MOST).map(|i| i * distinct.len() / MOST).collect()
        } else {
            natural_breaks(&distinct, MOST).unwrap_or_else(|| (0..distinct.len()).collect())
        };
        let ranges = starts
            .iter()
            .enumerate()
            .map(|(i, start)| {
                let end = starts.get(i + 1).copied().unwrap_or(distinct.len());
                let inside: f64 = distinct[*start..end].iter().map(|d| d.1).sum();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let inside = inside as usize;
                (distinct[*start].0, distinct[end - 1].0, inside)
            })
            .collect();
        Self { ranges }
    }

    /// Number of classes.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Class of a value, lowest first; `None` for zero.
    pub(crate) fn of(&self, value: f64) -> Option<usize> {
        (value != 0.0).then(|| {
            self.ranges.iter().position(|(_, high, _)| value <= *high).unwrap_or(self.ranges.len().saturating_sub(1))
        })
    }

    /// CSS class of a value; the highest class is always the darkest.
    pub(crate) fn css(&self, value: f64) -> &'static str {
        const SHADES: [&str; MOST] = ["q1", "q2", "q3", "q4"];
        match self.of(value) {
            None => "zero",
            Some(class) => SHADES[(MOST - self.len().clamp(1, MOST) + class).min(MOST - 1)],
        }
    }

    /// Legend lines, lowest class first, with how many things are in each.
    pub(crate) fn legend(&self, one: &str, more: &str) -> Vec<LegendLine> {
        self.ranges
            .iter()
            .map(|(low, high, inside)| {
                let range = if low == high { label(*low) } else { format!("{} to {}", label(*low), label(*high)) };
                LegendLine { css: self.css(*low), text: format!("{range} ({})", counted(*inside, one, more)) }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_fall_into_the_gaps() {
        let classes = Classes::new([5.0, 6.0, 5.0, 20.0, 21.0, 50.0, 51.0, 200.0, 0.0]);
        let legend: Vec<String> = classes.legend("cell", "cells").into_iter().map(|l| l.text).collect();
        assert_eq!(legend, ["5 to 6 (3 cells)", "20 to 21 (2 cells)", "50 to 51 (2 cells)", "200 (1 cell)"]);
        for (value, css) in [(0.0, "zero"), (5.0, "q1"), (21.0, "q2"), (50.0, "q3"), (200.0, "q4")] {
            assert_eq!(classes.css(value), css);
        }
    }

    #[test]
    fn few_values_use_the_darkest_shades() {
        let classes = Classes::new([10.0, 15.0]);
        assert_eq!(classes.css(10.0), "q3");
        assert_eq!(classes.css(15.0), "q4");
        assert_eq!(Classes::new([]).len(), 0);
        assert_eq!(Classes::new([7.0]).css(7.0), "q4");
    }
}

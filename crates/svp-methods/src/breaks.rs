//! Breaks of a scale: classes of a shaded map, and round steps of an axis.

/// Classes of values by natural breaks: those that make the sum of squared distances to the means of the classes least.
///
/// Fisher 1958, *On grouping for maximum homogeneity*; Jenks 1977, *Optimal data classification for choropleth maps*. R has it as
/// `classInt::classIntervals(style = "fisher")`, Python as `mapclassify.FisherJenks` and `jenkspy`. The time grows with the square
/// of the number of values.
///
/// `values` are the different values, ascending, each with how many things have it. The answer is the position at which each class
/// begins. It is `None` where there are fewer values than classes, or no class.
///
/// ```
/// use svp_methods::breaks::natural_breaks;
/// // Two cells with five events, one with six, one each with 20, 21, 50, 51 and 200.
/// let cells = [(5.0, 2.0), (6.0, 1.0), (20.0, 1.0), (21.0, 1.0), (50.0, 1.0), (51.0, 1.0), (200.0, 1.0)];
/// assert_eq!(natural_breaks(&cells, 4).unwrap(), [0, 2, 4, 6]);
/// assert_eq!(natural_breaks(&cells[..3], 4), None);
/// ```
#[must_use]
pub fn natural_breaks(values: &[(f64, f64)], classes: usize) -> Option<Vec<usize>> {
    let n = values.len();
    if classes == 0 || classes > n {
        return None;
    }
    let sums = |of: &dyn Fn(f64, f64) -> f64| {
        let running = values.iter().scan(0.0, |sum, (value, weight)| {
            *sum += of(*value, *weight);
            Some(*sum)
        });
        std::iter::once(0.0).chain(running).collect::<Vec<f64>>()
    };
    let (weight, sum, square) = (sums(&|_, w| w), sums(&|v, w| w * v), sums(&|v, w| w * v * v));
    let cost = |from: usize, to: usize| {
        let s = sum[to] - sum[from];
        square[to] - square[from] - s * s / (weight[to] - weight[from])
    };
    // By number of classes less one: of the first values the least cost, and where the last class begins.
    let mut best = vec![(0..=n).map(|to| (if to == 0 { f64::INFINITY } else { cost(0, to) }, 0)).collect::<Vec<_>>()];
    for k in 1..classes {
        let least = |to: usize| {
            (k..to)
                .map(|from| (best[k - 1][from].0 + cost(from, to), from))
                .fold((f64::INFINITY, k), |a, b| if b.0 < a.0 { b } else { a })
        };
        let row = (0..=n).map(least).collect();
        best.push(row);
    }
    let starts = best.iter().rev().scan(n, |end, row| {
        *end = row[*end].1;
        Some(*end)
    });
    let mut starts: Vec<usize> = starts.collect();
    starts.reverse();
    Some(starts)
}

/// A step of 1, 2 or 5 times a power of ten that gives about four ticks on an axis from 0 to `most`; 1 where that is not above 0.
///
/// R's `pretty` and matplotlib's `MaxNLocator` choose among the same steps.
///
/// ```
/// use svp_methods::breaks::round_step;
/// assert_eq!([37.0, 120.0, 0.8, 0.0].map(round_step), [10.0, 50.0, 0.2, 1.0]);
/// ```
#[must_use]
pub fn round_step(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let rough = most / 4.0;
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    power * [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= rough).unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steps_are_round() {
        for (most, step) in [(0.0, 1.0), (3.5, 1.0), (0.3, 0.1), (9.0, 5.0), (42.0, 20.0), (4.0, 1.0)] {
            assert!((round_step(most) - step).abs() < 1e-9, "{most}");
        }
    }

    proptest! {
        /// No other three classes are closer to their means.
        #[test]
        fn no_other_classes_are_better(values in prop::collection::btree_map(1u16..500, 1u8..9, 3..9)) {
            let values: Vec<(f64, f64)> = values.into_iter().map(|(v, w)| (f64::from(v), f64::from(w))).collect();
            let spread = |part: &[(f64, f64)]| {
                let weight: f64 = part.iter().map(|p| p.1).sum();
                let mean = part.iter().map(|p| p.0 * p.1).sum::<f64>() / weight;
                part.iter().map(|p| p.1 * (p.0 - mean).powi(2)).sum::<f64>()
            };
            let total = |a: usize, b: usize| spread(&values[..a]) + spread(&values[a..b]) + spread(&values[b..]);
            let found = natural_breaks(&values, 3).unwrap();
            prop_assert_eq!(found[0], 0);
            let least = (1..values.len()).flat_map(|a| (a + 1..values.len()).map(move |b| (a, b))).map(|(a, b)| total(a, b));
            prop_assert!(total(found[1], found[2]) <= least.fold(f64::INFINITY, f64::min) + 1e-6);
        }
    }
}

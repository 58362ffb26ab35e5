//! A short round through points: nearest neighbour, then 2-opt until no exchange shortens it.

use svp_contract::length;

/// Order in which to visit the points, as a closed round that begins at the first. The same points give the same order.
#[must_use]
pub fn round(points: &[(f64, f64)]) -> Vec<usize> {
    let n = points.len();
    let far = |a: usize, b: usize| length(points[a].0 - points[b].0, points[a].1 - points[b].1);
    let mut left: Vec<usize> = (1..n).collect();
    let mut order: Vec<usize> = (0..n.min(1)).collect();
    while let Some(&here) = order.last()
        && let Some(next) = (0..left.len()).min_by(|a, b| far(here, left[*a]).total_cmp(&far(here, left[*b])))
    {
        order.push(left.remove(next));
    }
    // Each exchange shortens the round, so it ends; the bound is for points that nearly lie over one another.
    for _ in 0..100 {
        let mut better = false;
        for i in 1..n.saturating_sub(1) {
            for j in i + 1..n {
                let (a, b, c, d) = (order[i - 1], order[i], order[j], order[(j + 1) % n]);
                if far(a, c) + far(b, d) + 1e-9 < far(a, b) + far(c, d) {
                    order[i..=j].reverse();
                    better = true;
                }
            }
        }
        if !better {
            break;
        }
    }
    order
}

/// Length of the closed round, m.
#[must_use]
pub fn round_length(points: &[(f64, f64)], order: &[usize]) -> f64 {
    let next = order.iter().cycle().skip(1);
    order.iter().zip(next).map(|(a, b)| length(points[*a].0 - points[*b].0, points[*a].1 - points[*b].1)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_circle_is_walked_round() {
        // Points of a circle, shuffled: the shortest round is the circle.
        let at = |i: usize| {
            let angle = std::f64::consts::TAU * i as f64 / 12.0;
            (1_000.0 * angle.cos(), 1_000.0 * angle.sin())
        };
        let points: Vec<(f64, f64)> = [0, 7, 2, 9, 4, 11, 6, 1, 8, 3, 10, 5].map(at).into();
        let found = round_length(&points, &round(&points));
        assert!((found - 12.0 * 2_000.0 * (std::f64::consts::PI / 12.0).sin()).abs() < 1e-6, "{found}");
        assert_eq!(round(&[]), Vec::<usize>::new());
        assert_eq!(round(&[(1.0, 1.0)]), [0]);
    }

    proptest! {
        #[test]
        fn every_point_once_and_no_turn_is_shorter(points in prop::collection::vec((0.0..5e3f64, 0.0..5e3f64), 1..25)) {
            let order = round(&points);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..points.len()).collect::<Vec<_>>());
            // Turning any stretch round makes it no shorter.
            let as_found = round_length(&points, &order);
            for i in 1..order.len() {
                for j in i + 1..order.len() {
                    let mut other = order.clone();
                    other[i..=j].reverse();
                    prop_assert!(as_found <= round_length(&points, &other) + 1e-6);
                }
            }
        }
    }
}

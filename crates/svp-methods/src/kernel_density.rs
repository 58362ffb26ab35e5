//! Kernel density: how thick events lie at a place.

use std::f64::consts::PI;
use std::num::NonZeroUsize;

/// The shape of the hill that each event is spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernel {
    /// 3 / (pi h²) (1 - d² / h²)² within the bandwidth h, nothing beyond: the usual one in crime mapping.
    #[default]
    Quartic,
    /// exp(-d² / 2h²) / (2 pi h²) with the bandwidth h for its standard deviation; cut off at 6 h, where it is below 2 × 10^-8 of its peak.
    Gaussian,
}

impl Kernel {
    fn reach(self, h: f64) -> f64 {
        match self {
            Self::Quartic => h,
            Self::Gaussian => 6.0 * h,
        }
    }

    /// Kernel at a squared distance within the reach, per square metre.
    fn at(self, d2: f64, h: f64) -> f64 {
        let t = d2 / (h * h);
        match self {
            Self::Quartic => 3.0 / (PI * h * h) * (1.0 - t) * (1.0 - t),
            Self::Gaussian => (-0.5 * t).exp() / (2.0 * PI * h * h),
        }
    }
}

/// The ground where events can happen, as cells of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Land<'a> {
    /// Centres of all its cells, metres.
    pub centres: &'a [(f64, f64)],
    /// Area of one cell, square metres.
    pub cell_area: f64,
}

/// Density of weighted events at places, in events per square metre.
///
/// `points` are (x, y, weight) and `at` (x, y), metres; `bandwidth` in metres. With `land`, the hill of each event is raised by what of it
/// lies in the sea: divided by its share over the land (Jones 1993, *Simple boundary correction for kernel density estimation*; Diggle
/// 2010; `diggle = TRUE` of R's `spatstat`. Diggle 1985 divides by the share of the place instead, which keeps no total). Then the densities of all land cells times the cell's area sum to the weights of all
/// events, so that none is lost at the coast. The share is summed over cell centres: the bandwidth should be two cells at least. An event
/// from which no land is in reach adds nothing.
///
/// The answer does not depend on the number of threads. `None` where the bandwidth or the cell's area is not above 0, a
/// coordinate is not finite, or a weight is negative or not finite.
///
/// ```
/// use svp_methods::kernel_density::{Kernel, Land, kernel_density};
/// // A robbery at the place itself and one 100 m away, with a bandwidth of 250 m.
/// let robberies = [(0.0, 0.0, 1.0), (100.0, 0.0, 1.0)];
/// let found = kernel_density(&robberies, &[(0.0, 0.0)], 250.0, Kernel::Quartic, None, 1).unwrap();
/// // 3 / (pi h²) × (1 + 0.84²), with 1 - (100 / 250)² = 0.84: 26 for each square kilometre.
/// assert!((found[0] * 1e6 - 26.0596).abs() < 1e-3);
///
/// // A town at the sea, 20 by 20 squares of 100 m, and a robbery in its corner: with the land given, none is lost.
/// let centres: Vec<(f64, f64)> = (0..400).map(|i| (f64::from(i % 20) * 100.0, f64::from(i / 20) * 100.0)).collect();
/// let land = Land { centres: &centres, cell_area: 10_000.0 };
/// let all = |land| {
///     let found = kernel_density(&[(0.0, 0.0, 1.0)], &centres, 500.0, Kernel::Quartic, land, 1).unwrap();
///     found.iter().sum::<f64>() * 10_000.0
/// };
/// assert!((all(Some(land)) - 1.0).abs() < 1e-9);
/// assert!(all(None) < 0.5, "else most of the hill lies in the sea");
/// ```
#[must_use]
pub fn kernel_density(
    points: &[(f64, f64, f64)],
    at: &[(f64, f64)],
    bandwidth: f64,
    kernel: Kernel,
    land: Option<Land<'_>>,
    threads: usize,
) -> Option<Vec<f64>> {
    let positive = |v: f64| v > 0.0 && v.is_finite();
    let place = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    let fine = positive(bandwidth)
        && points.iter().all(|p| place(&(p.0, p.1)) && p.2 >= 0.0 && p.2.is_finite())
        && at.iter().all(place)
        && land.is_none_or(|land| positive(land.cell_area) && land.centres.iter().all(place));
    if !fine {
        return None;
    }
    let mut points = points.to_vec();
    if let Some(land) = land {
        let cells = land.centres.iter().map(|(x, y)| (*x, *y, land.cell_area)).collect();
        let places: Vec<(f64, f64)> = points.iter().map(|p| (p.0, p.1)).collect();
        for (point, share) in points.iter_mut().zip(sums(cells, &places, bandwidth, kernel, threads)) {
            point.2 = if share > 0.0 { point.2 / share } else { 0.0 };
        }
    }
    Some(sums(points, at, bandwidth, kernel, threads))
}

/// Sum of weight × kernel over the points in reach of each place.
fn sums(mut points: Vec<(f64, f64, f64)>, at: &[(f64, f64)], h: f64, kernel: Kernel, threads: usize) -> Vec<f64> {
    let reach = kernel.reach(h);
    // Adding nought makes -0 a 0, which sorts alike and compares alike.
    let cell = |v: f64| (v / reach).floor() + 0.0;
    let order = |a: &(f64, f64, f64), b: &(f64, f64, f64)| {
        cell(a.1).total_cmp(&cell(b.1)).then(cell(a.0).total_cmp(&cell(b.0)))
    };
    points.sort_by(order);
    // Cells of one row lie together, so that each of three rows is one run.
    let keys: Vec<(f64, f64)> = points.iter().map(|p| (cell(p.1), cell(p.0))).collect();
    let density = |(x, y): &(f64, f64)| {
        let mut sum = 0.0;
        for row in [-1.0, 0.0, 1.0] {
            let row = cell(*y) + row;
            let from = keys.partition_point(|key| *key < (row, cell(*x) - 1.0));
            let to = from + keys[from..].partition_point(|key| *key <= (row, cell(*x) + 1.0));
            for p in &points[from..to] {
                let d2 = (p.0 - x) * (p.0 - x) + (p.1 - y) * (p.1 - y);
                if d2 < reach * reach {
                    sum += p.2 * kernel.at(d2, h);
                }
            }
        }
        sum
    };
    let mut out = vec![0.0; at.len()];
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let piece = at.len().div_ceil(threads.get()).max(1);
    std::thread::scope(|scope| {
        for (out, at) in out.chunks_mut(piece).zip(at.chunks(piece)) {
            let density = &density;
            scope.spawn(move || out.iter_mut().zip(at).for_each(|(out, at)| *out = density(at)));
        }
    });
    out
}

/// One density over another at the same places: the dual density (events over people, one kind over another, one year over the last).
///
/// `None` where the second is not above 0, a ratio is not finite, or behind the end of the shorter list.
///
/// ```
/// use svp_methods::kernel_density::density_ratio;
/// // Violence over people abroad at night, at three places; at the last there is nobody.
/// assert_eq!(density_ratio(&[6.0, 2.0, 1.0], &[3.0, 8.0, 0.0]), [Some(2.0), Some(0.25), None]);
/// ```
#[must_use]
pub fn density_ratio(one: &[f64], other: &[f64]) -> Vec<Option<f64>> {
    let ratio = |(i, one): (usize, &f64)| {
        let other = *other.get(i)?;
        Some(one / other).filter(|ratio| other > 0.0 && ratio.is_finite())
    };
    one.iter().enumerate().map(ratio).collect()
}

/// The rule of thumb for the bandwidth of one coordinate: 4 × 1.06 × min(sd, interquartile range / 1.34) × n^(-1/5), in its unit.
///
/// It is four times the standard deviation of a Gaussian kernel by the same rule, as MASS's densities take it. `None` for fewer than
/// two values, one that is not finite, and where the middle half of the values is one value.
/// Venables and Ripley 2002; `bandwidth.nrd` of R's MASS.
///
/// ```
/// use svp_methods::kernel_density::bandwidth_nrd;
/// // Eastings within a town centre, metres. The quartiles are 210 and 320, so that the spread is 110 / 1.34 and not the sd of 100.7.
/// let eastings = [100.0, 180.0, 220.0, 260.0, 300.0, 310.0, 350.0, 420.0];
/// let by_hand = 4.0 * 1.06 * (110.0 / 1.34) * 8.0_f64.powf(-0.2);
/// assert!((bandwidth_nrd(&eastings).unwrap() - by_hand).abs() < 1e-9);
/// assert!((by_hand - 229.634).abs() < 1e-3);
/// ```
#[must_use]
pub fn bandwidth_nrd(xs: &[f64]) -> Option<f64> {
    let n = xs.len();
    if n < 2 || !xs.iter().all(|x| x.is_finite()) {
        return None;
    }
    let mut sorted = xs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // R's default quantile, type 7.
    let quantile = |share: f64| {
        let at = share * (n - 1) as f64;
        let low = sorted[at as usize];
        let high = sorted[(at as usize + 1).min(n - 1)];
        low + (high - low) * at.fract()
    };
    let mean = xs.iter().sum::<f64>() / n as f64;
    let sd = (xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1) as f64).sqrt();
    let h = 4.0 * 1.06 * sd.min((quantile(0.75) - quantile(0.25)) / 1.34) * (n as f64).powf(-0.2);
    (h > 0.0 && h.is_finite()).then_some(h)
}

/// The bandwidth of places, metres: the mean of [`bandwidth_nrd`] of eastings and northings, as `sfhotspot` documents it (its code takes
/// the eastings alone). `None` where one of them has none.
///
/// ```
/// use svp_methods::kernel_density::bandwidth;
/// // Eastings with a rule-of-thumb bandwidth of 229.634 m, and northings that spread twice as far.
/// let points = [100.0, 180.0, 220.0, 260.0, 300.0, 310.0, 350.0, 420.0].map(|x| (x, 2.0 * x));
/// assert!((bandwidth(&points).unwrap() - 1.5 * 229.634).abs() < 1e-2);
/// ```
#[must_use]
pub fn bandwidth(points: &[(f64, f64)]) -> Option<f64> {
    let of = |axis: fn(&(f64, f64)) -> f64| bandwidth_nrd(&points.iter().map(axis).collect::<Vec<_>>());
    Some(f64::midpoint(of(|p| p.0)?, of(|p| p.1)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;
    use proptest::prelude::*;

    /// Centres of a coast: squares of `side` where x + y is below a line.
    fn coast(side: f64) -> Vec<(f64, f64)> {
        let cell = |i: i32| ((i % 40) as f64 * side, (i / 40) as f64 * side);
        (0..1600).map(cell).filter(|(x, y)| x + y < 45.0 * side).collect()
    }

    #[test]
    fn one_event_is_the_kernel() {
        let found = kernel_density(
            &[(0.0, 0.0, 2.0)],
            &[(0.0, 0.0), (50.0, 0.0), (100.0, 0.0)],
            100.0,
            Kernel::Quartic,
            None,
            1,
        );
        let peak = 6.0 / (PI * 1e4);
        assert_eq!(found, Some(vec![peak, peak * 0.75 * 0.75, 0.0]));
        let found = kernel_density(&[(3.0, 4.0, 1.0)], &[(0.0, 0.0)], 5.0, Kernel::Gaussian, None, 1).unwrap();
        assert!((found[0] - (-0.5_f64).exp() / (50.0 * PI)).abs() < 1e-15);
    }

    #[test]
    fn as_the_sum_over_all_says_with_any_number_of_threads() {
        let mut draw = Draw::new(1, 2);
        let mut point =
            || (draw.below(10_000) as f64 - 4_000.0, draw.below(10_000) as f64 - 4_000.0, draw.below(3) as f64);
        let points: Vec<(f64, f64, f64)> = (0..500).map(|_| point()).collect();
        let at: Vec<(f64, f64)> = (0..300).map(|_| point()).map(|p| (p.0, p.1)).collect();
        for kernel in [Kernel::Quartic, Kernel::Gaussian] {
            let found = kernel_density(&points, &at, 700.0, kernel, None, 1).unwrap();
            assert_eq!(Some(&found), kernel_density(&points, &at, 700.0, kernel, None, 7).as_ref());
            for (found, (x, y)) in found.iter().zip(&at) {
                let all: f64 = points
                    .iter()
                    .map(|p| (p.2, (p.0 - x).powi(2) + (p.1 - y).powi(2)))
                    .filter(|(_, d2)| kernel == Kernel::Gaussian || *d2 < 490_000.0)
                    .map(|(w, d2)| w * kernel.at(d2, 700.0))
                    .sum();
                assert!((found - all).abs() < 500.0 * 2e-8 * kernel.at(0.0, 700.0), "{found} {all}");
            }
        }
    }

    #[test]
    fn no_answer_where_there_is_none() {
        let (point, at) = ([(0.0, 0.0, 1.0)], [(0.0, 0.0)]);
        let of =
            |points: &[(f64, f64, f64)], at: &[(f64, f64)], h| kernel_density(points, at, h, Kernel::Quartic, None, 1);
        for h in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(of(&point, &at, h), None);
        }
        assert_eq!(of(&[(0.0, f64::NAN, 1.0)], &at, 1.0), None);
        assert_eq!(of(&[(0.0, 0.0, -1.0)], &at, 1.0), None);
        assert_eq!(of(&point, &[(f64::INFINITY, 0.0)], 1.0), None);
        assert_eq!(of(&[], &at, 1.0), Some(vec![0.0]));
        assert_eq!(of(&point, &[], 1.0), Some(vec![]));
        let far = Land { centres: &[(9e6, 9e6)], cell_area: 1.0 };
        assert_eq!(kernel_density(&point, &at, 1.0, Kernel::Quartic, Some(far), 1), Some(vec![0.0]), "far out at sea");
        assert_eq!(density_ratio(&[1.0, 1.0, 2.0], &[0.0, 4.0]), [None, Some(0.25), None]);
    }

    #[test]
    fn bandwidths_as_mass_has_them() {
        // R: MASS::bandwidth.nrd(1:10): sd 3.02765, IQR 4.5 / 1.34 = 3.35821, so the sd is the smaller.
        let xs: Vec<f64> = (1..=10).map(f64::from).collect();
        let expected = 4.0 * 1.06 * (55.0_f64 / 6.0).sqrt() * 10.0_f64.powf(-0.2);
        assert!((bandwidth_nrd(&xs).unwrap() - expected).abs() < 1e-12);
        // With far ends the quartiles decide.
        let far = [xs.as_slice(), &[1_000.0]].concat();
        assert!((bandwidth_nrd(&far).unwrap() - 4.24 * (5.0 / 1.34) * 11.0_f64.powf(-0.2)).abs() < 1e-12);
        let points: Vec<(f64, f64)> = xs.iter().map(|x| (*x, 3.0 * x)).collect();
        assert!((bandwidth(&points).unwrap() - 2.0 * expected).abs() < 1e-12);
        assert_eq!(bandwidth_nrd(&[1.0]), None);
        assert_eq!(bandwidth_nrd(&[1.0, 1.0, 1.0, 9.0, 1.0]), None, "the quartiles are one");
        assert_eq!(bandwidth_nrd(&[1.0, f64::NAN]), None);
    }

    proptest! {
        /// All events are on the land again after smoothing, whatever the coast, the kernel and the bandwidth.
        #[test]
        fn mass_is_kept(seed in 0u64..500, h in 250.0..2_000.0f64, gaussian in any::<bool>()) {
            let land = coast(100.0);
            let mut draw = Draw::new(seed, 3);
            let points: Vec<(f64, f64, f64)> = (0..60)
                .map(|_| land[draw.below(land.len() as u64) as usize])
                .map(|(x, y)| (x + 30.0, y - 20.0, 1.5))
                .collect();
            let kernel = if gaussian { Kernel::Gaussian } else { Kernel::Quartic };
            let land = Land { centres: &land, cell_area: 10_000.0 };
            let found = kernel_density(&points, land.centres, h, kernel, Some(land), 2).unwrap();
            prop_assert!((found.iter().sum::<f64>() * 10_000.0 - 90.0).abs() < 1e-9);
            let plain = kernel_density(&points, land.centres, h, kernel, None, 2).unwrap();
            prop_assert!(plain.iter().sum::<f64>() * 10_000.0 < 95.0, "without the correction events are lost");
        }
    }
}

//! Many tests at once: p-values that were adjusted for their number.

/// Benjamini and Hochberg's adjusted p-values (q-values): a cell with q ≤ 0.05 is among those that are expected to hold at
/// most 5% false ones. Holds for independent and for positively dependent tests, as neighbouring cells are.
///
/// The answers have the order of `p`; `None` stays `None` and does not count as a test, and so does what is no probability.
/// Benjamini and Hochberg 1995, *Controlling the false discovery rate*; R's `p.adjust(method = "BH")`.
///
/// ```
/// use svp_methods::fdr::benjamini_hochberg;
/// // p of six cells; the fifth has no answer and is no test.
/// let p = [Some(0.001), Some(0.012), Some(0.02), Some(0.04), None, Some(0.3)];
/// let q = benjamini_hochberg(&p);
/// // Five tests: 0.04 is the fourth smallest, 0.04 × 5 / 4 = 0.05.
/// assert!((q[3].unwrap() - 0.05).abs() < 1e-12);
/// assert!((q[1].unwrap() - 0.03).abs() < 1e-12);
/// assert_eq!(q[4], None);
/// ```
#[must_use]
pub fn benjamini_hochberg(p: &[Option<f64>]) -> Vec<Option<f64>> {
    step_up(p, |_| 1.0)
}

/// Benjamini and Yekutieli's adjusted p-values, which hold under any dependence, and are larger by 1 + 1/2 + … + 1/m.
///
/// Order and `None` as in [`benjamini_hochberg`]. Benjamini and Yekutieli 2001, *The control of the false discovery rate in
/// multiple testing under dependency*.
///
/// ```
/// use svp_methods::fdr::benjamini_yekutieli;
/// let p = [0.001, 0.012, 0.02, 0.04, 0.3].map(Some);
/// let q = benjamini_yekutieli(&p);
/// // 0.001 × 5 / 1 × (1 + 1/2 + 1/3 + 1/4 + 1/5), and 137/60 is that sum.
/// assert!((q[0].unwrap() - 0.005 * 137.0 / 60.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn benjamini_yekutieli(p: &[Option<f64>]) -> Vec<Option<f64>> {
    step_up(p, |m| (1..=m).map(|i| 1.0 / i as f64).sum())
}

/// Bonferroni's adjusted p-values: p times the number of tests, at most 1. Controls the chance of even one false cell.
///
/// Order and `None` as in [`benjamini_hochberg`].
///
/// ```
/// use svp_methods::fdr::bonferroni;
/// // Three hundred wards, three of which are shown: the number of tests is that of the list.
/// let mut p = vec![Some(0.5); 300];
/// (p[0], p[1]) = (Some(0.0001), Some(0.001));
/// let adjusted = bonferroni(&p);
/// assert!((adjusted[0].unwrap() - 0.03).abs() < 1e-12);
/// assert!((adjusted[1].unwrap() - 0.3).abs() < 1e-12);
/// assert_eq!(adjusted[2], Some(1.0));
/// ```
#[must_use]
pub fn bonferroni(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let m = p.iter().filter_map(|p| probability(*p)).count() as f64;
    p.iter().map(|p| probability(*p).map(|p| (p * m).min(1.0))).collect()
}

fn probability(p: Option<f64>) -> Option<f64> {
    p.filter(|p| (0.0..=1.0).contains(p))
}

/// min over the larger ones of p × m / rank × factor(m), at most 1.
fn step_up(p: &[Option<f64>], factor: impl Fn(usize) -> f64) -> Vec<Option<f64>> {
    let mut tests: Vec<(f64, usize)> = p.iter().enumerate().filter_map(|(i, p)| Some((probability(*p)?, i))).collect();
    tests.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let scale = tests.len() as f64 * factor(tests.len());
    let mut out = vec![None; p.len()];
    let mut least: f64 = 1.0;
    for (rank, (p, i)) in tests.iter().enumerate().rev() {
        least = least.min(p * scale / (rank + 1) as f64);
        out[*i] = Some(least);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The fifteen p-values of Benjamini and Hochberg's own example.
    const EXAMPLE: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ];

    #[test]
    fn the_example_of_the_paper() {
        let p: Vec<Option<f64>> = EXAMPLE.iter().map(|p| Some(*p)).collect();
        let below = |q: Vec<Option<f64>>| q.iter().flatten().filter(|q| **q <= 0.05).count();
        assert_eq!(below(benjamini_hochberg(&p)), 4, "the paper rejects four");
        assert_eq!(below(bonferroni(&p)), 3, "and three by Bonferroni");
        assert!(below(benjamini_yekutieli(&p)) <= 4);
        let q = benjamini_hochberg(&p);
        assert!((q[0].unwrap() - 0.0015).abs() < 1e-12);
        assert!((q[3].unwrap() - 0.0095 * 15.0 / 4.0).abs() < 1e-12);
        // 0.0278 × 15/6, 0.0298 × 15/7 and 0.0344 × 15/8: the last is the least of those that are no smaller.
        assert!((q[5].unwrap() - 0.0298 * 15.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_probability_is_no_test() {
        let p = [Some(0.01), None, Some(0.04), Some(f64::NAN), Some(1.5), Some(-0.1)];
        for f in [benjamini_hochberg, bonferroni, benjamini_yekutieli] {
            let q = f(&p);
            assert!(q[0].is_some() && q[2].is_some());
            assert_eq!([q[1], q[3], q[4], q[5]], [None; 4]);
        }
        assert_eq!(bonferroni(&p)[2], Some(0.08));
        assert_eq!(benjamini_hochberg(&[]), []);
        assert_eq!(benjamini_hochberg(&[None]), [None]);
    }

    proptest! {
        /// q keeps the order of p, is never smaller, and q ≤ a exactly for those that the step-up rule at a takes.
        #[test]
        fn the_rule_and_the_adjusted_values_agree(p in prop::collection::vec(0.0..=1.0f64, 1..40), a in 0.01..0.5f64) {
            let tests: Vec<Option<f64>> = p.iter().map(|p| Some(*p)).collect();
            let q = benjamini_hochberg(&tests);
            let mut sorted = p.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let m = p.len() as f64;
            let cut = sorted.iter().enumerate().filter(|(i, p)| **p <= (*i + 1) as f64 * a / m).map(|(_, p)| *p).next_back();
            for (p, q) in p.iter().zip(&q) {
                let q = q.unwrap();
                prop_assert!(q >= *p - 1e-15 && q <= 1.0);
                // Not at the very boundary, where the two ways to compute it round differently.
                if (q - a).abs() > 1e-9 {
                    prop_assert_eq!(q <= a, cut.is_some_and(|cut| *p <= cut));
                }
            }
        }
    }
}

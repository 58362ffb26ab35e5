use super::*;
use crate::draw::Draw;

const Y: [f64; 20] =
    [3.0, 0.0, 7.0, 2.0, 5.0, 1.0, 12.0, 4.0, 0.0, 6.0, 9.0, 2.0, 1.0, 15.0, 3.0, 0.0, 4.0, 8.0, 2.0, 22.0];

struct Example {
    x: Vec<f64>,
    offset: Vec<f64>,
    clusters: Vec<u32>,
}

impl Example {
    fn new() -> Self {
        let row = |i: usize| [1.0, (i % 2) as f64, (7 * i % 20) as f64 / 10.0 - 1.0];
        Self {
            x: (0..20).flat_map(row).collect(),
            offset: (0..20).map(|i| f64::from(1 + i % 4).ln()).collect(),
            clusters: (0..20).map(|i| i / 4).collect(),
        }
    }

    fn design(&self) -> Design<'_> {
        Design { y: &Y, x: &self.x, columns: 3, offset: Some(&self.offset), clusters: Some(&self.clusters) }
    }
}

fn close(found: &[f64], expected: &[f64], within: f64) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < within, "{found:?} {expected:?}");
    }
}

fn diagonal(a: &[f64]) -> Vec<f64> {
    (0..3).map(|i| a[4 * i]).collect()
}

#[test]
fn poisson_as_statsmodels_says() {
    // statsmodels 0.15.0: GLM(Poisson, offset), plain and with cov_type = 'cluster'.
    let example = Example::new();
    let fit = poisson(&example.design()).unwrap();
    assert!(fit.converged && fit.alpha.is_none());
    close(&fit.coefficients, &[0.836_645_325_689_257_5, -0.142_712_259_558_898_32, 0.175_660_761_621_653_28], 1e-10);
    close(
        &diagonal(&fit.covariance),
        &[0.021_740_712_812_605_305, 0.038_414_086_683_303_234, 0.028_916_994_893_386_533],
        1e-10,
    );
    close(
        &diagonal(fit.robust.as_ref().unwrap()),
        &[0.081_617_072_406_791_35, 0.384_498_563_824_495_3, 0.241_307_910_493_422_8],
        1e-9,
    );
    close(&[fit.log_likelihood], &[-78.599_759_973_965_02], 1e-9);
    let effect = fit.rate_ratio(1, 0.95).unwrap();
    close(
        &[effect.ratio, effect.se],
        &[(-0.142_712_259_558_898_32_f64).exp(), 0.384_498_563_824_495_3_f64.sqrt()],
        1e-9,
    );
}

#[test]
fn negative_binomial_as_statsmodels_says() {
    // statsmodels 0.15.0: NegativeBinomial(offset), plain and with cov_type = 'cluster'.
    let example = Example::new();
    let fit = negative_binomial(&example.design()).unwrap();
    assert!(fit.converged, "{fit:?}");
    close(&fit.coefficients, &[0.889_070_730_078_089, -0.113_244_450_168_872_55, 0.116_770_798_279_733_63], 1e-6);
    close(&[fit.alpha.unwrap(), fit.log_likelihood], &[0.863_594_194_191_089_4, -54.582_408_872_350_67], 1e-6);
    close(
        &diagonal(&fit.covariance),
        &[0.123_171_376_153_369_19, 0.243_226_349_474_467_92, 0.204_724_887_306_315_27],
        1e-6,
    );
    close(
        &diagonal(fit.robust.as_ref().unwrap()),
        &[0.088_785_936_039_671_01, 0.371_058_922_830_167_45, 0.267_991_791_654_531_7],
        1e-6,
    );
}

#[test]
fn a_rate_by_itself_is_the_mean() {
    let y = [3.0, 5.0, 7.0];
    let fit = poisson(&Design { y: &y, x: &[1.0; 3], columns: 1, offset: None, clusters: None }).unwrap();
    close(&fit.coefficients, &[5.0_f64.ln()], 1e-12);
    close(&fit.covariance, &[1.0 / 15.0], 1e-12);
    assert_eq!(fit.robust, None);
    let even = negative_binomial(&Design { y: &y, x: &[1.0; 3], columns: 1, offset: None, clusters: None }).unwrap();
    assert_eq!(even.alpha, Some(0.0), "they vary less than Poisson's");
    close(&even.coefficients, &fit.coefficients, 1e-12);
}

#[test]
fn no_answer_where_there_is_none() {
    let x = [1.0; 4];
    let of = |y: &[f64], x: &[f64], columns| {
        let design = Design { y, x, columns, offset: None, clusters: None };
        assert_eq!(poisson(&design).is_some(), negative_binomial(&design).is_some());
        poisson(&design).is_some()
    };
    assert!(of(&[1.0, 2.0, 3.0, 4.0], &x, 1));
    assert!(!of(&[0.0; 4], &x, 1), "no event");
    assert!(!of(&[1.0, 2.0, 3.0, 0.5], &x, 1), "half an event");
    assert!(!of(&[1.0, 2.0, 3.0, -1.0], &x, 1));
    assert!(!of(&[1.0, 2.0, 3.0, f64::NAN], &x, 1));
    assert!(!of(&[1.0, 2.0], &x, 2), "the same column twice");
    assert!(!of(&[1.0, 2.0, 3.0, 4.0], &x, 0));
    assert!(!of(&[1.0, 2.0, 3.0], &x, 1));
    assert!(!of(&[], &[], 1));
    assert!(!of(&[1.0, 2.0, 3.0, 4.0], &[1.0, f64::INFINITY, 1.0, 1.0], 1));
}

#[test]
fn a_column_without_events_does_not_converge() {
    let x = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let fit = poisson(&Design { y: &[3.0, 4.0, 0.0, 0.0], x: &x, columns: 2, offset: None, clusters: None });
    assert!(fit.is_none_or(|fit| !fit.converged || fit.coefficients[1] < -15.0));
}

#[test]
fn what_was_planted_is_found() {
    // Counts of a gamma-Poisson mixture with alpha 0.5 and a rate ratio of 0.7, by sums of geometric counts.
    let mut draw = Draw::new(3, 3);
    let mut uniform = || (draw.below(1 << 53) as f64 + 0.5) / (1u64 << 53) as f64;
    let (mut y, mut x) = (Vec::new(), Vec::new());
    for i in 0..6_000 {
        let mean: f64 = if i % 2 == 0 { 4.0 } else { 2.8 };
        // Of size 2 (alpha 1/2): two geometric counts of mean / 2.
        let p = 1.0 / (1.0 + mean / 2.0);
        let geometric = |u: f64| (u.ln() / (1.0 - p).ln()).floor();
        y.push(geometric(uniform()) + geometric(uniform()));
        x.extend([1.0, f64::from(i % 2)]);
    }
    let clusters: Vec<u32> = (0..6_000).collect();
    let fit = negative_binomial(&Design { y: &y, x: &x, columns: 2, offset: None, clusters: Some(&clusters) }).unwrap();
    let effect = fit.rate_ratio(1, 0.999).unwrap();
    assert!(fit.converged && effect.interval.lower < 0.7 && 0.7 < effect.interval.upper, "{effect:?}");
    assert!((fit.alpha.unwrap() - 0.5).abs() < 0.08, "{:?}", fit.alpha);
    assert!((fit.robust.as_ref().unwrap()[3] / fit.covariance[3] - 1.0).abs() < 0.1);
    let plain = poisson(&Design { y: &y, x: &x, columns: 2, offset: None, clusters: Some(&clusters) }).unwrap();
    assert!(plain.robust.as_ref().unwrap()[3] > 2.0 * plain.covariance[3], "overdispersion widens the robust one");
    close(&plain.coefficients, &fit.coefficients, 1e-6);
}

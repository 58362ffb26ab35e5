//! The normal distribution.

use std::f64::consts::SQRT_2;

use statrs::distribution::{ContinuousCDF, Normal};

/// 1 - Phi(z), accurate far into the tail.
pub(crate) fn upper(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// Both tails: 2 (1 - Phi(|z|)).
pub(crate) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// z such that a normal value lies within -z..z with this probability; `None` unless 0 < `level` < 1.
pub(crate) fn z_of_level(level: f64) -> Option<f64> {
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let z = Normal::new(0.0, 1.0).ok()?.inverse_cdf(0.5 + level / 2.0);
    z.is_finite().then_some(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables() {
        assert!((upper(1.959_963_984_540_054) - 0.025).abs() < 1e-15);
        assert!((two_sided(-1.959_963_984_540_054) - 0.05).abs() < 1e-15);
        assert!((z_of_level(0.95).unwrap() - 1.959_963_984_540_054).abs() < 1e-9);
        assert!((z_of_level(0.998).unwrap() - 3.090_232_306_167_813).abs() < 1e-9);
        assert_eq!(z_of_level(1.0), None);
        assert_eq!(z_of_level(f64::NAN), None);
        assert!(upper(30.0) > 0.0, "the far tail is not rounded away");
    }
}

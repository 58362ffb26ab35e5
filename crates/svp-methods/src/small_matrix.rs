//! Symmetric matrices of a few rows, as one slice, row by row.

/// Inverse of a symmetric, positive definite matrix by Cholesky's factors; `None` where it is none, to working precision.
pub(crate) fn inverse(a: &[f64], p: usize) -> Option<Vec<f64>> {
    // Scaled to a diagonal of ones, so that the unit of a column does not matter.
    let scale: Vec<f64> = (0..p).map(|i| 1.0 / a[i * p + i].sqrt()).collect();
    if !scale.iter().all(|s| s.is_finite() && *s > 0.0) {
        return None;
    }
    let mut l = vec![0.0; p * p];
    for i in 0..p {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * p + k] * l[j * p + k]).sum();
            let rest = a[i * p + j] * scale[i] * scale[j] - dot;
            if i == j {
                if !(rest > 1e-12 && rest.is_finite()) {
                    return None;
                }
                l[i * p + i] = rest.sqrt();
            } else {
                l[i * p + j] = rest / l[j * p + j];
            }
        }
    }
    let mut out = vec![0.0; p * p];
    for column in 0..p {
        let mut x = vec![0.0; p];
        for i in 0..p {
            let dot: f64 = (0..i).map(|k| l[i * p + k] * x[k]).sum();
            x[i] = (f64::from(u8::from(i == column)) - dot) / l[i * p + i];
        }
        for i in (0..p).rev() {
            let dot: f64 = (i + 1..p).map(|k| l[k * p + i] * x[k]).sum();
            x[i] = (x[i] - dot) / l[i * p + i];
        }
        (0..p).for_each(|i| out[i * p + column] = x[i] * scale[i] * scale[column]);
    }
    Some(out)
}

/// Matrix × vector.
pub(crate) fn times(a: &[f64], v: &[f64]) -> Vec<f64> {
    a.chunks(v.len()).map(|row| row.iter().zip(v).map(|(a, v)| a * v).sum()).collect()
}

/// a × b × a of symmetric matrices: the sandwich.
pub(crate) fn sandwich(a: &[f64], b: &[f64], p: usize) -> Vec<f64> {
    let product = |x: &[f64], y: &[f64]| -> Vec<f64> {
        (0..p * p).map(|k| (0..p).map(|m| x[k / p * p + m] * y[m * p + k % p]).sum()).collect()
    };
    product(&product(a, b), a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_is_one() {
        let a = [4.0, 2.0, 1e-3, 2.0, 3.0, 0.0, 1e-3, 0.0, 1e-5];
        let b = inverse(&a, 3).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let dot: f64 = (0..3).map(|k| a[i * 3 + k] * b[k * 3 + j]).sum();
                assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-10);
            }
        }
        assert_eq!(inverse(&[1.0, 1.0, 1.0, 1.0], 2), None, "of rank one");
        assert_eq!(inverse(&[-1.0], 1), None);
        assert_eq!(times(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0]), [3.0, 7.0]);
        assert_eq!(sandwich(&[2.0, 0.0, 0.0, 1.0], &[1.0, 1.0, 1.0, 1.0], 2), [4.0, 2.0, 2.0, 1.0]);
    }
}

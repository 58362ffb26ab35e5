//! Transverse Mercator of the National Grid on the GRS80 ellipsoid, by the series that Ordnance Survey
//! prints (*A guide to coordinate systems in Great Britain*, annex C), so that the official figures are met.

/// GRS80 semi-major axis, metres.
const A: f64 = 6_378_137.000;
/// GRS80 semi-minor axis, metres.
const B: f64 = 6_356_752.314_1;
/// Scale on the central meridian.
const F0: f64 = 0.999_601_271_7;
/// Latitude of the true origin, radians.
const PHI0: f64 = 49.0 * std::f64::consts::PI / 180.0;
/// Longitude of the true origin, radians.
const LAMBDA0: f64 = -2.0 * std::f64::consts::PI / 180.0;
/// Easting of the true origin, metres.
const E0: f64 = 400_000.0;
/// Northing of the true origin, metres.
const N0: f64 = -100_000.0;

/// First eccentricity squared.
const E2: f64 = (A * A - B * B) / (A * A);
/// Third flattening.
const N: f64 = (A - B) / (A + B);

/// Degrees to metres.
pub(super) fn forward(longitude: f64, latitude: f64) -> (f64, f64) {
    forward_radians(longitude.to_radians(), latitude.to_radians())
}

fn forward_radians(lambda: f64, phi: f64) -> (f64, f64) {
    let (sin, cos) = phi.sin_cos();
    let (nu, rho) = radii(sin);
    let eta2 = nu / rho - 1.0;
    let tan2 = (sin / cos) * (sin / cos);
    let tan4 = tan2 * tan2;
    let cos3 = cos * cos * cos;
    let cos5 = cos3 * cos * cos;

    let i = meridian_arc(phi, sin, cos) + N0;
    let ii = nu / 2.0 * sin * cos;
    let iii = nu / 24.0 * sin * cos3 * (5.0 - tan2 + 9.0 * eta2);
    let iiia = nu / 720.0 * sin * cos5 * (61.0 - 58.0 * tan2 + tan4);
    let iv = nu * cos;
    let v = nu / 6.0 * cos3 * (nu / rho - tan2);
    let vi = nu / 120.0 * cos5 * (5.0 - 18.0 * tan2 + tan4 + 14.0 * eta2 - 58.0 * tan2 * eta2);

    let d = lambda - LAMBDA0;
    let d2 = d * d;
    let east = E0 + d * (iv + d2 * (v + d2 * vi));
    let north = i + d2 * (ii + d2 * (iii + d2 * iiia));
    (east, north)
}

/// Metres to degrees.
///
/// The printed inverse series, then Newton steps against [`forward`], so that the two are inverse to each
/// other to a micrometre even at the edges, where the truncated series part by some millimetres.
pub(super) fn inverse(east: f64, north: f64) -> (f64, f64) {
    let (mut lambda, mut phi) = inverse_series(east, north);
    for _ in 0..4 {
        let (back_east, back_north) = forward_radians(lambda, phi);
        let (miss_east, miss_north) = (east - back_east, north - back_north);
        if miss_east.abs().max(miss_north.abs()) < 1e-6 {
            break;
        }
        let (sin, cos) = phi.sin_cos();
        let (nu, rho) = radii(sin);
        lambda += miss_east / (nu * cos);
        phi += miss_north / rho;
    }
    (lambda.to_degrees(), phi.to_degrees())
}

fn inverse_series(east: f64, north: f64) -> (f64, f64) {
    let phi = foot_latitude(north);
    let (sin, cos) = phi.sin_cos();
    let (nu, rho) = radii(sin);
    let eta2 = nu / rho - 1.0;
    let tan = sin / cos;
    let tan2 = tan * tan;
    let tan4 = tan2 * tan2;
    let tan6 = tan4 * tan2;
    let sec = 1.0 / cos;
    let nu3 = nu * nu * nu;
    let nu5 = nu3 * nu * nu;
    let nu7 = nu5 * nu * nu;

    let vii = tan / (2.0 * rho * nu);
    let viii = tan / (24.0 * rho * nu3) * (5.0 + 3.0 * tan2 + eta2 - 9.0 * tan2 * eta2);
    let ix = tan / (720.0 * rho * nu5) * (61.0 + 90.0 * tan2 + 45.0 * tan4);
    let x = sec / nu;
    let xi = sec / (6.0 * nu3) * (nu / rho + 2.0 * tan2);
    let xii = sec / (120.0 * nu5) * (5.0 + 28.0 * tan2 + 24.0 * tan4);
    let xiia = sec / (5040.0 * nu7) * (61.0 + 662.0 * tan2 + 1320.0 * tan4 + 720.0 * tan6);

    let d = east - E0;
    let d2 = d * d;
    let latitude = phi - d2 * (vii - d2 * (viii - d2 * ix));
    let longitude = LAMBDA0 + d * (x - d2 * (xi - d2 * (xii - d2 * xiia)));
    (longitude, latitude)
}

/// Latitude on the central meridian with this northing, radians.
fn foot_latitude(north: f64) -> f64 {
    let target = north - N0;
    let mut phi = PHI0 + target / (A * F0);
    for _ in 0..10 {
        let (sin, cos) = phi.sin_cos();
        let missing = target - meridian_arc(phi, sin, cos);
        if missing.abs() < 1e-6 {
            break;
        }
        phi += missing / (A * F0);
    }
    phi
}

/// Radii of curvature across and along the meridian, scaled, metres.
fn radii(sin: f64) -> (f64, f64) {
    let w = 1.0 - E2 * sin * sin;
    let nu = A * F0 / w.sqrt();
    (nu, nu * (1.0 - E2) / w)
}

/// Scaled length of the meridian from the true origin, metres.
///
/// The guide's sin k(φ−φ₀) cos k(φ+φ₀) is ½(sin 2kφ − sin 2kφ₀), which needs one sine and cosine.
fn meridian_arc(phi: f64, sin: f64, cos: f64) -> f64 {
    const N2: f64 = N * N;
    const N3: f64 = N2 * N;
    /// sin 2φ₀, sin 4φ₀, sin 6φ₀ for φ₀ = 49°.
    const SIN2: f64 = 0.990_268_068_741_570_3;
    const SIN4: f64 = -0.275_637_355_816_999_16;
    const SIN6: f64 = -0.913_545_457_642_600_9;
    let sin2 = 2.0 * sin * cos;
    let cos2 = cos * cos - sin * sin;
    let sin4 = 2.0 * sin2 * cos2;
    let sin6 = sin2 * (3.0 - 4.0 * sin2 * sin2);
    B * F0
        * ((1.0 + N + 1.25 * N2 + 1.25 * N3) * (phi - PHI0) - (3.0 * N + 3.0 * N2 + 2.625 * N3) * 0.5 * (sin2 - SIN2)
            + (1.875 * N2 + 1.875 * N3) * 0.5 * (sin4 - SIN4)
            - 35.0 / 24.0 * N3 * 0.5 * (sin6 - SIN6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_example() {
        // Caister water tower in the user guide.
        let (east, north) = forward(1.716_073_973, 52.658_007_833);
        assert!((east - 651_307.003).abs() < 0.000_6 && (north - 313_255.686).abs() < 0.000_6, "{east} {north}");
    }

    #[test]
    fn inverse_of_each_other_over_the_whole_grid() {
        for east in (0..=700_000).step_by(17_500) {
            for north in (0..=1_250_000).step_by(12_500) {
                let (lambda, phi) = inverse(f64::from(east), f64::from(north));
                let (e, n) = forward(lambda, phi);
                assert!((e - f64::from(east)).abs() < 1e-5 && (n - f64::from(north)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_constants_are_the_sines_of_the_origin() {
        let (sin, cos) = PHI0.sin_cos();
        assert!(meridian_arc(PHI0, sin, cos).abs() < 1e-9);
    }
}

//! Official points, round trips, and the comparison with another implementation.

use proptest::prelude::*;

use super::{to_bng, to_wgs84};

/// Latitude, longitude, easting, northing of official OSTN15 test points: Scilly, Cornwall, Plymouth, the
/// east coast, St Kilda, Shetland.
const OFFICIAL: [(f64, f64, f64, f64); 6] = [
    (49.92226393730, -6.29977752014, 91492.146, 11318.804),
    (49.96006137820, -5.20304609998, 170370.718, 11572.405),
    (50.43885825610, -4.10864563561, 250359.811, 62016.569),
    (52.65800783300, 1.71607397300, 651409.804, 313177.450),
    (57.81351838410, -8.57854456076, 9587.909, 899448.996),
    (60.13308091660, -2.07382822798, 395999.668, 1138728.951),
];

fn near(given: (f64, f64), wanted: (f64, f64), tolerance: f64) -> bool {
    (given.0 - wanted.0).abs() <= tolerance && (given.1 - wanted.1).abs() <= tolerance
}

/// Half a unit of the last printed digit, with room for the rounding of binary numbers.
const PRINTED: f64 = 0.000_5;

/// One millimetre on the ground, in degrees of latitude and (at 61 N) longitude.
const MILLIMETRE_LATITUDE: f64 = 0.9e-8;
const MILLIMETRE_LONGITUDE: f64 = 1.8e-8;

fn check_point(latitude: f64, longitude: f64, easting: f64, northing: f64) {
    let bng = to_bng(longitude, latitude).unwrap();
    assert!(near(bng, (easting, northing), PRINTED), "{latitude} {longitude}: {bng:?}, not {easting} {northing}");
    let (lon, lat) = to_wgs84(easting, northing).unwrap();
    assert!(
        (lat - latitude).abs() < MILLIMETRE_LATITUDE && (lon - longitude).abs() < MILLIMETRE_LONGITUDE,
        "{easting} {northing}: {lat} {lon}, not {latitude} {longitude}"
    );
}

#[test]
fn official_points_written_here() {
    for (latitude, longitude, easting, northing) in OFFICIAL {
        check_point(latitude, longitude, easting, northing);
    }
}

#[test]
fn all_official_points() {
    let Some(folder) = crate::testing::test_data() else {
        return;
    };
    let read = |name: &str| std::fs::read_to_string(folder.join("geodesy/ostn15").join(name)).unwrap();
    let inputs = read("OSTN15_OSGM15_TestInput_ETRStoOSGB.txt");
    let outputs = read("OSTN15_OSGM15_TestOutput_ETRStoOSGB.txt");
    let mut points = 0;
    for (input, output) in inputs.lines().zip(outputs.lines()).skip(1) {
        let input: Vec<&str> = input.trim().split(',').collect();
        let output: Vec<&str> = output.trim().split(',').collect();
        assert_eq!(input[0], output[0]);
        let number = |text: &str| text.parse::<f64>().unwrap();
        check_point(number(input[1]), number(input[2]), number(output[1]), number(output[2]));
        points += 1;
    }
    assert_eq!(points, 40);
}

#[test]
fn southern_scilly_is_covered() {
    // St Agnes lighthouse and the Western Rocks, south of what many tools accept.
    for (longitude, latitude) in [(-6.345_8, 49.892_2), (-6.444_7, 49.872_9)] {
        let (easting, northing) = to_bng(longitude, latitude).unwrap();
        assert!((80_000.0..95_000.0).contains(&easting) && (4_000.0..12_000.0).contains(&northing));
        let (lon, lat) = to_wgs84(easting, northing).unwrap();
        assert!((lon - longitude).abs() < MILLIMETRE_LONGITUDE && (lat - latitude).abs() < MILLIMETRE_LATITUDE);
    }
}

#[test]
fn outside_is_none() {
    for (longitude, latitude) in
        [(0.0, 0.0), (f64::NAN, 51.0), (-3.5, f64::INFINITY), (50.7, -3.5), (-11.9, 50.0), (5.0, 52.0), (-2.0, 48.5)]
    {
        assert_eq!(to_bng(longitude, latitude), None, "{longitude} {latitude}");
    }
    for (easting, northing) in [(f64::NAN, 1.0), (-1_000.0, 50_000.0), (300_000.0, 1_400_000.0), (1e300, -1e300)] {
        assert_eq!(to_wgs84(easting, northing), None, "{easting} {northing}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn round_trip_from_the_grid(easting in 120.0..700_000.0_f64, northing in 0.0..1_249_000.0_f64) {
        let (longitude, latitude) = to_wgs84(easting, northing).unwrap();
        let back = to_bng(longitude, latitude).unwrap();
        prop_assert!(near(back, (easting, northing), 0.001), "{easting} {northing} {back:?}");
    }

    #[test]
    fn round_trip_from_degrees(longitude in -7.4..1.9_f64, latitude in 49.95..60.9_f64) {
        let (easting, northing) = to_bng(longitude, latitude).unwrap();
        let (lon, lat) = to_wgs84(easting, northing).unwrap();
        prop_assert!((lon - longitude).abs() < MILLIMETRE_LONGITUDE && (lat - latitude).abs() < MILLIMETRE_LATITUDE);
    }

    #[test]
    fn agrees_with_lonlat_bng(longitude in -7.5..1.77_f64, latitude in 49.93..60.8_f64) {
        let theirs = lonlat_bng::convert_osgb36(longitude, latitude).unwrap();
        let ours = to_bng(longitude, latitude).unwrap();
        // Both round to the millimetre.
        prop_assert!(near(ours, theirs, 0.001_000_1), "{longitude} {latitude}: {ours:?} {theirs:?}");
    }

    #[test]
    fn never_panics(x in any::<f64>(), y in any::<f64>()) {
        let _ = (to_bng(x, y), to_wgs84(x, y));
    }
}

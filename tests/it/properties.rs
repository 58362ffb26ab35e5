//! Properties that hold for any input.

use proptest::prelude::*;
use svp_functions::time::aoristic_hours::{WHOLE, aoristic_hours};
use svp_functions::time::hour_of_week::hour_of_week;

const SECOND: i64 = 1_000_000;
/// 2000-01-01 and 2050-01-01, UTC.
const YEARS: std::ops::Range<i64> = 946_684_800..2_524_608_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// An event weighs one event, however long or odd its window is.
    #[test]
    fn aoristic_weights_are_one_event(from in YEARS, length in -100_000_i64..2_000_000) {
        let hours = aoristic_hours(from * SECOND, Some((from + length) * SECOND)).unwrap();
        prop_assert_eq!(hours.iter().map(|(_, weight)| weight).sum::<i64>(), WHOLE);
        prop_assert!(hours.iter().all(|(hour, weight)| (0..168).contains(hour) && *weight >= 0));
        prop_assert!(hours.windows(2).all(|pair| pair[0].0 < pair[1].0), "each hour once, in order: {hours:?}");
    }

    /// The first hour of the window has a weight, and a moment has all of it there.
    #[test]
    fn aoristic_weights_begin_at_the_start(from in YEARS, minutes in 1_i64..10_080) {
        let from = from * SECOND;
        let hour = hour_of_week(from).unwrap();
        prop_assert_eq!(aoristic_hours(from, None).unwrap(), vec![(hour, WHOLE)]);
        let hours = aoristic_hours(from, Some(from + minutes * 60 * SECOND)).unwrap();
        prop_assert!(hours.iter().any(|(h, weight)| *h == hour && *weight > 0), "{hours:?} has no hour {hour}");
        // No hour can weigh more than its sixty minutes (the doubled hour of October: 120).
        let most = WHOLE * 120 / minutes + 1;
        prop_assert!(hours.iter().all(|(_, weight)| *weight <= most.min(WHOLE)), "{hours:?}, {minutes} minutes");
    }
}

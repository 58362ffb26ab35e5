//! Events in space and time, and how their pairs fall into bands.

/// An event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Easting, metres.
    pub x: f64,
    /// Northing, metres.
    pub y: f64,
    /// Time, days. Whole days are several times quicker than fractions.
    pub day: f64,
}

/// How far two places are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// |dx| + |dy|, near to the way along streets.
    #[default]
    Manhattan,
    /// As the crow flies.
    Euclidean,
}

/// To which band a distance belongs that is equal to a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closed {
    /// To the band above: bands are [a, b).
    #[default]
    Left,
    /// To the band below: bands are (a, b], and the lowest break is in no band.
    Right,
    /// To the band below, and the lowest break to the first band.
    RightAndLowest,
}

/// How pairs fall into bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// How far two places are apart.
    pub metric: Metric,
    /// What equals a break in space.
    pub space: Closed,
    /// What equals a break in time.
    pub time: Closed,
    /// Whether pairs at the very same place have a first band of their own, and are in no other.
    pub same_place: bool,
    /// Whether coordinates are rounded to single precision (1/16 m in a northing of 600 km) before they are compared.
    pub single_precision: bool,
}

impl Rules {
    /// The rules that give the counts of the Near Repeat Calculator 1.3 to the last pair: Manhattan, bands [a, b), the same place by itself,
    /// single precision. Breaks are 0, bandwidth, 2 × bandwidth… and infinity; in time as well.
    ///
    /// Its labels name other bands than those it counts: "1 to 200 metres" are those above 0 and below 200, and "2 to 2 days" are those
    /// 1 day apart (shown by the vignette of `NearRepeat`). The single precision is inferred from its two published tables, which nothing else that
    /// we tried fits.
    ///
    /// ```
    /// use svp_methods::knox::{Event, Rules, knox};
    /// // Two burglaries of one house a day apart, and three days later one 150 m away.
    /// let events = [(0.0, 0.0), (0.0, 1.0), (150.0, 4.0)].map(|(x, day)| Event { x, y: 0.0, day });
    /// let (space, time) = ([0.0, 200.0, f64::INFINITY], [0.0, 7.0, f64::INFINITY]);
    /// let found = knox(&events, &space, &time, &Rules::near_repeat_calculator(), 0, 1, 1).unwrap();
    /// // The same place, up to 200 m, beyond; each within a week and later.
    /// assert_eq!(found.observed, [[1, 0], [2, 0], [0, 0]]);
    /// ```
    #[must_use]
    pub fn near_repeat_calculator() -> Self {
        Self { same_place: true, single_precision: true, ..Self::default() }
    }
}

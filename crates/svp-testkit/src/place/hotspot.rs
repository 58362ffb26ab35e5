//! The planted places and hours of public violence.

use super::Point;
use crate::dice::Dice;

/// Radius in which all events of a hotspot lie, metres.
pub const RADIUS: f64 = 100.0;

/// A planted hotspot. Its middle is the middle of a 250 m cell of the National Grid.
#[derive(Debug, Clone, Copy)]
pub struct Hotspot {
    /// Name of the place.
    pub name: &'static str,
    /// Street at its middle.
    pub street: &'static str,
    /// A place there as people type it at a hospital's reception.
    pub spoken: &'static str,
    /// Index of the district.
    pub district: usize,
    /// Its middle.
    pub middle: Point,
    /// Share of all violence in public places.
    pub share: f64,
    /// Spans of hours with their weight: weekday (0 = Monday), first hour, number of hours, weight.
    pub hours: &'static [(usize, usize, usize, f64)],
    /// Whether it is a place of pubs and clubs.
    pub nightlife: bool,
}

impl Hotspot {
    /// A place of an event within the hotspot.
    pub fn place(&self, dice: &mut Dice) -> Point {
        loop {
            let point = Point {
                e: self.middle.e + (dice.normal() * 38.0).round() as i32,
                n: self.middle.n + (dice.normal() * 38.0).round() as i32,
            };
            if point.distance(self.middle) <= RADIUS {
                return point;
            }
        }
    }
}

/// The hotspots.
pub const HOTSPOTS: [Hotspot; 6] = [
    Hotspot {
        name: "Harbour Row nightlife",
        street: "Harbour Row",
        spoken: "outside the Gilded Lantern, Harbour Row",
        district: 1,
        middle: Point { e: 323_625, n: 53_625 },
        share: 0.16,
        hours: &[(4, 22, 2, 3.0), (5, 0, 3, 4.0), (5, 22, 2, 3.0), (6, 0, 3, 4.0)],
        nightlife: true,
    },
    Hotspot {
        name: "Market Cross, Averholt",
        street: "Market Cross",
        spoken: "Market Cross by the taxi rank",
        district: 0,
        middle: Point { e: 318_125, n: 61_125 },
        share: 0.13,
        hours: &[(5, 20, 4, 3.0), (6, 0, 2, 3.0), (4, 21, 3, 1.2)],
        nightlife: true,
    },
    Hotspot {
        name: "Station Approach, Averholt",
        street: "Station Approach",
        spoken: "Station Approach bus stands",
        district: 0,
        middle: Point { e: 318_875, n: 60_625 },
        share: 0.10,
        hours: &[(0, 15, 3, 1.0), (1, 15, 3, 1.0), (2, 15, 3, 1.0), (3, 15, 3, 1.0), (4, 15, 3, 1.4)],
        nightlife: false,
    },
    Hotspot {
        name: "Cornmarket, Harrowmere",
        street: "Cornmarket",
        spoken: "Cornmarket Harrowmere, nr kebab van",
        district: 2,
        middle: Point { e: 328_125, n: 61_625 },
        share: 0.08,
        hours: &[(3, 22, 2, 3.0), (4, 0, 2, 3.0), (5, 22, 2, 1.0)],
        nightlife: true,
    },
    Hotspot {
        name: "Cattle Market car park, Dunveil",
        street: "Cattle Market",
        spoken: "cattle market car park",
        district: 3,
        middle: Point { e: 320_625, n: 66_625 },
        share: 0.07,
        hours: &[(4, 19, 4, 2.0), (5, 19, 4, 2.0)],
        nightlife: false,
    },
    Hotspot {
        name: "Priory Gardens, Saltmarch",
        street: "Priory Gardens",
        spoken: "Priory gdns by bandstand",
        district: 1,
        middle: Point { e: 322_625, n: 54_375 },
        share: 0.05,
        hours: &[(5, 14, 4, 1.5), (6, 14, 4, 1.5)],
        nightlife: false,
    },
];

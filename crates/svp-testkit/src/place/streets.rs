//! Streets, postcodes and the snap points of open data.

use super::{County, HOTSPOTS, PREMISES, Point};
use crate::dice::{Dice, Purpose};

#[rustfmt::skip]
const STREET_WORDS: [&str; 72] = [
    "Harbour", "Tannery", "Chapel", "Orchard", "Lime Kiln", "Granary", "Ropewalk", "Signal", "Windmill", "Copper",
    "Lighthouse", "Foundry", "Saddlers", "Quarry", "Beacon", "Meadow", "Cooper", "Ferry", "Brewery", "Cloister",
    "Smithy", "Pottery", "Reservoir", "Heron", "Kingfisher", "Otter", "Badger", "Foxglove", "Bramble", "Larkspur",
    "Juniper", "Rowan Tree", "Elder Tree", "Sycamore", "Hawthorn", "Blackthorn", "Willow Tree", "Alder", "Poplar", "Lantern",
    "Kelbray", "Averholt", "Saltmarch", "Harrowmere", "Dunveil", "Northmere", "Coastguard", "Regatta", "Compass", "Anchor",
    "Mariners", "Fishermans", "Netloft", "Sailmakers", "Chandlers", "Barrack", "Garrison", "Priory", "Abbey", "Almshouse",
    "Tithe Barn", "Wheatfield", "Barley", "Clover", "Shepherds", "Drovers", "Packhorse", "Turnpike", "Tollhouse", "Viaduct",
    "Junction", "Observatory",
];
const STREET_KINDS: [&str; 10] =
    ["Street", "Road", "Lane", "Close", "Avenue", "Terrace", "Way", "Hill", "Crescent", "Gardens"];
const LETTERS: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
/// Most postcodes that one small area can hold: two sectors.
const MOST: usize = 780;

/// A postcode unit.
#[derive(Debug, Clone, Copy)]
pub struct Postcode {
    /// Index of its small area.
    pub lsoa: u16,
    /// Its number within the area.
    pub number: u16,
    /// Its middle, which is also a snap point.
    pub at: Point,
    /// Street: word, kind.
    street: (u8, u8),
    /// Terminated before or during the period.
    pub terminated: bool,
}

/// All postcodes, in the order of their areas.
#[derive(Debug)]
pub struct Streets {
    /// The postcodes.
    pub postcodes: Vec<Postcode>,
    starts: Vec<usize>,
}

impl Streets {
    /// Draws streets for a county with this many people.
    #[must_use]
    pub fn new(county: &County, people: u32) -> Self {
        let mut dice = Dice::new(1990, Purpose::Streets, 0);
        let per_area = (people as usize / county.lsoas.len() / 14).clamp(8, MOST);
        let (mut postcodes, mut starts) = (Vec::new(), Vec::new());
        for lsoa in 0..county.lsoas.len() {
            starts.push(postcodes.len());
            let mut street = (0, 0);
            for number in 0..per_area {
                if number % 3 == 0 {
                    street = (dice.below(STREET_WORDS.len()) as u8, dice.below(STREET_KINDS.len()) as u8);
                }
                postcodes.push(Postcode {
                    lsoa: lsoa as u16,
                    number: number as u16,
                    at: county.place_in(lsoa, &mut dice),
                    street,
                    terminated: number + 1 == per_area && lsoa % 6 == 0,
                });
            }
        }
        starts.push(postcodes.len());
        Self { postcodes, starts }
    }

    /// The range of the postcodes of a small area.
    #[must_use]
    pub fn of_area(&self, lsoa: usize) -> std::ops::Range<usize> {
        self.starts[lsoa]..self.starts[lsoa + 1]
    }

    /// The text of a postcode, such as `WM1 2AB`.
    #[must_use]
    pub fn text(&self, postcode: usize) -> String {
        let Postcode { lsoa, number, .. } = self.postcodes[postcode];
        let (lsoa, number) = (usize::from(lsoa), usize::from(number));
        let (district, sector) = (1 + lsoa / 4, 2 * (lsoa % 4) + number / 400);
        let unit = (number * 137 + lsoa * 31) % 400;
        let (first, second) = (char::from(LETTERS[unit / 20]), char::from(LETTERS[unit % 20]));
        format!("WM{district} {sector}{first}{second}")
    }

    /// The street of a postcode.
    #[must_use]
    pub fn street(&self, postcode: usize) -> String {
        let (word, kind) = self.postcodes[postcode].street;
        format!("{} {}", STREET_WORDS[usize::from(word)], STREET_KINDS[usize::from(kind)])
    }

    /// A postcode of a small area.
    pub fn any_in(&self, lsoa: usize, dice: &mut Dice) -> usize {
        let range = self.of_area(lsoa);
        range.start + dice.below(range.len())
    }

    /// The nearest postcode in a small area.
    #[must_use]
    pub fn nearest(&self, lsoa: usize, point: Point) -> usize {
        let range = self.of_area(lsoa);
        range
            .clone()
            .min_by(|a, b| {
                let (a, b) = (self.postcodes[*a].at, self.postcodes[*b].at);
                a.distance(point).total_cmp(&b.distance(point))
            })
            .unwrap_or(range.start)
    }

    /// The snap point of open data for a place: its name and position.
    #[must_use]
    pub fn snap(&self, lsoa: usize, point: Point) -> (String, Point) {
        let postcode = self.nearest(lsoa, point);
        let mut best = (self.postcodes[postcode].at.distance(point), None, self.postcodes[postcode].at);
        for hotspot in &HOTSPOTS {
            let away = hotspot.middle.distance(point);
            if away < best.0 {
                best = (away, Some(hotspot.street), hotspot.middle);
            }
        }
        for premises in &PREMISES {
            let away = premises.at.distance(point) + 60.0;
            if away < best.0 {
                let label = match premises.kind {
                    super::Kind::Hospital => "Hospital",
                    super::Kind::Police => "Police Station",
                    super::Kind::Nightclub => "Nightclub",
                    super::Kind::Shop => "Shopping Area",
                    super::Kind::Station => "Bus/Coach Station",
                    super::Kind::Pub | super::Kind::School => continue,
                };
                best = (away, Some(label), premises.at);
            }
        }
        let name = best.1.map_or_else(|| self.street(postcode), str::to_owned);
        (format!("On or near {name}"), best.2)
    }

    /// All words of street names, for tests on names of people.
    #[must_use]
    pub fn words() -> Vec<&'static str> {
        STREET_WORDS.iter().chain(&STREET_KINDS).copied().collect()
    }
}

//! Invented premises: pubs, clubs, hospitals, police stations, schools.

use super::Point;

/// What a premises is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A pub or bar.
    Pub,
    /// A nightclub.
    Nightclub,
    /// A hospital with an emergency department.
    Hospital,
    /// A police building.
    Police,
    /// A school.
    School,
    /// A shop or shopping centre.
    Shop,
    /// A station of the railway or of buses.
    Station,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pub => "pub",
            Self::Nightclub => "nightclub",
            Self::Hospital => "hospital",
            Self::Police => "police",
            Self::School => "school",
            Self::Shop => "shop",
            Self::Station => "station",
        }
    }
}

/// A premises.
#[derive(Debug, Clone, Copy)]
pub struct Premises {
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// Place.
    pub at: Point,
}

const fn premises(name: &'static str, kind: Kind, e: i32, n: i32) -> Premises {
    Premises { name, kind, at: Point { e, n } }
}

/// The force's headquarters, whose coordinates stand in for unknown places.
pub const HEADQUARTERS: Point = Point { e: 316_625, n: 62_375 };
/// The general hospital.
pub const HOSPITAL: Point = Point { e: 319_625, n: 62_125 };

/// The premises.
#[rustfmt::skip]
pub const PREMISES: [Premises; 36] = [
    premises("Wessmark Police Headquarters", Kind::Police, HEADQUARTERS.e, HEADQUARTERS.n),
    premises("Saltmarch Custody Centre", Kind::Police, 324_875, 54_875),
    premises("Harrowmere Police Station", Kind::Police, 327_375, 61_125),
    premises("Averholt General Hospital", Kind::Hospital, HOSPITAL.e, HOSPITAL.n),
    premises("Saltmarch Minor Injuries Unit", Kind::Hospital, 322_125, 53_125),
    premises("The Gilded Lantern", Kind::Nightclub, 323_640, 53_640),
    premises("Cellar Nine", Kind::Nightclub, 318_150, 61_090),
    premises("Cornmarket Rooms", Kind::Nightclub, 328_105, 61_655),
    premises("The Anchor and Hope", Kind::Pub, 323_590, 53_600),
    premises("The Drifting Gull", Kind::Pub, 323_670, 53_590),
    premises("The Salt Cellar", Kind::Pub, 323_220, 54_010),
    premises("The Market Tavern", Kind::Pub, 318_100, 61_150),
    premises("The Tin Kettle", Kind::Pub, 318_480, 61_420),
    premises("The Woolpack", Kind::Pub, 317_720, 60_480),
    premises("The Corn Dolly", Kind::Pub, 328_160, 61_600),
    premises("The Millstream Inn", Kind::Pub, 328_700, 62_150),
    premises("The Drovers Rest", Kind::Pub, 320_580, 66_650),
    premises("The Three Ferrets", Kind::Pub, 321_300, 66_050),
    premises("The Lamplighter", Kind::Pub, 319_050, 61_000),
    premises("The Shearwater", Kind::Pub, 324_100, 54_300),
    premises("Averholt Academy", Kind::School, 317_300, 61_600),
    premises("Kelbray Road Primary School", Kind::School, 319_200, 60_100),
    premises("Saltmarch Community College", Kind::School, 322_900, 55_100),
    premises("Harbourside Primary School", Kind::School, 324_300, 53_700),
    premises("Harrowmere High School", Kind::School, 328_900, 60_900),
    premises("Cornfield Primary School", Kind::School, 327_500, 62_200),
    premises("Dunveil School", Kind::School, 321_500, 66_800),
    premises("Ridgeway Primary School", Kind::School, 320_000, 65_700),
    premises("Kelbray Shopping Centre", Kind::Shop, 318_320, 60_830),
    premises("Saltmarch Parade Shops", Kind::Shop, 323_400, 54_200),
    premises("Cornmarket Arcade", Kind::Shop, 327_950, 61_480),
    premises("Dunveil Market Hall", Kind::Shop, 320_850, 66_380),
    premises("Averholt Station", Kind::Station, 318_900, 60_600),
    premises("Saltmarch Bus Station", Kind::Station, 323_050, 53_850),
    premises("Harrowmere Halt", Kind::Station, 328_450, 61_150),
    premises("Dunveil Interchange", Kind::Station, 321_050, 66_600),
];

/// The premises whose coordinates stand in for unknown places, with the radius to leave out in metres.
pub fn excluded() -> impl Iterator<Item = (&'static Premises, u32)> {
    PREMISES.iter().filter_map(|premises| match premises.kind {
        Kind::Police => Some((premises, 100)),
        Kind::Hospital => Some((premises, 150)),
        _ => None,
    })
}

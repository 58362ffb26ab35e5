//! What a crime is.

use chrono::NaiveDateTime;

use super::offence::{Offence, attracted, serious};
use crate::people::Person;
use crate::place::Point;

/// The kind of place, in the words of the police extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// A home.
    Dwelling,
    /// A street.
    Street,
    /// A pub or club.
    Licensed,
    /// A car park.
    CarPark,
    /// A park.
    Park,
    /// A school.
    School,
    /// A shop.
    Shop,
    /// A station or bus.
    Transport,
    /// A place of work.
    Workplace,
    /// Another place.
    Other,
}

impl Spot {
    /// The police's words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dwelling => "Dwelling",
            Self::Street => "Street",
            Self::Licensed => "Licensed premises",
            Self::CarPark => "Car park",
            Self::Park => "Park or open space",
            Self::School => "School",
            Self::Shop => "Shop",
            Self::Transport => "Public transport",
            Self::Workplace => "Workplace",
            Self::Other => "Other",
        }
    }
}

/// Where something happened.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The true place.
    pub at: Point,
    /// Index of the small area.
    pub lsoa: usize,
    /// Index of the hotspot.
    pub hotspot: Option<usize>,
    /// Kind of place.
    pub spot: Spot,
}

/// What the police wrote as coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// The true place.
    Right,
    /// The headquarters, as nobody knew the place.
    Headquarters,
    /// The hospital, where it was reported.
    Hospital,
    /// Nothing.
    Nowhere,
}

/// A person's part in a crime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Victim.
    Victim,
    /// Suspect.
    Suspect,
    /// Witness.
    Witness,
}

impl Part {
    /// The police's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Victim => "VICTIM",
            Self::Suspect => "SUSPECT",
            Self::Witness => "WITNESS",
        }
    }
}

/// How the time was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// To the minute.
    Exact,
    /// As a window from/to.
    Window,
    /// As midnight or the whole day, as nobody knew.
    Placeholder,
}

/// A crime.
#[derive(Debug, Clone)]
pub struct Crime {
    /// Number over the whole sample.
    pub number: u64,
    /// The police's reference.
    pub reference: String,
    /// Offence.
    pub offence: &'static Offence,
    /// When it truly happened, local time.
    pub at: NaiveDateTime,
    /// Committed from, as written.
    pub from: NaiveDateTime,
    /// Committed to, as written.
    pub to: Option<NaiveDateTime>,
    /// How the time was written.
    pub writer: Writer,
    /// When it was reported.
    pub reported: NaiveDateTime,
    /// Where it truly happened.
    pub place: Place,
    /// What the police wrote as coordinates.
    pub located: Located,
    /// Domestic.
    pub domestic: bool,
    /// Alcohol played a part.
    pub alcohol: bool,
    /// Drugs played a part.
    pub drugs: bool,
    /// A knife was used.
    pub knife: bool,
    /// The people.
    pub people: Vec<(Part, Person)>,
    /// The victim's relation to the suspect.
    pub relationship: &'static str,
    /// How often the record was revised.
    pub revision: u32,
}

impl Crime {
    /// The victim.
    #[must_use]
    pub fn victim(&self) -> Option<&Person> {
        self.people.iter().find(|(part, _)| *part == Part::Victim).map(|(_, person)| person)
    }

    /// Whether it counts as serious violence under the OPCC's definition.
    #[must_use]
    pub fn serious(&self) -> bool {
        serious(self.offence.code)
    }

    /// Whether it is violence that the hotspots attract.
    #[must_use]
    pub fn public_violence(&self) -> bool {
        !self.domestic && attracted(self.offence)
    }
}

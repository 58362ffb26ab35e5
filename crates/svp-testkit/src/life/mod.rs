//! What happens to the people: crimes, attendances, episodes of children.

mod attendance;
mod care;
mod crime;
mod draw;
mod hours;
mod offence;
mod period;

pub use attendance::{Attendance, Intent, Mechanism, attendances_of_month};
pub use care::{Care, Case, LookedAfter, Placement};
pub use crime::{Crime, Located, Part, Place, Spot, Writer};
pub use draw::{crimes_of_month, hidden_assaults_of_month};
pub use hours::{Clock, Pattern, clock_change, hour_of_week};
pub use offence::{OFFENCES, Offence, Sort, serious};
pub use period::Period;

use crate::people::Population;
use crate::place::{County, Streets};

/// The county and its people.
#[derive(Debug)]
pub struct World {
    /// Seed of the sample.
    pub seed: u64,
    /// Land and areas.
    pub county: County,
    /// Streets and postcodes.
    pub streets: Streets,
    /// People.
    pub people: Population,
    /// Months that are covered.
    pub period: Period,
}

impl World {
    /// A county of `people` people over `months` months from April 2023.
    #[must_use]
    pub fn new(seed: u64, people: u32, months: u32) -> Self {
        let county = County::new();
        let streets = Streets::new(&county, people);
        let population = Population::new(seed, people, &county);
        Self { seed, county, streets, people: population, period: Period::new(months) }
    }

    /// The size of the population in units of 8,000, which the rates are stated for.
    #[must_use]
    pub fn scale(&self) -> f64 {
        f64::from(self.people.size) / 8_000.0
    }
}

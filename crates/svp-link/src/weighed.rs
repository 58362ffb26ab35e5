//! Pairs of records with their match weights.

use crate::model::probability;

/// A pair of records, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The lesser number.
    pub a: u32,
    /// The greater number.
    pub b: u32,
    /// Match weight: log2 of the odds that both are one person, bits.
    pub weight: f32,
}

impl Pair {
    /// Probability that both are one person, 0 to 1.
    #[must_use]
    pub fn probability(&self) -> f64 {
        probability(f64::from(self.weight))
    }
}

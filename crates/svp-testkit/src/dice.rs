//! Randomness that depends on a seed, a purpose and an index only.
//!
//! Every person, crime and file draws from a stream of its own, so that nothing has to be kept in memory
//! in order to draw it again, and adding a draw in one place changes nothing in another.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};

/// What a stream of random numbers is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Mesh, coast, areas and published populations.
    Land = 1,
    /// Postcodes and streets.
    Streets = 2,
    /// One block of sixteen people.
    People = 3,
    /// One month of crimes.
    Crimes = 4,
    /// How one crime was written down.
    Writing = 5,
    /// Emergency attendances of a month.
    Attendances = 6,
    /// Anti-social behaviour of a month.
    Disorder = 7,
    /// Stop and search of a month.
    Stops = 8,
    /// Episodes of children.
    Care = 9,
    /// One record of a person.
    Identity = 10,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of `seed` for `purpose` and `index`.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ ((purpose as u64) << 56));
        rng.set_stream(index);
        Self(rng)
    }

    /// A number in `0..n` (0 when `n` is 0).
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    /// A whole number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// A number in 0 ≤ x < 1.
    pub fn unit(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of the items; the first list must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// The index of one of the weights, in proportion.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let mut left = self.unit() * total;
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }

    /// One of the items that come with weights.
    pub fn weighted_item<'a, T>(&mut self, items: &'a [(T, f64)]) -> &'a T {
        let total: f64 = items.iter().map(|(_, w)| w).sum();
        let mut left = self.unit() * total;
        for (item, weight) in items {
            left -= weight;
            if left < 0.0 {
                return item;
            }
        }
        &items[items.len() - 1].0
    }

    /// 64 hexadecimal digits.
    pub fn hex64(&mut self) -> String {
        (0..4).map(|_| format!("{:016x}", self.0.random::<u64>())).collect()
    }

    /// A draw from the normal distribution with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A Poisson count with this mean.
    pub fn poisson(&mut self, mean: f64) -> usize {
        match Poisson::new(mean) {
            Ok(poisson) => {
                let count: f64 = poisson.sample(&mut self.0);
                count as usize
            }
            Err(_) => 0,
        }
    }
}

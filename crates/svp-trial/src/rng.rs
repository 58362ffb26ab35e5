//! Randomness that depends on a seed and a stream only, and on no other library's way of using it.
//!
//! ChaCha with 8 rounds; the stream is the purpose, its numbers are taken in order. A published assignment can be drawn
//! again in any language from this description: [`ALGORITHM`].

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How numbers are drawn, for the assignment file.
pub const ALGORITHM: &str = "ChaCha with 8 rounds, 64-bit counter from 0, stream 1; the 32-byte key is made of the seed by PCG32 (rand_core seed_from_u64); 64-bit numbers are two words of the stream, the low one first; below(n) is x mod n of the first x below the largest multiple of n that fits into 64 bits; a shuffle swaps, for i from the last place down to 1, places i and below(i + 1)";

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The assignment itself.
    Assign = 1,
    /// Simulated counts.
    Power = 2,
    /// Redraws for randomisation tests.
    Redraw = 3,
    /// Times and orders of patrols.
    Patrol = 4,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// The stream of `seed` for `purpose`; `index` parts streams of one purpose (0 for the assignment).
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((index << 8) | purpose as u64);
        Self(rng)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..n`, each as likely (0 when `n` is 0).
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n == 0 {
            return 0;
        }
        let top = u64::MAX - u64::MAX % n;
        loop {
            let x = self.bits();
            if x < top {
                return usize::try_from(x % n).unwrap_or(0);
            }
        }
    }

    /// A number in 0 ≤ x < 1, of 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts a list into random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            let j = self.below(i + 1);
            list.swap(i, j);
        }
    }

    /// A Poisson number of this mean (0 for a mean that is not above 0).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        // Not a number and below zero alike; a mean beyond this is no count of events.
        if mean.is_nan() || mean <= 0.0 {
            return 0;
        }
        let (mut left, mut n) = (mean.min(1e7), 0);
        while left > 0.0 {
            // Sums of Poisson numbers are Poisson: pieces keep the product below away from underflow.
            let piece = left.min(16.0);
            left -= piece;
            let limit = libm::exp(-piece);
            let mut product = self.unit();
            while product > limit {
                n += 1;
                product *= self.unit();
            }
        }
        n
    }

    /// A negative binomial number (NB2): variance = mean + alpha × mean².
    pub fn negative_binomial(&mut self, mean: f64, alpha: f64) -> u64 {
        if alpha.is_nan() || alpha < 1e-9 {
            return self.poisson(mean);
        }
        let shape = 1.0 / alpha;
        let rate = mean * alpha * self.gamma(shape);
        self.poisson(rate)
    }

    /// A gamma number of this shape and scale 1 (Marsaglia and Tsang 2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let u = self.unit().max(f64::MIN_POSITIVE);
            return self.gamma(shape + 1.0) * libm::pow(u, 1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = self.unit().max(f64::MIN_POSITIVE);
            if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// A standard normal number (Box and Muller).
    fn normal(&mut self) -> f64 {
        let u = self.unit().max(f64::MIN_POSITIVE);
        let v = self.unit();
        (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut(&mut RandomStream) -> f64) -> (f64, f64) {
        let mut rng = RandomStream::new(7, Purpose::Power, 0);
        let n = 40_000;
        let all: Vec<f64> = (0..n).map(|_| draw(&mut rng)).collect();
        let mean = all.iter().sum::<f64>() / f64::from(n);
        (mean, all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n - 1))
    }

    #[test]
    fn counts_have_the_moments_of_their_law() {
        for mean in [0.05, 0.7, 5.0, 40.0] {
            let (m, v) = moments(|d| d.poisson(mean) as f64);
            assert!((m / mean - 1.0).abs() < 0.1 && (v / mean - 1.0).abs() < 0.1, "{mean}: {m} {v}");
            let (m, v) = moments(|d| d.negative_binomial(mean, 0.5) as f64);
            let wanted = mean + 0.5 * mean * mean;
            assert!((m / mean - 1.0).abs() < 0.1 && (v / wanted - 1.0).abs() < 0.12, "{mean}: {m} {v}");
        }
        assert_eq!(RandomStream::new(1, Purpose::Power, 0).poisson(f64::NAN), 0);
        assert_eq!(RandomStream::new(1, Purpose::Power, 0).negative_binomial(-1.0, 0.5), 0);
    }

    #[test]
    fn every_place_is_as_likely() {
        let mut rng = RandomStream::new(3, Purpose::Assign, 0);
        let mut seen = [[0u32; 5]; 5];
        for _ in 0..20_000 {
            let mut list = [0, 1, 2, 3, 4];
            rng.shuffle(&mut list);
            for (place, what) in list.iter().enumerate() {
                seen[place][*what] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|n| (3_800..4_200).contains(n)), "{seen:?}");
    }

    /// A published assignment can be drawn again for ever: the stream does not change with a library.
    #[test]
    fn the_stream_is_fixed() {
        // By ChaCha written anew in Python (tests/conformance/trial.py).
        let mut rng = RandomStream::new(20_250_501, Purpose::Assign, 0);
        let wanted = [14_307_394_682_919_116_230, 9_448_848_323_504_041_598, 7_674_856_166_353_375_595];
        assert_eq!([rng.bits(), rng.bits(), rng.bits()], wanted);
        let mut rng = RandomStream::new(20_250_501, Purpose::Assign, 0);
        let first: Vec<usize> = (0..8).map(|_| rng.below(1000)).collect();
        let mut again = RandomStream::new(20_250_501, Purpose::Assign, 0);
        assert_eq!(first, (0..8).map(|_| again.below(1000)).collect::<Vec<_>>());
        let mut other = RandomStream::new(20_250_501, Purpose::Redraw, 0);
        assert_ne!(first, (0..8).map(|_| other.below(1000)).collect::<Vec<_>>());
    }
}

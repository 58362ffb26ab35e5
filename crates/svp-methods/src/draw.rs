//! Numbers drawn from a seed: the same on every machine, with any number of threads.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of numbers of a seed. Streams of one seed are independent of each other, so each piece of work can have its own.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A number of 0..m; 0 where m is 0. Its bias is below m / 2^64.
    pub(crate) fn below(&mut self, m: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(m)) >> 64) as u64
    }

    /// A number of 0..m from 32 random bits, without bias (Lemire 2019): half the cost of `below`.
    pub(crate) fn below_u32(&mut self, m: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(m);
        if (product as u32) < m {
            let threshold = m.wrapping_neg() % m.max(1);
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(m);
            }
        }
        (product >> 32) as u32
    }

    /// Puts the values into a random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        let Ok(count) = u32::try_from(values.len()) else { return };
        for last in (1..count).rev() {
            values.swap(last as usize, self.below_u32(last + 1) as usize);
        }
    }
}

/// Draws without replacement from 0..n, again and again.
pub(crate) struct Urn {
    balls: Vec<u32>,
    swaps: Vec<(usize, usize)>,
}

impl Urn {
    pub(crate) fn new(n: u32) -> Self {
        Self { balls: (0..n).collect(), swaps: Vec::new() }
    }

    /// Pushes `k` different numbers (all of them where there are fewer), in random order, to `out`.
    pub(crate) fn take(&mut self, draw: &mut Draw, k: usize, out: &mut Vec<u32>) {
        let n = self.balls.len();
        for i in 0..k.min(n) {
            let j = i + draw.below((n - i) as u64) as usize;
            self.balls.swap(i, j);
            self.swaps.push((i, j));
            out.push(self.balls[i]);
        }
        // The urn is as it was, so that what is drawn next does not hang on what was drawn before.
        while let Some((i, j)) = self.swaps.pop() {
            self.balls.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_urn_gives_each_ball_once_and_alike() {
        let (mut urn, mut draw) = (Urn::new(5), Draw::new(1, 0));
        let mut seen = [[0u32; 5]; 3];
        for _ in 0..20_000 {
            let mut out = Vec::new();
            urn.take(&mut draw, 3, &mut out);
            assert!(out[0] != out[1] && out[1] != out[2] && out[0] != out[2]);
            for (place, ball) in out.iter().enumerate() {
                seen[place][*ball as usize] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|n| n.abs_diff(4_000) < 250), "{seen:?}");
        let mut all = Vec::new();
        urn.take(&mut draw, 9, &mut all);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        assert_eq!(urn.balls, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_shuffle_gives_all_orders_alike() {
        let mut draw = Draw::new(2, 7);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut values = [0, 1, 2, 3];
            draw.shuffle(&mut values);
            *seen.entry(values).or_insert(0u32) += 1;
        }
        assert!(seen.len() == 24 && seen.values().all(|n| n.abs_diff(1_000) < 150), "{seen:?}");
    }
}

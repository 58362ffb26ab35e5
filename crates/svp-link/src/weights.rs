//! What the weights of all candidate pairs come to: enough to say how sure the linkage is, without keeping the pairs.

use crate::model::probability;

/// From which weight on, and up to which, the histogram tells weights apart, bits.
pub(crate) const FROM: i32 = -20;
pub(crate) const TO: i32 = 30;
/// Width of a bin, bits.
pub(crate) const WIDTH: i32 = 2;
const BINS: usize = ((TO - FROM) / WIDTH) as usize;

/// Counts and sums over pairs of records.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weights {
    /// Pairs.
    pub pairs: u64,
    /// Pairs by their weight; lesser and greater ones are in the first and the last bin.
    pub bins: [u64; BINS],
    /// Pairs above the threshold.
    above: u64,
    /// Sum of the probabilities of those.
    right: f64,
    /// Sum of all probabilities.
    all: f64,
}

impl Weights {
    /// Counts a pair in. Both in bits.
    pub(crate) fn add(&mut self, weight: f32, threshold: f64) {
        let (weight, p) = (f64::from(weight), probability(f64::from(weight)));
        self.pairs += 1;
        self.all += p;
        if weight > threshold {
            self.above += 1;
            self.right += p;
        }
        let bin = ((weight - f64::from(FROM)) / f64::from(WIDTH)).clamp(0.0, (BINS - 1) as f64) as usize;
        self.bins[bin] += 1;
    }

    /// Adds what other pairs came to.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.above += other.above;
        self.right += other.right;
        self.all += other.all;
        self.bins.iter_mut().zip(other.bins).for_each(|(bin, more)| *bin += more);
    }

    /// Expected share of the pairs above the threshold that are one person, and of all such pairs those above it.
    pub(crate) fn expected(&self) -> (f64, f64) {
        let share = |of: f64| if of > 0.0 { self.right / of } else { 1.0 };
        (share(self.above as f64), share(self.all))
    }

    /// What these are shares of: pairs above the threshold, and expected pairs of one person.
    pub(crate) fn expected_of(&self) -> (f64, f64) {
        (self.above as f64, self.all)
    }
}

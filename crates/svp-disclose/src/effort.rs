//! How hard attack and protection try.

/// How hard to try. More effort never makes a verdict less safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effort {
    /// Numbers that are tried for a circle before a programme is solved.
    pub circle: usize,
    /// Numbers in each neighbourhood that is tried, smallest first.
    pub neighbourhoods: Vec<usize>,
    /// The largest group of tied numbers for which one programme over the whole is solved.
    pub whole: usize,
    /// From this many numbers a greedy stage goes before the linear programmes of protection.
    pub greedy_from: usize,
    /// Programmes that may be spent on taking back what was hidden without need.
    pub take_back: usize,
    /// Numbers in all large programmes (500 numbers and more) that one attack, or one round of hiding, may spend on a part of
    /// the system. What is not tried for want of it counts as broken.
    pub large: usize,
    /// Rounds of attack and protection.
    pub rounds: usize,
    /// Threads for parts of a system that have nothing to do with one another; what comes out is the same.
    pub threads: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            circle: 200,
            neighbourhoods: vec![30, 200, 1500],
            whole: 20_000,
            greedy_from: 3_000,
            take_back: 20_000,
            large: 4_000_000,
            rounds: 12,
            threads: 1,
        }
    }
}

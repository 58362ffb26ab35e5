//! Fellegi and Sunter's model (1969): how much each comparison level says, learned without labels.
//!
//! u (the levels of two people) comes from pairs drawn at random, m (the levels of one person's records) from expectation
//! maximisation over the distinct comparison vectors of the candidate pairs, so its cost does not depend on the number of
//! pairs (Winkler 1988). Beside strangers there are other classes of pairs that are not one person (household, twins,
//! namesakes), each alike in some comparisons as one person is; see `pipelines/linkage/people.toml`. Equal values weigh by their
//! rarity (term frequency), where the repeats that one person's own records make are taken out of the count.

use serde::{Deserialize, Serialize};
use svp_contract::{Alternative, COMPARISONS, Linkage, MAX_LEVELS};

use crate::comparison::ComparisonVector;
pub use crate::rarity::{Counts, Present};
use crate::rarity::{NAME_COMPARISONS, NONE, RARE_COMPARISONS, VALUE_AT, WHOLE_NAME};

const N: usize = COMPARISONS.len();
const LEVELS: usize = MAX_LEVELS + 1;
type LevelShares = [[f64; LEVELS]; N];

/// Classes of non-matches that are reckoned at once; see [`NonMatchClasses`].
const LANES: usize = 4;

/// One class of non-matches, learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Name.
    pub name: String,
    /// Comparisons in which such pairs agree as one person does.
    pub alike: [bool; N],
    /// Number of such pairs for each pair that is one person.
    pub share: f64,
    /// Whether the data may raise it.
    pub learned: bool,
    /// How often such pairs agree at each level, by comparison, where the definition says so.
    #[serde(default)]
    pub levels: Vec<Option<[f64; LEVELS]>>,
}

impl Learned {
    fn new(given: &Alternative) -> Self {
        let levels = COMPARISONS.iter().map(|c| {
            let mut shares = [0.0; LEVELS];
            let of = given.levels.get(c.name)?;
            shares[1..=of.len()].copy_from_slice(of);
            Some(shares)
        });
        Self {
            name: given.name.clone(),
            alike: std::array::from_fn(|c| given.alike.iter().any(|n| n == COMPARISONS[c].name)),
            share: given.share,
            learned: given.learned,
            levels: levels.collect(),
        }
    }

    /// How often such pairs agree at a level, where the definition says so.
    fn share_at(&self, comparison: usize) -> Option<&[f64; LEVELS]> {
        self.levels.get(comparison)?.as_ref()
    }
}

/// The learned model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// m probabilities by comparison and level; level 0 is unused.
    pub m: LevelShares,
    /// u probabilities by comparison and level.
    pub u: LevelShares,
    /// Share of the pairs that are one person.
    pub prior: f64,
    /// What is left of the shares of the classes of non-matches. Where every source has each person once, another one can be taken for a
    /// person only where the person itself is missing from the other source.
    #[serde(rename = "rivals")]
    pub non_match_scale: f64,
    /// Classes of pairs that are not one person, beside strangers.
    #[serde(rename = "alternatives")]
    pub non_matches: Vec<Learned>,
    /// Mean number of rows of a person, which repeat its values.
    pub repeats: f64,
    /// Rows with a value, by kind.
    pub present: Present,
    /// Rounds of expectation maximisation.
    pub rounds: usize,
}

/// u from the vectors of pairs drawn at random, steadied by the shipped values.
fn learn_u(linkage: &Linkage, random: &[(ComparisonVector, f64)]) -> LevelShares {
    let mut seen = [[0.0; LEVELS]; N];
    for (vector, n) in random {
        for (c, levels) in seen.iter_mut().enumerate() {
            levels[vector.level(c)] += *n;
        }
    }
    let mut u = [[0.0; LEVELS]; N];
    for (c, (comparison, seen)) in linkage.comparisons.iter().zip(&seen).enumerate() {
        let pairs: f64 = seen[1..].iter().sum();
        let prior = linkage.model.prior_pairs;
        for (i, shipped) in comparison.u.iter().enumerate() {
            u[c][i + 1] = (seen[i + 1] + prior * shipped) / (pairs + prior);
        }
    }
    u
}

fn shipped_m(linkage: &Linkage) -> LevelShares {
    let mut m = [[0.0; LEVELS]; N];
    for (c, comparison) in linkage.comparisons.iter().enumerate() {
        m[c][1..=comparison.m.len()].copy_from_slice(&comparison.m);
    }
    m
}

impl Model {
    /// Learns from the comparison vectors of the candidate pairs and of random pairs, each with how many pairs have it. `total`
    /// is the number of pairs of records that could be one person, `records` the number of records, `possible` the largest
    /// number of pairs of one person where every source has each person once.
    #[must_use]
    pub fn learn(
        linkage: &Linkage,
        candidates: &[(ComparisonVector, f64)],
        random: &[(ComparisonVector, f64)],
        total: f64,
        records: f64,
        possible: Option<f64>,
        present: Present,
    ) -> Self {
        let u = learn_u(linkage, random);
        let shipped = shipped_m(linkage);
        let total = total.max(1.0);
        let non_matches = linkage.alternatives.iter().map(Learned::new).collect();
        let pairs: f64 = candidates.iter().map(|(_, n)| n).sum();
        let prior = (0.1 * pairs / total).clamp(1e-12, 0.5);
        let mut model =
            Self { m: shipped, u, prior, non_matches, non_match_scale: 1.0, repeats: 1.0, present, rounds: 0 };
        for round in 1..=linkage.model.iterations {
            let moved = model.round(linkage, &shipped, candidates, total, possible);
            model.rounds = round;
            if moved < 1e-4 {
                break;
            }
        }
        model.repeats = 1.0 + 2.0 * model.prior * total / records.max(1.0);
        model
    }

    /// One round; how far the largest m moved.
    fn round(
        &mut self,
        linkage: &Linkage,
        shipped: &LevelShares,
        candidates: &[(ComparisonVector, f64)],
        total: f64,
        possible: Option<f64>,
    ) -> f64 {
        let mut seen: LevelShares = [[0.0; LEVELS]; N];
        let mut matches = 0.0;
        let ready = self.ready();
        let mut others = vec![[0.0; LANES]; ready.classes.len()];
        let mut against = vec![[0.0; LANES]; ready.classes.len()];
        for (vector, n) in candidates {
            for (lanes, classes) in against.iter_mut().zip(&ready.classes) {
                *lanes = classes.against(*vector);
            }
            let p_n = n / (1.0 + sum(&against).max(LEAST));
            matches += p_n;
            for (sums, lanes) in others.iter_mut().zip(&against) {
                sums.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += p_n * lane);
            }
            for (c, levels) in seen.iter_mut().enumerate() {
                levels[vector.level(c)] += p_n;
            }
        }
        let mut moved: f64 = 0.0;
        let prior = linkage.model.prior_pairs;
        for (c, levels) in seen.iter().enumerate() {
            let comparison = &linkage.comparisons[c];
            // What is held keeps its share; the other levels part the rest.
            let free = || (1..=comparison.m.len()).filter(|l| !comparison.is_held(l - 1));
            let sum: f64 = free().map(|l| levels[l]).sum();
            let rest: f64 = free().map(|l| shipped[c][l]).sum();
            for l in free() {
                let new = rest * (levels[l] + prior * shipped[c][l]) / (sum + prior * rest);
                moved = moved.max((new - self.m[c][l]).abs());
                self.m[c][l] = new;
            }
        }
        self.prior = (matches / total).clamp(0.1 / total, 0.5);
        // The first lane is that of strangers; what was reckoned of the other classes is after their scale.
        let others = others.iter().flatten().skip(1).map(|sum| sum / self.non_match_scale);
        for ((class, sum), given) in self.non_matches.iter_mut().zip(others).zip(&linkage.alternatives) {
            if class.learned {
                class.share = (sum / matches.max(1e-9)).clamp(given.share, 20.0);
            }
        }
        if let Some(possible) = possible {
            self.non_match_scale = 1.0 - (matches / possible.max(1.0)).min(0.95);
        }
        moved
    }

    /// log2(m/u) by comparison and level; 0 for missing.
    fn logs(&self) -> LevelShares {
        let mut logs = [[0.0; LEVELS]; N];
        for (c, row) in logs.iter_mut().enumerate() {
            for (l, log) in row.iter_mut().enumerate().skip(1) {
                if self.u[c][l] > 0.0 || self.m[c][l] > 0.0 {
                    *log = (self.m[c][l].max(1e-9) / self.u[c][l].max(1e-12)).log2();
                }
            }
        }
        logs
    }

    /// Chance that another person has a value that `rows` of `present` rows have, after one person's repeats are taken
    /// out.
    fn chance(&self, rows: f32, present: f32) -> f64 {
        let others = (f64::from(rows) - self.repeats).max(0.0) + 1.0;
        (others / f64::from(present).max(1.0)).min(1.0)
    }

    /// Chance that another person has a value that `a` and `b` rows are said to have, of the value's kind.
    #[inline(always)]
    fn chance_of(&self, value: usize, a: &Counts, b: &Counts) -> f64 {
        self.chance(a.0[value].max(b.0[value]), self.present.0[value])
    }

    /// What the rarity of the shared values says: calls `found` with a comparison and by how much it multiplies the odds.
    #[inline(always)]
    fn rarity(&self, vector: ComparisonVector, a: &Counts, b: &Counts, mut found: impl FnMut(usize, f64)) {
        for c in RARE_COMPARISONS {
            let level = vector.level(c);
            let value = VALUE_AT[c][level];
            if value != NONE && self.present.0[usize::from(value)] > 0.0 {
                found(c, self.u[c][level] / self.chance_of(usize::from(value), a, b));
            }
        }
        let [forename, surname] = NAME_COMPARISONS.map(|c| VALUE_AT[c][vector.level(c)]);
        let names = self.present.0[WHOLE_NAME];
        if forename != NONE && surname != NONE && names > 0.0 {
            // Forename and surname are not independent ("Sir … Baronet"): together they are at least as common as they
            // are seen to be, one and a half times a person's own repeats taken out.
            let apart = self.chance_of(usize::from(forename), a, b) * self.chance_of(usize::from(surname), a, b);
            let rows = a.0[WHOLE_NAME].max(b.0[WHOLE_NAME]);
            let together = (f64::from(rows) - 1.5 * self.repeats).max(0.0) / f64::from(names);
            if together > apart {
                found(NAME_COMPARISONS[0], apart / together);
            }
        }
    }

    /// The parts of the weight of a pair, bits: for each comparison what its level says among strangers, then what the
    /// rarity of the shared value adds. Public for `--explain`.
    #[must_use]
    pub fn parts(&self, ready: &Ready, vector: ComparisonVector, a: &Counts, b: &Counts) -> [(f64, f64); N] {
        let mut parts: [(f64, f64); N] = std::array::from_fn(|c| (ready.of(c, vector.level(c)), 0.0));
        self.rarity(vector, a, b, |c, odds| parts[c].1 += odds.log2());
        parts
    }

    /// The match weight of a pair: log2 of the odds that it is one person.
    #[must_use]
    pub fn weight(&self, ready: &Ready, vector: ComparisonVector, a: &Counts, b: &Counts) -> f64 {
        let mut odds = [1.0; N];
        self.rarity(vector, a, b, |c, more| odds[c] *= more);
        let mut sum = 0.0;
        for classes in &ready.classes {
            let mut lanes = classes.against(vector);
            for c in RARE_COMPARISONS {
                let less = 1.0 / odds[c];
                for (lane, alike) in lanes.iter_mut().zip(&classes.alike[c]) {
                    *lane *= if *alike { 1.0 } else { less };
                }
            }
            sum += lanes.iter().sum::<f64>();
        }
        -sum.max(LEAST).log2()
    }

    /// The model made ready for many pairs.
    #[must_use]
    pub fn ready(&self) -> Ready {
        let bits = self.logs();
        let strangers = ((1.0 - self.prior) / self.prior, None);
        let others = self.non_matches.iter().map(|k| (self.non_match_scale * k.share, Some(k)));
        let all: Vec<(f64, Option<&Learned>)> = std::iter::once(strangers).chain(others).collect();
        Ready { bits, classes: all.chunks(LANES).map(|few| NonMatchClasses::new(few, &bits, &self.m)).collect() }
    }
}

/// Least odds against one person.
const LEAST: f64 = 1e-30;

/// Least share of a level.
const LEAST_SHARE: f64 = 1e-9;

/// A few classes of pairs that are not one person (strangers, households, twins…), side by side: how many of each there are
/// for one pair that is one person, and what the levels say of them. Odds are multiplied, since a logarithm for each class of
/// each pair takes longer than all else.
#[derive(Debug, Clone)]
struct NonMatchClasses {
    share: [f64; LANES],
    /// u/m by comparison and level; 1 where the class is alike as one person is.
    against: Box<[[[f64; LANES]; LEVELS]; N]>,
    /// Where the rarity of a shared value says nothing: alike, or with shares of its own.
    alike: [[bool; LANES]; N],
}

impl NonMatchClasses {
    fn new(few: &[(f64, Option<&Learned>)], bits: &LevelShares, m: &LevelShares) -> Self {
        let mut classes =
            Self { share: [0.0; LANES], against: Box::new([[[1.0; LANES]; LEVELS]; N]), alike: [[true; LANES]; N] };
        for (lane, (share, class)) in few.iter().enumerate() {
            classes.share[lane] = *share;
            for c in (0..N).filter(|c| !class.is_some_and(|k| k.alike[*c])) {
                if let Some(shares) = class.and_then(|k| k.share_at(c)) {
                    for (level, share) in shares.iter().enumerate().skip(1) {
                        classes.against[c][level][lane] = share.max(LEAST_SHARE) / m[c][level].max(LEAST_SHARE);
                    }
                    continue;
                }
                classes.alike[c][lane] = false;
                for (level, bits) in bits[c].iter().enumerate() {
                    classes.against[c][level][lane] = (-bits).exp2();
                }
            }
        }
        classes
    }

    /// Odds of each class against one person.
    #[inline(always)]
    fn against(&self, vector: ComparisonVector) -> [f64; LANES] {
        let mut lanes = self.share;
        for (c, levels) in self.against.iter().enumerate() {
            lanes.iter_mut().zip(&levels[vector.level(c)]).for_each(|(lane, x)| *lane *= x);
        }
        lanes
    }
}

fn sum(lanes: &[[f64; LANES]]) -> f64 {
    lanes.iter().map(|l| l.iter().sum::<f64>()).sum()
}

/// A model made ready for many pairs.
#[derive(Debug, Clone)]
pub struct Ready {
    bits: LevelShares,
    classes: Vec<NonMatchClasses>,
}

impl Ready {
    /// The weight of a level, bits: log2(m/u); 0 for missing.
    #[must_use]
    pub fn of(&self, comparison: usize, level: usize) -> f64 {
        self.bits[comparison][level]
    }
}

/// Probability from a weight in bits.
#[must_use]
pub fn probability(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp2())
}

#[cfg(test)]
mod tests {
    use svp_contract::comparison::{Birth, Exact, Forename, Postcode, Surname, comparison};

    use super::*;
    use crate::rarity::tests::of;

    const SURNAME: usize = comparison("surname");
    const POSTCODE: usize = comparison("postcode");

    fn same_surname() -> ComparisonVector {
        ComparisonVector::with(SURNAME, Surname::Equal as u8)
    }

    /// Vectors drawn from a known model are learned back.
    #[test]
    fn learns_what_it_was_drawn_from() {
        let mut linkage = Linkage::shipped().unwrap();
        linkage.alternatives.clear();
        let (m, u) = ([0.9, 0.8, 0.95], [0.02, 0.01, 0.5]);
        let places = [SURNAME, POSTCODE, comparison("sex")];
        let last = [Surname::Different as u8, Postcode::Different as u8, Exact::Different as u8];
        let (matches, strangers) = (10_000.0, 10_000_000.0);
        let mut candidates = Vec::new();
        let mut random = Vec::new();
        for bits in 0..8usize {
            let (mut p_m, mut p_u, mut vector) = (matches, strangers, ComparisonVector::default());
            for i in 0..3 {
                let agrees = bits >> i & 1 == 1;
                p_m *= if agrees { m[i] } else { 1.0 - m[i] };
                p_u *= if agrees { u[i] } else { 1.0 - u[i] };
                vector |= ComparisonVector::with(places[i], if agrees { 1 } else { last[i] });
            }
            candidates.push((vector, p_m + p_u));
            random.push((vector, p_u));
        }
        linkage.model.iterations = 500;
        let model =
            Model::learn(&linkage, &candidates, &random, matches + strangers, 10_000.0, None, Present::default());
        for i in 0..3 {
            assert!((model.m[places[i]][1] - m[i]).abs() < 0.01, "m {i}: {}", model.m[places[i]][1]);
            assert!((model.u[places[i]][1] - u[i]).abs() < 0.001, "u {i}");
        }
        assert!((model.prior * (matches + strangers) / matches - 1.0).abs() < 0.02, "{}", model.prior);
    }

    #[test]
    fn rare_values_weigh_more_and_a_missing_one_nothing() {
        let linkage = Linkage::shipped().unwrap();
        let model = Model::learn(&linkage, &[], &[], 1e6, 1e4, None, of("surname", 10_000.0));
        let logs = model.ready();
        let weight = |rows: f32| {
            let counts = of("surname", rows);
            model.weight(&logs, same_surname(), &counts, &counts)
        };
        assert!(weight(2.0) > weight(200.0) + 5.0);
        let nothing = model.weight(&logs, ComparisonVector::default(), &Counts::default(), &Counts::default());
        assert!(nothing < -10.0, "{nothing}");
    }

    #[test]
    fn twins_are_weighed_as_twins() {
        let linkage = Linkage::shipped().unwrap();
        let model = Model::learn(&linkage, &[], &[], 1e8, 1e4, None, Counts::default());
        let logs = model.ready();
        let shared = same_surname()
            | ComparisonVector::with(comparison("birth"), Birth::Equal as u8)
            | ComparisonVector::with(POSTCODE, Postcode::Equal as u8);
        let weight = |forename: Forename| {
            let vector = shared | ComparisonVector::with(comparison("forename"), forename as u8);
            model.weight(&logs, vector, &Counts::default(), &Counts::default())
        };
        assert!(weight(Forename::Different) < 1.0, "{}", weight(Forename::Different));
        assert!(weight(Forename::Equal) > 5.0, "{}", weight(Forename::Equal));
    }
}

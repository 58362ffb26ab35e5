//! Fellegi and Sunter's model (1969): how much each level of agreement says, learned without labels.
//!
//! u (agreement of two people) comes from pairs drawn at random, m (agreement of one person's records) from expectation
//! maximisation over the distinct agreement patterns of the candidates, so its cost does not depend on the number of
//! pairs (Winkler 1988). Beside strangers there are other kinds of pairs that are not one person (household, twins,
//! namesakes), each alike in some comparisons as one person is; see `pipelines/linkage/people.toml`. Equal values weigh by their
//! rarity (term frequency), where the repeats that one person's own records make are taken out of the count.

use serde::{Deserialize, Serialize};
use svp_contract::{Alternative, COMPARISONS, Linkage, MAX_LEVELS};

use crate::comparison::{at, level};

const N: usize = COMPARISONS.len();
const LEVELS: usize = MAX_LEVELS + 1;
type Table = [[f64; LEVELS]; N];

/// Kinds of two people that are reckoned at once; see [`Kinds`].
const LANES: usize = 4;

/// How many rows hold the values of a row, for each kind of value that is weighed by its rarity; 0 is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Forename.
    pub forename: f32,
    /// Usual form of the forename.
    pub usual: f32,
    /// Surname.
    pub surname: f32,
    /// Usual forename and surname together.
    pub name: f32,
    /// Date of birth.
    pub birth: f32,
    /// Place of birth.
    pub birth_place: f32,
    /// Postcode.
    pub postcode: f32,
    /// Occupation.
    pub occupation: f32,
}

/// Rows that have a value at all, by kind of value.
pub type Present = Counts;

/// One alternative, learned.
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
        let levels = COMPARISONS.iter().map(|name| {
            let mut shares = [0.0; LEVELS];
            let of = given.levels.get(*name)?;
            shares[1..=of.len()].copy_from_slice(of);
            Some(shares)
        });
        Self {
            name: given.name.clone(),
            alike: std::array::from_fn(|c| given.alike.iter().any(|n| n == COMPARISONS[c])),
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
    /// m by comparison and level; level 0 is unused.
    pub m: Table,
    /// u by comparison and level.
    pub u: Table,
    /// Share of the pairs that are one person.
    pub prior: f64,
    /// What is left of the alternatives' shares. Where every source has each person once, another one can be taken for a
    /// person only where the person itself is missing from the other source.
    pub rivals: f64,
    /// Alternatives.
    pub alternatives: Vec<Learned>,
    /// Mean number of rows of a person, which repeat its values.
    pub repeats: f64,
    /// Rows with a value, by kind.
    pub present: Present,
    /// Rounds of expectation maximisation.
    pub rounds: usize,
}

/// u from patterns of pairs drawn at random, steadied by the shipped values.
fn learn_u(linkage: &Linkage, random: &[(u64, f64)]) -> Table {
    let mut seen = [[0.0; LEVELS]; N];
    for (pattern, n) in random {
        for (c, levels) in seen.iter_mut().enumerate() {
            levels[level(*pattern, c)] += *n;
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

fn shipped_m(linkage: &Linkage) -> Table {
    let mut m = [[0.0; LEVELS]; N];
    for (c, comparison) in linkage.comparisons.iter().enumerate() {
        m[c][1..=comparison.m.len()].copy_from_slice(&comparison.m);
    }
    m
}

impl Model {
    /// Learns from the patterns of the candidates and of random pairs, each with how many pairs have it. `total` is the number of pairs of records that
    /// could be one person, `records` the number of records, `possible` the largest number of pairs of one person where
    /// every source promised each person once.
    #[must_use]
    pub fn learn(
        linkage: &Linkage,
        candidates: &[(u64, f64)],
        random: &[(u64, f64)],
        total: f64,
        records: f64,
        possible: Option<f64>,
        present: Present,
    ) -> Self {
        let u = learn_u(linkage, random);
        let shipped = shipped_m(linkage);
        let total = total.max(1.0);
        let alternatives = linkage.alternatives.iter().map(Learned::new).collect();
        let pairs: f64 = candidates.iter().map(|(_, n)| n).sum();
        let prior = (0.1 * pairs / total).clamp(1e-12, 0.5);
        let mut model = Self { m: shipped, u, prior, alternatives, rivals: 1.0, repeats: 1.0, present, rounds: 0 };
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
        shipped: &Table,
        candidates: &[(u64, f64)],
        total: f64,
        possible: Option<f64>,
    ) -> f64 {
        let mut seen: Table = [[0.0; LEVELS]; N];
        let mut matches = 0.0;
        let ready = self.ready();
        let mut others = vec![[0.0; LANES]; ready.kinds.len()];
        let mut against = vec![[0.0; LANES]; ready.kinds.len()];
        for (pattern, n) in candidates {
            for (lanes, kinds) in against.iter_mut().zip(&ready.kinds) {
                *lanes = kinds.against(*pattern);
            }
            let p_n = n / (1.0 + sum(&against).max(LEAST));
            matches += p_n;
            for (sums, lanes) in others.iter_mut().zip(&against) {
                sums.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += p_n * lane);
            }
            for (c, levels) in seen.iter_mut().enumerate() {
                levels[level(*pattern, c)] += p_n;
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
        // The first lane is that of strangers; what was reckoned of the alternatives is after their rivals.
        let others = others.iter().flatten().skip(1).map(|sum| sum / self.rivals);
        for ((kind, sum), given) in self.alternatives.iter_mut().zip(others).zip(&linkage.alternatives) {
            if kind.learned {
                kind.share = (sum / matches.max(1e-9)).clamp(given.share, 20.0);
            }
        }
        if let Some(possible) = possible {
            self.rivals = 1.0 - (matches / possible.max(1.0)).min(0.95);
        }
        moved
    }

    /// log2(m/u) by comparison and level; 0 for missing.
    fn logs(&self) -> Table {
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

    /// What the rarity of the shared values says: calls `found` with a comparison and by how much it multiplies the odds.
    #[inline(always)]
    fn rarity(&self, pattern: u64, a: &Counts, b: &Counts, mut found: impl FnMut(usize, f64)) {
        let mut rarity = |c: usize, l: usize, x: f32, y: f32, present: f32| {
            if level(pattern, c) == l && present > 0.0 {
                found(c, self.u[c][l] / self.chance(x.max(y), present));
            }
        };
        let n = &self.present;
        rarity(at::FORENAME, 1, a.forename, b.forename, n.forename);
        rarity(at::FORENAME, 2, a.usual, b.usual, n.usual);
        rarity(at::SURNAME, 1, a.surname, b.surname, n.surname);
        rarity(at::BIRTH, 1, a.birth, b.birth, n.birth);
        rarity(at::BIRTH, 2, a.birth, b.birth, n.birth);
        rarity(at::BIRTH_PLACE, 1, a.birth_place, b.birth_place, n.birth_place);
        rarity(at::POSTCODE, 1, a.postcode, b.postcode, n.postcode);
        rarity(at::OCCUPATION, 1, a.occupation, b.occupation, n.occupation);
        if matches!(level(pattern, at::FORENAME), 1 | 2) && level(pattern, at::SURNAME) == 1 && n.name > 0.0 {
            // Forename and surname are not independent ("Sir … Baronet"): together they are at least as common as they
            // are seen to be, one and a half times a person's own repeats taken out.
            let forename = if level(pattern, at::FORENAME) == 1 {
                self.chance(a.forename.max(b.forename), n.forename)
            } else {
                self.chance(a.usual.max(b.usual), n.usual)
            };
            let apart = forename * self.chance(a.surname.max(b.surname), n.surname);
            let together = (f64::from(a.name.max(b.name)) - 1.5 * self.repeats).max(0.0) / f64::from(n.name);
            if together > apart {
                found(at::FORENAME, apart / together);
            }
        }
    }

    /// The parts of the weight of a pair, bits: for each comparison what its level says among strangers, then what the
    /// rarity of the shared value adds. Public for `--explain`.
    #[must_use]
    pub fn parts(&self, ready: &Ready, pattern: u64, a: &Counts, b: &Counts) -> [(f64, f64); N] {
        let mut parts: [(f64, f64); N] = std::array::from_fn(|c| (ready.of(c, level(pattern, c)), 0.0));
        self.rarity(pattern, a, b, |c, odds| parts[c].1 += odds.log2());
        parts
    }

    /// The weight of a pair: log2 of the odds that it is one person.
    #[must_use]
    pub fn weight(&self, ready: &Ready, pattern: u64, a: &Counts, b: &Counts) -> f64 {
        let mut odds = [1.0; N];
        self.rarity(pattern, a, b, |c, more| odds[c] *= more);
        let mut sum = 0.0;
        for kinds in &ready.kinds {
            let mut lanes = kinds.against(pattern);
            for c in RARE {
                let less = 1.0 / odds[c];
                for (lane, alike) in lanes.iter_mut().zip(&kinds.alike[c]) {
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
        let others = self.alternatives.iter().map(|k| (self.rivals * k.share, Some(k)));
        let all: Vec<(f64, Option<&Learned>)> = std::iter::once(strangers).chain(others).collect();
        Ready { bits, kinds: all.chunks(LANES).map(|few| Kinds::new(few, &bits, &self.m)).collect() }
    }
}

/// Comparisons whose shared values are weighed by their rarity.
const RARE: [usize; 6] = [at::FORENAME, at::SURNAME, at::BIRTH, at::BIRTH_PLACE, at::POSTCODE, at::OCCUPATION];

/// Least odds against one person.
const LEAST: f64 = 1e-30;

/// Least share of a level.
const LEAST_SHARE: f64 = 1e-9;

/// A few kinds of pairs that are not one person (strangers, households, twins…), side by side: how many of each there are
/// for one pair that is one person, and what the levels say of them. Odds are multiplied, since a logarithm for each kind of
/// each pair takes longer than all else.
#[derive(Debug, Clone)]
struct Kinds {
    share: [f64; LANES],
    /// u/m by comparison and level; 1 where the kind is alike as one person is.
    against: Box<[[[f64; LANES]; LEVELS]; N]>,
    /// Where the rarity of a shared value says nothing: alike, or with shares of its own.
    alike: [[bool; LANES]; N],
}

impl Kinds {
    fn new(few: &[(f64, Option<&Learned>)], bits: &Table, m: &Table) -> Self {
        let mut kinds =
            Self { share: [0.0; LANES], against: Box::new([[[1.0; LANES]; LEVELS]; N]), alike: [[true; LANES]; N] };
        for (lane, (share, kind)) in few.iter().enumerate() {
            kinds.share[lane] = *share;
            for c in (0..N).filter(|c| !kind.is_some_and(|k| k.alike[*c])) {
                if let Some(shares) = kind.and_then(|k| k.share_at(c)) {
                    for (level, share) in shares.iter().enumerate().skip(1) {
                        kinds.against[c][level][lane] = share.max(LEAST_SHARE) / m[c][level].max(LEAST_SHARE);
                    }
                    continue;
                }
                kinds.alike[c][lane] = false;
                for (level, bits) in bits[c].iter().enumerate() {
                    kinds.against[c][level][lane] = (-bits).exp2();
                }
            }
        }
        kinds
    }

    /// Odds of each kind against one person.
    #[inline(always)]
    fn against(&self, pattern: u64) -> [f64; LANES] {
        let mut lanes = self.share;
        for (c, levels) in self.against.iter().enumerate() {
            lanes.iter_mut().zip(&levels[level(pattern, c)]).for_each(|(lane, x)| *lane *= x);
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
    bits: Table,
    kinds: Vec<Kinds>,
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
    use super::*;
    use crate::comparison::at_level;

    /// Patterns drawn from a known model are learned back.
    #[test]
    fn learns_what_it_was_drawn_from() {
        let mut linkage = Linkage::shipped().unwrap();
        linkage.alternatives.clear();
        let (m, u) = ([0.9, 0.8, 0.95], [0.02, 0.01, 0.5]);
        let places = [at::SURNAME, at::POSTCODE, at::SEX];
        let last = [7u8, 6, 2];
        let (matches, strangers) = (10_000.0, 10_000_000.0);
        let mut candidates = Vec::new();
        let mut random = Vec::new();
        for bits in 0..8usize {
            let (mut p_m, mut p_u, mut pattern) = (matches, strangers, 0u64);
            for i in 0..3 {
                let agrees = bits >> i & 1 == 1;
                p_m *= if agrees { m[i] } else { 1.0 - m[i] };
                p_u *= if agrees { u[i] } else { 1.0 - u[i] };
                pattern |= at_level(places[i], if agrees { 1 } else { last[i] });
            }
            candidates.push((pattern, p_m + p_u));
            random.push((pattern, p_u));
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
        let present = Counts { surname: 10_000.0, ..Counts::default() };
        let model = Model::learn(&linkage, &[], &[], 1e6, 1e4, None, present);
        let logs = model.ready();
        let weight = |rows: f32| {
            let counts = Counts { surname: rows, ..Counts::default() };
            model.weight(&logs, at_level(at::SURNAME, 1), &counts, &counts)
        };
        assert!(weight(2.0) > weight(200.0) + 5.0);
        let nothing = model.weight(&logs, 0, &Counts::default(), &Counts::default());
        assert!(nothing < -10.0, "{nothing}");
    }

    #[test]
    fn twins_are_weighed_as_twins() {
        let linkage = Linkage::shipped().unwrap();
        let model = Model::learn(&linkage, &[], &[], 1e8, 1e4, None, Counts::default());
        let logs = model.ready();
        let shared = at_level(at::SURNAME, 1) | at_level(at::BIRTH, 1) | at_level(at::POSTCODE, 1);
        let weight = |forename| {
            model.weight(&logs, shared | at_level(at::FORENAME, forename), &Counts::default(), &Counts::default())
        };
        assert!(weight(7) < 1.0, "{}", weight(7));
        assert!(weight(1) > 5.0, "{}", weight(1));
    }
}

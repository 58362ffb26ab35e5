//! How records of people are linked: `pipelines/linkage/people.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::comparison::FORMER_LEVELS;
use crate::{COMPARISONS, Problem, parse};

/// Learning of the weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkModel {
    /// Pairs drawn at random.
    pub random_pairs: usize,
    /// Pairs that the shipped m and u count for.
    pub prior_pairs: f64,
    /// Most rounds of expectation maximisation.
    pub iterations: usize,
    /// Where more than this share of the records is new or changed, the weights are learned anew and all records judged
    /// again; else new records join the people that there are.
    pub relearn_share: f64,
}

/// From weights to people.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkThreshold {
    /// Least probability of a merge, 0 to 1.
    pub probability: f64,
    /// Weight of a pair that is no candidate, bits.
    pub unproposed: f64,
    /// Largest weight of one pair, bits.
    pub most: f64,
    /// Smallest weight of one pair, bits.
    pub least: f64,
}

/// Numbers that should be one person's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Most dates of birth, and most surnames, that may stand under one number; one that has more of both is nobody's.
    pub people: u64,
}

impl Default for Numbers {
    /// For definitions that do not say it.
    fn default() -> Self {
        Self { people: 3 }
    }
}

/// Limits of blocking.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocking {
    /// Pairs of one rule for each record.
    pub pairs_per_record: u64,
    /// Rows of a block.
    pub largest_block: u64,
}

/// A blocking rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Parts that must be equal.
    pub on: Vec<String>,
}

impl Block {
    /// Name in plans and reports.
    #[must_use]
    pub fn name(&self) -> String {
        self.on.join(" + ")
    }
}

/// A reason for which two people can look like one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Name.
    pub name: String,
    /// Comparisons in which they agree as one person does; in the others they agree as strangers do.
    pub alike: Vec<String>,
    /// Number of such pairs for each pair that is one person.
    pub share: f64,
    /// The data may raise the share.
    #[serde(default)]
    pub learned: bool,
    /// By comparison: how often such pairs agree at each of its levels, where they do so neither as one person nor as
    /// strangers do (twins' forenames).
    #[serde(default)]
    pub levels: BTreeMap<String, Vec<f64>>,
}

/// What a definition says of a comparison: the shares of its levels, best first. What the levels are is in
/// [`crate::comparison`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Name, one of [`COMPARISONS`].
    pub name: String,
    /// Cuts of the Dice similarity, falling.
    #[serde(default)]
    pub similarity: Vec<f64>,
    /// The names of the levels, as [`COMPARISONS`] has them; an empty text is a level that does not occur.
    pub levels: Vec<String>,
    /// m probabilities: how often records of one person agree at each level.
    pub m: Vec<f64>,
    /// u probabilities: how often records of two people do.
    pub u: Vec<f64>,
    /// Levels of which m stays as it is given: the data cannot teach it, since pairs of two people that are taken for one at first
    /// would raise it.
    #[serde(default)]
    pub held: Vec<String>,
}

impl Comparison {
    /// Whether m of a level (0 is the first) stays as it is given.
    #[must_use]
    pub fn is_held(&self, level: usize) -> bool {
        self.levels.get(level).is_some_and(|name| self.held.contains(name))
    }
}

/// The definition of linkage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linkage {
    /// Learning.
    pub model: LinkModel,
    /// Threshold.
    pub threshold: LinkThreshold,
    /// Numbers that should be one person's.
    #[serde(default)]
    pub numbers: Numbers,
    /// Limits of blocking.
    pub blocking: Blocking,
    /// Blocking rules.
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
    /// Kinds of pairs that are not one person, besides strangers.
    #[serde(rename = "alternative", default)]
    pub alternatives: Vec<Alternative>,
    /// Comparisons, in the order of [`COMPARISONS`].
    #[serde(rename = "comparison")]
    pub comparisons: Vec<Comparison>,
}

const SHIPPED: &str = include_str!("../../../pipelines/linkage/people.toml");

impl Linkage {
    /// The definition that comes with the program; used where a site has none of its own.
    ///
    /// # Errors
    /// None in a build whose tests pass.
    pub fn shipped() -> Result<Self, Problem> {
        Self::parse("pipelines/linkage/people.toml", SHIPPED)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let linkage: Self = parse(file, text)?;
        let wrong = |what: String| Err(Problem::new(file, what));
        let names: Vec<&str> = linkage.comparisons.iter().map(|c| c.name.as_str()).collect();
        let known = COMPARISONS.map(|c| c.name);
        if names != known {
            return wrong(format!("the comparisons are {}, in this order", known.join(", ")));
        }
        for (c, listed) in linkage.comparisons.iter().zip(&COMPARISONS) {
            let n = c.levels.len();
            let named = c.levels.iter().zip(listed.levels).all(|(given, level)| given == level.name);
            if !named || n < listed.required || n > listed.levels.len() {
                let all: Vec<String> = listed.levels.iter().map(|l| format!("\"{}\"", l.name)).collect();
                let what = format!("comparison {}: the levels are {}, in this order", c.name, all.join(", "));
                let problem = Problem::new(file, what);
                let former = FORMER_LEVELS.iter().any(|(of, name)| *of == c.name && c.levels.iter().any(|n| n == name));
                return Err(if former { problem.hint(OF_FORMER_LEVELS) } else { problem });
            }
            if c.m.len() != n || c.u.len() != n {
                return wrong(format!("comparison {}: {n} levels, and an m and a u for each", c.name));
            }
            if c.similarity.len() != listed.cuts {
                return wrong(format!("comparison {}: {} cuts of similarity", c.name, listed.cuts));
            }
            if !are_shares(&c.m) || !are_shares(&c.u) {
                return wrong(format!("comparison {}: m and u are shares and add up to 1", c.name));
            }
            if let Some(name) = c.held.iter().find(|name| name.is_empty() || !c.levels.contains(name)) {
                return wrong(format!("comparison {}: there is no level `{name}` to be held", c.name));
            }
            if c.similarity.windows(2).any(|w| w[0] <= w[1]) {
                return wrong(format!("comparison {}: the cuts of similarity fall", c.name));
            }
        }
        for a in &linkage.alternatives {
            if let Some(name) = a.alike.iter().chain(a.levels.keys()).find(|n| !known.contains(&n.as_str())) {
                return wrong(format!("alternative {}: there is no comparison `{name}`", a.name));
            }
            for (name, shares) in &a.levels {
                let levels = linkage.comparisons.iter().find(|c| c.name == *name).map_or(0, |c| c.levels.len());
                if shares.len() != levels || !are_shares(shares) || a.alike.contains(name) {
                    return wrong(format!(
                        "alternative {}: `levels.{name}` gives a share for each level of the comparison, they add up to 1, and \
                         `{name}` is not `alike`",
                        a.name
                    ));
                }
            }
        }
        if linkage.blocks.is_empty() || linkage.blocks.len() > 63 || linkage.blocks.iter().any(|b| b.on.is_empty()) {
            return wrong("1 to 63 blocking rules, each with at least one part".to_owned());
        }
        if !(0.0..1.0).contains(&linkage.threshold.probability) || linkage.threshold.least >= linkage.threshold.most {
            return wrong("the probability of the threshold is between 0 and 1, and `least` below `most`".to_owned());
        }
        Ok(linkage)
    }
}

/// What to do about a definition that names levels of an earlier version.
const OF_FORMER_LEVELS: &str = "levels that stood on a filter are gone with it: take them out of `levels`, add their shares in `m` and `u` \
                                to those of the levels that such pairs reach now, and leave `similarity` out where no level is similar";

/// Whether they add up to 1, and none is below zero.
fn are_shares(shares: &[f64]) -> bool {
    (shares.iter().sum::<f64>() - 1.0).abs() <= 0.02 && shares.iter().all(|v| *v >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_definition_is_sound() {
        let linkage = Linkage::shipped().unwrap();
        assert_eq!(linkage.comparisons.len(), COMPARISONS.len());
        assert!(linkage.blocks.iter().any(|b| b.name() == "forename.usual + surname.whole"));
    }

    #[test]
    fn a_wrong_definition_is_named() {
        let check = |from: &str, to: &str, says: &str| {
            let text = SHIPPED.replacen(from, to, 1);
            let problem = Linkage::parse("people.toml", &text).map(|_| ()).unwrap_err();
            assert!(problem.to_string().contains(says), "{problem}");
        };
        check("name = \"surname\"\nsim", "name = \"forename\"\nsim", "in this order");
        check("m = [0.98, 0.02]", "m = [0.98, 0.52]", "add up to 1");
        check("\"same sector\"", "\"same street\"", "\"same sector\", \"same outward code\"");
        check("\"same sector\", ", "\"same sector\", \"one character off\", ", "hint: levels that stood on a filter");
        check("similarity = [0.82, 0.7]", "similarity = [0.82]", "2 cuts");
        check("name = \"postcode\"\n", "name = \"postcode\"\nsimilarity = [0.8, 0.62]\n", "0 cuts");
        check("\"postcode\", \"birth_place\"]", "\"town\"]", "no comparison `town`");
        check("levels.forename = [0.0005, ", "levels.forename = [0.3005, ", "add up to 1");
        check("held = [\"two names, very similar\"", "held = [\"three names\"", "no level `three names`");
        check("probability = 0.5", "probability = 1.5", "between 0 and 1");
    }
}

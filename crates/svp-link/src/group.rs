//! From weighted pairs of records to groups, each of which is one person.

use std::collections::{BTreeMap, HashMap};

use svp_contract::Linkage;

use crate::cluster::{self, Edge, Terms};
use crate::linked::{Linked, PreviousLinks};
use crate::rows::Record;
use crate::weighed::Pair;

/// Number of pairs of records that could be one person. `dedup_source`: for each record the number of its source, if that has each person
/// once.
pub(crate) fn comparable(dedup_source: &[Option<u32>]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    pairs(dedup_source.len() as f64) - sizes(dedup_source).into_values().map(pairs).sum::<f64>()
}

/// The largest number of pairs of one person, where every source has each person once; else `None`.
pub(crate) fn possible(dedup_source: &[Option<u32>]) -> Option<f64> {
    if dedup_source.is_empty() || dedup_source.iter().any(Option::is_none) {
        return None;
    }
    let sizes: Vec<f64> = sizes(dedup_source).into_values().collect();
    let pairs = sizes.iter().enumerate().flat_map(|(i, a)| sizes[i + 1..].iter().map(move |b| a.min(*b)));
    Some(pairs.sum())
}

/// Records of each source that has each person once.
fn sizes(dedup_source: &[Option<u32>]) -> BTreeMap<u32, f64> {
    let mut sizes = BTreeMap::new();
    dedup_source.iter().flatten().for_each(|source| *sizes.entry(*source).or_default() += 1.0);
    sizes
}

/// The weight at which a pair is taken for one person, bits.
pub(crate) fn threshold(linkage: &Linkage) -> f64 {
    let p = linkage.threshold.probability;
    (p / (1.0 - p)).log2()
}

/// The nodes that are grouped: records, and the people of an earlier run whose records are unchanged.
pub(crate) struct Nodes {
    /// The node of each record.
    pub node_of: Vec<u32>,
    /// Records of each node.
    size: Vec<u32>,
    /// Sources that have each person once of which a node has records, by node.
    sources: Vec<Vec<u32>>,
}

impl Nodes {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.size.len()
    }
}

/// The nodes of the records; those of one unchanged person are one.
pub(crate) fn nodes(
    records: &[Record],
    dedup_source: &[Option<u32>],
    unchanged: &[bool],
    known: &PreviousLinks,
) -> Nodes {
    let mut node_of: Vec<u32> = Vec::with_capacity(records.len());
    let mut person: HashMap<&str, u32> = HashMap::new();
    let (mut size, mut sources): (Vec<u32>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
    for (i, record) in records.iter().enumerate() {
        let next = size.len() as u32;
        let node = match known.get(&record.id) {
            Some(judged) if unchanged[i] => *person.entry(judged.key.as_str()).or_insert(next),
            _ => next,
        };
        if node == next {
            size.push(0);
            sources.push(Vec::new());
        }
        size[node as usize] += 1;
        sources[node as usize].extend(dedup_source[i]);
        node_of.push(node);
    }
    Nodes { node_of, size, sources }
}

/// Whether a pair of records can carry two nodes together. The mean of pairs that all cannot is no better than they are.
pub(crate) fn good(linkage: &Linkage, weight: f32) -> bool {
    let threshold = threshold(linkage);
    cut(linkage, weight) >= threshold || linkage.threshold.unproposed > threshold
}

/// A weight within the bounds of what one pair may say, bits.
fn cut(linkage: &Linkage, weight: f32) -> f64 {
    f64::from(weight).clamp(linkage.threshold.least, linkage.threshold.most)
}

/// Groups the records. Gives the group of each record, which is the number of its first record, and the number of joins that the promise of
/// a source forbade. Of `pairs` those are needed whose nodes are connected by pairs that are [`good`].
pub(crate) fn group(linkage: &Linkage, nodes: Nodes, pairs: &[Pair]) -> (Vec<u32>, u64) {
    let Nodes { node_of, size, sources } = nodes;
    let nodes = |pair: &Pair| (node_of[pair.a as usize], node_of[pair.b as usize]);
    let connected = cluster::components(size.len(), pairs.iter().filter(|p| good(linkage, p.weight)).map(nodes));
    // An edge takes twice the room of a pair, and most pairs are of nodes that cannot be in one group.
    let mut edges: Vec<Edge> = pairs
        .iter()
        .map(|pair| (nodes(pair), pair.weight))
        .filter(|((a, b), _)| a != b && connected[*a as usize] == connected[*b as usize])
        .map(|((a, b), w)| Edge { a: a.min(b), b: a.max(b), sum: cut(linkage, w), seen: 1 })
        .collect();
    if size.len() < node_of.len() {
        edges.sort_by_key(|e| (e.a, e.b));
        edges.dedup_by(|next, first| {
            let same = (next.a, next.b) == (first.a, first.b);
            if same {
                first.sum += next.sum;
                first.seen += next.seen;
            }
            same
        });
    }
    let terms = Terms { threshold: threshold(linkage), unproposed: linkage.threshold.unproposed };
    let (group, forbidden) = cluster::average(size.len(), &edges, &size, sources, terms);
    let mut first: Vec<u32> = vec![u32::MAX; size.len()];
    for (i, node) in node_of.iter().enumerate() {
        let group = group[*node as usize] as usize;
        first[group] = first[group].min(i as u32);
    }
    (node_of.iter().map(|node| first[group[*node as usize] as usize]).collect(), forbidden)
}

/// The best weight of each record with another of its group, bits.
pub(crate) fn best(group: &[u32], pairs: &[Pair]) -> Vec<f32> {
    let mut best = vec![f32::NEG_INFINITY; group.len()];
    for pair in pairs.iter().filter(|pair| group[pair.a as usize] == group[pair.b as usize]) {
        for record in [pair.a, pair.b] {
            best[record as usize] = best[record as usize].max(pair.weight);
        }
    }
    best
}

/// A record that is the only one of its person.
const SINGLE: &str = "single";

/// Bands of the best weight of a record with its person, bits: from which weight on, and the word in `linked_by`. A weight is the
/// log2 of odds, so these are odds of 10,000 to 1, of 100 to 1, and evens (probabilities of 0.9999, 0.99 and 0.5), rounded up and
/// down to a tenth of a bit. The round odds are a convention of this program for its readers; nothing is decided by them.
const BANDS: [(f32, &str); 3] = [(13.3, "certain"), (6.6, "near certain"), (0.0, "probable")];

/// A record whose own pairs are all below evens, and that others of the group hold.
const BY_OTHERS: &str = "by others of the person";

/// How sure the best pair of each record with its person is. An unchanged record without a new pair keeps what was said of it.
pub(crate) fn linked_by(found: &Linked, known: &PreviousLinks) -> Vec<String> {
    let mut size: HashMap<u32, u32> = HashMap::new();
    found.group.iter().for_each(|g| *size.entry(*g).or_default() += 1);
    let how = |i: usize| {
        if size.get(&found.group[i]).is_none_or(|n| *n < 2) {
            return SINGLE;
        }
        let best = found.best[i];
        match known.get(&found.records[i].id) {
            Some(judged) if found.unchanged[i] && !best.is_finite() => judged.linked_by.as_str(),
            _ => BANDS.iter().find(|(from, _)| best >= *from).map_or(BY_OTHERS, |(_, word)| *word),
        }
    };
    (0..found.records.len()).map(|i| how(i).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_are_round_odds() {
        for ((from, _), odds) in BANDS.into_iter().zip([10_000f32, 100.0, 1.0]) {
            assert!((from - odds.log2()).abs() < 0.05, "{from} bits are not {odds} to 1");
        }
    }

    #[test]
    fn only_pairs_that_the_promises_allow_are_counted() {
        let dedup_source = [Some(1), Some(1), Some(2), None];
        assert!((comparable(&dedup_source) - 5.0).abs() < 1e-9);
        assert_eq!(possible(&dedup_source), None);
        assert_eq!(possible(&[Some(1), Some(1), Some(2)]), Some(1.0));
        assert_eq!(possible(&[]), None);
    }
}

//! From weighted pairs to people: average linkage, which a chain of single pairs cannot pull together.
//!
//! Two groups join while the mean weight of the pairs between them is above the threshold; a pair that no rule proposed
//! counts as a stated weight against. Groups that hold two records of a source that has each person once
//! never join. Average linkage is reducible, and stays so with forbidden pairs, so the nearest-neighbour chain finds the
//! same tree as always joining the best pair (Murtagh 1983), without a queue of all pairs.

use rustc_hash::{FxBuildHasher, FxHashMap};

/// What the clustering is given.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Least mean weight of a join, bits.
    pub threshold: f64,
    /// Weight of a pair that is not there.
    pub unproposed: f64,
}

/// What is known between two nodes: a < b, the sum of the weights of the pairs that were seen, and how many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Lesser node.
    pub a: u32,
    /// Greater node.
    pub b: u32,
    /// Sum of weights, bits.
    pub sum: f64,
    /// Pairs.
    pub seen: u32,
}

/// Groups `n` nodes. `edges`: each pair of nodes once. `size` is the number of records in a node (a
/// person of an earlier run is one node). `dedup_source` gives the sources that have each person once which a node has
/// records of. Returns the least node of each node's group, and the number of joins that a promise forbade.
pub(crate) fn average(
    n: usize,
    edges: &[Edge],
    size: &[u32],
    dedup_source: Vec<Vec<u32>>,
    terms: Terms,
) -> (Vec<u32>, u64) {
    let mut groups = Groups {
        near: Vec::new(),
        size: size.iter().map(|s| u64::from(*s)).collect(),
        dedup_source,
        up: (0..n as u32).collect(),
        terms,
        forbidden: 0,
    };
    // Groups that no good edge connects cannot join, so edges between them need not be carried along.
    let good = edges.iter().filter(|e| groups.mean(e.a, e.b, (e.sum, e.seen)) > terms.threshold).map(|e| (e.a, e.b));
    let components = components(n, good);
    let inside = || edges.iter().filter(|e| components[e.a as usize] == components[e.b as usize]);
    let mut ends = vec![0usize; n];
    for e in inside() {
        ends[e.a as usize] += 1;
        ends[e.b as usize] += 1;
    }
    let room = |n: &usize| FxHashMap::with_capacity_and_hasher(*n, FxBuildHasher);
    groups.near = ends.iter().map(room).collect();
    for e in inside() {
        groups.near[e.a as usize].insert(e.b, (e.sum, e.seen));
        groups.near[e.b as usize].insert(e.a, (e.sum, e.seen));
    }
    let mut chain: Vec<u32> = Vec::new();
    for start in 0..n as u32 {
        if groups.up[start as usize] != start || groups.near[start as usize].is_empty() {
            continue;
        }
        chain.clear();
        chain.push(start);
        while let Some(top) = chain.last().copied() {
            match groups.nearest(top) {
                None => {
                    chain.pop();
                }
                Some(next) if chain.len() > 1 && chain[chain.len() - 2] == next => {
                    chain.truncate(chain.len() - 2);
                    let joined = groups.join(top, next);
                    if chain.is_empty() {
                        chain.push(joined);
                    }
                }
                Some(next) => chain.push(next),
            }
        }
    }
    let mut least: Vec<u32> = vec![u32::MAX; n];
    for i in 0..n as u32 {
        let root = groups.root(i) as usize;
        least[root] = least[root].min(i);
    }
    let out = (0..n as u32).map(|i| least[groups.root(i) as usize]).collect();
    (out, groups.forbidden)
}

struct Groups {
    near: Vec<FxHashMap<u32, (f64, u32)>>,
    size: Vec<u64>,
    dedup_source: Vec<Vec<u32>>,
    up: Vec<u32>,
    terms: Terms,
    forbidden: u64,
}

impl Groups {
    fn root(&self, mut i: u32) -> u32 {
        while self.up[i as usize] != i {
            i = self.up[i as usize];
        }
        i
    }

    fn mean(&self, a: u32, b: u32, (sum, seen): (f64, u32)) -> f64 {
        let pairs = (self.size[a as usize] * self.size[b as usize]) as f64;
        (sum + self.terms.unproposed * (pairs - f64::from(seen)).max(0.0)) / pairs.max(f64::from(seen))
    }

    fn may_join(&self, a: u32, b: u32) -> bool {
        let other = &self.dedup_source[b as usize];
        other.is_empty() || !self.dedup_source[a as usize].iter().any(|s| other.contains(s))
    }

    /// The group with the largest mean above the threshold; among equals the least, so that the order of the edges does
    /// not matter.
    fn nearest(&mut self, a: u32) -> Option<u32> {
        let mut best: Option<(f64, u32)> = None;
        let mut forbidden = 0;
        for (b, edge) in &self.near[a as usize] {
            let mean = self.mean(a, *b, *edge);
            if mean <= self.terms.threshold || best.is_some_and(|(w, c)| w > mean || (w == mean && c < *b)) {
                continue;
            }
            if self.may_join(a, *b) {
                best = Some((mean, *b));
            } else {
                forbidden += u64::from(self.size[a as usize] == 1 && self.size[*b as usize] == 1 && a < *b);
            }
        }
        self.forbidden += forbidden;
        best.map(|(_, b)| b)
    }

    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (kept, gone) = if self.near[a as usize].len() >= self.near[b as usize].len() { (a, b) } else { (b, a) };
        let edges = std::mem::take(&mut self.near[gone as usize]);
        self.near[kept as usize].remove(&gone);
        for (c, (sum, seen)) in edges {
            if c == kept {
                continue;
            }
            self.near[c as usize].remove(&gone);
            let edge = self.near[kept as usize].entry(c).or_insert((0.0, 0));
            edge.0 += sum;
            edge.1 += seen;
            let edge = *edge;
            self.near[c as usize].insert(kept, edge);
        }
        self.size[kept as usize] += self.size[gone as usize];
        let dedup_source = std::mem::take(&mut self.dedup_source[gone as usize]);
        self.dedup_source[kept as usize].extend(dedup_source);
        self.up[gone as usize] = kept;
        kept
    }
}

/// Nodes that edges connect.
pub(crate) struct Components(Vec<u32>);

impl Components {
    /// `n` nodes, each by itself.
    pub(crate) fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    fn root(&mut self, mut node: u32) -> u32 {
        let Self(up) = self;
        while up[node as usize] != node {
            let above = up[up[node as usize] as usize];
            up[node as usize] = above;
            node = above;
        }
        node
    }

    /// Takes an edge in.
    pub(crate) fn connect(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        // The lesser is above, so that the root of a component is its least node.
        self.0[a.max(b) as usize] = a.min(b);
    }

    /// The least node of each node's component.
    pub(crate) fn labels(mut self) -> Vec<u32> {
        (0..self.0.len() as u32).map(|node| self.root(node)).collect()
    }
}

/// The least node of each node's connected component.
pub(crate) fn components(n: usize, edges: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut components = Components::new(n);
    edges.for_each(|(a, b)| components.connect(a, b));
    components.labels()
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;

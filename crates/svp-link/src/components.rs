//! Connected components by union–find with path halving: near-linear in the number of edges (Tarjan 1975).

/// A partition of 0..n.
pub(crate) struct Components {
    parent: Vec<u32>,
}

impl Components {
    pub(crate) fn new(n: usize) -> Self {
        Self { parent: (0..u32::try_from(n).unwrap_or(u32::MAX)).collect() }
    }

    pub(crate) fn find(&mut self, mut x: u32) -> u32 {
        while self.parent[x as usize] != x {
            let up = self.parent[self.parent[x as usize] as usize];
            self.parent[x as usize] = up;
            x = up;
        }
        x
    }

    /// Joins two; the lesser root stays, so the result does not depend on the order of the edges.
    pub(crate) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        if a != b {
            self.parent[a.max(b) as usize] = a.min(b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_edges_does_not_matter() {
        let edges = [(5, 3), (3, 1), (2, 4), (4, 5), (7, 6)];
        let mut a = Components::new(8);
        let mut b = Components::new(8);
        edges.iter().for_each(|(x, y)| a.join(*x, *y));
        edges.iter().rev().for_each(|(x, y)| b.join(*x, *y));
        let of = |c: &mut Components| (0..8).map(|i| c.find(i)).collect::<Vec<_>>();
        assert_eq!(of(&mut a), [0, 1, 1, 1, 1, 1, 6, 6]);
        assert_eq!(of(&mut a), of(&mut b));
    }
}

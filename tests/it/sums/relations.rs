//! Linear relations modulo a prime: what holds of numbers for all records, and what a set of equations says of some of them.

use std::collections::{BTreeMap, BTreeSet};

/// A prime above all that is counted; products of two residues fit into 64 bits.
pub const PRIME: u64 = 2_147_483_647;

/// A vector by its places that are not zero.
pub type Sparse = BTreeMap<usize, u64>;

/// A whole number as a residue.
pub fn residue(n: i64) -> u64 {
    n.rem_euclid(PRIME as i64) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut out = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            out = out * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    out
}

/// 1 / n.
pub fn inverse(n: u64) -> u64 {
    power(n, PRIME - 2)
}

/// Rows in echelon form, each 1 at a place where all later ones are 0.
#[derive(Clone)]
pub struct Basis {
    width: usize,
    /// Place of the leading 1, and the row.
    rows: Vec<(usize, Vec<u64>)>,
}

impl Basis {
    pub fn new(width: usize) -> Self {
        Self { width, rows: Vec::new() }
    }

    pub fn rank(&self) -> usize {
        self.rows.len()
    }

    /// What is left of a vector after all that the rows say is taken off.
    pub fn reduce(&self, mut v: Vec<u64>) -> Vec<u64> {
        for (lead, row) in &self.rows {
            let c = v[*lead];
            if c != 0 {
                let minus = PRIME - c;
                for (x, r) in v.iter_mut().zip(row) {
                    if *r != 0 {
                        *x = (*x + minus * r) % PRIME;
                    }
                }
            }
        }
        v
    }

    /// Adds a row; false where it says nothing new.
    pub fn insert(&mut self, v: Vec<u64>) -> bool {
        let mut v = self.reduce(v);
        let Some(lead) = v.iter().position(|x| *x != 0) else { return false };
        let one = inverse(v[lead]);
        v.iter_mut().for_each(|x| *x = *x * one % PRIME);
        self.rows.push((lead, v));
        true
    }

    /// A basis of all vectors that give 0 with every row, each 1 at a place of its own.
    pub fn null_space(&self) -> Vec<Vec<u64>> {
        // Each leading place is cleared from all other rows first, the last ones first.
        let mut rows = self.rows.clone();
        for i in (0..rows.len()).rev() {
            let (lead, row) = rows[i].clone();
            for (_, above) in rows.iter_mut().take(i) {
                let c = above[lead];
                if c != 0 {
                    let minus = PRIME - c;
                    for (x, r) in above.iter_mut().zip(&row) {
                        *x = (*x + minus * r) % PRIME;
                    }
                }
            }
        }
        let led: BTreeSet<usize> = rows.iter().map(|(lead, _)| *lead).collect();
        let free = (0..self.width).filter(|c| !led.contains(c));
        free.map(|c| {
            let mut v = vec![0; self.width];
            v[c] = 1;
            for (lead, row) in &rows {
                v[*lead] = (PRIME - row[c]) % PRIME;
            }
            v
        })
        .collect()
    }
}

/// What equations say of the places below `kept` alone: those above are eliminated.
pub fn eliminate(mut equations: Vec<Sparse>, kept: usize) -> Vec<Sparse> {
    loop {
        // A place that stands in one equation only can take any value: the equation says nothing of the others.
        let mut degree: BTreeMap<usize, usize> = BTreeMap::new();
        for c in equations.iter().flat_map(|e| e.keys()).filter(|c| **c >= kept) {
            *degree.entry(*c).or_default() += 1;
        }
        let before = equations.len();
        equations.retain(|e| e.keys().all(|c| *c < kept || degree[c] > 1));
        if equations.len() < before {
            continue;
        }
        let Some((&place, _)) = degree.iter().min_by_key(|(c, n)| (**n, **c)) else { return equations };
        let (with, without): (Vec<_>, Vec<_>) = equations.into_iter().partition(|e| e.contains_key(&place));
        equations = without;
        let Some((pivot, others)) = with.split_first() else { continue };
        let one = inverse(pivot[&place]);
        for other in others {
            let minus = PRIME - other[&place] * one % PRIME;
            let mut out = other.clone();
            for (c, x) in pivot {
                let sum = (out.get(c).copied().unwrap_or_default() + minus * x) % PRIME;
                if sum == 0 {
                    out.remove(c)
                } else {
                    out.insert(*c, sum)
                };
            }
            equations.push(out);
        }
    }
}

#[test]
fn relations_are_found_and_places_eliminated() {
    // Three numbers of which the third is the sum of the others, and one that is alone.
    let mut basis = Basis::new(4);
    for row in [[1, 0, 1, 0], [0, 1, 1, 0], [1, 1, 2, 0], [0, 0, 0, 1]] {
        basis.insert(row.to_vec());
    }
    assert_eq!(basis.rank(), 3);
    assert_eq!(basis.null_space(), [vec![PRIME - 1, PRIME - 1, 1, 0]]);
    // a = x + y, b = x - z, y = c, z = d: so a - b = c + d; x, y, z are places 4 to 6. w stands alone and frees e.
    let row = |terms: &[(usize, i64)]| -> Sparse { terms.iter().map(|(c, x)| (*c, residue(*x))).collect() };
    let equations = vec![
        row(&[(0, 1), (5, -1), (6, -1)]),
        row(&[(1, 1), (5, -1), (7, 1)]),
        row(&[(6, 1), (2, -1)]),
        row(&[(7, 1), (3, -1)]),
        row(&[(4, 1), (8, 1), (0, 1)]),
    ];
    let found = eliminate(equations, 5);
    assert_eq!(found.len(), 1);
    let scale = inverse(found[0][&0]);
    let one: Sparse = found[0].iter().map(|(c, x)| (*c, x * scale % PRIME)).collect();
    assert_eq!(one, row(&[(0, 1), (1, -1), (2, -1), (3, -1)]));
}

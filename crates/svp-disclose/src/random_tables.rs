//! Invented systems for tests and for the bench: tables with margins and hierarchies, alone and linked.

use std::collections::BTreeMap;

use crate::system::{Equation, Number, ProtectionInterval, State, System};

/// A small seeded source of numbers (splitmix64): the same everywhere, for ever.
pub struct Chance(pub u64);

impl Chance {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A sparse count: zero with a chance of `zeros` in 100, else small mostly and large sometimes.
    pub fn count(&mut self, noughts: usize, small: usize) -> f64 {
        if self.below(100) < noughts {
            return 0.0;
        }
        let top = if self.below(100) < 70 { small } else { small * 8 };
        (1 + self.below(top)) as f64
    }
}

/// The rule of a table: counts of 1 to `k - 1` are suppressed, others rounded to `base`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Suppress below.
    pub k: i64,
    /// Round to.
    pub base: i64,
}

impl Rule {
    /// A count under this rule, as it would be published before secondary suppression.
    pub fn number(self, value: f64, order: u64) -> Number {
        let v = value as i64;
        let small = (1..self.k).contains(&v);
        let shown = if self.base <= 1 { v } else { (v + self.base / 2) / self.base * self.base };
        let (mut lo, mut hi) = (shown - self.base / 2, shown + (self.base + 1) / 2 - 1);
        if shown > 0 {
            lo = lo.max(self.k);
        } else {
            (lo, hi) = (0, if hi < self.k { 0 } else { hi });
        }
        let published = if small { (1.0, (self.k - 1) as f64) } else { (lo as f64, hi as f64) };
        Number {
            value: Some(value),
            published,
            assumed: (1.0, f64::INFINITY),
            state: if small { State::Hidden } else { State::Shown },
            fixed: false,
            cost: 1.0 + value.max(1.0).ln(),
            protection: if small {
                ProtectionInterval::BothSides { lower: 1.0, upper: (self.k - 1) as f64 }
            } else {
                ProtectionInterval::None
            },
            order,
        }
    }
}

/// A dimension: of each node its children; node 0 is the total, a node without children is a leaf.
pub type Dimension = Vec<Vec<usize>>;

/// A total over `n` leaves.
pub fn flat(n: usize) -> Dimension {
    let mut d = vec![(1..=n).collect()];
    d.extend(vec![Vec::new(); n]);
    d
}

/// A total over `groups`, each over `each` leaves.
pub fn nested(groups: usize, each: usize) -> Dimension {
    let mut d: Dimension = vec![(1..=groups).collect()];
    for g in 0..groups {
        let first = 1 + groups + g * each;
        d.push((first..first + each).collect());
    }
    d.extend(vec![Vec::new(); groups * each]);
    d
}

/// The tables of one set of counts: each view names the dimensions that it shows, totals for the rest. Views
/// that share margins share their numbers. Gives the system and the key of each number (a node by dimension).
pub fn tables(
    dimensions: &[Dimension],
    views: &[&[usize]],
    rule: Rule,
    mut count: impl FnMut() -> f64,
) -> (System, Vec<Vec<usize>>) {
    let mut chains: Vec<Vec<Vec<usize>>> = Vec::new();
    for d in dimensions {
        let mut parent = vec![usize::MAX; d.len()];
        d.iter().enumerate().for_each(|(p, children)| children.iter().for_each(|&c| parent[c] = p));
        let chain = |mut n: usize| {
            let mut up = vec![n];
            while parent[n] != usize::MAX {
                n = parent[n];
                up.push(n);
            }
            up
        };
        chains.push((0..d.len()).filter(|&n| d[n].is_empty()).map(chain).collect());
    }
    let in_view = |key: &[usize]| views.iter().any(|v| key.iter().enumerate().all(|(d, &n)| n == 0 || v.contains(&d)));
    let mut values: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    each(&chains.iter().map(Vec::len).collect::<Vec<_>>(), |leaf| {
        let x = count();
        let up: Vec<&Vec<usize>> = leaf.iter().zip(&chains).map(|(&l, c)| &c[l]).collect();
        each(&up.iter().map(|u| u.len()).collect::<Vec<_>>(), |at| {
            let key: Vec<usize> = at.iter().zip(&up).map(|(&a, u)| u[a]).collect();
            if in_view(&key) {
                *values.entry(key).or_insert(0.0) += x;
            }
        });
    });
    let mut system = System::default();
    let mut index = BTreeMap::new();
    for (at, (key, &value)) in values.iter().enumerate() {
        system.numbers.push(rule.number(value, at as u64));
        index.insert(key.clone(), at);
    }
    for (key, &at) in &index {
        for (d, dimension) in dimensions.iter().enumerate() {
            let parts: Option<Vec<usize>> = dimension[key[d]]
                .iter()
                .map(|&child| {
                    let mut part = key.clone();
                    part[d] = child;
                    index.get(&part).copied()
                })
                .collect();
            if let Some(parts) = parts.filter(|p| !p.is_empty()) {
                system.equations.push(Equation::sum(at, &parts));
            }
        }
    }
    (system, index.into_keys().collect())
}

/// Every combination of one index below each of `sizes`.
fn each(sizes: &[usize], mut f: impl FnMut(&[usize])) {
    let mut at = vec![0; sizes.len()];
    if sizes.contains(&0) {
        return;
    }
    loop {
        f(&at);
        let mut d = sizes.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            at[d] += 1;
            if at[d] < sizes[d] {
                break;
            }
            at[d] = 0;
        }
    }
}

/// A random system of one of four kinds: two dimensions, three, one nested, two linked tables.
pub fn random(chance: &mut Chance) -> System {
    let rule = Rule { k: 3 + chance.below(8) as i64, base: [1, 1, 1, 3, 5, 10][chance.below(6)] };
    let (noughts, small) = (20 + chance.below(50), 3 + chance.below(12));
    let mut side = || 2 + chance.below(4);
    let (a, b, c) = (side(), side(), 2 + side() % 2);
    let kind = chance.below(4);
    let count = || chance.count(noughts, small);
    match kind {
        0 => tables(&[flat(a + 1), flat(b + 1)], &[&[0, 1]], rule, count),
        1 => tables(&[flat(a), flat(b), flat(c)], &[&[0, 1, 2]], rule, count),
        2 => tables(&[nested(a, c), flat(b)], &[&[0, 1]], rule, count),
        _ => tables(&[nested(a, 2), flat(b), flat(c)], &[&[0, 1], &[0, 2]], rule, count),
    }
    .0
}

/// The plain heuristic: in every equation with exactly one hidden number hide the smallest further shown one,
/// until there is none such. How many were hidden.
pub fn plain(system: &mut System) -> usize {
    let mut hidden = 0;
    loop {
        let before = hidden;
        for e in 0..system.equations.len() {
            let terms = &system.equations[e].terms;
            if terms.iter().filter(|t| system.numbers[t.0].state == State::Hidden).count() != 1 {
                continue;
            }
            let candidates = terms.iter().map(|t| t.0).filter(|&i| system.numbers[i].hideable());
            let value = |i: usize| system.numbers[i].value.unwrap_or(0.0);
            if let Some(i) = candidates.min_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b))) {
                system.numbers[i].state = State::Hidden;
                hidden += 1;
            }
        }
        if hidden == before {
            return hidden;
        }
    }
}

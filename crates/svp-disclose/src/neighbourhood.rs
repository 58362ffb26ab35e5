//! Neighbourhoods: the few numbers around one number in which a small linear programme is worth trying.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::system::{Links, System};

/// Grows neighbourhoods; keeps its tallies between calls so that a walk costs what it visits and no more.
#[derive(Debug)]
pub(crate) struct Neighbourhoods {
    /// Of each number, how many of its equations are in the neighbourhood.
    touched: Vec<u32>,
    member: Vec<bool>,
    inside: Vec<bool>,
    visited: Vec<usize>,
    equations: Vec<usize>,
}

impl Neighbourhoods {
    /// A walk over nothing, to stand in while the real one is used.
    pub fn none() -> Self {
        Self::new(&System::default())
    }

    pub fn new(system: &System) -> Self {
        let (n, e) = (system.numbers.len(), system.equations.len());
        Self {
            touched: vec![0; n],
            member: vec![false; n],
            inside: vec![false; e],
            visited: Vec::new(),
            equations: Vec::new(),
        }
    }

    /// At most `size` numbers around `seed` (first), and the equations that touch them.
    ///
    /// Only numbers with a weight count; a lighter one is taken first. Numbers that bring no new equation close
    /// a circle, and are taken before all others; then the walk goes on level by level, with at most
    /// `fan` numbers of each equation, so that one long margin does not fill the neighbourhood.
    pub fn around(
        &mut self,
        system: &System,
        links: &Links,
        seed: usize,
        size: usize,
        fan: usize,
        weight: impl Fn(usize) -> Option<f64>,
    ) -> (Vec<usize>, Vec<usize>) {
        let mut members = Vec::new();
        let mut heap = BinaryHeap::new();
        heap.push(Reverse((0_u32, 0_u32, 0_u32, 0_u64, seed)));
        while let Some(Reverse((_, level, _, _, number))) = heap.pop() {
            if self.member[number] {
                continue;
            }
            self.member[number] = true;
            members.push(number);
            if members.len() >= size {
                break;
            }
            for &(e, _) in &links[number] {
                if self.inside[e] {
                    continue;
                }
                self.inside[e] = true;
                self.equations.push(e);
                let mut next: Vec<(f64, usize)> = Vec::new();
                for &(i, _) in &system.equations[e].terms {
                    if self.member[i] {
                        continue;
                    }
                    let Some(w) = weight(i) else { continue };
                    if self.touched[i] == 0 {
                        self.visited.push(i);
                    }
                    self.touched[i] += 1;
                    if self.touched[i] as usize == links[i].len() {
                        heap.push(Reverse((0, level + 1, 0, key(w), i)));
                    } else {
                        next.push((w, i));
                    }
                }
                let by = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                if next.len() > fan {
                    next.select_nth_unstable_by(fan, by);
                    next.truncate(fan);
                }
                for (w, i) in next {
                    let new = links[i].len() as u32 - self.touched[i];
                    heap.push(Reverse((1, level + 1, new, key(w), i)));
                }
            }
        }
        let mut equations = Vec::new();
        for &m in &members {
            for &(e, _) in &links[m] {
                self.inside[e] = true;
                self.equations.push(e);
            }
            self.member[m] = false;
        }
        for &i in &self.visited {
            self.touched[i] = 0;
        }
        self.visited.clear();
        // An equation entered only in order to look further touches a member too: each was entered from one.
        for &e in &self.equations {
            if self.inside[e] {
                self.inside[e] = false;
                equations.push(e);
            }
        }
        self.equations.clear();
        (members, equations)
    }
}

/// A weight as an integer in the same order; weights are not negative.
fn key(weight: f64) -> u64 {
    weight.max(0.0).to_bits()
}

/// Groups of numbers that are tied by equations, numbers of width zero left out: (group of each number, or
/// `None`; the members of each group).
pub(crate) fn components(
    system: &System,
    links: &Links,
    free: impl Fn(usize) -> bool,
) -> (Vec<Option<usize>>, Vec<Vec<usize>>) {
    let mut group = vec![None; system.numbers.len()];
    let mut seen = vec![false; system.equations.len()];
    let mut groups = Vec::new();
    for start in 0..system.numbers.len() {
        if group[start].is_some() || !free(start) {
            continue;
        }
        group[start] = Some(groups.len());
        let mut members = vec![start];
        let mut at = 0;
        while at < members.len() {
            for &(e, _) in &links[members[at]] {
                if std::mem::replace(&mut seen[e], true) {
                    continue;
                }
                for &(i, _) in &system.equations[e].terms {
                    if group[i].is_none() && free(i) {
                        group[i] = Some(groups.len());
                        members.push(i);
                    }
                }
            }
            at += 1;
        }
        members.sort_unstable();
        groups.push(members);
    }
    (group, groups)
}

//! Parts of a system that have nothing to do with one another: each is a system of its own, and they are seen to side by side.
//!
//! Numbers that cannot move (shown as they are, and not to be hidden) part what lies on both sides of them: their value is known
//! whatever else is hidden. What has no number to protect is no part at all, so the work is that of what is to be hidden, and
//! not that of the table. What comes out does not depend on how many threads there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::neighbourhood::components;
use crate::system::{Equation, Links, System, SystemError};

/// One part: a system, and the place of its numbers and equations in the whole.
#[derive(Debug)]
pub(crate) struct Part {
    pub system: System,
    pub numbers: Vec<usize>,
    pub equations: Vec<usize>,
}

impl Part {
    /// An error of the part with the indices of the whole.
    pub fn back(&self, error: SystemError) -> SystemError {
        match error {
            SystemError::Contradiction { equation } => {
                SystemError::Contradiction { equation: self.equations[equation] }
            }
            other => other,
        }
    }
}

/// The parts of a system that hold a number to protect, by their first number. `moves` says which numbers can move.
pub(crate) fn parts(system: &System, links: &Links, moves: impl Fn(usize) -> bool) -> Vec<Part> {
    let protected = |i: usize| system.numbers[i].protection.ends().is_some();
    let (_, groups) = components(system, links, |i| protected(i) || moves(i));
    let mut place = vec![usize::MAX; system.numbers.len()];
    groups
        .into_iter()
        .filter(|members| members.iter().any(|&i| protected(i)))
        .map(|members| {
            let mut equations: Vec<usize> = members.iter().flat_map(|&i| links[i].iter().map(|l| l.0)).collect();
            equations.sort_unstable();
            equations.dedup();
            // The numbers that cannot move stand in it as they are.
            let fixed = equations.iter().flat_map(|&e| system.equations[e].terms.iter().map(|t| t.0));
            let mut numbers: Vec<usize> = members.into_iter().chain(fixed).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for (at, &i) in numbers.iter().enumerate() {
                place[i] = at;
            }
            let here = |e: &usize| Equation {
                terms: system.equations[*e].terms.iter().map(|&(i, c)| (place[i], c)).collect(),
            };
            let part = System {
                numbers: numbers.iter().map(|&i| system.numbers[i].clone()).collect(),
                equations: equations.iter().map(here).collect(),
            };
            Part { system: part, numbers, equations }
        })
        .collect()
}

/// What `work` makes of each part, in the order of the parts, on at most `threads` threads. The largest go first.
pub(crate) fn each<R: Send>(threads: usize, parts: &[Part], work: impl Fn(&Part) -> R + Sync) -> Vec<R> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&p| std::cmp::Reverse(parts[p].numbers.len()));
    let next = AtomicUsize::new(0);
    let one = || {
        let mut made = Vec::new();
        while let Some(&p) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            made.push((p, work(&parts[p])));
        }
        made
    };
    let threads = threads.clamp(1, parts.len().max(1));
    let mut made = std::thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut made = one();
        for thread in running {
            made.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(p, _)| *p);
    made.into_iter().map(|(_, made)| made).collect()
}

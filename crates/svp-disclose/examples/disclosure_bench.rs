//! Protection and attack on tables of 1,000 to 100,000 cells, beside the plain heuristic.
//! `cargo run --release -p svp-disclose --example disclosure_bench [ROUNDS] [LARGEST] [SMALLEST]`; prints a Markdown table.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::panic, clippy::expect_used)]

pub use svp_disclose::system;
#[allow(dead_code)]
#[path = "../src/random_tables.rs"]
mod random_tables;

use std::time::Instant;

use random_tables::{Chance, Rule, flat, nested, plain, tables};
use svp_disclose::attack::{Effort, Proof, attack};
use svp_disclose::protect::protect;
use svp_disclose::system::{State, System};

fn hidden(system: &System, primary: &System) -> (usize, f64) {
    let second = system.numbers.iter().zip(&primary.numbers).filter(|(a, b)| a.state != b.state);
    second.fold((0, 0.0), |(n, sum), (a, _)| (n + 1, sum + a.value.unwrap_or(0.0)))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a whole number"));
    let mut argument = |default| arguments.next().unwrap_or(default);
    let (rounds, largest, smallest) = (argument(3), argument(100_000), argument(0));
    let effort = Effort::default();
    println!("Counts of 1 to 4 suppressed; dense: a third of the cells suppressed; sparse: 70 in 100 nought.");
    println!(
        "| table | cells | primary | ours: hidden (sum) | share | protect s | attack s | unprotected | plain: hidden (sum) | plain s | plain: goals still broken | hidden ours/plain |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut chance = Chance(5);
    for (side, months, districts, lsoas) in [(31, 12, 8, 10), (99, 36, 16, 17), (315, 120, 30, 27)] {
        for (name, nested_kind) in [("2-D", false), ("district, lsoa x month", true)] {
            for (kind, noughts, small, base) in
                [("dense", 10, 8, 1), ("sparse", 70, 6, 1), ("sparse, rounded to 5", 70, 6, 5)]
            {
                let dimensions =
                    if nested_kind { [nested(districts, lsoas), flat(months)] } else { [flat(side), flat(side)] };
                let rule = Rule { k: 5, base };
                let (primary, _) = tables(&dimensions, &[&[0, 1]], rule, || chance.count(noughts, small));
                let cells = primary.numbers.len();
                if cells > largest + largest / 10 || cells < smallest {
                    continue;
                }
                let (mut protecting, mut attacking, mut simple) = (Vec::new(), Vec::new(), Vec::new());
                let (mut ours, mut theirs) = (primary.clone(), primary.clone());
                let mut unprotected = 0;
                for _ in 0..rounds {
                    theirs = primary.clone();
                    let start = Instant::now();
                    plain(&mut theirs);
                    simple.push(start.elapsed().as_secs_f64());
                    ours = primary.clone();
                    let start = Instant::now();
                    let done = protect(&mut ours, &effort).unwrap_or_else(|e| panic!("{e}"));
                    protecting.push(start.elapsed().as_secs_f64());
                    unprotected = done.unprotected.len();
                    let start = Instant::now();
                    let found = attack(&ours, &effort).unwrap_or_else(|e| panic!("{e}"));
                    attacking.push(start.elapsed().as_secs_f64());
                    assert_eq!(found.broken.len(), unprotected);
                }
                let broken = attack(&theirs, &effort).unwrap_or_else(|e| panic!("{e}"));
                let gave_up = broken.proofs.get(&Proof::GaveUp).copied().unwrap_or(0);
                let first = primary.numbers.iter().filter(|n| n.state == State::Hidden).count();
                let ((n, sum), (pn, psum)) = (hidden(&ours, &primary), hidden(&theirs, &primary));
                println!(
                    "| {name} {kind} | {cells} | {first} | {n} ({sum}) | {:.1} % | {:.2} | {:.2} | {unprotected} | {pn} ({psum}) | {:.3} | {} ({gave_up} gave up) | {:.2} |",
                    100.0 * n as f64 / cells as f64,
                    median(protecting),
                    median(attacking),
                    median(simple),
                    broken.broken.len(),
                    n as f64 / (pn.max(1)) as f64,
                );
            }
        }
    }
}

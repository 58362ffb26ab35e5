//! The releases of a county's areas that share districts, one after the other to one audience.
//! `cargo run --release -p svp-disclose --example areas_bench [AREAS] [EVENTS] [MONTHS] [DEFINITIONS]`; prints a Markdown table.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::panic, clippy::expect_used, clippy::unwrap_used)]

#[path = "../tests/county/mod.rs"]
mod county;

use std::time::Instant;

use county::County;
use svp_disclose::attack::{Effort, attack};
use svp_disclose::relate::{Table, relate};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a whole number"));
    let mut argument = |default| arguments.next().unwrap_or(default);
    let (areas, events, months, definitions) = (argument(3), argument(2000), argument(24), argument(3));
    let county = County::new(7, events, 4, months, definitions);
    let all: [&[usize]; 6] = [&[0, 1], &[1, 2], &[2, 3], &[0, 1, 2], &[1, 2, 3], &[0, 3]];
    let effort = Effort::default();
    println!(
        "| areas | numbers | equations | release s | hidden for others | withheld | relate s | attack s | digest |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    let mut told: Vec<Table> = Vec::new();
    for (release, parts) in all.iter().take(areas).enumerate() {
        let start = Instant::now();
        let done = county.release(&told, parts, 5, &effort);
        let seconds = start.elapsed().as_secs_f64();
        told.extend(done.tables.into_iter().map(|t| Table { earlier: true, ..t }));
        let start = Instant::now();
        let related = relate(&told, &county);
        let relating = start.elapsed().as_secs_f64();
        let start = Instant::now();
        assert!(attack(&related.system, &effort).unwrap().broken.is_empty());
        let attacking = start.elapsed().as_secs_f64();
        let digest = format!("{told:?}").bytes().fold(5381u64, |h, b| h.wrapping_mul(33) ^ u64::from(b));
        println!(
            "| {} | {} | {} | {seconds:.2} | {} | {} | {relating:.2} | {attacking:.2} | {digest:016x} |",
            release + 1,
            done.numbers,
            done.equations,
            done.hidden,
            done.withheld.len(),
        );
    }
}

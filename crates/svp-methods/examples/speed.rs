//! Times of the large methods on invented towns: medians of several rounds. `cargo run --release -p svp-methods --example speed`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, missing_docs)]

use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use svp_methods::gi_star::{Weights, gi_star, gi_star_permutations};
use svp_methods::kernel_density::{Kernel, Land, kernel_density};
use svp_methods::knox::{Event, Rules, knox};
use svp_methods::neighbours::Neighbours;

/// Median seconds of five rounds, after one that is not counted.
fn median(name: &str, rounds: usize, mut work: impl FnMut()) {
    let mut times: Vec<f64> = (0..=rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    println!("{name}: {:.4} s (median of {rounds}, {:.4} to {:.4})", times[rounds / 2], times[0], times[rounds - 1]);
}

fn main() {
    let threads: usize = std::env::args().nth(1).map_or(2, |n| n.parse().expect("number of threads"));
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for side in [316i64, 1000] {
        let cells: Vec<(i64, i64)> = (0..side * side).map(|i| (i % side, i / side)).collect();
        let n = cells.len();
        let values: Vec<f64> =
            (0..n).map(|_| f64::from(rng.random_range(0u32..4) * rng.random_range(0u32..3))).collect();
        median(&format!("neighbours, {n} squares"), 5, || {
            Neighbours::squares(&cells, 1).expect("cells");
        });
        let near = Neighbours::squares(&cells, 1).expect("cells");
        median(&format!("Gi*, {n} cells"), 5, || {
            let _ = gi_star(&values, &near);
        });
        median(&format!("Gi*, {n} cells, 999 permutations, {threads} threads"), 5, || {
            let _ = gi_star_permutations(&values, &near, Weights::Binary, 999, 1, threads);
        });
    }
    // A city of 12 km with clusters, three years.
    let centres: Vec<(f64, f64, f64)> = (0..200)
        .map(|_| (rng.random_range(0.0..12_000.0), rng.random_range(0.0..12_000.0), rng.random_range(50.0..900.0)))
        .collect();
    for n in [10_000, 100_000] {
        let events: Vec<Event> = (0..n)
            .map(|_| {
                let (x, y, spread) = centres[rng.random_range(0usize..200).min(rng.random_range(0..200))];
                let mut off = || spread * (0..4).map(|_| rng.random_range(-1.0..1.0f64)).sum::<f64>();
                Event { x: x + off(), y: y + off(), day: f64::from(rng.random_range(0u32..1096)) }
            })
            .collect();
        let (space, time) = ([0.0, 100.0, 200.0, 300.0, 400.0, f64::INFINITY], [0.0, 7.0, 14.0, 21.0, f64::INFINITY]);
        let rules = Rules::near_repeat_calculator();
        let pairs: u64 =
            knox(&events, &space, &time, &rules, 0, 1, threads).expect("events").observed[..5].iter().flatten().sum();
        median(&format!("Knox, {n} events ({pairs} pairs within 400 m), no permutations"), 3, || {
            let _ = knox(&events, &space, &time, &rules, 0, 1, threads);
        });
        median(
            &format!("Knox, {n} events ({pairs} pairs within 400 m), 999 permutations, {threads} threads"),
            3,
            || {
                let _ = knox(&events, &space, &time, &rules, 999, 1, threads);
            },
        );
        let points: Vec<(f64, f64, f64)> = events.iter().map(|e| (e.x, e.y, 1.0)).collect();
        let places: Vec<(f64, f64)> = (0..316 * 316)
            .map(|i| (f64::from(i % 316) * 45.0 - 1_000.0, f64::from(i / 316) * 45.0 - 1_000.0))
            .collect();
        let land = Land { centres: &places, cell_area: 45.0 * 45.0 };
        for (name, kernel, h) in
            [("quartic, 300 m", Kernel::Quartic, 300.0), ("Gaussian, 100 m", Kernel::Gaussian, 100.0)]
        {
            median(
                &format!("density, {name}, {n} events, {} places, land, {threads} threads", places.len()),
                3,
                || {
                    let _ = kernel_density(&points, &places, h, kernel, Some(land), threads);
                },
            );
        }
    }
}

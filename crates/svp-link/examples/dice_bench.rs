//! Dice comparisons per second, one thread: `dice_bench LEFT RIGHT THRESHOLD...`
//!
//! A file of bit vectors is their number and the bytes of each (two little-endian u32), then the rows. Prints a JSON line
//! for each threshold: seconds, comparisons (all pairs) per second, pairs found, and the FNV-1a of the pairs in their order
//! (left and right as little-endian u32, then the coefficient as a little-endian f64).
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use svp_link::dice::{Filters, pairs_at_least};

fn load(path: &str) -> Result<Filters, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let (head, rows) = bytes.split_at_checked(8).ok_or("a file of bit vectors begins with two numbers")?;
    let number = |part: &[u8]| part.iter().rev().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
    Ok(Filters::new(rows, number(&head[..4]), number(&head[4..]) * 8)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [left, right, thresholds @ ..] = arguments.as_slice() else {
        return Err("usage: dice_bench LEFT RIGHT THRESHOLD...".into());
    };
    let (left, right) = (load(left)?, load(right)?);
    for threshold in thresholds {
        let threshold: f64 = threshold.parse()?;
        let started = Instant::now();
        let pairs = pairs_at_least(&left, &right, threshold)?;
        let seconds = started.elapsed().as_secs_f64();
        let mut sum = 0xcbf2_9ce4_8422_2325u64;
        for (a, b, score) in &pairs {
            let bytes = a.to_le_bytes().into_iter().chain(b.to_le_bytes()).chain(score.to_le_bytes());
            sum = bytes.fold(sum, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        }
        let rate = left.len() as f64 * right.len() as f64 / seconds;
        println!(
            "{{\"threshold\": {threshold}, \"seconds\": {seconds:.6}, \"per_second\": {rate:.0}, \"pairs\": {}, \"checksum\": \"{sum:016x}\"}}",
            pairs.len()
        );
    }
    Ok(())
}

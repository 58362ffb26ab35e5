//! Dice comparisons per second, one thread: `dice_bench LEFT RIGHT THRESHOLD... [--pairs FILE]`
//!
//! A file of bit vectors is their number and the bytes of each (two little-endian u32), then the rows. Prints a JSON line
//! for each threshold: seconds of the wall clock and of the processor (where Linux tells them), comparisons (all pairs) per
//! second, pairs found, and the FNV-1a of the pairs in their order. `--pairs` writes the pairs of all thresholds, one after
//! another; a pair is left and right as little-endian u32, then the coefficient as a little-endian f64.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use svp_clk::similarity::{Filters, pairs_at_least};

fn load(path: &str) -> Result<Filters, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path)?;
    let (head, rows) = bytes.split_at_checked(8).ok_or("a file of bit vectors begins with two numbers")?;
    let number = |part: &[u8]| part.iter().rev().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
    Ok(Filters::new(rows, number(&head[..4]), number(&head[4..]) * 8)?)
}

/// Seconds that this process has run on a processor.
fn processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = match arguments.iter().position(|argument| argument == "--pairs") {
        Some(at) if at + 1 < arguments.len() => arguments.drain(at..at + 2).next_back(),
        _ => None,
    };
    let [left, right, thresholds @ ..] = arguments.as_slice() else {
        return Err("usage: dice_bench LEFT RIGHT THRESHOLD... [--pairs FILE]".into());
    };
    let (left, right) = (load(left)?, load(right)?);
    let mut all = Vec::new();
    for threshold in thresholds {
        let threshold: f64 = threshold.parse()?;
        let (started, before) = (Instant::now(), processor());
        let pairs = pairs_at_least(&left, &right, threshold)?;
        let (seconds, after) = (started.elapsed().as_secs_f64(), processor());
        let cpu = before.zip(after).map_or(seconds, |(before, after)| after - before);
        let mut bytes = Vec::with_capacity(pairs.len() * 16);
        for (a, b, score) in &pairs {
            bytes.extend(a.to_le_bytes().into_iter().chain(b.to_le_bytes()).chain(score.to_le_bytes()));
        }
        let step = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
        let rate = left.len() as f64 * right.len() as f64 / seconds;
        println!(
            "{{\"threshold\": {threshold}, \"seconds\": {seconds:.6}, \"cpu\": {cpu:.6}, \"per_second\": {rate:.0}, \"pairs\": {}, \"checksum\": \"{sum:016x}\"}}",
            pairs.len()
        );
        all.append(&mut bytes);
    }
    if let Some(out) = out {
        std::fs::write(out, all)?;
    }
    Ok(())
}

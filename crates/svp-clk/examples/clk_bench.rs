//! Records per second into CLKs, one thread: `clk_bench SCHEMA.json SECRET DATA.csv OUT.json [ROUNDS]`
//!
//! The CSV has a header; SECRET is a file whose bytes are the secret. Writes `{"clks": [base64, ...]}` and prints a JSON line
//! with the seconds of every round, of the wall clock and of the processor where Linux tells them (encoding alone, by an
//! encoder without memory), records per second of the median round, and the fingerprint of the schema.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use svp_clk::{ClkEncoder, ClkSchema, to_base64};

/// Seconds that this process has run on a processor.
fn processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [schema, secret, data, out, rounds @ ..] = arguments.as_slice() else {
        return Err("usage: clk_bench SCHEMA.json SECRET DATA.csv OUT.json [ROUNDS]".into());
    };
    let rounds: usize = rounds.first().map_or(Ok(1), |rounds| rounds.parse())?;
    let schema = ClkSchema::parse(&std::fs::read_to_string(schema)?)?;
    let secret = std::fs::read(secret)?;
    let mut reader = csv::Reader::from_path(data)?;
    let mut records = Vec::new();
    for record in reader.records() {
        records.push(record?.iter().map(str::to_owned).collect::<Vec<_>>());
    }
    let mut clks = Vec::new();
    let (mut seconds, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        let mut encoder = ClkEncoder::new(&schema, &secret)?;
        let width = encoder.bytes();
        clks = vec![0u8; width * records.len()];
        let (started, before) = (Instant::now(), processor());
        for (record, clk) in records.iter().zip(clks.chunks_exact_mut(width)) {
            encoder.encode_into(record, clk)?;
        }
        let elapsed = started.elapsed().as_secs_f64();
        seconds.push(elapsed);
        cpu.push(before.zip(processor()).map_or(elapsed, |(before, after)| after - before));
    }
    let text: Vec<String> = clks.chunks_exact(schema.bits().div_ceil(8)).map(to_base64).collect();
    std::fs::write(out, serde_json::to_string(&serde_json::json!({ "clks": text }))?)?;
    let mut sorted = seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let rate = records.len() as f64 / sorted[sorted.len() / 2];
    println!(
        "{}",
        serde_json::json!({
            "records": records.len(), "seconds": seconds, "cpu": cpu, "per_second": rate.round(), "fingerprint": schema.fingerprint()
        })
    );
    Ok(())
}

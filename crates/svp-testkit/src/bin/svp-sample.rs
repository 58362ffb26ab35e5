//! Writes the invented county's extracts: `svp-sample --out sample-data`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use svp_testkit::{Options, generate};

/// Writes an invented county's extracts in the real formats, its reference data, and the truth beside them.
#[derive(Debug, Parser)]
#[command(name = "svp-sample", version)]
struct Arguments {
    /// Folder to write to; files that are there are replaced.
    #[arg(long, default_value = "sample-data")]
    out: PathBuf,
    /// How many people live in the county.
    #[arg(long, default_value_t = 8_000)]
    people: u32,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 2_023)]
    seed: u64,
    /// How many months, from April 2023.
    #[arg(long, default_value_t = 24)]
    months: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options =
        Options { out: arguments.out, people: arguments.people, months: arguments.months, seed: arguments.seed };
    match generate(&options) {
        Ok(summary) => {
            let mut out = std::io::stdout().lock();
            for (source, rows) in &summary.rows {
                let _ = writeln!(out, "{rows:>9} rows  {source}");
            }
            let _ = writeln!(out, "written to {}", options.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `svp clk`: record-level filters as clkhash makes them, and their comparison as anonlink does it, for agencies that use
//! those already. They stand apart from the encodings of the lake.

use std::fmt::Write;
use std::path::Path;

use svp_app::{AppError, Progress};
use svp_clk::similarity::{Filters, one_to_one, pairs_on};
use svp_clk::{ClkEncoder, ClkError, ClkSchema, from_base64, to_base64};

use crate::args::{Cli, ClkArgs, ClkCommand};
use crate::tell::Tell;

/// The command.
pub fn command(cli: &Cli, args: &ClkArgs, tell: &Tell) -> Result<(), AppError> {
    match &args.command {
        ClkCommand::Encode { schema, secret_file, input, out } => encode(schema, secret_file, input, out, tell),
        ClkCommand::Compare { left, right, threshold, one_to_one, out } => {
            compare(cli, left, right, *threshold, *one_to_one, out, tell)
        }
    }
}

fn wrong(what: String, hint: &str) -> AppError {
    AppError::Argument { what, hint: hint.to_owned() }
}

/// What svp-clk refused, with its own hint.
fn refused(at: &str, error: &ClkError) -> AppError {
    wrong(format!("{at}{error}"), error.hint().unwrap_or_default())
}

fn encode(schema: &str, secret: &str, input: &str, out: &str, tell: &Tell) -> Result<(), AppError> {
    let text = svp_lake::files::read_text(Path::new(schema))?;
    let schema = ClkSchema::parse(&text).map_err(|e| refused("", &e))?;
    let mut secret = svp_lake::files::read_bytes(Path::new(secret))?;
    // An editor ends a file with a new line, which is no part of the secret.
    while secret.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
        secret.pop();
    }
    let mut encoder = ClkEncoder::new(&schema, &secret).map_err(|e| refused("", &e))?;
    let bytes = svp_lake::files::read_bytes(Path::new(input))?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let not_csv =
        |_| wrong(format!("{input} is not a CSV file with a header, in UTF-8"), "quote values that hold commas");
    let header = reader.headers().map_err(not_csv)?.clone();
    if !header.iter().eq(schema.identifiers()) {
        return Err(wrong(
            format!("the columns of {input} are not the features of the schema, in their order"),
            "the header names the features by their identifiers",
        ));
    }
    let mut clks = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record: Vec<String> = record.map_err(not_csv)?.iter().map(str::to_owned).collect();
        let row = |e: ClkError| refused(&format!("{input} row {}: ", i + 1), &e);
        encoder.check(&record).map_err(row)?;
        clks.push(to_base64(&encoder.encode(&record).map_err(row)?));
    }
    let text = serde_json::json!({ "clks": clks }).to_string();
    svp_lake::files::write_file(Path::new(out), text.as_bytes())?;
    tell.step("clk", &format!("{} records in {out}; schema {}", clks.len(), schema.fingerprint()));
    Ok(())
}

fn compare(
    cli: &Cli,
    left: &str,
    right: &str,
    threshold: f64,
    one: bool,
    out: &str,
    tell: &Tell,
) -> Result<(), AppError> {
    let (left, right) = (read(left)?, read(right)?);
    let mut pairs = pairs_on(&left, &right, threshold, cli.machine().threads).map_err(|e| refused("", &e))?;
    if one {
        pairs = one_to_one(&pairs);
    }
    let mut text = String::from("left,right,dice\n");
    for (a, b, dice) in &pairs {
        let _ = writeln!(text, "{a},{b},{dice}");
    }
    svp_lake::files::write_file(Path::new(out), text.as_bytes())?;
    tell.step("clk", &format!("{} pairs of {} and {} records in {out}", pairs.len(), left.len(), right.len()));
    Ok(())
}

/// A file of CLKs: `{"clks": [base64, …]}`.
fn read(file: &str) -> Result<Filters, AppError> {
    const HINT: &str = "make it with `svp clk encode` or with clkhash";
    let text = svp_lake::files::read_text(Path::new(file))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| wrong(format!("{file} is not JSON"), HINT))?;
    let list =
        json.get("clks").and_then(|c| c.as_array()).ok_or_else(|| wrong(format!("{file} holds no clks"), HINT))?;
    let mut bytes = Vec::new();
    let mut width = None;
    for clk in list {
        let one =
            clk.as_str().and_then(from_base64).filter(|b| width.is_none_or(|w| w == b.len())).ok_or_else(|| {
                wrong(format!("{file} holds filters of different lengths, or what is no filter"), HINT)
            })?;
        width = Some(one.len());
        bytes.extend(one);
    }
    Filters::new(&bytes, list.len(), width.unwrap_or(128) * 8).map_err(|e| refused(&format!("{file}: "), &e))
}

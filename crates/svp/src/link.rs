//! `svp link`: what was asked of the judged records is printed, and each part timed.

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Instant;

use svp_app::link::{LinkRequest, Records};
use svp_app::{AppError, Progress};

use crate::args::{Cli, lake_at};
use crate::key;
use crate::question_args::LinkArgs;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &LinkArgs, tell: &Tell) -> Result<(), AppError> {
    let request = LinkRequest { site: cli.site.clone(), lake: lake_at(&args.lake, &args.store_option) };
    let key = match args.key.as_deref() {
        Some(reference) => key::read(Some(reference))?,
        None => return Err(AppError::Sealed("`svp link`")),
    };
    let records = Records::open(&request, &key, &cli.machine()).await?;
    if args.tally {
        tell.print(records.tally().await?);
        return Ok(());
    }
    let began = Instant::now();
    let times: Mutex<Vec<(String, f64)>> = Mutex::new(Vec::new());
    let on_step = |what: &str| {
        if let Ok(mut times) = times.lock() {
            times.push((what.to_owned(), began.elapsed().as_secs_f64()));
        }
    };
    let records = if args.evaluate.is_some() { records.with_all_pairs() } else { records };
    let judged = records.judge(&on_step).await?;
    let whole = began.elapsed().as_secs_f64();
    judged.tell(tell);
    if args.timings {
        tell.print(timings(times.into_inner().unwrap_or_default(), whole));
    }
    if args.explain {
        tell.print(judged.explain());
    }
    if let [a, b, ..] = args.pair.as_slice()
        && let Some(waterfall) = judged.pair(a, b)?
    {
        tell.print(waterfall);
    }
    if let Some(file) = &args.out {
        judged.write_clusters(file)?;
        tell.step("link", &format!("{} records with their people in {file}", judged.records()));
    }
    if let Some(file) = &args.evaluate {
        tell.print(judged.evaluate(&key, file)?);
    }
    Ok(())
}

fn timings(times: Vec<(String, f64)>, whole: f64) -> String {
    let mut out = String::new();
    for (i, (what, from)) in times.iter().enumerate() {
        let until = times.get(i + 1).map_or(whole, |next| next.1);
        let _ = writeln!(out, "{what:<10} {:>8.3} s", until - from);
    }
    let _ = write!(out, "{:<10} {whole:>8.3} s", "whole");
    out
}

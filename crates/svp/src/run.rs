//! `svp run`: arguments become a request; the release's place is printed.

use svp_app::run::{Outcome, Prepared, RunRequest};
use svp_app::{AppError, Progress};

use crate::args::{Cli, RunArgs, lake_at};
use crate::key;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &RunArgs, tell: &Tell) -> Result<(), AppError> {
    let request = RunRequest {
        site: cli.site.clone(),
        area: args.area.clone(),
        audience: args.audience.clone(),
        paths: args.paths.choice(),
        lake: lake_at(&args.lake, &args.store_option),
        clock: clock(args.clock.as_deref())?,
        ingest_only: args.ingest_only,
        relink: args.relink,
        start_ledger_anew: args.start_ledger_anew.clone(),
        reload: args.reload.clone(),
        accept: args.accept.choice(args.reason.as_deref()),
    };
    if args.timings {
        tell.measure();
    }
    tell.begin("definitions");
    let prepared = Prepared::new(request);
    tell.end();
    let prepared = prepared?;
    if args.dry_run {
        let key = args.key.as_deref().map(|key| key::read(Some(key))).transpose()?;
        tell.print(prepared.describe(&cli.machine(), key.as_ref(), tell).await?);
        return Ok(());
    }
    let key = key::read(args.key.as_deref())?;
    let outcome = prepared.run(&cli.machine(), key, tell).await;
    tell.timings_so_far();
    if let Outcome::Released { report, .. } = outcome? {
        tell.print(report);
    }
    Ok(())
}

/// The time that was given, or that of now.
pub fn clock(given: Option<&str>) -> Result<String, AppError> {
    let now = match given {
        None => chrono::Utc::now(),
        Some(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map_err(|_| AppError::Argument {
                what: "--clock is not a time".to_owned(),
                hint: "write it like 2025-04-07T06:00:00Z".to_owned(),
            })?
            .to_utc(),
    };
    Ok(now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

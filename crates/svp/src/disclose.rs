//! `svp disclose`: what was found of releases and tables is printed; what is broken ends in an error.

use svp_app::AppError;
use svp_app::disclose::{AttackRequest, Releases};
use svp_app::gate::{self, GateRequest};

use crate::args::{Cli, lake_at};
use crate::question_args::DiscloseArgs;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &DiscloseArgs, tell: &Tell) -> Result<(), AppError> {
    if let Some(file) = &args.check {
        return check(cli, args, file, tell).await;
    }
    let releases = Releases::open(&lake_at(&args.lake, &args.store_option)).await?;
    if let Some(release) = &args.review {
        tell.print(releases.review(release).await?);
        return Ok(());
    }
    if args.ledger {
        for audience in releases.audiences()? {
            tell.print(releases.list(&audience).await?);
        }
        return Ok(());
    }
    let request = AttackRequest {
        site: cli.site.clone(),
        area: args.area.clone().unwrap_or_default(),
        audience: args.audience.clone(),
        blind: args.blind,
        paths: args.paths.choice(),
    };
    let attacked = releases.attack(&request, &cli.machine(), tell).await?;
    tell.print(&attacked);
    if attacked.broken.is_empty() && attacked.not_compared.is_empty() {
        Ok(())
    } else if attacked.broken.is_empty() {
        let n = attacked.not_compared.len();
        Err(AppError::Found(format!("what {n} earlier definitions meant is not known: nothing was compared with them")))
    } else {
        Err(AppError::Found(format!("{} numbers can be bounded too tightly", attacked.broken.len())))
    }
}

/// The gate for a table made by hand.
async fn check(cli: &Cli, args: &DiscloseArgs, file: &str, tell: &Tell) -> Result<(), AppError> {
    let request = GateRequest {
        site: cli.site.clone(),
        file: file.to_owned(),
        audience: args.audience.clone(),
        counts: args.counts.clone(),
        labels: args.labels.clone(),
        sources: args.sources.clone(),
    };
    let gated = gate::check(&request, &cli.machine()).await?;
    tell.print(&gated);
    if gated.report.passes() {
        Ok(())
    } else {
        Err(AppError::Found(format!("{file} may not go to the audience `{}` as it is", args.audience)))
    }
}

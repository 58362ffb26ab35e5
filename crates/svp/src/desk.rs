//! `svp pseudonymise`: arguments and the key become a request; what each encoded file holds is printed.

use svp_app::AppError;
use svp_app::pseudonymise::{DataDesk, PseudonymiseRequest};

use crate::args::{Cli, PseudonymiseArgs};
use crate::key;
use crate::run::clock;
use crate::tell::Tell;

/// The command.
pub fn command(cli: &Cli, args: &PseudonymiseArgs, tell: &Tell) -> Result<(), AppError> {
    let desk = DataDesk::open(PseudonymiseRequest {
        site: cli.site.clone(),
        source: args.source.clone(),
        area: args.area.clone(),
        extracts: args.extracts.clone(),
        out: args.out.clone(),
        reference: args.reference.clone(),
        force: args.force,
        clock: clock(args.clock.as_deref())?,
        accept: args.accept.choice(args.reason.as_deref()),
    })?;
    let key = key::read(args.key.as_deref())?;
    tell.print(desk.encode(&key, &cli.machine(), tell)?.join("\n"));
    Ok(())
}

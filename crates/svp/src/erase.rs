//! `svp erase`: arguments become a request.

use svp_app::AppError;
use svp_app::erase::{EraseRequest, erase};

use crate::args::{Cli, EraseArgs, lake_at};
use crate::key;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &EraseArgs, tell: &Tell) -> Result<(), AppError> {
    let request = EraseRequest {
        site: cli.site.clone(),
        lake: lake_at(&args.lake, &args.store_option),
        token: args.token.clone(),
        even_if_absent: args.even_if_absent,
    };
    let key = match args.key.as_deref() {
        Some(reference) => key::read(Some(reference))?,
        None => return Err(AppError::Sealed("`svp erase`")),
    };
    erase(&request, &key, &cli.machine(), tell).await.map(drop)
}

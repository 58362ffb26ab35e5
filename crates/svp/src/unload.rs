//! `svp unload`: arguments and the key become a request.

use svp_app::AppError;
use svp_app::unload::{UnloadRequest, WrongDelivery, unload};

use crate::args::{Cli, UnloadArgs, lake_at};
use crate::key;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &UnloadArgs, tell: &Tell) -> Result<(), AppError> {
    let delivery = WrongDelivery::named(&args.slot, &args.reason)?;
    let key = key::read(args.key.as_deref())?;
    let lake = lake_at(&args.lake, &args.store_option);
    let request = UnloadRequest { site: cli.site.clone(), lake, delivery };
    unload(&request, &key, &cli.machine(), tell).await.map(drop)
}

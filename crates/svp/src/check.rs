//! `svp check` and `svp dictionary`: what is in order, the account of rows, and the generated pages are printed.

use svp_app::AppError;
use svp_app::check::{CheckRequest, check_with_key};

use crate::args::{CheckArgs, Cli, DictionaryArgs, DictionaryKind, lake_at};
use crate::key;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &CheckArgs, tell: &Tell) -> Result<(), AppError> {
    let request = CheckRequest {
        site: cli.site.clone(),
        area: args.area.clone(),
        lake: args.lake.as_ref().map(|lake| lake_at(lake, &[])),
        rows: args.rows,
        paths: args.paths.choice(),
    };
    let key = args.key.as_ref().map(|key| key::read(Some(key))).transpose()?;
    let checked = check_with_key(&request, key.as_ref(), &cli.machine(), tell).await?;
    for account in checked.rows.iter().flat_map(|rows| rows.accounts()) {
        tell.print(account);
    }
    checked.tell(tell);
    match checked.rows {
        Some(rows) if !rows.refused.is_empty() => Err(AppError::Load(rows.refused)),
        _ => Ok(()),
    }
}

/// `svp dictionary`.
pub fn dictionary(args: &DictionaryArgs, tell: &Tell) -> Result<(), AppError> {
    let tables = svp_contract::canonical_tables().map_err(|p| AppError::Problems(vec![p]))?;
    match args.kind {
        DictionaryKind::Tables => tell.print(svp_contract::dictionary_markdown(&tables).trim_end()),
        DictionaryKind::Functions => tell.print(svp_functions::reference_markdown().trim_end()),
        DictionaryKind::Odcs => tell.print(svp_contract::odcs_yaml(&tables, env!("CARGO_PKG_VERSION")).trim_end()),
    }
    Ok(())
}

//! `svp check --rows`: every row is read, mapped and checked as a run would, nothing is written, and the account is printed.

use svp_contract::Area;
use svp_ingest::reference;
use svp_ingest::{Known, Loaded, pending, rehearse};
use svp_pseudonymise::Key;

use crate::args::Cli;
use crate::context::{self, Paths};
use crate::error::AppError;
use crate::release;
use crate::site::Site;
use crate::tell::Tell;

/// Looks at all rows of the extracts of an area.
///
/// # Errors
/// [`AppError::Load`] with every file that a run would refuse, after the account of all others has been printed.
pub fn rows(cli: &Cli, site: &Site, area: &Area, paths: &Paths, tell: &Tell) -> Result<(), AppError> {
    let sources: Vec<String> = paths.inputs.iter().map(|(name, _)| name.clone()).collect();
    let postcodes = context::needs_postcodes(site, &sources);
    let data = reference::load(area, &paths.reference, &site.offences, postcodes, cli.threads())?;
    let plans = context::plans(cli, site, Some(area), &sources, &data)?;
    let intake = context::intake(site, paths, &plans, &[])?;
    let queue = pending(&plans, intake.files, &Known::default())?;
    let files = queue.files;
    // Tokens that nobody can ever use: the rows are dropped.
    let key = Key::generate("check").map_err(svp_ingest::IngestError::from)?;
    tell.bar("check", files.iter().map(|f| f.input.bytes).sum(), true);
    let done = rehearse(&plans, &files, &key, &[], cli.threads(), &|file, bytes| tell.advance(bytes, file));
    tell.end_bar();
    let failures = data.failures();
    if !failures.is_empty() {
        return Err(failures.into());
    }
    let mut all = Loaded::default();
    let mut errors = Vec::new();
    for result in done {
        match result {
            Ok(loaded) => {
                all.receipts.extend(loaded.receipts);
                all.findings.extend(loaded.findings);
            }
            Err(error) => errors.push(error),
        }
    }
    for receipt in &all.receipts {
        tell.print(release::account(receipt));
    }
    let told: Vec<_> = intake.findings.into_iter().chain(queue.findings).chain(all.findings).collect();
    tell.findings(&told);
    for line in release::summary(&all.receipts) {
        tell.step("rows", line);
    }
    if errors.is_empty() { Ok(()) } else { Err(AppError::Load(errors)) }
}

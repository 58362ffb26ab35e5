//! Who will hold a release beside releases to other audiences, and what they hold already.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::read_beside;
use svp_disclose::Reader;
use svp_disclose::ledger::Ledger;
use svp_disclose::relate::Table;
use svp_lake::Lake;

use crate::error::AppError;
use crate::ledger::{self, LedgerLine};
use crate::progress::Progress;
use crate::site::Site;

/// The audiences whose releases the members of one get too.
pub(crate) fn beside(site: &Site, audience: &str) -> BTreeSet<String> {
    read_beside(audience, site.policies.values().map(|p| &p.item))
}

/// The readers of a release to an audience who hold more than `own`, its ledger: its members where they read others, and
/// the members of audiences that read it; and the texts of definitions that their ledgers keep. `release` is the number of the new one. One whose other ledgers are empty holds nothing more. Where somebody `decided` to go on past
/// what is lost, a ledger counts as far as its entries are there, and one that cannot be read at all is told and left out.
///
/// # Errors
/// A ledger that is not whole, where nobody decided.
pub(crate) async fn readers(
    lake: &Lake,
    lines: &[LedgerLine],
    site: &Site,
    (audience, own): (&str, &Ledger),
    release: u64,
    decided: bool,
    progress: &dyn Progress,
) -> Result<(Vec<Reader>, BTreeMap<String, String>), AppError> {
    let mut out = Vec::new();
    let mut texts = own.definitions();
    let releases = |ledger: &Ledger| -> BTreeSet<usize> { ledger.tables().iter().map(|t| t.release).collect() };
    for name in site.policies.keys() {
        let mut held = beside(site, name);
        held.insert(name.clone());
        if !held.remove(audience) {
            continue;
        }
        let mut tables: Vec<Table> = Vec::new();
        let mut shown = BTreeSet::new();
        if name == audience {
            shown = releases(own);
            shown.extend(usize::try_from(release));
        }
        for other in &held {
            match ledger::read_beside(lake, lines, other, decided).await {
                Ok(ledger) => {
                    tables.extend(ledger.tables());
                    texts.extend(ledger.definitions());
                    if other == name {
                        shown = releases(&ledger);
                    }
                }
                Err(AppError::Ledger { .. }) if decided => {
                    let what = format!(
                        "what the audience {other} was told cannot be read, and does not count: the ledger is begun anew"
                    );
                    progress.step("ledger", &what);
                }
                Err(error) => return Err(error),
            }
        }
        if !tables.is_empty() {
            tables.extend(own.tables());
            tables.sort_by_key(|t| t.release);
            out.push(Reader { audience: name.clone(), tables, own: shown });
        }
    }
    Ok((out, texts))
}

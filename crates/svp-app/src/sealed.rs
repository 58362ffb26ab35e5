//! A lake under its key: what is sealed in it can be opened, and what an earlier version left in the clear is sealed.

use std::sync::Arc;

use svp_contract::Table;
use svp_ingest::table_of;
use svp_lake::{Lake, Open, RunRecord, RunTxn, TableSpec};
use svp_pseudonymise::{Key, RecordSeal};

use crate::ages::Banded;
use crate::contents;
use crate::error::AppError;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::site::Site;
use crate::state::{RunState, tables};

/// The same lake, whose sealed tables can be opened and written under this key.
pub(crate) fn under(lake: &Lake, key: &Key) -> Lake {
    lake.with_seal(Arc::new(RecordSeal::new(key)))
}

/// Opens a lake for writing under its key. Deletes what a run that was cut off had still to delete, seals tables that an earlier
/// version left in the clear, and writes those anew that have exact ages and row numbers; that is a run of its own, with the release of the
/// last one. With `past_damage` the lake is opened at the
/// newest record that can be understood.
///
/// # Errors
/// [`AppError::WrongKey`] for another key than that of the lake, [`AppError::Record`] for a record that no run writes, and what the lake
/// refuses. A table in the clear stays as it was then.
pub(crate) async fn open(
    at: &LakeAt,
    past_damage: bool,
    site: &Site,
    key: &Key,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<(Lake, RunState), AppError> {
    let lake = if past_damage { at.open_past_damage().await? } else { at.open(Open::Write).await? };
    let lake = under(&lake, key);
    let mut state = RunState::last_under(&lake, key)?;
    contents::under_key(&lake, key, &mut state).await?;
    let left = lake.vacuum_if_due().await?;
    if left > 0 {
        progress
            .step("lake", &format!("{left} old files that a run which was cut off had still to delete are deleted"));
    }
    let specs = tables(site);
    let clear = lake.in_the_clear(&specs);
    let outgrown = lake.outgrown(&specs).await?;
    let as_now = clear.is_empty() && outgrown.is_empty();
    let (Some(last), false) = (lake.last_run().cloned(), as_now) else { return Ok((lake, state)) };
    let body = state.to_body()?;
    let txn = lake.begin(clear.iter().chain(&outgrown).cloned().collect()).await?;
    let done = async {
        let records = seal(&txn, &clear, machine).await?;
        Ok::<_, AppError>((records, reshape(&txn, &outgrown, site, key, machine).await?))
    };
    let (records, rows) = match done.await {
        Ok(done) => done,
        Err(error) => {
            // What was written is undone now; if that fails too, the next run repairs it.
            let _ = txn.abandon().await;
            return Err(error);
        }
    };
    let (lake, deleted) = txn.finish_and_vacuum(RunRecord { body, ..last }).await?;
    if !clear.is_empty() {
        let what = "person records, which an earlier version stored in the clear, are sealed under the key of the lake";
        progress.step("seal", &format!("{records} {what}; {deleted} old files deleted"));
    }
    if !outgrown.is_empty() {
        let what = "rows, which an earlier version stored with exact ages, row numbers and in the order of their extracts, have bands of \
                    age, sealed ages and an order of their own now";
        progress.step("upgrade", &format!("{rows} {what}; {deleted} old files deleted"));
    }
    progress.step(
        "seal",
        "backups of the lake from before hold them in the clear still: delete them, or guard them as the extracts",
    );
    Ok((lake, state))
}

/// Writes tables anew whose columns are others now. Gives their rows.
async fn reshape(
    txn: &RunTxn,
    outgrown: &[TableSpec],
    site: &Site,
    key: &Key,
    machine: &Machine,
) -> Result<u64, AppError> {
    let ctx = machine.plain_session()?;
    let mut rows = 0;
    for spec in outgrown {
        let banded = Banded::new(site.tables.iter().find(|t| t.name == table_of(&spec.name)), key);
        rows += txn.reshape_table(&ctx, spec, |batch| banded.turn(batch)).await?;
    }
    Ok(rows)
}

async fn seal(txn: &RunTxn, clear: &[TableSpec], machine: &Machine) -> Result<u64, AppError> {
    let ctx = machine.plain_session()?;
    let mut rows = 0;
    for spec in clear {
        rows += txn.seal_table(&ctx, &spec.zone, &spec.name).await?;
    }
    Ok(rows)
}

/// The names of the tables that are sealed, with those of their superseded rows: no question without the key sees them, in whatever form
/// the lake has them.
pub(crate) fn names() -> Result<Vec<String>, AppError> {
    let sealed: Vec<Table> = svp_contract::canonical_tables()
        .map_err(|problem| AppError::Problems(vec![problem]))?
        .into_iter()
        .filter(|t| t.sealed)
        .collect();
    let aside = svp_ingest::superseded_tables(&sealed).into_iter().map(|(_, name, _)| name);
    Ok(sealed.iter().map(|t| t.name.clone()).chain(aside).collect())
}

//! A lake under its key: what is sealed in it can be opened, and what an earlier version left in the clear is sealed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;
use svp_contract::Table;
use svp_ingest::{IngestError, table_of};
use svp_lake::{Lake, Open, RunRecord, RunTxn, TableSpec};
use svp_pseudonymise::{Key, RecordSeal, kept};

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
/// version left in the clear, and writes those anew that have exact ages and row numbers, weights of matched events, or encodings of which
/// less is kept now; that is a run of its own, with the release of the last one. With `past_damage` the lake is opened at the
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
    let work = Upgrade {
        clear: lake.in_the_clear(&specs),
        before: lake.sealed_before(&specs),
        outgrown: lake.outgrown(&specs).await?,
        site,
        key,
    };
    let (Some(last), false) = (lake.last_run().cloned(), work.is_done()) else { return Ok((lake, state)) };
    let body = state.to_body()?;
    let txn = lake.begin(work.tables()).await?;
    let done = match work.run(&txn, &machine.plain_session()?).await {
        Ok(done) => done,
        Err(error) => {
            // What was written is undone now; if that fails too, the next run repairs it.
            let _ = txn.abandon().await;
            return Err(error);
        }
    };
    let (lake, deleted) = txn.finish_and_vacuum(RunRecord { body, ..last }).await?;
    done.tell(&work, deleted, progress);
    Ok((lake, state))
}

/// The tables of a lake that an earlier version wrote otherwise than they are to be.
struct Upgrade<'a> {
    /// To be sealed.
    clear: Vec<TableSpec>,
    /// Sealed, with encodings of which less is kept now.
    before: Vec<TableSpec>,
    /// With columns that go.
    outgrown: Vec<TableSpec>,
    site: &'a Site,
    key: &'a Key,
}

/// What an upgrade did, in rows.
#[derive(Default)]
struct Upgraded {
    /// Person records that were sealed.
    sealed: u64,
    /// Person records whose encodings lost something.
    cut: u64,
    /// Matches of events that lost their weights.
    matches: u64,
    /// Other rows of tables that lost a column.
    aged: u64,
}

impl Upgrade<'_> {
    fn is_done(&self) -> bool {
        self.clear.is_empty() && self.before.is_empty() && self.outgrown.is_empty()
    }

    fn tables(&self) -> Vec<TableSpec> {
        self.clear.iter().chain(&self.before).chain(&self.outgrown).cloned().collect()
    }

    async fn run(&self, txn: &RunTxn, ctx: &SessionContext) -> Result<Upgraded, AppError> {
        let mut done = Upgraded::default();
        for spec in &self.clear {
            done.sealed +=
                txn.seal_table(ctx, &spec.zone, &spec.name, |batch| self.less(spec, batch, &mut done.cut)).await?;
        }
        for spec in &self.before {
            txn.reshape_table(ctx, spec, |batch| self.less(spec, batch, &mut done.cut)).await?;
        }
        for spec in &self.outgrown {
            let banded = Banded::new(self.table(spec), self.key);
            let rows = txn.reshape_table(ctx, spec, |batch| banded.turn(batch)).await?;
            *(if spec.name == MATCHES { &mut done.matches } else { &mut done.aged }) += rows;
        }
        Ok(done)
    }

    /// The table of the site that a stored one is, or is of the superseded rows of.
    fn table(&self, spec: &TableSpec) -> Option<&Table> {
        self.site.tables.iter().find(|t| t.name == table_of(&spec.name))
    }

    /// Rows without what is not kept of their encodings any longer.
    fn less(&self, spec: &TableSpec, batch: &RecordBatch, cut: &mut u64) -> Result<RecordBatch, AppError> {
        let Some(table) = self.table(spec) else { return Ok(batch.clone()) };
        let (batch, had) = kept(table, batch).map_err(|source| AppError::from(IngestError::from(source)))?;
        *cut += had;
        Ok(batch)
    }
}

/// The table of matched events.
const MATCHES: &str = "event_match";

impl Upgraded {
    fn tell(&self, work: &Upgrade<'_>, deleted: usize, progress: &dyn Progress) {
        let Self { sealed, cut, matches, aged } = self;
        let in_the_clear = !work.clear.is_empty() || work.outgrown.iter().any(|spec| spec.name != MATCHES);
        if !work.clear.is_empty() {
            let what =
                "person records, which an earlier version stored in the clear, are sealed under the key of the lake";
            progress.step("seal", &format!("{sealed} {what}; {deleted} old files deleted"));
        }
        if *cut > 0 {
            let what =
                "person records, of which an earlier version kept a filter of the postcode, are kept without it now";
            progress.step("upgrade", &format!("{cut} {what}; {deleted} old files deleted"));
        }
        if work.outgrown.iter().any(|spec| spec.name != MATCHES) {
            let what = "rows, which an earlier version stored with exact ages, row numbers and in the order of their extracts, have \
                        bands of age, sealed ages and an order of their own now";
            progress.step("upgrade", &format!("{aged} {what}; {deleted} old files deleted"));
        }
        if *matches > 0 {
            let what = "matches of events, which an earlier version stored with their weights, are kept with their levels alone";
            progress.step("upgrade", &format!("{matches} {what}; {deleted} old files deleted"));
        }
        let backups = if in_the_clear {
            "backups of the lake from before hold them in the clear still: delete them, or guard them as the extracts"
        } else {
            "backups of the lake from before hold what was taken out still: delete them, or guard them as the key"
        };
        progress.step("seal", backups);
    }
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

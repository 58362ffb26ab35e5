//! The erasure of a person, by the token of one record.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use svp_contract::Table;
use svp_ingest::superseded_tables;
use svp_lake::{LakeError, RunRecord, RunTxn, TableSpec};
use svp_link::LinkError;
use svp_pseudonymise::Key;

use crate::erased::KeptOut;
use crate::error::AppError;
use crate::health;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::sealed;
use crate::site::Site;
use crate::state::tables;

/// Who is to be erased, and where.
#[derive(Debug, Clone, Default)]
pub struct EraseRequest {
    /// Folder of the site.
    pub site: String,
    /// Lake.
    pub lake: LakeAt,
    /// Token of a record, as the desk that holds the record makes it.
    pub token: String,
    /// Whether the record is kept out of later extracts although the lake has none of it now.
    pub even_if_absent: bool,
}

/// What an erasure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Rows that were taken out.
    pub rows: u64,
    /// Files that were deleted, so that no byte of the rows is left.
    pub files_deleted: usize,
}

/// Takes the record out of every table, and its person and events with it where no other record holds them; remembers the token, sealed
/// under the key, so that no later extract brings the record back.
///
/// # Errors
/// [`AppError::Argument`] for a text that is no token, a lake without runs, and a record that the lake does not hold;
/// [`AppError::WrongKey`] for another key than that of the lake; what the lake refuses. Nothing is changed then.
pub async fn erase(
    request: &EraseRequest,
    key: &Key,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<Erased, AppError> {
    let token = request.token.trim().to_ascii_lowercase();
    if token.len() != svp_pseudonymise::TOKEN_LEN || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(AppError::Argument {
            what: "that is no token".to_owned(),
            hint: "make it at the desk that holds the record, with `svp key token --source NAME`".to_owned(),
        });
    }
    let (site, _) = Site::read(&request.site)?;
    let (lake, mut state) = sealed::open(&request.lake, false, &site, key, machine, progress).await?;
    let Some(last) = lake.last_run().cloned() else {
        return Err(AppError::Argument {
            what: "the lake has no runs".to_owned(),
            hint: "there is nobody to erase".to_owned(),
        });
    };
    let mut erased = KeptOut::read(&state.erased, key)?;
    let ctx = machine.plain_session()?;
    health::as_written(&lake).await?;
    let txn = lake.begin(tables(&site)).await?;
    txn.register(&ctx).await?;
    let rows = erase_rows(&ctx, &txn, &site, &BTreeSet::from([token.clone()])).await?;
    if rows == 0 && !request.even_if_absent {
        let _ = txn.abandon().await;
        return Err(AppError::Argument {
            what: "no record of the lake has this token; nothing was changed".to_owned(),
            hint: "check source, id and key; --even-if-absent keeps the record out of later extracts all the same"
                .to_owned(),
        });
    }
    erased.add(&token);
    state.erased = erased.listed();
    // The next run has something to do, though no file is new: it counts without the record.
    let record = RunRecord { body: state.to_body()?, config_digest: String::new(), ..last };
    let (_, files_deleted) = txn.finish_and_vacuum(record).await?;
    progress.step(
        "erase",
        &format!(
            "{rows} rows erased, {files_deleted} old files deleted; later extracts bring the record back in no table"
        ),
    );
    progress.step("erase", "the releases that stand hold counts only; the next run counts without the record");
    Ok(Erased { rows, files_deleted })
}

/// Takes out the records that were erased and came again in an extract. Returns how many rows.
pub(crate) async fn erase_again(
    ctx: &SessionContext,
    txn: &RunTxn,
    site: &Site,
    erased: &mut KeptOut,
) -> Result<u64, AppError> {
    if erased.is_empty() {
        return Ok(0);
    }
    let mut found = BTreeSet::new();
    for table in with_columns(site, &["person_record_id"]) {
        let mut rows = read(ctx, &table, &["person_record_id"]).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(engine)?;
            let ids = batch.column(0).as_string::<i32>().iter().flatten();
            found.extend(ids.filter(|id| erased.holds(id)).map(str::to_owned));
        }
    }
    found.iter().for_each(|token| erased.add(token));
    if found.is_empty() { Ok(0) } else { erase_rows(ctx, txn, site, &found).await }
}

/// The tables that sources fill and that have these columns, with those of superseded rows.
fn with_columns(site: &Site, columns: &[&str]) -> Vec<String> {
    let has =
        |t: &&Table| t.record.is_some() && columns.iter().all(|c| t.stored_schema().column_with_name(c).is_some());
    let tables: Vec<Table> = site.tables.iter().filter(has).cloned().collect();
    let put_aside = superseded_tables(&tables).into_iter().map(|(_, name, _)| name);
    tables.iter().map(|t| t.name.clone()).chain(put_aside).collect()
}

/// Rewrites every table without the rows of these records. An event goes with the record where no other record has a part
/// in it; a person goes with its last record.
async fn erase_rows(
    ctx: &SessionContext,
    txn: &RunTxn,
    site: &Site,
    records: &BTreeSet<String>,
) -> Result<u64, AppError> {
    let (mut theirs, mut others) = (BTreeSet::new(), BTreeSet::new());
    for table in with_columns(site, &["person_record_id", "event_id"]) {
        let mut rows = read(ctx, &table, &["person_record_id", "event_id"]).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(engine)?;
            let (ids, events) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            for (id, event) in ids.iter().zip(events) {
                if let Some(event) = event {
                    let erased = id.is_some_and(|id| records.contains(id));
                    if erased { &mut theirs } else { &mut others }.insert(event.to_owned());
                }
            }
        }
    }
    let mut gone: BTreeSet<String> = theirs.difference(&others).cloned().collect();
    gone.extend(records.iter().cloned());
    let (mut ended, mut stays) = (BTreeSet::new(), BTreeSet::new());
    let mut links = read(ctx, "person_link", &["person_record_id", "person_key"]).await?;
    while let Some(batch) = links.next().await {
        let batch = batch.map_err(engine)?;
        let (ids, keys) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        for (id, key) in ids.iter().zip(keys) {
            let erased = id.is_some_and(|id| records.contains(id));
            if erased { &mut ended } else { &mut stays }.extend(key.map(str::to_owned));
        }
    }
    gone.extend(ended.difference(&stays).cloned());

    let mut rows = 0;
    for spec in tables(site) {
        let without = |batch: &RecordBatch| {
            let keep: Vec<bool> = (0..batch.num_rows()).map(|row| !holds(batch, row, &gone)).collect();
            rows += keep.iter().filter(|k| !**k).count() as u64;
            filter_record_batch(batch, &BooleanArray::from(keep)).map_err(AppError::from)
        };
        rewrite(ctx, txn, &spec, "erased", without).await?;
    }
    txn.register(ctx).await?;
    Ok(rows)
}

/// Whether any text of a row is one of these.
fn holds(batch: &RecordBatch, row: usize, gone: &BTreeSet<String>) -> bool {
    batch
        .columns()
        .iter()
        .filter_map(|c| c.as_string_opt::<i32>())
        .any(|c| !c.is_null(row) && gone.contains(c.value(row)))
}

/// The engine's own message can hold values, so it is kept as the cause and not shown.
fn engine(source: DataFusionError) -> AppError {
    AppError::Link(LinkError::Step { step: "rewrite", source })
}

/// Reads columns of a table.
async fn read(ctx: &SessionContext, table: &str, columns: &[&str]) -> Result<SendableRecordBatchStream, AppError> {
    let frame = ctx.table(table).await.map_err(engine)?.select_columns(columns).map_err(engine)?;
    frame.execute_stream().await.map_err(engine)
}

/// Writes a table of a lake anew, batch by batch. Gives its rows before.
pub(crate) async fn rewrite(
    ctx: &SessionContext,
    txn: &RunTxn,
    spec: &TableSpec,
    stem: &str,
    change: impl FnMut(&RecordBatch) -> Result<RecordBatch, AppError>,
) -> Result<u64, AppError> {
    let done = txn.rewrite(ctx, &spec.zone, &spec.name, stem, change).await;
    done.map_err(|error| match error {
        AppError::Lake(LakeError::Engine { source, .. }) => engine(*source),
        other => other,
    })
}

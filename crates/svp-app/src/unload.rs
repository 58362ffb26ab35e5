//! A wrong delivery is taken out of the lake.

use std::collections::BTreeSet;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::prelude::SessionContext;
use svp_ingest::reference::ReferenceData;
use svp_ingest::{FreshIds, SourcePlan, drop_slot, revise};
use svp_lake::{RunRecord, RunTxn, TableSpec};
use svp_pseudonymise::Key;

use crate::erase::rewrite;
use crate::error::AppError;
use crate::health;
use crate::inputs;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::sealed;
use crate::site::Site;
use crate::state::{RunState, tables};
use crate::unknown::unknown;

/// A delivery that is to be taken out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongDelivery {
    source: String,
    slot: String,
    reason: String,
}

impl WrongDelivery {
    /// A delivery by `SOURCE:SLOT`, as findings and receipts name it, with the reason that is recorded.
    ///
    /// # Errors
    /// [`AppError::Argument`] for a name without a colon, and for no reason.
    pub fn named(name: &str, reason: &str) -> Result<Self, AppError> {
        let (source, slot) = name.split_once(':').ok_or_else(|| AppError::Argument {
            what: format!("{name} does not name source and slot"),
            hint: "write SOURCE:SLOT, as findings and receipts do".to_owned(),
        })?;
        if reason.trim().is_empty() {
            return Err(AppError::Argument {
                what: "--reason is empty".to_owned(),
                hint: "say why the delivery is taken out: it is recorded".to_owned(),
            });
        }
        Ok(Self { source: source.to_owned(), slot: slot.to_owned(), reason: reason.trim().to_owned() })
    }
}

/// What is taken out, and of which lake.
#[derive(Debug, Clone)]
pub struct UnloadRequest {
    /// Folder of the site.
    pub site: String,
    /// Lake.
    pub lake: LakeAt,
    /// Delivery.
    pub delivery: WrongDelivery,
}

/// What was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unloaded {
    /// Name of the file.
    pub file: String,
    /// Records that it had superseded and that count again, by the slot that holds them.
    pub returned: Vec<(String, u64)>,
    /// The file of the slot that it had superseded, which is not in the lake any more.
    pub older: Option<String>,
    /// Files of the lake that were deleted.
    pub files_deleted: usize,
}

/// Takes a delivery out: its rows, receipts and findings go, and records that it had superseded count again. It stays known, so that
/// the next run passes it over. What that run releases is held against the ledger as any revision is.
///
/// # Errors
/// [`AppError::WrongKey`], [`AppError::Argument`] for a slot that the lake does not hold or that is several, and what the lake
/// refuses. Nothing is changed then.
pub async fn unload(
    request: &UnloadRequest,
    key: &Key,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<Unloaded, AppError> {
    let WrongDelivery { source, slot, reason } = &request.delivery;
    let (site, _) = Site::read(&request.site)?;
    let (lake, mut state) = sealed::open(&request.lake, false, &site, key, machine, progress).await?;
    let found = found(&state, source, slot)?;
    let Some(last) = lake.last_run().cloned() else { return Err(unknown("slot", slot, []).argument("known")) };
    let plans = inputs::plans(machine, &site, None, std::slice::from_ref(source), &ReferenceData::default())?;
    let ctx = machine.plain_session()?;
    health::as_written(&lake).await?;
    let txn = lake.begin(tables(&site)).await?;
    txn.register(&ctx).await?;
    let done = take_out(&ctx, &txn, &site, &plans, &mut state, found, reason).await;
    let (mut unloaded, body) = match done.and_then(|unloaded| Ok((unloaded, state.to_body()?))) {
        Ok(done) => done,
        Err(error) => {
            // What was written is undone now; if that fails too, the next run repairs it.
            let _ = txn.abandon().await;
            return Err(error);
        }
    };
    // The next run must not find that nothing is new.
    let record = RunRecord { body, config_digest: String::new(), ..last };
    (_, unloaded.files_deleted) = txn.finish_and_vacuum(record).await?;
    let file = &state.files[found];
    progress.step("unload", &format!("{} (slot {} of {}) is taken out: {reason}", file.file, file.slot, file.source));
    for (slot, records) in &unloaded.returned {
        let what = format!("{records} records that it had superseded are those of slot {slot} again");
        progress.step("unload", &what);
    }
    let empty = match &unloaded.older {
        Some(older) => format!(
            "the slot is empty: {older}, which it had superseded, is not in the lake any more and comes back when it is given again"
        ),
        None => "the slot is empty".to_owned(),
    };
    progress.step("unload", &empty);
    let gone = unloaded.files_deleted;
    progress.step("unload", &format!("{gone} old files deleted; the next run counts without the delivery"));
    Ok(unloaded)
}

/// The live file that `slot` names, by its place.
fn found(state: &RunState, source: &str, slot: &str) -> Result<usize, AppError> {
    let live = || state.files.iter().enumerate().filter(|(_, f)| f.source == source && !f.superseded);
    let named: Vec<usize> = live().filter(|(_, f)| f.is_of(slot)).map(|(i, _)| i).collect();
    let exact = || named.iter().find(|i| state.files[**i].slot.eq_ignore_ascii_case(slot));
    match (named.as_slice(), exact()) {
        ([one], _) => Ok(*one),
        (_, Some(one)) => Ok(*one),
        ([], None) => {
            let other = unknown("slot", slot, live().map(|(_, f)| f.slot.as_str()));
            Err(AppError::Argument {
                what: format!("the lake holds no slot `{slot}` of source {source}"),
                hint: match &other.near {
                    Some(near) => format!("did you mean `{source}:{near}`?"),
                    None => other.listed(&format!("its slots of {source}")),
                },
            })
        }
        (several, None) => {
            let slots: Vec<String> = several.iter().map(|i| format!("{source}:{}", state.files[*i].slot)).collect();
            Err(AppError::Argument {
                what: format!("`{slot}` is several slots of source {source}"),
                hint: format!("name one with its sender: {}", slots.join(", ")),
            })
        }
    }
}

/// Takes the rows, receipts and findings of a file out. Records that it had superseded are the newest again.
async fn take_out(
    ctx: &SessionContext,
    txn: &RunTxn,
    site: &Site,
    plans: &[SourcePlan],
    state: &mut RunState,
    found: usize,
    reason: &str,
) -> Result<Unloaded, AppError> {
    let file = {
        let file = &mut state.files[found];
        file.superseded = true;
        file.unloaded = Some(reason.to_owned());
        file.clone()
    };
    state.receipts.retain(|r| !(r.source == file.source && r.slot == file.slot));
    state.findings.retain(|f| !(f.source == file.source && f.slot == file.slot));
    drop_slot(txn, &site.tables, &file.source, &file.slot)?;
    for spec in tables(site).iter().filter(|t| matches!(t.name.as_str(), "receipt" | "finding")) {
        without(ctx, txn, spec, (&file.source, &file.slot)).await?;
    }
    txn.commit_tables().await?;
    txn.register(ctx).await?;
    let changed = BTreeSet::from([file.source.clone()]);
    let revised = revise(ctx, txn, &site.tables, plans, &state.files, &changed, &FreshIds::new()).await?;
    let older = state.files.iter().rev().find(|f| {
        f.source == file.source && f.superseded && f.unloaded.is_none() && f.slot.eq_ignore_ascii_case(&file.slot)
    });
    Ok(Unloaded {
        file: file.file.clone(),
        returned: revised.returned.iter().map(|((_, slot), records)| (slot.clone(), *records)).collect(),
        older: older.map(|f| f.file.clone()),
        files_deleted: 0,
    })
}

/// Writes a table anew without the rows of a source's slot.
async fn without(
    ctx: &SessionContext,
    txn: &RunTxn,
    spec: &TableSpec,
    (source, slot): (&str, &str),
) -> Result<u64, AppError> {
    let kept = |batch: &RecordBatch| {
        let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        let (Some(sources), Some(slots)) = (text("source"), text("slot")) else { return Ok(batch.clone()) };
        let keep = sources.iter().zip(slots).map(|(a, b)| Some((a, b) != (Some(source), Some(slot))));
        filter_record_batch(batch, &keep.collect::<BooleanArray>()).map_err(AppError::from)
    };
    rewrite(ctx, txn, spec, "unloaded", kept).await
}

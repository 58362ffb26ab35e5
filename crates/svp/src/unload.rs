//! `svp unload`: a wrong delivery is taken out of the lake.

use std::collections::BTreeSet;

use datafusion::prelude::SessionContext;
use svp_functions::{Areas, CodeMaps, Lookups};
use svp_ingest::reference::ReferenceData;
use svp_ingest::{FreshIds, SourcePlan, drop_slot, revise};
use svp_lake::{Lake, Open, RunRecord, RunTxn};

use crate::args::{Cli, UnloadArgs};
use crate::context;
use crate::error::AppError;
use crate::key;
use crate::rewrite::without;
use crate::run::{Body, last_body, tables};
use crate::site::Site;
use crate::tell::Tell;

/// The command. What a run after it releases is held against the ledger as any revision is.
pub async fn command(cli: &Cli, args: &UnloadArgs, tell: &Tell) -> Result<(), AppError> {
    let (source, slot) = args.slot.split_once(':').ok_or_else(|| AppError::Argument {
        what: format!("{} does not name source and slot", args.slot),
        hint: "write SOURCE:SLOT, as findings and receipts do".to_owned(),
    })?;
    if args.reason.trim().is_empty() {
        return Err(AppError::Argument {
            what: "--reason is empty".to_owned(),
            hint: "say why the delivery is taken out: it is recorded".to_owned(),
        });
    }
    let key = key::read(args.key.as_deref())?;
    let (site, _) = Site::read(&cli.site)?;
    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Write).await?;
    let mut body = last_body(&lake, &key)?;
    let found = found(&body, source, slot)?;
    let Some(last) = lake.last_run().cloned() else { return Ok(()) };
    let plans = context::plans(cli, &site, None, &[source.to_owned()], &ReferenceData::default())?;
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
    let txn = lake.begin(tables(&site)).await?;
    txn.register(&ctx).await?;
    let told = match take_out(&ctx, &txn, &site, &plans, &mut body, found, &args.reason).await {
        Ok(told) => told,
        Err(error) => {
            // What was written is undone now; if that fails too, the next run repairs it.
            let _ = txn.abandon().await;
            return Err(error);
        }
    };
    // The next run must not find that nothing is new.
    let body =
        serde_json::to_value(&body).map_err(|_| AppError::Record { lake: args.lake.clone(), number: last.number })?;
    let record = RunRecord { body, config_digest: String::new(), ..last };
    let lake = txn.finish(record).await?;
    let gone = lake.vacuum(1).await?;
    for line in told {
        tell.step("unload", line);
    }
    tell.step("unload", format!("{gone} old files deleted; the next run counts without the delivery"));
    Ok(())
}

/// The live file that `slot` names, by its place.
fn found(body: &Body, source: &str, slot: &str) -> Result<usize, AppError> {
    let live = || body.files.iter().enumerate().filter(|(_, f)| f.source == source && !f.superseded);
    let named: Vec<usize> = live().filter(|(_, f)| f.is_of(slot)).map(|(i, _)| i).collect();
    let exact = || named.iter().find(|i| body.files[**i].slot.eq_ignore_ascii_case(slot));
    match (named.as_slice(), exact()) {
        ([one], _) => Ok(*one),
        (_, Some(one)) => Ok(*one),
        ([], None) => {
            let slots: Vec<&str> = live().map(|(_, f)| f.slot.as_str()).collect();
            let near = svp_contract::nearest(slot, slots.iter().copied());
            Err(AppError::Argument {
                what: format!("the lake holds no slot `{slot}` of source {source}"),
                hint: match near {
                    Some(near) => format!("did you mean `{source}:{near}`?"),
                    None => format!("its slots of {source}: {}", slots.join(", ")),
                },
            })
        }
        (several, None) => {
            let slots: Vec<String> = several.iter().map(|i| format!("{source}:{}", body.files[*i].slot)).collect();
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
    body: &mut Body,
    found: usize,
    reason: &str,
) -> Result<Vec<String>, AppError> {
    let file = {
        let file = &mut body.files[found];
        file.superseded = true;
        file.unloaded = Some(reason.trim().to_owned());
        file.clone()
    };
    body.receipts.retain(|r| !(r.source == file.source && r.slot == file.slot));
    body.findings.retain(|f| !(f.source == file.source && f.slot == file.slot));
    drop_slot(txn, &site.tables, &file.source, &file.slot)?;
    for spec in tables(site).iter().filter(|t| matches!(t.name.as_str(), "receipt" | "finding")) {
        without(ctx, txn, spec, "unloaded", &|source, slot| source == file.source && slot == file.slot).await?;
    }
    txn.commit_tables().await?;
    txn.register(ctx).await?;
    let revised =
        revise(ctx, txn, &site.tables, plans, &body.files, &BTreeSet::from([file.source.clone()]), &FreshIds::new())
            .await?;
    let mut told =
        vec![format!("{} (slot {} of {}) is taken out: {}", file.file, file.slot, file.source, reason.trim())];
    for ((_, slot), records) in &revised.returned {
        told.push(format!("{records} records that it had superseded are those of slot {slot} again"));
    }
    let older = body.files.iter().rev().find(|f| {
        f.source == file.source && f.superseded && f.unloaded.is_none() && f.slot.eq_ignore_ascii_case(&file.slot)
    });
    told.push(match older {
        Some(older) => format!(
            "the slot is empty: {}, which it had superseded, is not in the lake any more and comes back when it is given again",
            older.file
        ),
        None => "the slot is empty".to_owned(),
    });
    Ok(told)
}

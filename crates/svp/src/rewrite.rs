//! What changes rows that are in the lake already: a new key, and the erasure of a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::path::Path;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use svp_functions::{Areas, CodeMaps, Lookups};
use svp_ingest::table_of;
use svp_lake::input::digest_bytes;
use svp_lake::{Lake, Open, PartWriter, RunRecord, RunTxn, TableSpec};
use svp_link::LinkError;
use svp_pseudonymise::{Key, Rotation, Tokeniser};

use crate::args::{Cli, EraseArgs};
use crate::context;
use crate::error::AppError;
use crate::key;
use crate::run::{last_body, read_body, tables};
use crate::site::Site;
use crate::tell::Tell;

/// Takes a lake over to a new key, which is written to `out` first. Returns when no byte made under the old key is left
/// in the zones that hold tokens.
pub async fn rotate(cli: &Cli, lake: &str, old: Option<&str>, out: &str, tell: &Tell) -> Result<(), AppError> {
    let old = key::read(old)?;
    let (site, _) = Site::read(&cli.site)?;
    let lake = Lake::open(lake, &context::store_options(&[])?, Open::Write).await?;
    let body = last_body(&lake, &old)?;
    let Some(last) = lake.last_run().cloned() else {
        return Err(AppError::Argument {
            what: "the lake has no runs: there is nothing to rotate".to_owned(),
            hint: "make a key with `svp key new` and run".to_owned(),
        });
    };
    let next = old.rotated().map_err(|source| AppError::Key { at: out.to_owned(), source })?;
    let Some(layer) = old.step_to(&next) else { return Err(AppError::NoKey) };
    svp_lake::files::write_secret(Path::new(out), next.to_text().as_bytes())?;
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
    let specs = tables(&site);
    let txn = lake.begin(specs.clone()).await?;
    txn.register(&ctx).await?;
    for spec in &specs {
        let rotation = Rotation::new(layer.clone(), site.tables.iter().find(|t| t.name == table_of(&spec.name)));
        let turn =
            |batch: &RecordBatch| rotation.turn(batch).map_err(|source| AppError::Key { at: out.to_owned(), source });
        let rows = rewrite(&ctx, &txn, spec, "rotated", turn).await?;
        tell.step("rotate", format!("{}/{}: {rows} rows", spec.zone, spec.name));
    }
    let record =
        RunRecord { key_check: Some(next.check()), body: serde_json::to_value(&body).unwrap_or_default(), ..last };
    let lake = txn.finish(record).await?;
    let gone = lake.vacuum(1).await?;
    tell.step("rotate", format!("the lake's key has check {} now; {gone} old files deleted", next.check()));
    tell.step("rotate", format!("from now on the desks and the runs use {out}; destroy the old key"));
    Ok(())
}

/// Erases a person by the token of one record.
pub async fn erase(cli: &Cli, args: &EraseArgs, tell: &Tell) -> Result<(), AppError> {
    let token = args.token.trim().to_owned();
    if token.len() != svp_pseudonymise::TOKEN_LEN || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(AppError::Argument {
            what: "that is no token".to_owned(),
            hint: "make it at the desk that holds the record, with `svp key token --source NAME`".to_owned(),
        });
    }
    let (site, _) = Site::read(&cli.site)?;
    let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Write).await?;
    let Some(last) = lake.last_run().cloned() else {
        return Err(AppError::Argument {
            what: "the lake has no runs".to_owned(),
            hint: "there is nobody to erase".to_owned(),
        });
    };
    let mut body = read_body(&lake, &last)?;
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
    let txn = lake.begin(tables(&site)).await?;
    txn.register(&ctx).await?;
    let erased = BTreeSet::from([token.clone()]);
    let rows = erase_rows(&ctx, &txn, &site, &erased).await?;
    if rows == 0 && !args.even_if_absent {
        let _ = txn.abandon().await;
        return Err(AppError::Argument {
            what: "no record of the lake has this token; nothing was changed".to_owned(),
            hint: "check source, id and key; --even-if-absent keeps the record out of later extracts all the same"
                .to_owned(),
        });
    }
    let digest = digest_bytes(token.as_bytes());
    if !body.erased.contains(&digest) {
        body.erased.push(digest);
        body.erased.sort();
    }
    let record = RunRecord { body: serde_json::to_value(&body).unwrap_or_default(), ..last };
    let lake = txn.finish(record).await?;
    let gone = lake.vacuum(1).await?;
    tell.step(
        "erase",
        format!("{rows} rows erased, {gone} old files deleted; later extracts bring the record back in no table"),
    );
    tell.step("erase", "the releases that stand hold counts only; the next run counts without the record");
    Ok(())
}

/// Takes out the records whose token's digest is on the list: they came again in an extract. Returns how many rows.
pub async fn erase_again(ctx: &SessionContext, txn: &RunTxn, site: &Site, digests: &[String]) -> Result<u64, AppError> {
    if digests.is_empty() {
        return Ok(0);
    }
    let mut found = BTreeSet::new();
    for table in
        ["person_record", "party", "episode", "person_record_superseded", "party_superseded", "episode_superseded"]
    {
        let mut rows = read(ctx, table, &["person_record_id"]).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(engine)?;
            let ids = batch.column(0).as_string::<i32>().iter().flatten();
            found.extend(ids.filter(|id| digests.contains(&digest_bytes(id.as_bytes()))).map(str::to_owned));
        }
    }
    if found.is_empty() { Ok(0) } else { erase_rows(ctx, txn, site, &found).await }
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
    for table in ["party", "person_record", "party_superseded", "person_record_superseded"] {
        let mut rows = read(ctx, table, &["person_record_id", "event_id"]).await?;
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

/// Reads columns of a table; all without a name.
async fn read(ctx: &SessionContext, table: &str, columns: &[&str]) -> Result<SendableRecordBatchStream, AppError> {
    let frame = ctx.table(table).await.map_err(engine)?;
    let frame = if columns.is_empty() { frame } else { frame.select_columns(columns).map_err(engine)? };
    frame.execute_stream().await.map_err(engine)
}

/// Writes a table anew, batch by batch, partition by partition. Returns its rows before.
async fn rewrite(
    ctx: &SessionContext,
    txn: &RunTxn,
    spec: &TableSpec,
    stem: &str,
    mut change: impl FnMut(&RecordBatch) -> Result<RecordBatch, AppError>,
) -> Result<u64, AppError> {
    let mut rows = 0;
    let mut writers: BTreeMap<Vec<String>, PartWriter> = BTreeMap::new();
    let mut stream = read(ctx, &spec.name, &[]).await?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine)?;
        rows += batch.num_rows() as u64;
        let changed = change(&batch)?;
        for (values, part) in by_partition(&changed, &spec.partition)? {
            if !writers.contains_key(&values) {
                let partition: Vec<(&str, &str)> =
                    spec.partition.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
                writers.insert(values.clone(), txn.part(&spec.zone, &spec.name, &partition, stem)?);
            }
            if let Some(writer) = writers.get_mut(&values) {
                writer.write(&part).await?;
            }
        }
    }
    if rows == 0 {
        return Ok(0);
    }
    txn.replace_table(&spec.zone, &spec.name)?;
    for writer in writers.into_values() {
        if writer.rows() > 0 {
            txn.append(writer.finish().await?)?;
        }
    }
    txn.commit_tables().await?;
    Ok(rows)
}

/// Writes a table anew without the rows of some slots; `gone` is asked with source and slot.
pub async fn without(
    ctx: &SessionContext,
    txn: &RunTxn,
    spec: &TableSpec,
    stem: &str,
    gone: &dyn Fn(&str, &str) -> bool,
) -> Result<u64, AppError> {
    let kept = |batch: &RecordBatch| {
        let text = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        let (Some(sources), Some(slots)) = (text("source"), text("slot")) else { return Ok(batch.clone()) };
        let keep = sources.iter().zip(slots).map(|(a, b)| Some(!gone(a.unwrap_or_default(), b.unwrap_or_default())));
        filter_record_batch(batch, &keep.collect::<BooleanArray>()).map_err(AppError::from)
    };
    rewrite(ctx, txn, spec, stem, kept).await
}

/// Takes a batch apart by its partition columns.
fn by_partition(batch: &RecordBatch, columns: &[String]) -> Result<BTreeMap<Vec<String>, RecordBatch>, AppError> {
    let texts: Vec<_> = columns.iter().filter_map(|c| batch.column_by_name(c)?.as_string_opt::<i32>()).collect();
    let mut rows: BTreeMap<Vec<String>, Vec<u32>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let values = texts.iter().map(|t| if t.is_null(row) { String::new() } else { t.value(row).to_owned() });
        rows.entry(values.collect()).or_default().push(row as u32);
    }
    let take = |rows| arrow::compute::take_record_batch(batch, &arrow::array::UInt32Array::from(rows));
    rows.into_iter().map(|(values, rows)| Ok((values, take(rows)?))).collect()
}

/// `svp key token`: tokens of person ids, read line by line, so that they stand in no list of processes.
pub fn token(cli: &Cli, source: &str, key: &Key, tell: &Tell) -> Result<(), AppError> {
    let (site, _) = Site::read(&cli.site)?;
    if !site.sources.contains_key(source) {
        return Err(AppError::Argument {
            what: format!("there is no source `{source}`"),
            hint: format!("sources of this site: {}", site.sources.keys().cloned().collect::<Vec<_>>().join(", ")),
        });
    }
    let column = site.tables.iter().find(|t| t.name == "person_record").and_then(|t| t.column("person_record_id"));
    let tokens = Tokeniser::new(key, column.map_or("person_record_id", |c| c.token_domain()));
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap_or_default();
        if !line.trim().is_empty() {
            tell.print(String::from_utf8_lossy(&tokens.token([source.as_bytes(), line.trim().as_bytes()])));
        }
    }
    Ok(())
}

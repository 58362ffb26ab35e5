//! A new key: every token and every encoding of a lake is taken over to it.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use svp_ingest::table_of;
use svp_lake::RunRecord;
use svp_pseudonymise::{Key, RecordSeal, TableRotation};

use crate::contents;
use crate::erase::rewrite;
use crate::erased::KeptOut;
use crate::error::AppError;
use crate::health;
use crate::machine::Machine;
use crate::names;
use crate::progress::Progress;
use crate::request::LakeAt;
use crate::sealed;
use crate::site::Site;
use crate::state::tables;

/// The zone whose tables name files.
const QUALITY: &str = "quality";

/// Which lake gets a new key, and where the key goes.
#[derive(Debug, Clone, Default)]
pub struct RotateRequest {
    /// Folder of the site.
    pub site: String,
    /// Lake.
    pub lake: LakeAt,
    /// File for the new key; never overwritten.
    pub out: String,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Rows of each table, by `zone/table`.
    pub rows: Vec<(String, u64)>,
    /// Check of the new key.
    pub check: String,
    /// Files under the old key that were deleted.
    pub files_deleted: usize,
}

/// Takes a lake over from its key `old` to a new one, which is written to its file first. Returns when no byte made under the old key
/// is left in the tables, and no record of a run says what files were called or who was erased under it.
///
/// # Errors
/// [`AppError::WrongKey`] where `old` is not the key of the lake, [`AppError::Argument`] for a lake without runs, a file that is
/// there, and what the lake refuses.
pub async fn rotate(
    request: &RotateRequest,
    old: &Key,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<Rotated, AppError> {
    let out = &request.out;
    let (site, _) = Site::read(&request.site)?;
    let (lake, mut state) = sealed::open(&request.lake, false, &site, old, machine, progress).await?;
    let Some(last) = lake.last_run().cloned() else {
        return Err(AppError::Argument {
            what: "the lake has no runs: there is nothing to rotate".to_owned(),
            hint: "make a key with `svp key new` and run".to_owned(),
        });
    };
    let unusable = |source| AppError::Key { at: out.clone(), source };
    let next = old.rotated().map_err(unusable)?;
    let Some(layer) = old.step_to(&next) else { return Err(AppError::NoKey) };
    contents::under_next(&lake, &layer, &mut state).await?;
    names::under_next(&layer, &mut state);
    let (erased, left_behind) = KeptOut::read(&state.erased, old)?.turned(&layer, &next);
    state.erased = erased;
    health::as_written(&lake).await?;
    svp_lake::files::write_secret(Path::new(out), next.to_text().as_bytes())?;
    let ctx = machine.plain_session()?;
    let specs = tables(&site);
    let txn = lake.begin(specs.clone()).await?;
    txn.register(&ctx).await?;
    // What is read was sealed under the old key; what is written is sealed under the next.
    txn.seal_anew(Arc::new(RecordSeal::new(&next)));
    let mut rotated = Vec::new();
    for spec in &specs {
        let table = site.tables.iter().find(|t| t.name == table_of(&spec.name));
        let Some(rotation) = TableRotation::new(old, &next, table, &spec.keyed_digests) else {
            return Err(AppError::NoKey);
        };
        let turn = |batch: &RecordBatch| {
            let keyed = (spec.name == "receipt").then(|| contents::keyed_receipts(batch, old)).transpose()?;
            let turned = rotation.turn(keyed.as_ref().unwrap_or(batch)).map_err(unusable)?;
            if spec.zone == QUALITY { names::turned_rows(&layer, &turned) } else { Ok(turned) }
        };
        let rows = rewrite(&ctx, &txn, spec, "rotated", turn).await?;
        progress.step("rotate", &format!("{}/{}: {rows} rows", spec.zone, spec.name));
        rotated.push((format!("{}/{}", spec.zone, spec.name), rows));
    }
    let record = RunRecord { key_check: Some(next.check()), body: state.to_body()?, ..last };
    let (_, files_deleted) = txn.finish_and_forget(record).await?;
    let check = next.check();
    progress.step("rotate", &format!("the lake's key has check {check} now; {files_deleted} old files deleted"));
    if left_behind > 0 {
        progress.step(
            "rotate",
            &format!(
                "warning: {left_behind} records were erased by an earlier version, which kept digests that no key can take over: erase them \
                 again, with tokens of the new key and --even-if-absent, before their extracts come again"
            ),
        );
    }
    progress.step("rotate", &format!("from now on the desks and the runs use {out}; destroy the old key"));
    Ok(Rotated { rows: rotated, check, files_deleted })
}

//! What a lake calls the contents of extracts, when it calls them otherwise: a lake from before has plain digests, which become keyed
//! ones as it is opened under its key, and the next key has other names than the one before.
//!
//! Ledgers say of each table from which contents it was counted, by one digest of all their names. They are never changed, so the run
//! record says which of those digests are what now; otherwise unchanged data would be taken for changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use svp_disclose::relate::Table;
use svp_ingest::{Contents, is_keyed};
use svp_lake::Lake;
use svp_lake::input::digest_bytes;
use svp_pseudonymise::{Key, KeyRotation};

use crate::error::AppError;
use crate::state::RunState;

/// Up to so many sources every set of them is a set that a definition can count; of more, each and all.
const SETS_OF: usize = 10;

/// The name of what the live files of some sources hold: ledgers keep it.
pub(crate) fn data(state: &RunState, of: &dyn Fn(&str) -> bool) -> String {
    let counted = state.live().filter(|f| of(&f.source));
    let mut files: Vec<String> = counted.map(|f| format!("{} {} {}", f.source, f.slot_by_name(), f.sha256)).collect();
    files.sort();
    digest_bytes(files.join("\n").as_bytes())
}

/// Takes the plain digests of a lake from before over to the key of the lake, in memory: the next record has them so.
///
/// # Errors
/// A ledger that cannot be read.
pub(crate) async fn under_key(lake: &Lake, key: &Key, state: &mut RunState) -> Result<(), AppError> {
    if state.files.iter().all(|f| is_keyed(&f.sha256) && f.place.as_deref().is_none_or(is_keyed)) {
        return Ok(());
    }
    let contents = Contents::new(key);
    renamed(lake, state, &|digest| contents.content(digest), &|digest| contents.place(digest)).await
}

/// Takes the names over to the next key.
///
/// # Errors
/// A ledger that cannot be read.
pub(crate) async fn under_next(lake: &Lake, step: &KeyRotation, state: &mut RunState) -> Result<(), AppError> {
    renamed(lake, state, &|name| step.turned(name), &|name| step.turned(name)).await
}

async fn renamed(
    lake: &Lake,
    state: &mut RunState,
    content: &dyn Fn(&str) -> String,
    place: &dyn Fn(&str) -> String,
) -> Result<(), AppError> {
    let before = data_of_all(state);
    for file in &mut state.files {
        file.sha256 = content(&file.sha256);
        file.place = file.place.as_deref().map(place);
    }
    state.receipts.iter_mut().for_each(|r| r.sha256 = content(&r.sha256));
    state.accepted.iter_mut().for_each(|a| a.sha256 = content(&a.sha256));
    let after = data_of_all(state);
    let told = told(lake, state).await?;
    for (sources, old) in before {
        let Some(new) = after.get(&sources).filter(|new| **new != old) else { continue };
        state.same_data.values_mut().filter(|now| **now == old).for_each(|now| now.clone_from(new));
        if told.contains(&old) {
            state.same_data.insert(old, new.clone());
        }
    }
    Ok(())
}

/// The names of the data of all sets of sources.
fn data_of_all(state: &RunState) -> BTreeMap<Vec<String>, String> {
    let sources: BTreeSet<&str> = state.live().map(|f| f.source.as_str()).collect();
    let sources: Vec<&str> = sources.into_iter().collect();
    let sets: Vec<Vec<&str>> = if sources.len() <= SETS_OF {
        let of = |set: u32| {
            (0u32..).zip(&sources).filter(|(i, _)| set >> i & 1 == 1).map(|(_, s)| *s).collect::<Vec<&str>>()
        };
        (1..1u32 << sources.len()).map(of).collect()
    } else {
        sources.iter().map(|s| vec![*s]).chain([sources.clone()]).collect()
    };
    let one = |set: Vec<&str>| {
        let name = data(state, &|source| set.contains(&source));
        (set.into_iter().map(str::to_owned).collect::<Vec<String>>(), name)
    };
    sets.into_iter().map(one).collect()
}

/// The names of data that the ledgers of the lake hold.
async fn told(lake: &Lake, state: &RunState) -> Result<BTreeSet<String>, AppError> {
    const FIELD: &str = "\"data\":\"";
    let mut out = BTreeSet::new();
    for line in &state.ledger {
        let path = format!("ledger/{}/entry.json", line.release);
        // One that is missing is told where the ledger is read.
        if !lake.exists(&path).await? {
            continue;
        }
        let bytes = lake.get(&path).await?;
        let text = String::from_utf8_lossy(&bytes);
        let names = text.split(FIELD).skip(1).filter_map(|rest| rest.split('"').next());
        out.extend(names.map(str::to_owned));
    }
    Ok(out)
}

/// Tables of ledgers, with the names that their data have now.
pub(crate) fn as_now(state: &RunState, mut tables: Vec<Table>) -> Vec<Table> {
    for table in &mut tables {
        if let Some(now) = state.same_data.get(&table.set.data) {
            table.set.data.clone_from(now);
        }
    }
    tables
}

/// Rows of the table of receipts whose digests are keyed; a lake from before has plain ones in old rows.
pub(crate) fn keyed_receipts(batch: &RecordBatch, key: &Key) -> Result<RecordBatch, AppError> {
    let contents = Contents::new(key);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
        match (field.name().as_str(), column.as_string_opt::<i32>()) {
            ("sha256", Some(digests)) => {
                let keyed = digests.iter().map(|digest| digest.map(|d| contents.content(d)));
                Arc::new(keyed.collect::<StringArray>())
            }
            _ => Arc::clone(column),
        }
    });
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect())?)
}

//! Ids that come in several slots of a source that revises by file: a few are noted, many are one delivery under two names.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch};
use datafusion::prelude::{Expr, SessionContext, col, lit};
use futures::StreamExt;

use crate::error::IngestError;
use crate::revise::{RecordTable, aside, engine};

/// Share of the records of a slot from which those that another slot holds too are one delivery, and count once. Publishers
/// list single records in two months; whoever renames a file repeats all of it.
const ONE_DELIVERY: f64 = 0.01;

/// What the slots of a source have in common.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// Records that a newer slot holds too, by the older slot.
    pub older: BTreeMap<String, u64>,
    /// Some slot has so many of them that it is another delivery of the same.
    pub one_delivery: bool,
    /// Rows of the source are put aside already.
    pub aside: bool,
}

/// Ids of the records of each slot that was just loaded, half of each token, in order: they need not be read again.
pub type FreshIds = BTreeMap<(String, String), Vec<u64>>;

/// Half of a token tells records apart: two of a million share it once in forty million lakes.
fn half(token: &str) -> Option<u64> {
    token.get(..16).and_then(|t| u64::from_str_radix(t, 16).ok())
}

/// Adds the ids of a batch of records; `id` is the column that names them.
pub(crate) fn remember(ids: &mut Vec<u64>, id: &str, batch: &RecordBatch) {
    let column = batch.column_by_name(id);
    if let Some(tokens) = column.and_then(|c| c.as_string_opt::<i32>()) {
        ids.extend(tokens.iter().flatten().filter_map(half));
    }
}

/// Looks for them. `place` gives the place of a slot in the order of knowledge; of the slots of `fresh` the ids are known.
pub(crate) async fn repeats(
    ctx: &SessionContext,
    tables: &[RecordTable],
    source: &str,
    place: &BTreeMap<String, i64>,
    fresh: &FreshIds,
) -> Result<Repeats, IngestError> {
    let mut out = Repeats::default();
    let mut slots: Vec<String> = Vec::new();
    let mut number: HashMap<String, u32> = HashMap::new();
    let mut ids: Vec<(u64, u32)> = Vec::new();
    for ((_, slot), known) in fresh.iter().filter(|((s, _), _)| s == source) {
        let at = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        slots.push(slot.clone());
        number.insert(slot.clone(), at);
        ids.extend(known.iter().map(|id| (*id, at)));
    }
    let known: Vec<Expr> = slots.iter().map(|slot| lit(slot.as_str())).collect();
    let all_known = place.keys().all(|slot| number.contains_key(slot));
    for RecordTable { name: table, record: id, .. } in tables.iter().filter(|t| t.counts) {
        for (name, put_aside) in [(table.clone(), false), (aside(table), true)] {
            if all_known && !put_aside {
                continue;
            }
            let mut these = col("source").eq(lit(source));
            if !put_aside && !known.is_empty() {
                these = these.and(col("slot").in_list(known.clone(), true));
            }
            let rows = ctx
                .table(name.as_str())
                .await
                .and_then(|t| t.filter(these))
                .and_then(|t| t.select_columns(&["slot", id]))
                .map_err(engine("repeats"))?;
            let mut stream = rows.execute_stream().await.map_err(engine("repeats"))?;
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(engine("repeats"))?;
                out.aside |= put_aside && batch.num_rows() > 0;
                let (names, tokens) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
                let mut last: Option<(&str, u32)> = None;
                for row in (0..batch.num_rows()).filter(|row| tokens.is_valid(*row)) {
                    let slot = names.value(row);
                    let at = match last {
                        Some((name, at)) if name == slot => at,
                        _ => *number.entry(slot.to_owned()).or_insert_with(|| {
                            slots.push(slot.to_owned());
                            u32::try_from(slots.len() - 1).unwrap_or(u32::MAX)
                        }),
                    };
                    last = Some((slot, at));
                    ids.extend(half(tokens.value(row)).map(|half| (half, at)));
                }
            }
        }
    }
    // Those of each slot stand in order already.
    ids.sort();
    ids.dedup();
    let (mut all, mut shared) = (vec![0_u64; slots.len()], vec![0_u64; slots.len()]);
    for same in ids.chunk_by(|a, b| a.0 == b.0) {
        same.iter().for_each(|(_, at)| all[*at as usize] += 1);
        if same.len() < 2 {
            continue;
        }
        let newest = same.iter().map(|(_, at)| place.get(slots[*at as usize].as_str())).max();
        for (_, at) in same {
            let slot = &slots[*at as usize];
            shared[*at as usize] += 1;
            if Some(place.get(slot.as_str())) != newest {
                *out.older.entry(slot.clone()).or_default() += 1;
            }
        }
    }
    out.one_delivery = all.iter().zip(&shared).any(|(all, shared)| *shared as f64 > ONE_DELIVERY * *all as f64);
    Ok(out)
}

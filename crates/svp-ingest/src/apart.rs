//! Small areas and points of one row that lie in different districts: columns that were sorted apart from one another. It is only told.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::SessionContext;
use svp_contract::{Finding, FindingKind};

use crate::error::IngestError;
use crate::load::SourcePlan;
use crate::loaded_file::LoadedFile;
use crate::receipt::Receipt;
use crate::revise::{ask, by_slot, engine, view};

/// Rows of each file that are looked at, at least: looking for the district of a point takes time, and columns that were sorted apart
/// are so in all rows. Which ones they are follows from the first digits of their keyed ids, that is, from nothing.
const ROWS: u64 = 400;
/// Digits of a keyed id.
const DIGITS: u64 = 16;
/// Fewer rows, and a smaller share of them, say nothing: points beside a border.
const FEWEST: u64 = 5;
const SHARE: f64 = 0.1;

/// Looks at some rows of the files of `run` whose source gives both a small area and a point.
///
/// # Errors
/// When the events cannot be read.
pub async fn apart(
    ctx: &SessionContext,
    plans: &[SourcePlan],
    files: &[LoadedFile],
    receipts: &[Receipt],
    run: u64,
) -> Result<Vec<Finding>, IngestError> {
    let both = |plan: &SourcePlan| {
        let gives = |column: &str| plan.feeds().any(|feed| !feed.inputs("event", column).is_empty());
        gives("lsoa") && (gives("easting") || gives("longitude"))
    };
    let sources: BTreeSet<&str> = plans.iter().filter(|p| both(p)).map(|p| p.source.name.as_str()).collect();
    let new: Vec<&LoadedFile> =
        files.iter().filter(|f| f.run == run && !f.superseded && sources.contains(f.source.as_str())).collect();
    if new.is_empty() {
        return Ok(Vec::new());
    }
    // Each digit more that all ids looked at have in common leaves a sixteenth of the rows.
    let digits = |file: &LoadedFile| {
        let of = receipts.iter().filter(|r| r.source == file.source && r.slot == file.slot);
        (of.map(|r| r.accepted).sum::<u64>() / ROWS).max(1).ilog(DIGITS)
    };
    let mut slots: BTreeMap<(&str, u32), Vec<Expr>> = BTreeMap::new();
    for file in &new {
        slots.entry((&file.source, digits(file))).or_default().push(lit(file.slot.as_str()));
    }
    let some = slots.into_iter().map(|((source, digits), slots)| {
        let of = col("source").eq(lit(source)).and(col("slot").in_list(slots, false));
        match digits {
            0 => of,
            digits => of.and(col("event_id").like(lit(format!("{}%", "0".repeat(digits as usize))))),
        }
    });
    let Some(some) = some.reduce(Expr::or) else { return Ok(Vec::new()) };
    let rows = ctx
        .table("event")
        .await
        .and_then(|events| events.filter(some.and(col("easting").is_not_null()).and(col("lsoa").is_not_null())))
        .and_then(|events| events.select_columns(&["source", "slot", "easting", "northing", "district"]))
        .map_err(engine("places"))?;
    view(ctx, "event_new", rows)?;
    let found = by_slot(&ask(ctx, include_str!("sql/apart.sql"), "places").await?.1);
    ctx.deregister_table("event_new").map_err(engine("forget"))?;
    let odd = found.iter().filter(|(_, (of, others))| *others >= FEWEST && *others as f64 > SHARE * *of as f64);
    let tell = |((source, slot), (of, others)): (&(String, String), &(u64, u64))| {
        let file = new.iter().find(|f| f.source == *source && f.slot == *slot)?;
        let what = "of some of its rows, the small area and the point lie in different districts";
        Some(Finding::new(FindingKind::PlacesDiffer, source, slot, &file.file, what).counted(*others, *of))
    };
    Ok(odd.filter_map(tell).collect())
}

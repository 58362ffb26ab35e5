//! Small areas and points of one row that lie in different districts: columns that were sorted apart from one another. It is only told.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{col, lit};
use datafusion::prelude::SessionContext;
use svp_contract::{Finding, FindingKind};

use crate::error::IngestError;
use crate::load::SourcePlan;
use crate::loaded_file::LoadedFile;
use crate::revise::{by_slot, engine, view};

/// Rows of each file that are looked at: looking for the district of a point takes time, and columns that were sorted apart are so in
/// all rows. Which ones they are follows from their keyed ids, that is, from nothing.
const ROWS: i64 = 400;
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
    let one_of =
        |values: &mut dyn Iterator<Item = &str>| values.collect::<BTreeSet<_>>().into_iter().map(lit).collect();
    let rows = ctx
        .table("event")
        .await
        .and_then(|events| {
            events.filter(
                col("source")
                    .in_list(one_of(&mut new.iter().map(|f| f.source.as_str())), false)
                    .and(col("slot").in_list(one_of(&mut new.iter().map(|f| f.slot.as_str())), false))
                    .and(col("easting").is_not_null())
                    .and(col("lsoa").is_not_null()),
            )
        })
        .and_then(|events| events.select_columns(&["source", "slot", "event_id", "easting", "northing", "district"]))
        .map_err(engine("places"))?;
    view(ctx, "event_new", rows)?;
    let looked = ctx.sql(include_str!("sql/apart.sql")).await;
    let looked = looked.and_then(|rows| rows.with_param_values(vec![("most", ScalarValue::from(ROWS))]));
    let looked = looked.map_err(engine("places"))?.collect().await.map_err(engine("places"))?;
    let found = by_slot(&looked);
    ctx.deregister_table("event_new").map_err(engine("forget"))?;
    let odd = found.iter().filter(|(_, (of, others))| *others >= FEWEST && *others as f64 > SHARE * *of as f64);
    let tell = |((source, slot), (of, others)): (&(String, String), &(u64, u64))| {
        let file = new.iter().find(|f| f.source == *source && f.slot == *slot)?;
        let what = "of some of its rows, the small area and the point lie in different districts";
        Some(Finding::new(FindingKind::PlacesDiffer, source, slot, &file.file, what).counted(*others, *of))
    };
    Ok(odd.filter_map(tell).collect())
}

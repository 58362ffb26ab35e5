//! Small areas and points of one row that lie in different districts: columns that were sorted apart from one another. It is only told.

use arrow::array::{Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use datafusion::prelude::SessionContext;
use svp_contract::{Finding, FindingKind};

use crate::error::IngestError;
use crate::load::SourcePlan;
use crate::loaded_file::LoadedFile;
use crate::revise::{ask, by_slot, engine, put};

/// Rows that are looked at, of each batch and of each file: looking for the district of a point takes time, and columns that were
/// sorted apart are so in nearly all rows.
const OF_A_BATCH: usize = 50;
const OF_A_FILE: usize = 400;
/// Fewer rows, and a smaller share of them, say nothing: points beside a border.
const FEWEST: u64 = 5;
const SHARE: f64 = 0.1;

/// What is looked at of an event.
const COLUMNS: [&str; 5] = ["source", "slot", "easting", "northing", "district"];

/// Whether a source gives both a small area and a point of its events.
pub(crate) fn gives_both(plan: &SourcePlan) -> bool {
    let gives = |column: &str| plan.feeds().any(|feed| !feed.inputs("event", column).is_empty());
    gives("lsoa") && (gives("easting") || gives("longitude"))
}

/// Some rows of a file that have both, gathered while the file is written.
#[derive(Debug, Default)]
pub(crate) struct SomePlaces {
    rows: usize,
    batches: Vec<RecordBatch>,
}

impl SomePlaces {
    /// Takes some rows of a batch of events, spread over it.
    pub(crate) fn look(&mut self, events: &RecordBatch) -> Result<(), ArrowError> {
        let (Some(east), Some(area)) = (events.column_by_name("easting"), events.column_by_name("lsoa")) else {
            return Ok(());
        };
        let both: Vec<u32> = (0..events.num_rows())
            .filter(|row| east.is_valid(*row) && area.is_valid(*row))
            .filter_map(|row| u32::try_from(row).ok())
            .collect();
        let wanted = OF_A_BATCH.min(OF_A_FILE - self.rows).min(both.len());
        if wanted == 0 {
            return Ok(());
        }
        let some = UInt32Array::from_iter_values((0..wanted).map(|i| both[i * both.len() / wanted]));
        let schema = events.schema();
        let columns = COLUMNS.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        self.batches.push(take_record_batch(&events.project(&columns)?, &some)?);
        self.rows += wanted;
        Ok(())
    }

    /// The rows.
    pub(crate) fn into_batches(self) -> Vec<RecordBatch> {
        self.batches
    }
}

/// Looks for files of `run` in some of whose rows, `places`, the small area and the point lie in different districts.
///
/// # Errors
/// When the rows cannot be asked.
pub async fn apart(
    ctx: &SessionContext,
    files: &[LoadedFile],
    places: Vec<RecordBatch>,
    run: u64,
) -> Result<Vec<Finding>, IngestError> {
    let Some(schema) = places.first().map(RecordBatch::schema) else { return Ok(Vec::new()) };
    put(ctx, "event_new", schema, places)?;
    let found = by_slot(&ask(ctx, include_str!("sql/apart.sql"), "places").await?.1);
    ctx.deregister_table("event_new").map_err(engine("forget"))?;
    let odd = found.iter().filter(|(_, (of, others))| *others >= FEWEST && *others as f64 > SHARE * *of as f64);
    let tell = |((source, slot), (of, others)): (&(String, String), &(u64, u64))| {
        let file = files.iter().find(|f| f.run == run && !f.superseded && f.source == *source && f.slot == *slot)?;
        let what = "of some of its rows, the small area and the point lie in different districts";
        Some(Finding::new(FindingKind::PlacesDiffer, source, slot, &file.file, what).counted(*others, *of))
    };
    Ok(odd.filter_map(tell).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, StringArray};

    use super::*;

    #[test]
    fn some_rows_of_each_batch_are_taken_and_none_without_both() {
        let batch = |n: usize| {
            let text = |name: &'static str| (name, Arc::new(StringArray::from(vec!["x"; n])) as _);
            let number = |name: &'static str| {
                let odd = (0..n).map(|i| (i % 2 == 1).then_some(i as f64));
                (name, Arc::new(Float64Array::from_iter(odd)) as _)
            };
            let (source, slot, district, lsoa) = (text("source"), text("slot"), text("district"), text("lsoa"));
            RecordBatch::try_from_iter([source, slot, number("easting"), number("northing"), district, lsoa]).unwrap()
        };
        let taken = |rows: &[usize]| {
            let mut some = SomePlaces::default();
            rows.iter().for_each(|n| some.look(&batch(*n)).unwrap());
            let batches = some.into_batches();
            assert!(batches.iter().all(|b| b.num_columns() == COLUMNS.len() && b.column(2).null_count() == 0));
            batches.iter().map(RecordBatch::num_rows).sum::<usize>()
        };
        assert_eq!(taken(&[0]), 0);
        assert_eq!(taken(&[1]), 0, "no point");
        assert_eq!(taken(&[40]), 20, "all that have both");
        assert_eq!(taken(&[8192, 1000]), 2 * OF_A_BATCH);
        assert_eq!(taken(&[8192; 20]), OF_A_FILE);
    }
}

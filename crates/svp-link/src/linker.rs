//! The linkage as a whole: encoded records in, weighted pairs and groups out. It needs no lake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::prelude::SessionContext;
use svp_contract::Linkage;
use svp_lake::Limits;

use crate::LinkError;
use crate::blocks::{Note, block};
use crate::group;
use crate::linked::{Linked, PreviousLinks};
use crate::model::Model;
use crate::read::{read, unexpected_duplicates};
use crate::rows::Rows;
use crate::score::{Scored, Scorer};
use crate::steps::{Steps, failed};
use crate::store::Store;

/// Pairs that are held in memory at once; more are worked through in parts.
const PAIRS_AT_ONCE: u64 = 8_000_000;

/// Columns that records must have; of all others it may be that nothing is known.
const REQUIRED: [&str; 3] = ["person_record_id", "source", "agency"];

/// Links records of people under a definition.
///
/// The same records give the same result, whatever their order and the number of threads.
///
/// The front page of the crate has an example.
#[derive(Clone, Copy)]
pub struct Linker<'a> {
    linkage: &'a Linkage,
    deduplicated: Option<&'a BTreeSet<String>>,
    earlier: Option<(&'a PreviousLinks, Option<&'a Model>)>,
    threads: usize,
    pairs_at_once: u64,
    all_pairs: bool,
    on_step: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Linker<'a> {
    /// A linker that learns its weights from the records, on one thread.
    #[must_use]
    pub fn new(linkage: &'a Linkage) -> Self {
        let on_step = &|_: &str| ();
        let (threads, pairs_at_once) = (1, PAIRS_AT_ONCE);
        Self { linkage, deduplicated: None, earlier: None, threads, pairs_at_once, all_pairs: true, on_step }
    }

    /// Names the sources that have each person once (Splink: link only): two records of one are never one person.
    #[must_use]
    pub fn deduplicated_within_source(self, sources: &'a BTreeSet<String>) -> Self {
        Self { deduplicated: Some(sources), ..self }
    }

    /// Goes on from an earlier run. Where there is a model of it and few records are new (`relearn_share` of the definition), only
    /// pairs with a new or changed record are judged, by that model, and all others stay together; else all are judged anew.
    #[must_use]
    pub fn since(self, known: &'a PreviousLinks, model: Option<&'a Model>) -> Self {
        Self { earlier: Some((known, model)), ..self }
    }

    /// Uses so many threads in [`Self::fit`]; at least 1. What comes out is the same.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Holds so many candidate pairs in memory at once, about 24 bytes each. With more pairs than that the model is learned from a
    /// part of them.
    #[must_use]
    pub fn pairs_at_once(self, pairs: u64) -> Self {
        Self { pairs_at_once: pairs.max(1), ..self }
    }

    /// Keeps no pairs in [`Linked::pairs`] but those of records that good pairs connect. The groups are the same; in a county of a million
    /// people nearly all candidate pairs are others. [`evaluate`](crate::evaluate::evaluate) needs all.
    #[must_use]
    pub fn close_pairs_only(self) -> Self {
        Self { all_pairs: false, ..self }
    }

    /// Calls `on_step` with the name of each part as it begins.
    #[must_use]
    pub fn on_step(self, on_step: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { on_step, ..self }
    }

    /// Links records in memory: one row for each row of a source that describes a person, with the stored columns of the table
    /// `person_record` (`schemas/person_record.toml`). `person_record_id`, `source` and `agency` must be there; any other column may
    /// be missing, as if nothing were known. Other columns than those are not read.
    ///
    /// # Errors
    /// When one of the three columns is missing, a column has a type that the schema does not give it, the batches are not of one
    /// schema, or a blocking rule names a part that there is not.
    pub async fn fit(&self, records: &[RecordBatch]) -> Result<Linked, LinkError> {
        let empty = || Arc::new(Schema::new(REQUIRED.map(|name| Field::new(name, DataType::Utf8, true)).to_vec()));
        let schema = records.first().map_or_else(empty, RecordBatch::schema);
        if let Some(column) = REQUIRED.into_iter().find(|column| schema.field_with_name(column).is_err()) {
            return Err(LinkError::Column { column });
        }
        let table = MemTable::try_new(schema, vec![records.to_vec()]).map_err(failed("01_records"))?;
        let limits = Limits { threads: self.threads, ..Limits::default() };
        self.run(svp_lake::session(&limits)?, Arc::new(table)).await
    }

    /// Links the table `person_record` of a session, with the session's limits and threads. Nothing is left in the session.
    ///
    /// # Errors
    /// When there is no such table, a step fails, or a blocking rule names a part that there is not.
    pub async fn fit_table(&self, ctx: &SessionContext) -> Result<Linked, LinkError> {
        let table = ctx.table_provider("person_record").await.map_err(failed("01_records"))?;
        self.run(svp_lake::session_beside(ctx), table).await
    }

    /// Reads in a session of its own, which is gone when the rows are there, and judges.
    async fn run(&self, ctx: SessionContext, table: Arc<dyn TableProvider>) -> Result<Linked, LinkError> {
        let steps = Steps::new(ctx, self.on_step);
        let threads = steps.threads();
        let records = steps.ctx().read_table(table).map_err(failed("01_records"))?;
        let (rows, shared_numbers) = read(&steps, records, self.linkage).await?;
        drop(steps);
        Ok(Linked { shared_numbers, ..self.judge(rows, threads)? })
    }

    fn judge(&self, rows: Rows, threads: usize) -> Result<Linked, LinkError> {
        let Self { linkage, on_step, .. } = *self;
        let none = PreviousLinks::new();
        let (known, model) = self.earlier.unwrap_or((&none, None));
        let (records, record_of_row) = rows.records()?;
        let deduplicated: BTreeMap<&str, u32> =
            self.deduplicated.into_iter().flatten().map(String::as_str).zip(1..).collect();
        let dedup_source: Vec<Option<u32>> =
            records.iter().map(|r| deduplicated.get(r.source.as_str()).copied()).collect();
        let mut unchanged: Vec<bool> =
            records.iter().map(|r| known.get(&r.id).is_some_and(|j| j.content_digest == r.content_digest)).collect();
        let changed = unchanged.iter().filter(|s| !**s).count() as f64;
        let model = model.filter(|_| changed <= linkage.model.relearn_share * records.len() as f64);
        let learned = model.is_none();
        if learned {
            unchanged.fill(false);
        }
        on_step("values");
        let store = Store::new(&rows)?;
        let model = model.map(|model| Model { present: store.present(), ..model.clone() });

        on_step("block");
        let notes = record_of_row.iter().map(|record| {
            let i = *record as usize;
            Note { person: *record, dedup_source: dedup_source[i].unwrap_or_default(), changed: !unchanged[i] }
        });
        let (rules, blocks) = block(linkage, &rows, notes.collect(), threads)?;
        let unexpected_duplicates = unexpected_duplicates(&rows, &records, &record_of_row, &dedup_source)?;
        // What is compared is in the store.
        drop(rows);
        let total = group::comparable(&dedup_source);
        let nodes = group::nodes(&records, &dedup_source, &unchanged, known);
        let judge = Scorer {
            linkage,
            store: &store,
            blocks: &blocks,
            record_of_row: &record_of_row,
            dedup_source: &dedup_source,
            total,
            possible: group::possible(&dedup_source),
            pairs_at_once: self.pairs_at_once,
            all_pairs: self.all_pairs,
            nodes: &nodes,
            threads,
            on_step,
        };
        let Scored { pairs, weights, model, candidates } = judge.judge(model);
        drop((blocks, record_of_row));
        let (group, forbidden) = group::group(linkage, nodes, &pairs);
        Ok(Linked {
            best: group::best(&group, &pairs),
            group,
            pairs,
            weights,
            store: Some(store),
            model,
            rules,
            candidates,
            total,
            learned,
            unchanged,
            empty: records.iter().filter(|r| r.content_digest == 0).count() as u64,
            shared_numbers: 0,
            forbidden,
            unexpected_duplicates,
            records,
        })
    }
}

#[cfg(test)]
#[path = "linker_tests.rs"]
mod tests;

//! Where the rows of a file go: into the tables of a lake, or (at the data owner's desk) into an encoded file.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use svp_contract::Source;
use svp_lake::{PartWriter, RunTxn};

use crate::apart::SomePlaces;
use crate::error::IngestError;
use crate::repeats::remember;
use crate::revise::RecordTable;

/// Takes pseudonymised rows and quarantine entries.
pub(crate) trait Sink {
    /// Rows of a feed for the table `zone/table`, as a batch of its stored schema.
    fn write(&mut self, feed: &str, zone: &str, table: &str, batch: &RecordBatch) -> Result<(), IngestError>;

    /// Everything that was written so far is whole.
    fn complete(&mut self) -> Result<(), IngestError>;
}

/// Takes rows and keeps none of them: for looking at a file without loading it.
pub(crate) struct NoSink;

impl Sink for NoSink {
    fn write(&mut self, _feed: &str, _zone: &str, _table: &str, _batch: &RecordBatch) -> Result<(), IngestError> {
        Ok(())
    }

    fn complete(&mut self) -> Result<(), IngestError> {
        Ok(())
    }
}

/// Writes to the tables of a lake, in the partition of one source and slot, one part for each feed and table.
pub(crate) struct LakeSink<'a> {
    txn: &'a RunTxn,
    source: &'a str,
    slot: &'a str,
    writers: BTreeMap<(String, String, String), PartWriter>,
    /// The rows are published with their order already: they stay in it.
    open: bool,
    /// The tables of records, and the ids of those that were written, where somebody wants them.
    ids: Option<(&'a [RecordTable], Vec<u64>)>,
    /// Some rows with a small area and a point, where somebody wants them.
    places: Option<SomePlaces>,
}

/// What was gathered while a file was written.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Ids of the records, if they were asked for.
    pub ids: Option<Vec<u64>>,
    /// Some rows of events with a small area and a point, if they were asked for.
    pub places: Vec<RecordBatch>,
}

impl<'a> LakeSink<'a> {
    /// `ids` are the tables of records whose ids somebody wants; `places` says whether somebody wants some places of events.
    pub(crate) fn new(
        txn: &'a RunTxn,
        source: &'a Source,
        slot: &'a str,
        ids: Option<&'a [RecordTable]>,
        places: bool,
    ) -> Self {
        let open = source.disclosure.already_open;
        let ids = ids.map(|tables| (tables, Vec::new()));
        let places = places.then(SomePlaces::default);
        Self { txn, source: &source.name, slot, writers: BTreeMap::new(), open, ids, places }
    }

    /// What was gathered.
    pub(crate) fn gathered(self) -> Gathered {
        let places = self.places.map(SomePlaces::into_batches).unwrap_or_default();
        let ids = self.ids.map(|(_, mut ids)| {
            ids.sort_unstable();
            ids
        });
        Gathered { ids, places }
    }
}

impl Sink for LakeSink<'_> {
    fn write(&mut self, feed: &str, zone: &str, table: &str, batch: &RecordBatch) -> Result<(), IngestError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if let Some((tables, ids)) = &mut self.ids
            && let Some(table) = tables.iter().find(|t| t.counts && t.name == table)
        {
            remember(ids, &table.record, batch);
        }
        if let Some(places) = self.places.as_mut().filter(|_| table == "event") {
            places.look(batch).map_err(|source| IngestError::Arrow { at: "places".to_owned(), source })?;
        }
        let name = (feed.to_owned(), zone.to_owned(), table.to_owned());
        let writer = match self.writers.entry(name) {
            std::collections::btree_map::Entry::Occupied(writer) => writer.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let partition = [("source", self.source), ("slot", self.slot)];
                let part = self.txn.part(zone, table, &partition, feed)?;
                place.insert(if self.open { part.as_they_come() } else { part })
            }
        };
        Ok(writer.write_blocking(batch)?)
    }

    fn complete(&mut self) -> Result<(), IngestError> {
        for writer in std::mem::take(&mut self.writers).into_values() {
            self.txn.append(writer.finish_blocking()?)?;
        }
        Ok(())
    }
}

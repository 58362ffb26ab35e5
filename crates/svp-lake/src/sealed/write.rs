//! Rows become sealed chunks while a part is written.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use svp_contract::Seal;

use super::chunk::{Chunk, Head, Place, ROWS, columns_digest, pack};
use super::list::SealedFile;
use crate::error::{LakeError, Result};

/// Gathers rows and gives sealed chunks. Holds the rows of one chunk, and one packed chunk, whose seal says whether it is the last.
pub(crate) struct ChunkWriter {
    seal: Arc<dyn Seal>,
    place: Place,
    schema: SchemaRef,
    columns: String,
    rows: Vec<RecordBatch>,
    pending: usize,
    held: Option<Vec<u8>>,
    chunks: i32,
    mac: Vec<u8>,
}

impl ChunkWriter {
    pub(crate) fn new(seal: Arc<dyn Seal>, place: Place, schema: SchemaRef) -> Self {
        let columns = columns_digest(&schema);
        Self { seal, place, schema, columns, rows: Vec::new(), pending: 0, held: None, chunks: 0, mac: Vec::new() }
    }

    /// Takes rows with the columns of the table; gives what is ready to be stored.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        self.pending += batch.num_rows();
        self.rows.push(batch);
        let mut ready = Vec::new();
        if self.pending < ROWS {
            return Ok(ready);
        }
        let all = self.gathered()?;
        let mut first = 0;
        while all.num_rows() - first >= ROWS {
            ready.extend(self.chunk(&all.slice(first, ROWS))?);
            first += ROWS;
        }
        self.pending = all.num_rows() - first;
        if self.pending > 0 {
            self.rows.push(all.slice(first, self.pending));
        }
        Ok(ready)
    }

    /// The chunks that are left, and what the run record says of the file.
    pub(crate) fn finish(mut self) -> Result<(Vec<RecordBatch>, SealedFile)> {
        let mut ready = Vec::new();
        if self.pending > 0 {
            let rest = self.gathered()?;
            ready.extend(self.chunk(&rest)?);
        }
        if let Some(last) = self.held.take() {
            ready.push(self.sealed(&last, true)?);
        }
        let chunks = self.chunks.unsigned_abs();
        Ok((ready, SealedFile { chunks, mac: hex::encode(self.mac) }))
    }

    fn gathered(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        concat_batches(&self.schema, &rows).map_err(|e| LakeError::engine("gathering rows of a chunk", e.into()))
    }

    /// Packs rows; the chunk before them is not the last one, and is sealed.
    fn chunk(&mut self, rows: &RecordBatch) -> Result<Option<RecordBatch>> {
        let plain = pack(rows).map_err(|e| LakeError::engine("packing rows of a chunk", e.into()))?;
        let before = self.held.replace(plain);
        before.map(|before| self.sealed(&before, false)).transpose()
    }

    fn sealed(&mut self, plain: &[u8], last: bool) -> Result<RecordBatch> {
        let head = Head { number: self.chunks, last, columns: self.columns.clone() };
        let chunk = Chunk::seal(self.seal.as_ref(), &self.place, head, plain)?;
        self.chunks += 1;
        self.mac = chunk.chained(self.seal.as_ref(), &self.place, &self.mac).to_vec();
        chunk.row().map_err(|e| LakeError::engine("storing a chunk", e.into()))
    }
}

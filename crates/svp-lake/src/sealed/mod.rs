//! Sealed tables: rows that nobody reads without the key of the lake.
//!
//! A part of such a table is a Parquet file of chunks. A chunk is up to [`chunk::ROWS`] rows, compressed, padded and sealed in the
//! context of its place: table, partition, number, whether it is the last one, columns, key. So a chunk that was moved, cut off or
//! doubled does not open. The run record names every file with the number of its chunks and a keyed MAC over them, and has a keyed MAC
//! over that list and the number of the run: a file that is missing, foreign or of an earlier run is seen before anything is read.
//! What cannot be seen is a lake that was put back as a whole, record and all, to an earlier run.

mod chunk;
mod list;
mod table;
mod upgrade;
mod write;

pub(crate) use chunk::{Place, file_columns, stored_schema};
pub(crate) use list::{Listed, sealed_files, verify};
pub use list::{SealedFile, SealedTable};
pub(crate) use table::Opened;
pub(crate) use write::ChunkWriter;

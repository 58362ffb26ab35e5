//! Many small cases: `read(kind, expected, bytes)` and a comparison.

mod account;
mod bytes;
mod csv;
mod damage;
mod encoding;
mod header;
mod real;
mod tails;
mod xml;

use std::io::{Cursor, Write};

use arrow::array::{Array, AsArray};
use svp_contract::Advice;

use super::*;

/// Everything that a file gives: rows as (number, values), bad rows, notes.
#[derive(Debug, Default)]
struct Read {
    rows: Vec<(u64, Vec<Option<String>>)>,
    bad: Vec<BadRow>,
    notes: Vec<ReadNote>,
    records: u64,
    account: FileAccount,
}

impl Read {
    fn values(&self) -> Vec<Vec<&str>> {
        self.rows.iter().map(|(_, r)| r.iter().map(|v| v.as_deref().unwrap_or("-")).collect()).collect()
    }

    /// The names of the notes.
    fn told(&self) -> Vec<&str> {
        self.notes.iter().map(ReadNote::code).collect()
    }
}

fn drain(mut reader: Box<dyn RowReader>) -> Result<Read, ReadError> {
    let mut out = Read::default();
    let mut next = 1;
    while let Some(part) = reader.next_batch()? {
        assert_eq!(part.first_row, next, "runs follow one another");
        assert_eq!(part.rows.len(), part.batch.num_rows());
        next += part.records() as u64;
        for (i, row) in part.rows.iter().enumerate() {
            let value = |c: &arrow::array::ArrayRef| {
                let text = c.as_string::<i32>();
                text.is_valid(i).then(|| text.value(i).to_owned())
            };
            out.rows.push((*row, part.batch.columns().iter().map(value).collect()));
        }
        out.bad.extend(part.bad);
    }
    assert!(reader.next_batch()?.is_none(), "the end stays the end");
    out.notes = reader.notes().to_vec();
    out.records = reader.rows_read();
    assert_eq!(out.records, (out.rows.len() + out.bad.len()) as u64, "nothing is lost");
    out.account = reader.account().clone();
    assert!(out.account.balances(), "{:?}", out.account);
    assert_eq!(out.account.records, out.records);
    Ok(out)
}

fn expect(columns: &[&str]) -> Expected {
    Expected { columns: columns.iter().map(|c| (*c).to_owned()).collect(), ..Expected::default() }
}

fn read(kind: &ReaderKind, expected: &Expected, bytes: &[u8]) -> Result<Read, ReadError> {
    drain(open(kind, expected, "f.csv", Box::new(Cursor::new(bytes.to_vec())), 3)?)
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn csv_kind(encoding: Encoding) -> ReaderKind {
    ReaderKind::Csv(CsvOptions { encoding, ..CsvOptions::default() })
}

fn plain_csv() -> ReaderKind {
    csv_kind(Encoding::Utf8)
}

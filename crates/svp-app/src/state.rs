//! What runs know of one another: the state that every run record carries, and the tables that a run writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use svp_contract::{Acceptance, ColumnType, Finding, Table};
use svp_ingest::{
    LoadedFile, Receipt, elsewhere, finding_schema, profile_schema, quarantine_schema, receipt_schema,
    superseded_tables, table_of,
};
use svp_lake::{Lake, RunRecord, TableSpec};
use svp_link::Saved;
use svp_pseudonymise::Key;

use crate::error::AppError;
use crate::ledger::LedgerLine;
use crate::site::Site;

/// What a run adds to its record. The names of the fields are those of every lake that was ever written: they stay.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct RunState {
    /// Every file that is or was in the lake.
    pub files: Vec<LoadedFile>,
    /// Receipts of the files that are live.
    pub receipts: Vec<Receipt>,
    /// Findings about the files that are live, as far as they did not refuse.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What somebody accepted, oldest first.
    #[serde(default)]
    pub accepted: Vec<Acceptance>,
    /// Tokens of erased records, sealed: they are kept out of later extracts. A lake from before has digests of the tokens.
    #[serde(default)]
    pub erased: Vec<String>,
    /// The model of the linkage.
    #[serde(default)]
    pub linkage: Option<Saved>,
    /// Releases and the heads of their ledgers, oldest first.
    #[serde(default)]
    pub ledger: Vec<LedgerLine>,
    /// Names of data that ledgers hold, with those of the same data now; see `contents.rs`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub same_data: BTreeMap<String, String>,
}

impl RunState {
    /// The state of a run record. One that cannot be read is not an empty one: the ledger hangs on it.
    ///
    /// # Errors
    /// [`AppError::Record`] for a record that no run writes.
    pub fn of(lake: &Lake, run: &RunRecord) -> Result<Self, AppError> {
        serde_json::from_value(run.body.clone())
            .map_err(|_| AppError::Record { lake: lake.location().to_owned(), number: run.number })
    }

    /// What the last run of a lake left; empty where there was none.
    ///
    /// # Errors
    /// [`AppError::Record`] for a record that no run writes.
    pub fn last(lake: &Lake) -> Result<Self, AppError> {
        lake.last_run().map_or_else(|| Ok(Self::default()), |run| Self::of(lake, run))
    }

    /// The same, after the key of the lake has been compared with ours.
    ///
    /// # Errors
    /// [`AppError::WrongKey`] for another key than that of the lake, [`AppError::Record`] for a record that no run writes.
    pub fn last_under(lake: &Lake, key: &Key) -> Result<Self, AppError> {
        if let Some(wanted) = lake.last_run().and_then(|run| run.key_check.as_ref())
            && *wanted != key.check()
        {
            return Err(AppError::WrongKey {
                lake: lake.location().to_owned(),
                wanted: wanted.clone(),
                found: key.check(),
            });
        }
        Self::last(lake)
    }

    /// As a run record carries it.
    ///
    /// # Errors
    /// [`AppError::Unwritable`] where it is not JSON: an empty record would be a lake that forgot its files and ledgers.
    pub fn to_body(&self) -> Result<serde_json::Value, AppError> {
        serde_json::to_value(self).map_err(|source| AppError::Unwritable { what: "the record of the run", source })
    }

    /// The files that count.
    pub fn live(&self) -> impl Iterator<Item = &LoadedFile> {
        self.files.iter().filter(|f| !f.superseded)
    }
}

/// The columns by which rows of a table are ordered: what its schema says, else the record that a row belongs to, which is a keyed token.
/// The order of sealed rows can be read by nobody, and the linkage reads them in that of their extract.
fn order_of(table: &Table) -> Vec<String> {
    match (table.sealed, table.sorted_by.is_empty()) {
        (true, _) => Vec::new(),
        (false, true) => table.record.iter().cloned().collect(),
        (false, false) => table.sorted_by.clone(),
    }
}

/// Every table that a run writes, with its zone, columns and partition.
#[must_use]
pub fn tables(site: &Site) -> Vec<TableSpec> {
    let partition = ["source", "slot"];
    // A token is of one record or person, and a digest of one row.
    let distinct = |name: &str| -> Vec<String> {
        let table = site.tables.iter().find(|t| t.name == table_of(name));
        let columns = table.into_iter().flat_map(|t| &t.columns);
        let alone = columns.filter(|c| c.kind == ColumnType::Token || c.keyed_digest);
        alone.map(|c| c.name.clone()).collect()
    };
    let keyed_digests = |name: &str| -> Vec<String> {
        let table = site.tables.iter().find(|t| t.name == table_of(name));
        let columns = table.into_iter().flat_map(|t| &t.columns);
        columns.filter(|c| c.keyed_digest).map(|c| c.name.clone()).collect()
    };
    let mut out: Vec<TableSpec> = site
        .tables
        .iter()
        .filter(|t| t.zone != "reference")
        .map(|t| {
            let spec = TableSpec::new(&t.zone, &t.name, t.stored_schema(), &partition);
            let spec = spec.sealed(t.sealed).sorted_by(&order_of(t)).distinct(distinct(&t.name));
            spec.keyed_digests(keyed_digests(&t.name))
        })
        .collect();
    for (zone, name, schema) in superseded_tables(&site.tables) {
        let of = site.tables.iter().find(|t| t.name == table_of(&name));
        let order = of.map(order_of).unwrap_or_default();
        let spec = TableSpec::new(&zone, &name, schema, &partition).sorted_by(&order).distinct(distinct(&name));
        let spec = spec.keyed_digests(keyed_digests(&name));
        out.push(spec.sealed(of.is_some_and(|t| t.sealed)));
    }
    for (zone, name, schema) in elsewhere::tables_beside(&site.tables) {
        // The record stands first.
        let order: Vec<String> = schema.fields().first().map(|f| f.name().clone()).into_iter().collect();
        out.push(TableSpec::new(&zone, &name, schema, &partition).sorted_by(&order));
    }
    out.push(TableSpec::new("quality", "quarantine", quarantine_schema(), &partition));
    out.push(TableSpec::new("quality", "receipt", receipt_schema(), &[]));
    out.push(TableSpec::new("quality", "finding", finding_schema(), &[]));
    out.push(TableSpec::new("quality", "column_profile", profile_schema(), &[]));
    let links = TableSpec::new("linked", "person_link", svp_link::link_schema(), &[]);
    out.push(links.keyed_digests(svp_link::LINK_DIGESTS.map(str::to_owned)));
    out.push(TableSpec::new("linked", "person_gone", svp_link::gone_schema(), &[]));
    out.push(TableSpec::new("linked", "person_history", svp_link::history_schema(), &[]));
    out.extend(svp_link::event_tables().into_iter().map(|(name, schema)| TableSpec::new("linked", name, schema, &[])));
    out
}

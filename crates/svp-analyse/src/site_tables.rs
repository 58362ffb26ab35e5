//! Small tables of the site: shifts, days of the calendar, weights of harm, costs, breaks in recording. Each is one CSV file whose
//! columns are those of a canonical table of the zone `reference`.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use svp_contract::{Problem, Table};

use crate::AnalyseError;

/// Tables of the zone `reference` that a site gives as CSV files in `pipelines/reference`; the others come from the area.
pub const SITE_TABLES: [&str; 8] = [
    "shift",
    "calendar",
    "harm_weight",
    "unit_cost",
    "recording_break",
    "standard_population",
    "threat_score",
    "threat_judgement",
];

/// Reads the text of a CSV file as rows of `table`.
///
/// # Errors
/// A header that is not the table's columns, a value that is not of its type, a missing value where one is needed. The message says
/// where, not what.
pub fn read_site_table(table: &Table, file: &str, text: &str) -> Result<RecordBatch, Problem> {
    let schema = Arc::new(table.stored_schema().as_ref().clone());
    let header = text.lines().next().unwrap_or_default().trim().trim_start_matches('\u{feff}');
    let wanted: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    if header.split(',').ne(wanted.iter().copied()) {
        return Err(
            Problem::new(file, "the header is not that of the table").hint(format!("write: {}", wanted.join(",")))
        );
    }
    let fail = |_| {
        Problem::new(file, "a row does not fit the columns of the table")
            .hint(format!("types stand in schemas/{}.toml; dates are YYYY-MM-DD", table.name))
    };
    let reader = ReaderBuilder::new(Arc::clone(&schema)).with_header(true).build(Cursor::new(text)).map_err(fail)?;
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(fail)?;
    arrow::compute::concat_batches(&schema, &batches).map_err(fail)
}

/// Registers a table of the site, empty where the site has no file of it.
///
/// # Errors
/// When it cannot be registered.
pub fn register_site_table(ctx: &SessionContext, table: &Table, rows: Option<RecordBatch>) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: format!("table {}", table.name), source };
    let schema = table.stored_schema();
    let rows = rows.into_iter().collect();
    let held = MemTable::try_new(schema, vec![rows]).map_err(fail)?;
    ctx.deregister_table(table.name.as_str()).map_err(fail)?;
    ctx.register_table(table.name.as_str(), Arc::new(held)).map(|_| ()).map_err(fail)
}

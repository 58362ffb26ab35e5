//! Small tables of the site: shifts, days of the calendar, weights of harm, costs, breaks in recording. Each is one CSV file whose
//! columns are those of a canonical table of the zone `reference`.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::csv::ReaderBuilder;
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use svp_contract::{Problem, Table, is_age_edge};

use crate::{AnalyseError, ages};

/// Tables of the zone `reference` that a site gives as CSV files in `pipelines/reference`; the others come from the area.
pub const SITE_TABLES: [&str; 9] = [
    "shift",
    "calendar",
    "harm_weight",
    "unit_cost",
    "recording_break",
    "standard_population",
    "threat_score",
    "threat_judgement",
    "most_similar",
];

/// Reads the text of a CSV file as rows of `table`.
///
/// # Errors
/// A header that is not the table's columns, a value that is not of its type, a missing value where one is needed, a key that stands
/// twice. The message says where, not what. A band of age that does not begin and end at edges of the bands that are kept, which is named.
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
    let rows = arrow::compute::concat_batches(&schema, &batches).map_err(fail)?;
    // A join on a key that stands twice would count every event twice.
    if !table.key.is_empty() && stands_twice(&rows, &table.key).map_err(fail)? {
        return Err(Problem::new(file, "two rows stand for the same thing")
            .hint(format!("one row for each {}", table.key.join(", "))));
    }
    if let Some(edge) = unknown_edge(&rows) {
        let what =
            format!("a band of age begins or ends at {edge}, which is no edge of the bands of age that are kept");
        return Err(Problem::new(file, what).hint(ages::hint()));
    }
    Ok(rows)
}

/// The ends of bands of age, in whatever table.
const ENDS: [(&str, i32); 2] = [("age_from", 0), ("age_to", 1)];

/// The first end of a band of age that the lake cannot count at.
fn unknown_edge(rows: &RecordBatch) -> Option<i32> {
    let ends = ENDS.into_iter().filter_map(|(name, after)| Some((rows.column_by_name(name)?, after)));
    let mut edges = ends.flat_map(|(column, after)| {
        let ages = column.as_primitive_opt::<Int32Type>();
        ages.into_iter().flatten().flatten().map(move |age| age.saturating_add(after))
    });
    edges.find(|edge| !is_age_edge(*edge))
}

/// Whether two rows agree in all columns of the key.
fn stands_twice(rows: &RecordBatch, key: &[String]) -> Result<bool, ArrowError> {
    let options = FormatOptions::default().with_null("\u{0}");
    let columns = key.iter().filter_map(|name| rows.column_by_name(name));
    let texts: Vec<ArrayFormatter<'_>> =
        columns.map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<_, _>>()?;
    let mut seen = HashSet::new();
    Ok((0..rows.num_rows()).any(|row| !seen.insert(texts.iter().map(|t| t.value(row).to_string()).collect::<Vec<_>>())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once() {
        let tables = svp_contract::canonical_tables().unwrap();
        let table = tables.iter().find(|t| t.name == "harm_weight").unwrap();
        let read = |rows: &str| read_site_table(table, "harm_weight.csv", &format!("index,code,weight\n{rows}"));
        assert_eq!(read("a,5D,1\nb,5D,2\na,8N,3\n").unwrap().num_rows(), 3);
        let problem = read("a,5D,1\nb,5D,2\na,5D,3\n").unwrap_err().to_string();
        assert!(
            problem.contains("two rows") && problem.contains("index, code") && !problem.contains("5D"),
            "{problem}"
        );
        assert!(read("a,5D,x\n").is_err());
        assert!(read_site_table(table, "harm_weight.csv", "index,weight\n").is_err());
    }

    /// Of a lake that keeps bands nobody is counted in others.
    #[test]
    fn standard_populations_have_bands_that_are_kept() {
        let tables = svp_contract::canonical_tables().unwrap();
        let table = tables.iter().find(|t| t.name == "standard_population").unwrap();
        let read = |rows: &str| {
            read_site_table(table, "standard_population.csv", &format!("standard,age_from,age_to,people\n{rows}"))
        };
        let shipped = include_str!("../../../pipelines/reference/standard_population.csv");
        assert_eq!(read_site_table(table, "standard_population.csv", shipped).unwrap().num_rows(), 19);
        assert!(read("a,0,4,1\na,5,120,1\n").is_ok());
        for (rows, edge) in [("a,0,4,1\na,5,15,1\n", "16"), ("a,1,4,1\n", " 1,"), ("a,0,2147483647,1\n", "2147483647")]
        {
            let problem = read(rows).unwrap_err().to_string();
            assert!(problem.contains("standard_population.csv") && problem.contains(edge), "{problem}");
        }
    }
}

//! The reference tables that outputs may read: `area`, `population`, `exclusion`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use svp_contract::{Area, Exclusion};

use crate::AnalyseError;

/// Registers `area` (layers `district` and `csp`), `population` and `exclusion`.
///
/// # Errors
/// When a table cannot be registered.
pub fn register_reference(
    ctx: &SessionContext,
    area: &Area,
    population: &[(String, i32, i64)],
    exclusions: &[Exclusion],
) -> Result<(), AnalyseError> {
    let mut rows: Vec<[Option<String>; 5]> = Vec::new();
    for d in &area.districts {
        let with = d.published_with.clone().unwrap_or_else(|| d.code.clone());
        rows.push([
            Some("district".into()),
            Some(d.code.clone()),
            Some(d.name.clone()),
            Some(d.csp.clone()),
            Some(with),
        ]);
    }
    let mut partnerships: Vec<&str> = area.districts.iter().map(|d| d.csp.as_str()).collect();
    partnerships.sort_unstable();
    partnerships.dedup();
    for p in partnerships {
        rows.push([
            Some("csp".into()),
            Some(p.into()),
            Some(p.into()),
            Some(area.police_force.clone()),
            Some(p.into()),
        ]);
    }
    let column = |i: usize| -> ArrayRef { Arc::new(rows.iter().map(|r| r[i].clone()).collect::<StringArray>()) };
    put(
        ctx,
        "area",
        [
            ("layer", column(0)),
            ("code", column(1)),
            ("name", column(2)),
            ("parent", column(3)),
            ("published_with", column(4)),
        ],
    )?;
    put(
        ctx,
        "population",
        [
            ("code", Arc::new(StringArray::from_iter_values(population.iter().map(|p| p.0.as_str()))) as ArrayRef),
            ("year", Arc::new(Int32Array::from_iter_values(population.iter().map(|p| p.1))) as ArrayRef),
            ("residents", Arc::new(Int64Array::from_iter_values(population.iter().map(|p| p.2))) as ArrayRef),
        ],
    )?;
    put(
        ctx,
        "exclusion",
        [
            ("name", Arc::new(StringArray::from_iter_values(exclusions.iter().map(|x| x.name.as_str()))) as ArrayRef),
            ("easting", Arc::new(Float64Array::from_iter_values(exclusions.iter().map(|x| x.easting))) as ArrayRef),
            ("northing", Arc::new(Float64Array::from_iter_values(exclusions.iter().map(|x| x.northing))) as ArrayRef),
            ("radius_m", Arc::new(Float64Array::from_iter_values(exclusions.iter().map(|x| x.radius_m))) as ArrayRef),
        ],
    )
}

/// Registers an empty table of a schema, so that outputs can be planned before anything is loaded.
///
/// # Errors
/// When it cannot be registered.
pub fn register_empty(ctx: &SessionContext, name: &str, schema: SchemaRef) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: format!("table {name}"), source };
    let table = MemTable::try_new(schema, vec![vec![]]).map_err(fail)?;
    ctx.deregister_table(name).map_err(fail)?;
    ctx.register_table(name, Arc::new(table)).map(|_| ()).map_err(fail)
}

fn put<const N: usize>(ctx: &SessionContext, name: &str, columns: [(&str, ArrayRef); N]) -> Result<(), AnalyseError> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true)))
        .map_err(|source| AnalyseError::Arrow { what: format!("table {name}"), source })?;
    let fail = |source| AnalyseError::Engine { what: format!("table {name}"), source };
    ctx.deregister_table(name).map_err(fail)?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(fail)?;
    ctx.register_table(name, Arc::new(table)).map(|_| ()).map_err(fail)
}

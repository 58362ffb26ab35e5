//! The reference tables that outputs may read: `area`, `population`, `exclusion`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use svp_contract::{Area, Exclusion};

use crate::AnalyseError;

/// Registers `area` (layers `district` and `csp`), `population` and `exclusion`. `km2` are the sizes of areas by code, as
/// far as they are known.
///
/// # Errors
/// When a table cannot be registered.
pub fn register_reference(
    ctx: &SessionContext,
    area: &Area,
    population: &[(String, i32, i64)],
    km2: &BTreeMap<String, f64>,
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
    let last = population.iter().map(|p| p.1).max();
    put(
        ctx,
        "population",
        [
            ("code", Arc::new(StringArray::from_iter_values(population.iter().map(|p| p.0.as_str()))) as ArrayRef),
            ("year", Arc::new(Int32Array::from_iter_values(population.iter().map(|p| p.1))) as ArrayRef),
            ("residents", Arc::new(Int64Array::from_iter_values(population.iter().map(|p| p.2))) as ArrayRef),
            (
                "latest",
                Arc::new(BooleanArray::from_iter(population.iter().map(|p| Some(Some(&p.1) == last.as_ref()))))
                    as ArrayRef,
            ),
            ("km2", Arc::new(Float64Array::from_iter(population.iter().map(|p| km2.get(&p.0).copied()))) as ArrayRef),
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

/// Registers `never_mapped`, by which `mappable_violence` leaves out what the audience's policy keeps off grids: offence
/// groups, and whether domestic events and events at a home may stand there.
///
/// # Errors
/// When it cannot be registered.
pub fn register_never_mapped(
    ctx: &SessionContext,
    groups: &[String],
    domestic: bool,
    homes: bool,
) -> Result<(), AnalyseError> {
    let mut rows: Vec<(&str, &str)> = groups.iter().map(|g| ("offence_group", g.as_str())).collect();
    if !domestic {
        rows.push(("flag", "domestic"));
    }
    if !homes {
        rows.push(("location_type", "home"));
    }
    let column =
        |f: fn(&(&str, &str)) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(f))) };
    put(ctx, "never_mapped", [("kind", column(|r| r.0.to_owned())), ("value", column(|r| r.1.to_owned()))])
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

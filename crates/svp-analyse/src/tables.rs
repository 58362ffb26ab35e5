//! The reference tables that outputs and analyses may read: `area`, `area_of_lsoa`, `lsoa_change`, `population`,
//! `population_by_age`, `daytime_population`, `deprivation`, `exclusion`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Date32Type, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::prelude::{DataFrame, SessionContext};
use svp_contract::{Area, Day, Places};

use crate::AnalyseError;
use crate::geography::{AreaRow, Held, Weighed, geography};

/// Registers what the reference data say of places: areas of every layer, which of them hold a small area, what became of small
/// areas, populations, deprivation, and the places that grids leave out.
///
/// # Errors
/// When lookups contradict each other or a table cannot be registered.
pub fn register_reference(ctx: &SessionContext, area: &Area, places: &Places) -> Result<(), AnalyseError> {
    let found = geography(area, places)?;
    register_areas(ctx, &found.areas)?;
    register_held(ctx, &found.held)?;
    register_changes(ctx, &found.changes)?;
    register_population(ctx, places)?;
    register_daytime(ctx, places)?;
    let deprivation = &places.deprivation;
    put(
        ctx,
        "deprivation",
        [
            ("lsoa", texts(deprivation, |d| Some(&d.0))),
            ("decile", Arc::new(Int32Array::from_iter_values(deprivation.iter().map(|d| d.1))) as ArrayRef),
        ],
    )?;
    let exclusions = &places.exclusions;
    put(
        ctx,
        "exclusion",
        [
            ("name", texts(exclusions, |x| Some(&x.name))),
            ("easting", numbers(exclusions, |x| x.easting)),
            ("northing", numbers(exclusions, |x| x.northing)),
            ("radius_m", numbers(exclusions, |x| x.radius_m)),
        ],
    )
}

fn register_areas(ctx: &SessionContext, rows: &[AreaRow]) -> Result<(), AnalyseError> {
    put(
        ctx,
        "area",
        [
            ("layer", texts(rows, |r| Some(&r.layer))),
            ("code", texts(rows, |r| Some(&r.code))),
            ("name", texts(rows, |r| r.name.as_deref())),
            ("parent_layer", texts(rows, |r| r.parent_layer.as_deref())),
            ("parent", texts(rows, |r| r.parent.as_deref())),
            ("published_with", texts(rows, |r| Some(&r.published_with))),
            ("gss_code", texts(rows, |r| r.gss_code.as_deref())),
            ("valid_from", days(rows, |r| r.days.0)),
            ("valid_to", days(rows, |r| r.days.1)),
        ],
    )
}

fn register_held(ctx: &SessionContext, rows: &[Held]) -> Result<(), AnalyseError> {
    put(
        ctx,
        "area_of_lsoa",
        [
            ("lsoa", texts(rows, |r| Some(&r.lsoa))),
            ("layer", texts(rows, |r| Some(&r.layer))),
            ("code", texts(rows, |r| Some(&r.code))),
            ("name", texts(rows, |r| r.name.as_deref())),
            ("published_with", texts(rows, |r| Some(&r.published_with))),
            ("share", numbers(rows, |r| r.share)),
            ("valid_from", days(rows, |r| r.days.0)),
            ("valid_to", days(rows, |r| r.days.1)),
        ],
    )
}

fn register_changes(ctx: &SessionContext, rows: &[Weighed]) -> Result<(), AnalyseError> {
    put(
        ctx,
        "lsoa_change",
        [
            ("from_code", texts(rows, |r| Some(&r.from))),
            ("to_code", texts(rows, |r| Some(&r.to))),
            ("change", texts(rows, |r| Some(r.change.word()))),
            ("weight", numbers(rows, |r| r.weight)),
            ("weighed_by", texts(rows, |r| Some(r.by))),
        ],
    )
}

fn register_population(ctx: &SessionContext, places: &Places) -> Result<(), AnalyseError> {
    let population = &places.population;
    let last = population.iter().map(|p| p.1).max();
    put(
        ctx,
        "population",
        [
            ("code", texts(population, |p| Some(&p.0))),
            ("year", Arc::new(Int32Array::from_iter_values(population.iter().map(|p| p.1))) as ArrayRef),
            ("residents", Arc::new(Int64Array::from_iter(population.iter().map(|p| p.2))) as ArrayRef),
            (
                "latest",
                Arc::new(BooleanArray::from_iter(population.iter().map(|p| Some(Some(&p.1) == last.as_ref()))))
                    as ArrayRef,
            ),
            (
                "km2",
                Arc::new(Float64Array::from_iter(population.iter().map(|p| places.km2.get(&p.0).copied()))) as ArrayRef,
            ),
        ],
    )?;
    let last = places.ages.iter().map(|a| a.year).max();
    let rows: Vec<(&str, i32, i32, i64)> = places
        .ages
        .iter()
        .flat_map(|a| (0..).zip(&a.residents).map(|(age, people)| (a.code.as_str(), a.year, age, *people)))
        .collect();
    put(
        ctx,
        "population_by_age",
        [
            ("code", texts(&rows, |r| Some(r.0))),
            ("year", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1))) as ArrayRef),
            ("age", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.2))) as ArrayRef),
            ("residents", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))) as ArrayRef),
            ("latest", Arc::new(BooleanArray::from_iter(rows.iter().map(|r| Some(Some(r.1) == last)))) as ArrayRef),
        ],
    )
}

fn register_daytime(ctx: &SessionContext, places: &Places) -> Result<(), AnalyseError> {
    let last = |layer: &str| places.daytime.iter().filter(|d| d.0 == layer).map(|d| d.2).max();
    let rows: Vec<&(String, String, i32, Option<i64>)> =
        places.daytime.iter().filter(|d| Some(d.2) == last(d.0.as_str())).collect();
    put(
        ctx,
        "daytime_population",
        [
            ("layer", texts(&rows, |d| Some(&d.0))),
            ("code", texts(&rows, |d| Some(&d.1))),
            ("year", Arc::new(Int32Array::from_iter_values(rows.iter().map(|d| d.2))) as ArrayRef),
            ("people", Arc::new(Int64Array::from_iter(rows.iter().map(|d| d.3))) as ArrayRef),
        ],
    )
}

fn texts<'a, T>(rows: &'a [T], of: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn numbers<T>(rows: &[T], of: impl Fn(&T) -> f64) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(rows.iter().map(of)))
}

fn days<T>(rows: &[T], of: impl Fn(&T) -> Option<Day>) -> ArrayRef {
    Arc::new(rows.iter().map(|row| of(row).map(|day| Date32Type::from_naive_date(day.date()))).collect::<Date32Array>())
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

pub(crate) fn put<const N: usize>(
    ctx: &SessionContext,
    name: &str,
    columns: [(&str, ArrayRef); N],
) -> Result<(), AnalyseError> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true)))
        .map_err(|source| AnalyseError::Arrow { what: format!("table {name}"), source })?;
    let fail = |source| AnalyseError::Engine { what: format!("table {name}"), source };
    ctx.deregister_table(name).map_err(fail)?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(fail)?;
    ctx.register_table(name, Arc::new(table)).map(|_| ()).map_err(fail)
}

/// Registers a query under a name, in place of an older one.
pub(crate) fn replace(ctx: &SessionContext, name: &str, df: DataFrame) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: format!("view {name}"), source };
    ctx.deregister_table(name).map_err(fail)?;
    ctx.register_table(name, df.into_view()).map(|_| ()).map_err(fail)
}

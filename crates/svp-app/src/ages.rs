//! Ages in a lake under its key: the matching of events opens them in memory, and rows that an earlier version wrote with ages in the
//! clear get the band and the sealed age in their place.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::common::{DataFusionError, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, cast, create_udf, lit};
use datafusion::prelude::{SessionContext, col};
use svp_analyse::register_empty;
use svp_contract::{AgeBand, Column, ColumnType, Table};
use svp_pseudonymise::{Key, ValueSeal};

use crate::error::AppError;

/// The column that an earlier version stored, and the one that takes its place for counting.
const AGE: &str = "age";
const BAND: &str = "age_band";

/// The columns of a table that are sealed number by number, each with the token that it is bound to and the column that it is made from.
fn sealed(table: &Table) -> impl Iterator<Item = (&Column, &str, &str)> {
    let columns = table.columns.iter().filter(|c| c.kind == ColumnType::Sealed);
    columns.filter_map(|c| Some((c, c.bound_to.as_deref()?, c.from.first()?.as_str())))
}

/// Registers the tables of the lake that have sealed numbers anew, with these numbers as columns under the names of what they were made
/// from: for one question in a run with the key, after which [`svp_lake::RunTxn::register`] takes them away again. Without a key the
/// columns are there and NULL: for planning.
///
/// # Errors
/// A table that cannot be read. A number that does not open is an error of the question.
pub(crate) async fn open_in(ctx: &SessionContext, tables: &[Table], key: Option<&Key>) -> Result<(), AppError> {
    for table in tables {
        for (column, bound_to, name) in sealed(table) {
            let Ok(rows) = ctx.table(table.name.as_str()).await else { continue };
            if !rows.schema().has_column_with_unqualified_name(&column.name) {
                continue;
            }
            let opened = match key {
                Some(key) => opener(ValueSeal::new(key, column)).call(vec![col(bound_to), col(&column.name)]),
                None => cast(lit(ScalarValue::Null), DataType::Int32),
            };
            let rows = rows.with_column(name, opened).map_err(engine)?;
            ctx.deregister_table(table.name.as_str()).map_err(engine)?;
            ctx.register_table(table.name.as_str(), rows.into_view()).map_err(engine)?;
        }
    }
    Ok(())
}

/// Registers empty tables in the place of those that were [opened](open_in): for planning.
///
/// # Errors
/// When a table cannot be registered.
pub(crate) fn close_in(ctx: &SessionContext, tables: &[Table]) -> Result<(), AppError> {
    for table in tables.iter().filter(|table| sealed(table).next().is_some()) {
        register_empty(ctx, &table.name, table.stored_schema())?;
    }
    Ok(())
}

/// The engine's own message can hold values, so it is kept as the cause and not shown.
fn engine(source: DataFusionError) -> AppError {
    AppError::Link(svp_link::LinkError::Step { step: "ages", source })
}

/// The function that opens sealed numbers. No session has it by name: nobody can ask for it in SQL.
fn opener(seal: ValueSeal) -> ScalarUDF {
    let open = move |args: &[ColumnarValue]| {
        let [rows, sealed]: [ArrayRef; 2] = ColumnarValue::values_to_arrays(args)?.try_into().map_err(|_| wrong())?;
        let (Some(rows), Some(sealed)) = (rows.as_string_opt::<i32>(), sealed.as_binary_opt::<i32>()) else {
            return Err(wrong());
        };
        let numbers = rows.iter().zip(sealed).map(|(row, sealed)| {
            let Some(sealed) = sealed else { return Ok(None) };
            match seal.open(row.unwrap_or_default(), sealed) {
                Some(number) => Ok(Some(number)),
                None => exec_err!("a sealed age does not open under the key of the lake"),
            }
        });
        let numbers: Int32Array = numbers.collect::<Result<_, DataFusionError>>()?;
        Ok(ColumnarValue::Array(Arc::new(numbers)))
    };
    create_udf(
        "opened_number",
        vec![DataType::Utf8, DataType::Binary],
        DataType::Int32,
        Volatility::Immutable,
        Arc::new(open),
    )
}

fn wrong() -> DataFusionError {
    DataFusionError::Internal("sealed ages are bytes beside a token".to_owned())
}

/// What turns rows of a table with an exact age into rows with a band, and the age sealed where the table keeps it so.
pub(crate) struct Banded<'a> {
    table: Option<&'a Table>,
    seals: Vec<(&'a Column, &'a str, ValueSeal)>,
}

impl<'a> Banded<'a> {
    /// For a table of the site, or none of them, under the key of the lake.
    pub(crate) fn new(table: Option<&'a Table>, key: &Key) -> Self {
        let seals = table.into_iter().flat_map(sealed).filter(|(_, _, from)| *from == AGE);
        let seals = seals.map(|(column, bound_to, _)| (column, bound_to, ValueSeal::new(key, column))).collect();
        Self { table, seals }
    }

    /// The rows with what follows from the age. A band that the source gave without an age stays, in the form of now; one whose ends are
    /// no edges goes.
    ///
    /// # Errors
    /// A batch that cannot be built.
    pub(crate) fn turn(&self, batch: &RecordBatch) -> Result<RecordBatch, AppError> {
        let has_band = self.table.is_some_and(|t| t.column(BAND).is_some());
        let ages = batch.column_by_name(AGE).and_then(|c| c.as_primitive_opt::<Int32Type>());
        let Some(ages) = ages.filter(|_| has_band) else { return Ok(batch.clone()) };
        let bands = batch.column_by_name(BAND).and_then(|c| c.as_string_opt::<i32>());
        let kept = |row: usize| -> Option<String> {
            let bands = bands.filter(|bands| bands.is_valid(row))?;
            AgeBand::parse(bands.value(row)).filter(|band| band.is_kept()).map(|band| band.to_string())
        };
        let band = |row: usize| match ages.is_valid(row) {
            true => AgeBand::of(ages.value(row)).map(|band| band.to_string()),
            false => kept(row),
        };
        let mut new: Vec<(Field, ArrayRef)> = Vec::new();
        let banded: StringArray = (0..batch.num_rows()).map(band).collect();
        new.push((Field::new(BAND, DataType::Utf8, true), Arc::new(banded)));
        for (column, bound_to, seal) in &self.seals {
            let tokens = batch.column_by_name(bound_to).and_then(|c| c.as_string_opt::<i32>());
            let mut out = BinaryBuilder::new();
            for (row, age) in ages.iter().enumerate() {
                let token = tokens.filter(|t| t.is_valid(row)).map_or("", |t| t.value(row));
                out.append_option(age.and_then(|age| seal.seal(token, age)));
            }
            new.push((Field::new(&column.name, DataType::Binary, true), Arc::new(out.finish())));
        }
        let schema = batch.schema();
        let stays = |name: &str| name != AGE && !new.iter().any(|(field, _)| field.name() == name);
        let old = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| stays(field.name()));
        let old: Vec<(Field, ArrayRef)> = old.map(|(f, c)| (f.as_ref().clone(), Arc::clone(c))).collect();
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = old.into_iter().chain(new).unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(AppError::from)
    }
}

#[cfg(test)]
mod tests {
    use svp_lake::Limits;

    use super::*;

    /// Ages of an earlier version become bands and sealed ages, which open to the same.
    #[test]
    fn an_age_in_the_clear_becomes_a_band_and_a_sealed_age() {
        let tables = svp_contract::canonical_tables().unwrap();
        let key = Key::generate("test").unwrap();
        let texts = |values: &[Option<&str>]| Arc::new(StringArray::from_iter(values.iter().copied())) as ArrayRef;
        let old = RecordBatch::try_from_iter_with_nullable([
            ("party_id", texts(&[Some("a"), Some("b"), Some("c"), Some("d")]), true),
            ("age", Arc::new(Int32Array::from(vec![Some(97), Some(17), None, None])) as ArrayRef, true),
            ("age_band", texts(&[Some("65+"), Some("10-17"), Some("over 34"), Some("16-24")]), true),
        ])
        .unwrap();
        let table = |name: &str| tables.iter().find(|t| t.name == name);
        let new = Banded::new(table("party"), &key).turn(&old).unwrap();
        assert!(new.column_by_name("age").is_none());
        let bands: Vec<Option<&str>> = new.column_by_name("age_band").unwrap().as_string::<i32>().iter().collect();
        assert_eq!(bands, [Some("90+"), Some("15-17"), Some("35+"), None]);

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let ages = |key: Option<&Key>| {
            let ctx = svp_lake::session(&Limits { memory_bytes: None, threads: 1, spill_dir: None }).unwrap();
            ctx.register_batch("party", new.clone()).unwrap();
            let rows = runtime.block_on(async {
                open_in(&ctx, &tables, key).await.unwrap();
                ctx.sql("SELECT age FROM party ORDER BY party_id").await.unwrap().collect().await
            });
            rows.map(|rows| rows[0].column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>())
        };
        assert_eq!(ages(Some(&key)).unwrap(), [Some(97), Some(17), None, None]);
        assert_eq!(ages(None).unwrap(), [None; 4]);
        // Under another key nothing opens, and no number is made of it.
        assert!(ages(Some(&Key::generate("test").unwrap())).is_err());
        // A span has the band alone.
        let span = Banded::new(table("episode"), &key).turn(&old).unwrap();
        assert!(span.column_by_name("age").is_none() && span.column_by_name("age_sealed").is_none());
    }
}

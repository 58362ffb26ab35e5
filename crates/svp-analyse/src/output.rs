//! Runs an output: SELECT, disclosure control, derived columns, order. In that order and no other.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use datafusion::prelude::{SessionContext, col};
use datafusion::sql::parser::DFParser;
use datafusion::sql::resolve::resolve_table_references;
use svp_contract::{Output, Problem, PublishedName, Table, nearest};
use svp_disclose::event_set::EventSet;
use svp_disclose::{Disclosed, Policy, Raw};

use crate::AnalyseError;
use crate::ages::{hint, unknown_edges};
use crate::content::{faults, unlimited};

/// What an output gave.
#[derive(Debug, Clone)]
pub enum Content {
    /// A table that may be shown.
    Table(Disclosed<RecordBatch>),
    /// Why there is none. Never zero.
    NotAvailable(String),
}

/// An output under a definition.
#[derive(Debug, Clone)]
pub struct Result {
    /// Output and definition.
    pub name: PublishedName,
    /// What it gave.
    pub content: Content,
}

const ROW: &str = "__row";
fn engine(output: &Output) -> impl Fn(datafusion::error::DataFusionError) -> AnalyseError {
    let what = format!("output {}", output.name);
    move |source| AnalyseError::Engine { what: what.clone(), source }
}

/// Plans an output against the tables that are registered, compares its columns with its header, and follows grain and
/// attributes to where they come from; `tables` describes the tables.
pub async fn check_output(ctx: &SessionContext, tables: &[Table], file: &str, output: &Output) -> Vec<Problem> {
    let mut problems = Vec::new();
    let registered =
        ctx.catalog("datafusion").and_then(|c| c.schema("public")).map(|s| s.table_names()).unwrap_or_default();
    match ctx.sql(&output.sql).await {
        Ok(df) => {
            let names: Vec<String> = df.schema().fields().iter().map(|f| f.name().clone()).collect();
            let wanted: Vec<&str> = output.selected().collect();
            if names != wanted {
                problems.push(
                    Problem::new(
                        file,
                        format!("the SELECT gives ({}), the header says ({})", names.join(", "), wanted.join(", ")),
                    )
                    .hint("grain, attributes and counts of the header name the columns of the SELECT in order"),
                );
            } else {
                let faults = faults(tables, output, df.logical_plan());
                problems.extend(faults.into_iter().map(|(what, hint)| Problem::new(file, what).hint(hint)));
            }
            problems.extend(unknown_edges(df.logical_plan()).map(|ages| Problem::new(file, ages).hint(hint())));
        }
        Err(error) => {
            let message = error.to_string();
            let problem = Problem::new(file, message.lines().next().unwrap_or_default());
            problems.push(match missing_table(&output.sql, &registered) {
                Some(near) => problem.hint(format!("did you mean the table `{near}`?")),
                None => problem.hint("the SELECT reads the columns of `svp dictionary tables`, by way of `serious_violence` and `mappable_violence`"),
            });
        }
    }
    if !registered.contains(&output.universe) {
        problems.push(
            Problem::new(file, format!("there is no view `{}` of events", output.universe))
                .hint("`universe` is serious_violence, mappable_violence or timed_violence"),
        );
    }
    for derived in &output.derived {
        for input in &derived.inputs {
            if !output.counts.iter().any(|c| c.name == *input) {
                problems.push(Problem::new(
                    file,
                    format!("derived column {}: `{input}` is no count of this output", derived.name),
                ));
            }
        }
    }
    problems
}

/// The name nearest to the first table that a query reads and that is not there.
fn missing_table<'t>(sql: &str, tables: &'t [String]) -> Option<&'t str> {
    let statement = DFParser::parse_sql(sql).ok()?.pop_front()?;
    let (read, _) = resolve_table_references(&statement, true).ok()?;
    let missing = read.iter().find(|t| !tables.iter().any(|known| known == t.table()))?;
    nearest(missing.table(), tables.iter().map(String::as_str))
}

/// What an output counted, before disclosure control.
#[derive(Debug)]
pub enum Counted {
    /// Counts that nobody may see yet.
    Raw(Box<Raw>),
    /// Why there are none.
    NotAvailable(String),
}

/// Runs one output under the views that are registered now. What comes back goes through
/// [`svp_disclose::disclose()`] together with all other tables of the release, and then to [`derive()`].
///
/// # Errors
/// When the engine fails, the columns are not those of the header, or grain or attributes say more than they may.
pub async fn count_output(
    ctx: &SessionContext,
    tables: &[Table],
    output: &Output,
    name: &str,
    set: EventSet,
    policy: &Policy,
) -> std::result::Result<Counted, AnalyseError> {
    let fail = engine(output);
    let df = ctx.sql(&output.sql).await.map_err(&fail)?;
    let schema: Arc<Schema> = Arc::new(df.schema().as_arrow().clone());
    let plan = df.logical_plan().clone();
    if let Some(ages) = unknown_edges(&plan) {
        return Err(AnalyseError::AgeEdge { what: format!("output {}", output.name), ages });
    }
    let batches = df.collect().await.map_err(&fail)?;
    let arrow = |source| AnalyseError::Arrow { what: format!("output {}", output.name), source };
    let table = concat_batches(&schema, &batches).map_err(arrow)?;
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let wanted: Vec<&str> = output.selected().collect();
    if names != wanted {
        return Err(AnalyseError::Header {
            output: output.name.clone(),
            what: format!("the SELECT gives ({})", names.join(", ")),
        });
    }
    if let Some((what, hint)) = faults(tables, output, &plan).into_iter().next() {
        return Err(AnalyseError::Content { output: output.name.clone(), what, hint });
    }
    if let Some((what, hint)) = unlimited(output, &table) {
        return Err(AnalyseError::Content { output: output.name.clone(), what, hint });
    }
    if table.num_rows() == 0 {
        return Ok(Counted::NotAvailable(output.not_available.clone()));
    }
    // The order of the SELECT may follow the true counts and would tell them: rows go by grain from here on.
    let table = by_grain(output, &table).map_err(arrow)?;
    let refused = |source| AnalyseError::Disclose { output: output.name.clone(), source };
    Ok(Counted::Raw(Box::new(Raw::new(name, output, set, policy.clone(), table).map_err(refused)?)))
}

/// Adds the derived columns to a disclosed table.
///
/// # Errors
/// When the engine fails, or a derived value would reveal what was suppressed.
pub async fn derive(
    ctx: &SessionContext,
    output: &Output,
    disclosed: Disclosed<RecordBatch>,
) -> std::result::Result<Disclosed<RecordBatch>, AnalyseError> {
    if output.derived.is_empty() {
        return Ok(disclosed);
    }
    let derived = derived_columns(ctx, output, &disclosed).await?;
    let inputs: Vec<(String, Vec<String>)> =
        output.derived.iter().map(|d| (d.name.clone(), d.inputs.clone())).collect();
    disclosed
        .with_derived(derived, &inputs)
        .map_err(|source| AnalyseError::Disclose { output: output.name.clone(), source })
}

/// Sorts rows by the columns of the grain.
fn by_grain(output: &Output, table: &RecordBatch) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let columns: Vec<arrow::compute::SortColumn> = output
        .grain
        .iter()
        .filter_map(|c| table.column_by_name(&c.name))
        .map(|values| arrow::compute::SortColumn { values: Arc::clone(values), options: None })
        .collect();
    let order = arrow::compute::lexsort_to_indices(&columns, None)?;
    take_record_batch(table, &order)
}

/// Computes the derived columns over the disclosed ones, rows in their order.
async fn derived_columns(
    ctx: &SessionContext,
    output: &Output,
    disclosed: &Disclosed<RecordBatch>,
) -> std::result::Result<RecordBatch, AnalyseError> {
    let fail = engine(output);
    let arrow = |source| AnalyseError::Arrow { what: format!("output {}", output.name), source };
    let base = disclosed.get();
    let mut fields: Vec<Field> = base.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let mut columns: Vec<ArrayRef> = base.columns().to_vec();
    fields.push(Field::new(ROW, DataType::UInt32, false));
    columns.push(Arc::new(UInt32Array::from_iter_values(0..u32::try_from(base.num_rows()).unwrap_or(u32::MAX))));
    let numbered = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow)?;
    let df = ctx.read_batch(numbered).map_err(&fail)?;
    let mut select = vec![col(ROW)];
    for d in &output.derived {
        select.push(df.parse_sql_expr(&d.expr).map_err(&fail)?.alias(&d.name));
    }
    let out = df.select(select).map_err(&fail)?;
    let schema: Arc<Schema> = Arc::new(out.schema().as_arrow().clone());
    let out = concat_batches(&schema, &out.collect().await.map_err(&fail)?).map_err(arrow)?;
    // Window functions change the order of rows; the number brings them back.
    let numbers = out.column(0).as_primitive::<UInt32Type>();
    let mut back = vec![0u32; numbers.len()];
    for (at, row) in numbers.values().iter().enumerate() {
        back[*row as usize] = u32::try_from(at).unwrap_or(u32::MAX);
    }
    let out = take_record_batch(&out, &UInt32Array::from(back)).map_err(arrow)?;
    let mut fields: Vec<Field> = base.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let mut columns: Vec<ArrayRef> = base.columns().to_vec();
    for (field, column) in out.schema().fields().iter().zip(out.columns()).skip(1) {
        fields.push(Field::new(field.name(), field.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow)
}

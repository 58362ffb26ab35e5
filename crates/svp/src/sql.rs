//! `svp sql`: the lake as tables, with every function registered; nothing can be written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::array_value_to_string;
use arrow::util::pretty::pretty_format_batches;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use svp_app::{AppError, Calendar, Ground, LakeOf, OffGrid, Progress, Rows, Setting, Site, Stage, paths, period};
use svp_lake::{Lake, Look, Open};

use crate::args::{Cli, lake_at};
use crate::query_failure;
use crate::question_args::{ResultForm, SqlArgs};
use crate::tell::Tell;

/// What is said where person records are asked for.
const SEALED: &str = "person records are sealed, and `svp sql` has no key; `svp link --explain`, `--pair` and `--evaluate` open them with it";

/// The command.
pub async fn command(cli: &Cli, args: &SqlArgs, tell: &Tell) -> Result<(), AppError> {
    let lake = lake_at(&args.lake, &args.store_option).open(Open::Read).await?;
    if let Some(run) = lake.lost_run() {
        let shown = lake.last_run().map_or(0, |run| run.number);
        tell.step(
            "lake",
            &format!("warning: the record of run {run} is gone; what is shown is the state after run {shown}"),
        );
    }
    let machine = cli.machine();
    let ctx = match &args.area {
        Some(name) => {
            let site = Site::sound(&cli.site)?;
            let area = &site.area(name)?.item;
            let paths = paths(&site, area, &args.paths.choice())?;
            let setting = Setting {
                ground: Some(Ground { area, paths: &paths, postcodes: true, tables: true }),
                rows: Rows::Lake { lake: LakeOf::Open(&lake), calendar: Calendar::IfEvents },
                months: Some(period(area)),
                off_grid: OffGrid::Unasked,
                hold_coverage: false,
            };
            Stage::open(&site, &machine, setting, tell).await?.ctx
        }
        None => Stage::bare(&machine, &lake).await?.ctx,
    };
    if args.linkage {
        tell.step("sql", &format!("{SEALED}; `person_link` and `person_history` say who is whom, by tokens"));
    }
    match &args.query {
        Some(query) => {
            let text = answer(&ctx, &lake, &mut BTreeSet::new(), query, args.format).await?;
            tell.print(text.trim_end());
            Ok(())
        }
        None => ask(&ctx, &lake, args.format, tell).await,
    }
}

/// Refuses to count rows of a file that is not, byte for byte, what a run wrote: the live files of the tables that a plan reads are
/// looked at, once each.
async fn as_written(lake: &Lake, plan: &LogicalPlan, seen: &mut BTreeSet<String>) -> Result<(), AppError> {
    let mut read = BTreeSet::new();
    scanned(plan, &mut read);
    let new: BTreeSet<String> = read.difference(seen).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let damaged = lake.verify_those(Look::Bytes, &|table| new.contains(table)).await?.damaged;
    if !damaged.is_empty() {
        return Err(AppError::Damage(damaged));
    }
    seen.extend(new);
    Ok(())
}

/// The tables that a plan reads, those behind views among them.
fn scanned(plan: &LogicalPlan, out: &mut BTreeSet<String>) {
    // Nothing in here fails; the walk only wants a result.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && out.insert(scan.table_name.table().to_owned())
            && let Some(view) = scan.source.get_logical_plan()
        {
            scanned(&view, out);
        }
        Ok(TreeNodeRecursion::Continue)
    });
}

/// Answers one query. Only reading is allowed: the plan is looked at as a whole, EXPLAIN ANALYZE included.
async fn answer(
    ctx: &SessionContext,
    lake: &Lake,
    seen: &mut BTreeSet<String>,
    query: &str,
    form: ResultForm,
) -> Result<String, AppError> {
    let failed = |e: datafusion::error::DataFusionError| {
        let text = e.strip_backtrace();
        let sealed =
            ["person_record", "person_record_superseded"].iter().any(|t| text.contains(&format!("{t}' not found")));
        AppError::Query(if sealed { format!("{text}: {SEALED}") } else { text })
    };
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    query_failure::bounded(query)?;
    let df = ctx.sql_with_options(query.trim().trim_end_matches(';'), reading).await.map_err(failed)?;
    let schema = df.schema().as_arrow().clone();
    let plan = df.logical_plan().clone();
    as_written(lake, &plan, seen).await?;
    // What the engine says of a query that fails while it runs can quote a value.
    let mut batches = df.collect().await.map_err(|error| query_failure::told(&error, &plan))?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema.into()));
    }
    render(&batches, form)
}

pub(crate) fn render(batches: &[RecordBatch], form: ResultForm) -> Result<String, AppError> {
    match form {
        ResultForm::Table => Ok(pretty_format_batches(batches)?.to_string()),
        ResultForm::Csv => {
            let mut out = Vec::new();
            let mut writer = arrow::csv::Writer::new(&mut out);
            for batch in batches {
                writer.write(&flat(batch)?)?;
            }
            drop(writer);
            Ok(String::from_utf8_lossy(&out).into_owned())
        }
        ResultForm::Json => {
            let mut lines = String::new();
            for batch in batches {
                for row in 0..batch.num_rows() {
                    let mut object: BTreeMap<String, serde_json::Value> = BTreeMap::new();
                    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                        let text = array_value_to_string(column, row)?;
                        let value = if column.is_null(row) {
                            serde_json::Value::Null
                        } else if field.data_type().is_numeric() || *field.data_type() == DataType::Boolean {
                            serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
                        } else {
                            serde_json::Value::String(text)
                        };
                        object.insert(field.name().clone(), value);
                    }
                    let object: serde_json::Value = object.into_iter().collect();
                    lines.push_str(&format!("{object}\n"));
                }
            }
            Ok(lines)
        }
    }
}

/// The batch with nested columns (structs, lists) as the text that the table form shows: CSV has no nesting.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, AppError> {
    if !batch.schema().fields().iter().any(|f| f.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if field.data_type().is_nested() {
            let texts = (0..batch.num_rows())
                .map(|row| column.is_valid(row).then(|| array_value_to_string(column, row)).transpose())
                .collect::<Result<StringArray, _>>()?;
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(Arc::new(texts));
        } else {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(column));
        }
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Asks the terminal until it ends.
async fn ask(ctx: &SessionContext, lake: &Lake, form: ResultForm, tell: &Tell) -> Result<(), AppError> {
    let mut editor = DefaultEditor::new().map_err(|e| AppError::Query(e.to_string()))?;
    tell.step("sql", "a query ends with `;`, \\q or Ctrl-D leaves; try SHOW TABLES;");
    let mut query = String::new();
    let mut seen = BTreeSet::new();
    loop {
        let prompt = if query.is_empty() { "svp> " } else { "...> " };
        match editor.readline(prompt) {
            Ok(line) if query.is_empty() && matches!(line.trim(), "\\q" | "quit" | "exit") => return Ok(()),
            Ok(line) => {
                query.push_str(&line);
                query.push('\n');
                if !line.trim_end().ends_with(';') {
                    continue;
                }
                let _ = editor.add_history_entry(query.trim());
                match answer(ctx, lake, &mut seen, &query, form).await {
                    Ok(text) => tell.print(text),
                    Err(error) => tell.error(&error),
                }
                query.clear();
            }
            Err(ReadlineError::Interrupted) => query.clear(),
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(AppError::Query(error.to_string())),
        }
    }
}

//! Plans the mapping of a feed: every expression is parsed, typed and made physical before a row is read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, expr::ScalarFunction};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use svp_contract::{Column, Feed, Mapping, Nature, Problem, Source, Table, nearest};

use crate::error::IngestError;
use crate::pending::Pending;

/// Conversions that turn text into something else: where the text is there and the result is NULL, the value
/// could not be read.
const CONVERSIONS: [&str; 14] = [
    "parse_number",
    "parse_integer",
    "parse_flag",
    "code_map",
    "uk_timestamp",
    "utc_timestamp",
    "uk_date",
    "birth_date",
    "nhs_number",
    "upn",
    "postcode",
    "area_code",
    "offence_code",
    "month_text",
];

/// An expression ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub expr: Arc<dyn PhysicalExpr>,
}

/// One conversion inside a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Conversion {
    /// The text that is converted.
    pub input: Ready,
    /// The conversion; `None` where it is the whole mapping, whose result is at hand.
    pub output: Option<Ready>,
    /// `unknown_code` or `unreadable`.
    pub rule: &'static str,
}

/// Where a staged column comes from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// An expression over the source's columns.
    Mapped { ready: Ready, conversions: Vec<Conversion>, constant: bool },
    /// An expression over the staged columns.
    Derived(Ready),
    /// The id of the record.
    RecordId,
    /// Whether the record has an id of its own.
    Identified,
    /// Name of the source.
    Source,
    /// Slot of the file.
    Slot,
    /// Row of the file.
    SourceRow,
    /// Digest of the row.
    RowDigest,
    /// Nothing.
    Null,
}

/// One staged column.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub column: Column,
    /// Index in the working schema.
    pub index: usize,
    pub origin: Origin,
    pub codes: HashSet<String>,
}

/// A rule over several staged columns.
#[derive(Debug, Clone)]
pub(crate) struct PlannedCheck {
    pub check: svp_contract::Check,
    pub ready: Ready,
}

/// The way from a feed's row to one canonical table.
#[derive(Debug, Clone)]
pub(crate) struct TargetPlan {
    pub table: Table,
    pub working: SchemaRef,
    pub steps: Vec<Step>,
    pub checks: Vec<PlannedCheck>,
    pub when: Option<Ready>,
    pub once_per: Option<Ready>,
}

/// A feed, planned.
#[derive(Debug, Clone)]
pub struct FeedPlan {
    pub(crate) name: String,
    pub(crate) at: String,
    pub(crate) input: SchemaRef,
    /// How many of the columns are the file's own: after them come those that tell of the whole file.
    pub(crate) text_columns: usize,
    pub(crate) record_id: Option<Ready>,
    pub(crate) row_key: Option<Ready>,
    /// Later extracts revise by the id, so a row without one cannot be kept.
    pub(crate) id_needed: bool,
    pub(crate) targets: Vec<TargetPlan>,
}

impl FeedPlan {
    /// Name of the feed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The steps as text, for `--dry-run`.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut out = Vec::new();
        for target in &self.targets {
            for step in &target.steps {
                let how = match &step.origin {
                    Origin::Mapped { ready, .. } => format!("{}", ready.expr),
                    Origin::Derived(ready) => format!("derived: {}", ready.expr),
                    Origin::RecordId => "id of the record".into(),
                    Origin::Identified => "whether the record has an id".into(),
                    Origin::Source => "name of the source".into(),
                    Origin::Slot => "slot of the file".into(),
                    Origin::SourceRow => "row of the file".into(),
                    Origin::RowDigest => "keyed digest of the row".into(),
                    Origin::Null => continue,
                };
                out.push(format!("{}.{} <- {how}", target.table.name, step.column.name));
            }
        }
        out
    }
}

/// Plans one feed of a source. `ctx` has every function registered, the source's code maps bound.
///
/// # Errors
/// All problems of the feed at once.
pub fn plan_feed(
    ctx: &SessionContext,
    source: &Source,
    file: &str,
    feed: &Feed,
    tables: &[Table],
) -> Result<FeedPlan, Vec<Problem>> {
    let at = format!("{file} feed {}", feed.name);
    let names = feed.columns.iter().chain(feed.optional.iter().filter(|c| !feed.columns.contains(c)));
    let mut fields: Vec<Field> = names.map(|c| Field::new(c, DataType::Utf8, true)).collect();
    let text_columns = fields.len();
    let asks = |fact: &&str| {
        let quoted = format!("\"{fact}\"");
        let of_mappings = feed.targets().flat_map(|(_, mapping)| mapping.values());
        of_mappings.chain(&feed.record_id).chain(&feed.row_key).any(|sql| sql.contains(&quoted))
    };
    fields.extend(FILE_FACTS.into_iter().filter(asks).map(|fact| Field::new(fact, DataType::Utf8, true)));
    let input: SchemaRef = Arc::new(Schema::new(fields));
    let mut problems = Vec::new();
    let mut planner = Planner { ctx, source, problems: &mut problems };
    let record_id = feed.record_id.as_ref().and_then(|sql| planner.text(&at, "record_id", sql, &input));
    let row_key =
        feed.row_key.as_ref().and_then(|sql| planner.text(&at, "row_key", sql, &input)).or_else(|| record_id.clone());
    let mut targets = Vec::new();
    for (name, mapping) in feed.targets() {
        if let Some(table) = tables.iter().find(|t| t.name == name)
            && let Some(target) = planner.target(&format!("{at} table {name}"), &input, table, mapping)
        {
            targets.push(target);
        }
    }
    if targets.is_empty() && problems.is_empty() {
        problems.push(
            Problem::new(&at, "the feed maps to no table")
                .hint("add [feed.event], [feed.party], [feed.episode] or [feed.person_record]"),
        );
    }
    if problems.is_empty() {
        let id_needed = source.files.revises == svp_contract::Revises::Record;
        Ok(FeedPlan { name: feed.name.clone(), at, input, text_columns, record_id, row_key, id_needed, targets })
    } else {
        Err(problems)
    }
}

/// Plans one expression of a source that gives a text, over columns of text.
pub(crate) fn plan_expression(
    ctx: &SessionContext,
    source: &Source,
    at: &str,
    what: &str,
    sql: &str,
    schema: &SchemaRef,
) -> Result<Ready, Vec<Problem>> {
    let mut problems = Vec::new();
    let ready = Planner { ctx, source, problems: &mut problems }.text(at, what, sql, schema);
    ready.ok_or(problems)
}

/// Columns that an expression of a feed may read although no file has them: what is known of the file as a whole.
const FILE_FACTS: [&str; 1] = ["file.sender"];

impl FeedPlan {
    /// A batch of the feed's columns with those that tell of the whole file, as far as its expressions ask for them.
    pub(crate) fn with_facts(&self, batch: &RecordBatch, file: &Pending) -> Result<RecordBatch, IngestError> {
        if self.text_columns == self.input.fields().len() {
            return Ok(batch.clone());
        }
        let sender = StringArray::from_iter(std::iter::repeat_n(file.sender.as_deref(), batch.num_rows()));
        let columns = batch.columns().iter().cloned().chain([Arc::new(sender) as ArrayRef]).collect();
        RecordBatch::try_new(Arc::clone(&self.input), columns)
            .map_err(|source| IngestError::Arrow { at: format!("{} facts", self.at), source })
    }
}

struct Planner<'a> {
    ctx: &'a SessionContext,
    source: &'a Source,
    problems: &'a mut Vec<Problem>,
}

impl Planner<'_> {
    /// Parses and types an expression over `schema`.
    fn logical(&mut self, at: &str, what: &str, sql: &str, schema: &SchemaRef) -> Option<(Expr, DFSchema)> {
        let df = match DFSchema::try_from(Arc::clone(schema)) {
            Ok(df) => df,
            Err(_) => {
                self.problems.push(Problem::new(at, "two columns have the same name"));
                return None;
            }
        };
        let problem = match self.ctx.parse_sql_expr(sql, &df) {
            Ok(expr) => return Some((expr, df)),
            // Definitions hold no data, so the engine's message may be shown.
            Err(error) => Problem::new(at, format!("{what}: {}", first_line(&error.to_string()))),
        };
        let message = problem.what.clone();
        let problem = match message.split("No field named ").nth(1).and_then(|rest| rest.split(['.', ' ']).next()) {
            Some(name) => {
                let name = name.trim_matches(['"', '\\', '\'', '.']).to_owned();
                match nearest(&name, schema.fields().iter().map(|f| f.name().as_str())) {
                    Some(near) => problem
                        .hint(format!("did you mean \"{near}\"? Names with capitals or blanks stand in double quotes")),
                    None => problem.hint("names with capitals or blanks stand in double quotes"),
                }
            }
            None => problem,
        };
        self.problems.push(problem);
        None
    }

    fn ready(&mut self, at: &str, what: &str, expr: Expr, df: &DFSchema) -> Option<Ready> {
        // Some functions (coalesce) exist only until they are simplified, so that comes first, after coercion.
        let context = SimplifyContext::builder().with_schema(Arc::new(df.clone())).build();
        let simplifier = ExprSimplifier::new(context);
        let simple = simplifier.coerce(expr, df).and_then(|e| simplifier.simplify(e));
        match simple.and_then(|e| self.ctx.state().create_physical_expr(e, df)) {
            Ok(expr) => Some(Ready { expr }),
            Err(error) => {
                self.problems.push(Problem::new(at, format!("{what}: {}", first_line(&error.to_string()))));
                None
            }
        }
    }

    fn text(&mut self, at: &str, what: &str, sql: &str, schema: &SchemaRef) -> Option<Ready> {
        self.typed(at, what, sql, schema, &DataType::Utf8).map(|(ready, _)| ready)
    }

    fn typed(
        &mut self,
        at: &str,
        what: &str,
        sql: &str,
        schema: &SchemaRef,
        wanted: &DataType,
    ) -> Option<(Ready, Expr)> {
        let (expr, df) = self.logical(at, what, sql, schema)?;
        let cast = match expr.get_type(&df) {
            Ok(kind) if kind == *wanted => expr.clone(),
            Ok(_) => match expr.clone().cast_to(wanted, &df) {
                Ok(cast) => cast,
                Err(error) => {
                    self.problems.push(Problem::new(at, format!("{what}: {}", first_line(&error.to_string()))));
                    return None;
                }
            },
            Err(error) => {
                self.problems.push(Problem::new(at, format!("{what}: {}", first_line(&error.to_string()))));
                return None;
            }
        };
        self.ready(at, what, cast, &df).map(|ready| (ready, expr))
    }

    fn target(&mut self, at: &str, input: &SchemaRef, table: &Table, mapping: &Mapping) -> Option<TargetPlan> {
        let before = self.problems.len();
        let fields: Vec<Field> = table.columns.iter().map(|c| Field::new(&c.name, c.kind.arrow(), true)).collect();
        let working: SchemaRef = Arc::new(Schema::new(fields));
        let when =
            mapping.get("when").and_then(|sql| self.typed(at, "when", sql, input, &DataType::Boolean)).map(|(r, _)| r);
        let once_per = mapping.get("once_per").and_then(|sql| self.text(at, "once_per", sql, input));

        let mut resolver = Resolver { table, mapping, order: Vec::new(), state: BTreeMap::new() };
        for column in &table.columns {
            let needed = column.nature() == Nature::Stored || mapping.contains_key(&column.name);
            if needed {
                resolver.need(&column.name);
            }
        }
        for check in &table.checks {
            for name in words(&check.expr) {
                resolver.need(name);
            }
        }
        let order = resolver.order;
        let mut steps = Vec::new();
        for name in order {
            let Some((index, column)) = table.columns.iter().enumerate().find(|(_, c)| c.name == name) else {
                continue;
            };
            if let Some(step) = self.step(at, input, &working, table, mapping, index, column) {
                steps.push(step);
            }
        }
        let mut checks = Vec::new();
        for check in &table.checks {
            let what = format!("schemas/{}.toml check {}", table.name, check.rule);
            if let Some((ready, _)) = self.typed(&what, "expr", &check.expr, &working, &DataType::Boolean) {
                checks.push(PlannedCheck { check: check.clone(), ready });
            }
        }
        (self.problems.len() == before).then(|| TargetPlan {
            table: table.clone(),
            working,
            steps,
            checks,
            when,
            once_per,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn step(
        &mut self,
        at: &str,
        input: &SchemaRef,
        working: &SchemaRef,
        table: &Table,
        mapping: &Mapping,
        index: usize,
        column: &Column,
    ) -> Option<Step> {
        let codes = column.codes.keys().cloned().collect();
        let step = |origin| Some(Step { column: column.clone(), index, origin, codes });
        if !column.from.is_empty() {
            return None;
        }
        if let Some(sql) = mapping.get(&column.name) {
            let (ready, expr) = self.typed(at, &column.name, sql, input, &column.kind.arrow())?;
            let constant = expr.column_refs().is_empty();
            let conversions = self.conversions(at, &column.name, &expr, input)?;
            return step(Origin::Mapped { ready, conversions, constant });
        }
        match column.name.as_str() {
            "source" => return step(Origin::Source),
            "slot" => return step(Origin::Slot),
            "source_row" => return step(Origin::SourceRow),
            "row_digest" => return step(Origin::RowDigest),
            "identified" => return step(Origin::Identified),
            "record_id" => return step(Origin::RecordId),
            _ => {}
        }
        match &column.derive {
            Some(sql) => {
                let what = format!("schemas/{}.toml {} derive", table.name, column.name);
                let (ready, _) = self.typed(&what, "derive", sql, working, &column.kind.arrow())?;
                step(Origin::Derived(ready))
            }
            None => step(Origin::Null),
        }
    }

    /// The outermost conversions of a mapping.
    fn conversions(&mut self, at: &str, column: &str, expr: &Expr, input: &SchemaRef) -> Option<Vec<Conversion>> {
        let mut found: Vec<(Expr, ScalarFunction, bool)> = Vec::new();
        let mut first = true;
        let _ = expr.apply(|node| {
            let top = std::mem::take(&mut first);
            if let Expr::ScalarFunction(call) = node
                && CONVERSIONS.contains(&call.name())
            {
                found.push((node.clone(), call.clone(), top));
                return Ok(TreeNodeRecursion::Jump);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        let df = DFSchema::try_from(Arc::clone(input)).ok()?;
        let mut out = Vec::new();
        for (node, call, top) in found {
            let is_map = call.name() == "code_map";
            if is_map
                && let Some(Expr::Literal(value, _)) = call.args.first()
                && let Some(Some(map)) = value.try_as_str()
                && !self.source.maps.contains_key(map)
            {
                let problem = Problem::new(at, format!("{column}: the source has no map `{map}`"));
                self.problems.push(match nearest(map, self.source.maps.keys().map(String::as_str)) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint(format!("add [maps.{map}]")),
                });
                return None;
            }
            let Some(argument) = call.args.get(usize::from(is_map)) else { continue };
            let input = self.ready(at, column, argument.clone(), &df)?;
            let output = if top { None } else { Some(self.ready(at, column, node, &df)?) };
            out.push(Conversion { input, output, rule: if is_map { "unknown_code" } else { "unreadable" } });
        }
        Some(out)
    }
}

/// Brings the columns that are needed into an order in which each stands after what it is derived from. A
/// circle (a place given neither way) leaves its columns NULL.
struct Resolver<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    order: Vec<String>,
    state: BTreeMap<String, bool>,
}

impl Resolver<'_> {
    fn need(&mut self, name: &str) {
        if self.state.contains_key(name) {
            return;
        }
        let Some(column) = self.table.column(name) else { return };
        self.state.insert(name.to_owned(), false);
        for part in &column.from {
            self.need(part);
        }
        if !self.mapping.contains_key(name)
            && let Some(sql) = &column.derive
        {
            for word in words(sql) {
                self.need(word);
            }
        }
        self.order.push(name.to_owned());
        self.state.insert(name.to_owned(), true);
    }
}

/// The words of an expression that can be column names.
pub(crate) fn words(sql: &str) -> impl Iterator<Item = &str> {
    // Text in single quotes is no column.
    sql.split('\'')
        .step_by(2)
        .flat_map(|outside| outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|w| !w.is_empty())
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim().to_owned()
}

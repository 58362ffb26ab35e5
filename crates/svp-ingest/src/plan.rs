//! Plans the mapping of a feed: every expression is parsed, typed and made physical before a row is read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{DFSchema, DataFusionError, SchemaError};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionContext;
use svp_contract::{AGE_EDGES, Column, Feed, Mapping, Nature, OnBad, Problem, Source, Table, nearest};
use svp_functions::person::age_band::known_age_band;

use crate::clean::{Cleaner, IdKind};
use crate::conversions::{Conversion, Dummies, Found, forgiving, outermost};
use crate::named::named;
use crate::ready::Ready;
use crate::resolve::{Item, Resolver};
use crate::uses::Uses;

use crate::error::IngestError;
use crate::pending::Pending;

/// Columns whose text tells a person or a part in an event from others.
const KEYS: [&str; 3] = [PERSON, "party_key", "local_id"];

/// The column that tells people apart.
pub(crate) const PERSON: &str = "person_id";

/// The column of bands of age.
const AGE_BAND: &str = "age_band";

/// Columns that say where something was.
const COORDINATES: [&str; 4] = ["longitude", "latitude", "easting", "northing"];

/// What an event or an episode is: rows of one id that differ in it contradict one another.
const CONTENT: [&str; 13] = [
    "occurred_from",
    "occurred_to",
    "month",
    "longitude",
    "latitude",
    "easting",
    "northing",
    "lsoa",
    "offence_code",
    "crime_type",
    "episode_type",
    "started",
    "ended",
];

/// The column that says what kind of event it is.
pub(crate) const EVENT_TYPE: &str = "event_type";

/// What definitions count by: a row that is blank there is in no count that asks for it.
pub(crate) const COUNTED_BY: [&str; 3] = ["offence_code", "crime_type", "injury_intent"];

/// Where a staged column comes from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// An expression over the source's columns.
    Mapped {
        ready: Ready,
        conversions: Vec<Conversion>,
        constant: bool,
        /// The columns of the extract that it reads, by their place.
        inputs: Vec<usize>,
        /// The mapping as it is written.
        sql: String,
    },
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
    /// What stands in the column instead.
    pub put: Option<Ready>,
    /// The columns that it blanks, by their place in the working schema; the first is the one that is named.
    pub columns: Vec<usize>,
}

/// What happens to a row on its way, in order.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// A column is made.
    Column(Box<Step>),
    /// A rule blanks or mends columns.
    Mend(Box<PlannedCheck>),
}

/// The way from a feed's row to one canonical table.
#[derive(Debug, Clone)]
pub(crate) struct TargetPlan {
    pub table: Table,
    pub working: SchemaRef,
    pub stages: Vec<Stage>,
    /// Rules that are asked when the row is whole.
    pub checks: Vec<PlannedCheck>,
    /// What must not differ among rows of one id (time, place, offence), by place in the working schema.
    pub content: Vec<usize>,
    /// What else the rows of one record say of it, where several rows are one: that of the first row counts.
    pub beside: Vec<usize>,
    /// The column that lies in what the file covers.
    pub period: Option<usize>,
    pub when: Option<Ready>,
    /// The columns of the extract that `when` reads.
    pub when_reads: Vec<usize>,
    /// The columns that the target reads and no target without a `when` does.
    pub own_reads: Vec<usize>,
    pub once_per: Option<Ready>,
}

impl TargetPlan {
    /// The columns of the extract that its columns are read from.
    fn reads(&self) -> std::collections::BTreeSet<usize> {
        let inputs = self.stages.iter().filter_map(|stage| match stage {
            Stage::Column(step) => match &step.origin {
                Origin::Mapped { inputs, .. } => Some(inputs.iter().copied()),
                _ => None,
            },
            Stage::Mend(_) => None,
        });
        inputs.flatten().collect()
    }
}

/// Finds what each target with a `when` reads alone, but for keys: rows that it leaves out should have nothing there.
fn own_reads(targets: &mut [TargetPlan], uses: &Uses<'_>) {
    let shared: std::collections::BTreeSet<usize> =
        targets.iter().filter(|t| t.when.is_none()).flat_map(TargetPlan::reads).collect();
    for target in targets.iter_mut().filter(|t| t.when.is_some()) {
        let own = target
            .reads()
            .into_iter()
            .filter(|at| !shared.contains(at) && !target.when_reads.contains(at) && !uses.is_key(*at));
        target.own_reads = own.collect();
    }
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
    /// What tells rows apart, where that is not the id.
    pub(crate) row_key: Option<Ready>,
    /// Columns of the file beside the ids, where rows tell of people: two rows that are equal in all of them are one.
    pub(crate) beside_ids: Vec<usize>,
    /// Later extracts revise by the id, so a row without one cannot be kept.
    pub(crate) id_needed: bool,
    /// What the text of each column may hold.
    pub(crate) cleaner: Cleaner,
    pub(crate) targets: Vec<TargetPlan>,
}

impl FeedPlan {
    /// Name of the feed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it fills a table.
    pub(crate) fn fills(&self, table: &str) -> bool {
        self.targets.iter().any(|target| target.table.name == table)
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
    let asks = |fact: &&str| feed.expressions().any(|sql| named(sql).columns.iter().any(|name| name == fact));
    fields.extend(FILE_FACTS.into_iter().filter(asks).map(|fact| Field::new(fact, DataType::Utf8, true)));
    let input: SchemaRef = Arc::new(Schema::new(fields));
    let mut problems = Vec::new();
    let uses = Uses::new(source, input.fields().iter().map(|f| f.name().as_str()));
    let mut planner = Planner { ctx, source, problems: &mut problems, uses };
    let record_id = feed.record_id.as_ref().and_then(|sql| planner.key(&at, "record_id", sql, &input));
    let row_key = feed.row_key.as_ref().and_then(|sql| planner.key(&at, "row_key", sql, &input));
    let mut targets = Vec::new();
    for (table, mapping) in feed.targets(tables) {
        targets.extend(planner.target(&format!("{at} table {}", table.name), &input, table, mapping));
    }
    if targets.is_empty() && planner.problems.is_empty() {
        planner.problems.push(
            Problem::new(&at, "the feed maps to no table")
                .hint("add [feed.event], or another table of schemas/ that sources fill"),
        );
    }
    own_reads(&mut targets, &planner.uses);
    let cleaner = match planner.uses.cleaner() {
        Ok(cleaner) => cleaner,
        Err(problem) => return Err(vec![problem]),
    };
    if problems.is_empty() {
        let of_people = cleaner.columns.iter().any(|c| c.personal && c.read);
        let beside = |at: &usize| of_people && cleaner.columns[*at].id != IdKind::Key;
        let beside_ids = (0..text_columns).filter(beside).collect();
        let id_needed = source.files.revises == svp_contract::Revises::Record;
        Ok(FeedPlan {
            name: feed.name.clone(),
            at,
            input,
            text_columns,
            record_id,
            row_key,
            beside_ids,
            id_needed,
            cleaner,
            targets,
        })
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
    let uses = Uses::new(source, schema.fields().iter().map(|f| f.name().as_str()));
    let mut planner = Planner { ctx, source, problems: &mut problems, uses };
    let ready = planner.typed(at, what, sql, schema, &DataType::Utf8).map(|(ready, _)| ready);
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
    uses: Uses<'a>,
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
        let error = match self.ctx.parse_sql_expr(sql, &df) {
            Ok(expr) => return Some((expr, df)),
            Err(error) => error,
        };
        // Definitions hold no data, so the engine's message may be shown.
        let problem = Problem::new(at, format!("{what}: {}", first_line(&error.to_string())));
        let problem = match error.find_root() {
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, .. } => {
                    match nearest(&field.name, schema.fields().iter().map(|f| f.name().as_str())) {
                        Some(near) => problem.hint(format!(
                            "did you mean \"{near}\"? Names with capitals or blanks stand in double quotes"
                        )),
                        None => problem.hint("names with capitals or blanks stand in double quotes"),
                    }
                }
                _ => problem,
            },
            _ => problem,
        };
        self.problems.push(problem);
        None
    }

    fn ready(&mut self, at: &str, what: &str, expr: Expr, df: &DFSchema) -> Option<Ready> {
        // Some functions (coalesce) exist only until they are simplified, so that comes first, after coercion.
        let context = SimplifyContext::builder().with_schema(Arc::new(df.clone())).build();
        let simplifier = ExprSimplifier::new(context);
        let simple = simplifier.coerce(expr, df).and_then(|e| simplifier.simplify(e)).and_then(forgiving);
        match simple.and_then(|e| self.ctx.state().create_physical_expr(e, df)) {
            Ok(expr) => Some(Ready::new(&expr, df.as_arrow())),
            Err(error) => {
                self.problems.push(Problem::new(at, format!("{what}: {}", first_line(&error.to_string()))));
                None
            }
        }
    }

    /// What tells a record, a row or a person from others.
    fn key(&mut self, at: &str, what: &str, sql: &str, schema: &SchemaRef) -> Option<Ready> {
        let (ready, expr) = self.typed(at, what, sql, schema, &DataType::Utf8)?;
        self.uses.reads(&expr);
        self.uses.keys(&expr);
        Some(ready)
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
        let when = mapping.get("when").and_then(|sql| self.typed(at, "when", sql, input, &DataType::Boolean));
        let mut when_reads = Vec::new();
        let when = when.map(|(ready, expr)| {
            self.uses.reads(&expr);
            when_reads = self.uses.places(&expr);
            ready
        });
        let once_per = mapping.get("once_per").and_then(|sql| self.key(at, "once_per", sql, input));

        let mut resolver = Resolver::new(table, mapping);
        for column in &table.columns {
            let needed = column.nature() == Nature::Stored || mapping.contains_key(&column.name);
            if needed {
                resolver.need(&column.name);
            }
        }
        for check in &table.checks {
            for name in named(&check.expr).columns {
                resolver.need(&name);
            }
        }
        let mut stages = Vec::new();
        for item in resolver.order() {
            match item {
                Item::Column(index) => {
                    let step = self.step(at, input, &working, table, mapping, index);
                    stages.extend(step.map(|s| Stage::Column(Box::new(s))));
                }
                Item::Check(index) => {
                    let check = self.check(&working, table, &table.checks[index]);
                    stages.extend(check.map(|c| Stage::Mend(Box::new(c))));
                }
            }
        }
        let asked = table.checks.iter().filter(|c| c.on_bad != OnBad::Blank);
        let checks = asked.filter_map(|check| self.check(&working, table, check)).collect();
        let place = |name: &str| table.columns.iter().position(|c| c.name == name);
        let mapped = |name: &&&str| mapping.get(**name).is_some();
        let content: Vec<usize> = CONTENT.iter().filter(mapped).filter_map(|name| place(name)).collect();
        let shared = once_per.is_some().then_some(&table.columns);
        let beside = shared.into_iter().flatten().filter(|c| mapping.contains_key(&c.name) && c.name != "record_id");
        let beside = beside.filter_map(|c| place(&c.name)).filter(|at| !content.contains(at)).collect();
        let period = self.source.files.period_of.as_ref().and_then(|name| place(name));
        let (table, working) = (table.clone(), working);
        (self.problems.len() == before).then_some(TargetPlan {
            table,
            working,
            stages,
            checks,
            content,
            beside,
            period,
            when,
            when_reads,
            own_reads: Vec::new(),
            once_per,
        })
    }

    /// A rule over staged columns.
    fn check(&mut self, working: &SchemaRef, table: &Table, check: &svp_contract::Check) -> Option<PlannedCheck> {
        let what = format!("schemas/{}.toml check {}", table.name, check.rule);
        let (ready, _) = self.typed(&what, "expr", &check.expr, working, &DataType::Boolean)?;
        let named = std::iter::once(&check.column).chain(&check.also);
        let columns: Vec<usize> = named.filter_map(|n| table.columns.iter().position(|c| c.name == *n)).collect();
        let put = match &check.put {
            Some(sql) => {
                let kind = table.columns[*columns.first()?].kind.arrow();
                Some(self.typed(&what, "put", sql, working, &kind)?.0)
            }
            None => None,
        };
        Some(PlannedCheck { check: check.clone(), ready, put, columns })
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
    ) -> Option<Step> {
        let column = &table.columns[index];
        let codes = column.codes.keys().cloned().collect();
        let step = |origin| Some(Step { column: column.clone(), index, origin, codes });
        if !column.from.is_empty() {
            return None;
        }
        if let Some(sql) = mapping.get(&column.name) {
            let (ready, expr) = self.typed(at, &column.name, sql, input, &column.kind.arrow())?;
            let constant = expr.column_refs().is_empty();
            self.uses.reads(&expr);
            if KEYS.contains(&column.name.as_str()) {
                self.uses.keys(&expr);
            }
            if COORDINATES.contains(&column.name.as_str()) {
                self.uses.coordinates(&expr);
            }
            if column.name == AGE_BAND
                && let Some(problem) = self.unknown_band(at, sql)
            {
                self.problems.push(problem);
                return None;
            }
            let inputs = self.uses.places(&expr);
            let conversions = self.conversions(at, &column.name, &expr, input)?;
            return step(Origin::Mapped { ready, conversions, constant, inputs, sql: sql.clone() });
        }
        match column.name.as_str() {
            "source" => return step(Origin::Source),
            "slot" => return step(Origin::Slot),
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

    /// A band of age in a map that a mapping calls which is not made of the bands that are kept: nobody could be counted in it.
    fn unknown_band(&self, at: &str, sql: &str) -> Option<Problem> {
        let maps = named(sql).calls.into_iter().filter(|(name, _)| name == "code_map").filter_map(|(_, map)| map);
        for map in maps {
            let bands = self.source.maps.get(&map).into_iter().flat_map(|map| map.values());
            if let Some(band) = bands.into_iter().find(|band| known_age_band(band).as_ref() != Some(*band)) {
                let what = format!("{AGE_BAND}: `{band}` of map {map} is no band of age that begins and ends at edges");
                return Some(
                    Problem::new(at, what).hint(format!("edges stand in {AGE_EDGES}; write a band as 18-24 or 65+")),
                );
            }
        }
        None
    }

    /// The outermost conversions of a mapping.
    fn conversions(&mut self, at: &str, column: &str, expr: &Expr, input: &SchemaRef) -> Option<Vec<Conversion>> {
        let mut found = Vec::new();
        outermost(expr, true, false, &mut found);
        let df = DFSchema::try_from(Arc::clone(input)).ok()?;
        let mut out = Vec::new();
        for Found { node, call, from, map, top, choice } in found {
            let dummies = match &call {
                Some(call) => self.dummies(at, column, call, &df),
                None => None,
            };
            if let Some(call) = &map
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
            let input = self.ready(at, column, from, &df)?;
            let output = if top { None } else { Some(self.ready(at, column, node, &df)?) };
            let rule = if map.is_some() { "unknown_code" } else { "unreadable" };
            out.push(Conversion { input, output, choice, rule, dummies });
        }
        Some(out)
    }

    /// How a conversion's dummies are known; `None` where the list has none for it.
    fn dummies(&mut self, at: &str, column: &str, call: &ScalarFunction, df: &DFSchema) -> Option<Dummies> {
        match call.name() {
            "nhs_number" => Some(Dummies::Field("nhs_number")),
            "upn" => Some(Dummies::Field("upn")),
            "postcode" => Some(Dummies::Field("postcode")),
            "birth_date" => {
                let any = self.ctx.udf("uk_date").ok()?.call(call.args.clone());
                self.ready(at, column, any, df).map(Dummies::Date)
            }
            _ => None,
        }
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim().to_owned()
}

//! Events that name nobody, matched in time, place, age and sex, with a probability. Read `README.md` beside this file.
//!
//! The SQL steps say what a pair is and how it agrees; [`learn`] weighs agreement; [`choose`] makes matches of pairs and
//! counts those that are chance.

mod choose;
mod learn;
mod report;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext, col, lit};
use svp_contract::{EventLevel as Level, EventRules, Exclusion, Problem};
use svp_lake::RunTxn;

use crate::LinkError;
use choose::{Candidate, by_chance, covered, one_to_one};
use learn::{Pattern, learn};
pub use report::{EventReport, LevelReport, PairReport};
use tables::Matched;
pub use tables::event_tables;

/// The steps in their order: name and SQL.
pub const EVENT_STEPS: [(&str, &str); 7] = [
    ("01_records", include_str!("sql/01_records.sql")),
    ("02_pairs", include_str!("sql/02_pairs.sql")),
    ("03_comparisons", include_str!("sql/03_comparisons.sql")),
    ("04_patterns", include_str!("sql/04_patterns.sql")),
    ("05_lists", include_str!("sql/05_lists.sql")),
    ("06_candidates", include_str!("sql/06_candidates.sql")),
    ("07_matchable", include_str!("sql/07_matchable.sql")),
];

/// What the steps register on their way and nobody after them reads.
const WORKING: [&str; 7] = [
    "event_scope",
    "event_default_place",
    "event_shift",
    "event_record",
    "event_pair",
    "event_comparison",
    "event_pattern",
];

const MINUTES_OF_DAY: f64 = 1_440.0;

fn step(step: &'static str) -> impl Fn(DataFusionError) -> LinkError {
    move |source| LinkError::Step { step, source }
}

/// Matches events of the police with events of hospitals and writes the tables of [`event_tables`] into the transaction.
/// `ctx` has `event` and `party` registered, and every function. `default_places` are points that say that a place is not
/// known. With `rules` of `None` the tables are emptied.
///
/// # Errors
/// When a step fails or the lake refuses.
pub async fn match_events(
    ctx: &SessionContext,
    txn: &RunTxn,
    rules: Option<&EventRules>,
    default_places: &[Exclusion],
) -> Result<EventReport, LinkError> {
    for (name, _) in event_tables() {
        txn.replace_table("linked", name)?;
    }
    let mut report = EventReport::default();
    if let Some(rules) = rules {
        let (matched, mut matchable) = match_in_memory(ctx, rules, default_places).await?;
        // Without events of both sides there are no two lists, and nothing to keep.
        if matched.is_empty() {
            matchable.clear();
        }
        let batches = [
            ("event_match", vec![tables::matches(&matched, &rules.levels)?]),
            ("event_matchable", matchable),
            ("event_match_level", vec![tables::levels(&matched)?]),
            ("event_match_weight", vec![tables::weights(&matched)?]),
        ];
        for (name, batches) in batches {
            if batches.iter().all(|b| b.num_rows() == 0) {
                continue;
            }
            let mut part = txn.part("linked", name, &[], name)?;
            for batch in &batches {
                part.write(batch).await?;
            }
            txn.append(part.finish().await?)?;
        }
        report.pairs = matched.into_iter().map(|m| m.report).collect();
    }
    txn.commit_tables().await?;
    txn.register(ctx).await?;
    Ok(report)
}

/// Plans every step, so that a condition that cannot be read is told before a row is. `ctx` has `event` and `party`
/// registered; `file` is where the rules stand.
pub async fn check_events(ctx: &SessionContext, file: &str, rules: &EventRules) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (side, agency, condition) in sides(rules) {
        if let Ok(events) = ctx.table("event").await
            && let Err(error) = scope(&events, side, agency, condition)
        {
            let what = format!("scope.{side}: {}", error.to_string().lines().next().unwrap_or_default());
            problems.push(Problem::new(file, what).hint("write a condition over the columns of schemas/event.toml"));
        }
    }
    if problems.is_empty()
        && let Err(error) = prepare(ctx, rules, &[]).await
    {
        problems.push(Problem::new(file, error.to_string()));
    }
    forget(ctx);
    problems
}

fn sides(rules: &EventRules) -> [(&'static str, &'static str, &str); 2] {
    [("police", "police", &rules.scope.police), ("health", "health", &rules.scope.health)]
}

/// Events of one side: the agency's own, as far as the condition holds.
fn scope(events: &DataFrame, side: &str, agency: &str, condition: &str) -> Result<DataFrame, DataFusionError> {
    let condition = events.parse_sql_expr(condition)?;
    events.clone().filter(col("agency").eq(lit(agency)).and(condition))?.with_column("side", lit(side))
}

/// The views from events to classes of agreement.
async fn prepare(ctx: &SessionContext, rules: &EventRules, default_places: &[Exclusion]) -> Result<(), LinkError> {
    let events = ctx.table("event").await.map_err(step("scope"))?;
    let [police, health] = sides(rules).map(|(side, agency, condition)| scope(&events, side, agency, condition));
    let scoped = police.and_then(|p| p.union(health?)).map_err(step("scope"))?;
    replace(ctx, "event_scope", scoped).map_err(step("scope"))?;
    let place = |f: fn(&Exclusion) -> f64| Arc::new(Float64Array::from_iter_values(default_places.iter().map(f))) as _;
    put(
        ctx,
        "event_default_place",
        RecordBatch::try_from_iter([
            ("easting", place(|x| x.easting)),
            ("northing", place(|x| x.northing)),
            ("radius_m", place(|x| x.radius_m)),
        ])?,
    )
    .map_err(step("scope"))?;
    let weeks = std::iter::once(0).chain(rules.control.weeks.iter().copied()).map(i64::from);
    let weeks = Arc::new(Int64Array::from_iter_values(weeks)) as _;
    put(ctx, "event_shift", RecordBatch::try_from_iter([("weeks", weeks)])?).map_err(step("scope"))?;
    let [(_, records), (_, pairs), (_, comparisons), ..] = EVENT_STEPS;
    let (w, t, p, a) = (&rules.window, &rules.time, &rules.place, &rules.age);
    let moment = ("moment", t.moment_minutes);
    let bound = [moment, ("postcode", p.postcode_m), ("snapped", p.snapped_m)];
    // It is read several times and holds the events in scope only.
    let records = query(ctx, records, &bound).await.map_err(step("01_records"))?;
    let records = records.cache().await.map_err(step("01_records"))?;
    replace(ctx, "event_record", records).map_err(step("01_records"))?;
    let bound = [
        ("before", w.before_hours * 60),
        ("after", w.after_hours * 60),
        ("longest", w.longest_hours * 60),
        ("reach", p.reach_m),
    ];
    let pairs = query(ctx, pairs, &bound).await.map_err(step("02_pairs"))?;
    replace(ctx, "event_pair", pairs).map_err(step("02_pairs"))?;
    let bound = [
        moment,
        ("gap_1", t.gap_minutes[0]),
        ("gap_2", t.gap_minutes[1]),
        ("gap_3", t.gap_minutes[2]),
        ("window", t.window_hours * 60),
        ("delay_1", t.delay_hours[0] * 60),
        ("delay_2", t.delay_hours[1] * 60),
        ("distance_1", p.distance_m[0]),
        ("distance_2", p.distance_m[1]),
        ("distance_3", p.distance_m[2]),
        ("years_1", a.years[0]),
        ("years_2", a.years[1]),
    ];
    let comparisons = query(ctx, comparisons, &bound).await.map_err(step("03_comparisons"))?;
    replace(ctx, "event_comparison", comparisons).map_err(step("03_comparisons"))
}

async fn query(ctx: &SessionContext, sql: &str, bound: &[(&str, u32)]) -> Result<DataFrame, DataFusionError> {
    let values: Vec<(&str, ScalarValue)> =
        bound.iter().map(|(name, value)| (*name, ScalarValue::Int64(Some(i64::from(*value))))).collect();
    ctx.sql(sql).await?.with_param_values(values)
}

fn replace(ctx: &SessionContext, name: &str, df: DataFrame) -> Result<(), DataFusionError> {
    ctx.deregister_table(name)?;
    ctx.register_table(name, df.into_view()).map(|_| ())
}

fn put(ctx: &SessionContext, name: &str, batch: RecordBatch) -> Result<(), DataFusionError> {
    ctx.deregister_table(name)?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
    ctx.register_table(name, Arc::new(table)).map(|_| ())
}

/// Takes the working views away: outputs are not to build on them.
fn forget(ctx: &SessionContext) {
    for name in WORKING {
        // One that was never registered is as good as one that is gone.
        let _ = ctx.deregister_table(name);
    }
}

/// All of it, before anything is written: pairs of sources, and the rows of `event_matchable`.
async fn match_in_memory(
    ctx: &SessionContext,
    rules: &EventRules,
    default_places: &[Exclusion],
) -> Result<(Vec<Matched>, Vec<RecordBatch>), LinkError> {
    prepare(ctx, rules, default_places).await?;
    let [.., (_, patterns), (_, lists), (_, candidates), (_, matchable)] = EVENT_STEPS;
    let mut matched = pairs_of_sources(ctx, lists).await?;
    read_patterns(ctx, patterns, &mut matched).await?;
    for m in matched.values_mut() {
        learn_pair(m, rules);
    }
    let mut matched: Vec<Matched> = matched.into_values().collect();
    put(ctx, "event_pattern", tables::patterns(&matched)?).map_err(step("06_candidates"))?;
    choose_matches(ctx, candidates, rules, &mut matched).await?;
    let mut rows = Vec::new();
    let df = ctx.sql(matchable).await.map_err(step("07_matchable"))?;
    for batch in df.collect().await.map_err(step("07_matchable"))? {
        rows.push(RecordBatch::try_new(tables::matchable_schema(), batch.columns().to_vec())?);
    }
    forget(ctx);
    Ok((matched, rows))
}

/// Side, source, events, and the first and last minute that they cover.
type List = (String, String, u64, Option<(i64, i64)>);
type BySources = BTreeMap<(String, String), Matched>;

/// Every source of the police with every source of hospitals.
async fn pairs_of_sources(ctx: &SessionContext, sql: &str) -> Result<BySources, LinkError> {
    let fail = step("05_lists");
    let mut lists: Vec<List> = Vec::new();
    for batch in ctx.sql(sql).await.map_err(&fail)?.collect().await.map_err(&fail)? {
        let (side, source) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let numbers = [2, 3, 4].map(|i| batch.column(i).as_primitive::<Int64Type>());
        for row in 0..batch.num_rows() {
            let span = (numbers[1].is_valid(row) && numbers[2].is_valid(row))
                .then(|| (numbers[1].value(row), numbers[2].value(row)));
            let events = numbers[0].value(row).unsigned_abs();
            lists.push((side.value(row).to_owned(), source.value(row).to_owned(), events, span));
        }
    }
    let mut out = BySources::new();
    for (_, police, crimes, covers) in lists.iter().filter(|l| l.0 == "police") {
        for (_, health, attendances, other) in lists.iter().filter(|l| l.0 == "health") {
            let days = match (covers, other) {
                (Some(a), Some(b)) => (a.1.min(b.1) - a.0.max(b.0)).max(0) as f64 / MINUTES_OF_DAY,
                _ => 0.0,
            };
            let report = PairReport {
                police_source: police.clone(),
                health_source: health.clone(),
                police: *crimes,
                health: *attendances,
                ..PairReport::default()
            };
            out.insert((police.clone(), health.clone()), Matched { report, days, ..Matched::default() });
        }
    }
    Ok(out)
}

/// Patterns of agreement to their pair of sources, in their order.
async fn read_patterns(ctx: &SessionContext, sql: &str, matched: &mut BySources) -> Result<(), LinkError> {
    let fail = step("04_patterns");
    for batch in ctx.sql(sql).await.map_err(&fail)?.collect().await.map_err(&fail)? {
        let (police, health) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let numbers: Vec<_> = (2..10).map(|i| batch.column(i).as_primitive::<Int64Type>()).collect();
        for row in 0..batch.num_rows() {
            let key = (police.value(row).to_owned(), health.value(row).to_owned());
            let Some(m) = matched.get_mut(&key) else { continue };
            let classes = std::array::from_fn(|i| u8::try_from(numbers[i].value(row)).unwrap_or(9).min(9));
            let (pairs, moved) = (numbers[6].value(row), numbers[7].value(row));
            m.report.pairs += pairs.unsigned_abs();
            m.report.moved_pairs += moved.unsigned_abs();
            m.patterns.push(Pattern { classes, pairs: pairs as f64, moved: moved as f64 });
        }
    }
    Ok(())
}

/// Moved lists together, as times that the lists' own time is covered.
fn exposure(days: f64, rules: &EventRules) -> f64 {
    rules.control.weeks.iter().map(|w| covered(days, *w)).sum()
}

fn learn_pair(m: &mut Matched, rules: &EventRules) {
    let exposure = exposure(m.days, rules);
    let fewest = rules.control.fewest_pairs;
    if m.report.pairs < fewest || m.report.moved_pairs < fewest || exposure <= 0.0 {
        return;
    }
    let model = learn(&m.patterns, m.report.moved_pairs as f64 / exposure);
    // What chance gives can be larger than what is there only by chance: nobody is less than not there.
    let excess = |p: &Pattern| p.pairs - p.moved / exposure;
    let likely =
        m.patterns.iter().filter(|p| model.probability(model.weight(&p.classes)) >= rules.control.expected_from);
    m.report.expected = likely.map(excess).sum::<f64>().max(0.0);
    m.model = Some(model);
}

/// Matches, true and moved, and the levels with their chance matches.
async fn choose_matches(
    ctx: &SessionContext,
    sql: &str,
    rules: &EventRules,
    matched: &mut [Matched],
) -> Result<(), LinkError> {
    let fail = step("06_candidates");
    let loosest = rules.levels.last().map_or(1.0, |l| l.probability);
    let values = vec![("loosest", ScalarValue::Float64(Some(loosest)))];
    let df = ctx.sql(sql).await.and_then(|df| df.with_param_values(values)).map_err(&fail)?;
    let mut found: BTreeMap<(String, String, i32), Vec<Candidate>> = BTreeMap::new();
    for batch in df.collect().await.map_err(&fail)? {
        let text = [0, 1, 3, 4].map(|i| batch.column(i).as_string::<i32>());
        let weeks = batch.column(2).as_primitive::<Int32Type>();
        let minutes = batch.column(7).as_primitive::<Int64Type>();
        let numbers: Vec<_> = [5, 6, 8].into_iter().map(|i| batch.column(i).as_primitive::<Float64Type>()).collect();
        for row in 0..batch.num_rows() {
            let [police_source, health_source, police, health] = text.map(|t| t.value(row).to_owned());
            found.entry((police_source, health_source, weeks.value(row))).or_default().push(Candidate {
                police,
                health,
                weight: numbers[0].value(row),
                probability: numbers[1].value(row),
                minutes: minutes.value(row),
                distance: numbers[2].value(row),
            });
        }
    }
    for m in matched {
        if m.model.is_none() {
            continue;
        }
        let key = |weeks| (m.report.police_source.clone(), m.report.health_source.clone(), weeks);
        let matches = one_to_one(found.remove(&key(0)).unwrap_or_default());
        let mut moved: Vec<Candidate> = Vec::new();
        for weeks in &rules.control.weeks {
            moved.extend(one_to_one(found.remove(&key(*weeks)).unwrap_or_default()));
        }
        let reach = |list: &[Candidate], level: &Level| {
            list.iter().filter(|c| c.probability >= level.probability).count() as u64
        };
        let exposure = exposure(m.days, rules);
        m.report.levels = rules
            .levels
            .iter()
            .map(|level| {
                let count = reach(&matches, level);
                let moved = reach(&moved, level) as f64 / exposure;
                let chance = by_chance(count as f64, moved, m.report.police as f64, m.report.health as f64);
                let enough = count >= rules.control.fewest_matches;
                LevelReport {
                    name: level.name.clone(),
                    probability: level.probability,
                    matches: count,
                    moved,
                    by_chance: chance,
                    chance_share: enough.then(|| chance / count as f64),
                    found_share: (enough && m.report.expected > 0.0)
                        .then(|| ((count as f64 - chance) / m.report.expected).min(1.0)),
                }
            })
            .collect();
        m.matches = matches;
    }
    Ok(())
}

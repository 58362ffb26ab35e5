//! The views that outputs and analyses read, for one definition at a time: `serious_violence`, and what is shared over it.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};
use svp_contract::Definition;

use crate::AnalyseError;
use crate::coverage::{Months, observed_months};
use crate::tables::replace;

/// Events of a definition that are held in memory: at about 400 bytes a row, some 100 MB.
const HELD_ROWS: usize = 250_000;

/// The views that outputs count, each inside the next: (inner, outer).
pub const UNIVERSES: [(&str, &str); 2] =
    [("mappable_violence", "serious_violence"), ("timed_violence", "serious_violence")];

/// The views over `serious_violence` that outputs and analyses share, each after those that it reads.
const SHARED: [(&str, &str); 9] = [
    ("timed_violence", include_str!("sql/timed_violence.sql")),
    ("broken_month", include_str!("sql/broken_month.sql")),
    ("placeable_violence", include_str!("sql/placeable_violence.sql")),
    ("mappable_violence", include_str!("sql/mappable_violence.sql")),
    ("observed_violence", include_str!("sql/observed_violence.sql")),
    ("comparable_violence", include_str!("sql/comparable_violence.sql")),
    ("comparable_month", include_str!("sql/comparable_month.sql")),
    ("violence_month", include_str!("sql/violence_month.sql")),
    ("shift_hour", include_str!("sql/shift_hour.sql")),
];

/// The views over `serious_violence` that read matches of events, for a session that has those.
const OF_MATCHES: [(&str, &str); 3] = [
    ("listed_event", include_str!("sql/listed_event.sql")),
    ("matched_source", include_str!("sql/matched_source.sql")),
    ("match_quality", include_str!("sql/match_quality.sql")),
];

/// Registers the views, and the definition's name as the table `this_definition`, for `definition` and `months`, in place of those of the definition before. `ctx` has `event`, `area`,
/// `exclusion`, `never_mapped`, `recording_break` and `shift` registered, and what [`crate::register_coverage`] registers for the same months.
///
/// # Errors
/// When a condition of the definition cannot be planned over the columns of `event`.
pub async fn define(ctx: &SessionContext, definition: &Definition, months: &Months) -> Result<(), AnalyseError> {
    let what = format!("definition {}", definition.name);
    let fail = |source| AnalyseError::Engine { what: what.clone(), source };
    let events = ctx.table("event").await.map_err(fail)?;
    let condition = condition(&events, definition).map_err(fail)?;
    let defined = events.filter(condition).map_err(fail)?;
    replace(ctx, "defined_event", defined)?;
    let period = |sql: &'static str| {
        let values =
            vec![("from", ScalarValue::from(months.from.as_str())), ("to", ScalarValue::from(months.to.as_str()))];
        async move { ctx.sql(sql).await?.with_param_values(values) }
    };
    let serious = period(include_str!("sql/serious_violence.sql")).await.map_err(fail)?;
    // Every output reads it: what is small is held, what is large is read again each time.
    let serious = match serious.clone().count().await.map_err(fail)? {
        0..=HELD_ROWS => serious.cache().await.map_err(fail)?,
        _ => serious,
    };
    replace(ctx, "serious_violence", serious)?;
    let named = ctx.read_empty().map_err(fail)?.select(vec![lit(&definition.name).alias("name")]).map_err(fail)?;
    replace(ctx, "this_definition", named)?;
    // Small, and read by nearly all: worked out once.
    let observed = ctx.sql(include_str!("sql/observed_month.sql")).await.map_err(fail)?;
    replace(ctx, "observed_month", observed.cache().await.map_err(fail)?)?;
    let matches = ctx.table_exist("event_matchable").map_err(fail)?;
    for (name, sql) in SHARED.into_iter().chain(OF_MATCHES.into_iter().filter(|_| matches)) {
        let view = ctx.sql(sql).await.map_err(fail)?;
        replace(ctx, name, view)?;
    }
    Ok(())
}

/// Registers `violence_by_definition`: the events of all `definitions` in those of the `months` that are known under every one of them,
/// one row for each definition that an event falls under, whose name is the column `definition`. The views of [`define`] are replaced.
///
/// # Errors
/// As [`define`].
pub async fn define_side_by_side(
    ctx: &SessionContext,
    definitions: &[&Definition],
    months: &Months,
) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "definitions side by side".to_owned(), source };
    let mut all: Option<DataFrame> = None;
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    for definition in definitions {
        define(ctx, definition, months).await?;
        let seen = observed_months(ctx).await?;
        // A definition of which nothing is known takes no month from the others.
        if seen.unknown().count() < seen.of {
            unknown.extend(seen.unknown().map(str::to_owned));
        }
        let named = ctx.table("serious_violence").await.map_err(fail)?;
        let named = named.with_column("definition", lit(&definition.name)).map_err(fail)?;
        all = Some(match all {
            Some(before) => before.union(named).map_err(fail)?,
            None => named,
        });
    }
    match all {
        Some(all) if unknown.is_empty() => replace(ctx, "violence_by_definition", all),
        Some(all) => {
            let known = col("month").in_list(unknown.into_iter().map(lit).collect(), true);
            let all = all.filter(col("month").is_null().or(known)).map_err(fail)?;
            replace(ctx, "violence_by_definition", all)
        }
        None => Ok(()),
    }
}

/// An event falls under a definition when one of its includes holds.
fn condition(events: &DataFrame, definition: &Definition) -> Result<Expr, DataFusionError> {
    let mut condition = lit(false);
    for include in &definition.include {
        let part = events.parse_sql_expr(&include.condition)?;
        condition = condition.or(col("agency").eq(lit(&include.agency)).and(part));
    }
    Ok(condition)
}

/// The atoms of each definition, as far as the events that are loaded tell: the cells of the Venn diagram of all of them
/// that hold an event, by number. Whoever holds tables of several can subtract them from one another.
///
/// # Errors
/// When a condition cannot be planned or run over the columns of `event`.
pub async fn definition_atoms(
    ctx: &SessionContext,
    definitions: &[&Definition],
) -> Result<Vec<BTreeSet<u32>>, AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "definitions inside one another".to_owned(), source };
    let mut out = vec![BTreeSet::new(); definitions.len()];
    if definitions.is_empty() {
        return Ok(out);
    }
    let events = ctx.table("event").await.map_err(fail)?;
    let falls = definitions.iter().enumerate().map(|(i, d)| {
        // Not to be known to fall under a definition is not to fall under it.
        Ok(condition(&events, d)?.is_true().alias(format!("d{i}")))
    });
    let falls: Vec<Expr> = falls.collect::<Result<_, _>>().map_err(fail)?;
    // Counted, though nobody asks how many: the engine cannot tell rows apart by `IS TRUE` alone.
    let cells = events.aggregate(falls, vec![count(lit(1)).alias("n")]).map_err(fail)?;
    let cells = cells.collect().await.map_err(fail)?;
    let mut found: BTreeSet<Vec<bool>> = BTreeSet::new();
    for batch in &cells {
        let columns: Vec<_> = batch.columns().iter().take(definitions.len()).map(|c| c.as_boolean()).collect();
        found.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row)).collect()));
    }
    for (atom, cell) in (0_u32..).zip(found.iter().filter(|cell| cell.contains(&true))) {
        for (atoms, falls) in out.iter_mut().zip(cell) {
            if *falls {
                atoms.insert(atom);
            }
        }
    }
    Ok(out)
}

/// Whether the conditions of a definition can be asked of the events that are loaded: an earlier one may name what is gone.
pub async fn can_be_asked(ctx: &SessionContext, definition: &Definition) -> bool {
    match ctx.table("event").await {
        Ok(events) => condition(&events, definition)
            .and_then(|condition| events.filter(condition))
            .is_ok_and(|asked| ctx.state().optimize(asked.logical_plan()).is_ok()),
        Err(_) => false,
    }
}

/// The sources whose events fall under the definition that is registered now.
///
/// # Errors
/// When the view cannot be read.
pub async fn definition_sources(ctx: &SessionContext) -> Result<Vec<String>, AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "sources of the definition".to_owned(), source };
    let batches = ctx
        .sql("SELECT DISTINCT source FROM serious_violence ORDER BY source")
        .await
        .map_err(fail)?
        .collect()
        .await
        .map_err(fail)?;
    Ok(batches
        .iter()
        .flat_map(|b| b.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>())
        .collect())
}

//! The views that outputs read: `serious_violence` and `mappable_violence`, for one definition at a time.

use arrow::array::AsArray;
use datafusion::common::ScalarValue;
use datafusion::prelude::{SessionContext, col, lit};
use svp_contract::Definition;

use crate::AnalyseError;

/// Events of a definition that are held in memory: at about 400 bytes a row, some 100 MB.
const HELD_ROWS: usize = 250_000;

/// First and last month of a period, `YYYY-MM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Months {
    /// First.
    pub from: String,
    /// Last.
    pub to: String,
}

/// Registers the views for `definition` and `months`, in place of those of the definition before. `ctx` has
/// `event` and `exclusion` registered.
///
/// # Errors
/// When a condition of the definition cannot be planned over the columns of `event`.
pub async fn define(ctx: &SessionContext, definition: &Definition, months: &Months) -> Result<(), AnalyseError> {
    let what = format!("definition {}", definition.name);
    let fail = |source| AnalyseError::Engine { what: what.clone(), source };
    let events = ctx.table("event").await.map_err(fail)?;
    let mut condition = lit(false);
    for include in &definition.include {
        let part = events.parse_sql_expr(&include.condition).map_err(fail)?;
        condition = condition.or(col("agency").eq(lit(&include.agency)).and(part));
    }
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
    let mappable = ctx.sql(include_str!("sql/mappable_violence.sql")).await.map_err(fail)?;
    replace(ctx, "mappable_violence", mappable)
}

fn replace(ctx: &SessionContext, name: &str, df: datafusion::dataframe::DataFrame) -> Result<(), AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: format!("view {name}"), source };
    ctx.deregister_table(name).map_err(fail)?;
    ctx.register_table(name, df.into_view()).map(|_| ()).map_err(fail)
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

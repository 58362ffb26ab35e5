//! Runs an analysis: one SELECT over the views of a definition, its parameters bound.

use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext};
use svp_contract::{Analysis, Problem, Value};

use crate::AnalyseError;
use crate::ages::{hint, unknown_edges};

fn bound(value: &Value) -> ScalarValue {
    match value {
        Value::Integer(number) => ScalarValue::from(*number),
        Value::Number(number) => ScalarValue::from(*number),
        Value::Text(text) => ScalarValue::from(text.as_str()),
    }
}

async fn plan(
    ctx: &SessionContext,
    analysis: &Analysis,
    given: &[(String, Value)],
) -> Result<DataFrame, DataFusionError> {
    let values: Vec<(String, ScalarValue)> = analysis
        .params
        .iter()
        .map(|p| {
            let own = given.iter().find(|(name, _)| *name == p.name).map(|(_, value)| value);
            (p.name.clone(), bound(own.unwrap_or(&p.default)))
        })
        .collect();
    for part in &analysis.parts {
        let rows = one(ctx, part, &values).await?;
        ctx.deregister_table(part.name.as_str())?;
        ctx.register_table(part.name.as_str(), rows.into_view())?;
    }
    one(ctx, analysis, &values).await
}

async fn one(
    ctx: &SessionContext,
    analysis: &Analysis,
    values: &[(String, ScalarValue)],
) -> Result<DataFrame, DataFusionError> {
    let frame = ctx.sql(&analysis.sql).await?;
    if values.is_empty() { Ok(frame) } else { frame.with_param_values(values.to_vec()) }
}

/// Plans an analysis with its own defaults against the views that are registered.
pub async fn check_analysis(ctx: &SessionContext, file: &str, analysis: &Analysis) -> Vec<Problem> {
    let error = match plan(ctx, analysis, &[]).await {
        Ok(frame) => {
            let ages = unknown_edges(frame.logical_plan());
            return ages.map(|ages| Problem::new(file, ages).hint(hint())).into_iter().collect();
        }
        Err(error) => error,
    };
    let message = error.strip_backtrace();
    let problem = Problem::new(file, message.lines().next().unwrap_or_default());
    vec![problem.hint("the SELECT reads the views that pipelines/README.md names, and `$name` for each of `params`")]
}

/// The rows of an analysis under the views that are registered now; `given` takes the place of defaults. What comes back has not
/// passed disclosure control.
///
/// # Errors
/// When it cannot be planned; [`AnalyseError::AgeEdge`] where it asks at an age that is no edge of the bands that are kept.
pub async fn run_analysis(
    ctx: &SessionContext,
    analysis: &Analysis,
    given: &[(String, Value)],
) -> Result<DataFrame, AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: format!("analysis {}", analysis.name), source };
    let frame = plan(ctx, analysis, given).await.map_err(fail)?;
    match unknown_edges(frame.logical_plan()) {
        Some(ages) => Err(AnalyseError::AgeEdge { what: format!("analysis {}", analysis.name), ages }),
        None => Ok(frame),
    }
}

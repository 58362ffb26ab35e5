//! An analysis of the site over a lake or a file of events, for people who may query true counts.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use svp_analyse::{Months, define, define_side_by_side, observed_months, run_analysis};
use svp_contract::{Analysis, Definition, Month, Value};
use svp_functions::Refused;

use crate::error::AppError;
use crate::inputs;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::{LakeAt, PathChoice};
use crate::site::Site;
use crate::stage::{Calendar, Ground, LakeOf, OffGrid, Rows, Setting, Stage};
use crate::unknown::unknown;

/// What is asked of an analysis.
#[derive(Debug, Clone, Default)]
pub struct AnalyseRequest {
    /// Name of the analysis.
    pub analysis: String,
    /// Lake, unless there is a file of events.
    pub lake: LakeAt,
    /// Area whose boundaries, populations and period are used.
    pub area: Option<String>,
    /// Where data lies.
    pub paths: PathChoice,
    /// Definition of serious violence, in place of the area's first.
    pub definition: Option<String>,
    /// First month, `YYYY-MM`, in place of the area's.
    pub from: Option<Month>,
    /// Last month, `YYYY-MM`, in place of the area's.
    pub to: Option<Month>,
    /// Values of parameters, each `NAME=VALUE`.
    pub set: Vec<String>,
    /// Parquet file or folder in place of the lake's events.
    pub events: Option<String>,
    /// Whether events stand on grids that releases keep off them.
    pub everywhere: bool,
}

/// Titles of the analyses of a site, by their names.
#[must_use]
pub fn list(site: &Site) -> Vec<(&str, &str)> {
    site.analyses.values().map(|a| (a.item.name.as_str(), a.item.title.as_str())).collect()
}

/// What an analysis is, and which parameters it has, as text.
///
/// # Errors
/// [`AppError::Argument`] where the site has no such analysis.
pub fn describe(site: &Site, name: &str) -> Result<String, AppError> {
    Ok(described(&known(name, "analysis", &site.analyses)?.item))
}

/// Runs an analysis. Gives its rows: at least one batch, which has no row where nothing was found. They are true counts.
///
/// # Errors
/// [`AppError::Argument`] for an analysis, area, definition or parameter that is none; reference data, a lake or a file of events
/// that cannot be used; what the engine refuses.
pub async fn analyse(
    site: &Site,
    request: &AnalyseRequest,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<Vec<RecordBatch>, AppError> {
    let analysis = &known(&request.analysis, "analysis", &site.analyses)?.item;
    let given = given(analysis, &request.set)?;
    let area = match &request.area {
        Some(area) => &site.area(area)?.item,
        None => {
            return Err(AppError::Argument {
                what: "an analysis needs an area".to_owned(),
                hint: "name it with --area: its boundaries, populations and period are used".to_owned(),
            });
        }
    };
    let paths = inputs::paths(site, area, &request.paths)?;
    let months = Months {
        from: request.from.unwrap_or(area.period.from).to_string(),
        to: request.to.unwrap_or(area.period.to).to_string(),
    };
    let setting = Setting {
        ground: Some(Ground { area, paths: &paths, postcodes: true, tables: true }),
        rows: match &request.events {
            Some(path) => Rows::Parquet(path),
            None => Rows::Lake { lake: LakeOf::At(&request.lake), calendar: Calendar::Always },
        },
        months: Some(months.clone()),
        off_grid: if request.everywhere { OffGrid::Nothing } else { OffGrid::OfTheAudience },
        hold_coverage: true,
    };
    let stage = Stage::open(site, machine, setting, progress).await?;
    let ctx = &stage.ctx;
    let all: Vec<&Definition> =
        area.definitions.iter().filter_map(|name| site.definitions.get(name)).map(|d| &d.item).collect();
    define_side_by_side(ctx, &all, &months).await?;
    if let Some(wanted) = request.definition.as_ref().or(area.definitions.first()) {
        define(ctx, &known(wanted, "definition", &site.definitions)?.item, &months).await?;
        if let Some(told) = observed_months(ctx).await?.describe() {
            progress.step("months", &told);
        }
    }
    let frame = run_analysis(ctx, analysis, &given).await?;
    let failed = |error: DataFusionError| told(&analysis.name, error);
    let schema = frame.schema().as_arrow().clone();
    let mut batches = frame.collect().await.map_err(failed)?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema.into()));
    }
    stage.no_failures()?;
    Ok(batches)
}

/// What may be said of a failure. The engine's messages can quote data; what our own functions refuse never does.
fn told(analysis: &str, error: DataFusionError) -> AppError {
    match error.find_root() {
        DataFusionError::External(cause) if cause.is::<Refused>() => AppError::Argument {
            what: cause.to_string(),
            hint: "change the parameters (--set), or a copy of the analysis".to_owned(),
        },
        _ => svp_analyse::AnalyseError::Engine { what: format!("analysis {analysis}"), source: error }.into(),
    }
}

/// The thing of this name.
fn known<'a, T>(name: &str, kind: &str, all: &'a BTreeMap<String, T>) -> Result<&'a T, AppError> {
    all.get(name).ok_or_else(|| unknown(kind, name, all.keys().map(String::as_str)).argument("known"))
}

/// The values that were given for parameters.
fn given(analysis: &Analysis, set: &[String]) -> Result<Vec<(String, Value)>, AppError> {
    let wrong = |what: String, hint: String| AppError::Argument { what, hint };
    set.iter()
        .map(|pair| {
            let (name, text) = pair.split_once('=').ok_or_else(|| {
                wrong("--set needs NAME=VALUE".to_owned(), "for example --set grid=bng:250".to_owned())
            })?;
            let param = analysis.params.iter().find(|p| p.name == name).ok_or_else(|| {
                let other = unknown("parameter", name, analysis.params.iter().map(|p| p.name.as_str()));
                wrong(format!("the analysis has no parameter `{name}`"), other.near_or(|| other.listed("it has")))
            })?;
            let value = param.default.like(text).ok_or_else(|| {
                wrong(format!("the parameter `{name}` is {}", param.default.kind()), param.about.clone())
            })?;
            match param.allows(&value) {
                None => Ok((name.to_owned(), value)),
                Some(hint) => Err(wrong(format!("the parameter `{name}` is another word"), hint)),
            }
        })
        .collect()
}

fn described(analysis: &Analysis) -> String {
    let mut lines = vec![analysis.title.clone(), String::new(), analysis.description.clone()];
    if !analysis.params.is_empty() {
        lines.push(String::new());
        lines.extend(analysis.params.iter().map(|p| format!("--set {}={}  {}", p.name, p.default, p.about)));
    }
    if !analysis.notes.is_empty() {
        lines.push(String::new());
        lines.extend(analysis.notes.iter().map(|note| format!("- {note}")));
    }
    lines.join("\n")
}

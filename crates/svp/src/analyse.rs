//! `svp analyse`: an analysis of the site over the lake, for people who may query it.

use arrow::datatypes::Schema;
use datafusion::error::DataFusionError;
use svp_analyse::{
    Months, define, define_side_by_side, hold_coverage, observed_months, register_coverage, register_reference,
    run_analysis,
};
use svp_contract::{Analysis, Definition, Value, nearest};
use svp_functions::CodeMaps;
use svp_lake::{Lake, Open};

use crate::args::{AnalyseArgs, Cli, ResultForm};
use crate::calendar;
use crate::check::register_all_empty;
use crate::context;
use crate::error::AppError;
use crate::site::Site;
use crate::sql::render;
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &AnalyseArgs, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let Some(name) = &args.analysis else {
        for analysis in site.analyses.values() {
            tell.print(format!("{:28} {}", analysis.item.name, analysis.item.title));
        }
        return Ok(());
    };
    let analysis = &known(name, "analysis", &site.analyses)?.item;
    if args.describe {
        tell.print(describe(analysis));
        return Ok(());
    }
    let given = given(analysis, &args.set)?;
    let area = match &args.area {
        Some(area) => &site.area(area)?.item,
        None => {
            return Err(AppError::Argument {
                what: "an analysis needs an area".to_owned(),
                hint: "name it with --area: its boundaries, populations and period are used".to_owned(),
            });
        }
    };
    let paths = context::paths(&site, area, &args.paths)?;
    let (data, places) = context::reference(cli, &site, area, &paths, true, tell)?;
    let ctx = context::session(cli, Some(area), CodeMaps::default(), data.lookups.clone(), data.areas.clone())?;
    let months = Months {
        from: args.from.clone().unwrap_or_else(|| area.period.from.clone()),
        to: args.to.clone().unwrap_or_else(|| area.period.to.clone()),
    };
    match &args.events {
        Some(path) => {
            register_all_empty(&ctx, &site)?;
            let event = site.tables.iter().find(|t| t.name == "event").map(svp_contract::Table::stored_schema);
            svp_lake::register_parquet(&ctx, "event", path, &event.unwrap_or_else(|| Schema::empty().into())).await?;
            register_coverage(&ctx, &[], &months).await?;
        }
        None => {
            let lake = Lake::open(&args.lake, &context::store_options(&args.store_option)?, Open::Read).await?;
            lake.register(&ctx).await?;
            ctx.deregister_table("person_record").map_err(|e| AppError::Query(e.to_string()))?;
            calendar::register(&ctx, &lake, Some(months.clone())).await?;
        }
    }
    register_reference(&ctx, area, &places)?;
    context::register_site_tables(&ctx, &site)?;
    context::register_off_grid(&ctx, &site, area, args.everywhere)?;
    hold_coverage(&ctx).await?;
    let all: Vec<&Definition> =
        area.definitions.iter().filter_map(|name| site.definitions.get(name)).map(|d| &d.item).collect();
    define_side_by_side(&ctx, &all, &months).await?;
    let wanted = args.definition.as_ref().or(area.definitions.first());
    if let Some(wanted) = wanted {
        define(&ctx, &known(wanted, "definition", &site.definitions)?.item, &months).await?;
        if let Some(told) = observed_months(&ctx).await?.describe() {
            tell.step("months", told);
        }
    }
    let frame = run_analysis(&ctx, analysis, &given).await?;
    let functions: Vec<String> =
        ctx.state().window_functions().keys().chain(ctx.state().scalar_functions().keys()).cloned().collect();
    let failed = |error: DataFusionError| told(&analysis.name, &functions, error);
    let schema = frame.schema().as_arrow().clone();
    let mut batches = frame.collect().await.map_err(failed)?;
    if batches.is_empty() {
        batches.push(arrow::array::RecordBatch::new_empty(schema.into()));
    }
    let failures = data.failures();
    if !failures.is_empty() {
        return Err(failures.into());
    }
    let text = render(&batches, args.format)?;
    match &args.out {
        Some(file) => {
            svp_lake::files::write_file(std::path::Path::new(file), text.as_bytes())?;
            tell.step(
                "analyse",
                format!("{} rows written to {file}", batches.iter().map(|b| b.num_rows()).sum::<usize>()),
            );
        }
        None => tell.print(text.trim_end()),
    }
    if args.format == ResultForm::Table {
        tell.step("analyse", "true counts: nothing of this is published but through `svp run` or `svp disclose`");
    }
    Ok(())
}

/// What may be said of a failure. The engine's messages can quote data; those of our own functions, which begin with their name, never do.
fn told(analysis: &str, functions: &[String], error: DataFusionError) -> AppError {
    match error.find_root() {
        DataFusionError::Execution(what)
            if what.split_once(": ").is_some_and(|(name, _)| functions.iter().any(|f| f == name)) =>
        {
            AppError::Argument {
                what: what.clone(),
                hint: "change the parameters (--set), or a copy of the analysis".to_owned(),
            }
        }
        _ => svp_analyse::AnalyseError::Engine { what: format!("analysis {analysis}"), source: error }.into(),
    }
}

/// The thing of this name, or the nearest name.
fn known<'a, T>(name: &str, kind: &str, all: &'a std::collections::BTreeMap<String, T>) -> Result<&'a T, AppError> {
    all.get(name).ok_or_else(|| AppError::Argument {
        what: format!("there is no {kind} `{name}`"),
        hint: match nearest(name, all.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", all.keys().cloned().collect::<Vec<_>>().join(", ")),
        },
    })
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
                let names: Vec<&str> = analysis.params.iter().map(|p| p.name.as_str()).collect();
                let near = nearest(name, names.iter().copied());
                wrong(
                    format!("the analysis has no parameter `{name}`"),
                    near.map_or_else(
                        || format!("it has: {}", names.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    ),
                )
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

fn describe(analysis: &Analysis) -> String {
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

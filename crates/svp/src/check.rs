//! `svp check`: everything is planned before a row is read, and all problems are told at once.

use datafusion::prelude::SessionContext;
use svp_analyse::{
    Months, check_analysis, check_output, define, define_side_by_side, register_coverage, register_empty,
    register_never_mapped, register_reference,
};
use svp_contract::{Area, Definition, FindingKind, Places, Problem};
use svp_functions::{Areas, CodeMaps, Lookups};
use svp_ingest::desk;
use svp_ingest::reference::{self, ReferenceData};
use svp_ingest::{IngestError, SourcePlan, finding_schema, other_definitions, quarantine_schema, receipt_schema};
use svp_lake::input::InputFile;
use svp_lake::{Lake, Open};

use crate::args::{CheckArgs, Cli, DictionaryArgs, DictionaryKind};
use crate::check_rows;
use crate::context::{self, Paths};
use crate::error::AppError;
use crate::run::read_body;
use crate::site::{Defined, Site};
use crate::tell::Tell;

/// The command.
pub async fn command(cli: &Cli, args: &CheckArgs, tell: &Tell) -> Result<(), AppError> {
    let (site, mut problems) = Site::read(&cli.site)?;
    problems.extend(all_sources(cli, &site)?);
    let areas: Vec<&Defined<Area>> = match &args.area {
        Some(name) => vec![site.area(name)?],
        None => site.areas.values().collect(),
    };
    for area in &areas {
        problems.extend(site.area_problems(area));
    }
    problems.extend(outputs(cli, &site).await?);
    let mut headers = 0;
    let mut unusable = Vec::new();
    if let Some(name) = &args.area {
        let area = &site.area(name)?.item;
        let paths = context::paths(&site, area, &args.paths)?;
        unusable.extend(in_full(cli, &site, area, &paths, tell)?);
        // Extracts are held against plans, which wrong definitions do not give.
        if problems.is_empty() {
            let (found, files) = inputs(cli, &site, area, &paths)?;
            unusable.extend(found);
            headers = files;
        }
        if let Some(lake) = &args.lake {
            lake_definitions(cli, &site, area, lake, tell).await?;
        }
        if args.rows && problems.is_empty() && unusable.is_empty() {
            check_rows::rows(cli, &site, area, &paths, tell)?;
        }
    }
    if problems.is_empty() && !unusable.is_empty() {
        return Err(AppError::Files(unusable));
    }
    if problems.is_empty() {
        tell.step(
            "check",
            format!(
                "{} sources, {} definitions, {} outputs, {} analyses and {} areas are in order",
                site.sources.len(),
                site.definitions.len(),
                site.outputs.len(),
                site.analyses.len(),
                areas.len()
            ),
        );
        if !site.trials.is_empty() {
            tell.step("check", format!("{} trials are in order", site.trials.len()));
        }
        if args.area.is_some() {
            tell.step("check", "reference data are whole and fit the area");
            tell.step(
                "check",
                format!("{headers} files are as their source expects: the header, or the terms of an encoded file"),
            );
        }
        Ok(())
    } else {
        problems.sort();
        problems.dedup();
        problems.extend(unusable.iter().map(told));
        Err(AppError::Problems(problems))
    }
}

/// Tells which files of a lake were loaded under another definition than that of now.
async fn lake_definitions(cli: &Cli, site: &Site, area: &Area, lake: &str, tell: &Tell) -> Result<(), AppError> {
    let lake = Lake::open(lake, &context::store_options(&[])?, Open::Read).await?;
    let Some(run) = lake.last_run() else { return Ok(()) };
    let body = read_body(&lake, run)?;
    let names: Vec<String> = site.sources.keys().cloned().collect();
    let plans = context::plans(cli, site, Some(area), &names, &ReferenceData::default())?;
    let findings = other_definitions(&plans, &body.files, &|_| false);
    tell.findings(&findings);
    let n = findings.iter().filter(|f| f.kind == FindingKind::OtherDefinition).count();
    let live = body.files.iter().filter(|f| !f.superseded).count();
    tell.step("lake", format!("{n} of {live} files were loaded under another definition"));
    Ok(())
}

/// A file's fault among those of definitions, which come first.
fn told(error: &IngestError) -> Problem {
    let problem = Problem::new("files", error.to_string());
    match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Reads all reference data and holds them against the area, as a run does.
fn in_full(cli: &Cli, site: &Site, area: &Area, paths: &Paths, tell: &Tell) -> Result<Vec<IngestError>, AppError> {
    let sources: Vec<String> = paths.inputs.iter().map(|(name, _)| name.clone()).collect();
    let postcodes = context::needs_postcodes(site, &sources);
    let data = match reference::load(area, &paths.reference, &site.offences, postcodes, cli.threads()) {
        Ok(data) => data,
        Err(errors) => return Ok(errors),
    };
    let full = match context::sound(data.in_full(area), tell) {
        Ok(full) => full,
        Err(AppError::Files(errors)) => return Ok(errors),
        Err(other) => return Err(other),
    };
    let ctx = context::session(cli, Some(area), CodeMaps::default(), Lookups::default(), Areas::default())?;
    match register_reference(&ctx, area, &full.places) {
        Err(error @ svp_analyse::AnalyseError::TwoParents { .. }) => {
            Ok(vec![IngestError::Reference { file: "lookups".to_owned(), what: error.to_string() }])
        }
        other => Ok(other.map(|()| Vec::new())?),
    }
}

/// Plans every mapping of every source.
fn all_sources(cli: &Cli, site: &Site) -> Result<Vec<Problem>, AppError> {
    let mut problems = Vec::new();
    for Defined { file, item } in site.sources.values() {
        let ctx = context::session(cli, None, context::code_maps(item), Lookups::default(), Areas::default())?;
        if let Err(found) = SourcePlan::new(&ctx, item, file, &site.tables) {
            problems.extend(found);
        }
    }
    Ok(problems)
}

/// Plans every definition and every output over empty tables.
pub async fn outputs(cli: &Cli, site: &Site) -> Result<Vec<Problem>, AppError> {
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
    register_all_empty(&ctx, site)?;
    let mut problems = Vec::new();
    if let Some(Defined { file, item }) = &site.events {
        problems.extend(svp_link::check_events(&ctx, file, item).await);
    }
    let months = Months { from: "2000-01".to_owned(), to: "2000-12".to_owned() };
    register_coverage(&ctx, &[], &months).await?;
    let mut defined = false;
    for Defined { file, item } in site.definitions.values() {
        match define(&ctx, item, &months).await {
            Ok(()) => defined = true,
            Err(svp_analyse::AnalyseError::Engine { source, .. }) => {
                problems.push(
                    Problem::new(file, source.to_string().lines().next().unwrap_or_default())
                        .hint("`where` is a condition over the columns of schemas/event.toml"),
                );
            }
            Err(error) => problems.push(Problem::new(file, error.to_string())),
        }
    }
    if defined {
        for Defined { file, item } in site.outputs.values() {
            problems.extend(check_output(&ctx, file, item).await);
        }
        let all: Vec<&Definition> = site.definitions.values().map(|d| &d.item).collect();
        if problems.is_empty() {
            define_side_by_side(&ctx, &all, &months).await?;
            for Defined { file, item } in site.analyses.values() {
                problems.extend(check_analysis(&ctx, file, item).await);
            }
        }
    }
    Ok(problems)
}

/// Registers every table that an output may read, empty.
pub fn register_all_empty(ctx: &SessionContext, site: &Site) -> Result<(), AppError> {
    for table in site.tables.iter().filter(|t| t.zone != "reference") {
        register_empty(ctx, &table.name, table.stored_schema())?;
    }
    register_empty(ctx, "person_link", svp_link::link_schema())?;
    register_empty(ctx, "person_history", svp_link::history_schema())?;
    for (name, schema) in svp_link::event_tables() {
        register_empty(ctx, name, schema)?;
    }
    register_empty(ctx, "receipt", receipt_schema())?;
    register_empty(ctx, "finding", finding_schema())?;
    register_empty(ctx, "quarantine", quarantine_schema())?;
    register_never_mapped(ctx, &[], false, false)?;
    context::register_site_tables(ctx, site)?;
    if let Some(area) = site.areas.values().next() {
        register_reference(ctx, &area.item, &Places::default())?;
    }
    Ok(())
}

/// Looks at the header of every input file.
fn inputs(cli: &Cli, site: &Site, area: &Area, paths: &Paths) -> Result<(Vec<IngestError>, usize), AppError> {
    let mut problems = Vec::new();
    let names: Vec<String> = paths.inputs.iter().map(|(n, _)| n.clone()).collect();
    let plans = context::plans(cli, site, Some(area), &names, &ReferenceData::default())?;
    let files = match context::intake(site, paths, &plans, &[]) {
        Err(AppError::Lake(error)) => return Ok((vec![IngestError::Lake(error)], 0)),
        Err(AppError::Ingest(error)) => return Ok((vec![error], 0)),
        found => found?.files,
    };
    for (plan, file) in &files {
        let plan = &plans[*plan];
        let extract = match encoded(site, area, paths, plan, file) {
            Ok(Some(extract)) => extract,
            Ok(None) => {
                problems.extend(plan.check_header(file).err());
                file.name.clone()
            }
            Err(error) => {
                problems.push(error);
                continue;
            }
        };
        if plan.file_name(&extract).is_none() {
            problems.push(IngestError::Slot { file: extract, source_name: plan.source.name.clone() });
        }
    }
    Ok((problems, files.len()))
}

/// For an encoded file, the name of its extract: it is whole, and was made under the terms of this site. Its key is not
/// asked for.
fn encoded(
    site: &Site,
    area: &Area,
    paths: &Paths,
    plan: &SourcePlan,
    file: &InputFile,
) -> Result<Option<String>, IngestError> {
    let Some(sealed) = desk::open_if_encoded(file, &plan.source.name)? else { return Ok(None) };
    let terms = context::terms(site, Some((area, &paths.reference)), &plan.source, None)?;
    sealed.compare(&file.name, &terms)?;
    Ok(Some(sealed.manifest.extract))
}

/// `svp dictionary`.
pub fn dictionary(args: &DictionaryArgs, tell: &Tell) -> Result<(), AppError> {
    let tables = svp_contract::canonical_tables().map_err(|p| AppError::Problems(vec![p]))?;
    match args.kind {
        DictionaryKind::Tables => tell.print(svp_contract::dictionary_markdown(&tables).trim_end()),
        DictionaryKind::Functions => tell.print(svp_functions::reference_markdown().trim_end()),
        DictionaryKind::Odcs => tell.print(svp_contract::odcs_yaml(&tables, env!("CARGO_PKG_VERSION")).trim_end()),
    }
    Ok(())
}

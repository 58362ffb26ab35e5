//! A site is checked: everything is planned before a row is read, and all problems are told at once.

use svp_analyse::{Months, check_analysis, check_output, define, define_side_by_side, register_reference};
use svp_contract::{Advice, Area, Definition, FindingKind, Problem};
use svp_functions::{Areas, CodeMaps, Lookups};
use svp_ingest::desk;
use svp_ingest::reference::{self, ReferenceData};
use svp_ingest::{IngestError, SourcePlan, other_definitions};
use svp_lake::Open;
use svp_lake::input::InputFile;
use svp_pseudonymise::Key;

use crate::ages;
use crate::check_rows::{self, RowsChecked};
use crate::error::AppError;
use crate::health;
use crate::inputs::{self, Paths};
use crate::machine::Machine;
use crate::names::Names;
use crate::progress::Progress;
use crate::request::{LakeAt, PathChoice};
use crate::site::{Defined, Site};
use crate::stage::{OffGrid, Rows, Setting, Stage};
use crate::state::RunState;

/// What is checked.
#[derive(Debug, Clone, Default)]
pub struct CheckRequest {
    /// Folder of the site.
    pub site: String,
    /// Area to check as a run of it would be; all areas without.
    pub area: Option<String>,
    /// Lake to look at: whether it is what was written, and, with an area, which of its files were loaded under another definition than
    /// that of now.
    pub lake: Option<LakeAt>,
    /// Whether every row of the extracts is mapped.
    pub rows: bool,
    /// Where data lies.
    pub paths: PathChoice,
}

/// A site without problems.
#[derive(Debug, Default)]
pub struct Checked {
    /// The account of the rows, where they were asked for; a file that a run would refuse is [among it](RowsChecked::refused).
    pub rows: Option<RowsChecked>,
    /// What is in order, in lines; empty where files would be refused.
    pub in_order: Vec<String>,
}

impl Checked {
    /// Tells what was found about rows, and what is in order.
    pub fn tell(&self, progress: &dyn Progress) {
        if let Some(rows) = &self.rows {
            rows.tell(progress);
        }
        self.in_order.iter().for_each(|line| progress.step("check", line));
    }
}

/// Checks a site: plans every source, definition, output and analysis; with an area its reference data and the headers of its
/// extracts too, and with it the rows where they were asked for.
///
/// # Errors
/// [`AppError::Damage`] with all files of the lake that are not what was written, before anything else;
/// [`AppError::Problems`] with all problems of the definitions; [`AppError::Files`] with all files that cannot be used where the
/// definitions are in order.
pub async fn check(request: &CheckRequest, machine: &Machine, progress: &dyn Progress) -> Result<Checked, AppError> {
    check_with_key(request, None, machine, progress).await
}

/// The same; with the key of the lake the account of the rows says how the lake, its logs and its releases call each file.
///
/// # Errors
/// As [`check`].
pub async fn check_with_key(
    request: &CheckRequest,
    key: Option<&Key>,
    machine: &Machine,
    progress: &dyn Progress,
) -> Result<Checked, AppError> {
    let (site, mut problems) = Site::read(&request.site)?;
    problems.extend(all_sources(machine, &site)?);
    let areas: Vec<&Defined<Area>> = match &request.area {
        Some(name) => vec![site.area(name)?],
        None => site.areas.values().collect(),
    };
    for area in &areas {
        problems.extend(site.area_problems(area));
    }
    problems.extend(outputs(machine, &site, progress).await?);
    if let Some(lake) = &request.lake {
        health::verify(&lake.open(Open::Read).await?, progress).await?;
    }
    let mut headers = 0;
    let mut unusable = Vec::new();
    let mut looked = None;
    if let Some(name) = &request.area {
        let area = &site.area(name)?.item;
        let paths = inputs::paths(&site, area, &request.paths)?;
        // Without the key of the lake nobody needs to know which file a log means.
        let nobodys;
        let (known, key) = match key {
            Some(key) => (true, key),
            None => {
                nobodys = Key::generate("check").map_err(IngestError::from)?;
                (false, &nobodys)
            }
        };
        unusable.extend(in_full(machine, &site, area, &paths, progress)?);
        // Extracts are held against plans, which wrong definitions do not give.
        if problems.is_empty() {
            let (found, files) = headers_of(machine, &site, area, &paths, key, progress)?;
            unusable.extend(found);
            headers = files;
        }
        if let Some(lake) = &request.lake {
            lake_definitions(machine, &site, area, lake, progress).await?;
        }
        if request.rows && problems.is_empty() && unusable.is_empty() {
            let rows = check_rows::rows(machine, &site, area, &paths, (key, known), progress).await?;
            if !rows.refused.is_empty() {
                return Ok(Checked { rows: Some(rows), in_order: Vec::new() });
            }
            looked = Some(rows);
        }
    }
    if problems.is_empty() && !unusable.is_empty() {
        return Err(AppError::Files(unusable));
    }
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        problems.extend(unusable.iter().map(told));
        return Err(AppError::Problems(problems));
    }
    let in_order = in_order(&site, areas.len(), request.area.as_ref().map(|_| headers));
    Ok(Checked { rows: looked, in_order })
}

/// What is in order; `headers` is the number of extracts that were looked at, where an area was named.
fn in_order(site: &Site, areas: usize, headers: Option<usize>) -> Vec<String> {
    let mut lines = vec![format!(
        "{} sources, {} definitions, {} outputs, {} analyses and {areas} areas are in order",
        site.sources.len(),
        site.definitions.len(),
        site.outputs.len(),
        site.analyses.len(),
    )];
    if !site.trials.is_empty() {
        lines.push(format!("{} trials are in order", site.trials.len()));
    }
    if let Some(headers) = headers {
        lines.push("reference data are whole and fit the area".to_owned());
        lines.push(format!("{headers} files are as their source expects: the header, or the terms of an encoded file"));
    }
    lines
}

/// Tells which files of a lake were loaded under another definition than that of now.
async fn lake_definitions(
    machine: &Machine,
    site: &Site,
    area: &Area,
    lake: &LakeAt,
    progress: &dyn Progress,
) -> Result<(), AppError> {
    let lake = lake.open(Open::Read).await?;
    let Some(run) = lake.last_run() else { return Ok(()) };
    let state = RunState::of(&lake, run)?;
    let names: Vec<String> = site.sources.keys().cloned().collect();
    let plans = inputs::plans(machine, site, Some(area), &names, &ReferenceData::default())?;
    let findings = other_definitions(&plans, &state.files, &|_| false);
    progress.findings(&findings);
    let n = findings.iter().filter(|f| f.kind == FindingKind::OtherDefinition).count();
    let live = state.live().count();
    progress.step("lake", &format!("{n} of {live} files were loaded under another definition"));
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
fn in_full(
    machine: &Machine,
    site: &Site,
    area: &Area,
    paths: &Paths,
    progress: &dyn Progress,
) -> Result<Vec<IngestError>, AppError> {
    let postcodes = inputs::needs_postcodes(site, &paths.sources());
    let data = match reference::load(area, &paths.reference, site.lists(), postcodes, machine.threads) {
        Ok(data) => data,
        Err(errors) => return Ok(errors),
    };
    let full = match inputs::sound(data.in_full(area), progress) {
        Ok(full) => full,
        Err(AppError::Files(errors)) => return Ok(errors),
        Err(other) => return Err(other),
    };
    let ctx = machine.session(Some(area), CodeMaps::default(), Lookups::default(), Areas::default())?;
    match register_reference(&ctx, area, &full.places) {
        Err(error @ svp_analyse::AnalyseError::TwoParents { .. }) => {
            Ok(vec![IngestError::Reference { file: "lookups".to_owned(), what: error.to_string() }])
        }
        other => Ok(other.map(|()| Vec::new())?),
    }
}

/// Plans every mapping of every source.
fn all_sources(machine: &Machine, site: &Site) -> Result<Vec<Problem>, AppError> {
    let mut problems = Vec::new();
    for Defined { file, item, .. } in site.sources.values() {
        let ctx = machine.session(None, inputs::code_maps(item), Lookups::default(), Areas::default())?;
        if let Err(found) = SourcePlan::new(&ctx, item, file, &site.tables) {
            problems.extend(found);
        }
    }
    Ok(problems)
}

/// Plans every definition and every output over empty tables.
async fn outputs(machine: &Machine, site: &Site, progress: &dyn Progress) -> Result<Vec<Problem>, AppError> {
    let months = Months { from: "2000-01".to_owned(), to: "2000-12".to_owned() };
    let setting = Setting {
        ground: None,
        rows: Rows::Empty,
        months: Some(months.clone()),
        off_grid: OffGrid::Unasked,
        hold_coverage: false,
    };
    let ctx = Stage::open(site, machine, setting, progress).await?.ctx;
    let mut problems = Vec::new();
    if let Some(Defined { file, item, .. }) = &site.events {
        ages::open_in(&ctx, &site.tables, None).await?;
        problems.extend(svp_link::check_events(&ctx, file, item).await);
        ages::close_in(&ctx, &site.tables)?;
    }
    let mut defined = false;
    for Defined { file, item, .. } in site.definitions.values() {
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
        for Defined { file, item, .. } in site.outputs.values() {
            problems.extend(check_output(&ctx, &site.tables, file, item).await);
        }
        let all: Vec<&Definition> = site.definitions.values().map(|d| &d.item).collect();
        if problems.is_empty() {
            define_side_by_side(&ctx, &all, &months).await?;
            for Defined { file, item, .. } in site.analyses.values() {
                problems.extend(check_analysis(&ctx, file, item).await);
            }
        }
    }
    Ok(problems)
}

/// Looks at the header of every input file.
fn headers_of(
    machine: &Machine,
    site: &Site,
    area: &Area,
    paths: &Paths,
    key: &Key,
    progress: &dyn Progress,
) -> Result<(Vec<IngestError>, usize), AppError> {
    let mut problems = Vec::new();
    let plans = inputs::plans(machine, site, Some(area), &paths.sources(), &ReferenceData::default())?;
    let files = match inputs::intake(site, paths, &plans, &[]) {
        Err(AppError::Lake(error)) => return Ok((vec![IngestError::Lake(error)], 0)),
        Err(AppError::Ingest(error)) => return Ok((vec![error], 0)),
        found => {
            let found = found?;
            progress.names(&Names::new(key, found.files.iter().map(|(_, file)| file), &found.findings));
            found.files
        }
    };
    for (plan, file) in &files {
        let plan = &plans[*plan];
        match encoded(site, area, paths, plan, file) {
            // The name of its extract is sealed.
            Ok(true) => continue,
            Ok(false) => problems.extend(plan.check_header(file).err()),
            Err(error) => {
                problems.push(error);
                continue;
            }
        }
        if plan.file_name(&file.name).is_none() {
            problems.push(IngestError::Slot { file: file.name.clone(), source_name: plan.source.name.clone() });
        }
    }
    Ok((problems, files.len()))
}

/// Whether a file is an encoded one: then it is whole, and was made under the terms of this site. Its key is not asked for.
fn encoded(site: &Site, area: &Area, paths: &Paths, plan: &SourcePlan, file: &InputFile) -> Result<bool, IngestError> {
    let Some(head) = desk::head_if_encoded(file, &plan.source.name)? else { return Ok(false) };
    let terms = inputs::terms(site, Some((area, &paths.reference)), &plan.source, None)?;
    head.compare(&file.name, &terms)?;
    Ok(true)
}

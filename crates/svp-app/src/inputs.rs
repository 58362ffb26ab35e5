//! Where data lies and what lies there: the paths of an area, its reference data, the plans of its sources, its extracts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use svp_contract::{Acceptance, Area, Finding, FindingKind, Places, Problem, Source};
use svp_functions::CodeMaps;
use svp_ingest::desk::{self, Need, Terms};
use svp_ingest::reference::{self, InFull, ReferenceData};
use svp_ingest::{Findings, Intake, NamePattern, SourcePlan};
use svp_lake::LakeError;
use svp_lake::input::find;
use svp_pseudonymise::Key;

use crate::error::AppError;
use crate::machine::Machine;
use crate::progress::Progress;
use crate::request::PathChoice;
use crate::site::{Defined, Site};
use crate::unknown::unknown;

/// The code maps of a source as the functions want them.
pub(crate) fn code_maps(source: &Source) -> CodeMaps {
    CodeMaps::new(
        source.maps.iter().map(|(name, pairs)| (name.clone(), pairs.clone().into_iter().collect::<HashMap<_, _>>())),
    )
}

/// Where an area's data lies, after the arguments have had their say.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    /// Folder of reference data.
    pub reference: String,
    /// Patterns by source, in the order of the area file.
    pub inputs: Vec<(String, Vec<String>)>,
    /// Sources that may have no file.
    pub optional: BTreeSet<String>,
}

impl Paths {
    /// The sources of the inputs, in their order.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        self.inputs.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Settles where the data of an area lie: what was chosen goes before the area's own folders.
///
/// # Errors
/// [`AppError::Argument`] for an input without `=`, or of a source that the site does not have.
pub fn paths(site: &Site, area: &Area, choice: &PathChoice) -> Result<Paths, AppError> {
    let reference = choice.reference.clone().unwrap_or_else(|| site.beside_area(&area.reference_root));
    let root = choice.extracts.clone().unwrap_or_else(|| site.beside_area(&area.input_root));
    let mut inputs: Vec<(String, Vec<String>)> = Vec::new();
    for input in &area.input {
        let patterns = input.path.iter().map(|p| join(&root, p)).collect();
        inputs.push((input.source.clone(), patterns));
    }
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in &choice.input {
        let Some((source, path)) = pair.split_once('=') else {
            return Err(AppError::Argument {
                what: format!("--input {pair}: no `=` in it"),
                hint: "write --input SOURCE=PATH".to_owned(),
            });
        };
        if !site.sources.contains_key(source) {
            let known = site.sources.keys().map(String::as_str);
            return Err(unknown("source", source, known).argument_listed("sources of this site"));
        }
        given.entry(source.to_owned()).or_default().push(path.to_owned());
    }
    for (source, patterns) in given {
        match inputs.iter_mut().find(|(name, _)| *name == source) {
            Some(entry) => entry.1 = patterns,
            None => inputs.push((source, patterns)),
        }
    }
    // With --input only what is named is loaded: the rest of the area's own folders may not be there.
    if !choice.input.is_empty() && choice.extracts.is_none() {
        inputs.retain(|(source, _)| choice.input.iter().any(|i| i.split('=').next() == Some(source)));
    }
    // What somebody names on the command line is to be there.
    let named = |source: &str| choice.input.iter().any(|i| i.split('=').next() == Some(source));
    let optional = area.input.iter().filter(|i| i.optional && !named(&i.source)).map(|i| i.source.clone()).collect();
    Ok(Paths { reference, inputs, optional })
}

fn join(root: &str, path: &str) -> String {
    if path.starts_with('/') || path.contains("://") {
        path.to_owned()
    } else {
        format!("{}/{path}", root.trim_end_matches('/'))
    }
}

/// Reference data of an area, read in full and held against it: a command refuses what a run refuses. Sizes of small areas are
/// among what they say of places.
pub(crate) fn reference(
    machine: &Machine,
    site: &Site,
    area: &Area,
    paths: &Paths,
    with_postcodes: bool,
    progress: &dyn Progress,
) -> Result<(ReferenceData, Places), AppError> {
    let data = reference::load(area, &paths.reference, site.lists(), with_postcodes, machine.threads)?;
    let mut places = sound(data.in_full(area), progress)?.places;
    places.km2 = data.square_kilometres("lsoa");
    Ok((data, places))
}

/// Tells what is odd in reference data, and refuses those that cannot be used.
pub(crate) fn sound(full: InFull, progress: &dyn Progress) -> Result<InFull, AppError> {
    for told in &full.told {
        let finding = Finding::new(FindingKind::Reference, "", "", &told.file, told.what.clone());
        progress.findings(&[finding.at("", "", told.kind)]);
    }
    if full.problems.is_empty() { Ok(full) } else { Err(AppError::Files(full.problems)) }
}

/// Plans sources, for an area where there is one. `data` are the reference data that the mappings ask; without them plans can be
/// looked at, but not run.
///
/// # Errors
/// [`AppError::Problems`] with all problems of all sources at once.
pub(crate) fn plans(
    machine: &Machine,
    site: &Site,
    area: Option<&Area>,
    names: &[String],
    data: &ReferenceData,
) -> Result<Vec<SourcePlan>, AppError> {
    let mut plans = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for name in names {
        let Some(Defined { file, item, .. }) = site.sources.get(name) else { continue };
        let ctx = machine.session(area, code_maps(item), data.lookups.clone(), data.areas.clone())?;
        match SourcePlan::new(&ctx, item, file, &site.tables) {
            Ok(plan) => plans.push(plan),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(plans) } else { Err(AppError::Problems(problems)) }
}

/// Whether the mappings of these sources, or the tables that they fill, ask for the LSOA of a postcode.
#[must_use]
pub(crate) fn needs_postcodes(site: &Site, names: &[String]) -> bool {
    let sources = names.iter().filter_map(|name| site.sources.get(name));
    sources.into_iter().any(|s| desk::needs(&s.item, &site.tables).contains(&Need::Postcodes))
}

/// The terms under which a source is pseudonymised here; `area` comes with the folder of its reference data. Without a
/// key, what only a key can tell is left out.
///
/// # Errors
/// Reference data that cannot be read.
pub(crate) fn terms(
    site: &Site,
    area: Option<(&Area, &str)>,
    source: &Source,
    key: Option<&Key>,
) -> Result<Terms, svp_ingest::IngestError> {
    let wanted = desk::needs(source, &site.tables);
    let reference = desk::reference_digests(&wanted, area, &site.offences)?;
    Terms::new(source, &site.tables, reference, key)
}

/// Sources that the area asks for and that neither the paths nor the lake, which has files of `known` sources, give.
pub(crate) fn not_given(area: &Area, paths: &Paths, known: &BTreeSet<&str>) -> Vec<Finding> {
    let given = |source: &str| paths.inputs.iter().any(|(name, _)| name == source) || known.contains(source);
    let asked: BTreeSet<&str> = area.input.iter().filter(|i| !i.optional).map(|i| i.source.as_str()).collect();
    let what =
        "the area asks for it, and neither this run nor the lake has a file of it: what needs it is counted without it";
    let told = |source: &str| Finding::new(FindingKind::NotGiven, source, "", "", what);
    asked.into_iter().filter(|source| !given(source)).map(told).collect()
}

/// The extracts that lie where the paths point, and what was found beside them. A source without a file, or a path that gives
/// none, is a finding that refuses unless the area says that it may be absent or somebody accepts it.
///
/// # Errors
/// Paths that cannot be looked at, and findings that refuse.
pub(crate) fn intake(
    site: &Site,
    paths: &Paths,
    plans: &[SourcePlan],
    accepted: &[Acceptance],
) -> Result<Intake, AppError> {
    let others: Vec<(String, NamePattern)> =
        site.sources.iter().filter_map(|(name, s)| Some((name.clone(), NamePattern::new(&s.item.files)?))).collect();
    let mut intake = Intake::default();
    let mut findings = Findings::new(accepted);
    for (source, patterns) in &paths.inputs {
        let Some(plan) = plans.iter().position(|p| p.source.name == *source) else { continue };
        let optional = paths.optional.contains(source);
        for pattern in patterns {
            let found = match find(pattern) {
                Err(LakeError::NoInput { .. }) if optional => continue,
                found => found?,
            };
            let there = found.len() as u64;
            if intake.take(plans, plan, &others, found)? == 0 && !optional {
                let what = match there {
                    0 => format!("{pattern} gives no file"),
                    _ => format!("{pattern} gives no extract, though it gives other files"),
                };
                findings.raise(Finding::new(FindingKind::NoFile, source, "", "", what).counted(there, 0));
            }
        }
    }
    // The names that were passed over tell why there is none.
    findings.finish_beside(&mut intake.findings)?;
    // A file that two patterns give is one.
    intake.files.sort();
    intake.files.dedup();
    intake.findings.dedup();
    Ok(intake)
}

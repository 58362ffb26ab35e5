//! What commands share: sessions with every function, the paths of an area, the plans of its sources.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use datafusion::prelude::SessionContext;
use svp_analyse::{SITE_TABLES, register_never_mapped, register_site_table};
use svp_contract::{Acceptance, Area, Finding, FindingKind, Places, Problem, Source, Table};
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};
use svp_ingest::desk::{self, Terms};
use svp_ingest::reference::{self, InFull, ReferenceData};
use svp_ingest::{Findings, Intake, NamePattern, SourcePlan};
use svp_lake::input::find;
use svp_lake::{LakeError, Limits};
use svp_pseudonymise::Key;

use crate::args::{Cli, PathArgs};
use crate::error::AppError;
use crate::site::{Defined, Site};
use crate::tell::Tell;

/// Limits of a session.
pub fn limits(cli: &Cli) -> Limits {
    Limits { memory_bytes: Some(cli.memory * 1024 * 1024), threads: cli.threads(), spill_dir: None }
}

/// A session with every function registered; `maps` are those of a source, or empty.
pub fn session(
    cli: &Cli,
    area: Option<&Area>,
    maps: CodeMaps,
    lookups: Lookups,
    areas: Areas,
) -> Result<SessionContext, AppError> {
    let ctx = svp_lake::session(&limits(cli))?;
    let area_box = area.map_or_else(AreaBox::default, |a| AreaBox { easting: a.easting, northing: a.northing });
    svp_functions::register(&ctx, svp_functions::bound(maps, lookups, areas, area_box));
    Ok(ctx)
}

/// Registers the small tables of the site; empty where it has none.
pub fn register_site_tables(ctx: &SessionContext, site: &Site) -> Result<(), AppError> {
    for table in site.tables.iter().filter(|t| SITE_TABLES.contains(&t.name.as_str())) {
        register_site_table(ctx, table, site.site_tables.get(&table.name).cloned())?;
    }
    Ok(())
}

/// Registers what `mappable_violence` keeps off grids: what the policy of the area's audience keeps off its maps, or nothing where
/// events may stand `everywhere`. An audience without a policy sees no home and no domestic event.
pub fn register_off_grid(ctx: &SessionContext, site: &Site, area: &Area, everywhere: bool) -> Result<(), AppError> {
    let map = site.policies.get(&area.audience).map(|p| &p.item.map);
    let groups = map.filter(|_| !everywhere).map(|m| m.never_groups.clone()).unwrap_or_default();
    let shown = |says: fn(&svp_contract::MapRule) -> bool| everywhere || map.is_some_and(says);
    Ok(register_never_mapped(ctx, &groups, shown(|m| m.domestic), shown(|m| m.homes))?)
}

/// The code maps of a source as the functions want them.
pub fn code_maps(source: &Source) -> CodeMaps {
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

/// Settles the paths.
pub fn paths(site: &Site, area: &Area, args: &PathArgs) -> Result<Paths, AppError> {
    let reference = args.reference.clone().unwrap_or_else(|| site.beside_area(&area.reference_root));
    let root = args.extracts.clone().unwrap_or_else(|| site.beside_area(&area.input_root));
    let mut inputs: Vec<(String, Vec<String>)> = Vec::new();
    for input in &area.input {
        let patterns = input.path.iter().map(|p| join(&root, p)).collect();
        inputs.push((input.source.clone(), patterns));
    }
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in &args.input {
        let Some((source, path)) = pair.split_once('=') else {
            return Err(AppError::Argument {
                what: format!("--input {pair}: no `=` in it"),
                hint: "write --input SOURCE=PATH".to_owned(),
            });
        };
        if !site.sources.contains_key(source) {
            return Err(AppError::Argument {
                what: format!("there is no source `{source}`"),
                hint: format!("sources of this site: {}", site.sources.keys().cloned().collect::<Vec<_>>().join(", ")),
            });
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
    if !args.input.is_empty() && args.extracts.is_none() {
        inputs.retain(|(source, _)| args.input.iter().any(|i| i.split('=').next() == Some(source)));
    }
    // What somebody names on the command line is to be there.
    let named = |source: &str| args.input.iter().any(|i| i.split('=').next() == Some(source));
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
pub fn reference(
    cli: &Cli,
    site: &Site,
    area: &Area,
    paths: &Paths,
    with_postcodes: bool,
    tell: &Tell,
) -> Result<(ReferenceData, Places), AppError> {
    let data = reference::load(area, &paths.reference, &site.offences, with_postcodes, cli.threads())?;
    let mut places = sound(data.in_full(area), tell)?.places;
    places.km2 = data.square_kilometres("lsoa");
    Ok((data, places))
}

/// Tells what is odd in reference data, and refuses those that cannot be used.
pub fn sound(full: InFull, tell: &Tell) -> Result<InFull, AppError> {
    for told in &full.told {
        let finding = Finding::new(FindingKind::Reference, "", "", &told.file, told.what.clone());
        tell.findings(&[finding.at("", "", told.kind)]);
    }
    if full.problems.is_empty() { Ok(full) } else { Err(AppError::Files(full.problems)) }
}

/// Plans sources, for an area where there is one. All problems at once.
pub fn plans(
    cli: &Cli,
    site: &Site,
    area: Option<&Area>,
    names: &[String],
    data: &ReferenceData,
) -> Result<Vec<SourcePlan>, AppError> {
    let mut plans = Vec::new();
    let mut problems: Vec<Problem> = Vec::new();
    for name in names {
        let Some(Defined { file, item }) = site.sources.get(name) else { continue };
        let ctx = session(cli, area, code_maps(item), data.lookups.clone(), data.areas.clone())?;
        match SourcePlan::new(&ctx, item, file, &site.tables) {
            Ok(plan) => plans.push(plan),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(plans) } else { Err(AppError::Problems(problems)) }
}

/// Whether the mappings of these sources, or the tables that they fill, ask for the LSOA of a postcode.
pub fn needs_postcodes(site: &Site, names: &[String]) -> bool {
    let asks = |sql: &str| sql.contains("'postcode_lsoa'");
    let feeds = || names.iter().filter_map(|name| site.sources.get(name)).flat_map(|s| &s.item.feeds);
    let derived = |table: &Table| table.columns.iter().any(|c| c.derive.as_deref().is_some_and(asks));
    feeds().any(|f| f.expressions().any(|sql| asks(sql)))
        || feeds().any(|f| f.targets(&site.tables).any(|(table, _)| derived(table)))
}

/// The terms under which a source is pseudonymised here; `area` comes with the folder of its reference data. Without a
/// key, what only a key can tell is left out.
pub fn terms(
    site: &Site,
    area: Option<(&Area, &str)>,
    source: &Source,
    key: Option<&Key>,
) -> Result<Terms, svp_ingest::IngestError> {
    let wanted = desk::needs(source, &site.tables);
    let reference = desk::reference_digests(&wanted, area, &site.offences)?;
    Terms::new(source, &site.tables, reference, key)
}

/// The extracts that lie where the paths point, and what was found beside them. A source without a file, or a path that gives
/// none, is a finding that refuses unless the area says that it may be absent or somebody accepts it.
pub fn intake(site: &Site, paths: &Paths, plans: &[SourcePlan], accepted: &[Acceptance]) -> Result<Intake, AppError> {
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

/// Takes `KEY=VALUE` pairs apart.
pub fn store_options(pairs: &[String]) -> Result<HashMap<String, String>, AppError> {
    pairs
        .iter()
        .map(|pair| {
            pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).ok_or_else(|| AppError::Argument {
                what: "a --store-option has no `=` in it".to_owned(),
                hint: "write --store-option KEY=VALUE".to_owned(),
            })
        })
        .collect()
}

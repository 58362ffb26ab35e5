//! The site: everything under `pipelines/`, read and parsed, with all problems at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use svp_contract::{
    Analysis, Area, AudiencePolicy, Definition, DefinitionId, EventRules, Forces, Gateways, Linkage, Output, Problem,
    Source, Table, Trial, canonical_tables, reads_problems, tie_problems,
};

use arrow::array::{AsArray, RecordBatch};
use svp_analyse::{SITE_TABLES, read_site_table};
use svp_disclose::exceptions::Exceptions;
use svp_ingest::reference::SiteLists;
use svp_lake::input::digest_bytes;

use crate::error::AppError;
use crate::unknown::unknown;

/// A parsed file and where it came from.
#[derive(Debug, Clone)]
pub struct Defined<T> {
    /// Path relative to the site.
    pub file: String,
    /// SHA-256 of its text, 64 hexadecimal digits.
    pub digest: String,
    /// The thing.
    pub item: T,
}

impl Defined<Definition> {
    /// The definition as it stands.
    #[must_use]
    pub fn id(&self) -> DefinitionId {
        DefinitionId { name: self.item.name.clone(), digest: self.digest.clone() }
    }
}

/// The definitions of a site.
#[derive(Debug)]
pub struct Site {
    /// Its folder.
    pub root: PathBuf,
    /// Canonical tables.
    pub tables: Vec<Table>,
    /// Sources by name.
    pub sources: BTreeMap<String, Defined<Source>>,
    /// Areas by name.
    pub areas: BTreeMap<String, Defined<Area>>,
    /// Definitions by name.
    pub definitions: BTreeMap<String, Defined<Definition>>,
    /// Outputs by name.
    pub outputs: BTreeMap<String, Defined<Output>>,
    /// Analyses by name.
    pub analyses: BTreeMap<String, Defined<Analysis>>,
    /// Small tables of the site by name.
    pub site_tables: BTreeMap<String, RecordBatch>,
    /// Policies by audience.
    pub policies: BTreeMap<String, Defined<AudiencePolicy>>,
    /// What named people allowed (`pipelines/policies/exceptions.toml`, where there is one).
    pub exceptions: Exceptions,
    /// How people are linked.
    pub linkage: Linkage,
    /// What the law carries.
    pub gateways: Gateways,
    /// Text of the offence table.
    pub offences: String,
    /// Text of the list of police forces; empty where the site has none.
    pub force_list: String,
    /// How events without people are matched (`pipelines/linkage/events.toml`, where there is one).
    pub events: Option<Defined<EventRules>>,
    /// Trials by name (`pipelines/trials`, where there is one). No run reads them, so they are not in `texts`.
    pub trials: BTreeMap<String, Defined<Trial>>,
    /// Texts of all files, for the digest of the configuration.
    pub texts: BTreeMap<String, String>,
}

/// Where a site says how people are linked; without the file the shipped definition holds.
pub const LINKAGE: &str = "pipelines/linkage/people.toml";

impl Site {
    /// Reads a site that has no problem. What a command computes may hang on any file, and one that cannot be read must not be
    /// taken for one that is empty.
    ///
    /// # Errors
    /// [`AppError::Problems`] with all problems of its files; what [`read`](Self::read) refuses.
    pub fn sound(root: &str) -> Result<Self, AppError> {
        match Self::read(root)? {
            (site, problems) if problems.is_empty() => Ok(site),
            (_, problems) => Err(AppError::Problems(problems)),
        }
    }

    /// Indices of harm that the site has weights of, in order.
    #[must_use]
    pub fn harm_indices(&self) -> Vec<String> {
        harm_indices(&self.site_tables)
    }

    /// Reads the site in a folder. Problems in files are collected, not fatal.
    ///
    /// # Errors
    /// [`AppError::Argument`] for a folder that is no site, and files that every site has and that cannot be read.
    pub fn read(root: &str) -> Result<(Self, Vec<Problem>), AppError> {
        let root = PathBuf::from(root);
        if !svp_lake::files::is_dir(&root.join("pipelines")) {
            return Err(AppError::Argument {
                what: format!("{} has no folder `pipelines`", root.display()),
                hint: "run svp in the folder of the site, or name it with --site".to_owned(),
            });
        }
        let mut problems = Vec::new();
        let mut texts = BTreeMap::new();
        let mut tables = canonical_tables().map_err(|p| AppError::Problems(vec![p]))?;
        if svp_lake::files::is_dir(&root.join("pipelines/schemas")) {
            let own = folder(&root, "schemas", "toml", &mut texts, &mut problems, Table::parse, |t| t.name.clone());
            for Defined { file, item, .. } in own.into_values() {
                if tables.iter().any(|t| t.name == item.name) {
                    let what = format!("the table `{}` is one of svp's own", item.name);
                    problems.push(Problem::new(file, what).hint("give the site's table another name"));
                } else {
                    tables.push(item);
                }
            }
            tables.sort_by_key(Table::rank);
        }
        let sources = folder(&root, "sources", "toml", &mut texts, &mut problems, Source::parse, |s| s.name.clone());
        let areas = folder(&root, "areas", "toml", &mut texts, &mut problems, Area::parse, |a| a.name.clone());
        let definitions =
            folder(&root, "definitions", "toml", &mut texts, &mut problems, Definition::parse, |d| d.name.clone());
        let outputs = outputs(&root, &mut texts, &mut problems);
        problems.extend(tie_problems(outputs.values().map(|d| (d.file.as_str(), &d.item))));
        // What no run reads is no part of its configuration.
        let mut analyses = BTreeMap::new();
        if svp_lake::files::is_dir(&root.join("pipelines/analyses")) {
            let parse = Analysis::parse;
            analyses = folder(&root, "analyses", "sql", &mut BTreeMap::new(), &mut problems, parse, |a| a.name.clone());
            let all = analyses.clone();
            let all = all.iter().map(|(name, a)| (name.as_str(), &a.item)).collect();
            problems.extend(analyses.values_mut().filter_map(|a| a.item.read_from(&a.file, &all).err()));
        }
        let site_tables = site_tables(&root, &tables, &mut texts, &mut problems)?;
        let mut trials = BTreeMap::new();
        if svp_lake::files::is_dir(&root.join("pipelines/trials")) {
            trials =
                folder(&root, "trials", "toml", &mut BTreeMap::new(), &mut problems, Trial::parse, |t| t.name.clone());
        }
        problems.extend(trial_problems(&trials, &areas, &definitions, &harm_indices(&site_tables)));
        let mut policies =
            folder(&root, "policies", "toml", &mut texts, &mut problems, Policies::parse, |p| p.name().clone());
        let gateways = match policies.remove("gateways").map(|d| d.item) {
            Some(Policies::Gateways(gateways)) => gateways,
            _ => Gateways::default(),
        };
        let exceptions = match policies.remove("exceptions").map(|d| d.item) {
            Some(Policies::Exceptions(exceptions)) => exceptions,
            _ => Exceptions::default(),
        };
        let policies: BTreeMap<String, Defined<AudiencePolicy>> = policies
            .into_iter()
            .filter_map(|(name, d)| match d.item {
                Policies::Audience(item) => Some((name, Defined { file: d.file, digest: d.digest, item: *item })),
                Policies::Gateways(_) | Policies::Exceptions(_) => None,
            })
            .collect();
        let mut linkage = Linkage::shipped().map_err(|p| AppError::Problems(vec![p]))?;
        let file = root.join(LINKAGE);
        if svp_lake::files::exists(&file) {
            let text = svp_lake::files::read_text(&file)?;
            match Linkage::parse(LINKAGE, &text) {
                Ok(own) => linkage = own,
                Err(problem) => problems.push(problem),
            }
            texts.insert(LINKAGE.to_owned(), text);
        }
        let offences = svp_lake::files::read_text(&root.join("pipelines/reference/offences.csv"))?;
        let forces = root.join(FORCES);
        let force_list =
            if svp_lake::files::exists(&forces) { svp_lake::files::read_text(&forces)? } else { String::new() };
        let groups: BTreeSet<&str> = offences.split([',', '\n', '\r']).collect();
        for Defined { file, item, .. } in policies.values() {
            problems.extend(item.problems(file));
            // A misspelt group would protect nobody and say nothing.
            for group in item.map.never_groups.iter().filter(|g| !groups.contains(g.as_str())) {
                let other = unknown("offence group", group, groups.iter().copied());
                problems.push(
                    Problem::new(file, format!("map.never_groups: {}", other.what))
                        .hint(other.near_or(|| "groups stand in pipelines/reference/offences.csv".to_owned())),
                );
            }
        }
        problems.extend(reads_problems(policies.values().map(|d| (d.file.as_str(), &d.item))));
        texts.insert("pipelines/reference/offences.csv".to_owned(), offences.clone());
        texts.insert(FORCES.to_owned(), force_list.clone());
        let events = event_rules(&root, &mut texts, &mut problems)?;
        Ok((
            Self {
                root,
                tables,
                sources,
                areas,
                definitions,
                outputs,
                analyses,
                site_tables,
                policies,
                exceptions,
                linkage,
                gateways,
                offences,
                force_list,
                events,
                trials,
                texts,
            },
            problems,
        ))
    }

    /// The lists that lookups are made of.
    #[must_use]
    pub fn lists(&self) -> SiteLists<'_> {
        SiteLists { offences: &self.offences, forces: &self.force_list }
    }

    /// An area by name.
    ///
    /// # Errors
    /// [`AppError::Argument`] with the nearest name, or all names.
    pub fn area(&self, name: &str) -> Result<&Defined<Area>, AppError> {
        let known = self.areas.keys().map(String::as_str);
        self.areas.get(name).ok_or_else(|| unknown("area", name, known).argument("areas of this site"))
    }

    /// A path that an area file gives, relative to that file unless absolute.
    #[must_use]
    pub fn beside_area(&self, path: &str) -> String {
        let given = Path::new(path);
        if given.is_absolute() || path.contains("://") {
            return path.to_owned();
        }
        normal(&self.root.join("pipelines/areas").join(given))
    }

    /// Problems of an area that can be seen from names alone.
    #[must_use]
    pub fn area_problems(&self, area: &Defined<Area>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut names = |kind: &str, wanted: &[String], known: Vec<&str>| {
            for name in wanted {
                if !known.contains(&name.as_str()) {
                    problems.push(unknown(kind, name, known.iter().copied()).problem(&area.file));
                }
            }
        };
        names("definition", &area.item.definitions, self.definitions.keys().map(String::as_str).collect());
        names("output", &area.item.outputs, self.outputs.keys().map(String::as_str).collect());
        let sources: Vec<String> = area.item.input.iter().map(|i| i.source.clone()).collect();
        names("source", &sources, self.sources.keys().map(String::as_str).collect());
        match self.policies.get(&area.item.audience) {
            None => {
                let known = self.policies.keys().map(String::as_str);
                let other = unknown("policy for the audience", &area.item.audience, known);
                let hint = || format!("{}; a policy is one file in pipelines/policies", other.listed("known"));
                problems.push(Problem::new(&area.file, &other.what).hint(other.near_or(hint)));
            }
            Some(policy) => {
                problems.extend(area.item.disclosure.iter().flat_map(|rule| rule.problems(&area.file, &policy.item)));
            }
        }
        for name in &area.item.outputs {
            if let Some(output) = self.outputs.get(name)
                && !output.item.audiences.contains(&area.item.audience)
            {
                problems.push(
                    Problem::new(
                        &area.file,
                        format!("output `{name}` is not for the audience `{}`", area.item.audience),
                    )
                    .hint("take it out of `outputs`, or release to an audience that its header names"),
                );
            }
        }
        problems
    }
}

/// Indices of the table of harm weights, each once, in order.
fn harm_indices(tables: &BTreeMap<String, RecordBatch>) -> Vec<String> {
    let column = tables.get("harm_weight").and_then(|t| t.column_by_name("index"));
    // A set: each index stands in many rows.
    let names: BTreeSet<String> =
        column.and_then(|c| c.as_string_opt::<i32>()).into_iter().flatten().flatten().map(str::to_owned).collect();
    names.into_iter().collect()
}

/// Areas, definitions and harm indices that a trial names and that are not there.
fn trial_problems(
    trials: &BTreeMap<String, Defined<Trial>>,
    areas: &BTreeMap<String, Defined<Area>>,
    definitions: &BTreeMap<String, Defined<Definition>>,
    harm_indices: &[String],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut judge = |file: &str, kind: &str, name: Option<&String>, known: Vec<&str>| {
        let Some(name) = name.filter(|n| !known.contains(&n.as_str())) else { return };
        let other = unknown(kind, name, known);
        let hint = || if other.known.is_empty() { "this site has none".to_owned() } else { other.listed("known") };
        problems.push(Problem::new(file, &other.what).hint(other.near_or(hint)));
    };
    for Defined { file, item, .. } in trials.values() {
        judge(file, "area", item.area.as_ref(), areas.keys().map(String::as_str).collect());
        judge(file, "definition", item.definition.as_ref(), definitions.keys().map(String::as_str).collect());
        judge(file, "harm index", item.harm_index.as_ref(), harm_indices.iter().map(String::as_str).collect());
    }
    problems
}

/// A file of `pipelines/policies`: an audience, or the gateways of the law.
enum Policies {
    Audience(Box<AudiencePolicy>),
    Gateways(Gateways),
    Exceptions(Exceptions),
}

impl Policies {
    fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        if file.ends_with("gateways.toml") {
            Gateways::parse(file, text).map(Self::Gateways)
        } else if file.ends_with("exceptions.toml") {
            let first = |problems: Vec<Problem>| {
                problems.into_iter().next().unwrap_or_else(|| Problem::new(file, "unreadable"))
            };
            Exceptions::parse(file, text).map(Self::Exceptions).map_err(first)
        } else {
            AudiencePolicy::parse(file, text).map(|p| Self::Audience(Box::new(p)))
        }
    }

    fn name(&self) -> &String {
        // These have no name of their own: each file is the one of its kind.
        static GATEWAYS: LazyLock<String> = LazyLock::new(|| "gateways".to_owned());
        static EXCEPTIONS: LazyLock<String> = LazyLock::new(|| "exceptions".to_owned());
        match self {
            Self::Audience(policy) => &policy.name,
            Self::Gateways(_) => &GATEWAYS,
            Self::Exceptions(_) => &EXCEPTIONS,
        }
    }
}

/// The outputs of the site by name: a file with variants is several.
fn outputs(
    root: &Path,
    texts: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Defined<Output>> {
    // A file has one output at least.
    let named = |all: &Vec<Output>| all.first().map(|o| o.template.clone()).unwrap_or_default();
    let files = folder(root, "outputs", "sql", texts, problems, Output::parse_all, named);
    let mut out = BTreeMap::new();
    for Defined { file, digest, item } in files.into_values() {
        for item in item {
            let name = item.name.clone();
            if out.insert(name.clone(), Defined { file: file.clone(), digest: digest.clone(), item }).is_some() {
                problems.push(Problem::new(&file, format!("another file is the output `{name}` too")));
            }
        }
    }
    out
}

fn folder<T>(
    root: &Path,
    name: &str,
    extension: &str,
    texts: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
    parse: impl Fn(&str, &str) -> Result<T, Problem>,
    named: impl Fn(&T) -> String,
) -> BTreeMap<String, Defined<T>> {
    let mut out = BTreeMap::new();
    let dir = root.join("pipelines").join(name);
    let files = match svp_lake::files::list_dir(&dir, extension) {
        Ok(files) => files,
        Err(_) => {
            problems.push(Problem::new(format!("pipelines/{name}"), "the folder is missing"));
            return out;
        }
    };
    for path in files {
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let file = format!("pipelines/{name}/{stem}.{extension}");
        let text = match svp_lake::files::read_text(&path) {
            Ok(text) => text,
            Err(_) => {
                problems.push(Problem::new(&file, "the file cannot be read as UTF-8 text"));
                continue;
            }
        };
        match parse(&file, &text) {
            Ok(item) => {
                let name = named(&item);
                if name != stem {
                    problems.push(
                        Problem::new(&file, format!("it calls itself `{name}`"))
                            .hint("name and file name are the same"),
                    );
                }
                out.insert(stem, Defined { file: file.clone(), digest: digest_bytes(text.as_bytes()), item });
            }
            Err(problem) => problems.push(problem),
        }
        texts.insert(file, text);
    }
    out
}

/// The small tables that the site gives as CSV files.
fn site_tables(
    root: &Path,
    tables: &[Table],
    texts: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Result<BTreeMap<String, RecordBatch>, AppError> {
    let mut out = BTreeMap::new();
    for table in tables.iter().filter(|t| SITE_TABLES.contains(&t.name.as_str())) {
        let file = format!("pipelines/reference/{}.csv", table.name);
        if !svp_lake::files::exists(&root.join(&file)) {
            continue;
        }
        let text = svp_lake::files::read_text(&root.join(&file))?;
        match read_site_table(table, &file, &text) {
            Ok(rows) => {
                out.insert(table.name.clone(), rows);
            }
            Err(problem) => problems.push(problem),
        }
        texts.insert(file, text);
    }
    Ok(out)
}

/// The rules by which events are matched, where the site has them.
fn event_rules(
    root: &Path,
    texts: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Result<Option<Defined<EventRules>>, AppError> {
    let file = "pipelines/linkage/events.toml".to_owned();
    let path = root.join(&file);
    // A site without the folder, or without the file, matches no events.
    let there = svp_lake::files::list_dir(&root.join("pipelines/linkage"), "toml").unwrap_or_default();
    if !there.contains(&path) {
        return Ok(None);
    }
    let text = svp_lake::files::read_text(&path)?;
    let parsed = EventRules::parse(&file, &text);
    let digest = digest_bytes(text.as_bytes());
    texts.insert(file.clone(), text);
    match parsed {
        Ok(item) => Ok(Some(Defined { file, digest, item })),
        Err(problem) => {
            problems.push(problem);
            Ok(None)
        }
    }
}

/// Folds `a/../b` away, so that messages show a path as one would write it.
fn normal(path: &Path) -> String {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() { ".".to_owned() } else { out.display().to_string() }
}

const FORCES: &str = "pipelines/reference/police_forces.csv";
const DISTRICTS: &str = "pipelines/reference/police_force_districts.csv";
const CATALOGUE: &str = "pipelines/reference/catalogue.toml";

/// The police forces that a site knows, by the folder of the site.
///
/// # Errors
/// Files that are not there, [`AppError::Problems`] for those that are wrong.
pub(crate) fn forces(site: &Path) -> Result<Forces, AppError> {
    let read = |file: &str| svp_lake::files::read_text(&site.join(file));
    let (forces, districts, catalogue) = (read(FORCES)?, read(DISTRICTS)?, read(CATALOGUE)?);
    Forces::parse((FORCES, &forces), (DISTRICTS, &districts), (CATALOGUE, &catalogue))
        .map_err(|problem| AppError::Problems(vec![problem]))
}

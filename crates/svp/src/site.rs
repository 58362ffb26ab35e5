//! The site: everything under `pipelines/`, read and parsed, with all problems at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svp_contract::{Area, Definition, Output, Problem, Source, Table, canonical_tables, nearest};

use crate::error::AppError;

/// A parsed file and where it came from.
#[derive(Debug, Clone)]
pub struct Defined<T> {
    /// Path relative to the site.
    pub file: String,
    /// The thing.
    pub item: T,
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
    /// Text of the offence table.
    pub offences: String,
    /// Texts of all files, for the digest of the configuration.
    pub texts: BTreeMap<String, String>,
}

impl Site {
    /// Reads a site. Problems in files are collected, not fatal.
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
        let tables = canonical_tables().map_err(|p| AppError::Problems(vec![p]))?;
        let sources = folder(&root, "sources", "toml", &mut texts, &mut problems, Source::parse, |s| &s.name);
        let areas = folder(&root, "areas", "toml", &mut texts, &mut problems, Area::parse, |a| &a.name);
        let definitions =
            folder(&root, "definitions", "toml", &mut texts, &mut problems, Definition::parse, |d| &d.name);
        let outputs = folder(&root, "outputs", "sql", &mut texts, &mut problems, Output::parse, |o| &o.name);
        let offences = svp_lake::files::read_text(&root.join("pipelines/reference/offences.csv"))?;
        texts.insert("pipelines/reference/offences.csv".to_owned(), offences.clone());
        Ok((Self { root, tables, sources, areas, definitions, outputs, offences, texts }, problems))
    }

    /// An area by name.
    pub fn area(&self, name: &str) -> Result<&Defined<Area>, AppError> {
        self.areas.get(name).ok_or_else(|| {
            let near = nearest(name, self.areas.keys().map(String::as_str));
            AppError::Argument {
                what: format!("there is no area `{name}`"),
                hint: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!("areas of this site: {}", self.areas.keys().cloned().collect::<Vec<_>>().join(", "))
                    }
                },
            }
        })
    }

    /// A path that an area file gives, relative to that file unless absolute.
    pub fn beside_area(&self, path: &str) -> String {
        let given = Path::new(path);
        if given.is_absolute() || path.contains("://") {
            return path.to_owned();
        }
        normal(&self.root.join("pipelines/areas").join(given))
    }

    /// Problems of an area that can be seen from names alone.
    pub fn area_problems(&self, area: &Defined<Area>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut names = |kind: &str, wanted: &[String], known: Vec<&str>| {
            for name in wanted {
                if !known.contains(&name.as_str()) {
                    let problem = Problem::new(&area.file, format!("there is no {kind} `{name}`"));
                    problems.push(match nearest(name, known.iter().copied()) {
                        Some(near) => problem.hint(format!("did you mean `{near}`?")),
                        None => problem.hint(format!("known: {}", known.join(", "))),
                    });
                }
            }
        };
        names("definition", &area.item.definitions, self.definitions.keys().map(String::as_str).collect());
        names("output", &area.item.outputs, self.outputs.keys().map(String::as_str).collect());
        let sources: Vec<String> = area.item.input.iter().map(|i| i.source.clone()).collect();
        names("source", &sources, self.sources.keys().map(String::as_str).collect());
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

fn folder<T>(
    root: &Path,
    name: &str,
    extension: &str,
    texts: &mut BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
    parse: impl Fn(&str, &str) -> Result<T, Problem>,
    named: impl Fn(&T) -> &String,
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
                if *named(&item) != stem {
                    problems.push(
                        Problem::new(&file, format!("it calls itself `{}`", named(&item)))
                            .hint("name and file name are the same"),
                    );
                }
                out.insert(stem, Defined { file: file.clone(), item });
            }
            Err(problem) => problems.push(problem),
        }
        texts.insert(file, text);
    }
    out
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

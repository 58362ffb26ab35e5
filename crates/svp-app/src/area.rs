//! The area file of any police force of England and Wales, from the lookups that ship with the project.

use std::fmt;
use std::path::{Path, PathBuf};

use svp_contract::{Area, Choices, Force, Forces, refusals};
use svp_ingest::reference;
use svp_lake::files;

use crate::error::AppError;
use crate::site::{Site, forces};
use crate::unknown::unknown;

/// The area that is wished for.
#[derive(Debug, Clone, Default)]
pub struct AreaRequest {
    /// Folder of the site.
    pub site: String,
    /// Police force, by name or code.
    pub force: String,
    /// File to write, never overwritten; that of the force's name in `pipelines/areas` without.
    pub out: Option<String>,
    /// First and last month, `YYYY-MM`.
    pub months: [String; 2],
    /// Audience of the release.
    pub audience: String,
    /// Folder of reference data in which to look, in place of the area's own.
    pub reference: Option<String>,
}

/// An area file that was written.
#[derive(Debug, Clone)]
pub struct NewArea {
    /// The file.
    pub file: PathBuf,
    /// Name of the area, that of the file.
    pub name: String,
    /// The force.
    pub force: String,
    /// The area as it reads.
    pub area: Area,
    /// The reference data that it wants.
    pub wanted: WantedFiles,
    /// Whether the site has other problems.
    pub site_has_problems: bool,
}

/// The reference files that an area wants. As text: each with its publisher, and whether it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedFiles {
    /// Folder in which they are looked for.
    pub folder: String,
    /// The files, in the order of the area file.
    pub files: Vec<WantedFile>,
}

/// A reference file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    /// Path in the folder.
    pub path: String,
    /// Whether it is there.
    pub there: bool,
    /// Who publishes it.
    pub publisher: String,
    /// Under which name.
    pub product: String,
}

impl fmt::Display for WantedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference data, in {}:", self.folder)?;
        for WantedFile { path, there, publisher, product } in &self.files {
            let mark = if *there { "there  " } else { "missing" };
            write!(f, "\n  {mark}  {path}\n           {publisher}: {product}")?;
        }
        Ok(())
    }
}

/// The forces of a site, one line each: code, name, districts.
///
/// # Errors
/// Lookups that are not there or wrong.
pub fn list(site: &str) -> Result<Vec<String>, AppError> {
    let line = |force: &Force| {
        let districts: Vec<&str> = force.districts.iter().map(|d| d.name.as_str()).collect();
        format!("{}  {:24} {:3} districts: {}", force.code, force.name, districts.len(), districts.join("; "))
    };
    Ok(forces(Path::new(site))?.forces.iter().map(line).collect())
}

/// Writes the area file of a force, with what the site has for the audience.
///
/// # Errors
/// [`AppError::Argument`] for a force or an audience that is none, a file that is there or is no area file.
pub fn create(request: &AreaRequest) -> Result<NewArea, AppError> {
    let (site, problems) = Site::read(&request.site)?;
    let all = forces(&site.root)?;
    let force = all.find(&request.force).map_err(|hint| AppError::Argument {
        what: format!("there is no police force `{}` in England and Wales", request.force),
        hint,
    })?;
    let file = match &request.out {
        Some(out) => PathBuf::from(out),
        None => site.root.join(format!("pipelines/areas/{}.toml", force.slug)),
    };
    if files::exists(&file) {
        return Err(AppError::Argument {
            what: format!("{} is there already", file.display()),
            hint: "name another file with --out: an area is never written over".to_owned(),
        });
    }
    let name = file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if file.extension().is_none_or(|e| e != "toml") {
        return Err(AppError::Argument {
            what: format!("{} is no file of an area", file.display()),
            hint: "an area is a file NAME.toml in pipelines/areas".to_owned(),
        });
    }
    let text = all.area_file(force, &choices(&site, request, &name)?);
    let area = Area::parse(&file.display().to_string(), &text).map_err(|problem| AppError::Problems(vec![problem]))?;
    files::write_file(&file, text.as_bytes())?;
    let wanted = wanted(&site, &all, force, &area, request.reference.as_deref());
    Ok(NewArea { file, name, force: force.force.clone(), area, wanted, site_has_problems: !problems.is_empty() })
}

/// What the site has for the audience: all definitions, the outputs that may go to it, the sources whose law reaches it.
fn choices<'a>(site: &'a Site, request: &'a AreaRequest, name: &'a str) -> Result<Choices<'a>, AppError> {
    let Some(policy) = site.policies.get(&request.audience).map(|p| &p.item) else {
        let known = site.policies.keys().map(String::as_str);
        return Err(unknown("policy for the audience", &request.audience, known).argument("known"));
    };
    let reaches = |source: &svp_contract::Source| refusals(source, &site.gateways, policy).is_empty();
    let to_audience = |output: &svp_contract::Output| output.audiences.contains(&request.audience);
    Ok(Choices {
        name,
        months: [request.months[0].as_str(), request.months[1].as_str()],
        audience: &request.audience,
        definitions: site.definitions.keys().map(String::as_str).collect(),
        outputs: site.outputs.values().filter(|o| to_audience(&o.item)).map(|o| o.item.name.as_str()).collect(),
        sources: site.sources.values().filter(|s| reaches(&s.item)).map(|s| s.item.name.as_str()).collect(),
    })
}

/// Every reference file that the area wants, where its publisher keeps it, and whether it is there.
fn wanted(site: &Site, all: &Forces, force: &Force, area: &Area, root: Option<&str>) -> WantedFiles {
    let root = root.map_or_else(|| site.beside_area(&area.reference_root), str::to_owned);
    let mut out = WantedFiles { folder: root.clone(), files: Vec::new() };
    let mut entries = area.reference.iter();
    for wanted in all.wanted(force) {
        let of_this = wanted.entries.matches("[[reference]]").count();
        let mut paths: Vec<(&str, bool)> = entries
            .by_ref()
            .take(of_this)
            .map(|entry| (reference::path(entry), reference::files(entry, &root).is_ok()))
            .collect();
        paths.dedup();
        out.files.extend(paths.into_iter().map(|(path, there)| WantedFile {
            path: path.to_owned(),
            there,
            publisher: wanted.publisher.clone(),
            product: wanted.product.clone(),
        }));
    }
    out
}

//! At the data owner's desk an extract becomes an encoded file, so that clear text never leaves it.

use std::path::Path;

use svp_contract::{Area, Source};
use svp_ingest::desk::{Encoded, Need, encode, needs};
use svp_ingest::reference::{self, ReferenceData};
use svp_ingest::{Contents, Known, Receipt, pending};
use svp_pseudonymise::Key;

use crate::accept::acceptances;
use crate::error::AppError;
use crate::inputs::{self, Paths};
use crate::machine::Machine;
use crate::names::Names;
use crate::progress::Progress;
use crate::release;
use crate::request::AcceptChoice;
use crate::site::Site;
use crate::stage::no_failures;
use crate::unknown::unknown;

/// What is encoded.
#[derive(Debug, Clone, Default)]
pub struct PseudonymiseRequest {
    /// Folder of the site.
    pub site: String,
    /// Source of the extracts.
    pub source: String,
    /// Area whose boundaries, lookups and postcodes the mapping asks for; not needed where it asks for none.
    pub area: Option<String>,
    /// Extracts: files, folders or globs.
    pub extracts: Vec<String>,
    /// Folder for the encoded files.
    pub out: String,
    /// Folder of reference data, in place of the area's own.
    pub reference: Option<String>,
    /// Whether encoded files that are there are written over.
    pub force: bool,
    /// The time that the command says it is, RFC 3339 in whole seconds of UTC; empty where the file is not to tell.
    pub clock: String,
    /// Findings that are accepted.
    pub accept: AcceptChoice,
}

/// A desk whose site is in order and has the source. No extract was read yet.
pub struct DataDesk {
    request: PseudonymiseRequest,
    site: Site,
    source: Source,
    area: Option<Area>,
}

impl DataDesk {
    /// Opens the desk.
    ///
    /// # Errors
    /// A site with problems, [`AppError::Argument`] for a source or an area that is none.
    pub fn open(request: PseudonymiseRequest) -> Result<Self, AppError> {
        let site = Site::sound(&request.site)?;
        let Some(source) = site.sources.get(&request.source).map(|s| s.item.clone()) else {
            let known = site.sources.keys().map(String::as_str);
            return Err(unknown("source", &request.source, known).argument("sources of this site"));
        };
        let area = request.area.as_ref().map(|name| site.area(name)).transpose()?.map(|a| a.item.clone());
        Ok(Self { request, site, source, area })
    }

    /// Encodes the extracts under the key of the lake that they are for, one file each. Gives what each file holds, as text. All files
    /// are written, or none.
    ///
    /// # Errors
    /// [`AppError::Argument`] where reference data are asked for and no area is named, or an encoded file is there;
    /// [`AppError::Encode`] with every extract that cannot be encoded.
    pub fn encode(&self, key: &Key, machine: &Machine, progress: &dyn Progress) -> Result<Vec<String>, AppError> {
        let (request, site, source, area) = (&self.request, &self.site, &self.source, self.area.as_ref());
        let root = match (area, &request.reference) {
            (Some(area), None) => site.beside_area(&area.reference_root),
            (_, given) => given.clone().unwrap_or_default(),
        };
        self.has_reference()?;
        let names = std::slice::from_ref(&request.source);
        let quick = inputs::plans(machine, site, area, names, &ReferenceData::default())?;
        let accepted = acceptances(&request.accept, "", 0)?;
        let paths = Paths { inputs: vec![(request.source.clone(), request.extracts.clone())], ..Paths::default() };
        let intake = inputs::intake(site, &paths, &quick, &accepted)?;
        progress.names(&Names::new(key, intake.files.iter().map(|(_, file)| file), &intake.findings));
        let contents = Contents::new(key);
        let known = Known { contents: Some(&contents), ..Known::default() };
        let queue = pending(&quick, intake.files, &known, Some(key), machine.threads)?;
        progress.findings(&intake.findings);
        progress.findings(&queue.findings);
        let files = queue.files;
        let folder = Path::new(&request.out);
        let there = files.iter().map(|f| Encoded::place(folder, f, &files)).find(|path| svp_lake::files::exists(path));
        if let Some(path) = there.filter(|_| !request.force) {
            return Err(AppError::Argument {
                what: format!("{} is there already", path.display()),
                hint: "choose another --out, or write over it with --force".to_owned(),
            });
        }
        let terms = inputs::terms(site, area.map(|area| (area, root.as_str())), source, Some(key))?;
        let data = match area {
            Some(area) => {
                progress.step("reference", &format!("boundaries, lookups and postcodes of {}", area.title));
                let postcodes = inputs::needs_postcodes(site, names);
                reference::load(area, &root, site.lists(), postcodes, machine.threads)?
            }
            None => reference::without_area(site.lists()),
        };
        let plans = inputs::plans(machine, site, area, names, &data)?;
        let Some(plan) = plans.first() else { return Ok(Vec::new()) };
        progress.bar("encode", files.iter().map(|f| f.input.bytes).sum(), true);
        let on_file = |file: &str, bytes: u64| progress.advance(bytes, file);
        let version = env!("CARGO_PKG_VERSION");
        let encoded =
            encode(plan, &files, folder, &terms, version, &request.clock, key, &accepted, machine.threads, &on_file)
                .map_err(AppError::Encode)?;
        progress.end_bar();
        no_failures(&data)?;
        let receipts: Vec<Receipt> = encoded.iter().flat_map(|e| e.manifest.receipts.clone()).collect();
        for line in release::summary(&receipts) {
            progress.step("encode", &line);
        }
        progress.step("terms", &format!("{}, key {} for purpose {}", terms.digits()?, terms.key_id, terms.purpose));
        let mut lines = Vec::new();
        for file in encoded {
            lines.push(summary(&file));
            file.commit(request.force)?;
        }
        progress.step("done", &format!("encoded files: {}", lines.len()));
        Ok(lines)
    }

    /// Refuses a mapping that asks for reference data where no area says which.
    fn has_reference(&self) -> Result<(), AppError> {
        let wanted = needs(&self.source, &self.site.tables);
        let list: Vec<String> = wanted.iter().filter(|n| n.of_an_area()).map(Need::to_string).collect();
        if self.area.is_some() || list.is_empty() {
            return Ok(());
        }
        Err(AppError::Argument {
            what: format!("the mapping of source {} asks for reference data: {}", self.source.name, list.join(", ")),
            hint: "name the area with --area; its files must be those that the lake uses".to_owned(),
        })
    }
}

/// What a file holds, in numbers of rows.
fn summary(file: &Encoded) -> String {
    let manifest = &file.manifest;
    let sum = |f: fn(&Receipt) -> u64| manifest.receipts.iter().map(f).sum::<u64>();
    let held: Vec<String> = manifest.rows_by_table().iter().map(|(table, rows)| format!("{rows} {table}")).collect();
    format!(
        "{}\n  extract  {}, slot {}, {} rows read = {} accepted + {} quarantined + {} duplicate\n  holds    {}; {} bytes\n  sha256   {}",
        file.path().display(),
        manifest.extract,
        manifest.slot,
        sum(|r| r.rows_read),
        sum(|r| r.accepted),
        sum(|r| r.quarantined),
        sum(|r| r.duplicate),
        if held.is_empty() { "no row".to_owned() } else { held.join(", ") },
        file.bytes(),
        file.sha256(),
    )
}

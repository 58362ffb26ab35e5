//! Reference data: boundaries, lookups, postcodes, population, exclusions, in the layouts in which the Office
//! for National Statistics and Ordnance Survey publish them. Columns are found by the start of their names,
//! since those carry the year (`oslaua`, `lad23cd`, `lad25cd`).

mod check;
mod residents;
pub(crate) mod rows;
mod shapes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use geo::MultiPolygon;
use svp_contract::{Area, AreaLink, Exclusion, Reference};
use svp_functions::{Areas, Lookups, ReadPairs};
use svp_lake::input::{InputFile, expand};

pub use self::check::{InFull, Told};
use self::rows::{read_bare_rows, read_rows};
use crate::dictionaries::{AREA_CHANGE, OWN_FORCE, POLICE_FORCE, area_changes, names_forces, own_force, police_forces};
use crate::error::IngestError;
use crate::places;
use crate::side_by_side::side_by_side;

/// The layer of the area's own districts, where there is a layer `district`.
pub const AREA_LAYER: &str = "area";

/// One area of a boundary layer.
#[derive(Debug, Clone)]
pub struct AreaShape {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Shape, metres of the British National Grid.
    pub shape: MultiPolygon<f64>,
}

/// What is known of an area before its extracts are read. Boundaries and populations are large and not every
/// extract asks for them, so they are read when they are first asked for.
#[derive(Default)]
pub struct ReferenceData {
    layers: Arc<Layers>,
    /// Dictionaries by name, as the SQL functions want them.
    pub lookups: Lookups,
    /// Boundaries as the SQL functions want them.
    pub areas: Areas,
    /// Places whose events are not counted in grids.
    pub exclusions: Vec<Exclusion>,
    pub(crate) populations: Vec<(Reference, InputFile)>,
    pub(crate) geography: Vec<(Reference, InputFile)>,
    /// Files of postcodes that nobody has read yet.
    postcodes: Vec<(Reference, InputFile)>,
    /// What the small files said of themselves when they were read.
    told: Vec<Told>,
}

impl ReferenceData {
    /// The areas of a boundary layer; none for a layer that the area file does not name.
    pub fn layer(&self, name: &str) -> &[AreaShape] {
        self.layers.get(name)
    }

    /// Why what was read when it was asked for cannot be used: boundaries, and where postcodes lie. Each is told once.
    pub fn failures(&self) -> Vec<IngestError> {
        self.layers.failures.lock().map(|mut found| std::mem::take(&mut *found)).unwrap_or_default()
    }

    /// Sizes of the areas of a layer, km², by code. Empty where there is no such layer.
    #[must_use]
    pub fn square_kilometres(&self, layer: &str) -> BTreeMap<String, f64> {
        let km2 = |shape: &MultiPolygon<f64>| geo::Area::unsigned_area(shape) / 1_000_000.0;
        self.layer(layer).iter().map(|area| (area.code.clone(), km2(&area.shape))).collect()
    }
}

/// The files of one boundary layer, and its areas once they have been asked for.
#[derive(Default)]
struct LayerFiles {
    files: Vec<(Reference, InputFile)>,
    shapes: OnceLock<Vec<AreaShape>>,
}

/// Boundary layers that are read when asked for. Who asks is a SQL function, which cannot fail: a failure is
/// kept, and the run looks for it before it commits anything.
#[derive(Default)]
struct Layers {
    by_name: BTreeMap<String, LayerFiles>,
    /// Districts of the area.
    districts: BTreeSet<String>,
    threads: usize,
    failures: Mutex<Vec<IngestError>>,
}

impl Layers {
    fn fail(&self, error: IngestError) {
        if let Ok(mut failures) = self.failures.lock() {
            failures.push(error);
        }
    }

    fn get(&self, name: &str) -> &[AreaShape] {
        let Some(layer) = self.by_name.get(name) else { return &[] };
        layer.shapes.get_or_init(|| {
            let mut shapes = Vec::new();
            let mut seen: BTreeSet<String> = BTreeSet::new();
            let mut whole = true;
            for ((_, file), part) in layer.files.iter().zip(read_parts(&layer.files, self.threads)) {
                match part {
                    Ok(Part::Layer(found)) => {
                        let twice = found.iter().filter(|s| !seen.insert(s.code.clone())).count();
                        if twice > 0 {
                            self.fail(fail(file, format!("{twice} of its areas have the code of another area")));
                        }
                        shapes.extend(found);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        whole = false;
                        self.fail(error);
                    }
                }
            }
            // Whoever asks for districts counts by them: each of ours has ground, or nothing may be counted.
            if name == "district" && whole {
                self.groundless(layer, &seen);
            }
            shapes
        })
    }

    /// Notes the districts of the area that have no boundary.
    fn groundless(&self, layer: &LayerFiles, seen: &BTreeSet<String>) {
        let missing: Vec<&str> = self.districts.iter().filter(|d| !seen.contains(*d)).map(String::as_str).collect();
        if let (Some((_, file)), false) = (layer.files.first(), missing.is_empty()) {
            let which = check::listed(&missing);
            self.fail(fail(
                file,
                format!("it has no boundary for {} of the area: {which}", count(missing.len(), "district")),
            ));
        }
    }
}

/// `1 district`, `2 districts`.
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The file or glob of a reference input, as the area file names it.
#[must_use]
pub fn path(reference: &Reference) -> &str {
    let (Reference::GeojsonBoundaries { path, .. }
    | Reference::CsvLookup { path, .. }
    | Reference::PostcodeDirectory { path }
    | Reference::CodePointOpen { path }
    | Reference::OnsPopulation { path, .. }
    | Reference::DaytimePopulation { path, .. }
    | Reference::AreaLookup { path, .. }
    | Reference::AreaChange { path, .. }
    | Reference::Deprivation { path, .. }
    | Reference::Exclusions { path }) = reference;
    path
}

/// The files of a reference input, in order.
///
/// # Errors
/// When a path names nothing.
pub fn files(reference: &Reference, root: &str) -> Result<Vec<InputFile>, IngestError> {
    let path = path(reference);
    let full = format!("{}/{path}", root.trim_end_matches('/'));
    let found = expand(&[full])?;
    if found.is_empty() {
        return Err(IngestError::Reference { file: path.to_owned(), what: "no such file".to_owned() });
    }
    Ok(found)
}

/// The reference inputs of an area that are not there, each once.
#[must_use]
pub fn absent(area: &Area, root: &str) -> Vec<IngestError> {
    let mut out: Vec<IngestError> = Vec::new();
    for error in area.reference.iter().filter_map(|reference| files(reference, root).err()) {
        if !out.iter().any(|known| known.to_string() == error.to_string()) {
            out.push(error);
        }
    }
    out
}

/// What one reference file holds.
enum Part {
    Layer(Vec<AreaShape>),
    /// Name of the table, pairs, whether the last line has no end.
    Table(String, Vec<(String, String)>, bool),
    Postcodes(Vec<(String, f64, f64)>),
    Exclusions(Vec<Exclusion>),
    /// Dated lookups in which the names of police forces stand.
    Links(Vec<AreaLink>),
    /// Read by [`crate::places`] when it is asked for.
    Elsewhere,
}

/// Lists of a site that lookups are made of, as texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct SiteLists<'a> {
    /// `pipelines/reference/offences.csv`.
    pub offences: &'a str,
    /// `pipelines/reference/police_forces.csv`; empty where a site has none.
    pub forces: &'a str,
}

/// Reads the reference inputs of an area, `threads` files at a time. Postcodes are read only `with_postcodes`: they are many.
///
/// # Errors
/// The files that are not there; if all are, those that cannot be used.
pub fn load(
    area: &Area,
    root: &str,
    lists: SiteLists<'_>,
    with_postcodes: bool,
    threads: usize,
) -> Result<ReferenceData, Vec<IngestError>> {
    let mut now: Vec<(Reference, InputFile)> = Vec::new();
    let mut data = ReferenceData::default();
    let own: BTreeSet<String> = area.districts.iter().map(|d| d.code.clone()).collect();
    let mut layers = Layers { threads, districts: own.clone(), ..Layers::default() };
    let mut postcodes = Vec::new();
    let absent = absent(area, root);
    if !absent.is_empty() {
        return Err(absent);
    }
    for reference in &area.reference {
        let found = files(reference, root).map_err(|error| vec![error])?;
        let found: Vec<(Reference, InputFile)> = found.into_iter().map(|file| (reference.clone(), file)).collect();
        match reference {
            Reference::GeojsonBoundaries { layer, .. } => {
                layers.by_name.entry(layer.clone()).or_default().files.extend(found)
            }
            Reference::OnsPopulation { .. } => data.populations.extend(found),
            Reference::AreaLookup { .. }
            | Reference::AreaChange { .. }
            | Reference::Deprivation { .. }
            | Reference::DaytimePopulation { .. } => data.geography.extend(found),
            Reference::PostcodeDirectory { .. } | Reference::CodePointOpen { .. } => {
                postcodes.extend(found.iter().cloned());
                if with_postcodes { now.extend(found) } else { data.postcodes.extend(found) }
            }
            Reference::CsvLookup { .. } | Reference::Exclusions { .. } => now.extend(found),
        }
    }
    data.layers = Arc::new(layers);
    let layers = Arc::clone(&data.layers);
    let mut names: Vec<String> = layers.by_name.keys().cloned().collect();
    if names.iter().any(|name| name == "district") {
        names.push(AREA_LAYER.to_owned());
    }
    let shapes = Arc::clone(&layers);
    let boundaries: svp_functions::Boundaries = Arc::new(move |name: &str| {
        // Boundary files are of whole countries; the area is its districts.
        let (name, of_area) = if name == AREA_LAYER { ("district", true) } else { (name, false) };
        let shapes = shapes.get(name).iter().filter(|s| !of_area || own.contains(&s.code));
        shapes.map(|s| (s.code.clone(), s.shape.clone())).collect()
    });
    let plain = Areas::when_asked(names, boundaries);
    let finder = plain.clone();
    data.areas = plain.with_homes_when_asked(Arc::new(move || {
        let mut homes: HashMap<String, Vec<(f64, f64)>> = HashMap::new();
        for part in read_parts(&postcodes, threads) {
            match part {
                Ok(Part::Postcodes(found)) => {
                    for (_, easting, northing) in found {
                        if let Some(lsoa) = finder.code_at("lsoa", easting, northing) {
                            homes.entry(lsoa.to_owned()).or_default().push((easting, northing));
                        }
                    }
                }
                Ok(_) => {}
                Err(error) => layers.fail(error),
            }
        }
        homes
    }));
    data.read(area, lists, &now, threads)?;
    Ok(data)
}

impl ReferenceData {
    /// Reads what mappings ask for.
    fn read(
        &mut self,
        area: &Area,
        lists: SiteLists<'_>,
        now: &[(Reference, InputFile)],
        threads: usize,
    ) -> Result<(), Vec<IngestError>> {
        let mut problems = Vec::new();
        let mut tables: HashMap<String, HashMap<String, String>> = HashMap::new();
        tables.insert("site".to_owned(), area.site.clone().into_iter().collect());
        tables.insert(
            "area_district".to_owned(),
            area.districts.iter().map(|d| (d.code.clone(), d.name.clone())).collect(),
        );
        tables.insert("offence_group".to_owned(), offence_groups(lists.offences));
        tables.insert(POLICE_FORCE.to_owned(), police_forces(lists.forces));
        let mut links = Vec::new();
        let forces = self.geography.iter().filter(|(reference, _)| names_forces(reference));
        let work: Vec<(Reference, InputFile)> = now.iter().chain(forces).cloned().collect();
        for ((_, file), part) in work.iter().zip(read_parts(&work, threads)) {
            match part {
                Ok(Part::Links(found)) => links.extend(found),
                Ok(Part::Table(table, pairs, open)) => {
                    self.told.extend(open.then(|| Told::open_end(file)));
                    let into = tables.entry(table.clone()).or_default();
                    let mut twice = 0;
                    for (key, value) in pairs {
                        match into.entry(key) {
                            std::collections::hash_map::Entry::Occupied(known) => {
                                twice += usize::from(*known.get() != value);
                            }
                            std::collections::hash_map::Entry::Vacant(free) => {
                                free.insert(value);
                            }
                        }
                    }
                    if twice > 0 {
                        let rows = count(twice, "row");
                        problems.push(fail(
                            file,
                            format!("another value than before for a key of the table {table}, in {rows}"),
                        ));
                    }
                }
                Ok(Part::Postcodes(found)) => {
                    let into = tables.entry("postcode_lsoa".to_owned()).or_default();
                    for (postcode, easting, northing) in found {
                        if let Some(lsoa) = self.areas.code_at("lsoa", easting, northing) {
                            into.entry(postcode).or_insert_with(|| lsoa.to_owned());
                        }
                    }
                }
                Ok(Part::Exclusions(found)) => {
                    problems.extend(check::exclusions(area, file, &found));
                    self.exclusions.extend(found);
                }
                Ok(Part::Layer(_) | Part::Elsewhere) => {}
                Err(error) => problems.push(error),
            }
        }
        problems.extend(self.failures());
        tables.extend(own_force(area, links).map(|forces| (OWN_FORCE.to_owned(), forces)));
        self.lookups = self.with_changes(Lookups::new(tables));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl ReferenceData {
    /// The lookups, and what became of small areas of the census before: they are many, and few extracts speak of them.
    fn with_changes(&self, lookups: Lookups) -> Lookups {
        if !lookups.contains("lsoa_district") {
            return lookups;
        }
        let of_changes =
            self.geography.iter().filter(|(reference, _)| matches!(reference, Reference::AreaChange { .. }));
        let files: Vec<(Reference, InputFile)> = of_changes.cloned().collect();
        let (layers, districts) = (Arc::clone(&self.layers), lookups.clone());
        let read = move || {
            let mut found = Vec::new();
            for (reference, file) in &files {
                let Reference::AreaChange { from, to, change, .. } = reference else { continue };
                match places::changes(file, [from, to, change]) {
                    Ok((changes, _)) => found.extend(changes),
                    Err(error) => layers.fail(error),
                }
            }
            area_changes(found, &districts)
        };
        lookups.and_when_asked([(AREA_CHANGE.to_owned(), Arc::new(read) as ReadPairs)])
    }
}

/// What there is without an area: the groups of offences, and the forces.
#[must_use]
pub fn without_area(lists: SiteLists<'_>) -> ReferenceData {
    let tables = HashMap::from([
        ("offence_group".to_owned(), offence_groups(lists.offences)),
        (POLICE_FORCE.to_owned(), police_forces(lists.forces)),
    ]);
    ReferenceData { lookups: Lookups::new(tables), ..ReferenceData::default() }
}

/// Reads files, `threads` at a time; the results stand in the order of the files.
fn read_parts(work: &[(Reference, InputFile)], threads: usize) -> Vec<Result<Part, IngestError>> {
    side_by_side(work, threads, |(reference, file)| read_part(reference, file))
}

fn offence_groups(text: &str) -> HashMap<String, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().flatten().filter_map(|row| Some((row.get(0)?.to_owned(), row.get(2)?.to_owned()))).collect()
}

fn read_part(reference: &Reference, file: &InputFile) -> Result<Part, IngestError> {
    Ok(match reference {
        Reference::GeojsonBoundaries { code, name, .. } => Part::Layer(shapes::boundaries(file, code, name)?),
        Reference::CsvLookup { table, key, value, .. } => {
            let (pairs, open) = pairs(file, &[&[key.as_str()], &[value.as_str()]], table == "lsoa_district")?;
            Part::Table(table.clone(), pairs, open)
        }
        Reference::PostcodeDirectory { .. } => {
            let (pairs, open) = pairs(file, &[&["pcds"], &["lsoa21", "lsoa11", "lsoa"]], false)?;
            Part::Table("postcode_lsoa".to_owned(), pairs, open)
        }
        Reference::CodePointOpen { .. } => Part::Postcodes(code_point(file)?),
        Reference::Exclusions { .. } => Part::Exclusions(exclusions(file)?),
        Reference::AreaLookup { .. } => Part::Links(places::links(reference, file)?.0),
        Reference::OnsPopulation { .. }
        | Reference::DaytimePopulation { .. }
        | Reference::AreaChange { .. }
        | Reference::Deprivation { .. } => Part::Elsewhere,
    })
}

/// Keys with their values. A key without a value has none, but where every key is to have one it stops the file.
fn pairs(file: &InputFile, wanted: &[&[&str]], every: bool) -> Result<(Vec<(String, String)>, bool), IngestError> {
    let mut out = Vec::new();
    let open = read_rows(file, wanted, |row| {
        match (row.owned(0), row.owned(1)) {
            (Some(key), Some(value)) => out.push((key, value)),
            (Some(_), None) if every => {
                return Err(fail(file, format!("row {} has a small area and no district", row.number)));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((out, open))
}

pub(crate) fn fail(file: &InputFile, what: impl Into<String>) -> IngestError {
    IngestError::Reference { file: file.name.clone(), what: what.into() }
}

/// A number that is one.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

/// Code-Point Open: no header; postcode in 7 characters with blanks inside, quality, easting, northing.
fn code_point(file: &InputFile) -> Result<Vec<(String, f64, f64)>, IngestError> {
    let mut out = Vec::new();
    read_bare_rows(file, &[0, 2, 3], |row| {
        let metres = |i: usize| row.text(i).and_then(|s| number(&s));
        let (Some(text), Some(easting), Some(northing)) = (row.text(0), metres(1), metres(2)) else {
            let layout = "it is not laid out as Code-Point Open (postcode, quality, easting, northing, …)";
            return Err(fail(file, format!("row {}: {layout}", row.number)));
        };
        // Easting and northing 0 stand for a postcode without a position.
        if let Some(postcode) = svp_functions::place::postcode::postcode(&text)
            && easting > 0.0
        {
            out.push((postcode, easting, northing));
        }
        Ok(())
    })?;
    Ok(out)
}

fn exclusions(file: &InputFile) -> Result<Vec<Exclusion>, IngestError> {
    let mut out = Vec::new();
    read_rows(file, &[&["name"], &["easting"], &["northing"], &["radius"]], |row| {
        let metres = |i: usize| row.text(i).and_then(|s| number(&s));
        match (row.owned(0), metres(1), metres(2), metres(3).filter(|r| *r > 0.0)) {
            (Some(name), Some(easting), Some(northing), Some(radius_m)) => {
                out.push(Exclusion { name, easting, northing, radius_m });
                Ok(())
            }
            _ => Err(fail(file, format!("row {} lacks name, easting, northing or radius_m", row.number))),
        }
    })?;
    Ok(out)
}

//! Reference data: boundaries, lookups, postcodes, population, exclusions, in the layouts in which the Office
//! for National Statistics and Ordnance Survey publish them. Columns are found by the start of their names,
//! since those carry the year (`oslaua`, `lad23cd`, `lad25cd`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use geo::{Coord, LineString, MultiPolygon, Polygon};
use svp_contract::{Area, Exclusion, Reference};
use svp_functions::{Areas, Lookups, place::osgb};
use svp_lake::input::{InputFile, expand, open_blocking};

use crate::dictionaries::dictionaries;
use crate::error::IngestError;
use crate::read::decompressed;

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
}

impl ReferenceData {
    /// The areas of a boundary layer; none for a layer that the area file does not name.
    pub fn layer(&self, name: &str) -> &[AreaShape] {
        self.layers.get(name)
    }

    /// Why boundaries could not be read, if somebody asked for them and they could not.
    pub fn failure(&self) -> Option<IngestError> {
        self.layers.failure.lock().ok().and_then(|mut f| f.take())
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
    threads: usize,
    failure: Mutex<Option<IngestError>>,
}

impl Layers {
    fn fail(&self, error: IngestError) {
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(error);
        }
    }

    fn get(&self, name: &str) -> &[AreaShape] {
        let Some(layer) = self.by_name.get(name) else { return &[] };
        layer.shapes.get_or_init(|| {
            let mut shapes = Vec::new();
            for part in read_parts(&layer.files, self.threads) {
                match part {
                    Ok(Part::Layer(found)) => shapes.extend(found),
                    Ok(_) => {}
                    Err(error) => self.fail(error),
                }
            }
            shapes
        })
    }
}

/// The files of a reference input, in order.
///
/// # Errors
/// When a path names nothing.
pub fn files(reference: &Reference, root: &str) -> Result<Vec<InputFile>, IngestError> {
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
    let full = format!("{}/{path}", root.trim_end_matches('/'));
    let found = expand(&[full])?;
    if found.is_empty() {
        return Err(IngestError::Reference { file: path.clone(), what: "no such file".to_owned() });
    }
    Ok(found)
}

/// The files that say where postcodes lie.
fn postcode_files(area: &Area, root: &str) -> Result<Vec<(Reference, InputFile)>, IngestError> {
    let mut found = Vec::new();
    for reference in &area.reference {
        if matches!(reference, Reference::PostcodeDirectory { .. } | Reference::CodePointOpen { .. }) {
            found.extend(files(reference, root)?.into_iter().map(|file| (reference.clone(), file)));
        }
    }
    Ok(found)
}

/// What one reference file holds.
enum Part {
    Layer(Vec<AreaShape>),
    Table(String, Vec<(String, String)>),
    Postcodes(Vec<(String, f64, f64)>),
    Exclusions(Vec<Exclusion>),
    /// Read by [`crate::places`] when it is asked for.
    Elsewhere,
}

/// Reads the reference inputs of an area, `threads` files at a time. `offences` is the text of
/// `pipelines/reference/offences.csv`. Postcodes are read only `with_postcodes`: they are many.
///
/// # Errors
/// The first file that cannot be used.
pub fn load(
    area: &Area,
    root: &str,
    offences: &str,
    with_postcodes: bool,
    threads: usize,
) -> Result<ReferenceData, IngestError> {
    let mut now: Vec<(Reference, InputFile)> = Vec::new();
    let mut data = ReferenceData::default();
    let mut layers = Layers { threads, ..Layers::default() };
    for reference in &area.reference {
        let found = files(reference, root)?.into_iter().map(|file| (reference.clone(), file));
        match reference {
            Reference::GeojsonBoundaries { layer, .. } => {
                layers.by_name.entry(layer.clone()).or_default().files.extend(found)
            }
            Reference::OnsPopulation { .. } => data.populations.extend(found),
            Reference::AreaLookup { .. }
            | Reference::AreaChange { .. }
            | Reference::Deprivation { .. }
            | Reference::DaytimePopulation { .. } => data.geography.extend(found),
            Reference::PostcodeDirectory { .. } | Reference::CodePointOpen { .. } if !with_postcodes => {}
            _ => now.extend(found),
        }
    }
    data.layers = Arc::new(layers);
    let layers = Arc::clone(&data.layers);
    let mut names: Vec<String> = layers.by_name.keys().cloned().collect();
    if names.iter().any(|name| name == "district") {
        names.push(AREA_LAYER.to_owned());
    }
    let shapes = Arc::clone(&layers);
    let own: BTreeSet<String> = area.districts.iter().map(|d| d.code.clone()).collect();
    let boundaries: svp_functions::Boundaries = Arc::new(move |name: &str| {
        // Boundary files are of whole countries; the area is its districts.
        let (name, of_area) = if name == AREA_LAYER { ("district", true) } else { (name, false) };
        let shapes = shapes.get(name).iter().filter(|s| !of_area || own.contains(&s.code));
        shapes.map(|s| (s.code.clone(), s.shape.clone())).collect()
    });
    let plain = Areas::when_asked(names, boundaries);
    let (postcodes, finder) = (postcode_files(area, root)?, plain.clone());
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

    let mut tables: HashMap<String, HashMap<String, String>> = HashMap::new();
    tables.insert("site".to_owned(), area.site.clone().into_iter().collect());
    tables
        .insert("area_district".to_owned(), area.districts.iter().map(|d| (d.code.clone(), d.name.clone())).collect());
    tables.insert("offence_group".to_owned(), offence_groups(offences));
    for part in read_parts(&now, threads) {
        match part? {
            Part::Table(table, pairs) => tables.entry(table).or_default().extend(pairs),
            Part::Postcodes(found) => {
                let into = tables.entry("postcode_lsoa".to_owned()).or_default();
                for (postcode, easting, northing) in found {
                    if let Some(lsoa) = data.areas.code_at("lsoa", easting, northing) {
                        into.entry(postcode).or_insert_with(|| lsoa.to_owned());
                    }
                }
            }
            Part::Exclusions(found) => data.exclusions.extend(found),
            Part::Layer(_) | Part::Elsewhere => {}
        }
    }
    if let Some(error) = data.failure() {
        return Err(error);
    }
    dictionaries(area, &data.geography, &mut tables)?;
    data.lookups = Lookups::new(tables);
    Ok(data)
}

/// What there is without an area: the groups of offences. `offences` as for [`load`].
#[must_use]
pub fn without_area(offences: &str) -> ReferenceData {
    let tables = HashMap::from([("offence_group".to_owned(), offence_groups(offences))]);
    ReferenceData { lookups: Lookups::new(tables), ..ReferenceData::default() }
}

/// Reads files, `threads` at a time; the results stand in the order of the files.
fn read_parts(work: &[(Reference, InputFile)], threads: usize) -> Vec<Result<Part, IngestError>> {
    let next = AtomicUsize::new(0);
    let read = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((reference, file)) = work.get(at) else { return found };
            found.push((at, read_part(reference, file)));
        }
    };
    let mut parts: Vec<(usize, Result<Part, IngestError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, work.len().max(1))).map(|_| scope.spawn(read)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|_| vec![(0, Err(IngestError::Worker))])).collect()
    });
    parts.sort_by_key(|(at, _)| *at);
    parts.into_iter().map(|(_, part)| part).collect()
}

fn offence_groups(text: &str) -> HashMap<String, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().flatten().filter_map(|row| Some((row.get(0)?.to_owned(), row.get(2)?.to_owned()))).collect()
}

fn read_part(reference: &Reference, file: &InputFile) -> Result<Part, IngestError> {
    let pairs = |rows: Vec<Vec<Option<String>>>| {
        rows.into_iter().filter_map(|mut r| Some((r[0].take()?, r[1].take()?))).collect::<Vec<_>>()
    };
    Ok(match reference {
        Reference::GeojsonBoundaries { code, name, .. } => Part::Layer(boundaries(file, code, name)?),
        Reference::CsvLookup { table, key, value, .. } => {
            Part::Table(table.clone(), pairs(columns(file, &[&[key.as_str()], &[value.as_str()]])?))
        }
        Reference::PostcodeDirectory { .. } => {
            Part::Table("postcode_lsoa".to_owned(), pairs(columns(file, &[&["pcds"], &["lsoa21", "lsoa11", "lsoa"]])?))
        }
        Reference::CodePointOpen { .. } => Part::Postcodes(code_point(file)?),
        Reference::Exclusions { .. } => Part::Exclusions(exclusions(file)?),
        Reference::OnsPopulation { .. }
        | Reference::DaytimePopulation { .. }
        | Reference::AreaLookup { .. }
        | Reference::AreaChange { .. }
        | Reference::Deprivation { .. } => Part::Elsewhere,
    })
}

pub(crate) fn fail(file: &InputFile, what: impl Into<String>) -> IngestError {
    IngestError::Reference { file: file.name.clone(), what: what.into() }
}

/// The names of the columns, in small letters.
pub(crate) fn header(file: &InputFile) -> Result<Vec<String>, IngestError> {
    let plain = decompressed(&file.name, open_blocking(file)?)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(plain);
    names(file, reader.byte_headers())
}

fn names(file: &InputFile, header: Result<&csv::ByteRecord, csv::Error>) -> Result<Vec<String>, IngestError> {
    let header = header.map_err(|_| fail(file, "the header cannot be read"))?;
    Ok(header.iter().map(|h| String::from_utf8_lossy(h).trim().trim_start_matches('\u{feff}').to_lowercase()).collect())
}

/// Whether a column's name is the one that is wanted: with `*` for its middle (the year), else as a beginning.
fn begins(name: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => name.starts_with(wanted),
    }
}

/// Rows of the wanted columns; each is found by the first of its names, exactly or as a beginning.
pub(crate) fn columns(file: &InputFile, wanted: &[&[&str]]) -> Result<Vec<Vec<Option<String>>>, IngestError> {
    let plain = decompressed(&file.name, open_blocking(file)?)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(plain);
    let names = names(file, reader.byte_headers())?;
    let mut indices = Vec::new();
    for choices in wanted {
        let found = choices.iter().find_map(|choice| {
            let choice = choice.to_lowercase();
            names.iter().position(|n| *n == choice).or_else(|| names.iter().position(|n| begins(n, &choice)))
        });
        indices.push(
            found.ok_or_else(|| fail(file, format!("it has no column that begins with {}", choices.join(" or "))))?,
        );
    }
    let mut out = Vec::new();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|_| fail(file, "a row cannot be read"))? {
        let row = indices
            .iter()
            .map(|i| record.get(*i).map(|b| String::from_utf8_lossy(b).trim().to_owned()).filter(|s| !s.is_empty()))
            .collect();
        out.push(row);
    }
    Ok(out)
}

/// Code-Point Open: no header; postcode in 7 characters with blanks inside, quality, easting, northing.
fn code_point(file: &InputFile) -> Result<Vec<(String, f64, f64)>, IngestError> {
    let plain = decompressed(&file.name, open_blocking(file)?)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(plain);
    let mut out = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|_| fail(file, "a row cannot be read"))?;
        let number = |i: usize| row.get(i).and_then(|s| s.trim().parse::<f64>().ok());
        let (Some(text), Some(easting), Some(northing)) = (row.get(0), number(2), number(3)) else {
            return Err(fail(file, "it is not laid out as Code-Point Open (postcode, quality, easting, northing, …)"));
        };
        // Easting and northing 0 stand for a postcode without a position.
        if let Some(postcode) = svp_functions::place::postcode::postcode(text)
            && easting > 0.0
        {
            out.push((postcode, easting, northing));
        }
    }
    Ok(out)
}

fn exclusions(file: &InputFile) -> Result<Vec<Exclusion>, IngestError> {
    let rows = columns(file, &[&["name"], &["easting"], &["northing"], &["radius"]])?;
    rows.into_iter()
        .map(|r| {
            let number = |i: usize| r[i].as_ref().and_then(|s| s.parse::<f64>().ok());
            match (&r[0], number(1), number(2), number(3)) {
                (Some(name), Some(easting), Some(northing), Some(radius_m)) => {
                    Ok(Exclusion { name: name.clone(), easting, northing, radius_m })
                }
                _ => Err(fail(file, "a row lacks name, easting, northing or radius_m")),
            }
        })
        .collect()
}

/// Features of a GeoJSON file with their code and name, in National Grid metres.
fn boundaries(file: &InputFile, code: &[String], name: &[String]) -> Result<Vec<AreaShape>, IngestError> {
    let plain = decompressed(&file.name, open_blocking(file)?)?;
    let reader = std::io::BufReader::with_capacity(1 << 16, plain);
    let collection: geojson::FeatureCollection =
        serde_json::from_reader(reader).map_err(|_| fail(file, "it is not a GeoJSON feature collection"))?;
    let mut out = Vec::new();
    for feature in collection.features {
        let property = |names: &[String]| {
            let properties = feature.properties.as_ref()?;
            names
                .iter()
                .find_map(|n| properties.get(n))
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        };
        let Some(code) = property(code) else {
            return Err(fail(file, format!("a feature has none of the properties {}", code.join(", "))));
        };
        let name = property(name).unwrap_or_else(|| code.clone());
        let Some(geometry) = feature.geometry else { continue };
        let shape =
            shape(&geometry.value).ok_or_else(|| fail(file, "a feature is no polygon in longitude and latitude"))?;
        out.push(AreaShape { code, name, shape });
    }
    Ok(out)
}

fn shape(value: &geojson::GeometryValue) -> Option<MultiPolygon<f64>> {
    match value {
        geojson::GeometryValue::Polygon { coordinates } => Some(MultiPolygon(vec![polygon(coordinates)?])),
        geojson::GeometryValue::MultiPolygon { coordinates } => {
            coordinates.iter().map(|p| polygon(p)).collect::<Option<Vec<_>>>().map(MultiPolygon)
        }
        _ => None,
    }
}

fn polygon(rings: &[Vec<geojson::Position>]) -> Option<Polygon<f64>> {
    let mut lines = rings.iter().map(|ring| {
        ring.iter()
            .map(|p| match p.as_slice() {
                [longitude, latitude, ..] => osgb::to_bng(*longitude, *latitude).map(|(x, y)| Coord { x, y }),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(LineString)
    });
    let outer = lines.next()??;
    let inner = lines.collect::<Option<Vec<_>>>()?;
    Some(Polygon::new(outer, inner))
}

//! Boundaries in GeoJSON: read, looked at, and turned into metres of the British National Grid.

use std::io::Read;

use geo::{BoundingRect, Coord, LineString, MultiPolygon, Polygon};
use svp_functions::place::osgb;
use svp_lake::input::{InputFile, open_blocking};

use super::{AreaShape, fail};
use crate::error::IngestError;
use crate::read::decoded;

/// Degrees of longitude and of latitude in which the British Isles lie.
const LONGITUDES: std::ops::RangeInclusive<f64> = -14.5..=3.0;
const LATITUDES: std::ops::RangeInclusive<f64> = 49.0..=62.0;

/// Least size of an area, m²: smaller ones are damaged, the least small area of England and Wales has some 10,000 m².
const LEAST_SIZE: f64 = 1.0;

/// Features of a GeoJSON file with their code and name. An area that reaches beyond the National Grid (the west of Northern
/// Ireland) is left out: no event of ours can lie in it.
pub(super) fn boundaries(file: &InputFile, code: &[String], name: &[String]) -> Result<Vec<AreaShape>, IngestError> {
    let mut text = Vec::new();
    decoded(&file.name, open_blocking(file)?)?
        .read_to_end(&mut text)
        .map_err(|_| fail(file, "it cannot be read to its end: it is damaged or cut"))?;
    let collection: geojson::FeatureCollection =
        serde_json::from_slice(&text).map_err(|error| fail(file, unreadable(&text, &error)))?;
    let mut out = Vec::with_capacity(collection.features.len());
    for (number, feature) in (1..).zip(collection.features) {
        let property = |names: &[String]| {
            let properties = feature.properties.as_ref()?;
            let value = names.iter().find_map(|n| properties.get(n).filter(|v| !v.is_null()))?;
            let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
            Some(text).filter(|text| !text.is_empty())
        };
        let Some(code) = property(code) else {
            let wanted = code.join(", ");
            return Err(fail(file, format!("feature {number} has none of the properties {wanted}, or it is blank")));
        };
        let name = property(name).unwrap_or_else(|| code.clone());
        let empty = || fail(file, format!("feature {number} is empty: it has no ground"));
        let geometry = feature.geometry.ok_or_else(empty)?;
        let polygons = polygons(&geometry.value)
            .ok_or_else(|| fail(file, format!("feature {number} is no polygon in longitude and latitude")))?;
        if let Some(what) = polygons.iter().copied().flatten().flatten().find_map(misplaced) {
            return Err(fail(file, format!("feature {number}: {what}")));
        }
        if polygons.iter().any(|rings| rings.is_empty() || rings.iter().any(|ring| ring.len() < 3)) {
            return Err(empty());
        }
        let Some(shape) = polygons.iter().map(|rings| polygon(rings)).collect::<Option<Vec<_>>>() else { continue };
        let shape = MultiPolygon(shape);
        if geo::Area::unsigned_area(&shape) < LEAST_SIZE {
            return Err(empty());
        }
        out.push(AreaShape { code, name, shape });
    }
    Ok(out)
}

/// What a text is that is no feature collection.
fn unreadable(text: &[u8], error: &serde_json::Error) -> &'static str {
    let head = &text[..text.len().min(400)];
    let says = |word: &[u8]| head.windows(word.len()).any(|w| w == word);
    if error.is_eof() {
        "it ends in the middle: it is cut"
    } else if says(b"\"Topology\"") {
        "it is TopoJSON, not a GeoJSON feature collection"
    } else {
        "it is not a GeoJSON feature collection"
    }
}

/// The rings of a polygon, each a list of positions.
type Rings = Vec<Vec<geojson::Position>>;

fn polygons(value: &geojson::GeometryValue) -> Option<Vec<&Rings>> {
    match value {
        geojson::GeometryValue::Polygon { coordinates } => Some(vec![coordinates]),
        geojson::GeometryValue::MultiPolygon { coordinates } => Some(coordinates.iter().collect()),
        _ => None,
    }
}

/// What is wrong with a position, if it is none of the British Isles in degrees.
fn misplaced(position: &geojson::Position) -> Option<&'static str> {
    match position.as_slice() {
        [longitude, latitude, ..] if LONGITUDES.contains(longitude) && LATITUDES.contains(latitude) => None,
        [latitude, longitude, ..] if LONGITUDES.contains(longitude) && LATITUDES.contains(latitude) => {
            Some("longitude and latitude are exchanged")
        }
        [x, y, ..] if x.abs() > 180.0 || y.abs() > 90.0 => {
            Some("its coordinates are no degrees: they look like metres (export it in WGS 84, longitude and latitude)")
        }
        [_, _, ..] => Some("it lies outside the British Isles"),
        _ => Some("a position lacks longitude or latitude"),
    }
}

fn polygon(rings: &Rings) -> Option<Polygon<f64>> {
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

/// The middle of the box around a shape, National Grid metres.
pub(super) fn middle(shape: &MultiPolygon<f64>) -> Option<(f64, f64)> {
    shape.bounding_rect().map(|r| ((r.min().x + r.max().x) / 2.0, (r.min().y + r.max().y) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: impl AsRef<[u8]>) -> Result<Vec<AreaShape>, String> {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("areas.geojson");
        svp_lake::files::write_file(&path, bytes.as_ref()).unwrap();
        let file = svp_lake::input::expand(&[path.display().to_string()]).unwrap().remove(0);
        boundaries(&file, &["CODE".to_owned()], &["NAME".to_owned()]).map_err(|error| error.to_string())
    }

    fn feature(code: &str, geometry: &str) -> String {
        format!(
            "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"properties\":{{\"CODE\":{code}}},\"geometry\":{geometry}}}]}}"
        )
    }

    fn ring(points: &[(f64, f64)]) -> String {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("[{x},{y}]")).collect();
        feature("\"A\"", &format!("{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}", points.join(",")))
    }

    const SQUARE: [(f64, f64); 5] = [(-3.0, 50.0), (-2.9, 50.0), (-2.9, 50.1), (-3.0, 50.1), (-3.0, 50.0)];

    #[test]
    fn marks_and_wide_text_are_read() {
        let text = ring(&SQUARE);
        assert_eq!(read(&text).unwrap()[0].code, "A");
        assert_eq!(read(format!("\u{feff}{text}")).unwrap().len(), 1);
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(read(wide).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_boundary_in_degrees_is_refused() {
        let exchanged: Vec<(f64, f64)> = SQUARE.iter().map(|(x, y)| (*y, *x)).collect();
        let metres: Vec<(f64, f64)> = SQUARE.iter().map(|(x, y)| (x * 1e5 + 6e5, y * 1e3)).collect();
        let abroad: Vec<(f64, f64)> = SQUARE.iter().map(|(x, y)| (x + 60.0, *y)).collect();
        let text = ring(&SQUARE);
        for (what, file, told) in [
            ("exchanged", ring(&exchanged), "exchanged"),
            ("metres", ring(&metres), "metres"),
            ("abroad", ring(&abroad), "British Isles"),
            ("no ground", ring(&[SQUARE[0]; 4]), "empty"),
            ("a line", ring(&SQUARE[..2]), "empty"),
            ("no ring", feature("\"A\"", "{\"type\":\"Polygon\",\"coordinates\":[]}"), "empty"),
            ("no polygon", feature("\"A\"", "{\"type\":\"MultiPolygon\",\"coordinates\":[]}"), "empty"),
            ("no geometry", feature("\"A\"", "null"), "empty"),
            ("a point", feature("\"A\"", "{\"type\":\"Point\",\"coordinates\":[-3,50]}"), "no polygon"),
            ("no code", text.replace("\"A\"", "null"), "CODE"),
            ("blank code", text.replace("\"A\"", "\" \""), "CODE"),
            ("cut", text[..text.len() / 2].to_owned(), "cut"),
            ("topology", "{\"type\":\"Topology\",\"objects\":{}}".to_owned(), "TopoJSON"),
            ("text", "hello".to_owned(), "not a GeoJSON"),
        ] {
            let error = read(file).map(|found| found.len()).expect_err(what);
            assert!(error.contains(told) && error.contains("areas.geojson"), "{what}: {error}");
        }
    }
}

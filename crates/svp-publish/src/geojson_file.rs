//! `<table>.geojson`: RFC 7946, longitude and latitude to 6 decimals. A suppressed count is null beside its flag.

use bytes::Bytes;
use geo::MultiPolygon;
use geojson::{Feature, FeatureCollection, GeometryValue, JsonObject, Position};
use serde_json::{Value, json};

use crate::error::PublishError;
use crate::frame::{Cell, Frame};
use crate::geometry::Ground;
use crate::model::ReleaseMeta;

/// Writes the table.
pub(crate) fn write(meta: &ReleaseMeta, frame: &Frame<'_>, ground: &Ground) -> Result<Bytes, PublishError> {
    let features = (0..frame.rows)
        .map(|row| {
            let mut properties = JsonObject::new();
            for column in &frame.columns {
                properties.insert(column.name.clone(), value(&column.cells[row]));
            }
            if let Some(name) = &ground.names[row] {
                properties.entry("area_name").or_insert_with(|| Value::String(name.clone()));
            }
            Feature {
                geometry: ground.degrees[row].as_ref().map(|shape| geojson::Geometry::new(geometry(shape))),
                properties: Some(properties),
                ..Feature::default()
            }
        })
        .collect();
    let mut foreign = JsonObject::new();
    foreign.insert("name".into(), json!(frame.table.name));
    foreign.insert("title".into(), json!(frame.table.title));
    foreign.insert("release".into(), json!(meta.release));
    foreign.insert("definition".into(), json!(frame.table.definition));
    foreign.insert("stand_in".into(), json!(frame.table.stand_in_label));
    foreign.insert("attribution".into(), json!(meta.attribution));
    let collection = FeatureCollection { bbox: None, features, foreign_members: Some(foreign) };
    serde_json::to_vec(&collection)
        .map(Bytes::from)
        .map_err(|source| PublishError::Json { file: format!("{}.geojson", frame.table.name), source })
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(value) => json!(value),
        Cell::Int(value) => json!(value),
        Cell::Float(value) => json!(value),
        Cell::Bool(value) => json!(value),
        Cell::Suppressed | Cell::Missing => Value::Null,
    }
}

fn geometry(shape: &MultiPolygon<f64>) -> GeometryValue {
    let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
    let mut polygons: Vec<Vec<Vec<Position>>> = shape
        .iter()
        .map(|polygon| {
            std::iter::once(polygon.exterior())
                .chain(polygon.interiors())
                .map(|ring| ring.coords().map(|c| Position::from([round(c.x), round(c.y)])).collect())
                .collect()
        })
        .collect();
    match (polygons.len(), polygons.pop()) {
        (1, Some(coordinates)) => GeometryValue::Polygon { coordinates },
        (_, last) => {
            polygons.extend(last);
            GeometryValue::MultiPolygon { coordinates: polygons }
        }
    }
}

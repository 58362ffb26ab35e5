//! The ground under a row: a grid square, a hexagon or an area, in metres and in degrees.

use std::collections::BTreeSet;

use geo::orient::{Direction, Orient};
use geo::{BoundingRect, Centroid, Contains, Coord, LineString, MultiPolygon, Polygon, Rect, Simplify};
use svp_contract::Square;
use svp_disclose::piece::{REMAINDER, REMAINDER_PREFIX, UNKNOWN_PLACE};
use svp_functions::place::osgb;

use crate::error::PublishError;
use crate::frame::{Cell, Frame};
use crate::model::{Geometry, Outlines};
use crate::remainder;

/// Greatest distance in metres by which a simplified outline leaves the given one.
pub const OUTLINE_TOLERANCE: f64 = 10.0;

/// Corners of an H3 cell as longitude and latitude.
fn h3_ring(id: &str) -> Option<LineString<f64>> {
    id.parse().ok().map(remainder::ring)
}

fn single(ring: LineString<f64>) -> MultiPolygon<f64> {
    MultiPolygon::new(vec![Polygon::new(ring, Vec::new())])
}

fn project(
    shape: &MultiPolygon<f64>,
    turn: impl Fn(f64, f64) -> Option<(f64, f64)> + Copy,
) -> Option<MultiPolygon<f64>> {
    let ring = |line: &LineString<f64>| -> Option<LineString<f64>> {
        line.coords()
            .map(|c| turn(c.x, c.y).map(|(x, y)| Coord { x, y }))
            .collect::<Option<Vec<_>>>()
            .map(LineString::new)
    };
    let polygons = shape
        .iter()
        .map(|polygon| {
            let inner: Option<Vec<_>> = polygon.interiors().iter().map(ring).collect();
            Some(Polygon::new(ring(polygon.exterior())?, inner?))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(MultiPolygon::new(polygons))
}

/// To longitude and latitude, exterior rings counter-clockwise as RFC 7946 asks; `None` off the grid.
pub(crate) fn to_degrees(shape: &MultiPolygon<f64>) -> Option<MultiPolygon<f64>> {
    project(shape, osgb::to_wgs84).map(|shape| shape.orient(Direction::Default))
}

fn to_metres(shape: &MultiPolygon<f64>) -> Option<MultiPolygon<f64>> {
    project(shape, osgb::to_bng)
}

/// Name, shape and bounding box of an area of the backdrop.
type Backdrop<'a> = (&'a str, &'a MultiPolygon<f64>, Rect<f64>);

/// Name of the area of the backdrop that holds the middle of a cell.
fn around(cell: &MultiPolygon<f64>, backdrop: &[Backdrop<'_>]) -> Option<String> {
    let centre = cell.centroid()?;
    backdrop
        .iter()
        .find(|(_, shape, rect)| rect.contains(&centre) && shape.contains(&centre))
        .map(|(name, _, _)| (*name).to_string())
}

/// The outlines, light enough to draw and to publish.
pub(crate) fn lightened(outlines: &Outlines) -> Outlines {
    let areas = outlines
        .areas
        .iter()
        .map(|(code, name, shape)| {
            let light = shape.simplify(OUTLINE_TOLERANCE);
            (code.clone(), name.clone(), light)
        })
        .collect();
    Outlines { layer: outlines.layer.clone(), areas }
}

/// The ground of every row of a table.
#[derive(Debug)]
pub(crate) struct Ground {
    /// Column with the identifier.
    pub(crate) column: usize,
    /// Shapes by row in British National Grid metres; `None` where the row has no place.
    pub(crate) metres: Vec<Option<MultiPolygon<f64>>>,
    /// Shapes by row in degrees, longitude first; `None` where the row has no place.
    pub(crate) degrees: Vec<Option<MultiPolygon<f64>>>,
    /// Whether the row is what is left of a larger cell after merging.
    pub(crate) rests: Vec<bool>,
    /// Side of a whole cell in metres, or of a square of a cell's area; `None` for areas.
    pub(crate) cell_size: Option<f64>,
    /// Name by row: of the area itself, or of the backdrop's area around a cell.
    pub(crate) names: Vec<Option<String>>,
}

/// Finds the ground of every row; `None` if the table has no geometry.
pub(crate) fn ground(frame: &Frame<'_>, outlines: &[Outlines]) -> Result<Option<Ground>, PublishError> {
    let column = match &frame.table.geometry {
        Geometry::None => return Ok(None),
        Geometry::BngCell { column } | Geometry::H3Cell { column } | Geometry::Area { column, .. } => {
            frame.require(column)?
        }
    };
    let layer = match &frame.table.geometry {
        Geometry::Area { layer, .. } => Some(
            outlines
                .iter()
                .find(|outline| outline.layer == *layer)
                .ok_or_else(|| PublishError::UnknownLayer { table: frame.table.name.clone(), layer: layer.clone() })?,
        ),
        _ => None,
    };
    let backdrop: Vec<Backdrop<'_>> = outlines
        .iter()
        .take(1)
        .flat_map(|outline| &outline.areas)
        .filter_map(|(_, name, shape)| Some((name.as_str(), shape, shape.bounding_rect()?)))
        .collect();
    let mut ground = Ground {
        column,
        metres: Vec::with_capacity(frame.rows),
        degrees: Vec::with_capacity(frame.rows),
        rests: Vec::with_capacity(frame.rows),
        cell_size: None,
        names: Vec::with_capacity(frame.rows),
    };
    let pieces = Pieces::of(frame.cells(column));
    for (row, cell) in frame.cells(column).iter().enumerate() {
        let left = match cell {
            Cell::Text(id) if layer.is_none() => id.strip_prefix(REMAINDER_PREFIX),
            _ => None,
        };
        ground.rests.push(left.is_some());
        let placed = |id: &&String| layer.is_some() || (*id != REMAINDER && *id != UNKNOWN_PLACE);
        let Some(id) = cell.text().filter(placed) else {
            ground.metres.push(None);
            ground.degrees.push(None);
            ground.names.push(None);
            continue;
        };
        let bad = || PublishError::BadCell {
            table: frame.table.name.clone(),
            column: frame.columns[column].name.clone(),
            row: row + 1,
        };
        let (metres, degrees, name) = match (&frame.table.geometry, left) {
            (Geometry::H3Cell { .. }, Some(node)) => {
                let degrees = pieces.hexagon(node.parse().map_err(|_| bad())?);
                (degrees.as_ref().and_then(to_metres), degrees, None)
            }
            (Geometry::BngCell { .. }, Some(node)) => {
                let metres = remainder::of_square(node.parse().map_err(|_| bad())?, &pieces.squares);
                let degrees = metres.as_ref().and_then(to_degrees);
                (metres, degrees, None)
            }
            (Geometry::H3Cell { .. }, None) => {
                let degrees = single(h3_ring(id).ok_or_else(bad)?);
                (to_metres(&degrees), Some(degrees), None)
            }
            (Geometry::Area { .. }, _) => {
                let area = layer.and_then(|l| l.areas.iter().find(|area| area.0 == *id));
                match area {
                    Some((_, name, shape)) => (Some(shape.clone()), to_degrees(shape), Some(name.clone())),
                    None => (None, None, None),
                }
            }
            _ => {
                let square = MultiPolygon::new(vec![remainder::square(id.parse().map_err(|_| bad())?)]);
                let degrees = to_degrees(&square);
                (Some(square), degrees, None)
            }
        };
        if ground.cell_size.is_none() && layer.is_none() && left.is_none() {
            ground.cell_size = metres.as_ref().map(side);
        }
        let name = name.or_else(|| around(metres.as_ref()?, &backdrop));
        ground.metres.push(metres);
        ground.degrees.push(degrees);
        ground.names.push(name);
    }
    if ground.cell_size.is_none() && layer.is_none() {
        // Not one whole cell: the smallest rest gives the scale.
        ground.cell_size = ground.metres.iter().flatten().map(side).min_by(f64::total_cmp);
    }
    Ok(Some(ground))
}

fn side(shape: &MultiPolygon<f64>) -> f64 {
    geo::Area::unsigned_area(shape).sqrt()
}

/// The cells of a table as they stand: whole ones, and the larger ones whose rest is a row.
struct Pieces {
    squares: Vec<Square>,
    hexagons: BTreeSet<h3o::CellIndex>,
}

impl Pieces {
    fn of(cells: &[Cell]) -> Self {
        let ids = || cells.iter().filter_map(Cell::text).map(|id| id.strip_prefix(REMAINDER_PREFIX).unwrap_or(id));
        Self {
            squares: ids().filter_map(|id| id.parse().ok()).collect(),
            hexagons: ids().filter_map(|id| id.parse().ok()).collect(),
        }
    }

    /// What is left of a hexagon. The finest cell of the table tells the resolution that was merged.
    fn hexagon(&self, node: h3o::CellIndex) -> Option<MultiPolygon<f64>> {
        let finest = self.hexagons.iter().map(|cell| cell.resolution()).max()?;
        remainder::of_hexagon(node, finest, &self.hexagons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_identifiers_are_read() {
        assert!(h3_ring("8a1958b4e2dffff").is_some_and(|ring| ring.0.len() >= 6));
        assert!(h3_ring("not a cell").is_none());
    }
}

//! The ground of a merged row: a large cell less the pieces of the same table that lie inside it.

use std::collections::BTreeSet;

use geo::orient::{Direction, Orient};
use geo::{BooleanOps, Coord, LineString, MapCoords, MultiPolygon, Polygon, unary_union};
use svp_contract::Square;

/// Most hexagons that are joined to one rest: four levels down.
const MOST_HEXAGONS: u64 = 2401;

/// The shape of a square, counter-clockwise.
pub(crate) fn square(square: Square) -> Polygon<f64> {
    Polygon::new(LineString::from(square.corners().to_vec()), Vec::new())
}

/// What is left of a square without those of `pieces` that are smaller and lie inside it; `None` if nothing.
pub(crate) fn of_square(node: Square, pieces: &[Square]) -> Option<MultiPolygon<f64>> {
    let inside: Vec<Polygon<f64>> = pieces
        .iter()
        .filter(|piece| piece.size < node.size && piece.lies_in(&node))
        .map(|piece| square(*piece))
        .collect();
    let left = square(node).difference(&unary_union(&inside));
    // Overlays run on a fine integer grid; corners of squares are whole metres.
    let round = |metres: f64| (metres * 1000.0).round() / 1000.0;
    some(left.map_coords(|c| Coord { x: round(c.x), y: round(c.y) }))
}

/// What is left of an H3 cell: its descendants of the resolution `finest` that lie in no other piece below it,
/// joined, in degrees. `None` if nothing is left, or the cell is more than four levels above.
///
/// The descendants of an H3 cell do not fill its own outline exactly, so the outline is not used.
pub(crate) fn of_hexagon(
    node: h3o::CellIndex,
    finest: h3o::Resolution,
    pieces: &BTreeSet<h3o::CellIndex>,
) -> Option<MultiPolygon<f64>> {
    if node.children_count(finest) > MOST_HEXAGONS {
        return None;
    }
    let between = |r: &h3o::Resolution| *r > node.resolution() && *r <= finest;
    let resolutions: Vec<h3o::Resolution> = h3o::Resolution::range(node.resolution(), finest).filter(between).collect();
    let left: Vec<Polygon<f64>> = node
        .children(finest)
        .filter(|cell| !resolutions.iter().any(|r| cell.parent(*r).is_some_and(|up| pieces.contains(&up))))
        .map(|cell| Polygon::new(ring(cell), Vec::new()))
        .collect();
    some(unary_union(&left))
}

/// Corners of an H3 cell as longitude and latitude, counter-clockwise.
pub(crate) fn ring(cell: h3o::CellIndex) -> LineString<f64> {
    cell.boundary().iter().map(|corner| Coord { x: corner.lng(), y: corner.lat() }).collect()
}

/// Holes run against their outlines, so that no drawing fills them.
fn some(shape: MultiPolygon<f64>) -> Option<MultiPolygon<f64>> {
    (!shape.0.is_empty()).then(|| shape.orient(Direction::Default))
}

#[cfg(test)]
mod tests {
    use geo::{Area, Contains, Point};

    use super::*;

    #[test]
    fn squares_inside_are_taken_out() {
        let at = |size, easting, northing| Square { size, easting, northing };
        let node = at(1000, 310_000, 48_000);
        let pieces = [
            at(250, 310_250, 48_250),
            at(500, 310_500, 48_500),
            at(250, 310_750, 48_750),
            at(250, 311_000, 48_000),
            node,
            at(2000, 310_000, 48_000),
        ];
        let rest = of_square(node, &pieces).unwrap();
        assert_eq!(rest.unsigned_area(), 1_000_000.0 - 62_500.0 - 250_000.0);
        assert!(rest.contains(&Point::new(310_100.0, 48_100.0)));
        assert!(!rest.contains(&Point::new(310_300.0, 48_300.0)));
        assert!(rest.iter().flat_map(|p| p.exterior().coords()).all(|c| c.x % 250.0 == 0.0 && c.y % 250.0 == 0.0));
        let holes: Vec<f64> =
            rest.iter().flat_map(|p| p.interiors()).map(|r| Polygon::new(r.clone(), vec![]).signed_area()).collect();
        assert!(rest.iter().all(|p| Polygon::new(p.exterior().clone(), vec![]).signed_area() > 0.0));
        assert!(holes.iter().all(|area| *area < 0.0));
        let all = [(0, 0), (500, 0), (0, 500), (500, 500)].map(|(x, y)| at(500, node.easting + x, node.northing + y));
        assert!(of_square(node, &all).is_none());
        assert_eq!(of_square(node, &[]).unwrap().unsigned_area(), 1_000_000.0);
    }

    #[test]
    fn hexagons_inside_are_taken_out() {
        let node = h3o::LatLng::new(50.7236, -3.5275).unwrap().to_cell(h3o::Resolution::Seven);
        let finest = h3o::Resolution::Nine;
        let area = |cells: &mut dyn Iterator<Item = h3o::CellIndex>| -> f64 {
            cells.map(|cell| Polygon::new(ring(cell), vec![]).unsigned_area()).sum()
        };
        let whole = area(&mut node.children(finest));
        let close = |found: f64, expected: f64| (found - expected).abs() < expected * 1e-6;
        assert!(close(of_hexagon(node, finest, &BTreeSet::new()).unwrap().unsigned_area(), whole));
        let child = node.children(h3o::Resolution::Eight).next().unwrap();
        let leaf = node.children(finest).last().unwrap();
        let left = of_hexagon(node, finest, &BTreeSet::from([node, child, leaf])).unwrap();
        let gone = area(&mut child.children(finest)) + area(&mut std::iter::once(leaf));
        assert!(close(left.unsigned_area(), whole - gone));
        assert_eq!(left.0.len(), 1);
        assert!(of_hexagon(node, h3o::Resolution::Fifteen, &BTreeSet::new()).is_none());
    }
}

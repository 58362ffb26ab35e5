//! Cells of any grid by their names: which grid a name belongs to, where a cell lies, which cells are its neighbours, which
//! lie in an area.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use h3o::{CellIndex, LatLng, Resolution};
use svp_contract::{GridKind, Square};
use svp_methods::{Error, Neighbours};

use super::areas::Areas;
use super::bng_hexagon::{Hexagon, parse_hexagon};
use super::{h3_cell, osgb};

/// Metres between the points of a mesh of which at least one lies in every cell of a grid, of distorted ones too.
fn mesh(grid: GridKind) -> f64 {
    match grid {
        GridKind::Squares(size) => size as f64,
        GridKind::Hexagons(size) => size as f64 * 0.8,
        GridKind::H3(r) => Resolution::try_from(r).map_or(1.0, |r| r.edge_length_m() * 0.7),
    }
}

/// A cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A square of the National Grid.
    Square(Square),
    /// A hexagon on the National Grid.
    Hexagon(Hexagon),
    /// An H3 cell.
    H3(CellIndex),
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Square(cell) => cell.fmt(out),
            Place::Hexagon(hexagon) => hexagon.fmt(out),
            Place::H3(cell) => write!(out, "{:x}", u64::from(*cell)),
        }
    }
}

impl Place {
    /// The cell of a grid that holds a point, National Grid metres; `None` off the grid.
    pub fn containing(grid: GridKind, easting: f64, northing: f64) -> Option<Place> {
        match grid {
            GridKind::Squares(size) => Square::containing(easting, northing, size).map(Place::Square),
            GridKind::Hexagons(size) => Hexagon::containing(easting, northing, size).map(Place::Hexagon),
            GridKind::H3(resolution) => {
                let (longitude, latitude) = osgb::to_wgs84(easting, northing)?;
                let cell = h3_cell::h3_cell(longitude, latitude, i64::from(resolution))?;
                CellIndex::try_from(cell).ok().map(Place::H3)
            }
        }
    }

    /// The cell of a name, such as `250m:291750:92500`, `250h:674:245` or `89195b28007ffff`.
    pub fn parse(text: &str) -> Option<Place> {
        if let Ok(cell) = text.parse() {
            return Some(Place::Square(cell));
        }
        parse_hexagon(text).map(Place::Hexagon).or_else(|| text.parse().ok().map(Place::H3))
    }

    /// The grid that it belongs to.
    pub fn grid(&self) -> GridKind {
        match self {
            Place::Square(cell) => GridKind::Squares(cell.size),
            Place::Hexagon(hexagon) => GridKind::Hexagons(hexagon.size),
            Place::H3(cell) => GridKind::H3(cell.resolution().into()),
        }
    }

    /// The point in the middle, National Grid metres; `None` off the grid.
    pub fn centre(&self) -> Option<(f64, f64)> {
        match self {
            Place::Square(cell) => Some(cell.centre()),
            Place::Hexagon(hexagon) => Some(hexagon.centre()),
            Place::H3(cell) => {
                let middle = LatLng::from(*cell);
                osgb::to_bng(middle.lng(), middle.lat())
            }
        }
    }

    /// Area, square metres: that of the plane of the National Grid, or on the sphere for H3.
    pub fn square_metres(&self) -> f64 {
        match self {
            Place::Square(cell) => (cell.size * cell.size) as f64,
            Place::Hexagon(hexagon) => (hexagon.size * hexagon.size) as f64,
            Place::H3(cell) => cell.area_m2(),
        }
    }

    /// The next larger cell that holds it; hexagons of the National Grid have none.
    pub fn parent(&self) -> Option<Place> {
        match self {
            Place::Square(cell) => cell.parent().map(Place::Square),
            Place::Hexagon(_) => None,
            Place::H3(cell) => cell.parent(cell.resolution().pred()?).map(Place::H3),
        }
    }
}

/// Lists of neighbours of cells that are all of one grid; `None` where they are not.
///
/// # Errors
/// A cell that is listed twice.
pub fn neighbours(cells: &[Place], rings: u32) -> Option<Result<Neighbours, Error>> {
    let Some(first) = cells.first() else { return Some(Neighbours::squares(&[], rings)) };
    let grid = first.grid();
    if cells.iter().any(|cell| cell.grid() != grid) {
        return None;
    }
    let lattice: Vec<(i64, i64)> = cells
        .iter()
        .filter_map(|cell| match cell {
            Place::Square(c) => Some((c.easting / c.size, c.northing / c.size)),
            Place::Hexagon(h) => Some((h.q, h.r)),
            Place::H3(_) => None,
        })
        .collect();
    Some(match grid {
        GridKind::Squares(_) => Neighbours::squares(&lattice, rings),
        GridKind::Hexagons(_) => Neighbours::hexagons(&lattice, rings),
        GridKind::H3(_) => {
            let keys: Vec<u64> = cells
                .iter()
                .filter_map(|cell| if let Place::H3(cell) = cell { Some(u64::from(*cell)) } else { None })
                .collect();
            Neighbours::from_lists(&keys, |key, near| {
                if let Ok(cell) = CellIndex::try_from(key) {
                    near.extend(cell.grid_disk::<Vec<_>>(rings).into_iter().map(u64::from));
                }
            })
        }
    })
}

/// The cells of grids that lie in boundary layers: those whose middle does. Found once and kept.
#[derive(Clone, Default)]
pub struct Cover {
    areas: Areas,
    found: Arc<Mutex<Found>>,
}

type Found = HashMap<(String, GridKind), Arc<Vec<Place>>>;

impl Cover {
    /// Covers of these boundaries.
    pub fn new(areas: Areas) -> Self {
        Cover { areas, found: Arc::default() }
    }

    /// Address of the shared boundaries; tells two sets apart.
    pub(crate) fn identity(&self) -> usize {
        self.areas.identity()
    }

    /// The boundaries.
    pub fn areas(&self) -> &Areas {
        &self.areas
    }

    /// The cells of a grid whose middle lies in an area of the layer, in order; `None` for an unknown layer.
    pub fn cells(&self, layer: &str, grid: GridKind) -> Option<Arc<Vec<Place>>> {
        let key = (layer.to_owned(), grid);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cells) = found.get(&key) {
            return Some(Arc::clone(cells));
        }
        let layer = self.areas.layer(layer)?;
        let mesh = mesh(grid);
        // For squares the mesh is of the middles themselves; else of points, whose cells' middles are then asked for.
        let shift = if matches!(grid, GridKind::Squares(_)) { 0.5 } else { 0.0 };
        let mut inside = BTreeSet::new();
        let mut asked: BTreeMap<Place, bool> = BTreeMap::new();
        for [west, south, east, north] in layer.boxes() {
            let steps = |low: f64, high: f64| {
                let first = (low / mesh).floor() as i64 - 1;
                (first..=(high / mesh).ceil() as i64 + 1).map(move |step| (step as f64 + shift) * mesh)
            };
            for (y, x) in steps(south, north).flat_map(|y| steps(west, east).map(move |x| (y, x))) {
                if let Some(cell) = Place::containing(grid, x, y) {
                    let held = *asked.entry(cell).or_insert_with(|| {
                        cell.centre().is_some_and(|(easting, northing)| layer.code_at(easting, northing).is_some())
                    });
                    if held {
                        inside.insert(cell);
                    }
                }
            }
        }
        let cells = Arc::new(inside.into_iter().collect::<Vec<_>>());
        found.insert(key, Arc::clone(&cells));
        Some(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::square;

    fn cover() -> Cover {
        Cover::new(Areas::default().with_layer(
            "district",
            vec![
                ("A".into(), square(290_000.0, 90_000.0, 3_000.0)),
                ("B".into(), square(293_000.0, 90_000.0, 1_000.0)),
            ],
        ))
    }

    #[test]
    fn the_cells_of_an_area_fill_it() {
        let cover = cover();
        for (grid, tolerance) in
            [(GridKind::Squares(250), 0.0), (GridKind::Hexagons(250), 0.05), (GridKind::H3(10), 0.05)]
        {
            let cells = cover.cells("district", grid).unwrap();
            let area: f64 = cells.iter().map(Place::square_metres).sum();
            assert!((area / 10_000_000.0 - 1.0).abs() <= tolerance, "{grid:?}: {area}");
            let inside = |cell: &Place| {
                let (x, y) = cell.centre().unwrap();
                cover.areas.code_at("district", x, y).is_some()
            };
            assert!(cells.iter().all(inside), "{grid:?}");
            assert!(cells.iter().all(|cell| Place::parse(&cell.to_string()) == Some(*cell)), "{grid:?}");
            // Nothing is forgotten: every neighbour whose middle is inside is there.
            let near = neighbours(&cells, 1).unwrap().unwrap();
            let inner =
                (0..cells.len()).filter(|i| near.of(*i).len() == if grid == GridKind::Squares(250) { 8 } else { 6 });
            assert!(inner.count() * 2 > cells.len());
        }
        assert!(cover.cells("none", GridKind::H3(9)).is_none());
    }

    #[test]
    fn cells_of_two_grids_are_no_grid() {
        let cells = ["250m:0:0", "500m:0:0"].map(|name| Place::parse(name).unwrap());
        assert!(neighbours(&cells, 1).is_none());
        assert!(neighbours(&[cells[0], cells[0]], 1).unwrap().is_err());
    }
}

//! Cells of any grid by their names: which grid a name belongs to, where a cell lies, which cells are its neighbours, which
//! lie in an area.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use h3o::{CellIndex, LatLng, Resolution};
use rustc_hash::FxHashMap;
use svp_contract::{GridKind, Square};
use svp_methods::{Error, Neighbours};

use super::areas::{Areas, Layer};
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
        let mut inside = match grid {
            GridKind::Squares(size) => squares(layer, size),
            GridKind::Hexagons(_) => hexagons(layer, grid),
            GridKind::H3(resolution) => h3_cells(layer, resolution),
        };
        inside.sort_unstable();
        let cells = Arc::new(inside);
        found.insert(key, Arc::clone(&cells));
        Some(cells)
    }
}

/// Points of a mesh over a box and one step around it.
fn points([west, south, east, north]: [f64; 4], mesh: f64) -> impl Iterator<Item = (f64, f64)> {
    let steps = move |low: f64, high: f64| {
        let first = (low / mesh).floor() as i64 - 1;
        (first..=(high / mesh).ceil() as i64 + 1).map(move |step| step as f64 * mesh)
    };
    steps(south, north).flat_map(move |y| steps(west, east).map(move |x| (x, y)))
}

/// Whether the middle of a cell lies in the layer.
fn holds(layer: &Layer, cell: &Place) -> bool {
    cell.centre().is_some_and(|(easting, northing)| layer.code_at(easting, northing).is_some())
}

/// Squares: a block of them that no boundary crosses lies in the layer as a whole, or not at all; others are halved.
fn squares(layer: &Layer, size: i64) -> Vec<Place> {
    let side = size as f64;
    let all = layer.boxes().reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
    let Some(all) = all else { return Vec::new() };
    let first = |metres: f64| (metres / side).floor() as i64;
    let mut blocks = vec![([first(all[0]), first(all[1])], [first(all[2]) + 1, first(all[3]) + 1])];
    let mut found = Vec::new();
    let middle = |x: i64, y: i64| ((x as f64 + 0.5) * side, (y as f64 + 0.5) * side);
    while let Some(([x0, y0], [x1, y1])) = blocks.pop() {
        let (wide, high) = (x1 - x0, y1 - y0);
        let one = wide == 1 && high == 1;
        if one || !layer.may_cross([x0 as f64 * side, y0 as f64 * side, x1 as f64 * side, y1 as f64 * side]) {
            let (easting, northing) = middle(x0, y0);
            if layer.code_at(easting, northing).is_some() {
                let cells = (y0..y1).flat_map(|y| (x0..x1).map(move |x| middle(x, y)));
                found.extend(cells.filter_map(|(x, y)| Place::containing(GridKind::Squares(size), x, y)));
            }
        } else if wide >= high {
            let half = x0 + wide / 2;
            blocks.extend([([x0, y0], [half, y1]), ([half, y0], [x1, y1])]);
        } else {
            let half = y0 + high / 2;
            blocks.extend([([x0, y0], [x1, half]), ([x0, half], [x1, y1])]);
        }
    }
    found
}

/// Hexagons of the National Grid: those of a mesh of points, each asked once.
fn hexagons(layer: &Layer, grid: GridKind) -> Vec<Place> {
    let mut asked: FxHashMap<Place, bool> = FxHashMap::default();
    for [west, south, east, north] in layer.boxes() {
        for (x, y) in points([west, south, east, north], mesh(grid)) {
            if let Some(cell) = Place::containing(grid, x, y) {
                asked.entry(cell).or_insert_with(|| holds(layer, &cell));
            }
        }
    }
    asked.into_iter().filter(|(_, held)| *held).map(|(cell, _)| cell).collect()
}

/// How many resolutions above the wanted one the search for H3 cells begins.
const COARSER: u8 = 4;
/// All middles of the cells that a cell is divided into, over all resolutions, lie within so many lengths of its edge.
const REACH: f64 = 3.0;

/// H3 cells: those of a coarse cell far from every boundary lie in the layer as its middle does; others are looked at one
/// resolution further down.
fn h3_cells(layer: &Layer, resolution: u8) -> Vec<Place> {
    let Ok(wanted) = Resolution::try_from(resolution) else { return Vec::new() };
    let coarse = resolution.saturating_sub(COARSER);
    let grid = GridKind::H3(coarse);
    let mut start: BTreeSet<CellIndex> = BTreeSet::new();
    for [west, south, east, north] in layer.boxes() {
        // Coarse cells are larger than most boxes, and a mesh as coarse can miss the National Grid.
        let own =
            [(west, south), (east, south), (west, north), (east, north), ((west + east) / 2.0, (south + north) / 2.0)];
        for (x, y) in points([west, south, east, north], mesh(grid)).chain(own) {
            if let Some(Place::H3(cell)) = Place::containing(grid, x, y) {
                // The parts of a cell are not quite its ground: those of its neighbours reach into it.
                start.extend(cell.grid_disk::<Vec<_>>(1));
            }
        }
    }
    let mut found = Vec::new();
    let mut left: Vec<CellIndex> = start.into_iter().collect();
    while let Some(cell) = left.pop() {
        if cell.resolution() == wanted {
            let cell = Place::H3(cell);
            found.extend(holds(layer, &cell).then_some(cell));
            continue;
        }
        let reach = REACH * cell.resolution().edge_length_m();
        let far =
            Place::H3(cell).centre().filter(|(x, y)| !layer.may_cross([x - reach, y - reach, x + reach, y + reach]));
        match far {
            Some((x, y)) if layer.code_at(x, y).is_some() => found.extend(cell.children(wanted).map(Place::H3)),
            Some(_) => {}
            None => left.extend(cell.resolution().succ().into_iter().flat_map(|finer| cell.children(finer))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::square;

    /// A ragged shape: what the cells of its layer are, one by one.
    fn ragged() -> Areas {
        let ring = |x: f64, y: f64, radius: f64| -> Vec<(f64, f64)> {
            let at = |i: u32| f64::from(i) / 400.0 * std::f64::consts::TAU;
            let far = |turn: f64| radius * (1.0 + 0.3 * (turn * 7.0).sin() + 0.1 * (turn * 41.0).cos());
            (0..400).map(at).map(|turn| (x + far(turn) * turn.cos(), y + far(turn) * turn.sin())).collect()
        };
        let hole = geo::LineString::from(ring(291_000.0, 91_000.0, 1_500.0));
        let island = geo::Polygon::new(geo::LineString::from(ring(290_000.0, 90_000.0, 9_000.0)), vec![hole]);
        let islet = geo::Polygon::new(geo::LineString::from(ring(320_000.0, 70_000.0, 700.0)), vec![]);
        Areas::default().with_layer("district", vec![("A".into(), geo::MultiPolygon(vec![island, islet]))])
    }

    #[test]
    fn the_cells_of_a_ragged_area_are_those_that_are_found_one_by_one() {
        let cover = Cover::new(ragged());
        let layer = cover.areas().layer("district").unwrap();
        for grid in [GridKind::Squares(150), GridKind::Squares(500), GridKind::H3(7), GridKind::H3(9), GridKind::H3(2)]
        {
            let mut one_by_one: BTreeSet<Place> = BTreeSet::new();
            // Far closer than cells are, and far beyond the area.
            let step = if grid == GridKind::H3(9) { 100.0 } else { 75.0 };
            for (x, y) in points([278_000.0, 66_000.0, 324_000.0, 104_000.0], step) {
                one_by_one.extend(Place::containing(grid, x, y).filter(|cell| holds(layer, cell)));
            }
            let found = cover.cells("district", grid).unwrap();
            assert_eq!(*found, one_by_one.into_iter().collect::<Vec<_>>(), "{grid:?}");
        }
    }

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

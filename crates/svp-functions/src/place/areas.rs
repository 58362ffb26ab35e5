//! Boundaries made ready for questions: which area holds this point?
//!
//! Each ring edge is put into the horizontal bands that it crosses; a point is compared with the edges of
//! its band only, so that a coastline of a hundred thousand vertices costs as little as a field. An R-tree
//! of bounding boxes picks the polygons to ask.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use geo::{MultiPolygon, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

/// The areas of a layer: code and boundary, National Grid metres.
pub type Boundaries = Vec<(String, MultiPolygon<f64>)>;

/// Reads the areas of a layer when somebody first asks for one.
pub type Loader = Arc<dyn Fn(&str) -> Boundaries + Send + Sync>;

/// Where people live, by area: points of equal weight, National Grid metres.
pub type Homes = HashMap<String, Vec<(f64, f64)>>;

/// Reads where people live when somebody first asks.
pub type HomesLoader = Arc<dyn Fn() -> Homes + Send + Sync>;

/// Boundary layers by name. Coordinates are National Grid metres. Cheap to clone.
#[derive(Clone, Default)]
pub struct Areas {
    layers: Arc<HashMap<String, OnceLock<Layer>>>,
    loader: Option<Loader>,
    homes: Arc<OnceLock<Homes>>,
    homes_loader: Option<HomesLoader>,
}

impl std::fmt::Debug for Areas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Areas").field(&self.names()).finish()
    }
}

impl Areas {
    /// Layers that are read when they are first asked for: boundaries are large, and many extracts already
    /// say where their events lie.
    pub fn when_asked(names: impl IntoIterator<Item = String>, loader: Loader) -> Self {
        let layers = names.into_iter().map(|name| (name, OnceLock::new())).collect();
        Self { layers: Arc::new(layers), loader: Some(loader), ..Self::default() }
    }

    /// With points where people live, read when they are first asked for.
    #[must_use]
    pub fn with_homes_when_asked(mut self, loader: HomesLoader) -> Self {
        self.homes_loader = Some(loader);
        self
    }

    /// With points where people live.
    #[must_use]
    pub fn with_homes(mut self, homes: Homes) -> Self {
        self.homes = Arc::new(OnceLock::from(homes));
        self
    }

    /// The points where the people of an area live; `None` where nothing is known of it.
    pub fn homes(&self, code: &str) -> Option<&[(f64, f64)]> {
        let all = self.homes.get_or_init(|| self.homes_loader.as_ref().map(|load| load()).unwrap_or_default());
        all.get(code).map(Vec::as_slice)
    }

    /// Adds or replaces a layer of (code, boundary) pairs. Areas without extent are left out.
    #[must_use]
    pub fn with_layer(mut self, name: impl Into<String>, areas: Boundaries) -> Self {
        Arc::make_mut(&mut self.layers).insert(name.into(), OnceLock::from(Layer::new(areas)));
        self
    }

    /// The layer of this name.
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        let cell = self.layers.get(name)?;
        Some(cell.get_or_init(|| Layer::new(self.loader.as_ref().map(|load| load(name)).unwrap_or_default())))
    }

    /// Names of the layers, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.layers.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The code of the area that holds a point; `None` for an unknown layer or a point in no area.
    pub fn code_at(&self, layer: &str, easting: f64, northing: f64) -> Option<&str> {
        self.layer(layer)?.code_at(easting, northing)
    }

    /// Address of the shared data; tells two sets of boundaries apart.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.layers) as usize
    }
}

/// One layer: areas that ought not to overlap.
#[derive(Debug, Clone)]
pub struct Layer {
    codes: Vec<String>,
    shapes: Vec<Shape>,
    tree: RTree<Boxed>,
}

/// Bounding box of a shape, with the shape's place in the list.
type Boxed = GeomWithData<Rectangle<[f64; 2]>, u32>;

impl Layer {
    fn new(mut areas: Vec<(String, MultiPolygon<f64>)>) -> Self {
        areas.sort_by(|left, right| left.0.cmp(&right.0));
        let mut codes = Vec::with_capacity(areas.len());
        let mut shapes = Vec::new();
        for (code, boundary) in areas {
            let rank = codes.len() as u32;
            shapes.extend(boundary.iter().filter_map(|polygon| Shape::new(rank, polygon)));
            codes.push(code);
        }
        let boxes = shapes
            .iter()
            .zip(0_u32..)
            .map(|(shape, index)| GeomWithData::new(Rectangle::from_corners(shape.least, shape.greatest), index));
        let tree = RTree::bulk_load(boxes.collect());
        Layer { codes, shapes, tree }
    }

    /// The code of the area that holds a point. A point on a shared edge, or where areas overlap, belongs
    /// to the lowest code.
    pub fn code_at(&self, easting: f64, northing: f64) -> Option<&str> {
        if !(easting.is_finite() && northing.is_finite()) {
            return None;
        }
        let mut best: Option<u32> = None;
        for candidate in self.tree.locate_all_at_point(&[easting, northing]) {
            let Some(shape) = self.shapes.get(candidate.data as usize) else {
                continue;
            };
            if best.is_none_or(|best| shape.rank < best) && shape.holds(easting, northing) {
                best = Some(shape.rank);
            }
        }
        best.and_then(|rank| self.codes.get(rank as usize)).map(String::as_str)
    }

    /// Points spread evenly over the ground of an area, some hundreds; `None` for an unknown code.
    pub(crate) fn ground(&self, code: &str) -> Option<Vec<(f64, f64)>> {
        const STEPS: f64 = 40.0;
        let rank = u32::try_from(self.codes.binary_search_by(|c| c.as_str().cmp(code)).ok()?).ok()?;
        let own: Vec<&Shape> = self.shapes.iter().filter(|shape| shape.rank == rank).collect();
        let mut points = Vec::new();
        for shape in own {
            let step = [0, 1].map(|i| (shape.greatest[i] - shape.least[i]) / STEPS);
            for (i, j) in (0..STEPS as u32).flat_map(|i| (0..STEPS as u32).map(move |j| (i, j))) {
                let (x, y) =
                    (shape.least[0] + (f64::from(i) + 0.5) * step[0], shape.least[1] + (f64::from(j) + 0.5) * step[1]);
                if shape.holds(x, y) {
                    points.push((x, y));
                }
            }
        }
        Some(points)
    }

    /// Whether a part of a boundary may lie in a box (west, south, east, north; metres). Where none does, all of the box lies in an
    /// area, or all of it in none.
    pub(crate) fn may_cross(&self, [west, south, east, north]: [f64; 4]) -> bool {
        let envelope = AABB::from_corners([west, south], [east, north]);
        let mut near = self.tree.locate_in_envelope_intersecting(&envelope);
        near.any(|found| self.shapes.get(found.data as usize).is_some_and(|s| s.may_cross([west, south, east, north])))
    }

    /// The bounding boxes of its polygons: west, south, east, north; metres.
    pub(crate) fn boxes(&self) -> impl Iterator<Item = [f64; 4]> + '_ {
        self.shapes.iter().map(|s| [s.least[0], s.least[1], s.greatest[0], s.greatest[1]])
    }

    /// Number of areas.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no area.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

/// An edge, its lower end first (the western one if level), so that two polygons that share it compute with
/// the same numbers and agree on which side a point lies.
#[derive(Debug, Clone, Copy)]
struct Edge {
    low: [f64; 2],
    high: [f64; 2],
}

/// Where a point lies as seen from an edge.
enum Side {
    /// On the edge.
    On,
    /// A ray from the point to the east crosses the edge.
    Crossed,
    /// It does not.
    Missed,
}

impl Edge {
    fn new(a: [f64; 2], b: [f64; 2]) -> Self {
        if (a[1], a[0]) <= (b[1], b[0]) { Edge { low: a, high: b } } else { Edge { low: b, high: a } }
    }

    fn side(&self, x: f64, y: f64) -> Side {
        let ([x0, y0], [x1, y1]) = (self.low, self.high);
        if y < y0 || y > y1 {
            return Side::Missed;
        }
        // Positive when the point lies west of the edge.
        let cross = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0);
        if cross == 0.0 && x >= x0.min(x1) && x <= x0.max(x1) {
            return Side::On;
        }
        // The lower end counts, the upper does not: a ray through a vertex crosses one of two edges.
        if y < y1 && cross > 0.0 { Side::Crossed } else { Side::Missed }
    }
}

/// One polygon with its holes, edges sorted into bands of equal height.
#[derive(Debug, Clone)]
struct Shape {
    /// Place of the code among the sorted codes.
    rank: u32,
    least: [f64; 2],
    greatest: [f64; 2],
    bands_per_metre: f64,
    /// Start of each band in `edges`, and the end of the last.
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

/// Edges per band aimed at; more bands cost memory, fewer cost time.
const EDGES_PER_BAND: usize = 4;

/// Most bands of one polygon.
const MOST_BANDS: usize = 16_384;

impl Shape {
    fn new(rank: u32, polygon: &Polygon<f64>) -> Option<Self> {
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        let edges: Vec<Edge> = rings
            .flat_map(|ring| ring.lines())
            .map(|line| Edge::new([line.start.x, line.start.y], [line.end.x, line.end.y]))
            .filter(|edge| edge.low != edge.high && edge.low.iter().chain(&edge.high).all(|metres| metres.is_finite()))
            .collect();
        let mut least = [f64::INFINITY; 2];
        let mut greatest = [f64::NEG_INFINITY; 2];
        for [x, y] in edges.iter().flat_map(|edge| [edge.low, edge.high]) {
            least = [least[0].min(x), least[1].min(y)];
            greatest = [greatest[0].max(x), greatest[1].max(y)];
        }
        let height = greatest[1] - least[1];
        if height.is_nan() || height <= 0.0 {
            return None;
        }
        let bands = (edges.len() / EDGES_PER_BAND).clamp(1, MOST_BANDS);
        let mut shape = Shape {
            rank,
            least,
            greatest,
            bands_per_metre: bands as f64 / height,
            starts: vec![0; bands + 1],
            edges: Vec::new(),
        };
        shape.sort_into_bands(&edges, bands);
        Some(shape)
    }

    fn sort_into_bands(&mut self, edges: &[Edge], bands: usize) {
        let mut lists: Vec<Vec<Edge>> = vec![Vec::new(); bands];
        for edge in edges {
            let (first, last) = (self.band(edge.low[1], bands), self.band(edge.high[1], bands));
            for list in lists.iter_mut().take(last + 1).skip(first) {
                list.push(*edge);
            }
        }
        for (list, start) in lists.iter().zip(self.starts.iter_mut().skip(1)) {
            self.edges.extend_from_slice(list);
            *start = self.edges.len() as u32;
        }
    }

    /// Band of a northing; monotonic, so that every edge at this northing is in the band.
    fn band(&self, y: f64, bands: usize) -> usize {
        (((y - self.least[1]) * self.bands_per_metre) as usize).min(bands - 1)
    }

    /// Whether the bounding box of an edge meets a box.
    fn may_cross(&self, [west, south, east, north]: [f64; 4]) -> bool {
        let bands = self.starts.len() - 1;
        let (first, last) = (self.band(south, bands), self.band(north, bands));
        let edges = self.starts.get(first).zip(self.starts.get(last + 1));
        let edges = edges.and_then(|(from, to)| self.edges.get(*from as usize..*to as usize)).unwrap_or_default();
        edges.iter().any(|edge| {
            let (x0, x1) = (edge.low[0].min(edge.high[0]), edge.low[0].max(edge.high[0]));
            x0 <= east && x1 >= west && edge.low[1] <= north && edge.high[1] >= south
        })
    }

    /// Whether the polygon holds the point, its boundary included.
    fn holds(&self, x: f64, y: f64) -> bool {
        let band = self.band(y, self.starts.len() - 1);
        let (Some(start), Some(end)) = (self.starts.get(band), self.starts.get(band + 1)) else {
            return false;
        };
        let mut inside = false;
        for edge in self.edges.get(*start as usize..*end as usize).unwrap_or_default() {
            match edge.side(x, y) {
                Side::On => return true,
                Side::Crossed => inside = !inside,
                Side::Missed => {}
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use geo::{LineString, Polygon};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::square;

    fn ring(points: &[(f64, f64)]) -> LineString<f64> {
        LineString::from(points.to_vec())
    }

    /// A ragged island of many vertices, radius 1,000 to 2,000 m around (x, y).
    fn island(x: f64, y: f64, vertices: usize) -> Vec<(f64, f64)> {
        (0..vertices)
            .map(|index| {
                let turn = index as f64 / vertices as f64 * std::f64::consts::TAU;
                let radius = 1_500.0 + 300.0 * (turn * 13.0).sin() + 150.0 * (turn * 101.0).cos();
                (x + radius * turn.cos(), y + radius * turn.sin())
            })
            .collect()
    }

    /// The textbook test, edge by edge.
    fn even_odd(points: &[(f64, f64)], x: f64, y: f64) -> bool {
        let mut inside = false;
        let mut last = points[points.len() - 1];
        for &point in points {
            if (point.1 > y) != (last.1 > y) && x < (last.0 - point.0) * (y - point.1) / (last.1 - point.1) + point.0 {
                inside = !inside;
            }
            last = point;
        }
        inside
    }

    #[test]
    fn edges_go_to_the_lowest_code() {
        let areas = Areas::default().with_layer(
            "grid",
            vec![
                ("D".into(), square(1.0, 1.0, 1.0)),
                ("B".into(), square(1.0, 0.0, 1.0)),
                ("A".into(), square(0.0, 0.0, 1.0)),
                ("C".into(), square(0.0, 1.0, 1.0)),
            ],
        );
        let check =
            |x: f64, y: f64, expected: Option<&str>| assert_eq!(areas.code_at("grid", x, y), expected, "{x} {y}");
        check(0.5, 0.5, Some("A"));
        check(1.5, 0.5, Some("B"));
        check(0.5, 1.5, Some("C"));
        check(1.5, 1.5, Some("D"));
        check(1.0, 0.5, Some("A"));
        check(0.5, 1.0, Some("A"));
        check(1.0, 1.0, Some("A"));
        check(1.0, 1.5, Some("C"));
        check(1.5, 1.0, Some("B"));
        check(0.0, 0.0, Some("A"));
        check(2.0, 2.0, Some("D"));
        check(2.000_001, 1.0, None);
        check(f64::NAN, 1.0, None);
        assert_eq!(areas.code_at("other", 0.5, 0.5), None);
        assert_eq!((areas.names(), areas.layer("grid").unwrap().len()), (vec!["grid"], 4));
    }

    #[test]
    fn holes_and_parts() {
        let with_hole = Polygon::new(
            ring(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]),
            vec![ring(&[(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)])],
        );
        let mut parts = square(20.0, 0.0, 1.0);
        parts.0.push(with_hole);
        let areas = Areas::default().with_layer(
            "l",
            vec![("A".into(), parts), ("B".into(), square(4.0, 4.0, 2.0)), ("empty".into(), MultiPolygon(vec![]))],
        );
        let check = |x: f64, y: f64, expected: Option<&str>| assert_eq!(areas.code_at("l", x, y), expected, "{x} {y}");
        check(1.0, 1.0, Some("A"));
        check(20.5, 0.5, Some("A"));
        check(5.0, 5.0, Some("B"));
        check(4.0, 5.0, Some("A"));
        check(15.0, 5.0, None);
    }

    #[test]
    fn degenerate_boundaries_hold_nothing() {
        let flat = MultiPolygon(vec![Polygon::new(ring(&[(0.0, 1.0), (5.0, 1.0)]), vec![])]);
        let wild = MultiPolygon(vec![Polygon::new(ring(&[(f64::NAN, 1.0), (5.0, f64::INFINITY)]), vec![])]);
        let areas = Areas::default().with_layer("l", vec![("A".into(), flat), ("B".into(), wild)]);
        assert_eq!(areas.code_at("l", 1.0, 1.0), None);
    }

    static ISLAND: LazyLock<(Vec<(f64, f64)>, Layer)> = LazyLock::new(|| {
        let points = island(290_000.0, 50_000.0, 5_000);
        let boundary = MultiPolygon(vec![Polygon::new(ring(&points), vec![])]);
        (points, Layer::new(vec![("I".into(), boundary)]))
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn agrees_with_the_textbook(x in 288_000.0..292_000.0_f64, y in 48_000.0..52_000.0_f64) {
            let (points, layer) = &*ISLAND;
            prop_assert_eq!(layer.code_at(x, y).is_some(), even_odd(points, x, y));
        }

        #[test]
        fn neighbours_leave_no_gap(cut in proptest::collection::vec(-400.0..400.0_f64, 2..40), x in -499.0..499.0_f64, y in 0.001..0.999_f64) {
            // A square cut in two along a random line from bottom to top.
            let step = 1_000.0 / (cut.len() - 1) as f64;
            let line: Vec<(f64, f64)> = cut.iter().enumerate().map(|(index, x)| (*x, index as f64 * step)).collect();
            let mut west = vec![(-500.0, 1_000.0), (-500.0, 0.0)];
            west.extend(line.iter());
            let mut east = vec![(500.0, 0.0), (500.0, 1_000.0)];
            east.extend(line.iter().rev());
            let area = |points: &[(f64, f64)]| MultiPolygon(vec![Polygon::new(ring(points), vec![])]);
            let layer = Layer::new(vec![("E".into(), area(&east)), ("W".into(), area(&west))]);
            prop_assert!(layer.code_at(x, y * 1_000.0).is_some());
            for (x, y) in line {
                prop_assert_eq!(layer.code_at(x, y), Some("E"));
            }
        }
    }
}

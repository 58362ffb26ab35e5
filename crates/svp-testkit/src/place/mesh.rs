//! A jittered mesh of four-cornered tiles. Areas are sets of tiles and share the mesh's corners, so they
//! tile exactly: no gap, no overlap.

use std::collections::BTreeMap;

use super::{BOX, Point};
use crate::dice::{Dice, Purpose};

/// Width of a tile before jitter, metres.
const STEP: i32 = 400;
/// Largest shift of a corner, metres.
const JITTER: i64 = 110;

/// A closed ring of corners; the last equals the first.
pub type Ring = Vec<Point>;

/// The mesh.
#[derive(Debug)]
pub struct Mesh {
    /// Tiles from west to east.
    pub columns: usize,
    /// Tiles from south to north.
    pub rows: usize,
    corners: Vec<Point>,
}

impl Mesh {
    /// The mesh of the county.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let columns = ((BOX[2] - BOX[0]) / STEP) as usize;
        let rows = ((BOX[3] - BOX[1]) / STEP) as usize;
        let mut dice = Dice::new(seed, Purpose::Land, 0);
        let mut corners = Vec::with_capacity((columns + 1) * (rows + 1));
        for row in 0..=rows {
            for column in 0..=columns {
                corners.push(Point {
                    e: BOX[0] + STEP * column as i32 + dice.between(-JITTER, JITTER) as i32,
                    n: BOX[1] + STEP * row as i32 + dice.between(-JITTER, JITTER) as i32,
                });
            }
        }
        Self { columns, rows, corners }
    }

    /// The number of tiles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns * self.rows
    }

    /// Whether there are no tiles.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of a tile's corners, anticlockwise from the south-west.
    fn corner_numbers(&self, tile: usize) -> [usize; 4] {
        let (row, column) = (tile / self.columns, tile % self.columns);
        let south_west = row * (self.columns + 1) + column;
        let north_west = south_west + self.columns + 1;
        [south_west, south_west + 1, north_west + 1, north_west]
    }

    /// A tile's corners, anticlockwise from the south-west.
    #[must_use]
    pub fn corners(&self, tile: usize) -> [Point; 4] {
        self.corner_numbers(tile).map(|number| self.corners[number])
    }

    /// The middle of a tile.
    #[must_use]
    pub fn middle(&self, tile: usize) -> Point {
        let corners = self.corners(tile);
        Point { e: corners.iter().map(|p| p.e).sum::<i32>() / 4, n: corners.iter().map(|p| p.n).sum::<i32>() / 4 }
    }

    /// The tiles to the south, east, north and west.
    #[must_use]
    pub fn neighbours(&self, tile: usize) -> [Option<usize>; 4] {
        let (row, column) = (tile / self.columns, tile % self.columns);
        [
            (row > 0).then(|| tile - self.columns),
            (column + 1 < self.columns).then_some(tile + 1),
            (row + 1 < self.rows).then_some(tile + self.columns),
            (column > 0).then(|| tile - 1),
        ]
    }

    /// The tile in which a point lies.
    #[must_use]
    pub fn tile_at(&self, point: Point) -> Option<usize> {
        let column = (point.e - BOX[0]).div_euclid(STEP) as i64;
        let row = (point.n - BOX[1]).div_euclid(STEP) as i64;
        for (dr, dc) in [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)] {
            let (r, c) = (row + dr, column + dc);
            if r >= 0 && c >= 0 && (r as usize) < self.rows && (c as usize) < self.columns {
                let tile = r as usize * self.columns + c as usize;
                if inside(&self.corners(tile), point) {
                    return Some(tile);
                }
            }
        }
        None
    }

    /// A place in a tile, away from its edges.
    pub fn place_in(&self, tile: usize, dice: &mut Dice) -> Point {
        let [sw, se, ne, nw] = self.corners(tile);
        let (u, v) = (0.06 + 0.88 * dice.unit(), 0.06 + 0.88 * dice.unit());
        let mix = |a: i32, b: i32, c: i32, d: i32| {
            let south = f64::from(a) * (1.0 - u) + f64::from(b) * u;
            let north = f64::from(d) * (1.0 - u) + f64::from(c) * u;
            (south * (1.0 - v) + north * v).round() as i32
        };
        Point { e: mix(sw.e, se.e, ne.e, nw.e), n: mix(sw.n, se.n, ne.n, nw.n) }
    }

    /// The outlines of the tiles for which `member` holds: the outer ring runs anticlockwise and comes
    /// first, holes run clockwise.
    #[must_use]
    pub fn outline(&self, member: impl Fn(usize) -> bool) -> Vec<Ring> {
        // Directed edges with the area on their left, by the corner in which they start.
        let mut edges: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for tile in (0..self.len()).filter(|tile| member(*tile)) {
            let corners = self.corner_numbers(tile);
            for (side, neighbour) in self.neighbours(tile).into_iter().enumerate() {
                if !neighbour.is_some_and(&member) {
                    edges.entry(corners[side]).or_default().push((corners[(side + 1) % 4], tile));
                }
            }
        }
        let mut rings: Vec<Ring> = Vec::new();
        while let Some((&start, _)) = edges.iter().next() {
            let mut ring = Vec::new();
            let (mut at, mut tile) = (start, usize::MAX);
            while let Some(out) = edges.get_mut(&at) {
                // Where two tiles touch at one corner only, stay with the same tile.
                let choice = out.iter().position(|(_, t)| *t == tile).unwrap_or(0);
                let (next, of) = out.swap_remove(choice);
                if out.is_empty() {
                    edges.remove(&at);
                }
                ring.push(self.corners[at]);
                (at, tile) = (next, of);
                if at == start {
                    break;
                }
            }
            ring.push(self.corners[start]);
            rings.push(ring);
        }
        rings.sort_by(|a, b| signed_area(b).total_cmp(&signed_area(a)));
        rings
    }
}

/// The area of a ring in square metres, positive when it runs anticlockwise.
#[must_use]
pub fn signed_area(ring: &[Point]) -> f64 {
    ring.windows(2)
        .map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            f64::from(a.e) * f64::from(b.n) - f64::from(b.e) * f64::from(a.n)
        })
        .sum::<f64>()
        / 2.0
}

fn inside(corners: &[Point; 4], point: Point) -> bool {
    let mut odd = false;
    for side in 0..4 {
        let (a, b) = (corners[side], corners[(side + 1) % 4]);
        if (a.n > point.n) != (b.n > point.n) {
            let t = f64::from(point.n - a.n) / f64::from(b.n - a.n);
            if f64::from(point.e) < f64::from(a.e) + t * f64::from(b.e - a.e) {
                odd = !odd;
            }
        }
    }
    odd
}

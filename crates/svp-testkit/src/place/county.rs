//! Land, districts and small areas of the county. They do not depend on the seed of a sample: every sample
//! shares one map, which the area file of the county names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::mesh::signed_area;
use super::{Mesh, Point, Ring};
use crate::dice::{Dice, Purpose};

/// The seed of the map.
const MAP_SEED: u64 = 1990;
/// The middle of the county.
const MIDDLE: Point = Point { e: 322_000, n: 59_500 };
/// Mean distance from the middle to the coast, metres.
const RADIUS: f64 = 8_700.0;

/// A district with its Community Safety Partnership.
#[derive(Debug, Clone, Copy)]
pub struct District {
    /// Name of the district and of its town.
    pub name: &'static str,
    /// District code.
    pub code: &'static str,
    /// Name of the partnership.
    pub csp: &'static str,
    /// Code of the partnership.
    pub csp_code: &'static str,
    /// The middle of its town.
    pub town: Point,
}

/// The four districts.
pub const DISTRICTS: [District; 4] = [
    District {
        name: "Averholt",
        code: "E07990001",
        csp: "Safer Averholt",
        csp_code: "E22990001",
        town: Point { e: 318_300, n: 60_900 },
    },
    District {
        name: "Saltmarch",
        code: "E07990002",
        csp: "Saltmarch Coast",
        csp_code: "E22990002",
        town: Point { e: 323_500, n: 53_900 },
    },
    District {
        name: "Harrowmere",
        code: "E07990003",
        csp: "Harrowmere and Dunveil",
        csp_code: "E22990003",
        town: Point { e: 328_000, n: 61_500 },
    },
    District {
        name: "Dunveil",
        code: "E07990004",
        csp: "Harrowmere and Dunveil",
        csp_code: "E22990003",
        town: Point { e: 320_800, n: 66_400 },
    },
];

/// A small area in the form of a Lower layer Super Output Area of 2021.
#[derive(Debug, Clone)]
pub struct Lsoa {
    /// Code such as `E01990001`.
    pub code: String,
    /// Name such as `Averholt 001A`.
    pub name: String,
    /// Code of the middle layer area, such as `E02990001`.
    pub msoa: String,
    /// Name of the middle layer area, which is also the ward's.
    pub msoa_name: String,
    /// Ward code.
    pub ward: String,
    /// Index of the district.
    pub district: usize,
    /// Its tiles.
    pub tiles: Vec<usize>,
    /// Published residents.
    pub population: u32,
    /// A point inside.
    pub middle: Point,
}

/// The county.
#[derive(Debug)]
pub struct County {
    /// The mesh of tiles.
    pub mesh: Mesh,
    /// The small areas in the order of their codes.
    pub lsoas: Vec<Lsoa>,
    owner: Vec<Option<u16>>,
}

impl County {
    /// Draws the map.
    #[must_use]
    pub fn new() -> Self {
        let mesh = Mesh::new(MAP_SEED);
        let land = land(&mesh);
        let towns: Vec<usize> = DISTRICTS.iter().filter_map(|district| mesh.tile_at(district.town)).collect();
        let in_district = grow(&mesh, &towns, |tile, _| land[tile]);
        let mut seeds = area_seeds(&mesh, &in_district);
        seeds.sort_by_key(|tile| {
            let district = in_district[*tile].map_or(0, usize::from);
            (district, order_key(mesh.middle(*tile), DISTRICTS[district].town))
        });
        let of_seed: Vec<Option<u16>> = seeds.iter().map(|tile| in_district[*tile]).collect();
        let owner = grow(&mesh, &seeds, |tile, seed| land[tile] && in_district[tile] == of_seed[usize::from(seed)]);
        let lsoas = name_areas(&mesh, &of_seed, &owner);
        Self { mesh, lsoas, owner }
    }

    /// The small area in which a point lies.
    #[must_use]
    pub fn lsoa_at(&self, point: Point) -> Option<usize> {
        self.mesh.tile_at(point).and_then(|tile| self.owner[tile]).map(usize::from)
    }

    /// The rings of a small area.
    #[must_use]
    pub fn lsoa_rings(&self, lsoa: usize) -> Vec<Ring> {
        self.mesh.outline(|tile| self.owner[tile].map(usize::from) == Some(lsoa))
    }

    /// The rings of a district.
    #[must_use]
    pub fn district_rings(&self, district: usize) -> Vec<Ring> {
        self.mesh
            .outline(|tile| self.owner[tile].is_some_and(|lsoa| self.lsoas[usize::from(lsoa)].district == district))
    }

    /// A place in a small area.
    pub fn place_in(&self, lsoa: usize, dice: &mut Dice) -> Point {
        for _ in 0..50 {
            let tile = *dice.pick(&self.lsoas[lsoa].tiles);
            let point = self.mesh.place_in(tile, dice);
            if self.lsoa_at(point) == Some(lsoa) {
                return point;
            }
        }
        self.lsoas[lsoa].middle
    }

    /// A point near `point`, in the same small area where possible.
    pub fn near(&self, point: Point, metres: f64, dice: &mut Dice) -> Point {
        let home = self.lsoa_at(point);
        for _ in 0..8 {
            let moved = Point {
                e: point.e + (dice.normal() * metres).round() as i32,
                n: point.n + (dice.normal() * metres).round() as i32,
            };
            if self.lsoa_at(moved) == home {
                return moved;
            }
        }
        point
    }

    /// The land area in square metres.
    #[must_use]
    pub fn land_area(&self) -> f64 {
        self.mesh.outline(|tile| self.owner[tile].is_some()).iter().map(|ring| signed_area(ring)).sum()
    }
}

impl Default for County {
    fn default() -> Self {
        Self::new()
    }
}

/// Which tiles are land: an uneven island around the middle, in one piece.
fn land(mesh: &Mesh) -> Vec<bool> {
    let mut dice = Dice::new(MAP_SEED, Purpose::Land, 1);
    let waves: Vec<(f64, f64, f64)> = [(2.0, 0.05), (3.0, 0.05), (5.0, 0.035), (9.0, 0.02)]
        .into_iter()
        .map(|(k, size)| (k, size, dice.unit() * std::f64::consts::TAU))
        .collect();
    let dry: Vec<bool> = (0..mesh.len())
        .map(|tile| {
            let point = mesh.middle(tile);
            let (x, y) = (f64::from(point.e - MIDDLE.e), f64::from(point.n - MIDDLE.n));
            let angle = y.atan2(x);
            let coast: f64 = waves.iter().map(|(k, size, shift)| size * (k * angle + shift).sin()).sum();
            x.hypot(y) < RADIUS * (1.0 + coast)
        })
        .collect();
    let start: Vec<usize> = mesh.tile_at(MIDDLE).into_iter().collect();
    grow(mesh, &start, |tile, _| dry[tile]).into_iter().map(|owner| owner.is_some()).collect()
}

/// Grows areas from seed tiles over the tiles that `may` allows; every area stays in one piece.
fn grow(mesh: &Mesh, seeds: &[usize], may: impl Fn(usize, u16) -> bool) -> Vec<Option<u16>> {
    let mut dice = Dice::new(MAP_SEED, Purpose::Land, 2 + seeds.len() as u64);
    let cost: Vec<u32> = (0..mesh.len()).map(|_| dice.between(60, 140) as u32).collect();
    let mut owner = vec![None; mesh.len()];
    let mut queue: BinaryHeap<Reverse<(u32, usize, u16)>> =
        seeds.iter().enumerate().map(|(seed, tile)| Reverse((0, *tile, seed as u16))).collect();
    while let Some(Reverse((spent, tile, seed))) = queue.pop() {
        if owner[tile].is_some() || !may(tile, seed) {
            continue;
        }
        owner[tile] = Some(seed);
        for next in mesh.neighbours(tile).into_iter().flatten() {
            if owner[next].is_none() {
                queue.push(Reverse((spent + cost[next], next, seed)));
            }
        }
    }
    owner
}

/// Seeds of small areas: close together in towns, far apart in the country.
fn area_seeds(mesh: &Mesh, in_district: &[Option<u16>]) -> Vec<usize> {
    let mut dice = Dice::new(MAP_SEED, Purpose::Land, 9_001);
    let mut tiles: Vec<usize> = (0..mesh.len()).filter(|tile| in_district[*tile].is_some()).collect();
    for last in (1..tiles.len()).rev() {
        tiles.swap(last, dice.below(last + 1));
    }
    let spacing = |point: Point| {
        let nearest = DISTRICTS.iter().map(|d| d.town.distance(point)).fold(f64::INFINITY, f64::min);
        560.0 + 1_020.0 * (1.0 - (-(nearest / 2_300.0).powi(2)).exp())
    };
    let mut seeds: Vec<usize> = Vec::new();
    for tile in tiles {
        let point = mesh.middle(tile);
        let own = spacing(point);
        if seeds.iter().all(|seed| {
            let other = mesh.middle(*seed);
            point.distance(other) > own.max(spacing(other))
        }) {
            seeds.push(tile);
        }
    }
    seeds
}

/// Areas are numbered outwards from the town, in rings of two kilometres.
fn order_key(point: Point, town: Point) -> (i64, i64) {
    let angle = f64::from(point.n - town.n).atan2(f64::from(point.e - town.e));
    ((point.distance(town) / 2_000.0) as i64, (angle * 1_000.0) as i64)
}

fn name_areas(mesh: &Mesh, of_seed: &[Option<u16>], owner: &[Option<u16>]) -> Vec<Lsoa> {
    let mut dice = Dice::new(MAP_SEED, Purpose::Land, 9_002);
    let mut tiles: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (tile, lsoa) in owner.iter().enumerate() {
        if let Some(lsoa) = lsoa {
            tiles.entry(*lsoa).or_default().push(tile);
        }
    }
    let (mut msoa, mut in_msoa, mut number, mut last) = (0, 0, 0, usize::MAX);
    let mut lsoas = Vec::new();
    for (seed, tiles) in tiles {
        let district = of_seed[usize::from(seed)].map_or(0, usize::from);
        if district != last {
            (number, in_msoa, last) = (1, 0, district);
            msoa += 1;
        } else if in_msoa == 4 {
            (number, in_msoa) = (number + 1, 0);
            msoa += 1;
        }
        let name = DISTRICTS[district].name;
        let middle = central_tile(mesh, &tiles);
        lsoas.push(Lsoa {
            code: format!("E0199{:04}", lsoas.len() + 1),
            name: format!("{name} {number:03}{}", char::from(b'A' + in_msoa)),
            msoa: format!("E0299{msoa:04}"),
            msoa_name: format!("{name} {number:03}"),
            ward: format!("E0599{msoa:04}"),
            district,
            tiles,
            population: dice.between(1_150, 2_150) as u32,
            middle,
        });
        in_msoa += 1;
    }
    lsoas
}

fn central_tile(mesh: &Mesh, tiles: &[usize]) -> Point {
    let middles: Vec<Point> = tiles.iter().map(|tile| mesh.middle(*tile)).collect();
    let count = middles.len().max(1) as i32;
    let mean = Point {
        e: middles.iter().map(|p| p.e).sum::<i32>() / count,
        n: middles.iter().map(|p| p.n).sum::<i32>() / count,
    };
    middles.into_iter().min_by(|a, b| a.distance(mean).total_cmp(&b.distance(mean))).unwrap_or(mean)
}

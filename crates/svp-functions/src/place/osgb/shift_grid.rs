//! The OSTN15 shifts as a dense table, filled from the compiled hash map as squares are asked for.
//!
//! A lookup in the hash map costs four hashes per point; most points of a run lie in few squares, so each
//! node is asked for once and then read from a table of 7 MB. Slots are plain atomics: two threads may fill
//! the same one, with the same value.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ostn15_phf::ostn15_lookup;

/// Nodes from west to east.
const COLUMNS: i32 = 701;
/// Nodes from south to north.
const ROWS: i32 = 1_251;
/// Metres between nodes.
const STEP: f64 = 1_000.0;
/// Largest ETRS89 easting and northing with four nodes around them, metres.
const LIMIT: (f64, f64) = (700_000.0, 1_250_000.0);

/// Slot that has not been filled. A filled slot holds two shifts in whole millimetres, never both -1.
const EMPTY: u64 = u64::MAX;

static NODES: LazyLock<Vec<AtomicU64>> = LazyLock::new(|| (0..COLUMNS * ROWS).map(|_| AtomicU64::new(EMPTY)).collect());

/// Whether ETRS89 grid metres lie on the table.
pub(super) fn covers(east: f64, north: f64) -> bool {
    (0.0..=LIMIT.0).contains(&east) && (0.0..=LIMIT.1).contains(&north)
}

/// Shift from ETRS89 to OSGB36 grid metres at an ETRS89 position; `None` off the table.
pub(super) fn shift(east: f64, north: f64) -> Option<(f64, f64)> {
    covers(east, north).then(|| shift_clamped(east, north))
}

/// As [`shift`]; off the table, the shift at the nearest position on it.
pub(super) fn shift_clamped(east: f64, north: f64) -> (f64, f64) {
    let (column, t) = square(east, COLUMNS);
    let (row, u) = square(north, ROWS);
    let south_west = node(column, row);
    let south_east = node(column + 1, row);
    let north_west = node(column, row + 1);
    let north_east = node(column + 1, row + 1);
    let mix = |sw: f64, se: f64, nw: f64, ne: f64| {
        (1.0 - t) * (1.0 - u) * sw + t * (1.0 - u) * se + (1.0 - t) * u * nw + t * u * ne
    };
    (
        mix(south_west.0, south_east.0, north_west.0, north_east.0),
        mix(south_west.1, south_east.1, north_west.1, north_east.1),
    )
}

/// Lower node of the square and position in it, 0 to 1. The upper edge of the table belongs to its last
/// square.
fn square(metres: f64, nodes: i32) -> (i32, f64) {
    let steps = (metres / STEP).clamp(0.0, f64::from(nodes - 1));
    let lower = (steps as i32).min(nodes - 2);
    (lower, steps - f64::from(lower))
}

fn node(column: i32, row: i32) -> (f64, f64) {
    let index = column + row * COLUMNS;
    let slot = usize::try_from(index).ok().and_then(|index| NODES.get(index));
    let known = slot.map_or(EMPTY, |slot| slot.load(Ordering::Relaxed));
    if known != EMPTY {
        return unpack(known);
    }
    // Keys of the compiled map count from 1. Every node has an entry (a test counts them).
    let (east, north, _height) = ostn15_lookup(&(index + 1)).unwrap_or_default();
    let packed = pack(east, north);
    if let Some(slot) = slot {
        slot.store(packed, Ordering::Relaxed);
    }
    unpack(packed)
}

/// Shifts are given to the millimetre, so that whole millimetres hold them exactly.
fn pack(east: f64, north: f64) -> u64 {
    let millimetres = |metres: f64| (metres * 1e3).round() as i32 as u32;
    (u64::from(millimetres(east)) << 32) | u64::from(millimetres(north))
}

fn unpack(slot: u64) -> (f64, f64) {
    let metres = |bits: u64| f64::from(bits as u32 as i32) / 1e3;
    (metres(slot >> 32), metres(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_a_shift_and_packing_keeps_it() {
        for index in 0..COLUMNS * ROWS {
            let (east, north, _) = ostn15_lookup(&(index + 1)).expect("node");
            assert!((80.0..115.0).contains(&east) && (-90.0..-40.0).contains(&north));
            assert_eq!(unpack(pack(east, north)), (east, north));
        }
        assert_eq!(ostn15_lookup(&0), None);
        assert_eq!(ostn15_lookup(&(COLUMNS * ROWS + 1)), None);
    }

    #[test]
    fn the_guides_example() {
        let (east, north) = shift(651_307.003, 313_255.686).unwrap();
        assert!((east - 102.801).abs() < 0.000_6 && (north + 78.236).abs() < 0.000_6);
    }

    #[test]
    fn edges_belong_to_the_table() {
        assert!(shift(0.0, 0.0).is_some());
        assert!(shift(700_000.0, 1_250_000.0).is_some());
        assert_eq!(shift(-0.001, 0.0), None);
        assert_eq!(shift(700_000.001, 0.0), None);
        assert_eq!(shift(f64::NAN, 0.0), None);
    }
}

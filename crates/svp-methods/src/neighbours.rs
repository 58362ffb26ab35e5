//! Which cells are neighbours of which: squares, hexagons, or any cells whose neighbours a function names.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::error::Error;

/// Lists of neighbours, one for each cell, by position in the slice that they were made from; a cell is not among its own.
///
/// The lists lie one behind the other (compressed sparse rows), so that a pass over all of them reads memory once. Cells
/// that are not in the slice are nobody's neighbours: a cell at the coast has fewer. The order inside a list follows the
/// ground (row by row), not the positions.
///
/// ```
/// use svp_methods::Neighbours;
/// // Nine squares, three in a row: 0 1 2 / 3 4 5 / 6 7 8.
/// let cells: Vec<(i64, i64)> = (0..9).map(|i| (i % 3, i / 3)).collect();
/// let near = Neighbours::squares(&cells, 1).unwrap();
/// assert_eq!(near.of(4), [0, 1, 2, 3, 5, 6, 7, 8]);
/// assert_eq!(near.of(0), [1, 3, 4], "a corner");
/// // Four corners with 3, four edges with 5, the middle with 8.
/// assert_eq!((near.len(), near.pairs()), (9, 4 * 3 + 4 * 5 + 8));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbours {
    starts: Vec<u32>,
    ids: Vec<u32>,
}

impl Neighbours {
    /// Squares of one size, as (column, row): all squares within `rings` steps of a chess king (queen contiguity: 8
    /// neighbours at one ring, 24 at two).
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// let cells: Vec<(i64, i64)> = (0..25).map(|i| (i % 5, i / 5)).collect();
    /// let middle = |rings| Neighbours::squares(&cells, rings).map(|near| near.of(12).len());
    /// assert_eq!((middle(1), middle(2)), (Ok(8), Ok(24)));
    /// ```
    ///
    /// # Errors
    /// A square that is listed twice; more squares or pairs than 32 bits number.
    pub fn squares(cells: &[(i64, i64)], rings: u32) -> Result<Self, Error> {
        let k = i64::from(rings);
        let rows: Vec<(i64, i64, i64)> = (-k..=k).map(|row| (row, -k, k)).collect();
        Self::on_lattice(cells, &rows)
    }

    /// Hexagons of one size in axial coordinates (q, r): all hexagons within `rings` steps (6 at one ring, 18 at two).
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// // A hexagon, four of the six around it, and one that is two steps away.
    /// let cells = [(0, 0), (1, 0), (0, 1), (-1, 1), (1, -1), (1, 1)];
    /// let near = Neighbours::hexagons(&cells, 1).unwrap();
    /// assert_eq!(near.of(0).len(), 4);
    /// assert_eq!(Neighbours::hexagons(&cells, 2).unwrap().of(0).len(), 5);
    /// ```
    ///
    /// # Errors
    /// A hexagon that is listed twice; more hexagons or pairs than 32 bits number.
    pub fn hexagons(cells: &[(i64, i64)], rings: u32) -> Result<Self, Error> {
        let k = i64::from(rings);
        // Steps between (0, 0) and (q, r) are max(|q|, |r|, |q + r|).
        let rows: Vec<(i64, i64, i64)> = (-k..=k).map(|r| (r, (-k).max(-k - r), k.min(k - r))).collect();
        Self::on_lattice(cells, &rows)
    }

    /// Cells with keys of any kind (H3 indices, say): `disk(key, out)` pushes the keys that are near `key` to `out`, which
    /// comes empty. The key itself may be among them and is left out, as is a key that is not in `keys`.
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// // Street segments by the numbers of a register; 17 touches 21 and 35, and one that is not looked at.
    /// let segments = [17, 21, 35];
    /// let touching = |key, out: &mut Vec<u64>| match key {
    ///     17 => out.extend([21, 35, 99]),
    ///     _ => out.push(17),
    /// };
    /// let near = Neighbours::from_lists(&segments, touching).unwrap();
    /// assert_eq!((near.of(0), near.of(1), near.of(2)), (&[1, 2][..], &[0][..], &[0][..]));
    /// ```
    ///
    /// # Errors
    /// A key that is listed twice; more keys or pairs than 32 bits number.
    pub fn from_lists(keys: &[u64], mut disk: impl FnMut(u64, &mut Vec<u64>)) -> Result<Self, Error> {
        let count = u32::try_from(keys.len()).map_err(|_| Error::TooMany)?;
        let mut places: FxHashMap<u64, u32> = FxHashMap::default();
        places.reserve(keys.len());
        for (id, key) in (0..count).zip(keys) {
            if let Some(first) = places.insert(*key, id) {
                return Err(Error::DuplicateCell { first: first as usize, second: id as usize });
            }
        }
        let mut found = Self { starts: Vec::with_capacity(keys.len() + 1), ids: Vec::new() };
        found.starts.push(0);
        let mut near = Vec::new();
        for key in keys {
            near.clear();
            disk(*key, &mut near);
            let from = found.ids.len();
            for other in near.iter().filter(|other| *other != key) {
                if let Some(id) = places.get(other)
                    // A function may name a key twice; lists are short.
                    && !found.ids[from..].contains(id)
                {
                    found.ids.push(*id);
                }
            }
            found.close()?;
        }
        Ok(found)
    }

    /// Cells of a lattice; `rows` are (step in the row, first and last step in the column), without the cell itself.
    fn on_lattice(cells: &[(i64, i64)], rows: &[(i64, i64, i64)]) -> Result<Self, Error> {
        let index = Index::new(cells)?;
        let each: usize = rows.iter().map(|(_, from, to)| (to - from + 1) as usize).sum::<usize>() - 1;
        let mut found = Self {
            starts: Vec::with_capacity(cells.len() + 1),
            ids: Vec::with_capacity(each.min(32).saturating_mul(cells.len())),
        };
        found.starts.push(0);
        for &(column, row) in cells {
            for &(down, from, to) in rows {
                let Some(row) = row.checked_add(down) else { continue };
                for step in from..=to {
                    if (down, step) == (0, 0) {
                        continue;
                    }
                    if let Some(column) = column.checked_add(step)
                        && let Some(id) = index.get(column, row)
                    {
                        found.ids.push(id);
                    }
                }
            }
            found.close()?;
        }
        Ok(found)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.starts.push(u32::try_from(self.ids.len()).map_err(|_| Error::TooMany)?);
        Ok(())
    }

    /// The neighbours of the cell at position `i`; empty for an island, and for a position that does not exist.
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// let near = Neighbours::squares(&[(0, 0), (1, 0), (9, 9)], 1).unwrap();
    /// assert_eq!(near.of(0), [1]);
    /// assert!(near.of(2).is_empty(), "an island");
    /// assert!(near.of(3).is_empty(), "there is no such cell");
    /// ```
    #[must_use]
    pub fn of(&self, i: usize) -> &[u32] {
        &self.ids[self.range(i)]
    }

    /// A weight for each pair, in the order of the lists: `weight(i, j)` for each neighbour j of cell 0, then of cell 1, and so
    /// on. For [`Weights::Each`](crate::gi_star::Weights::Each).
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// let cells = [(0i64, 0i64), (1, 0), (1, 1)];
    /// let near = Neighbours::squares(&cells, 1).unwrap();
    /// // One over the distance: 1 beside each other, 0.7 across a corner.
    /// let weights = near.weigh(|i, j| {
    ///     let (a, b) = (cells[i], cells[j]);
    ///     1.0 / ((a.0 - b.0) as f64).hypot((a.1 - b.1) as f64)
    /// });
    /// let across = 0.5_f64.sqrt();
    /// let expected = [1.0, across, 1.0, 1.0, across, 1.0];
    /// assert!(weights.iter().zip(expected).all(|(w, e)| (w - e).abs() < 1e-12));
    /// ```
    #[must_use]
    pub fn weigh(&self, mut weight: impl FnMut(usize, usize) -> f64) -> Vec<f64> {
        let mut weights = Vec::with_capacity(self.pairs());
        for i in 0..self.len() {
            weights.extend(self.of(i).iter().map(|j| weight(i, *j as usize)));
        }
        weights
    }

    /// Where the pairs of the cell at position `i` stand among all pairs.
    pub(crate) fn range(&self, i: usize) -> Range<usize> {
        match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            _ => 0..0,
        }
    }

    /// Number of cells.
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// assert_eq!(Neighbours::squares(&[(0, 0), (1, 0), (9, 9)], 1).unwrap().len(), 3);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no cell.
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// assert!(Neighbours::squares(&[], 1).unwrap().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of pairs (a, b) where b is a neighbour of a; both ways are counted.
    ///
    /// ```
    /// use svp_methods::Neighbours;
    /// // Three squares in a row: the ends have one neighbour, the middle has two.
    /// assert_eq!(Neighbours::squares(&[(0, 0), (1, 0), (2, 0)], 1).unwrap().pairs(), 4);
    /// ```
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.ids.len()
    }
}

/// From a place on the lattice to a position. A table of the whole box where it is filled well enough, else a hash table.
enum Index {
    Dense { column: i64, row: i64, width: u64, height: u64, ids: Vec<u32> },
    Sparse(FxHashMap<(i64, i64), u32>),
}

const NOBODY: u32 = u32::MAX;
/// A table may have this many places for each cell: 64 bytes, about what a hash table takes.
const PLACES_EACH: usize = 16;

impl Index {
    fn new(cells: &[(i64, i64)]) -> Result<Self, Error> {
        let count = u32::try_from(cells.len()).ok().filter(|n| *n < NOBODY).ok_or(Error::TooMany)?;
        let span = |of: fn(&(i64, i64)) -> i64| {
            let low = cells.iter().map(of).min().unwrap_or(0);
            let high = cells.iter().map(of).max().unwrap_or(0);
            (low, high.abs_diff(low).saturating_add(1))
        };
        let ((column, width), (row, height)) = (span(|c| c.0), span(|c| c.1));
        let places = width.checked_mul(height).and_then(|p| usize::try_from(p).ok());
        match places.filter(|p| *p <= cells.len().saturating_mul(PLACES_EACH).max(1024)) {
            Some(places) => {
                let mut ids = vec![NOBODY; places];
                for (id, cell) in (0..count).zip(cells) {
                    let at = (cell.1.abs_diff(row) * width + cell.0.abs_diff(column)) as usize;
                    if ids[at] != NOBODY {
                        return Err(Error::DuplicateCell { first: ids[at] as usize, second: id as usize });
                    }
                    ids[at] = id;
                }
                Ok(Self::Dense { column, row, width, height, ids })
            }
            None => {
                let mut ids: FxHashMap<(i64, i64), u32> = FxHashMap::default();
                ids.reserve(cells.len());
                for (id, cell) in (0..count).zip(cells) {
                    if let Some(first) = ids.insert(*cell, id) {
                        return Err(Error::DuplicateCell { first: first as usize, second: id as usize });
                    }
                }
                Ok(Self::Sparse(ids))
            }
        }
    }

    fn get(&self, at_column: i64, at_row: i64) -> Option<u32> {
        match self {
            Self::Dense { column, row, width, height, ids } => {
                // A step to the left of the box wraps to a huge number and is refused as well.
                let (x, y) = (at_column.wrapping_sub(*column) as u64, at_row.wrapping_sub(*row) as u64);
                if x >= *width || y >= *height {
                    return None;
                }
                Some(ids[(y * width + x) as usize]).filter(|id| *id != NOBODY)
            }
            Self::Sparse(ids) => ids.get(&(at_column, at_row)).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(of: &[u32]) -> Vec<u32> {
        let mut ids = of.to_vec();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_small_board() {
        let cells: Vec<(i64, i64)> = (0..3).flat_map(|y| (0..3).map(move |x| (x, y))).collect();
        let near = Neighbours::squares(&cells, 1).unwrap();
        assert_eq!(near.len(), 9);
        assert_eq!(sorted(near.of(4)), [0, 1, 2, 3, 5, 6, 7, 8]);
        assert_eq!(sorted(near.of(0)), [1, 3, 4]);
        assert_eq!(near.of(9), [] as [u32; 0], "no such cell");
        assert_eq!(near.pairs(), 40);
        assert_eq!(Neighbours::squares(&cells, 2).unwrap().pairs(), 72, "all of all");
        assert_eq!(Neighbours::squares(&cells, 0).unwrap().pairs(), 0);
    }

    #[test]
    fn a_comb_of_hexagons() {
        let cells = [(0, 0), (1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1), (1, 1), (2, -1), (2, 0)];
        let near = Neighbours::hexagons(&cells, 1).unwrap();
        assert_eq!(sorted(near.of(0)), [1, 2, 3, 4, 5, 6], "(1, 1) is two steps away, (1, -1) one");
        assert_eq!(sorted(Neighbours::hexagons(&cells, 2).unwrap().of(0)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn keys_with_a_function() {
        let keys = [10, 20, 11, 12];
        let disk = |key: u64, out: &mut Vec<u64>| out.extend([key, key + 1, key - 1, key + 1]);
        let near = Neighbours::from_lists(&keys, disk).unwrap();
        assert_eq!(near.of(0), [2]);
        assert_eq!(near.of(1), [] as [u32; 0], "an island");
        assert_eq!(near.of(2), [3, 0]);
    }

    #[test]
    fn a_cell_is_listed_once() {
        let twice = Err(Error::DuplicateCell { first: 0, second: 2 });
        assert_eq!(Neighbours::squares(&[(5, 5), (6, 5), (5, 5)], 1), twice);
        assert_eq!(Neighbours::squares(&[(5, 5), (1 << 40, 5), (5, 5)], 1), twice);
        assert_eq!(Neighbours::from_lists(&[1, 2, 1], |_, _| ()), twice);
        assert!(Neighbours::squares(&[], 3).unwrap().is_empty());
    }

    #[test]
    fn the_edge_of_the_numbers() {
        let near =
            Neighbours::squares(&[(i64::MAX, i64::MIN), (i64::MAX - 1, i64::MIN), (i64::MIN, i64::MAX)], 1).unwrap();
        assert_eq!((near.of(0), near.of(1), near.of(2)), (&[1][..], &[0][..], &[][..]));
    }

    proptest! {
        /// The table and the hash table say what a look at all pairs says.
        #[test]
        fn as_all_pairs_say(cells in prop::collection::hash_set((-9i64..9, -9i64..9), 0..80), rings in 0u32..4, spread in prop::sample::select(vec![1i64, 1_000_000])) {
            // Far columns make the box too empty for a table.
            let mut cells: Vec<(i64, i64)> = cells.into_iter().collect();
            if spread > 1 {
                cells.push((spread, spread));
            }
            let squares = Neighbours::squares(&cells, rings).unwrap();
            let hexagons = Neighbours::hexagons(&cells, rings).unwrap();
            let k = i64::from(rings);
            for (i, a) in cells.iter().enumerate() {
                let within = |steps: &dyn Fn(i64, i64) -> i64| -> Vec<u32> {
                    (0..cells.len()).filter(|j| *j != i && steps(cells[*j].0 - a.0, cells[*j].1 - a.1) <= k).map(|j| j as u32).collect()
                };
                prop_assert_eq!(sorted(squares.of(i)), within(&|x, y| x.abs().max(y.abs())));
                prop_assert_eq!(sorted(hexagons.of(i)), within(&|q, r| q.abs().max(r.abs()).max((q + r).abs())));
            }
        }
    }
}

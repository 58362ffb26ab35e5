//! Values of cells made ready for methods that look around: every cell of the area has one, also those of which a table of
//! events says nothing.

use std::collections::HashMap;

use datafusion::common::Result;
use rustc_hash::FxHashMap;
use svp_methods::Neighbours;

use crate::place::cells::{Cover, Place, neighbours};
use crate::udf::{Args, refused};

/// Text before the name of a larger cell whose row counts what its named parts leave over.
const REST_PREFIX: &str = "rest:";
/// Name of the row that counts what all other rows of an area leave over.
const REST: &str = "rest";

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Piece {
    /// A cell, or the rest of one.
    Cell(Place),
    /// The rest of the area.
    Area,
}

/// The cells that are judged, their values, and which row asks for which.
#[derive(Debug, PartialEq)]
pub(super) struct Surface {
    /// The cells.
    pub cells: Vec<Place>,
    /// Value of each.
    pub values: Vec<f64>,
    /// Position of each row's cell; `None` for a row that is no cell of the grid.
    pub rows: Vec<Option<usize>>,
}

impl Surface {
    /// Reads the arguments `cell`, `value` and the optional `layer` of a partition; `None` where there is nothing to judge: no
    /// cell, a value that is missing, a layer that is not known.
    ///
    /// Without a layer the rows are all cells there are. With one, all cells of the area count, those without a row as zero, and
    /// rows may be the rests that disclosure control makes: their values are spread evenly over the cells that have no row of
    /// their own and lie in the rest.
    ///
    /// # Errors
    /// Cells of different grids without a layer; a cell that comes twice.
    pub fn of(args: &Args<'_>, name: &str, layer: usize, cover: &Cover) -> Result<Option<Self>> {
        let (cells, values) = (args.text(0)?, args.number(1)?);
        let layer =
            if args.has(layer) { args.text(layer)?.get(0).map(str::to_owned).filter(|l| !l.is_empty()) } else { None };
        let mut pieces = Vec::with_capacity(args.rows);
        let mut numbers = Vec::with_capacity(args.rows);
        for row in 0..args.rows {
            let text = cells.get(row).unwrap_or(REST);
            let piece = match text {
                REST => Some(Piece::Area),
                _ => Place::parse(text.strip_prefix(REST_PREFIX).unwrap_or(text)).map(Piece::Cell),
            };
            match (piece, values.get(row)) {
                (Some(piece), Some(value)) => {
                    pieces.push((piece, text.starts_with(REST)));
                    numbers.push(value);
                }
                // A cell nobody can place, a number nobody knows: whatever is said of the others would be wrong.
                _ => return Ok(None),
            }
        }
        let surface = match layer {
            None => Self::plain(&pieces, numbers),
            Some(layer) => Self::spread(&pieces, &numbers, &layer, cover),
        };
        match surface {
            Some(surface) if surface.cells.iter().any(|c| c.grid() != surface.cells[0].grid()) => refused(format!(
                "{name}: the rows are cells of different grids; a rest of larger cells needs the name of a layer"
            )),
            surface => Ok(surface),
        }
    }

    fn plain(pieces: &[(Piece, bool)], values: Vec<f64>) -> Option<Self> {
        let cells: Option<Vec<Place>> = pieces
            .iter()
            .map(|(piece, rest)| match piece {
                Piece::Cell(cell) if !rest => Some(*cell),
                _ => None,
            })
            .collect();
        let cells = cells.filter(|cells| !cells.is_empty())?;
        Some(Surface { rows: (0..cells.len()).map(Some).collect(), cells, values })
    }

    fn spread(pieces: &[(Piece, bool)], values: &[f64], layer: &str, cover: &Cover) -> Option<Self> {
        let own = |(piece, rest): &(Piece, bool)| match piece {
            Piece::Cell(cell) if !rest => Some(*cell),
            _ => None,
        };
        let grid = pieces.iter().find_map(own)?.grid();
        let mut cells: Vec<Place> = cover.cells(layer, grid)?.to_vec();
        let mut at: FxHashMap<Place, usize> = cells.iter().enumerate().map(|(i, cell)| (*cell, i)).collect();
        let mut rests: HashMap<Piece, (f64, Vec<usize>)> = HashMap::new();
        let mut rows = vec![None; pieces.len()];
        let mut known: FxHashMap<usize, f64> = FxHashMap::default();
        for (row, (piece, value)) in pieces.iter().zip(values).enumerate() {
            let Some(cell) = own(piece) else {
                rests.entry(piece.0).or_default().0 += value;
                continue;
            };
            // A cell at the edge can have its events inside the area and its middle outside.
            let position = *at.entry(cell).or_insert_with(|| {
                cells.push(cell);
                cells.len() - 1
            });
            rows[row] = Some(position);
            *known.entry(position).or_insert(0.0) += value;
        }
        let mut numbers = vec![0.0; cells.len()];
        for (i, cell) in cells.iter().enumerate() {
            if let Some(value) = known.get(&i) {
                numbers[i] = *value;
                continue;
            }
            if rests.is_empty() {
                continue;
            }
            let holders = std::iter::successors(cell.parent(), Place::parent).map(Piece::Cell).chain([Piece::Area]);
            if let Some(holder) = holders.into_iter().find(|piece| rests.contains_key(piece))
                && let Some((_, inside)) = rests.get_mut(&holder)
            {
                inside.push(i);
            }
        }
        for (value, inside) in rests.values() {
            for i in inside {
                numbers[*i] = value / inside.len() as f64;
            }
        }
        Some(Surface { cells, values: numbers, rows })
    }

    /// The neighbours of the cells.
    ///
    /// # Errors
    /// A cell that comes twice.
    pub fn neighbours(&self, name: &str, rings: u32) -> Result<Neighbours> {
        match neighbours(&self.cells, rings) {
            Some(Ok(neighbours)) => Ok(neighbours),
            Some(Err(error)) => refused(format!("{name}: {error}; one row for each cell: group by the cell first")),
            None => refused(format!("{name}: the rows are cells of different grids")),
        }
    }
}

/// The optional argument that says how many rings of neighbours count; 1 where it is not given.
///
/// # Errors
/// More than 20 rings, or none.
pub(super) fn rings(args: &Args<'_>, index: usize, name: &str) -> Result<u32> {
    let rings = if args.has(index) { args.integer(index)?.get(0).unwrap_or(1) } else { 1 };
    match u32::try_from(rings) {
        Ok(rings) if (1..=20).contains(&rings) => Ok(rings),
        _ => refused(format!("{name}: rings must be 1 to 20")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::areas::Areas;
    use crate::testing::square;

    #[test]
    fn a_rest_is_spread_over_what_has_no_row() {
        let areas = Areas::default().with_layer("district", vec![("A".into(), square(0.0, 0.0, 1_000.0))]);
        let cover = Cover::new(areas);
        let cell = |text: &str| (Piece::Cell(Place::parse(text).unwrap()), false);
        let rest = |text: &str| (Piece::Cell(Place::parse(text).unwrap()), true);
        let pieces = [cell("250m:0:0"), rest("500m:0:0"), (Piece::Area, true), cell("250m:1250:0")];
        let surface = Surface::spread(&pieces, &[9.0, 6.0, 24.0, 1.0], "district", &cover).unwrap();
        let value = |text: &str| surface.values[surface.cells.iter().position(|c| c.to_string() == text).unwrap()];
        assert_eq!((surface.cells.len(), surface.values.iter().sum::<f64>()), (17, 40.0));
        assert_eq!((value("250m:0:0"), value("250m:250:250"), value("250m:750:0")), (9.0, 2.0, 2.0));
        assert_eq!(surface.rows, [Some(0), None, None, Some(16)]);
    }
}

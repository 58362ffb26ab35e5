//! Merging instead of hiding, for maps: the pieces of a map may each be shown, and together they are the whole.
//!
//! A cell that is large enough stays itself, so that hot spots keep their precision. What is too small, or too thinly
//! populated, is merged up the grid: within the next coarser cell everything that is not shown becomes one piece, the
//! *rest* of that cell; a rest that is still too small goes on into the rest above it; at the top stands the rest of
//! the area. Where even that is too small it takes in the smallest piece that is shown, until it may be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema};

use crate::count::{numbers, whole};
use crate::piece::{MERGED, REMAINDER, UNKNOWN_PLACE, remainder_of};
use crate::{DiscloseError, Policy};

/// A cell of the finest grid that has events.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Its id.
    pub id: String,
    /// Ids of the coarser cells that hold it, nearest first; empty for events without a place.
    pub path: Vec<String>,
    /// One count for each count column.
    pub counts: Vec<f64>,
    /// People who live there, where that is known.
    pub residents: Option<f64>,
}

/// A part of the map that is shown as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Id of the cell, or `rest:` and that of the coarser cell, or `rest`.
    pub id: String,
    /// Whether it is a rest.
    pub rest: bool,
    /// The leaves in it, by position.
    pub leaves: Vec<usize>,
    /// Sums over its leaves.
    pub counts: Vec<f64>,
}

/// What a piece needs to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Needs {
    /// Every count is 0 or at least this.
    pub suppress_below: i64,
    /// At least so many people live there. Unknown populations are not pass.
    pub min_residents: Option<f64>,
}

/// A map cut into pieces.
#[derive(Debug, Clone)]
pub struct Map {
    leaves: Vec<Leaf>,
    needs: Needs,
    /// For each leaf how many levels up its piece lies; 0: the leaf is its own piece.
    level: Vec<usize>,
}

impl Map {
    /// Cuts a map. `None` where the whole area together is too small to be shown.
    #[must_use]
    pub fn new(mut leaves: Vec<Leaf>, needs: Needs) -> Option<Self> {
        leaves.sort_by(|a, b| a.id.cmp(&b.id));
        let level = vec![0; leaves.len()];
        let mut out = Self { leaves, needs, level };
        out.resolve().then_some(out)
    }

    /// The levels above a leaf, the area among them.
    fn top(&self) -> usize {
        self.leaves.iter().map(|l| l.path.len()).max().unwrap_or_default() + 1
    }

    /// The id of a leaf's piece.
    fn piece_id(&self, leaf: usize) -> String {
        match self.level[leaf] {
            0 => self.leaves[leaf].id.clone(),
            up => self.leaves[leaf].path.get(up - 1).map_or_else(|| REMAINDER.to_owned(), |node| remainder_of(node)),
        }
    }

    /// The pieces, by id.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let mut leaves: Vec<(String, usize)> = (0..self.leaves.len()).map(|leaf| (self.piece_id(leaf), leaf)).collect();
        leaves.sort_unstable();
        leaves.chunk_by(|a, b| a.0 == b.0).map(|of_one| self.piece(of_one)).collect()
    }

    /// The piece of leaves with one id.
    fn piece(&self, leaves: &[(String, usize)]) -> Piece {
        let (id, first) = &leaves[0];
        let mut counts = vec![0.0; self.leaves[*first].counts.len()];
        for (_, leaf) in leaves {
            for (sum, count) in counts.iter_mut().zip(&self.leaves[*leaf].counts) {
                *sum += count;
            }
        }
        let leaves = leaves.iter().map(|(_, leaf)| *leaf).collect();
        Piece { id: id.clone(), rest: self.level[*first] > 0, leaves, counts }
    }

    fn may_show(&self, piece: &Piece) -> bool {
        // A fraction above zero is somebody: it counts as one at the least.
        let large = piece.counts.iter().all(|c| *c <= 0.0 || whole(*c) >= self.needs.suppress_below);
        let residents: Option<f64> = piece.leaves.iter().map(|l| self.leaves[*l].residents).sum();
        let peopled = match (self.needs.min_residents, residents) {
            (Some(least), Some(people)) => people >= least,
            _ => true,
        };
        large && peopled
    }

    /// Merges upward until every piece may be shown.
    fn resolve(&mut self) -> bool {
        let top = self.top();
        for level in 0..top {
            for piece in self.pieces() {
                if self.level[piece.leaves[0]] == level && !self.may_show(&piece) {
                    self.raise(&piece.leaves, level + 1);
                }
            }
        }
        // The rest of the area takes in the smallest piece until it may be shown.
        loop {
            let pieces = self.pieces();
            let Some(rest) = pieces.iter().find(|p| p.id == REMAINDER) else { return true };
            if self.may_show(rest) {
                return true;
            }
            let size = |p: &&Piece| p.counts.iter().sum::<f64>();
            let next = pieces
                .iter()
                .filter(|p| p.id != REMAINDER)
                .min_by(|a, b| size(a).total_cmp(&size(b)).then_with(|| in_order(&a.id).cmp(&in_order(&b.id))));
            let Some(next) = next else { return false };
            self.raise(&next.leaves.clone(), top);
        }
    }

    /// Leaves go to a level; one without a place goes to the rest of the area at once.
    fn raise(&mut self, leaves: &[usize], level: usize) {
        let top = self.top();
        for &leaf in leaves {
            self.level[leaf] = if self.leaves[leaf].path.len() < level { top } else { level };
        }
        self.lift();
    }

    /// A rest is all of its cell that is not shown: where one leaf of a cell lies in a rest further up, no other leaf of
    /// it can stay in the rest of the cell itself, or that rest would have no ground of its own.
    fn lift(&mut self) {
        loop {
            // For each coarser cell the highest level of a leaf in it.
            let mut highest: BTreeMap<&str, usize> = BTreeMap::new();
            for (leaf, level) in self.leaves.iter().zip(&self.level) {
                for node in leaf.path.iter().take(level.saturating_sub(1)) {
                    let high = highest.entry(node.as_str()).or_default();
                    *high = (*high).max(*level);
                }
            }
            let lifted: Vec<(usize, usize)> = self
                .leaves
                .iter()
                .zip(&self.level)
                .enumerate()
                .filter(|(_, (_, level))| **level > 0)
                .filter_map(|(i, (leaf, level))| Some((i, *level, *highest.get(leaf.path.get(level - 1)?.as_str())?)))
                .filter(|(_, level, high)| high > level)
                .map(|(i, _, high)| (i, high))
                .collect();
            if lifted.is_empty() {
                return;
            }
            for (leaf, level) in lifted {
                self.level[leaf] = level;
            }
        }
    }

    /// Merges pieces into the rest of the next coarser cell, because something else gives them away. False where the
    /// area as a whole cannot be shown any more.
    #[must_use]
    pub fn raise_to_parent(&mut self, ids: &BTreeSet<String>) -> bool {
        for piece in self.pieces() {
            if ids.contains(&piece.id) {
                let level = self.level[piece.leaves[0]];
                self.raise(&piece.leaves, (level + 1).min(self.top()));
            }
        }
        self.resolve()
    }
}

/// The numbers in an id, west to east and south to north, then the id: ties do not depend on how many digits a
/// coordinate has.
fn in_order(id: &str) -> (Vec<u64>, &str) {
    let numbers = id.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    (numbers, id)
}

/// How a column that judges counts is joined over the cells of a piece. Each errs to the strict side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    /// Residents, largest contributions, cell keys: summed; unknown where one is not known.
    Sum,
    /// Contributors: one person can stand in several cells, so only the largest number is certain.
    Most,
}

impl Join {
    fn join(self, values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
        match self {
            Self::Sum => values.sum(),
            Self::Most => values.flatten().fold(None, |most, v| Some(most.map_or(v, |m: f64| m.max(v)))),
        }
    }
}

/// A map's table, merged.
pub(crate) struct CoarsenedTable {
    source: RecordBatch,
    cell_column: String,
    counts: Vec<String>,
    companions: BTreeMap<String, Join>,
    /// Row of `source` of each leaf.
    rows: Vec<usize>,
    map: Option<Map>,
    batch: Option<RecordBatch>,
}

/// Merges the rows of a map. Attributes of a rest are NULL; counts are summed, and what goes with them is joined as
/// `companions` says; a last column says which rows are rests. How many cells with events a rest holds is not told.
///
/// # Errors
/// When a count column is not of numbers, or the batch cannot be built.
pub(crate) fn coarsen_table(
    batch: &RecordBatch,
    cell_column: &str,
    path: &dyn Fn(&str) -> Option<Vec<String>>,
    counts: &[&str],
    residents: Option<&str>,
    companions: BTreeMap<String, Join>,
    policy: &Policy,
) -> Result<CoarsenedTable, DiscloseError> {
    let missing = || DiscloseError::MissingColumn { table: "map".to_owned(), column: cell_column.to_owned() };
    let ids =
        cast(batch.column_by_name(cell_column).ok_or_else(missing)?, &DataType::Utf8).map_err(DiscloseError::Arrow)?;
    let ids = ids.as_string::<i32>();
    let column = |name: &str| -> Result<Vec<Option<f64>>, DiscloseError> {
        batch.column_by_name(name).map_or_else(|| Ok(vec![None; batch.num_rows()]), |c| numbers(name, c))
    };
    let values: Vec<Vec<Option<f64>>> = counts.iter().map(|c| column(c)).collect::<Result<_, _>>()?;
    for (name, column) in counts.iter().zip(&values) {
        if column.iter().flatten().any(|v| *v < 0.0 || !v.is_finite()) {
            return Err(DiscloseError::NegativeCount { column: (*name).to_owned() });
        }
    }
    let residents = residents.map(column).transpose()?;
    let mut leaves: Vec<(Leaf, usize)> = (0..batch.num_rows())
        .map(|row| {
            let known = ids.is_valid(row).then(|| ids.value(row));
            let leaf = Leaf {
                id: known.unwrap_or(UNKNOWN_PLACE).to_owned(),
                path: known.and_then(path).unwrap_or_default(),
                counts: values.iter().map(|v| v[row].unwrap_or_default()).collect(),
                residents: residents.as_ref().and_then(|r| r[row]),
            };
            (leaf, row)
        })
        .collect();
    leaves.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let rows = leaves.iter().map(|(_, row)| *row).collect();
    let needs = Needs { suppress_below: policy.suppress_below, min_residents: policy.min_residents };
    let map = Map::new(leaves.into_iter().map(|(leaf, _)| leaf).collect(), needs);
    let mut out = CoarsenedTable {
        source: batch.clone(),
        cell_column: cell_column.to_owned(),
        counts: counts.iter().map(|c| (*c).to_owned()).collect(),
        companions,
        rows,
        map,
        batch: None,
    };
    out.build()?;
    Ok(out)
}

impl CoarsenedTable {
    /// The table; `None` where nothing of it can be shown.
    pub(crate) fn batch(&self) -> Option<&RecordBatch> {
        self.batch.as_ref()
    }

    /// Why nothing can be shown.
    pub(crate) fn why(&self) -> &'static str {
        "withheld: all events together are too few to be shown on a map"
    }

    /// Merges rows (of the merged table) further. False where nothing moved: all of them are the rest of the area.
    pub(crate) fn raise_to_parent(&mut self, rows: &[usize]) -> Result<bool, DiscloseError> {
        let (Some(batch), Some(map)) = (&self.batch, &mut self.map) else { return Ok(false) };
        let Some(ids) = batch.column_by_name(&self.cell_column) else { return Ok(false) };
        let ids = ids.as_string::<i32>();
        let chosen = rows.iter().filter(|r| **r < ids.len()).map(|r| ids.value(*r).to_owned()).collect();
        // Levels only rise, so this ends.
        let before = map.level.clone();
        let whole = map.raise_to_parent(&chosen);
        let moved = map.level != before;
        if !whole {
            self.map = None;
        }
        self.build()?;
        Ok(moved)
    }

    fn build(&mut self) -> Result<(), DiscloseError> {
        let Some(map) = &self.map else {
            self.batch = None;
            return Ok(());
        };
        let pieces = map.pieces();
        let schema = self.source.schema();
        let mut fields: Vec<Field> = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        // Attributes of a whole cell are its own; those of a rest are nobody's.
        let own: UInt32Array = pieces
            .iter()
            .map(|p| (!p.rest).then(|| p.leaves[0]).map(|l| u32::try_from(self.rows[l]).unwrap_or(u32::MAX)))
            .collect();
        for (i, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            let source = self.source.column(i);
            let column: ArrayRef = if *name == self.cell_column {
                Arc::new(StringArray::from_iter_values(pieces.iter().map(|p| p.id.as_str())))
            } else if let Some(c) = self.counts.iter().position(|c| c == name) {
                summed(source, pieces.iter().map(|p| p.counts[c]))
            } else if let Some(how) = self.companions.get(name) {
                let values = numbers(name, source)?;
                let of = |p: &Piece| how.join(p.leaves.iter().map(|l| values[self.rows[*l]]));
                Arc::new(Float64Array::from_iter(pieces.iter().map(of)))
            } else {
                take(source, &own, None).map_err(DiscloseError::Arrow)?
            };
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        fields.push(Field::new(MERGED, DataType::Boolean, false));
        columns.push(Arc::new(BooleanArray::from(pieces.iter().map(|p| p.rest).collect::<Vec<_>>())));
        self.batch = Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DiscloseError::Arrow)?);
        Ok(())
    }
}

fn summed(source: &ArrayRef, values: impl Iterator<Item = f64>) -> ArrayRef {
    if source.data_type() == &DataType::Float64 {
        Arc::new(Float64Array::from_iter_values(values))
    } else {
        Arc::new(Int64Array::from_iter_values(values.map(|v| v.round() as i64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::REMAINDER_PREFIX;
    use proptest::prelude::*;

    /// A square of 250 m and the squares of 500 m to 8 km that hold it.
    fn leaf(east: i64, north: i64, counts: Vec<f64>) -> Leaf {
        let id = |size: i64| format!("{size}m:{}:{}", east / size * size, north / size * size);
        Leaf { id: id(250), path: (1..6).map(|l| id(250 << l)).collect(), counts, residents: None }
    }

    fn needs() -> Needs {
        Needs { suppress_below: 8, min_residents: None }
    }

    #[test]
    fn a_hot_cell_stays_and_its_neighbours_become_a_rest() {
        let leaves =
            vec![leaf(0, 0, vec![120.0]), leaf(250, 0, vec![3.0]), leaf(0, 250, vec![6.0]), leaf(4000, 0, vec![2.0])];
        let map = Map::new(leaves, needs()).unwrap();
        let pieces: Vec<(String, f64)> = map.pieces().into_iter().map(|p| (p.id, p.counts[0])).collect();
        // 2 alone goes up to the top; there it is too small and takes in the rest of the 500 m square.
        assert_eq!(pieces, [("250m:0:0".to_owned(), 120.0), ("rest".to_owned(), 11.0)]);
    }

    #[test]
    fn thinly_peopled_cells_are_merged() {
        let mut leaves = vec![leaf(0, 0, vec![20.0]), leaf(250, 0, vec![30.0]), leaf(0, 250, vec![40.0])];
        for (l, people) in leaves.iter_mut().zip([3.0, 500.0, 80.0]) {
            l.residents = Some(people);
        }
        let map = Map::new(leaves, Needs { min_residents: Some(50.0), ..needs() }).unwrap();
        let ids: Vec<String> = map.pieces().into_iter().map(|p| p.id).collect();
        // A rest of three people would still be too thin: it goes up and takes in the smallest other.
        assert_eq!(ids, ["250m:0:250", "rest"]);
        assert_eq!(map.pieces()[1].counts, [50.0]);
    }

    #[test]
    fn too_few_for_any_map() {
        assert!(Map::new(vec![leaf(0, 0, vec![3.0]), leaf(9000, 0, vec![4.0])], needs()).is_none());
        assert!(Map::new(vec![], needs()).unwrap().pieces().is_empty());
    }

    fn leaves() -> impl Strategy<Value = Vec<Leaf>> {
        prop::collection::btree_map((0i64..24, 0i64..24), (0u32..30, prop::bool::ANY), 1..60).prop_map(|cells| {
            cells
                .into_iter()
                .map(|((e, n), (count, half))| {
                    let count = f64::from(count) + if half { 0.25 } else { 0.0 };
                    leaf(e * 250, n * 250, vec![count, (count / 3.0).floor()])
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole_and_each_may_be_shown(leaves in leaves(), pushed in 0usize..5) {
            let total: Vec<f64> = (0..2).map(|c| leaves.iter().map(|l| l.counts[c]).sum()).collect();
            let n = leaves.len();
            let mut shuffled = leaves.clone();
            shuffled.reverse();
            let (map, other) = (Map::new(leaves, needs()), Map::new(shuffled, needs()));
            prop_assert_eq!(map.is_some(), other.is_some());
            let (Some(mut map), Some(other)) = (map, other) else {
                prop_assert!(total.iter().any(|t| *t > 0.0 && *t < 8.0));
                return Ok(());
            };
            prop_assert_eq!(map.pieces(), other.pieces(), "the order of rows does not matter");
            for round in 0..2 {
                let pieces = map.pieces();
                let mut seen = BTreeSet::new();
                for piece in &pieces {
                    prop_assert!(piece.counts.iter().all(|c| *c <= 0.0 || whole(*c) >= 8), "{:?}", piece);
                    prop_assert!(piece.leaves.iter().all(|l| seen.insert(*l)), "pieces are disjoint");
                    // The rest of a cell holds every leaf of it that is not shown in a piece inside it.
                    if let Some(node) = piece.id.strip_prefix(REMAINDER_PREFIX) {
                        let size = |id: &str| id.trim_start_matches(REMAINDER_PREFIX).split("m:").next().unwrap().parse::<i64>().unwrap();
                        for other in pieces.iter().filter(|p| p.id != piece.id) {
                            let outside = other.id == REMAINDER || size(&other.id) > size(node);
                            let inside = other.leaves.iter().any(|l| map.leaves[*l].path.iter().any(|n| n == node));
                            prop_assert!(!(outside && inside), "{} has no ground beside {}", piece.id, other.id);
                        }
                    }
                }
                prop_assert_eq!(seen.len(), n);
                for (c, t) in total.iter().enumerate() {
                    prop_assert!((pieces.iter().map(|p| p.counts[c]).sum::<f64>() - t).abs() < 1e-9);
                }
                if round == 0 {
                    let chosen: BTreeSet<String> = pieces.iter().skip(pushed).take(2).map(|p| p.id.clone()).collect();
                    let before = pieces.len();
                    if !map.raise_to_parent(&chosen) {
                        return Ok(());
                    }
                    prop_assert!(map.pieces().len() <= before, "pushing up only merges");
                }
            }
        }

        #[test]
        fn moving_every_point_by_a_largest_cell_moves_the_map(leaves in leaves()) {
            let moved: Vec<Leaf> = leaves.iter().map(|l| {
                let mut parts = l.id.split(':').skip(1).map(|v| v.parse::<i64>().unwrap());
                let (e, n) = (parts.next().unwrap(), parts.next().unwrap());
                leaf(e + 8000, n, l.counts.clone())
            }).collect();
            let sizes = |map: Option<Map>| map.map(|m| {
                let mut s: Vec<Vec<i64>> = m.pieces().iter().map(|p| p.counts.iter().map(|c| (c * 4.0) as i64).collect()).collect();
                s.sort();
                s
            });
            prop_assert_eq!(sizes(Map::new(leaves, needs())), sizes(Map::new(moved, needs())));
        }
    }
}

//! `place_weights`: an event that may lie in several cells, spread over them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;
use svp_contract::GridKind;

use super::cells::{Cover, Place};
use crate::udf::{Args, Kind, Spec, bound_function, optional, param};
pub use crate::weights::WHOLE;
use crate::weights::split;

/// Points that stand for a disc: enough that a cell's share is right to about one in a hundred.
const DISC_POINTS: usize = 96;

/// Cells and weights in millionths that sum to exactly [`WHOLE`], in the order of the cells.
type Weights = Vec<(Place, i64)>;

/// Points spread evenly over the disc of radius 1 (Vogel's spiral).
fn disc() -> impl Iterator<Item = (f64, f64)> {
    let golden = std::f64::consts::PI * (3.0 - 5_f64.sqrt());
    (0..DISC_POINTS).map(move |i| {
        let (radius, turn) = (((i as f64 + 0.5) / DISC_POINTS as f64).sqrt(), golden * i as f64);
        (radius * turn.cos(), radius * turn.sin())
    })
}

/// Points of equal weight as weights of cells.
fn share(grid: GridKind, points: impl Iterator<Item = (f64, f64)>) -> Option<Weights> {
    let mut counts: BTreeMap<Place, i64> = BTreeMap::new();
    for (easting, northing) in points {
        if let Some(cell) = Place::containing(grid, easting, northing) {
            *counts.entry(cell).or_default() += 1;
        }
    }
    let weights = split(&counts.values().copied().collect::<Vec<_>>())?;
    Some(counts.into_keys().zip(weights).collect())
}

/// The weights of an event of which only its area is known: by where the area's people live, as its postcodes tell, each with the
/// same weight; where no postcodes are known, by the area's ground.
fn of_area(cover: &Cover, layer: &str, code: &str, grid: GridKind) -> Option<Weights> {
    let areas = cover.areas();
    if let Some(homes) = areas.homes(code) {
        return share(grid, homes.iter().copied());
    }
    share(grid, areas.layer(layer)?.ground(code)?.into_iter())
}

fn item_fields() -> Fields {
    Fields::from(vec![Field::new("cell", DataType::Utf8, true), Field::new("weight", DataType::Int64, true)])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(item_fields()), true))
}

type Known = Arc<Mutex<HashMap<(String, GridKind), Option<Arc<Weights>>>>>;

fn evaluate(args: &Args<'_>, cover: &Cover, known: &Known) -> Result<ArrayRef> {
    let (grid, easting, northing) = (args.text(0)?, args.number(1)?, args.number(2)?);
    let (precision, lsoa) = (args.text(3)?, args.text(4)?);
    let spread = if args.has(5) { Some(args.number(5)?) } else { None };
    let (mut cells, mut weights, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in 0..args.rows {
        let found = || -> Option<Arc<Weights>> {
            let grid = GridKind::parse(grid.get(row)?)?;
            let point = easting.get(row).zip(northing.get(row));
            match (precision.get(row)?, point) {
                ("exact" | "snapped", Some((x, y))) => share(grid, std::iter::once((x, y))).map(Arc::new),
                ("postcode", Some((x, y))) => {
                    let radius = spread.as_ref().and_then(|s| s.get(row)).filter(|r| *r > 0.0).unwrap_or(0.0);
                    share(grid, disc().map(|(dx, dy)| (x + radius * dx, y + radius * dy))).map(Arc::new)
                }
                ("area", _) => {
                    let code = lsoa.get(row)?;
                    let key = (code.to_owned(), grid);
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.entry(key).or_insert_with(|| of_area(cover, "lsoa", code, grid).map(Arc::new)).clone()
                }
                _ => None,
            }
        };
        let found = found();
        valid.push(found.is_some());
        lengths.push(found.as_ref().map_or(0, |w| w.len()));
        for (cell, weight) in found.iter().flat_map(|w| w.iter()) {
            cells.push(cell.to_string());
            weights.push(*weight);
        }
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(cells)), Arc::new(Int64Array::from(weights))];
    let items = StructArray::try_new(item_fields(), columns, None)?;
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(item(), OffsetBuffer::from_lengths(lengths), Arc::new(items), nulls)?))
}

pub(crate) fn udf(cover: Cover) -> ScalarUDF {
    let identity = cover.identity();
    let known = Known::default();
    bound_function(
        Spec {
            name: "place_weights",
            section: super::SECTION,
            about: "Spreads an event over the cells in which it may lie: a list of `cell` and `weight`, where the weights are \
                    millionths and sum to exactly 1,000,000. A known or snapped point is one cell; a postcode its centre, or a disc \
                    around it; an area (LSOA) its cells by where people live, as the area's postcodes tell, or by its ground where \
                    no postcodes are known. NULL where nothing is known of the place. Use it with `unnest`.",
            params: vec![
                param(Kind::Text, "grid", "`bng:250`, `hex:250` or `h3:9`"),
                param(Kind::Number, "easting", "metres, National Grid"),
                param(Kind::Number, "northing", "metres, National Grid"),
                param(Kind::Text, "place_precision", "as in the table `event`"),
                param(Kind::Text, "lsoa", "code of the area, for the precision `area`"),
                optional(
                    Kind::Number,
                    "spread_m",
                    "radius of the disc around a postcode's centre, metres; 0 if not given",
                ),
            ],
            returns: DataType::List(item()),
            examples: &[(
                "SELECT place_weights('bng:250', 291999.9, 92500, 'exact', NULL)",
                "[{cell: 250m:291750:92500, weight: 1000000}]",
            )],
        },
        identity,
        move |args| evaluate(args, &cover, &known),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::place::areas::Areas;
    use crate::testing::square;

    fn cover(homes: bool) -> Cover {
        let mut areas = Areas::default().with_layer("lsoa", vec![("E01".into(), square(1_000.0, 1_000.0, 500.0))]);
        if homes {
            let points = vec![(1_100.0, 1_100.0), (1_120.0, 1_100.0), (1_400.0, 1_100.0)];
            areas = areas.with_homes(HashMap::from([("E01".to_owned(), points)]));
        }
        Cover::new(areas)
    }

    #[test]
    fn an_area_is_spread_by_its_homes_or_its_ground() {
        let names = |w: Weights| w.into_iter().map(|(cell, n)| (cell.to_string(), n)).collect::<Vec<_>>();
        let by_homes = names(of_area(&cover(true), "lsoa", "E01", GridKind::Squares(250)).unwrap());
        assert_eq!(by_homes, [("250m:1000:1000".to_owned(), 666_667), ("250m:1250:1000".to_owned(), 333_333)]);
        let by_ground = names(of_area(&cover(false), "lsoa", "E01", GridKind::Squares(250)).unwrap());
        assert_eq!(by_ground.len(), 4);
        assert!(by_ground.iter().all(|(_, weight)| *weight == 250_000), "{by_ground:?}");
        assert!(of_area(&cover(false), "lsoa", "E02", GridKind::Squares(250)).is_none());
    }

    proptest! {
        #[test]
        fn weights_conserve_the_event(x in 10_000.0..600_000.0_f64, y in 10_000.0..900_000.0_f64, r in 0.0..900.0_f64, size in 50..1_000_i64) {
            let weights = share(GridKind::Squares(size), disc().map(|(dx, dy)| (x + r * dx, y + r * dy))).unwrap();
            prop_assert_eq!(weights.iter().map(|(_, weight)| weight).sum::<i64>(), WHOLE);
            prop_assert!(weights.iter().all(|(_, weight)| *weight > 0));
        }

        #[test]
        fn a_step_of_one_cell_moves_the_weights_by_one_cell(x in 10_000..600_000_i64, y in 10_000..900_000_i64, size in 50..1_000_i64) {
            let at = |dx: i64| {
                let x = (x + dx) as f64;
                share(GridKind::Squares(size), disc().map(move |(a, b)| (x + (120.0 * a).round(), y as f64 + (120.0 * b).round()))).unwrap()
            };
            let moved: Vec<(i64, i64)> = at(size).iter().map(|(cell, n)| (cell.centre().unwrap().0 as i64 - size, *n)).collect();
            let still: Vec<(i64, i64)> = at(0).iter().map(|(cell, n)| (cell.centre().unwrap().0 as i64, *n)).collect();
            prop_assert_eq!(moved, still);
        }
    }
}

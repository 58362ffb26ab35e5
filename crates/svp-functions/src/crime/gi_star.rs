//! `gi_star`: Getis and Ord's Gi* of cells. The kernel is [`svp_methods::gi_star`].

use datafusion::logical_expr::WindowUDF;
use svp_methods::fdr::benjamini_hochberg;
use svp_methods::gi_star::{Local, gi_star};

use super::surface::{Surface, rings};
use crate::place::cells::Cover;
use crate::udf::{Kind, Param, Spec, optional, param, record_result, record_type, window_function};

const NAMES: [&str; 6] = ["z", "p", "p_high", "p_two", "q_high", "q_two"];

/// The arguments of functions of cells.
pub(super) fn cells() -> Vec<Param> {
    vec![
        param(Kind::Text, "cell", "name of a cell: `bng_cell`, `bng_hexagon` or `h3_cell`; each once"),
        param(Kind::Number, "value", "what is counted in it; a weight may be a fraction"),
    ]
}

/// The arguments that say what lies around the cells.
pub(super) fn around() -> Vec<Param> {
    vec![
        optional(
            Kind::Text,
            "layer",
            "boundary layer whose cells count as zero where they have no row; NULL or empty: the rows are all cells",
        ),
        optional(Kind::Integer, "rings", "rings of neighbours, 1 if not given: 8 squares or 6 hexagons"),
    ]
}

pub(crate) fn udwf(cover: Cover) -> WindowUDF {
    let identity = cover.identity();
    window_function(
        Spec {
            name: "gi_star",
            section: super::SECTION,
            about: "Getis and Ord's Gi* of each cell of the partition: is more counted in the cell and its neighbours than \
                    chance would put there? `z` is its standard score; `p` the tail on the side of z (esda's `p_norm`), \
                    `p_high` the upper tail (hot spots only), `p_two` both; `q_high` and `q_two` are those corrected for the number \
                    of cells that were judged (Benjamini and Hochberg): do not correct them again. Weights are 1 for the cell and each neighbour. \
                    With a layer, all cells of the area count, and the rests that disclosure control makes are spread over \
                    their ground. NULL where all values are equal, where \
                    one is missing, and for a row that is a rest.",
            params: cells().into_iter().chain(around()).collect(),
            returns: record_type(&NAMES),
            examples: &[(
                "SELECT c, round(get_field(g, 'z'), 4) FROM (SELECT c, gi_star(c, n) OVER () AS g FROM (VALUES ('100m:0:0', 9), \
                 ('100m:100:0', 4), ('100m:200:0', 0), ('100m:300:0', 0)) AS v(c, n)) ORDER BY c",
                "100m:0:0 | 1.5215\n100m:100:0 | 0.8785\n100m:200:0 | -1.5542\n100m:300:0 | -1.5215",
            )],
        },
        identity,
        move |args| {
            let Some(surface) = Surface::of(args, "gi_star", 2, &cover)? else {
                return record_result(args.rows, NAMES, |_| None);
            };
            let neighbours = surface.neighbours("gi_star", rings(args, 3, "gi_star")?)?;
            let found = gi_star(&surface.values, &neighbours);
            let corrected = |p: fn(&Local) -> f64| {
                benjamini_hochberg(&found.iter().map(|local| local.as_ref().map(p)).collect::<Vec<_>>())
            };
            let (high, two) = (corrected(|local| local.p_high), corrected(|local| local.p_two));
            record_result(args.rows, NAMES, |row| {
                let cell = surface.rows[row]?;
                let local = found.get(cell)?.as_ref()?;
                Some([Some(local.z), Some(local.p_one), Some(local.p_high), Some(local.p_two), high[cell], two[cell]])
            })
        },
    )
}

//! `gi_star_permuted`: pseudo-p of Gi* by permutation. The kernel is [`svp_methods::gi_star::gi_star_permutations_sided`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::WindowUDF;
use svp_methods::gi_star::{Alternative, gi_star_permutations_sided};

use super::surface::{Surface, rings};
use crate::place::cells::Cover;
use crate::udf::{Kind, Spec, param, primitive_result, refused, window_function};

/// Most permutations of one call.
const MOST: i64 = 99_999;

pub(crate) fn udwf(cover: Cover) -> WindowUDF {
    let identity = cover.identity();
    let mut params = super::gi_star::cells();
    params.push(param(Kind::Integer, "permutations", "how many, 1 to 99,999; 999 is usual"));
    params.push(param(Kind::Integer, "seed", "the same seed gives the same answer"));
    params.extend(super::gi_star::around());
    window_function(
        Spec {
            name: "gi_star_permuted",
            section: super::SECTION,
            about: "Pseudo-p of Gi* for hot spots: (m + 1) / (permutations + 1), where m is the number of times that values of \
                    other cells, put around the cell at random, sum to as much as its neighbours' own. It does not suppose that \
                    counts are normally distributed, which counts of rare events are not.",
            params,
            returns: DataType::Float64,
            examples: &[(
                "SELECT c, gi_star_permuted(c, n, 99, 1) OVER () < 0.4 FROM (VALUES ('100m:0:0', 9), ('100m:100:0', 4), \
                 ('100m:200:0', 0), ('100m:300:0', 0)) AS v(c, n) ORDER BY c LIMIT 1",
                "100m:0:0 | true",
            )],
        },
        identity,
        move |args| {
            let (permutations, seed) = (args.integer(2)?.get(0), args.integer(3)?.get(0));
            let (Some(permutations), Some(seed)) = (permutations, seed) else {
                return primitive_result::<Float64Type>(args.rows, |_| None);
            };
            if !(1..=MOST).contains(&permutations) {
                return refused(format!("gi_star_permuted: permutations must be 1 to {MOST}"));
            }
            let Some(surface) = Surface::of(args, "gi_star_permuted", 4, &cover)? else {
                return primitive_result::<Float64Type>(args.rows, |_| None);
            };
            let neighbours = surface.neighbours("gi_star_permuted", rings(args, 5, "gi_star_permuted")?)?;
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let found = gi_star_permutations_sided(
                &surface.values,
                &neighbours,
                Alternative::Greater,
                u32::try_from(permutations).unwrap_or(u32::MAX),
                seed.cast_unsigned(),
                threads,
            );
            primitive_result::<Float64Type>(args.rows, |row| *found.get(surface.rows[row]?)?)
        },
    )
}

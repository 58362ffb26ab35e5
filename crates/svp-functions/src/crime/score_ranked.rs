//! `score_ranked`: how well a map foretold where crime would be, cell by cell of the ranking. The kernel is
//! [`svp_methods::scoring`].

use datafusion::logical_expr::WindowUDF;
use svp_methods::scoring::{ranking, score};

use crate::udf::{Kind, Spec, optional, param, record_result, record_type, window_function};

const NAMES: [&str; 6] = ["searched", "area_share", "hit_rate", "pai", "pei", "rri"];

pub(crate) fn udwf() -> WindowUDF {
    window_function(
        Spec {
            name: "score_ranked",
            section: super::SECTION,
            about: "`score_cells` for maps of many cells: for each cell, how the search of it and of all cells ranked before it would \
                    have done. The last row whose `area_share` fits into a share of the area is the score of that share.",
            params: vec![
                param(Kind::Number, "predicted", "what the cell is ranked by"),
                param(Kind::Number, "observed", "what was observed later"),
                optional(Kind::Number, "area", "area of the cell; all are equal if not given"),
            ],
            returns: record_type(&NAMES),
            examples: &[(
                "SELECT s['searched'], round(s['pai'], 4) FROM (SELECT score_ranked(p, o) OVER () AS s FROM (VALUES (8, 6), (4, 7), (4, \
                 3), (2, 2), (1, 1), (0, 0)) AS v(p, o)) ORDER BY 1 LIMIT 2",
                "1.0 | 1.8947\n2.0 | 1.4211",
            )],
        },
        0,
        |args| {
            let (predicted, observed) = (args.number(0)?, args.number(1)?);
            let area = if args.has(2) { Some(args.number(2)?) } else { None };
            let column = |of: &dyn Fn(usize) -> Option<f64>| (0..args.rows).map(of).collect::<Option<Vec<f64>>>();
            let found = || {
                let predicted = column(&|row| predicted.get(row))?;
                let observed = column(&|row| observed.get(row))?;
                let area = column(&|row| area.as_ref().map_or(Some(1.0), |a| a.get(row)))?;
                let scored = score(&predicted, &observed, &area)?;
                let mut by_row = vec![None; args.rows];
                for (place, row) in ranking(&predicted, &observed, &area).into_iter().enumerate() {
                    by_row[row] = Some(scored[place]);
                }
                Some(by_row)
            };
            let found = found();
            record_result(args.rows, NAMES, |row| {
                let s = found.as_ref()?.get(row)?.as_ref()?;
                Some([Some(s.cells as f64), Some(s.area_share), Some(s.hit_rate), Some(s.pai), s.pei, s.rri])
            })
        },
    )
}

//! `score_cells`: how well a map foretold where crime would be. The kernel is [`svp_methods::scoring`].

use datafusion::logical_expr::ScalarUDF;
use svp_methods::scoring::{score, score_at};

use crate::udf::{Kind, Spec, function, optional, param, records_result, records_type};

const NAMES: [&str; 7] = ["share", "cells", "area_share", "hit_rate", "pai", "pei", "rri"];

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "score_cells",
            section: super::SECTION,
            about: "How well a map foretold where crime would be, for each share of the area that is searched in the order of the \
                    prediction: cells searched, their share of the area, hit rate (share of what was observed), PAI (hit rate \
                    over share of area), PEI (PAI over that of a perfect ranking), RRI (predicted over observed). Of equal \
                    predictions the cell with less observed comes first: ties earn nothing. A share counts the whole cells \
                    that fit into it, and is NULL where none does; without shares every number of cells is a row. Use it \
                    with `unnest`.",
            params: vec![
                param(Kind::Numbers, "predicted", "one number for each cell: `array_agg`"),
                param(Kind::Numbers, "observed", "what was observed later, in the same order"),
                optional(Kind::Numbers, "area", "area of each cell; NULL: all are equal"),
                optional(Kind::Numbers, "shares", "shares of the area, 0 to 1; NULL: every number of cells"),
            ],
            returns: records_type(&NAMES),
            examples: &[(
                "SELECT s['cells'], round(s['pai'], 4), round(s['pei'], 4), round(s['rri'], 4) FROM (SELECT \
                 unnest(score_cells([8, 4, 4, 2, 1, 0], [6, 7, 3, 2, 1, 0])) AS s) LIMIT 3",
                "1.0 | 1.8947 | 0.8571 | 1.3333\n2.0 | 1.4211 | 0.6923 | 1.3333\n3.0 | 1.6842 | 1.0 | 1.0",
            )],
        },
        |args| {
            let (predicted, observed) = (args.numbers(0)?, args.numbers(1)?);
            let area = if args.has(2) { Some(args.numbers(2)?) } else { None };
            let shares = if args.has(3) { Some(args.numbers(3)?) } else { None };
            records_result(args.rows, NAMES, |row| {
                let (predicted, observed) = (predicted.get(row)?, observed.get(row)?);
                let area = area.as_ref().and_then(|a| a.get(row)).unwrap_or_else(|| vec![1.0; predicted.len()]);
                let found = match shares.as_ref().and_then(|s| s.get(row)) {
                    Some(shares) => {
                        let found = score_at(&predicted, &observed, &area, &shares)?;
                        shares.into_iter().map(Some).zip(found).collect::<Vec<_>>()
                    }
                    None => score(&predicted, &observed, &area)?.into_iter().map(|s| (None, Some(s))).collect(),
                };
                let record = |(share, scored): (Option<f64>, Option<svp_methods::scoring::Scored>)| match scored {
                    Some(s) => [
                        share.or(Some(s.area_share)),
                        Some(s.cells as f64),
                        Some(s.area_share),
                        Some(s.hit_rate),
                        Some(s.pai),
                        s.pei,
                        s.rri,
                    ],
                    None => [share, None, None, None, None, None, None],
                };
                Some(found.into_iter().map(record).collect())
            })
        },
    )
}

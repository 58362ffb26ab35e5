//! Did crime fall, or move? `wdd` and `wdq`. The kernels are those of [`svp_methods::wdd`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;
use svp_methods::wdd::{Areas, BeforeAfter, WddWeights, wdd, wdq};

use crate::udf::{Kind, Spec, function, optional, param, primitive_result, record_result, record_type};

const NAMES: [&str; 5] = ["wdd", "se", "z", "lower", "upper"];

pub(crate) fn wdd_udf() -> ScalarUDF {
    function(
        Spec {
            name: "wdd",
            section: super::SECTION,
            about: "Weighted displacement difference (Wheeler and Ratcliffe 2018): the change of the treated area less that of the \
                    control, and the same of the areas that crime may have moved to. Below 0: crime fell. `se`, `z` and a 95 % \
                    interval suppose that counts vary as Poisson's do.",
            params: vec![
                param(Kind::Number, "treated_before", "events"),
                param(Kind::Number, "treated_after", "events"),
                param(Kind::Number, "control_before", "events"),
                param(Kind::Number, "control_after", "events"),
                optional(Kind::Number, "displacement_before", "events around the treated area; 0 if not given"),
                optional(Kind::Number, "displacement_after", "events"),
                optional(Kind::Number, "displacement_control_before", "events around the control area"),
                optional(Kind::Number, "displacement_control_after", "events"),
            ],
            returns: record_type(&NAMES),
            examples: &[(
                "SELECT w['wdd'], round(w['se'], 4), round(w['z'], 3) FROM (SELECT wdd(20, 10, 20, 20) AS w)",
                "-10.0 | 8.3666 | -1.195",
            )],
        },
        |args| {
            let mut columns = Vec::new();
            for index in 0..8 {
                columns.push(if args.has(index) { Some(args.number(index)?) } else { None });
            }
            record_result(args.rows, NAMES, |row| {
                let count = |index: usize| match columns.get(index)? {
                    Some(column) => column.get(row),
                    None => Some(0.0),
                };
                let pair = |index: usize| Some(BeforeAfter::new(count(index)?, count(index + 1)?));
                let areas = Areas {
                    treated: pair(0)?,
                    control: pair(2)?,
                    displacement_treated: pair(4)?,
                    displacement_control: pair(6)?,
                };
                let found = wdd(&areas, &WddWeights::default(), 0.95)?;
                Some([
                    Some(found.total.estimate),
                    Some(found.total.se),
                    Some(found.z),
                    Some(found.lower),
                    Some(found.upper),
                ])
            })
        },
    )
}

pub(crate) fn wdq_udf() -> ScalarUDF {
    function(
        Spec {
            name: "wdq",
            section: super::SECTION,
            about: "Weighted displacement quotient (Bowers and Johnson 2003): above 0 the surroundings gained too, below 0 crime moved \
                    there, below -1 more of it than the area gained. NULL where the treated area did not gain against the control.",
            params: vec![
                param(Kind::Number, "treated_before", "events"),
                param(Kind::Number, "treated_after", "events"),
                param(Kind::Number, "buffer_before", "events around it"),
                param(Kind::Number, "buffer_after", "events"),
                param(Kind::Number, "control_before", "events"),
                param(Kind::Number, "control_after", "events"),
            ],
            returns: DataType::Float64,
            examples: &[(
                "SELECT round(wdq(100, 50, 100, 90, 200, 200), 4), wdq(100, 110, 100, 90, 200, 200)",
                "0.2 | NULL",
            )],
        },
        |args| {
            let mut columns = Vec::new();
            for index in 0..6 {
                columns.push(args.number(index)?);
            }
            primitive_result::<Float64Type>(args.rows, |row| {
                let pair = |index: usize| -> Option<BeforeAfter> {
                    Some(BeforeAfter::new(columns.get(index)?.get(row)?, columns.get(index + 1)?.get(row)?))
                };
                wdq(pair(0)?, pair(2)?, pair(4)?).map(|found| found.wdq)
            })
        },
    )
}

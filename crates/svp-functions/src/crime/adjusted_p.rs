//! `adjusted_p`: p values corrected for their number. The kernels are those of [`svp_methods::fdr`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::WindowUDF;
use svp_methods::fdr;

use crate::udf::{Kind, Spec, optional, param, primitive_result, refused, window_function};

pub(crate) fn udwf() -> WindowUDF {
    window_function(
        Spec {
            name: "adjusted_p",
            section: super::SECTION,
            about: "p values of the partition corrected for their number: `fdr` (Benjamini and Hochberg 1995: of the cells that \
                    are called hot at 0.05, one in twenty is expected to be none), `fdr_by` (Benjamini and Yekutieli 2001, under \
                    any dependence) or `bonferroni`. Apply it once, to p values that are not corrected yet. NULLs are no tests.",
            params: vec![
                param(Kind::Number, "p", "p value"),
                optional(Kind::Text, "method", "`fdr` if not given, `fdr_by`, `bonferroni`"),
            ],
            returns: DataType::Float64,
            examples: &[(
                "SELECT p, round(adjusted_p(p) OVER (), 3) FROM (VALUES (0.01), (0.04), (0.03), (NULL)) AS v(p) ORDER BY p",
                "0.01 | 0.03\n0.03 | 0.04\n0.04 | 0.04\nNULL | NULL",
            )],
        },
        0,
        |args| {
            let given = args.number(0)?;
            let p: Vec<Option<f64>> = (0..args.rows).map(|row| given.get(row)).collect();
            let method = if args.has(1) { args.text(1)?.get(0).map(str::to_owned) } else { None };
            let q = match method.as_deref() {
                None | Some("fdr") => fdr::benjamini_hochberg(&p),
                Some("fdr_by") => fdr::benjamini_yekutieli(&p),
                Some("bonferroni") => fdr::bonferroni(&p),
                Some(_) => return refused("adjusted_p: the method is none of fdr, fdr_by, bonferroni"),
            };
            primitive_result::<Float64Type>(args.rows, |row| *q.get(row)?)
        },
    )
}

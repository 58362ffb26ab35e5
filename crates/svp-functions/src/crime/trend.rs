//! Is it rising, and what has a cell been over time: `mann_kendall`, `space_time_class`, `kernel_bandwidth`. The kernels are those of
//! [`svp_methods::trend`] and [`svp_methods::kernel_density`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;
use svp_methods::kernel_density::bandwidth;
use svp_methods::trend::{Course, PatternRules, classify_cell, course, mann_kendall, sen_slope, sen_slope_at};

use crate::udf::{Kind, Spec, function, optional, param, primitive_result, record_result, record_type, text_result};

const NAMES: [&str; 5] = ["s", "z", "p", "tau", "slope"];

pub(crate) fn mann_kendall_udf() -> ScalarUDF {
    function(
        Spec {
            name: "mann_kendall",
            section: super::SECTION,
            about: "Mann and Kendall's test for a trend of values in order of time, corrected for ties, with Sen's slope (change for \
                    each step). No straight line is assumed; good from about ten values on.",
            params: vec![
                param(Kind::Numbers, "values", "`array_agg(n ORDER BY month)`"),
                optional(
                    Kind::Numbers,
                    "times",
                    "when each value was, in steps, where some steps have none; the slope is for a step then too",
                ),
            ],
            returns: record_type(&NAMES),
            examples: &[
                (
                    "SELECT m['s'], round(m['z'], 4), round(m['p'], 4), m['slope'] FROM (SELECT mann_kendall([1, 2, 4, 3, 5, 6]) AS m)",
                    "13.0 | 2.2544 | 0.0242 | 1.0",
                ),
                ("SELECT mann_kendall([2, 4, 8], [1, 2, 4])['slope']", "2.0"),
            ],
        },
        |args| {
            let values = args.numbers(0)?;
            let times = if args.has(1) { Some(args.numbers(1)?) } else { None };
            record_result(args.rows, NAMES, |row| {
                let values = values.get(row)?;
                let found = mann_kendall(&values)?;
                let slope = match &times {
                    Some(times) => sen_slope_at(&times.get(row)?, &values),
                    None => sen_slope(&values).map(|line| line.slope),
                };
                Some([Some(found.s), Some(found.z), Some(found.p_two), Some(found.tau), slope])
            })
        },
    )
}

pub(crate) fn space_time_class() -> ScalarUDF {
    function(
        Spec {
            name: "space_time_class",
            section: super::SECTION,
            about: "What a cell was as a hot spot over the periods: `persistent` (significant in four of five), `emerging` (in the last \
                    fifth and hardly before), `former` (the other way round), `intermittent`, `no pattern`: the classes of the R \
                    package sfhotspot. Significant: z above 0 and p below 0.05; give p that is corrected for the number of cells.",
            params: vec![
                param(Kind::Numbers, "z", "Gi* of the cell in each period, in order of time"),
                param(Kind::Numbers, "p", "its p, corrected, in the same order"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT space_time_class([3, 4, 3, 5, 4], [0, 0, 0, 0, 0.2]), space_time_class([0, 0, 0, 0, 5], [1, 1, 1, 1, 0])",
                "persistent | emerging",
            )],
        },
        |args| {
            let (z, p) = (args.numbers(0)?, args.numbers(1)?);
            text_result(args.rows, |row| {
                let (z, p) = (z.get(row)?, p.get(row)?);
                if z.len() != p.len() {
                    return None;
                }
                let periods: Vec<Option<(f64, f64)>> = z.into_iter().zip(p).map(Some).collect();
                classify_cell(&periods, &PatternRules::default()).map(|pattern| pattern.hot.word())
            })
        },
    )
}

pub(crate) fn hot_spot_course() -> ScalarUDF {
    function(
        Spec {
            name: "hot_spot_course",
            section: super::SECTION,
            about: "Three classes for a plan of patrols: `persistent` (hot in four of five periods), `emerging` (hot in the last fifth, \
                    and rising by Mann and Kendall's test at 0.05), `sporadic` (hot in some period); else `never`. A rule of this \
                    project.",
            params: vec![
                param(Kind::Numbers, "hot", "1 where the cell was hot in the period, 0 where not; in order of time"),
                param(Kind::Numbers, "values", "counts or z of the cell in the same periods"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT hot_spot_course([0, 0, 0, 0, 1, 1], [1, 2, 3, 4, 5, 6]), hot_spot_course([0, 1, 0, 0, 0, 0], [1, 9, 3, 1, 2, 1])",
                "emerging | sporadic",
            )],
        },
        |args| {
            let (hot, values) = (args.numbers(0)?, args.numbers(1)?);
            text_result(args.rows, |row| {
                let hot: Vec<bool> = hot.get(row)?.into_iter().map(|h| h > 0.0).collect();
                course(&hot, &values.get(row)?, &PatternRules::default()).map(|found| match found {
                    Course::Persistent => "persistent",
                    Course::Emerging => "emerging",
                    Course::Sporadic => "sporadic",
                    Course::Never => "never",
                })
            })
        },
    )
}

pub(crate) fn kernel_bandwidth() -> ScalarUDF {
    function(
        Spec {
            name: "kernel_bandwidth",
            section: super::SECTION,
            about: "The usual bandwidth of a kernel density, metres: the mean of the normal reference bandwidths of eastings and \
                    northings (R's MASS::bandwidth.nrd; the rule of sfhotspot).",
            params: vec![
                param(Kind::Numbers, "easting", "one number for each event"),
                param(Kind::Numbers, "northing", "in the same order"),
            ],
            returns: DataType::Float64,
            examples: &[("SELECT round(kernel_bandwidth([0, 100, 200, 300], [0, 100, 200, 300]), 1)", "359.7")],
        },
        |args| {
            let (x, y) = (args.numbers(0)?, args.numbers(1)?);
            primitive_result::<Float64Type>(args.rows, |row| {
                let (x, y) = (x.get(row)?, y.get(row)?);
                if x.len() != y.len() {
                    return None;
                }
                bandwidth(&x.into_iter().zip(y).collect::<Vec<_>>())
            })
        },
    )
}

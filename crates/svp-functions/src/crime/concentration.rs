//! How unequally crime lies over places: `gini`, `generalised_gini`, `top_share`. The kernels are those of
//! [`svp_methods::scoring`].

use arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;
use svp_methods::scoring;

use crate::udf::{Kind, Spec, function, param, primitive_result};

fn counts() -> crate::udf::Param {
    param(Kind::Numbers, "counts", "one count for each place, places without events among them: `array_agg`")
}

pub(crate) fn gini() -> ScalarUDF {
    function(
        Spec {
            name: "gini",
            section: super::SECTION,
            about: "Gini's coefficient of counts of places: 0 where all are equal. With fewer events than places it is high of \
                    necessity: use `generalised_gini`.",
            params: vec![counts()],
            returns: DataType::Float64,
            examples: &[("SELECT round(gini([10, 8, 2, 0, 0, 0, 0, 0, 0, 0]), 4)", "0.78")],
        },
        |args| {
            let counts = args.numbers(0)?;
            primitive_result::<Float64Type>(args.rows, |row| scoring::gini(&counts.get(row)?))
        },
    )
}

pub(crate) fn generalised_gini() -> ScalarUDF {
    function(
        Spec {
            name: "generalised_gini",
            section: super::SECTION,
            about: "The generalised Gini coefficient G′ = max(1, places / events) (G - 1) + 1 (Bernasco and Steenbeek 2017): 0 \
                    where events lie as evenly as their number allows.",
            params: vec![counts()],
            returns: DataType::Float64,
            examples: &[("SELECT round(generalised_gini([5, 2, 1, 0, 0, 0, 0, 0, 0, 0]), 4)", "0.75")],
        },
        |args| {
            let counts = args.numbers(0)?;
            primitive_result::<Float64Type>(args.rows, |row| scoring::generalised_gini(&counts.get(row)?))
        },
    )
}

pub(crate) fn top_share() -> ScalarUDF {
    function(
        Spec {
            name: "top_share",
            section: super::SECTION,
            about: "The share of all that is counted which lies in the first places of the ranking: `top_share(harm, 0.02)` is the \
                    share of harm in the top 2 % of cells; of a cell that does not fit in whole, its part.",
            params: vec![counts(), param(Kind::Number, "share", "share of the places, 0 to 1")],
            returns: DataType::Float64,
            examples: &[("SELECT top_share([10, 8, 2, 0, 0, 0, 0, 0, 0, 0], 0.2)", "0.9")],
        },
        |args| {
            let (counts, share) = (args.numbers(0)?, args.number(1)?);
            primitive_result::<Float64Type>(args.rows, |row| scoring::top_share(&counts.get(row)?, share.get(row)?))
        },
    )
}

pub(crate) fn recapture_rate() -> ScalarUDF {
    function(
        Spec {
            name: "recapture_rate",
            section: super::SECTION,
            about: "Recapture rate of hot spots (Levine 2008, who called it recapture rate index): their share of later crime over \
                    their share of earlier crime. 1: as hot as they were; below 1: crime went back to the average.",
            params: vec![
                param(Kind::Number, "hot_before", "earlier crime in the hot spots"),
                param(Kind::Number, "all_before", "all earlier crime"),
                param(Kind::Number, "hot_after", "later crime in the hot spots"),
                param(Kind::Number, "all_after", "all later crime"),
            ],
            returns: DataType::Float64,
            examples: &[("SELECT round(recapture_rate(40, 100, 60, 200), 4)", "0.75")],
        },
        |args| {
            let (a, b) = (args.number(0)?, args.number(1)?);
            let (c, d) = (args.number(2)?, args.number(3)?);
            primitive_result::<Float64Type>(args.rows, |row| {
                scoring::recapture_rate(a.get(row)?, b.get(row)?, c.get(row)?, d.get(row)?)
            })
        },
    )
}

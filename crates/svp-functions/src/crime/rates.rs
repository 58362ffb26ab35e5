//! Rates and shares with intervals of 95 %: `byar`, `wilson`, `standardised_rate`, `rate_ratio`. The kernels are those of
//! [`svp_methods::rates`].

use datafusion::logical_expr::ScalarUDF;
use svp_methods::rates;

use crate::udf::{Kind, Spec, function, param, record_result, record_type};

const LEVEL: f64 = 0.95;
const ENDS: [&str; 2] = ["lower", "upper"];
const STANDARDISED: [&str; 3] = ["rate", "lower", "upper"];
const RATIO: [&str; 4] = ["ratio", "lower", "upper", "p"];

pub(crate) fn byar() -> ScalarUDF {
    function(
        Spec {
            name: "byar",
            section: super::SECTION,
            about: "95 % interval of a count that varies as Poisson's does, by Byar's method (OHID): divide both ends by the \
                    residents for the interval of a rate.",
            params: vec![param(Kind::Number, "count", "events")],
            returns: record_type(&ENDS),
            examples: &[(
                "SELECT round(b['lower'], 3), round(b['upper'], 3) FROM (SELECT byar(50) AS b)",
                "37.108 | 65.92",
            )],
        },
        |args| {
            let count = args.number(0)?;
            record_result(args.rows, ENDS, |row| {
                rates::byar(count.get(row)?, LEVEL).map(|i| [Some(i.lower), Some(i.upper)])
            })
        },
    )
}

pub(crate) fn wilson() -> ScalarUDF {
    function(
        Spec {
            name: "wilson",
            section: super::SECTION,
            about: "95 % interval of a share, 0 to 1, by Wilson's method (OHID).",
            params: vec![param(Kind::Number, "part", "how many have it"), param(Kind::Number, "whole", "of how many")],
            returns: record_type(&ENDS),
            examples: &[(
                "SELECT round(w['lower'], 4), round(w['upper'], 4) FROM (SELECT wilson(20, 100) AS w)",
                "0.1334 | 0.2888",
            )],
        },
        |args| {
            let (part, whole) = (args.number(0)?, args.number(1)?);
            record_result(args.rows, ENDS, |row| {
                rates::wilson(part.get(row)?, whole.get(row)?, LEVEL).map(|i| [Some(i.lower), Some(i.upper)])
            })
        },
    )
}

pub(crate) fn standardised_rate() -> ScalarUDF {
    function(
        Spec {
            name: "standardised_rate",
            section: super::SECTION,
            about: "Directly standardised rate for each person, with Dobson's interval of 95 % (OHID): what the rate would be if the \
                    area had the ages of the standard population. The interval is NULL without an event.",
            params: vec![
                param(Kind::Numbers, "events", "one number for each age band"),
                param(Kind::Numbers, "people", "residents of each band"),
                param(Kind::Numbers, "standard", "standard population of each band"),
            ],
            returns: record_type(&STANDARDISED),
            examples: &[(
                "SELECT round(r['rate'] * 1000, 3) FROM (SELECT standardised_rate([10, 40], [1000, 2000], [5000, 5000]) AS r)",
                "15.0",
            )],
        },
        |args| {
            let (events, people, standard) = (args.numbers(0)?, args.numbers(1)?, args.numbers(2)?);
            record_result(args.rows, STANDARDISED, |row| {
                let found =
                    rates::directly_standardised(&events.get(row)?, &people.get(row)?, &standard.get(row)?, LEVEL)?;
                Some([Some(found.rate), found.interval.map(|i| i.lower), found.interval.map(|i| i.upper)])
            })
        },
    )
}

pub(crate) fn rate_ratio() -> ScalarUDF {
    function(
        Spec {
            name: "rate_ratio",
            section: super::SECTION,
            about: "Ratio of two rates of whole counts (this period over the last, say), with a log-normal interval of 95 % and the \
                    p of the exact conditional test.",
            params: vec![
                param(Kind::Number, "count", "events of the first"),
                param(Kind::Number, "exposure", "days, or residents, of the first"),
                param(Kind::Number, "other_count", "events of the second"),
                param(Kind::Number, "other_exposure", "days, or residents, of the second"),
            ],
            returns: record_type(&RATIO),
            examples: &[(
                "SELECT round(r['ratio'], 3), round(r['lower'], 3), round(r['upper'], 3) FROM (SELECT rate_ratio(30, 100, 60, 100) AS r)",
                "0.5 | 0.323 | 0.775",
            )],
        },
        |args| {
            let (x1, t1, x2, t2) = (args.number(0)?, args.number(1)?, args.number(2)?, args.number(3)?);
            record_result(args.rows, RATIO, |row| {
                let found = rates::rate_ratio(x1.get(row)?, t1.get(row)?, x2.get(row)?, t2.get(row)?, LEVEL)?;
                Some([found.ratio, found.interval.map(|i| i.lower), found.interval.map(|i| i.upper), Some(found.p)])
            })
        },
    )
}

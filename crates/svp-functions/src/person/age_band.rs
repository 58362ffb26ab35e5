//! `age_band` and what reads it: the bands that are kept of an age, and wider ones that are unions of them.

use arrow::datatypes::{DataType, Int32Type};
use datafusion::logical_expr::ScalarUDF;
use svp_contract::{AgeBand, published_age_edges};

use crate::udf::{Kind, Spec, converted, flag_result, function, optional, param, primitive_result, text_result};

/// The name of the function whose second argument is an age that must be an edge.
pub const AGED_UNDER: &str = "aged_under";
/// The name of the function whose second argument is a list of ages that must be edges.
pub const AGE_GROUP: &str = "age_group";

/// The band that is kept of an age, as it is written; `None` below 0 and above 120.
pub fn age_band(age: i64) -> Option<String> {
    Some(AgeBand::of(i32::try_from(age).ok()?)?.to_string())
}

/// The band as a lake keeps it (`over 34` becomes `35+`); `None` for text that is no band, or one that does not begin and end at edges.
pub fn known_age_band(text: &str) -> Option<String> {
    AgeBand::parse(text.trim()).filter(|band| band.is_kept()).map(|band| band.to_string())
}

/// Whether everybody in a band is younger than `years`; `None` where some are and some are not.
pub fn aged_under(band: AgeBand, years: i64) -> Option<bool> {
    if i64::from(band.to) < years {
        return Some(true);
    }
    (i64::from(band.from) >= years).then_some(false)
}

/// The ages of a list of edges, `0 18 25`, ascending; `None` for anything else.
pub fn edges_of(text: &str) -> Option<Vec<i32>> {
    let edges: Vec<i32> = text.split_whitespace().map(|age| age.parse().ok()).collect::<Option<_>>()?;
    (!edges.is_empty() && edges.windows(2).all(|pair| pair[0] < pair[1])).then_some(edges)
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "age_band",
            section: super::SECTION,
            about: "The band that is kept of an age, 20-24 or 90+, by the edges of `schemas/age_edges.csv`; NULL below 0 and \
                    above 120. Coarser bands are unions of these: see age_group, aged_under, age_from and age_to.",
            params: vec![param(Kind::Integer, "age", "age in completed years")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT age_band(17), age_band(18), age_band(97), age_band(-1)",
                "15-17 | 18-19 | 90+ | NULL",
            )],
        },
        |args| {
            let age = args.integer(0)?;
            text_result(args.rows, |row| age_band(age.get(row)?))
        },
    )
}

pub(crate) fn known() -> ScalarUDF {
    function(
        Spec {
            name: "known_age_band",
            section: super::SECTION,
            about: "A band of ages as it is kept: `over 34` becomes 35+. NULL for text that is no band, and for a band that does \
                    not begin and end at edges of `schemas/age_edges.csv`.",
            params: vec![converted("text", "a band: 10-17, 65+, over 34, under 10")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT known_age_band('10-17'), known_age_band('over 34'), known_age_band('16-24')",
                "10-17 | 35+ | NULL",
            )],
        },
        |args| {
            let text = args.text(0)?;
            text_result(args.rows, |row| known_age_band(text.get(row)?))
        },
    )
}

const BAND: &str = "a band: 20-24, 90+";

pub(crate) fn from() -> ScalarUDF {
    function(
        Spec {
            name: "age_from",
            section: super::SECTION,
            about: "The least age of a band; NULL for text that is no band.",
            params: vec![param(Kind::Text, "band", BAND)],
            returns: DataType::Int32,
            examples: &[("SELECT age_from('20-24'), age_from('90+'), age_from('old')", "20 | 90 | NULL")],
        },
        |args| {
            let band = args.text(0)?;
            primitive_result::<Int32Type>(args.rows, |row| Some(AgeBand::parse(band.get(row)?)?.from))
        },
    )
}

pub(crate) fn to() -> ScalarUDF {
    function(
        Spec {
            name: "age_to",
            section: super::SECTION,
            about: "The greatest age of a band, 120 where it is open; NULL for text that is no band.",
            params: vec![param(Kind::Text, "band", BAND)],
            returns: DataType::Int32,
            examples: &[("SELECT age_to('20-24'), age_to('90+'), age_to('old')", "24 | 120 | NULL")],
        },
        |args| {
            let band = args.text(0)?;
            primitive_result::<Int32Type>(args.rows, |row| Some(AgeBand::parse(band.get(row)?)?.to))
        },
    )
}

pub(crate) fn under() -> ScalarUDF {
    function(
        Spec {
            name: AGED_UNDER,
            section: super::SECTION,
            about: "Whether everybody in a band is younger than so many years; NULL where that is not known, because the band \
                    reaches over them. In outputs and analyses the years must be an edge of `schemas/age_edges.csv`: then it is \
                    known for every age that is known.",
            params: vec![param(Kind::Text, "band", BAND), param(Kind::Integer, "years", "an age in completed years")],
            returns: DataType::Boolean,
            examples: &[(
                "SELECT aged_under('20-24', 25), aged_under('25-29', 25), aged_under('20-24', 22)",
                "true | false | NULL",
            )],
        },
        |args| {
            let (band, years) = (args.text(0)?, args.integer(1)?);
            flag_result(args.rows, |row| aged_under(AgeBand::parse(band.get(row)?)?, years.get(row)?))
        },
    )
}

pub(crate) fn group() -> ScalarUDF {
    function(
        Spec {
            name: AGE_GROUP,
            section: super::SECTION,
            about: "The narrowest wider band that holds a band: one of those in which ages are published (0-9, 10-17, 18-24, \
                    25-34, 35-44, 45-54, 55-64, 65+: `published` in `schemas/age_edges.csv`), or of those that begin at the given \
                    ages, of which the last is open. A band that reaches over several gives all of them together. In outputs \
                    and analyses every edge must be one of `schemas/age_edges.csv`. NULL for text that is no band, and for edges \
                    that do not ascend.",
            params: vec![
                param(Kind::Text, "band", BAND),
                optional(Kind::Text, "edges", "least ages of the wider bands, ascending: '0 18 65'"),
            ],
            returns: DataType::Utf8,
            examples: &[
                ("SELECT age_group('20-24'), age_group('90+'), age_group('35+')", "18-24 | 65+ | 35+"),
                ("SELECT age_group('15-17', '0 18 65'), age_group('20-24', '0 18 65')", "0-17 | 18-64"),
            ],
        },
        |args| {
            let band = args.text(0)?;
            let given = if args.has(1) { Some(args.text(1)?) } else { None };
            // The same list stands in every row.
            let mut last: Option<(String, Option<Vec<i32>>)> = None;
            text_result(args.rows, |row| {
                let band = AgeBand::parse(band.get(row)?)?;
                let Some(given) = &given else { return Some(band.within(published_age_edges()).to_string()) };
                let text = given.get(row)?;
                if last.as_ref().is_none_or(|(known, _)| known != text) {
                    last = Some((text.to_owned(), edges_of(text)));
                }
                let (_, edges) = last.as_ref()?;
                Some(band.within(edges.as_deref()?).to_string())
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_at_an_edge_is_answered_for_every_age() {
        for years in svp_contract::age_edges() {
            for age in 0..=svp_contract::OLDEST_AGE {
                let band = AgeBand::of(age).unwrap();
                assert_eq!(aged_under(band, i64::from(*years)), Some(age < *years), "{age} {years}");
            }
        }
        assert_eq!(aged_under(AgeBand::of(22).unwrap(), 23), None);
    }

    #[test]
    fn lists_of_edges() {
        assert_eq!(edges_of("0 18  25").unwrap(), [0, 18, 25]);
        for text in ["", "18 10", "18 18", "a", "0,18"] {
            assert_eq!(edges_of(text), None, "{text}");
        }
    }
}

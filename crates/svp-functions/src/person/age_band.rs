//! `age_band`: the eight bands in which ages are published.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, text_result};

/// The band of an age in years; `None` below 0 and above 120.
pub fn age_band(age: i64) -> Option<&'static str> {
    Some(match age {
        0..=9 => "0-9",
        10..=17 => "10-17",
        18..=24 => "18-24",
        25..=34 => "25-34",
        35..=44 => "35-44",
        45..=54 => "45-54",
        55..=64 => "55-64",
        65..=120 => "65+",
        _ => return None,
    })
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "age_band",
            section: super::SECTION,
            about: "The age band: 0-9, 10-17, 18-24, 25-34, 35-44, 45-54, 55-64, 65+; NULL below 0 and above \
                    120.",
            params: vec![param(Kind::Integer, "age", "age in completed years")],
            returns: DataType::Utf8,
            examples: &[("SELECT age_band(17), age_band(18), age_band(-1)", "10-17 | 18-24 | NULL")],
        },
        |args| {
            let age = args.integer(0)?;
            text_result(args.rows, |row| age_band(age.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_meet() {
        let bands: Vec<Option<&str>> = [-1, 0, 9, 10, 17, 18, 24, 25, 34, 35, 44, 45, 54, 55, 64, 65, 120, 121]
            .into_iter()
            .map(age_band)
            .collect();
        let expected = ["0-9", "10-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"];
        assert_eq!((bands[0], bands[17]), (None, None));
        for (index, band) in expected.iter().enumerate() {
            assert_eq!((bands[1 + 2 * index], bands[2 + 2 * index]), (Some(*band), Some(*band)));
        }
    }
}

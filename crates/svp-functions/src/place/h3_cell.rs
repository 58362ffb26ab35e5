//! `h3_cell`: the H3 cell that holds a point.

use std::fmt::Write;

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use h3o::{LatLng, Resolution};

use crate::udf::{Kind, Spec, function, param, written_result};

/// The H3 index of the cell at a resolution 0 to 15; `None` for degrees out of range.
///
/// Print it with `{:x}`: 15 hexadecimal digits.
pub fn h3_cell(longitude: f64, latitude: f64, resolution: i64) -> Option<u64> {
    // Longitudes up to 360 are accepted, as some sources count eastward only; false for NaN.
    if !((-180.0..=360.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude)) {
        return None;
    }
    let resolution = Resolution::try_from(u8::try_from(resolution).ok()?).ok()?;
    Some(LatLng::new(latitude, longitude).ok()?.to_cell(resolution).into())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "h3_cell",
            section: super::SECTION,
            about: "The H3 cell that holds a point, as 15 hexadecimal digits. Cells of one resolution differ \
                    in area: compare rates, not counts, or use `bng_cell`.",
            params: vec![
                param(Kind::Number, "longitude", "degrees east, WGS84"),
                param(Kind::Number, "latitude", "degrees north, WGS84"),
                param(Kind::Integer, "resolution", "0 to 15; 9 is about 0.1 km²"),
            ],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT h3_cell(321.750605, 45.421654, 9), h3_cell(-3.53, 50.72, 16)",
                "891a538e547ffff | NULL",
            )],
        },
        |args| {
            let (longitude, latitude, resolution) = (args.number(0)?, args.number(1)?, args.integer(2)?);
            written_result(args.rows, |row, out| {
                let cell = h3_cell(longitude.get(row)?, latitude.get(row)?, resolution.get(row)?)?;
                write!(out, "{cell:x}").ok()
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    #[test]
    fn bad_degrees_and_resolutions_are_none() {
        for (longitude, latitude, resolution) in [
            (f64::NAN, 0.0, 9),
            (0.0, f64::INFINITY, 9),
            (-181.0, 0.0, 9),
            (0.0, 90.1, 9),
            (0.0, 0.0, -1),
            (0.0, 0.0, 16),
        ] {
            assert_eq!(h3_cell(longitude, latitude, resolution), None);
        }
    }

    /// Every centre of the reference files lies in the cell of which it is the centre.
    fn check_file(reader: impl Read, resolution: i64) -> usize {
        let mut cells = 0;
        for line in BufReader::new(reader).lines() {
            let line = line.unwrap();
            let mut words = line.split_whitespace();
            let (Some(index), Some(latitude), Some(longitude)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let cell = h3_cell(longitude.parse().unwrap(), latitude.parse().unwrap(), resolution).unwrap();
            assert_eq!(format!("{cell:x}"), index, "{line}");
            cells += 1;
        }
        cells
    }

    #[test]
    fn reference_centres() {
        let Some(folder) = crate::testing::test_data() else {
            return;
        };
        let open = |name: &str| std::fs::File::open(folder.join("geodesy/h3").join(name)).unwrap();
        for (name, resolution) in [
            ("res00ic.txt", 0),
            ("res01ic.txt", 1),
            ("bc05r08centers.txt", 8),
            ("bc05r09centers.txt", 9),
            ("bc05r10centers.txt", 10),
        ] {
            assert!(check_file(open(name), resolution) > 5, "{name}");
        }
        for (name, resolution) in
            [("rand07centers.txt.gz", 7), ("rand08centers.txt.gz", 8), ("rand09centers.txt.gz", 9)]
        {
            assert!(check_file(flate2::read::GzDecoder::new(open(name)), resolution) > 1_000, "{name}");
        }
    }
}

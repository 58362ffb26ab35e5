//! What identifies people in a table of a release: its grain and its attributes are searched as the gate searches a table made
//! by hand, before anything of it becomes visible.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use svp_contract::{GridKind, Output};

use crate::gate::{IdentifierKind, kinds_in_text};
use crate::piece::{REMAINDER, UNKNOWN_PLACE, node_of};

/// The first column that can identify somebody, and what is in it. Never a value.
pub(crate) fn identifying(output: &Output, batch: &RecordBatch) -> Option<(String, &'static str)> {
    let grain = output.grain.iter().map(|g| (&g.name, false));
    let columns = grain.chain(output.attributes.iter().map(|a| (&a.name, true)));
    for (name, described) in columns {
        let Some(column) = batch.column_by_name(name).filter(|c| *c.data_type() == DataType::Utf8) else { continue };
        let texts: BTreeSet<&str> = column.as_string::<i32>().iter().flatten().collect();
        let is_cell = output.cell_column() == Some(name.as_str());
        for text in texts {
            if let Some(kind) = found_in(text, is_cell, described) {
                return Some((name.clone(), kind.what()));
            }
        }
    }
    None
}

fn found_in(text: &str, is_cell: bool, described: bool) -> Option<IdentifierKind> {
    if is_cell {
        let piece = [REMAINDER, UNKNOWN_PLACE].contains(&text) || GridKind::of_cell(node_of(text)).is_some();
        return (!piece).then_some(IdentifierKind::Token);
    }
    if is_area_code(text) || is_year(text) {
        return None;
    }
    // A description may tell of a day: a break in recording, a census.
    kinds_in_text(text).into_iter().find(|kind| !(described && *kind == IdentifierKind::DateOfBirth))
}

/// A code of the Government Statistical Service looks like a number of a record.
fn is_area_code(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() == 9 && bytes.next().is_some_and(|b| b.is_ascii_uppercase()) && bytes.all(|b| b.is_ascii_digit())
}

/// A year of two halves (`2024/25`, `2024-25`), or a month.
fn is_year(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    bytes.len() == 7 && matches!(bytes[4], b'/' | b'-') && digits(&bytes[..4]) && digits(&bytes[5..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_tables_pass_and_identifiers_do_not() {
        let members = [
            "E07990001",
            "2024-05",
            "2024/25",
            "18-24",
            "65+",
            "00-05",
            "not known",
            "police + health",
            "open_space",
            "Averholt",
            "police_rms",
            "167",
            "No data for October to December 2022 (change of records system)",
            "2024 Q2",
            "unknown",
        ];
        for member in members {
            assert_eq!(found_in(member, false, false), None, "{member}");
        }
        for cell in ["250m:310000:48000", "rest:500m:310000:48000", "rest", "891a538e547ffff", "unknown place"] {
            assert_eq!(found_in(cell, true, false), None, "{cell}");
        }
        let names = [
            "c97e66e7a1b2c3d4e5f60718293a4b5c",
            "943 476 5919",
            "WM1 4ED",
            "1990-03-12",
            "2024-05-01T22:27:00",
            "07700 900123",
            "WM/012345/24",
            "12 Mar 1990",
        ];
        for name in names {
            assert!(found_in(name, false, false).is_some(), "{name}");
            assert!(found_in(name, true, false).is_some(), "{name} as a cell");
        }
        assert_eq!(found_in("census of 21 March 2021", false, true), None);
    }
}

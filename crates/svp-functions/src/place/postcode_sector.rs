//! `postcode_sector`: the part of a postcode that holds a few thousand addresses.

use arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::postcode::write_postcode;
use crate::udf::{Kind, Spec, function, param, written_result};

/// The postcode without its last two letters, `EX1 1`; `None` when the text is not a postcode.
pub fn postcode_sector(text: &str) -> Option<String> {
    let mut out = String::new();
    write_sector(text, &mut out)?;
    Some(out)
}

fn write_sector(text: &str, out: &mut String) -> Option<()> {
    write_postcode(text, out)?;
    out.truncate(out.len() - 2);
    Some(())
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "postcode_sector",
            section: super::SECTION,
            about: "The sector of a postcode: the postcode without its last two letters.",
            params: vec![param(Kind::Text, "text", "postcode as extracted")],
            returns: DataType::Utf8,
            examples: &[("SELECT postcode_sector('ex11ae')", "EX1 1")],
        },
        |args| {
            let text = args.text(0)?;
            written_result(args.rows, |row, out| write_sector(text.get(row)?, out))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_unit() {
        assert_eq!(postcode_sector("PL12AA").as_deref(), Some("PL1 2"));
        assert_eq!(postcode_sector("PL1"), None);
    }
}

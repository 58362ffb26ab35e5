//! `record_key`: bits of a token, for the cell keys of perturbation.

use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, function, param, primitive_result};

/// The first 32 bits of a token, a number from 0 to 4,294,967,295; `None` for what is no token.
///
/// A token is a keyed digest, so its bits are as good as random to everybody without the key, and the same for the
/// same record wherever it is counted: what cell-key perturbation asks of a record key.
pub fn record_key(token: &str) -> Option<i64> {
    let digits = token.get(..8)?;
    let fine = token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit());
    fine.then(|| i64::from_str_radix(digits, 16).ok()).flatten()
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "record_key",
            section: super::SECTION,
            about: "The record key of a token, for the cell keys of perturbation: `sum(record_key(event_id))` is the \
                    cell key of a count of events. NULL for what is no token.",
            params: vec![param(Kind::Text, "token", "a token, such as event_id")],
            returns: DataType::Int64,
            examples: &[("SELECT record_key('0000000a0102030405060708090a0b0c'), record_key('x')", "10 | NULL")],
        },
        |args| {
            let token = args.text(0)?;
            primitive_result::<Int64Type>(args.rows, |row| record_key(token.get(row)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_have_keys() {
        assert_eq!(record_key("ffffffff0102030405060708090a0b0c"), Some(4_294_967_295));
        for bad in ["", "ffffffff", "gfffffff0102030405060708090a0b0c", "ffffffff0102030405060708090a0b0c0d"] {
            assert_eq!(record_key(bad), None, "{bad}");
        }
    }
}

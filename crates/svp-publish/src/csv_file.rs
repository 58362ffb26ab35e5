//! `<table>.csv`: UTF-8, one header row, CRLF line ends (RFC 4180).
//!
//! A suppressed value is written `[c]`, a value that is not available `[x]`; 0 is a true zero. The flag
//! column `<count>_suppressed` stays beside its count. Text that a spreadsheet would run as a formula
//! (it starts with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe in front.

use bytes::Bytes;

use crate::frame::{Cell, Frame};
use crate::words::{NOT_AVAILABLE, SUPPRESSED};

/// Writes the table.
pub(crate) fn write(frame: &Frame<'_>) -> Bytes {
    let mut out = String::new();
    let header: Vec<String> = frame.columns.iter().map(|c| text(&c.name)).collect();
    out.push_str(&header.join(","));
    out.push_str("\r\n");
    for row in 0..frame.rows {
        for (position, column) in frame.columns.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            match &column.cells[row] {
                Cell::Text(value) => out.push_str(&text(value)),
                Cell::Int(value) => out.push_str(&value.to_string()),
                Cell::Float(value) => out.push_str(&value.to_string()),
                Cell::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
                Cell::Suppressed => out.push_str(SUPPRESSED),
                Cell::Missing => out.push_str(NOT_AVAILABLE),
            }
        }
        out.push_str("\r\n");
    }
    Bytes::from(out)
}

/// A text value: guarded against formulas, then quoted if need be.
fn text(value: &str) -> String {
    let guarded =
        if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_string() };
    let quote = guarded.contains(['"', ',', '\n', '\r']) || guarded.starts_with(' ') || guarded.ends_with(' ');
    if quote { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn text_is_guarded_and_quoted() {
        for (input, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-", "'-"),
            ("@cmd", "'@cmd"),
            ("\tx", "'\tx"),
            ("=HYPERLINK(\"a\",\"b\")", "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""),
            (" padded", "\" padded\""),
            ("Zennor – Pendeen", "Zennor – Pendeen"),
        ] {
            assert_eq!(text(input), expected);
        }
    }
}

//! `<table>.csv`: UTF-8, one header row, CRLF line ends (RFC 4180).
//!
//! A suppressed value is written `[c]`, a value that is not available `[x]`; 0 is a true zero. The flag
//! column `<count>_suppressed` stays beside its count. Text that a spreadsheet would run as a formula
//! (it starts with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe in front. A range of small
//! numbers is written with `to` (`10 to 17`), since a spreadsheet takes `10-17` for a day in October.

use bytes::Bytes;

use crate::format::{NOT_AVAILABLE, SUPPRESSED};
use crate::frame::{Cell, Frame};

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
    if let Some((from, to)) = range(value) {
        return format!("{from} to {to}");
    }
    let guarded =
        if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{value}") } else { value.to_string() };
    let quote = guarded.contains(['"', ',', '\n', '\r']) || guarded.starts_with(' ') || guarded.ends_with(' ');
    if quote { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// The ends of a range of numbers of one or two digits, such as an age band.
fn range(value: &str) -> Option<(&str, &str)> {
    let (from, to) = value.split_once('-')?;
    let small = |n: &str| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    (small(from) && small(to)).then_some((from, to))
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
            ("10-17", "10 to 17"),
            ("0-9", "0 to 9"),
            ("65+", "65+"),
            ("2025-01", "2025-01"),
            ("10-", "10-"),
        ] {
            assert_eq!(text(input), expected);
        }
    }
}

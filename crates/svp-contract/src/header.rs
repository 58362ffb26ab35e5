//! Files of SQL with a header of TOML: lines `--! key = value`, then one statement.

use crate::Problem;

/// The header and the statement of a file. `what` is what such a file is, with its article.
///
/// # Errors
/// No header, or no statement.
pub(crate) fn split(file: &str, text: &str, what: &str) -> Result<(String, String), Problem> {
    let mut header = String::new();
    let mut sql = String::new();
    for line in text.lines() {
        match line.strip_prefix("--!") {
            Some(rest) if sql.trim().is_empty() => {
                header.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                header.push('\n');
            }
            _ => {
                sql.push_str(line);
                sql.push('\n');
            }
        }
    }
    if header.is_empty() {
        return Err(Problem::new(file, format!("{what} has no header")).hint("begin with lines `--! name = \"…\"`"));
    }
    let sql = sql.trim().trim_end_matches(';').to_owned();
    if sql.is_empty() {
        return Err(Problem::new(file, format!("{what} has no SELECT")));
    }
    Ok((header, sql))
}

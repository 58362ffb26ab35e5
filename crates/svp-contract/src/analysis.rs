//! Analyses: a `.sql` file with a header and one SELECT with parameters. Unlike an output it is never published: what it gives are
//! figures for people who may query the lake.

use serde::Deserialize;

use crate::{Problem, header, parse};

/// A value of a parameter: its kind is that of the default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// Reads what was given for a parameter with this default; `None` where it is of another kind.
    #[must_use]
    pub fn like(&self, given: &str) -> Option<Value> {
        match self {
            Value::Integer(_) => given.parse().ok().map(Value::Integer),
            Value::Number(_) => given.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Number),
            Value::Text(_) => Some(Value::Text(given.to_owned())),
        }
    }

    /// The kind in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Integer(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Integer(number) => number.fmt(out),
            Value::Number(number) => number.fmt(out),
            Value::Text(text) => text.fmt(out),
        }
    }
}

/// A parameter, `$name` in the SELECT.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// What it is, with its unit.
    pub about: String,
    /// Value where none is given.
    pub default: Value,
}

/// An analysis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// Name, snake case; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it is, how to read it, where the method comes from.
    pub description: String,
    /// Parameters.
    #[serde(default)]
    pub params: Vec<Parameter>,
    /// What to keep in mind.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The SELECT.
    #[serde(skip)]
    pub sql: String,
}

impl Analysis {
    /// Reads one file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let (header, sql) = header::split(file, text, "the analysis")?;
        let mut out: Self = parse(file, &header)?;
        out.sql = sql;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_the_kind_of_its_default() {
        let text = "--! name = 'x'\n--! title = 'X'\n--! description = ''\n--! params = [{ name = 'a', about = '', default = 5 }, \
                    { name = 'b', about = '', default = 0.5 }, { name = 'c', about = '', default = 'bng:250' }]\nSELECT $a;\n";
        let analysis = Analysis::parse("x.sql", text).unwrap();
        let defaults: Vec<String> = analysis.params.iter().map(|p| p.default.to_string()).collect();
        assert_eq!((defaults.join(" "), analysis.sql.as_str()), ("5 0.5 bng:250".to_owned(), "SELECT $a"));
        assert_eq!(analysis.params[0].default.like("7"), Some(Value::Integer(7)));
        assert_eq!(analysis.params[0].default.like("7.5"), None);
        assert_eq!(analysis.params[1].default.like("7"), Some(Value::Number(7.0)));
        assert_eq!(analysis.params[1].default.like("nan"), None);
        assert!(Analysis::parse("x.sql", "SELECT 1").is_err());
    }
}

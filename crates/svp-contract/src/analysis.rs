//! Analyses: a `.sql` file with a header and one SELECT with parameters. Unlike an output it is never published: what it gives are
//! figures for people who may query the lake.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Problem, header, nearest, parse};

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
    /// The words that it may be; any if none are named.
    #[serde(default)]
    pub one_of: Vec<String>,
}

impl Parameter {
    /// What to say of a value that is none of the words that it may be; `None` where it is one.
    #[must_use]
    pub fn allows(&self, value: &Value) -> Option<String> {
        let text = value.to_string();
        if self.one_of.is_empty() || self.one_of.contains(&text) {
            return None;
        }
        Some(match nearest(&text, self.one_of.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of: {}", self.one_of.join(", ")),
        })
    }
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
    /// Analyses whose rows this one reads as tables of their names. Their parameters are parameters of this one too.
    #[serde(default)]
    pub reads: Vec<String>,
    /// What to keep in mind.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The SELECT.
    #[serde(skip)]
    pub sql: String,
    /// What `reads` names, once it is known: see [`Analysis::read_from`].
    #[serde(skip)]
    pub parts: Vec<Analysis>,
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
        if let Some(param) = out.params.iter().find(|p| p.allows(&p.default).is_some()) {
            let problem = Problem::new(file, format!("the default of `{}` is none of its words", param.name));
            return Err(problem.hint(format!("write one of {}", param.one_of.join(", "))));
        }
        Ok(out)
    }

    /// Takes in what `reads` names, out of `all`. Its parameters become parameters of this one; one that this declares itself has
    /// its own default. What is read reads nothing itself.
    ///
    /// # Errors
    /// A name that is none, an analysis that reads others, a default of another kind.
    pub fn read_from(&mut self, file: &str, all: &BTreeMap<&str, &Analysis>) -> Result<(), Problem> {
        for name in &self.reads {
            let Some(part) = all.get(name.as_str()) else {
                let problem = Problem::new(file, format!("reads: there is no analysis `{name}`"));
                return Err(match nearest(name, all.keys().copied()) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint("name a file of pipelines/analyses"),
                });
            };
            if !part.reads.is_empty() {
                let problem = Problem::new(file, format!("reads: `{name}` reads an analysis itself"));
                return Err(problem.hint("read one that reads views and tables alone"));
            }
            for param in &part.params {
                match self.params.iter().find(|p| p.name == param.name) {
                    None => self.params.push(param.clone()),
                    Some(own) if own.default.kind() == param.default.kind() => {}
                    Some(_) => {
                        let what = format!("the default of `{}` is not of the kind that `{name}` wants", param.name);
                        return Err(Problem::new(file, what).hint(format!("give {}", param.default.kind())));
                    }
                }
            }
            self.parts.push((*part).clone());
        }
        Ok(())
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

    #[test]
    fn a_parameter_can_be_one_of_some_words() {
        let of = |default: &str| {
            let param = format!("{{ name = 'a', about = '', default = '{default}', one_of = ['points', 'all'] }}");
            Analysis::parse(
                "x.sql",
                &format!("--! name = 'x'\n--! title = ''\n--! description = ''\n--! params = [{param}]\nSELECT $a"),
            )
        };
        let param = &of("all").unwrap().params[0];
        assert_eq!(param.allows(&Value::Text("points".to_owned())), None);
        assert_eq!(param.allows(&Value::Text("point".to_owned())).unwrap(), "did you mean `points`?");
        assert_eq!(param.allows(&Value::Text("xxxxxxx".to_owned())).unwrap(), "it is one of: points, all");
        assert!(of("non").is_err());
    }

    #[test]
    fn what_is_read_brings_its_parameters() {
        let read = |name: &str, more: &str| {
            let text = format!("--! name = '{name}'\n--! title = ''\n--! description = ''\n{more}SELECT 1");
            Analysis::parse(&format!("{name}.sql"), &text).unwrap()
        };
        let param = |name: &str, default: &str| format!("{{ name = '{name}', about = '', default = {default} }}");
        let part =
            read("part", &format!("--! params = [{}, {}]\n", param("grid", "'bng:250'"), param("spread", "5.0")));
        let of = |more: &str| {
            let mut whole = read("whole", more);
            let all = BTreeMap::from([("part", &part)]);
            whole.read_from("whole.sql", &all).map(|()| whole).map_err(|p| p.to_string())
        };
        let whole = of(&format!("--! reads = ['part']\n--! params = [{}]\n", param("grid", "'h3:9'"))).unwrap();
        let defaults: Vec<String> = whole.params.iter().map(|p| format!("{}={}", p.name, p.default)).collect();
        assert_eq!((defaults.join(" "), whole.parts.len()), ("grid=h3:9 spread=5".to_owned(), 1));
        assert!(of("--! reads = ['prt']\n").unwrap_err().contains("did you mean `part`"));
        let other = of(&format!("--! reads = ['part']\n--! params = [{}]\n", param("spread", "'x'"))).unwrap_err();
        assert!(other.contains("a number"), "{other}");
        let reader = read("reader", "--! reads = ['part']\n");
        let mut whole = read("whole", "--! reads = ['reader']\n");
        assert!(whole.read_from("whole.sql", &BTreeMap::from([("reader", &reader)])).is_err());
    }
}

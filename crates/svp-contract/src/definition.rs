//! A definition of serious violence: each meaning is a file, with a version.

use serde::Deserialize;

use crate::{Problem, parse};

/// Which events of an agency a definition takes in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Include {
    /// Agency whose events are meant.
    pub agency: String,
    /// Condition over the columns of `event`.
    #[serde(rename = "where")]
    pub condition: String,
    /// In words.
    pub meaning: String,
}

/// A definition of serious violence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Name, snake case; equal to the file's name.
    pub name: String,
    /// Version, raised with every change of meaning.
    pub version: String,
    /// Title.
    pub title: String,
    /// What it means and what it leaves out.
    pub description: String,
    /// Who says so.
    pub source: String,
    /// True when the data cannot carry a real definition and this one only stands in for it.
    #[serde(default)]
    pub stand_in: bool,
    /// Parts, joined by OR.
    pub include: Vec<Include>,
}

impl Definition {
    /// Reads one definition file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let out: Self = parse(file, text)?;
        if out.include.is_empty() {
            return Err(
                Problem::new(file, "a definition includes nothing").hint("add an [[include]] with agency and where")
            );
        }
        Ok(out)
    }
}

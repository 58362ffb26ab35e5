//! Names of more than one word: a definition as it stood, a table of a release.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A definition of serious violence as it stood: one whose text changed is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct DefinitionId {
    /// Name.
    #[serde(rename = "definition")]
    pub name: String,
    /// SHA-256 of its text, 64 hexadecimal digits.
    #[serde(rename = "definition_digest")]
    pub digest: String,
}

/// A table of a release: an output under a definition, written `output__definition`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedName {
    /// Name of the output.
    pub output: String,
    /// Name of the definition.
    pub definition: String,
}

impl fmt::Display for PublishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}__{}", self.output, self.definition)
    }
}

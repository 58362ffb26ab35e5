//! A rule, and the column at which it was broken.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rule at a column of a table, written `rule table.column`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RuleAt {
    /// Rule, as schemas and receipts name it.
    pub rule: String,
    /// Table.
    pub table: String,
    /// Column.
    pub column: String,
}

impl RuleAt {
    /// A rule at a place.
    #[must_use]
    pub fn new(rule: &str, table: &str, column: &str) -> Self {
        Self { rule: rule.to_owned(), table: table.to_owned(), column: column.to_owned() }
    }
}

impl fmt::Display for RuleAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.rule, self.table, self.column)
    }
}

impl From<RuleAt> for String {
    fn from(at: RuleAt) -> Self {
        at.to_string()
    }
}

impl TryFrom<String> for RuleAt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split_once(' ').and_then(|(rule, at)| Some((rule, at.split_once('.')?)));
        let (rule, (table, column)) = parts.ok_or("a rule at a column is written `rule table.column`")?;
        Ok(Self::new(rule, table, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_text_and_sorts_as_it() {
        let texts = ["missing event.code", "missing event.code_2", "missing event_2.code", "missing_2 event.code"];
        let read: Vec<RuleAt> = texts.iter().map(|t| RuleAt::try_from((*t).to_owned()).unwrap()).collect();
        assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>(), texts);
        assert!(texts.is_sorted() && read.is_sorted());
        assert!(RuleAt::try_from("missing".to_owned()).is_err());
    }
}

//! What the requests of several commands have in common: the lake, the places of data, the findings that are accepted.

use std::collections::HashMap;
use std::fmt;

use svp_lake::{Lake, Open, store_options};

use crate::error::AppError;

/// Where a lake is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LakeAt {
    /// A folder, or `s3://bucket/prefix`.
    pub location: String,
    /// Options of the object store, each `KEY=VALUE`.
    pub options: Vec<String>,
    /// Credentials and settings of the object store, as the standard variables of the environment give them.
    pub environment: Environment,
}

/// Variables by name. Their values are shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(pub Vec<(String, String)>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl LakeAt {
    /// The lake in a folder.
    #[must_use]
    pub fn folder(location: impl Into<String>) -> Self {
        Self { location: location.into(), ..Self::default() }
    }

    /// Opens the lake.
    ///
    /// # Errors
    /// [`AppError::Argument`] for an option without `=`; what [`Lake::open`] refuses.
    pub async fn open(&self, mode: Open) -> Result<Lake, AppError> {
        Ok(Lake::open(&self.location, &self.store_options()?, mode).await?)
    }

    /// Opens the lake for a run at the newest record that can be understood, because a person decided so.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_past_damage(&self) -> Result<Lake, AppError> {
        Ok(Lake::open_past_damage(&self.location, &self.store_options()?).await?)
    }

    fn store_options(&self) -> Result<HashMap<String, String>, AppError> {
        let one = |pair: &String| {
            pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).ok_or_else(|| AppError::Argument {
                what: "a --store-option has no `=` in it".to_owned(),
                hint: "write --store-option KEY=VALUE".to_owned(),
            })
        };
        let given = self.options.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(store_options(&self.location, &self.environment.0, &given)?)
    }
}

/// Where data lies, where it does not lie in the area's own folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathChoice {
    /// Folder of reference data.
    pub reference: Option<String>,
    /// Folder of extracts.
    pub extracts: Option<String>,
    /// Files, folder or glob of one source, each `SOURCE=PATH`.
    pub input: Vec<String>,
}

/// Findings that are accepted knowingly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptChoice {
    /// `SOURCE:SLOT:KIND`, as the refusal names it.
    pub accept: Vec<String>,
    /// `SOURCE:SLOT` of files that hold far fewer rows than those that they supersede.
    pub accept_shrink: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_no_secret() {
        let environment = Environment(vec![("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())]);
        let shown = format!("{:?}", LakeAt { environment, ..LakeAt::folder("lake") });
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hunter2"), "{shown}");
    }
}

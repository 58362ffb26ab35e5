//! What the requests of several commands have in common: the lake, the places of data, the findings that are accepted.

use std::collections::HashMap;

use svp_lake::{Lake, Open};

use crate::error::AppError;

/// Where a lake is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LakeAt {
    /// A folder, or `s3://bucket/prefix`.
    pub location: String,
    /// Options of the object store, each `KEY=VALUE`.
    pub options: Vec<String>,
}

impl LakeAt {
    /// The lake in a folder.
    #[must_use]
    pub fn folder(location: impl Into<String>) -> Self {
        Self { location: location.into(), options: Vec::new() }
    }

    /// Opens the lake.
    ///
    /// # Errors
    /// [`AppError::Argument`] for an option without `=`; what [`Lake::open`] refuses.
    pub async fn open(&self, mode: Open) -> Result<Lake, AppError> {
        Ok(Lake::open(&self.location, &self.store_options()?, mode).await?)
    }

    fn store_options(&self) -> Result<HashMap<String, String>, AppError> {
        let one = |pair: &String| {
            pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).ok_or_else(|| AppError::Argument {
                what: "a --store-option has no `=` in it".to_owned(),
                hint: "write --store-option KEY=VALUE".to_owned(),
            })
        };
        self.options.iter().map(one).collect()
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

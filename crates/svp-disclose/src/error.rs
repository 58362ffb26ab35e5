//! What can go wrong here. No variant can hold a value from the data.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Why counts could not be disclosed.
#[derive(Debug, Error)]
pub enum DiscloseError {
    /// The rows of an output lack a column that its header names.
    #[error("table {table}: its rows lack column {column}, which its header names")]
    MissingColumn {
        /// Name of the table.
        table: String,
        /// Column that is absent.
        column: String,
    },
    /// A column has a type that cannot be counted.
    #[error("column {column} has a type that cannot be used here ({wanted} wanted)")]
    WrongType {
        /// The column.
        column: String,
        /// What was wanted instead.
        wanted: &'static str,
    },
    /// A count below zero: counts are of events or people.
    #[error("count column {column} holds a negative number")]
    NegativeCount {
        /// The column.
        column: String,
    },
    /// Derived columns changed what had been disclosed.
    #[error("derived columns of a disclosed table must leave column {column} as it was")]
    ChangedAfterDisclosure {
        /// The column that was changed, dropped or moved.
        column: String,
    },
    /// A derived value is present where one of the counts it stands on is suppressed.
    #[error("derived column {column} shows a value where a count is suppressed")]
    DerivedReveals {
        /// The derived column.
        column: String,
    },
    /// A policy perturbs and the table has no cell keys.
    #[error("count column {column} has no cell key, and its policy perturbs counts")]
    NoCellKey {
        /// The column.
        column: String,
    },
    /// Parameters of perturbation that cannot be.
    #[error("the perturbation cannot be: {0}")]
    Perturbation(&'static str),
    /// Tables that cannot all be true: a hierarchy with a hole, a total that is not the sum of its parts.
    #[error("tables contradict each other: {tables}")]
    Contradiction {
        /// Names of the tables.
        tables: String,
    },
    /// A release could be subtracted from an earlier one.
    #[error("it could be subtracted from an earlier release: {what}")]
    Differenced {
        /// What could be computed.
        what: String,
    },
    /// What was decided did not stand the last attack.
    #[error("the attack bounds a number that should be protected: {what}")]
    AttackFailed {
        /// Table and cell, or what is subtracted from what.
        what: String,
    },
    /// Grain or attributes hold what can identify people.
    #[error("table {table}: column {column} holds {what}")]
    Identifies {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// What kind of identifier.
        what: &'static str,
    },
    /// Arrow refused the batch.
    #[error("the batch could not be built")]
    Arrow(#[source] arrow::error::ArrowError),
    /// The template of the review record cannot be filled.
    #[error("the page of the review record cannot be written")]
    Page(#[source] minijinja::Error),
}

impl Advice for DiscloseError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::MissingColumn { .. } => "compare the header of the output with its SELECT list",
            Self::WrongType { .. } => "a count is a whole number or a DOUBLE: cast it in the SELECT",
            Self::NegativeCount { .. } => "counts must be of events or people; compute differences as derived columns",
            Self::NoCellKey { .. } => {
                "select `sum(record_key(event_id)) AS …` and name the column as `cell_key` of the count"
            }
            Self::Perturbation(_) => "see `[perturb]` in pipelines/policies/",
            Self::Contradiction { .. } => {
                "two outputs of one universe must count the same events, and every member of a hierarchy needs its parent: look at `universe`, `dim` and the lookup tables"
            }
            Self::Differenced { .. } => {
                "wait until more has happened, release the table under `on_difference = \"suppress\"`, or leave it out of this release"
            }
            Self::AttackFailed { .. } => "nothing was released; this is a defect of svp: please report it",
            Self::Identifies { .. } => {
                "nothing was released; a grain is a dimension that many events share, and an attribute comes from reference tables: mend the SELECT of the output, or the mapping that fills the column"
            }
            Self::DerivedReveals { .. } => "derive from the disclosed count columns only",
            Self::ChangedAfterDisclosure { .. } | Self::Arrow(_) | Self::Page(_) => return None,
        }))
    }
}

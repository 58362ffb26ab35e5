//! What can stop the linkage.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Outcomes of linkage.
#[derive(Debug, Error)]
pub enum LinkError {
    /// A step of the linkage failed. The engine's own message can hold tokens, so it is kept as the source
    /// and not shown.
    #[error("linkage step {step} failed")]
    Step {
        /// Step.
        step: &'static str,
        /// Cause.
        #[source]
        source: datafusion::error::DataFusionError,
    },
    /// A blocking rule names a part that there is not.
    #[error("a blocking rule names `{part}`, which is no part of a record")]
    Rule {
        /// The part.
        part: String,
    },
    /// The records have not a column without which there is nothing to link.
    #[error("the records have no column `{column}`")]
    Column {
        /// The column.
        column: &'static str,
    },
    /// A step left out what the next one needs: a defect of the program, not of the data.
    #[error("the steps of the linkage left no {0}")]
    Missing(&'static str),
    /// A batch could not be built.
    #[error("the table of links could not be built")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] svp_lake::LakeError),
}

impl Advice for LinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Lake(error) => error.kind(),
            _ => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Step { .. } => Some("give the run more memory (`--memory`), or fewer threads".into()),
            Self::Lake(error) => error.hint(),
            Self::Rule { .. } => Some(
                "parts are columns with a token, such as surname.whole, birth.year_month, postcode.sector; the shipped pipelines/linkage/people.toml uses all of them".into(),
            ),
            Self::Column { .. } => Some("give the stored columns of the table person_record".into()),
            Self::Arrow(_) | Self::Missing(_) => None,
        }
    }
}

//! What can stop an analysis.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Outcomes of the analysis floor.
#[derive(Debug, Error)]
pub enum AnalyseError {
    /// The engine failed. Its message can hold values, so it is the source and not shown.
    #[error("{what}: the engine failed")]
    Engine {
        /// Output, view or definition.
        what: String,
        /// Cause.
        #[source]
        source: datafusion::error::DataFusionError,
    },
    /// An output does not give the columns of its header.
    #[error("output {output}: {what}")]
    Header {
        /// Output.
        output: String,
        /// What is wrong.
        what: String,
    },
    /// Grain or attributes of an output say more than they may.
    #[error("output {output}: {what}")]
    Content {
        /// Output.
        output: String,
        /// Column, and where it comes from.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// An output or an analysis asks at an age that is no edge of the bands that are kept.
    #[error("{what}: {ages}")]
    AgeEdge {
        /// Output or analysis.
        what: String,
        /// The ages.
        ages: String,
    },
    /// Disclosure control refused the counts of an output.
    #[error("output {output}: {source}")]
    Disclose {
        /// Output.
        output: String,
        /// Cause.
        #[source]
        source: svp_disclose::DiscloseError,
    },
    /// Lookups contradict each other.
    #[error("the lookups of areas put a small area in two areas of the layer {layer} on one day")]
    TwoParents {
        /// Layer.
        layer: String,
    },
    /// A batch could not be built.
    #[error("{what}: a batch could not be built")]
    Arrow {
        /// Output or table.
        what: String,
        /// Cause.
        #[source]
        source: arrow::error::ArrowError,
    },
}

impl Advice for AnalyseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Header { .. } | Self::Content { .. } | Self::AgeEdge { .. } => ErrorKind::Definition,
            // The lookups say so.
            Self::TwoParents { .. } => ErrorKind::Input,
            Self::Disclose { source, .. } => source.kind(),
            Self::Engine { .. } | Self::Arrow { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Engine { .. } => {
                Some("run `svp check`; if it passes, give the run more memory (`--memory`)".into())
            }
            Self::Header { .. } => {
                Some("the SELECT and the header of the output must name the same columns in the same order".into())
            }
            Self::Disclose { source, .. } => source.hint(),
            Self::Content { hint, .. } => Some((*hint).into()),
            Self::AgeEdge { .. } => Some(crate::ages::hint().into()),
            Self::TwoParents { .. } => Some(
                "give the older lookup a valid_to before the valid_from of the newer; a lookup of parts (one area in several) is none"
                    .into(),
            ),
            Self::Arrow { .. } => None,
        }
    }
}

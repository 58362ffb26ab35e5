//! What can stop an analysis.

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

impl AnalyseError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine { .. } => {
                Some("run `svp check`; if it passes, give the run more memory (`--memory`)".to_owned())
            }
            Self::Header { .. } => {
                Some("the SELECT and the header of the output must name the same columns in the same order".to_owned())
            }
            Self::Disclose { source, .. } => source.hint().map(str::to_owned),
            Self::TwoParents { .. } => Some(
                "give the older lookup a valid_to before the valid_from of the newer; a lookup of parts (one area in several) is none"
                    .to_owned(),
            ),
            Self::Arrow { .. } => None,
        }
    }
}

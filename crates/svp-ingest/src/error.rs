//! What can stop a load. A bad row is none of these: it goes to quarantine.

use svp_contract::{Advice, ErrorKind, Finding, Hint};
use thiserror::Error;

use crate::desk::DeskError;
use crate::read::ReadError;

/// Outcomes of a load.
#[derive(Debug, Error)]
pub enum IngestError {
    /// A file cannot be read as what it should be.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An extract cannot be encoded, or an encoded file is refused.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A definition does not fit: a mapping, a rule, a reference file.
    #[error("{at}: {what}")]
    Definition {
        /// File and feed, table or column.
        at: String,
        /// What is wrong.
        what: String,
    },
    /// A mapping failed while it ran. The engine's own message can hold values, so it is not shown.
    #[error("{at}: the expression of column {column} failed while it ran")]
    Expression {
        /// File and feed.
        at: String,
        /// Column.
        column: String,
    },
    /// A reference file cannot be used.
    #[error("reference file {file}: {what}")]
    Reference {
        /// File.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// A file belongs to no slot of its source.
    #[error("{file}: the name does not fit the pattern of source {source_name}")]
    Slot {
        /// File.
        file: String,
        /// Source.
        source_name: String,
    },
    /// Two files of one run claim the same slot.
    #[error("source {source_name}: {first} and {second} are both {slot}")]
    SameSlot {
        /// Source.
        source_name: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
        /// The slot.
        slot: String,
        /// Who sent the second, as far as is known.
        sender: Option<String>,
    },
    /// A file changed between the moment in which it was recognised and that in which it was read.
    #[error("{file}: the file was replaced while it was being read")]
    Replaced {
        /// File.
        file: String,
    },
    /// Something about a file, or several things, refuse it.
    #[error("{}", .findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused {
        /// What was found.
        findings: Vec<Finding>,
    },
    /// Rows were lost or made: a defect of this program.
    #[error("{file}: rows read are not the sum of accepted, quarantined and duplicate")]
    Unbalanced {
        /// File.
        file: String,
    },
    /// Identifiers could not become tokens.
    #[error(transparent)]
    Pseudonymise(#[from] svp_pseudonymise::PseudonymiseError),
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] svp_lake::LakeError),
    /// Arrow refused a batch.
    #[error("{at}: a batch could not be built")]
    Arrow {
        /// File and step.
        at: String,
        /// Cause; its text is not shown, since it can hold values.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// The engine refused a step of a revision.
    #[error("revision: the step `{step}` failed")]
    Revision {
        /// Step.
        step: &'static str,
        /// Cause; its text is not shown, since it can hold values.
        #[source]
        source: Box<datafusion::error::DataFusionError>,
    },
    /// What is kept of a definition or a delivery cannot be written as JSON.
    #[error("what svp keeps of a definition or a delivery cannot be written as JSON")]
    Unwritable(#[from] serde_json::Error),
    /// A worker stopped.
    #[error("a worker thread stopped before its file was loaded")]
    Worker,
}

impl Advice for IngestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(_)
            | Self::Reference { .. }
            | Self::Slot { .. }
            | Self::SameSlot { .. }
            | Self::Replaced { .. }
            | Self::Refused { .. } => ErrorKind::Input,
            Self::Definition { .. } | Self::Expression { .. } => ErrorKind::Definition,
            Self::Desk(error) => error.kind(),
            Self::Lake(error) => error.kind(),
            Self::Pseudonymise(_)
            | Self::Unbalanced { .. }
            | Self::Arrow { .. }
            | Self::Revision { .. }
            | Self::Unwritable(_)
            | Self::Worker => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Read(error) => error.hint(),
            Self::Desk(error) => error.hint(),
            Self::Definition { .. } => Some("run `svp check`: it reports all such problems at once".into()),
            Self::Expression { .. } => Some("run `svp check`, and look at the types that the expression compares".into()),
            Self::Reference { .. } => Some("see README.md, Reference data, for where the file comes from and its layout".into()),
            Self::Slot { .. } => Some("rename the file as the publisher does, or change files.slot in the source".into()),
            Self::SameSlot { sender: Some(_), .. } => Some("both are of one sender: load the older release first, in a run of its own, then the newer, or let the names tell (_v2, _2025-04-14); take a partial upload out of the folder".into()),
            Self::SameSlot { sender: None, .. } => Some("two releases: load the older first, in a run of its own, then the newer, or let the names tell (_v2, _2025-04-14); two senders: put the sender's code before the names; a partial upload: take it out of the folder".into()),
            Self::Replaced { .. } => Some("run again when the upload is complete".into()),
            Self::Refused { findings } => findings.first().map(|f| {
                Hint::from(format!(
                    "{}; docs/intake.md says what each finding means; to load it all the same: --accept {}:{}:{} --reason WHY",
                    f.kind.advice(),
                    f.source,
                    f.slot,
                    f.kind
                ))
            }),
            Self::Pseudonymise(error) => error.hint(),
            Self::Lake(error) => error.hint(),
            Self::Unbalanced { .. } | Self::Arrow { .. } | Self::Revision { .. } | Self::Unwritable(_) | Self::Worker => Some("this is a defect of svp: please report it with the version, not with the data".into()),
        }
    }
}

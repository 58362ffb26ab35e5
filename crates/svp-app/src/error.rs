//! Every way in which a command can end badly: message and hint. The exit code of each is the binary's.

use svp_contract::Problem;
use thiserror::Error;

/// What ended a command.
#[derive(Debug, Error)]
pub enum AppError {
    /// Definitions are wrong.
    #[error("{} in the definitions", count(.0.len()))]
    Problems(Vec<Problem>),
    /// An argument that clap cannot judge.
    #[error("{what}")]
    Argument {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// No key.
    #[error("a run needs a key: identifiers become keyed tokens before anything is written")]
    NoKey,
    /// The key is not usable.
    #[error("the key at {at} cannot be used: {source}")]
    Key {
        /// Where it was looked for.
        at: String,
        /// Why.
        #[source]
        source: svp_pseudonymise::PseudonymiseError,
    },
    /// An environment variable that should hold the key is not set.
    #[error("the environment variable {0} is not set")]
    KeyVariable(String),
    /// The lake was made with another key.
    #[error("this is not the key of the lake at {lake}: the lake's key has check {wanted}, this one {found}")]
    WrongKey {
        /// Lake.
        lake: String,
        /// Check of the lake's key.
        wanted: String,
        /// Check of the key given.
        found: String,
    },
    /// Extracts and reference files that cannot be used.
    #[error("{} in extracts and reference files", count(.0.len()))]
    Files(Vec<svp_ingest::IngestError>),
    /// Files that could not be loaded.
    #[error("{} could not be loaded; nothing was published", count_files(.0.len()))]
    Load(Vec<svp_ingest::IngestError>),
    /// Extracts that could not be encoded.
    #[error("{} could not be encoded; nothing was written", count_files(.0.len()))]
    Encode(Vec<svp_ingest::IngestError>),
    /// Ingest.
    #[error(transparent)]
    Ingest(#[from] svp_ingest::IngestError),
    /// Linkage.
    #[error(transparent)]
    Link(#[from] svp_link::LinkError),
    /// Analysis.
    #[error(transparent)]
    Analyse(#[from] svp_analyse::AnalyseError),
    /// Publishing.
    #[error(transparent)]
    Publish(#[from] svp_publish::PublishError),
    /// A trial.
    #[error(transparent)]
    Trial(#[from] svp_trial::TrialError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] svp_lake::LakeError),
    /// A source may not go to the audience.
    #[error("source {source_name} may not go to the audience `{audience}`: {basis}")]
    Audience {
        /// Source.
        source_name: String,
        /// Audience.
        audience: String,
        /// Its lawful basis and gateway.
        basis: String,
    },
    /// Disclosure control refused the release.
    #[error("the release to the audience `{audience}` is refused: {source}")]
    Disclosure {
        /// Audience.
        audience: String,
        /// Why.
        #[source]
        source: svp_disclose::DiscloseError,
    },
    /// The ledger of an audience cannot be trusted.
    #[error("the ledger of the audience `{audience}` cannot be used: {source}")]
    Ledger {
        /// Audience.
        audience: String,
        /// Why.
        #[source]
        source: svp_disclose::ledger::LedgerError,
    },
    /// The record of the last run is not what a run writes.
    #[error("the record of run {number} of the lake at {lake} cannot be read")]
    Record {
        /// Lake.
        lake: String,
        /// Run.
        number: u64,
    },
    /// Something that is to be kept cannot be written as JSON.
    #[error("{what} cannot be written")]
    Unwritable {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The attack or the gate found something.
    #[error("{0}")]
    Found(String),
    /// A query is wrong. It was typed by the user and planned on names only.
    #[error("{0}")]
    Query(String),
    /// A query failed on a row. The engine's own message can hold values, so it is not shown.
    #[error("the query failed while it ran")]
    QueryFailed,
    /// The terminal or the runtime failed.
    #[error("the process could not start or speak")]
    Runtime(#[source] std::io::Error),
    /// Arrow refused a batch.
    #[error("a batch could not be built")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl From<Vec<svp_ingest::IngestError>> for AppError {
    fn from(errors: Vec<svp_ingest::IngestError>) -> Self {
        Self::Files(errors)
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 problem".to_owned() } else { format!("{n} problems") }
}

fn count_files(n: usize) -> String {
    if n == 1 { "1 file".to_owned() } else { format!("{n} files") }
}

impl AppError {
    /// The findings of a refusal; none where no delivery was refused.
    #[must_use]
    pub fn findings(&self) -> Vec<svp_contract::Finding> {
        let errors: &[svp_ingest::IngestError] = match self {
            Self::Load(errors) | Self::Encode(errors) => errors,
            Self::Ingest(error) => std::slice::from_ref(error),
            _ => &[],
        };
        let of = |error: &svp_ingest::IngestError| match error {
            svp_ingest::IngestError::Refused { findings } => findings.clone(),
            _ => Vec::new(),
        };
        errors.iter().flat_map(of).collect()
    }

    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Argument { hint, .. } => Some(hint.clone()),
            Self::NoKey => {
                Some("make one with `svp key new --out FILE`, then give `--key FILE` (or set SVP_KEY)".to_owned())
            }
            Self::Key { source, .. } => source.hint().map(str::to_owned),
            Self::Disclosure { source, .. } => source.hint().map(str::to_owned),
            Self::KeyVariable(_) => Some("set it, or name a file with --key".to_owned()),
            Self::WrongKey { .. } => {
                Some("give the key that the lake was made with; tokens of two keys never meet".to_owned())
            }
            Self::Ingest(error) => error.hint(),
            Self::Link(error) => error.hint(),
            Self::Analyse(error) => error.hint(),
            Self::Trial(error) => error.hint(),
            Self::Lake(error) => error.hint().map(str::to_owned),
            Self::Audience { .. } => Some(
                "take the source out of this area's inputs, or release to an audience that its [law] names".to_owned(),
            ),
            Self::Ledger { source, .. } => Some(source.hint().to_owned()),
            Self::Record { .. } => {
                Some("restore runs/ of the lake from a backup: it names the tables and the ledgers".to_owned())
            }
            Self::Found(_) => Some("the lines above name what was found and where; nothing was changed".to_owned()),
            Self::Query(_) => {
                Some("`SHOW TABLES`, `DESCRIBE event` and `svp dictionary functions` tell what there is".to_owned())
            }
            Self::QueryFailed => Some(
                "a cast or a function met a value that it cannot take: write try_cast in place of cast; with much data, give more --memory"
                    .to_owned(),
            ),
            Self::Problems(_)
            | Self::Files(_)
            | Self::Load(_)
            | Self::Encode(_)
            | Self::Publish(_)
            | Self::Runtime(_)
            | Self::Arrow(_)
            | Self::Unwritable { .. } => None,
        }
    }
}

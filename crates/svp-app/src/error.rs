//! Every way in which a command can end badly: message and hint. The exit code of each is the binary's.

use svp_contract::{Advice, ErrorKind, Hint, Problem};
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
    /// Person records are sealed, and there is no key to open them with.
    #[error("person records are sealed: {0} needs the key of the lake")]
    Sealed(&'static str),
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
    /// Files of a lake are not what was written.
    #[error("{} of the lake damaged, missing or not as written", if .0.len() == 1 { "1 file".to_owned() } else { format!("{} files", .0.len()) })]
    Damage(Vec<svp_lake::LakeError>),
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
    #[error("the query failed while it ran: {what}")]
    QueryFailed {
        /// What kind of failure, and of which expressions of the query; never a value.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The program stopped where it never should. What it says of that can hold values, so only the place is shown.
    #[error("svp met a defect{}", if .place.is_empty() { String::new() } else { format!(" at {place}") })]
    Defect {
        /// File and line, as far as they are known.
        place: String,
    },
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
}

impl Advice for AppError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Problems(_) => ErrorKind::Definition,
            Self::Argument { .. } => ErrorKind::Argument,
            Self::NoKey | Self::Sealed(_) | Self::Key { .. } | Self::KeyVariable(_) | Self::WrongKey { .. } => {
                ErrorKind::Key
            }
            Self::Files(errors) | Self::Load(errors) | Self::Encode(errors) => {
                errors.first().map_or(ErrorKind::Input, Advice::kind)
            }
            Self::Ingest(error) => error.kind(),
            Self::Link(error) => error.kind(),
            Self::Analyse(error) => error.kind(),
            Self::Publish(error) => error.kind(),
            Self::Trial(error) => error.kind(),
            Self::Lake(error) => error.kind(),
            Self::Audience { .. } | Self::Disclosure { .. } | Self::Ledger { .. } | Self::Found(_) => {
                ErrorKind::Forbidden
            }
            Self::Query(_) | Self::QueryFailed { .. } => ErrorKind::Query,
            Self::Record { .. } | Self::Damage(_) => ErrorKind::Storage,
            Self::Defect { .. } => ErrorKind::Internal,
            Self::Runtime(_) | Self::Arrow(_) | Self::Unwritable { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Argument { hint, .. } => Some(hint.clone().into()),
            Self::NoKey => {
                Some("make one with `svp key new --out FILE`, then give `--key FILE` (or set SVP_KEY)".into())
            }
            Self::Sealed(_) => Some("give the key that the runs use with --key FILE (or set SVP_KEY)".into()),
            Self::Key { source, .. } => source.hint(),
            Self::Disclosure { source, .. } => source.hint(),
            Self::KeyVariable(_) => Some("set it, or name a file with --key".into()),
            Self::WrongKey { .. } => {
                Some("give the key that the lake was made with; tokens of two keys never meet".into())
            }
            Self::Ingest(error) => error.hint(),
            Self::Link(error) => error.hint(),
            Self::Analyse(error) => error.hint(),
            Self::Publish(error) => error.hint(),
            Self::Trial(error) => error.hint(),
            Self::Lake(error) => error.hint(),
            Self::Audience { .. } => {
                Some("take the source out of this area's inputs, or release to an audience that its [law] names".into())
            }
            Self::Ledger { source, .. } => source.hint(),
            Self::Record { .. } => {
                Some("restore runs/ of the lake from a backup: it names the tables and the ledgers".into())
            }
            Self::Found(_) => Some("the lines above name what was found and where; nothing was changed".into()),
            Self::Query(_) => {
                Some("`SHOW TABLES`, `DESCRIBE event` and `svp dictionary functions` tell what there is".into())
            }
            Self::QueryFailed { hint, .. } => Some((*hint).into()),
            Self::Defect { .. } => Some("please report the version of svp and this place, and no data".into()),
            Self::Problems(_)
            | Self::Damage(_)
            | Self::Files(_)
            | Self::Load(_)
            | Self::Encode(_)
            | Self::Runtime(_)
            | Self::Arrow(_)
            | Self::Unwritable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use svp_analyse::AnalyseError;
    use svp_disclose::DiscloseError;
    use svp_disclose::ledger::LedgerError;
    use svp_ingest::IngestError;
    use svp_ingest::desk::DeskError;
    use svp_lake::LakeError;
    use svp_link::LinkError;
    use svp_pseudonymise::PseudonymiseError;
    use svp_publish::PublishError;
    use svp_trial::TrialError;

    use super::*;

    fn text() -> String {
        "x".to_owned()
    }

    #[test]
    fn every_error_has_its_kind() {
        let lake = || LakeError::NewerFormat { path: text(), found: 2, supported: 1 };
        let desk = |error: DeskError| AppError::Load(vec![error.into()]);
        let header = |output| AnalyseError::Header { output, what: text() };
        let refused = |table| DiscloseError::Contradiction { tables: table };
        for (error, kind) in [
            (AppError::Problems(Vec::new()), ErrorKind::Definition),
            (AppError::Argument { what: text(), hint: text() }, ErrorKind::Argument),
            (AppError::NoKey, ErrorKind::Key),
            (AppError::Sealed("a command"), ErrorKind::Key),
            (AppError::Key { at: text(), source: PseudonymiseError::BadKey("") }, ErrorKind::Key),
            (AppError::KeyVariable(text()), ErrorKind::Key),
            (AppError::WrongKey { lake: text(), wanted: text(), found: text() }, ErrorKind::Key),
            (AppError::Files(Vec::new()), ErrorKind::Input),
            (AppError::Files(vec![IngestError::Reference { file: text(), what: text() }]), ErrorKind::Input),
            (AppError::Load(vec![IngestError::Refused { findings: Vec::new() }]), ErrorKind::Input),
            (IngestError::Slot { file: text(), source_name: text() }.into(), ErrorKind::Input),
            (IngestError::Definition { at: text(), what: text() }.into(), ErrorKind::Definition),
            (IngestError::Unbalanced { file: text() }.into(), ErrorKind::Internal),
            (IngestError::Lake(lake()).into(), ErrorKind::NewerFormat),
            (IngestError::from(PseudonymiseError::BadKey("")).into(), ErrorKind::Internal),
            (desk(DeskError::Terms { file: text(), made_by: text(), differences: Vec::new() }), ErrorKind::Terms),
            (desk(DeskError::Format { file: text(), found: 2, known: 1 }), ErrorKind::Terms),
            (desk(DeskError::Damaged { file: text(), what: "" }), ErrorKind::Input),
            (desk(DeskError::Lake(lake())), ErrorKind::NewerFormat),
            (LinkError::Missing("").into(), ErrorKind::Internal),
            (LinkError::Lake(lake()).into(), ErrorKind::NewerFormat),
            (header(text()).into(), ErrorKind::Definition),
            (AnalyseError::TwoParents { layer: text() }.into(), ErrorKind::Input),
            (AnalyseError::Disclose { output: text(), source: refused(text()) }.into(), ErrorKind::Forbidden),
            (AppError::Disclosure { audience: text(), source: refused(text()) }, ErrorKind::Forbidden),
            (AppError::Ledger { audience: text(), source: LedgerError::Whole }, ErrorKind::Forbidden),
            (AppError::Audience { source_name: text(), audience: text(), basis: text() }, ErrorKind::Forbidden),
            (AppError::Found(text()), ErrorKind::Forbidden),
            (PublishError::BadName { table: text() }.into(), ErrorKind::Internal),
            (PublishError::Identifies { file: text(), place: text(), what: "" }.into(), ErrorKind::Forbidden),
            (TrialError::Day { day: text() }.into(), ErrorKind::Argument),
            (TrialError::Design { what: text() }.into(), ErrorKind::Definition),
            (TrialError::Empty { file: text() }.into(), ErrorKind::Input),
            (LakeError::Busy { location: text(), holder: text() }.into(), ErrorKind::Busy),
            (LakeError::Conflict { number: 1, path: text() }.into(), ErrorKind::Busy),
            (LakeError::Missing { location: text() }.into(), ErrorKind::Storage),
            (LakeError::NoInput { path: text() }.into(), ErrorKind::Input),
            (LakeError::Damaged { path: text(), what: "" }.into(), ErrorKind::Storage),
            (LakeError::Sealed { table: text() }.into(), ErrorKind::Key),
            (LakeError::Task { what: "" }.into(), ErrorKind::Query),
            (LakeError::Closed.into(), ErrorKind::Internal),
            (AppError::Record { lake: text(), number: 1 }, ErrorKind::Storage),
            (AppError::QueryFailed { what: text(), hint: "" }, ErrorKind::Query),
            (AppError::Damage(Vec::new()), ErrorKind::Storage),
            (AppError::Defect { place: text() }, ErrorKind::Internal),
        ] {
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }
}

//! What can be wrong with an encoded file. No variant holds a field value.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Differences that a message names; the rest are counted.
const NAMED: usize = 12;

/// Why a file was not encoded, or an encoded file is refused.
#[derive(Debug, Error)]
pub enum DeskError {
    /// It is not whole, or not as it was made.
    #[error("{file}: the encoded file is damaged, cut off or was changed: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What was noticed first.
        what: &'static str,
    },
    /// It has a format that this version does not know.
    #[error("{file}: the encoded file has format {found}, and this svp knows format {known}")]
    Format {
        /// The file.
        file: String,
        /// The number in it.
        found: u32,
        /// The number that is known.
        known: u32,
    },
    /// It was made under other terms than those of the lake.
    #[error("{file}: the encoded file was made by svp {made_by} under other terms: {}", named(.differences))]
    Terms {
        /// The file.
        file: String,
        /// Version of svp that made it.
        made_by: String,
        /// Every difference, in words.
        differences: Vec<String>,
    },
    /// What it holds is asked for, and there is no key.
    #[error("{file}: the encoded file is sealed, and there is no key to open it with")]
    NoKey {
        /// The file.
        file: String,
    },
    /// It holds another source than the one that it was given as.
    #[error("{file}: the encoded file holds source {found}, and was given as source {given}")]
    Source {
        /// The file.
        file: String,
        /// Source in it.
        found: String,
        /// Source that it was given as.
        given: String,
    },
    /// An extract that is to be encoded is encoded already.
    #[error("{file}: is an encoded file already")]
    Already {
        /// The file.
        file: String,
    },
    /// The storage failed.
    #[error("{file}: cannot be read ({})", source.kind())]
    Unreadable {
        /// The file.
        file: String,
        /// What the storage said.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("{file}: cannot be written: {what}")]
    Unwritable {
        /// The file.
        file: String,
        /// Why.
        what: &'static str,
    },
    /// The lake's storage failed.
    #[error(transparent)]
    Lake(#[from] svp_lake::LakeError),
}

fn named(differences: &[String]) -> String {
    let mut text = differences.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    if differences.len() > NAMED {
        text.push_str(&format!("; and {} more", differences.len() - NAMED));
    }
    text
}

impl Advice for DeskError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Terms { .. } | Self::Format { .. } => ErrorKind::Terms,
            Self::NoKey { .. } => ErrorKind::Key,
            Self::Lake(error) => error.kind(),
            Self::Unwritable { .. } => ErrorKind::Internal,
            Self::Damaged { .. } | Self::Source { .. } | Self::Already { .. } | Self::Unreadable { .. } => {
                ErrorKind::Input
            }
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::Damaged { .. } => "ask the data owner to send it again, and compare its SHA-256 with theirs",
            Self::Format { found, known, .. } if found > known => {
                "upgrade svp here, or encode the extract with this version"
            }
            Self::Format { .. } => "encode the extract again with this version of svp",
            Self::Terms { .. } => {
                "both sides need the same key, schemas, source definition, reference data and version of svp; then encode the extract again"
            }
            Self::NoKey { .. } => "give the key of the lake with --key FILE (or set SVP_KEY)",
            Self::Source { .. } => "move it to the folder of its source, or name it with --input SOURCE=PATH",
            Self::Already { .. } => "give the agency's own extract; an encoded file goes to `svp run` as it is",
            Self::Unreadable { .. } => "check that the file is there and that you may read it",
            Self::Unwritable { .. } => "this is a defect of svp: please report it with the version, not with the data",
            Self::Lake(error) => return error.hint(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_differences_are_counted() {
        let differences: Vec<String> = (0..20).map(|i| format!("column {i}")).collect();
        let error = DeskError::Terms { file: "a".into(), made_by: "1".into(), differences };
        assert!(error.to_string().ends_with("column 11; and 8 more"), "{error}");
    }
}

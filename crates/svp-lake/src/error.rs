//! What can go wrong with storage, as outcomes with a path and a cause. No variant holds row data.

use std::error::Error;
use std::io;

use datafusion::error::DataFusionError;
use deltalake_core::DeltaTableError;
use parquet::errors::ParquetError;
use svp_contract::{Advice, ErrorKind, Hint};

/// The result of every fallible call of this crate.
pub type Result<T, E = LakeError> = std::result::Result<T, E>;

/// An outcome of the lake that is not success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// There is no lake at the given place.
    #[error("no lake at {location}")]
    Missing {
        /// The place as given.
        location: String,
    },

    /// The place cannot be turned into a store.
    #[error("cannot use {location} as a lake: {reason}")]
    Location {
        /// The place as given.
        location: String,
        /// What is wrong with it.
        reason: String,
    },

    /// Another writer holds the lake.
    #[error("the lake at {location} is being written by {holder}")]
    Busy {
        /// The place of the lake.
        location: String,
        /// Process and host of the holder, as it wrote them.
        holder: String,
    },

    /// A run record with our number exists: another run finished first.
    #[error("another run finished as number {number} while this one was working ({path})")]
    Conflict {
        /// The number that both runs wanted.
        number: u64,
        /// The record, or the table, on which they met.
        path: String,
    },

    /// The lake was written by a newer version.
    #[error("{path} has lake format {found}, and this version knows formats up to {supported}")]
    NewerFormat {
        /// The run record.
        path: String,
        /// The format number in it.
        found: u32,
        /// The newest format that this version knows.
        supported: u32,
    },

    /// The record of a run that finished is not there.
    #[error("the run record {path} is gone, and that run finished: what it told may have gone out")]
    LostRecord {
        /// The record.
        path: String,
    },

    /// The disk, the quota or the bucket is full.
    #[error("no space left while writing {path}")]
    Full {
        /// What was being written.
        path: String,
        /// The cause as the system gave it.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The object store failed.
    #[error("storage failed at {path}: {}", cause(source))]
    Storage {
        /// The object in question.
        path: String,
        /// The cause as the store gave it.
        source: object_store::Error,
    },

    /// A local file could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried: read, write, list…
        action: &'static str,
        /// The file.
        path: String,
        /// The cause as the system gave it.
        source: io::Error,
    },

    /// An input file could not be read.
    #[error("{path}: cannot be read ({})", source.kind())]
    Unreadable {
        /// The file.
        path: String,
        /// The cause as the system gave it.
        source: io::Error,
    },

    /// A run record cannot be understood.
    #[error("the run record {path} cannot be understood")]
    Record {
        /// The record.
        path: String,
        /// The cause.
        source: serde_json::Error,
    },

    /// The log of a table failed.
    #[error("table {table}: the table log failed")]
    Table {
        /// `zone/name`.
        table: String,
        /// The cause.
        source: Box<DeltaTableError>,
    },

    /// A Parquet file could not be written.
    #[error("cannot write {path} as Parquet")]
    Parquet {
        /// The file.
        path: String,
        /// The cause.
        source: ParquetError,
    },

    /// A sealed table was wanted without a key.
    #[error("table {table} is sealed, and the lake was opened without a key")]
    Sealed {
        /// `zone/name`.
        table: String,
    },

    /// A table is sealed under another key.
    #[error("table {table} is sealed under a key with check {wanted}, this one has {found}")]
    OtherSeal {
        /// `zone/name`.
        table: String,
        /// Check of the key that sealed it.
        wanted: String,
        /// Check of the key given.
        found: String,
    },

    /// A file of the lake is not what a run wrote.
    #[error("{path} of the lake is damaged: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },

    /// Rows could not be sealed.
    #[error("table {table} cannot be sealed: the operating system gives no random bytes")]
    NoRandom {
        /// `zone/name`.
        table: String,
    },

    /// A column is missing or has another type than the table.
    #[error("table {table}, column {column}: expected {expected}, found {found}")]
    Schema {
        /// `zone/name`.
        table: String,
        /// The column.
        column: String,
        /// What the table promises.
        expected: String,
        /// What was given or is stored.
        found: String,
    },

    /// The table was not named when the run began.
    #[error("table {table} was not declared when the run began")]
    UndeclaredTable {
        /// `zone/name`.
        table: String,
    },

    /// The partition does not fit the table.
    #[error("table {table} is partitioned by [{expected}], but [{found}] was given")]
    Partition {
        /// `zone/name`.
        table: String,
        /// The partition columns of the table.
        expected: String,
        /// The columns given.
        found: String,
    },

    /// Two parts of one run have the same name.
    #[error("the run has already written a part named {path}")]
    DuplicatePart {
        /// The file.
        path: String,
    },

    /// The run is finished or abandoned.
    #[error("the run is closed; nothing more can be written in it")]
    Closed,

    /// The lake was opened for reading.
    #[error("the lake at {location} was opened for reading only")]
    ReadOnly {
        /// The place of the lake.
        location: String,
    },

    /// A release of that name exists; releases are never changed.
    #[error("release {release} exists already, and a release is never changed")]
    ReleaseExists {
        /// The name of the release.
        release: String,
    },

    /// A name that would leave its folder or is empty.
    #[error("{name:?} cannot be used as a name in the lake")]
    Name {
        /// The name as given.
        name: String,
    },

    /// An input file does not exist.
    #[error("no input file at {path}")]
    NoInput {
        /// The path as given.
        path: String,
    },

    /// A file pattern cannot be understood.
    #[error("cannot understand the file pattern {pattern}: {reason}")]
    Pattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },

    /// An option or a variable of the object store that cannot be used.
    #[error("{what}")]
    StoreOption {
        /// What is wrong, without a value.
        what: String,
        /// What to do.
        hint: &'static str,
    },

    /// The query engine refused.
    #[error("the query engine failed while {what}")]
    Engine {
        /// What was being done.
        what: &'static str,
        /// The cause.
        source: Box<DataFusionError>,
    },

    /// A background task of this crate ended before its time.
    #[error("a storage task was cut off while {what}")]
    Task {
        /// What was being done.
        what: &'static str,
    },
}

impl Advice for LakeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy { .. } | Self::Conflict { .. } => ErrorKind::Busy,
            Self::NewerFormat { .. } => ErrorKind::NewerFormat,
            Self::Missing { .. }
            | Self::LostRecord { .. }
            | Self::Damaged { .. }
            | Self::Full { .. }
            | Self::Storage { .. }
            | Self::File { .. }
            | Self::Parquet { .. }
            | Self::Record { .. }
            | Self::Table { .. } => ErrorKind::Storage,
            Self::Sealed { .. } | Self::OtherSeal { .. } => ErrorKind::Key,
            Self::StoreOption { .. } => ErrorKind::Argument,
            Self::NoInput { .. } | Self::Pattern { .. } | Self::Unreadable { .. } => ErrorKind::Input,
            Self::Engine { .. } | Self::Task { .. } => ErrorKind::Query,
            // The caller broke a rule of this crate, or a table does not have the columns that were promised.
            Self::Schema { .. }
            | Self::Location { .. }
            | Self::UndeclaredTable { .. }
            | Self::Partition { .. }
            | Self::DuplicatePart { .. }
            | Self::Closed
            | Self::NoRandom { .. }
            | Self::ReadOnly { .. }
            | Self::ReleaseExists { .. }
            | Self::Name { .. } => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::StoreOption { hint, .. } => hint,
            Self::Missing { .. } => "a lake is made by the first run: `svp run`",
            Self::Location { .. } => "give a folder, a file:// URL or s3://bucket/prefix",
            Self::Busy { .. } => {
                "wait until that run has ended; if it died, a local lake is free at once and one on an object store after ten minutes"
            }
            Self::Conflict { .. } => {
                "run again: nothing of this run is visible, and its leftovers are cleaned by the next one"
            }
            Self::NewerFormat { .. } => "upgrade svp; this version leaves the lake as it is",
            Self::Full { .. } => "free space at that place and run again; the last good state is untouched",
            Self::Record { .. } | Self::LostRecord { .. } => {
                "restore that file from a backup of the lake; where there is none, a person decides: `svp run \
                 --start-ledger-anew NAME --reason WHY` goes on from the run before, and keeps what was told in recovered/"
            }
            Self::Damaged { .. } => {
                "restore that file from a backup of the lake; `svp check --area AREA --lake LAKE` names every damaged file; without \
                 a backup, load the deliveries again into a new lake"
            }
            Self::Table { .. } => {
                "the log of the table is damaged, or cannot be reached: restore its folder _delta_log from a backup of the lake"
            }
            Self::ReleaseExists { .. } => {
                "the lake holds a release that its records do not know of: restore runs/ from a backup of the lake"
            }
            Self::NoInput { .. } => "check the path; relative paths start where svp was started",
            Self::Unreadable { .. } => {
                "check that the file is there (a link may lead nowhere) and that you may read it"
            }
            Self::Storage { .. } | Self::File { .. } => {
                "check that the place is there, and that you may read and write it"
            }
            Self::Pattern { .. } => "use *, ?, [abc] or ** in a path",
            Self::Sealed { .. } => "give the key of the lake with --key FILE (or set SVP_KEY)",
            Self::OtherSeal { .. } => {
                "give the key that the lake has now; one that was rotated away opens nothing in it"
            }
            Self::Schema { .. } => {
                "the stored table was made with other columns: start a new lake or give the old columns"
            }
            _ => return None,
        }))
    }
}

impl LakeError {
    /// A file of the lake that is not what was written.
    pub(crate) fn damaged(path: impl ToString, what: &'static str) -> Self {
        Self::Damaged { path: path.to_string(), what }
    }

    /// From an object store outcome. Sees a full disk.
    pub(crate) fn store(path: impl ToString, source: object_store::Error) -> Self {
        let path = path.to_string();
        if disk_full(&source) {
            return Self::Full { path, source: Box::new(source) };
        }
        Self::Storage { path, source }
    }

    /// From a local file outcome. Sees a full disk.
    pub(crate) fn file(action: &'static str, path: impl ToString, source: io::Error) -> Self {
        let path = path.to_string();
        if disk_full(&source) {
            return Self::Full { path, source: Box::new(source) };
        }
        Self::File { action, path, source }
    }

    /// From a Parquet outcome. Sees a full disk.
    pub(crate) fn parquet(path: impl ToString, source: ParquetError) -> Self {
        let path = path.to_string();
        if disk_full(&source) {
            return Self::Full { path, source: Box::new(source) };
        }
        Self::Parquet { path, source }
    }

    /// From a table log outcome. Sees a full disk.
    pub(crate) fn table(table: impl ToString, source: DeltaTableError) -> Self {
        let table = table.to_string();
        if disk_full(&source) {
            return Self::Full { path: table, source: Box::new(source) };
        }
        Self::Table { table, source: Box::new(source) }
    }

    /// From an engine outcome. Sees a damaged file.
    #[must_use]
    pub fn engine(what: &'static str, source: DataFusionError) -> Self {
        Self::damage_in(&source).unwrap_or_else(|| Self::Engine { what, source: Box::new(source) })
    }

    /// The damaged file on which the engine failed, if it was one.
    #[must_use]
    pub fn damage_in(error: &DataFusionError) -> Option<Self> {
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(Self::Damaged { path, what }) = error.downcast_ref() {
                return Some(Self::Damaged { path: path.clone(), what });
            }
            next = error.source();
        }
        None
    }
}

/// The log of a table is shorter than the last record says.
pub(crate) const CUT_LOG: &str =
    "the log of the table does not reach, or cannot be read as far as, the version that the last run left";

/// The log of a table is another one than the last run left.
pub(crate) const CHANGED_LOG: &str =
    "the log of the table was changed after the last run: which files belong to the table is not certain any more";

/// What a store says of its failure, as far as it is fit to be shown: one line, without what a server answered (which can repeat a
/// signed request) and without the query of an address.
fn cause(error: &object_store::Error) -> String {
    const LONGEST: usize = 300;
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split('<').next().unwrap_or_default().trim_end_matches([' ', ':']);
    let words = line.split(' ').map(|word| match word.split_once('?') {
        Some((address, _)) if address.contains("://") => address,
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

/// Whether "no space left" or "quota exceeded" stands anywhere in the chain of causes.
fn disk_full(error: &(dyn Error + 'static)) -> bool {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        if matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return true;
        }
        // `io::Error::source` skips the error that it wraps.
        if let Some(inner) = io.get_ref() {
            return disk_full(inner);
        }
    }
    error.source().is_some_and(disk_full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_shown_without_what_a_server_repeats() {
        let source = "Server returned non-2xx status code: 403 Forbidden: <?xml?><StringToSign>AKIA</StringToSign>";
        let store = object_store::Error::Generic { store: "S3", source: source.into() };
        let said = LakeError::store("runs", store).to_string();
        assert!(said.starts_with("storage failed at runs: ") && said.ends_with("403 Forbidden"), "{said}");
        let source = "error sending request for url (http://host/bucket?list-type=2&X-Amz-Signature=abc)\nmore";
        let store = object_store::Error::Generic { store: "S3", source: source.into() };
        let said = LakeError::store("runs", store).to_string();
        assert!(said.contains("http://host/bucket") && !said.contains("abc") && !said.contains("more"), "{said}");
    }

    #[test]
    fn no_hint_advises_to_remove_a_record() {
        let source = serde_json::from_str::<u8>("x").unwrap_err();
        for error in [
            LakeError::Record { path: "runs/00000002.json".into(), source },
            LakeError::LostRecord { path: "runs/00000002.json".into() },
            LakeError::ReleaseExists { release: "000002-x".into() },
        ] {
            let hint = error.hint().unwrap();
            assert!(!hint.contains("remove") && !hint.contains("delete") && hint.contains("backup"), "{hint}");
        }
    }

    #[test]
    fn a_full_disk_is_seen_through_wrappers() {
        let io = || io::Error::from(io::ErrorKind::StorageFull);
        let store = object_store::Error::Generic { store: "x", source: Box::new(io()) };
        let twice = io::Error::other(store);
        let parquet = ParquetError::External(Box::new(twice));
        let error = LakeError::parquet("a/b", parquet);
        assert!(matches!(error, LakeError::Full { .. }));
        assert!(error.hint().unwrap().contains("free space"));
        assert!(matches!(LakeError::file("write", "a", io()), LakeError::Full { .. }));
        let other = LakeError::file("write", "a", io::Error::from(io::ErrorKind::NotFound));
        assert!(matches!(other, LakeError::File { .. }) && other.kind() == ErrorKind::Storage);
    }
}

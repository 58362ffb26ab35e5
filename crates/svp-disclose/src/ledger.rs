//! The ledger: what each release told an audience, one entry a release, chained by digests.
//!
//! The bytes of an entry are JSON with the fields in the order of [`Entry`] and no white space. Each entry
//! holds the SHA-256 of the bytes before it. The [`Head`] (number and digest of the last entry) is kept
//! elsewhere too: in the record of the run, and the lake lists each run that finished, with the digest of its
//! record, in a second place. So a changed entry, a missing one, a cut end, a lost ledger and a lost record of
//! a run are found. Whoever can change the ledger and every copy of the head can
//! still deceive: the manifests that readers hold are the copies out of reach.
//!
//! This file decides; it stores nothing. Bytes come in by name and go out by name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use svp_contract::{Advice, Day, ErrorKind, Hint};
use thiserror::Error;

use crate::exceptions::Exception;
use crate::relate::Table;

/// Version of the form of an entry.
pub const LEDGER_FORMAT: u32 = 2;
/// The oldest form that is read: its entries keep no definitions.
const OLDEST_FORMAT: u32 = 1;

/// What stands for the entry before the first.
const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What was decided on a release. A refused release told nobody anything and has no entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It went out.
    Released {
        /// What was made coarser or withheld on the way, and why.
        coarsened: Vec<Coarsened>,
    },
}

/// One table that was made coarser because of what was told before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coarsened {
    /// The table.
    pub table: String,
    /// What was done to it, in words.
    pub done: String,
    /// Why, in words: against which release and table, and by which kind of difference.
    pub reason: String,
}

/// Who let a new ledger begin though an old one was lost or damaged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BegunAnew {
    /// Name and office.
    pub allowed_by: String,
    /// Why the old ledger could not be restored.
    pub reason: String,
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// What was wrong with the old ledger; filled in by [`Ledger::begin_anew`].
    pub found: String,
    /// Head of the old ledger as the lake knew it; filled in by [`Ledger::begin_anew`].
    pub lost: Option<Head>,
}

/// Record of one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// [`LEDGER_FORMAT`]; set by [`Ledger::append`].
    pub format: u32,
    /// 1, 2, …; set by [`Ledger::append`].
    pub number: u64,
    /// SHA-256 of the bytes of the entry before, hexadecimal, zeros for the first; set by [`Ledger::append`].
    pub previous: String,
    /// Whom it was told to.
    pub audience: String,
    /// Name of the release.
    pub release: String,
    /// Number of the run.
    pub run: u64,
    /// Time of the run, as the release says it.
    pub clock: String,
    /// Code of the area.
    pub area: String,
    /// SHA-256 of the policy, hexadecimal.
    pub policy_digest: String,
    /// A keyed text that makes the digest of the entry tell nothing: without it, whoever holds the digest could try
    /// small counts until one fits.
    pub blind: String,
    /// What was decided.
    pub decision: Decision,
    /// Exceptions in force.
    pub exceptions: Vec<Exception>,
    /// Set on the first entry of a ledger that replaces a lost one; set by [`Ledger::append`].
    pub begun_anew: Option<BegunAnew>,
    /// What was told, with the true counts beside it: the ledger is restricted.
    pub tables: Vec<Table>,
    /// The texts of the definitions that the tables were counted under, by their SHA-256: one that is edited later is another
    /// definition, and can be subtracted from this one. Entries of form 1 have none.
    #[serde(default)]
    pub definitions: BTreeMap<String, String>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            format: LEDGER_FORMAT,
            number: 0,
            previous: NOTHING_BEFORE.to_owned(),
            audience: String::new(),
            release: String::new(),
            run: 0,
            clock: String::new(),
            area: String::new(),
            policy_digest: String::new(),
            blind: String::new(),
            decision: Decision::Released { coarsened: Vec::new() },
            exceptions: Vec::new(),
            begun_anew: None,
            tables: Vec::new(),
            definitions: BTreeMap::new(),
        }
    }
}

/// The last entry of a ledger, as it is remembered elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Audience of the ledger.
    pub audience: String,
    /// Number of the last entry.
    pub number: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub hash: String,
}

/// What is wrong with a ledger. No variant holds a number that was told.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// An entry is not an entry.
    #[error("ledger entry {name} cannot be read")]
    Unreadable {
        /// Name of the entry.
        name: String,
    },
    /// An entry was written by a newer program.
    #[error("ledger entry {name} has format {found}; this program knows {LEDGER_FORMAT}")]
    Format {
        /// Name of the entry.
        name: String,
        /// Its format.
        found: u32,
    },
    /// An entry is missing, doubled or in another's place.
    #[error("entry {expected} of the ledger is missing: {name} is in its place")]
    Missing {
        /// Number that should stand here.
        expected: u64,
        /// What stands here.
        name: String,
    },
    /// An entry belongs to another audience.
    #[error("ledger entry {name} is of another audience")]
    Audience {
        /// Name of the entry.
        name: String,
    },
    /// An entry is not the one that was written.
    #[error("ledger entry {name} was changed after it was written")]
    Changed {
        /// Name of the entry.
        name: String,
    },
    /// Entries at the end are missing.
    #[error("the ledger ends at entry {found}, but {wanted} releases were recorded: its end was removed")]
    EndRemoved {
        /// Entries that are there.
        found: u64,
        /// Entries that were recorded.
        wanted: u64,
    },
    /// Nothing is left.
    #[error("the ledger is lost: {wanted} releases were recorded and no entry is there")]
    Lost {
        /// Entries that were recorded.
        wanted: u64,
    },
    /// Entries that no run recorded.
    #[error("entry {number} of the ledger was recorded by no run")]
    NotRecorded {
        /// The first of them.
        number: u64,
    },
    /// The record of a run is gone, and what that run told is not among the entries.
    #[error("the record of run {run} is gone, or cannot be understood: what that run told is not in the ledger")]
    RecordLost {
        /// Number of the run.
        run: u64,
    },
    /// The record of the last run is another than the one that was written.
    #[error("the record of run {run}, which holds the heads of the ledgers, was changed after it was written")]
    RecordChanged {
        /// Number of the run.
        run: u64,
    },
    /// An entry lies among what was recovered, and the ledger does not have it.
    #[error("{place} is an entry of this ledger, or cannot be read, and no record of a run names it")]
    Recovered {
        /// Where it lies in the lake.
        place: String,
    },
    /// A new ledger may only replace a lost or damaged one.
    #[error("the ledger is whole: it cannot be begun anew")]
    Whole,
    /// Beginning anew needs a person and a reason.
    #[error("a ledger is begun anew by a named person, with a reason and a day")]
    Unsigned,
    /// A definition was edited, and what it meant before is not known.
    #[error(
        "release {release} was counted under `{definition}` as its file stood then (SHA-256 {digest}), which is not kept: whether this release can be subtracted from it is not known"
    )]
    MeaningLost {
        /// The earlier release.
        release: String,
        /// Name of the definition.
        definition: String,
        /// SHA-256 of its earlier text.
        digest: String,
    },
    /// A table is not fit to be recorded.
    #[error("table {table} cannot be recorded: {what}")]
    Unfit {
        /// The table.
        table: String,
        /// Why, in words.
        what: &'static str,
    },
    /// The entry could not be written as JSON.
    #[error("the ledger entry could not be written")]
    Json(#[source] serde_json::Error),
}

impl Advice for LedgerError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Forbidden
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::Unreadable { .. }
            | Self::Missing { .. }
            | Self::Audience { .. }
            | Self::Changed { .. }
            | Self::EndRemoved { .. } => {
                "restore the ledger from a backup; without one, nothing can be compared with what was told before"
            }
            Self::RecordLost { .. } | Self::RecordChanged { .. } => {
                "restore that record in runs/ from a backup of the lake; if there is none, `--start-ledger-anew` with a named \
                 person and a reason, which become part of the first entry; what was told is kept in recovered/"
            }
            Self::Recovered { .. } => {
                "restore runs/ from a backup of the lake that has the record of that run; if there is none, `--start-ledger-anew` with \
                 a named person and a reason, which become part of the first entry"
            }
            Self::Lost { .. } => {
                "restore the ledger from a backup; if there is none, `--start-ledger-anew` with a named person and \
                 a reason, which become part of the first entry"
            }
            Self::Format { .. } => "use the newest svp that has written to this lake",
            Self::NotRecorded { .. } => {
                "the lake's record of runs is older than the ledger: restore runs/ from a backup that is as new as the ledger"
            }
            Self::Whole => "leave out `--start-ledger-anew`: the ledger that is there will be used",
            Self::Unsigned => "give the person's name and office, the reason, and the day as YYYY-MM-DD",
            Self::MeaningLost { .. } => {
                "put the file back as it was and give the new meaning a name of its own; if it is lost, a named person can accept that                  nothing is compared with that release: `meaning_not_kept` in pipelines/policies/exceptions.toml"
            }
            Self::Unfit { .. } | Self::Json(_) => "this is a defect of svp: nothing was published",
        }))
    }
}

/// The releases of one audience, verified.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    entries: Vec<Entry>,
    head: Option<Head>,
    begun_anew: Option<BegunAnew>,
}

impl Ledger {
    /// Reads and verifies the entries of one audience, given by name and bytes.
    ///
    /// `head` is what the lake remembers of the last entry; `None` when no release was recorded.
    ///
    /// # Errors
    /// When anything is missing, changed, moved or more than was recorded.
    pub fn from_entries(mut named: Vec<(String, Vec<u8>)>, head: Option<&Head>) -> Result<Self, LedgerError> {
        named.sort();
        let mut entries = Vec::with_capacity(named.len());
        for ((name, bytes), expected) in named.iter().zip(1..) {
            let entry = read(name, bytes)?;
            if entry.number != expected {
                return Err(LedgerError::Missing { expected, name: name.clone() });
            }
            entries.push(entry);
        }
        let have = entries.len() as u64;
        let wanted = head.map_or(0, |head| head.number);
        if have == 0 && wanted > 0 {
            return Err(LedgerError::Lost { wanted });
        }
        if have < wanted {
            return Err(LedgerError::EndRemoved { found: have, wanted });
        }
        if have > wanted {
            return Err(LedgerError::NotRecorded { number: wanted + 1 });
        }
        // From the end to the beginning: what is known to be true vouches for what comes before it.
        let mut vouched = head.map_or(NOTHING_BEFORE, |head| head.hash.as_str());
        for (entry, (name, bytes)) in entries.iter().zip(&named).rev() {
            if digest(bytes) != vouched {
                return Err(LedgerError::Changed { name: name.clone() });
            }
            if head.is_some_and(|head| head.audience != entry.audience) {
                return Err(LedgerError::Audience { name: name.clone() });
            }
            vouched = &entry.previous;
        }
        if vouched != NOTHING_BEFORE {
            let name = named.into_iter().next().map(|(name, _)| name).unwrap_or_default();
            return Err(LedgerError::Missing { expected: 1, name });
        }
        Ok(Self { entries, head: head.cloned(), begun_anew: None })
    }

    /// An empty ledger in the place of a lost or damaged one. What was wrong is recorded with the first entry; `damage` is what the lake
    /// knows to be wrong, whatever the entries say of themselves.
    ///
    /// # Errors
    /// When the ledger is whole, or the person, the reason or the day is missing.
    pub fn begin_anew(
        named: Vec<(String, Vec<u8>)>,
        head: Option<&Head>,
        damage: Option<LedgerError>,
        by: BegunAnew,
    ) -> Result<Self, LedgerError> {
        let found = match (damage, Self::from_entries(named, head)) {
            (Some(damage), _) => damage,
            (None, Ok(_)) => return Err(LedgerError::Whole),
            // Nothing is lost here: a newer program or the lake's record of runs can read it.
            (None, Err(found @ (LedgerError::Format { .. } | LedgerError::NotRecorded { .. }))) => return Err(found),
            (None, Err(found)) => found,
        };
        if by.allowed_by.trim().is_empty() || by.reason.trim().is_empty() || by.date.parse::<Day>().is_err() {
            return Err(LedgerError::Unsigned);
        }
        let begun_anew = Some(BegunAnew { found: found.to_string(), lost: head.cloned(), ..by });
        Ok(Self { begun_anew, ..Self::default() })
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every table that the audience has, oldest first, as numbers that cannot be changed any more.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        let of_entry = |e: &Entry| {
            let release = usize::try_from(e.run).unwrap_or(usize::MAX);
            e.tables.iter().map(move |t| Table { release, earlier: true, ..t.clone() }).collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(of_entry).collect()
    }

    /// The texts of all definitions that entries keep, by their SHA-256.
    #[must_use]
    pub fn definitions(&self) -> BTreeMap<String, String> {
        let whole = |(sha256, text): &(&String, &String)| digest(text.as_bytes()) == **sha256;
        let kept = self.entries.iter().flat_map(|e| &e.definitions).filter(whole);
        kept.map(|(sha256, text)| (sha256.clone(), text.clone())).collect()
    }

    /// The last entry's number and digest; `None` when there is no entry.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Adds the record of a release and gives its bytes and the new head. The form, the number and the chain
    /// are set here, whatever `entry` says of them.
    ///
    /// # Errors
    /// When the entry is of another audience, or a table is not fit to be recorded.
    pub fn append(&mut self, entry: Entry) -> Result<(Vec<u8>, Head), LedgerError> {
        let number = self.entries.len() as u64 + 1;
        if self.head.as_ref().is_some_and(|head| head.audience != entry.audience) {
            return Err(LedgerError::Audience { name: entry_name(number) });
        }
        let mut seen = BTreeSet::new();
        for table in &entry.tables {
            let twice = !seen.insert((&table.name, &table.set, &table.measure));
            if let Some(what) = table.fault().or(twice.then_some("it is told twice")) {
                return Err(LedgerError::Unfit { table: table.name.clone(), what });
            }
        }
        let previous = self.head.as_ref().map_or(NOTHING_BEFORE, |head| head.hash.as_str()).to_owned();
        let entry = Entry { format: LEDGER_FORMAT, number, previous, begun_anew: self.begun_anew.take(), ..entry };
        let bytes = serde_json::to_vec(&entry).map_err(LedgerError::Json)?;
        let head = Head { audience: entry.audience.clone(), number, hash: digest(&bytes) };
        self.entries.push(entry);
        self.head = Some(head.clone());
        Ok((bytes, head))
    }
}

/// Audience and run of an entry; `None` where the bytes are no entry that can be read.
#[must_use]
pub fn whose(bytes: &[u8]) -> Option<(String, u64)> {
    #[derive(Deserialize)]
    struct Whose {
        audience: String,
        run: u64,
    }
    serde_json::from_slice::<Whose>(bytes).ok().map(|entry| (entry.audience, entry.run))
}

/// Whether an entry is the first of a ledger that was begun anew.
#[must_use]
pub fn is_begun_anew(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct First {
        begun_anew: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<First>(bytes).is_ok_and(|entry| entry.begun_anew.is_some())
}

/// Name under which entry `number` is stored: names in order are numbers in order.
#[must_use]
pub fn entry_name(number: u64) -> String {
    format!("{number:08}.json")
}

/// The form is looked at first, so that a newer entry is called newer, not unreadable.
fn read(name: &str, bytes: &[u8]) -> Result<Entry, LedgerError> {
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    // serde's messages can quote what they read, so they are not kept.
    let unreadable = |_| LedgerError::Unreadable { name: name.to_owned() };
    let form: Form = serde_json::from_slice(bytes).map_err(unreadable)?;
    if !(OLDEST_FORMAT..=LEDGER_FORMAT).contains(&form.format) {
        return Err(LedgerError::Format { name: name.to_owned(), found: form.format });
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;

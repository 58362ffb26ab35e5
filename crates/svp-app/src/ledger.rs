//! The ledger in the lake: entries lie in `ledger/<release>/`, and the run records name them with their digests.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use svp_contract::{Acceptance, Finding};
use svp_disclose::Disclosure;
use svp_disclose::exceptions::Exception;
use svp_disclose::ledger::{
    BegunAnew, Coarsened, Decision, Entry, Head, Ledger, LedgerError, entry_name, is_begun_anew, whose,
};
use svp_disclose::review::{AttackReview, Difference, LedgerReview, PolicyLine, Review, TableReview, Withheld};
use svp_lake::Lake;
use svp_lake::input::digest_bytes;
use svp_pseudonymise::{Key, Tokeniser};

use crate::error::AppError;

/// File of an entry in its release's folder.
const ENTRY: &str = "entry.json";
/// The review record beside it: for people, and for machines.
pub(crate) const REVIEW: [&str; 2] = ["review.md", "review.json"];
/// The file of a release that lists the digests of the others.
pub(crate) const MANIFEST: &str = "manifest.json";

/// A line of the run record: a release and the head of its audience's ledger after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LedgerLine {
    /// Release.
    pub release: String,
    /// Number and digest of its entry.
    pub head: Head,
    /// SHA-256 of its papers, which the entry does not vouch for: review record and manifest, by their names. A lake from before has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub papers: BTreeMap<String, String>,
}

/// The name of the release that a run made; its number where no release is known.
pub(crate) fn release_of(lines: &[LedgerLine], run: usize) -> String {
    let number = format!("{run:06}");
    let mut names = lines.iter().map(|line| &line.release);
    names.find(|name| name.split('-').next() == Some(&number)).cloned().unwrap_or(number)
}

/// Reads and verifies the ledger of an audience.
///
/// `anew` begins it anew where it is lost or damaged; that is recorded.
pub(crate) async fn read(
    lake: &Lake,
    lines: &[LedgerLine],
    audience: &str,
    anew: Option<BegunAnew>,
) -> Result<Ledger, AppError> {
    let (named, head) = entries(lake, lines, audience).await?;
    let damage = damage(lake, audience, &named).await?;
    let ledger = match (anew, damage) {
        (Some(by), damage) => Ledger::begin_anew(named, head, damage, by),
        (None, Some(damage)) => Err(damage),
        (None, None) => Ledger::from_entries(named, head),
    };
    ledger.map_err(|source| AppError::Ledger { audience: audience.to_owned(), source })
}

/// The entries of an audience that are there, and the head that the run record knows.
async fn entries<'l>(
    lake: &Lake,
    lines: &'l [LedgerLine],
    audience: &str,
) -> Result<(Vec<(String, Vec<u8>)>, Option<&'l Head>), AppError> {
    let mut named = Vec::new();
    let mut head = None;
    for line in lines.iter().filter(|l| l.head.audience == audience) {
        let path = format!("ledger/{}/{ENTRY}", line.release);
        if lake.exists(&path).await? {
            named.push((entry_name(line.head.number), lake.get(&path).await?.to_vec()));
        }
        head = Some(&line.head);
    }
    Ok((named, head))
}

/// The ledger of an audience beside that of a release. Where somebody `decided` to go on, what the lake lost does not count: the entries
/// that it has must be whole.
pub(crate) async fn read_beside(
    lake: &Lake,
    lines: &[LedgerLine],
    audience: &str,
    decided: bool,
) -> Result<Ledger, AppError> {
    if !decided {
        return read(lake, lines, audience, None).await;
    }
    let (named, head) = entries(lake, lines, audience).await?;
    Ledger::from_entries(named, head).map_err(|source| AppError::Ledger { audience: audience.to_owned(), source })
}

/// What the lake knows to be wrong with the ledger of an audience, whatever its entries say of themselves.
async fn damage(lake: &Lake, audience: &str, named: &[(String, Vec<u8>)]) -> Result<Option<LedgerError>, AppError> {
    if let Some(run) = lake.lost_run() {
        return Ok(Some(LedgerError::RecordLost { run }));
    }
    if !lake.record_as_written() {
        return Ok(lake.last_run().map(|run| LedgerError::RecordChanged { run: run.number }));
    }
    // A ledger that was begun anew does without what was told before.
    let begun = named.first().and_then(|(_, bytes)| whose(bytes)).map_or(0, |(_, run)| run);
    let anew = named.first().is_some_and(|(_, bytes)| is_begun_anew(bytes));
    for place in lake.list("recovered/ledger").await?.into_iter().filter(|path| path.ends_with(ENTRY)) {
        let theirs = match whose(&lake.get(&place).await?) {
            Some((of, run)) => of == audience && !(anew && run < begun),
            None => !anew,
        };
        if theirs {
            return Ok(Some(LedgerError::Recovered { place }));
        }
    }
    Ok(None)
}

/// What is recorded of a release.
pub(crate) struct Record<'a> {
    /// Audience and names.
    pub audience: &'a str,
    pub release: &'a str,
    pub run: u64,
    pub clock: &'a str,
    pub area: &'a str,
    pub area_title: &'a str,
    pub policy_digest: String,
    pub policies: Vec<PolicyLine>,
    /// Name, title, and what was printed of it: cells, suppressed, rounded, merged.
    pub tables: Vec<TableReview>,
    pub withheld: Vec<Withheld>,
    pub exceptions: Vec<Exception>,
    /// What was accepted, and what was told, of the deliveries behind the release.
    pub accepted: Vec<Acceptance>,
    pub findings: Vec<Finding>,
    /// The exact receipts, a line for each source.
    pub receipts: Vec<String>,
    pub disclosure: &'a Disclosure,
    /// The texts of the definitions that its tables were counted under, by their SHA-256.
    pub definitions: BTreeMap<String, String>,
    /// Definitions that were edited since an earlier release: name, and the releases under another text.
    pub edited: Vec<(String, Vec<String>)>,
    /// SHA-256 of the manifest of the release.
    pub manifest: Option<String>,
}

/// Appends a release to the ledger. Gives the files for its folder, and the line for the run record.
pub(crate) fn append(
    ledger: &mut Ledger,
    key: &Key,
    record: Record<'_>,
) -> Result<(Vec<(String, Bytes)>, LedgerLine), AppError> {
    let compared = ledger.entries().len() as u64;
    let coarsened: Vec<Coarsened> = record
        .disclosure
        .findings
        .iter()
        .map(|f| Coarsened { table: f.table.clone(), done: f.done.to_owned(), reason: f.what.clone() })
        .collect();
    // Whoever holds the digest of an entry could try small counts until it fits; a blind that only the key holder can
    // compute stands in the way.
    let blind = Tokeniser::new(key, "ledger-entry").token([record.release.as_bytes()]);
    let entry = Entry {
        audience: record.audience.to_owned(),
        release: record.release.to_owned(),
        run: record.run,
        clock: record.clock.to_owned(),
        area: record.area.to_owned(),
        policy_digest: record.policy_digest.clone(),
        blind: String::from_utf8_lossy(&blind).into_owned(),
        decision: Decision::Released { coarsened },
        exceptions: record.exceptions.clone(),
        tables: record.disclosure.published.clone(),
        definitions: record.definitions.clone(),
        ..Entry::default()
    };
    let failed = |source| AppError::Ledger { audience: record.audience.to_owned(), source };
    let (bytes, head) = ledger.append(entry).map_err(failed)?;
    let begun = ledger.entries().last().and_then(|e| e.begun_anew.as_ref());
    let begun = begun.map(|b| format!("{}, {}: {} ({})", b.allowed_by, b.date, b.reason, b.found));
    let review = review(&record, compared, begun);
    let json = serde_json::to_vec_pretty(&review)
        .map_err(|source| AppError::Unwritable { what: "the review record", source })?;
    let refused = |source| AppError::Disclosure { audience: record.audience.to_owned(), source };
    let page = review.markdown().map_err(refused)?;
    let [of_people, of_machines] = REVIEW.map(str::to_owned);
    let mut papers: BTreeMap<String, String> =
        [(of_people.clone(), page.as_bytes()), (of_machines.clone(), json.as_slice())]
            .into_iter()
            .map(|(name, bytes)| (name, digest_bytes(bytes)))
            .collect();
    papers.extend(record.manifest.map(|digest| (MANIFEST.to_owned(), digest)));
    let files =
        vec![(ENTRY.to_owned(), Bytes::from(bytes)), (of_people, Bytes::from(page)), (of_machines, Bytes::from(json))];
    Ok((files, LedgerLine { release: record.release.to_owned(), head, papers }))
}

/// The review record.
fn review(record: &Record<'_>, compared: u64, begun_anew: Option<String>) -> Review {
    let disclosure = record.disclosure;
    let mut differences: Vec<Difference> = disclosure
        .findings
        .iter()
        .map(|f| Difference {
            table: f.table.clone(),
            against: match (f.against_earlier, compared) {
                (true, _) => "an earlier release",
                (false, 0) => "another table of this release",
                (false, _) => "another table of this or an earlier release",
            }
            .to_owned(),
            kind: f.what.clone(),
            done: f.done.to_owned(),
        })
        .collect();
    differences.extend(record.edited.iter().map(|(definition, releases)| Difference {
        table: definition.clone(),
        against: releases.join(", "),
        kind: "the definition was edited under one name".to_owned(),
        done: "attacked as two definitions".to_owned(),
    }));
    differences.extend(disclosure.readers.iter().filter(|r| !r.before.is_empty()).map(|r| Difference {
        table: "earlier releases".to_owned(),
        against: "releases to other audiences".to_owned(),
        kind: format!("members of `{}` can bound {} numbers from them", r.audience, r.before.len()),
        done: "cannot be mended: told before".to_owned(),
    }));
    if disclosure.attack.disclosed_before > 0 {
        differences.push(Difference {
            table: "earlier releases".to_owned(),
            against: "one another".to_owned(),
            kind: format!("{} numbers follow from them alone", disclosure.attack.disclosed_before),
            done: "cannot be mended: told before".to_owned(),
        });
    }
    let attack = &disclosure.attack;
    let proofs = [("another table that fits", attack.by_witness), ("the whole linear programme", attack.by_programme)];
    Review {
        release: record.release.to_owned(),
        audience: record.audience.to_owned(),
        area: record.area_title.to_owned(),
        clock: record.clock.to_owned(),
        policy: record.policies.clone(),
        tables: record.tables.clone(),
        withheld: record.withheld.clone(),
        ledger: LedgerReview { compared, differences, begun_anew },
        exceptions: record.exceptions.clone(),
        accepted: record.accepted.clone(),
        findings: record.findings.clone(),
        receipts: record.receipts.clone(),
        attack: Some(AttackReview {
            attacked: attack.attacked,
            broken: 0,
            proofs: proofs.into_iter().filter(|(_, n)| *n > 0).map(|(k, n)| (k.to_owned(), n)).collect(),
        }),
    }
}

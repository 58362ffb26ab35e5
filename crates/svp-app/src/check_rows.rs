//! Every row of the extracts is read, mapped and checked as a run would, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{Area, Finding};
use svp_ingest::{
    Contents, IngestError, Known, Live, Loaded, LoadedFile, Receipt, compare_receipts, pending, rehearse,
};
use svp_ingest::{desk, reference};
use svp_pseudonymise::Key;

use crate::error::AppError;
use crate::inputs::{self, Paths};
use crate::machine::Machine;
use crate::names;
use crate::progress::Progress;
use crate::release;
use crate::site::Site;
use crate::stage::no_failures;

/// The run that a check stands in for: that of an empty lake.
const FIRST_RUN: u64 = 1;

/// The account of the rows of an area's extracts.
#[derive(Debug, Default)]
pub struct RowsChecked {
    /// One for each file and feed.
    pub receipts: Vec<Receipt>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Why files would be refused by a run.
    pub refused: Vec<IngestError>,
    /// How the lake calls each file, where its key is known: name and label.
    pub labels: BTreeMap<String, String>,
}

impl RowsChecked {
    /// The account of each file and feed, as text.
    #[must_use]
    pub fn accounts(&self) -> Vec<String> {
        let one = |receipt: &Receipt| match self.labels.get(&receipt.file) {
            Some(label) => format!("{}\n  in the lake {label}", release::account(receipt)),
            None => release::account(receipt),
        };
        self.receipts.iter().map(one).collect()
    }

    /// Tells what was found, and the sums of each source.
    pub(crate) fn tell(&self, progress: &dyn Progress) {
        progress.findings(&self.findings);
        for line in release::summary(&self.receipts) {
            progress.step("rows", &line);
        }
    }
}

/// Looks at all rows of the extracts of an area. The tokens of the rows are dropped; `known` says that the key is the lake's.
///
/// # Errors
/// Reference data and extracts that cannot be used at all. A file that a run would refuse is part of the account.
pub(crate) async fn rows(
    machine: &Machine,
    site: &Site,
    area: &Area,
    paths: &Paths,
    (key, known): (&Key, bool),
    progress: &dyn Progress,
) -> Result<RowsChecked, AppError> {
    let sources = paths.sources();
    let postcodes = inputs::needs_postcodes(site, &sources);
    let data = reference::load(area, &paths.reference, site.lists(), postcodes, machine.threads)?;
    let plans = inputs::plans(machine, site, Some(area), &sources, &data)?;
    let intake = inputs::intake(site, paths, &plans, &[])?;
    let (files, sealed) = if known { (intake.files, 0) } else { desk::extracts_alone(intake.files)? };
    if sealed > 0 {
        progress.step("rows", &format!("{sealed} encoded files are sealed: their rows are looked at with --key"));
    }
    let contents = Contents::new(key);
    let known_files = Known { contents: Some(&contents), ..Known::default() };
    let queue = pending(&plans, files, &known_files, known.then_some(key), machine.threads)?;
    let files = queue.files;
    progress.bar("check", files.iter().map(|f| f.input.bytes).sum(), true);
    let done = rehearse(&plans, &files, key, &[], machine.threads, &|file, bytes| progress.advance(bytes, file));
    progress.end_bar();
    no_failures(&data)?;
    let mut all = Loaded::default();
    let mut errors = Vec::new();
    for result in done {
        match result {
            Ok(loaded) => {
                all.receipts.extend(loaded.receipts);
                all.findings.extend(loaded.findings);
            }
            Err(error) => errors.push(error),
        }
    }
    // The files of the folders are held against one another, as a run would hold those of the lake.
    let listed = |(at, file): (u64, &svp_ingest::Pending)| file.loaded(&plans[file.plan], FIRST_RUN, at, &all.receipts);
    let listed: Vec<LoadedFile> = (1..).zip(&files).map(listed).collect();
    let live = Live { files: &listed, receipts: &all.receipts };
    let sources: BTreeSet<String> = listed.iter().map(|f| f.source.clone()).collect();
    let compared = compare_receipts(&machine.plain_session()?, &plans, live, &sources, FIRST_RUN).await?;
    let found = intake.findings.into_iter().chain(queue.findings);
    let findings: Vec<_> = found.chain(std::mem::take(&mut all.findings)).chain(compared).collect();
    let labels =
        files.iter().filter(|_| known).map(|f| (f.extract().to_owned(), names::label(key, f.extract()))).collect();
    Ok(RowsChecked { receipts: all.receipts, findings, refused: errors, labels })
}

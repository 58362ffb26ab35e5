//! Which of the files that lie in a folder are extracts: the others are passed over and told, or refused where they look like one.

use svp_contract::{Finding, FindingKind};
use svp_lake::input::{FoundFile, InputFile, open_blocking};

use crate::desk;
use crate::error::IngestError;
use crate::load::SourcePlan;
use crate::name::{NamePattern, leftover};
use crate::read::{self, ReadError};

/// Share of a feed's columns from which a file of another name looks like an extract of it.
const LOOKS_LIKE: f64 = 0.9;

/// What lies in the folders of a run.
#[derive(Debug, Default)]
pub struct Intake {
    /// Extracts, with the index of their plan.
    pub files: Vec<(usize, InputFile)>,
    /// Files that were passed over.
    pub findings: Vec<Finding>,
}

impl Intake {
    /// Sorts the files out that were found for a source. `others` are the sources of the site by their names.
    ///
    /// # Errors
    /// [`IngestError::Slot`] for a file whose name does not fit and that somebody named, or that has the columns of a feed; a
    /// file that cannot be opened.
    pub fn take(
        &mut self,
        plans: &[SourcePlan],
        plan: usize,
        others: &[(String, NamePattern)],
        found: Vec<FoundFile>,
    ) -> Result<usize, IngestError> {
        let mut taken = 0;
        for FoundFile { file, named } in found {
            match judge(&plans[plan], others, &file, named)? {
                None => {
                    taken += 1;
                    self.files.push((plan, file));
                }
                Some(what) => {
                    let source = &plans[plan].source.name;
                    self.findings.push(Finding::new(FindingKind::PassedOver, source, "", &file.name, what));
                }
            }
        }
        Ok(taken)
    }
}

/// Why a file is no extract of a source; `None` for one that is.
fn judge(
    plan: &SourcePlan,
    others: &[(String, NamePattern)],
    file: &InputFile,
    named: bool,
) -> Result<Option<String>, IngestError> {
    if plan.file_name(&file.name).is_some() {
        let sealed = file.name.to_lowercase().ends_with(&format!(".{}", desk::EXTENSION));
        return Ok(match sealed || plan.reads(&file.name) {
            true => None,
            false => Some("it holds a table that no feed of the source reads".to_owned()),
        });
    }
    if let Some(what) = leftover(&file.name) {
        return Ok(Some(format!("it is {what}")));
    }
    if desk::is_encoded(file)? {
        return Ok(None);
    }
    let refused = || IngestError::Slot { file: file.name.clone(), source_name: plan.source.name.clone() };
    if named {
        return Err(refused());
    }
    let other = others.iter().find(|(name, pattern)| *name != plan.source.name && pattern.read(&file.name).is_some());
    if let Some((other, _)) = other {
        return Ok(Some(format!("by its name it is of source {other}")));
    }
    let mut fits = false;
    for (kind, columns) in plan.readers() {
        match read::header(kind, &file.name, open_blocking(file)?) {
            Ok(header) => {
                let there = columns.iter().filter(|c| header.contains(c)).count();
                fits |= there as f64 >= LOOKS_LIKE * columns.len().max(1) as f64;
            }
            Err(error @ ReadError::Io { .. }) => return Err(error.into()),
            Err(_) => {}
        }
    }
    if fits {
        return Err(refused());
    }
    Ok(Some("neither its name nor its columns are those of the source".to_owned()))
}

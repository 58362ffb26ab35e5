//! Findings that would refuse and are accepted, by name and with a reason.

use svp_contract::{Acceptance, FindingKind};
use svp_ingest::Pending;

use crate::error::AppError;
use crate::request::AcceptChoice;
use crate::state::RunState;

/// The acceptances of a request, given at the time `at` (RFC 3339) for the run `run`.
///
/// # Errors
/// [`AppError::Argument`] for a text that names no slot and kind, a kind that does not refuse, a reason that is empty.
pub(crate) fn acceptances(choice: &AcceptChoice, at: &str, run: u64) -> Result<Vec<Acceptance>, AppError> {
    let reason = choice.reason.as_deref().unwrap_or_default();
    let shrink = choice.accept_shrink.iter().map(|at| format!("{at}:{}", FindingKind::Shrunk));
    let one = |text: String| {
        let wrong = |what: String| AppError::Argument {
            what,
            hint: "write --accept SOURCE:SLOT:KIND as the refusal prints it, with --reason WHY".to_owned(),
        };
        let parts: Vec<&str> = text.split(':').collect();
        let (source, slot, kind) = match parts.as_slice() {
            [source, slot, kind] => (*source, *slot, *kind),
            [source, kind] => (*source, "", *kind),
            _ => return Err(wrong(format!("--accept {text} does not name source, slot and kind"))),
        };
        let kind = FindingKind::of(kind).filter(|k| k.refuses()).ok_or_else(|| {
            let known: Vec<&str> = FindingKind::ALL.iter().filter(|k| k.refuses()).map(|k| k.name()).collect();
            wrong(format!("there is no finding `{kind}` that refuses; there are: {}", known.join(", ")))
        })?;
        if reason.trim().is_empty() {
            return Err(wrong(format!("--accept {text} has no reason")));
        }
        Ok(Acceptance {
            source: source.to_owned(),
            slot: slot.to_owned(),
            kind,
            reason: reason.to_owned(),
            at: at.to_owned(),
            run,
            sha256: String::new(),
        })
    };
    choice.accept.iter().cloned().chain(shrink).map(one).collect()
}

/// The acceptances that stand behind a release of run `run`: those of files that are live, and those of the run itself that name
/// no file.
pub(crate) fn of_live_files(state: &RunState, run: u64) -> Vec<Acceptance> {
    let live =
        |a: &Acceptance| state.files.iter().any(|f| !f.superseded && f.source == a.source && f.sha256 == a.sha256);
    state.accepted.iter().filter(|a| live(a) || (a.sha256.is_empty() && a.run == run)).cloned().collect()
}

/// Of earlier acceptances, those that were given for the very bytes that are loaded now.
pub(crate) fn of_these_bytes<'a>(
    earlier: &'a [Acceptance],
    files: &'a [Pending],
) -> impl Iterator<Item = &'a Acceptance> {
    earlier.iter().filter(|a| !a.sha256.is_empty() && files.iter().any(|f| f.content == a.sha256 && f.is_of(&a.slot)))
}
